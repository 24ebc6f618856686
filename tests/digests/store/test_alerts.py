"""Alerts in the store: conditions that last, and at most one message about those that changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from digests.ports import Store
from digests.ports.alerts import AlertKind, AlertMessage, Condition
from digests.subscription import Channel, Subscription
from tests.builders import NOW, TODAY, a_store, save_subscription
from tests.outbox import LEASE, a_page, claim_all, claim_edition, confirm_page, save_plan, start_page

pytestmark = pytest.mark.usefixtures("over_both")

MINUTE, SETTLE = timedelta(minutes=1), timedelta(minutes=2)
ARXIV = Condition(AlertKind.SOURCE, "arxiv", "It does not answer.")
DISK = Condition(AlertKind.DISK, "host", "5 MB are free.")


def observe(store: Store, minute: int, *conditions: Condition) -> None:
    store.alerts.observe(conditions, now=NOW + minute * MINUTE, settle=SETTLE)


def find_message(store: Store, minute: int = 60) -> AlertMessage | None:
    return store.alerts.find_due_message(now=NOW + minute * MINUTE)


def take_message(store: Store, minute: int = 60) -> list[tuple[str, bool]]:
    """Return the subjects of the message that is due, each with whether it is over, and confirm it."""
    message = find_message(store, minute)
    if not message:
        return []
    store.alerts.confirm(message)
    return [(alert.subject, alert.ended_at is not None) for alert in message.alerts]


def test_a_condition_is_told_once_when_it_has_lasted_and_once_when_it_is_over() -> None:
    store = a_store()
    observe(store, 0, ARXIV)
    assert take_message(store) == []
    for minute in range(1, 9):
        observe(store, minute, ARXIV)
    message = find_message(store)
    assert message
    assert [(alert.kind, alert.subject, alert.since) for alert in message.alerts] == [
        ("source", "arxiv", NOW)
    ]
    assert take_message(store) == [("arxiv", False)]
    observe(store, 9, ARXIV)
    assert take_message(store) == []
    for minute in (10, 11, 12, 13):
        observe(store, minute)
    message = find_message(store)
    assert message
    assert (message.alerts[0].since, message.alerts[0].ended_at) == (NOW, NOW + 10 * MINUTE)
    assert take_message(store) == [("arxiv", True)]
    observe(store, 14)
    assert take_message(store) == []
    assert store.alerts.list_lasting() == []


def test_a_condition_whose_start_is_known_has_lasted_since_then() -> None:
    store = a_store()
    known = replace(DISK, since=NOW - 16 * MINUTE)
    for minute in range(4):
        observe(store, minute, ARXIV, known)
    message = find_message(store)
    assert message
    assert [(alert.subject, alert.since) for alert in message.alerts] == [
        ("host", known.since),
        ("arxiv", NOW),
    ]
    assert [alert.subject for alert in store.alerts.list_lasting()] == ["host", "arxiv"]


def test_a_condition_that_comes_and_goes_is_not_told_and_neither_is_a_short_gap() -> None:
    store = a_store()
    observe(store, 0, ARXIV)
    observe(store, 1)
    observe(store, 2, ARXIV)
    observe(store, 3, ARXIV)
    assert take_message(store) == []
    observe(store, 4, ARXIV)
    assert take_message(store) == [("arxiv", False)]
    observe(store, 5)
    observe(store, 6, ARXIV)
    observe(store, 9, ARXIV)
    assert take_message(store) == []
    assert [alert.since for alert in store.alerts.list_lasting()] == [NOW + 2 * MINUTE]


def test_changes_wait_for_the_message_before_and_may_cancel_each_other() -> None:
    store = a_store()
    observe(store, 0, ARXIV)
    observe(store, 2, ARXIV)
    first = find_message(store)
    assert first
    observe(store, 3, ARXIV, DISK)
    observe(store, 6)
    observe(store, 9)
    assert find_message(store) == first
    assert take_message(store) == [("arxiv", False)]
    observe(store, 10)
    assert take_message(store) == [("arxiv", True)]


def test_conditions_that_changed_together_meet_in_one_message_and_starts_come_first() -> None:
    store = a_store()
    observe(store, 0, ARXIV)
    observe(store, 2, ARXIV)
    assert take_message(store) == [("arxiv", False)]
    observe(store, 3, DISK)
    observe(store, 6, DISK)
    assert take_message(store) == [("host", False), ("arxiv", True)]


def test_a_condition_that_this_process_cannot_see_stays_as_it_is() -> None:
    store = a_store()
    observe(store, 0, DISK)
    observe(store, 2, DISK)
    take_message(store)
    store.alerts.observe([], now=NOW + 9 * MINUTE, settle=SETTLE, unseen=[(AlertKind.DISK, "host")])
    assert [alert.subject for alert in store.alerts.list_lasting()] == ["host"]


def test_a_request_begins_once_hides_the_message_and_is_due_again_unless_it_is_confirmed() -> None:
    store = a_store()
    observe(store, 0, ARXIV)
    observe(store, 2, ARXIV)
    message = find_message(store, 2)
    assert message
    assert message.sent_at is None
    begun_at = NOW + 2 * MINUTE
    assert store.alerts.mark_sending(message, now=begun_at, lease=5 * MINUTE)
    assert not store.alerts.mark_sending(message, now=begun_at, lease=5 * MINUTE)
    assert find_message(store, 6) is None
    again = find_message(store, 7)
    assert again == replace(message, sent_at=begun_at, attempts=1)
    store.alerts.reschedule(again, next_try_at=NOW + 20 * MINUTE, was_sent=False)
    assert find_message(store, 19) is None
    assert find_message(store, 20) == replace(message, attempts=1)


def lost_access(store: Store) -> Sequence[tuple[str, str, str]]:
    return store.alerts.list_lost_access()


def test_lost_access_lasts_until_a_paper_is_posted_in_the_workspace_or_no_digest_runs_there() -> None:
    store, channel = a_store(), Channel("slack", "C1", "T1")
    store.alerts.record_lost_access("slack", "T1", "The token was revoked.", now=NOW)
    assert lost_access(store) == []
    subscription = save_subscription(store, Subscription(channel))
    assert lost_access(store) == [("slack", "T1", "The token was revoked.")]
    store.subscriptions.stop(channel, "archived.")
    assert lost_access(store) == []
    store.subscriptions.start(channel, now=NOW)
    claim = claim_edition(store, subscription)
    claim = save_plan(store, claim, [a_page(0, "2401.00001")], watermark=1)
    start_page(store, claim, 0)
    confirm_page(store, claim, 0, "1.1", now=NOW + MINUTE)
    assert lost_access(store) == []
    store.alerts.record_lost_access("slack", "T1", "Again.", now=NOW + 2 * MINUTE)
    assert lost_access(store) == [("slack", "T1", "Again.")]


def troubles(store: Store, now: datetime) -> list[tuple[str, bool, str]]:
    found = store.alerts.list_digest_troubles(
        now=now, late_after=15 * MINUTE, given_up_since=TODAY - timedelta(days=31), limit=9
    )
    return [(each.full_name, each.is_given_up, each.reason) for each in found]


def test_a_digest_that_was_not_begun_or_not_finished_in_time_is_late_unless_it_is_paused() -> None:
    store = a_store()
    subscription = save_subscription(store, Subscription(Channel("slack", "C1", "T1")), NOW - MINUTE)
    assert troubles(store, NOW + 15 * MINUTE) == []
    assert troubles(store, NOW + 16 * MINUTE) == [("slack:T1:C1", False, "")]
    (claim,) = claim_all(store)
    store.outbox.reschedule(claim, "Slack is away.", next_try_at=NOW + MINUTE)
    assert troubles(store, NOW + 15 * MINUTE) == []
    assert troubles(store, NOW + 16 * MINUTE) == [("slack:T1:C1", False, "Slack is away.")]
    paused = replace(subscription, paused_by="Ada")
    store.subscriptions.change(subscription.channel, paused, by="Ada", now=NOW)
    assert troubles(store, NOW + 16 * MINUTE) == []


def test_a_digest_that_was_given_up_is_told_until_a_later_edition_follows() -> None:
    store = a_store()
    subscription = save_subscription(store, Subscription(Channel("slack", "C1", "T1")))
    store.outbox.abandon(claim_edition(store, subscription), "Slack refused it.", now=NOW)
    assert troubles(store, NOW) == [("slack:T1:C1", True, "Slack refused it.")]
    store.subscriptions.stop(subscription.channel, "archived.")
    assert troubles(store, NOW) == [("slack:T1:C1", True, "Slack refused it.")]
    assert troubles(store, NOW + timedelta(days=1) + LEASE)[0][1]
    store.subscriptions.start(subscription.channel, now=NOW)
    claim_all(store, timedelta(days=1))
    assert troubles(store, NOW + timedelta(days=1)) == []
