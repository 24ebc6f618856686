"""A store, a chat service, a clock and the processes between them; and the count of what came out."""

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

from digests.model import Channel, Schedule, Style, Subscription, Wish
from digests.ports import Delivery, DeliveryState, Store
from digests.store import open_store
from digests.store.engine import BUSY_TIMEOUT
from tests.builders import a_paper, a_review
from tests.fakes.discord import FakeDiscord
from tests.fakes.slack import FakeSlack
from tests.fire.base import Base, Disk, Standing, base
from tests.fire.chat import Chat, DiscordChat, Page, SlackChat, expected
from tests.fire.child import Birth, begin
from tests.fire.clock import Clock
from tests.fire.strikes import Strike, Strikes

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOP = 3
DAILY = frozenset(range(7))
MIDNIGHT = Schedule(hour(0), DAILY)
LEASE = timedelta(seconds=75)
"""At a `FAST` clock 7.5 seconds: what a busy machine's chat service commits late is there before another takes over."""
SAFE = timedelta(seconds=45)
TIME_OUT = timedelta(seconds=2)
SECOND = timedelta(seconds=1)
FAST = 10.0
"""A clock at this rate makes a minute's wait six seconds, and leaves a lease longer than a time-out."""
AFTER_ANY_LEASE = timedelta(minutes=5)
"""Longer than a lease, and than Discord remembers a nonce: then the history alone tells what was posted."""
OVER = (DeliveryState.POSTED, DeliveryState.QUIET, DeliveryState.FAILED)
PUT_OFF = (DeliveryState.WAITING, DeliveryState.UNKNOWN)
PATIENCE = 60.0
"""Seconds that are waited for what must come: a busy machine is slow, and nothing is decided by speed."""
A_MINUTE_SECONDS = 4.0
"""So much of our time is left before a wait is skipped: what a chat service does late, and shows later, is there by then."""
LOOK_SECONDS = 0.01
"""Between two looks at whether something has come true in another process."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scenario plays."""

    store: str = "sqlite"
    platform: str = "slack"

    @property
    def replicas(self) -> int:
        return 1 if self.store == "sqlite" else 3

    def __str__(self) -> str:
        return f"{self.store}, {self.platform}"


@dataclass(slots=True)
class Tally:
    """What came out of a scenario."""

    kills: int = 0
    channels: int = 0
    pages: int = 0
    lost: int = 0
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)
    skipped: str = ""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.kills + other.kills,
            self.channels + other.channels,
            self.pages + other.pages,
            self.lost + other.lost,
            self.repeated + other.repeated,
            self.wrong + other.wrong,
        )

    @property
    def well(self) -> bool:
        return not (self.lost or self.repeated or self.wrong)


@dataclass(slots=True)
class Life:
    """A process in which `paperround run` runs."""

    process: BaseProcess
    log: Path

    @property
    def ended(self) -> bool:
        return self.process.exitcode is not None

    @property
    def killed(self) -> bool:
        return self.process.exitcode == -signal.SIGKILL

    def signal(self, number: signal.Signals) -> None:
        if self.process.pid and not self.ended:
            os.kill(self.process.pid, number)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tracebacks(self) -> list[str]:
        """What no user is to see, from the line before it on."""
        lines = self.said().splitlines()
        found = [place for place, line in enumerate(lines) if line.startswith("Traceback")]
        return ["\n".join(lines[max(place - 1, 0) : place + 40]) for place in found[:2]]


@dataclass(slots=True)
class World:
    """`due` has each channel with the editions that it is to have had, and the papers of each.

    The clocks of any three processes that begin one after the other are so far `apart`, about `clock`.
    """

    place: Place
    folder: Path
    chat: Chat
    store: Store
    clock: Clock
    base: Base
    minute: float = 0.1
    busy: float = BUSY_TIMEOUT
    apart: timedelta = timedelta()
    due: dict[Channel, dict[date, list[str]]] = field(default_factory=dict)
    styles: dict[Channel, Style] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)
    replaced: int = 0
    put_off_since: float | None = None

    @property
    def strikes(self) -> Strikes:
        return Strikes(self.folder)

    # What there is to do.

    def bring(self, day: date, most: int = TOP) -> list[str]:
        """The papers of a day, best first."""
        names = [f"{day:%y%m}.{day.day:02}{number:03}" for number in range(most)]
        records = [
            (a_paper(name, published=day), a_review(9 - place / 10)) for place, name in enumerate(names)
        ]
        self.store.papers.add(records, now=self.clock() - timedelta(minutes=1))
        self.store.papers.imported(now=self.clock() - timedelta(minutes=1))
        return names

    def subscribe(
        self,
        papers: list[str],
        style: Style = Style.CARDS,
        schedule: Schedule = MIDNIGHT,
        since: timedelta = timedelta(days=1),
        strikes: Sequence[Strike] = (),
        special: bool = False,
    ) -> Channel:
        """A channel whose digest with these papers is due now: it has been subscribed since yesterday.

        Without papers nothing is due now. The strikes hit its deliveries.
        """
        channel = self.chat.add_channel(special=special)
        if strikes:
            self.strikes.order(channel.channel, strikes)
        wanted = Subscription(channel, Wish(top=TOP, style=style), schedule)
        self.store.subscriptions.change(channel, wanted, by="Ada", now=self.clock() - since)
        self.styles[channel] = style
        self.due[channel] = {self.clock().date(): papers} if papers else {}
        return channel

    def subscribe_all(self, papers: list[str], channels: int, since: timedelta = timedelta(days=1)) -> None:
        """So many channels, of all styles in turn, every fourth of the platform's other kind."""
        for number, style in enumerate(itertools.islice(itertools.cycle(Style), channels)):
            self.subscribe(papers, style, since=since, special=number % 4 == 3)

    def write_by_hand(self, channel: Channel, column: str, value: str) -> None:
        """Change the row of a channel past all that would refuse it."""
        change = text(f"UPDATE subscriptions SET {column} = :value WHERE channel = :channel")
        with self.base.connection() as connection:
            connection.execute(change, {"value": value, "channel": channel.channel})

    def set_disk(self, disk: Disk) -> None:
        """For every transaction from now on, of every process (over SQLite of every one but this)."""
        if self.place.store == "sqlite":
            (self.folder / "disk").write_text(disk)
        else:
            self.base.set_disk(disk)

    async def heard(self, *words: str) -> None:
        """Wait until a process has said one of these: then it has noticed what was done to it."""
        await self.until(
            lambda: any(word in life.said() for life in self.lives for word in words),
            f"somebody says {' or '.join(map(repr, words))}",
        )

    # Processes.

    def populate(self, processes: int = 0) -> None:
        """Begin as many processes as the place has, or so many."""
        for _ in range(processes or self.place.replicas):
            self.live()

    def alive(self) -> list[Life]:
        return [life for life in self.lives if not life.ended]

    async def replace_the_dead(self) -> None:
        """Wait until one more has died, and begin another in its place."""
        dead = sum(life.ended for life in self.lives) - self.replaced
        await self.until(lambda: sum(life.ended for life in self.lives) > self.replaced, "it dies")
        self.replaced += max(dead, 1)
        self.populate(max(dead, 1))

    async def kill_all(self) -> None:
        """Nobody is left."""
        for life in self.alive():
            life.signal(signal.SIGKILL)
        await self.until(lambda: not self.alive(), "all die")
        self.replaced = len(self.lives)

    def wake_all(self) -> None:
        for life in self.alive():
            life.signal(signal.SIGCONT)

    async def some_ticks(self) -> None:
        """As long as it takes to look a few times at what is due."""
        await asyncio.sleep(5 * self.minute)

    async def a_tick(self) -> None:
        await asyncio.sleep(2 * self.minute)

    async def within(self, seconds: float, holds: Callable[[], object]) -> None:
        """Wait so long at most for something to come true."""
        end = time.monotonic() + seconds
        while not holds() and time.monotonic() < end:  # noqa: ASYNC110 (it comes true in another process)
            await asyncio.sleep(LOOK_SECONDS)

    def live(self) -> Life:
        """Begin a process."""
        number = len(self.lives) + 1
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SLACK_", "DISCORD_", "PAPERROUND_"))
        }
        birth = Birth(
            self.folder,
            self.clock.file,
            {**clean, **self.chat.secrets, "PYTHONPATH": str(ROOT)},
            self.folder / f"{number}.log",
            self.minute,
            self.busy,
            self.apart * (number % 3 - 1) / 2,
        )
        life = Life(begin(birth), birth.log)
        self.lives.append(life)
        return life

    async def until(self, holds: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
        """Wait for something to come true. Raises AssertionError with the end of what the last processes said."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                said = "\n".join("\n".join(life.said().splitlines()[-12:]) for life in self.lives[-3:])
                raise AssertionError(
                    f"not within {seconds} s: {what}; ended: {[life.process.exitcode for life in self.lives]}\n{said}"
                )
            await asyncio.sleep(LOOK_SECONDS)

    async def struck(self, channel: Channel, what: str, *, left: int = 0) -> None:
        """Wait until only so many strikes are left for a channel, or it is finished without."""
        await self.until(
            lambda: len(self.strikes.left(channel.channel)) <= left or self.finished(channel), what
        )

    # What came of it.

    def deliveries(self, channel: Channel) -> list[Delivery]:
        found = self.store.subscriptions.find(channel)
        return list(self.store.deliveries.history(found, 99)) if found else []

    def finished(self, channel: Channel) -> bool:
        """Whether nothing more is to come of each edition that is due."""
        return not self.unfinished([channel])

    def unfinished(self, channels: Collection[Channel] | None = None) -> list[Channel]:
        """Those, of all or of some, that something is still to come of."""
        standing = self.base.standing()
        return [
            channel
            for channel in (self.due if channels is None else channels)
            if not self._is_over(channel, standing)
        ]

    def all_put_off(self) -> bool:
        """Whether nothing is under way, and something is to come of every edition that is due."""
        standing = self.base.standing()
        states = [
            standing.get((channel.channel, edition), (None, None))[0]
            for channel, editions in self.due.items()
            for edition in editions
        ]
        return all(state in PUT_OFF for state in states)

    def _is_over(self, channel: Channel, standing: Standing) -> bool:
        states = [standing.get((channel.channel, edition), (None, None))[0] for edition in self.due[channel]]
        return all(state in OVER for state in states)

    async def finish(self, channel: Channel, what: str) -> None:
        """Wait until a channel, the only one that something is under way for, has what is due."""
        await self._finish([channel], what, PATIENCE)

    async def all_finished(self) -> None:
        """Wait until every channel has what is due."""
        await self._finish(list(self.due), "every channel has its digest", 2 * PATIENCE)

    async def _finish(self, channels: Sequence[Channel], what: str, seconds: float) -> None:
        """Long waits are skipped while nothing is under way. The chat service is not held up by the looking."""
        over, end = False, time.monotonic() + seconds
        while not over and time.monotonic() < end:
            over = await asyncio.to_thread(self._look, channels)
            await asyncio.sleep(5 * LOOK_SECONDS)
        await self.until(lambda: over, what, 0)

    def _look(self, channels: Sequence[Channel]) -> bool:
        try:
            standing = self.base.standing()
        except OperationalError:  # PostgreSQL gets well again.
            return False
        left = [channel for channel in channels if not self._is_over(channel, standing)]
        put_off = [
            next_try
            for channel in left
            for edition in self.due[channel]
            for state, next_try in [standing.get((channel.channel, edition), (None, None))]
            if state in PUT_OFF and next_try
        ]
        if not put_off or len(put_off) < len(left) or min(put_off) <= self.clock() + SAFE:
            self.put_off_since = None
        elif self.put_off_since is None:
            self.put_off_since = time.monotonic()
        elif time.monotonic() - self.put_off_since > A_MINUTE_SECONDS:
            self.clock.set(min(put_off), self.clock.rate)
            self.put_off_since = None
        return not left

    def tally(self) -> Tally:
        """Compare what stands in every channel with what should."""
        tally = Tally(kills=sum(life.killed for life in self.lives), channels=len(self.due))
        for channel in self.due:
            self._count(channel, tally)
        tally.wrong += self.chat.faults()
        tally.wrong += [fault for life in self.lives for fault in life.tracebacks()]
        return tally

    def _count(self, channel: Channel, tally: Tally) -> None:
        wanted: list[Page] = [
            page for papers in self.due[channel].values() for page in expected(papers, self.styles[channel])
        ]
        there = self.chat.pages(channel)
        missing, more = Counter(wanted) - Counter(there), Counter(there) - Counter(wanted)
        tally.pages += len(there)
        tally.lost += missing.total()
        tally.repeated += more.total()
        if not missing and not more and there != wanted:
            tally.wrong.append(f"{channel}: out of order")
        if missing or more:
            tally.wrong.append(
                f"{channel}: lost {list(missing.elements())}, repeated {list(more.elements())}{self._said_of(channel)}"
            )
        failed = [one.reason for one in self.deliveries(channel) if one.state is DeliveryState.FAILED]
        tally.wrong += [f"{channel}: failed: {reason}" for reason in failed]

    def _said_of(self, channel: Channel) -> str:
        """What the processes said of a channel, and how its editions stand."""
        lines = [line for life in self.lives for line in life.said().splitlines() if channel.channel in line]
        stand = [f"{one.edition} {one.state}, {one.attempts} attempts" for one in self.deliveries(channel)]
        return "".join(f"\n    {line}" for line in [*sorted(lines)[-20:], *stand])


@asynccontextmanager
async def world(
    place: Place,
    *,
    now: datetime = NOON,
    rate: float = 1.0,
    time_out: timedelta = TIME_OUT,
    over_wire: bool = False,
    own_server: bool = False,
    small_disk: bool = False,
    chat_clock_of_its_own: bool = False,
    apart: timedelta = timedelta(),
    attempts: int = 50,
) -> AsyncIterator[World]:
    """An empty world; its processes are killed at the end. With `over_wire` the network to PostgreSQL can be cut, with
    `own_server` PostgreSQL can be crashed, stopped and made read-only, with `small_disk` its disk can be filled."""
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="paperround-fire-")))
        made = base(place.store, folder, over_wire=over_wire, own=own_server, small_disk=small_disk)
        its_base = exits.enter_context(made)
        clock, its_own = Clock(folder / "clock"), Clock(folder / "clock of the chat")
        clock.set(now, rate)
        its_own.set(now, rate)
        store = open_store(its_base.url, now=now)
        exits.callback(store.close)
        chat_clock = its_own if chat_clock_of_its_own else clock
        async with _chat(place, chat_clock) as chat:
            here = World(place, folder, chat, store, clock, its_base, apart=apart)
            _write_settings(folder, its_base.url_of_bot, time_out, attempts, chat)
            try:
                yield here
            finally:
                await _end(here.lives)


@asynccontextmanager
async def _chat(place: Place, clock: Clock) -> AsyncIterator[Chat]:
    """Its own limits would only make everything slow."""
    if place.platform == "slack":
        async with FakeSlack(clock=clock.timestamp, rate_limits=False) as slack:
            yield SlackChat(slack)
    else:
        async with FakeDiscord(clock=clock.timestamp, rate_limits=False) as discord:
            yield DiscordChat(discord)


def _write_settings(folder: Path, url: str, time_out: timedelta, attempts: int, chat: Chat) -> None:
    (folder / "paperround.toml").write_text(
        f'[store]\nurl = "{url}"\n[digest]\nmax_age_days = 0\ndomain_share = 1\n'
        f"[delivery]\nattempts = {attempts}\nlease_seconds = {LEASE.total_seconds():.0f}\n"
        f"time_out_seconds = {time_out.total_seconds():.0f}\nsettle_seconds = 0.1\n"
        f"at_once_a_workspace = 50\n{chat.settings}",
        encoding="utf-8",
    )


async def _end(lives: list[Life]) -> None:
    for life in lives:
        life.signal(signal.SIGKILL)
    for life in lives:
        await asyncio.to_thread(life.process.join)
        life.process.close()
