"""The operator's lists of digests, over the store."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.present.channel_status import describe_trouble
from digests.ports import Store
from digests.ports.overview import DigestFilter, WorkspaceDigests
from digests.subscription import Channel
from tests.builders import NOW, TODAY, a_store, a_subscription
from tests.outbox import claim_all, try_claim

pytestmark = pytest.mark.usefixtures("over_both")

LEASE = timedelta(minutes=5)
ALL = DigestFilter()
TROUBLED = DigestFilter(is_in_trouble=True)


def a_store_with(*names: str) -> Store:
    """Build a store with a digest for each TEAM:CHANNEL, due at `NOW`."""
    store = a_store()
    channels = [Channel("console", channel, team) for team, channel in (name.split(":") for name in names)]
    subscriptions = [replace(a_subscription(), channel=channel) for channel in channels]
    store.subscriptions.sync_from_settings(subscriptions, now=NOW - timedelta(minutes=1))
    return store


def list_names(store: Store, wanted: DigestFilter = ALL, offset: int = 0, limit: int = 99) -> list[str]:
    found = store.overview.list_digests(wanted, now=NOW, offset=offset, limit=limit).digests
    return [f"{each.channel.workspace}:{each.channel.channel}" for each in found]


def count(store: Store, wanted: DigestFilter = ALL, *, now: datetime = NOW, offset: int = 0) -> int:
    return store.overview.list_digests(wanted, now=now, offset=offset, limit=1).count


def test_digests_come_by_the_page_in_the_order_of_their_names() -> None:
    store = a_store_with("T2:C1", "T1:C2", "T1:C1", "T2:C2", "T1:C3")
    assert list_names(store) == ["T1:C1", "T1:C2", "T1:C3", "T2:C1", "T2:C2"]
    assert list_names(store, offset=2, limit=2) == ["T1:C3", "T2:C1"]
    assert list_names(store, offset=9) == []
    assert count(store, offset=9) == 5, "behind the end too"
    assert count(store, ALL, now=NOW) == 5
    store.subscriptions.sync_from_settings([], now=NOW)
    assert list_names(store) == [], "digests that were removed are left out"


def test_a_filter_is_by_workspace_and_by_words() -> None:
    store = a_store_with("T1:General", "T1:50%_off", "T2:C2")
    assert list_names(store, DigestFilter(platform="console", workspace="T1")) == ["T1:50%_off", "T1:General"]
    assert list_names(store, DigestFilter(platform="slack")) == []
    assert list_names(store, DigestFilter("GENER")) == ["T1:General"]
    assert list_names(store, DigestFilter("t2")) == ["T2:C2"]
    assert list_names(store, DigestFilter("%_o")) == ["T1:50%_off"], "signs of a pattern are letters"
    assert count(store, DigestFilter("x' OR 1=1"), now=NOW) == 0


def test_a_digest_is_found_by_its_key() -> None:
    store = a_store_with("T1:C1", "T1:C2")
    first, _ = store.overview.list_digests(ALL, now=NOW, offset=0, limit=9).digests
    assert store.overview.find_digest(first.key) == first
    assert store.overview.find_digest(999) is None


def test_digests_in_trouble_are_those_that_have_a_sentence() -> None:
    store = a_store_with("T1:fine", "T1:failed", "T1:again", "T1:stopped", "T1:crashed", "T1:mended")
    store.subscriptions.stop(Channel("console", "stopped", "T1"), "Gone.")
    claims = {claim.subscription.channel.channel: claim for claim in claim_all(store)}
    for name in ("failed", "mended"):
        store.outbox.abandon(claims[name], "Slack says no.", now=NOW)
    store.outbox.reschedule(claims["again"], "Slack is away.", next_try_at=NOW + LEASE)
    store.outbox.finish_empty(claims["fine"], late_watermark=0, late_until=NOW, now=NOW)
    tomorrow = try_claim(store, claims["mended"].subscription, edition=TODAY + timedelta(days=1))
    assert tomorrow
    later = NOW + timedelta(minutes=20)
    found = store.overview.list_digests(TROUBLED, now=later, offset=0, limit=99).digests
    sentences = {each.channel.channel: describe_trouble(each, later) for each in found}
    everything = store.overview.list_digests(ALL, now=later, offset=0, limit=99).digests
    assert sentences == {
        each.channel.channel: sentence for each in everything if (sentence := describe_trouble(each, later))
    }
    assert {"failed", "again", "stopped", "crashed"} <= set(sentences)
    assert "fine" not in sentences
    assert count(store, TROUBLED, now=later) == len(sentences)


def test_workspaces_have_their_numbers() -> None:
    store = a_store_with("T1:C1", "T1:C2", "T2:C1")
    paused = store.subscriptions.find(Channel("console", "C2", "T1"))
    assert paused
    store.subscriptions.change(paused.channel, replace(paused, paused_by="Ada"), by="Ada", now=NOW)
    store.subscriptions.stop(Channel("console", "C1", "T2"), "Gone.")
    assert store.overview.list_workspaces() == [
        WorkspaceDigests("console", "T1", {"running": 1, "paused": 1, "stopped": 0}),
        WorkspaceDigests("console", "T2", {"running": 0, "paused": 0, "stopped": 1}),
    ]


def test_a_late_digest_is_in_trouble() -> None:
    store = a_store_with("T1:C1")
    due = store.subscriptions.list_active()[0]
    assert due.is_running
    tomorrow = NOW + timedelta(days=2)
    assert count(store, TROUBLED, now=NOW) == 0
    assert count(store, TROUBLED, now=tomorrow) == 1
    store.subscriptions.change(due.channel, replace(due, paused_by="Ada"), by="Ada", now=NOW)
    assert count(store, TROUBLED, now=tomorrow) == 0
