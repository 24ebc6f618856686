"""Fake servers of the sources over real HTTP, on loopback only.

They stand for arXiv's three servers, Hugging Face's Daily Papers, and files of scored papers. Contents follow
a clock: the feed of a New York day is available from midnight on, and empty on weekends and holidays. Faults
can be injected by path. `python -m tests.fakes.feeds` serves them for trying by hand.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Self

from aiohttp import web

from digests.calendar import NEW_YORK
from tests.fakes import arxiv_days
from tests.fakes.arxiv_days import Announcement
from tests.fakes.wire import parse_port, stop_server

DEFAULT_PORT = 8767


PAGE_RECORDS = 20
"""Records per page."""


class FeedFault(StrEnum):
    """Fault of a request."""

    RATE_LIMITED = "429 with Retry-After"
    UNAVAILABLE = "503"
    DOWN = "connection closed without an answer"
    EMPTY = "a complete response without items"
    ERROR_FEED = "400 with a feed that reports an error"
    CUT = "half of the body, then the connection is closed"
    HUGE = "200 MB"
    DRIP = "a byte now and then"
    SILENT = "no answer until the silence ends"
    WRONG_CHARSET = "Latin-1 that says it is UTF-8"
    REDIRECT_LOOP = "a redirect to itself"
    TO_PRIVATE = "a redirect into a private network"
    GZIP_BOMB = "a body that unpacks to ten thousand times its size"
    ENTITY_BOMB = "entities within entities"
    EXTERNAL_ENTITY = "an entity that is a file of the reader's"
    STALE = "the feed of the day before"
    TOKEN_EXPIRED = "a token that does not hold any more"


@dataclass(frozen=True)
class ReceivedRequest:
    """A received request. `received_at` is the event loop's time, in seconds."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    received_at: float


@dataclass
class FakeFeeds:
    """The servers, at one address. `clock` gives their current time; `fail_next` injects faults.

    `announcement_source` replaces the generated announcements of a day. `files` are served under
    /files/ with an ETag.
    """

    clock: Callable[[], datetime]
    holidays: frozenset[date] = frozenset()
    papers_per_day: int = 24
    announcement_source: Callable[[date], list[Announcement]] | None = None
    recorded_answers: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    upvotes: Callable[[date], list[tuple[str, int]]] | None = None
    retry_after: str = "1"
    requests: list[ReceivedRequest] = field(default_factory=list)
    peak_concurrency: int = 0
    _in_flight: int = 0
    _silence_ended: asyncio.Event = field(default_factory=asyncio.Event)
    _faults: list[tuple[str, FeedFault, int]] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    url: str = ""

    async def __aenter__(self) -> Self:
        await self.start_server(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await stop_server(self._runner)

    async def start_server(self, port: int) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve_request)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    @property
    def rss_url(self) -> str:
        return f"{self.url}/rss/"

    @property
    def oai_url(self) -> str:
        return f"{self.url}/oai"

    @property
    def query_url(self) -> str:
        return f"{self.url}/api/query"

    @property
    def daily_papers_url(self) -> str:
        return f"{self.url}/api/daily_papers"

    def fail_next(self, path: str, fault: FeedFault, times: int = 1) -> None:
        """Let the next `times` requests whose path begins with `path` fail."""
        self._faults.append((path, fault, times))

    def end_silence(self) -> None:
        """Answer the requests that met `SILENT`, and remove all injected faults."""
        self.clear_faults()
        self._silence_ended.set()

    def clear_faults(self) -> None:
        """Remove all injected faults."""
        self._faults.clear()

    def requests_to(self, path: str) -> list[ReceivedRequest]:
        """Return the requests whose path begins with `path`."""
        return [request for request in self.requests if request.path.startswith(path)]

    def announcements_on(self, day: date) -> list[Announcement]:
        """Return the announcements in a day's feed."""
        if self.announcement_source:
            return self.announcement_source(day)
        return arxiv_days.announcements_of(day, self.papers_per_day, self.holidays)

    @property
    def today_in_new_york(self) -> date:
        """Current date in New York."""
        return self.clock().astimezone(NEW_YORK).date()

    # Responses.

    async def _serve_request(self, request: web.Request) -> web.StreamResponse:
        self._in_flight += 1
        self.peak_concurrency = max(self.peak_concurrency, self._in_flight)
        try:
            at = asyncio.get_running_loop().time()
            self.requests.append(
                ReceivedRequest(request.path, dict(request.query), dict(request.headers), at)
            )
            if (fault := self._next_fault(request.path)) and (
                failed := await self._answer_fault(request, fault)
            ):
                return failed
            return self._answer_path(request, fault)
        finally:
            self._in_flight -= 1

    def _next_fault(self, path: str) -> FeedFault | None:
        for number, (prefix, fault, times) in enumerate(self._faults):
            if path.startswith(prefix):
                self._faults[number] = (prefix, fault, times - 1)
                if times <= 1:
                    del self._faults[number]
                return fault
        return None

    def _answer_path(self, request: web.Request, fault: FeedFault | None) -> web.Response:
        empty = fault is FeedFault.EMPTY
        path = request.path
        if path in self.recorded_answers:
            return _xml_response(self.recorded_answers[path])
        if path.startswith(("/rss/", "/atom/")):
            day = self.today_in_new_york - timedelta(days=1 if fault is FeedFault.STALE else 0)
            return _xml_response(self._render_rss(day, path.split("/")[2], empty))
        if path == "/oai":
            return _xml_response(self._render_oai(request, empty, fault))
        if path == "/api/query":
            return self._answer_query(request, empty)
        if path == "/api/daily_papers":
            return web.json_response([] if empty else self._list_daily_papers(request))
        if path.startswith("/files/") and (name := path.removeprefix("/files/")) in self.files:
            return self._answer_file(request, self.files[name])
        return web.Response(status=404, text="no such page")

    def _render_rss(self, day: date, categories: str, empty: bool) -> str:
        wanted = set(categories.split("+"))
        papers = [] if empty else [one for one in self.announcements_on(day) if wanted & set(one.categories)]
        return arxiv_days.render_rss(day, papers, categories)

    def _render_oai(self, request: web.Request, empty: bool, fault: FeedFault | None) -> str:
        query = request.query
        if fault is FeedFault.TOKEN_EXPIRED:
            return arxiv_days.render_oai_error("badResumptionToken")
        since, of_set, start = query.get("from", ""), query.get("set", ""), 0
        if token := query.get("resumptionToken"):
            since, of_set, begin = token.split("|")
            start = int(begin)
        records = [] if empty else self._list_records(date.fromisoformat(since), of_set)
        if not records:
            return arxiv_days.render_oai_error("noRecordsMatch")
        more = start + PAGE_RECORDS < len(records)
        return arxiv_days.render_oai_page(
            records[start : start + PAGE_RECORDS], f"{since}|{of_set}|{start + PAGE_RECORDS}" if more else ""
        )

    def _list_records(self, since: date, of_set: str) -> list[Announcement]:
        """List each paper once, as last modified. A day's records are available from
        22:30 the evening before.
        """
        last = (self.clock().astimezone(NEW_YORK) + timedelta(hours=1, minutes=30)).date()
        newest: dict[str, Announcement] = {}
        for ahead in range((last - since).days + 1):
            day = since + timedelta(days=ahead)
            announced = self.announcements_on(day)
            for one in [*announced, *(arxiv_days.touched_records_of(day) if announced else [])]:
                newest[one.id] = one
        category = of_set.rpartition(":")[2]
        return [one for one in newest.values() if any(name.endswith(category) for name in one.categories)]

    def _answer_query(self, request: web.Request, empty: bool) -> web.Response:
        ids = request.query.get("id_list", "").split(",")
        if "abc" in ids:
            return web.Response(status=400, text=_QUERY_ERROR, content_type="application/atom+xml")
        known = {
            one.id: one
            for ago in range(60)
            for one in self.announcements_on(self.today_in_new_york - timedelta(days=ago))
        }
        return _xml_response(
            arxiv_days.render_query_answer([] if empty else [known[one] for one in ids if one in known])
        )

    def _list_daily_papers(self, request: web.Request) -> list[dict[str, object]]:
        day = date.fromisoformat(request.query["date"])
        if day > self.today_in_new_york:
            return []
        voted = (
            self.upvotes(day)
            if self.upvotes
            else [(one.id, 40 - n) for n, one in enumerate(self.announcements_on(day)[:9])]
        )
        known = {one.id: one for ago in range(5) for one in self.announcements_on(day - timedelta(days=ago))}
        return [_daily_paper_json(paper, votes, known.get(paper), day) for paper, votes in voted]

    def _answer_file(self, request: web.Request, body: bytes) -> web.Response:
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, headers={"ETag": etag}, content_type="application/x-ndjson")

    # Faults.

    async def _answer_fault(self, request: web.Request, fault: FeedFault) -> web.StreamResponse | None:
        match fault:
            case FeedFault.RATE_LIMITED:
                headers = {"Retry-After": self.retry_after} if self.retry_after else {}
                return web.Response(status=429, text="Rate exceeded.", headers=headers)
            case FeedFault.UNAVAILABLE:
                return web.Response(status=503, text="Service unavailable")
            case FeedFault.DOWN:
                return _close_connection(request)
            case FeedFault.ERROR_FEED:
                body = arxiv_days.render_error_feed("Bad archive 'cs.XX'.")
                return web.Response(status=400, text=body, content_type="application/xml")
            case FeedFault.CUT:
                return await _send_half(
                    request, self._render_rss(self.today_in_new_york, "cs.LG", empty=False).encode()
                )
            case FeedFault.HUGE:
                return await _send_huge_body(request)
            case FeedFault.SILENT:
                await self._silence_ended.wait()
                return None
            case FeedFault.DRIP:
                return await _send_slowly(request)
            case FeedFault.WRONG_CHARSET:
                text = self._render_rss(self.today_in_new_york, "+".join(arxiv_days.CATEGORIES), empty=False)
                return _xml_response(text.replace("Ada Moss", "Zoé Müßig").encode("latin-1"))
            case FeedFault.REDIRECT_LOOP:
                raise web.HTTPFound(request.path_qs)
            case FeedFault.TO_PRIVATE:
                raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")
            case FeedFault.GZIP_BOMB:
                return web.Response(
                    body=_build_gzip_bomb(),
                    headers={"Content-Encoding": "gzip"},
                    content_type="application/xml",
                )
            case FeedFault.ENTITY_BOMB:
                return _xml_response(_ENTITY_BOMB)
            case FeedFault.EXTERNAL_ENTITY:
                return _xml_response(_EXTERNAL_ENTITY)
            case FeedFault.EMPTY | FeedFault.STALE | FeedFault.TOKEN_EXPIRED:
                return None


def _xml_response(body: str | bytes) -> web.Response:
    raw = body.encode() if isinstance(body, str) else body
    return web.Response(
        body=gzip.compress(raw, 1), headers={"Content-Encoding": "gzip"}, content_type="text/xml"
    )


def _close_connection(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _send_half(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return response


async def _send_huge_body(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    block = b" " * 1024**2
    try:
        for _ in range(200):
            await response.write(block)
    except (ConnectionError, RuntimeError):
        return response
    return response


async def _send_slowly(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(600):
            await response.write(b" ")
            await asyncio.sleep(0.05)
    except (ConnectionError, RuntimeError):
        return response
    return response


def _build_gzip_bomb() -> bytes:
    """Compress 100 MB of spaces."""
    return gzip.compress(b" " * 100 * 1024**2, 9)


_ENTITY_BOMB = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><rss><channel><title>&i;</title></channel></rss>"
)
_EXTERNAL_ENTITY = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY file SYSTEM "file:///etc/hostname">]>'
    "<rss><channel><title>&file;</title></channel></rss>"
)
_QUERY_ERROR = (
    "<?xml version='1.0' encoding='UTF-8'?><feed xmlns=\"http://www.w3.org/2005/Atom\"><entry>"
    "<id>https://arxiv.org/api/errors#incorrect_id_format_for_abc</id><title>Error</title>"
    "<summary>incorrect id format for abc</summary></entry></feed>"
)


def _daily_paper_json(paper: str, votes: int, known: Announcement | None, day: date) -> dict[str, object]:
    title = known.title if known else f"A paper called {paper}"
    abstract = known.abstract if known else "It is liked by many."
    return {
        "title": title,
        "summary": abstract,
        "publishedAt": f"{day - timedelta(days=1)}T20:00:00.000Z",
        "paper": {
            "id": paper,
            "title": title,
            "summary": abstract,
            "authors": [
                {"name": name, "hidden": False} for name in (known.authors if known else ("Ada Moss",))
            ],
            "publishedAt": f"{known.created if known else day}T00:00:00.000Z",
            "upvotes": votes,
            **({"githubRepo": f"https://github.com/made/{paper}"} if votes % 2 else {}),
        },
    }


async def _serve_by_hand(port: int) -> None:
    feeds = FakeFeeds(clock=lambda: datetime.now(UTC))
    await feeds.start_server(port)
    print(f"""Serving made papers of today. In paperround.toml:

[[sources]]
kind = "arxiv"
categories = ["cs.LG", "cs.CL"]
rss_url = "{feeds.rss_url}"
oai_url = "{feeds.oai_url}"
query_url = "{feeds.query_url}"

[[sources]]
kind = "huggingface"
url = "{feeds.daily_papers_url}"
""")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_by_hand(parse_port(__doc__, DEFAULT_PORT)))
