"""Benchmarks of Slack: response times to people, and posts, against a fake on this machine."""

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

from bot.chat.port import Page
from bot.delivery.context import DeliveryContext
from bot.delivery.deliver import deliver_edition
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.session import open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.build import DigestPolicy
from digests.pick import PickPolicy
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.platforms.slack.processes import add_overdue_channel, prepare_store, run_bot
from tests.fakes.slack import FakeSlack

COMMANDS = 100
POSTS = 400
DIGESTS, ROUNDS = 50, 3
CONCURRENCY = 20
"""Posts at a time."""
EVENTS = 10_000
PAGE = Page(
    {"text": "x", "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "x" * 1500}}]}
)

Row = tuple[str, ...]
_T = TypeVar("_T")


def rows(folder: Path) -> list[Row]:
    """Return one row a figure, as `tests.benchmarks` prints them."""
    return asyncio.run(_rows(folder))


async def _rows(folder: Path) -> list[Row]:
    async with FakeSlack(rate_limits=False) as slack:
        ada, papers = slack.add_user("ada"), slack.add_channel("papers")
        add_overdue_channel(prepare_store(folder), papers, DigestStyle.CARDS)
        posting, delivering = await _posting(slack, papers), await _delivering(slack, folder / "deliver")
        async with run_bot(slack, folder, waits=None) as bot:
            await bot.wait_for_log("delivered")
            acks = await _acks(slack, ada, papers)
            memory = await _memory(slack, ada, papers, bot.process.pid)
    return [acks, posting, delivering, memory]


async def _acks(slack: FakeSlack, ada: str, papers: str) -> Row:
    """Measure a hundred commands at once to their acks; floor: Slack's limit."""
    await slack.run_command("/paper", "learning", user=ada, channel=papers)
    people = [slack.add_user("somebody") for _ in range(COMMANDS)]
    done = await asyncio.gather(
        *(
            slack.run_command("/paper", f"learning {n}", user=person, channel=papers)
            for n, person in enumerate(people)
        )
    )
    p99 = quantiles((one.ack_delay for one in done), n=100)[98]
    return (
        "p99 of 100 commands at once to their ack",
        f"{p99 * 1000:,.0f} ms",
        "3,000 ms",
        f"{p99 / 3:.3f}",
        "<= 0.033 (0.1 s)",
    )


async def _posting(slack: FakeSlack, papers: str) -> Row:
    """Measure posts through the platform; floor: the same calls of slack_sdk over the same session."""
    async with open_session(30) as session:
        settings = SlackSettings(api_base_url=slack.url)
        workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: datetime.now(UTC))
        client = (await workspaces.find("")).client
        platform, channel = SlackPlatform(workspaces), Channel("slack", papers)

        async def ours(_: int) -> None:
            await platform.post(channel, PAGE, key="k", thread=None)

        async def bare(_: int) -> None:
            await client.chat_postMessage(channel=papers, text="x", blocks=PAGE.payload["blocks"])

        pairs = [(await _rate(ours, range(POSTS)), await _rate(bare, range(POSTS))) for _ in range(5)]
    mine, floor = (median(rates) for rates in zip(*pairs, strict=True))
    return "posts a second to Slack", f"{mine:,.0f}", f"{floor:,.0f}", f"{mine / floor:.2f}", ">= 0.8"


async def _delivering(slack: FakeSlack, folder: Path) -> Row:
    """Measure whole digests with their writes to the outbox; floor: bare posts of the same pages."""
    store, day = prepare_store(folder), datetime.now(UTC).date()
    channels = iter([slack.add_channel("many") for _ in range(ROUNDS * DIGESTS)])
    due = [[add_overdue_channel(store, next(channels)) for _ in range(DIGESTS)] for _ in range(ROUNDS)]
    pairs = []
    async with open_session(30) as session:
        settings = SlackSettings(api_base_url=slack.url)
        workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: datetime.now(UTC))
        client = (await workspaces.find("")).client
        policy = DigestPolicy(PickPolicy(max_age=None))
        context = DeliveryContext(
            store, {"slack": SlackPlatform(workspaces)}, policy, "bench", lambda: datetime.now(UTC)
        )

        async def bare(one: Subscription) -> None:
            for message in slack.messages_in(one.channel.channel)[:]:
                await client.chat_postMessage(
                    channel=one.channel.channel, text=message["text"], blocks=message["blocks"]
                )

        async def ours(one: Subscription) -> None:
            assert await deliver_edition(one, day, context=context)

        pairs = [(await _rate(ours, some), await _rate(bare, some)) for some in due]
    pages = len(slack.messages_in(due[0][0].channel.channel)) / 2
    mine, floor = (median(rates) * pages for rates in zip(*pairs, strict=True))
    return "posts a second through deliver", f"{mine:,.0f}", f"{floor:,.0f}", f"{mine / floor:.2f}", ">= 0.8"


async def _rate(work: Callable[[_T], Awaitable[None]], on: Sequence[_T]) -> float:
    """Return the calls a second, with `CONCURRENCY` at a time."""
    slots = asyncio.Semaphore(CONCURRENCY)

    async def one(thing: _T) -> None:
        async with slots:
            await work(thing)

    start = time.perf_counter()
    await asyncio.gather(*map(one, on))
    return len(on) / (time.perf_counter() - start)


async def _memory(slack: FakeSlack, ada: str, papers: str, pid: int) -> Row:
    """Measure the process's memory after ten thousand reactions; floor: after the first thousand."""
    message = slack.messages_in(papers)[-1]
    early = 0
    for number in range(0, EVENTS, 2):
        await slack.add_reaction(ada, papers, message["ts"])
        await slack.remove_reaction(ada, papers, message["ts"])
        if number % 100 == 0:  # An answer comes after all events before it.
            asked = await slack.run_command("/digest", "queue", user=ada, channel=papers)
            await slack.wait_until(lambda asked=asked: asked.responses, 60)  # type: ignore[misc]
        if number == EVENTS // 10:
            early = resident(pid)
    late = resident(pid)
    return (
        "memory after 10,000 events, after 1,000",
        f"{late / 1024:,.0f} MB",
        f"{early / 1024:,.0f} MB",
        f"{late / early:.2f}",
        "flat",
    )


def resident(pid: int) -> int:
    """Return a process's resident memory in kilobytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
