"""Rounds of the reviewer, over a real store and the real SDK."""

import asyncio
from datetime import datetime, timedelta
from itertools import count

import pytest

from digests.model import ReviewDepth
from digests.reviewers.context import ReviewContext, RoundOutcome
from digests.reviewers.openai import ServerAddress, open_model_server
from digests.reviewers.round import run_round
from tests.builders import NOW, TODAY
from tests.digests.reviewers.harness import ANY_PAPER, ReviewerHarness, store_with_papers
from tests.fakes.openai_server import MODEL, OpenAiServer


def test_wanted_papers_are_scored_and_the_best_are_reviewed_in_full() -> None:
    reviewer = ReviewerHarness(store_with_papers(12), full_reviews_per_day=3)
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.full_review_count) == (12, 3)
    assert (outcome.failure_count, outcome.trouble) == (0, None)
    reviews = [reviewer.get_paper(number).review for number in range(12)]
    full = [
        review
        for review in reviews
        if review.assessment and review.assessment.review_depth is ReviewDepth.FULL
    ]
    assert len(full) == 3
    assert all(review.score is not None for review in reviews)
    best = sorted((review.score or 0 for review in reviews), reverse=True)[:3]
    assert sorted((review.score or 0 for review in full), reverse=True) == best
    assert reviewer.store.review_queue.count_waiting() == {}


def test_no_call_is_paid_twice() -> None:
    reviewer = ReviewerHarness(store_with_papers(5), full_reviews_per_day=2)
    reviewer.run_round()
    spent, request_count = reviewer.store.budget.spending_on(TODAY), len(reviewer.server.requests)
    assert reviewer.run_round() == RoundOutcome()
    assert reviewer.store.budget.spending_on(TODAY) == spent
    assert len(reviewer.server.requests) == request_count


def test_a_saved_review_is_not_paid_again_after_a_crash() -> None:
    """The crash came after the review was saved, and before its task was completed."""
    reviewer = ReviewerHarness(store_with_papers(1), full_reviews_per_day=0)
    reviewer.run_round()
    reviewer.store.review_queue.enqueue({"2611.00000": 1.0}, ReviewDepth.SCORE, now=NOW)
    reviewer.run_round()
    assert len(reviewer.server.requests) == 1
    assert reviewer.store.review_queue.count_waiting() == {}


@pytest.mark.parametrize("concurrency", [1, 6])
def test_concurrent_calls_are_limited(concurrency: int) -> None:
    async def run() -> int:
        async with OpenAiServer(latency=0.01, batch_size=concurrency) as fake:
            async with open_model_server(
                ServerAddress(fake.base_url, MODEL, concurrency=concurrency)
            ) as server:
                await run_round(
                    ReviewContext(store_with_papers(20), server, lambda: NOW, full_reviews_per_day=0),
                    ANY_PAPER,
                    asyncio.Event(),
                )
            return fake.peak_concurrency

    assert asyncio.run(run()) == concurrency


def test_concurrent_saves_keep_the_order_of_timestamps() -> None:
    """A digest looks up the sequence number of an instant, which relies on that order."""
    store, instants = store_with_papers(24), count(1)

    def clock() -> datetime:
        return NOW + timedelta(milliseconds=next(instants))

    async def run() -> None:
        async with (
            OpenAiServer(latency=0.005) as fake,
            open_model_server(ServerAddress(fake.base_url, MODEL, concurrency=8)) as server,
        ):
            await run_round(
                ReviewContext(store, server, clock, full_reviews_per_day=0), ANY_PAPER, asyncio.Event()
            )

    asyncio.run(run())
    assert store.library.sequence_at(clock()) == store.library.latest_sequence()
    known = store.library.get([f"2611.{number:05}" for number in range(24)]).values()
    assert len({scored.known_at for scored in known}) == 24
