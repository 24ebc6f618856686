"""Servers that the bot left, or came back to, while it was not connected."""

import asyncio
from datetime import timedelta

import discord

from bot.conversation.answers import Answers
from bot.conversation.marks import MarkEmojis
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.events import REMOVED_REASON, EventListeners
from bot.platforms.discord.rest import RestClient
from bot.platforms.discord.servers import MemberCheck, ServedServers
from bot.platforms.interaction import InteractionDispatcher
from digests.build import DigestPolicy
from digests.ports import Store
from digests.subscription import Channel, Subscription
from tests.builders import NOW, a_store, find_nothing


def get_ready(store: Store, *guilds: int) -> None:
    """Handle the start of a session of a bot that is in these servers."""
    platform = DiscordPlatform(RestClient("token", 1))
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW)
    dispatcher = InteractionDispatcher(
        answers, platform, MarkEmojis("🔖", ()), lambda: NOW, confirms_undo=True
    )

    async def run() -> None:
        client = discord.Client(intents=discord.Intents.none())
        servers = ServedServers(store, frozenset(), lambda: NOW)
        members = MemberCheck(platform, servers)
        events = EventListeners(store, platform, dispatcher, lambda: NOW, client, servers, members)
        await events.on_ready(dict.fromkeys(guilds, "The lab"))

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
