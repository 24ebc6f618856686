"""A real `paperround run` beside a fake Discord."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from digests.model import Channel, Style, Subscription
from digests.ports import Store
from tests.bot.platforms import processes
from tests.bot.platforms.processes import Bot
from tests.fakes.discord import FakeDiscord


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
