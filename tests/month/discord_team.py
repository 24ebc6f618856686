"""A team on Discord."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.platforms.discord.marker import KEY_SEPARATOR
from digests.subscription import Channel
from tests.fakes.discord import DiscordInteraction, FakeDiscord
from tests.month.reading import read_discord_message, read_label
from tests.month.teams import Json, Person, Team

SERVER_MESSAGES_INTENT = 1 << 9


@dataclass(slots=True)
class DiscordTeam(Team):
    """Implements `Team`."""

    @property
    def discord(self) -> FakeDiscord:
        return self.service.discord

    @property
    def place(self) -> Channel:
        return Channel("discord", self.channel, self.service.guild)

    def add_person(self, name: str, *, is_admin: bool = False) -> Person:
        user = self.discord.add_user(name, can_manage=is_admin)
        self.names[user] = name
        return Person(name, user, self)

    def list_messages(self) -> Sequence[Json]:
        threads = {thread.id: thread.messages for thread in self.discord.threads_of(self.channel)}
        return [
            message
            for root in self.discord.messages_in(self.channel)
            for message in (root, *threads.get(root["id"], ()))
        ]

    def key_of(self, message: Json) -> str:
        thread = message["channel_id"]
        return f"{thread}/{message['id']}" if self.is_in_thread(message) else str(message["id"])

    def author_of(self, message: Json) -> str:
        return self.names.get(message["author"]["id"], "")

    def is_in_thread(self, message: Json) -> bool:
        return bool(message["channel_id"] != self.channel)

    def read(self, message: Json) -> list[str]:
        return read_discord_message(message, self.reader)

    def read_mark_counts(self, message: Json) -> Mapping[str, int]:
        found = {}
        for component in _list_components(message):
            if component["custom_id"].startswith("discuss:"):
                count = re.search(r"(\d+)", component["label"])
                found[component["custom_id"].split(":")[1].split(KEY_SEPARATOR)[0]] = (
                    int(count[1]) if count else 0
                )
        return found

    async def run_command(self, person: str, words: str, options: Mapping[str, Any]) -> list[list[str]]:
        interaction = await self.discord.run_command(
            words.removeprefix("/"), user=person, channel=self.channel, **options
        )
        return await self._read_answers(interaction)

    async def tap_button(
        self, person: str, label: str, message: Json, *, is_answered: bool = True
    ) -> list[list[str]]:
        custom_id, value = _find_labelled(message, label)
        place = message["channel_id"] if message["channel_id"] in self.discord.channels else self.channel
        interaction = await self.discord.click_button(
            custom_id, user=person, channel=place, within=message, value=value
        )
        return await self._read_answers(interaction) if is_answered else []

    async def tap_answer(self, person: str, label: str) -> list[list[str]]:
        raise NotImplementedError("nobody on Discord taps a button of an answer")

    async def use_message_menu(self, person: str, message: Json) -> list[list[str]]:
        interaction = await self.discord.use_context_menu(
            "Mark for discussion", user=person, channel=self.channel, message=message
        )
        return await self._read_answers(interaction)

    async def _read_answers(self, interaction: DiscordInteraction) -> list[list[str]]:
        await self.service.wait_until(
            lambda: interaction.responses and not interaction.responses[-1].get("thinking"),
            "Discord has an answer",
        )
        return [read_discord_message(each, self.reader) for each in interaction.responses]

    async def react(self, person: str, message: Json, *, is_added: bool) -> None:
        change = self.discord.add_reaction if is_added else self.discord.remove_reaction
        await change(person, message)

    async def mention(self, person: str, words: str, below: Json | None) -> list[list[str]]:
        place = below["channel_id"] if below else self.channel
        typed = self.discord.add_message(place, f"<@{self.discord.bot_user}> {words}", author=person)
        count = len(self.discord.messages_in(place))
        event = {**typed, "guild_id": self.service.guild}
        if below:
            event |= {"type": 19, "message_reference": {"message_id": below["id"], "channel_id": place}}
        await self.discord.dispatch_event("MESSAGE_CREATE", event, SERVER_MESSAGES_INTENT)
        await self.service.wait_until(
            lambda: len(self.discord.messages_in(place)) > count, "the mention is answered"
        )
        return []  # Everybody sees the answer.

    def write_message(self, person: str, words: str, below: Json | None) -> None:
        place = self.channel
        if below:
            place = below["id"] if below["id"] in self.discord.channels else below["channel_id"]
        self.discord.add_message(place, words, author=person)


def _list_components(message: Json) -> Iterator[Json]:
    for row in message.get("components", []):
        yield from row["components"]


def _find_labelled(message: Json, label: str) -> tuple[str, str]:
    """Return the custom_id of a button, or of a menu with the value of its option, by the label."""
    for component in _list_components(message):
        if label in (component.get("label"), read_label(component)):
            return component["custom_id"], ""
        for option in component.get("options", []):
            if option["label"] == label:
                return component["custom_id"], option["value"]
    raise AssertionError(f"no {label!r} below {message}")
