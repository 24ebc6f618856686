"""Deliveries that an older checkout left in mid-send, carried on after the store was carried over.

The channels hold what the checkout posted, in its own shape: keys in Slack's metadata and in the custom_id of
Discord's buttons.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from sqlalchemy import select

from bot.chat.message import Message
from bot.chat.port import Page, Platform, PostUpdate
from bot.delivery.context import UnknownPolicy
from bot.delivery.deliver import deliver_claim
from bot.delivery.failure_notices import FailureNotifier
from bot.delivery.worker import deliver_due_editions
from bot.platforms.console.render import render as render_console
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.render import render as render_discord
from bot.platforms.discord.rest import RestClient, use_addresses
from bot.platforms.discord.settings import DiscordSettings
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.render import render as render_slack
from bot.platforms.slack.session import open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.model import Post
from digests.ports import Store
from digests.ports.outbox import DeliveryState, PageState
from digests.store import schema
from digests.store.marks import SqlMarks
from digests.subscription import Channel, DigestStyle
from tests.bot.delivery.contexts import a_context
from tests.fakes.discord import TEXT, DiscordChannel, DiscordGuild, FakeDiscord
from tests.fakes.slack import FakeSlack, SlackChannel
from tests.old_store import FIXTURES, NOW, open_carried_over

LEASE = timedelta(minutes=5)
IN_DOUBT = pytest.mark.parametrize(
    ("has_arrived", "can_ask", "on_unknown", "first_posted", "second_page"),
    [
        (True, True, UnknownPolicy.SKIP, 2, PageState.POSTED),
        (False, True, UnknownPolicy.SKIP, 1, PageState.POSTED),
        (True, False, UnknownPolicy.SKIP, 2, PageState.SKIPPED),
        (True, False, UnknownPolicy.RESEND, 1, PageState.POSTED),
    ],
    ids=["found", "not found", "cannot ask, skipped", "cannot ask, resent"],
)
"""Answers of a channel about the second page, the first page posted then, and the end of the second."""
READING = Channel("slack", "C0READING", "T0ALPHA")
FIRST_RECEIPT = "1795514430.000901"
SLACK_KEYS = [
    "39a34bf6d313e63fde70da26d",
    "6e09875dc2b6575b3f6e12ce7",
    "cbb4d2dd59f9ddf76cce4e3fa",
    "a1a0628529843e403c118ed45",
]
DISCORD_KEYS = ["6ae0c7511ae104aabb01e14a9", "b96b0956699ec0ffaf22e136b", "29b1827cd4916b3067c1ea08e"]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The old store, carried over within SQLite, then within PostgreSQL."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with open_carried_over(tmp_path, server) as carried_over:
        yield carried_over


@pytest.fixture(autouse=True)
def _discords_own_addresses() -> Iterator[None]:
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


async def return_at_once(seconds: float) -> None:
    """Sleep for no time."""


async def deliver(store: Store, platform: Platform, delivery_id: int, on_unknown: UnknownPolicy) -> None:
    """Deliver one of the carried-over deliveries, as a worker does that claims it at the end of the lease."""

    claims = await asyncio.to_thread(store.outbox.claim_due, owner="a", now=NOW, lease=LEASE, limit=50)
    (claim,) = (claim for claim in claims if claim.id == delivery_id)
    context = a_context(
        store,
        {platform.name: platform},
        owner="a",
        clock=lambda: NOW,
        lease=LEASE,
        sleep=return_at_once,
        on_unknown=on_unknown,
    )
    await deliver_claim(claim, context=context)


def newest_pages(store: Store, channel: Channel) -> tuple[DeliveryState, list[PageState], list[str | None]]:
    subscription = store.subscriptions.find(channel)
    assert subscription
    report, *_ = store.delivery_reports.history(subscription, 9)
    return report.state, [page.state for page in report.pages], [page.receipt for page in report.pages]


def old_slack_message(ts: str, key: str, **fields: Any) -> dict[str, Any]:
    metadata = {"event_type": "paperround_page", "event_payload": {"key": key}}
    return {"type": "message", "ts": ts, "bot_id": "BBOT", "metadata": metadata, "text": "posted", **fields}


@asynccontextmanager
async def open_slack(*, has_arrived: bool, can_ask: bool) -> AsyncIterator[tuple[FakeSlack, SlackPlatform]]:
    """Open a workspace with the first page of the delivery, and the second if it has arrived."""
    async with FakeSlack(clock=NOW.timestamp, team_id="T0ALPHA") as slack, open_session(5) as session:
        slack.channels["C0READING"] = SlackChannel("C0READING", "reading", {slack.bot_user})
        first = old_slack_message(FIRST_RECEIPT, SLACK_KEYS[0], reply_count=int(has_arrived))
        second = old_slack_message("1795514431.000902", SLACK_KEYS[1], thread_ts=FIRST_RECEIPT)
        slack.messages_in("C0READING").extend([first, second] if has_arrived else [first])
        if not can_ask:
            slack.scopes.discard("channels:history")
        settings = SlackSettings(api_base_url=slack.url)
        workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: NOW)
        yield slack, SlackPlatform(workspaces)


@IN_DOUBT
def test_a_page_in_doubt_is_reconciled_in_slack_under_its_old_key(
    store: Store,
    has_arrived: bool,
    can_ask: bool,
    on_unknown: UnknownPolicy,
    first_posted: int,
    second_page: PageState,
) -> None:
    async def run() -> list[dict[str, Any]]:
        async with open_slack(has_arrived=has_arrived, can_ask=can_ask) as (slack, platform):
            await deliver(store, platform, 14, on_unknown)
            assert slack.protocol_errors == []
            return slack.calls_of("chat.postMessage")

    calls = asyncio.run(run())
    keys = [as_json(call["metadata"])["event_payload"]["key"] for call in calls]
    assert keys == SLACK_KEYS[first_posted:]
    assert {call["thread_ts"] for call in calls} == {FIRST_RECEIPT}
    state, page_states, receipts = newest_pages(store, READING)
    assert state is DeliveryState.POSTED
    assert page_states == [PageState.POSTED, second_page, PageState.POSTED, PageState.POSTED]
    assert receipts[0] == FIRST_RECEIPT
    if has_arrived and can_ask:
        assert receipts[1] == "1795514431.000902"
    assert (receipts[1] is None) == (second_page is PageState.SKIPPED)
    later = store.outbox.claim_due(owner="b", now=NOW + LEASE, lease=LEASE, limit=50)
    assert 14 not in [claim.id for claim in later]


def as_json(value: Any) -> Any:
    """Return an argument of a call, which form requests carry as JSON text."""
    return json.loads(value) if isinstance(value, str) else value


@asynccontextmanager
async def open_discord(
    *, has_arrived: bool, can_ask: bool
) -> AsyncIterator[tuple[FakeDiscord, DiscordPlatform]]:
    """Open a server with the first page of the delivery, and the second if it has arrived."""
    async with FakeDiscord(clock=NOW.timestamp, rate_limits=False) as discord:
        discord.guilds["9002"] = DiscordGuild("9002", "The lab")
        denied = set() if can_ask else {"read_message_history"}
        discord.channels["9202"] = DiscordChannel("9202", "papers", TEXT, "9002", denied_permissions=denied)
        add_old_discord_page(discord, "settings:", DISCORD_KEYS[0])
        if has_arrived:
            add_old_discord_page(discord, "discuss:2401.00009", DISCORD_KEYS[1])
        use_addresses(DiscordSettings(api_base_url=discord.url, gateway_url=discord.gateway_url))
        rest = RestClient("right-token", 20)
        yield discord, DiscordPlatform(rest)
        await rest.close()


def add_old_discord_page(discord: FakeDiscord, button: str, key: str) -> None:
    message = discord.add_message("9202", "posted")
    message["components"] = [
        {"type": 1, "components": [{"type": 2, "style": 2, "label": "x", "custom_id": f"{button}#{key}"}]}
    ]


@IN_DOUBT
def test_a_page_in_doubt_is_reconciled_in_discord_under_its_old_key(
    store: Store,
    has_arrived: bool,
    can_ask: bool,
    on_unknown: UnknownPolicy,
    first_posted: int,
    second_page: PageState,
) -> None:
    async def run() -> list[dict[str, Any]]:
        async with open_discord(has_arrived=has_arrived, can_ask=can_ask) as (discord, platform):
            await deliver(store, platform, 11, on_unknown)
            assert discord.protocol_errors == []
            return discord.calls_of("create message")

    calls = asyncio.run(run())
    assert [call["nonce"] for call in calls] == DISCORD_KEYS[first_posted:]
    channel = Channel("discord", "9202", "9002")
    state, page_states, _ = newest_pages(store, channel)
    assert state is DeliveryState.POSTED
    assert page_states == [PageState.POSTED, second_page, PageState.POSTED]


def test_a_page_whose_edit_was_cut_off_is_edited_again_and_the_others_posted(store: Store) -> None:
    receipt, channel = "1443000000000000002", Channel("discord", "9101", "9001")

    async def run() -> tuple[list[str], str]:
        async with open_discord(has_arrived=False, can_ask=True) as (discord, platform):
            discord.guilds["9001"] = DiscordGuild("9001", "The hall")
            discord.channels["9101"] = DiscordChannel("9101", "hall", TEXT, "9001")
            message = discord.add_message("9101", "Nothing new today")
            message["id"] = receipt
            await deliver(store, platform, 10, UnknownPolicy.SKIP)
            assert discord.protocol_errors == []
            return [call["nonce"] for call in discord.calls_of("create message")], str(message["content"])

    keys, content = asyncio.run(run())
    assert keys == ["28e2ddd3ea5525e8fdc750eda", "961ff2b86a14f0319dfd85f2a"]
    assert content == "**Tuesday 24 November - 2 of 6 new papers**"
    state, page_states, receipts = newest_pages(store, channel)
    assert state is DeliveryState.POSTED
    assert page_states == [PageState.POSTED] * 3
    assert receipts[0] == receipt


@dataclass(frozen=True, slots=True)
class RecordingPlatform:
    """Renders as one platform does, and records the calls. Finds the page in doubt of delivery 14 alone."""

    name: str
    render: Callable[[Message, DigestStyle], Sequence[Page]]
    calls: list[list[Any]]

    async def upload_file(self, channel: Channel, page: Page) -> Page:
        return page

    async def fit_pages(self, channel: Channel, pages: Sequence[Page]) -> Sequence[Page]:
        return pages

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        self.calls.append(["post", str(channel), key, list(page.papers), thread])
        return f"r {key}"

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | None:
        self.calls.append(["find", str(channel), key])
        return f"found {key}" if key == SLACK_KEYS[1] else None

    async def edit(self, channel: Channel, receipt: str, page: Page, *, key: str) -> None:
        self.calls.append(["edit", str(channel), receipt, list(page.papers)])

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        raise AssertionError("post edits are not made here")

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        self.calls.append(["dm", str(channel), person, message.summary])


async def tick(store: Store, platforms: Mapping[str, RecordingPlatform], now: datetime) -> None:
    """Deliver what is due, and send the failure notices, with a new worker."""

    def clock() -> datetime:
        return now

    await deliver_due_editions(
        a_context(store, platforms, owner=f"worker of {now}", clock=clock, sleep=return_at_once)
    )
    await FailureNotifier(store.failure_notices, platforms, clock, timedelta(seconds=30)).send_due_notices()


def test_the_week_after_the_copy_is_the_one_that_the_old_checkout_would_have_had(store: Store) -> None:
    """Claims, papers, threads and notices of seven ticks equal those of the checkout fa069ce.

    So do the keys of pages that it had planned; those of other pages are computed in another way now.

    Three digests of two papers differ: their share of one category is rounded up now, so that the best two
    are picked.
    """
    calls: list[list[Any]] = []
    renderers = {"slack": render_slack, "discord": render_discord, "console": render_console}
    platforms = {name: RecordingPlatform(name, render, calls) for name, render in renderers.items()}
    expected = json.loads((FIXTURES / "week_after_0013.json").read_text(encoding="utf-8"))
    assert len(expected) == 7
    planned = read_planned_keys(store)
    for instant, expected_calls in expected.items():
        asyncio.run(tick(store, platforms, datetime.fromisoformat(instant).replace(tzinfo=UTC)))
        assert hide_other_keys(calls, planned) == hide_other_keys(expected_calls, planned), instant
        calls.clear()


def read_planned_keys(store: Store) -> frozenset[str]:
    """Return the keys of all pages in the store."""
    assert isinstance(store.marks, SqlMarks)
    with store.marks.database.read() as connection:
        return frozenset(connection.execute(select(schema.pages.c.idempotency_key)).scalars())


def hide_other_keys(calls: Sequence[list[Any]], planned: frozenset[str]) -> list[list[Any]]:
    """Return the calls in order, with one word for every key that is not among the planned ones."""
    text = re.sub(r"[0-9a-f]{25}", lambda key: key[0] if key[0] in planned else "another", json.dumps(calls))
    return sorted(json.loads(text), key=str)
