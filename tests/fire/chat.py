"""A chat service for a fire test: what stands in its channels is the truth."""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from random import Random
from typing import Protocol

from digests.model import Channel, Style
from tests.fakes import discord
from tests.fakes.slack import FakeSlack, Fault

PAPER = re.compile(r"Paper (\d{4}\.\d{5})")


class Trouble(StrEnum):
    """What goes wrong with a call, on any platform."""

    LIMITED = "429"
    FAILED = "500, nothing done"
    FAILED_AFTER = "500 after it was done"
    DROPPED_AFTER = "dropped after it was done"
    SLOW_AFTER = "done, and answered too late"
    SLOW_BEFORE = "done when nobody waits any more"


Page = tuple[str, ...]
"""A message as the papers it shows, in their order."""


class Chat(Protocol):
    """One of the platforms, with channels to post in."""

    @property
    def settings(self) -> str:
        """Its part of the settings file."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """Its part of the environment."""

    def add_channel(self, *, special: bool = False) -> Channel:
        """A channel, of the platform's other kind where it has one."""

    def pages(self, channel: Channel) -> list[Page]:
        """What stands in a channel, oldest first."""

    def faults(self) -> list[str]:
        """What was sent that the service does not know or take."""

    def weather(self, chances: Mapping[Trouble, float], random: Random) -> None:
        """From now on, so many of a hundred calls that post or look go wrong in each of these ways."""

    def slow_down(self, *, latency: float = 0.0, history_lag: float = 0.0, slowness: float = 3.0) -> None:
        """Answers take so many real seconds, late ones `slowness`; the history is so many of the clock's behind."""

    def chatter(self, channel: Channel) -> None:
        """A person says something."""

    def close(self, channel: Channel) -> None:
        """The channel is gone."""


def page(message: object) -> Page:
    return tuple(dict.fromkeys(PAPER.findall(json.dumps(message))))


def expected(papers: list[str], style: Style) -> list[Page]:
    """The pages of one digest."""
    cards: list[Page] = [(paper,) for paper in papers]
    match style:
        case Style.CARDS:
            return [(), *cards]
        case Style.COMPACT:
            return [tuple(papers)]
        case Style.THREAD:
            return [tuple(papers), *cards]


_SLACK_FAULTS = {
    Trouble.LIMITED: Fault.RATE_LIMITED,
    Trouble.FAILED: Fault.SERVER_ERROR,
    Trouble.FAILED_AFTER: Fault.SERVER_ERROR_AFTER,
    Trouble.DROPPED_AFTER: Fault.DROP_AFTER,
    Trouble.SLOW_AFTER: Fault.SLOW_AFTER,
    Trouble.SLOW_BEFORE: Fault.SLOW_BEFORE,
}


class SlackChat:
    """Keeps the contract of `Chat`."""

    def __init__(self, slack: FakeSlack) -> None:
        self.slack = slack

    @property
    def settings(self) -> str:
        return (
            f'[platforms.slack]\napi_base_url = "{self.slack.url}"\n'
            "messages_a_second_a_channel = 1000\nmessages_a_second = 1000\n"
        )

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"SLACK_BOT_TOKEN": self.slack.bot_token, "SLACK_APP_TOKEN": self.slack.app_token}

    def add_channel(self, *, special: bool = False) -> Channel:
        name = f"n{len(self.slack.channels) + 1}"
        return Channel("slack", self.slack.add_channel(name), self.slack.team_id)

    def pages(self, channel: Channel) -> list[Page]:
        ours = (one for one in self.slack.messages(channel.channel) if one["user"] == self.slack.bot_user)
        return [page(message["blocks"]) for message in ours]

    def faults(self) -> list[str]:
        return self.slack.protocol_errors

    def weather(self, chances: Mapping[Trouble, float], random: Random) -> None:
        def fault(method: str) -> Fault | None:
            if method not in ("chat.postMessage", "conversations.history", "conversations.replies"):
                return None
            trouble = drawn(chances, random)
            return _SLACK_FAULTS[trouble] if trouble else None

        self.slack.weather = fault

    def slow_down(self, *, latency: float = 0.0, history_lag: float = 0.0, slowness: float = 3.0) -> None:
        self.slack.latency, self.slack.history_lag, self.slack.slowness = latency, history_lag, slowness

    def chatter(self, channel: Channel) -> None:
        self.slack.say("UADA", channel.channel, "Hm.")

    def close(self, channel: Channel) -> None:
        self.slack.channels[channel.channel].is_archived = True


_DISCORD_FAULTS = {
    Trouble.LIMITED: discord.Fault.RATE_LIMITED,
    Trouble.FAILED: discord.Fault.SERVER_ERROR,
    Trouble.FAILED_AFTER: discord.Fault.SERVER_ERROR_AFTER,
    Trouble.DROPPED_AFTER: discord.Fault.DROP_AFTER,
    Trouble.SLOW_AFTER: discord.Fault.SLOW_AFTER,
    Trouble.SLOW_BEFORE: discord.Fault.SLOW_BEFORE,
}


class DiscordChat:
    """Keeps the contract of `Chat`. Its special channels are forums."""

    def __init__(self, server: discord.FakeDiscord) -> None:
        self.discord = server
        self.guild = server.add_guild("The lab")
        self.person = server.add_user("ada")

    @property
    def settings(self) -> str:
        return (
            f'[platforms.discord]\napi_base_url = "{self.discord.url}"\n'
            f'gateway_url = "{self.discord.gateway_url}"\n'
            "messages_a_second_a_channel = 1000\nmessages_a_second = 1000\n"
        )

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"DISCORD_TOKEN": self.discord.token}

    def add_channel(self, *, special: bool = False) -> Channel:
        kind = discord.FORUM if special else discord.TEXT
        name = f"n{len(self.discord.channels) + 1}"
        return Channel("discord", self.discord.add_channel(name, kind, guild=self.guild), self.guild)

    def pages(self, channel: Channel) -> list[Page]:
        found = list(self.discord.messages(channel.channel))
        for thread in self.discord.threads(channel.channel):
            begun = next(
                (place for place, one in enumerate(found, start=1) if one["id"] == thread.id), len(found)
            )
            found[begun:begun] = thread.messages
        return [page(one) for one in found if one["author"]["id"] == self.discord.bot_user]

    def faults(self) -> list[str]:
        return self.discord.protocol_errors

    def weather(self, chances: Mapping[Trouble, float], random: Random) -> None:
        def fault(name: str) -> discord.Fault | None:
            trouble = drawn(chances, random) if name in ("create message", "create post", "history") else None
            return _DISCORD_FAULTS[trouble] if trouble else None

        self.discord.weather = fault

    def slow_down(self, *, latency: float = 0.0, history_lag: float = 0.0, slowness: float = 3.0) -> None:
        self.discord.latency, self.discord.history_lag, self.discord.slowness = latency, history_lag, slowness

    def chatter(self, channel: Channel) -> None:
        self.discord.add_message(channel.channel, "Hm.", author=self.person)

    def close(self, channel: Channel) -> None:
        del self.discord.channels[channel.channel]


def drawn(chances: Mapping[Trouble, float], random: Random) -> Trouble | None:
    """One of the troubles, or most often none."""
    left = random.random() * 100
    for trouble, chance in chances.items():
        left -= chance
        if left < 0:
            return trouble
    return None
