"""A real `paperround run` beside a fake Discord."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from digests.ports import Store
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.platforms import processes
from tests.bot.platforms.processes import BotProcess, prepare_store
from tests.fakes.discord import (
    ANNOUNCEMENT,
    FORUM,
    TEXT,
    WAIT_SECONDS,
    DiscordInteraction,
    FakeDiscord,
    read_text,
)


def add_overdue_channel(
    discord: FakeDiscord, store: Store, channel: str, style: DigestStyle = DigestStyle.CARDS, top: int = 3
) -> Subscription:
    """A Discord channel whose digest is due now."""
    return processes.add_overdue_subscription(
        store, Channel("discord", channel, discord.channels[channel].guild), style, top
    )


def render_settings(discord: FakeDiscord, settings: str = "") -> str:
    """The settings that point the bot at the fake."""
    addresses = f'api_base_url = "{discord.url}"\ngateway_url = "{discord.gateway_url}"'
    return f"[platforms.discord]\n{addresses}\n{settings}"


@asynccontextmanager
async def run_bot(
    discord: FakeDiscord,
    folder: Path,
    *,
    settings: str = "",
    secrets: Mapping[str, str] | None = None,
    must_connect: bool = True,
    timeout: float = 30,
) -> AsyncIterator[BotProcess]:
    """`paperround run` until the end of the block, where it is stopped by SIGTERM and must end well."""

    async def wait_for_gateway(ended: asyncio.Task[int]) -> None:
        await discord.wait_until(lambda: discord.connected_sessions or ended.done(), wake_task=ended)

    async with processes.run_bot(
        folder,
        settings=render_settings(discord, settings),
        secrets=secrets or {"DISCORD_TOKEN": discord.token},
        wait_for_connection=wait_for_gateway if must_connect else None,
        timeout=timeout,
    ) as bot:
        yield bot


DiscordScenario = Callable[[FakeDiscord, BotProcess, str, str], Awaitable[None]]
"""What happens, given Discord, the bot in it, Ada's id and her channel's."""


@dataclass(frozen=True, slots=True)
class DiscordScenarioRunner:
    """A server with a bot, open for many stories: each has an Ada, who may manage it, and a channel of its own.

    `digests` are channels whose digest was due when the bot started, by style or kind; a story takes one.
    """

    discord: FakeDiscord
    bot: BotProcess
    digest_channels: Mapping[str, list[str]]
    loop: asyncio.AbstractEventLoop
    closing: asyncio.Event

    def run_scenario(self, scenario: DiscordScenario, kind: str = "") -> None:
        """Run a story, in a channel of a kind that gets a digest, or in one without."""
        asyncio.run_coroutine_threadsafe(self._run_in_channel(scenario, kind), self.loop).result()

    async def _run_in_channel(self, scenario: DiscordScenario, kind: str) -> None:
        assert not kind or self.digest_channels[kind], f"no channel of the kind {kind} is left"
        channel = self.digest_channels[kind].pop() if kind else await self.discord.open_channel("papers")
        try:
            await scenario(self.discord, self.bot, self.discord.add_user("ada", can_manage=True), channel)
            assert self.discord.protocol_errors == []
        except BaseException:
            print("\n".join(self.bot.log[-40:]))
            raise
        finally:
            self.discord.protocol_errors.clear()


CHANNEL_KINDS: Mapping[str, tuple[int, DigestStyle]] = {
    "cards": (TEXT, DigestStyle.CARDS),
    "compact": (TEXT, DigestStyle.COMPACT),
    "thread": (TEXT, DigestStyle.THREAD),
    "forum": (FORUM, DigestStyle.CARDS),
    "news": (ANNOUNCEMENT, DigestStyle.CARDS),
}


@contextmanager
def open_scenario_runner(
    folder: Path, *, settings: str = "", digest_counts: Mapping[str, int] | None = None
) -> Iterator[DiscordScenarioRunner]:
    """An office until the end of the block. It lives in a thread of its own, so that Discord is there between stories."""
    opened: Future[DiscordScenarioRunner] = Future()
    with ThreadPoolExecutor(1) as thread:
        closed = thread.submit(asyncio.run, _serve_scenarios(folder, settings, digest_counts or {}, opened))
        closed.add_done_callback(
            lambda _: None if opened.done() else opened.set_exception(closed.exception())
        )
        runner = opened.result()
        try:
            yield runner
        finally:
            runner.loop.call_soon_threadsafe(runner.closing.set)
            closed.result()


async def _serve_scenarios(
    folder: Path, settings: str, digest_counts: Mapping[str, int], opened: "Future[DiscordScenarioRunner]"
) -> None:
    async with create_patient_discord() as discord:
        channels = {
            kind: [
                discord.add_channel(
                    kind,
                    CHANNEL_KINDS[kind][0],
                    tags=("vision", "machine learning") if kind == "forum" else (),
                )
                for _ in range(count)
            ]
            for kind, count in digest_counts.items()
        }
        for kind, some in channels.items():
            for channel in some:
                add_overdue_channel(discord, prepare_store(folder), channel, CHANNEL_KINDS[kind][1])
        async with run_bot(discord, folder, settings=settings) as bot:
            opened.set_result(
                DiscordScenarioRunner(
                    discord, bot, channels, asyncio.get_running_loop(), closing := asyncio.Event()
                )
            )
            await closing.wait()


def create_patient_discord() -> FakeDiscord:
    """A Discord that waits as long for a first response as a busy machine needs."""
    return FakeDiscord(response_seconds=WAIT_SECONDS)


async def wait_for_answer(discord: FakeDiscord, interaction: DiscordInteraction) -> str:
    """All that the person reads of an answer."""
    await discord.wait_until(lambda: interaction.responses and not interaction.responses[-1].get("thinking"))
    return "\n".join(map(read_text, interaction.responses))
