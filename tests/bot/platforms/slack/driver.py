"""Slack, driven by the scenarios of both platforms."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digests.ports import Store
from digests.subscription import Channel, Subscription
from tests.bot.platforms.processes import BotProcess
from tests.bot.platforms.scenarios import ChatDriver, PrivateReply
from tests.bot.platforms.slack.processes import add_overdue_channel, run_bot
from tests.fakes.slack import FakeSlack, SlackFault, SlackInteraction, find_elements, find_option, read_text

Json = dict[str, Any]

WORDS_BY_OPTION = {
    "confirm": "me yes", "words": "{}",
    "papers": "{}", "domain": "in {}", "span": "{}",
    "domains": "{}", "keywords": "about {}", "leave_out": "without {}", "top": "top {}",
    "min_score": "min {}",
    "at": "at {}", "days": "on {}", "time_zone": "in {}", "style": "style {}", "done": "done {}",
    "paper": "{}", "text": "{}", "what": "{}", "as_": "as {}",
}  # fmt: skip
"""Words of /digest that stand for the options of the same command on Discord, in the order of the words."""


@dataclass(slots=True)
class SlackDriver:
    """Implements `ChatDriver`."""

    slack: FakeSlack
    bot: BotProcess
    ada: str
    papers: str
    paper_command: str = "/paper"
    digest_command: str = "/digest"
    refusal: str = "Only workspace admins"
    undo_answer: str = ""

    @property
    def bot_user(self) -> str:
        return self.slack.bot_user

    def find_person(self, name: str) -> str:
        return next(user for user, facts in self.slack.users.items() if facts["name"] == name)

    def add_person(self, name: str, *, is_manager: bool = False) -> str:
        return self.slack.add_user(name, is_admin=is_manager)

    def channel_messages(self) -> list[Json]:
        return self.slack.messages_in(self.papers)

    def all_messages(self) -> list[Json]:
        return self.slack.messages_in(self.papers)

    async def wait_for_digest(self) -> list[Json]:
        await self.bot.wait_for_log("delivered", self.papers)
        return self.all_messages()

    def text_of(self, message: Json) -> str:
        return read_text(message["blocks"])

    def private_text(self) -> str:
        return self.slack.ephemeral_text(self.papers)

    def direct_text(self) -> str:
        known = self.ada in self.slack.channels
        return "\n".join(map(self.text_of, self.slack.messages_in(self.ada) if known else []))

    def file_of(self, reply: PrivateReply, name: str, person: str = "") -> bytes:
        direct = self.slack.open_dm(person or self.ada)
        found = [
            file for file in self.slack.files.values() if file.name == name and file.shared_with == [direct]
        ]
        return found[-1].content or b"" if found else b""

    def is_private(self, reply: PrivateReply) -> bool:
        return all(response["response_type"] == "ephemeral" for response in reply.responses)

    def find_subscription(self) -> Subscription | None:
        return self.bot.store.subscriptions.find(Channel("slack", self.papers, "T1"))

    def count_edits(self) -> int:
        return len(self.slack.calls_of("chat.update"))

    async def wait_until(self, condition: Callable[[], object]) -> None:
        await self.slack.wait_until(condition)

    async def look_up(self, words: str) -> SlackInteraction:
        return await self.slack.run_command(self.paper_command, words, user=self.ada, channel=self.papers)

    async def run_digest_command(self, verb: str, *, person: str = "", **options: Any) -> SlackInteraction:
        parts = [words.format(options[name]) for name, words in WORDS_BY_OPTION.items() if name in options]
        return await self.slack.run_command(
            self.digest_command, " ".join([verb, *parts]), user=person or self.ada, channel=self.papers
        )

    async def tap_button(self, action: str, message: Json, person: str = "") -> SlackInteraction:
        elements = find_elements(message["blocks"])
        shown = [one["action_id"] for one in elements]
        shown += [action for one in elements if find_option(one, action)]
        wanted = next(action_id for action_id in shown if action_id.partition(".")[0] == action)
        return await self.slack.click_button(
            wanted, user=person or self.ada, channel=self.papers, within=message
        )

    def build_message_with_button(self, action: str, value: str) -> Json:
        button = {"type": "button", "action_id": action, "value": value}
        return {"ts": "1.1", "blocks": [{"type": "actions", "elements": [button]}]}

    async def open_form(self) -> Json:
        opened = await self.run_digest_command("settings")
        await self.slack.wait_until(lambda: opened.views)
        return opened.views[0]

    async def submit_form(self, form: Json, *, domains: str, style: str) -> str:
        sent = await self.slack.submit_view(form, {"domains": domains, "style": style}, user=self.ada)
        assert sent.is_acked
        return "\n".join((sent.ack or {}).get("errors", {}).values())

    async def open_report(self, message: Json, person: str = "") -> Json:
        clicked = await self.tap_button("report", message, person)
        await self.slack.wait_until(lambda: clicked.views)
        return clicked.views[0]

    async def submit_report(
        self, form: Json, person: str = "", *, part: str = "score", reason: str, stance: str = "wrong"
    ) -> str:
        values = {"part": part, "reason": reason, "stance": stance}
        sent = await self.slack.submit_view(form, values, user=person or self.ada)
        ack = sent.ack or {}
        return "\n".join(ack.get("errors", {}).values()) or read_text(ack["view"]["blocks"])

    async def ask_in_form(self, message: Json, question: str, person: str = "") -> str:
        clicked = await self.tap_button("ask", message, person)
        await self.slack.wait_until(lambda: clicked.views)
        values = {"question": question}
        sent = await self.slack.submit_view(clicked.views[0], values, user=person or self.ada)
        ack = sent.ack or {}
        return "\n".join(ack.get("errors", {}).values()) or read_text(ack["view"]["blocks"])

    async def reply_with_mention(self, message: Json, text: str) -> str:
        before = self.private_text()
        await self.slack.dispatch_event(
            type="app_mention",
            user=self.ada,
            channel=self.papers,
            text=f"<@UBOT> {text}",
            ts="9.9",
            thread_ts=message["ts"],
        )
        await self.slack.wait_until(lambda: self.private_text() != before)
        return self.private_text().removeprefix(before)

    def write_message(self, text: str) -> Json:
        self.slack.write_message(self.ada, self.papers, text)
        return self.channel_messages()[-1]

    async def mark_from_menu(self, message: Json, person: str = "") -> SlackInteraction:
        return await self.slack.use_shortcut(
            "mark_for_discussion", user=person or self.ada, channel=self.papers, message=message
        )

    async def keep_from_menu(self, message: Json, person: str = "") -> SlackInteraction:
        return await self.slack.use_shortcut(
            "keep_as_note", user=person or self.ada, channel=self.papers, message=message
        )

    def reply_to(self, message: Json, person: str, text: str) -> Json:
        self.slack.write_message(person, self.papers, text)
        return {**self.channel_messages()[-1], "thread_ts": message["ts"]}

    async def add_reaction(
        self, person: str, message: Json, emoji: str = "bookmark", *, is_dispatched: bool = True
    ) -> Any:
        return await self.slack.add_reaction(
            person, self.papers, message["ts"], emoji, is_dispatched=is_dispatched
        )

    async def remove_reaction(self, person: str, message: Json, *, is_dispatched: bool = True) -> None:
        await self.slack.remove_reaction(person, self.papers, message["ts"], is_dispatched=is_dispatched)

    async def deliver_events(self, events: Sequence[Any]) -> None:
        await asyncio.gather(*map(self.slack.deliver_event, events))

    async def reconnect_bot(self) -> None:
        await self.slack.disconnect_sockets()

    async def delete_channel(self) -> None:
        await self.slack.dispatch_event(type="channel_deleted", channel=self.papers, user=self.ada)


@dataclass(slots=True)
class SlackLab:
    """Implements `PlatformLab`."""

    slack: FakeSlack
    ada: str
    closed_hint: str = "/invite @paperround"

    @property
    def protocol_errors(self) -> Sequence[str]:
        return self.slack.protocol_errors

    def add_channel(self) -> str:
        return self.slack.add_channel("papers")

    def add_people(self, count: int) -> list[str]:
        return [self.slack.add_user(f"person {number}") for number in range(count)]

    def add_closed_channel(self) -> str:
        return self.slack.add_channel("closed", bot_in=False)

    def add_overdue_channel(self, store: Store, channel: str) -> None:
        add_overdue_channel(store, channel)

    def add_channels_that_lose_an_answer(self) -> list[str]:
        faults = (
            SlackFault.DROP_AFTER, SlackFault.SERVER_ERROR_AFTER, SlackFault.INTERNAL_ERROR_AFTER,
            SlackFault.SLOW_AFTER,
        )  # fmt: skip
        channels = [self.add_channel() for _ in faults]
        for channel, fault in zip(channels, faults, strict=True):
            self.slack.fail_next("chat.postMessage", fault, channel=channel)
        return channels

    def lose_next_answer(self, channel: str) -> None:
        self.slack.fail_next("chat.postMessage", SlackFault.SLOW_AFTER, channel=channel)

    def count_posts(self, channel: str) -> int:
        return len(self.slack.messages_in(channel))

    def check_reconciliation(self, channels: Sequence[str]) -> None:
        # Some apps may ask for a history only once per minute.
        asked = [call["channel"] for call in self.slack.calls_of("conversations.history")]
        assert sorted(asked) == sorted(channels)

    @asynccontextmanager
    async def run_bot(
        self, folder: Path, timeout: float = 30, *, settings: str = "", waits: Sequence[str] | None = ()
    ) -> AsyncIterator[BotProcess]:
        async with run_bot(self.slack, folder, timeout=timeout, settings=settings, waits=waits) as bot:
            yield bot

    def create_driver(self, bot: BotProcess, channel: str) -> ChatDriver:
        return SlackDriver(self.slack, bot, self.ada, channel)
