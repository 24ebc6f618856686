"""A real `paperround run` beside a fake platform, with nothing but settings."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from bot.cli.demo import import_sample
from digests.ports import Store
from digests.store import open_store
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.fakes.slack import WAIT_SECONDS


@dataclass(slots=True)
class BotProcess:
    """A running process; its log is what a person who runs it would read."""

    process: asyncio.subprocess.Process
    folder: Path
    log: list[str]
    log_changed: asyncio.Event

    @property
    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder / 'p.db'}")

    async def wait_for_log(self, *words: str) -> None:
        """Wait for a line of the log with all the words. What the line is about may not have happened yet."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not any(all(word in line for word in words) for line in self.log):
                await self.log_changed.wait()
                self.log_changed.clear()

    async def wait_until(self, condition: Callable[[Store], object]) -> None:
        """Wait for something to be true of the store, where no message tells of it."""
        store = self.store
        async with asyncio.timeout(WAIT_SECONDS):
            while not await asyncio.to_thread(condition, store):  # noqa: ASYNC110 - another process writes there.
                await asyncio.sleep(0.05)


def prepare_store(folder: Path) -> Store:
    """A store with the bundled papers in it, in a folder that is made where there is none."""
    folder.mkdir(exist_ok=True)
    store = open_store(f"sqlite:///{folder / 'p.db'}")
    if store.sources.last_import() is None:
        import_sample(store, datetime.now(UTC))
    return store


def add_overdue_subscription(
    store: Store, channel: Channel, style: DigestStyle = DigestStyle.CARDS, top: int = 3
) -> Subscription:
    """A channel whose digest is due now: it was subscribed yesterday, for every day at midnight UTC."""
    subscription = Subscription(
        channel, Preferences(top=top, style=style), Schedule(at=time(), days=frozenset(range(7)))
    )
    change = store.subscriptions.change(
        channel, subscription, by="Ada", now=datetime.now(UTC) - timedelta(days=1)
    )
    assert change
    assert change.after
    return replace(change.after)


@asynccontextmanager
async def run_bot(
    folder: Path,
    *,
    settings: str,
    secrets: Mapping[str, str],
    wait_for_connection: Callable[[asyncio.Task[int]], Awaitable[None]] | None,
    timeout: float = 30,
    url: str = "",
) -> AsyncIterator[BotProcess]:
    """`paperround run` until the end of the block, where it is stopped by SIGTERM and must end well.

    `settings` are the tables of the platforms. `connected` waits until the bot is, or its process has ended.
    At `url` is a store that is prepared already; without it there is one in the folder.
    """
    if not url:
        prepare_store(folder)
        url = f"sqlite:///{folder / 'p.db'}"
    (folder / "paperround.toml").write_text(
        f'[store]\nurl = "{url}"\n[digest]\nmax_age_days = 0\n'
        f"[delivery]\ntimeout_seconds = {timeout:g}\nlease_seconds = 90\n{settings}\n",
        encoding="utf-8",
    )
    ours = ("SLACK_", "DISCORD_", "PAPERROUND_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=folder, env={**clean, **secrets, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    bot = BotProcess(process, folder, [], asyncio.Event())
    reading = asyncio.create_task(_read_log(bot))
    try:
        if wait_for_connection:
            ended = asyncio.create_task(process.wait())
            await wait_for_connection(ended)
            assert not ended.done(), "the process ended"
            ended.cancel()
        yield bot
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(WAIT_SECONDS):
                assert await process.wait() == 0, "\n".join(bot.log[-20:])
            assert not any("Traceback" in line for line in bot.log), "\n".join(bot.log)
    except BaseException:
        print("\n".join(bot.log[-40:]))
        raise
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading


async def _read_log(bot: BotProcess) -> None:
    assert bot.process.stderr
    async for line in bot.process.stderr:
        bot.log.append(line.decode().rstrip())
        bot.log_changed.set()
