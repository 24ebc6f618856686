"""Marks and the queue in the store."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.model import Mark, MarkSource, Post
from digests.ports import Store
from digests.subscription import Channel
from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")

PAPERS, OTHERS = Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1")

SINCE = NOW - timedelta(days=30)


def a_post(
    message: str = "1.0", papers: tuple[str, ...] = ("a",), channel: Channel = PAPERS, first: int = 1
) -> Post:
    return Post(channel, message, papers, {"text": "x"}, first)


def a_mark(paper: str = "a", person: str = "ada", minute: int = 0, **facts: object) -> Mark:
    mark = Mark(PAPERS, "1.0", paper, person, MarkSource.REACTION, NOW + timedelta(minutes=minute))
    return replace(mark, **facts)  # type: ignore[arg-type]


def list_queue(store: Store, channel: Channel | None = None) -> list[tuple[str, int]]:
    return [
        (entry.paper, entry.mark_count)
        for entry in store.marks.discussion_queue(channel, since=SINCE, limit=10)
    ]


def test_a_person_counts_once_per_paper_from_all_sources() -> None:
    store = a_store()
    assert store.marks.set_mark(a_mark(), True)
    assert not store.marks.set_mark(a_mark(minute=1), True)
    store.marks.set_mark(a_mark(source=MarkSource.BUTTON, message_id=""), True)
    store.marks.set_mark(a_mark(channel=OTHERS), True)
    assert store.marks.mark_counts(PAPERS, ["a", "b"]) == {"a": 1}
    assert list_queue(store) == [("a", 1)]


def test_the_same_name_on_another_platform_is_another_person() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(), True)
    store.marks.set_mark(a_mark(channel=Channel("discord", "9")), True)
    assert list_queue(store) == [("a", 2)]
    assert list_queue(store, PAPERS) == [("a", 1)]


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
    store.marks.finish_discussion("a", PAPERS, now=NOW + timedelta(hours=1))
    assert list_queue(store) == [("a", 1)]
    store.marks.finish_discussion("a", None, now=NOW + timedelta(hours=1))
    assert list_queue(store) == []
    store.marks.set_mark(a_mark(person="eve", minute=120), True)
    assert list_queue(store) == [("a", 1)]
    store.marks.finish_discussion("a", None, now=NOW + timedelta(hours=3))
    assert list_queue(store) == []


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
    assert store.marks.has_mark(a_mark()) is newest[1]


@pytest.mark.parametrize("is_added_first", [True, False])
def test_a_mark_that_is_added_and_removed_at_one_instant_is_removed(is_added_first: bool) -> None:
    store = a_store()
    for is_on in (is_added_first, not is_added_first):
        store.marks.set_mark(a_mark(), is_on)
    assert not store.marks.has_mark(a_mark())


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
