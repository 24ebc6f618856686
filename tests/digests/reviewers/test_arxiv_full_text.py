"""Full texts from arXiv, over a real client and a local server."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from digests.errors import SourceError
from digests.model import Paper
from digests.reviewers.arxiv_full_text import ArxivFullTextFetcher
from digests.reviewers.full_text import FullText
from digests.sources.http.client import open_client
from digests.sources.http.turns import ServerTurns
from tests.builders import NOW, a_paper, a_store
from tests.fakes.pdf import a_pdf

SENTENCES = [f"Sentence number {number} of the method says what was done and why." for number in range(60)]
PAGE = "<html><body><h2>1 Method</h2>" + "".join(f"<p>{line}</p>" for line in SENTENCES) + "</body></html>"


def fetch_full_text(
    paper: Paper, documents: dict[str, tuple[int, bytes]]
) -> tuple[FullText | None, list[str]]:
    """Fetch from a server with these documents by path. Returns the full text and the requested paths."""
    requested_paths: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        requested_paths.append(request.path)
        status, body = documents.get(request.path, (404, b"not here"))
        return web.Response(status=status, body=body)

    async def work(base_url: str) -> FullText | None:
        time = FakeTime()
        turns = ServerTurns(
            a_store().sources, "arxiv.org", "me", timedelta(seconds=3), time.clock, time.pause
        )
        open_server_client = partial(
            open_client, "", time.clock, trusted_addresses=(base_url,), pause=time.pause
        )
        return await ArxivFullTextFetcher(open_server_client, turns, base_url)(paper, asyncio.to_thread)

    return asyncio.run(_with_server(serve, work)), requested_paths


class FakeTime:
    """A time that passes only during a pause."""

    def __init__(self) -> None:
        self.now = NOW

    def clock(self) -> datetime:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def _with_server(
    serve: Callable[[web.Request], Awaitable[web.StreamResponse]], work: Callable[[str], Awaitable[Any]]
) -> Any:
    app = web.Application()
    app.router.add_get("/{anything:.*}", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return await work(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    finally:
        await runner.cleanup()


def test_the_html_page_of_the_known_version_is_used() -> None:
    text, paths = fetch_full_text(
        a_paper("2611.00001", version=2), {"/html/2611.00001v2": (200, PAGE.encode())}
    )
    assert text
    assert SENTENCES[30] in text.text
    assert paths == ["/html/2611.00001v2"]


def test_the_pdf_is_used_without_an_html_page() -> None:
    text, paths = fetch_full_text(a_paper("2611.00001"), {"/pdf/2611.00001": (200, a_pdf(*SENTENCES[:40]))})
    assert text
    assert SENTENCES[3] in text.text
    assert paths == ["/html/2611.00001", "/pdf/2611.00001"]


def test_an_html_page_without_a_paper_is_ignored() -> None:
    documents = {
        "/html/2611.00001": (200, b"<html>No HTML for this paper.</html>"),
        "/pdf/2611.00001": (200, a_pdf(*SENTENCES)),
    }
    text, _ = fetch_full_text(a_paper("2611.00001"), documents)
    assert text
    assert SENTENCES[3] in text.text


def test_a_paper_without_either_has_no_full_text() -> None:
    assert fetch_full_text(a_paper("2611.00001"), {})[0] is None


def test_a_paper_outside_arxiv_is_not_requested() -> None:
    assert fetch_full_text(a_paper("web:0123456789abcdef"), {}) == (None, [])


def test_a_server_error_is_raised_for_a_retry() -> None:
    with pytest.raises(SourceError, match="503"):
        fetch_full_text(a_paper("2611.00001"), {"/html/2611.00001": (503, b"")})
