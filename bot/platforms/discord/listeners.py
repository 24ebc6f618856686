"""Handlers of Discord's interactions: commands, forms, the message menu and buttons."""

import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import aiohttp
import discord

from bot.chat.message import ButtonAction, Message
from bot.conversation.answers import Answers
from bot.conversation.context import Person, Reply
from bot.conversation.fair_use import Use
from bot.conversation.marks import MarkEmojis
from bot.conversation.notes import PersonsMessage
from bot.conversation.subscription_form import FormError, SubscriptionForm
from bot.platforms.discord.buttons import read_choice
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.events import normalize_emoji
from bot.platforms.discord.forms import (
    FORM_PARTS,
    SAVE_PART,
    STALE_FORM,
    Fields,
    FormTarget,
    add_form_buttons,
    build_modal,
    fill_in_fields,
    read_modal,
    read_target,
)
from bot.platforms.discord.marker import KEY_SEPARATOR
from bot.platforms.discord.meetings import (
    FIELD_LABELS,
    MEETING_ID_PREFIX,
    build_meeting_modal,
    read_meeting_form,
)
from bot.platforms.discord.permissions import join_names, list_missing_permissions
from bot.platforms.discord.questions import QUESTION_ID_PREFIX, build_question_modal, read_question
from bot.platforms.discord.render import KEYCAPS
from bot.platforms.discord.replies import Interaction, answer_interaction
from bot.platforms.discord.reports import REPORT_ID_PREFIX, build_report_modal, read_report
from bot.platforms.discord.servers import FOREIGN_PERSON, FOREIGN_SERVER, MemberCheck, ServedServers
from bot.platforms.discord.settings import DiscordSettings
from bot.platforms.interaction import Click, InteractionDispatcher, Responder, log_unexpected_error
from bot.present.lookup import remove_share_button
from bot.present.undo import split_undo_value
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.errors import InputError, PaperroundError
from digests.model import ScoredPaper
from digests.ports.people import SOMEBODY
from digests.subscription import Channel, normalize_name

log = logging.getLogger(__name__)

_MENTION = re.compile(r"<@[!&]?[0-9]{1,20}>")
"""Mention of the bot, a person or a role in a message."""
MAX_DRAFTS = 500
"""Drafts of forms in memory. When they are more, the oldest is dropped."""
IN_PLACE_ACTIONS = frozenset(
    {
        ButtonAction.SHOW,
        ButtonAction.SHARE,
        ButtonAction.FINISH_DISCUSSION,
        ButtonAction.SKIP,
        ButtonAction.POSTPONE,
        ButtonAction.TAKE_OUT,
        ButtonAction.QUEUE,
        ButtonAction.UNDO_DISCUSSION,
        ButtonAction.TAKE_BACK,
        ButtonAction.RELEASE,
        ButtonAction.REJECT,
        ButtonAction.RE_REVIEW,
    }
)
"""Actions of which the answer replaces the list or card with the clicked button."""
NO_SUCH_CHANNEL = (
    "There is no such channel in this server that you and Paperround can see; nothing was changed."
)
PERSONAL_ACTIONS = frozenset(
    {ButtonAction.SHOW, ButtonAction.MORE, ButtonAction.REVIEW, ButtonAction.SIMILAR, ButtonAction.DISCUSS}
)
"""Actions that concern one person alone. All others need a server that is served."""
IS_SERVED = "is_served"
"""Key in the `extras` of an interaction that comes from a served server, rather than from a person of one."""


@dataclass(slots=True)
class DiscordListeners:
    """Handles people's interactions, independent of the connection by which they arrive.

    Nothing runs for an interaction that `admit` refuses. A form that was rejected, or filled in with words,
    is kept in memory as the draft of its digest and person. The handlers raise no error: it is answered with
    a sentence, or logged.
    """

    answers: Answers
    platform: DiscordPlatform
    settings: DiscordSettings
    clock: Callable[[], datetime]
    dispatcher: InteractionDispatcher = field(init=False)
    servers: ServedServers = field(init=False)
    members: MemberCheck = field(init=False)
    _drafts: OrderedDict[tuple[FormTarget, str], SubscriptionForm] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        emojis = MarkEmojis(normalize_emoji(self.settings.mark_emoji), tuple(map(normalize_emoji, KEYCAPS)))
        self.dispatcher = InteractionDispatcher(
            self.answers, self.platform, emojis, self.clock, confirms_undo=True
        )
        self.servers = ServedServers(self.answers.store, frozenset(self.settings.servers), self.clock)
        self.members = MemberCheck(self.platform, self.servers)

    async def admit(self, interaction: Interaction) -> bool:
        """Return True for an interaction from a served server, or from a person of one. Raises no error.

        Anybody else is answered with one sentence, and gets no suggestions while typing.
        """
        with self.dispatcher.track_task():
            try:
                refusal = await self._find_refusal(interaction)
            except PaperroundError as error:
                refusal = str(error)
            except Exception:
                refusal = log_unexpected_error()
            if not refusal:
                return True
            try:
                if interaction.type is discord.InteractionType.autocomplete:
                    await interaction.response.autocomplete([])
                else:
                    await interaction.response.send_message(refusal, ephemeral=True)
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("a refusal was not taken: %s", error)
            return False

    async def _find_refusal(self, interaction: Interaction) -> str:
        """Return the sentence for an interaction that is not answered, or an empty string.

        In a server, only its own installation of the app or a person's own counts. Raises PaperroundError.
        """
        user, guild = interaction.user.id, interaction.guild_id
        if guild is not None and await self.servers.is_served(guild):
            interaction.extras[IS_SERVED] = True
            self.members.note_member(user, guild)
            return ""
        if guild is not None and (
            interaction.is_guild_integration() or not interaction.is_user_integration()
        ):
            return FOREIGN_SERVER
        guilds = [guild.id for guild in interaction.client.guilds]
        return "" if await self.members.is_member(user, guilds) else FOREIGN_PERSON

    # Commands.

    async def on_paper(self, interaction: Interaction, query: str) -> None:
        async def look_up_paper(respond: Responder) -> None:
            place = self._place_of(interaction)
            await self.dispatcher.look_up_paper(query, place, str(interaction.user.id), respond)

        await answer_interaction(interaction, look_up_paper, self.dispatcher)

    async def on_direct_message(self, message: discord.Message, guilds: Collection[int]) -> None:
        """Look up the text of a direct message as /paper does. Messages in servers are not answered.

        A number is that of the person's own digest.
        `guilds` are the servers that the bot is in: a person who is in none that is served is told so. Errors
        are logged, or answered with a sentence.
        """
        if message.guild is not None or message.author.bot or not message.content.strip():
            return
        person = str(message.author.id)
        place = Channel(self.platform.name, str(message.channel.id), is_direct=True)

        content, author, above = (
            message.content,
            message.author.id,
            _list_receipts_above(message, message.channel),
        )

        async def respond(message: Message, *, replace: bool = False) -> None:
            await self.platform.send_direct_message(place, person, remove_share_button(message))

        async def look_up_paper() -> None:
            async with self.dispatcher.explain_errors(respond):
                if not await self.members.is_member(author, guilds):
                    raise PaperroundError(FOREIGN_PERSON)
                await self.dispatcher.look_up_paper(content, place, person, respond, above)

        await self.dispatcher.run_logged(look_up_paper())

    async def on_server_message(self, mention: discord.Message, bot_user: int) -> None:
        """Answer a message in a served server that mentions the bot, as /paper does, to the whole channel.

        A reply to a message of the bot is no mention: its text is meant for people. Messages of bots and
        webhooks are ignored. Errors are logged, or answered with a sentence.
        """
        names = (f"<@{bot_user}>", f"<@!{bot_user}>")
        is_of_person = not (mention.author.bot or mention.webhook_id or mention.is_system())
        if not is_of_person or not any(name in mention.content for name in names):
            return
        words = _MENTION.sub(" ", mention.content)
        place, guild = mention.channel, mention.guild.id if mention.guild else ""
        parent = place.parent_id if isinstance(place, discord.Thread) else place.id
        channel = Channel(self.platform.name, str(parent), str(guild))

        async def respond(message: Message, *, replace: bool = False) -> None:
            await self.platform.reply_to_message(str(place.id), str(mention.id), remove_share_button(message))

        async def answer_mention() -> None:
            if await self.servers.is_served(guild):
                person, event = str(mention.author.id), f"discord message {mention.id}"
                await self.dispatcher.answer_mention(
                    words,
                    channel,
                    person,
                    event,
                    respond,
                    _list_receipts_above(mention, place),
                    is_public=True,
                )

        await self.dispatcher.run_logged(answer_mention())

    async def on_digest(self, interaction: Interaction, text: str, target: Any = None) -> None:
        """Run a /digest command and answer it; `text` follows the name of the command.

        `target` is the channel that it is about, when that is not the channel of the interaction. A
        subscription is refused where the bot may not post.
        """

        async def run_digest_command(respond: Responder) -> None:
            channel = self._channel_of(interaction, target)
            self._require_visible(interaction, target)
            if text.startswith(("subscribe", "add", "set", "resume")):
                self._require_posting(interaction, target)
            reply = await self._run_digest_command(text, channel, interaction)
            if reply.form:
                self._remember_draft(channel, interaction, reply.form)
                form_target = FormTarget(channel.channel, reply.form.name)
                message = add_form_buttons(reply.message, form_target, can_save=True)
                reply = replace(reply, message=message)
            await self.dispatcher.send_reply(reply, channel, str(interaction.user.id), respond)

        await answer_interaction(interaction, run_digest_command, self.dispatcher)

    async def _run_digest_command(self, text: str, channel: Channel, interaction: Interaction) -> Reply:
        person = self._person_of(interaction)

        async def fetch_person() -> Person:
            await self._require_served_now(interaction)
            return person

        return await self.dispatcher.run_digest_command(
            text, channel, person.id, str(interaction.id), fetch_person
        )

    async def on_settings(
        self, interaction: Interaction, target: Any = None, name: str | None = None, key: str = ""
    ) -> None:
        """Describe a digest of a channel, with buttons for the parts of the form and for the other digests.

        `name` is that of the digest, "" for the main one. None is the one whose message has the idempotency
        key `key`, else the main one, or the channel's only one. A
        person who may not change the digest gets no buttons, and nobody does where the bot may not post. A
        draft of the person is dropped.
        """

        async def show_settings(respond: Responder) -> None:
            channel, person = self._channel_of(interaction, target), self._person_of(interaction)
            self._require_visible(interaction, target)
            self.dispatcher.fair_use.take_token(Use.LOOK_UP, channel, person.id)
            found = name
            if key and name is None:
                reports = self.answers.store.delivery_reports
                found = await run_interactive(reports.find_digest_name, channel, key)
            reply = await run_interactive(self._load_form, channel, person, found)
            if not reply.form:
                await respond(reply.message)
                return
            self._require_posting(interaction, target)
            form_target = FormTarget(channel.channel, reply.form.name)
            self._drafts.pop((form_target, person.id), None)
            digests = await run_interactive(self.answers.store.subscriptions.list_of_channel, channel)
            names = [each.name for each in digests]
            message = add_form_buttons(
                reply.message,
                form_target,
                can_save=form_target.name not in names,
                others=[other for other in names if other != form_target.name],
            )
            await respond(message)

        await answer_interaction(interaction, show_settings, self.dispatcher)

    def _load_form(self, channel: Channel, person: Person, name: str | None) -> Reply:
        """Return the settings of a digest with its form, as `on_settings` names it. Blocks.

        Raises InputError for the name of a digest that the channel does not have.
        """
        subscriptions = self.answers.subscriptions
        if name == "":
            return subscriptions.subscribe_channel("", channel, person)
        return subscriptions.show_settings(channel, person, normalize_name(name or ""))

    async def _on_form_button(self, interaction: Interaction, value: str) -> None:
        """Open a part of the form, or save the form as it is. `value` is the part and the form's target.

        A modal has to be the first response to an interaction.
        """
        part, _, target_value = value.partition(":")
        form_target = read_target(target_value)

        async def open_part(respond: Responder) -> None:
            target = self._find_target(interaction, form_target.channel)
            channel, person = self._channel_of(interaction, target), self._person_of(interaction)
            self.dispatcher.fair_use.take_token(Use.LOOK_UP, channel, person.id)
            reply = await run_interactive(self._load_form, channel, person, form_target.name)
            if not reply.form:
                await respond(reply.message)
                return
            self._require_posting(interaction, target)
            form = self._drafts.get((form_target, person.id), reply.form)
            await interaction.response.send_modal(build_modal(part, form, channel.channel))

        async def save_draft(respond: Responder) -> None:
            if part != SAVE_PART:
                raise InputError(STALE_FORM)
            await self._save_fields(interaction, form_target, {}, respond)

        if part in FORM_PARTS:
            await answer_interaction(interaction, open_part, self.dispatcher, skip_ack=True)
        else:
            await answer_interaction(interaction, save_draft, self.dispatcher)

    async def on_form(self, interaction: Interaction) -> None:
        """Handle a submitted modal: a report about a review, a question, or a part of the form.

        The other parts of the form are the person's draft, else the present digest. Wrong values are answered
        with the reason, and buttons that open the form as it was filled in. The form names its channel, which
        is looked up in the server of the interaction: the name came from the person's client. The person's
        and the bot's rights there are checked again.
        """
        if not await self.admit(interaction):
            return
        data: Any = interaction.data or {}
        if str(data.get("custom_id", "")).startswith(REPORT_ID_PREFIX):
            await self._save_report(interaction)
            return
        if str(data.get("custom_id", "")).startswith(QUESTION_ID_PREFIX):
            await self._answer_question(interaction)
            return
        if str(data.get("custom_id", "")).startswith(MEETING_ID_PREFIX):
            await self._save_meeting_form(interaction)
            return
        part, form_target, fields = read_modal(interaction.data or {})

        async def save_form(respond: Responder) -> None:
            if part not in FORM_PARTS:
                raise InputError(STALE_FORM)
            await self._save_fields(interaction, form_target, fields, respond)

        await answer_interaction(interaction, save_form, self.dispatcher)

    async def _save_fields(
        self, interaction: Interaction, form_target: FormTarget, fields: Fields, respond: Responder
    ) -> None:
        """Save the form of a digest with these fields, and respond. Raises PaperroundError and PostError."""
        target = self._find_target(interaction, form_target.channel)
        channel, person = self._channel_of(interaction, target), self._person_of(interaction)
        self._require_posting(interaction, target)
        self.dispatcher.fair_use.take_token(Use.CHANGE, channel, person.id)
        await self._require_served_now(interaction)
        await self.dispatcher.require_new_interaction(str(interaction.id))
        subscriptions = self.answers.subscriptions
        shown = await run_interactive(self._load_form, channel, person, form_target.name)
        if not shown.form:
            await respond(shown.message)
            return
        form = fill_in_fields(self._drafts.get((form_target, person.id), shown.form), fields)
        try:
            reply = await run_interactive(subscriptions.save_form, form, channel, person)
        except FormError as error:
            self._remember_draft(channel, interaction, form)
            problems = present_sentence(str(error))
            await respond(add_form_buttons(problems, form_target, can_save=False))
            return
        self._drafts.pop((form_target, person.id), None)
        await self.dispatcher.send_reply(reply, channel, person.id, respond)

    # Meetings.

    async def open_meeting_form(self, interaction: Interaction) -> None:
        """Open the modal of the channel's meetings: it has to be the first response to an interaction."""

        async def open_form(respond: Responder) -> None:
            self._require_served(interaction)
            channel, person = self._channel_of(interaction), self._person_of(interaction)

            async def fetch_person() -> Person:
                return person

            form = await self.dispatcher.open_meeting_form(channel, person.id, fetch_person)
            await interaction.response.send_modal(build_meeting_modal(form))

        await answer_interaction(interaction, open_form, self.dispatcher, skip_ack=True)

    async def _save_meeting_form(self, interaction: Interaction) -> None:
        """Save a submitted plan of meetings. Each wrong field is answered by a sentence with its label."""

        async def save_form(respond: Responder) -> None:
            self._require_served(interaction)
            channel, person = self._channel_of(interaction), self._person_of(interaction)

            async def fetch_person() -> Person:
                await self._require_served_now(interaction)
                return person

            form, number = read_meeting_form(interaction.data or {}), str(interaction.id)
            try:
                reply = await self.dispatcher.save_meeting_form(
                    form, channel, person.id, number, fetch_person
                )
            except FormError as error:
                problems = (f"{FIELD_LABELS[field]}: {text}" for field, text in error.problems.items())
                raise InputError(f"Nothing was changed. {' '.join(problems)}") from None
            await self.dispatcher.send_reply(reply, channel, person.id, respond)

        await answer_interaction(interaction, save_form, self.dispatcher)

    # Reports about a review.

    async def _open_report(self, interaction: Interaction, paper: str) -> None:
        """Open the modal about a paper's review: it has to be the first response to an interaction."""

        async def open_report(respond: Responder) -> None:
            self._require_served(interaction)
            place, person_id = self._place_of(interaction), str(interaction.user.id)
            form = await self.dispatcher.open_report(paper, place, person_id)
            await interaction.response.send_modal(build_report_modal(form))

        await answer_interaction(interaction, open_report, self.dispatcher, skip_ack=True)

    async def _save_report(self, interaction: Interaction) -> None:
        """Keep a submitted report, and answer it. It belongs to the server of the interaction."""

        async def save_report(respond: Responder) -> None:
            self._require_served(interaction)
            person = self._person_of(interaction)

            async def fetch_person() -> Person:
                await self._require_served_now(interaction)
                return person

            fields, place = read_report(interaction.data or {}), self._place_of(interaction)
            number = str(interaction.id)
            await respond(await self.dispatcher.save_report(fields, place, person.id, number, fetch_person))

        await answer_interaction(interaction, save_report, self.dispatcher)

    # Questions about a paper.

    async def _open_question(self, interaction: Interaction, paper: str) -> None:
        """Open the modal for a question about a paper: it has to be the first response."""

        async def open_question(respond: Responder) -> None:
            place, person_id = self._place_of(interaction), str(interaction.user.id)
            form = await self.dispatcher.open_question(paper, place, person_id)
            await interaction.response.send_modal(build_question_modal(form))

        await answer_interaction(interaction, open_question, self.dispatcher, skip_ack=True)

    async def _answer_question(self, interaction: Interaction) -> None:
        """Answer a submitted question, to the person alone."""

        async def answer_question(respond: Responder) -> None:
            paper, text = read_question(interaction.data or {})
            place, person_id = self._place_of(interaction), str(interaction.user.id)
            await respond(await self.dispatcher.answer_question(paper, text, place, person_id))

        await answer_interaction(interaction, answer_question, self.dispatcher)

    def _remember_draft(self, channel: Channel, interaction: Interaction, form: SubscriptionForm) -> None:
        key = (FormTarget(channel.channel, form.name), str(interaction.user.id))
        self._drafts[key] = form
        self._drafts.move_to_end(key)
        if len(self._drafts) > MAX_DRAFTS:
            self._drafts.popitem(last=False)

    async def on_mark(self, interaction: Interaction, message: discord.Message) -> None:
        """Mark or unmark the paper of a message, after “Mark for discussion” in its menu."""

        async def toggle_mark(respond: Responder) -> None:
            self._require_served(interaction)
            channel = self._channel_of(interaction)
            links = " ".join(filter(None, (embed.url for embed in message.embeds)))
            receipt = _receipt_of(interaction.channel, message.id)
            text = f"{message.content} {links}"
            person_id, interaction_id = str(interaction.user.id), str(interaction.id)
            await self.dispatcher.toggle_mark_on_message(
                channel, receipt, text, person_id, interaction_id, respond
            )

        await answer_interaction(interaction, toggle_mark, self.dispatcher)

    async def on_note(self, interaction: Interaction, message: discord.Message) -> None:
        """Keep a message as a note about its paper, after “Keep as note” in its menu."""

        async def keep_message(respond: Responder) -> None:
            self._require_served(interaction)
            channel, person = self._channel_of(interaction), self._person_of(interaction)
            is_of_bot = message.author.bot or message.webhook_id is not None or message.is_system()
            kept = PersonsMessage(
                channel,
                _receipt_of(interaction.channel, message.id),
                _list_receipts_above(message, interaction.channel),
                "" if is_of_bot else str(message.author.id),
                _MENTION.sub(SOMEBODY, message.content),
            )

            async def fetch_person() -> Person:
                await self._require_served_now(interaction)
                return person

            number = str(interaction.id)
            await self.dispatcher.keep_message(kept, person.id, number, fetch_person, respond)

        await answer_interaction(interaction, keep_message, self.dispatcher)

    # Buttons.

    async def on_button(self, interaction: Interaction, action: str, value: str) -> None:
        """Handle a click on a button. Those of the form are handled here, all others by the dispatcher.

        The answer may replace the clicked message only if nobody else sees that message.
        """
        if not await self.admit(interaction):
            return
        if action == ButtonAction.SETTINGS:
            await self._open_form_of_button(interaction, value)
            return
        if action == ButtonAction.FORM:
            await self._on_form_button(interaction, value)
            return
        if action == ButtonAction.REPORT:
            await self._open_report(interaction, value)
            return
        if action == ButtonAction.ASK:
            await self._open_question(interaction, value)
            return

        async def handle_button(respond: Responder) -> None:
            if action not in PERSONAL_ACTIONS:
                self._require_served(interaction)
            if action == ButtonAction.SHARE:
                self._require_sharing(interaction)
            target, click_value = None, value
            if action == ButtonAction.UNDO:
                click_value, channel_id = split_undo_value(value)
                target = self._find_target(interaction, channel_id) if channel_id else None
            channel, person = self._channel_of(interaction, target), self._person_of(interaction)

            async def fetch_person() -> Person:
                await self._require_served_now(interaction)
                return person

            await self.dispatcher.handle_click(
                Click(action, click_value, channel, person.id, str(interaction.id), fetch_person), respond
            )

        is_own_view = interaction.message is not None and interaction.message.flags.ephemeral
        in_place = action in IN_PLACE_ACTIONS and is_own_view
        await answer_interaction(interaction, handle_button, self.dispatcher, in_place=in_place)

    # Suggestions.

    async def suggest_papers(self, interaction: Interaction, typed: str, limit: int) -> Sequence[ScoredPaper]:
        """Return up to `limit` papers that complete a text after /paper; none if the person types too much.

        Raises SearchError and StoreError.
        """
        place, person_id = self._place_of(interaction), str(interaction.user.id)
        if not self.dispatcher.fair_use.has_token(Use.SUGGESTION, place, person_id):
            return ()
        return await run_interactive(self.answers.lookup.suggest_papers, typed, limit)

    async def _open_form_of_button(self, interaction: Interaction, value: str) -> None:
        """Show the settings of a digest in the interaction's server.

        `value` is the channel's id, and after a colon the digest's name. An empty id is the interaction's
        channel; without a colon the digest of the message is meant, else the main one or the only one.
        """
        channel_id, colon, name = value.partition(":")
        try:
            target = self._find_target(interaction, channel_id) if channel_id else None
        except InputError as error:
            sentence = str(error)

            async def explain(respond: Responder) -> None:
                await respond(present_sentence(sentence))

            await answer_interaction(interaction, explain, self.dispatcher)
            return
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        _, separator, key = custom_id.rpartition(KEY_SEPARATOR)
        await self.on_settings(interaction, target, name if colon else None, key if separator else "")

    # Parts of an interaction.

    def _require_served(self, interaction: Interaction) -> None:
        """Raise InputError unless the interaction comes from a served server, or from the person's own place.

        `admit` has found the person in a served server then.
        """
        if not interaction.extras.get(IS_SERVED) and not _is_with_bot(interaction):
            raise InputError("This works only in a server that Paperround serves, and in messages to me.")

    async def _require_served_now(self, interaction: Interaction) -> None:
        """Raise InputError unless the server is served at this moment: `admit` uses what it read lately.

        A digest that a denial stopped must not be resumed meanwhile. In a direct message the person has to be
        in a served server. Raises PaperroundError and StoreError.
        """
        if _is_with_bot(interaction):
            guilds = [guild.id for guild in interaction.client.guilds]
            if not await self.members.is_member(interaction.user.id, guilds):
                raise InputError(FOREIGN_PERSON)
            return
        if not await self.servers.is_served_now(interaction.guild_id):
            raise InputError(FOREIGN_SERVER)

    def _find_target(self, interaction: Interaction, channel_id: str) -> Any:
        """Return the channel with this id in the interaction's server, None for the interaction's own.

        Raises InputError for any other id, also for a channel that the person cannot see, and outside of
        served servers.
        """
        self._require_served(interaction)
        if self._channel_of(interaction).channel == channel_id:
            return None
        is_id = channel_id.isascii() and channel_id.isdecimal()
        found = interaction.guild.get_channel(int(channel_id)) if interaction.guild and is_id else None
        if found is None:
            raise InputError(NO_SUCH_CHANNEL)
        self._require_visible(interaction, found)
        return found

    def _require_visible(self, interaction: Interaction, target: Any) -> None:
        """Raise InputError unless a target is in the interaction's server and the person can see it.

        None stands for the interaction's own channel. Raises InputError outside of served servers too.
        """
        self._require_served(interaction)
        if target is None:
            return
        resolved = target.resolve() if hasattr(target, "resolve") else target
        if resolved is None or resolved.guild.id != interaction.guild_id:
            raise InputError(NO_SUCH_CHANNEL)
        person = interaction.user
        if not isinstance(person, discord.Member) or not resolved.permissions_for(person).view_channel:
            raise InputError(NO_SUCH_CHANNEL)

    def _require_sharing(self, interaction: Interaction) -> None:
        """Raise InputError unless the person may write in the channel that a shared paper goes to.

        From a thread it goes to the thread's parent.
        """
        place, granted = interaction.channel, interaction.permissions
        if isinstance(place, discord.Thread):
            parent = place.parent
            granted = (
                parent.permissions_for(interaction.user)
                if parent and isinstance(interaction.user, discord.Member)
                else discord.Permissions.none()
            )
        if not granted.send_messages:
            raise InputError("You may not write in this channel, so nothing was shared.")

    def _channel_of(self, interaction: Interaction, target: Any = None) -> Channel:
        """Return the target, else the interaction's channel; for a thread, its parent. Raises InputError."""
        place = target or interaction.channel
        if place is None:
            raise InputError("Discord did not say in which channel this is; try it in a text channel.")
        channel = place.parent_id if isinstance(place, discord.Thread) else place.id
        guild = interaction.guild_id
        return Channel(self.platform.name, str(channel), str(guild or ""), is_direct=guild is None)

    def _place_of(self, interaction: Interaction) -> Channel:
        """Return the place of an interaction that needs no channel; in direct messages, no workspace's."""
        place, guild = str(interaction.channel_id or ""), interaction.guild_id
        return Channel(self.platform.name, place, str(guild or ""), is_direct=guild is None)

    def _person_of(self, interaction: Interaction) -> Person:
        """Return the person. An admin may manage the server, or has the role of the settings.

        Nobody is an admin outside of a served server.
        """
        roles = {str(role.id) for role in getattr(interaction.user, "roles", ())}
        can_manage = interaction.permissions.manage_guild or interaction.permissions.administrator
        has_role = bool(self.settings.manager_role and self.settings.manager_role in roles)
        is_admin = (can_manage or has_role) and bool(interaction.extras.get(IS_SERVED))
        return Person(str(interaction.user.id), interaction.user.display_name, is_admin)

    def _require_posting(self, interaction: Interaction, target: Any) -> None:
        """Raise InputError unless the bot has all `REQUIRED_PERMISSIONS` in the channel.

        The channel is `target`, or that of the interaction if it is None. A target that the bot cannot see is
        refused too. In a direct message there are no permissions.
        """
        if interaction.guild_id is None:
            return
        if target is None or target.id == interaction.channel_id:
            granted = interaction.app_permissions
        else:
            resolved = target.resolve() if hasattr(target, "resolve") else target
            if resolved is None or interaction.guild is None:
                raise InputError(
                    f"I cannot see the channel {target.id}: give me View Channel there, then try again."
                )
            granted = resolved.permissions_for(interaction.guild.me)
        if lacking := list_missing_permissions(granted):
            raise InputError(
                f"I may not {join_names(lacking)} in that channel, so nothing was changed: "
                "allow it to Paperround under the "
                "channel's permissions, then try again."
            )


def _is_with_bot(interaction: Interaction) -> bool:
    """Return True for an interaction in the direct messages of its person with the bot."""
    return interaction.guild_id is None and interaction.context.dm_channel is True


def _list_receipts_above(message: discord.Message, place: Any) -> list[str]:
    """Return the receipts of the message that is replied to, and of the one above a thread, if any.

    `place` is the channel or thread of the message. A thread has the id of the message that it was begun
    from; a post in a forum that of its first message.
    """
    reference = message.reference
    replied = [_receipt_of(place, reference.message_id)] if reference and reference.message_id else []
    above = [str(place.id), f"{place.id}/{place.id}"] if isinstance(place, discord.Thread) else []
    return [*replied, *above]


def _receipt_of(channel: Any, message: int) -> str:
    """Return the receipt of a message in a channel or thread."""
    return f"{channel.id}/{message}" if isinstance(channel, discord.Thread) else str(message)


class AnyButton(
    discord.ui.DynamicItem["discord.ui.Button[Any] | discord.ui.Select[Any]"],
    template=r"(?P<action>[^:#]*):?(?P<value>[^#]*)(?:#.*)?",
):
    """A button or menu of any message, also of older versions.

    Its custom_id names its action and its value. The value of a menu is that of the chosen option.
    """

    def __init__(
        self, item: "discord.ui.Button[Any] | discord.ui.Select[Any]", action: str, value: str
    ) -> None:
        super().__init__(item)
        self.action, self.value = action, value

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: Any, match: Any, /) -> "AnyButton":
        return cls(item, match["action"], match["value"])

    async def callback(self, interaction: Interaction) -> None:
        data: Any = interaction.data or {}
        chosen = str(next(iter(data.get("values") or ()), ""))
        action, value = read_choice(self.action, self.value, chosen)
        await interaction.client.listeners.on_button(interaction, action, value)
