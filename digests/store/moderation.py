"""Implementation of `digests.ports.moderation.Moderation`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from digests.model import HoldState
from digests.ports.moderation import HeldPaper, ModerationDecision
from digests.store import schema
from digests.store.engine import Database, insert_if_absent
from digests.store.library import fetch_papers

holds, papers = schema.holds, schema.papers


@dataclass(frozen=True, slots=True)
class SqlModeration:
    """Held papers in SQLite or PostgreSQL."""

    database: Database

    def hold(self, paper: str, reason: str, *, now: datetime) -> None:
        with self.database.write() as connection:
            insert_if_absent(
                connection,
                holds,
                {"paper": paper, "state": HoldState.HELD, "reason": reason, "by": "", "at": now},
            )

    def list_held(self) -> Sequence[HeldPaper]:
        query = select(holds).where(holds.c.state == HoldState.HELD).order_by(holds.c.at, holds.c.paper)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
            known = fetch_papers(connection, [row.paper for row in rows])
        return [HeldPaper(known[row.paper], row.reason, row.at) for row in rows if row.paper in known]

    def release(self, paper: str, *, by: str, by_id: str, now: datetime) -> bool:
        with self.database.write() as connection:
            if not _decide_hold(connection, paper, HoldState.RELEASED, by, by_id, now):
                return False
            counter = schema.counters
            last_seq_query = select(counter.c.value).where(counter.c.name == "change").with_for_update()
            seq = connection.execute(last_seq_query).scalar_one() + 1
            announced_values = {"known_seq": seq, "known_at": now, "changed_seq": seq}
            connection.execute(update(papers).where(papers.c.name == paper).values(announced_values))
            connection.execute(update(counter).where(counter.c.name == "change").values(value=seq))
        return True

    def reject(self, paper: str, *, by: str, by_id: str, now: datetime) -> bool:
        with self.database.write() as connection:
            return _decide_hold(connection, paper, HoldState.REJECTED, by, by_id, now)

    def find_decision(self, paper: str) -> ModerationDecision | None:
        decided = select(holds).where(holds.c.paper == paper, holds.c.state != HoldState.HELD)
        with self.database.read() as connection:
            row = connection.execute(decided).one_or_none()
        return ModerationDecision(row.state == HoldState.RELEASED, row.by, row.by_id, row.at) if row else None


def _decide_hold(
    connection: Connection, paper: str, state: HoldState, by: str, by_id: str, now: datetime
) -> bool:
    """Store the decision about a held paper; return False, changing nothing, if it is not held any more."""
    held = update(holds).where(holds.c.paper == paper, holds.c.state == HoldState.HELD)
    decided: int = connection.execute(held.values(state=state, by=by, by_id=by_id, at=now)).rowcount
    return decided == 1
