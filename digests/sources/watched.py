"""Scored papers that come again and again: in a file, in a folder, or at an address."""

import json
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from digests.errors import InputError, PaperroundError
from digests.model import Paper, Review
from digests.ports import BadRecord, Batch, Progress, SourceState
from digests.sources.http import Client, Limits
from digests.sources.in_threads import batches
from digests.sources.intervals import after_interval
from digests.sources.reviews import ReviewFile

BATCH = 1000
"""Records a transaction."""

LIMITS = Limits(body=512 * 1024**2, seconds=600)
"""A site's whole file of scored papers: a hundred thousand with long reviews."""

ENDINGS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
"""What counts in a folder; a file is written under another name first and renamed when it is whole."""


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    """The scored papers of a file, or of a folder's files. Keeps the contract of `digests.ports.Source`.

    Its position names each file that was read whole, with its size and time: one that changed is read again.
    """

    path: Path
    interval: timedelta = timedelta(hours=1)
    name: str = "reviews"

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: Progress
    ) -> AsyncGenerator[Batch, None]:
        known = {} if since else _seen(position)
        files = self._files()
        failure: PaperroundError | None = None
        read = {name: known[name] for name in files if name in known}
        for name, file in files.items():
            stamp = _stamp(file)
            if known.get(name) == stamp:
                continue
            source = ReviewFile(str(file), now.astimezone(UTC).date(), progress=progress)
            try:
                async for some in batches(source.read(), BATCH):
                    yield _batch(some, json.dumps(read))
            except PaperroundError as error:
                failure = failure or error
                continue
            read[name] = stamp
            yield Batch(json.dumps(read))
        if failure:
            raise failure

    def _files(self) -> dict[str, Path]:
        try:
            if self.path.is_dir():
                inside = sorted(self.path.iterdir())
                return {one.name: one for one in inside if one.name.endswith(ENDINGS) and one.is_file()}
        except OSError as error:
            raise InputError(f"The folder {self.path} cannot be read: {error.strerror or error}.") from None
        return {self.path.name: self.path}

    def next_due(self, state: SourceState, now: datetime) -> datetime | None:
        return after_interval(state, self.interval, now)


def _seen(position: str) -> dict[str, list[int]]:
    return dict(json.loads(position)) if position else {}


def _stamp(file: Path) -> list[int]:
    try:
        found = file.stat()
    except OSError:
        return []  # Reading it will say what is wrong.
    return [found.st_size, found.st_mtime_ns]


@dataclass(frozen=True, slots=True)
class WatchedAddress:
    """The scored papers in a file at an address. Keeps the contract of `digests.ports.Source`.

    Its position is what the server calls this state of the file, so that it is only read again when it changed.
    """

    connect: Callable[[], AbstractAsyncContextManager[Client]]
    url: str
    interval: timedelta = timedelta(hours=1)
    name: str = "reviews"

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: Progress
    ) -> AsyncGenerator[Batch, None]:
        known = dict(json.loads(position)) if position and not since else {}
        with tempfile.NamedTemporaryFile(prefix="paperround-", suffix=".reviews") as file:
            async with self.connect() as client:
                answer = await client.get(
                    self.url, self.url, headers=known, limits=LIMITS, takes=(200, 304), into=file
                )
            if answer.status == 304:
                return
            file.flush()
            today = now.astimezone(UTC).date()
            source = ReviewFile(file.name, today, progress=progress, called=self.url)
            async for some in batches(source.read(), BATCH):
                yield _batch(some, position)
        yield Batch(json.dumps(_conditions(answer.headers)))

    def next_due(self, state: SourceState, now: datetime) -> datetime | None:
        return after_interval(state, self.interval, now)


def _conditions(said: Mapping[str, str]) -> dict[str, str]:
    """The headers that ask for the file only if it is another than this one."""
    pairs = {"If-None-Match": said.get("etag"), "If-Modified-Since": said.get("last-modified")}
    return {name: value for name, value in pairs.items() if value}


def _batch(records: list[tuple[Paper, Review] | BadRecord], position: str) -> Batch:
    return Batch(
        position,
        records=[one for one in records if not isinstance(one, BadRecord)],
        bad=[one for one in records if isinstance(one, BadRecord)],
    )
