"""What a person can do and see on any platform, so that a story is told once where the behaviour is the same."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from digests.model import Channel, Subscription
from tests.bot.platforms.processes import Bot
from tests.fakes import discord as fake_discord
from tests.fakes import slack as fake_slack
from tests.fakes.discord import FakeDiscord
from tests.fakes.slack import FakeSlack

Json = dict[str, Any]


class Reply(Protocol):
    """What comes back to a person alone, message by message."""

    responses: list[Json]


class Stage(Protocol):
    """A channel on a platform with the bot and Ada in it. `bot` is the running process."""

    bot: Bot
    ada: str

    def person(self, name: str) -> str:
        """Somebody else."""

    async def digest(self) -> list[Json]:
        """The messages of the channel's digest, once it is there: those in its thread too."""

    def messages(self) -> list[Json]:
        """What stands in the channel."""

    def reads(self, message: Json) -> str:
        """All that a person reads in a message."""

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for something to come true."""

    async def look_up(self, words: str) -> Reply:
        """/paper WORDS, by Ada."""

    async def type(self, verb: str) -> Reply:
        """/digest VERB, by Ada."""

    async def subscribe(self, domain: str, top: int) -> Reply:
        """/digest subscribe, by Ada."""

    async def tap(self, action: str, within: Json, person: str = "") -> Reply:
        """The first button for this in a message or a reply; Ada taps it where nobody is named."""

    async def react(self, person: str, message: Json, keycap: int = 0) -> Any:
        """With the mark, or with the keycap of a number; what the bot was told."""

    async def unreact(self, person: str, message: Json) -> None:
        """Take the mark back."""

    async def tell_again(self, told: Any) -> None:
        """The platform tells the bot a second time of a reaction."""

    def whispered(self) -> str:
        """What Ada was told alone, without having asked."""

    def subscription(self) -> Subscription | None:
        """What the bot has written down for the channel."""


async def heard(stage: Stage, reply: Reply, words: str) -> str:
    """Wait for these words in a reply; all of it."""

    def whole() -> str:
        return "\n".join(map(stage.reads, reply.responses))

    await stage.until(lambda: words in whole())
    return whole()


@dataclass(slots=True)
class SlackStage:
    """Keeps the contract of `Stage`."""

    slack: FakeSlack
    bot: Bot
    ada: str
    papers: str

    def person(self, name: str) -> str:
        return self.slack.add_user(name)

    async def digest(self) -> list[Json]:
        await self.bot.says("delivered", self.papers)
        return self.slack.messages(self.papers)

    def messages(self) -> list[Json]:
        return self.slack.messages(self.papers)

    def reads(self, message: Json) -> str:
        return fake_slack.read(message["blocks"])

    async def until(self, holds: Callable[[], object]) -> None:
        await self.slack.until(holds)

    async def look_up(self, words: str) -> Reply:
        return await self.slack.command("/paper", words, user=self.ada, channel=self.papers)

    async def type(self, verb: str) -> Reply:
        return await self.slack.command("/digest", verb, user=self.ada, channel=self.papers)

    async def subscribe(self, domain: str, top: int) -> Reply:
        return await self.type(f"subscribe {domain} top {top}")

    async def tap(self, action: str, within: Json, person: str = "") -> Reply:
        there = [one["action_id"] for one in fake_slack.buttons(within["blocks"])]
        wanted = next(one for one in there if one.partition(".")[0] == action)
        return await self.slack.click(wanted, user=person or self.ada, channel=self.papers, within=within)

    async def react(self, person: str, message: Json, keycap: int = 0) -> Any:
        emoji = ("bookmark", "one", "two", "three")[keycap]
        return await self.slack.react(person, self.papers, message["ts"], emoji)

    async def unreact(self, person: str, message: Json) -> None:
        await self.slack.unreact(person, self.papers, message["ts"])

    async def tell_again(self, told: Any) -> None:
        await self.slack.tell(told)

    def whispered(self) -> str:
        return self.slack.whispered(self.papers)

    def subscription(self) -> Subscription | None:
        return self.bot.store.subscriptions.find(Channel("slack", self.papers, "T1"))


@dataclass(slots=True)
class DiscordStage:
    """Keeps the contract of `Stage`."""

    discord: FakeDiscord
    bot: Bot
    ada: str
    papers: str

    def person(self, name: str) -> str:
        return self.discord.add_user(name)

    async def digest(self) -> list[Json]:
        await self.bot.says("delivered", self.papers)
        below = [message for thread in self.discord.threads(self.papers) for message in thread.messages]
        return [*self.discord.messages(self.papers), *below]

    def messages(self) -> list[Json]:
        return self.discord.messages(self.papers)

    def reads(self, message: Json) -> str:
        return fake_discord.read(message)

    async def until(self, holds: Callable[[], object]) -> None:
        await self.discord.until(holds)

    async def look_up(self, words: str) -> Reply:
        return await self.discord.command("paper", user=self.ada, channel=self.papers, query=words)

    async def type(self, verb: str) -> Reply:
        return await self.discord.command(f"digest {verb}", user=self.ada, channel=self.papers)

    async def subscribe(self, domain: str, top: int) -> Reply:
        return await self.discord.command(
            "digest subscribe", user=self.ada, channel=self.papers, domains=domain, top=top
        )

    async def tap(self, action: str, within: Json, person: str = "") -> Reply:
        here = within["channel_id"] if within["channel_id"] in self.discord.channels else self.papers
        return await self.discord.click(f"{action}:", user=person or self.ada, channel=here, within=within)

    async def react(self, person: str, message: Json, keycap: int = 0) -> Any:
        return await self.discord.react(person, message, ("🔖", "1️⃣", "2️⃣", "3️⃣")[keycap])

    async def unreact(self, person: str, message: Json) -> None:
        await self.discord.unreact(person, message)

    async def tell_again(self, told: Any) -> None:
        await self.discord.dispatch("MESSAGE_REACTION_ADD", told, 0)

    def whispered(self) -> str:
        return "\n".join(map(self.reads, self.discord.messages(self.discord.dm(self.ada))))

    def subscription(self) -> Subscription | None:
        guild = self.discord.channels[self.papers].guild
        return self.bot.store.subscriptions.find(Channel("discord", self.papers, guild))
