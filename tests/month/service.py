"""`paperround run` beside both fake platforms, with a clock that stands still until the story moves it.

A step of the story sets the clock, and waits until the process has nothing left to do at that time. A slow
machine changes nothing that anybody sees.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import Engine, and_, create_engine, exists, func, or_, select

from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.ports.queue_groups import QueueGroup
from digests.store import open_store, schema
from digests.store.outbox.conditions import LEASED, RETRYABLE, is_one_of
from digests.store.subscriptions import running_conditions
from tests.bot.platforms.discord.processes import create_patient_discord
from tests.bot.platforms.slack.processes import create_patient_slack
from tests.chaos.child import Spawn, spawn_process
from tests.chaos.clock import FileClock
from tests.fakes.discord import FakeDiscord
from tests.fakes.feeds import FakeFeeds
from tests.fakes.slack import FakeSlack
from tests.forked import start_process
from tests.month.papers import list_announcements, render_reviews

ROOT = Path(__file__).parents[2]
GROUP = "the two labs"
REVIEWS_FILE = "reviews.jsonl"
REVIEWS_INTERVAL = timedelta(minutes=60)
POLL_SECONDS = 0.02
STALL_SECONDS = 120.0
"""Seconds without a request, a log line or a change of what is waited for, after which a wait has failed."""

SETTINGS = """
[store]
url = "sqlite:///p.db"
[[sources]]
kind = "arxiv"
categories = ["cs.CL", "cs.CV", "cs.LG", "cs.SD", "eess.AS"]
rss_url = "{feeds.rss_url}"
oai_url = "{feeds.oai_url}"
query_url = "{feeds.query_url}"
[[sources]]
kind = "reviews"
url = "{feeds.url}/files/{reviews}"
[platforms.slack]
api_base_url = "{slack.url}"
unfurl_arxiv = false
[platforms.discord]
api_base_url = "{discord.url}"
gateway_url = "{discord.gateway_url}"
[[discussion.groups]]
name = "{group}"
members = ["slack:{slack.team_id}", "discord:{guild}"]
"""


@dataclass(slots=True)
class Service:
    """The process with its store, its log, and the servers around it."""

    folder: Path
    clock: FileClock
    slack: FakeSlack
    discord: FakeDiscord
    guild: str
    feeds: FakeFeeds
    engine: Engine
    process: BaseProcess | None = None
    kills: int = 0
    _store: Store | None = field(default=None, init=False)

    @property
    def store(self) -> Store:
        """The store that the process writes to. It is opened when the process has created it."""
        self._store = self._store or open_store(f"sqlite:///{self.folder / 'p.db'}")
        return self._store

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the process and of commands beside it."""
        prefixes = ("SLACK_", "DISCORD_", "PAPERROUND_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
        return inherited | {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "DISCORD_TOKEN": self.discord.token,
            "PYTHONPATH": str(ROOT),
        }

    # The process.

    async def start(self) -> None:
        """Start the process, and wait until both platforms are connected."""
        sockets = self.slack.sockets_opened
        self.process = spawn_process(Spawn(self.folder, self.clock.file, self.environment, self.log))
        await self.wait_until(
            lambda: self.slack.sockets_opened > sockets and self.discord.connected_sessions, "it is connected"
        )

    async def stop(self) -> None:
        """Stop the process as its operator does. It must end without an error."""
        assert self.process
        os.kill(self.process.pid or 0, signal.SIGTERM)
        await asyncio.to_thread(self.process.join, STALL_SECONDS)
        assert self.process.exitcode == 0, self.log.read_text()

    async def kill(self) -> None:
        """End the process without a chance to clean up."""
        assert self.process
        self.process.kill()
        await asyncio.to_thread(self.process.join)
        self.kills += 1

    def close(self) -> None:
        if self.process:
            self.process.kill()
            self.process.join()
        if self._store:
            self._store.close()
        self.engine.dispose()

    # Time.

    async def move_clock(self, now: datetime) -> None:
        """Set the clock, and wait until all that is due is done."""
        assert now >= self.clock(), f"the story goes back to {now}"
        self.clock.set(now, rate=0)
        await self.settle()

    async def settle(self) -> None:
        """Wait until the process has nothing left to do at the time of the clock."""
        await self.wait_until(self._is_idle, "everything due is done")

    def _is_idle(self) -> bool:
        """Return True if nothing is due, and no post is waiting for an edit or being made."""
        subscriptions, deliveries, now = schema.subscriptions, schema.deliveries, self.clock()
        is_running = and_(*running_conditions())
        recap_at = subscriptions.c.next_recap_at
        is_pending = or_(
            is_one_of(deliveries.c.state, LEASED),
            and_(is_one_of(deliveries.c.state, RETRYABLE), deliveries.c.next_try_at <= now),
        )
        unfinished = or_(
            exists().where(is_running, subscriptions.c.next_due_at <= now),
            exists().where(is_running, subscriptions.c.recap, or_(recap_at.is_(None), recap_at <= now)),
            exists().where(is_pending),
            exists().where(schema.meeting_plans.c.next_step_at <= now),
            exists().where(schema.post_edits.c.due_at <= now),
        )
        with self.engine.connect() as connection:
            return not connection.execute(select(unfinished)).scalar_one()

    def find_next_due(self) -> datetime | None:
        """Return the next instant at which a digest, a recap or a step of a meeting is due."""
        subscriptions, plans, now = schema.subscriptions, schema.meeting_plans, self.clock()
        columns = (subscriptions.c.next_due_at, subscriptions.c.next_recap_at, plans.c.next_step_at)
        with self.engine.connect() as connection:
            found = [
                connection.execute(select(func.min(column, type_=column.type)).where(column > now)).scalar()
                for column in columns
            ]
        return min(filter(None, found), default=None)

    async def fetch_papers(self, day: date, at: datetime) -> None:
        """Let the papers of a day come in at an instant, when both sources are due to be read."""
        self.feeds.files[REVIEWS_FILE] = render_reviews(day)
        await self.move_clock(at)
        await self.wait_until(
            lambda: all(self._has_fetched(source, at) for source in ("arxiv", "reviews")), "papers are read"
        )
        await self.settle()

    def _has_fetched(self, source: str, since: datetime) -> bool:
        last_try = self.store.sources.load_state(source).last_try
        return last_try is not None and last_try >= since

    async def wait_until(self, condition: Callable[[], object], description: str) -> None:
        """Wait for a condition. Raises AssertionError with the end of the log when nothing changes."""
        changed_at, activity = time.monotonic(), self._measure_activity()
        while not await asyncio.to_thread(condition):
            if (newest := self._measure_activity()) != activity:
                changed_at, activity = time.monotonic(), newest
            has_ended = self.process is not None and self.process.exitcode is not None
            if has_ended or time.monotonic() - changed_at > STALL_SECONDS:
                log_tail = "\n".join(self.log.read_text().splitlines()[-25:])
                raise AssertionError(f"at {self.clock()} still not: {description}\n{log_tail}")
            await asyncio.sleep(POLL_SECONDS)

    def _measure_activity(self) -> tuple[int, ...]:
        size = self.log.stat().st_size if self.log.exists() else 0
        return len(self.slack.calls), len(self.discord.calls), len(self.feeds.requests), size

    @property
    def groups(self) -> tuple[QueueGroup, ...]:
        """The groups of the settings, as the process knows them."""
        members = (QueueScope("slack", self.slack.team_id), QueueScope("discord", self.guild))
        return (QueueGroup(GROUP, members),)

    async def run_command(self, *arguments: str) -> str:
        """Run a command of the terminal beside the process, by the same clock, and return what it prints."""
        process = await start_process(
            "tests.impatient", "--clock", str(self.clock.file), *arguments,
            cwd=self.folder, env=self.environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        printed, errors = await process.communicate()
        assert process.returncode == 0, errors
        return printed.decode()


@asynccontextmanager
async def open_service(folder: Path, now: datetime) -> AsyncIterator[Service]:
    """Serve both platforms and the sources. The process is not started yet; it is stopped at the end."""
    clock = FileClock(folder / "clock")
    clock.set(now, rate=0)
    feeds = FakeFeeds(clock, announcement_source=list_announcements, upvotes=lambda day: [])
    slack, discord = create_patient_slack(clock.timestamp), create_patient_discord(clock.timestamp)
    slack.rate_limits = discord.rate_limits = False
    async with slack, discord, feeds:
        guild = discord.add_guild("Harbor Reading Club")
        settings = SETTINGS.format(
            feeds=feeds, reviews=REVIEWS_FILE, slack=slack, discord=discord, group=GROUP, guild=guild
        )
        (folder / "paperround.toml").write_text(settings, encoding="utf-8")
        engine = create_engine(f"sqlite:///{folder / 'p.db'}")
        service = Service(folder, clock, slack, discord, guild, feeds, engine)
        try:
            yield service
            await service.stop()
        finally:
            service.close()
