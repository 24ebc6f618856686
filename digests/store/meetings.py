"""Implementation of the contracts of `digests.ports.meetings`."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, and_, delete, func, or_, select, update

from digests.errors import StoreError
from digests.meetings.model import Candidate, DaysOff, MeetingPlan, Member, Timetable
from digests.meetings.timetable import move_meeting, plan_next_meeting
from digests.ports.meetings import Meeting
from digests.store import schema
from digests.store.engine import Database, insert_many, upsert
from digests.subscription import Channel, Schedule

plans, meetings, members = schema.meeting_plans, schema.meetings, schema.meeting_members
candidates, votes, posts = schema.meeting_candidates, schema.meeting_votes, schema.meeting_posts
subscriptions, marks = schema.subscriptions, schema.marks

LOCK_NAME = "meetings"
"""Name of the lock under which people's changes of meetings run one after the other."""


@dataclass(frozen=True, slots=True)
class SqlMeetingPlans:
    """Plans of meetings in SQLite or PostgreSQL."""

    database: Database

    def find(self, channel: Channel) -> Meeting | None:
        query = (
            select(plans.c.id)
            .join(subscriptions, subscriptions.c.id == plans.c.subscription)
            .where(
                subscriptions.c.platform == channel.platform,
                subscriptions.c.channel == channel.channel,
                subscriptions.c.active,
            )
            .order_by(plans.c.is_active.desc(), plans.c.at.desc())
        )
        if channel.workspace:  # Slack gives a channel that two workspaces share one id in both.
            query = query.where(subscriptions.c.workspace.in_((channel.workspace, "")))
        with self.database.read() as connection:
            plan_id = connection.execute(query.limit(1)).scalar()
            return load_coming_meeting(connection, plan_id) if plan_id is not None else None

    def save(self, subscription_id: int, plan: MeetingPlan, *, by: str, by_id: str, now: datetime) -> Meeting:
        with self.database.write(LOCK_NAME) as connection:
            row = connection.execute(
                select(plans).where(plans.c.subscription == subscription_id).with_for_update()
            ).first()
            if row is None:
                plan_id = _insert_plan(connection, subscription_id, plan, by, by_id, now)
            else:
                plan_id = row.id
                _change_plan(connection, row, plan, by, by_id, now, is_active=True)
            _end_other_plans(connection, subscription_id, by, by_id, now)
            return _load_stored(connection, plan_id)

    def end(self, plan_id: int, *, by: str, by_id: str, now: datetime) -> Meeting | None:
        with self.database.write(LOCK_NAME) as connection:
            row = _lock_plan(connection, plan_id)
            if row is None or not row.is_active:
                return None
            plan = plan_from_json(row.content)
            _change_plan(connection, row, plan, by, by_id, now, is_active=False)
            return _load_stored(connection, plan_id)

    def undo(self, plan_id: int, plan_revision: int, *, by: str, by_id: str, now: datetime) -> Meeting | None:
        with self.database.write(LOCK_NAME) as connection:
            row = _lock_plan(connection, plan_id)
            if row is None or row.revision != plan_revision:
                return None
            before = json.loads(row.before)
            plan = plan_from_json(before["content"])
            _change_plan(connection, row, plan, by, by_id, now, is_active=before["is_active"])
            return _load_stored(connection, plan_id)

    def save_member(self, plan_id: int, member: Member) -> None:
        values = {
            "joined_at": member.joined_at,
            "passed_at": member.passed_at,
            "away_first": member.away.first if member.away else None,
            "away_last": member.away.last if member.away else None,
        }
        with self.database.write(LOCK_NAME) as connection:
            upsert(connection, members, {"plan": plan_id, "person": member.person, **values}, values)

    def remove_member(self, plan_id: int, person: str) -> bool:
        removal = delete(members).where(members.c.plan == plan_id, members.c.person == person)
        with self.database.write(LOCK_NAME) as connection:
            return connection.execute(removal).rowcount > 0


@dataclass(frozen=True, slots=True)
class SqlMeetings:
    """Steps of meetings in SQLite or PostgreSQL."""

    database: Database

    def find_of_delivery(self, delivery_id: int) -> Meeting | None:
        query = select(posts.c.meeting).where(posts.c.delivery == delivery_id)
        with self.database.read() as connection:
            meeting_id = connection.execute(query).scalar()
            return load_meeting(connection, meeting_id) if meeting_id is not None else None

    def find_interested(self, meeting: Meeting, *, in_workspace: bool) -> Sequence[str]:
        channel = meeting.channel
        is_there = marks.c.channel == channel.channel
        if in_workspace and channel.workspace:
            is_there = marks.c.workspace == channel.workspace
        query = select(marks.c.person).where(
            marks.c.platform == channel.platform,
            marks.c.paper == meeting.paper,
            marks.c.is_on,
            ~marks.c.is_direct,
            is_there,
        )
        voters = {person for person, paper in meeting.votes.items() if paper == meeting.paper}
        with self.database.read() as connection:
            return sorted(voters.union(connection.execute(query).scalars()))

    def list_undecided(self, *, until: datetime, limit: int) -> Sequence[Meeting]:
        query = (
            select(meetings.c.id)
            .join(plans, plans.c.id == meetings.c.plan)
            .join(subscriptions, subscriptions.c.id == plans.c.subscription)
            .where(
                plans.c.is_active,
                meetings.c.paper.is_(None),
                meetings.c.closes_at <= until,
                subscriptions.c.active,
                subscriptions.c.paused_by == "",
                subscriptions.c.stop_reason == "",
            )
            .order_by(meetings.c.closes_at, meetings.c.id)
            .limit(limit)
        )
        found = []
        with self.database.read() as connection:
            for number in connection.execute(query).scalars().all():
                with suppress(StoreError):  # What begins its posts reports a plan that cannot be read.
                    found.append(load_meeting(connection, number))
        return [meeting for meeting in found if meeting]

    def open_poll(self, meeting_id: int, offered: Sequence[Candidate]) -> Meeting | None:
        with self.database.write(LOCK_NAME) as connection:
            meeting = load_meeting(connection, meeting_id)
            if meeting is None or meeting.candidates or meeting.paper is not None:
                return meeting
            rows = [
                {"meeting": meeting_id, "number": number, "paper": each.paper, "score": each.score}
                for number, each in enumerate(offered)
            ]
            insert_many(connection, candidates, rows)
            return replace(meeting, candidates=tuple(offered))

    def vote(self, meeting_id: int, number: int, person: str, *, now: datetime) -> Meeting | None:
        with self.database.write(LOCK_NAME) as connection:
            meeting = load_meeting(connection, meeting_id)
            if (
                meeting is None
                or not meeting.is_held
                or meeting.paper is not None
                or now >= meeting.timetable.closes_at
                or not 0 <= number < len(meeting.candidates)
            ):
                return None
            choice = {"paper": meeting.candidates[number].paper, "at": now}
            _touch_meeting(connection, meeting, now)
            upsert(connection, votes, {"meeting": meeting_id, "person": person, **choice}, choice)
            return load_meeting(connection, meeting_id)

    def choose_paper(
        self, meeting: Meeting, paper: str, presenter: Member | None, *, now: datetime
    ) -> Meeting | None:
        values = {"paper": paper, "chosen_at": now, **_presenter_columns(presenter)}
        with self.database.write(LOCK_NAME) as connection:
            stored = load_meeting(connection, meeting.id)
            if stored is None or stored.revision != meeting.revision or stored.paper is not None:
                return None
            _touch_meeting(connection, stored, now)
            connection.execute(update(meetings).where(meetings.c.id == meeting.id).values(values))
            return load_meeting(connection, meeting.id)

    def release_paper(self, meeting: Meeting, *, now: datetime) -> Meeting | None:
        with self.database.write(LOCK_NAME) as connection:
            stored = load_meeting(connection, meeting.id)
            if stored is None or stored.revision != meeting.revision:
                return None
            _touch_meeting(connection, stored, now)
            release = update(meetings).where(meetings.c.id == meeting.id)
            connection.execute(release.values(paper=None, chosen_at=None))
            return load_meeting(connection, meeting.id)

    def set_presenter(
        self, meeting: Meeting, presenter: Member | None, *, declined: Member | None, now: datetime
    ) -> Meeting | None:
        with self.database.write(LOCK_NAME) as connection:
            stored = load_meeting(connection, meeting.id)
            if stored is None or stored.revision != meeting.revision:
                return None
            _touch_meeting(connection, stored, now)
            change = update(meetings).where(meetings.c.id == meeting.id)
            connection.execute(change.values(_presenter_columns(presenter)))
            if declined:
                is_declined = members.c.plan == meeting.plan_id, members.c.person == declined.person
                connection.execute(
                    update(members)
                    .where(*is_declined)
                    .values(declined=meeting.id, passed_at=declined.passed_at)
                )
            return load_meeting(connection, meeting.id)


def _presenter_columns(presenter: Member | None) -> dict[str, str]:
    return {"presenter": presenter.person if presenter else ""}


# Changes of a plan.


def _lock_plan(connection: Connection, plan_id: int) -> Row[Any] | None:
    return connection.execute(select(plans).where(plans.c.id == plan_id).with_for_update()).first()


def _insert_plan(
    connection: Connection, subscription_id: int, plan: MeetingPlan, by: str, by_id: str, now: datetime
) -> int:
    """Insert a plan with its first meeting, and return its key. Undoing it ends it."""
    content = plan_to_json(plan)
    values = {
        "subscription": subscription_id,
        "content": content,
        "before": json.dumps({"content": content, "is_active": False}),
        "is_active": True,
        "revision": 1,
        "next_step_at": now,
        "by": by,
        "by_id": by_id,
        "at": now,
    }
    plan_id = connection.execute(plans.insert().values(values).returning(plans.c.id)).scalar_one()
    insert_meeting(connection, plan_id, plan, plan_next_meeting(plan, now))
    return int(plan_id)


def _end_other_plans(
    connection: Connection, subscription_id: int, by: str, by_id: str, now: datetime
) -> None:
    """End the plans of the channel's other digests: one that was removed may come back, with its plan."""
    own = subscriptions.alias("own")
    is_of_channel = and_(
        own.c.platform == subscriptions.c.platform,
        own.c.channel == subscriptions.c.channel,
        or_(
            own.c.workspace == subscriptions.c.workspace,
            own.c.workspace == "",
            subscriptions.c.workspace == "",
        ),
    )
    others = (
        select(plans)
        .join(subscriptions, subscriptions.c.id == plans.c.subscription)
        .join(own, is_of_channel)
        .where(own.c.id == subscription_id, plans.c.subscription != subscription_id, plans.c.is_active)
        .with_for_update(of=plans)
    )
    for row in connection.execute(others).fetchall():
        plan = plan_from_json(row.content)
        _change_plan(connection, row, plan, by, by_id, now, is_active=False)


def _change_plan(
    connection: Connection,
    row: Row[Any],
    plan: MeetingPlan,
    by: str,
    by_id: str,
    now: datetime,
    *,
    is_active: bool,
) -> None:
    """Change a locked plan, and move its coming meeting or plan a new one."""
    before = json.dumps({"content": row.content, "is_active": row.is_active})
    values = {"content": plan_to_json(plan), "before": before, "is_active": is_active}
    audit = {"by": by, "by_id": by_id, "at": now, "revision": row.revision + 1, "next_step_at": now}
    connection.execute(update(plans).where(plans.c.id == row.id).values(**values, **audit))
    coming = _load_stored(connection, row.id)
    if is_active and coming.timetable.starts_at <= now:
        insert_meeting(connection, row.id, plan, plan_next_meeting(plan, now))
        return
    timetable = coming.timetable
    if is_active and plan.schedule != plan_from_json(row.content).schedule:
        timetable = move_meeting(plan, timetable, now, is_chosen=coming.paper is not None)
    moved = replace(coming, timetable=timetable)
    connection.execute(
        update(meetings)
        .where(meetings.c.id == coming.id)
        .values(**_timetable_columns(timetable), is_held=moved.is_held, revision=meetings.c.revision + 1)
    )


def insert_meeting(
    connection: Connection,
    plan_id: int,
    plan: MeetingPlan,
    timetable: Timetable,
    postponed: Meeting | None = None,
) -> None:
    """Insert the coming meeting of a plan, with the paper and the presenter of one that was called off."""
    choice: dict[str, Any] = {}
    if postponed:
        choice = {
            "presenter": postponed.presenter, "paper": postponed.paper, "chosen_at": postponed.chosen_at,
        }  # fmt: skip
    is_held = not plan.is_day_off(plan.find_day(timetable.starts_at))
    state = {"plan": plan_id, "is_held": is_held, "revision": 1}
    connection.execute(meetings.insert().values(**state, **_timetable_columns(timetable), **choice))


def _timetable_columns(timetable: Timetable) -> dict[str, datetime]:
    return {
        "poll_at": timetable.poll_at,
        "closes_at": timetable.closes_at,
        "reminder_at": timetable.reminder_at,
        "starts_at": timetable.starts_at,
    }


def _touch_meeting(connection: Connection, meeting: Meeting, now: datetime) -> None:
    """Count a change of a meeting, so that its posts are edited at once."""
    _lock_plan(connection, meeting.plan_id)  # First: whoever takes a plan's step locks it first, too.
    connection.execute(update(plans).where(plans.c.id == meeting.plan_id).values(next_step_at=now))
    change = update(meetings).where(meetings.c.id == meeting.id)
    connection.execute(change.values(revision=meetings.c.revision + 1))


# Reading.


def load_coming_meeting(connection: Connection, plan_id: int) -> Meeting | None:
    """Return the last meeting of a plan, which is the coming one; None if there is none."""
    newest = select(func.max(meetings.c.id)).where(meetings.c.plan == plan_id)
    meeting_id = connection.execute(newest).scalar()
    return load_meeting(connection, meeting_id) if meeting_id is not None else None


def _load_stored(connection: Connection, plan_id: int) -> Meeting:
    meeting = load_coming_meeting(connection, plan_id)
    if meeting is None:
        raise ValueError(f"the plan {plan_id} has no meeting")
    return meeting


def load_meeting(connection: Connection, meeting_id: int) -> Meeting | None:
    """Return a meeting, None if there is none."""
    row = connection.execute(
        select(
            meetings,
            plans.c.subscription,
            plans.c.content,
            plans.c.is_active,
            plans.c.revision.label("plan_revision"),
            subscriptions.c.platform,
            subscriptions.c.channel,
            subscriptions.c.workspace,
            subscriptions.c.is_direct,
        )
        .join(plans, plans.c.id == meetings.c.plan)
        .join(subscriptions, subscriptions.c.id == plans.c.subscription)
        .where(meetings.c.id == meeting_id)
    ).first()
    if row is None:
        return None
    offered = select(candidates).where(candidates.c.meeting == meeting_id).order_by(candidates.c.number)
    cast = select(votes.c.person, votes.c.paper).where(votes.c.meeting == meeting_id)
    others = select(meetings.c.paper).where(
        meetings.c.plan == row.plan, meetings.c.id != meeting_id, meetings.c.paper.is_not(None)
    )
    return Meeting(
        id=row.id,
        plan_id=row.plan,
        subscription_id=row.subscription,
        channel=Channel(row.platform, row.channel, row.workspace, row.is_direct),
        plan=plan_from_json(row.content),
        timetable=Timetable(row.poll_at, row.closes_at, row.reminder_at, row.starts_at),
        revision=row.revision,
        plan_revision=row.plan_revision,
        is_active=row.is_active,
        paper=row.paper,
        chosen_at=row.chosen_at,
        presenter=row.presenter,
        candidates=tuple(Candidate(each.paper, each.score) for each in connection.execute(offered)),
        votes={each.person: each.paper for each in connection.execute(cast)},
        members=_load_members(connection, row.plan, meeting_id),
        discussed=frozenset(connection.execute(others).scalars()),
        was_held=row.is_held,
    )


def _load_members(connection: Connection, plan_id: int, meeting_id: int) -> tuple[Member, ...]:
    """Return the people who may lead, in the order in which they joined.

    What they led before the meeting `meeting_id` counts.
    """
    led = (
        select(meetings.c.presenter, func.max(meetings.c.starts_at).label("led_at"))
        .where(
            meetings.c.plan == plan_id, meetings.c.id < meeting_id, meetings.c.is_held,
            meetings.c.presenter != "",
        )
        .group_by(meetings.c.presenter)
    )  # fmt: skip
    led_at = {row.presenter: row.led_at for row in connection.execute(led)}
    query = select(members).where(members.c.plan == plan_id).order_by(members.c.joined_at, members.c.person)
    return tuple(
        Member(
            row.person,
            row.joined_at,
            led_at=led_at.get(row.person),
            passed_at=row.passed_at,
            away=DaysOff(row.away_first, row.away_last) if row.away_first and row.away_last else None,
            has_declined=row.declined == meeting_id,
        )
        for row in connection.execute(query)
    )


def plan_to_json(plan: MeetingPlan) -> str:
    """Return a plan as JSON text."""
    schedule = plan.schedule
    return json.dumps(
        {
            "at": schedule.at.isoformat(),
            "days": sorted(schedule.days),
            "time_zone": schedule.time_zone,
            "every_weeks": schedule.every_weeks,
            "week_parity": schedule.week_parity,
            "place": plan.place,
            "has_poll": plan.has_poll,
            "days_off": [[str(span.first), str(span.last)] for span in plan.days_off],
        }
    )


def plan_from_json(text: str) -> MeetingPlan:
    """Return the plan of a JSON text that `plan_to_json` made. Raises StoreError for a damaged one."""
    try:
        fields = json.loads(text)
        schedule = Schedule(
            time.fromisoformat(fields["at"]),
            frozenset(map(int, fields["days"])) & frozenset(range(7)),
            ZoneInfo(fields["time_zone"]).key,
            max(1, int(fields["every_weeks"])),
            int(fields["week_parity"]),
        )
        days_off = tuple(
            DaysOff(date.fromisoformat(first), date.fromisoformat(last)) for first, last in fields["days_off"]
        )
        if not schedule.days:
            raise ValueError("no day of the week")
        return MeetingPlan(schedule, str(fields["place"]), bool(fields["has_poll"]), days_off)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise StoreError(f"The plan of the meetings in the store cannot be read ({error}).") from error
