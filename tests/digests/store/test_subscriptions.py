"""Channels and their wishes in the store."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from digests.ports import Store
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.builders import NOW, TODAY, a_store, a_subscription, save_subscription
from tests.outbox import LEASE, claim_all

pytestmark = pytest.mark.usefixtures("over_both")

NINE, TEN = Schedule(time(9)), Schedule(time(10))


def test_a_wish_and_a_schedule_come_back_as_they_went_in() -> None:
    store = a_store()
    wish = Preferences(("vision", "cs.CL"), ("äöü, “x”",), ("audio",), 7, 6.5, DigestStyle.THREAD)
    schedule = Schedule(time(7, 45), frozenset({0, 6}), "Asia/Kathmandu")
    kept = Subscription(Channel("console", "a", "w"), wish, schedule)
    store.subscriptions.sync_from_settings([kept], now=NOW)
    (found,) = store.subscriptions.list_active()
    assert replace(found, id=0) == replace(kept, is_from_settings=True)


def test_a_channel_that_left_the_settings_gets_no_digest_and_may_come_back() -> None:
    store = a_store()
    one, other = a_subscription("one"), a_subscription("other")
    store.subscriptions.sync_from_settings([one, other], now=NOW)
    number = store.subscriptions.list_active()[0].id
    store.subscriptions.sync_from_settings([other], now=NOW)
    assert [s.channel for s in store.subscriptions.list_active()] == [other.channel]
    store.subscriptions.sync_from_settings([one, other], now=NOW)
    assert store.subscriptions.list_active()[0].id == number


def test_a_channel_is_due_from_its_hour_on() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=TEN)], now=NOW)
    assert claim_all(store, timedelta(minutes=59)) == []
    assert len(claim_all(store, timedelta(minutes=60))) == 1


def test_keeping_the_same_schedule_again_does_not_put_an_edition_off() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=TEN)], now=NOW)
    late = timedelta(hours=3)
    store.subscriptions.sync_from_settings([replace(a_subscription(top=9), schedule=TEN)], now=NOW + late)
    (due,) = claim_all(store, late)
    assert due.subscription.preferences.top == 9


def test_a_new_schedule_brings_an_edition_that_was_awaited_and_none_that_was_had() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=TEN)], now=NOW)
    early, late = timedelta(minutes=30), timedelta(hours=3)
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=NINE)], now=NOW + early)
    (due,) = claim_all(store, early)
    store.outbox.finish(due)
    store.subscriptions.sync_from_settings(
        [replace(a_subscription(), schedule=Schedule(time(11)))], now=NOW + late
    )
    assert claim_all(store, late) == []
    assert claim_all(store, timedelta(hours=24)) == []
    assert len(claim_all(store, timedelta(hours=26))) == 1


def test_a_channel_that_was_paused_over_its_hour_waits_for_the_next() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=TEN)], now=NOW)
    (one,) = store.subscriptions.list_active()
    store.subscriptions.change(one.channel, replace(one, paused_by="Ada"), by="Ada", now=NOW)
    store.subscriptions.change(one.channel, one, by="Ada", now=NOW + timedelta(hours=3))
    assert claim_all(store, timedelta(hours=3)) == []
    assert len(claim_all(store, timedelta(hours=25))) == 1


def finished(store: Store, one: Subscription, now: datetime) -> None:
    """The channel had the edition of that day."""
    claim = store.outbox.claim(one, now.date(), owner="a", now=now, lease=LEASE)
    assert claim
    store.outbox.finish(claim)


def test_a_clock_that_ran_two_days_ahead_costs_no_edition_once_it_is_right() -> None:
    store = a_store()
    one = save_subscription(store, replace(a_subscription(), schedule=TEN), NOW)
    finished(store, one, NOW + timedelta(days=2, hours=2))
    assert store.subscriptions.recompute_next_due(now=NOW) == 1
    assert store.subscriptions.recompute_next_due(now=NOW) == 0
    came = []
    for days in range(4):
        for due in claim_all(store, timedelta(days=days, hours=1)):
            store.outbox.finish(due)
            came.append((due.edition - TODAY).days)
    assert came == [0, 1, 3], "the third day's came while the clock was ahead"


def test_a_channel_that_is_paused_and_resumed_after_a_clock_was_a_year_ahead_goes_on_tomorrow() -> None:
    store = a_store()
    one = save_subscription(store, replace(a_subscription(), schedule=TEN), NOW)
    finished(store, one, NOW + timedelta(days=365, hours=2))
    store.subscriptions.recompute_next_due(now=NOW)
    late = timedelta(hours=3)
    store.subscriptions.change(one.channel, replace(one, paused_by="Ada"), by="Ada", now=NOW + late)
    store.subscriptions.change(one.channel, one, by="Ada", now=NOW + late)
    assert claim_all(store, late) == []
    assert len(claim_all(store, timedelta(hours=25))) == 1


def test_a_clock_that_goes_back_an_hour_repeats_nothing() -> None:
    store = a_store()
    one = save_subscription(store, replace(a_subscription(), schedule=TEN), NOW)
    hour = timedelta(hours=1)
    finished(store, one, NOW + hour)
    store.subscriptions.recompute_next_due(now=NOW)
    assert claim_all(store, hour) == []


def test_a_channel_is_found_with_its_workspace_or_without() -> None:
    store = a_store()
    kept = Subscription(Channel("console", "a", "w"))
    store.subscriptions.sync_from_settings([kept], now=NOW)
    assert store.subscriptions.find(Channel("console", "a", "w"))
    assert store.subscriptions.find(Channel("console", "a"))
    assert store.subscriptions.find(Channel("console", "a", "other")) is None


def test_who_subscribed_a_channel_stays_its_owner_until_it_ends() -> None:
    store = a_store()
    wish = Subscription(Channel("slack", "C1"), owner_id="UADA")
    store.subscriptions.change(wish.channel, wish, by="Ada", now=NOW)
    store.subscriptions.change(
        wish.channel, replace(wish, preferences=Preferences(top=3), owner_id="UBOB"), by="Bob", now=NOW
    )
    assert [one.owner_id for one in store.subscriptions.list_active()] == ["UADA"]
    store.subscriptions.change(wish.channel, None, by="Bob", now=NOW)
    store.subscriptions.change(wish.channel, replace(wish, owner_id="UBOB"), by="Bob", now=NOW)
    assert [one.owner_id for one in store.subscriptions.list_active()] == ["UBOB"]
