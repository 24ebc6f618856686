"""Benchmark of a burst of look-ups, while arXiv is silent and people wait for it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digests.ports import Store
from digests.subscription import Channel, Preferences, Schedule, Subscription
from tests.benchmarks.slack import resident
from tests.bot.platforms.processes import BotProcess
from tests.bot.platforms.slack.processes import prepare_store, run_bot
from tests.fakes.feeds import FakeFeeds, FeedFault
from tests.fakes.slack import FakeSlack

LOOK_UPS = 400
WAITING = 60
MINUTE = timedelta(minutes=1)
WAITS = ("--no-brisk", "--lookup-timeout", "600")


@dataclass(frozen=True, slots=True)
class Burst:
    """The figures of one burst: seconds, and kilobytes."""

    slowest_ack: float
    lateness: float
    idle_memory: int
    peak_memory: int


def rows(folder: Path) -> list[tuple[str, ...]]:
    """Return one row a figure, as `tests.benchmarks` prints them."""
    burst = asyncio.run(_measure(folder))
    what = f"{LOOK_UPS} look-ups at once while {WAITING} wait for arXiv"
    ack, lateness = burst.slowest_ack, burst.lateness
    return [
        (f"{what}: slowest ack", f"{ack * 1000:,.0f} ms", "3,000 ms", f"{ack / 3:.3f}", "<= 0.167 (0.5 s)"),
        (f"{what}: a due digest's lateness", f"{lateness:.1f} s", "60.0 s", f"{lateness / 60:.2f}", "<= 1"),
        (
            f"{what}: peak memory, idle",
            f"{burst.peak_memory / 1024:,.0f} MB",
            f"{burst.idle_memory / 1024:,.0f} MB",
            f"{burst.peak_memory / burst.idle_memory:.2f}",
            "<= 1.5",
        ),
    ]


async def _measure(folder: Path) -> Burst:
    async with (
        FakeFeeds(clock=lambda: datetime.now(UTC)) as feeds,
        FakeSlack(rate_limits=False, ack_seconds=60) as slack,
    ):
        feeds.fail_next("/", FeedFault.SILENT, times=1_000_000)
        papers, digest_channel = slack.add_channel("papers"), slack.add_channel("digest")
        source = (
            f'[[sources]]\nkind = "arxiv"\ncategories = ["cs.LG"]\nrss_url = "{feeds.rss_url}"\n'
            f'oai_url = "{feeds.oai_url}"\nquery_url = "{feeds.query_url}"\n'
        )
        store = prepare_store(folder)
        async with run_bot(slack, folder, settings=source, waits=WAITS) as bot:
            first = await slack.run_command("/paper", "learning", user=slack.add_user("ada"), channel=papers)
            await slack.wait_until(lambda: first.responses, 60)
            idle = resident(bot.process.pid)
            _reset_peak(bot.process.pid)
            await _look_up(slack, papers, [f"2301.{number:05}" for number in range(1, WAITING + 1)])
            due = await _subscribe_at_next_minute(store, digest_channel)
            acks = await _look_up(slack, papers, [f"learning {number}" for number in range(LOOK_UPS)])
            lateness = await _wait_for_digest(bot, slack, digest_channel, due)
            peak = _read_peak(bot.process.pid)
            feeds.end_silence()
    return Burst(max(acks), lateness, idle, peak)


async def _look_up(slack: FakeSlack, channel: str, texts: Sequence[str]) -> list[float]:
    """Let as many people look a text up each, all at once, and return the seconds to each ack."""
    people = [slack.add_user("somebody") for _ in texts]
    sent = await asyncio.gather(
        *(
            slack.run_command("/paper", text, user=person, channel=channel)
            for person, text in zip(people, texts, strict=True)
        )
    )
    return [interaction.ack_delay for interaction in sent]


async def _subscribe_at_next_minute(store: Store, channel: str) -> datetime:
    """Subscribe a channel for a full minute, wait until just before it, and return it."""
    now = datetime.now(UTC)
    due = (now + timedelta(seconds=5)).replace(second=0, microsecond=0) + MINUTE
    schedule = Schedule(at=due.time(), days=frozenset(range(7)))
    where = Channel("slack", channel, "T1")
    subscription = Subscription(where, Preferences(), schedule)
    await asyncio.to_thread(store.subscriptions.change, where, subscription, by="Ada", now=now)
    await asyncio.sleep((due - datetime.now(UTC)).total_seconds() - 0.2)
    return due


async def _wait_for_digest(bot: BotProcess, slack: FakeSlack, channel: str, due: datetime) -> float:
    await bot.wait_for_log("delivered", channel)
    assert slack.messages_in(channel)
    return (datetime.now(UTC) - due).total_seconds()


def _reset_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _read_peak(pid: int) -> int:
    """Return a process's largest resident memory since `_reset_peak`, in kilobytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
