"""Several digests of one channel: their names, what each shows of the others' papers, and their order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat.port import Page
from bot.delivery.deliver import _number_pages
from bot.delivery.render_cache import RenderedDigest
from digests.errors import InputError
from digests.model import NOT_REVIEWED
from digests.ports import Store
from digests.ports.outbox import Claim, PlannedPage
from digests.subscription import MAX_DIGESTS_OF_CHANNEL, Channel, Preferences, Schedule, Subscription
from tests.builders import NOW, TODAY, a_paper, a_store, corrupt_rows
from tests.outbox import LEASE, claim_all, find_shown_papers, save_plan

pytestmark = pytest.mark.usefixtures("over_both")

CHANNEL = Channel("slack", "C1", "T1")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AT = (NOW + MINUTE).time()


def add_digest(
    store: Store, name: str = "", channel: Channel = CHANNEL, **preferences: object
) -> Subscription:
    """Add a digest to a channel, due a minute after `NOW`, and return it."""
    wanted = Subscription(channel, Preferences(**preferences), Schedule(AT, frozenset(range(7))))  # type: ignore[arg-type]
    change = store.subscriptions.change(channel, wanted, by="Ada", now=NOW, name=name)
    assert change
    assert change.after
    return change.after


def names_of(subscriptions: Sequence[Subscription]) -> list[str]:
    return [subscription.name for subscription in subscriptions]


def plan_papers(store: Store, claim: Claim, *papers: str) -> None:
    page = PlannedPage(0, f"key {claim.id}", {}, papers, in_thread=False)
    save_plan(store, claim, [page], watermark=9)


def test_a_channel_has_a_main_digest_and_others_with_names() -> None:
    store = a_store()
    for name in ("friday agents", "", "audio"):
        add_digest(store, name)
    add_digest(store, "elsewhere", Channel("slack", "C2", "T1"))
    assert names_of(store.subscriptions.list_of_channel(CHANNEL)) == ["", "audio", "friday agents"]
    assert names_of([*filter(None, [store.subscriptions.find(CHANNEL)])]) == [""]
    audio = store.subscriptions.find(CHANNEL, "audio")
    assert audio
    assert (audio.name, audio.full_name) == ("audio", "slack:T1:C1#audio")
    assert store.subscriptions.find(CHANNEL, "vision") is None


def test_a_change_and_its_undo_and_a_removal_concern_one_digest_alone() -> None:
    store = a_store()
    main, audio = add_digest(store), add_digest(store, "audio")
    changed = replace(audio, preferences=Preferences(top=9))
    change = store.subscriptions.change(CHANNEL, changed, by="Ada", now=NOW, name="audio")
    assert change
    assert change.name == "audio"
    assert store.subscriptions.find(CHANNEL) == main
    assert store.subscriptions.undo(change.id, CHANNEL, by="Bob", now=NOW)
    assert store.subscriptions.find(CHANNEL, "audio") == audio
    removal = store.subscriptions.change(CHANNEL, None, by="Ada", now=NOW, name="audio")
    assert removal
    assert names_of(store.subscriptions.list_of_channel(CHANNEL)) == [""]
    assert store.subscriptions.undo(removal.id, CHANNEL, by="Ada", now=NOW)
    assert store.subscriptions.find(CHANNEL, "audio") == audio


def test_a_digest_that_comes_back_under_its_name_is_the_same_one() -> None:
    store = a_store()
    first = add_digest(store, "audio")
    store.subscriptions.change(CHANNEL, None, by="Ada", now=NOW, name="audio")
    assert add_digest(store, "audio").id == first.id


def test_a_channel_has_a_limited_number_of_digests() -> None:
    store = a_store()
    for number in range(MAX_DIGESTS_OF_CHANNEL):
        add_digest(store, f"digest {number}")
    with pytest.raises(InputError, match="remove one of them first"):
        add_digest(store, "one more")
    assert len(store.subscriptions.list_of_channel(CHANNEL)) == MAX_DIGESTS_OF_CHANNEL
    add_digest(store, "one more", Channel("slack", "C2", "T1"))
    store.subscriptions.change(CHANNEL, None, by="Ada", now=NOW, name="digest 0")
    add_digest(store, "one more")


def test_a_channel_is_stopped_and_started_with_all_its_digests() -> None:
    store = a_store()
    add_digest(store), add_digest(store, "audio")
    assert store.subscriptions.stop(CHANNEL, "Archived.") == 2
    assert store.subscriptions.stop(CHANNEL, "Deleted.") == 0
    reasons = [each.stop_reason for each in store.subscriptions.list_of_channel(CHANNEL)]
    assert reasons == ["Archived.", "Archived."]
    assert claim_all(store, MINUTE) == []
    assert store.subscriptions.start(CHANNEL, now=NOW) == 2
    assert all(each.is_running for each in store.subscriptions.list_of_channel(CHANNEL))


def test_a_digest_that_cannot_be_read_keeps_no_other_of_its_channel_from_starting() -> None:
    store = a_store()
    add_digest(store), add_digest(store, "audio")
    store.subscriptions.stop(CHANNEL, "Archived.")
    corrupt_rows(store, "UPDATE subscriptions SET days = '[]' WHERE name = 'audio'")
    assert store.subscriptions.start(CHANNEL, now=NOW) == 1
    assert names_of(store.subscriptions.list_of_channel(CHANNEL)) == [""]


def test_digests_of_the_settings_are_told_apart_by_name() -> None:
    store = a_store()
    main = Subscription(CHANNEL)
    audio = Subscription(CHANNEL, Preferences(("audio",)), name="audio")
    for _ in range(2):
        store.subscriptions.sync_from_settings([main, audio], now=NOW)
        stored = store.subscriptions.list_of_channel(CHANNEL)
        assert [(each.name, each.preferences.domains) for each in stored] == [("", ()), ("audio", ("audio",))]
    store.subscriptions.sync_from_settings([main], now=NOW)
    assert names_of(store.subscriptions.list_of_channel(CHANNEL)) == [""]


# What a digest shows of the papers that another of its channel showed.


def a_store_with_papers() -> Store:
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(4)], now=NOW)
    return store


def test_a_paper_that_one_digest_showed_counts_as_shown_for_the_others_of_its_channel() -> None:
    store = a_store_with_papers()
    main, audio = add_digest(store), add_digest(store, "audio")
    repeating = add_digest(store, "again", repeat=True)
    elsewhere = add_digest(store, "", Channel("slack", "C2", "T1"))
    claim = store.outbox.claim(main, TODAY, owner="a", now=NOW, lease=LEASE)
    assert claim
    plan_papers(store, claim, "2401.00001")
    assert find_shown_papers(store, audio, 0, 9) == {"2401.00001"}
    assert find_shown_papers(store, main, 0, 9) == {"2401.00001"}
    assert find_shown_papers(store, repeating, 0, 9) == frozenset()
    assert find_shown_papers(store, elsewhere, 0, 9) == frozenset()


def test_a_digest_that_repeats_does_not_repeat_itself_and_others_leave_out_what_it_showed() -> None:
    store = a_store_with_papers()
    main, repeating = add_digest(store), add_digest(store, "again", repeat=True)
    claim = store.outbox.claim(repeating, TODAY, owner="a", now=NOW, lease=LEASE)
    assert claim
    plan_papers(store, claim, "2401.00001")
    assert find_shown_papers(store, repeating, 0, 9) == {"2401.00001"}
    assert find_shown_papers(store, main, 0, 9) == {"2401.00001"}


# The order of digests that are due at once.


def test_digests_of_one_channel_are_leased_one_after_another() -> None:
    store = a_store_with_papers()
    add_digest(store), add_digest(store, "audio"), add_digest(store, "", Channel("slack", "C2", "T1"))
    first = claim_all(store, MINUTE)
    assert [claim.subscription.full_name for claim in first] == ["slack:T1:C1", "slack:T1:C2"]
    assert claim_all(store, MINUTE, owner="c") == []
    plan_papers(store, first[0])
    store.outbox.finish(first[0])
    assert [claim.subscription.name for claim in claim_all(store, MINUTE, owner="c")] == ["audio"]


def test_a_digest_on_demand_waits_for_another_of_its_channel() -> None:
    store = a_store_with_papers()
    main, audio = add_digest(store), add_digest(store, "audio")
    claim = store.outbox.claim(main, TODAY, owner="a", now=NOW, lease=LEASE)
    assert claim
    assert store.outbox.claim(audio, TODAY, owner="b", now=NOW, lease=LEASE) is None
    store.outbox.reschedule(claim, "Later.", next_try_at=NOW + DAY)
    assert store.outbox.claim(audio, TODAY, owner="b", now=NOW, lease=LEASE)


def test_unfinished_digests_of_one_channel_are_leased_one_after_another() -> None:
    store = a_store_with_papers()
    for subscription in (add_digest(store), add_digest(store, "audio")):
        claim = store.outbox.claim(subscription, TODAY, owner="a", now=NOW, lease=LEASE)
        assert claim
        store.outbox.reschedule(claim, "Not now.", next_try_at=NOW + MINUTE)
    (first,) = claim_all(store, 2 * MINUTE)
    assert claim_all(store, 2 * MINUTE, owner="c") == []
    store.outbox.reschedule(first, "Not now.", next_try_at=NOW + DAY)
    (second,) = claim_all(store, 2 * MINUTE, owner="c")
    assert {first.subscription.name, second.subscription.name} == {"", "audio"}


def test_pages_of_a_new_main_digest_have_other_keys_than_those_of_the_renamed_one() -> None:
    store = a_store_with_papers()
    main = add_digest(store)
    store.subscriptions.change(CHANNEL, replace(main, name="papers"), by="Ada", now=NOW)
    new_main = add_digest(store)
    assert (main.name, new_main.name) == ("", "")
    rendered = RenderedDigest((Page({}, (), in_thread=False),), 0, None, {})
    keys = [
        _number_pages(rendered.pages, rendered, Claim(1, subscription, TODAY, "a", NOW, 1))[0].idempotency_key
        for subscription in (main, main, new_main)
    ]
    assert keys[0] == keys[1] != keys[2]


def test_a_digest_is_found_by_the_edition_that_it_showed_under_an_older_name() -> None:
    store = a_store_with_papers()
    main, audio = add_digest(store), add_digest(store, "audio")
    for subscription in (main, audio):
        claim = store.outbox.claim(subscription, TODAY, owner="a", now=NOW, lease=LEASE)
        assert claim
        plan_papers(store, claim)
        store.outbox.finish(claim)
    find = store.delivery_reports.find_renamed_digest
    assert find(CHANNEL, "", TODAY, 9) == main
    store.subscriptions.change(CHANNEL, replace(main, name="papers"), by="Ada", now=NOW)
    add_digest(store)
    renamed = replace(main, name="papers")
    assert find(CHANNEL, "", TODAY, 9) == find(CHANNEL, "papers", TODAY, 9) == renamed
    assert find(CHANNEL, "audio", TODAY, 9) == audio
    store.subscriptions.change(CHANNEL, replace(audio, name="sound"), by="Ada", now=NOW, name="audio")
    store.subscriptions.change(CHANNEL, replace(renamed, name="audio"), by="Ada", now=NOW, name="papers")
    assert find(CHANNEL, "audio", TODAY, 9) == replace(main, name="audio"), "it has the name now"
    assert find(CHANNEL, "", TODAY - DAY, 9) is None
    assert find(CHANNEL, "", TODAY, 8) is None
    assert find(Channel("slack", "C2", "T1"), "", TODAY, 9) is None
