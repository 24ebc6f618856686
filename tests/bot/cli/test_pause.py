"""`paperround pause` and `resume`: which digests a name stands for, and what becomes of them."""

import getpass

import pytest

from bot.cli.pause import pause_digests
from bot.cli.resume import resume_digests
from bot.cli.targets import find_target
from bot.cli.workspaces import decide_workspace
from digests.errors import InputError
from digests.ports import Store
from digests.subscription import Channel, Subscription
from tests.bot.cli.test_workspaces import NOTHING_NAMED, OURS, settings_with
from tests.builders import NOW, a_store
from tests.outbox import claim_all

pytestmark = pytest.mark.usefixtures("over_both")

FIRST, SECOND, OTHER = (
    Channel("slack", "C1", "T1"),
    Channel("slack", "C2", "T1"),
    Channel("slack", "C1", "T2"),
)


@pytest.fixture
def store() -> Store:
    """Open a store with three digests in two channels of one team, and one in another team."""
    store = a_store()
    for channel, name in ((FIRST, ""), (FIRST, "friday"), (SECOND, ""), (OTHER, "")):
        store.subscriptions.change(channel, Subscription(channel, name=name), by="Ada", now=NOW, name=name)
    return store


def pause(store: Store, name: str) -> str:
    return pause_digests(find_target(name, store, NOTHING_NAMED), store, now=NOW)


def resume(store: Store, name: str) -> str:
    return resume_digests(find_target(name, store, NOTHING_NAMED), store, now=NOW)


def list_resting(store: Store) -> list[str]:
    return [each.full_name for each in store.subscriptions.list_active() if not each.is_running]


@pytest.mark.parametrize(
    ("name", "resting"),
    [
        ("slack:T1:C1#friday", ["slack:T1:C1#friday"]),
        ("C1#friday", ["slack:T1:C1#friday"]),
        ("slack:T1:C1", ["slack:T1:C1", "slack:T1:C1#friday"]),
        ("C2", ["slack:T1:C2"]),
        ("T1", ["slack:T1:C1", "slack:T1:C1#friday", "slack:T1:C2"]),
        ("slack:T2", ["slack:T2:C1"]),
    ],
)
def test_a_name_pauses_a_digest_a_channel_or_a_workspace_and_resumes_it(
    store: Store, name: str, resting: list[str]
) -> None:
    assert f"{len(resting)} digest" in pause(store, name)
    assert list_resting(store) == resting
    assert "nothing to pause" in pause(store, name)
    assert f"{len(resting)} digest" in resume(store, name)
    assert list_resting(store) == []
    assert "nothing to resume" in resume(store, name)


def test_a_paused_digest_is_not_leased_and_says_who_paused_it(store: Store) -> None:
    pause(store, "T1")
    assert [claim.subscription.channel for claim in claim_all(store, NOW - NOW)] == []
    found = store.subscriptions.find(SECOND)
    assert found
    assert (found.paused_by, found.paused_by_id) == ("the operator", f"console::{getpass.getuser()}")


def test_a_pause_by_somebody_else_and_a_stop_stay_as_they_are(store: Store) -> None:
    store.subscriptions.stop(SECOND, "the channel was archived.")
    assert pause(store, "T1").startswith("slack:T1: 2 digests paused, 1 paused or stopped before.")
    assert pause(store, "T1") == "slack:T1: nothing to pause, 3 digests paused or stopped before."
    found = store.subscriptions.find(SECOND)
    assert found
    assert (found.paused_by, found.stop_reason) == ("", "the channel was archived.")
    assert resume(store, "T1").startswith("slack:T1: 3 digests resumed.")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("C1", "'C1' may be one of 2: slack:T1:C1, slack:T2:C1. Give the full name of one."),
        ("slack:T1:C22", "did you mean slack:T1:C2"),
        ("t1", "did you mean slack:T1"),
        ("c2", "did you mean slack:T1:C2"),
        ("", "No channel or workspace '' gets digests."),
        ("zzzzzzzz", "No channel or workspace 'zzzzzzzz' gets digests."),
        ("x\n\x1b[31m\u202e" + "y" * 5000, "No channel or workspace 'x\\n\\x1b[31m\\u202eyyy"),
        ("slack", "No channel or workspace 'slack' gets digests"),
    ],
)
def test_an_unknown_or_ambiguous_name_changes_nothing_and_the_nearest_are_named(
    store: Store, name: str, sentence: str
) -> None:
    for act in (pause, resume):
        with pytest.raises(InputError) as refused:
            act(store, name)
        assert sentence in str(refused.value)
        assert len(str(refused.value)) < 300
    assert list_resting(store) == []


def test_a_digest_of_the_settings_that_has_not_begun_is_said_to_wait_for_the_bot(store: Store) -> None:
    settings = settings_with(subscriptions=[{"platform": "console", "channel": "papers"}])
    with pytest.raises(InputError, match="“paperround run” begins it"):
        find_target("papers", store, settings)


def test_a_channel_without_digests_and_a_denied_workspace_are_not_resumed(store: Store) -> None:
    store.subscriptions.change(SECOND, None, by="Ada", now=NOW)
    with pytest.raises(InputError, match="slack:T1:C2 gets no digest"):
        pause(store, "C2")
    server = Channel("discord", "91384788765712384", OURS)
    store.subscriptions.change(server, Subscription(server), by="Ada", now=NOW)
    decide_workspace(store, NOTHING_NAMED, "discord", OURS, allow=False, now=NOW)
    for name in (OURS, "91384788765712384"):
        with pytest.raises(InputError, match=f"workspaces allow discord {OURS}"):
            resume(store, name)
    assert list_resting(store) == [str(server)]
