"""Claims: a delivery is leased to one worker at a time, retries first, then due editions."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from digests.model import NOT_REVIEWED, EmptyReason
from digests.ports.outbox import (
    IMPORT_DEBOUNCE,
    Claim,
    DeliveryKind,
    DeliveryState,
    LeaseLostError,
    PageState,
)
from tests.builders import NOW, TODAY, a_paper, a_store, a_subscription, corrupt_rows, save_subscription
from tests.outbox import (
    LEASE,
    YEAR,
    a_page,
    a_store_with_channel,
    a_store_with_due_channels,
    claim_all,
    claim_due_channels,
    claim_edition,
    claim_recap,
    confirm_page,
    list_due_times,
    save_plan,
    start_first_page,
    start_page,
    try_claim,
)

pytestmark = pytest.mark.usefixtures("over_both")


def test_an_edition_is_leased_once_until_its_lease_expires() -> None:
    store, subscription = a_store_with_channel()
    assert claim_edition(store, subscription).attempts == 1
    assert try_claim(store, subscription, "b") is None
    assert try_claim(store, subscription, "a") is None
    assert claim_edition(store, subscription, "b", LEASE).attempts == 2


def test_a_crash_counts_as_a_failure_until_a_page_is_confirmed() -> None:
    store, subscription = a_store_with_channel()
    claim_edition(store, subscription)
    assert claim_edition(store, subscription, "b", delay=LEASE).failures == 1
    claim = claim_edition(store, subscription, "c", delay=2 * LEASE)
    assert claim.failures == 2
    confirm_page(store, save_plan(store, claim, [a_page(0)], watermark=1), 0, "r")
    retried = claim_edition(store, subscription, "d", delay=3 * LEASE)
    assert (retried.failures, retried.crashes) == (1, 1)


def test_a_poison_delivery_is_leased_alone_to_an_idle_worker() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings(
        [a_subscription(name) for name in "ab"], now=NOW - timedelta(minutes=1)
    )
    assert all(len(claim_all(store, crashes * LEASE, f"{crashes}")) == 2 for crashes in range(3))
    store.subscriptions.sync_from_settings(
        [a_subscription(name) for name in "abc"], now=NOW - timedelta(minutes=1)
    )
    (healthy,) = claim_all(store, 3 * LEASE, "3")
    assert healthy.subscription.channel.channel == "c"
    assert claim_all(store, 3 * LEASE, "3") == []
    store.outbox.finish(healthy)
    (poison,) = claim_all(store, 3 * LEASE, "3")
    assert (poison.subscription.channel.channel, poison.failures) == ("a", 3)
    assert claim_all(store, 3 * LEASE, "3") == []
    store.outbox.finish(poison)
    assert [claim.subscription.channel.channel for claim in claim_all(store, 3 * LEASE, "3")] == ["b"]


def test_a_finished_edition_is_never_leased_again() -> None:
    store, subscription = a_store_with_channel()
    store.outbox.finish(claim_edition(store, subscription))
    assert try_claim(store, subscription, "b", timedelta(days=9)) is None
    assert [claim.edition for claim in claim_all(store, timedelta(days=9))] == [TODAY + timedelta(days=9)]


def test_a_rescheduled_delivery_is_leased_at_its_next_try() -> None:
    store, subscription = a_store_with_channel()
    store.outbox.reschedule(claim_edition(store, subscription), "not now", next_try_at=NOW + LEASE)
    assert claim_all(store, timedelta()) == []
    assert try_claim(store, subscription, "b") is None
    (retried,) = claim_all(store, LEASE)
    assert (retried.edition, retried.attempts, retried.failures) == (TODAY, 2, 1)


def test_a_claim_sets_the_next_due_time_of_its_channel() -> None:
    store = a_store()
    subscription = save_subscription(store, a_subscription(), NOW - timedelta(hours=1))
    assert list_due_times(store) == [NOW]
    claim_edition(store, subscription)
    assert list_due_times(store) == [NOW + timedelta(days=1)]


def test_due_editions_are_leased_up_to_the_limit_and_once_each() -> None:
    store = a_store_with_due_channels(5)
    assert claim_due_channels(store, 2) == ["c0", "c1"]
    assert claim_due_channels(store, 2, "b") == ["c2", "c3"]
    assert claim_due_channels(store, 2) == ["c4"]
    assert claim_due_channels(store, 2, "b") == []
    assert list_due_times(store) == [NOW + timedelta(days=1)] * 5


def test_a_due_edition_is_leased_like_a_requested_one() -> None:
    store = a_store_with_due_channels(1)
    (due,) = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=1)
    assert (due.edition, due.owner, due.lease_until, due.attempts) == (TODAY, "a", NOW + LEASE, 1)
    assert try_claim(store, due.subscription, "b") is None
    store.outbox.finish(save_plan(store, due, [a_page(0)], watermark=0))
    assert claim_due_channels(store, delay=LEASE) == []


def test_retries_come_first_with_their_pages_unless_superseded() -> None:
    store = a_store_with_due_channels(2)
    (first,) = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=1)
    save_plan(store, first, [a_page(0), a_page(1)], watermark=0)
    assert claim_due_channels(store) == ["c1"]
    claims = store.outbox.claim_due(owner="b", now=NOW + LEASE, lease=LEASE, limit=9)
    assert [(claim.subscription.channel.channel, claim.edition, len(claim.pages)) for claim in claims] == [
        ("c0", TODAY, 2),
        ("c1", TODAY, 0),
    ]
    tomorrow = timedelta(days=1)
    claims = store.outbox.claim_due(owner="b", now=NOW + tomorrow, lease=LEASE, limit=9)
    assert [(claim.subscription.channel.channel, claim.edition, len(claim.pages)) for claim in claims] == [
        ("c0", TODAY + tomorrow, 0),
        ("c1", TODAY + tomorrow, 0),
    ]


def test_an_edition_delivered_early_is_not_leased_when_due() -> None:
    store = a_store_with_due_channels(2)
    early = claim_edition(store, store.subscriptions.list_active()[1], delay=-timedelta(minutes=1))
    store.outbox.finish(early)
    assert list_due_times(store)[1] == NOW + timedelta(days=1)
    assert claim_due_channels(store) == ["c0"]
    assert claim_due_channels(store) == []


def test_an_edition_delivered_before_an_earlier_one_is_not_leased_when_due() -> None:
    store, tomorrow = a_store(), timedelta(days=1)
    subscription = save_subscription(store, a_subscription(), NOW - timedelta(hours=1))
    early = try_claim(store, subscription, delay=-timedelta(minutes=1), edition=TODAY + tomorrow)
    assert early
    store.outbox.finish(early)
    (due,) = claim_all(store)
    store.outbox.finish(due)
    assert (due.edition, claim_all(store, tomorrow)) == (TODAY, [])


def test_of_two_retries_the_one_with_fewer_failures_comes_first() -> None:
    store = a_store_with_due_channels(2)
    for claim in claim_all(store):
        is_failure = claim.subscription.channel.channel == "c0"
        store.outbox.reschedule(claim, "not now", next_try_at=NOW, is_failure=is_failure)
    assert [claim_due_channels(store, 1) for _ in range(2)] == [["c1"], ["c0"]]


def test_waiting_deliveries_and_stopped_channels_are_not_leased() -> None:
    store = a_store_with_due_channels(2)
    waiting = claim_edition(store, store.subscriptions.list_active()[0])
    store.outbox.reschedule(waiting, "not now", next_try_at=NOW + LEASE)
    store.subscriptions.stop(store.subscriptions.list_active()[1].channel, "It was archived.")
    assert claim_due_channels(store) == []
    assert claim_due_channels(store, delay=LEASE) == ["c0"]


def test_excluded_workspaces_are_skipped() -> None:
    store = a_store_with_due_channels(4)
    assert claim_due_channels(store, excluding=(("console", "w0"), ("slack", "w1"))) == ["c1", "c3"]
    assert claim_due_channels(store, delay=LEASE, excluding=(("console", "w1"),)) == ["c0", "c2"]


def test_the_limit_per_workspace_holds_for_retries_and_due_editions() -> None:
    store = a_store_with_due_channels(9)

    def lease_per_workspace(limit_per_workspace: int, delay: timedelta = timedelta()) -> Counter[str]:
        claims = store.outbox.claim_due(
            owner="a", now=NOW + delay, lease=LEASE, limit=7, limit_per_workspace=limit_per_workspace
        )
        return Counter(claim.subscription.channel.workspace for claim in claims)

    assert lease_per_workspace(2) == {"w0": 2, "w1": 2}
    assert lease_per_workspace(1, LEASE) == {"w0": 1, "w1": 1}, "of the retries"
    assert lease_per_workspace(9, LEASE).total() == 7


def test_concurrent_workers_lease_each_edition_once() -> None:
    store = a_store_with_due_channels(60)

    def lease_all(owner: str) -> list[str]:
        leased: list[str] = []
        while names := claim_due_channels(store, 3, owner):
            leased += names
        return leased

    with ThreadPoolExecutor(6) as pool:
        leased = [channel for names in pool.map(lease_all, "abcdef") for channel in names]
    # A worker that finds every remaining row locked by others gets none; nothing may be left over.
    leased += claim_due_channels(store, 60)
    assert sorted(leased) == sorted(f"c{number}" for number in range(60))


def test_one_of_many_workers_takes_over_an_expired_lease() -> None:
    store, subscription = a_store_with_channel()
    expired = save_plan(store, claim_edition(store, subscription), [a_page(0)], watermark=1)
    with ThreadPoolExecutor(6) as pool:
        attempts = [pool.submit(try_claim, store, subscription, owner, LEASE) for owner in "bcdefg"]
        owners = [claim.owner for attempt in attempts if (claim := attempt.result())]
    assert len(owners) == 1
    with pytest.raises(LeaseLostError):
        start_page(store, expired, 0)


def test_one_of_many_workers_leases_a_requested_edition() -> None:
    store, subscription = a_store_with_channel()
    with ThreadPoolExecutor(6) as pool:
        attempts = [
            pool.submit(try_claim, store, subscription, owner, edition=TODAY + timedelta(days=9))
            for owner in "abcdef"
        ]
        assert len([attempt.result() for attempt in attempts if attempt.result()]) == 1


def test_an_empty_edition_is_leased_again_after_late_papers_until_its_day_ends() -> None:
    store, subscription = a_store_with_channel()
    watermark = store.library.sequence_at(NOW)
    claim = save_plan(
        store,
        claim_edition(store, subscription),
        [a_page(0)],
        watermark=watermark,
        empty_reason=EmptyReason.QUIET_DAY,
    )
    confirm_page(store, claim, 0, "there")
    store.outbox.finish_empty(claim, late_watermark=watermark, late_until=NOW + timedelta(hours=3), now=NOW)
    assert try_claim(store, subscription, delay=IMPORT_DEBOUNCE) is None
    store.library.add([(a_paper("2402.00001"), NOT_REVIEWED)], now=NOW + IMPORT_DEBOUNCE)
    assert try_claim(store, subscription, delay=2 * IMPORT_DEBOUNCE - timedelta(seconds=1)) is None
    assert try_claim(store, subscription, delay=timedelta(hours=3)) is None
    (reopened,) = store.outbox.claim_due(owner="b", now=NOW + 2 * IMPORT_DEBOUNCE, lease=LEASE, limit=9)
    assert (reopened.empty_reason, reopened.late_until) == (EmptyReason.QUIET_DAY, NOW + timedelta(hours=3))
    planned = store.outbox.replace_plan(
        reopened,
        [
            replace(a_page(0), idempotency_key="new key 0", payload={"text": "A paper came"}),
            a_page(1, "2402.00001"),
        ],
        watermark=watermark + 1,
    )
    assert [page.idempotency_key for page in planned.pages] == ["key 0", "key 1"]
    assert [(page.state, page.receipt) for page in planned.pages] == [
        (PageState.CHANGING, "there"),
        (PageState.PLANNED, None),
    ]
    assert claim_edition(store, subscription, "c", delay=2 * IMPORT_DEBOUNCE + LEASE).pages == planned.pages


def test_a_released_claim_counts_no_failure() -> None:
    store, subscription = a_store_with_channel()
    store.outbox.reschedule(claim_edition(store, subscription), "stopped", next_try_at=NOW, is_failure=False)
    (retried,) = claim_all(store, timedelta())
    assert (retried.failures, retried.attempts) == (0, 2)


def test_a_failure_ends_a_row_of_crashes_and_a_release_does_not() -> None:
    for is_failure, crashes in ((True, 0), (False, 1)):
        store, subscription = a_store_with_channel()
        claim_edition(store, subscription)
        crashed = claim_edition(store, subscription, "b", delay=LEASE)
        store.outbox.reschedule(crashed, "Slack is out.", next_try_at=NOW + LEASE, is_failure=is_failure)
        assert claim_edition(store, subscription, "c", delay=LEASE).crashes == crashes


def test_a_resumed_channel_gets_the_rest_of_today_and_no_older_edition() -> None:
    for days, editions in ((0, [TODAY]), (1, [])):
        store, _ = a_store_with_channel()
        (subscription,) = store.subscriptions.list_active()
        store.outbox.reschedule(claim_edition(store, subscription), "not now", next_try_at=NOW + LEASE)
        store.subscriptions.change(
            subscription.channel, replace(subscription, paused_by="Ada"), by="Ada", now=NOW
        )
        resumed = timedelta(days=days, hours=1)
        store.subscriptions.change(subscription.channel, subscription, by="Ada", now=NOW + resumed)
        assert [claim.edition for claim in claim_all(store, resumed + LEASE)] == editions


def test_a_stopped_channel_started_on_the_same_day_gets_todays_edition() -> None:
    store, subscription = a_store_with_channel()
    claim = save_plan(store, claim_edition(store, subscription), [a_page(0, "2401.00001")], watermark=4)
    store.outbox.abandon(claim, "The app is not in the channel.", now=NOW, stop_subscription=True)
    assert claim_all(store, timedelta(hours=1)) == []
    assert store.subscriptions.start(subscription.channel, now=NOW + timedelta(hours=1))
    (reopened,) = claim_all(store, timedelta(hours=1))
    assert (reopened.edition, reopened.pages, reopened.failures) == (TODAY, (), 0)
    assert store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9) == []


def test_a_failed_edition_is_reopened_on_request_unless_partly_posted() -> None:
    for is_posted in (False, True):
        store, subscription = a_store_with_channel()
        claim = start_first_page(store, subscription)
        if not is_posted:
            store.outbox.reset_page(claim, 0)
        store.outbox.abandon(claim, "Slack is out.", now=NOW)
        assert try_claim(store, subscription, delay=LEASE) is None
        reopened = store.outbox.claim(
            subscription, TODAY, owner="b", now=NOW + LEASE, lease=LEASE, retry_failed=True
        )
        assert (reopened is None) == is_posted
        assert reopened is None or reopened.pages == ()


def test_a_reopened_edition_has_no_failures_and_no_crashes() -> None:
    store, subscription = a_store_with_channel()
    claim_edition(store, subscription)
    crashed = claim_edition(store, subscription, "b", delay=LEASE)
    assert (crashed.failures, crashed.crashes) == (1, 1)
    store.outbox.abandon(crashed, "Slack is out.", now=NOW)
    reopened = store.outbox.claim(
        subscription, TODAY, owner="c", now=NOW + LEASE, lease=LEASE, retry_failed=True
    )
    assert reopened
    assert (reopened.failures, reopened.crashes) == (0, 0)


def test_two_kinds_of_one_channel_and_date_are_delivered_side_by_side() -> None:
    store, subscription = a_store_with_channel()
    recap = claim_recap(store, subscription)
    assert recap
    assert claim_recap(store, subscription) is None
    digest = claim_edition(store, subscription)
    assert (recap.kind, digest.kind) == (DeliveryKind.RECAP, DeliveryKind.DIGEST)
    assert recap.id != digest.id
    save_plan(store, recap, [a_page(0, "2401.00001")], watermark=9)
    save_plan(store, digest, [a_page(0, "2401.00002"), a_page(1)], watermark=4)
    retried = claim_all(store, LEASE)
    assert {(claim.kind, len(claim.pages)) for claim in retried} == {
        (DeliveryKind.DIGEST, 2),
        (DeliveryKind.RECAP, 1),
    }
    for claim in retried:
        store.outbox.finish(claim)
    for kind in (DeliveryKind.DIGEST, DeliveryKind.RECAP):
        (report,) = store.delivery_reports.history(subscription, 9, kind=kind)
        assert report.state is DeliveryState.POSTED


def test_a_failed_delivery_is_reopened_in_its_own_kind_only() -> None:
    store, subscription = a_store_with_channel()
    recap, digest = claim_recap(store, subscription), claim_edition(store, subscription)
    assert recap
    for claim in (recap, digest):
        store.outbox.abandon(claim, "Slack is out.", now=NOW)
    assert store.outbox.claim(
        subscription, TODAY, owner="b", now=NOW, lease=LEASE, retry_failed=True, kind=DeliveryKind.RECAP
    )
    (report,) = store.delivery_reports.history(subscription, 9)
    assert report.state is DeliveryState.FAILED


def test_the_limit_per_workspace_counts_deliveries_of_every_kind() -> None:
    store, subscription = a_store_with_channel()
    for claim in (claim_recap(store, subscription), claim_edition(store, subscription)):
        assert claim
        store.outbox.reschedule(claim, "Slack is out.", next_try_at=NOW)
    for _ in range(2):
        claims = store.outbox.claim_due(
            owner="a", now=NOW, lease=LEASE, limit=9, limit_per_workspace=1, kinds=[*DeliveryKind]
        )
        assert len(claims) == 1


def test_only_deliveries_of_the_requested_kinds_are_leased() -> None:
    store, subscription = a_store_with_channel()
    store.outbox.reschedule(claim_edition(store, subscription), "Slack is out.", next_try_at=NOW)
    recap, poison = claim_recap(store, subscription), claim_recap(store, subscription, TODAY - YEAR)
    assert recap
    assert poison
    corrupt_rows(store, "UPDATE deliveries SET crashes = 9 WHERE id = :id", id=poison.id)

    def claim_kinds(owner: str, *kinds: DeliveryKind) -> list[Claim]:
        now = NOW + LEASE
        return list(store.outbox.claim_due(owner=owner, now=now, lease=LEASE, limit=9, kinds=kinds))

    assert claim_kinds("a") == []
    (digest,) = claim_kinds("a", DeliveryKind.DIGEST)
    assert digest.kind is DeliveryKind.DIGEST
    assert claim_kinds("b", DeliveryKind.DIGEST) == []
    (retried,) = claim_kinds("b", DeliveryKind.RECAP)
    assert retried.id == recap.id
    store.outbox.finish(retried)
    assert claim_kinds("b", DeliveryKind.DIGEST) == []
    (alone,) = claim_kinds("b", DeliveryKind.RECAP)
    assert alone.id == poison.id


def test_new_editions_are_leased_only_to_a_worker_that_requests_digests() -> None:
    store, _ = a_store_with_channel()
    tomorrow = NOW + timedelta(days=1)
    for kinds, expected_count in (((DeliveryKind.RECAP,), 0), ((DeliveryKind.DIGEST,), 1)):
        claims = store.outbox.claim_due(owner="a", now=tomorrow, lease=LEASE, limit=9, kinds=kinds)
        assert len(claims) == expected_count


def test_a_delivery_of_an_unknown_kind_is_not_leased() -> None:
    store, subscription = a_store_with_channel()
    store.outbox.reschedule(claim_edition(store, subscription), "Slack is out.", next_try_at=NOW)
    corrupt_rows(store, "UPDATE deliveries SET kind = 'quiz'")
    assert [claim.attempts for claim in claim_all(store)] == []
    corrupt_rows(store, "UPDATE deliveries SET kind = 'digest'")
    assert [claim.attempts for claim in claim_all(store)] == [2]


def test_a_claim_names_the_first_edition_missed_since_the_last_posted_one() -> None:
    store, subscription = a_store_with_channel()
    store.outbox.finish(claim_edition(store, subscription))
    for days in (1, 2):
        (claim,) = claim_all(store, timedelta(days=days))
        assert claim.first_missed == (None if days == 1 else TODAY + timedelta(days=1))
        store.outbox.abandon(claim, "Slack is out.", now=NOW)
    (third,) = claim_all(store, timedelta(days=3))
    assert third.first_missed == TODAY + timedelta(days=1)
    store.outbox.finish(third)
    (monday,) = claim_all(store, timedelta(days=6))
    assert monday.first_missed is None


def test_a_partly_posted_edition_ends_the_row_of_missed_ones() -> None:
    store, subscription = a_store_with_channel()
    store.outbox.abandon(claim_edition(store, subscription), "Slack is out.", now=NOW)
    (second,) = claim_all(store, timedelta(days=1))
    second = save_plan(store, second, [a_page(0), a_page(1)], watermark=4)
    start_page(store, second, 0, now=NOW + timedelta(days=1))
    store.outbox.abandon(second, "Slack is out.", now=NOW + timedelta(days=1))
    (third,) = claim_all(store, timedelta(days=2))
    assert (second.first_missed, third.first_missed) == (TODAY, None)


def test_an_edition_that_a_stop_left_unfinished_is_not_missed_after_it() -> None:
    store, subscription = a_store_with_channel()
    store.outbox.reschedule(claim_edition(store, subscription), "Slack is out.", next_try_at=NOW + LEASE)
    store.subscriptions.stop(subscription.channel, "It was archived.")
    store.subscriptions.start(subscription.channel, now=NOW + timedelta(days=2, hours=1))
    (claim,) = claim_all(store, timedelta(days=3))
    assert claim.first_missed is None


def test_editions_that_failed_before_a_pause_are_not_missed_after_it() -> None:
    for is_paused, missed in ((True, None), (False, TODAY)):
        store, subscription = a_store_with_channel()
        store.outbox.abandon(claim_edition(store, subscription), "Slack is out.", now=NOW)
        later = NOW + timedelta(days=14)
        if is_paused:
            paused = replace(subscription, paused_by="Ada")
            store.subscriptions.change(subscription.channel, paused, by="Ada", now=NOW + timedelta(hours=5))
            store.subscriptions.change(subscription.channel, subscription, by="Ada", now=later)
        (claim,) = claim_all(store, timedelta(days=15))
        assert claim.first_missed == missed
