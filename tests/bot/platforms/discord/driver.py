"""Discord, driven by the scenarios of both platforms."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digests.ports import Store
from digests.subscription import Subscription
from tests.bot.platforms.discord.processes import add_overdue_channel, channel_of, run_bot, wait_for_answer
from tests.bot.platforms.processes import BotProcess
from tests.bot.platforms.scenarios import ChatDriver, PrivateReply
from tests.fakes.discord import FORUM, DiscordFault, DiscordInteraction, FakeDiscord, read_text

Json = dict[str, Any]

SERVER_MESSAGES_INTENT = 1 << 9

PATH_BY_VERB = {
    "meet": "meet set",
    "forget": "me forget",
    "export": "me export",
    "link": "me link",
    "unlink": "me unlink",
}
"""Places of commands that are in a group here, by their first word as it is typed on other platforms."""

EMOJIS = {"bookmark": "🔖", "two": "2️⃣", "tada": "🎉"}


@dataclass(slots=True)
class DiscordDriver:
    """Implements `ChatDriver`."""

    discord: FakeDiscord
    bot: BotProcess
    ada: str
    papers: str
    refusal: str = "Only people who may manage this server"
    undo_answer: str = "Done"

    @property
    def bot_user(self) -> str:
        return self.discord.bot_user

    def find_person(self, name: str) -> str:
        return next(user for user, facts in self.discord.users.items() if facts["username"] == name)

    def add_person(self, name: str, *, is_manager: bool = False) -> str:
        return self.discord.add_user(name, can_manage=is_manager)

    def channel_messages(self) -> list[Json]:
        return self.discord.messages_in(self.papers)

    def all_messages(self) -> list[Json]:
        in_threads = [
            message for thread in self.discord.threads_of(self.papers) for message in thread.messages
        ]
        return [*self.discord.messages_in(self.papers), *in_threads]

    async def wait_for_digest(self) -> list[Json]:
        await self.bot.wait_for_log("delivered", self.papers)
        return self.all_messages()

    def text_of(self, message: Json) -> str:
        return read_text(message)

    def private_text(self) -> str:
        return self.direct_text()

    def direct_text(self) -> str:
        return "\n".join(map(read_text, self.discord.messages_in(self.discord.open_dm(self.ada))))

    def file_of(self, reply: PrivateReply, name: str, person: str = "") -> bytes:
        attached = [one["filename"] for each in reply.responses for one in each.get("attachments", [])]
        return self.discord.files[name] if name in attached else b""

    def is_private(self, reply: PrivateReply) -> bool:
        return reply.ack == {"type": 5, "data": {"flags": 64}}

    def find_subscription(self) -> Subscription | None:
        return self.bot.store.subscriptions.find(channel_of(self.discord, self.papers))

    def count_edits(self) -> int:
        return len(self.discord.calls_of("edit message"))

    async def wait_until(self, condition: Callable[[], object]) -> None:
        await self.discord.wait_until(condition)

    async def look_up(self, words: str) -> DiscordInteraction:
        return await self.discord.run_command("paper", user=self.ada, channel=self.papers, query=words)

    async def run_digest_command(self, verb: str, *, person: str = "", **options: Any) -> DiscordInteraction:
        path = PATH_BY_VERB.get(verb, verb) if options or verb != "meet" else "meet show"
        path = verb if "what" in options else path  # /digest export is of papers, and in me of a person.
        return await self.discord.run_command(
            f"digest {path}", user=person or self.ada, channel=self.papers, **options
        )

    async def tap_button(self, action: str, message: Json, person: str = "") -> DiscordInteraction:
        here = message["channel_id"] if message["channel_id"] in self.discord.channels else self.papers
        components = [one for row in message["components"] for one in row["components"]]
        values = [
            option["value"]
            for one in components
            if one["custom_id"] == "menu:"
            for option in one["options"]
            if option["value"].partition(":")[0] == action
        ]
        value = next(iter(values), "")
        ids = ["menu:"] if value else [one["custom_id"] for one in components]
        wanted = next(custom_id for custom_id in ids if value or custom_id.partition(":")[0] == action)
        return await self.discord.click_button(
            wanted, user=person or self.ada, channel=here, within=message, value=value
        )

    def build_message_with_button(self, action: str, value: str) -> Json:
        custom_id = f"{action}:{value}" if value else action
        row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "x", "custom_id": custom_id}]}
        return {**self.discord.add_message(self.papers), "components": [row]}

    async def open_form(self) -> Json:
        """Type /digest settings, and return the message with the buttons of the form's parts."""
        opened = await self.run_digest_command("settings")
        await wait_for_answer(self.discord, opened)
        return {**opened.responses[0], "flags": 64}

    async def submit_form(self, form: Json, *, domains: str, style: str) -> str:
        answer = await self._submit_part(form, "what", {"groups": (), "categories": domains})
        if self.find_subscription():
            answer += await self._submit_part(form, "when", {"style": style})
        return answer

    async def _submit_part(self, form: Json, part: str, fields: Mapping[str, str | Sequence[str]]) -> str:
        opened = await self.discord.click_button(
            f"form:{part}", user=self.ada, channel=self.papers, within=form
        )
        assert opened.modal
        sent = await self.discord.submit_modal(opened.modal, fields, user=self.ada, channel=self.papers)
        return await wait_for_answer(self.discord, sent)

    async def open_report(self, message: Json, person: str = "") -> Json:
        clicked = await self.tap_button("report", message, person)
        await self.discord.wait_until(lambda: clicked.modal)
        assert clicked.modal
        return clicked.modal

    async def submit_report(
        self, form: Json, person: str = "", *, part: str = "score", reason: str, stance: str = "wrong"
    ) -> str:
        values = {"part": [part], "reason": reason, "stance": stance}
        sent = await self.discord.submit_modal(form, values, user=person or self.ada, channel=self.papers)
        return await wait_for_answer(self.discord, sent)

    async def ask_in_form(self, message: Json, question: str, person: str = "") -> str:
        clicked = await self.tap_button("ask", message, person)
        await self.discord.wait_until(lambda: clicked.modal)
        assert clicked.modal
        values = {"question": question}
        sent = await self.discord.submit_modal(
            clicked.modal, values, user=person or self.ada, channel=self.papers
        )
        return await wait_for_answer(self.discord, sent)

    async def reply_with_mention(self, message: Json, text: str) -> str:
        place = message["channel_id"]
        typed = self.discord.add_message(place, f"<@{self.bot_user}> {text}", author=self.ada)
        count = len(self.discord.messages_in(place))
        reply = {"type": 19, "message_reference": {"message_id": message["id"], "channel_id": place}}
        guild = {"guild_id": self.discord.channels[self.papers].guild}
        await self.discord.dispatch_event(
            "MESSAGE_CREATE", {**typed, **reply, **guild}, SERVER_MESSAGES_INTENT
        )
        await self.discord.wait_until(lambda: len(self.discord.messages_in(place)) > count)
        return read_text(self.discord.messages_in(place)[-1])

    def write_message(self, text: str) -> Json:
        return self.discord.add_message(self.papers, text, author=self.ada)

    async def mark_from_menu(self, message: Json, person: str = "") -> DiscordInteraction:
        return await self.discord.use_context_menu(
            "Mark for discussion", user=person or self.ada, channel=self.papers, message=message
        )

    async def keep_from_menu(self, message: Json, person: str = "") -> DiscordInteraction:
        return await self.discord.use_context_menu(
            "Keep as note", user=person or self.ada, channel=self.papers, message=message
        )

    def reply_to(self, message: Json, person: str, text: str) -> Json:
        typed = self.discord.add_message(self.papers, text, author=person)
        reference = {"message_id": message["id"], "channel_id": message["channel_id"]}
        return {**typed, "type": 19, "message_reference": reference}

    async def add_reaction(
        self, person: str, message: Json, emoji: str = "bookmark", *, is_dispatched: bool = True
    ) -> Any:
        return await self.discord.add_reaction(person, message, EMOJIS[emoji], is_dispatched=is_dispatched)

    async def remove_reaction(self, person: str, message: Json, *, is_dispatched: bool = True) -> None:
        await self.discord.remove_reaction(person, message, is_dispatched=is_dispatched)

    async def deliver_events(self, events: Sequence[Any]) -> None:
        for event in events:
            await self.discord.dispatch_event("MESSAGE_REACTION_ADD", event, 0)

    async def reconnect_bot(self) -> None:
        identified = self.discord.identify_count
        await self.discord.end_sessions()
        await self.discord.wait_until(lambda: self.discord.identify_count > identified)

    async def delete_channel(self) -> None:
        await self.discord.delete_channel(self.papers)


@dataclass(slots=True)
class DiscordLab:
    """Implements `PlatformLab`."""

    discord: FakeDiscord
    ada: str
    closed_hint: str = "give it"

    @property
    def protocol_errors(self) -> Sequence[str]:
        return self.discord.protocol_errors

    def add_channel(self) -> str:
        return self.discord.add_channel("papers")

    def add_people(self, count: int) -> list[str]:
        return [self.discord.add_user(f"person {number}") for number in range(count)]

    def add_closed_channel(self) -> str:
        return self.discord.add_channel("closed", denied=["send_messages"])

    def add_overdue_channel(self, store: Store, channel: str) -> None:
        add_overdue_channel(self.discord, store, channel)

    def add_channels_that_lose_an_answer(self) -> list[str]:
        faults = (DiscordFault.DROP_AFTER, DiscordFault.UNAVAILABLE_AFTER, DiscordFault.SLOW_AFTER)
        channels = [self.add_channel() for _ in faults]
        for channel, fault in zip(channels, faults, strict=True):
            self.discord.fail_next("create message", fault, channel=channel)
        forum = self.discord.add_channel("forum", FORUM)
        self.discord.fail_next("create post", DiscordFault.SERVER_ERROR_AFTER, channel=forum)
        return [*channels, forum]

    def lose_next_answer(self, channel: str) -> None:
        self.discord.fail_next("create message", DiscordFault.SLOW_AFTER, channel=channel)

    def count_posts(self, channel: str) -> int:
        posts = [post.messages[0] for post in self.discord.threads_of(channel)]
        return len(self.discord.messages_in(channel)) or sum(1 + bool(post["content"]) for post in posts)

    def check_reconciliation(self, channels: Sequence[str]) -> None:
        """Discord limits no questions."""

    @asynccontextmanager
    async def run_bot(
        self, folder: Path, timeout: float = 30, *, settings: str = "", waits: Sequence[str] | None = ()
    ) -> AsyncIterator[BotProcess]:
        async with run_bot(self.discord, folder, timeout=timeout, settings=settings, waits=waits) as bot:
            yield bot
            # The commands are synchronised once, however often the bot starts.
            assert len(self.discord.calls_of("commands")) == 1

    def create_driver(self, bot: BotProcess, channel: str) -> ChatDriver:
        return DiscordDriver(self.discord, bot, self.ada, channel)
