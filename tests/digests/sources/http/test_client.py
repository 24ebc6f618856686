"""HTTP client of the sources: limits, retries, and protection of private networks."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digests.errors import SourceError
from digests.sources.http.client import (
    RequestLimits,
    SourceClient,
    SourceResponse,
    build_user_agent,
    open_client,
)
from tests.builders import NOW
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
        "The server answered 503 Service Unavailable 3 times; it may be asked again from 09:00 UTC on."
    )


def test_a_long_retry_after_is_an_error() -> None:
    async def scenario(feeds: FakeFeeds, client: SourceClient) -> None:
        feeds.retry_after = "Tue, 24 Nov 2026 11:30:00 GMT"
        await request_file("/files/a.txt", FeedFault.RATE_LIMITED)(feeds, client)

    with pytest.raises(
        SourceError, match=r"answered 429 Too Many Requests; it may be asked again from 11:30 UTC on"
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


def test_a_trusted_server_cannot_redirect_into_a_private_network() -> None:
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

    assert "is no web address: write one that begins with http:// or https://" in error_of(scenario)


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


def test_a_retry_truncates_the_output_file() -> None:
    file = io.BytesIO()
    run_scenario(request_file("/files/a.txt", FeedFault.CUT, output_file=file))
    assert file.getvalue() == b"hello"


def test_a_date_in_retry_after_may_have_no_zone() -> None:
    from digests.sources.http.client import _parse_retry_after

    assert _parse_retry_after({"retry-after": "Tue, 24 Nov 2026 09:00:05 -0000"}, NOW) == 5
    assert _parse_retry_after({"retry-after": "soon"}, NOW) is None
    assert _parse_retry_after({}, datetime.now(UTC)) is None
