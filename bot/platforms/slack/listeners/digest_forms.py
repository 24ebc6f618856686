"""Listeners for the form of a digest in Slack."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bot.conversation.context import Reply
from bot.conversation.fair_use import Use
from bot.conversation.subscription_form import FormError, SubscriptionForm
from bot.platforms.responses import log_unexpected_error
from bot.platforms.slack.form_signature import sign_form
from bot.platforms.slack.forms import (
    ERROR_CHARACTERS,
    FIRST_FIELD,
    LABEL_CHARACTERS,
    FormMetadata,
    build_field_errors,
    build_settings_view,
    build_zone_options,
    read_chosen_name,
    read_fields,
)
from bot.platforms.slack.listeners.requests import CHECK_SECONDS, SLOW_SLACK, Ack, Payload, RequestListeners
from bot.platforms.slack.membership import require_app_in_channel, require_person_in_channel
from bot.platforms.slack.workspaces import SlackWorkspace
from bot.storage import run_interactive
from digests.errors import PaperroundError
from digests.subscription import Channel
from digests.text import clip_text


@dataclass(frozen=True, slots=True)
class DigestFormListeners(RequestListeners):
    """Opens, fills in and saves the form of a digest."""

    async def build_form(
        self,
        form: SubscriptionForm,
        note: str,
        channel: Channel,
        user: str,
        workspace: SlackWorkspace,
        *,
        label: str,
    ) -> dict[str, Any]:
        """Build the view of a form for a person. `label` is the channel's name."""
        names = await run_interactive(self._list_names, channel)
        signature = sign_form(workspace.token, workspace.team_id, user, channel.channel)
        metadata = FormMetadata(channel.channel, signature, form.name, label[:LABEL_CHARACTERS])
        return build_settings_view(form, metadata, names, note)

    def _list_names(self, channel: Channel) -> list[str]:
        return [each.name for each in self.answers.store.subscriptions.list_of_channel(channel)]

    async def on_form(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Save a submitted form, acknowledge it, and announce the change in the channel.

        Errors go into the acknowledgement, so that Slack shows them under the fields of the open form.
        """
        try:
            channel, user, reply = await self._save_form(body, workspace)
        except FormError as error:
            await ack(response_action="errors", errors=build_field_errors(error))
            return
        except PaperroundError as error:
            await ack(response_action="errors", errors={FIRST_FIELD: clip_text(str(error), ERROR_CHARACTERS)})
            return
        except TimeoutError:
            await ack(response_action="errors", errors={FIRST_FIELD: SLOW_SLACK})
            return
        except Exception:
            await ack(response_action="errors", errors={FIRST_FIELD: log_unexpected_error()})
            return
        await ack()
        async with self._handle_request(workspace, "", channel, user):
            await self.dispatcher.notices.announce_change(reply.announcement, channel, user)

    async def _save_form(self, body: Payload, workspace: SlackWorkspace) -> tuple[Channel, str, Reply]:
        """Check a submitted form and everything that may have changed since it was opened, and save it.

        Raises FormError and PaperroundError with sentences, TimeoutError if Slack does not answer within
        `CHECK_SECONDS`, and errors of Slack and the network.
        """
        user, view = str(body["user"]["id"]), body["view"]
        metadata = self._read_signed_metadata(view, user, workspace)
        form = read_fields(view, metadata.name)
        channel = self._channel_from_id(metadata.channel, workspace)
        self.dispatcher.fair_use.take_token(Use.CHANGE, channel, user)
        team = str(body["user"].get("team_id") or "")
        async with asyncio.timeout(CHECK_SECONDS):
            person, _, _ = await asyncio.gather(
                self._fetch_own_person(user, team, workspace),
                require_app_in_channel(channel, workspace),
                require_person_in_channel(channel, user, workspace),
            )
        await self.dispatcher.repeats.require_new_interaction(str(body.get("trigger_id") or ""))
        reply = await run_interactive(self.answers.subscriptions.save_form, form, channel, person)
        return channel, user, reply

    async def on_digest_choice(
        self, ack: Ack, body: Payload, action: Payload, workspace: SlackWorkspace
    ) -> None:
        """Show the form of another digest of the channel, which was chosen in an open form."""
        await self._acknowledge_first(ack)
        user, view = str(body["user"]["id"]), body["view"]
        async with self._handle_request(workspace, "", None, user, body):
            metadata = self._read_signed_metadata(view, user, workspace)
            channel = self._channel_from_id(metadata.channel, workspace)
            self.dispatcher.fair_use.take_token(Use.LOOK_UP, channel, user)
            name = read_chosen_name(str((action.get("selected_option") or {}).get("value") or ""))
            person = await self._fetch_own_person(user, str(body["user"].get("team_id") or ""), workspace)
            show = self.answers.subscriptions.show_settings
            reply = await run_interactive(show, channel, person, name)
            if not reply.form:
                raise PaperroundError(reply.message.summary)
            note, label = reply.message.summary, metadata.label
            new_view = await self.build_form(reply.form, note, channel, user, workspace, label=label)
            await workspace.client.views_update(view_id=view["id"], hash=view.get("hash"), view=new_view)

    async def on_zone_typed(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Suggest time zones for what a person types in a form; none to one who types too much."""
        place, user = self._channel_from_id("", workspace), str(body["user"]["id"])
        may_ask = self.dispatcher.fair_use.has_token(Use.SUGGESTION, place, user)
        await ack(options=build_zone_options(str(body.get("value") or "")) if may_ask else [])
