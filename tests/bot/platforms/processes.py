"""`paperround run` as a subprocess beside a fake platform, for one scenario or for many."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from bot.cli.demo import import_sample
from digests.ports import Store
from digests.store import open_store
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.fakes.wire import WAIT_SECONDS
from tests.forked import StartedProcess, start_process, start_python
from tests.wall_clock import NOON_ZONE

ROOT = Path(__file__).parents[3]
LOG_TAIL = 40
"""Lines of the log that a failed scenario prints."""

SCENARIO_SECONDS = 3 * WAIT_SECONDS
"""Longest time of a scenario, which waits for several conditions."""


@dataclass(slots=True)
class BotProcess:
    """A running `paperround run` with the log that its operator would read."""

    process: StartedProcess
    folder: Path
    log: list[str]
    log_changed: asyncio.Event

    @property
    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder / 'p.db'}")

    async def wait_for_log(self, *words: str) -> None:
        """Wait for a line of the log with all the words. Its event may still be in progress."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not any(all(word in line for word in words) for line in self.log):
                await self.log_changed.wait()
                self.log_changed.clear()

    async def wait_until(self, condition: Callable[[Store], object]) -> None:
        """Poll the store until the condition is true; for changes that no message announces."""
        store = self.store
        async with asyncio.timeout(WAIT_SECONDS):
            while not await asyncio.to_thread(condition, store):  # noqa: ASYNC110 - another process writes there.
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End the process without a chance to clean up."""
        self.process.kill()
        await self.process.wait()

    def print_log_tail(self) -> None:
        print("\n".join(self.log[-LOG_TAIL:]))


def prepare_store(folder: Path) -> Store:
    """Open the store of a folder with the bundled papers in it; the folder is created if missing."""
    folder.mkdir(exist_ok=True)
    store = open_store(f"sqlite:///{folder / 'p.db'}")
    if store.sources.last_import() is None:
        import_sample(store, datetime.now(UTC))
    return store


def add_overdue_subscription(
    store: Store,
    channel: Channel,
    style: DigestStyle = DigestStyle.CARDS,
    top: int = 3,
    *,
    owner: str = "",
) -> Subscription:
    """Subscribe a channel as of yesterday for every day at midnight, so that its digest is due now.

    Its time zone is one in which the next midnight is far.
    """
    schedule = Schedule(at=time(), days=frozenset(range(7)), time_zone=NOON_ZONE)
    subscription = Subscription(channel, Preferences(top=top, style=style), schedule, owner_id=owner)
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
    waits: Sequence[str] | None = (),
) -> AsyncIterator[BotProcess]:
    """Run `paperround run` until the end of the block. SIGTERM must then end it with status 0.

    `settings` are the tables of the platforms. `wait_for_connection` gets a task that ends with the process.
    `url` is the address of a prepared store; by default a store in the folder is prepared. `waits` are
    options of `tests.impatient`, which is brisk. None of them: `python -m bot run` in a Python of its own.
    """
    if not url:
        prepare_store(folder)
        url = f"sqlite:///{folder / 'p.db'}"
    text = f'[store]\nurl = "{url}"\n[digest]\nmax_age_days = 0\n{settings}\n'
    # Another process of the same folder may be reading them just now.
    unfinished = folder / "paperround.toml.unfinished"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(folder / "paperround.toml")
    prefixes = ("SLACK_", "DISCORD_", "PAPERROUND_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    environment = {**inherited, **secrets}
    if waits is None:
        process: StartedProcess = await start_python("bot", "run", cwd=folder, env=environment)
    else:
        brisk = ("--brisk", "--timeout", f"{timeout}", *waits)
        process = await start_process("tests.impatient", *brisk, "run", cwd=folder, env=environment)
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
        bot.print_log_tail()
        raise
    finally:
        if process.returncode is None:
            await bot.kill()
        await reading


async def _read_log(bot: BotProcess) -> None:
    assert bot.process.stderr
    async for line in bot.process.stderr:
        bot.log.append(line.decode().rstrip())
        bot.log_changed.set()


class FakePlatform(Protocol):
    """A fake server, which lists every breach of its protocol."""

    protocol_errors: list[str]


Fake = TypeVar("Fake", bound=FakePlatform)
Scenario = Callable[[Fake, BotProcess, str, str], Awaitable[None]]
"""A scenario gets the fake server, the bot beside it, Ada's id, and the id of her channel."""


DECIDER = "dora"
"""Name of the only person who may decide about held papers in scenarios."""


def render_deciders(person: str) -> str:
    """Return the settings that name the decider, by platform, workspace and id."""
    return f'\n[operator]\ndeciders = ["{person}"]\n'


@dataclass(frozen=True, slots=True)
class ScenarioRunner(Generic[Fake]):
    """A fake server and one bot, for many scenarios. Each has an Ada and a channel of its own.

    `due_channels` are channels whose digest was due when the bot started, by style or kind of channel; a
    scenario takes one of them. `add_place` adds the Ada of a scenario, and a channel unless it is given one.
    """

    server: Fake
    bot: BotProcess
    due_channels: Mapping[str, list[str]]
    add_place: Callable[[Fake, str], Awaitable[tuple[str, str]]]
    loop: asyncio.AbstractEventLoop
    closing: asyncio.Event

    def run_scenario(self, scenario: Scenario[Fake], kind: str = "") -> None:
        """Run a scenario, in a channel with a digest of this kind or in a channel without one."""
        asyncio.run_coroutine_threadsafe(self._run_in_channel(scenario, kind), self.loop).result()

    async def _run_in_channel(self, scenario: Scenario[Fake], kind: str) -> None:
        assert not kind or self.due_channels[kind], f"no due channel of the kind {kind} is left"
        ada, channel = await self.add_place(self.server, self.due_channels[kind].pop() if kind else "")
        try:
            async with asyncio.timeout(SCENARIO_SECONDS):
                await scenario(self.server, self.bot, ada, channel)
            assert self.server.protocol_errors == []
        except BaseException:
            self.bot.print_log_tail()
            raise
        finally:
            self.server.protocol_errors.clear()


@contextmanager
def open_scenario_runner(
    serving: AbstractAsyncContextManager[ScenarioRunner[Fake]],
) -> Iterator[ScenarioRunner[Fake]]:
    """Yield the runner that `serving` yields, in a thread, so that it answers between scenarios too."""
    opened: Future[ScenarioRunner[Fake]] = Future()

    async def serve() -> None:
        async with serving as runner:
            opened.set_result(runner)
            await runner.closing.wait()

    with ThreadPoolExecutor(1) as thread:
        closed = thread.submit(asyncio.run, serve())
        closed.add_done_callback(
            lambda _: None if opened.done() else opened.set_exception(closed.exception())
        )
        runner = opened.result()
        try:
            yield runner
        finally:
            runner.loop.call_soon_threadsafe(runner.closing.set)
            closed.result()
