"""`paperround run` beside a fake Discord."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from digests.ports import Store
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.platforms import processes
from tests.bot.platforms.processes import (
    DECIDER,
    BotProcess,
    ScenarioRunner,
    prepare_store,
    render_deciders,
)
from tests.fakes.discord import ANNOUNCEMENT, FORUM, TEXT, DiscordInteraction, FakeDiscord, read_text
from tests.fakes.wire import WAIT_SECONDS

DiscordScenarioRunner = ScenarioRunner[FakeDiscord]

CHANNEL_KINDS: Mapping[str, tuple[int, DigestStyle]] = {
    "cards": (TEXT, DigestStyle.CARDS),
    "compact": (TEXT, DigestStyle.COMPACT),
    "thread": (TEXT, DigestStyle.THREAD),
    "forum": (FORUM, DigestStyle.CARDS),
    "news": (ANNOUNCEMENT, DigestStyle.CARDS),
}
FORUM_TAGS = ("vision", "machine learning")


def create_patient_discord(clock: Callable[[], float] = time.time) -> FakeDiscord:
    """Create a Discord that waits for a first response as long as a busy machine needs."""
    return FakeDiscord(clock=clock, response_seconds=WAIT_SECONDS)


def add_overdue_channel(
    discord: FakeDiscord, store: Store, channel: str, style: DigestStyle = DigestStyle.CARDS, top: int = 3
) -> Subscription:
    """Subscribe a Discord channel so that its digest is due now."""
    return processes.add_overdue_subscription(store, channel_of(discord, channel), style, top)


def channel_of(discord: FakeDiscord, channel: str) -> Channel:
    return Channel("discord", channel, discord.channels[channel].guild)


def render_settings(discord: FakeDiscord, settings: str = "") -> str:
    """Return the settings that point the bot at the fake."""
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
    waits: Sequence[str] | None = (),
) -> AsyncIterator[BotProcess]:
    """Run `paperround run` until the end of the block."""

    async def wait_for_gateway(ended: asyncio.Task[int]) -> None:
        await discord.wait_until(lambda: discord.connected_sessions or ended.done(), wake_task=ended)

    async with processes.run_bot(
        folder,
        settings=render_settings(discord, settings),
        secrets=secrets or {"DISCORD_TOKEN": discord.token},
        wait_for_connection=wait_for_gateway if must_connect else None,
        timeout=timeout,
        waits=waits,
    ) as bot:
        yield bot


@asynccontextmanager
async def serve_scenarios(
    folder: Path, *, settings: str = "", digest_counts: Mapping[str, int] | None = None
) -> AsyncIterator[DiscordScenarioRunner]:
    """Serve a Discord server with a bot; `digest_counts` are the numbers of due channels by kind."""
    async with create_patient_discord() as discord:
        channels = {
            kind: [_add_channel(discord, kind) for _ in range(count)]
            for kind, count in (digest_counts or {}).items()
        }
        for kind, channel in ((kind, one) for kind, added in channels.items() for one in added):
            add_overdue_channel(discord, prepare_store(folder), channel, CHANNEL_KINDS[kind][1])
        guild = next(iter(discord.guilds))
        settings += render_deciders(f"discord:{guild}:{discord.add_user(DECIDER)}")
        async with run_bot(discord, folder, settings=settings) as bot:
            loop = asyncio.get_running_loop()
            yield ScenarioRunner(discord, bot, channels, _add_place, loop, asyncio.Event())


def _add_channel(discord: FakeDiscord, kind: str) -> str:
    return discord.add_channel(kind, CHANNEL_KINDS[kind][0], tags=FORUM_TAGS if kind == "forum" else ())


async def _add_place(discord: FakeDiscord, channel: str) -> tuple[str, str]:
    return discord.add_user("ada", can_manage=True), channel or await discord.open_channel("papers")


async def wait_for_answer(discord: FakeDiscord, interaction: DiscordInteraction) -> str:
    """Wait for the answer to an interaction and return its text."""
    await discord.wait_until(lambda: interaction.responses and not interaction.responses[-1].get("thinking"))
    return "\n".join(map(read_text, interaction.responses))
