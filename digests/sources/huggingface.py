"""Source: Hugging Face's Daily Papers, with upvotes and links to code."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from digests.errors import InputError, SourceError
from digests.ids import canonicalize_address, parse_arxiv_id
from digests.model import NOT_REVIEWED, Paper
from digests.ports.sources import BadRecord, ProgressCallback, SourceBatch, SourceState
from digests.sources.http.client import RequestLimits, SourceClient
from digests.sources.polling import due_after_interval

SERVER = "Hugging Face"
"""Name of the server in messages."""

CODE_HOSTS = frozenset(("github.com", "gitlab.com", "huggingface.co", "bitbucket.org", "codeberg.org"))
"""Hosts that a link to code may lead to; other links are dropped."""

MAX_CODE_URL_CHARACTERS = 200
"""Longest link to code that is kept."""

LOOK_BACK = timedelta(days=2)
"""Days before the last complete one that are fetched again, since upvotes keep coming."""

MAX_BACKFILL = timedelta(days=30)
"""Longest time that a fetch goes back after an outage. An explicit `since` may go back further."""

LIMITS = RequestLimits(max_bytes=16 * 1024**2, timeout=60)
"""Limits of one request."""


class _DailyAuthor(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str = ""


class _DailyPaper(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    title: str = Field(min_length=1)
    summary: str = ""
    authors: list[_DailyAuthor] = []
    upvotes: int = Field(0, ge=0, le=10_000_000)
    published_at: datetime | None = Field(None, alias="publishedAt")
    github_repo: str | None = Field(None, alias="githubRepo")


class _DailyEntry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    paper: _DailyPaper


_LIST_ADAPTER: TypeAdapter[list[Any]] = TypeAdapter(list[Any])


@dataclass(frozen=True, slots=True)
class HuggingFaceSource:
    """Daily Papers. Implements `digests.ports.sources.Source`.

    The position is the last complete day. The papers have no version and no categories, so metadata from
    arXiv takes precedence.
    """

    connect: Callable[[], AbstractAsyncContextManager[SourceClient]] = field(repr=False)
    url: str = field(repr=False)
    interval: timedelta = timedelta(hours=1)
    name: str = "huggingface"

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        today = now.astimezone(UTC).date()
        position = min(position, today.isoformat())  # A clock that was ahead may have saved a later day.
        days = _list_days(position, since, today)
        async with self.connect() as client:
            for number, day in enumerate(days, start=1):
                answer = await client.get(f"{self.url}?date={day.isoformat()}", SERVER, limits=LIMITS)
                progress(number, len(days))
                # A paper may still be added to yesterday, in time zones where it is not yet today.
                complete_day = min(day, today - timedelta(days=2)).isoformat()
                yield parse_day(answer.body, max(complete_day, position))

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime | None:
        return due_after_interval(state, self.interval, now)


def _list_days(position: str, since: date | None, today: date) -> list[date]:
    last_complete_day = date.fromisoformat(position) if position else today
    first_day = since or max(last_complete_day - LOOK_BACK, today - MAX_BACKFILL)
    return [first_day + timedelta(days=ahead) for ahead in range((today - first_day).days + 1)]


def parse_day(body: bytes, position: str) -> SourceBatch:
    """Parse the response of one day into a batch with this position. Raises SourceError if it is not a list.

    Entries that cannot be used become bad records.
    """
    try:
        entries = _LIST_ADAPTER.validate_json(body)
    except ValidationError:
        raise SourceError(f"{SERVER} did not answer with a list of papers: try again later.") from None
    results = [_parse_paper(entry, number) for number, entry in enumerate(entries, start=1)]
    return SourceBatch(
        position,
        records=[(result, NOT_REVIEWED) for result in results if isinstance(result, Paper)],
        bad_records=[result for result in results if isinstance(result, BadRecord)],
    )


def _parse_paper(entry: Any, number: int) -> Paper | BadRecord:
    try:
        raw_paper = _DailyEntry.model_validate(entry).paper
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        return BadRecord(SERVER, number, field, "is missing or invalid")
    found = parse_arxiv_id(raw_paper.id)
    title = " ".join(raw_paper.title.split())
    if not found or not title:
        return BadRecord(SERVER, number, "paper.id", f"{raw_paper.id[:60]!r} is not an arXiv id")
    return Paper(
        found.id,
        title,
        found.url,
        authors=tuple(name for author in raw_paper.authors if (name := " ".join(author.name.split()))),
        abstract=raw_paper.summary.strip(),
        published=raw_paper.published_at.date() if raw_paper.published_at else None,
        upvotes=raw_paper.upvotes,
        code_url=normalize_code_url(raw_paper.github_repo or ""),
    )


def normalize_code_url(address: str) -> str:
    """Return the canonical address if it is https and its host is in `CODE_HOSTS`, else an empty string.

    Empty as well for an address over `MAX_CODE_URL_CHARACTERS`. Never raises.
    """
    try:
        clean = canonicalize_address(address)
    except InputError:
        return ""
    scheme, _, rest = clean.partition("://")
    host = rest.partition("/")[0].removeprefix("www.")
    return clean if scheme == "https" and host in CODE_HOSTS and len(clean) <= MAX_CODE_URL_CHARACTERS else ""
