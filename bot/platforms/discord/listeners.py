"""Handlers of Discord's interactions and events.

An interaction is acknowledged before any work is done, because Discord waits only three seconds.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import discord

from bot.chat.message import Button, ButtonAction, Buttons, Message, Text
from bot.chat.port import Page
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.marks import (
    AMBIGUOUS_REACTION,
    MarkEmojis,
    MarkHandler,
)
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.forms import build_modal, command_text_of_values, read_modal, values_of
from bot.platforms.discord.permissions import join_names, list_missing_permissions
from bot.platforms.discord.render import KEYCAPS, render
from bot.platforms.discord.settings import DiscordSettings
from bot.platforms.interaction import Click, InteractionDispatcher, Responder
from bot.present.lookup import remove_share_button
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.errors import InputError
from digests.model import MarkSource, Post
from digests.subscription import Channel, DigestStyle, Subscription

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]

MAX_REPLY_PAGES = 4
"""Pages of a reply. A user-installed app may send five messages after an interaction."""
REMOVED_REASON = "Paperround was removed from the server."
MAX_CACHED_FORMS = 500
IN_PLACE_ACTIONS = frozenset(
    {
        ButtonAction.SHOW,
        ButtonAction.SHARE,
        ButtonAction.FINISH_DISCUSSION,
        ButtonAction.RELEASE,
        ButtonAction.REJECT,
    }
)
"""Actions whose answer replaces the list or card that was tapped."""
VARIATION_SELECTOR = "\ufe0f"
"""Selects how an emoji is drawn. It does not change which emoji it is."""


def normalize_emoji(emoji: str) -> str:
    """Returns the emoji without variation selectors, for comparison."""
    return emoji.replace(VARIATION_SELECTOR, "")


@dataclass(slots=True)
class DiscordListeners:
    """Handles the events of one connection. `client` caches Discord's servers and channels."""

    answers: Answers
    platform: DiscordPlatform
    settings: DiscordSettings
    clock: Callable[[], datetime]
    client: discord.Client | None = None
    discussion: MarkHandler = field(init=False)
    dispatcher: InteractionDispatcher = field(init=False)
    _rejected_forms: OrderedDict[tuple[str, str], dict[str, str]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        emojis = MarkEmojis(normalize_emoji(self.settings.mark_emoji), tuple(map(normalize_emoji, KEYCAPS)))
        self.discussion = MarkHandler(self.answers.store, self.platform, emojis, self.clock)
        self.dispatcher = InteractionDispatcher(
            self.answers, self.platform, self.discussion, self.clock, confirms_undo=True
        )

    # Commands.

    async def on_paper(self, interaction: Interaction, query: str) -> None:
        async def look_up_paper(respond: Responder) -> None:
            await self.dispatcher.look_up_paper(query, respond)

        await self._answer_interaction(interaction, look_up_paper)

    async def on_digest(self, interaction: Interaction, text: str, target: Any = None) -> None:
        """Runs a /digest command. `text` is its arguments; `target` is another channel to apply it to."""

        async def run_digest_command(respond: Responder) -> None:
            channel = self._channel_of(interaction, target)
            if text.startswith(("subscribe", "resume")):
                self._require_posting(interaction, target)
            person = self._person_of(interaction)
            reply = await self.dispatcher.run_digest_command(text, channel, person)
            await self.dispatcher.send_reply(reply, channel, respond)

        await self._answer_interaction(interaction, run_digest_command)

    async def on_settings(self, interaction: Interaction, target: Any = None) -> None:
        """Opens the form. It has to be the first response to an interaction."""

        async def open_form(respond: Responder) -> None:
            channel = self._channel_of(interaction, target)
            reply = await run_interactive(
                self.answers.subscriptions.show_settings, channel, self._person_of(interaction)
            )
            if not reply.form:
                await respond(reply.message)
                return
            self._require_posting(interaction, target)
            typed = self._rejected_forms.pop((channel.channel, str(interaction.user.id)), None)
            await interaction.response.send_modal(
                build_modal(typed or values_of(reply.form), channel.channel)
            )

        await self._answer_interaction(interaction, open_form, skip_ack=True)

    async def on_form(self, interaction: Interaction) -> None:
        """Saves a submitted form. An error is shown with a button that reopens the form as filled in."""
        channel_id, values = read_modal(interaction.data or {})

        async def save_form(respond: Responder) -> None:
            channel = Channel(self.platform.name, channel_id, str(interaction.guild_id or ""))
            person = self._person_of(interaction)
            try:
                text = f"subscribe {command_text_of_values(values)}"
                reply = await self.dispatcher.run_digest_command(text, channel, person)
            except InputError as error:
                self._remember_form(channel_id, person.id, values)
                again = Button(ButtonAction.SETTINGS, "Edit again", channel_id, is_primary=True)
                await respond(Message(str(error), (Text(str(error)), Buttons((again,)))))
                return
            await self.dispatcher.send_reply(reply, channel, respond)

        await self._answer_interaction(interaction, save_form)

    def _remember_form(self, channel: str, person: str, values: dict[str, str]) -> None:
        self._rejected_forms[channel, person] = values
        if len(self._rejected_forms) > MAX_CACHED_FORMS:
            self._rejected_forms.popitem(last=False)

    async def on_mark(self, interaction: Interaction, message: discord.Message) -> None:
        """Handles “Mark for discussion” in a message's menu."""

        async def toggle_mark(respond: Responder) -> None:
            channel = self._channel_of(interaction)
            links = " ".join(filter(None, (embed.url for embed in message.embeds)))
            receipt = _receipt_of(interaction.channel, message.id)
            text = f"{message.content} {links}"
            person_id = str(interaction.user.id)
            await self.dispatcher.toggle_mark_on_message(channel, receipt, text, person_id, respond)

        await self._answer_interaction(interaction, toggle_mark)

    # Buttons.

    async def on_button(self, interaction: Interaction, action: str, value: str) -> None:
        if action == ButtonAction.SETTINGS:
            await self.on_settings(interaction, self._find_channel(value))
            return

        async def handle_button(respond: Responder) -> None:
            channel, person = self._channel_of(interaction), self._person_of(interaction)

            async def fetch_person() -> Person:
                return person

            await self.dispatcher.handle_click(
                Click(action, value, channel, person.id, fetch_person), respond
            )

        own = interaction.message is not None and interaction.message.flags.ephemeral
        in_place = action in IN_PLACE_ACTIONS and own
        await self._answer_interaction(interaction, handle_button, in_place=in_place)

    def _find_channel(self, channel: str) -> Any:
        """Returns the channel that a button names, or None if it is not cached."""
        return self.client.get_channel(int(channel)) if self.client and channel.isdigit() else None

    # Marks.

    async def on_reaction(self, event: discord.RawReactionActionEvent) -> None:
        at, emoji = self.clock(), normalize_emoji(str(event.emoji))
        if not self.discussion.emojis.may_be_mark(emoji) or self._is_me(event.user_id):
            return

        async def apply_reaction() -> None:
            channel, receipt = await self._locate_message(event.channel_id, event.guild_id, event.message_id)
            person, on = str(event.user_id), event.event_type == "REACTION_ADD"
            if not await self.discussion.apply_reaction(channel, receipt, emoji, person, is_added=on, at=at):
                await self.platform.send_direct_message(channel, person, present_sentence(AMBIGUOUS_REACTION))

        await self.dispatcher.run_logged(apply_reaction())

    async def on_reactions_cleared(self, channel_id: int, guild_id: int | None, message_id: int) -> None:
        """Handles a moderator's removal of all reactions on a message, or of all with one emoji."""

        async def reconcile_marks() -> None:
            channel, receipt = await self._locate_message(channel_id, guild_id, message_id)
            post = await run_interactive(self.answers.store.posts.find, channel, receipt)
            if post:
                await self.discussion.reconcile_post(post, self._fetch_reactions)

        await self.dispatcher.run_logged(reconcile_marks())

    def _is_me(self, user: int) -> bool:
        return self.client is not None and self.client.user is not None and self.client.user.id == user

    async def _locate_message(self, channel: int, guild: int | None, message: int) -> tuple[Channel, str]:
        """Returns the channel and receipt that the store has for a message.

        A message in a thread belongs to the thread's parent channel.
        """
        cached = self.client.get_channel(channel) if self.client else None
        if cached is None:
            known = await self.platform.fetch_channel(str(channel))
            parent = known.get("parent_id") if known["type"] in (10, 11, 12) else None
        else:
            parent = cached.parent_id if isinstance(cached, discord.Thread) else None
        where = Channel(self.platform.name, str(parent or channel), str(guild or ""))
        return where, f"{channel}/{message}" if parent else str(message)

    async def catch_up(self) -> None:
        """Fetches the reactions on the newest posts after a cold start or a lost session."""
        await self.dispatcher.run_logged(self.discussion.reconcile_recent_posts(self._fetch_reactions))

    async def _fetch_reactions(self, post: Post) -> Mapping[str, frozenset[str]] | None:
        """Returns the people by emoji. They are fetched only if the counts differ from the store's."""
        stored = await run_interactive(self.answers.store.marks.people_by_paper, post, MarkSource.REACTION)
        emojis, people = self.discussion.emojis, dict[str, frozenset[str]]()
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
                mine = frozenset({str(self.client.user.id)} if self.client and self.client.user else ())
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
        every = await run_interactive(self.answers.store.subscriptions.list_active)
        ours = [one for one in every if one.channel.platform == self.platform.name]
        return [one for one in ours if not guilds or one.channel.workspace in guilds]

    async def _stop_subscriptions(self, subscriptions: Iterable[Subscription], reason: str) -> None:
        """Stops the subscriptions of channels that are gone, and removes those channels from the cache."""
        gone = list(subscriptions)
        for subscription in gone:
            self.platform.forget_channel(subscription.channel.channel)
        await self.dispatcher.stop_subscriptions(gone, reason)

    # What all of them need.

    def _channel_of(self, interaction: Interaction, target: Any = None) -> Channel:
        """Returns the target channel; for a thread, its parent channel."""
        where = target or interaction.channel
        if where is None:
            raise InputError("Discord did not say in which channel this is; try it in a text channel.")
        channel = where.parent_id if isinstance(where, discord.Thread) else where.id
        return Channel(self.platform.name, str(channel), str(interaction.guild_id or ""))

    def _person_of(self, interaction: Interaction) -> Person:
        roles = {str(role.id) for role in getattr(interaction.user, "roles", ())}
        can_manage = interaction.permissions.manage_guild or interaction.permissions.administrator
        is_admin = can_manage or bool(self.settings.manager_role and self.settings.manager_role in roles)
        return Person(str(interaction.user.id), interaction.user.display_name, is_admin)

    def _require_posting(self, interaction: Interaction, target: Any) -> None:
        """Checks that the bot may post in the channel. Raises InputError."""
        if target is None or target.id == interaction.channel_id:
            granted = interaction.app_permissions
        else:
            known = target.resolve() if hasattr(target, "resolve") else target
            if known is None or interaction.guild is None:
                raise InputError(
                    f"I cannot see the channel {target.id}: give me View Channel there, then try again."
                )
            granted = known.permissions_for(interaction.guild.me)
        if lacking := list_missing_permissions(granted):
            raise InputError(
                f"I may not {join_names(lacking)} in that channel, so nothing was changed: "
                "allow it to Paperround under the "
                "channel's permissions, then try again."
            )

    async def _answer_interaction(
        self,
        interaction: Interaction,
        work: Callable[[Responder], Awaitable[None]],
        *,
        skip_ack: bool = False,
        in_place: bool = False,
    ) -> None:
        """Acknowledges, runs the work and answers. An error is logged, and answered with a sentence.

        `at_once` leaves the first response to the work; `in_place` replaces the message that was tapped.
        """
        reply_count = 0

        async def respond(message: Message, *, replace: bool = False) -> None:
            nonlocal reply_count
            reply_count += 1
            first = reply_count == 1 and (replace or not in_place)
            await self._send_response(interaction, message, fill=first)

        with self.dispatcher.track_task():
            try:
                if not skip_ack:
                    await interaction.response.defer(ephemeral=True, thinking=not in_place)
                # Discord did not take an answer: another one it would not take either.
                async with self.dispatcher.explain_errors(
                    respond, passing=(discord.DiscordException, aiohttp.ClientError)
                ):
                    await work(respond)
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("an answer was not taken: %s", error)
            except Exception:
                log.exception("an answer could not be given")

    async def _send_response(self, interaction: Interaction, message: Message, *, fill: bool) -> None:
        """Replies to the person only. The first page completes the acknowledgement; the others follow it."""
        if interaction.guild_id is None or not interaction.is_guild_integration():
            message = remove_share_button(message)
        style = DigestStyle.CARDS if len(message.cards) == 1 else DigestStyle.COMPACT
        for number, page in enumerate(render(message, style)[:MAX_REPLY_PAGES]):
            arguments = _message_arguments_of(page)
            if not interaction.response.is_done():
                await interaction.response.send_message(ephemeral=True, **arguments)
            elif fill and number == 0:
                await interaction.edit_original_response(
                    **{"content": None, "embeds": [], "view": None, **arguments}
                )
            else:
                await interaction.followup.send(ephemeral=True, **arguments)


def _receipt_of(channel: Any, message: int) -> str:
    return f"{channel.id}/{message}" if isinstance(channel, discord.Thread) else str(message)


def _emoji_text_of(emoji: Mapping[str, Any]) -> str:
    return f"<:{emoji['name']}:{emoji['id']}>" if emoji.get("id") else str(emoji["name"])


def _message_arguments_of(page: Page) -> dict[str, Any]:
    """Returns a page as arguments of discord.py's send methods."""
    payload = page.payload
    arguments: dict[str, Any] = {"allowed_mentions": discord.AllowedMentions.none()}
    if payload["content"]:
        arguments["content"] = payload["content"]
    if payload["embeds"]:
        arguments["embeds"] = [discord.Embed.from_dict(embed) for embed in payload["embeds"]]
    if payload["components"]:
        arguments["view"] = _build_view(payload["components"])
    return arguments


def _build_view(rows: Iterable[Mapping[str, Any]]) -> discord.ui.View:
    """Builds a stopped view: buttons are handled by custom_id, so discord.py need not keep it."""
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for button in row["components"]:
            view.add_item(
                discord.ui.Button(
                    style=discord.ButtonStyle(button["style"]),
                    label=button["label"],
                    custom_id=button["custom_id"],
                    emoji=(button.get("emoji") or {}).get("name"),
                    row=number,
                )
            )
    view.stop()
    return view
