"""Full texts from arXiv, over a real client and a local server."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from bot.present.card import build_card
from digests.blocking import BlockingRunner
from digests.errors import SourceError
from digests.model import NOT_REVIEWED, Paper
from digests.reviewers.arxiv_full_text import REST, ArxivFullTextFetcher
from digests.reviewers.documents import is_text_of
from digests.reviewers.full_text import FullText
from digests.sources.http.client import open_client
from digests.sources.http.turns import ServerTurns
from tests.builders import NOW, a_paper, a_store
from tests.digests.reviewers.harness import ReviewerHarness
from tests.fakes.pdf import a_pdf
from tests.shared_data import bug_text, needs_shared_data

SENTENCES = [f"Sentence number {number} of the method says what was done and why." for number in range(60)]
PARAGRAPHS = "".join(f"<p>{line}</p>" for line in SENTENCES)
PAGE = f"<html><body><h1>Paper 2611.00001</h1><h2>1 Method</h2>{PARAGRAPHS}</body></html>"
FATAL_ERROR = (
    '<div class="ltx_ERROR">Conversion to HTML had a Fatal error and exited abruptly. '
    "This document may be truncated or damaged.</div>"
)
PDF = a_pdf("Paper 2611.00001", *SENTENCES[:40])


def fetch_full_text(
    paper: Paper, documents: dict[str, tuple[int, bytes]]
) -> tuple[FullText | None, list[str]]:
    """Fetch from a server with these documents by path. Returns the full text and the requested paths."""
    return asyncio.run(fetch_full_text_here(paper, documents))


async def fetch_full_text_here(
    paper: Paper, documents: dict[str, tuple[int, bytes]]
) -> tuple[FullText | None, list[str]]:
    """Fetch as `fetch_full_text` does, in the running event loop."""

    async def work(fetcher: ArxivFullTextFetcher, time: FakeTime) -> FullText | None:
        return await fetcher(paper, asyncio.to_thread)

    return await use_fetcher(work, documents)


async def use_fetcher(
    use: Callable[[ArxivFullTextFetcher, "FakeTime"], Awaitable[Any]], documents: dict[str, tuple[int, bytes]]
) -> tuple[Any, list[str]]:
    """Use a fetcher of a server with these documents by path. Returns the result and the requested paths."""
    requested_paths: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        requested_paths.append(request.path)
        status, body = documents.get(request.path, (404, b"not here"))
        return web.Response(status=status, body=body)

    async def work(base_url: str) -> Any:
        time = FakeTime()
        turns = ServerTurns(
            a_store().sources, "arxiv.org", "me", timedelta(seconds=3), time.clock, time.pause
        )
        open_server_client = partial(
            open_client, "", time.clock, trusted_addresses=(base_url,), pause=time.pause
        )
        return await use(ArxivFullTextFetcher(open_server_client, turns, base_url), time)

    return await _with_server(serve, work), requested_paths


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
    text, paths = fetch_full_text(a_paper("2611.00001"), {"/pdf/2611.00001": (200, PDF)})
    assert text
    assert SENTENCES[3] in text.text
    assert paths == ["/html/2611.00001", "/pdf/2611.00001"]


def test_an_html_page_without_a_paper_is_ignored() -> None:
    documents = {
        "/html/2611.00001": (200, b"<html>No HTML for this paper.</html>"),
        "/pdf/2611.00001": (200, PDF),
    }
    text, _ = fetch_full_text(a_paper("2611.00001"), documents)
    assert text
    assert SENTENCES[3] in text.text


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace("</body>", f"{FATAL_ERROR}</body>"),
        PAGE.removesuffix("</body></html>"),
        PAGE.replace("Paper 2611.00001", "A Paper on Something Else"),
    ],
)
def test_a_page_that_broke_off_or_is_another_paper_is_none(page: str) -> None:
    """The PDF is next, then the abstract."""
    documents = {"/html/2611.00001": (200, page.encode())}
    assert fetch_full_text(a_paper("2611.00001"), documents)[0] is None
    text, paths = fetch_full_text(a_paper("2611.00001"), documents | {"/pdf/2611.00001": (200, PDF)})
    assert text
    assert SENTENCES[3] in text.text
    assert paths == ["/html/2611.00001", "/pdf/2611.00001"]


@pytest.mark.parametrize("document", [PDF[: len(PDF) // 2], a_pdf("Something Else", *SENTENCES[:40])])
def test_a_pdf_that_is_cut_off_or_another_paper_is_none(document: bytes) -> None:
    assert fetch_full_text(a_paper("2611.00001"), {"/pdf/2611.00001": (200, document)})[0] is None


def test_single_macros_that_were_not_known_are_no_failed_conversion() -> None:
    page = PAGE.replace("was done", 'was <span class="ltx_ERROR undefined">\\ours</span> done')
    page = page.replace("<h2>", "<p>On pages with the words Conversion to HTML had a Fatal error.</p><h2>")
    text, _ = fetch_full_text(a_paper("2611.00001"), {"/html/2611.00001": (200, page.encode())})
    assert text


ABSTRACT = (
    "Existing retrieval pipelines duplicate passages between neighbouring requests. We introduce a prefix "
    "cache that deduplicates passages, and evaluate throughput against established baselines on four tasks."
)


@pytest.mark.parametrize(
    ("title", "abstract", "text", "is_same"),
    [
        ("A Prefix Cache for Retrieval", "", "A PREFIX CACHE\nFOR RE-\nTRIEVAL\nAda Moss", True),
        ("An $\\alpha$-Divergence Bound", "", "An α-Divergence Bound", True),
        ("A First Title of the Paper", ABSTRACT, f"Another Title\n{ABSTRACT}", True),
        ("A First Title of the Paper", ABSTRACT, "Another Title\nWe evaluate established baselines.", False),
        ("A Prefix Cache for Retrieval", ABSTRACT, "Surveys of Caching\n" + "words " * 99, False),
        ("Mamba", "Short.", "Another text", True),
    ],
)
def test_a_text_is_told_from_that_of_another_paper(
    title: str, abstract: str, text: str, is_same: bool
) -> None:
    assert is_text_of(title, abstract, text) is is_same


@needs_shared_data
def test_the_page_that_was_once_taken_for_a_paper_is_none() -> None:
    page = bug_text("page_cut_off.html").encode()
    documents = {"/html/2611.00001": (200, page)}
    for title, abstract in (("A paper", "We study caching."), ("A Prefix Cache for Retrieval", ABSTRACT)):
        paper = a_paper("2611.00001", title=title, abstract=abstract)
        text, paths = fetch_full_text(paper, documents)
        assert text is None
        assert paths == ["/html/2611.00001", "/pdf/2611.00001"], "the PDF is next"


def test_a_paper_without_either_has_no_full_text() -> None:
    assert fetch_full_text(a_paper("2611.00001"), {})[0] is None


def test_a_paper_outside_arxiv_is_not_requested() -> None:
    assert fetch_full_text(a_paper("web:0123456789abcdef"), {}) == (None, [])


def test_a_server_error_is_raised_for_a_retry() -> None:
    with pytest.raises(SourceError, match="503"):
        fetch_full_text(a_paper("2611.00001"), {"/html/2611.00001": (503, b"")})


def test_papers_that_arxiv_does_not_answer_for_cost_the_wait_of_two() -> None:
    """The others fail at once; after a rest a single paper asks again, and an answer ends it."""
    documents = {f"/html/2611.{number:05}": (503, b"") for number in range(9)}

    async def use(fetcher: ArxivFullTextFetcher, time: FakeTime) -> None:
        async def count_failures(*numbers: int) -> int:
            fetches = (fetcher(a_paper(f"2611.{number:05}"), asyncio.to_thread) for number in numbers)
            outcomes = await asyncio.gather(*fetches, return_exceptions=True)
            assert all(each is None or isinstance(each, SourceError) for each in outcomes)
            return sum(map(bool, outcomes))

        assert await count_failures(*range(8)) == 8
        before = time.now
        assert await count_failures(2) == 1
        assert time.now == before
        with pytest.raises(SourceError, match="does not answer; it is asked again from"):
            await fetcher(a_paper("2611.00002"), asyncio.to_thread)
        await time.pause(REST.total_seconds())
        assert await count_failures(3, 4) == 2
        await time.pause(REST.total_seconds())
        assert await count_failures(9) == 0
        assert await count_failures(5, 6, 7) == 3

    _, paths = asyncio.run(use_fetcher(use, documents))
    asked = [(path[-1], paths.count(path)) for path in dict.fromkeys(paths) if "html" in path]
    assert asked == [("0", 3), ("1", 3), ("3", 3), ("9", 1), ("5", 3), ("6", 3)]


def test_papers_between_which_arxiv_answers_are_all_asked_for() -> None:
    documents = {f"/html/2611.{number:05}": (503, b"") for number in range(0, 6, 2)}

    async def use(fetcher: ArxivFullTextFetcher, time: FakeTime) -> None:
        for number in range(6):
            with suppress(SourceError):
                await fetcher(a_paper(f"2611.{number:05}"), asyncio.to_thread)

    _, paths = asyncio.run(use_fetcher(use, documents))
    assert [paths.count(f"/html/2611.{number:05}") for number in range(6)] == [3, 1, 3, 1, 3, 1]


def test_the_card_says_from_which_document_a_paper_was_reviewed() -> None:
    """Each paper has another document; the page comes first, then the PDF, then the abstract."""
    page = PAGE.replace("Paper 2611.00001", "{title}")
    broken = page.replace("</body>", f"{FATAL_ERROR}</body>")
    cut_off = page.removesuffix("</body></html>")
    another = page.replace("{title}", "A Paper on Something Else")
    cases: list[tuple[str | None, bool, str]] = [
        (page, True, "from the full text"),
        (None, True, "from the PDF"),
        (broken, True, "from the PDF"),
        (cut_off, True, "from the PDF"),
        (another, True, "from the PDF"),
        (broken, False, "from the abstract"),
        (cut_off, False, "from the abstract"),
        (another, False, "from the abstract"),
        (None, False, "from the abstract"),
    ]
    documents, store = {}, a_store()
    for number, (html, has_pdf, _) in enumerate(cases):
        title = f"A Title of Paper {number:05}"
        paper = a_paper(f"2611.{number:05}", title=title, abstract=ABSTRACT, version=1)
        store.library.add([(paper, NOT_REVIEWED)], now=NOW)
        if html:
            documents[f"/html/2611.{number:05}v1"] = 200, html.replace("{title}", title).encode()
        if has_pdf:
            documents[f"/pdf/2611.{number:05}v1"] = 200, a_pdf(title, *SENTENCES[:40])

    async def fetch(paper: Paper, run_reader: BlockingRunner) -> FullText | None:
        return (await fetch_full_text_here(paper, documents))[0]

    reviewer = ReviewerHarness(store, fetch_full_text=fetch)
    assert reviewer.run_round().full_review_count == len(cases)
    for number, (_, _, words) in enumerate(cases):
        assert build_card(reviewer.get_paper(number), 1).review_line.endswith(words), number
