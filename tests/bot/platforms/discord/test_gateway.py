"""The gateway connection: silence is noticed, and permanent errors end with a sentence."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import discord as discord_py
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.conversation.answers import Answers
from bot.platforms.discord import gateway as gateway_module
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.events import EventListeners, GuildNames
from bot.platforms.discord.gateway import Gateway, keep_connected
from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.rest import RestClient, use_addresses
from bot.platforms.discord.settings import DiscordSettings
from digests.build import DigestPolicy
from digests.errors import StoreError
from tests.builders import a_store, find_nothing
from tests.fakes.discord import FakeDiscord
from tests.fakes.wire import WAIT_SECONDS

pytestmark = pytest.mark.usefixtures("brisk")

Trial = Callable[[FakeDiscord, asyncio.Event, list[Gateway]], Awaitable[None]]


@pytest.fixture(autouse=True)
def _discords_own_addresses() -> Iterator[None]:
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


def keep_connected_during(trial: Trial, *, ends_itself: bool = False, **world: object) -> list[str]:
    """Keep a gateway connected during a trial. Returns ["drained"] if it drained at the end."""
    drained: list[str] = []

    async def drain() -> None:
        drained.append("drained")

    async def run() -> None:
        async with FakeDiscord(heartbeat_interval=0.2) as discord:
            for name, value in world.items():
                setattr(discord, name, value)
            settings = DiscordSettings(api_base_url=discord.url, gateway_url=discord.gateway_url)
            use_addresses(settings)
            discord.add_channel("papers")
            rest, stop, gateways = RestClient(discord.token, 10), asyncio.Event(), list[Gateway]()
            listeners = DiscordListeners(
                Answers(a_store(), find_nothing, DigestPolicy(), lambda: datetime.now(UTC)),
                DiscordPlatform(rest),
                settings,
                lambda: datetime.now(UTC),
            )

            def make() -> Gateway:
                gateways.append(Gateway(listeners, settings, ready_seconds=0.1, heartbeat_seconds=1.0))
                return gateways[-1]

            keeping = asyncio.create_task(keep_connected(make, "right-token", stop, drain))
            await trial(discord, stop, gateways)
            if not ends_itself:
                stop.set()
            async with asyncio.timeout(WAIT_SECONDS):
                await keeping
            await rest.close()

    asyncio.run(run())
    return drained


def test_a_failed_catch_up_is_retried_when_the_store_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gateway_module, "CATCH_UP_RETRY_SECONDS", (0.0, 0.0))
    asked = list[int]()

    async def on_ready(self: EventListeners, list_guilds: Callable[[], GuildNames]) -> None:
        asked.append(len(list_guilds()))
        if len(asked) == 1:
            raise StoreError("The store is away.")

    monkeypatch.setattr(EventListeners, "on_ready", on_ready)

    async def trial(discord: FakeDiscord, stop: asyncio.Event, gateways: list[Gateway]) -> None:
        await discord.wait_until(lambda: len(asked) == 2)

    keep_connected_during(trial)
    warnings = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert [one.message for one in warnings if one.name == gateway_module.__name__] == [
        "changes in Discord during the gap are not known yet: The store is away."
    ]


def test_a_silent_connection_is_measured_and_resumed() -> None:
    async def trial(discord: FakeDiscord, stop: asyncio.Event, gateways: list[Gateway]) -> None:
        await discord.wait_until(lambda: discord.connected_sessions)
        (gateway,) = gateways
        assert gateway.is_connected
        assert gateway.silence_seconds < WAIT_SECONDS
        discord.is_silent = True
        await discord.wait_until(lambda: not discord.connected_sessions)
        discord.is_silent = False
        await discord.wait_until(lambda: discord.resume_count == 1)
        assert len(gateways) == 1

    assert keep_connected_during(trial) == ["drained"]


def test_an_unreachable_gateway_is_retried_with_a_fresh_client() -> None:
    async def trial(discord: FakeDiscord, stop: asyncio.Event, gateways: list[Gateway]) -> None:
        await discord.wait_until(lambda: discord.connected_sessions)
        assert len(gateways) == 2
        assert gateways[0].is_closed()

    assert keep_connected_during(trial, gateway_refusals=1) == ["drained"]


def test_missing_intents_end_the_bot_with_one_sentence(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bot.platforms.discord.gateway.INTENTS", discord_py.Intents(guilds=True, members=True)
    )

    async def trial(discord: FakeDiscord, stop: asyncio.Event, gateways: list[Gateway]) -> None:
        await discord.wait_until(lambda: discord.identify_count == 1)

    with caplog.at_level(logging.ERROR):
        assert keep_connected_during(trial, ends_itself=True) == []
    assert "does not grant this application the intents" in caplog.text


def test_a_client_can_be_closed_while_the_first_servers_arrive() -> None:
    async def trial(discord: FakeDiscord, stop: asyncio.Event, gateways: list[Gateway]) -> None:
        await discord.wait_until(lambda: discord.connected_sessions)
        async with asyncio.timeout(WAIT_SECONDS):
            while not (announcing := gateways[0]._connection._ready_task):  # noqa: ASYNC110 (discord.py tells nobody)
                await asyncio.sleep(0)
        stop.set()
        await asyncio.wait([announcing])
        assert announcing.cancelled() or announcing.exception() is None

    assert keep_connected_during(trial) == ["drained"]
