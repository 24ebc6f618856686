"""Handlers of Discord's events: reactions, and servers and channels that come and go."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import discord

from bot.conversation.marks import AMBIGUOUS_REACTION
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.interaction import InteractionDispatcher
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.model import MarkSource, Post
from digests.ports import Store
from digests.subscription import Channel, Subscription

REMOVED_REASON = "Paperround was removed from the server."
VARIATION_SELECTOR = "\ufe0f"
"""Selects how an emoji is drawn. It does not change which emoji it is."""


def normalize_emoji(emoji: str) -> str:
    """Returns the emoji without variation selectors, for comparison."""
    return emoji.replace(VARIATION_SELECTOR, "")


@dataclass(frozen=True, slots=True)
class EventListeners:
    """Handles the events of one connection. `client` caches Discord's servers and channels."""

    store: Store
    platform: DiscordPlatform
    dispatcher: InteractionDispatcher
    clock: Callable[[], datetime]
    client: discord.Client

    async def on_reaction(self, event: discord.RawReactionActionEvent) -> None:
        at, emoji = self.clock(), normalize_emoji(str(event.emoji))
        if not self.dispatcher.discussion.emojis.may_be_mark(emoji) or self._is_me(event.user_id):
            return

        async def apply_reaction() -> None:
            channel, receipt = await self._locate_message(event.channel_id, event.guild_id, event.message_id)
            person, on = str(event.user_id), event.event_type == "REACTION_ADD"
            if not await self.dispatcher.discussion.apply_reaction(
                channel, receipt, emoji, person, is_added=on, at=at
            ):
                await self.platform.send_direct_message(channel, person, present_sentence(AMBIGUOUS_REACTION))

        await self.dispatcher.run_logged(apply_reaction())

    async def on_reactions_cleared(self, channel_id: int, guild_id: int | None, message_id: int) -> None:
        """Handles a moderator's removal of all reactions on a message, or of all with one emoji."""

        async def reconcile_marks() -> None:
            channel, receipt = await self._locate_message(channel_id, guild_id, message_id)
            post = await run_interactive(self.store.posts.find, channel, receipt)
            if post:
                await self.dispatcher.discussion.reconcile_post(post, self._fetch_reactions)

        await self.dispatcher.run_logged(reconcile_marks())

    def _is_me(self, user: int) -> bool:
        return self.client.user is not None and self.client.user.id == user

    async def _locate_message(self, channel: int, guild: int | None, message: int) -> tuple[Channel, str]:
        """Returns the channel and receipt that the store has for a message.

        A message in a thread belongs to the thread's parent channel.
        """
        cached = self.client.get_channel(channel)
        if cached is None:
            known = await self.platform.fetch_channel(str(channel))
            parent = known.get("parent_id") if known["type"] in (10, 11, 12) else None
        else:
            parent = cached.parent_id if isinstance(cached, discord.Thread) else None
        where = Channel(self.platform.name, str(parent or channel), str(guild or ""))
        return where, f"{channel}/{message}" if parent else str(message)

    async def catch_up(self) -> None:
        """Fetches the reactions on the newest posts after a cold start or a lost session."""
        await self.dispatcher.run_logged(
            self.dispatcher.discussion.reconcile_recent_posts(self._fetch_reactions)
        )

    async def _fetch_reactions(self, post: Post) -> Mapping[str, frozenset[str]] | None:
        """Returns the people by emoji. They are fetched only if the counts differ from the store's."""
        stored = await run_interactive(self.store.marks.people_by_paper, post, MarkSource.REACTION)
        emojis, people = self.dispatcher.discussion.emojis, dict[str, frozenset[str]]()
        differs = False
        meant = set[str]()
        for reaction in await self.platform.fetch_reactions(post.channel, post.message_id):
            name = normalize_emoji(_emoji_text_of(reaction["emoji"]))
            if not (paper := emojis.find_paper(post, name)):
                continue
            meant.add(paper)
            human = int(reaction["count"]) - int(bool(reaction.get("me")))
            people[name] = stored.get(paper, frozenset())
            if human != len(people[name]):
                differs = True
                mine = frozenset({str(self.client.user.id)} if self.client.user else ())
                people[name] = (
                    await self.platform.fetch_reactors(post.channel, post.message_id, reaction["emoji"])
                    - mine
                )
        return people if differs or stored.keys() - meant else None

    # Channels that come and go.

    async def on_channel_deleted(self, channel: int, guild: int) -> None:
        here = [
            one for one in await self._list_subscriptions({str(guild)}) if one.channel.channel == str(channel)
        ]
        await self.dispatcher.run_logged(self._stop_subscriptions(here, "the channel was deleted."))

    async def on_guild_removed(self, guild: int) -> None:
        await self.dispatcher.run_logged(
            self._stop_subscriptions(await self._list_subscriptions({str(guild)}), REMOVED_REASON)
        )

    async def on_guild_joined(self, guild: int) -> None:
        """Resumes the subscriptions that were stopped when the bot left the server."""
        await self.dispatcher.run_logged(
            self.dispatcher.start_subscriptions(await self._list_subscriptions({str(guild)}))
        )

    async def on_ready(self, guilds: Iterable[int]) -> None:
        """Stops or resumes subscriptions of servers left or joined offline, then catches up on marks."""
        here = set(map(str, guilds))
        every = await self._list_subscriptions()
        await self.dispatcher.run_logged(
            self._stop_subscriptions(
                [one for one in every if one.channel.workspace not in {"", *here}], REMOVED_REASON
            )
        )
        back = [one for one in every if one.stop_reason == REMOVED_REASON and one.channel.workspace in here]
        await self.dispatcher.run_logged(self.dispatcher.start_subscriptions(back))
        await self.catch_up()

    async def _list_subscriptions(self, guilds: Collection[str] = ()) -> list[Subscription]:
        """Returns this platform's active subscriptions, in the given servers or in all."""
        every = await run_interactive(self.store.subscriptions.list_active)
        ours = [one for one in every if one.channel.platform == self.platform.name]
        return [one for one in ours if not guilds or one.channel.workspace in guilds]

    async def _stop_subscriptions(self, subscriptions: Iterable[Subscription], reason: str) -> None:
        """Stops the subscriptions of channels that are gone, and removes those channels from the cache."""
        gone = list(subscriptions)
        for subscription in gone:
            self.platform.forget_channel(subscription.channel.channel)
        await self.dispatcher.stop_subscriptions(gone, reason)


def _emoji_text_of(emoji: Mapping[str, Any]) -> str:
    return f"<:{emoji['name']}:{emoji['id']}>" if emoji.get("id") else str(emoji["name"])
