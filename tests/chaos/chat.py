"""A chat service for a chaos test: the messages in its channels are the truth."""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from random import Random
from typing import Protocol

from digests.subscription import Channel, DigestStyle
from tests.fakes import discord
from tests.fakes.slack import FakeSlack, SlackFault

HANG_SECONDS = 3600.0

PAPER = re.compile(r"Paper (\d{4}\.\d{5})")


class ChatFault(StrEnum):
    """Failure of a call, on any platform."""

    RATE_LIMITED = "429"
    SERVER_ERROR = "500, nothing done"
    SERVER_ERROR_AFTER = "500 after it was done"
    DROP_AFTER = "dropped after it was done"
    SLOW_AFTER = "done, and answered too late"
    SLOW_BEFORE = "done when nobody waits any more"


PagePapers = tuple[str, ...]
"""A message as the ids of its papers, in order."""


class ChatService(Protocol):
    """One platform, with channels to post in."""

    @property
    def settings(self) -> str:
        """Return its part of the settings file."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """Return its part of the environment."""

    def add_channel(self, *, special: bool = False) -> Channel:
        """Create a channel, of the platform's special kind if it has one."""

    def pages_in(self, channel: Channel) -> list[PagePapers]:
        """Return the messages of a channel, oldest first."""

    def list_protocol_errors(self) -> list[str]:
        """Return the requests that the service rejected as invalid."""

    def set_fault_rates(self, rates: Mapping[ChatFault, float], random: Random) -> None:
        """Make calls fail from now on, each failure in a percentage of the calls that post or search."""

    def slow_down(self, *, latency: float = 0.0, history_lag: float = 0.0, late_seconds: float = 3.0) -> None:
        """Delay answers in real seconds, and the history in seconds of the cluster's clock."""

    def lose_next_answer(self, channel: Channel, *, is_posted: bool) -> None:
        """Drop the connection of the next post to a channel, after its effect or without one."""

    def hang_next_post(self, channel: Channel) -> None:
        """Let the next post to a channel wait, without an effect, for longer than a scenario takes."""

    def write_message(self, channel: Channel) -> None:
        """Post a message of a person."""

    def close_channel(self, channel: Channel) -> None:
        """Delete a channel."""


def papers_of_message(message: object) -> PagePapers:
    return tuple(dict.fromkeys(PAPER.findall(json.dumps(message))))


def expected_pages(papers: list[str], style: DigestStyle, *, is_special: bool = False) -> list[PagePapers]:
    """Return the pages of one digest. In a forum, a special channel, the header is above the first card."""
    cards: list[PagePapers] = [(paper,) for paper in papers]
    match style:
        case DigestStyle.CARDS:
            return cards if is_special else [(), *cards]
        case DigestStyle.COMPACT:
            return [tuple(papers)]
        case DigestStyle.THREAD:
            return [tuple(papers), *cards]


_SLACK_FAULTS = {
    ChatFault.RATE_LIMITED: SlackFault.RATE_LIMITED,
    ChatFault.SERVER_ERROR: SlackFault.SERVER_ERROR,
    ChatFault.SERVER_ERROR_AFTER: SlackFault.SERVER_ERROR_AFTER,
    ChatFault.DROP_AFTER: SlackFault.DROP_AFTER,
    ChatFault.SLOW_AFTER: SlackFault.SLOW_AFTER,
    ChatFault.SLOW_BEFORE: SlackFault.SLOW_BEFORE,
}


class SlackChat:
    """Implements `Chat`."""

    def __init__(self, slack: FakeSlack) -> None:
        self.slack = slack

    @property
    def settings(self) -> str:
        return f'[platforms.slack]\napi_base_url = "{self.slack.url}"\n'

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"SLACK_BOT_TOKEN": self.slack.bot_token, "SLACK_APP_TOKEN": self.slack.app_token}

    def add_channel(self, *, special: bool = False) -> Channel:
        name = f"n{len(self.slack.channels) + 1}"
        return Channel("slack", self.slack.add_channel(name), self.slack.team_id)

    def pages_in(self, channel: Channel) -> list[PagePapers]:
        own_messages = (
            one for one in self.slack.messages_in(channel.channel) if one["user"] == self.slack.bot_user
        )
        return [papers_of_message(message["blocks"]) for message in own_messages]

    def list_protocol_errors(self) -> list[str]:
        return self.slack.protocol_errors

    def set_fault_rates(self, rates: Mapping[ChatFault, float], random: Random) -> None:
        def draw_slack_fault(method: str) -> SlackFault | None:
            if method not in ("chat.postMessage", "conversations.history", "conversations.replies"):
                return None
            fault = draw_fault(rates, random)
            return _SLACK_FAULTS[fault] if fault else None

        self.slack.default_fault = draw_slack_fault

    def slow_down(self, *, latency: float = 0.0, history_lag: float = 0.0, late_seconds: float = 3.0) -> None:
        self.slack.latency, self.slack.history_lag, self.slack.late_seconds = (
            latency,
            history_lag,
            late_seconds,
        )

    def lose_next_answer(self, channel: Channel, *, is_posted: bool) -> None:
        fault = SlackFault.DROP_AFTER if is_posted else SlackFault.DROP_BEFORE
        self.slack.fail_next("chat.postMessage", fault, channel=channel.channel)

    def hang_next_post(self, channel: Channel) -> None:
        self.slack.late_seconds = HANG_SECONDS
        self.slack.fail_next("chat.postMessage", SlackFault.SLOW_BEFORE, channel=channel.channel)

    def write_message(self, channel: Channel) -> None:
        self.slack.write_message("UADA", channel.channel, "Hm.")

    def close_channel(self, channel: Channel) -> None:
        self.slack.channels[channel.channel].is_archived = True


_DISCORD_FAULTS = {
    ChatFault.RATE_LIMITED: discord.DiscordFault.RATE_LIMITED,
    ChatFault.SERVER_ERROR: discord.DiscordFault.SERVER_ERROR,
    ChatFault.SERVER_ERROR_AFTER: discord.DiscordFault.SERVER_ERROR_AFTER,
    ChatFault.DROP_AFTER: discord.DiscordFault.DROP_AFTER,
    ChatFault.SLOW_AFTER: discord.DiscordFault.SLOW_AFTER,
    ChatFault.SLOW_BEFORE: discord.DiscordFault.SLOW_BEFORE,
}


class DiscordChat:
    """Implements `Chat`. Its special channels are forums."""

    def __init__(self, server: discord.FakeDiscord) -> None:
        self.discord = server
        self.guild = server.add_guild("The lab")
        self.person = server.add_user("ada")

    @property
    def settings(self) -> str:
        return (
            f'[platforms.discord]\napi_base_url = "{self.discord.url}"\n'
            f'gateway_url = "{self.discord.gateway_url}"\n'
        )

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"DISCORD_TOKEN": self.discord.token}

    def add_channel(self, *, special: bool = False) -> Channel:
        kind = discord.FORUM if special else discord.TEXT
        name = f"n{len(self.discord.channels) + 1}"
        return Channel("discord", self.discord.add_channel(name, kind, guild=self.guild), self.guild)

    def pages_in(self, channel: Channel) -> list[PagePapers]:
        found = list(self.discord.messages_in(channel.channel))
        for thread in self.discord.threads_of(channel.channel):
            thread_start = next(
                (place for place, one in enumerate(found, start=1) if one["id"] == thread.id), len(found)
            )
            found[thread_start:thread_start] = thread.messages
        return [papers_of_message(one) for one in found if one["author"]["id"] == self.discord.bot_user]

    def list_protocol_errors(self) -> list[str]:
        return self.discord.protocol_errors

    def set_fault_rates(self, rates: Mapping[ChatFault, float], random: Random) -> None:
        def draw_discord_fault(name: str) -> discord.DiscordFault | None:
            fault = (
                draw_fault(rates, random) if name in ("create message", "create post", "history") else None
            )
            return _DISCORD_FAULTS[fault] if fault else None

        self.discord.default_fault = draw_discord_fault

    def slow_down(self, *, latency: float = 0.0, history_lag: float = 0.0, late_seconds: float = 3.0) -> None:
        self.discord.latency, self.discord.history_lag, self.discord.late_seconds = (
            latency,
            history_lag,
            late_seconds,
        )

    def lose_next_answer(self, channel: Channel, *, is_posted: bool) -> None:
        fault = discord.DiscordFault.DROP_AFTER if is_posted else discord.DiscordFault.DROP_BEFORE
        self.discord.fail_next("create message", fault, channel=channel.channel)

    def hang_next_post(self, channel: Channel) -> None:
        self.discord.late_seconds = HANG_SECONDS
        self.discord.fail_next("create message", discord.DiscordFault.SLOW_BEFORE, channel=channel.channel)

    def write_message(self, channel: Channel) -> None:
        self.discord.add_message(channel.channel, "Hm.", author=self.person)

    def close_channel(self, channel: Channel) -> None:
        del self.discord.channels[channel.channel]


def draw_fault(rates: Mapping[ChatFault, float], random: Random) -> ChatFault | None:
    """Draw a failure at random; mostly none."""
    left = random.random() * 100
    for fault, chance in rates.items():
        left -= chance
        if left < 0:
            return fault
    return None
