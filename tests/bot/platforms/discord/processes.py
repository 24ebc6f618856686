"""A real `paperround run` beside a fake Discord."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from digests.model import Channel, Style, Subscription
from digests.ports import Store
from tests.bot.platforms import processes
from tests.bot.platforms.processes import Bot, prepared
from tests.fakes.discord import FORUM, NEWS, PATIENCE, TEXT, FakeDiscord, Interaction, read


def overdue(
    discord: FakeDiscord, store: Store, channel: str, style: Style = Style.CARDS, top: int = 3
) -> Subscription:
    """A Discord channel whose digest is due now."""
    return processes.overdue(store, Channel("discord", channel, discord.channels[channel].guild), style, top)


def table(discord: FakeDiscord, settings: str = "") -> str:
    """The settings that point the bot at the fake."""
    addresses = f'api_base_url = "{discord.url}"\ngateway_url = "{discord.gateway_url}"'
    return f"[platforms.discord]\n{addresses}\n{settings}"


@asynccontextmanager
async def running(
    discord: FakeDiscord,
    folder: Path,
    *,
    settings: str = "",
    secrets: Mapping[str, str] | None = None,
    connected: bool = True,
    time_out: float = 30,
) -> AsyncIterator[Bot]:
    """`paperround run` until the end of the block, where it is stopped by SIGTERM and must end well."""

    async def up(ended: asyncio.Task[int]) -> None:
        await discord.until(lambda: discord.connected or ended.done(), wakes=ended)

    async with processes.running(
        folder,
        settings=table(discord, settings),
        secrets=secrets or {"DISCORD_TOKEN": discord.token},
        connected=up if connected else None,
        time_out=time_out,
    ) as bot:
        yield bot


Story = Callable[[FakeDiscord, Bot, str, str], Awaitable[None]]
"""What happens, given Discord, the bot in it, Ada's id and her channel's."""


@dataclass(frozen=True, slots=True)
class Office:
    """A server with a bot, open for many stories: each has an Ada, who may manage it, and a channel of its own.

    `digests` are channels whose digest was due when the bot started, by style or kind; a story takes one.
    """

    discord: FakeDiscord
    bot: Bot
    digests: Mapping[str, list[str]]
    loop: asyncio.AbstractEventLoop
    closing: asyncio.Event

    def tells(self, story: Story, kind: str = "") -> None:
        """Run a story, in a channel of a kind that gets a digest, or in one without."""
        asyncio.run_coroutine_threadsafe(self._told(story, kind), self.loop).result()

    async def _told(self, story: Story, kind: str) -> None:
        assert not kind or self.digests[kind], f"no channel of the kind {kind} is left"
        channel = self.digests[kind].pop() if kind else await self.discord.open_channel("papers")
        try:
            await story(self.discord, self.bot, self.discord.add_user("ada", can_manage=True), channel)
            assert self.discord.protocol_errors == []
        except BaseException:
            print("\n".join(self.bot.log[-40:]))
            raise
        finally:
            self.discord.protocol_errors.clear()


KINDS: Mapping[str, tuple[int, Style]] = {
    "cards": (TEXT, Style.CARDS),
    "compact": (TEXT, Style.COMPACT),
    "thread": (TEXT, Style.THREAD),
    "forum": (FORUM, Style.CARDS),
    "news": (NEWS, Style.CARDS),
}


@contextmanager
def open_office(
    folder: Path, *, settings: str = "", digests: Mapping[str, int] | None = None
) -> Iterator[Office]:
    """An office until the end of the block. It lives in a thread of its own, so that Discord is there between stories."""
    opened: Future[Office] = Future()
    with ThreadPoolExecutor(1) as thread:
        closed = thread.submit(asyncio.run, _keep_open(folder, settings, digests or {}, opened))
        closed.add_done_callback(
            lambda _: None if opened.done() else opened.set_exception(closed.exception())
        )
        office = opened.result()
        try:
            yield office
        finally:
            office.loop.call_soon_threadsafe(office.closing.set)
            closed.result()


async def _keep_open(
    folder: Path, settings: str, digests: Mapping[str, int], opened: "Future[Office]"
) -> None:
    async with patient_discord() as discord:
        channels = {
            kind: [
                discord.add_channel(
                    kind, KINDS[kind][0], tags=("vision", "machine learning") if kind == "forum" else ()
                )
                for _ in range(count)
            ]
            for kind, count in digests.items()
        }
        for kind, some in channels.items():
            for channel in some:
                overdue(discord, prepared(folder), channel, KINDS[kind][1])
        async with running(discord, folder, settings=settings) as bot:
            opened.set_result(
                Office(discord, bot, channels, asyncio.get_running_loop(), closing := asyncio.Event())
            )
            await closing.wait()


def patient_discord() -> FakeDiscord:
    """A Discord that waits as long for a first response as a busy machine needs."""
    return FakeDiscord(response_seconds=PATIENCE)


async def answer(discord: FakeDiscord, asked: Interaction) -> str:
    """All that the person reads of an answer."""
    await discord.until(lambda: asked.responses and not asked.responses[-1].get("thinking"))
    return "\n".join(map(read, asked.responses))
