"""Hugging Face's Daily Papers: what people vote for, and where the code is."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from digests.errors import InputError, SourceError
from digests.ids import arxiv_id, canonical
from digests.model import NOT_REVIEWED, Paper
from digests.ports import BadRecord, Batch, Progress, SourceState
from digests.sources.http import Client, Limits
from digests.sources.intervals import after_interval

SERVER = "Hugging Face"

CODE_HOSTS = frozenset(("github.com", "gitlab.com", "huggingface.co", "bitbucket.org", "codeberg.org"))
"""Where a link to code may lead; any other is dropped."""

LONGEST_CODE_URL = 200

LOOK_BACK = timedelta(days=2)
"""People go on voting for a while: so many days before the last whole one are read again."""

LONGEST_CATCH_UP = timedelta(days=30)

LIMITS = Limits(body=16 * 1024**2, seconds=60)


class _Author(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str = ""


class _Inner(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    title: str = Field(min_length=1)
    summary: str = ""
    authors: list[_Author] = []
    upvotes: int = Field(0, ge=0, le=10_000_000)
    published_at: datetime | None = Field(None, alias="publishedAt")
    github_repo: str | None = Field(None, alias="githubRepo")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    paper: _Inner


_LIST: TypeAdapter[list[Any]] = TypeAdapter(list[Any])


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """The papers of each day that somebody put up there. Keeps the contract of `digests.ports.Source`.

    Its position is the last day that is whole. They have no categories: where arXiv brings a paper too, its facts stay.
    """

    connect: Callable[[], AbstractAsyncContextManager[Client]]
    url: str
    interval: timedelta = timedelta(hours=1)
    name: str = "huggingface"

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: Progress
    ) -> AsyncGenerator[Batch, None]:
        today = now.astimezone(UTC).date()
        position = min(position, today.isoformat())  # Of a clock that was ahead.
        days = _days(position, since, today)
        async with self.connect() as client:
            for number, day in enumerate(days, start=1):
                answer = await client.get(f"{self.url}?date={day.isoformat()}", SERVER, limits=LIMITS)
                progress(number, len(days))
                # Today goes on; a paper may still be put up yesterday, where it is not yet today.
                whole = min(day, today - timedelta(days=2)).isoformat()
                yield read(answer.body, max(whole, position))

    def next_due(self, state: SourceState, now: datetime) -> datetime | None:
        return after_interval(state, self.interval, now)


def _days(position: str, since: date | None, today: date) -> list[date]:
    last = date.fromisoformat(position) if position else today
    first = since or max(last - LOOK_BACK, today - LONGEST_CATCH_UP)
    return [first + timedelta(days=ahead) for ahead in range((today - first).days + 1)]


def read(body: bytes, position: str) -> Batch:
    """The papers of a day's answer. Raises SourceError for one that is no list."""
    try:
        entries = _LIST.validate_json(body)
    except ValidationError:
        raise SourceError(f"{SERVER} answered no list of papers: try again later.") from None
    read_ones = [_paper(entry, place) for place, entry in enumerate(entries, start=1)]
    return Batch(
        position,
        records=[(one, NOT_REVIEWED) for one in read_ones if isinstance(one, Paper)],
        bad=[one for one in read_ones if isinstance(one, BadRecord)],
    )


def _paper(entry: Any, place: int) -> Paper | BadRecord:
    try:
        said = _Entry.model_validate(entry).paper
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        return BadRecord(SERVER, place, field, "is not as it should be")
    found = arxiv_id(said.id)
    title = " ".join(said.title.split())
    if not found or not title:
        return BadRecord(SERVER, place, "paper.id", f"{said.id[:60]!r} is not an arXiv id")
    return Paper(
        found.id,
        title,
        found.url,
        authors=tuple(name for author in said.authors if (name := " ".join(author.name.split()))),
        abstract=said.summary.strip(),
        published=said.published_at.date() if said.published_at else None,
        upvotes=said.upvotes,
        code_url=code_url(said.github_repo or ""),
    )


def code_url(address: str) -> str:
    """The address, where it is one of a host for code that we know; empty for any other."""
    try:
        clean = canonical(address)
    except InputError:
        return ""
    scheme, _, rest = clean.partition("://")
    host = rest.partition("/")[0].removeprefix("www.")
    return clean if scheme == "https" and host in CODE_HOSTS and len(clean) <= LONGEST_CODE_URL else ""
