"""Handlers of Discord's events: reactions, and servers and channels that come and go."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import discord

from bot.conversation.marks import AMBIGUOUS_REACTION
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.servers import FOREIGN_OWNER, MAX_ASKED_SERVERS, MemberCheck, ServedServers
from bot.platforms.interaction import InteractionDispatcher
from bot.present.wording import format_count, present_sentence
from bot.storage import run_interactive
from digests.errors import PaperroundError
from digests.model import MarkSource, Post
from digests.ports import Store
from digests.subscription import Channel, Subscription

log = logging.getLogger(__name__)

GuildNames = Mapping[int, str]
"""Names of all servers that the bot is in, by id."""
REMOVED_REASON = "Paperround was removed from the server."
"""Reason of digests that are stopped because the bot was removed from their server."""
THREAD_TYPES = (10, 11, 12)
"""Types of channels that are threads (https://docs.discord.com/developers/resources/channel)."""
VARIATION_SELECTOR = "\ufe0f"
"""Character that selects how an emoji is drawn, and does not change which one it is."""


def normalize_emoji(emoji: str) -> str:
    """Return the emoji without variation selectors, for comparison."""
    return emoji.replace(VARIATION_SELECTOR, "")


@dataclass(frozen=True, slots=True)
class EventListeners:
    """Handles the events of one connection. `client` is that connection, and caches servers and channels.

    Events of servers that are not served change nothing. Errors while an event is handled are logged, unless
    stated otherwise. Servers that come and go are handled one after the other, by the names of that moment:
    by older names, the request of a new server would be taken back.
    """

    store: Store
    platform: DiscordPlatform
    dispatcher: InteractionDispatcher
    clock: Callable[[], datetime]
    client: discord.Client
    servers: ServedServers
    members: MemberCheck
    _membership_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def on_reaction(self, event: discord.RawReactionActionEvent) -> None:
        """Store a mark that a person's reaction adds or removes.

        A person whose reaction could mean several papers gets a direct message. The bot's own reactions are
        ignored, and those with other emojis.
        """
        at, emoji = self.clock(), normalize_emoji(str(event.emoji))
        if not self.dispatcher.emojis.may_be_mark(emoji) or self._is_me(event.user_id):
            return

        async def reconcile_marks() -> None:
            await self._reconcile_message(event.channel_id, event.guild_id, event.message_id)

        async def apply_reaction() -> None:
            if not await self._is_served(event.guild_id):
                return
            person, is_added = str(event.user_id), event.event_type == "REACTION_ADD"
            place = self._channel_from_ids(event.channel_id, event.guild_id)
            if not self.dispatcher.takes_reaction(place, str(event.message_id), person, reconcile_marks):
                return
            channel, receipt = await self._locate_message(event.channel_id, event.guild_id, event.message_id)
            if not await self.dispatcher.mark_handler.apply_reaction(
                channel, receipt, emoji, person, is_added=is_added, at=at
            ):
                await self.platform.send_direct_message(channel, person, present_sentence(AMBIGUOUS_REACTION))

        await self.dispatcher.tasks.run_logged(apply_reaction())

    async def on_reactions_cleared(self, channel_id: int, guild_id: int | None, message_id: int) -> None:
        """Reconcile a post's marks after a moderator removed all reactions, or all with one emoji.

        Does nothing for a message that is no post.
        """

        await self.dispatcher.tasks.run_logged(self._reconcile_message(channel_id, guild_id, message_id))

    async def _reconcile_message(self, channel_id: int, guild_id: int | None, message_id: int) -> None:
        if not await self._is_served(guild_id):
            return
        channel, receipt = await self._locate_message(channel_id, guild_id, message_id)
        post = await run_interactive(self.store.posts.find, channel, receipt)
        if post:
            await self.dispatcher.mark_handler.reconcile_post(post, self._fetch_reactions)

    async def _is_served(self, guild: int | None) -> bool:
        """Return True for a served server, and for a direct message: only its person is there."""
        return guild is None or await self.servers.is_served(guild)

    def _channel_from_ids(self, channel: int, guild: int | None) -> Channel:
        return Channel(self.platform.name, str(channel), str(guild or ""), is_direct=guild is None)

    def _is_me(self, user: int) -> bool:
        """Return True if the user is the bot."""
        return self.client.user is not None and self.client.user.id == user

    async def _locate_message(self, channel: int, guild: int | None, message: int) -> tuple[Channel, str]:
        """Return the channel and the receipt under which the store has a message.

        A message in a thread belongs to the thread's parent channel. Raises PostError if Discord has to be
        asked and fails.
        """
        cached = self.client.get_channel(channel)
        if cached is None:
            channel_info = await self.platform.fetch_channel(str(channel))
            parent = channel_info.get("parent_id") if channel_info["type"] in THREAD_TYPES else None
        else:
            parent = cached.parent_id if isinstance(cached, discord.Thread) else None
        owner = self._channel_from_ids(parent or channel, guild)
        return owner, f"{channel}/{message}" if parent else str(message)

    async def catch_up(self) -> None:
        """Reconcile the marks of recent posts with their reactions. Errors are logged."""
        await self.dispatcher.tasks.run_logged(
            self.dispatcher.mark_handler.reconcile_recent_posts(self._fetch_reactions)
        )

    async def _fetch_reactions(self, post: Post) -> Mapping[str, frozenset[str]] | None:
        """Return the people who reacted to a post, by emoji; None if the marks in the store agree.

        None also for a post of a server that is not served. People are fetched only for an emoji whose count
        differs from the store's. The bot is left out. Raises PostError and StoreError.
        """
        if post.channel.workspace and not await self.servers.is_served(post.channel.workspace):
            return None
        stored = await run_interactive(self.store.marks.people_by_paper, post, MarkSource.REACTION)
        emojis, people = self.dispatcher.emojis, dict[str, frozenset[str]]()
        has_changed, marked_papers = False, set[str]()
        for reaction in await self.platform.fetch_reactions(post.channel, post.message_id):
            name = normalize_emoji(_emoji_text_of(reaction["emoji"]))
            if not (paper := emojis.find_paper(post, name)):
                continue
            marked_papers.add(paper)
            people_count = int(reaction["count"]) - int(bool(reaction.get("me")))
            people[name] = stored.get(paper, frozenset())
            if people_count != len(people[name]):
                has_changed = True
                reactors = await self.platform.fetch_reactors(
                    post.channel, post.message_id, reaction["emoji"]
                )
                people[name] = reactors - {str(self.client.user.id) if self.client.user else ""}
        return people if has_changed or stored.keys() - marked_papers else None

    # People, channels and servers that come and go.

    async def stop_digests_of_strangers(self) -> None:
        """Stop the digests in direct messages of people who are in no served server any more, and tell them.

        A server can be denied, or left by the person. Nobody is a stranger if Discord does not say so, or if
        more servers are served than one person is looked for in. Raises StoreError.
        """
        guilds = [guild.id for guild in self.client.guilds]
        if len(await self.servers.list_served()) > MAX_ASKED_SERVERS:
            return
        for subscription in await self._list_subscriptions():
            if not subscription.channel.is_direct or subscription.stop_reason or not subscription.owner_id:
                continue
            try:
                is_stranger = not await self.members.is_member(int(subscription.owner_id), guilds)
            except PaperroundError as error:
                log.warning("whose digest %s is could not be checked: %s", subscription.channel, error)
                continue
            if is_stranger:
                await self._stop_subscriptions([subscription], FOREIGN_OWNER)

    async def on_channel_deleted(self, channel: int, guild: int) -> None:
        """Stop the digest of a deleted channel, and notify its owner.

        Raises StoreError if it cannot be looked up.
        """
        subscriptions = [
            subscription
            for subscription in await self._list_subscriptions({str(guild)})
            if subscription.channel.channel == str(channel)
        ]
        await self.dispatcher.tasks.run_logged(
            self._stop_subscriptions(subscriptions, "the channel was deleted.")
        )

    async def on_guild_removed(self, guild: int, list_guilds: Callable[[], GuildNames]) -> None:
        """Stop all digests of a server that the bot was removed from, and notify their owners.

        Raises StoreError if the digests cannot be looked up.
        """
        async with self._membership_lock:
            await self.dispatcher.tasks.run_logged(
                self._stop_subscriptions(await self._list_subscriptions({str(guild)}), REMOVED_REASON)
            )
            await self.dispatcher.tasks.run_logged(self._record_guilds(list_guilds()))
            await self._record_removal({str(guild)})

    async def on_guild_joined(self, guild: int, list_guilds: Callable[[], GuildNames]) -> None:
        """Take in a server that the bot was added to, and start the digests that its removal stopped.

        Digests that stopped for another reason stay stopped, and so do those of a server that is not served.
        Raises StoreError.
        """
        async with self._membership_lock:
            guilds = list_guilds()
            await self._record_return({str(guild)})
            await self.servers.take_in(guilds)
            await self._record_guilds(guilds)
            await self._restart_digests(await self._list_subscriptions({str(guild)}))

    async def on_connect(self, guilds: Collection[int]) -> None:
        """Take in the servers of a new session, by id."""
        await self.dispatcher.tasks.run_logged(self.servers.take_in(guilds))

    async def on_ready(self, list_guilds: Callable[[], GuildNames]) -> None:
        """Catch up after a new session.

        Digests of servers that the bot left are stopped, and those stopped for that reason start again where
        it is back. Then marks are reconciled. Raises StoreError.
        """
        async with self._membership_lock:
            await self._catch_up_with_guilds(list_guilds())
        await self.catch_up()

    async def _catch_up_with_guilds(self, guilds: GuildNames) -> None:
        current_guilds = set(map(str, guilds))
        await self._record_return(current_guilds)
        await self.servers.take_in(guilds)
        await self._record_guilds(guilds)
        subscriptions = await self._list_subscriptions()
        left = [
            subscription
            for subscription in subscriptions
            if subscription.channel.workspace not in {"", *current_guilds}
        ]
        await self.dispatcher.tasks.run_logged(self._stop_subscriptions(left, REMOVED_REASON))
        served = await run_interactive(self.store.workspaces.list_served, self.platform.name)
        with_digests = {subscription.channel.workspace for subscription in left}
        await self._record_removal((served | with_digests) - current_guilds)
        await self._restart_digests(
            [
                subscription
                for subscription in subscriptions
                if subscription.channel.workspace in current_guilds
            ]
        )

    async def _record_removal(self, guilds: Collection[str]) -> None:
        record = self.store.workspaces.record_removal
        await self.dispatcher.tasks.run_logged(
            run_interactive(record, self.platform.name, guilds, now=self.clock())
        )

    async def _record_return(self, guilds: Collection[str]) -> None:
        record = self.store.workspaces.record_return
        await self.dispatcher.tasks.run_logged(run_interactive(record, self.platform.name, guilds))

    async def _record_guilds(self, guilds: GuildNames) -> None:
        """Record the servers that the bot is in, and tell the deciders of the first one that newly asks."""
        asking = await self.servers.record_names(guilds, self._find_guild)
        if asking and self.servers.take_notice_turn():
            more = f", and {format_count(len(asking) - 1, 'more server')}" if len(asking) > 1 else ""
            notice = present_sentence(
                f"The Discord server {asking[0].name} ({asking[0].id}) asks to be served{more}: "
                "“paperround workspaces” lists who asks, and serves or refuses them."
            )
            for decider in sorted(self.dispatcher.answers.deciders):
                platform, guild, person = decider.split(":")
                if platform == self.platform.name and await self.servers.is_served(guild):
                    channel = Channel(platform, "", guild)
                    sending = self.platform.send_direct_message(channel, person, notice)
                    await self.dispatcher.tasks.run_logged(sending)

    def _find_guild(self, channel: str) -> int | None:
        """Return the server of a channel from the connection's cache; None if it is not there."""
        known = self.client.get_channel(int(channel)) if channel.isascii() and channel.isdecimal() else None
        return known.guild.id if isinstance(known, discord.abc.GuildChannel | discord.Thread) else None

    async def _restart_digests(self, subscriptions: Iterable[Subscription]) -> None:
        """Start those of the digests that stopped when the bot was removed, in servers that are served.

        Raises StoreError if the list of served servers cannot be read.
        """
        removed = [
            subscription
            for subscription in subscriptions
            if subscription.stop_reason == REMOVED_REASON
            and await self.servers.is_served(subscription.channel.workspace)
        ]
        await self.dispatcher.tasks.run_logged(self.dispatcher.start_subscriptions(removed))

    async def _list_subscriptions(self, guilds: Collection[str] = ()) -> list[Subscription]:
        """Return the subscriptions of this platform, paused and stopped ones included.

        `guilds` limits them to servers; empty means all. Raises StoreError.
        """
        return [
            subscription
            for subscription in await run_interactive(self.store.subscriptions.list_active)
            if subscription.channel.platform == self.platform.name
            and (not guilds or subscription.channel.workspace in guilds)
        ]

    async def _stop_subscriptions(self, subscriptions: Sequence[Subscription], reason: str) -> None:
        """Stop the digests of these channels, notify their owners, and remove the channels from the cache."""
        for subscription in subscriptions:
            self.platform.forget_channel(subscription.channel.channel)
        await self.dispatcher.stop_subscriptions(subscriptions, reason)


def _emoji_text_of(emoji: Mapping[str, Any]) -> str:
    """Return an emoji of the API as text: itself, or <:name:id> for one of a server."""
    return f"<:{emoji['name']}:{emoji['id']}>" if emoji.get("id") else str(emoji["name"])
