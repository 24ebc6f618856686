"""A real `paperround run` beside a fake Slack, with nothing but settings: one for a story, or one for many."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo import import_sample
from digests.model import Channel, Schedule, Style, Subscription, Wish
from digests.ports import Store
from digests.store import open_store
from tests.fakes.slack import PATIENCE, FakeSlack


@dataclass(slots=True)
class Bot:
    """A running process; its log is what a person who runs it would read."""

    process: asyncio.subprocess.Process
    folder: Path
    log: list[str]
    said: asyncio.Event

    @property
    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder / 'p.db'}")

    async def says(self, *words: str) -> None:
        """Wait for a line of the log with all the words. What the line is about may not have happened yet."""
        async with asyncio.timeout(PATIENCE):
            while not any(all(word in line for word in words) for line in self.log):
                await self.said.wait()
                self.said.clear()

    async def until(self, holds: Callable[[Store], object]) -> None:
        """Wait for something to be true of the store, where no message tells of it."""
        store = self.store
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(holds, store):  # noqa: ASYNC110 - another process writes there.
                await asyncio.sleep(0.05)


def prepared(folder: Path) -> Store:
    """A store with the bundled papers in it."""
    store = open_store(f"sqlite:///{folder / 'p.db'}")
    if store.papers.last_import() is None:
        import_sample(store, datetime.now(UTC))
    return store


def overdue(store: Store, channel: str, style: Style = Style.CARDS, top: int = 3) -> Subscription:
    """A channel whose digest is due now: it was subscribed yesterday, for every day at midnight UTC."""
    wish = Subscription(
        Channel("slack", channel, "T1"),
        Wish(top=top, style=style),
        Schedule(
            at=datetime.now(UTC).time().replace(hour=0, minute=0, second=0, microsecond=0),
            days=frozenset(range(7)),
        ),
    )
    change = store.subscriptions.change(
        wish.channel, wish, by="Ada", now=datetime.now(UTC) - timedelta(days=1)
    )
    assert change
    assert change.after
    return replace(change.after)


@asynccontextmanager
async def running(
    slack: FakeSlack,
    folder: Path,
    *,
    settings: str = "",
    secrets: Mapping[str, str] | None = None,
    connected: bool = True,
    time_out: float = 30,
    url: str = "",
) -> AsyncIterator[Bot]:
    """`paperround run` until the end of the block, where it is stopped by SIGTERM and must end well.

    At `url` is a store that is prepared already; without it there is one in the folder.
    """
    if not url:
        prepared(folder)
        url = f"sqlite:///{folder / 'p.db'}"
    (folder / "paperround.toml").write_text(
        f'[store]\nurl = "{url}"\n[digest]\nmax_age_days = 0\n'
        f"[delivery]\ntime_out_seconds = {time_out:g}\nlease_seconds = 60\n"
        f'[platforms.slack]\napi_base_url = "{slack.url}"\n{settings}\n',
        encoding="utf-8",
    )
    if secrets is None:
        secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "PAPERROUND_"))
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=folder, env={**clean, **secrets, "PYTHONPATH": str(Path(__file__).parents[4])},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    bot = Bot(process, folder, [], asyncio.Event())
    reading = asyncio.create_task(_read(bot))
    try:
        if connected:
            ended = asyncio.create_task(process.wait())
            await slack.until(lambda: slack.sockets or ended.done(), wakes=ended)
            assert not ended.done(), "the process ended"
            ended.cancel()
        yield bot
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
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


async def _read(bot: Bot) -> None:
    assert bot.process.stderr
    async for line in bot.process.stderr:
        bot.log.append(line.decode().rstrip())
        bot.said.set()


Story = Callable[[FakeSlack, Bot, str, str], Awaitable[None]]
"""What happens, given the workspace, the bot in it, Ada's id and her channel's."""


@dataclass(frozen=True, slots=True)
class Office:
    """A workspace with a bot, open for many stories: each has an Ada and a channel of its own.

    `digests` are channels whose digest was due when the bot started; a story takes one.
    """

    slack: FakeSlack
    bot: Bot
    digests: Mapping[Style, list[str]]
    loop: asyncio.AbstractEventLoop
    closing: asyncio.Event

    def tells(self, story: Story, style: Style | None = None) -> None:
        """Run a story, in a channel that has or gets a digest in this style, or in one without."""
        asyncio.run_coroutine_threadsafe(self._told(story, style), self.loop).result()

    async def _told(self, story: Story, style: Style | None) -> None:
        assert style is None or self.digests[style], f"no channel with a digest in style {style} is left"
        channel = self.digests[style].pop() if style else self.slack.add_channel("papers")
        try:
            await story(self.slack, self.bot, self.slack.add_user("ada"), channel)
            assert self.slack.protocol_errors == []
        except BaseException:
            print("\n".join(self.bot.log[-40:]))
            raise
        finally:
            self.slack.protocol_errors.clear()


@contextmanager
def open_office(
    folder: Path, *, settings: str = "", digests: Mapping[Style, int] | None = None
) -> Iterator[Office]:
    """An office until the end of the block. It lives in a thread of its own, so that Slack is there between stories."""
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
    folder: Path, settings: str, digests: Mapping[Style, int], opened: "Future[Office]"
) -> None:
    async with patient_slack() as slack:
        channels = {
            style: [slack.add_channel(style) for _ in range(count)] for style, count in digests.items()
        }
        for style, some in channels.items():
            for channel in some:
                overdue(prepared(folder), channel, style)
        async with running(slack, folder, settings=settings) as bot:
            office = Office(slack, bot, channels, asyncio.get_running_loop(), asyncio.Event())
            opened.set_result(office)
            await office.closing.wait()


def patient_slack() -> FakeSlack:
    """A Slack that waits as long for an acknowledgement as a busy machine needs."""
    return FakeSlack(retry_delays=(0.1, 0.2), ack_seconds=PATIENCE, trigger_seconds=PATIENCE)
