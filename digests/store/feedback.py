"""Implementation of `digests.ports.feedback.Feedback`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, select

from digests.feedback import Opinion
from digests.store import schema
from digests.store.engine import Database, in_json_array, upsert
from digests.subscription import Channel

feedback, papers = schema.feedback, schema.papers

# Built once: SQLAlchemy takes longer to build such a statement than the database to answer it.
_OPINIONS = (
    select(feedback, papers.c.primary_category)
    .join_from(feedback, papers, papers.c.name == feedback.c.paper, isouter=True)
    .where(
        feedback.c.at >= bindparam("since", type_=schema.Instant),
        in_json_array(feedback.c.channel, "channels"),
    )
    .order_by(feedback.c.at.desc(), feedback.c.paper, feedback.c.person)
)


@dataclass(frozen=True, slots=True)
class SqlFeedback:
    """Opinions in SQLite or PostgreSQL."""

    database: Database

    def find_opinion(self, channel: Channel, paper: str, person: str) -> bool | None:
        query = (
            select(feedback.c.is_more)
            .where(*_is_in_channel(channel), feedback.c.paper == paper, feedback.c.person == person)
            .order_by(feedback.c.at.desc())
            .limit(1)
        )
        with self.database.read() as connection:
            return connection.execute(query).scalar()

    def set_opinion(
        self, channel: Channel, paper: str, person: str, is_more: bool | None, *, now: datetime
    ) -> None:
        is_own = (*_is_in_channel(channel), feedback.c.paper == paper, feedback.c.person == person)
        row = {
            "platform": channel.platform,
            "workspace": channel.workspace,
            "channel": channel.channel,
            "paper": paper,
            "person": person,
            "is_more": is_more,
            "at": now,
        }
        with self.database.write() as connection:
            if is_more is None:
                connection.execute(delete(feedback).where(*is_own))
            else:
                connection.execute(delete(feedback).where(*is_own, feedback.c.workspace != channel.workspace))
                upsert(connection, feedback, row, {"is_more": is_more, "at": now})

    def list_opinions(
        self, channels: Collection[Channel], *, since: datetime, limit: int
    ) -> Mapping[Channel, tuple[Opinion, ...]]:
        wanted: dict[tuple[str, str], list[Channel]] = {}
        for channel in channels:
            wanted.setdefault((channel.platform, channel.channel), []).append(channel)
        parameters = {"since": since, "channels": sorted({channel.channel for channel in channels})}
        found: dict[Channel, list[Opinion]] = {}
        with self.database.read() as connection:
            for row in connection.execute(_OPINIONS, parameters):
                opinion = Opinion(row.paper, row.person, row.is_more, row.primary_category or "")
                place = Channel(row.platform, row.channel, row.workspace)
                for channel in wanted.get((row.platform, row.channel), ()):
                    if channel.may_match(place):
                        found.setdefault(channel, []).append(opinion)
        return {channel: tuple(opinions[:limit]) for channel, opinions in found.items()}

    def reset(self, channel: Channel) -> int:
        with self.database.write() as connection:
            return connection.execute(delete(feedback).where(*_is_in_channel(channel))).rowcount


def _is_in_channel(channel: Channel) -> tuple[ColumnElement[bool], ...]:
    is_there = (feedback.c.platform == channel.platform, feedback.c.channel == channel.channel)
    return (*is_there, feedback.c.workspace.in_((channel.workspace, ""))) if channel.workspace else is_there
