"""Implementation of `digests.ports.moderation.Moderation`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
        values = {"paper": paper, "state": HoldState.HELD, "reason": reason, "by": "", "at": now}
        with self.database.write() as connection:
            if insert_if_absent(connection, holds, values):
                _record_change(connection, paper)

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
            _record_change(connection, paper, announced_at=now)
        return True

    def reject(self, paper: str, *, by: str, by_id: str, now: datetime) -> bool:
        with self.database.write() as connection:
            is_rejected = _decide_hold(connection, paper, HoldState.REJECTED, by, by_id, now)
            if is_rejected:
                _record_change(connection, paper)
        return is_rejected

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


def _record_change(connection: Connection, paper: str, announced_at: datetime | None = None) -> None:
    """Draw a sequence number for a paper, so that posted messages that show it are refreshed.

    With `announced_at` the paper becomes known again at that instant.
    """
    counter = schema.counters
    last_seq = select(counter.c.value).where(counter.c.name == "change").with_for_update()
    seq = connection.execute(last_seq).scalar_one() + 1
    values: dict[str, Any] = {"changed_seq": seq}
    if announced_at:
        values |= {"known_seq": seq, "known_at": announced_at}
    connection.execute(update(papers).where(papers.c.name == paper).values(values))
    connection.execute(update(counter).where(counter.c.name == "change").values(value=seq))
