"""What a channel was shown and wanted, in the store."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from digests.meetings.model import MeetingPlan
from digests.model import Mark, MarkSource, PostedState, QueueOutcome
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.ports.outbox import PageSent, PlannedPage
from digests.recap import ShownPaper, find_span
from digests.subscription import Channel, Schedule, Subscription
from digests.team_agreement import JudgedPaper
from tests.builders import NOW, TODAY, a_paper, a_review, a_store
from tests.outbox import LEASE, save_plan, start_page

pytestmark = pytest.mark.usefixtures("over_both")

PAPERS, OTHERS = Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1")


def subscribe(store: Store, channel: Channel = PAPERS) -> Subscription:
    store.subscriptions.change(channel, Subscription(channel), by="Ada", now=NOW - timedelta(days=30))
    subscription = store.subscriptions.find(channel)
    assert subscription
    return subscription


def post_digest(
    store: Store, subscription: Subscription, edition: date, scores: dict[str, float | None]
) -> None:
    """Post a digest of these papers, which show these scores."""
    store.library.add([(a_paper(paper), a_review(score)) for paper, score in scores.items()], now=NOW)
    claim = store.outbox.claim(subscription, edition, owner="a", now=NOW, lease=LEASE)
    assert claim
    states = {paper: PostedState(1, 1, score, False) for paper, score in scores.items()}
    key = f"key {subscription.id} {edition}"
    page = PlannedPage(0, key, {"text": "x"}, tuple(scores), in_thread=False, posted_states=states)
    claim = save_plan(store, claim, [page], watermark=1)
    start_page(store, claim, 0)
    store.outbox.apply([PageSent(claim, 0, key, NOW, is_last=True)])


def mark_paper(
    store: Store, paper: str, channel: Channel = PAPERS, person: str = "ada", days: int = 0
) -> None:
    mark = Mark(channel, "", paper, person, MarkSource.BUTTON, NOW - timedelta(days=days))
    store.marks.set_mark(mark, True)


def test_digests_come_newest_first_with_the_papers_that_people_marked_or_discussed() -> None:
    store = a_store()
    subscription = subscribe(store)
    post_digest(store, subscription, TODAY - timedelta(days=1), {"a": 7.0, "b": None})
    post_digest(store, subscription, TODAY, {"c": 8.0, "d": 6.0})
    mark_paper(store, "a")
    mark_paper(store, "gone")
    scope = QueueScope("slack", "T1")
    store.queue_decisions.decide("d", scope, QueueOutcome.DISCUSSED, by="Ada", by_id="x", now=NOW)
    assert [list(papers) for papers in store.recaps.list_judged_digests(PAPERS, 9)] == [
        [JudgedPaper("c", 8.0, False), JudgedPaper("d", 6.0, True)],
        [JudgedPaper("a", 7.0, True), JudgedPaper("b", None, False)],
    ]
    assert len(store.recaps.list_judged_digests(PAPERS, 1)) == 1


def test_marks_and_digests_of_other_channels_and_workspaces_do_not_count() -> None:
    store = a_store()
    post_digest(store, subscribe(store), TODAY, {"a": 7.0})
    post_digest(store, subscribe(store, OTHERS), TODAY, {"b": 7.0})
    for channel in (OTHERS, replace(PAPERS, workspace="T2"), replace(PAPERS, platform="discord")):
        mark_paper(store, "a", channel)
    neighbours = QueueScope("slack", "T2"), QueueScope("slack", "T1", "C2"), QueueScope("discord", "T1")
    for scope in neighbours:
        store.queue_decisions.decide("a", scope, QueueOutcome.DISCUSSED, by="Ada", by_id="x", now=NOW)
    assert [list(papers) for papers in store.recaps.list_judged_digests(PAPERS, 9)] == [
        [JudgedPaper("a", 7.0, False)]
    ]


def test_a_recap_has_the_facts_of_its_own_channel_and_span() -> None:
    store = a_store()
    subscription = subscribe(store)
    day = timedelta(days=1)
    span = find_span(Schedule(), TODAY + day)
    for edition, paper in ((span.first - day, "old"), (span.first, "a"), (TODAY, "b"), (span.end, "new")):
        post_digest(store, subscription, edition, {paper: 7.0})
    post_digest(store, subscribe(store, OTHERS), TODAY, {"c": 7.0})
    mark_paper(store, "b", person="bob")
    for paper, days in (("b", 0), ("a", 1), ("old", 9)):
        mark_paper(store, paper, days=days)
    for channel in (OTHERS, replace(PAPERS, workspace="T2"), replace(PAPERS, platform="discord")):
        mark_paper(store, "c", channel)
    scopes = QueueScope("slack", "T1"), QueueScope("slack", "T1", "C1"), QueueScope("slack", "T1", "C2")
    for minutes, (paper, scope) in enumerate(zip(("b", "d", "a"), scopes, strict=True)):
        now = NOW + timedelta(minutes=minutes)
        store.queue_decisions.decide(paper, scope, QueueOutcome.DISCUSSED, by="Ada", by_id="x", now=now)
    store.queue_decisions.decide("c", scopes[0], QueueOutcome.DISCUSSED, by="Ada", by_id="x", now=NOW)
    facts = store.recaps.load_facts(subscription, span)
    assert facts.shown == (ShownPaper("a", span.first, 7.0), ShownPaper("b", TODAY, 7.0))
    assert facts.marks == {"b": 2, "a": 1}
    assert facts.discussed == ("b", "d")
    assert store.recaps.list_shown(PAPERS, ["a", "c", "d"]) == {"a"}


def test_wanted_papers_come_in_the_order_of_a_queue() -> None:
    store = a_store()
    subscription = subscribe(store)
    scores = {"later": 8.0, "first": 8.0, "best": 9.0, "wanted": 2.0}
    post_digest(store, subscription, TODAY, {**scores, "unscored": None})
    for paper, days in (("unscored", 4), ("first", 3), ("later", 2), ("best", 1), ("wanted", 0)):
        mark_paper(store, paper, days=days)
    mark_paper(store, "wanted", person="bob")
    facts = store.recaps.load_facts(subscription, find_span(Schedule(), TODAY + timedelta(days=1)))
    assert list(facts.marks) == ["wanted", "best", "first", "later", "unscored"]


def test_the_paper_of_a_meeting_is_discussed_when_the_meeting_begins() -> None:
    store = a_store()
    subscription = subscribe(store)
    plan = MeetingPlan(Schedule(time(16), frozenset({3})))
    meeting = store.meeting_plans.save(subscription.id, plan, by="Ada", by_id="x", now=NOW)
    chosen = store.meetings.choose_paper(meeting, "a", None, now=NOW)
    assert chosen
    scope = QueueScope("slack", "T1", "C1")
    store.queue_decisions.decide("a", scope, QueueOutcome.DISCUSSED, by="the meeting", by_id="", now=NOW)
    day = plan.find_day(meeting.timetable.starts_at)
    for end, expected in ((day, ()), (day + timedelta(days=1), ("a",)), (day + timedelta(days=9), ())):
        span = find_span(Schedule(), end)
        assert store.recaps.load_facts(subscription, span).discussed == expected


def test_a_discussed_paper_that_most_found_not_worth_it_is_not_wanted() -> None:
    store = a_store()
    post_digest(store, subscribe(store), TODAY, {"a": 7.0, "b": 6.0, "c": 5.0})
    mark_paper(store, "a")
    mark_paper(store, "c")
    scope = QueueScope("slack", "T1")
    for paper, person, is_worth_it in (
        ("a", "U1", False), ("a", "U2", False), ("a", "U3", True), ("b", "U1", True), ("c", "U1", False),
        ("c", "U2", True),
    ):  # fmt: skip
        store.discussions.set_worth_it(scope, paper, person, is_worth_it, now=NOW)
    for neighbour in (
        QueueScope("slack", "T2"),
        QueueScope("discord", "T1"),
        QueueScope("slack", "T1", "C2"),
    ):
        for person in ("U7", "U8", "U9"):
            store.discussions.set_worth_it(neighbour, "b", person, False, now=NOW)
    (papers,) = store.recaps.list_judged_digests(PAPERS, 9)
    assert [each.is_wanted for each in papers] == [False, True, True]
