"""A cluster: a store, a chat service, a clock and its workers; and the check of the result."""

import asyncio
import itertools
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.delivery.context import DeliveryPolicy
from digests.ports import Store
from digests.ports.delivery_reports import DeliveryReport
from digests.ports.outbox import DeliveryState, PageState
from digests.store import open_store
from digests.store.engine import BUSY_TIMEOUT
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.builders import a_paper, a_review
from tests.chaos.base import ChaosDatabase, DiskState, EditionStates, create_database
from tests.chaos.chat import ChatService, DiscordChat, PagePapers, SlackChat, expected_pages
from tests.chaos.child import Spawn, spawn_process
from tests.chaos.clock import FileClock
from tests.chaos.faults import FaultPlan, PlannedFault
from tests.fakes.discord import FakeDiscord
from tests.fakes.slack import FakeSlack

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOP = 3
DAILY = frozenset(range(7))
MIDNIGHT = Schedule(hour(0), DAILY)
LEASE = timedelta(seconds=75)
"""7.5 seconds at a `FAST` clock: a busy machine's chat service commits before another worker takes over."""
SKIP_MARGIN = timedelta(seconds=45)
HISTORY_LAG = timedelta(seconds=0.1)
TIMEOUT = timedelta(seconds=2)
SECOND = timedelta(seconds=1)
FAST_RATE = 10.0
"""At this rate a minute takes six seconds, and a lease outlasts a time-out."""
LONG_LEASE = timedelta(minutes=10)
"""Outlasts a scenario at a `FAST` clock: only a free lock lets another worker take over."""
LATE_COMMIT = timedelta(seconds=6)
"""Real seconds after which a message that came too late, and was shown late, is in the history."""
AFTER_ANY_LEASE = timedelta(minutes=5)
"""Longer than a lease and than Discord remembers a nonce: afterwards only the history can be asked."""
FINISHED_STATES = (DeliveryState.POSTED, DeliveryState.EMPTY, DeliveryState.FAILED)
RETRYABLE_STATES = (DeliveryState.RETRYING, DeliveryState.UNKNOWN)
STALL_SECONDS = 150.0
"""Real seconds without a log line, a message or a change of an edition, after which a wait has failed."""
LIMIT_SECONDS = 900.0
"""Longest wait for a condition while something still changes, in real seconds."""
SKIP_AFTER_SECONDS = 4.0
"""Real seconds before a wait is skipped, so that late commits of the chat service are done."""
POLL_SECONDS = 0.01
"""Interval between two checks of another process."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The store, the platform and the number of workers of a scenario."""

    store: str = "sqlite"
    platform: str = "slack"

    @property
    def replicas(self) -> int:
        return 1 if self.store == "sqlite" else 3

    def __str__(self) -> str:
        return f"{self.store}, {self.platform}"


@dataclass(slots=True)
class Tally:
    """Result of a scenario."""

    kills: int = 0
    channels: int = 0
    pages: int = 0
    lost: int = 0
    repeated: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skip_reason: str = ""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.kills + other.kills,
            self.channels + other.channels,
            self.pages + other.pages,
            self.lost + other.lost,
            self.repeated + other.repeated,
            self.problems + other.problems,
        )

    @property
    def is_ok(self) -> bool:
        return not (self.lost or self.repeated or self.problems)


class StallWatch:
    """A watch over figures that change while something gets on. It looks at them once a second."""

    def __init__(self, measure: Callable[[], object]) -> None:
        self._measure = measure
        self._began = self._changed = self._looked = time.monotonic()
        self._figures: object = None

    def is_over(self) -> bool:
        """Return True if nothing has changed for `STALL_SECONDS`, or nothing ends for `LIMIT_SECONDS`."""
        now = time.monotonic()
        if now - self._looked < 1:
            return False
        self._looked = now
        if (figures := self._measure()) != self._figures:
            self._figures, self._changed = figures, now
        return now - self._changed > STALL_SECONDS or now - self._began > LIMIT_SECONDS


@dataclass(slots=True)
class Worker:
    """A process that runs `paperround run`."""

    process: BaseProcess
    log: Path

    @property
    def is_ended(self) -> bool:
        return self.process.exitcode is not None

    @property
    def is_killed(self) -> bool:
        return self.process.exitcode == -signal.SIGKILL

    def send_signal(self, number: signal.Signals) -> None:
        if self.process.pid and not self.is_ended:
            os.kill(self.process.pid, number)

    def read_log(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def find_tracebacks(self) -> list[str]:
        """Return the tracebacks in the log, each from the line before it on."""
        lines = self.read_log().splitlines()
        found = [place for place, line in enumerate(lines) if line.startswith("Traceback")]
        return ["\n".join(lines[max(place - 1, 0) : place + 40]) for place in found[:2]]


@dataclass(slots=True)
class Cluster:
    """A deployment under test.

    `expected_papers` has, by channel and edition, the papers that must be posted. The clocks of three workers
    started in a row differ by `clock_spread` around `clock`.
    """

    deployment: Deployment
    folder: Path
    chat: ChatService
    store: Store
    clock: FileClock
    database: ChaosDatabase
    tick_seconds: float = 0.1
    busy_timeout: float = BUSY_TIMEOUT
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    clock_spread: timedelta = timedelta()
    expected_papers: dict[Channel, dict[date, list[str]]] = field(default_factory=dict)
    styles: dict[Channel, DigestStyle] = field(default_factory=dict)
    forums: set[Channel] = field(default_factory=set)
    workers: list[Worker] = field(default_factory=list)
    replaced_count: int = 0
    retry_wait_since: float | None = None

    @property
    def fault_plan(self) -> FaultPlan:
        return FaultPlan(self.folder)

    # Input.

    def add_papers(self, day: date, count: int = TOP) -> list[str]:
        """Add the papers of a day and return their ids, best first."""
        names = [f"{day:%y%m}.{day.day:02}{number:03}" for number in range(count)]
        records = [
            (a_paper(name, published=day), a_review(9 - place / 10)) for place, name in enumerate(names)
        ]
        self.store.library.add(records, now=self.clock() - timedelta(minutes=1))
        self.store.sources.record_import(now=self.clock() - timedelta(minutes=1))
        return names

    def subscribe_channel(
        self,
        papers: list[str],
        style: DigestStyle = DigestStyle.CARDS,
        schedule: Schedule = MIDNIGHT,
        since: timedelta = timedelta(days=1),
        faults: Sequence[PlannedFault] = (),
        is_special: bool = False,
    ) -> Channel:
        """Subscribe a channel as of yesterday, whose digest with these papers is due now.

        Without papers nothing is due now. The faults hit its deliveries.
        """
        channel = self.chat.add_channel(special=is_special)
        if faults:
            self.fault_plan.schedule_faults(channel.channel, faults)
        subscription = Subscription(channel, Preferences(top=TOP, style=style), schedule)
        self.store.subscriptions.change(channel, subscription, by="Ada", now=self.clock() - since)
        self.styles[channel] = style
        if is_special and self.deployment.platform == "discord":
            self.forums.add(channel)
        self.expected_papers[channel] = {self.clock().date(): papers} if papers else {}
        return channel

    def subscribe_channels(
        self, papers: list[str], channels: int, since: timedelta = timedelta(days=1)
    ) -> None:
        """Subscribe `count` channels, in all styles; every fourth is of the platform's other kind."""
        for number, style in enumerate(itertools.islice(itertools.cycle(DigestStyle), channels)):
            self.subscribe_channel(papers, style, since=since, is_special=number % 4 == 3)

    def overwrite_column(self, channel: Channel, column: str, value: str) -> None:
        """Change a channel's row without validation."""
        change = text(f"UPDATE subscriptions SET {column} = :value WHERE channel = :channel")
        with self.database.open_connection() as connection:
            connection.execute(change, {"value": value, "channel": channel.channel})

    def set_disk_state(self, state: DiskState) -> None:
        """Set the disk state for every later transaction of the workers."""
        if self.deployment.store == "sqlite":
            (self.folder / "disk").write_text(state)
        else:
            self.database.set_disk_state(state)

    async def wait_for_log(self, *words: str) -> None:
        """Wait until a worker has logged one of these lines."""
        await self.wait_until(
            lambda: any(word in worker.read_log() for worker in self.workers for word in words),
            f"somebody says {' or '.join(map(repr, words))}",
        )

    # Processes.

    def spawn_workers(self, count: int = 0) -> None:
        """Start workers, by default as many as the deployment has."""
        for _ in range(count or self.deployment.replicas):
            self.spawn_worker()

    def list_live_workers(self) -> list[Worker]:
        return [worker for worker in self.workers if not worker.is_ended]

    async def replace_dead_workers(self) -> None:
        """Wait until one more worker has died, and start another."""
        dead = sum(worker.is_ended for worker in self.workers) - self.replaced_count
        await self.wait_until(
            lambda: sum(worker.is_ended for worker in self.workers) > self.replaced_count, "it dies"
        )
        self.replaced_count += max(dead, 1)
        self.spawn_workers(max(dead, 1))

    async def kill_workers(self) -> None:
        """Kill every worker and wait until all have ended."""
        for worker in self.list_live_workers():
            worker.send_signal(signal.SIGKILL)
        await self.wait_until(lambda: not self.list_live_workers(), "all die")
        self.replaced_count = len(self.workers)

    def resume_workers(self) -> None:
        for worker in self.list_live_workers():
            worker.send_signal(signal.SIGCONT)

    async def wait_some_ticks(self) -> None:
        """Sleep for a few ticks."""
        await asyncio.sleep(5 * self.tick_seconds)

    async def wait_one_tick(self) -> None:
        await asyncio.sleep(2 * self.tick_seconds)

    async def wait_at_most(self, seconds: float, condition: Callable[[], object]) -> None:
        """Wait for a condition, up to a limit of real seconds."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:  # noqa: ASYNC110 (it comes true in another process)
            await asyncio.sleep(POLL_SECONDS)

    def spawn_worker(self) -> Worker:
        """Start a worker."""
        number = len(self.workers) + 1
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SLACK_", "DISCORD_", "PAPERROUND_"))
        }
        spawn = Spawn(
            self.folder,
            self.clock.file,
            {**clean, **self.chat.secrets, "PYTHONPATH": str(ROOT)},
            self.folder / f"{number}.log",
            self.tick_seconds,
            self.busy_timeout,
            self.clock_spread * (number % 3 - 1) / 2,
            self.policy,
        )
        worker = Worker(spawn_process(spawn), spawn.log)
        self.workers.append(worker)
        return worker

    async def wait_until(self, condition: Callable[[], object], description: str) -> None:
        """Wait for a condition as long as the workers get on, however slow the machine is.

        Raises AssertionError with the end of the last workers' logs.
        """
        watch = StallWatch(self._measure_progress)
        while not condition():
            if watch.is_over():
                log_tail = "\n".join(
                    "\n".join(worker.read_log().splitlines()[-12:]) for worker in self.workers[-3:]
                )
                exit_codes = [worker.process.exitcode for worker in self.workers]
                raise AssertionError(f"nothing gets on: {description}; ended: {exit_codes}\n{log_tail}")
            await asyncio.sleep(POLL_SECONDS)

    def _measure_progress(self) -> tuple[int, ...]:
        """Return figures that change while the workers get on."""
        messages = sum(len(self.chat.pages_in(channel)) for channel in self.expected_papers)
        return messages, *(worker.log.stat().st_size for worker in self.workers if worker.log.exists())

    async def wait_for_faults(self, channel: Channel, description: str, *, remaining: int = 0) -> None:
        """Wait until a channel has this number of pending faults, or is finished."""
        await self.wait_until(
            lambda: (
                len(self.fault_plan.pending_faults(channel.channel)) <= remaining or self.is_finished(channel)
            ),
            description,
        )

    # Result.

    def list_deliveries(self, channel: Channel) -> list[DeliveryReport]:
        found = self.store.subscriptions.find(channel)
        return list(self.store.delivery_reports.history(found, 99)) if found else []

    def is_finished(self, channel: Channel) -> bool:
        """Return True when every due edition is finished."""
        return not self.list_unfinished([channel])

    def list_unfinished(self, channels: Collection[Channel] | None = None) -> list[Channel]:
        """Return the unfinished deliveries of these channels, or of all."""
        states = self.database.read_edition_states()
        return [
            channel
            for channel in (self.expected_papers if channels is None else channels)
            if not self._is_complete(channel, states)
        ]

    def is_waiting_for_retries(self) -> bool:
        """Return True when unfinished deliveries only wait for their next attempt."""
        edition_states = self.database.read_edition_states()
        states = [
            edition_states.get((channel.channel, edition), (None, None))[0]
            for channel, editions in self.expected_papers.items()
            for edition in editions
        ]
        return all(state in RETRYABLE_STATES for state in states)

    def _is_complete(self, channel: Channel, edition_states: EditionStates) -> bool:
        states = [
            edition_states.get((channel.channel, edition), (None, None))[0]
            for edition in self.expected_papers[channel]
        ]
        return all(state in FINISHED_STATES for state in states)

    def find_channels_in_doubt(self) -> tuple[set[Channel], set[Channel]]:
        """Return the channels with a page in doubt that has arrived, and those with one that has not."""
        arrived, absent = set[Channel](), set[Channel]()
        for channel in self.list_unfinished():
            states = [page.state for delivery in self.list_deliveries(channel) for page in delivery.pages]
            if PageState.POSTING in states:
                is_absent = len(self.chat.pages_in(channel)) == states.count(PageState.POSTED)
                (absent if is_absent else arrived).add(channel)
        return arrived, absent

    async def wait_until_finished(self, channel: Channel, description: str) -> None:
        """Wait until the only channel with a delivery in progress has its due editions."""
        await self._wait_for_channels([channel], description)

    async def wait_until_all_finished(self) -> None:
        """Wait until every channel has its due editions."""
        await self._wait_for_channels(list(self.expected_papers), "every channel has its digest")

    async def _wait_for_channels(self, channels: Sequence[Channel], description: str) -> None:
        """Skip long waits while nothing is in progress, without delaying the chat service."""
        is_complete = False

        async def poll() -> None:
            nonlocal is_complete
            while not is_complete:
                is_complete = await asyncio.to_thread(self._poll_channels, channels)
                await asyncio.sleep(5 * POLL_SECONDS)

        polling = asyncio.create_task(poll())
        try:
            await self.wait_until(lambda: is_complete or polling.done(), description)
            await polling
        finally:
            polling.cancel()

    def _poll_channels(self, channels: Sequence[Channel]) -> bool:
        try:
            edition_states = self.database.read_edition_states()
        except OperationalError:  # PostgreSQL gets well again.
            return False
        left = [channel for channel in channels if not self._is_complete(channel, edition_states)]
        retry_times = [
            next_try
            for channel in left
            for edition in self.expected_papers[channel]
            for state, next_try in [edition_states.get((channel.channel, edition), (None, None))]
            if state in RETRYABLE_STATES and next_try
        ]
        if not retry_times or len(retry_times) < len(left) or min(retry_times) <= self.clock() + SKIP_MARGIN:
            self.retry_wait_since = None
        elif self.retry_wait_since is None:
            self.retry_wait_since = time.monotonic()
        elif time.monotonic() - self.retry_wait_since > SKIP_AFTER_SECONDS:
            self.clock.set(min(retry_times), self.clock.rate)
            self.retry_wait_since = None
        return not left

    def tally_pages(self) -> Tally:
        """Compare the messages of every channel with the expected papers."""
        tally = Tally(
            kills=sum(worker.is_killed for worker in self.workers), channels=len(self.expected_papers)
        )
        for channel in self.expected_papers:
            self._count_pages(channel, tally)
        tally.problems += self.chat.list_protocol_errors()
        tally.problems += [fault for worker in self.workers for fault in worker.find_tracebacks()]
        return tally

    def _count_pages(self, channel: Channel, tally: Tally) -> None:
        expected: list[PagePapers] = [
            page
            for papers in self.expected_papers[channel].values()
            for page in expected_pages(papers, self.styles[channel], is_special=channel in self.forums)
        ]
        posted = self.chat.pages_in(channel)
        missing, repeated = Counter(expected) - Counter(posted), Counter(posted) - Counter(expected)
        tally.pages += len(posted)
        tally.lost += missing.total()
        tally.repeated += repeated.total()
        if not missing and not repeated and posted != expected:
            tally.problems.append(f"{channel}: out of order")
        if missing or repeated:
            tally.problems.append(
                f"{channel}: lost {list(missing.elements())}, repeated {list(repeated.elements())}"
                f"{self._log_of(channel)}"
            )
        failed = [one.reason for one in self.list_deliveries(channel) if one.state is DeliveryState.FAILED]
        tally.problems += [f"{channel}: failed: {reason}" for reason in failed]

    def _log_of(self, channel: Channel) -> str:
        """Return the log lines of a channel, and the state of its deliveries."""
        lines = [
            line
            for worker in self.workers
            for line in worker.read_log().splitlines()
            if channel.channel in line
        ]
        stand = [
            f"{one.edition} {one.state}, {one.attempts} attempts" for one in self.list_deliveries(channel)
        ]
        return "".join(f"\n    {line}" for line in [*sorted(lines)[-20:], *stand])


@asynccontextmanager
async def start_cluster(
    deployment: Deployment,
    *,
    now: datetime = NOON,
    rate: float = 1.0,
    timeout: timedelta = TIMEOUT,
    lease: timedelta = LEASE,
    absence_wait: timedelta = timedelta(),
    history_lag: timedelta = HISTORY_LAG,
    tick_seconds: float = 0.1,
    over_proxy: bool = False,
    has_own_server: bool = False,
    has_small_disk: bool = False,
    has_own_chat_clock: bool = False,
    clock_spread: timedelta = timedelta(),
    attempts: int = 50,
) -> AsyncIterator[Cluster]:
    """Open an empty cluster; its workers are killed at the end.

    `absence_wait` is in real seconds, for scenarios in which a message comes or is shown after the time-out.
    With `over_wire` the network to PostgreSQL can be cut, with `own_server` PostgreSQL can be crashed,
    stopped and made read-only, with `small_disk` its disk can be filled.
    """
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="paperround-chaos-")))
        database_context = create_database(
            deployment.store,
            folder,
            over_proxy=over_proxy,
            has_own_server=has_own_server,
            has_small_disk=has_small_disk,
        )
        database = exits.enter_context(database_context)
        clock, own_chat_clock = FileClock(folder / "clock"), FileClock(folder / "clock of the chat")
        clock.set(now, rate)
        own_chat_clock.set(now, rate)
        store = open_store(database.url, now=now)
        exits.callback(store.close)
        chat_clock = own_chat_clock if has_own_chat_clock else clock
        async with _start_chat(deployment, chat_clock) as chat:
            policy = DeliveryPolicy(
                lease=lease,
                timeout=timeout,
                history_lag=history_lag,
                absence_wait=absence_wait,
                min_attempts=attempts,
                concurrency_per_workspace=50,
            )
            cluster = Cluster(
                deployment,
                folder,
                chat,
                store,
                clock,
                database,
                tick_seconds=tick_seconds,
                policy=policy,
                clock_spread=clock_spread,
            )
            _write_settings(folder, database.bot_url, chat)
            try:
                yield cluster
            finally:
                await _end_workers(cluster.workers)


@asynccontextmanager
async def _start_chat(deployment: Deployment, clock: FileClock) -> AsyncIterator[ChatService]:
    """Open a chat service without rate limits, which would only slow the trials."""
    if deployment.platform == "slack":
        async with FakeSlack(clock=clock.timestamp, rate_limits=False) as slack:
            yield SlackChat(slack)
    else:
        async with FakeDiscord(clock=clock.timestamp, rate_limits=False) as discord:
            yield DiscordChat(discord)


def _write_settings(folder: Path, url: str, chat: ChatService) -> None:
    (folder / "paperround.toml").write_text(
        f'[store]\nurl = "{url}"\n[digest]\nmax_age_days = 0\ndomain_share = 1\n{chat.settings}',
        encoding="utf-8",
    )


async def _end_workers(workers: list[Worker]) -> None:
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    for worker in workers:
        await asyncio.to_thread(worker.process.join)
        worker.process.close()
