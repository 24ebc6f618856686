"""Subscriptions in the store: settings, changes by people, due times."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import select

from digests.errors import InputError
from digests.ports import Store
from digests.store import schema
from digests.store.subscriptions import SqlSubscriptions
from digests.subscription import (
    Channel,
    DigestStyle,
    MatchMode,
    Preferences,
    Schedule,
    Subscription,
    SubscriptionChange,
    UnscoredPapers,
)
from tests.builders import NOW, TODAY, a_store, a_subscription, save_subscription
from tests.outbox import LEASE, claim_all, claim_recap

pytestmark = pytest.mark.usefixtures("over_both")

CHANNEL = Channel("slack", "C1", "T1")
NINE, TEN = Schedule(time(9)), Schedule(time(10))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + HOUR


def subscribe_channel(store: Store, **preferences: object) -> SubscriptionChange:
    subscription = Subscription(CHANNEL, Preferences(**preferences), Schedule(time(10)))  # type: ignore[arg-type]
    change = store.subscriptions.change(CHANNEL, subscription, by="Ada", now=NOW)
    assert change
    return change


def find_channel(store: Store) -> Subscription:
    subscription = store.subscriptions.find(CHANNEL)
    assert subscription
    return subscription


def test_a_channel_is_subscribed_and_due_at_its_next_hour() -> None:
    store = a_store()
    change = subscribe_channel(store, top=3)
    assert (change.before, change.by) == (None, "Ada")
    assert find_channel(store) == change.after
    assert not find_channel(store).is_from_settings
    assert claim_all(store) == []
    assert [claim.subscription for claim in claim_all(store, HOUR)] == [find_channel(store)]


def test_an_equal_subscription_is_no_change() -> None:
    store = a_store()
    subscribe_channel(store)
    assert store.subscriptions.change(CHANNEL, find_channel(store), by="Bob", now=LATER) is None


def test_a_change_can_be_undone_and_so_can_the_undo() -> None:
    store = a_store()
    subscribe_channel(store, top=3)
    change = store.subscriptions.change(
        CHANNEL, replace(find_channel(store), preferences=Preferences(top=9)), by="Bob", now=LATER
    )
    assert change
    undone = store.subscriptions.undo(change.id, CHANNEL, by="Ada", now=LATER)
    assert undone
    assert find_channel(store).preferences.top == 3
    assert store.subscriptions.undo(undone.id, CHANNEL, by="Bob", now=LATER)
    assert find_channel(store).preferences.top == 9


def test_a_superseded_change_cannot_be_undone() -> None:
    store = a_store()
    first = subscribe_channel(store, top=3)
    store.subscriptions.change(
        CHANNEL, replace(find_channel(store), preferences=Preferences(top=9)), by="Bob", now=LATER
    )
    assert store.subscriptions.undo(first.id, CHANNEL, by="Ada", now=LATER) is None
    assert store.subscriptions.undo(12345, CHANNEL, by="Ada", now=LATER) is None


@pytest.mark.parametrize(
    "elsewhere",
    [
        Channel("slack", "C2", "T1"), Channel("slack", "C1", "T2"), Channel("discord", "C1", "T1"),
        Channel("slack", "", "T1"),
    ],
)  # fmt: skip
def test_a_change_is_undone_in_its_own_channel_only(elsewhere: Channel) -> None:
    store = a_store()
    channel = Channel("slack", "C1", "T1")
    change = store.subscriptions.change(channel, Subscription(channel), by="Ada", now=NOW)
    assert change
    assert store.subscriptions.undo(change.id, elsewhere, by="Eve", now=LATER) is None
    assert store.subscriptions.find(channel)
    assert store.subscriptions.undo(change.id, channel, by="Ada", now=LATER)
    assert store.subscriptions.find(channel) is None


def test_a_change_and_a_pause_keep_the_id_of_the_person() -> None:
    store = a_store()
    subscribe_channel(store)
    paused = replace(find_channel(store), paused_by="Ada", paused_by_id="slack:T1:U1")
    change = store.subscriptions.change(CHANNEL, paused, by="Ada", by_id="slack:T1:U1", now=LATER)
    assert change
    assert change.by_id == "slack:T1:U1"
    assert find_channel(store).paused_by_id == "slack:T1:U1"
    resumed = store.subscriptions.undo(change.id, CHANNEL, by="Bob", by_id="slack:T1:U2", now=LATER)
    assert resumed
    assert (resumed.by_id, find_channel(store).paused_by_id) == ("slack:T1:U2", "")
    query = select(schema.subscription_changes.c.by_id).order_by(schema.subscription_changes.c.id)
    assert isinstance(store.subscriptions, SqlSubscriptions)
    with store.subscriptions.database.read() as connection:
        assert connection.execute(query).scalars().all()[1:] == ["slack:T1:U1", "slack:T1:U2"]
    assert store.subscriptions.undo(resumed.id, CHANNEL, by="Bob", now=LATER)
    assert find_channel(store).paused_by_id == "slack:T1:U1"


def test_undoing_an_end_restores_the_subscription_with_its_id() -> None:
    store = a_store()
    subscribe_channel(store, top=3)
    id_before = find_channel(store).id
    ended = store.subscriptions.change(CHANNEL, None, by="Bob", now=LATER)
    assert store.subscriptions.find(CHANNEL) is None
    assert store.subscriptions.list_active() == []
    assert ended
    store.subscriptions.undo(ended.id, CHANNEL, by="Ada", now=LATER)
    assert (find_channel(store).id, find_channel(store).preferences.top) == (id_before, 3)


def test_a_paused_channel_is_due_again_with_the_edition_after_its_resumption() -> None:
    store = a_store()
    subscribe_channel(store)
    store.subscriptions.change(CHANNEL, replace(find_channel(store), paused_by="Ada"), by="Ada", now=NOW)
    assert claim_all(store, DAY) == []
    store.subscriptions.change(CHANNEL, replace(find_channel(store), paused_by=""), by="Bob", now=NOW + DAY)
    assert claim_all(store, DAY) == []
    assert len(claim_all(store, DAY + HOUR)) == 1


def test_a_stopped_channel_is_not_due_until_it_starts_again() -> None:
    store = a_store()
    subscribe_channel(store)
    assert store.subscriptions.stop(CHANNEL, "It was archived.")
    assert not store.subscriptions.stop(CHANNEL, "It was deleted.")
    assert find_channel(store).stop_reason == "It was archived."
    assert claim_all(store, HOUR) == []
    assert store.subscriptions.start(CHANNEL, now=NOW)
    assert not store.subscriptions.start(CHANNEL, now=NOW)
    assert len(claim_all(store, HOUR)) == 1


def test_a_configured_channel_can_be_paused_but_not_changed_from_chat() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([Subscription(Channel("slack", "C1"))], now=NOW)
    with pytest.raises(InputError, match="settings file"):
        store.subscriptions.change(
            CHANNEL, replace(find_channel(store), preferences=Preferences(top=9)), by="Ada", now=NOW
        )
    with pytest.raises(InputError, match="settings file"):
        store.subscriptions.change(CHANNEL, None, by="Ada", now=NOW)
    assert store.subscriptions.change(
        CHANNEL, replace(find_channel(store), paused_by="Ada"), by="Ada", now=NOW
    )
    store.subscriptions.sync_from_settings([Subscription(Channel("slack", "C1"))], now=LATER)
    assert find_channel(store).paused_by == "Ada"


def test_a_person_who_pauses_a_configured_channel_does_not_own_it() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([Subscription(CHANNEL)], now=NOW)
    paused = replace(find_channel(store), paused_by="Ada", owner_id="UADA")
    assert store.subscriptions.change(CHANNEL, paused, by="Ada", now=NOW)
    assert find_channel(store).owner_id == ""


def test_settings_take_over_a_channel_that_people_subscribed() -> None:
    store = a_store()
    subscribe_channel(store, top=3)
    store.subscriptions.sync_from_settings(
        [Subscription(Channel("slack", "C1"), Preferences(top=9))], now=LATER
    )
    (subscription,) = store.subscriptions.list_active()
    assert (subscription.preferences.top, subscription.is_from_settings) == (9, True)


def test_a_channel_that_left_the_settings_belongs_to_the_people_who_subscribe_it_again() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([Subscription(CHANNEL)], now=NOW)
    store.subscriptions.sync_from_settings([], now=NOW)
    subscribe_channel(store, top=3)
    assert not find_channel(store).is_from_settings
    subscribe_channel(store, top=4)
    store.subscriptions.sync_from_settings([], now=LATER)
    assert find_channel(store).preferences.top == 4


def test_settings_leave_channels_that_people_subscribed() -> None:
    store = a_store()
    subscribe_channel(store)
    store.subscriptions.sync_from_settings([], now=LATER)
    assert len(store.subscriptions.list_active()) == 1


def test_preferences_and_schedule_are_stored_unchanged() -> None:
    store = a_store()
    preferences = Preferences(
        ("vision", "cs.CL"), ("äöü, “x”",), ("audio",), 7, 6.5, DigestStyle.THREAD,
        ("Bengio, Yoshua", "Ł. Kaiser"), MatchMode.ANY, UnscoredPapers.LEAVE_OUT,
        language="de",
    )  # fmt: skip
    schedule = Schedule(time(7, 45), frozenset({0, 6}), "Asia/Kathmandu")
    subscription = Subscription(Channel("console", "a", "w"), preferences, schedule)
    store.subscriptions.sync_from_settings([subscription], now=NOW)
    (found,) = store.subscriptions.list_active()
    assert replace(found, id=0) == replace(subscription, is_from_settings=True)


def test_a_channel_removed_from_the_settings_ends_and_may_return_with_its_id() -> None:
    store = a_store()
    one, other = a_subscription("one"), a_subscription("other")
    store.subscriptions.sync_from_settings([one, other], now=NOW)
    id_before = store.subscriptions.list_active()[0].id
    store.subscriptions.sync_from_settings([other], now=NOW)
    assert [s.channel for s in store.subscriptions.list_active()] == [other.channel]
    store.subscriptions.sync_from_settings([one, other], now=NOW)
    assert store.subscriptions.list_active()[0].id == id_before


def test_a_channel_is_due_from_its_scheduled_time_on() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=TEN)], now=NOW)
    assert claim_all(store, timedelta(minutes=59)) == []
    assert len(claim_all(store, timedelta(minutes=60))) == 1


def test_settings_with_the_same_schedule_delay_no_edition() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=TEN)], now=NOW)
    delay = timedelta(hours=3)
    store.subscriptions.sync_from_settings([replace(a_subscription(top=9), schedule=TEN)], now=NOW + delay)
    (due,) = claim_all(store, delay)
    assert due.subscription.preferences.top == 9


def test_a_new_schedule_repeats_no_edition_of_today() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=TEN)], now=NOW)
    early, later = timedelta(minutes=30), timedelta(hours=3)
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=NINE)], now=NOW + early)
    (due,) = claim_all(store, early)
    store.outbox.finish(due)
    store.subscriptions.sync_from_settings(
        [replace(a_subscription(), schedule=Schedule(time(11)))], now=NOW + later
    )
    assert claim_all(store, later) == []
    assert claim_all(store, timedelta(hours=24)) == []
    assert len(claim_all(store, timedelta(hours=26))) == 1


def test_a_recap_of_today_takes_no_edition_from_a_new_schedule() -> None:
    store, early = a_store(), timedelta(minutes=30)
    recap = claim_recap(store, save_subscription(store, replace(a_subscription(), schedule=TEN)))
    assert recap
    store.outbox.finish(recap)
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=NINE)], now=NOW + early)
    assert [claim.edition for claim in claim_all(store, early)] == [TODAY]


def test_a_channel_paused_at_its_due_time_waits_for_the_next_edition() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([replace(a_subscription(), schedule=TEN)], now=NOW)
    (subscription,) = store.subscriptions.list_active()
    store.subscriptions.change(
        subscription.channel, replace(subscription, paused_by="Ada"), by="Ada", now=NOW
    )
    store.subscriptions.change(subscription.channel, subscription, by="Ada", now=NOW + timedelta(hours=3))
    assert claim_all(store, timedelta(hours=3)) == []
    assert len(claim_all(store, timedelta(hours=25))) == 1


def finish_edition(store: Store, subscription: Subscription, now: datetime) -> None:
    """Deliver the channel's edition of that day."""
    claim = store.outbox.claim(subscription, now.date(), owner="a", now=now, lease=LEASE)
    assert claim
    store.outbox.finish(claim)


def test_a_corrected_clock_that_was_two_days_ahead_skips_no_edition() -> None:
    store = a_store()
    subscription = save_subscription(store, replace(a_subscription(), schedule=TEN), NOW)
    finish_edition(store, subscription, NOW + timedelta(days=2, hours=2))
    assert store.subscriptions.recompute_next_due(now=NOW) == 1
    assert store.subscriptions.recompute_next_due(now=NOW) == 0
    delivered_days = []
    for days in range(4):
        for due in claim_all(store, timedelta(days=days, hours=1)):
            store.outbox.finish(due)
            delivered_days.append((due.edition - TODAY).days)
    assert delivered_days == [0, 1, 3], "the third day's digest came while the clock was ahead"


def test_a_clock_that_is_behind_begins_no_edition_from_before_the_channel_subscribed() -> None:
    store, subscribed_at = a_store(), NOW + timedelta(hours=3)
    subscription = save_subscription(store, replace(a_subscription(), schedule=TEN), subscribed_at)
    finish_edition(store, subscription, NOW + timedelta(days=1, hours=2))
    store.subscriptions.recompute_next_due(now=subscribed_at)
    assert claim_all(store, timedelta(hours=3)) == []


def test_a_channel_resumed_after_a_clock_was_a_year_ahead_is_due_tomorrow() -> None:
    store = a_store()
    subscription = save_subscription(store, replace(a_subscription(), schedule=TEN), NOW)
    finish_edition(store, subscription, NOW + timedelta(days=365, hours=2))
    store.subscriptions.recompute_next_due(now=NOW)
    delay = timedelta(hours=3)
    store.subscriptions.change(
        subscription.channel, replace(subscription, paused_by="Ada"), by="Ada", now=NOW + delay
    )
    store.subscriptions.change(subscription.channel, subscription, by="Ada", now=NOW + delay)
    assert claim_all(store, delay) == []
    assert len(claim_all(store, timedelta(hours=25))) == 1


def test_a_clock_set_back_an_hour_repeats_no_edition() -> None:
    store = a_store()
    subscription = save_subscription(store, replace(a_subscription(), schedule=TEN), NOW)
    hour = timedelta(hours=1)
    finish_edition(store, subscription, NOW + hour)
    store.subscriptions.recompute_next_due(now=NOW)
    assert claim_all(store, hour) == []


def test_a_channel_is_found_with_or_without_its_workspace() -> None:
    store = a_store()
    subscription = Subscription(Channel("console", "a", "w"))
    store.subscriptions.sync_from_settings([subscription], now=NOW)
    assert store.subscriptions.find(Channel("console", "a", "w"))
    assert store.subscriptions.find(Channel("console", "a"))
    assert store.subscriptions.find(Channel("console", "a", "other")) is None


def test_the_owner_of_a_subscription_stays_until_it_ends() -> None:
    store = a_store()
    subscription = Subscription(Channel("slack", "C1"), owner_id="UADA")
    store.subscriptions.change(subscription.channel, subscription, by="Ada", now=NOW)
    store.subscriptions.change(
        subscription.channel,
        replace(subscription, preferences=Preferences(top=3), owner_id="UBOB"),
        by="Bob",
        now=NOW,
    )
    assert [found.owner_id for found in store.subscriptions.list_active()] == ["UADA"]
    store.subscriptions.change(subscription.channel, None, by="Bob", now=NOW)
    store.subscriptions.change(
        subscription.channel, replace(subscription, owner_id="UBOB"), by="Bob", now=NOW
    )
    assert [found.owner_id for found in store.subscriptions.list_active()] == ["UBOB"]


def test_a_channel_is_a_former_one_once_its_last_digest_is_removed() -> None:
    store = a_store()
    other = Channel("slack", "D2", "T1", is_direct=True)
    for channel, name in ((other, ""), (CHANNEL, ""), (CHANNEL, "friday")):
        store.subscriptions.change(channel, Subscription(channel, name=name), by="Ada", now=NOW, name=name)
    assert store.subscriptions.list_former() == []
    for channel, name in ((CHANNEL, ""), (other, "")):
        store.subscriptions.change(channel, None, by="Ada", now=NOW, name=name)
    assert store.subscriptions.list_former() == [other]
    assert store.subscriptions.list_former()[0].is_direct
    store.subscriptions.change(CHANNEL, None, by="Ada", now=NOW, name="friday")
    assert store.subscriptions.list_former() == [other, CHANNEL]
    store.subscriptions.change(other, Subscription(other), by="Ada", now=LATER)
    assert store.subscriptions.list_former() == [CHANNEL]
