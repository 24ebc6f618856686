"""What is remembered from one run to the next, ids by their beginning, and who marked a message."""

import pytest

from digests.model import NOT_REVIEWED, Mark, MarkSource, Post
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_store

pytestmark = pytest.mark.usefixtures("over_both")


def test_the_last_note_of_a_name_counts() -> None:
    notes = a_store().notes
    assert notes.read("commands") == ""
    notes.write("commands", "one")
    notes.write("commands", "two")
    assert notes.read("commands") == "two"


def test_papers_are_found_by_the_beginning_of_their_id_newest_first() -> None:
    store = a_store()
    ids = ["2402.01306", "2402.99999", "2403.00001", "web:abc", "cs/0112017"]
    store.library.add([(a_paper(id), NOT_REVIEWED) for id in ids], now=NOW)  # noqa: A001
    assert list(store.library.ids_with_prefix("2402.", 10)) == ["2402.99999", "2402.01306"]
    assert list(store.library.ids_with_prefix("2402.", 1)) == ["2402.99999"]
    assert list(store.library.ids_with_prefix("24%", 10)) == []
    assert list(store.library.ids_with_prefix("cs/", 10)) == ["cs/0112017"]


def test_the_people_of_a_message_are_those_whose_marks_stand() -> None:
    store, channel = a_store(), Channel("discord", "1", "9")
    post = Post(channel, "5", ("a", "b"), {})
    store.posts.record_shared(post, now=NOW)
    for person, by, message in (
        ("u1", MarkSource.REACTION, "5"),
        ("u2", MarkSource.BUTTON, ""),
        ("u3", MarkSource.REACTION, "6"),
    ):
        store.marks.set_mark(Mark(channel, message, "a", person, by, NOW), True)
    assert store.marks.people_by_paper(post, MarkSource.REACTION) == {"a": frozenset({"u1"})}
    store.marks.set_mark(Mark(channel, "5", "a", "u1", MarkSource.REACTION, NOW), False)
    assert store.marks.people_by_paper(post, MarkSource.REACTION) == {}
