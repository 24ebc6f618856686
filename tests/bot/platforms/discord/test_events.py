"""Servers that the bot left, or came back to, while it was not connected."""

import asyncio
from datetime import timedelta
from typing import Any

import discord
import pytest

from bot.conversation.answers import Answers
from bot.conversation.marks import MarkEmojis
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.events import REMOVED_REASON, EventListeners
from bot.platforms.discord.rest import RestClient
from bot.platforms.discord.servers import MemberCheck, ServedServers
from bot.platforms.interaction import InteractionDispatcher
from digests.build import DigestPolicy
from digests.ports import Store
from digests.ports.workspaces import WorkspaceState
from digests.subscription import Channel, Subscription
from tests.builders import NOW, a_store, find_nothing


def create_listeners(store: Store) -> EventListeners:
    """Create the listeners of a connection to no Discord. Needs a running event loop."""
    platform = DiscordPlatform(RestClient("token", 1))
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW)
    dispatcher = InteractionDispatcher(
        answers, platform, MarkEmojis("🔖", ()), lambda: NOW, confirms_undo=True
    )

    client = discord.Client(intents=discord.Intents.none())
    servers = ServedServers(store, frozenset(), lambda: NOW)
    members = MemberCheck(platform, servers)
    return EventListeners(store, platform, dispatcher, lambda: NOW, client, servers, members)


def get_ready(store: Store, *guilds: int) -> None:
    """Handle the start of a session of a bot that is in these servers."""

    async def run() -> None:
        await create_listeners(store).on_ready(lambda: dict.fromkeys(guilds, "The lab"))

    asyncio.run(run())


def test_digests_of_left_servers_stop_and_those_of_servers_that_are_back_start_again() -> None:
    store = a_store()
    stop_reasons = {
        Channel("discord", "1", "10"): "",
        Channel("discord", "2", "10"): REMOVED_REASON,
        Channel("discord", "3", "10"): "The channel was deleted.",
        Channel("discord", "4", "20"): "",
        Channel("discord", "5"): "",
        Channel("slack", "6", "30"): "",
    }
    store.subscriptions.sync_from_settings([Subscription(channel) for channel in stop_reasons], now=NOW)
    for channel, reason in stop_reasons.items():
        if reason:
            store.subscriptions.stop(channel, reason)
    get_ready(store, 10)
    assert {
        subscription.channel.channel: subscription.stop_reason
        for subscription in store.subscriptions.list_active()
    } == {"1": "", "2": "", "3": "The channel was deleted.", "4": REMOVED_REASON, "5": "", "6": ""}
    assert store.workspaces.list_removed(before=NOW + timedelta(days=1)) == [("discord", "20")]
    get_ready(store, 10, 20)
    assert store.workspaces.list_removed(before=NOW + timedelta(days=1)) == []


def test_a_server_that_joins_during_a_start_is_handled_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start knows only the servers of its beginning: it would take the request of the new one back."""
    store, calls = a_store(), list[str]()
    for name in ("record_return", "record_requests", "record_removal"):
        method = getattr(type(store.workspaces), name)

        def record_call(*arguments: Any, method: Any = method, name: str = name, **options: Any) -> Any:
            calls.append(name)
            return method(*arguments, **options)

        monkeypatch.setattr(type(store.workspaces), name, record_call)

    async def run() -> None:
        events = create_listeners(store)

        def list_guilds_at_start() -> dict[int, str]:
            joined = events.on_guild_joined(20, lambda: {10: "Ours", 20: "Theirs"})
            joining.append(asyncio.create_task(joined))
            return {10: "Ours"}

        joining = list[asyncio.Task[None]]()
        await events.on_ready(list_guilds_at_start)
        await joining[0]

    asyncio.run(run())
    of_start, of_joining = calls[:3], calls[3:]
    assert of_start == ["record_return", "record_requests", "record_removal"]
    assert of_joining == ["record_return", "record_requests"]
    assert [one.id for one in store.workspaces.list_all() if one.state is WorkspaceState.ASKED] == ["20"]
