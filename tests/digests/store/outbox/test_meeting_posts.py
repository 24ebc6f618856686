"""Posts of meetings in the outbox: begun at their hour, edited after a change, each once."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from digests.errors import StoreError
from digests.meetings.model import DaysOff, Member
from digests.ports import Store
from digests.ports.meetings import Meeting
from digests.ports.outbox import (
    MEETING_KINDS,
    Claim,
    DeliveryKind,
    DeliveryState,
    PageSent,
    PageState,
    PlannedPage,
    PlanSaved,
)
from digests.subscription import Channel, Subscription
from tests.builders import NOW, a_subscription, corrupt_rows
from tests.digests.store.test_meetings import BY, CANDIDATES, THURSDAYS, a_store_with_plan, find
from tests.outbox import LEASE

pytestmark = pytest.mark.usefixtures("over_both")

SECOND = timedelta(seconds=1)


MESSAGES = MEETING_KINDS - {DeliveryKind.EVENT}
"""Kinds of posts that are messages."""


def claim_at(
    store: Store, now: datetime, owner: str = "w", kinds: Collection[DeliveryKind] = MESSAGES
) -> list[Claim]:
    claims = store.outbox.claim_due(owner=owner, now=now, lease=LEASE, limit=9, kinds=[*kinds])
    return list(claims)


def post(store: Store, claim: Claim, revision: int, now: datetime, text: str = "x") -> None:
    """Post all of a claim, as showing a revision of its meeting."""
    if claim.pages:
        store.outbox.finish(store.outbox.replace_plan(claim, claim.pages, watermark=revision))
        return
    key = f"{claim.kind} {claim.edition}"
    planned = replace(claim, pages=(PlannedPage(0, key, {"text": text}, (), False),))
    store.outbox.apply([PlanSaved(planned, revision)])
    store.outbox.apply([PageSent(planned, 0, "1.1", now, is_last=True)])


def post_all(store: Store, channel: Subscription, now: datetime) -> list[DeliveryKind]:
    claims = claim_at(store, now)
    for claim in claims:
        post(store, claim, find(store, channel.channel).revision, now)
    return [claim.kind for claim in claims]


def choose(store: Store, channel: Subscription, now: datetime, person: str = "U1") -> Meeting:
    meeting = store.meetings.choose_paper(find(store, channel.channel), "kto", Member(person, NOW), now=now)
    assert meeting
    return meeting


def test_each_post_begins_at_its_hour_and_never_again() -> None:
    store, channel, meeting = a_store_with_plan()
    times = meeting.timetable
    assert claim_at(store, times.poll_at - SECOND) == []
    assert post_all(store, channel, times.poll_at) == [DeliveryKind.POLL]
    assert claim_at(store, times.closes_at - SECOND) == []
    choose(store, channel, times.closes_at)
    assert set(post_all(store, channel, times.closes_at)) == {DeliveryKind.POLL, DeliveryKind.AGENDA}
    assert post_all(store, channel, times.reminder_at) == [DeliveryKind.REMINDER]
    assert claim_at(store, times.starts_at - SECOND) == []


def test_a_post_belongs_to_the_day_on_which_it_is_due_and_to_its_meeting() -> None:
    store, _, meeting = a_store_with_plan()
    (claim,) = claim_at(store, meeting.timetable.poll_at)
    assert claim.edition == meeting.plan.find_day(meeting.timetable.poll_at)
    assert claim.due_at == meeting.timetable.poll_at
    assert store.meetings.find_of_delivery(claim.id) == meeting
    assert store.meetings.find_of_delivery(claim.id + 99) is None


def test_a_meeting_has_one_event_from_the_hour_of_its_poll_on_whenever_it_is_moved() -> None:
    store, channel, meeting = a_store_with_plan()
    now, kinds = meeting.timetable.poll_at, [DeliveryKind.EVENT]
    assert claim_at(store, now - SECOND, kinds=kinds) == []
    (claim,) = claim_at(store, now, kinds=kinds)
    post(store, claim, meeting.revision, now)
    for hour in (17, 18):
        now += timedelta(hours=1)
        moved = replace(THURSDAYS, schedule=replace(THURSDAYS.schedule, at=time(hour)))
        changed = store.meeting_plans.save(channel.id, moved, **BY, now=now)
        (again,) = claim_at(store, now + SECOND, kinds=kinds)
        assert (again.id, [page.receipt for page in again.pages]) == (claim.id, ["1.1"])
        post(store, again, changed.revision, now)
    assert claim_at(store, now + timedelta(hours=1), kinds=kinds) == []


def test_only_a_caller_that_can_build_them_begins_posts() -> None:
    store, _, meeting = a_store_with_plan()
    now = meeting.timetable.poll_at
    store.outbox.claim_due(owner="w", now=now, lease=LEASE, limit=9)
    assert len(claim_at(store, now)) == 1


def test_of_concurrent_workers_one_begins_a_post() -> None:
    store, _, meeting = a_store_with_plan()
    with ThreadPoolExecutor(4) as pool:
        claims = pool.map(lambda owner: claim_at(store, meeting.timetable.poll_at, owner), "abcd")
        assert sum(map(len, claims)) == 1


def test_after_an_outage_posts_whose_time_is_over_are_left_out() -> None:
    store, _, meeting = a_store_with_plan()
    (claim,) = claim_at(store, meeting.timetable.closes_at + timedelta(hours=1))
    assert claim.kind is DeliveryKind.AGENDA


def test_after_the_start_the_next_meeting_is_planned() -> None:
    store, channel, meeting = a_store_with_plan()
    choose(store, channel, meeting.timetable.closes_at)
    claim_at(store, meeting.timetable.starts_at)
    following = find(store, channel.channel)
    assert following.timetable.starts_at - meeting.timetable.starts_at == timedelta(weeks=1)
    assert (following.paper, following.presenter, following.discussed) == (None, "", frozenset({"kto"}))


def test_whoever_led_comes_last_in_the_next_rota() -> None:
    store, channel, meeting = a_store_with_plan()
    store.meeting_plans.save_member(meeting.plan_id, Member("U1", NOW))
    choose(store, channel, meeting.timetable.closes_at)
    claim_at(store, meeting.timetable.starts_at)
    (member,) = find(store, channel.channel).members
    assert member.led_at == meeting.timetable.starts_at


def test_the_paper_of_a_meeting_that_was_called_off_is_kept_for_the_next_one() -> None:
    store, channel, meeting = a_store_with_plan()
    store.meeting_plans.save_member(meeting.plan_id, Member("U1", NOW))
    choose(store, channel, meeting.timetable.closes_at)
    day = meeting.plan.find_day(meeting.timetable.starts_at)
    store.meeting_plans.save(channel.id, replace(THURSDAYS, days_off=(DaysOff(day, day),)), **BY, now=NOW)
    claim_at(store, meeting.timetable.starts_at)
    following = find(store, channel.channel)
    assert (following.paper, following.presenter) == ("kto", "U1")
    assert following.members[0].led_at is None, "it was not held"
    assert [claim.kind for claim in claim_at(store, following.timetable.poll_at)] == []
    assert [claim.kind for claim in claim_at(store, following.timetable.closes_at)] == [DeliveryKind.AGENDA]


def test_a_day_off_is_said_at_the_hour_of_the_poll() -> None:
    day = THURSDAYS.find_day(a_store_with_plan()[2].timetable.starts_at)
    store, channel, meeting = a_store_with_plan(replace(THURSDAYS, days_off=(DaysOff(day, day),)))
    assert post_all(store, channel, meeting.timetable.poll_at) == [DeliveryKind.POLL]
    for instant in (meeting.timetable.closes_at, meeting.timetable.reminder_at):
        assert claim_at(store, instant) == []


def test_a_posted_message_is_due_again_after_a_vote_and_is_edited_under_its_key() -> None:
    store, channel, meeting = a_store_with_plan()
    now = meeting.timetable.poll_at
    post_all(store, channel, now)
    store.meetings.open_poll(meeting.id, CANDIDATES)
    voted = store.meetings.vote(meeting.id, 0, "U1", now=now)
    assert voted
    (claim,) = claim_at(store, now + SECOND)
    (page,) = claim.pages
    assert (page.state, page.receipt) == (PageState.POSTED, "1.1")
    changed = replace(page, idempotency_key="another", payload={"text": "1 vote"})
    (edited,) = store.outbox.replace_plan(claim, [changed], watermark=voted.revision).pages
    assert (edited.state, edited.receipt, edited.idempotency_key) == (
        PageState.CHANGING, "1.1", page.idempotency_key,
    )  # fmt: skip


def test_a_message_with_the_same_content_is_not_edited() -> None:
    store, channel, meeting = a_store_with_plan()
    now = meeting.timetable.poll_at
    post_all(store, channel, now)
    changed = store.meeting_plans.save(channel.id, replace(THURSDAYS, place="Room 5"), **BY, now=now)
    (claim,) = claim_at(store, now)
    replaced = store.outbox.replace_plan(claim, claim.pages, watermark=changed.revision)
    assert [page.state for page in replaced.pages] == [PageState.POSTED]
    store.outbox.finish(replaced)
    assert claim_at(store, now + timedelta(hours=1)) == []


def test_a_change_while_a_post_is_in_progress_is_shown_afterwards() -> None:
    store, channel, meeting = a_store_with_plan()
    now = meeting.timetable.poll_at
    (claim,) = claim_at(store, now)
    store.meeting_plans.save(channel.id, replace(THURSDAYS, place="Room 5"), **BY, now=now)
    assert claim_at(store, now + SECOND) == []
    post(store, claim, meeting.revision, now + SECOND)
    (again,) = claim_at(store, now + timedelta(minutes=2))
    assert again.id == claim.id


def test_the_posts_of_an_ended_plan_are_edited_and_nothing_begins() -> None:
    store, channel, meeting = a_store_with_plan()
    post_all(store, channel, meeting.timetable.poll_at)
    store.meeting_plans.end(meeting.plan_id, **BY, now=meeting.timetable.poll_at)
    assert post_all(store, channel, meeting.timetable.poll_at + SECOND) == [DeliveryKind.POLL]
    for instant in (meeting.timetable.closes_at, meeting.timetable.starts_at, NOW + timedelta(weeks=9)):
        assert claim_at(store, instant) == []


def test_a_paused_digest_begins_no_posts_and_a_resumed_one_goes_on() -> None:
    store, channel, meeting = a_store_with_plan()
    running = store.subscriptions.find(channel.channel)
    assert running
    paused = replace(running, paused_by="Ada")
    store.subscriptions.change(channel.channel, paused, by="Ada", now=NOW)
    assert claim_at(store, meeting.timetable.poll_at) == []
    store.subscriptions.change(channel.channel, running, by="Ada", now=NOW)
    assert [claim.kind for claim in claim_at(store, meeting.timetable.closes_at)] == [DeliveryKind.AGENDA]


def test_a_crash_at_any_step_of_a_post_repeats_that_step_alone() -> None:
    store, channel, meeting = a_store_with_plan()
    now = meeting.timetable.poll_at
    (claim,) = claim_at(store, now)
    (again,) = claim_at(store, now + LEASE, "after a crash")
    assert (again.id, again.pages, again.crashes) == (claim.id, (), 1)
    post(store, again, meeting.revision, now + LEASE)
    assert claim_at(store, now + 2 * LEASE) == []
    (report,) = store.delivery_reports.history(channel, 9, kind=DeliveryKind.POLL)
    assert report.state is DeliveryState.POSTED


def test_two_channels_have_polls_of_their_own() -> None:
    store, _, meeting = a_store_with_plan()
    change = store.subscriptions.change(Channel("console", "b"), a_subscription("b"), by="Ada", now=NOW)
    other = store.subscriptions.find(Channel("console", "b"))
    assert change
    assert other
    theirs = store.meeting_plans.save(other.id, THURSDAYS, **BY, now=NOW)
    claims = claim_at(store, meeting.timetable.poll_at)
    found = [store.meetings.find_of_delivery(claim.id) for claim in claims]
    assert {each.id for each in found if each} == {meeting.id, theirs.id}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"at": "25:00"}'])
def test_a_plan_that_cannot_be_read_keeps_no_other_channel_waiting(content: str) -> None:
    store, channel, meeting = a_store_with_plan()
    store.subscriptions.change(Channel("console", "b"), a_subscription("b"), by="Ada", now=NOW)
    other = store.subscriptions.find(Channel("console", "b"))
    assert other
    store.meeting_plans.save(other.id, THURSDAYS, **BY, now=NOW)
    damage = "UPDATE meeting_plans SET content = :content WHERE id = :id"
    corrupt_rows(store, damage, content=content, id=meeting.plan_id)
    claims = claim_at(store, meeting.timetable.poll_at)
    assert [claim.subscription.id for claim in claims] == [other.id]
    with pytest.raises(StoreError, match="plan of the meetings in the store cannot be read"):
        find(store, channel.channel)
