"""Benchmark of the reviewer. Floor: the least time that the model's server needs for a day's papers."""

import asyncio
import time
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from digests.model import NOT_REVIEWED, Paper
from digests.reviewers.context import ReviewContext
from digests.reviewers.openai import ServerAddress, open_model_server
from digests.reviewers.round import run_round
from digests.store import open_store
from digests.subscription import Preferences
from tests.fakes.openai_server import MODEL, OpenAiServer

PAPERS = 400
SLOTS = 8
LATENCY = 0.5
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def rows(folder: Path) -> list[tuple[str, ...]]:
    """Return one row: 400 papers scored by a server with `SLOTS` slots and `LATENCY` seconds an answer."""
    measured = asyncio.run(_review(folder))
    floor = ceil(PAPERS / SLOTS) * LATENCY
    what = f"review of {PAPERS} papers, {SLOTS} slots of {LATENCY:g} s"
    return [(what, f"{measured:,.1f} s", f"{floor:,.1f} s", f"{measured / floor:.2f}", "<= 1.1")]


async def _review(folder: Path) -> float:
    store = open_store(f"sqlite:///{folder / 'review.db'}")
    abstract = "We train a model on two data sets and measure it on four tasks. " * 12
    papers = [
        Paper(
            f"2611.{number:05}",
            f"Paper {number:05}",
            f"https://arxiv.org/abs/2611.{number:05}",
            abstract=abstract,
        )
        for number in range(PAPERS)
    ]
    store.library.add([(paper, NOT_REVIEWED) for paper in papers], now=NOW)
    async with (
        OpenAiServer(latency=LATENCY, slots=SLOTS) as fake,
        open_model_server(ServerAddress(fake.base_url, MODEL, concurrency=SLOTS)) as server,
    ):
        start = time.perf_counter()
        outcome = await run_round(
            ReviewContext(store, server, lambda: NOW, full_reviews_per_day=0),
            [[Preferences()]],
            asyncio.Event(),
        )
        took = time.perf_counter() - start
    assert outcome.score_count == PAPERS
    return took
