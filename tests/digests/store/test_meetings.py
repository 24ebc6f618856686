"""Plans of meetings, polls, the choice of a paper, and who leads."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from digests.meetings.model import Candidate, DaysOff, MeetingPlan, Member
from digests.meetings.timetable import plan_next_meeting
from digests.model import Mark, MarkSource
from digests.ports import Store
from digests.ports.meetings import Meeting
from digests.subscription import Channel, Schedule, Subscription
from tests.builders import NOW, a_store, a_subscription, corrupt_rows, save_subscription

pytestmark = pytest.mark.usefixtures("over_both")

THURSDAYS = MeetingPlan(Schedule(time(16), frozenset({3}), "Europe/Berlin"), place="Room 4")
BY = {"by": "Ada", "by_id": "slack:T1:U1"}
CANDIDATES = (Candidate("kto", 7.5), Candidate("dpo"))


def a_store_with_plan(plan: MeetingPlan = THURSDAYS) -> tuple[Store, Subscription, Meeting]:
    store = a_store()
    subscription = save_subscription(store, a_subscription())
    return store, subscription, store.meeting_plans.save(subscription.id, plan, **BY, now=NOW)


def find(store: Store, channel: Channel) -> Meeting:
    meeting = store.meeting_plans.find(channel)
    assert meeting
    return meeting


def open_poll(store: Store, meeting: Meeting, papers: Sequence[Candidate] = CANDIDATES) -> Meeting:
    opened = store.meetings.open_poll(meeting.id, papers)
    assert opened
    return opened


def test_a_channel_without_a_plan_has_no_meeting() -> None:
    assert a_store().meeting_plans.find(a_subscription().channel) is None


def test_a_saved_plan_has_its_first_meeting() -> None:
    store, subscription, meeting = a_store_with_plan()
    assert find(store, subscription.channel) == meeting
    assert meeting.plan == THURSDAYS
    assert meeting.timetable == plan_next_meeting(THURSDAYS, NOW)
    assert (meeting.is_active, meeting.is_held, meeting.paper) == (True, True, None)


def test_a_new_place_leaves_the_meeting_at_its_time() -> None:
    store, subscription, meeting = a_store_with_plan()
    plan = replace(THURSDAYS, place="Room 5", days_off=(DaysOff(date(2026, 12, 21), date(2026, 12, 24)),))
    changed = store.meeting_plans.save(subscription.id, plan, **BY, now=NOW + timedelta(hours=1))
    assert changed.plan == plan
    assert (changed.id, changed.timetable) == (meeting.id, meeting.timetable)
    assert changed.revision > meeting.revision, "its posts are to be edited"


def test_a_new_schedule_moves_the_meeting() -> None:
    store, subscription, meeting = a_store_with_plan()
    plan = replace(THURSDAYS, schedule=replace(THURSDAYS.schedule, days=frozenset({0})))
    moved = store.meeting_plans.save(subscription.id, plan, **BY, now=NOW)
    assert (moved.id, moved.timetable) == (meeting.id, plan_next_meeting(plan, NOW))


def test_a_plan_that_was_ended_goes_on_with_the_same_meeting() -> None:
    store, subscription, meeting = a_store_with_plan()
    ended = store.meeting_plans.end(meeting.plan_id, **BY, now=NOW)
    assert ended
    assert not ended.is_active
    assert store.meeting_plans.end(meeting.plan_id, **BY, now=NOW) is None
    again = store.meeting_plans.save(subscription.id, THURSDAYS, **BY, now=NOW)
    assert (again.id, again.is_active, again.timetable) == (meeting.id, True, meeting.timetable)


def test_a_plan_that_starts_again_after_its_meeting_has_a_new_one() -> None:
    store, subscription, meeting = a_store_with_plan()
    store.meeting_plans.end(meeting.plan_id, **BY, now=NOW)
    later = meeting.timetable.starts_at + timedelta(weeks=5)
    again = store.meeting_plans.save(subscription.id, THURSDAYS, **BY, now=later)
    assert again.id != meeting.id
    assert again.timetable == plan_next_meeting(THURSDAYS, later)


def test_the_last_change_can_be_undone_and_an_older_one_cannot() -> None:
    store, subscription, first = a_store_with_plan()
    changed = store.meeting_plans.save(subscription.id, replace(THURSDAYS, place="Room 5"), **BY, now=NOW)
    assert store.meeting_plans.undo(first.plan_id, first.plan_revision, **BY, now=NOW) is None
    undone = store.meeting_plans.undo(first.plan_id, changed.plan_revision, **BY, now=NOW)
    assert undone
    assert (undone.plan, undone.is_active) == (THURSDAYS, True)
    assert store.meeting_plans.undo(first.plan_id, changed.plan_revision, **BY, now=NOW) is None


def test_undoing_a_new_plan_ends_it_and_undoing_that_starts_it_again() -> None:
    store, _, first = a_store_with_plan()
    undone = store.meeting_plans.undo(first.plan_id, first.plan_revision, **BY, now=NOW)
    assert undone
    assert not undone.is_active
    redone = store.meeting_plans.undo(first.plan_id, undone.plan_revision, **BY, now=NOW)
    assert redone
    assert redone.is_active


def test_meetings_whose_paper_is_chosen_soon_are_listed_the_next_one_first() -> None:
    store, _, second = a_store_with_plan()
    store.subscriptions.change(Channel("console", "b"), a_subscription("b"), by="Ada", now=NOW)
    other = store.subscriptions.find(Channel("console", "b"))
    assert other
    fridays = replace(THURSDAYS, schedule=replace(THURSDAYS.schedule, days=frozenset({4})))
    first = store.meeting_plans.save(other.id, fridays, **BY, now=NOW)
    first_choice, later = first.timetable.closes_at, second.timetable.closes_at
    assert first_choice < later

    def list_undecided(until: datetime = later, limit: int = 9) -> list[int]:
        return [meeting.id for meeting in store.meetings.list_undecided(until=until, limit=limit)]

    assert list_undecided() == [first.id, second.id]
    assert list_undecided(limit=1) == list_undecided(first_choice) == [first.id]
    assert store.meetings.choose_paper(first, "kto", None, now=NOW)
    assert list_undecided() == [second.id]
    running = store.subscriptions.find(second.channel)
    assert running
    store.subscriptions.change(running.channel, replace(running, paused_by="Ada"), by="Ada", now=NOW)
    assert list_undecided() == []
    store.subscriptions.change(running.channel, running, by="Ada", now=NOW)
    assert list_undecided() == [second.id]
    store.subscriptions.stop(running.channel, "the channel was archived.")
    assert list_undecided() == []
    store.subscriptions.start(running.channel, now=NOW)
    assert list_undecided() == [second.id]
    store.meeting_plans.end(second.plan_id, **BY, now=NOW)
    assert list_undecided() == []


def test_a_plan_that_cannot_be_read_is_no_meeting_whose_paper_is_chosen_soon() -> None:
    store, _, meeting = a_store_with_plan()
    corrupt_rows(store, "UPDATE meeting_plans SET content = '[]' WHERE id = :id", id=meeting.plan_id)
    assert store.meetings.list_undecided(until=meeting.timetable.starts_at, limit=9) == []


def test_the_papers_of_a_poll_are_stored_once() -> None:
    store, subscription, meeting = a_store_with_plan()
    assert open_poll(store, meeting).candidates == CANDIDATES
    assert open_poll(store, meeting, [Candidate("other")]).candidates == CANDIDATES
    assert find(store, subscription.channel).candidates == CANDIDATES


def test_a_person_has_one_vote_and_may_change_it() -> None:
    store, subscription, meeting = a_store_with_plan()
    open_poll(store, meeting)
    for number in (0, 1, 1):
        assert store.meetings.vote(meeting.id, number, "U1", now=NOW)
    store.meetings.vote(meeting.id, 0, "U2", now=NOW)
    assert find(store, subscription.channel).votes == {"U1": "dpo", "U2": "kto"}


def test_votes_of_many_people_at_once_all_count() -> None:
    store, subscription, meeting = a_store_with_plan()
    open_poll(store, meeting)
    with ThreadPoolExecutor(8) as pool:
        people = [f"U{number}" for number in range(24)]
        stored = pool.map(lambda each: store.meetings.vote(meeting.id, len(each) % 2, each, now=NOW), people)
        assert all(stored)
    assert find(store, subscription.channel).votes == {
        person: CANDIDATES[len(person) % 2].paper for person in people
    }


@pytest.mark.parametrize("number", [-1, 2, 10**6])
def test_a_vote_for_no_candidate_is_refused(number: int) -> None:
    store, _, meeting = a_store_with_plan()
    open_poll(store, meeting)
    assert store.meetings.vote(meeting.id, number, "U1", now=NOW) is None
    assert store.meetings.vote(meeting.id + 99, 0, "U1", now=NOW) is None


def test_a_poll_takes_no_votes_once_it_closes_is_decided_or_is_called_off() -> None:
    store, subscription, meeting = a_store_with_plan()
    opened = open_poll(store, meeting)
    assert store.meetings.vote(meeting.id, 0, "U1", now=meeting.timetable.closes_at) is None
    store.meeting_plans.end(meeting.plan_id, **BY, now=NOW)
    assert store.meetings.vote(meeting.id, 0, "U1", now=NOW) is None
    again = store.meeting_plans.save(subscription.id, THURSDAYS, **BY, now=NOW)
    assert store.meetings.choose_paper(again, "kto", None, now=NOW)
    assert store.meetings.vote(opened.id, 0, "U1", now=NOW) is None


def test_a_paper_is_chosen_once() -> None:
    store, subscription, meeting = a_store_with_plan()
    chosen = store.meetings.choose_paper(meeting, "kto", Member("U1", NOW), now=NOW)
    assert chosen
    assert (chosen.paper, chosen.presenter, chosen.chosen_at) == ("kto", "U1", NOW)
    assert store.meetings.choose_paper(meeting, "dpo", None, now=NOW) is None
    assert store.meetings.choose_paper(chosen, "dpo", None, now=NOW) is None
    assert find(store, subscription.channel) == chosen


def test_the_people_who_marked_or_voted_for_a_paper_are_found_in_its_channel_or_workspace() -> None:
    store = a_store()
    here, beside, foreign = (
        Channel("slack", name, team) for name, team in (("C1", "T1"), ("C2", "T1"), ("C3", "T2"))
    )
    subscription = replace(a_subscription(), channel=here)
    saved = save_subscription(store, subscription)
    meeting = store.meeting_plans.save(saved.id, THURSDAYS, **BY, now=NOW)
    for person, channel, paper in (
        ("U1", here, "kto"), ("U2", beside, "kto"), ("U3", foreign, "kto"), ("U4", here, "dpo"),
    ):  # fmt: skip
        store.marks.set_mark(Mark(channel, "", paper, person, MarkSource.BUTTON, NOW), True)
    open_poll(store, meeting)
    voted = store.meetings.vote(meeting.id, 0, "U9", now=NOW)
    assert voted
    chosen = store.meetings.choose_paper(voted, "kto", None, now=NOW)
    assert chosen
    assert store.meetings.find_interested(chosen, in_workspace=False) == ["U1", "U9"]
    assert store.meetings.find_interested(chosen, in_workspace=True) == ["U1", "U2", "U9"]


def test_a_vote_between_reading_and_choosing_makes_the_choice_fail() -> None:
    store, _, meeting = a_store_with_plan()
    opened = open_poll(store, meeting)
    voted = store.meetings.vote(meeting.id, 1, "U1", now=NOW)
    assert voted
    assert store.meetings.choose_paper(opened, "kto", None, now=NOW) is None
    assert store.meetings.choose_paper(voted, "dpo", None, now=NOW)


def test_members_join_are_away_and_leave() -> None:
    store, subscription, meeting = a_store_with_plan()
    away = DaysOff(date(2026, 12, 1), date(2026, 12, 14))
    ada, grace = Member("U1", NOW), Member("U2", NOW + timedelta(hours=1))
    for member in (grace, ada, replace(ada, away=away)):
        store.meeting_plans.save_member(meeting.plan_id, member)
    assert find(store, subscription.channel).members == (replace(ada, away=away), grace)
    assert store.meeting_plans.remove_member(meeting.plan_id, "U1")
    assert not store.meeting_plans.remove_member(meeting.plan_id, "U1")
    assert find(store, subscription.channel).members == (grace,)


def test_another_presenter_takes_over_and_whoever_gave_the_meeting_up_has_declined() -> None:
    store, subscription, meeting = a_store_with_plan()
    ada, grace = Member("U1", NOW), Member("U2", NOW)
    for member in (ada, grace):
        store.meeting_plans.save_member(meeting.plan_id, member)
    chosen = store.meetings.choose_paper(meeting, "kto", ada, now=NOW)
    assert chosen
    passed = replace(ada, passed_at=NOW)
    swapped = store.meetings.set_presenter(chosen, grace, declined=passed, now=NOW)
    assert swapped
    assert swapped.presenter == "U2"
    assert swapped.members == (replace(passed, has_declined=True), grace)
    assert store.meetings.set_presenter(chosen, ada, declined=None, now=NOW) is None, "it was read before"
    assert find(store, subscription.channel) == swapped
