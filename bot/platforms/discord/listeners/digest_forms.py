"""Listeners for the form of a digest in Discord, which has several parts."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from bot.conversation.context import Person, Reply
from bot.conversation.fair_use import Use
from bot.conversation.subscription_form import FormError, SubscriptionForm
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
from bot.platforms.discord.listeners.requests import RequestListeners
from bot.platforms.discord.marker import KEY_SEPARATOR
from bot.platforms.discord.replies import Interaction, answer_interaction
from bot.platforms.responses import Responder
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.errors import InputError
from digests.subscription import Channel, normalize_name

MAX_DRAFTS = 500
"""Drafts of forms in memory. When they are more, the oldest is dropped."""


@dataclass(frozen=True, slots=True)
class DigestFormListeners(RequestListeners):
    """Opens, fills in and saves the form of a digest.

    A form that was rejected, or filled in with words, is kept in memory as the draft of its digest and
    person.
    """

    _drafts: OrderedDict[tuple[FormTarget, str], SubscriptionForm] = field(default_factory=OrderedDict)

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

    async def open_form_of_button(self, interaction: Interaction, value: str) -> None:
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

    async def on_form_button(self, interaction: Interaction, value: str) -> None:
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

    async def save_form(self, interaction: Interaction) -> None:
        """Save a submitted part of the form.

        The other parts of the form are the person's draft, else the present digest. Wrong values are answered
        with the reason, and buttons that open the form as it was filled in. The form names its channel, which
        is looked up in the server of the interaction: the name came from the person's client. The person's
        and the bot's rights there are checked again.
        """
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
        await self.dispatcher.repeats.require_new_interaction(str(interaction.id))
        subscriptions = self.answers.subscriptions
        shown = await run_interactive(self._load_form, channel, person, form_target.name)
        if not shown.form:
            await respond(shown.message)
            return
        form = fill_in_fields(self._drafts.get((form_target, person.id), shown.form), fields)
        try:
            reply = await run_interactive(subscriptions.save_form, form, channel, person)
        except FormError as error:
            self.remember_draft(channel, interaction, form)
            problems = present_sentence(str(error))
            await respond(add_form_buttons(problems, form_target, can_save=False))
            return
        self._drafts.pop((form_target, person.id), None)
        await self.dispatcher.replies.send_reply(reply, channel, person.id, respond)

    def _load_form(self, channel: Channel, person: Person, name: str | None) -> Reply:
        """Return the settings of a digest with its form, as `on_settings` names it. Blocks.

        Raises InputError for the name of a digest that the channel does not have.
        """
        subscriptions = self.answers.subscriptions
        if name == "":
            return subscriptions.subscribe_channel("", channel, person)
        return subscriptions.show_settings(channel, person, normalize_name(name or ""))

    def remember_draft(self, channel: Channel, interaction: Interaction, form: SubscriptionForm) -> None:
        key = (FormTarget(channel.channel, form.name), str(interaction.user.id))
        self._drafts[key] = form
        self._drafts.move_to_end(key)
        if len(self._drafts) > MAX_DRAFTS:
            self._drafts.popitem(last=False)
