"""What a person can do and see on any platform, so that a story is told once where the behaviour is the same."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from digests.subscription import Channel, Subscription
from tests.bot.platforms.processes import BotProcess
from tests.fakes import discord as fake_discord
from tests.fakes import slack as fake_slack
from tests.fakes.discord import FakeDiscord
from tests.fakes.slack import FakeSlack

Json = dict[str, Any]


class PrivateReply(Protocol):
    """What comes back to a person alone, message by message."""

    responses: list[Json]


class ChatDriver(Protocol):
    """A channel on a platform with the bot and Ada in it. `bot` is the running process."""

    bot: BotProcess
    ada: str

    def add_person(self, name: str) -> str:
        """Somebody else."""

    async def wait_for_digest(self) -> list[Json]:
        """The messages of the channel's digest, once it is there: those in its thread too."""

    def channel_messages(self) -> list[Json]:
        """What stands in the channel."""

    def text_of(self, message: Json) -> str:
        """All that a person reads in a message."""

    async def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait for something to come true."""

    async def look_up(self, words: str) -> PrivateReply:
        """/paper WORDS, by Ada."""

    async def run_digest_command(self, verb: str) -> PrivateReply:
        """/digest VERB, by Ada."""

    async def subscribe_channel(self, domain: str, top: int) -> PrivateReply:
        """/digest subscribe, by Ada."""

    async def tap_button(self, action: str, message: Json, person: str = "") -> PrivateReply:
        """The first button for this in a message or a reply; Ada taps it where nobody is named."""

    async def add_reaction(self, person: str, message: Json, keycap: int = 0) -> Any:
        """With the mark, or with the keycap of a number; what the bot was told."""

    async def remove_reaction(self, person: str, message: Json) -> None:
        """Take the mark back."""

    async def redeliver_event(self, event: Any) -> None:
        """The platform tells the bot a second time of a reaction."""

    def private_text(self) -> str:
        """What Ada was told alone, without having asked."""

    def find_subscription(self) -> Subscription | None:
        """What the bot has written down for the channel."""


async def wait_for_text(driver: ChatDriver, reply: PrivateReply, text: str) -> str:
    """Wait for these words in a reply; all of it."""

    def read_reply() -> str:
        return "\n".join(map(driver.text_of, reply.responses))

    await driver.wait_until(lambda: text in read_reply())
    return read_reply()


@dataclass(slots=True)
class SlackDriver:
    """Keeps the contract of `Stage`."""

    slack: FakeSlack
    bot: BotProcess
    ada: str
    papers: str

    def add_person(self, name: str) -> str:
        return self.slack.add_user(name)

    async def wait_for_digest(self) -> list[Json]:
        await self.bot.wait_for_log("delivered", self.papers)
        return self.slack.messages_in(self.papers)

    def channel_messages(self) -> list[Json]:
        return self.slack.messages_in(self.papers)

    def text_of(self, message: Json) -> str:
        return fake_slack.read_text(message["blocks"])

    async def wait_until(self, condition: Callable[[], object]) -> None:
        await self.slack.wait_until(condition)

    async def look_up(self, words: str) -> PrivateReply:
        return await self.slack.run_command("/paper", words, user=self.ada, channel=self.papers)

    async def run_digest_command(self, verb: str) -> PrivateReply:
        return await self.slack.run_command("/digest", verb, user=self.ada, channel=self.papers)

    async def subscribe_channel(self, domain: str, top: int) -> PrivateReply:
        return await self.run_digest_command(f"subscribe {domain} top {top}")

    async def tap_button(self, action: str, message: Json, person: str = "") -> PrivateReply:
        there = [one["action_id"] for one in fake_slack.find_elements(message["blocks"])]
        wanted = next(one for one in there if one.partition(".")[0] == action)
        return await self.slack.click_button(
            wanted, user=person or self.ada, channel=self.papers, within=message
        )

    async def add_reaction(self, person: str, message: Json, keycap: int = 0) -> Any:
        emoji = ("bookmark", "one", "two", "three")[keycap]
        return await self.slack.add_reaction(person, self.papers, message["ts"], emoji)

    async def remove_reaction(self, person: str, message: Json) -> None:
        await self.slack.remove_reaction(person, self.papers, message["ts"])

    async def redeliver_event(self, event: Any) -> None:
        await self.slack.deliver_event(event)

    def private_text(self) -> str:
        return self.slack.ephemeral_text(self.papers)

    def find_subscription(self) -> Subscription | None:
        return self.bot.store.subscriptions.find(Channel("slack", self.papers, "T1"))


@dataclass(slots=True)
class DiscordDriver:
    """Keeps the contract of `Stage`."""

    discord: FakeDiscord
    bot: BotProcess
    ada: str
    papers: str

    def add_person(self, name: str) -> str:
        return self.discord.add_user(name)

    async def wait_for_digest(self) -> list[Json]:
        await self.bot.wait_for_log("delivered", self.papers)
        below = [message for thread in self.discord.threads_of(self.papers) for message in thread.messages]
        return [*self.discord.messages_in(self.papers), *below]

    def channel_messages(self) -> list[Json]:
        return self.discord.messages_in(self.papers)

    def text_of(self, message: Json) -> str:
        return fake_discord.read_text(message)

    async def wait_until(self, condition: Callable[[], object]) -> None:
        await self.discord.wait_until(condition)

    async def look_up(self, words: str) -> PrivateReply:
        return await self.discord.run_command("paper", user=self.ada, channel=self.papers, query=words)

    async def run_digest_command(self, verb: str) -> PrivateReply:
        return await self.discord.run_command(f"digest {verb}", user=self.ada, channel=self.papers)

    async def subscribe_channel(self, domain: str, top: int) -> PrivateReply:
        return await self.discord.run_command(
            "digest subscribe", user=self.ada, channel=self.papers, domains=domain, top=top
        )

    async def tap_button(self, action: str, message: Json, person: str = "") -> PrivateReply:
        here = message["channel_id"] if message["channel_id"] in self.discord.channels else self.papers
        return await self.discord.click_button(
            f"{action}:", user=person or self.ada, channel=here, within=message
        )

    async def add_reaction(self, person: str, message: Json, keycap: int = 0) -> Any:
        return await self.discord.add_reaction(person, message, ("🔖", "1️⃣", "2️⃣", "3️⃣")[keycap])

    async def remove_reaction(self, person: str, message: Json) -> None:
        await self.discord.remove_reaction(person, message)

    async def redeliver_event(self, event: Any) -> None:
        await self.discord.dispatch_event("MESSAGE_REACTION_ADD", event, 0)

    def private_text(self) -> str:
        return "\n".join(map(self.text_of, self.discord.messages_in(self.discord.open_dm(self.ada))))

    def find_subscription(self) -> Subscription | None:
        guild = self.discord.channels[self.papers].guild
        return self.bot.store.subscriptions.find(Channel("discord", self.papers, guild))
