"""Status reports: empty editions with their reasons, and troubles of sources and the reviewer."""

import asyncio
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rich.console import Console

from bot.chat.port import NoHistory, Outcome, Page, PostError
from bot.cli.status import load_status, print_report, report_to_record
from bot.delivery.context import DeliveryContext
from bot.delivery.worker import deliver_due_editions
from bot.present.channel_status import OVERDUE_AFTER, describe_trouble
from digests.build import DigestPolicy
from digests.model import REVIEWER, Heartbeat, Trouble
from digests.ports import Store
from digests.subscription import Channel, Preferences, Schedule, Subscription
from tests.bot.delivery.contexts import a_delivery_context, a_store_with_channels
from tests.builders import NOW, TODAY, a_store, a_subscription
from tests.fakes.platform import MemoryPlatform, PostedPages


def build_quiet_day() -> Store:
    """Build a store after an empty edition that posted nothing, since the heartbeat is off."""
    store, board = a_store(), PostedPages()
    store.health.report("arxiv", Trouble.OUTAGE, detail="arXiv answered 503.", now=NOW)
    store.health.report(REVIEWER, Trouble.BUDGET_SPENT, waiting_count=41, now=NOW)
    store.subscriptions.sync_from_settings([a_subscription()], now=NOW - timedelta(minutes=1))
    platforms = {"console": MemoryPlatform(board)}
    context = DeliveryContext(store, platforms, DigestPolicy(heartbeat=Heartbeat.OFF), "a", lambda: NOW)
    asyncio.run(deliver_due_editions(context))
    assert board.pages == []
    return store


def test_an_empty_edition_without_a_message_shows_its_reason() -> None:
    written = Console(file=io.StringIO(), width=200)
    print_report(load_status(build_quiet_day(), NOW), written)
    assert isinstance(written.file, io.StringIO)
    text = written.file.getvalue()
    assert "Tue 24 Nov empty (budget spent)" in text
    assert "arxiv: not fetched since Tue 24 Nov 09:00 UTC. arXiv answered 503." in text
    assert "reviewer: budget spent since Tue 24 Nov 09:00 UTC. 41 papers wait for a review." in text


def test_an_index_that_is_being_built_is_told() -> None:
    written = Console(file=io.StringIO(), width=200)
    report = load_status(build_quiet_day(), NOW, indexed_share=0.43)
    print_report(report, written)
    assert isinstance(written.file, io.StringIO)
    assert "The search index has 43% of the papers" in written.file.getvalue()
    assert report_to_record(report)["indexed_share"] == 0.43


def test_the_json_report_has_the_reason_of_an_empty_edition_and_the_troubles() -> None:
    record = report_to_record(load_status(build_quiet_day(), NOW))
    (channel,) = record["channels"]
    assert (channel["last"]["state"], channel["last"]["reason"], channel["trouble"]) == (
        "empty",
        "budget spent",
        "",
    )
    assert [(source["subject"], source["trouble"], source["waiting"]) for source in record["sources"]] == [
        ("arxiv", "outage", 0),
        ("reviewer", "budget spent", 41),
    ]


def describe_only_channel(store: Store, now: datetime) -> str:
    (status,) = load_status(store, now).channels
    assert report_to_record(load_status(store, now))["totals"]["in_trouble"] == int(
        bool(describe_trouble(status, now))
    )
    return describe_trouble(status, now)


LEASE = timedelta(minutes=5)


def test_a_delivery_with_an_expired_lease_is_in_trouble() -> None:
    store = a_store()
    (subscription,) = subscribe_channel(store)
    store.outbox.claim(subscription, TODAY, owner="a", now=NOW, lease=LEASE)
    assert describe_only_channel(store, NOW + LEASE + OVERDUE_AFTER) == ""
    later = NOW + timedelta(hours=20)
    assert (
        describe_only_channel(store, later)
        == "Left in the middle since Tue 24 Nov 09:05. Is a “paperround run” running?"
    )
    store.subscriptions.change(
        subscription.channel, replace(subscription, paused_by="U1"), by="U1", now=later
    )
    assert describe_only_channel(store, later).endswith("Nobody goes on with it while the channel is paused.")


def test_an_overdue_edition_or_retry_is_in_trouble() -> None:
    store = a_store()
    (subscription,) = subscribe_channel(store)
    assert describe_only_channel(store, NOW + OVERDUE_AFTER) == ""
    assert describe_only_channel(store, NOW + timedelta(hours=1)) == "Overdue: is a “paperround run” running?"
    claim = store.outbox.claim(subscription, TODAY, owner="a", now=NOW, lease=LEASE)
    assert claim
    store.outbox.reschedule(claim, "Slack is away.", next_try_at=NOW + LEASE)
    assert describe_only_channel(store, NOW + LEASE) == "Tried once: Slack is away."
    assert describe_only_channel(store, NOW + timedelta(hours=1)).endswith("Is a “paperround run” running?")


def subscribe_channel(store: Store) -> Sequence[Subscription]:
    """Subscribe one channel by a command, and return the active subscriptions."""
    store.subscriptions.change(
        a_subscription().channel, a_subscription(), by="U1", now=NOW - timedelta(minutes=1)
    )
    return store.subscriptions.list_active()


def test_configured_channels_missing_from_the_store_are_listed_as_not_started() -> None:
    store = a_store()
    subscribe_channel(store)
    named = [a_subscription("papers"), a_subscription("vision"), a_subscription("speech")]
    found = load_status(store, NOW, configured=named)
    assert report_to_record(found)["not_begun"] == ["console:vision", "console:speech"]
    assert report_to_record(load_status(store, NOW, "speech", named))["not_begun"] == ["console:speech"]
    written = Console(file=io.StringIO(), width=200)
    print_report(found, written)
    assert isinstance(written.file, io.StringIO)
    sentence = (
        "Of the settings, these begin when “paperround run” next starts: console:vision, console:speech."
    )
    assert sentence in written.file.getvalue()


def test_the_status_lists_problems_first() -> None:
    store = a_store_with_channels(("a", 2), ("gone", 1), ("lost", 1), ("wrong", 1))

    def raise_fault(channel: Channel) -> None:
        match channel.workspace:
            case "gone":
                raise PostError("The channel was archived.", Outcome.GONE)
            case "lost":
                raise PostError("Slack's answer was lost.", Outcome.UNKNOWN)
            case "wrong":
                raise PostError("Slack takes no such page.", Outcome.REFUSED)

    class Faulty(MemoryPlatform):
        async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
            raise_fault(channel)
            return await super().post(channel, page, key=key, thread=thread)

        async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
            raise_fault(channel)
            return await super().find(channel, key=key, since=since)

    asyncio.run(deliver_due_editions(a_delivery_context(store, Faulty(PostedPages()))))
    found = load_status(store, NOW)
    record = report_to_record(found)
    troubles = {channel["channel"]: channel["trouble"] for channel in record["channels"]}
    assert troubles == {
        "console:gone:gone0": "Stopped: The channel was archived.",
        "console:lost:lost0": "Tried once: Slack's answer was lost.",
        "console:wrong:wrong0": "Not posted: Slack takes no such page.",
        "console:a:a0": "",
        "console:a:a1": "",
    }
    assert [channel["trouble"] == "" for channel in record["channels"]] == [False] * 3 + [True] * 2
    assert record["totals"]["in_trouble"] == 3
    assert record["totals"]["unknown_messages"] == 1
    assert record["totals"]["editions"] == {
        "claimed": 0, "posting": 0, "posted": 2, "empty": 0, "retrying": 0, "unknown": 1, "failed": 2,
    }  # fmt: skip
    assert json.dumps(record)
    console = Console(width=120, record=True)
    print_report(found, console)
    text_shown = console.export_text()
    assert "Stopped: The channel was archived." in text_shown
    assert "2 posted, 1 unknown, 2 failed" in text_shown


def test_the_status_of_one_channel_and_of_an_unknown_one() -> None:
    store = a_store_with_channels(("a", 3))
    (status,) = load_status(store, NOW + timedelta(hours=1), "a1").channels
    assert status.channel.channel == "a1"
    record = report_to_record(load_status(store, NOW + timedelta(hours=1), "console:a:a1"))
    assert "Overdue" in record["channels"][0]["trouble"]
    assert datetime.fromisoformat(record["channels"][0]["next"]["at"]) == NOW


def test_a_long_id_can_be_copied_on_a_narrow_terminal_and_times_name_their_zone() -> None:
    store = a_store()
    channel = Channel("discord", "157627021633205041", "157627021633205042")
    schedule = Schedule(time_zone="America/New_York")
    store.subscriptions.sync_from_settings([Subscription(channel, Preferences(), schedule)], now=NOW)
    console = Console(width=80, record=True)
    print_report(load_status(store, NOW), console)
    text_shown = console.export_text()
    assert str(channel) in text_shown
    assert "America/New_York" in " ".join(text_shown.split())
