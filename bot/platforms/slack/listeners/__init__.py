"""Listeners for Slack's commands, forms, buttons and events: payloads become calls, and results replies."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from slack_bolt.async_app import AsyncApp

from bot.conversation.answers import Answers
from bot.conversation.marks import MarkEmojis
from bot.platforms.interaction import InteractionDispatcher
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.forms import DIGEST_ACTION_ID, FORM_CALLBACK_ID, VALUE_ACTION_ID
from bot.platforms.slack.listeners.buttons import ButtonListeners
from bot.platforms.slack.listeners.commands import CommandListeners
from bot.platforms.slack.listeners.digest_forms import DigestFormListeners
from bot.platforms.slack.listeners.home import HomeListeners
from bot.platforms.slack.listeners.links import LinkListeners
from bot.platforms.slack.listeners.marks import KEYCAP_NAMES, MarkListeners
from bot.platforms.slack.listeners.meeting_forms import MeetingFormListeners
from bot.platforms.slack.listeners.messages import MessageListeners
from bot.platforms.slack.listeners.notes import NoteListeners
from bot.platforms.slack.listeners.paper_forms import PaperFormListeners
from bot.platforms.slack.listeners.presence import PresenceListeners
from bot.platforms.slack.listeners.requests import ANY_NAME, Ack, Payload
from bot.platforms.slack.manifest import MARK_SHORTCUT, NOTE_SHORTCUT
from bot.platforms.slack.meetings import MEETING_CALLBACK_ID
from bot.platforms.slack.questions import QUESTION_CALLBACK_ID
from bot.platforms.slack.reports import REPORT_CALLBACK_ID
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.views import LOOK_UP_ACTION_ID

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SlackListeners:
    """Handles the requests and events of all workspaces, each kind by listeners of its own."""

    answers: Answers
    platform: SlackPlatform
    settings: SlackSettings
    clock: Callable[[], datetime]
    dispatcher: InteractionDispatcher = field(init=False)
    commands: CommandListeners = field(init=False)
    digest_forms: DigestFormListeners = field(init=False)
    meeting_forms: MeetingFormListeners = field(init=False)
    paper_forms: PaperFormListeners = field(init=False)
    buttons: ButtonListeners = field(init=False)
    marks: MarkListeners = field(init=False)
    notes: NoteListeners = field(init=False)
    messages: MessageListeners = field(init=False)
    links: LinkListeners = field(init=False)
    home: HomeListeners = field(init=False)
    presence: PresenceListeners = field(init=False)

    def __post_init__(self) -> None:
        emojis = MarkEmojis(self.settings.mark_emoji, KEYCAP_NAMES)
        self.dispatcher = InteractionDispatcher(
            self.answers, self.platform, emojis, self.clock, confirms_undo=False
        )
        parts = (self.answers, self.platform, self.settings, self.clock, self.dispatcher)
        self.digest_forms = DigestFormListeners(*parts)
        self.meeting_forms = MeetingFormListeners(*parts)
        self.paper_forms = PaperFormListeners(*parts)
        self.commands = CommandListeners(*parts, self.digest_forms, self.meeting_forms)
        self.buttons = ButtonListeners(*parts, self.paper_forms)
        self.marks = MarkListeners(*parts)
        self.notes = NoteListeners(*parts)
        self.messages = MessageListeners(*parts)
        self.links = LinkListeners(*parts)
        self.home = HomeListeners(*parts)
        self.presence = PresenceListeners(*parts)

    def register_handlers(self, app: AsyncApp) -> None:
        """Register a listener for every command, interaction and event in the manifest.

        The last listener takes all other events: Slack would repeat an event that is not acknowledged.
        """
        app.command(self.settings.paper_command)(self.commands.on_paper)
        app.command(self.settings.digest_command)(self.commands.on_digest)
        app.action(LOOK_UP_ACTION_ID)(self.home.on_look_up)
        app.action(DIGEST_ACTION_ID)(self.digest_forms.on_digest_choice)
        app.action(ANY_NAME)(self.buttons.on_button)
        app.options(VALUE_ACTION_ID)(self.digest_forms.on_zone_typed)
        app.view(FORM_CALLBACK_ID)(self.digest_forms.on_form)
        app.view(REPORT_CALLBACK_ID)(self.paper_forms.on_report)
        app.view(QUESTION_CALLBACK_ID)(self.paper_forms.on_question)
        app.view(MEETING_CALLBACK_ID)(self.meeting_forms.on_meeting_form)
        app.view(ANY_NAME)(self._on_other_form)
        app.shortcut(MARK_SHORTCUT)(self.marks.on_shortcut)
        app.shortcut(NOTE_SHORTCUT)(self.notes.on_note_shortcut)
        app.event("reaction_added")(self.marks.on_reaction)
        app.event("reaction_removed")(self.marks.on_reaction)
        app.event("app_mention")(self.messages.on_mention)
        app.event("message")(self.messages.on_message)
        app.event("app_home_opened")(self.home.on_home)
        app.event("link_shared")(self.links.on_links)
        app.event("member_joined_channel")(self.presence.on_bot_joined)
        for channel_kind in ("channel", "group"):
            for change in ("archive", "deleted", "left"):
                app.event(f"{channel_kind}_{change}")(self.presence.on_channel_gone)
            app.event(f"{channel_kind}_unarchive")(self.presence.on_channel_back)
        app.event("app_uninstalled")(self.presence.on_app_removed)
        app.event("tokens_revoked")(self.presence.on_app_removed)
        app.event("team_access_granted")(self.presence.on_team_access)
        app.event("team_access_revoked")(self.presence.on_team_access)
        app.event(ANY_NAME)(self._on_other_event)

    async def _on_other_form(self, ack: Ack) -> None:
        """Acknowledge a form that this version does not open: Slack would show an error without a reason."""
        await ack()

    async def _on_other_event(self, event: Payload) -> None:
        log.debug("event without a listener: %s", event.get("type"))
