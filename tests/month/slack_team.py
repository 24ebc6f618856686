"""A team on Slack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from digests.subscription import Channel
from tests.fakes.slack import FakeSlack, SlackInteraction, find_elements
from tests.month.reading import read_slack_message
from tests.month.teams import Json, Person, Team


@dataclass(slots=True)
class SlackTeam(Team):
    """Implements `Team`."""

    last_answer: Json | None = None

    @property
    def slack(self) -> FakeSlack:
        return self.service.slack

    @property
    def place(self) -> Channel:
        return Channel("slack", self.channel, self.slack.team_id)

    def add_person(self, name: str, *, is_admin: bool = False) -> Person:
        user = self.slack.add_user(name, tz=self.zone.key, is_admin=is_admin)
        self.names[user] = name
        return Person(name, user, self)

    def list_messages(self) -> Sequence[Json]:
        found = self.slack.messages_in(self.channel)
        roots = [message for message in found if not self.is_in_thread(message)]
        return [
            message
            for root in roots
            for message in (root, *(each for each in found if each.get("thread_ts") == root["ts"]))
        ]

    def key_of(self, message: Json) -> str:
        return str(message["ts"])

    def author_of(self, message: Json) -> str:
        return self.names.get(message["user"], "")

    def is_in_thread(self, message: Json) -> bool:
        return bool(message.get("thread_ts", message["ts"]) != message["ts"])

    def read(self, message: Json) -> list[str]:
        return read_slack_message(message, self.reader) or [message.get("text", "")]

    def read_mark_counts(self, message: Json) -> Mapping[str, int]:
        buttons = [
            each for each in find_elements(message.get("blocks", [])) if each["action_id"] == "discuss"
        ]
        return {each["value"]: _read_count(each["text"]["text"]) for each in buttons}

    async def run_command(self, person: str, words: str, options: Mapping[str, Any]) -> list[list[str]]:
        assert not options, "Slack's commands have words alone"
        command, _, text = words.partition(" ")
        interaction = await self.slack.run_command(command, text, user=person, channel=self.channel)
        return await self._read_answers(interaction)

    async def tap_button(
        self, person: str, label: str, message: Json, *, is_answered: bool = True
    ) -> list[list[str]]:
        element, value = _find_labelled(message, label)
        interaction = await self.slack.click_button(
            element, user=person, channel=self.channel, value=value, within=message
        )
        return await self._read_answers(interaction) if is_answered else []

    async def tap_answer(self, person: str, label: str) -> list[list[str]]:
        assert self.last_answer
        return await self.tap_button(person, label, self.last_answer)

    async def use_message_menu(self, person: str, message: Json) -> list[list[str]]:
        interaction = await self.slack.use_shortcut(
            "mark_for_discussion", user=person, channel=self.channel, message=message
        )
        return await self._read_answers(interaction)

    async def _read_answers(self, interaction: SlackInteraction) -> list[list[str]]:
        await self.service.wait_until(
            lambda: interaction.responses or interaction.views, "Slack has an answer"
        )
        if interaction.views:
            return [["_a form opens_"]]
        self.last_answer = interaction.responses[-1]
        return [read_slack_message(each, self.reader) for each in interaction.responses]

    async def react(self, person: str, message: Json, *, is_added: bool) -> None:
        change = self.slack.add_reaction if is_added else self.slack.remove_reaction
        await change(person, self.channel, message["ts"])

    async def mention(self, person: str, words: str, below: Json | None) -> list[list[str]]:
        count = len(self.slack.ephemerals)
        thread = {"thread_ts": below["ts"]} if below else {}
        text = f"<@{self.slack.bot_user}> {words}"
        stamp = {"ts": f"{self.slack.clock():.0f}.{len(self.slack.calls):06}"}
        await self.slack.dispatch_event(
            type="app_mention", user=person, channel=self.channel, text=text, **stamp, **thread
        )
        await self.service.wait_until(lambda: len(self.slack.ephemerals) > count, "the mention is answered")
        return [read_slack_message(each, self.reader) for each in self.slack.ephemerals[count:]]

    def write_message(self, person: str, words: str, below: Json | None) -> None:
        self.slack.write_message(person, self.channel, words)
        if below:
            self.slack.messages_in(self.channel)[-1]["thread_ts"] = below.get("thread_ts", below["ts"])


def _read_count(label: str) -> int:
    return int(label.rpartition(" · ")[2]) if " · " in label else 0


def _find_labelled(message: Json, label: str) -> tuple[str, str | None]:
    """Return the action and the value of a button, or of an option of a menu, by its label."""
    name, _, place = label.partition(" ")
    votes = [each for each in find_elements(message["blocks"]) if each.get("text", {}).get("text") == "Vote"]
    if name == "Vote":
        return str(votes[int(place) - 1]["action_id"]), str(votes[int(place) - 1]["value"])
    for element in find_elements(message["blocks"]):
        if element["type"] == "button" and element["text"]["text"] == label:
            return element["action_id"], element.get("value")
        for option in element.get("options", []):
            if option["text"]["text"] == label:
                action, _, value = option["value"].partition(":")
                return action, value
    raise AssertionError(f"no {label!r} below {message}")
