"""What people do to a channel's digest, in the store."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from digests.errors import InputError
from digests.ports import Store
from digests.subscription import Channel, Preferences, Schedule, Subscription, SubscriptionChange
from tests.builders import NOW, a_store
from tests.outbox import claim_all

pytestmark = pytest.mark.usefixtures("over_both")

CHANNEL = Channel("slack", "C1", "T1")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + HOUR


def subscribed(store: Store, **wish: object) -> SubscriptionChange:
    one = Subscription(CHANNEL, Preferences(**wish), Schedule(time(10)))  # type: ignore[arg-type]
    change = store.subscriptions.change(CHANNEL, one, by="Ada", now=NOW)
    assert change
    return change


def found(store: Store) -> Subscription:
    one = store.subscriptions.find(CHANNEL)
    assert one
    return one


def test_a_channel_is_subscribed_and_due_at_its_next_hour() -> None:
    store = a_store()
    change = subscribed(store, top=3)
    assert (change.before, change.by) == (None, "Ada")
    assert found(store) == change.after
    assert not found(store).is_from_settings
    assert claim_all(store) == []
    assert [one.subscription for one in claim_all(store, HOUR)] == [found(store)]


def test_nothing_changed_is_no_change() -> None:
    store = a_store()
    subscribed(store)
    assert store.subscriptions.change(CHANNEL, found(store), by="Bob", now=LATER) is None


def test_a_change_is_undone_and_the_undoing_too() -> None:
    store = a_store()
    subscribed(store, top=3)
    change = store.subscriptions.change(
        CHANNEL, replace(found(store), preferences=Preferences(top=9)), by="Bob", now=LATER
    )
    assert change
    undone = store.subscriptions.undo(change.id, by="Ada", now=LATER)
    assert undone
    assert found(store).preferences.top == 3
    assert store.subscriptions.undo(undone.id, by="Bob", now=LATER)
    assert found(store).preferences.top == 9


def test_a_change_that_was_changed_again_is_not_undone() -> None:
    store = a_store()
    first = subscribed(store, top=3)
    store.subscriptions.change(
        CHANNEL, replace(found(store), preferences=Preferences(top=9)), by="Bob", now=LATER
    )
    assert store.subscriptions.undo(first.id, by="Ada", now=LATER) is None
    assert store.subscriptions.undo(12345, by="Ada", now=LATER) is None


def test_an_ended_subscription_is_gone_and_comes_back_with_its_number_by_undo() -> None:
    store = a_store()
    subscribed(store, top=3)
    number = found(store).id
    ended = store.subscriptions.change(CHANNEL, None, by="Bob", now=LATER)
    assert store.subscriptions.find(CHANNEL) is None
    assert store.subscriptions.list_active() == []
    assert ended
    store.subscriptions.undo(ended.id, by="Ada", now=LATER)
    assert (found(store).id, found(store).preferences.top) == (number, 3)


def test_a_paused_channel_is_not_due_and_goes_on_with_the_next_edition() -> None:
    store = a_store()
    subscribed(store)
    store.subscriptions.change(CHANNEL, replace(found(store), paused_by="Ada"), by="Ada", now=NOW)
    assert claim_all(store, DAY) == []
    store.subscriptions.change(CHANNEL, replace(found(store), paused_by=""), by="Bob", now=NOW + DAY)
    assert claim_all(store, DAY) == []
    assert len(claim_all(store, DAY + HOUR)) == 1


def test_a_stopped_channel_is_not_due_until_it_starts_again() -> None:
    store = a_store()
    subscribed(store)
    assert store.subscriptions.stop(CHANNEL, "It was archived.")
    assert not store.subscriptions.stop(CHANNEL, "It was deleted.")
    assert found(store).stop_reason == "It was archived."
    assert claim_all(store, HOUR) == []
    assert store.subscriptions.start(CHANNEL, now=NOW)
    assert not store.subscriptions.start(CHANNEL, now=NOW)
    assert len(claim_all(store, HOUR)) == 1


def test_a_channel_of_the_settings_is_changed_there_but_may_be_paused_here() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([Subscription(Channel("slack", "C1"))], now=NOW)
    with pytest.raises(InputError, match="settings file"):
        store.subscriptions.change(
            CHANNEL, replace(found(store), preferences=Preferences(top=9)), by="Ada", now=NOW
        )
    with pytest.raises(InputError, match="settings file"):
        store.subscriptions.change(CHANNEL, None, by="Ada", now=NOW)
    assert store.subscriptions.change(CHANNEL, replace(found(store), paused_by="Ada"), by="Ada", now=NOW)
    store.subscriptions.sync_from_settings([Subscription(Channel("slack", "C1"))], now=LATER)
    assert found(store).paused_by == "Ada"


def test_a_channel_that_people_subscribed_and_the_settings_name_later_gets_one_digest() -> None:
    store = a_store()
    subscribed(store, top=3)
    store.subscriptions.sync_from_settings(
        [Subscription(Channel("slack", "C1"), Preferences(top=9))], now=LATER
    )
    (one,) = store.subscriptions.list_active()
    assert (one.preferences.top, one.is_from_settings) == (9, True)


def test_the_settings_leave_the_channels_of_people_alone() -> None:
    store = a_store()
    subscribed(store)
    store.subscriptions.sync_from_settings([], now=LATER)
    assert len(store.subscriptions.list_active()) == 1
