"""arXiv's three servers, Hugging Face's Daily Papers and files of scored papers, over real HTTP on this machine alone.

What they show follows a clock: the feed of a New York day is there from midnight on, and holds nothing on weekends and
holidays. They fail where they are told to. `python -m tests.fakes.feeds` serves them for trying by hand.
"""

import asyncio
import gzip
import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Self

from aiohttp import web

from digests.calendar import NEW_YORK
from tests.fakes import arxiv_days
from tests.fakes.arxiv_days import Announced

PAGE = 20
"""Records a page."""


class Fault(StrEnum):
    """What goes wrong with a request."""

    TOO_MANY = "429 with Retry-After"
    UNAVAILABLE = "503"
    DOWN = "connection closed without an answer"
    EMPTY = "a whole answer with nothing in it"
    ERROR_FEED = "400 with a feed that reports an error"
    CUT = "half of the body, then the connection is closed"
    HUGE = "200 MB"
    DRIP = "a byte now and then"
    WRONG_CHARSET = "Latin-1 that says it is UTF-8"
    REDIRECT_LOOP = "a redirect to itself"
    TO_PRIVATE = "a redirect into a private network"
    GZIP_BOMB = "a body that unpacks to ten thousand times its size"
    ENTITY_BOMB = "entities within entities"
    EXTERNAL_ENTITY = "an entity that is a file of the reader's"
    STALE = "the feed of the day before"
    TOKEN_EXPIRED = "a token that does not hold any more"


@dataclass(frozen=True)
class Seen:
    """A request: where, what was asked, with which headers, and when by the real clock."""

    path: str
    asked: dict[str, str]
    headers: dict[str, str]
    at: float


@dataclass
class Feeds:
    """The servers. `clock` says what day it is there; `fail` lets the next requests to a path go wrong.

    `announced` may be replaced to say what a day brings; `files` are served under /files/ with an ETag.
    """

    clock: Callable[[], datetime]
    holidays: frozenset[date] = frozenset()
    papers_a_day: int = 24
    announced: Callable[[date], list[Announced]] | None = None
    recorded: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    upvotes: Callable[[date], list[tuple[str, int]]] | None = None
    retry_after: str = "1"
    seen: list[Seen] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _faults: list[tuple[str, Fault, int]] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    url: str = ""

    async def __aenter__(self) -> Self:
        await self.serve(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def serve(self, port: int) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
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

    def fail(self, path: str, fault: Fault, times: int = 1) -> None:
        """The next requests whose path begins so go wrong."""
        self._faults.append((path, fault, times))

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()

    def asked(self, path: str) -> list[Seen]:
        """The requests whose path begins so."""
        return [one for one in self.seen if one.path.startswith(path)]

    def day(self, day: date) -> list[Announced]:
        """What the feed of a day holds."""
        if self.announced:
            return self.announced(day)
        return arxiv_days.announced(day, self.papers_a_day, self.holidays)

    @property
    def today(self) -> date:
        """The day in New York."""
        return self.clock().astimezone(NEW_YORK).date()

    # Answers.

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            at = asyncio.get_running_loop().time()
            self.seen.append(Seen(request.path, dict(request.query), dict(request.headers), at))
            if (fault := self._fault(request.path)) and (failed := await self._failed(request, fault)):
                return failed
            return self._well(request, fault)
        finally:
            self._at_once -= 1

    def _fault(self, path: str) -> Fault | None:
        for number, (prefix, fault, times) in enumerate(self._faults):
            if path.startswith(prefix):
                self._faults[number] = (prefix, fault, times - 1)
                if times <= 1:
                    del self._faults[number]
                return fault
        return None

    def _well(self, request: web.Request, fault: Fault | None) -> web.Response:
        empty = fault is Fault.EMPTY
        path = request.path
        if path in self.recorded:
            return _xml(self.recorded[path])
        if path.startswith(("/rss/", "/atom/")):
            day = self.today - timedelta(days=1 if fault is Fault.STALE else 0)
            return _xml(self._rss(day, path.split("/")[2], empty))
        if path == "/oai":
            return _xml(self._oai(request, empty, fault))
        if path == "/api/query":
            return self._query(request, empty)
        if path == "/api/daily_papers":
            return web.json_response([] if empty else self._daily(request))
        if path.startswith("/files/") and (name := path.removeprefix("/files/")) in self.files:
            return self._file(request, self.files[name])
        return web.Response(status=404, text="no such page")

    def _rss(self, day: date, categories: str, empty: bool) -> str:
        wanted = set(categories.split("+"))
        papers = [] if empty else [one for one in self.day(day) if wanted & set(one.categories)]
        return arxiv_days.rss(day, papers, categories)

    def _oai(self, request: web.Request, empty: bool, fault: Fault | None) -> str:
        asked = request.query
        if fault is Fault.TOKEN_EXPIRED:
            return arxiv_days.oai_error("badResumptionToken")
        since, of_set, start = asked.get("from", ""), asked.get("set", ""), 0
        if token := asked.get("resumptionToken"):
            since, of_set, begin = token.split("|")
            start = int(begin)
        records = [] if empty else self._records(date.fromisoformat(since), of_set)
        if not records:
            return arxiv_days.oai_error("noRecordsMatch")
        more = start + PAGE < len(records)
        return arxiv_days.oai(
            records[start : start + PAGE], f"{since}|{of_set}|{start + PAGE}" if more else ""
        )

    def _records(self, since: date, of_set: str) -> list[Announced]:
        """Each paper once, with its last touch; a day's are there from half past ten the evening before."""
        last = (self.clock().astimezone(NEW_YORK) + timedelta(hours=1, minutes=30)).date()
        newest: dict[str, Announced] = {}
        for ahead in range((last - since).days + 1):
            day = since + timedelta(days=ahead)
            announced = self.day(day)
            for one in [*announced, *(arxiv_days.touched(day) if announced else [])]:
                newest[one.id] = one
        category = of_set.rpartition(":")[2]
        return [one for one in newest.values() if any(name.endswith(category) for name in one.categories)]

    def _query(self, request: web.Request, empty: bool) -> web.Response:
        ids = request.query.get("id_list", "").split(",")
        if "abc" in ids:
            return web.Response(status=400, text=_QUERY_ERROR, content_type="application/atom+xml")
        known = {one.id: one for ago in range(60) for one in self.day(self.today - timedelta(days=ago))}
        return _xml(arxiv_days.query([] if empty else [known[one] for one in ids if one in known]))

    def _daily(self, request: web.Request) -> list[dict[str, object]]:
        day = date.fromisoformat(request.query["date"])
        if day > self.today:
            return []
        voted = (
            self.upvotes(day)
            if self.upvotes
            else [(one.id, 40 - n) for n, one in enumerate(self.day(day)[:9])]
        )
        known = {one.id: one for ago in range(5) for one in self.day(day - timedelta(days=ago))}
        return [_daily_paper(paper, votes, known.get(paper), day) for paper, votes in voted]

    def _file(self, request: web.Request, body: bytes) -> web.Response:
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, headers={"ETag": etag}, content_type="application/x-ndjson")

    # Faults.

    async def _failed(self, request: web.Request, fault: Fault) -> web.StreamResponse | None:
        match fault:
            case Fault.TOO_MANY:
                headers = {"Retry-After": self.retry_after} if self.retry_after else {}
                return web.Response(status=429, text="Rate exceeded.", headers=headers)
            case Fault.UNAVAILABLE:
                return web.Response(status=503, text="Service unavailable")
            case Fault.DOWN:
                return _closed(request)
            case Fault.ERROR_FEED:
                body = arxiv_days.error_feed("Bad archive 'cs.XX'.")
                return web.Response(status=400, text=body, content_type="application/xml")
            case Fault.CUT:
                return await _cut(request, self._rss(self.today, "cs.LG", empty=False).encode())
            case Fault.HUGE:
                return await _huge(request)
            case Fault.DRIP:
                return await _drip(request)
            case Fault.WRONG_CHARSET:
                text = self._rss(self.today, "+".join(arxiv_days.CATEGORIES), empty=False)
                return _xml(text.replace("Ada Moss", "Zoé Müßig").encode("latin-1"))
            case Fault.REDIRECT_LOOP:
                raise web.HTTPFound(request.path_qs)
            case Fault.TO_PRIVATE:
                raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")
            case Fault.GZIP_BOMB:
                return web.Response(
                    body=_bomb(), headers={"Content-Encoding": "gzip"}, content_type="application/xml"
                )
            case Fault.ENTITY_BOMB:
                return _xml(_ENTITY_BOMB)
            case Fault.EXTERNAL_ENTITY:
                return _xml(_EXTERNAL_ENTITY)
            case Fault.EMPTY | Fault.STALE | Fault.TOKEN_EXPIRED:
                return None


def _xml(body: str | bytes) -> web.Response:
    raw = body.encode() if isinstance(body, str) else body
    return web.Response(
        body=gzip.compress(raw, 1), headers={"Content-Encoding": "gzip"}, content_type="text/xml"
    )


def _closed(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return response


async def _huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    block = b" " * 1024**2
    try:
        for _ in range(200):
            await response.write(block)
    except (ConnectionError, RuntimeError):
        return response
    return response


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(600):
            await response.write(b" ")
            await asyncio.sleep(0.05)
    except (ConnectionError, RuntimeError):
        return response
    return response


def _bomb() -> bytes:
    """100 MB of spaces, packed twice as small as anybody would send them."""
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


def _daily_paper(paper: str, votes: int, known: Announced | None, day: date) -> dict[str, object]:
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


async def _serve(port: int) -> None:
    feeds = Feeds(clock=lambda: datetime.now(UTC))
    await feeds.serve(port)
    print(f"""Serving made papers of today. In paperround.toml:

[fetching]
arxiv_gap_seconds = 0

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
    asyncio.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 8766))
