"""Posts, marks and the queue in the store."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.model import Mark, MarkSource, Post
from digests.ports import Store
from digests.store import open_store
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


def queue(store: Store, channel: Channel | None = None) -> list[tuple[str, int]]:
    return [
        (one.paper, one.mark_count) for one in store.marks.discussion_queue(channel, since=SINCE, limit=10)
    ]


def test_a_shared_message_is_found_with_its_papers_in_order_whatever_is_said_of_the_workspace() -> None:
    store = a_store()
    store.posts.record_shared(a_post(papers=("b", "a")), now=NOW)
    store.posts.record_shared(a_post(papers=("c",)), now=NOW)  # The same message again changes nothing.
    assert store.posts.find(Channel("slack", "C1"), "1.0") == a_post(papers=("b", "a"))
    assert store.posts.find(OTHERS, "1.0") is None


def test_the_messages_of_a_channel_that_show_a_paper_come_newest_first() -> None:
    store = a_store()
    for number in range(4):
        store.posts.record_shared(a_post(f"{number}"), now=NOW + timedelta(minutes=number))
    store.posts.record_shared(a_post("9", channel=OTHERS), now=NOW)
    assert [post.message_id for post in store.posts.find_with_paper(PAPERS, "a", 3)] == ["3", "2", "1"]
    assert [post.message_id for post in store.posts.list_recent("slack", NOW + timedelta(minutes=2), 5)] == [
        "3",
        "2",
    ]


def test_a_person_is_one_voice_however_often_and_in_whatever_way_they_mark() -> None:
    store = a_store()
    assert store.marks.set_mark(a_mark(), True)
    assert not store.marks.set_mark(a_mark(minute=1), True)
    store.marks.set_mark(a_mark(source=MarkSource.BUTTON, message_id=""), True)
    store.marks.set_mark(a_mark(channel=OTHERS), True)
    assert store.marks.mark_counts(PAPERS, ["a", "b"]) == {"a": 1}
    assert queue(store) == [("a", 1)]


def test_the_same_name_on_another_platform_is_another_person() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(), True)
    store.marks.set_mark(a_mark(channel=Channel("discord", "9")), True)
    assert queue(store) == [("a", 2)]
    assert queue(store, PAPERS) == [("a", 1)]


def test_the_queue_is_most_wanted_first_then_longest_wanted() -> None:
    store = a_store()
    for mark in (
        a_mark("late", minute=5),
        a_mark("early", "bob", 1),
        a_mark("two", "bob", 9),
        a_mark("two", "eve", 9),
    ):
        store.marks.set_mark(mark, True)
    assert queue(store) == [("two", 2), ("early", 1), ("late", 1)]


def test_a_mark_that_is_too_old_does_not_count() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(minute=-60 * 24 * 31), True)
    assert queue(store) == []


def test_what_was_discussed_leaves_the_queue_until_it_is_marked_again() -> None:
    store = a_store()
    store.marks.set_mark(a_mark(), True)
    store.marks.set_mark(a_mark(person="bob", channel=OTHERS), True)
    store.marks.finish_discussion("a", PAPERS, now=NOW + timedelta(hours=1))
    assert queue(store) == [("a", 1)]
    store.marks.finish_discussion("a", None, now=NOW + timedelta(hours=1))
    assert queue(store) == []
    store.marks.set_mark(a_mark(person="eve", minute=120), True)
    assert queue(store) == [("a", 1)]


def test_a_persons_own_list_is_newest_first_with_everybodys_voices() -> None:
    store = a_store()
    for mark in (a_mark("a"), a_mark("b", minute=3), a_mark("a", "bob")):
        store.marks.set_mark(mark, True)
    own = store.marks.papers_marked_by("slack", "T1", "ada", since=SINCE, limit=5)
    assert [(one.paper, one.mark_count) for one in own] == [("b", 1), ("a", 2)]


def test_the_truth_of_an_instant_adds_and_takes_back_but_leaves_younger_words() -> None:
    store = a_store()
    post = a_post(papers=("a", "b"))
    store.marks.set_mark(a_mark("a", "gone"), True)
    store.marks.set_mark(a_mark("a", "younger", minute=10), True)
    truth = {"b": frozenset({"new"})}
    assert store.marks.replace_marks(post, truth, MarkSource.REACTION, as_of=NOW + timedelta(minutes=5))
    assert store.marks.mark_counts(PAPERS, ["a", "b"]) == {"a": 1, "b": 1}
    again = NOW + timedelta(minutes=11)
    assert store.marks.replace_marks(post, truth, MarkSource.REACTION, as_of=again)
    assert not store.marks.replace_marks(post, truth, MarkSource.REACTION, as_of=again)
    assert store.marks.mark_counts(PAPERS, ["a", "b"]) == {"b": 1}


words = st.tuples(st.integers(0, 6), st.booleans())


@given(st.lists(words, min_size=1, max_size=8, unique_by=lambda word: word[0]), st.randoms())
def test_words_in_any_order_and_told_twice_end_in_the_same_state(
    told: list[tuple[int, bool]], random: object
) -> None:
    shuffled = told * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    store = a_store()
    for minute, on in shuffled:
        store.marks.set_mark(a_mark(minute=minute), on)
    newest = max(told)
    assert store.marks.has_mark(a_mark()) is newest[1]


def test_an_event_is_told_for_the_first_time_once_however_many_ask(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'p.db'}")
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda _: store.events.record_once("Ev1", now=NOW), range(40)))
    assert first.count(True) == 1
    assert store.events.record_once("Ev2", now=NOW)


def test_old_events_are_forgotten_so_that_the_store_does_not_grow_for_ever(tmp_path: Path) -> None:
    store = a_store()
    for number in range(499):
        store.events.record_once(f"Ev{number}", now=NOW)
    assert store.events.record_once("Ev500", now=NOW + timedelta(days=3))
    assert store.events.record_once("Ev1", now=NOW + timedelta(days=3))
    assert not store.events.record_once("Ev500", now=NOW + timedelta(days=3))
