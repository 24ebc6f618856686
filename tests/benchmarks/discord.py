"""What Discord's people wait for, and what a digest's posting costs, against our own Discord on this machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

from bot.answer import Answers
from bot.platforms import Page
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.rest import Rest, use_addresses
from config.settings import Discord
from digests.build import Habits
from digests.model import Channel, Style
from digests.pick import Rules
from digests.ports import Store
from digests.search import find
from digests.search.index import Index
from tests.benchmarks.slack import AT_ONCE, COMMANDS, EVENTS, POSTS, Row, resident
from tests.bot.platforms.discord.processes import overdue, running
from tests.bot.platforms.processes import prepared
from tests.fakes.discord import FakeDiscord, read

KEYSTROKES = 300
PAGE = Page(
    {
        "content": "", "embeds": [{"description": "x" * 1500}], "components": [], "allowed_mentions": {"parse": []}, "flags": 0,
    }
)  # fmt: skip


def rows(folder: Path, papers: Store) -> list[Row]:
    """One row a figure, as `tests.benchmarks` prints them; `papers` is a store with many of them."""
    return [_offers(folder, papers), *asyncio.run(_rows(folder))]


def _offers(folder: Path, store: Store) -> Row:
    """What is offered for /paper while a title's words are typed, a keystroke each, over the papers of the store."""
    index = Index.open(folder / "index")
    index.catch_up(store.papers)

    def look(words: str, most: int) -> object:
        return find(words, papers=store.papers, index=index, most=most)

    answers = Answers(store, look, Habits(Rules(), timedelta(3), timedelta(3)), lambda: datetime.now(UTC))  # type: ignore[arg-type]
    titles = [one.paper.title for _, one in store.papers.changes(0, 40)]
    typed = [title[:length] for title in titles for length in range(3, 40, 4)][:KEYSTROKES]
    seconds = []
    for text in typed:
        start = time.perf_counter()
        answers.suggestions(text, 25)
        seconds.append(time.perf_counter() - start)
    p99 = quantiles(seconds, n=100)[98]
    ratio = f"{p99 / 3:.3f}"
    return (
        "p99 of an offer while typing, 100,000 papers",
        f"{p99 * 1000:,.1f} ms",
        "3,000 ms",
        ratio,
        "<= 0.017 (50 ms)",
    )


async def _rows(folder: Path) -> list[Row]:
    async with FakeDiscord(rate_limits=False, response_seconds=60) as discord:
        ada, papers = discord.add_user("ada", can_manage=True), discord.add_channel("papers")
        overdue(discord, prepared(folder), papers, Style.CARDS)
        posting = await _posting(discord, discord.add_channel("posts"))
        async with running(discord, folder) as bot:
            await bot.says("delivered")
            await bot.says("Discord is connected")
            responses = await _responses(discord, ada, papers)
            memory = await _memory(discord, ada, papers, bot.process.pid)
    return [responses, posting, memory]


async def _responses(discord: FakeDiscord, ada: str, papers: str) -> Row:
    """Each from its sending to its first response, with a hundred sent at once; the floor is Discord's limit."""
    await discord.command("paper", user=ada, channel=papers, query="learning")
    done = await asyncio.gather(
        *(discord.command("paper", user=ada, channel=papers, query=f"learning {n}") for n in range(COMMANDS))
    )
    p99 = quantiles((one.seconds for one in done), n=100)[98]
    what = "p99 of 100 interactions at once to their first response"
    return what, f"{p99 * 1000:,.0f} ms", "3,000 ms", f"{p99 / 3:.3f}", "<= 0.033 (0.1 s)"


async def _posting(discord: FakeDiscord, papers: str) -> Row:
    """Posts through our platform against discord.py's own `send` over the same client, by turns."""
    use_addresses(Discord(api_base_url=discord.url, gateway_url=discord.gateway_url))
    rest = Rest(discord.token, 30)
    platform, channel = DiscordPlatform(rest), Channel("discord", papers)
    client = await rest.client()
    keys = iter(range(10**6))

    async def ours() -> None:
        await platform.post(channel, PAGE, key=f"k{next(keys)}", thread=None)

    async def bare() -> None:
        from discord import AllowedMentions, Embed

        where = client.get_partial_messageable(int(papers))
        embed = Embed(description="x" * 1500)
        await where.send(embed=embed, nonce=f"k{next(keys)}", allowed_mentions=AllowedMentions.none())

    pairs = [(await _rate(ours), await _rate(bare)) for _ in range(5)]
    await rest.close()
    mine, floor = (median(rates) for rates in zip(*pairs, strict=True))
    return "posts a second to Discord", f"{mine:,.0f}", f"{floor:,.0f}", f"{mine / floor:.2f}", ">= 0.8"


async def _rate(post: Callable[[], Awaitable[None]]) -> float:
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with at_once:
            await post()

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(POSTS)))
    return POSTS / (time.perf_counter() - start)


async def _memory(discord: FakeDiscord, ada: str, papers: str, pid: int) -> Row:
    """What the process holds after ten thousand reactions, against what it held after the first thousand."""
    message = discord.messages(papers)[1]
    early = 0
    for number in range(0, EVENTS, 2):
        await discord.react(ada, message)
        await discord.unreact(ada, message)
        if number % 100 == 0:  # An answer comes after all that was told before it.
            asked = await discord.command("digest queue", user=ada, channel=papers)
            await discord.until(lambda asked=asked: read(asked.responses[0]))  # type: ignore[misc]
        if number == EVENTS // 10:
            early = resident(pid)
    late = resident(pid)
    what = f"memory after {EVENTS:,} reactions, after {EVENTS // 10:,}"
    return what, f"{late / 1024:,.0f} MB", f"{early / 1024:,.0f} MB", f"{late / early:.2f}", "flat"
