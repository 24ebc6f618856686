"""People's answers about discussed papers in the store, and the meetings at which they were discussed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from digests.meetings.model import Member
from digests.ports import Store
from digests.ports.discussions import AnswerCounts, LimitationTruth, PaperMeeting
from digests.ports.marks import QueueScope
from digests.ports.people import Subject, SubjectKind
from tests.builders import NOW, a_store
from tests.digests.store.test_meetings import a_store_with_plan, find

pytestmark = pytest.mark.usefixtures("over_both")

TEAM = QueueScope("slack", "T1")
ROOM, OTHER_ROOM = replace(TEAM, channel="C1"), replace(TEAM, channel="C2")


def say(store: Store, person: str, is_worth_it: bool, minute: int = 0, scope: QueueScope = TEAM) -> None:
    store.discussions.set_worth_it(scope, "kto", person, is_worth_it, now=NOW + timedelta(minutes=minute))


def count(store: Store, scope: QueueScope = TEAM) -> AnswerCounts:
    return store.discussions.count_answers(scope, ["kto", "dpo"]).get("kto", AnswerCounts())


def test_a_person_has_one_answer_which_can_be_changed() -> None:
    store = a_store()
    say(store, "ada", True)
    say(store, "bob", True)
    say(store, "ada", False, minute=1)
    assert (count(store).worth_it, count(store).worth_it_total) == (1, 2)
    assert store.discussions.count_answers(TEAM, ["dpo"]) == {}


def test_answers_about_a_limitation_count_by_its_text() -> None:
    store = a_store()
    for person, limitation, truth in (
        ("ada", "old", LimitationTruth.TRUE),
        ("ada", "new", LimitationTruth.FALSE),
        ("bob", "new", LimitationTruth.UNCLEAR),
        ("eve", "old", LimitationTruth.TRUE),
    ):
        store.discussions.set_truth(TEAM, "kto", person, limitation, truth, now=NOW)
    truths = count(store).truths
    assert truths["new"] == {LimitationTruth.FALSE: 1, LimitationTruth.UNCLEAR: 1}
    assert truths["old"] == {LimitationTruth.TRUE: 1}
    assert count(store).worth_it_total == 0


def test_another_workspace_and_platform_have_their_own_answers() -> None:
    store = a_store()
    others = (replace(TEAM, workspace="T2"), replace(TEAM, platform="discord"))
    for scope in (TEAM, *others):
        say(store, "ada", True, scope=scope)
    for scope in (TEAM, *others):
        assert count(store, scope).worth_it_total == 1
    partnered = replace(TEAM, partners=others)
    assert count(store, partnered).worth_it_total == 1, "partners share a queue, and not what people say"


def test_a_person_who_answered_in_two_channels_counts_once_in_their_workspace() -> None:
    store = a_store()
    say(store, "ada", True, minute=1, scope=ROOM)
    say(store, "ada", False, minute=2, scope=OTHER_ROOM)
    assert (count(store).worth_it, count(store).worth_it_total) == (0, 1)
    assert (count(store, ROOM).worth_it, count(store, ROOM).worth_it_total) == (1, 1)


def test_of_many_who_answer_at_once_each_counts_once() -> None:
    store = a_store()
    people = [f"U{number % 25}" for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda person: say(store, person, True), people))
    assert count(store) == AnswerCounts(25, 25)


def test_both_answers_of_one_person_at_once_are_kept() -> None:
    store = a_store()
    for number in range(10):
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(say, store, f"U{number}", True)
            second = pool.submit(
                store.discussions.set_truth, TEAM, "kto", f"U{number}", "x", LimitationTruth.TRUE, now=NOW
            )
            first.result()
            second.result()
    assert count(store) == AnswerCounts(10, 10, {"x": {LimitationTruth.TRUE: 10}})


def test_forgotten_people_count_no_more() -> None:
    store = a_store()
    say(store, "ada", True)
    say(store, "bob", False)
    counts = store.people.forget(Subject(SubjectKind.PERSON, "slack", "T1", "ada"), now=NOW)
    assert counts == {"answers about discussions": 1}
    assert count(store) == AnswerCounts(0, 1)


def test_the_last_meeting_about_a_paper_is_found() -> None:
    store, subscription, meeting = a_store_with_plan()
    chosen = store.meetings.choose_paper(
        find(store, subscription.channel), "kto", Member("UADA", NOW), now=meeting.timetable.closes_at
    )
    assert chosen
    begins = meeting.timetable.starts_at
    scope = QueueScope(subscription.channel.platform, subscription.channel.workspace)
    day = meeting.plan.find_day(begins)
    found = store.discussions.find_meetings(scope, ["kto", "dpo"])
    assert found == {"kto": PaperMeeting(day, begins, meeting.timetable.closes_at, "UADA")}
    assert store.discussions.find_meetings(replace(scope, workspace="T9"), ["kto"]) == {}


def test_an_answer_after_a_meeting_edits_its_agenda_and_one_before_does_not() -> None:
    store, subscription, meeting = a_store_with_plan()
    store.meetings.choose_paper(
        find(store, subscription.channel), "kto", None, now=meeting.timetable.closes_at
    )
    channel = subscription.channel
    scope = QueueScope(channel.platform, channel.workspace)
    revision = find(store, channel).revision
    store.discussions.set_worth_it(scope, "kto", "ada", True, now=NOW)
    assert find(store, channel).revision == revision
    store.discussions.set_worth_it(scope, "kto", "ada", False, now=meeting.timetable.starts_at)
    assert find(store, channel).revision == revision + 1
    store.discussions.set_worth_it(
        replace(scope, workspace="T9"), "kto", "ada", True, now=meeting.timetable.starts_at
    )
    assert find(store, channel).revision == revision + 1, "a neighbour's answer is not shown here"
