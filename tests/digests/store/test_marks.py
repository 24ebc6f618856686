"""Marks and the queue in the store."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from digests.model import Account, Mark, MarkSource, Post, QueueOutcome
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.store import schema
from digests.store.marks import SqlMarks
from digests.subscription import Channel
from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")

PAPERS, OTHERS = Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1")
OF_TEAM, OF_PAPERS = QueueScope("slack", "T1"), QueueScope("slack", "T1", "C1")

SINCE = NOW - timedelta(days=30)


def a_post(
    message: str = "1.0", papers: tuple[str, ...] = ("a",), channel: Channel = PAPERS, first: int = 1
) -> Post:
    return Post(channel, message, papers, {"text": "x"}, first)


def a_mark(paper: str = "a", person: str = "ada", minute: int = 0, **facts: object) -> Mark:
    mark = Mark(PAPERS, "1.0", paper, person, MarkSource.REACTION, NOW + timedelta(minutes=minute))
    return replace(mark, **facts)  # type: ignore[arg-type]


def list_queue(store: Store, scope: QueueScope = OF_TEAM) -> list[tuple[str, int]]:
    return [
        (entry.paper, entry.mark_count)
        for entry in store.marks.discussion_queue(scope, since=SINCE, now=NOW, limit=10)
    ]


def finish_discussion(store: Store, scope: QueueScope, *, hours: int, by: str = "ada") -> None:
    now = NOW + timedelta(hours=hours)
    store.queue_decisions.decide("a", scope, QueueOutcome.DISCUSSED, by=by, by_id=f"slack:T1:{by}", now=now)


def test_a_person_counts_once_per_paper_from_all_sources() -> None:
    store = a_store()
    assert store.marks.set_mark(a_mark(), True)
    assert not store.marks.set_mark(a_mark(minute=1), True)
    store.marks.set_mark(a_mark(source=MarkSource.BUTTON, message_id=""), True)
    store.marks.set_mark(a_mark(channel=OTHERS), True)
    assert store.marks.mark_counts(PAPERS, ["a", "b"]) == {"a": 1}
    assert list_queue(store) == [("a", 1)]


def test_the_marked_papers_among_those_that_several_channels_show_are_found_at_once() -> None:
    store = a_store()
    nowhere, unnamed = Channel("slack", "C3", "T1"), Channel("slack", "C1")
    store.marks.set_mark(a_mark("a"), True)
    store.marks.set_mark(a_mark("b", person="bob"), True)
    store.marks.set_mark(a_mark("b", channel=Channel("slack", "C2", "")), True)
    store.marks.set_mark(a_mark("c", channel=OTHERS), True)
    store.marks.set_mark(a_mark("d"), True)
    store.marks.set_mark(a_mark("d", minute=1), False)
    store.marks.set_mark(a_mark("a", channel=Channel("discord", "C2", "T1")), True)
    store.marks.set_mark(a_mark("c", channel=Channel("slack", "C1", "T2")), True)
    channels, papers = (PAPERS, OTHERS, nowhere, unnamed), ["a", "b", "d"]
    found = store.marks.find_marked(channels, papers)
    assert found == {PAPERS: {"a", "b"}, OTHERS: {"b"}, unnamed: {"a", "b"}}
    assert {channel: frozenset(store.marks.mark_counts(channel, papers)) for channel in found} == found
    assert store.marks.find_marked([], papers) == store.marks.find_marked(channels, []) == {}


def test_the_count_of_a_shared_queue_has_the_people_of_all_its_members_and_of_no_neighbour() -> None:
    store = a_store()
    partner = QueueScope("discord", "9")
    shared = QueueScope("slack", "T1", "C1", partners=(partner,))
    places = (PAPERS, OTHERS, Channel("discord", "33", "9"), Channel("discord", "44", "8"))
    for number, channel in enumerate(places):
        store.marks.set_mark(a_mark("a", f"person{number}", channel=channel), True)
    store.marks.set_mark(a_mark("b", "bob", channel=places[2]), True)
    assert store.marks.mark_counts(PAPERS, ["a", "b"]) == {"a": 1}
    assert store.marks.mark_counts(PAPERS, ["a", "b"], shared=shared) == {"a": 2, "b": 1}
    first, second = Account("slack", "T1", "person0"), Account("discord", "9", "person2")
    store.account_links.offer(first, "code", now=NOW, expires_at=NOW + timedelta(minutes=1))
    for account in (second, first):
        store.account_links.enter(account, "code", now=NOW)
    assert store.marks.mark_counts(PAPERS, ["a"], shared=shared) == {"a": 1}


def test_a_queue_has_only_the_marks_of_its_own_workspace_and_platform() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(), True)
    store.marks.set_mark(a_mark("b", channel=OTHERS), True)
    store.marks.set_mark(a_mark("c", channel=Channel("slack", "C3", "T2")), True)
    store.marks.set_mark(a_mark("d", channel=Channel("discord", "9", "T1")), True)
    assert list_queue(store) == [("a", 1), ("b", 1)]
    assert list_queue(store, OF_PAPERS) == [("a", 1)]
    assert list_queue(store, QueueScope("slack", "T2")) == [("c", 1)]
    assert list_queue(store, QueueScope("slack", "T2", "C1")) == []
    assert store.marks.papers_marked_by("slack", "T2", "ada", since=SINCE, limit=5)[0].paper == "c"
    assert store.marks.mark_counts(Channel("slack", "C1", "T2"), ["a"]) == {}


def test_a_mark_without_a_workspace_counts_in_the_one_that_another_mark_in_its_channel_names() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(channel=Channel("slack", "C1")), True)
    store.marks.set_mark(a_mark("b", channel=Channel("slack", "C9")), True)
    assert list_queue(store) == []
    assert list_queue(store, OF_PAPERS) == [("a", 1)]
    store.marks.set_mark(a_mark("c", "bob"), True)
    store.marks.set_mark(a_mark("d", channel=Channel("slack", "C2", "T2")), True)
    assert list_queue(store) == [("a", 1), ("c", 1)]
    assert list_queue(store, QueueScope("slack", "T2")) == [("d", 1)]


def test_a_mark_learns_its_workspace_from_a_later_event() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(channel=Channel("slack", "C1")), True)
    assert list_queue(store) == []
    store.marks.set_mark(a_mark(minute=1), True)
    store.marks.set_mark(a_mark(minute=2, channel=Channel("slack", "C1")), True)
    assert list_queue(store) == [("a", 1)]


def test_the_queue_is_ordered_by_marks_then_by_age() -> None:
    store = a_store()
    for mark in (
        a_mark("late", minute=5),
        a_mark("early", "bob", 1),
        a_mark("two", "bob", 9),
        a_mark("two", "eve", 9),
    ):
        store.marks.set_mark(mark, True)
    assert list_queue(store) == [("two", 2), ("early", 1), ("late", 1)]


def test_an_old_mark_does_not_count() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(minute=-60 * 24 * 31), True)
    assert list_queue(store) == []


def test_a_discussed_paper_leaves_the_queue_until_marked_again() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(), True)
    store.marks.set_mark(a_mark(person="bob", channel=OTHERS), True)
    finish_discussion(store, OF_PAPERS, hours=1)
    assert list_queue(store) == [("a", 1)]
    finish_discussion(store, OF_TEAM, hours=1)
    assert list_queue(store) == []
    store.marks.set_mark(a_mark(person="eve", minute=120), True)
    assert list_queue(store) == [("a", 1)]
    finish_discussion(store, OF_TEAM, hours=3)
    assert list_queue(store) == []


def test_a_discussion_in_one_workspace_leaves_the_queue_of_another() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(channel=Channel("slack", "C3", "T2")), True)
    store.marks.set_mark(a_mark(), True)
    finish_discussion(store, OF_TEAM, hours=1)
    assert list_queue(store, QueueScope("slack", "T2")) == [("a", 1)]
    finish_discussion(store, QueueScope("slack", "T2", "C1"), hours=1)
    assert list_queue(store, QueueScope("slack", "T2")) == [("a", 1)]


def test_an_undone_discussion_puts_the_paper_back_if_it_is_the_last_one_of_that_queue() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(), True)
    finish_discussion(store, OF_TEAM, hours=1)
    finish_discussion(store, OF_TEAM, hours=2, by="bob")
    (finished,) = store.queue_decisions.list_recent(OF_TEAM, since=NOW, limit=3)
    assert (finished.paper, finished.by, finished.at) == ("a", "bob", NOW + timedelta(hours=2))
    assert store.queue_decisions.list_recent(OF_PAPERS, since=NOW, limit=3) == []
    assert store.queue_decisions.list_recent(OF_TEAM, since=NOW + timedelta(hours=3), limit=3) == []
    refused = [
        ("a", OF_TEAM, NOW + timedelta(hours=1)),
        ("b", OF_TEAM, finished.at),
        ("a", OF_PAPERS, finished.at),
        ("a", QueueScope("slack", "T2"), finished.at),
        ("a", QueueScope("discord", "T1"), finished.at),
    ]
    assert not any(store.queue_decisions.undo(paper, scope, at=at) for paper, scope, at in refused)
    assert list_queue(store) == []
    assert store.queue_decisions.undo("a", OF_TEAM, at=finished.at)
    assert list_queue(store) == [("a", 1)]
    assert not store.queue_decisions.undo("a", OF_TEAM, at=finished.at)


def test_a_discussion_keeps_the_name_and_id_of_who_finished_it_last() -> None:
    store = a_store()
    for hours, by in ((2, "bob"), (3, "eve"), (1, "ada")):
        finish_discussion(store, OF_TEAM, hours=hours, by=by)
    query = select(schema.discussions.c.by, schema.discussions.c.by_id)
    assert isinstance(store.marks, SqlMarks)
    with store.marks.database.read() as connection:
        assert connection.execute(query).all() == [("eve", "slack:T1:eve")]


def test_a_persons_own_papers_are_listed_newest_first_with_all_marks() -> None:
    store = a_store()
    for mark in (a_mark("a"), a_mark("b", minute=3), a_mark("a", "bob"), a_mark("c", "bob")):
        store.marks.set_mark(mark, True)
    own = store.marks.papers_marked_by("slack", "T1", "ada", since=SINCE, limit=5)
    assert [(entry.paper, entry.mark_count) for entry in own] == [("b", 1), ("a", 2)]


def test_replaced_marks_are_those_of_the_platform_except_newer_ones() -> None:
    store = a_store()
    post = a_post(papers=("a", "b"))
    store.marks.set_mark(a_mark("a", "gone"), True)
    store.marks.set_mark(a_mark("a", "younger", minute=10), True)
    people_by_paper = {"b": frozenset({"new"})}
    assert store.marks.replace_marks(
        post, people_by_paper, MarkSource.REACTION, as_of=NOW + timedelta(minutes=5)
    )
    assert store.marks.mark_counts(PAPERS, ["a", "b"]) == {"a": 1, "b": 1}
    later = NOW + timedelta(minutes=11)
    assert store.marks.replace_marks(post, people_by_paper, MarkSource.REACTION, as_of=later)
    assert not store.marks.replace_marks(post, people_by_paper, MarkSource.REACTION, as_of=later)
    assert store.marks.mark_counts(PAPERS, ["a", "b"]) == {"b": 1}


mark_events = st.tuples(st.integers(0, 6), st.booleans())


@given(st.lists(mark_events, min_size=1, max_size=8, unique_by=lambda event: event[0]), st.randoms())
def test_events_in_any_order_and_repeated_have_the_same_result(
    events: list[tuple[int, bool]], random: object
) -> None:
    shuffled = events * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    store = a_store()
    for minute, is_set in shuffled:
        store.marks.set_mark(a_mark(minute=minute), is_set)
    newest = max(events)
    assert store.marks.mark_counts(PAPERS, ["a"]) == ({"a": 1} if newest[1] else {})


@pytest.mark.parametrize("is_added_first", [True, False])
def test_a_mark_that_is_added_and_removed_at_one_instant_is_removed(is_added_first: bool) -> None:
    store = a_store()
    for is_on in (is_added_first, not is_added_first):
        store.marks.set_mark(a_mark(), is_on)
    assert store.marks.mark_counts(PAPERS, ["a"]) == {}


def test_people_by_paper_are_those_with_a_mark_on_the_post() -> None:
    store, channel = a_store(), Channel("discord", "1", "9")
    post = Post(channel, "5", ("a", "b"), {})
    store.posts.record_shared(post, now=NOW)
    for person, source, message_id in (
        ("u1", MarkSource.REACTION, "5"),
        ("u2", MarkSource.BUTTON, ""),
        ("u3", MarkSource.REACTION, "6"),
    ):
        store.marks.set_mark(Mark(channel, message_id, "a", person, source, NOW), True)
    assert store.marks.people_by_paper(post, MarkSource.REACTION) == {"a": frozenset({"u1"})}
    store.marks.set_mark(Mark(channel, "5", "a", "u1", MarkSource.REACTION, NOW), False)
    assert store.marks.people_by_paper(post, MarkSource.REACTION) == {}


def test_the_papers_marked_last_in_each_channel_are_listed_discussed_ones_too() -> None:
    store = a_store()
    for minute, paper in enumerate("abc"):
        store.marks.set_mark(a_mark(paper, minute=minute), True)
    store.marks.set_mark(a_mark("a", "eve", minute=9), True)
    store.marks.set_mark(a_mark("old", minute=-60 * 24 * 60), True)
    store.marks.set_mark(a_mark("c", minute=8), False)
    store.marks.set_mark(a_mark("elsewhere", channel=OTHERS), True)
    store.marks.set_mark(a_mark("foreign", channel=Channel("discord", "C1", "T1")), True)
    finish_discussion(store, OF_TEAM, hours=1)
    channels = {PAPERS, Channel("slack", "C3", "T1")}
    assert store.marks.marked_papers(channels, since=SINCE, limit=2) == {PAPERS: ("a", "b")}
    assert store.marks.marked_papers([PAPERS, OTHERS], since=SINCE, limit=1) == {
        PAPERS: ("a",),
        OTHERS: ("elsewhere",),
    }
    assert store.marks.marked_papers([], since=SINCE, limit=1) == {}
