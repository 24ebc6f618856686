"""Benchmark of the reviewer. Floor: the least time that the model's server needs for a day's papers."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import fmean

from digests.model import NOT_REVIEWED, Candidate, Paper
from digests.reviewers.context import PanelSeat, ReviewContext
from digests.reviewers.openai import ServerAddress, ServerSlots, open_model_server
from digests.reviewers.plan import TYPICAL_SCORING_USAGE
from digests.reviewers.round import run_round
from digests.reviewers.voting import rank_by_need
from digests.store import open_store
from digests.subscription import Preferences
from tests.fakes.openai_server import MODEL, OpenAiServer

PAPERS = 400
"""Papers of a day."""

REVIEWED, REVIEWED_BY_PANEL = 200, 100
"""Papers that are scored by one model, and by three: a panel takes three times as long for each."""

SLOTS = 8
LATENCY = 0.5
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)

FURTHER_MODELS = ("second", "third")

TOP = 10
DAYS = 200
"""Simulated days of sequential voting."""

QUALITY_DEVIATION, MODEL_DEVIATION = 1.2, 0.9
"""Points by which papers differ, and by which a model misses a paper's quality."""


def rows(folder: Path) -> list[tuple[str, ...]]:
    """Return three rows: papers scored by one model, by a panel of three, and the tokens of its votes.

    The server has `SLOTS` slots and takes `LATENCY` seconds an answer. Every paper of the panel gets a vote
    of each member.
    """
    slots = f"{SLOTS} slots of {LATENCY:g} s"
    return [
        _measure(folder / "review.db", f"review of {REVIEWED} papers, {slots}", REVIEWED),
        _measure(
            folder / "panel.db",
            f"review of {REVIEWED_BY_PANEL} papers by a panel of 3, {slots}",
            REVIEWED_BY_PANEL,
            FURTHER_MODELS,
        ),
        _compare_voting(),
    ]


def _measure(
    file: Path, what: str, paper_count: int, further_models: tuple[str, ...] = ()
) -> tuple[str, ...]:
    measured = asyncio.run(_review(file, paper_count, further_models))
    floor = ceil(paper_count * (1 + len(further_models)) / SLOTS) * LATENCY
    return what, f"{measured:,.1f} s", f"{floor:,.1f} s", f"{measured / floor:.2f}", "<= 1.1"


async def _review(file: Path, paper_count: int, further_models: tuple[str, ...]) -> float:
    store = open_store(f"sqlite:///{file}")
    abstract = "We train a model on two data sets and measure it on four tasks. " * 12
    papers = [
        Paper(
            f"2611.{number:05}",
            f"Paper {number:05}",
            f"https://arxiv.org/abs/2611.{number:05}",
            abstract=abstract,
        )
        for number in range(paper_count)
    ]
    store.library.add([(paper, NOT_REVIEWED) for paper in papers], now=NOW)
    async with OpenAiServer(latency=LATENCY, slots=SLOTS) as fake, AsyncExitStack() as open_servers:
        fake.model_names += further_models
        slots = ServerSlots(SLOTS)
        servers = [
            await open_servers.enter_async_context(
                open_model_server(ServerAddress(fake.base_url, model, concurrency=SLOTS), slots)
            )
            for model in (MODEL, *further_models)
        ]
        start = time.perf_counter()
        outcome = await run_round(
            ReviewContext(
                store,
                servers[0],
                lambda: NOW,
                full_reviews_per_day=0,
                further_seats=tuple(map(PanelSeat, servers[1:])),
            ),
            # A channel that is shown every paper: a full vote.
            [[Preferences(top=paper_count)]],
            asyncio.Event(),
        )
        took = time.perf_counter() - start
    assert (outcome.score_count, outcome.vote_count) == (paper_count, paper_count * len(further_models))
    return took


def _compare_voting() -> tuple[str, ...]:
    """Compare the calls of sequential voting with those of full voting, and the papers that each shows."""
    rng, calls, same = random.Random(16), 0, 0
    for _ in range(DAYS):
        scores = []
        for _ in range(PAPERS):
            quality = rng.gauss(5.5, QUALITY_DEVIATION)
            scores.append(
                [
                    min(10.0, max(0.0, round(rng.gauss(quality, MODEL_DEVIATION), 1)))
                    for _ in range(1 + len(FURTHER_MODELS))
                ]
            )
        votes = [[own[0]] for own in scores]
        candidates = [Candidate(str(paper), own[0]) for paper, own in enumerate(votes)]
        for name in rank_by_need(candidates, {}, [[Preferences(top=TOP)]]):
            votes[int(name)] = scores[int(name)]
        calls += sum(map(len, votes))
        same += len(_choose_best(votes) & _choose_best(scores))
    full_calls = DAYS * PAPERS * (1 + len(FURTHER_MODELS))
    tokens = TYPICAL_SCORING_USAGE.total
    return (
        f"tokens of sequential voting a day, {PAPERS} papers: same top {TOP} for {same / DAYS / TOP:.1%}",
        f"{calls * tokens / DAYS / 1e6:.2f} M",
        f"{full_calls * tokens / DAYS / 1e6:.2f} M (full)",
        f"{calls / full_calls:.2f}",
        "report",
    )


def _choose_best(votes: list[list[float]]) -> set[int]:
    return set(sorted(range(len(votes)), key=lambda paper: (-fmean(votes[paper]), paper))[:TOP])
