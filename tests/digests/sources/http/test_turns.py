"""Turns on a server: the gap between requests, cooldowns, and cancelled waits."""

import asyncio
import itertools
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from digests.errors import SourceError
from digests.ports.sources import Sources
from digests.sources.http.client import (
    SourceClient,
)
from digests.sources.http.turns import ServerTurns
from digests.store import open_store
from tests.builders import NOW, a_store
from tests.digests.sources.http.test_client import QUICK, run_scenario
from tests.fakes.feeds import FakeFeeds, FeedFault


class FakeTime:
    """Clock that is advanced only by pauses."""

    def __init__(self) -> None:
        self.now = NOW

    def clock(self) -> datetime:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


def turns(sources: Sources, owner: str, time: FakeTime) -> ServerTurns:
    return ServerTurns(sources, "arxiv", owner, timedelta(seconds=3), time.clock, time.pause)


def test_two_processes_share_a_servers_turns_with_a_gap(tmp_path: Path) -> None:
    time = FakeTime()
    url = f"sqlite:///{tmp_path / 'p.db'}"
    begun: list[datetime] = []
    inside = 0

    async def ask(owner: str) -> None:
        nonlocal inside
        owner_turns = turns(open_store(url).sources, owner, time)
        for _ in range(3):
            async with owner_turns.acquire(timedelta(minutes=2)):
                inside += 1
                assert inside == 1
                begun.append(time.now)
                await asyncio.sleep(0)
                inside -= 1

    async def run() -> None:
        await asyncio.gather(ask("one"), ask("two"))

    asyncio.run(run())
    gaps = [later - earlier for earlier, later in itertools.pairwise(begun)]
    assert len(begun) == 6
    assert min(gaps) >= timedelta(seconds=3)


def test_retry_after_extends_the_cooldown_for_all_processes() -> None:
    time = FakeTime()
    sources = a_store().sources

    async def scenario(feeds: FakeFeeds, client: SourceClient) -> None:
        feeds.retry_after = "40"
        feeds.fail_next("/files", FeedFault.RATE_LIMITED)
        await client.get(f"{feeds.url}/files/a.txt", "arXiv", turns=turns(sources, "one", time), limits=QUICK)

    run_scenario(scenario, clock=time.clock)
    assert time.now - NOW >= timedelta(seconds=40)
    assert sources.take_turn("arxiv", "two", now=time.now, lease=timedelta(1)) == time.now + timedelta(
        seconds=3
    )


def test_a_long_cooldown_is_an_error_in_all_processes() -> None:
    time = FakeTime()
    sources = a_store().sources

    async def scenario(feeds: FakeFeeds, client: SourceClient) -> None:
        feeds.retry_after = "7200"
        feeds.fail_next("/files", FeedFault.RATE_LIMITED, times=2)
        for owner in ("one", "two"):
            with pytest.raises(SourceError, match=r"11:00 UTC") as refused:
                await client.get(
                    f"{feeds.url}/files/a.txt", "arXiv", turns=turns(sources, owner, time), limits=QUICK
                )
            assert refused.value.retry_at == NOW + timedelta(hours=2)
        assert len(feeds.requests) == 1

    run_scenario(scenario, clock=time.clock)
    assert time.now == NOW


def test_a_cancelled_wait_gives_its_turn_back() -> None:
    sources = a_store().sources

    async def run() -> None:
        owner_turns = ServerTurns(sources, "arxiv", "one", timedelta(), lambda: NOW)
        waiting = asyncio.create_task(owner_turns.acquire(timedelta(minutes=1)).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
    assert sources.take_turn("arxiv", "two", now=NOW, lease=timedelta(1)) is None
