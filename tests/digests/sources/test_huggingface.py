"""Daily Papers: upvotes and code links, days that are fetched again, and errors."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.ingest.fetching import FetchReport, fetch_source
from digests.errors import SourceError
from digests.model import NOT_REVIEWED
from digests.ports import Store
from digests.ports.sources import SourceState
from digests.sources.http.client import open_client
from digests.sources.huggingface import HuggingFaceSource, normalize_code_url, parse_day
from tests.builders import a_paper, a_store
from tests.fakes.feeds import FakeFeeds, FeedFault
from tests.shared_data import FOLDER, needs_shared_data

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


@needs_shared_data
def test_a_real_day_is_parsed_completely() -> None:
    batch = parse_day((FOLDER / "huggingface" / "daily_papers_2026-06-12.json").read_bytes(), "2026-06-12")
    papers = {paper.id: paper for paper, _ in batch.records}
    assert (len(papers), batch.bad_records) == (30, [])
    liked = papers["2606.13681"]
    assert (liked.upvotes, liked.code_url) == (118, "https://github.com/Aiden0526/EvoArena")
    assert liked.version is None
    assert liked.published
    assert papers["2606.13289"].code_url == ""
    assert all(paper.title and paper.abstract and paper.authors for paper in papers.values())


def entry(**paper: Any) -> dict[str, Any]:
    return {"paper": {"id": "2401.00001", "title": "T", "upvotes": 3, **paper}}


def test_a_bad_entry_does_not_affect_the_others() -> None:
    entries = [entry(), entry(id="x"), entry(upvotes=-1), entry(title=""), {"no": "paper"}, "text"]
    batch = parse_day(json.dumps(entries).encode(), "p")
    assert [paper.id for paper, _ in batch.records] == ["2401.00001"]
    assert [bad.line for bad in batch.bad_records] == [2, 3, 4, 5, 6]
    assert str(batch.bad_records[0]) == "Hugging Face, line 2: paper.id: 'x' is not an arXiv id"


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"error": "x"}', b"\xff\xfe"])
def test_a_response_that_is_not_a_list_is_a_source_error(body: bytes) -> None:
    with pytest.raises(SourceError, match="did not answer with a list of papers"):
        parse_day(body, "")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://github.com/o/r", "https://github.com/o/r"),
        ("https://GitHub.com/o/r#readme", "https://github.com/o/r"),
        ("https://www.github.com/o/r", "https://www.github.com/o/r"),
        ("http://github.com/o/r", ""),
        ("https://github.com.evil.example/o", ""),
        ("https://user@github.com/o", ""),
        ("https://example.org/o/r", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
        ("https://github.com/" + "x" * 300, ""),
    ],
)
def test_code_is_linked_on_known_hosts_only(address: str, kept: str) -> None:
    assert normalize_code_url(address) == kept


Scenario = Callable[[FakeFeeds, Store, Callable[[datetime], Awaitable[FetchReport]]], Awaitable[None]]


def run_scenario(scenario: Scenario) -> None:
    async def run() -> None:
        async with FakeFeeds(clock=lambda: NOW) as feeds:
            store = a_store()

            async def pause(seconds: float) -> None:
                pass

            connect = partial(open_client, "", lambda: NOW, trusted_addresses=(feeds.url,), pause=pause)
            source = HuggingFaceSource(connect, feeds.daily_papers_url)
            await scenario(feeds, store, lambda now: fetch_source(source, store, lambda: now))

    asyncio.run(run())


def requested_days(feeds: FakeFeeds) -> list[str]:
    return [one.query["date"] for one in feeds.requests]


def test_upvotes_update_known_papers_and_add_unknown_ones() -> None:
    async def scenario(
        feeds: FakeFeeds, store: Store, fetch_at: Callable[[datetime], Awaitable[FetchReport]]
    ) -> None:
        known = feeds.announcements_on(NOW.date())[0]
        store.library.add([(a_paper(known.id, version=1, categories=("cs.LG",)), NOT_REVIEWED)], now=NOW)
        before = store.library.latest_sequence()
        result = await fetch_at(NOW)
        assert result.counts.changed == 1
        paper = store.library.get([known.id])[known.id].paper
        assert (paper.upvotes, paper.title, paper.categories) == (40, f"Paper {known.id}", ("cs.LG",))
        fresh = store.library.candidates(before, store.library.latest_sequence(), with_text=False)
        assert known.id not in {one.id for one in fresh}
        assert len(fresh) == result.counts.new > 10
        assert all(one.upvotes for one in fresh)

    run_scenario(scenario)


def test_the_last_days_are_fetched_again_and_missed_days_backfilled() -> None:
    async def scenario(
        feeds: FakeFeeds, store: Store, fetch_at: Callable[[datetime], Awaitable[FetchReport]]
    ) -> None:
        await fetch_at(NOW)
        assert requested_days(feeds) == ["2026-11-23", "2026-11-24", "2026-11-25"]
        feeds.requests.clear()
        await fetch_at(NOW + timedelta(days=4))
        assert requested_days(feeds) == [f"2026-11-{day}" for day in range(21, 30)]

    run_scenario(scenario)


def test_a_position_of_a_clock_that_was_ahead_loses_no_day() -> None:
    async def scenario(
        feeds: FakeFeeds, store: Store, fetch_at: Callable[[datetime], Awaitable[FetchReport]]
    ) -> None:
        await fetch_at(NOW + timedelta(days=365))
        feeds.requests.clear()
        await fetch_at(NOW)
        assert requested_days(feeds) == ["2026-11-23", "2026-11-24", "2026-11-25"]

    run_scenario(scenario)


def test_a_failed_day_is_not_skipped() -> None:
    async def scenario(
        feeds: FakeFeeds, store: Store, fetch_at: Callable[[datetime], Awaitable[FetchReport]]
    ) -> None:
        await fetch_at(NOW)
        later = NOW + timedelta(days=9)
        feeds.fail_next("/api/daily_papers", FeedFault.UNAVAILABLE, times=4)
        assert "Hugging Face answered 503" in (await fetch_at(later)).failure
        assert store.sources.load_state("huggingface").position == "2026-11-23"
        feeds.requests.clear()
        await fetch_at(later)
        assert requested_days(feeds)[0] == "2026-11-21"

    run_scenario(scenario)


def test_it_is_polled_at_its_interval_and_after_retry_after() -> None:
    source = HuggingFaceSource(
        lambda: open_client("", lambda: NOW), "https://hf.example", interval=timedelta(hours=3)
    )
    assert source.next_fetch_at(SourceState(), NOW) == NOW
    assert source.next_fetch_at(SourceState(last_try=NOW), NOW) == NOW + timedelta(hours=3)
    later = NOW + timedelta(hours=9)
    assert source.next_fetch_at(SourceState(last_try=NOW, failure="x", next_try_at=later), NOW) == later
