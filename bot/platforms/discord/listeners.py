"""What people do in Discord, and what becomes of it: interactions and events in, replies out.

An interaction is acknowledged before any work is done: Discord waits three seconds, and people less.
"""

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import aiohttp
import discord

from bot.answer import Answers, Person, sentence, without_sharing
from bot.discuss import SAY_WHICH, Discussion, Emojis, chosen_sentence, tapped_sentence
from bot.message import Action, Button, Buttons, Message, Text
from bot.platforms import Page, PostError
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.forms import modal_of, read_modal, values_of, words_of_values
from bot.platforms.discord.permissions import listed, missing
from bot.platforms.discord.render import KEYCAPS, render
from bot.tell import announce, share
from config.settings import Discord
from digests.errors import InputError, PaperroundError
from digests.model import Channel, MarkedBy, Post, Style, Subscription

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]

MESSAGE_PAGES = 4
"""Pages of a reply: where only the person installed the app, five messages may follow an interaction."""
REMOVED = "Paperround was removed from the server."
REMEMBERED_FORMS = 500
IN_PLACE = frozenset({Action.SHOW, Action.SHARE, Action.DISCUSSED, Action.RELEASE, Action.REJECT})
"""What is answered in the place of the list or card that was tapped."""
UNSEEN = "\ufe0f"
"""A sign that says how an emoji is drawn; it is there or not, and the emoji is the same."""


class Respond(Protocol):
    """Tells the person alone. `replace` puts it in place of the message that was tapped."""

    async def __call__(self, message: Message, *, replace: bool = False) -> None: ...


def same_emoji(emoji: str) -> str:
    """The emoji as all of its spellings are compared."""
    return emoji.replace(UNSEEN, "")


@dataclass(slots=True)
class Listeners:
    """Listens on one connection. `client` knows the servers and channels that Discord told of."""

    answers: Answers
    platform: DiscordPlatform
    settings: Discord
    clock: Callable[[], datetime]
    client: discord.Client | None = None
    discussion: Discussion = field(init=False)
    _at_work: set[asyncio.Task[Any]] = field(default_factory=set)
    _typed: OrderedDict[tuple[str, str], dict[str, str]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        emojis = Emojis(same_emoji(self.settings.mark_emoji), tuple(map(same_emoji, KEYCAPS)))
        self.discussion = Discussion(self.answers.store, self.platform, emojis, self.clock)

    async def drain(self, seconds: float) -> None:
        """Let what is under way finish, for so long; then show the last numbers."""
        if self._at_work:
            await asyncio.wait(set(self._at_work), timeout=seconds)
        await self.discussion.counts.finish()

    # Commands.

    async def on_paper(self, interaction: Interaction, query: str) -> None:
        async def work(respond: Respond) -> None:
            await respond((await asyncio.to_thread(self.answers.paper, query)).message)

        await self._answer(interaction, work)

    async def on_digest(self, interaction: Interaction, text: str, target: Any = None) -> None:
        """`text` is what would be typed after /digest; `target` another channel that it is about."""

        async def work(respond: Respond) -> None:
            channel = self._channel(interaction, target)
            if text.startswith(("subscribe", "resume")):
                self._require_posting(interaction, target)
            reply = await asyncio.to_thread(self.answers.digest, text, channel, self._person(interaction))
            await respond(reply.message)
            await announce(reply.announcement, channel, self.platform)

        await self._answer(interaction, work)

    async def on_settings(self, interaction: Interaction, target: Any = None) -> None:
        """The form, which has to be the first answer to an interaction."""

        async def work(respond: Respond) -> None:
            channel = self._channel(interaction, target)
            reply = await asyncio.to_thread(self.answers.settings, channel, self._person(interaction))
            if not reply.form:
                await respond(reply.message)
                return
            self._require_posting(interaction, target)
            typed = self._typed.pop((channel.channel, str(interaction.user.id)), None)
            await interaction.response.send_modal(modal_of(typed or values_of(reply.form), channel.channel))

        await self._answer(interaction, work, at_once=True)

    async def on_form(self, interaction: Interaction) -> None:
        """What is wrong is said with a button that opens the form again, as it was filled in."""
        channel_id, values = read_modal(interaction.data or {})

        async def work(respond: Respond) -> None:
            channel = Channel(self.platform.name, channel_id, str(interaction.guild_id or ""))
            person = self._person(interaction)
            try:
                text = f"subscribe {words_of_values(values)}"
                reply = await asyncio.to_thread(self.answers.digest, text, channel, person)
            except InputError as error:
                self._keep(channel_id, person.id, values)
                again = Button(Action.SETTINGS, "Edit again", channel_id, primary=True)
                await respond(Message(str(error), (Text(str(error)), Buttons((again,)))))
                return
            await respond(reply.message)
            await announce(reply.announcement, channel, self.platform)

        await self._answer(interaction, work)

    def _keep(self, channel: str, person: str, values: dict[str, str]) -> None:
        self._typed[channel, person] = values
        if len(self._typed) > REMEMBERED_FORMS:
            self._typed.popitem(last=False)

    async def on_mark(self, interaction: Interaction, message: discord.Message) -> None:
        """“Mark for discussion” in a message's menu."""

        async def work(respond: Respond) -> None:
            channel = self._channel(interaction)
            links = " ".join(filter(None, (embed.url for embed in message.embeds)))
            receipt = _receipt(interaction.channel, message.id)
            paper = await self.discussion.paper_in(channel, receipt, f"{message.content} {links}")
            on = await self.discussion.toggle(channel, paper, str(interaction.user.id))
            await respond(sentence(chosen_sentence(on, self.answers.digest_command)))

        await self._answer(interaction, work)

    # Buttons.

    async def on_button(self, interaction: Interaction, wanted: str, value: str) -> None:
        if wanted == Action.SETTINGS:
            await self.on_settings(interaction, self._known_channel(value))
            return

        async def work(respond: Respond) -> None:
            channel, person = self._channel(interaction), self._person(interaction)
            match wanted:
                case Action.DISCUSS:
                    on = await self.discussion.toggle(channel, value, person.id)
                    await respond(sentence(tapped_sentence(on, self.answers.digest_command)))
                case Action.SHOW:
                    await respond((await asyncio.to_thread(self.answers.show, value)).message, replace=True)
                case Action.REVIEW:
                    await respond((await asyncio.to_thread(self.answers.review, value)).message)
                case Action.SHARE:
                    await share(value, channel, person, answers=self.answers, platform=self.platform)
                    await respond(sentence("Shared with the channel."), replace=True)
                case Action.UNDO if value.isdigit():
                    reply = await asyncio.to_thread(self.answers.undo, int(value), channel, person)
                    await respond(reply.message)
                    await announce(reply.announcement, channel, self.platform)
                case Action.DISCUSSED:
                    queue = await asyncio.to_thread(self.answers.discussed, value, channel)
                    await respond(queue, replace=True)
                case Action.RELEASE | Action.REJECT:
                    left = await asyncio.to_thread(
                        self.answers.decide, value, person, release=wanted == Action.RELEASE
                    )
                    await respond(left, replace=True)
                case _:
                    raise PaperroundError(
                        "This button is from an older Paperround and does nothing any more; "
                        f"{self.answers.paper_command} and {self.answers.digest_command} do it now."
                    )

        own = interaction.message is not None and interaction.message.flags.ephemeral
        in_place = wanted in IN_PLACE and own
        await self._answer(interaction, work, in_place=in_place)

    def _known_channel(self, channel: str) -> Any:
        """A channel that a button names, where we know it."""
        return self.client.get_channel(int(channel)) if self.client and channel.isdigit() else None

    # Marks.

    async def on_reaction(self, event: discord.RawReactionActionEvent) -> None:
        at, emoji = self.clock(), same_emoji(str(event.emoji))
        if not self.discussion.emojis.mean_a_mark(emoji) or self._is_me(event.user_id):
            return

        async def work() -> None:
            channel, receipt = await self._place(event.channel_id, event.guild_id, event.message_id)
            person, on = str(event.user_id), event.event_type == "REACTION_ADD"
            if not await self.discussion.reacted(channel, receipt, emoji, person, on=on, at=at):
                await self.platform.tell(channel, person, sentence(SAY_WHICH))

        await self._logged(work())

    async def on_reactions_cleared(self, channel_id: int, guild_id: int | None, message_id: int) -> None:
        """All reactions on a message, or all of an emoji, were taken away by a moderator."""

        async def work() -> None:
            channel, receipt = await self._place(channel_id, guild_id, message_id)
            post = await asyncio.to_thread(self.answers.store.marks.post, channel, receipt)
            if post:
                await self.discussion.mend(post, self._people)

        await self._logged(work())

    def _is_me(self, user: int) -> bool:
        return self.client is not None and self.client.user is not None and self.client.user.id == user

    async def _place(self, channel: int, guild: int | None, message: int) -> tuple[Channel, str]:
        """Where a message stands, as the store knows it: a thread's messages belong to the channel of the thread."""
        found = self.client.get_channel(channel) if self.client else None
        if found is None:
            known = await self.platform.channel(str(channel))
            parent = known.get("parent_id") if known["type"] in (10, 11, 12) else None
        else:
            parent = found.parent_id if isinstance(found, discord.Thread) else None
        where = Channel(self.platform.name, str(parent or channel), str(guild or ""))
        return where, f"{channel}/{message}" if parent else str(message)

    async def catch_up(self) -> None:
        """After a cold start or a lost session the reactions on the newest posts are asked for."""
        await self._logged(self.discussion.catch_up(self._people))

    async def _people(self, post: Post) -> Mapping[str, frozenset[str]] | None:
        """Who reacted with what: counts first, people only where the counts are not as the store has them."""
        stored = await asyncio.to_thread(self.answers.store.marks.people, post, MarkedBy.REACTION)
        emojis, people = self.discussion.emojis, dict[str, frozenset[str]]()
        differs = False
        meant = set[str]()
        for reaction in await self.platform.reactions(post.channel, post.message):
            name = same_emoji(_emoji_text(reaction["emoji"]))
            if not (paper := emojis.paper_of(post, name)):
                continue
            meant.add(paper)
            human = int(reaction["count"]) - int(bool(reaction.get("me")))
            people[name] = stored.get(paper, frozenset())
            if human != len(people[name]):
                differs = True
                mine = frozenset({str(self.client.user.id)} if self.client and self.client.user else ())
                people[name] = (
                    await self.platform.people(post.channel, post.message, reaction["emoji"]) - mine
                )
        return people if differs or stored.keys() - meant else None

    # Channels that come and go.

    async def on_channel_deleted(self, channel: int, guild: int) -> None:
        here = [one for one in await self._subscriptions({str(guild)}) if one.channel.channel == str(channel)]
        await self._logged(self._stop(here, "the channel was deleted."))

    async def on_removed(self, guild: int) -> None:
        await self._logged(self._stop(await self._subscriptions({str(guild)}), REMOVED))

    async def on_joined(self, guild: int) -> None:
        """Back in a server: what was stopped there goes on."""
        await self._logged(self._start(await self._subscriptions({str(guild)})))

    async def on_ready(self, guilds: Iterable[int]) -> None:
        """Channels of servers that the bot came out of or into while it was away; then marks are caught up with."""
        here = set(map(str, guilds))
        every = await self._subscriptions()
        await self._logged(
            self._stop([one for one in every if one.channel.workspace not in {"", *here}], REMOVED)
        )
        back = [one for one in every if one.stopped == REMOVED and one.channel.workspace in here]
        await self._logged(self._start(back))
        await self.catch_up()

    async def _start(self, subscriptions: Iterable[Subscription]) -> None:
        for one in subscriptions:
            if await asyncio.to_thread(self.answers.store.subscriptions.start, one.channel, now=self.clock()):
                log.info("%s takes digests again", one.channel)

    async def _subscriptions(self, guilds: Collection[str] = ()) -> list[Subscription]:
        """Those on this platform: of these servers, or all."""
        every = await asyncio.to_thread(self.answers.store.subscriptions.all)
        ours = [one for one in every if one.channel.platform == self.platform.name]
        return [one for one in ours if not guilds or one.channel.workspace in guilds]

    async def _stop(self, subscriptions: Iterable[Subscription], reason: str) -> None:
        """No more digests there; whoever set one up is told, since the channel cannot be."""
        for one in subscriptions:
            self.platform.forget(one.channel.channel)
            if not await asyncio.to_thread(self.answers.store.subscriptions.stop, one.channel, reason):
                continue
            log.warning("%s gets no more digests: %s", one.channel, reason)
            if one.owner:
                told = f"The digest that you set up comes no more: {reason}"
                await self._logged(self.platform.tell(one.channel, one.owner, sentence(told)))

    # What all of them need.

    def _channel(self, interaction: Interaction, target: Any = None) -> Channel:
        """The channel that is meant; for what is done in a thread it is the thread's."""
        where = target or interaction.channel
        if where is None:
            raise InputError("Discord did not say in which channel this is; try it in a text channel.")
        channel = where.parent_id if isinstance(where, discord.Thread) else where.id
        return Channel(self.platform.name, str(channel), str(interaction.guild_id or ""))

    def _person(self, interaction: Interaction) -> Person:
        roles = {str(role.id) for role in getattr(interaction.user, "roles", ())}
        may = interaction.permissions.manage_guild or interaction.permissions.administrator
        is_admin = may or bool(self.settings.manager_role and self.settings.manager_role in roles)
        return Person(str(interaction.user.id), interaction.user.display_name, is_admin)

    def _require_posting(self, interaction: Interaction, target: Any) -> None:
        """Nothing is promised to a channel that cannot be posted to. Raises InputError."""
        if target is None or target.id == interaction.channel_id:
            granted = interaction.app_permissions
        else:
            known = target.resolve() if hasattr(target, "resolve") else target
            if known is None or interaction.guild is None:
                raise InputError(
                    f"I cannot see the channel {target.id}: give me View Channel there, then try again."
                )
            granted = known.permissions_for(interaction.guild.me)
        if lacking := missing(granted):
            raise InputError(
                f"I may not {listed(lacking)} in that channel, so nothing was changed: allow it to Paperround under the "
                "channel's permissions, then try again."
            )

    async def _answer(
        self,
        interaction: Interaction,
        work: Callable[[Respond], Awaitable[None]],
        *,
        at_once: bool = False,
        in_place: bool = False,
    ) -> None:
        """Acknowledge, then do the work and answer. A fault is a sentence for whoever asked, and a line in the log.

        `at_once` leaves the first answer to the work; `in_place` is for work that replaces the message that was tapped.
        """
        said = 0

        async def respond(message: Message, *, replace: bool = False) -> None:
            nonlocal said
            said += 1
            first = said == 1 and (replace or not in_place)
            await self._respond(interaction, message, fill=first)

        with self._tracked():
            try:
                if not at_once:
                    await interaction.response.defer(ephemeral=True, thinking=not in_place)
                try:
                    await work(respond)
                except (PaperroundError, PostError) as error:
                    await respond(sentence(str(error)))
                except (discord.DiscordException, aiohttp.ClientError):
                    raise  # Discord did not take an answer; another one it would not take either.
                except Exception:
                    number = secrets.token_hex(3)
                    log.exception("a request failed, number %s", number)
                    await respond(
                        sentence(f"Something went wrong here; the log says more under number {number}.")
                    )
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("an answer was not taken: %s", error)
            except Exception:
                log.exception("an answer could not be given")

    async def _respond(self, interaction: Interaction, message: Message, *, fill: bool) -> None:
        """For the person alone: the first page fills what the acknowledgement promised, the others follow it."""
        if interaction.guild_id is None or not interaction.is_guild_integration():
            message = without_sharing(message)
        style = Style.CARDS if len(message.cards) == 1 else Style.COMPACT
        for number, page in enumerate(render(message, style)[:MESSAGE_PAGES]):
            said = _said(page)
            if not interaction.response.is_done():
                await interaction.response.send_message(ephemeral=True, **said)
            elif fill and number == 0:
                await interaction.edit_original_response(
                    **{"content": None, "embeds": [], "view": None, **said}
                )
            else:
                await interaction.followup.send(ephemeral=True, **said)

    async def _logged(self, work: Awaitable[None]) -> None:
        """Work that nobody waits for an answer to."""
        with self._tracked():
            try:
                await work
            except (PaperroundError, PostError) as error:
                log.warning("%s", error)
            except Exception:
                log.exception("an event could not be dealt with")

    def _tracked(self) -> "_Tracked":
        return _Tracked(self._at_work)


@dataclass(slots=True)
class _Tracked:
    """Keeps the present task among those that are waited for at the end."""

    at_work: set[asyncio.Task[Any]]
    task: asyncio.Task[Any] | None = None

    def __enter__(self) -> None:
        self.task = asyncio.current_task()
        if self.task:
            self.at_work.add(self.task)

    def __exit__(self, *_: object) -> None:
        if self.task:
            self.at_work.discard(self.task)


def _receipt(channel: Any, message: int) -> str:
    return f"{channel.id}/{message}" if isinstance(channel, discord.Thread) else str(message)


def _emoji_text(emoji: Mapping[str, Any]) -> str:
    return f"<:{emoji['name']}:{emoji['id']}>" if emoji.get("id") else str(emoji["name"])


def _said(page: Page) -> dict[str, Any]:
    """A page as discord.py's own methods take it."""
    payload = page.payload
    said: dict[str, Any] = {"allowed_mentions": discord.AllowedMentions.none()}
    if payload["content"]:
        said["content"] = payload["content"]
    if payload["embeds"]:
        said["embeds"] = [discord.Embed.from_dict(embed) for embed in payload["embeds"]]
    if payload["components"]:
        said["view"] = _view(payload["components"])
    return said


def _view(rows: Iterable[Mapping[str, Any]]) -> discord.ui.View:
    """Buttons that are answered by their custom_id: stopped, so that discord.py keeps nothing of the view in memory."""
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
