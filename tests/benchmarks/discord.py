"""Benchmarks of Discord: response times to people, and posts, against a fake on this machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

from bot.chat.port import Page
from bot.conversation.answers import Answers
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.rest import RestClient, use_addresses
from bot.platforms.discord.settings import DiscordSettings
from digests.build import DigestPolicy
from digests.pick import PickPolicy
from digests.ports import Store
from digests.ports.search import SearchRequest, SearchResult
from digests.search import PaperSearch
from digests.search.glossary import build_glossary
from digests.search.index import SearchIndex
from digests.subscription import Channel, DigestStyle
from tests.benchmarks.slack import COMMANDS, CONCURRENCY, EVENTS, POSTS, Row, resident
from tests.bot.platforms.discord.processes import add_overdue_channel, run_bot
from tests.bot.platforms.processes import prepare_store
from tests.fakes.discord import FakeDiscord, read_text

KEYSTROKES = 300
PAGE = Page(
    {
        "content": "",
        "embeds": [{"description": "x" * 1500}],
        "components": [],
        "allowed_mentions": {"parse": []},
        "flags": 0,
    }
)


def rows(folder: Path, papers: Store) -> list[Row]:
    """Return one row a figure, as `tests.benchmarks` prints them. `papers` is a store with many papers."""
    return [_offers(folder, papers), *asyncio.run(_rows(folder))]


def _offers(folder: Path, store: Store) -> Row:
    """Measure the suggestions of /paper while a title is typed, over all papers of the store."""
    index = SearchIndex.open(folder / "index")
    index.catch_up(store.library)

    search = PaperSearch(store.library, index, build_glossary({}))

    def find(request: SearchRequest) -> SearchResult:
        return search.find(request, datetime.now(UTC).date())

    answers = Answers(
        store,
        find,
        DigestPolicy(PickPolicy(), timedelta(3), timedelta(3)),
        lambda: datetime.now(UTC),
    )
    titles = [one.paper.title for _, one in store.library.changes_after(0, 40)]
    typed = [title[:length] for title in titles for length in range(3, 40, 4)][:KEYSTROKES]
    seconds = []
    for text in typed:
        start = time.perf_counter()
        answers.lookup.suggest_papers(text, 25)
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
        add_overdue_channel(discord, prepare_store(folder), papers, DigestStyle.CARDS)
        posting = await _posting(discord, discord.add_channel("posts"))
        async with run_bot(discord, folder, waits=None) as bot:
            await bot.wait_for_log("delivered")
            await bot.wait_for_log("Discord is connected")
            responses = await _responses(discord, ada, papers)
            memory = await _memory(discord, ada, papers, bot.process.pid)
    return [responses, posting, memory]


async def _responses(discord: FakeDiscord, ada: str, papers: str) -> Row:
    """Measure a hundred interactions at once to their first responses; floor: Discord's limit."""
    await discord.run_command("paper", user=ada, channel=papers, query="learning")
    people = [discord.add_user("somebody") for _ in range(COMMANDS)]
    done = await asyncio.gather(
        *(
            discord.run_command("paper", user=person, channel=papers, query=f"learning {n}")
            for n, person in enumerate(people)
        )
    )
    p99 = quantiles((one.ack_delay for one in done), n=100)[98]
    what = "p99 of 100 interactions at once to their first response"
    return what, f"{p99 * 1000:,.0f} ms", "3,000 ms", f"{p99 / 3:.3f}", "<= 0.033 (0.1 s)"


async def _posting(discord: FakeDiscord, papers: str) -> Row:
    """Measure posts through the platform; floor: discord.py's `send` over the same client, in turns."""
    use_addresses(DiscordSettings(api_base_url=discord.url, gateway_url=discord.gateway_url))
    rest = RestClient(discord.token, 30)
    platform, channel = DiscordPlatform(rest), Channel("discord", papers)
    client = await rest.get_client()
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
    slots = asyncio.Semaphore(CONCURRENCY)

    async def one() -> None:
        async with slots:
            await post()

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(POSTS)))
    return POSTS / (time.perf_counter() - start)


async def _memory(discord: FakeDiscord, ada: str, papers: str, pid: int) -> Row:
    """Measure the process's memory after ten thousand reactions; floor: after the first thousand."""
    message = discord.messages_in(papers)[1]
    early = 0
    for number in range(0, EVENTS, 2):
        await discord.add_reaction(ada, message)
        await discord.remove_reaction(ada, message)
        if number % 100 == 0:  # An answer comes after all events before it.
            asked = await discord.run_command("digest queue", user=ada, channel=papers)
            await discord.wait_until(lambda asked=asked: read_text(asked.responses[0]))  # type: ignore[misc]
        if number == EVENTS // 10:
            early = resident(pid)
    late = resident(pid)
    what = f"memory after {EVENTS:,} reactions, after {EVENTS // 10:,}"
    return what, f"{late / 1024:,.0f} MB", f"{early / 1024:,.0f} MB", f"{late / early:.2f}", "flat"
