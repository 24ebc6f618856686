"""Listeners for Slack's commands, forms, buttons and events: they translate payloads into calls, and reply.

Slack waits three seconds for the acknowledgement of a request. A command or a click is acknowledged before
any work is done, a form after its fields are checked.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bot.chat.message import ButtonAction, Message
from bot.conversation.announce import announce_message
from bot.conversation.answers import Answers
from bot.conversation.command_words import parse_digest_command
from bot.conversation.commands import (
    AddDigest,
    ChangeDigest,
    ExportPerson,
    ForgetPerson,
    Meet,
    ResumeDigest,
    ShowDigestHelp,
    ShowQueue,
    ShowSettings,
    ShowToday,
    ShowTopPapers,
    SubscribeChannel,
)
from bot.conversation.context import Person, Reply
from bot.conversation.fair_use import Use
from bot.conversation.marks import AMBIGUOUS_REACTION, MarkEmojis
from bot.conversation.meeting_form import FORM_WORDS
from bot.conversation.notes import PersonsMessage
from bot.conversation.subscription_form import FormError, SubscriptionForm
from bot.platforms.interaction import Click, InteractionDispatcher, Responder, log_unexpected_error
from bot.platforms.slack.blocks import read_action
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.form_signature import is_form_signed, sign_form
from bot.platforms.slack.forms import (
    DIGEST_ACTION_ID,
    ERROR_CHARACTERS,
    FIRST_FIELD,
    FORM_CALLBACK_ID,
    STALE_FORM,
    VALUE_ACTION_ID,
    FormMetadata,
    build_field_errors,
    build_settings_view,
    build_zone_options,
    read_chosen_name,
    read_fields,
    read_metadata,
)
from bot.platforms.slack.manifest import MARK_SHORTCUT, NOTE_SHORTCUT
from bot.platforms.slack.meetings import (
    FIRST_MEETING_FIELD,
    MEETING_CALLBACK_ID,
    build_meeting_view,
    read_meeting_form,
)
from bot.platforms.slack.membership import (
    is_direct_message,
    require_app_in_channel,
    require_person_in_channel,
    require_writable_channel,
)
from bot.platforms.slack.profiles import Profile
from bot.platforms.slack.questions import (
    QUESTION_CALLBACK_ID,
    QUESTION_FIELD,
    build_question_view,
    read_question,
)
from bot.platforms.slack.replies import ReplySender
from bot.platforms.slack.reports import (
    REASON_FIELD,
    REPORT_CALLBACK_ID,
    build_report_view,
    read_clicked_paper,
    read_report,
)
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.views import (
    LOOK_UP_ACTION_ID,
    build_answer_window,
    build_home_view,
    build_link_card,
)
from bot.platforms.slack.workspaces import SlackWorkspace
from bot.present.help import present_greeting
from bot.present.lookup import remove_share_button
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.errors import PaperroundError
from digests.ids import parse_paper_id
from digests.model import Post
from digests.ports.people import SOMEBODY
from digests.subscription import Channel, Subscription
from digests.text import clip_text

log = logging.getLogger(__name__)

Payload = Mapping[str, Any]
Ack = Callable[..., Awaitable[None]]

KEYCAP_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten")
"""Slack's names of the keycap emojis 1 to 10, in order."""

MAX_LINKS = 5
"""Links of one message that get a card. Our own limit."""

MAX_EVENT_CHARACTERS = 4_000
"""Characters of a message that are read for a look-up."""

_MENTION = re.compile("<@[A-Z0-9]{1,20}>")

_ANY_NAME = re.compile(".*")
"""Pattern of all actions, forms and events."""

CHECK_SECONDS = 2.5
"""Longest time in seconds to check a form's person and channel. Slack waits three for its acknowledgement."""

HEAD_START_SECONDS = 0.05
"""Wait after an acknowledgement. Bolt looks for one every 10 ms, and sends it: in a burst of commands all are
acknowledged before the work on the first ones holds the event loop."""

FOREIGN_PERSON = "Only people of the workspace that Paperround belongs to may change something here."
SLOW_SLACK = "Slack did not answer in time, so nothing was changed: try again."

FOREIGN_READER = "Only people of the workspace that Paperround belongs to may see what it wants to discuss."
UNKNOWN_PERSON = "Slack did not say who you are, so nothing was changed: try again."

LookUpCommand = ShowToday | ShowTopPapers | ShowQueue | ForgetPerson | ExportPerson | ShowDigestHelp
"""Commands that change nothing here. Only people of the workspace get its queue, partners get the others."""


@dataclass(slots=True)
class SlackListeners:
    """Handles the requests and events of all workspaces.

    Bolt passes the workspace of a request to each listener that has a parameter `workspace`.
    """

    answers: Answers
    platform: SlackPlatform
    settings: SlackSettings
    clock: Callable[[], datetime]
    dispatcher: InteractionDispatcher = field(init=False)

    def __post_init__(self) -> None:
        emojis = MarkEmojis(self.settings.mark_emoji, KEYCAP_NAMES)
        self.dispatcher = InteractionDispatcher(
            self.answers, self.platform, emojis, self.clock, confirms_undo=False
        )

    def register_handlers(self, app: AsyncApp) -> None:
        """Register a listener for every command, interaction and event in the manifest.

        The last listener takes all other events: Slack would repeat an event that is not acknowledged.
        """
        app.command(self.settings.paper_command)(self._on_paper)
        app.command(self.settings.digest_command)(self._on_digest)
        app.action(LOOK_UP_ACTION_ID)(self._on_look_up)
        app.action(DIGEST_ACTION_ID)(self._on_digest_choice)
        app.action(_ANY_NAME)(self._on_button)
        app.options(VALUE_ACTION_ID)(self._on_zone_typed)
        app.view(FORM_CALLBACK_ID)(self._on_form)
        app.view(REPORT_CALLBACK_ID)(self._on_report)
        app.view(QUESTION_CALLBACK_ID)(self._on_question)
        app.view(MEETING_CALLBACK_ID)(self._on_meeting_form)
        app.view(_ANY_NAME)(self._on_other_form)
        app.shortcut(MARK_SHORTCUT)(self._on_shortcut)
        app.shortcut(NOTE_SHORTCUT)(self._on_note_shortcut)
        app.event("reaction_added")(self._on_reaction)
        app.event("reaction_removed")(self._on_reaction)
        app.event("app_mention")(self._on_mention)
        app.event("message")(self._on_message)
        app.event("app_home_opened")(self._on_home)
        app.event("link_shared")(self._on_links)
        app.event("member_joined_channel")(self._on_bot_joined)
        for channel_kind in ("channel", "group"):
            for change in ("archive", "deleted", "left"):
                app.event(f"{channel_kind}_{change}")(self._on_channel_gone)
            app.event(f"{channel_kind}_unarchive")(self._on_channel_back)
        app.event("app_uninstalled")(self._on_app_removed)
        app.event("tokens_revoked")(self._on_app_removed)
        app.event("team_access_granted")(self._on_team_access)
        app.event("team_access_revoked")(self._on_team_access)
        app.event(_ANY_NAME)(self._on_other_event)

    # Commands.

    async def _on_paper(self, ack: Ack, command: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        channel, user = self._channel_from_id(command["channel_id"], workspace), command["user_id"]
        async with self._handle_request(workspace, command["response_url"]) as respond:

            async def is_own_person() -> bool:
                profile = await workspace.profiles.fetch_profile(user)
                return workspace.team_id in profile.team_ids

            text = command.get("text", "")
            await self.dispatcher.look_up_paper(text, channel, user, respond, is_own_person=is_own_person)

    async def _on_digest(self, ack: Ack, command: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        requester = str(command["user_id"])
        async with self._handle_request(workspace, command["response_url"], user=requester) as respond:
            channel = self._channel_from_id(command["channel_id"], workspace)
            user, text = command["user_id"], command.get("text", "")
            parsed = parse_digest_command(text, self.settings.digest_command)

            async def fetch_person() -> Person:
                if isinstance(parsed, LookUpCommand):
                    profile = await workspace.profiles.fetch_profile(user)
                    if isinstance(parsed, ShowQueue):
                        _require_own_person(profile, "", workspace, FOREIGN_READER)
                    return profile.person
                person = await self._fetch_own_person(user, "", workspace)
                if isinstance(
                    parsed, SubscribeChannel | AddDigest | ChangeDigest | ShowSettings | ResumeDigest
                ):
                    await require_app_in_channel(channel, workspace)
                return person

            if isinstance(parsed, Meet) and parsed.words.lower() in FORM_WORDS:
                await self._open_meeting_form(channel, command, workspace, fetch_person)
                return
            trigger = str(command.get("trigger_id") or "")
            reply = await self.dispatcher.run_digest_command(text, channel, user, trigger, fetch_person)
            if reply.form:
                label = "" if channel.is_direct else command.get("channel_name", "")
                note = reply.message.summary
                view = await self._build_form(reply.form, note, channel, user, workspace, label=label)
                try:
                    await workspace.client.views_open(trigger_id=command["trigger_id"], view=view)
                    return
                except SlackApiError as error:
                    log.warning("a form could not be opened: %s", error)
            await self.dispatcher.send_reply(reply, channel, user, respond)

    async def _build_form(
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
        return build_settings_view(
            form,
            channel_id=channel.channel,
            channel_name=label,
            exists=form.name in names,
            signature=sign_form(workspace.token, workspace.team_id, user, channel.channel),
            note=note,
            names=names,
        )

    def _list_names(self, channel: Channel) -> list[str]:
        return [each.name for each in self.answers.store.subscriptions.list_of_channel(channel)]

    def _has_digest(self, channel: Channel) -> bool:
        return bool(self.answers.store.subscriptions.list_of_channel(channel))

    async def _fetch_own_person(self, user: str, team: str, workspace: SlackWorkspace) -> Person:
        """Return a person of the workspace, with the rights of this moment.

        Raises PaperroundError for one of another workspace. `team` is the person's workspace in the request,
        or empty; what Slack says of the person counts first.
        """
        profile = await workspace.profiles.fetch_profile(user, is_fresh=True)
        _require_own_person(profile, team, workspace, FOREIGN_PERSON)
        return profile.person

    # Forms.

    async def _on_form(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
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
        await self.dispatcher.require_new_interaction(str(body.get("trigger_id") or ""))
        reply = await run_interactive(self.answers.subscriptions.save_form, form, channel, person)
        return channel, user, reply

    def _read_signed_metadata(self, view: Payload, user: str, workspace: SlackWorkspace) -> FormMetadata:
        """Return the metadata of a form that was opened for this person. Raises PaperroundError."""
        metadata = read_metadata(view)
        if not is_form_signed(metadata.signature, workspace.token, workspace.team_id, user, metadata.channel):
            raise PaperroundError(STALE_FORM)
        return metadata

    async def _on_digest_choice(
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
            new_view = await self._build_form(reply.form, note, channel, user, workspace, label=label)
            await workspace.client.views_update(view_id=view["id"], hash=view.get("hash"), view=new_view)

    async def _on_zone_typed(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Suggest time zones for what a person types in a form; none to one who types too much."""
        place, user = self._channel_from_id("", workspace), str(body["user"]["id"])
        may_ask = self.dispatcher.fair_use.has_token(Use.SUGGESTION, place, user)
        await ack(options=build_zone_options(str(body.get("value") or "")) if may_ask else [])

    async def _on_other_form(self, ack: Ack) -> None:
        """Acknowledge a form that this version does not open: Slack would show an error without a reason."""
        await ack()

    # Meetings.

    async def _open_meeting_form(
        self,
        channel: Channel,
        command: Payload,
        workspace: SlackWorkspace,
        fetch_person: Callable[[], Awaitable[Person]],
    ) -> None:
        """Open the modal of a channel's meetings for the person who gave a command."""
        user = str(command["user_id"])
        form = await self.dispatcher.open_meeting_form(channel, user, fetch_person)
        signature = sign_form(workspace.token, workspace.team_id, user, channel.channel)
        view = build_meeting_view(
            form,
            channel_id=channel.channel,
            channel_name=str(command.get("channel_name") or ""),
            signature=signature,
        )
        await workspace.client.views_open(trigger_id=command["trigger_id"], view=view)

    async def _on_meeting_form(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Save a submitted plan of meetings, and announce it. Errors stand at their fields."""
        user = str(body["user"]["id"])
        try:
            channel, reply = await self._save_meeting_form(body, workspace)
        except FormError as error:
            problems = build_field_errors(error)
        except PaperroundError as error:
            problems = {FIRST_MEETING_FIELD: clip_text(str(error), ERROR_CHARACTERS)}
        except TimeoutError:
            problems = {FIRST_MEETING_FIELD: SLOW_SLACK}
        except Exception:
            problems = {FIRST_MEETING_FIELD: log_unexpected_error()}
        else:
            await ack()
            async with self._handle_request(workspace, "", channel, user) as respond:
                await self.dispatcher.send_reply(reply, channel, user, respond)
            return
        await ack(response_action="errors", errors=problems)

    async def _save_meeting_form(self, body: Payload, workspace: SlackWorkspace) -> tuple[Channel, Reply]:
        """Save a submitted plan of meetings, and return its channel with the reply.

        Raises as `_save_form` does.
        """
        user, view = str(body["user"]["id"]), body["view"]
        metadata, form = self._read_signed_metadata(view, user, workspace), read_meeting_form(view)
        channel, team = (
            self._channel_from_id(metadata.channel, workspace),
            str(body["user"].get("team_id") or ""),
        )

        async def fetch_person() -> Person:
            async with asyncio.timeout(CHECK_SECONDS):
                await require_person_in_channel(channel, user, workspace)
                return await self._fetch_own_person(user, team, workspace)

        trigger = str(body.get("trigger_id") or "")
        return channel, await self.dispatcher.save_meeting_form(form, channel, user, trigger, fetch_person)

    # Buttons.

    async def _on_button(self, ack: Ack, body: Payload, action: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        action_name, value = read_action(
            str(action.get("action_id", "")),
            str(action.get("value") or (action.get("selected_option") or {}).get("value") or ""),
        )
        channel_id = (body.get("channel") or {}).get("id", "")
        channel = self._channel_from_id(channel_id, workspace)
        user = body["user"]["id"]
        async with self._handle_request(
            workspace, body.get("response_url", ""), channel, user, body
        ) as respond:
            if action_name == ButtonAction.REPORT:
                await self._open_report(value, channel, user, body, workspace)
                return
            if action_name == ButtonAction.ASK:
                await self._open_question(value, channel, user, body, workspace)
                return
            team = str(body["user"].get("team_id") or "")

            async def fetch_person() -> Person:
                person = await self._fetch_own_person(user, team, workspace)
                if action_name == ButtonAction.SHARE:
                    await require_writable_channel(channel, user, workspace)
                return person

            async def is_own_person() -> bool:
                profile = await workspace.profiles.fetch_profile(user)
                return workspace.team_id in (profile.team_ids or {team})

            trigger = str(body.get("trigger_id") or "")
            await self.dispatcher.handle_click(
                Click(action_name, value, channel, user, trigger, fetch_person, is_own_person), respond
            )

    # Reports about a review.

    async def _open_report(
        self, value: str, channel: Channel, user: str, body: Payload, workspace: SlackWorkspace
    ) -> None:
        """Open the modal about a paper's review, on top of the modal that the click came from, if any."""
        paper, stance = read_clicked_paper(value)
        form = await self.dispatcher.open_report(paper, channel, user)
        await _open_modal(build_report_view(form, stance), body, workspace)

    async def _on_report(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Keep a submitted report, and show the answer in the place of the modal.

        The modal needs no signature: everybody in the workspace may report about every paper. Errors go into
        the acknowledgement, so that Slack shows them under the reason.
        """
        user = body["user"]
        home = self._channel_from_id("", workspace)

        async def fetch_person() -> Person:
            return await self._fetch_own_person(user["id"], str(user.get("team_id") or ""), workspace)

        try:
            fields, trigger = read_report(body["view"]), str(body.get("trigger_id") or "")
            async with asyncio.timeout(CHECK_SECONDS):
                answer = await self.dispatcher.save_report(fields, home, user["id"], trigger, fetch_person)
        except PaperroundError as error:
            problem = clip_text(str(error), ERROR_CHARACTERS)
        except TimeoutError:
            problem = SLOW_SLACK
        except Exception:
            problem = log_unexpected_error()
        else:
            await ack(response_action="update", view=build_answer_window(answer))
            return
        await ack(response_action="errors", errors={REASON_FIELD: problem})

    # Questions about a paper.

    async def _open_question(
        self, paper: str, channel: Channel, user: str, body: Payload, workspace: SlackWorkspace
    ) -> None:
        """Open the modal for a question about a paper."""
        form = await self.dispatcher.open_question(paper, channel, user)
        await _open_modal(build_question_view(form), body, workspace)

    async def _on_question(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Answer a question in the place of its modal. Errors stand under the field."""
        home, user = self._channel_from_id("", workspace), str(body["user"]["id"])
        try:
            paper, text = read_question(body["view"])
            async with asyncio.timeout(CHECK_SECONDS):
                answer = await self.dispatcher.answer_question(paper, text, home, user)
        except PaperroundError as error:
            problem = clip_text(str(error), ERROR_CHARACTERS)
        except TimeoutError:
            problem = "The answer took too long: try again."
        except Exception:
            problem = log_unexpected_error()
        else:
            await ack(response_action="update", view=build_answer_window(answer))
            return
        await ack(response_action="errors", errors={QUESTION_FIELD: problem})

    async def _on_look_up(self, ack: Ack, body: Payload, action: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        home, user = self._channel_from_id("", workspace), body["user"]["id"]
        async with self._handle_request(workspace, "", None, user, body) as respond:
            await self.dispatcher.look_up_paper(str(action.get("value") or ""), home, user, respond)

    # Marks.

    async def _on_shortcut(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        user, message = body["user"]["id"], body["message"]
        channel = self._channel_from_id(body["channel"]["id"], workspace)
        async with self._handle_request(workspace, body.get("response_url", ""), channel, user) as respond:
            receipt, text = str(message.get("ts", "")), str(message.get("text", ""))
            trigger = str(body.get("trigger_id") or "")
            await self.dispatcher.toggle_mark_on_message(channel, receipt, text, user, trigger, respond)

    async def _on_note_shortcut(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Keep the message of a menu as a note about the paper of its thread, or of its text."""
        await self._acknowledge_first(ack)
        user, message = body["user"], body["message"]
        channel = self._channel_from_id(body["channel"]["id"], workspace)
        response_url, team = body.get("response_url", ""), str(user.get("team_id") or "")
        async with self._handle_request(workspace, response_url, channel, user["id"]) as respond:
            receipt, above = str(message.get("ts", "")), str(message.get("thread_ts") or "")
            is_of_bot = message.get("bot_id") or message.get("user") == workspace.bot_user
            kept = PersonsMessage(
                channel,
                receipt,
                [above] if above != receipt else [],
                "" if is_of_bot else str(message.get("user") or ""),
                _MENTION.sub(SOMEBODY, str(message.get("text") or "")[:MAX_EVENT_CHARACTERS]),
            )

            async def fetch_person() -> Person:
                return await self._fetch_own_person(user["id"], team, workspace)

            trigger = str(body.get("trigger_id") or "")
            await self.dispatcher.keep_message(kept, user["id"], trigger, fetch_person, respond)

    async def _on_reaction(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        item, emoji, user = event.get("item") or {}, str(event.get("reaction", "")), event["user"]
        if item.get("type") != "message" or not self.dispatcher.emojis.may_be_mark(emoji):
            return
        async with self._handle_request(workspace):
            channel = self._channel_from_id(item["channel"], workspace)

            async def reconcile_marks() -> None:
                if post := await run_interactive(self.answers.store.posts.find, channel, item["ts"]):
                    await self.dispatcher.mark_handler.reconcile_post(post, self._fetch_reactions)

            if not self.dispatcher.takes_reaction(channel, item["ts"], user, reconcile_marks):
                return
            if not await self._is_new_event(body):
                return
            is_added, at = event["type"] == "reaction_added", _parse_timestamp(event["event_ts"])
            if not await self.dispatcher.mark_handler.apply_reaction(
                channel, item["ts"], emoji, user, is_added=is_added, at=at
            ):
                await ReplySender(workspace.client).post_ephemeral(
                    channel, user, present_sentence(AMBIGUOUS_REACTION)
                )

    async def catch_up(self) -> None:
        """Reconcile the marks of the newest posts with their reactions, after a time without a connection."""
        await self.dispatcher.mark_handler.reconcile_recent_posts(self._fetch_reactions)

    async def _fetch_reactions(self, post: Post) -> dict[str, frozenset[str]]:
        """Return the ids of the people by the name of their reaction.

        The app's own reactions are left out.
        """
        workspace = await self.platform.workspaces.find(post.channel.workspace)
        answer = await workspace.client.reactions_get(
            channel=post.channel.channel, timestamp=post.message_id, full=True
        )
        reactions = (answer.get("message") or {}).get("reactions", [])
        return {
            reaction["name"]: frozenset(reaction["users"]) - {workspace.bot_user} for reaction in reactions
        }

    # Other events.

    async def _on_mention(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        async with self._handle_request(workspace):
            channel = self._channel_from_id(event["channel"], workspace)
            words = _MENTION.sub(" ", str(event.get("text", ""))[:MAX_EVENT_CHARACTERS])

            async def respond(message: Message, *, replace: bool = False) -> None:
                await ReplySender(workspace.client).post_ephemeral(
                    channel, event["user"], message, thread=event.get("thread_ts")
                )

            event_id, above = str(body.get("event_id", "")), str(event.get("thread_ts") or "")
            await self.dispatcher.answer_mention(words, channel, event["user"], event_id, respond, [above])

    async def _on_message(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        """Handle a message that a person wrote to the app, or in a thread of a channel."""
        is_of_bot = event.get("bot_id") or event.get("user") in (None, "", workspace.bot_user)
        if is_of_bot or event.get("subtype") not in (None, "thread_broadcast"):
            return
        if event.get("channel_type") == "im":
            await self._on_direct_message(event, body, workspace)
        elif event.get("thread_ts") not in (None, event.get("ts")):
            await self._on_thread_message(event, workspace)

    async def _on_thread_message(self, event: Payload, workspace: SlackWorkspace) -> None:
        """Answer a question in a thread below one of our cards, to the person alone.

        A message with a mention is for those whom it names; one of the app is an event of its own.
        """
        text = str(event.get("text", ""))[:MAX_EVENT_CHARACTERS]
        if "<@" in text or "<!" in text:
            return
        async with self._handle_request(workspace):
            channel = self._channel_from_id(str(event["channel"]), workspace)
            user, thread = str(event["user"]), str(event["thread_ts"])

            async def respond(message: Message, *, replace: bool = False) -> None:
                await ReplySender(workspace.client).post_ephemeral(channel, user, message, thread=thread)

            message_id = f"slack message {channel} {event.get('ts')}"
            await self.dispatcher.answer_in_thread(text, channel, user, message_id, respond, thread)

    async def _on_direct_message(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        """Look up the text of a direct message as /paper does, without the workspace's marks and digests.

        A number is that of the person's own digest.
        """
        async with self._handle_request(workspace):
            if not await self._is_new_event(body):
                return
            direct = self._channel_from_id(str(event["channel"]), workspace)

            async def respond(message: Message, *, replace: bool = False) -> None:
                await ReplySender(workspace.client).post_message(direct, remove_share_button(message))

            async with self.dispatcher.explain_errors(respond):
                text = _MENTION.sub(" ", str(event.get("text", ""))[:MAX_EVENT_CHARACTERS])
                place = direct if direct.is_direct else self._channel_from_id("", workspace)
                above = [str(event.get("thread_ts") or "")]
                await self.dispatcher.look_up_paper(text, place, event["user"], respond, above)

    async def _on_home(self, event: Payload, workspace: SlackWorkspace) -> None:
        if event.get("tab") != "home":
            return
        async with self._handle_request(workspace):
            home = self._channel_from_id("", workspace)
            self.dispatcher.fair_use.take_token(Use.LOOK_UP, home, event["user"])
            person = await workspace.profiles.fetch_person(event["user"])
            message = await run_interactive(
                self.answers.queue.show_home, self.platform.name, workspace.team_id, person
            )
            summary = await run_interactive(self.answers.operator.show_summary, home, person)
            subscriptions = await self._list_subscriptions(workspace, event["user"])
            view = build_home_view(message, subscriptions, self.settings.digest_command, summary)
            await workspace.client.views_publish(user_id=event["user"], view=view)

    async def _list_subscriptions(self, workspace: SlackWorkspace, user: str) -> list[Subscription]:
        """Return the digests of a workspace's channels, and the person's own in direct messages.

        A channel of the settings that names no workspace is in the only one.
        """
        listed = await run_interactive(self.answers.store.subscriptions.list_active)
        is_only = len(await self.platform.workspaces.list_team_ids()) == 1
        own = {workspace.team_id, ""} if is_only else {workspace.team_id}
        return [
            subscription
            for subscription in listed
            if subscription.channel.platform == self.platform.name
            and (not subscription.channel.is_direct or subscription.owner_id == user)
            and subscription.channel.workspace in own
        ]

    async def _on_links(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        if not self.settings.unfurl_arxiv:
            return
        async with self._handle_request(workspace):
            channel = self._channel_from_id(str(event.get("channel", "")), workspace)
            self.dispatcher.fair_use.take_token(Use.LINK, channel, str(event.get("user", "")))
            if not await self._is_new_event(body):
                return
            unfurls = {}
            for link in event.get("links", [])[:MAX_LINKS]:
                reference = parse_paper_id(link["url"])
                message = (
                    await run_interactive(self.answers.lookup.unfurl_paper, reference.id)
                    if reference
                    else None
                )
                if message:
                    unfurls[link["url"]] = {"blocks": build_link_card(message)}
            if unfurls:
                target = (
                    {"unfurl_id": event["unfurl_id"], "source": event["source"]}
                    if event.get("unfurl_id")
                    else {"channel": event["channel"], "ts": event["message_ts"]}
                )
                await workspace.client.api_call("chat.unfurl", json={**target, "unfurls": unfurls})

    async def _on_bot_joined(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        if event.get("user") != workspace.bot_user:
            return
        async with self._handle_request(workspace):
            channel = self._channel_from_id(event["channel"], workspace)
            if not await self._is_new_event(body):
                return
            if await self.dispatcher.start_digest(channel):
                return
            if not await run_interactive(self._has_digest, channel):
                greeting = present_greeting(self.settings.paper_command, self.settings.digest_command)
                await announce_message(greeting, channel, self.platform)

    async def _on_channel_gone(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        async with self._handle_request(workspace):
            if not await self._is_new_event(body):
                return
            channel = self._channel_from_id(_channel_id_of(event), workspace)
            reasons = {"archive": "the channel was archived.", "deleted": "the channel was deleted."}
            reason = reasons.get(
                str(event["type"]).partition("_")[2], "Paperround was removed from the channel."
            )
            list_of_channel = self.answers.store.subscriptions.list_of_channel
            await self.dispatcher.stop_subscriptions(await run_interactive(list_of_channel, channel), reason)

    async def _on_channel_back(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        async with self._handle_request(workspace):
            if not await self._is_new_event(body):
                return
            channel = self._channel_from_id(_channel_id_of(event), workspace)
            await self.dispatcher.start_digest(channel)

    async def _on_app_removed(self, event: Payload, body: Payload) -> None:
        tokens = event.get("tokens")
        if tokens and not tokens.get("bot"):
            return  # A person's own token was revoked, and the app uses none.
        team_id = str(body.get("team_id") or body.get("enterprise_id") or "")
        at = datetime.fromtimestamp(int(body.get("event_time") or 0), UTC)
        if not await self.platform.workspaces.record_removal(team_id, str(event["type"]), at):
            return
        record = self.answers.store.workspaces.record_removal
        await self.dispatcher.run_logged(
            run_interactive(record, self.platform.name, [team_id] if team_id else [], now=self.clock())
        )

    async def _on_team_access(self, event: Payload, body: Payload) -> None:
        """Follow the admins of an organization, who add the app to its workspaces and take it away."""
        organization = str(body.get("enterprise_id") or "")
        team_ids = [str(team) for team in event.get("team_ids") or ()]
        is_granted = event["type"] == "team_access_granted"
        await self.dispatcher.run_logged(
            self.platform.workspaces.record_team_access(organization, team_ids, is_granted)
        )

    async def record_presence(self) -> None:
        """Record that the app is in its workspaces: its tokens count. Errors are logged."""

        async def record() -> None:
            team_ids = await self.platform.workspaces.list_team_ids()
            await run_interactive(self.answers.store.workspaces.record_return, self.platform.name, team_ids)

        await self.dispatcher.run_logged(record())

    async def _on_other_event(self, event: Payload) -> None:
        log.debug("event without a listener: %s", event.get("type"))

    # Used by all listeners.

    def _channel_from_id(self, channel_id: str, workspace: SlackWorkspace) -> Channel:
        is_direct = is_direct_message(channel_id)
        return Channel(self.platform.name, channel_id, workspace.team_id, is_direct)

    async def _is_new_event(self, body: Payload) -> bool:
        """Record the event, and return True if it is new: Slack may send an event twice."""
        event = str(body.get("event_id", ""))
        return not event or await run_interactive(
            self.answers.store.events.record_once, event, now=self.clock()
        )

    async def _acknowledge_first(self, ack: Ack) -> None:
        """Acknowledge a request before its work begins. From then on, shutdown waits for that work."""
        with self.dispatcher.track_task():
            await acknowledge_first(ack)

    @asynccontextmanager
    async def _handle_request(
        self,
        workspace: SlackWorkspace,
        response_url: str = "",
        channel: Channel | None = None,
        user: str = "",
        body: Payload | None = None,
    ) -> AsyncIterator[Responder]:
        """Yield a function that replies to the person, for the work of one request.

        The reply goes to `response_url`, or to `channel` for the person alone. Without both, `body` opens a
        window; an event has none of them, and its reply is dropped. An error in the block becomes a reply,
        and is not raised. Shutdown waits for the block, up to a limit.
        """
        replies = ReplySender(workspace.client)

        async def respond(message: Message, *, replace: bool = False) -> None:
            if body and not response_url and not (channel and channel.channel):
                await replies.open_window(body, message)
            else:
                await replies.send_response(response_url, channel, user, message, replace=replace)

        with self.dispatcher.track_task():
            try:
                async with self.dispatcher.explain_errors(respond):
                    yield respond
            except Exception:
                log.exception("an answer could not be given")


async def _open_modal(view: Payload, body: Payload, workspace: SlackWorkspace) -> None:
    """Open a modal, on top of the modal that the click came from, if any."""
    is_from_modal = (body.get("view") or {}).get("type") == "modal"
    show = workspace.client.views_push if is_from_modal else workspace.client.views_open
    await show(trigger_id=body["trigger_id"], view=dict(view))


def _require_own_person(profile: Profile, team: str, workspace: SlackWorkspace, refusal: str) -> None:
    """Raise PaperroundError, with the sentence `refusal`, for a person of another workspace.

    People of a partner share a channel, not the workspace. `team` counts if Slack did not say of which
    workspaces the person is; without both the person is refused too.
    """
    teams = profile.team_ids or {team} - {""}
    if not teams:
        raise PaperroundError(UNKNOWN_PERSON)
    if workspace.team_id not in teams:
        raise PaperroundError(refusal)


async def acknowledge_first(ack: Ack) -> None:
    """Acknowledge a request, and let Bolt send that before its work begins."""
    await ack()
    await asyncio.sleep(HEAD_START_SECONDS)


def _channel_id_of(event: Payload) -> str:
    """Return the channel's id, which some events give alone and others within an object."""
    channel = event.get("channel", "")
    return str(channel.get("id", "")) if isinstance(channel, dict) else str(channel)


def _parse_timestamp(ts: str) -> datetime:
    """Convert a timestamp of Slack, such as "1700000000.000200", to a datetime in UTC."""
    return datetime.fromtimestamp(float(ts), UTC)
