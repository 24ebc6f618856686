"""Opinions on papers in the store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digests.feedback import Opinion
from digests.ports import Store
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

PAPERS, OTHERS = Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1")
SINCE = NOW - timedelta(days=90)


def say(
    store: Store, paper: str, person: str, is_more: bool | None, minute: int = 0, channel: Channel = PAPERS
) -> None:
    store.feedback.set_opinion(channel, paper, person, is_more, now=NOW + timedelta(minutes=minute))


def list_opinions(store: Store, channel: Channel = PAPERS, limit: int = 9) -> tuple[Opinion, ...]:
    return store.feedback.list_opinions([channel], since=SINCE, limit=limit).get(channel, ())


def test_a_person_has_one_opinion_on_a_paper_which_can_be_changed_and_taken_back() -> None:
    store = a_store()
    say(store, "a", "ada", True)
    say(store, "a", "ada", False, minute=1)
    say(store, "a", "bob", True)
    assert list_opinions(store) == (Opinion("a", "ada", False), Opinion("a", "bob", True))
    assert store.feedback.find_opinion(PAPERS, "a", "ada") is False
    say(store, "a", "ada", None, minute=2)
    say(store, "b", "ada", None)
    assert store.feedback.find_opinion(PAPERS, "a", "ada") is None
    assert list_opinions(store) == (Opinion("a", "bob", True),)


def test_opinions_come_newest_first_with_the_category_of_their_paper() -> None:
    store = a_store()
    store.library.add([(a_paper("2401.00001", primary_category="cs.SD"), a_review())], now=NOW)
    say(store, "2401.00001", "ada", False)
    say(store, "gone", "ada", True, minute=1)
    say(store, "old", "ada", True, minute=-60 * 24 * 91)
    expected = (Opinion("gone", "ada", True), Opinion("2401.00001", "ada", False, "cs.SD"))
    assert list_opinions(store) == expected
    assert list_opinions(store, limit=1) == expected[:1]


def test_a_channel_has_the_opinions_of_its_own_workspace_and_platform() -> None:
    store = a_store()
    elsewhere = (OTHERS, replace(PAPERS, workspace="T2"), replace(PAPERS, platform="discord"))
    for channel in (PAPERS, *elsewhere):
        say(store, "a", "ada", True, channel=channel)
    for channel in (PAPERS, *elsewhere):
        assert list_opinions(store, channel) == (Opinion("a", "ada", True),)
    assert len(list_opinions(store, replace(PAPERS, workspace=""))) == 2, "ids of channels are unique"
    found = store.feedback.list_opinions([PAPERS, *elsewhere], since=SINCE, limit=9)
    assert set(found) == {PAPERS, *elsewhere}


def test_an_opinion_that_was_given_without_a_workspace_is_changed_and_not_doubled() -> None:
    store = a_store()
    say(store, "a", "ada", True, channel=replace(PAPERS, workspace=""))
    say(store, "a", "ada", False, minute=1)
    assert list_opinions(store) == (Opinion("a", "ada", False),)


def test_a_reset_takes_the_opinions_of_one_channel() -> None:
    store = a_store()
    say(store, "a", "ada", True)
    say(store, "b", "bob", False)
    say(store, "a", "ada", True, channel=OTHERS)
    say(store, "a", "ada", True, channel=replace(PAPERS, workspace="T2"))
    assert store.feedback.reset(PAPERS) == 2
    assert store.feedback.reset(PAPERS) == 0
    assert list_opinions(store) == ()
    assert list_opinions(store, OTHERS)
    assert list_opinions(store, replace(PAPERS, workspace="T2"))
