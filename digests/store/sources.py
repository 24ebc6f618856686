"""How far sources have come, and turns. Keeps the contract of `digests.ports.sources.Sources`."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from digests.ports.outbox import MAX_CLOCK_SKEW
from digests.ports.sources import SourceState
from digests.store import schema
from digests.store.engine import Database, insert_if_absent

sources, turns = schema.sources, schema.turns

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SqlSources:
    """Sources in a database of any kind."""

    database: Database

    def load_state(self, source: str) -> SourceState:
        with self.database.read() as connection:
            row = connection.execute(select(sources).where(sources.c.name == source)).first()
        if row is None:
            return SourceState()
        return SourceState(row.position, row.last_try, row.last_success, row.failure, row.next_try_at)

    def save_state(self, source: str, state: SourceState) -> None:
        values = asdict(state)
        with self.database.write() as connection:
            if not insert_if_absent(connection, sources, {"name": source, **values}):
                connection.execute(update(sources).where(sources.c.name == source).values(values))

    def take_turn(self, server: str, owner: str, *, now: datetime, lease: timedelta) -> datetime | None:
        of_server = turns.c.name == server
        with self.database.write() as connection:
            insert_if_absent(connection, turns, {"name": server, "owner": "", "free_at": LONG_AGO})
            free_at: datetime = connection.execute(
                select(turns.c.free_at).where(of_server).with_for_update()
            ).scalar_one()
            if now < free_at <= now + MAX_CLOCK_SKEW:
                return free_at
            connection.execute(update(turns).where(of_server).values(owner=owner, free_at=now + lease))
        return None

    def end_turn(self, server: str, owner: str, *, free_at: datetime) -> None:
        own_turn = update(turns).where(turns.c.name == server, turns.c.owner == owner)
        with self.database.write() as connection:
            connection.execute(own_turn.values(owner="", free_at=free_at))
