"""Eight communities to try Paperround in: five Slack workspaces and three Discord servers."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from digests.subscription import Channel
from tests.fakes import discord as discord_texts
from tests.fakes import slack as slack_texts
from tests.fakes.discord import FakeDiscord
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_link import FakeSlackLink

DEFAULT_PORT = 8768

HTTP_PORT = 3000
"""Port of Paperround for Slack's requests, by default."""

SLACK_NAMES = ("Vision lab", "Language lab", "Reading group", "Robotics club", "Company")
DISCORD_NAMES = ("Paper club", "Students", "Open source")

HELP = """N /digest WORDS, N /paper WORDS   what Ada types in #papers of community N
N history                         what is in #papers there
N remove                          an admin removes the app from Slack's workspace N
quit"""


class Community(Protocol):
    """One workspace or server, with its channel #papers and Ada, who manages it."""

    name: str
    channel: str

    async def type_command(self, line: str) -> str:
        """Type a slash command, and return the answer as Ada reads it."""

    @property
    def place(self) -> Channel:
        """The channel as Paperround names it."""

    def read_history(self) -> list[str]:
        """Return the texts of the channel's messages."""

    async def wait_for_messages(self, count: int) -> None:
        """Wait until the channel has so many messages."""


@dataclass(slots=True)
class SlackCommunity:
    """A workspace of Slack."""

    name: str
    link: FakeSlackLink
    team: FakeSlack
    channel: str
    ada: str

    async def type_command(self, line: str) -> str:
        command, _, words = line.partition(" ")
        done = await self.team.run_command(command, words, user=self.ada, channel=self.channel)
        await self.team.wait_until(lambda: done.responses or done.views)
        return "\n".join(slack_texts.read_text(each["blocks"]) for each in (*done.responses, *done.views))

    @property
    def place(self) -> Channel:
        return Channel("slack", self.channel, self.team.team_id)

    async def remove_app(self) -> None:
        await self.link.uninstall(self.team.team_id)

    async def wait_for_messages(self, count: int) -> None:
        await self.team.wait_until(lambda: len(self.read_history()) >= count)

    def read_history(self) -> list[str]:
        return [slack_texts.read_text(each["blocks"]) for each in self.team.messages_in(self.channel)]


@dataclass(slots=True)
class DiscordCommunity:
    """A server of Discord."""

    name: str
    discord: FakeDiscord
    channel: str
    ada: str

    async def type_command(self, line: str) -> str:
        command, _, words = line.removeprefix("/").partition(" ")
        options: dict[str, Any] = {"query": words} if command == "paper" else {}
        if command == "digest":
            first, _, rest = words.partition(" ")
            command = f"digest {first}"
            options = {"domains": rest} if rest and first == "subscribe" else {}
        done = await self.discord.run_command(command, user=self.ada, channel=self.channel, **options)
        await self.discord.wait_until(lambda: done.responses and discord_texts.read_text(done.responses[0]))
        return "\n".join(map(discord_texts.read_text, done.responses))

    @property
    def place(self) -> Channel:
        return Channel("discord", self.channel, self.discord.channels[self.channel].guild)

    async def wait_for_messages(self, count: int) -> None:
        await self.discord.wait_until(lambda: len(self.read_history()) >= count)

    def read_history(self) -> list[str]:
        return list(map(discord_texts.read_text, self.discord.messages_in(self.channel)))


@dataclass(slots=True)
class Communities:
    """Both platforms, and the communities on them: Slack's first."""

    slack: FakeSlackLink
    discord: FakeDiscord
    members: Sequence[Community]

    def render_settings(self, http_port: int = HTTP_PORT) -> str:
        """Return the tables of the settings that point Paperround at them."""
        return (
            f'[platforms.slack]\napi_base_url = "{self.slack.url}"\nhttp_port = {http_port}\n'
            f'public_url = "http://127.0.0.1:{http_port}"\n'
            f'[platforms.discord]\napi_base_url = "{self.discord.url}"\n'
            f'gateway_url = "{self.discord.gateway_url}"\n'
        )

    def list_secrets(self) -> dict[str, str]:
        """Return the variables that Paperround needs, but for the keys of its store."""
        return {
            "SLACK_CLIENT_ID": self.slack.client_id,
            "SLACK_CLIENT_SECRET": self.slack.client_secret,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "DISCORD_TOKEN": self.discord.token,
        }


@asynccontextmanager
async def open_communities(
    port: int = 0, http_port: int = HTTP_PORT, ack_seconds: float = 3.0
) -> AsyncIterator[Communities]:
    """Serve both platforms: Slack on a port, Discord on the next one, or both on free ports.

    Slack calls Paperround on `http_port`, and waits `ack_seconds` for its first answer.
    """
    address = f"http://127.0.0.1:{http_port}"
    slack = FakeSlackLink(port=port, http_endpoint=f"{address}/slack/events")
    slack.redirect_uris.add(f"{address}/slack/oauth_redirect")
    async with (
        slack,
        FakeDiscord(port=port + 1 if port else 0, response_seconds=ack_seconds) as discord,
    ):
        members: list[Community] = []
        for number, name in enumerate(SLACK_NAMES, 1):
            team = slack.add_team(
                f"T{number}", name=name, ack_seconds=ack_seconds, trigger_seconds=ack_seconds
            )
            ada, papers = team.add_user("ada", is_admin=True), team.add_channel(f"papers{number}")
            members.append(SlackCommunity(name, slack, team, papers, ada))
        for name in DISCORD_NAMES:
            guild = discord.add_guild(name)
            ada = discord.add_user("ada", can_manage=True, guilds=[guild])
            members.append(DiscordCommunity(name, discord, discord.add_channel("papers", guild=guild), ada))
        yield Communities(slack, discord, members)


async def serve_by_hand(port: int, http_port: int) -> None:
    """Serve until standard input ends, or "quit"."""
    async with open_communities(port, http_port) as communities:
        members = communities.members
        exports = " ".join(f"{name}={value}" for name, value in communities.list_secrets().items())
        numbered = (f"{n}  {each.name}, #papers is {each.channel}" for n, each in enumerate(members, 1))
        print(
            "Five Slack workspaces and three Discord servers to try Paperround in. In another terminal, in\n"
            "an empty directory, write paperround.toml:\n\n"
            "[digest]\nmax_age_days = 0        # the bundled papers are old\n"
            f"{communities.render_settings(http_port)}\nand run:\n\n"
            f"  paperround import {sys.path[0] or '.'}/bot/sample/papers.jsonl\n"
            f"  export {exports}\n"
            "  export PAPERROUND_TOKEN_KEYS=$(paperround keys new)\n  paperround run\n\n"
            f"Install the app in each workspace: http://127.0.0.1:{http_port}/slack/install\n"
            "Serve each server: “paperround workspaces” lists them, “paperround workspaces allow ID”.\n\n"
            f"Then type here:\n\n{HELP}\n",
            *numbered,
            sep="\n",
            flush=True,
        )
        while (line := await asyncio.to_thread(sys.stdin.readline)).strip() != "quit" and line:
            number, _, rest = line.strip().partition(" ")
            if not number.isdigit() or not 0 < int(number) <= len(members):
                print(HELP, flush=True)
                continue
            member = members[int(number) - 1]
            try:
                if rest == "remove" and isinstance(member, SlackCommunity):
                    await member.remove_app()
                    continue
                shown = [await member.type_command(rest)] if rest.startswith("/") else member.read_history()
                print(*(f"---\n{text}" for text in shown or ["(nothing)"]), sep="\n", flush=True)
            except (AssertionError, TimeoutError) as error:
                print(f"({error})", flush=True)


def _parse_ports() -> tuple[int, int]:
    """Return the fakes' first port and Paperround's port from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "port",
        type=int,
        nargs="?",
        default=DEFAULT_PORT,
        help="port of Slack; Discord has the next (%(default)s)",
    )
    parser.add_argument(
        "--http-port",
        type=int,
        default=HTTP_PORT,
        help="port of Paperround for Slack's requests (%(default)s)",
    )
    options = parser.parse_args()
    return options.port, options.http_port


if __name__ == "__main__":
    asyncio.run(serve_by_hand(*_parse_ports()))
