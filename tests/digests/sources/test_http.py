"""HTTP client of the sources: turns, limits, retries, and protection of private networks."""

import asyncio
import io
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digests.errors import SourceError
from digests.ports.sources import Sources
from digests.sources.http.addresses import is_public
from digests.sources.http.client import (
    RequestLimits,
    SourceClient,
    SourceResponse,
    build_user_agent,
    open_client,
)
from digests.sources.http.turns import ServerTurns
from digests.store import open_store
from tests.builders import NOW, a_store
from tests.fakes.feeds import FakeFeeds, FeedFault

QUICK = RequestLimits(max_bytes=2 * 1024**2, timeout=5, attempts=3)

Scenario = Callable[[FakeFeeds, SourceClient], Awaitable[Any]]


def run_scenario(scenario: Scenario, pauses: list[float] | None = None, **client: Any) -> Any:
    """Run a scenario against the servers. Pauses are recorded and not waited for."""

    async def record_pause(seconds: float) -> None:
        if pauses is not None:
            pauses.append(seconds)

    async def run() -> Any:
        async with FakeFeeds(clock=lambda: NOW, files={"a.txt": b"hello"}) as feeds:
            trusted = client.pop("trusted", (feeds.url,))
            async with open_client(
                "ada@example.org", lambda: NOW, trusted_addresses=trusted, pause=record_pause
            ) as opened:
                configured = SourceClient(
                    **{name: getattr(opened, name) for name in SourceClient.__slots__} | client
                )
                return await scenario(feeds, configured)

    return asyncio.run(run())


def request_file(path: str, fault: FeedFault | None = None, times: int = 1, **more: Any) -> Scenario:
    async def scenario(feeds: FakeFeeds, client: SourceClient) -> tuple[SourceResponse, FakeFeeds]:
        if fault:
            feeds.fail_next(path, fault, times)
        answer = await client.get(feeds.url + path, "The server", **{"limits": QUICK, **more})
        return answer, feeds

    return scenario


def error_of(scenario: Scenario, **client: Any) -> str:
    with pytest.raises(SourceError) as refused:
        run_scenario(scenario, **client)
    return str(refused.value)


def test_a_response_is_returned_and_the_user_agent_has_the_contact() -> None:
    answer, feeds = run_scenario(request_file("/files/a.txt"))
    assert (answer.status, answer.body) == (200, b"hello")
    assert "ada@example.org" in feeds.requests[0].headers["User-Agent"]
    assert "no contact set" in build_user_agent("")


def test_a_compressed_response_is_decompressed() -> None:
    answer, _ = run_scenario(request_file("/rss/cs.LG"))
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.body.startswith(b"<?xml")


def test_retry_after_is_respected() -> None:
    pauses: list[float] = []
    _, feeds = run_scenario(request_file("/files/a.txt", FeedFault.RATE_LIMITED, 2), pauses)
    assert pauses == [1.0, 1.0]
    assert len(feeds.requests) == 3


def test_retries_back_off_exponentially() -> None:
    pauses: list[float] = []
    run_scenario(request_file("/files/a.txt", FeedFault.UNAVAILABLE, 2), pauses)
    assert 10 <= pauses[0] <= 12.5
    assert 20 <= pauses[1] <= 25


@pytest.mark.parametrize("fault", [FeedFault.DOWN, FeedFault.CUT])
def test_a_truncated_response_is_retried(fault: FeedFault) -> None:
    answer, _ = run_scenario(request_file("/files/a.txt", fault))
    assert answer.body == b"hello"


def test_the_error_after_the_last_attempt_has_the_next_retry_time() -> None:
    message = error_of(request_file("/files/a.txt", FeedFault.UNAVAILABLE, 3))
    assert message.startswith(
        "The server answered 503 Service Unavailable 3 times; next try not before 09:00 UTC."
    )


def test_a_long_retry_after_is_an_error() -> None:
    async def scenario(feeds: FakeFeeds, client: SourceClient) -> None:
        feeds.retry_after = "Tue, 24 Nov 2026 11:30:00 GMT"
        await request_file("/files/a.txt", FeedFault.RATE_LIMITED)(feeds, client)

    with pytest.raises(
        SourceError, match=r"answered 429 Too Many Requests; next try not before 11:30 UTC"
    ) as refused:
        run_scenario(scenario)
    assert refused.value.retry_at == NOW + timedelta(hours=2, minutes=30)


def test_not_found_is_not_retried() -> None:
    assert "answered 404 Not Found" in error_of(request_file("/nothing"))


@pytest.mark.parametrize("fault", [FeedFault.HUGE, FeedFault.GZIP_BOMB])
def test_the_size_limit_holds_compressed_and_decompressed(fault: FeedFault) -> None:
    assert "more than 2 MB: it was not read" in error_of(request_file("/files/a.txt", fault))


def test_a_slow_response_times_out() -> None:
    slow = RequestLimits(timeout=0.3, attempts=1)
    message = error_of(request_file("/files/a.txt", FeedFault.DRIP, limits=slow))
    assert "did not answer in full within 0.3 seconds" in message


def test_requests_go_through_a_proxy() -> None:
    async def run() -> tuple[bytes, str]:
        async with FakeFeeds(clock=lambda: NOW, files={"a.txt": b"hello"}) as feeds:
            address = "http://papers.example/files/a.txt"
            async with open_client("", lambda: NOW, trusted_addresses=(address,), proxy=feeds.url) as client:
                answer = await client.get(address, "The server", limits=QUICK)
            return answer.body, feeds.requests[0].headers["Host"]

    assert asyncio.run(run()) == (b"hello", "papers.example")


def test_a_redirect_loop_is_an_error() -> None:
    message = error_of(request_file("/files/a.txt", FeedFault.REDIRECT_LOOP, 99))
    assert "redirects in a circle" in message


def test_a_redirect_into_a_private_network_is_not_followed_even_from_a_trusted_server() -> None:
    message = error_of(request_file("/files/a.txt", FeedFault.TO_PRIVATE))
    assert "inside a private network (169.254.169.254): it was not asked" in message


def test_an_untrusted_private_address_is_refused() -> None:
    message = error_of(request_file("/files/a.txt"), trusted=())
    assert "inside a private network (127.0.0.1)" in message


@pytest.mark.parametrize(
    "address", ["ftp://host/x", "file:///etc/passwd", "http://", "no address", "http://[::1"]
)
def test_an_address_that_is_not_http_is_refused(address: str) -> None:
    async def scenario(_: FakeFeeds, client: SourceClient) -> None:
        await client.get(address, "The server")

    assert "no web address" in error_of(scenario)


def test_the_checked_address_is_the_one_requested() -> None:
    """DNS rebinding between the check and the request has no effect."""
    lookups: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        lookups.append(host)
        return ["127.0.0.1"] if len(lookups) == 1 else ["10.0.0.1"]

    async def scenario(feeds: FakeFeeds, client: SourceClient) -> tuple[SourceResponse, FakeFeeds]:
        port = feeds.url.rpartition(":")[2]
        return await client.get(f"http://papers.example:{port}/files/a.txt", "The server"), feeds

    answer, feeds = run_scenario(scenario, trusted=(), resolver=resolve, may_ask=lambda ip: ip == "127.0.0.1")
    assert answer.body == b"hello"
    assert lookups == ["papers.example"]
    assert feeds.requests[0].headers["Host"].startswith("papers.example:")


def test_one_private_address_among_several_is_refused() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.215.14", "192.168.1.1"]

    async def scenario(_: FakeFeeds, client: SourceClient) -> None:
        await client.get("http://papers.example/", "The server")

    assert "(192.168.1.1)" in error_of(scenario, resolver=resolve)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True), ("127.0.0.1", False),
        ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.0.1", False), ("169.254.169.254", False),
        ("100.100.100.200", False), ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False),
        ("168.63.129.16", False), ("::1", False), ("::", False), ("fe80::1%eth0", False),
        ("fd00:ec2::254", False), ("::ffff:10.0.0.1", False), ("::ffff:93.184.215.14", True),
        ("64:ff9b::a00:1", False), ("2002:a00:1::1", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_private_and_metadata_addresses_are_not_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_retry_truncates_the_output_file() -> None:
    file = io.BytesIO()
    run_scenario(request_file("/files/a.txt", FeedFault.CUT, output_file=file))
    assert file.getvalue() == b"hello"


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


def test_a_date_in_retry_after_may_have_no_zone() -> None:
    from digests.sources.http.client import _parse_retry_after

    assert _parse_retry_after({"retry-after": "Tue, 24 Nov 2026 09:00:05 -0000"}, NOW) == 5
    assert _parse_retry_after({"retry-after": "soon"}, NOW) is None
    assert _parse_retry_after({}, datetime.now(UTC)) is None
