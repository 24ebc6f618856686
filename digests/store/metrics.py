"""Counts of the store. Implements `digests.ports.metrics.Metrics`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import and_, case, distinct, exists, func, not_, select

from digests.ports.metrics import COUNTED_HOURS, LATE_AFTER, StoreMetrics, WorkspaceUse
from digests.ports.outbox import DeliveryState, PageState
from digests.store import schema
from digests.store.engine import Database
from digests.store.outbox.conditions import LEASED, RETRYABLE, has_live_lease, is_one_of

deliveries, pages, posts, subscriptions = (
    schema.deliveries,
    schema.pages,
    schema.posts,
    schema.subscriptions,
)
marks, papers, requests = schema.marks, schema.papers, schema.paper_requests

_UNFINISHED = LEASED + RETRYABLE


@dataclass(frozen=True, slots=True)
class SqlMetrics:
    """Counts in SQLite or PostgreSQL."""

    database: Database

    def collect(self, *, now: datetime) -> StoreMetrics:
        is_unfinished = is_one_of(deliveries.c.state, _UNFINISHED)
        is_running = and_(
            subscriptions.c.active, subscriptions.c.paused_by == "", subscriptions.c.stop_reason == ""
        )
        is_overdue = subscriptions.c.next_due_at < now - LATE_AFTER
        kind = case((subscriptions.c.paused_by != "", "paused"), (is_running, "running"), else_="stopped")
        is_being_sent = and_(has_live_lease(now), pages.c.state == PageState.POSTING)
        with self.database.read() as connection:
            channels = connection.execute(
                select(kind.label("kind"), func.count()).where(subscriptions.c.active).group_by("kind")
            )
            by_kind = {row[0]: row[1] for row in channels}
            editions = connection.execute(
                select(deliveries.c.state, func.count()).where(is_unfinished).group_by(deliveries.c.state)
            )
            by_state = {DeliveryState(row[0]): row[1] for row in editions}
            unsent = connection.execute(
                select(pages.c.state, func.count())
                .join(deliveries, deliveries.c.id == pages.c.delivery)
                .where(
                    is_unfinished,
                    is_one_of(pages.c.state, (PageState.PLANNED, PageState.POSTING)),
                    not_(is_being_sent),
                )
                .group_by(pages.c.state)
            )
            by_page_state = {row[0]: row[1] for row in unsent}
            not_begun = connection.execute(
                select(func.count()).select_from(subscriptions).where(is_running, is_overdue)
            ).scalar_one()
            # No join: SQLite would begin with every subscription, in place of the few unfinished deliveries.
            of_running = exists().where(subscriptions.c.id == deliveries.c.subscription, is_running)
            not_ended = connection.execute(
                select(func.count())
                .select_from(deliveries)
                .where(is_unfinished, deliveries.c.due_at < now - LATE_AFTER, of_running)
            ).scalar_one()
            platforms = connection.execute(select(subscriptions.c.platform).distinct()).scalars().all()
            # By the index of platform and time.
            posted = connection.execute(
                select(func.count())
                .select_from(posts)
                .where(
                    posts.c.platform.in_(platforms),
                    posts.c.posted_at >= now - timedelta(hours=COUNTED_HOURS),
                )
            ).scalar_one()
        return StoreMetrics(
            {name: by_kind.get(name, 0) for name in ("running", "paused", "stopped")},
            {state: by_state.get(state, 0) for state in _UNFINISHED},
            by_page_state.get(PageState.PLANNED, 0),
            by_page_state.get(PageState.POSTING, 0),
            not_begun + not_ended,
            posted,
        )

    def count_use(self, *, today: date) -> Mapping[tuple[str, str], WorkspaceUse]:
        wanted = (
            select(marks.c.platform, marks.c.workspace, marks.c.paper, marks.c.person)
            .where(marks.c.is_on)
            .distinct()
            .subquery()
        )
        place = (requests.c.platform, requests.c.workspace)
        is_open = not_(exists().where(papers.c.name == requests.c.paper, papers.c.review.is_not(None)))
        is_granted = requests.c.granted_on == today
        with self.database.read() as connection:
            marked = connection.execute(
                select(wanted.c.platform, wanted.c.workspace, func.count()).group_by(
                    wanted.c.platform, wanted.c.workspace
                )
            )
            mark_counts = {(row[0], row[1]): row[2] for row in marked}
            asked = connection.execute(
                select(
                    *place,
                    func.count(distinct(case((is_open, requests.c.paper)))),
                    func.count(distinct(case((is_granted, requests.c.paper)))),
                ).group_by(*place)
            )
            request_counts = {(row[0], row[1]): (row[2], row[3]) for row in asked}
        return {
            place: WorkspaceUse(mark_counts.get(place, 0), *request_counts.get(place, (0, 0)))
            for place in mark_counts.keys() | request_counts.keys()
        }
