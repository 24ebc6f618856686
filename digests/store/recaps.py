"""Implementation of `digests.ports.recaps.Recaps`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, exists, false, func, or_, select

from digests.ports.outbox import DeliveryState
from digests.recap import RecapFacts, RecapSpan, ShownPaper
from digests.store import schema
from digests.store.engine import Database, in_json_array
from digests.store.outbox.conditions import is_digest
from digests.subscription import Channel, Subscription
from digests.team_agreement import JudgedPaper

deliveries, subscriptions, posts = schema.deliveries, schema.subscriptions, schema.posts
answers = schema.discussion_answers
post_papers, marks, discussions = schema.post_papers, schema.marks, schema.discussions
meetings, meeting_plans = schema.meetings, schema.meeting_plans
library = schema.papers

# Built once: SQLAlchemy takes longer to build such a statement than the database to answer it.
_POSTED_PAPERS = (
    select(posts.c.delivery, post_papers.c.paper, post_papers.c.score)
    .join_from(posts, post_papers, post_papers.c.post == posts.c.id)
    .where(in_json_array(posts.c.delivery, "deliveries"))
    .order_by(posts.c.first_number, post_papers.c.ordinal)
)


@dataclass(frozen=True, slots=True)
class SqlRecaps:
    """Views in SQLite or PostgreSQL."""

    database: Database

    def list_judged_digests(self, channel: Channel, limit: int) -> Sequence[Sequence[JudgedPaper]]:
        newest = (
            select(deliveries.c.id)
            .join(subscriptions, subscriptions.c.id == deliveries.c.subscription)
            .where(
                subscriptions.c.platform == channel.platform,
                subscriptions.c.channel == channel.channel,
                is_digest(),
                deliveries.c.state == DeliveryState.POSTED,
            )
            .order_by(deliveries.c.edition.desc(), deliveries.c.id.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            keys = connection.execute(newest).scalars().all()
            rows = connection.execute(_POSTED_PAPERS, {"deliveries": keys}).fetchall()
            wanted = _find_wanted(connection, channel, sorted({row.paper for row in rows}))
        papers: dict[int, dict[str, JudgedPaper]] = {key: {} for key in keys}
        for row in rows:
            papers[row.delivery][row.paper] = JudgedPaper(row.paper, row.score, row.paper in wanted)
        return [tuple(of_digest.values()) for of_digest in papers.values()]

    def load_facts(self, subscription: Subscription, span: RecapSpan) -> RecapFacts:
        with self.database.read() as connection:
            return RecapFacts(
                _load_shown(connection, subscription, span),
                _count_marks(connection, subscription.channel, span),
                _load_discussed(connection, subscription, span),
            )

    def list_shown(self, channel: Channel, papers: Sequence[str]) -> frozenset[str]:
        shown = (
            select(post_papers.c.paper)
            .join(posts, posts.c.id == post_papers.c.post)
            .join(deliveries, deliveries.c.id == posts.c.delivery)
            .where(
                post_papers.c.platform == channel.platform,
                post_papers.c.channel == channel.channel,
                in_json_array(post_papers.c.paper, "papers"),
                is_digest(),
            )
        )
        with self.database.read() as connection:
            return frozenset(connection.execute(shown, {"papers": papers}).scalars())


def _load_shown(
    connection: Connection, subscription: Subscription, span: RecapSpan
) -> tuple[ShownPaper, ...]:
    query = (
        select(post_papers.c.paper, deliveries.c.edition, post_papers.c.score)
        .join(posts, posts.c.id == post_papers.c.post)
        .join(deliveries, deliveries.c.id == posts.c.delivery)
        .where(
            deliveries.c.subscription == subscription.id,
            deliveries.c.edition >= span.first,
            deliveries.c.edition < span.end,
            is_digest(),
        )
        .order_by(deliveries.c.edition, posts.c.first_number, post_papers.c.ordinal)
    )
    rows = connection.execute(query).fetchall()
    # A thread shows its papers twice, in the list and on the cards.
    found = {(row.edition, row.paper): ShownPaper(row.paper, row.edition, row.score) for row in rows}
    return tuple(found.values())


def _count_marks(connection: Connection, channel: Channel, span: RecapSpan) -> dict[str, int]:
    count = func.count(marks.c.person.distinct())
    query = (
        select(marks.c.paper, count)
        .select_from(marks.outerjoin(library, library.c.name == marks.c.paper))
        .where(
            marks.c.platform == channel.platform,
            marks.c.channel == channel.channel,
            marks.c.workspace.in_((channel.workspace, "")),
            marks.c.is_on,
            marks.c.at >= span.since,
            marks.c.at < span.until,
        )
        .group_by(marks.c.paper)
        .order_by(
            count.desc(), func.max(library.c.score).desc().nulls_last(), func.min(marks.c.at), marks.c.paper
        )
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _load_discussed(connection: Connection, subscription: Subscription, span: RecapSpan) -> tuple[str, ...]:
    channel = subscription.channel
    of_meetings = (
        select(meetings.c.paper, meetings.c.starts_at)
        .join(meeting_plans, meeting_plans.c.id == meetings.c.plan)
        .where(
            meeting_plans.c.subscription == subscription.id,
            meetings.c.is_held,
            meetings.c.paper.is_not(None),
            meetings.c.starts_at >= span.since,
            meetings.c.starts_at < span.until,
        )
    )
    # A meeting takes its paper off the queue days before it begins.
    is_of_meeting = exists().where(
        meetings.c.paper == discussions.c.paper, meetings.c.chosen_at == discussions.c.at
    )
    was_here = or_(
        exists().where(
            post_papers.c.platform == channel.platform,
            post_papers.c.channel == channel.channel,
            post_papers.c.paper == discussions.c.paper,
        ),
        exists().where(
            marks.c.platform == channel.platform,
            marks.c.channel == channel.channel,
            marks.c.workspace.in_((channel.workspace, "")),
            marks.c.paper == discussions.c.paper,
            marks.c.is_on,
        ),
    )
    of_people = select(discussions.c.paper, discussions.c.at).where(
        discussions.c.platform == channel.platform,
        discussions.c.workspace.in_((channel.workspace, "")),
        or_(
            discussions.c.channel == channel.channel,
            # One person's conversation has a queue of its own.
            and_(discussions.c.channel == "", was_here, *([false()] if channel.is_direct else [])),
        ),
        discussions.c.at >= span.since,
        discussions.c.at < span.until,
        ~is_of_meeting,
    )
    rows = [tuple(row) for query in (of_meetings, of_people) for row in connection.execute(query)]
    return tuple(dict.fromkeys(paper for paper, _ in sorted(rows, key=lambda row: (row[1], row[0]))))


def _find_wanted(connection: Connection, channel: Channel, papers: Sequence[str]) -> frozenset[str]:
    """Return those of the papers that people of a channel wanted: by their answers, or marks and discussions.

    Answers about a discussed paper come after all else that was said of it.
    """
    marked = select(marks.c.paper).where(
        marks.c.platform == channel.platform,
        marks.c.channel == channel.channel,
        marks.c.workspace.in_((channel.workspace, "")),
        marks.c.is_on,
        in_json_array(marks.c.paper, "papers"),
    )
    discussed = select(discussions.c.paper).where(
        discussions.c.platform == channel.platform,
        discussions.c.workspace.in_((channel.workspace, "")),
        # One person's conversation has a queue of its own.
        discussions.c.channel.in_((channel.channel, "")[: 1 if channel.is_direct else 2]),
        in_json_array(discussions.c.paper, "papers"),
    )
    was_worth_it = func.sum(case((answers.c.is_worth_it, 1), else_=-1))
    answered = (
        select(answers.c.paper, was_worth_it)
        .where(
            answers.c.platform == channel.platform,
            answers.c.workspace.in_((channel.workspace, "")),
            answers.c.channel.in_((channel.channel, "")[: 1 if channel.is_direct else 2]),
            answers.c.is_worth_it.is_not(None),
            in_json_array(answers.c.paper, "papers"),
        )
        .group_by(answers.c.paper)
    )
    parameters = {"papers": papers}
    wanted = {
        paper for query in (marked, discussed) for paper in connection.execute(query, parameters).scalars()
    }
    balance = {row[0]: row[1] for row in connection.execute(answered, parameters)}
    liked, disliked = ({paper for paper, each in balance.items() if sign * each > 0} for sign in (1, -1))
    return frozenset((wanted | liked) - disliked)
