"""The ledger: one edition is one process's at a time, and what was shown is never shown again."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from digests.model import NOT_REVIEWED, EmptyReason
from digests.ports import Store
from digests.ports.outbox import (
    IMPORT_DEBOUNCE,
    Claim,
    DeliveryKind,
    DeliveryState,
    FirstPageSending,
    LeaseLostError,
    PageSending,
    PageSent,
    PageState,
    PlannedPage,
    PlanSaved,
)
from digests.subscription import Channel, Subscription
from tests.builders import NOW, TODAY, a_paper, a_store, a_subscription, corrupt_rows, save_subscription
from tests.outbox import LEASE, claim_all, confirm_page, find_shown_papers, save_plan, start_page

pytestmark = pytest.mark.usefixtures("over_both")


def a_ledger() -> tuple[Store, Subscription]:
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(4)], now=NOW)
    return store, save_subscription(store, a_subscription())


def claim(
    store: Store,
    subscription: Subscription,
    owner: str = "a",
    late: timedelta = timedelta(),
    edition: date = TODAY,
) -> Claim | None:
    return store.outbox.claim(subscription, edition, owner=owner, now=NOW + late, lease=LEASE)


def claimed(
    store: Store, subscription: Subscription, owner: str = "a", late: timedelta = timedelta()
) -> Claim:
    got = claim(store, subscription, owner, late)
    assert got
    return got


def a_page(number: int, *papers: str) -> PlannedPage:
    return PlannedPage(number, f"key {number}", {"text": f"ünï {number}"}, papers, in_thread=number > 0)


def test_an_edition_is_claimed_once_until_its_lease_runs_out() -> None:
    store, subscription = a_ledger()
    assert claimed(store, subscription).attempts == 1
    assert claim(store, subscription, "b") is None
    assert claim(store, subscription, "a") is None
    assert claimed(store, subscription, "b", LEASE).attempts == 2


def test_who_lost_the_lease_can_write_nothing_any_more() -> None:
    store, subscription = a_ledger()
    late = claimed(store, subscription)
    lost = save_plan(store, late, [a_page(0)], watermark=1)
    claimed(store, subscription, "b", LEASE)
    ledger = store.outbox
    writes: list[Callable[[], None]] = [
        lambda: start_page(store, lost, 0),
        lambda: confirm_page(store, lost, 0, "r"),
        lambda: ledger.reset_page(lost, 0),
        lambda: ledger.finish(lost),
        lambda: ledger.reschedule(lost, "x", next_try_at=NOW),
        lambda: ledger.fail(lost, "x", now=NOW),
    ]
    for write in writes:
        with pytest.raises(LeaseLostError):
            write()


def test_an_earlier_claim_of_the_same_owner_can_write_nothing() -> None:
    store, subscription = a_ledger()
    earlier = save_plan(store, claimed(store, subscription), [a_page(0)], watermark=1)
    claimed(store, subscription, late=LEASE)
    with pytest.raises(LeaseLostError):
        start_page(store, earlier, 0)


def test_nobody_writes_to_a_delivery_that_another_owns() -> None:
    store, subscription = a_ledger()
    got = save_plan(store, claimed(store, subscription), [a_page(0)], watermark=1)
    with pytest.raises(LeaseLostError):
        start_page(store, replace(got, owner="b"), 0)


def test_who_rescheduled_a_delivery_can_write_nothing_more() -> None:
    store, subscription = a_ledger()
    got = save_plan(store, claimed(store, subscription), [a_page(0)], watermark=1)
    store.outbox.reschedule(got, "not now", next_try_at=NOW + LEASE)
    with pytest.raises(LeaseLostError):
        start_page(store, got, 0)


def test_a_try_that_was_left_in_the_middle_counts_as_a_failure_until_a_page_lands() -> None:
    store, subscription = a_ledger()
    claimed(store, subscription)
    assert claimed(store, subscription, "b", late=LEASE).failures == 1
    got = claimed(store, subscription, "c", late=2 * LEASE)
    assert got.failures == 2
    confirm_page(store, save_plan(store, got, [a_page(0)], watermark=1), 0, "r")
    assert claimed(store, subscription, "d", late=3 * LEASE).failures == 1


def test_what_may_be_the_reason_why_its_process_dies_is_taken_when_there_is_nothing_else_one_at_a_time() -> (
    None
):
    store = a_store()
    store.subscriptions.sync_from_settings(
        [a_subscription(name) for name in "ab"], now=NOW - timedelta(minutes=1)
    )
    assert all(len(claim_all(store, tries * LEASE, f"{tries}")) == 2 for tries in range(3))
    store.subscriptions.sync_from_settings(
        [a_subscription(name) for name in "abc"], now=NOW - timedelta(minutes=1)
    )
    (another,) = claim_all(store, 3 * LEASE, "3")
    assert another.subscription.channel.channel == "c"
    assert claim_all(store, 3 * LEASE, "3") == []
    store.outbox.finish(another)
    (first,) = claim_all(store, 3 * LEASE, "3")
    assert (first.subscription.channel.channel, first.failures) == ("a", 3)
    assert claim_all(store, 3 * LEASE, "3") == []
    store.outbox.finish(first)
    assert [one.subscription.channel.channel for one in claim_all(store, 3 * LEASE, "3")] == ["b"]


def many_claimed(names: str) -> tuple[Store, list[Claim]]:
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(4)], now=NOW)
    store.subscriptions.sync_from_settings(
        [a_subscription(name) for name in names], now=NOW - timedelta(minutes=1)
    )
    return store, claim_all(store, timedelta())


def test_many_claims_written_at_once_stand_as_if_each_were_written_by_itself() -> None:
    store, claims = many_claimed("abc")
    wanted = [[a_page(0), a_page(1, f"2401.0000{n}")] for n in range(3)]
    planned = [replace(one, pages=tuple(its)) for one, its in zip(claims, wanted, strict=True)]
    first, second, third = planned
    store.outbox.apply([PlanSaved(first, 0), PlanSaved(second, 1), FirstPageSending(third, 2, NOW, LEASE)])
    store.outbox.apply([PageSending(first, 0, NOW, LEASE), PageSending(second, 1, NOW, LEASE)])
    store.outbox.apply(
        [
            PageSent(first, 0, None, NOW),
            PageSent(second, 1, "there", NOW, is_last=True),
            PageSent(third, 0, "3", NOW),
        ]
    )
    states = [store.delivery_reports.history(one.subscription, 1)[0] for one in claims]
    assert [one.state for one in states] == [
        DeliveryState.POSTING,
        DeliveryState.POSTED,
        DeliveryState.POSTING,
    ]
    assert [[page.state for page in one.pages] for one in states] == [
        [PageState.SKIPPED, PageState.PLANNED],
        [PageState.PLANNED, PageState.POSTED],
        [PageState.POSTED, PageState.PLANNED],
    ]
    assert store.delivery_reports.shown_papers([(one.subscription, 0, 9) for one in claims]) == [
        frozenset({f"2401.0000{n}"}) for n in range(3)
    ]
    tomorrow = TODAY + timedelta(days=1)
    pasts = store.delivery_reports.previous_editions(
        [(one.subscription, day) for one in claims for day in (TODAY, tomorrow)]
    )
    assert [one.watermark for one in pasts] == [None, 0, None, 1, None, 2]
    post = store.posts.find(second.subscription.channel, "there")
    assert post
    assert post.papers == ("2401.00001",)


def test_of_many_claims_nothing_is_written_when_one_is_lost() -> None:
    store, claims = many_claimed("ab")
    planned = [replace(one, pages=(a_page(0),)) for one in claims]
    store.outbox.apply([PlanSaved(one, 1) for one in planned])
    kept, lost = planned
    assert store.outbox.claim(lost.subscription, TODAY, owner="c", now=NOW + LEASE, lease=LEASE)
    with pytest.raises(LeaseLostError):
        store.outbox.apply([PageSending(kept, 0, NOW, LEASE), PageSending(lost, 0, NOW, LEASE)])
    with pytest.raises(LeaseLostError):
        store.outbox.apply([PlanSaved(replace(one, pages=(a_page(1),)), 1) for one in claims])
    with pytest.raises(LeaseLostError):
        store.outbox.apply(
            [FirstPageSending(replace(one, pages=(a_page(1),)), 1, NOW, LEASE) for one in claims]
        )
    for one in claims:
        pages = store.delivery_reports.history(one.subscription, 1)[0].pages
        assert [(page.number, page.state) for page in pages] == [(0, PageState.PLANNED)]


def test_the_next_owner_finds_every_page_as_it_was_left() -> None:
    store, subscription = a_ledger()
    first = save_plan(store, claimed(store, subscription), [a_page(n) for n in range(3)], watermark=1)
    start_page(store, first, 0)
    confirm_page(store, first, 0, "receipt")
    start_page(store, first, 1)
    pages = claimed(store, subscription, "b", LEASE).pages
    assert [page.state for page in pages] == [PageState.POSTED, PageState.POSTING, PageState.PLANNED]
    assert pages[0].receipt == "receipt"
    assert pages[2].payload == {"text": "ünï 2"}
    assert [page.in_thread for page in pages] == [False, True, True]


def test_what_a_channel_had_is_known_by_window_and_not_by_edition() -> None:
    store, subscription = a_ledger()
    save_plan(store, claimed(store, subscription), [a_page(0, "2401.00001", "2401.00003")], watermark=4)
    assert find_shown_papers(store, subscription, 0, 4) == {"2401.00001", "2401.00003"}
    assert find_shown_papers(store, subscription, 2, 4) == {"2401.00003"}


def test_a_paper_shown_twice_is_no_error() -> None:
    store, subscription = a_ledger()
    first = save_plan(store, claimed(store, subscription), [a_page(0, "2401.00001")], watermark=4)
    store.outbox.finish(first)
    second = claim(store, subscription, edition=TODAY + timedelta(days=1))
    assert second
    save_plan(store, second, [a_page(0, "2401.00001", "2401.00002")], watermark=4)
    assert find_shown_papers(store, subscription, 0, 4) == {"2401.00001", "2401.00002"}


def test_the_next_edition_begins_where_the_last_one_ended() -> None:
    store, subscription = a_ledger()
    assert store.delivery_reports.watermark(subscription, TODAY) is None
    save_plan(store, claimed(store, subscription), [], watermark=3)
    assert store.delivery_reports.watermark(subscription, TODAY) is None
    assert store.delivery_reports.watermark(subscription, TODAY + timedelta(days=1)) == 3


def test_a_finished_edition_is_never_claimed_again() -> None:
    store, subscription = a_ledger()
    store.outbox.finish(claimed(store, subscription))
    assert claim(store, subscription, "b", timedelta(days=9)) is None
    assert [one.edition for one in claim_all(store, timedelta(days=9))] == [TODAY + timedelta(days=9)]


def test_a_delivery_that_waits_is_unfinished_from_its_hour_on() -> None:
    store, subscription = a_ledger()
    store.outbox.reschedule(claimed(store, subscription), "not now", next_try_at=NOW + LEASE)
    assert claim_all(store, timedelta()) == []
    assert claim(store, subscription, "b") is None
    (again,) = claim_all(store, LEASE)
    assert (again.edition, again.attempts, again.failures) == (TODAY, 2, 1)


def test_papers_on_pages_that_never_went_out_count_as_not_shown_after_a_failure_for_good() -> None:
    store, subscription = a_ledger()
    got = save_plan(
        store,
        claimed(store, subscription),
        [a_page(0, "2401.00001"), a_page(1, "2401.00002")],
        watermark=4,
    )
    start_page(store, got, 0)
    confirm_page(store, got, 0, "r")
    store.outbox.fail(got, "the channel is gone", now=NOW)
    assert find_shown_papers(store, subscription, 0, 4) == {"2401.00001"}
    (delivery,) = store.delivery_reports.history(subscription, 5)
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "the channel is gone")


def next_hours(store: Store) -> list[datetime | None]:
    return [one.next_due_at for one in store.delivery_reports.channel_statuses()]


def test_claiming_moves_the_channel_on_to_its_next_hour() -> None:
    store = a_store()
    subscription = save_subscription(store, a_subscription(), NOW - timedelta(hours=1))
    assert next_hours(store) == [NOW]
    claimed(store, subscription)
    assert next_hours(store) == [NOW + timedelta(days=1)]


def due_ledger(channels: int) -> Store:
    """Channels that are due at NOW, each a second longer than the next."""
    store = a_store()
    for number in range(channels):
        one = replace(
            a_subscription(f"c{number}"), channel=Channel("console", f"c{number}", f"w{number % 2}")
        )
        before = NOW - timedelta(days=1, seconds=channels - number)
        store.subscriptions.change(one.channel, one, by="Ada", now=before)
    return store


def claim_due(
    store: Store,
    most: int = 10,
    owner: str = "a",
    late: timedelta = timedelta(),
    but_not: tuple[tuple[str, str], ...] = (),
) -> list[str]:
    claims = store.outbox.claim_due(owner=owner, now=NOW + late, lease=LEASE, limit=most, excluding=but_not)
    return [claim.subscription.channel.channel for claim in claims]


def test_what_is_due_is_taken_a_few_at_a_time_and_each_once() -> None:
    store = due_ledger(5)
    assert claim_due(store, 2) == ["c0", "c1"]
    assert claim_due(store, 2, "b") == ["c2", "c3"]
    assert claim_due(store, 2) == ["c4"]
    assert claim_due(store, 2, "b") == []
    assert next_hours(store) == [NOW + timedelta(days=1)] * 5


def test_what_is_taken_is_a_claim_like_any_other() -> None:
    store = due_ledger(1)
    (got,) = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=1)
    assert (got.edition, got.owner, got.lease_until, got.attempts) == (TODAY, "a", NOW + LEASE, 1)
    assert claim(store, got.subscription, "b") is None
    store.outbox.finish(save_plan(store, got, [a_page(0)], watermark=0))
    assert claim_due(store, late=LEASE) == []


def test_what_was_left_unfinished_comes_first_with_its_pages_and_gives_way_to_a_newer_edition() -> None:
    store = due_ledger(2)
    (first,) = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=1)
    save_plan(store, first, [a_page(0), a_page(1)], watermark=0)
    assert claim_due(store) == ["c1"]
    claims = store.outbox.claim_due(owner="b", now=NOW + LEASE, lease=LEASE, limit=9)
    assert [(one.subscription.channel.channel, one.edition, len(one.pages)) for one in claims] == [
        ("c0", TODAY, 2),
        ("c1", TODAY, 0),
    ]
    tomorrow = timedelta(days=1)
    claims = store.outbox.claim_due(owner="b", now=NOW + tomorrow, lease=LEASE, limit=9)
    assert [(one.subscription.channel.channel, one.edition, len(one.pages)) for one in claims] == [
        ("c0", TODAY + tomorrow, 0),
        ("c1", TODAY + tomorrow, 0),
    ]


def test_an_edition_that_was_begun_before_its_hour_is_not_begun_again() -> None:
    store = due_ledger(2)
    early = claimed(store, store.subscriptions.list_active()[1], late=-timedelta(minutes=1))
    store.outbox.finish(early)
    assert claim_due(store) == ["c0"]
    assert claim_due(store) == []


def test_what_waits_for_its_hour_is_not_taken_and_neither_is_a_channel_that_was_paused() -> None:
    store = due_ledger(2)
    waiting = claimed(store, store.subscriptions.list_active()[0])
    store.outbox.reschedule(waiting, "not now", next_try_at=NOW + LEASE)
    store.subscriptions.stop(store.subscriptions.list_active()[1].channel, "It was archived.")
    assert claim_due(store) == []
    assert claim_due(store, late=LEASE) == ["c0"]


def test_workspaces_that_have_enough_to_do_are_passed_over() -> None:
    store = due_ledger(4)
    assert claim_due(store, but_not=(("console", "w0"), ("slack", "w1"))) == ["c1", "c3"]
    assert claim_due(store, late=LEASE, but_not=(("console", "w1"),)) == ["c0", "c2"]


def test_of_each_workspace_no_more_are_taken_than_are_wanted() -> None:
    store = due_ledger(9)

    def each(most_a_workspace: int, late: timedelta = timedelta()) -> Counter[str]:
        got = store.outbox.claim_due(
            owner="a", now=NOW + late, lease=LEASE, limit=7, limit_per_workspace=most_a_workspace
        )
        return Counter(one.subscription.channel.workspace for one in got)

    assert each(2) == {"w0": 2, "w1": 2}
    assert each(1, LEASE) == {"w0": 1, "w1": 1}, "of what was left unfinished"
    assert each(9, LEASE).total() == 7


def test_who_is_at_work_where_is_known_until_it_is_done_or_its_lease_is_over() -> None:
    store = due_ledger(6)
    first, *_ = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=3)
    later = LEASE / 2
    claim_due(store, most=1, owner="b", late=later)
    in_w0, in_w1 = ("console", "w0"), ("console", "w1")
    assert set(store.delivery_reports.active_workers(now=NOW + later)) == {
        (*in_w0, "a"),
        (*in_w1, "a"),
        (*in_w1, "b"),
    }
    store.outbox.finish(first)
    assert set(store.delivery_reports.active_workers(now=NOW + LEASE)) == {(*in_w1, "b")}


def test_many_who_ask_at_once_take_each_edition_once() -> None:
    store = due_ledger(60)

    def take_all(owner: str) -> list[str]:
        taken: list[str] = []
        while got := claim_due(store, 3, owner):
            taken += got
        return taken

    with ThreadPoolExecutor(6) as pool:
        taken = [channel for each in pool.map(take_all, "abcdef") for channel in each]
    # Whoever finds every row that is left in another's hands has nothing to do; nothing stays behind.
    taken += claim_due(store, 60)
    assert sorted(taken) == sorted(f"c{number}" for number in range(60))


def test_an_expired_lease_is_taken_over_by_one_of_many_and_its_old_owner_can_write_nothing() -> None:
    store, subscription = a_ledger()
    old = save_plan(store, claimed(store, subscription), [a_page(0)], watermark=1)
    with ThreadPoolExecutor(6) as pool:
        takes = [pool.submit(claim, store, subscription, owner, LEASE) for owner in "bcdefg"]
        owners = [got.owner for take in takes if (got := take.result())]
    assert len(owners) == 1
    with pytest.raises(LeaseLostError):
        start_page(store, old, 0)


def test_one_edition_begun_by_many_at_once_is_one_claim() -> None:
    store, subscription = a_ledger()
    with ThreadPoolExecutor(6) as pool:
        takes = [
            pool.submit(claim, store, subscription, owner, edition=TODAY + timedelta(days=9))
            for owner in "abcdef"
        ]
        assert len([take.result() for take in takes if take.result()]) == 1


def test_a_quiet_day_is_unfinished_again_once_papers_have_come_in_and_settled_until_it_ends() -> None:
    store, subscription = a_ledger()
    to = store.library.sequence_at(NOW)
    got = save_plan(
        store, claimed(store, subscription), [a_page(0)], watermark=to, empty_reason=EmptyReason.QUIET_DAY
    )
    confirm_page(store, got, 0, "there")
    store.outbox.finish_empty(got, late_watermark=to, late_until=NOW + timedelta(hours=3), now=NOW)
    assert claim(store, subscription, late=IMPORT_DEBOUNCE) is None
    store.library.add([(a_paper("2402.00001"), NOT_REVIEWED)], now=NOW + IMPORT_DEBOUNCE)
    assert claim(store, subscription, late=2 * IMPORT_DEBOUNCE - timedelta(seconds=1)) is None
    assert claim(store, subscription, late=timedelta(hours=3)) is None
    (again,) = store.outbox.claim_due(owner="b", now=NOW + 2 * IMPORT_DEBOUNCE, lease=LEASE, limit=9)
    assert (again.empty_reason, again.late_until) == (EmptyReason.QUIET_DAY, NOW + timedelta(hours=3))
    planned = store.outbox.replace_plan(again, [a_page(0), a_page(1, "2402.00001")], watermark=to + 1)
    assert [(page.state, page.receipt) for page in planned.pages] == [
        (PageState.CHANGING, "there"),
        (PageState.PLANNED, None),
    ]
    assert claimed(store, subscription, "c", late=2 * IMPORT_DEBOUNCE + LEASE).pages == planned.pages


def test_late_papers_on_a_page_that_never_changed_count_as_not_shown() -> None:
    store, subscription = a_ledger()
    got = save_plan(
        store, claimed(store, subscription), [a_page(0)], watermark=0, empty_reason=EmptyReason.QUIET_DAY
    )
    confirm_page(store, got, 0, "there")
    anew = store.outbox.replace_plan(got, [a_page(0, "2401.00001")], watermark=4)
    store.outbox.fail(anew, "the channel is gone", now=NOW)
    assert find_shown_papers(store, subscription, 0, 9) == frozenset()


def test_a_claim_whose_turn_did_not_come_is_given_back_without_a_failure() -> None:
    store, subscription = a_ledger()
    store.outbox.reschedule(claimed(store, subscription), "stopped", next_try_at=NOW, is_failure=False)
    (again,) = claim_all(store, timedelta())
    assert (again.failures, again.attempts) == (0, 2)


def test_what_a_newer_edition_replaces_is_considered_again() -> None:
    store, subscription = a_ledger()
    save_plan(store, claimed(store, subscription), [a_page(0, "2401.00001")], watermark=4)
    tomorrow = TODAY + timedelta(days=1)
    (newer,) = claim_all(store, timedelta(days=1))
    assert newer.edition == tomorrow
    assert store.delivery_reports.watermark(subscription, tomorrow) is None
    assert find_shown_papers(store, subscription, 0, 4) == frozenset()
    states = [one.state for one in store.delivery_reports.history(subscription, 9)]
    assert states == [DeliveryState.CLAIMED, DeliveryState.FAILED]


def test_an_older_edition_is_superseded_by_one_that_is_asked_for() -> None:
    store, subscription = a_ledger()
    older = save_plan(store, claimed(store, subscription), [a_page(0, "2401.00001")], watermark=4)
    store.outbox.reschedule(older, "not now", next_try_at=NOW + LEASE)
    assert claim(store, subscription, edition=TODAY + timedelta(days=1))
    states = [one.state for one in store.delivery_reports.history(subscription, 9)]
    assert states == [DeliveryState.CLAIMED, DeliveryState.FAILED]
    assert find_shown_papers(store, subscription, 0, 4) == frozenset()


def begun(store: Store, subscription: Subscription) -> Claim:
    """An edition whose first page is on its way."""
    pages = [a_page(0, "2401.00001"), a_page(1, "2401.00002")]
    got = save_plan(store, claimed(store, subscription), pages, watermark=4)
    start_page(store, got, 0)
    return got


YEAR = timedelta(days=365)


def set_back(store: Store, late: timedelta = timedelta()) -> None:
    store.outbox.repair_future_timestamps(now=NOW + late, lease=LEASE)


def test_a_lease_by_a_clock_that_was_far_ahead_ends_soon_and_an_honest_one_as_it_did() -> None:
    store, subscription = a_ledger()
    got = begun(store, subscription)
    set_back(store)
    start_page(store, got, 0, now=NOW + YEAR)
    set_back(store)
    confirm_page(store, got, 0, "m1")  # Whoever is at it may go on.
    assert claim_all(store, LEASE - timedelta(seconds=1)) == []
    (again,) = claim_all(store, LEASE)
    assert [page.state for page in again.pages] == [PageState.POSTED, PageState.PLANNED]


def test_what_waits_for_an_hour_of_a_clock_that_was_far_ahead_waits_no_more() -> None:
    store, subscription = a_ledger()
    store.outbox.reschedule(claimed(store, subscription), "Away.", next_try_at=NOW + YEAR)
    assert claim_all(store, timedelta(hours=20)) == []
    set_back(store)
    (again,) = claim_all(store, timedelta())
    store.outbox.reschedule(again, "Away.", next_try_at=NOW + timedelta(hours=1))
    set_back(store)
    assert claim_all(store, timedelta(minutes=59)) == []
    assert len(claim_all(store, timedelta(hours=1))) == 1


def test_an_edition_that_a_clock_far_ahead_planned_waits_for_its_day_and_keeps_no_paper_from_others() -> None:
    store, subscription = a_ledger()
    ahead = claim(store, subscription, late=YEAR, edition=TODAY + YEAR)
    assert ahead
    save_plan(store, ahead, [a_page(0, "2401.00001")], watermark=4)
    set_back(store)
    assert find_shown_papers(store, subscription, 0, 9) == frozenset()
    with pytest.raises(LeaseLostError):
        start_page(store, ahead, 0)
    assert [one.edition for one in claim_all(store, timedelta(days=3))] != [TODAY + YEAR]
    set_back(store, timedelta(days=3))
    due = store.outbox.claim(subscription, TODAY + YEAR, owner="c", now=NOW + YEAR, lease=LEASE)
    assert due
    assert due.pages == ()


def test_an_edition_of_which_something_went_out_is_finished_before_a_newer_one_begins() -> None:
    store, subscription = a_ledger()
    begun(store, subscription)
    two_days = timedelta(days=2)
    assert claim(store, subscription, "b", two_days, TODAY + two_days) is None
    (again,) = claim_all(store, two_days)
    assert (again.edition, again.crashes, len(again.pages)) == (TODAY, 1, 2)
    assert claim_all(store, two_days) == [], "while a process is at it"
    store.outbox.finish(again)
    (newest,) = claim_all(store, two_days)
    assert (newest.edition, newest.first_missed) == (TODAY + two_days, TODAY + timedelta(days=1))


def test_what_was_begun_and_waits_for_its_hour_holds_the_newer_edition_up_until_it_is_given_up() -> None:
    store, subscription = a_ledger()
    two_days = timedelta(days=2)
    store.outbox.reschedule(begun(store, subscription), "not now", next_try_at=NOW + two_days + LEASE)
    assert claim_all(store, two_days) == []
    (again,) = claim_all(store, two_days + LEASE)
    store.outbox.fail(again, "The channel takes nothing.", now=NOW)
    (newest,) = claim_all(store, two_days + LEASE)
    assert newest.edition == TODAY + two_days


def test_an_edition_of_which_nothing_went_out_gives_way_whatever_other_channels_were_sent() -> None:
    store = due_ledger(2)
    one, other = store.subscriptions.list_active()
    begun(store, one)
    save_plan(store, claimed(store, other), [a_page(0, "2401.00001")], watermark=4)
    editions = {
        each.subscription.channel.channel: each.edition for each in claim_all(store, timedelta(days=1))
    }
    assert editions == {"c0": TODAY, "c1": TODAY + timedelta(days=1)}


def test_taking_an_old_edition_leaves_the_one_that_is_due_to_be_taken() -> None:
    store, subscription = a_ledger()
    begun(store, subscription)
    tomorrow = timedelta(days=1)
    again = claim(store, subscription, "b", tomorrow)
    assert again
    store.outbox.finish(again)
    assert [one.edition for one in claim_all(store, tomorrow)] == [TODAY + tomorrow]


def test_many_who_ask_while_an_old_edition_is_unfinished_never_have_two_of_one_channel() -> None:
    store = due_ledger(12)
    for subscription in store.subscriptions.list_active()[:6]:
        begun(store, subscription)
    two_days = NOW + timedelta(days=2)

    def work(owner: str) -> list[tuple[str, date]]:
        done = []
        for _ in range(30):
            for one in store.outbox.claim_due(owner=owner, now=two_days, lease=LEASE, limit=2):
                done.append((one.subscription.channel.channel, one.edition))
                store.outbox.finish(one)
        return done

    with ThreadPoolExecutor(4) as pool:
        done = [each for one in pool.map(work, "abcd") for each in one]
    newest = {(f"c{number}", two_days.date()) for number in range(12)}
    assert len(done) == len(set(done))
    assert set(done) == newest | {(f"c{number}", TODAY) for number in range(6)}


def test_a_channel_that_was_paused_gets_what_is_left_of_today_and_nothing_of_an_old_edition() -> None:
    for days, editions in ((0, [TODAY]), (1, [])):
        store, _ = a_ledger()
        (one,) = store.subscriptions.list_active()
        store.outbox.reschedule(claimed(store, one), "not now", next_try_at=NOW + LEASE)
        store.subscriptions.change(one.channel, replace(one, paused_by="Ada"), by="Ada", now=NOW)
        resumed = timedelta(days=days, hours=1)
        store.subscriptions.change(one.channel, one, by="Ada", now=NOW + resumed)
        assert [each.edition for each in claim_all(store, resumed + LEASE)] == editions


def test_a_channel_that_was_mended_on_the_same_day_gets_todays_edition_after_all() -> None:
    store, subscription = a_ledger()
    got = save_plan(store, claimed(store, subscription), [a_page(0, "2401.00001")], watermark=4)
    store.outbox.fail(got, "The app is not in the channel.", now=NOW, stop_subscription=True)
    assert claim_all(store, timedelta(hours=1)) == []
    assert store.subscriptions.start(subscription.channel, now=NOW + timedelta(hours=1))
    (again,) = claim_all(store, timedelta(hours=1))
    assert (again.edition, again.pages, again.failures) == (TODAY, (), 0)
    assert store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9) == []


def test_an_edition_that_failed_is_begun_anew_where_that_is_asked_for_unless_some_of_it_is_out() -> None:
    for out in (False, True):
        store, subscription = a_ledger()
        got = begun(store, subscription)
        if not out:
            store.outbox.reset_page(got, 0)
        store.outbox.fail(got, "Slack is out.", now=NOW)
        assert claim(store, subscription, late=LEASE) is None
        anew = store.outbox.claim(
            subscription, TODAY, owner="b", now=NOW + LEASE, lease=LEASE, retry_failed=True
        )
        assert (anew is None) == out
        assert anew is None or anew.pages == ()


@pytest.mark.parametrize("unknown_is_lost", [False, True])
def test_papers_of_a_page_of_which_nobody_knows_are_considered_again_where_it_counts_as_lost(
    unknown_is_lost: bool,
) -> None:
    store, subscription = a_ledger()
    store.outbox.fail(begun(store, subscription), "Slack is out.", now=NOW, unknown_is_lost=unknown_is_lost)
    shown = find_shown_papers(store, subscription, 0, 4)
    assert shown == (frozenset() if unknown_is_lost else {"2401.00001"})


def claim_recap(
    store: Store, subscription: Subscription, edition: date = TODAY, late: timedelta = timedelta()
) -> Claim | None:
    return store.outbox.claim(
        subscription, edition, owner="r", now=NOW + late, lease=LEASE, kind=DeliveryKind.RECAP
    )


def test_two_kinds_of_one_channel_and_date_are_delivered_side_by_side() -> None:
    store, subscription = a_ledger()
    recap = claim_recap(store, subscription)
    assert recap
    assert claim_recap(store, subscription) is None
    digest = claimed(store, subscription)
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
    for kind in DeliveryKind:
        (report,) = store.delivery_reports.history(subscription, 9, kind=kind)
        assert report.state is DeliveryState.POSTED


def test_a_recap_counts_no_paper_as_shown_and_moves_no_watermark() -> None:
    store, subscription = a_ledger()
    recap = claim_recap(store, subscription)
    assert recap
    store.outbox.finish(save_plan(store, recap, [a_page(0, "2401.00001")], watermark=9))
    tomorrow = TODAY + timedelta(days=1)
    assert find_shown_papers(store, subscription, 0, 9) == frozenset()
    assert store.delivery_reports.watermark(subscription, tomorrow) is None
    (status,) = store.delivery_reports.channel_statuses()
    assert (status.edition, status.next_edition) == (None, tomorrow)


def test_a_recap_in_progress_neither_blocks_nor_is_superseded_by_a_newer_digest() -> None:
    store, subscription = a_ledger()
    waiting, sending = claim_recap(store, subscription), claim_recap(store, subscription, TODAY - YEAR)
    assert waiting
    assert sending
    save_plan(store, sending, [a_page(0), a_page(1)], watermark=0)
    start_page(store, sending, 0)
    tomorrow = timedelta(days=1)
    for claim in (waiting, sending):
        store.outbox.reschedule(claim, "Slack is out.", next_try_at=NOW + tomorrow + LEASE)
    (digest,) = claim_all(store, tomorrow)
    assert (digest.kind, digest.edition) == (DeliveryKind.DIGEST, TODAY + tomorrow)
    store.outbox.finish(digest)
    retried = claim_all(store, tomorrow + LEASE)
    assert {claim.kind for claim in retried} == {DeliveryKind.RECAP}
    assert {claim.edition for claim in retried} <= {waiting.edition, sending.edition}


def test_a_digest_in_progress_neither_blocks_nor_is_superseded_by_a_newer_recap() -> None:
    store, subscription = a_ledger()
    sending = begun(store, subscription)
    assert claim_recap(store, subscription, TODAY + timedelta(days=1))
    store.outbox.reschedule(sending, "Slack is out.", next_try_at=NOW)
    assert claim_recap(store, subscription, TODAY + timedelta(days=2))
    assert [claim.kind for claim in claim_all(store)] == [DeliveryKind.DIGEST]


def test_a_failed_delivery_is_reopened_in_its_own_kind_alone() -> None:
    store, subscription = a_ledger()
    recap, digest = claim_recap(store, subscription), claimed(store, subscription)
    assert recap
    for claim in (recap, digest):
        store.outbox.fail(claim, "Slack is out.", now=NOW)
    assert store.outbox.claim(
        subscription, TODAY, owner="b", now=NOW, lease=LEASE, retry_failed=True, kind=DeliveryKind.RECAP
    )
    (report,) = store.delivery_reports.history(subscription, 9)
    assert report.state is DeliveryState.FAILED


def test_a_workspace_has_room_for_one_delivery_of_two_kinds() -> None:
    store, subscription = a_ledger()
    for claim in (claim_recap(store, subscription), claimed(store, subscription)):
        assert claim
        store.outbox.reschedule(claim, "Slack is out.", next_try_at=NOW)
    for _ in range(2):
        claims = store.outbox.claim_due(
            owner="a", now=NOW, lease=LEASE, limit=9, limit_per_workspace=1, kinds=[*DeliveryKind]
        )
        assert len(claims) == 1


def test_only_deliveries_of_the_kinds_that_are_asked_for_are_leased() -> None:
    store, subscription = a_ledger()
    store.outbox.reschedule(claimed(store, subscription), "Slack is out.", next_try_at=NOW)
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


def test_new_editions_begin_only_for_a_worker_that_asks_for_digests() -> None:
    store, _ = a_ledger()
    tomorrow = NOW + timedelta(days=1)
    for kinds, expected_count in (((DeliveryKind.RECAP,), 0), ((DeliveryKind.DIGEST,), 1)):
        claims = store.outbox.claim_due(owner="a", now=tomorrow, lease=LEASE, limit=9, kinds=kinds)
        assert len(claims) == expected_count


def test_a_failure_notice_names_its_kind_and_unknown_kinds_wait_for_a_newer_version() -> None:
    store = a_store()
    owned = save_subscription(store, replace(a_subscription(), owner_id="UADA"))
    recap, digest = claim_recap(store, owned), claimed(store, owned)
    assert recap
    for claim in (recap, digest):
        store.outbox.fail(claim, "Slack is out.", now=NOW)
    poll = claim_recap(store, owned, TODAY - YEAR)
    assert poll
    store.outbox.fail(poll, "Slack is out.", now=NOW)
    corrupt_rows(store, "UPDATE deliveries SET kind = 'poll' WHERE id = :id", id=poll.id)
    notices = store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9)
    assert {(notice.delivery_id, notice.kind) for notice in notices} == {
        (recap.id, DeliveryKind.RECAP),
        (digest.id, DeliveryKind.DIGEST),
    }


def test_a_kind_that_only_a_newer_version_knows_is_left_to_that_version() -> None:
    store, subscription = a_ledger()
    store.outbox.reschedule(claimed(store, subscription), "Slack is out.", next_try_at=NOW)
    corrupt_rows(store, "UPDATE deliveries SET kind = 'poll'")
    assert [claim.attempts for claim in claim_all(store)] == []
    corrupt_rows(store, "UPDATE deliveries SET kind = 'digest'")
    assert [claim.attempts for claim in claim_all(store)] == [2]


def test_the_next_edition_knows_of_those_that_were_given_up_since_one_last_came() -> None:
    store, subscription = a_ledger()
    store.outbox.finish(claimed(store, subscription))
    for days in (1, 2):
        (one,) = claim_all(store, timedelta(days=days))
        assert one.first_missed == (None if days == 1 else TODAY + timedelta(days=1))
        store.outbox.fail(one, "Slack is out.", now=NOW)
    (third,) = claim_all(store, timedelta(days=3))
    assert third.first_missed == TODAY + timedelta(days=1)
    store.outbox.finish(third)
    (monday,) = claim_all(store, timedelta(days=6))
    assert monday.first_missed is None


def test_an_owner_is_to_be_told_until_that_is_done_by_one_at_a_time() -> None:
    store = a_store()
    owned = save_subscription(store, replace(a_subscription(), owner_id="UADA"))
    store.outbox.fail(claimed(store, owned), "Slack is out.", now=NOW)

    def untold(late: timedelta) -> list[str]:
        found = store.failure_notices.due(now=NOW + late, retry_after=LEASE, limit=9)
        return [f"{one.subscription.owner_id}: {one.edition}: {one.reason}" for one in found]

    assert untold(timedelta()) == [f"UADA: {TODAY}: Slack is out."]
    assert untold(timedelta(minutes=1)) == []
    (again,) = store.failure_notices.due(now=NOW + LEASE, retry_after=LEASE, limit=9)
    store.failure_notices.acknowledge(again, retry_at=NOW + timedelta(hours=2))
    assert untold(timedelta(hours=1)) == []
    (again,) = store.failure_notices.due(now=NOW + timedelta(hours=2), retry_after=LEASE, limit=9)
    store.failure_notices.acknowledge(again)
    assert untold(timedelta(days=1)) == []


def test_an_owner_who_knows_that_an_edition_failed_is_not_told_again_after_another_try() -> None:
    store = a_store()
    owned = save_subscription(store, replace(a_subscription(), owner_id="UADA"))
    store.outbox.fail(claimed(store, owned), "The channel is gone.", now=NOW, stop_subscription=True)
    (untold,) = store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9)
    store.failure_notices.acknowledge(untold)
    store.subscriptions.start(owned.channel, now=NOW + LEASE)
    (again,) = claim_all(store, LEASE)
    store.outbox.fail(again, "The channel is gone.", now=NOW + LEASE, stop_subscription=True)
    assert store.failure_notices.due(now=NOW + timedelta(days=1), retry_after=LEASE, limit=9) == []


def test_editions_that_failed_before_a_break_that_somebody_made_are_not_missed_after_it() -> None:
    for broken_off, missed in ((True, None), (False, TODAY)):
        store, subscription = a_ledger()
        store.outbox.fail(claimed(store, subscription), "Slack is out.", now=NOW)
        later = NOW + timedelta(days=14)
        if broken_off:
            paused = replace(subscription, paused_by="Ada")
            store.subscriptions.change(subscription.channel, paused, by="Ada", now=NOW + timedelta(hours=5))
            store.subscriptions.change(subscription.channel, subscription, by="Ada", now=later)
        (next_one,) = claim_all(store, timedelta(days=15))
        assert next_one.first_missed == missed


def test_how_a_channel_stands_and_how_many_editions_are_in_each_state() -> None:
    store, subscription = a_ledger()
    got = save_plan(store, claimed(store, subscription), [a_page(0), a_page(1)], watermark=1)
    start_page(store, got, 0)
    confirm_page(store, got, 0, "there")
    start_page(store, got, 1)
    (busy,) = store.delivery_reports.channel_statuses()
    assert (busy.state, busy.posted_pages, busy.unknown_pages) == (DeliveryState.POSTING, 1, 0)
    store.outbox.reschedule(got, "lost", next_try_at=NOW + LEASE)
    (stands,) = store.delivery_reports.channel_statuses()
    assert (stands.state, stands.posted_pages, stands.unknown_pages) == (DeliveryState.UNKNOWN, 1, 1)
    assert (stands.edition, stands.reason, stands.next_try_at) == (TODAY, "lost", NOW + LEASE)
    assert stands.next_edition == TODAY + timedelta(days=1)
    assert store.delivery_reports.count_by_state(TODAY)[DeliveryState.UNKNOWN] == 1
    assert store.delivery_reports.count_by_state(TODAY + timedelta(days=1))[DeliveryState.UNKNOWN] == 0
