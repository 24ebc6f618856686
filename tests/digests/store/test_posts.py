"""Shared posts in the store."""

from datetime import timedelta

import pytest

from digests.model import Post
from digests.ports.marks import QueueScope
from digests.subscription import Channel
from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")

PAPERS, OTHERS = Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1")


def a_post(
    message_id: str = "1.0", papers: tuple[str, ...] = ("a",), channel: Channel = PAPERS, first: int = 1
) -> Post:
    return Post(channel, message_id, papers, {"text": "x"}, first)


def test_a_shared_post_is_found_with_its_papers_in_order_without_its_workspace() -> None:
    store = a_store()
    store.posts.record_shared(a_post(papers=("b", "a")), now=NOW)
    store.posts.record_shared(a_post(papers=("c",)), now=NOW)  # A repeated post changes nothing.
    assert store.posts.find(Channel("slack", "C1"), "1.0") == a_post(papers=("b", "a"))
    assert store.posts.find(OTHERS, "1.0") is None


def test_posts_with_a_paper_are_listed_newest_first() -> None:
    store = a_store()
    for number in range(4):
        store.posts.record_shared(a_post(f"{number}"), now=NOW + timedelta(minutes=number))
    store.posts.record_shared(a_post("9", channel=OTHERS), now=NOW)
    assert [post.message_id for post in store.posts.find_with_paper(PAPERS, "a", 3)] == ["3", "2", "1"]
    assert [post.message_id for post in store.posts.list_recent("slack", NOW + timedelta(minutes=2), 5)] == [
        "3",
        "2",
    ]


def test_posts_of_all_members_of_a_shared_queue_are_found_and_none_of_a_neighbour() -> None:
    store = a_store()
    partners = (QueueScope("discord", "9"), QueueScope("slack", "T2", "C5"))
    places = (
        PAPERS, OTHERS, Channel("discord", "33", "9"), Channel("slack", "C5", "T2"),
        Channel("slack", "C6", "T2"), Channel("discord", "44", "8"),
        Channel("slack", "D1", "T1", is_direct=True),
    )  # fmt: skip
    for number, channel in enumerate(places):
        store.posts.record_shared(a_post(f"{number}", channel=channel), now=NOW)
    store.posts.record_shared(a_post("8", ("b",)), now=NOW)

    def find(scope: QueueScope, limit: int = 9) -> list[str]:
        return [post.message_id for post in store.posts.find_in_queue(scope, "a", limit)]

    assert find(QueueScope("slack", "T1", "C1", partners=partners)) == ["3", "2", "0"]
    assert find(QueueScope("slack", "T1", partners=partners)) == ["3", "2", "1", "0"]
    assert find(QueueScope("slack", "T1", partners=partners), 2) == ["3", "2"]
