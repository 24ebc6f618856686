"""Listeners for Discord's interactions and messages: they translate payloads into calls, and reply."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.conversation.answers import Answers
from bot.conversation.marks import MarkEmojis
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.events import normalize_emoji
from bot.platforms.discord.listeners.buttons import ButtonListeners
from bot.platforms.discord.listeners.commands import CommandListeners
from bot.platforms.discord.listeners.digest_forms import DigestFormListeners
from bot.platforms.discord.listeners.forms import FormListeners
from bot.platforms.discord.listeners.meeting_forms import MeetingFormListeners
from bot.platforms.discord.listeners.menus import MenuListeners
from bot.platforms.discord.listeners.messages import MessageListeners
from bot.platforms.discord.listeners.paper_forms import PaperFormListeners
from bot.platforms.discord.render import KEYCAPS
from bot.platforms.discord.servers import MemberCheck, ServedServers
from bot.platforms.discord.settings import DiscordSettings
from bot.platforms.interaction import InteractionDispatcher


@dataclass(slots=True)
class DiscordListeners:
    """Handles people's interactions and messages, independent of the connection by which they arrive."""

    answers: Answers
    platform: DiscordPlatform
    settings: DiscordSettings
    clock: Callable[[], datetime]
    dispatcher: InteractionDispatcher = field(init=False)
    servers: ServedServers = field(init=False)
    members: MemberCheck = field(init=False)
    commands: CommandListeners = field(init=False)
    digest_forms: DigestFormListeners = field(init=False)
    meeting_forms: MeetingFormListeners = field(init=False)
    paper_forms: PaperFormListeners = field(init=False)
    forms: FormListeners = field(init=False)
    buttons: ButtonListeners = field(init=False)
    messages: MessageListeners = field(init=False)
    menus: MenuListeners = field(init=False)

    def __post_init__(self) -> None:
        emojis = MarkEmojis(normalize_emoji(self.settings.mark_emoji), tuple(map(normalize_emoji, KEYCAPS)))
        self.dispatcher = InteractionDispatcher(
            self.answers, self.platform, emojis, self.clock, confirms_undo=True
        )
        self.servers = ServedServers(self.answers.store, frozenset(self.settings.servers), self.clock)
        self.members = MemberCheck(self.platform, self.servers)
        places = self.servers, self.members
        parts = (self.answers, self.platform, self.settings, self.clock, self.dispatcher, *places)
        self.digest_forms = DigestFormListeners(*parts)
        self.meeting_forms = MeetingFormListeners(*parts)
        self.paper_forms = PaperFormListeners(*parts)
        self.forms = FormListeners(*parts, self.digest_forms, self.meeting_forms, self.paper_forms)
        self.commands = CommandListeners(*parts, self.digest_forms)
        self.buttons = ButtonListeners(*parts, self.digest_forms, self.paper_forms)
        self.messages = MessageListeners(*parts)
        self.menus = MenuListeners(*parts)
