"""Posts of meetings: begun at their hour, and edited after a change. Runs inside the caller's transaction."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, or_, select, update

from digests.errors import StoreError
from digests.meetings.timetable import (
    MeetingPost,
    find_due_posts,
    find_next_step,
    list_posts,
    plan_next_meeting,
)
from digests.ports.meetings import Meeting
from digests.ports.outbox import DeliveryState
from digests.store import schema
from digests.store.engine import insert_if_absent
from digests.store.meetings import insert_meeting, load_coming_meeting
from digests.store.outbox.conditions import LEASED, RETRYABLE, is_one_of
from digests.store.subscriptions import running_conditions

plans, meetings, posts = schema.meeting_plans, schema.meetings, schema.meeting_posts
deliveries, subscriptions = schema.deliveries, schema.subscriptions

log = logging.getLogger(__name__)

EDIT_POLL = timedelta(minutes=1)
"""Time after which a post that could not be edited, since it was just being posted, is looked at again."""


def begin_meeting_posts(connection: Connection, now: datetime, limit: int) -> None:
    """Take the steps of up to `limit` plans that are due, oldest first.

    Posts that are due get a delivery, which waits to be leased. Posted ones that show an older state than the
    meeting's are due again, to be edited. After its start the next meeting is planned. Plans that another
    process has locked are passed over, and so are those of a digest that is paused or stopped. One that
    cannot be read is logged, and rests until it is changed.
    """
    # A subquery over the few plans that are due: with a join, SQLite begins at every subscription.
    is_running = exists().where(subscriptions.c.id == plans.c.subscription, *running_conditions())
    due = (
        select(plans)
        .where(plans.c.next_step_at <= now, is_running)
        .order_by(plans.c.next_step_at, plans.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=plans)
    )
    for row in connection.execute(due).fetchall():
        try:
            _PlanStep(connection, row, now).take()
        except StoreError as error:
            log.error("digest %d: %s", row.subscription, error)
            _set_next_step(connection, row.id, None)


def _set_next_step(connection: Connection, plan_id: int, at: datetime | None) -> None:
    connection.execute(update(plans).where(plans.c.id == plan_id).values(next_step_at=at))


@dataclass(frozen=True, slots=True)
class _PlanStep:
    """One step of a plan, whose row is locked."""

    connection: Connection
    row: Row[Any]
    now: datetime

    def take(self) -> None:
        meeting = load_coming_meeting(self.connection, self.row.id)
        if meeting and self.row.is_active and meeting.timetable.starts_at <= self.now:
            self._plan_next_meeting(meeting)
            meeting = load_coming_meeting(self.connection, self.row.id)
        next_step_at = None
        if meeting and self.row.is_active:
            planned = list_posts(
                meeting.plan,
                meeting.timetable,
                is_chosen=meeting.paper is not None,
                had_poll=bool(meeting.candidates),
            )
            for post in find_due_posts(planned, self.now):
                self._begin_post(meeting, post)
            next_step_at = find_next_step(planned, meeting.timetable, self.now)
        if self._reopen_outdated_posts():
            next_step_at = min(filter(None, (next_step_at, self.now + EDIT_POLL)))
        _set_next_step(self.connection, self.row.id, next_step_at)

    def _plan_next_meeting(self, last: Meeting) -> None:
        """Plan the meeting after one that has begun. A paper that was not discussed is kept for it.

        The agenda of one that is held is edited: it asks what people think of the paper.
        """
        after = last.timetable.starts_at
        timetable = plan_next_meeting(last.plan, self.now, after=after)
        postponed = last if last.paper and not last.is_held else None
        insert_meeting(self.connection, self.row.id, last.plan, timetable, postponed)
        if last.paper and last.is_held:
            begun = update(meetings).where(meetings.c.id == last.id)
            self.connection.execute(begun.values(revision=meetings.c.revision + 1))

    def _begin_post(self, meeting: Meeting, post: MeetingPost) -> None:
        """Insert the delivery of a post, due now, unless it has one."""
        key = {
            "subscription": self.row.subscription,
            "edition": meeting.plan.find_day(post.due_at),
            "kind": post.kind,
        }
        first_values = {"attempts": 0, "reason": "", "state": DeliveryState.RETRYING, "owner": ""}
        times = {"next_try_at": self.now, "due_at": post.due_at, "first_missed": None}
        insert_if_absent(self.connection, deliveries, {**key, **first_values, **times})
        is_it = and_(*(deliveries.c[name] == value for name, value in key.items()))
        delivery_id = self.connection.execute(select(deliveries.c.id).where(is_it)).scalar()
        insert_if_absent(self.connection, posts, {"delivery": delivery_id, "meeting": meeting.id})

    def _reopen_outdated_posts(self) -> bool:
        """Make posted messages due again that show an older state, and return True if others are in progress.

        A delivery that was given up stays so.
        """
        outdated = self._find_outdated(DeliveryState.POSTED)
        if outdated:
            self.connection.execute(
                update(deliveries)
                .where(deliveries.c.id.in_(outdated), deliveries.c.state == DeliveryState.POSTED)
                .values(state=DeliveryState.RETRYING, next_try_at=self.now)
            )
        return bool(self._find_outdated(*LEASED, *RETRYABLE))

    def _find_outdated(self, *states: DeliveryState) -> Sequence[int]:
        """Return the posts that show an older revision than their meeting's, or whose plan is not stored."""
        is_outdated = or_(deliveries.c.watermark.is_(None), deliveries.c.watermark < meetings.c.revision)
        query = (
            select(deliveries.c.id)
            .join(posts, posts.c.delivery == deliveries.c.id)
            .join(meetings, meetings.c.id == posts.c.meeting)
            .where(
                meetings.c.plan == self.row.id,
                is_outdated,
                is_one_of(deliveries.c.state, states),
            )
        )
        return self.connection.execute(query).scalars().all()
