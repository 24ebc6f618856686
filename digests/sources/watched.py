"""Sources: scored papers in a file, a folder or at an address, polled at an interval."""

import json
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from digests.errors import InputError, PaperroundError
from digests.model import Paper, Review
from digests.ports.sources import BadRecord, ProgressCallback, SourceBatch, SourceState
from digests.sources.http.addresses import describe_address
from digests.sources.http.client import RequestLimits, SourceClient
from digests.sources.polling import due_after_interval
from digests.sources.reviews import ReviewFile
from digests.sources.stream import DOWNLOAD_SECONDS, MAX_DOWNLOAD_BYTES, read_batches

BATCH_RECORDS = 1000
"""Records per batch and transaction."""

LIMITS = RequestLimits(MAX_DOWNLOAD_BYTES, DOWNLOAD_SECONDS)
"""Limits of a request."""

FILE_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
"""Suffixes of the files that are read in a folder. Write a file under another name, then rename it."""


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    """Scored papers in a file, or in the files of a folder. Implements `digests.ports.sources.Source`.

    The position holds the size and time of each file that was read to its end. A file that changed since is
    read again; with `since`, every file is. A file that cannot be read does not keep the others back: its
    error is raised after them.
    """

    path: Path
    interval: timedelta = timedelta(hours=1)
    name: str = "reviews"

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        known_stamps = {} if since else _parse_position(position)
        files = self._list_files()
        failure: PaperroundError | None = None
        read_stamps = {name: known_stamps[name] for name in files if name in known_stamps}
        for name, file in files.items():
            stamp = _read_stamp(file)
            if known_stamps.get(name) == stamp:
                continue
            source = ReviewFile(str(file), now.astimezone(UTC).date(), progress=progress)
            try:
                async for record_batch in read_batches(source.read_records(), BATCH_RECORDS):
                    yield _build_batch(record_batch, json.dumps(read_stamps))
            except PaperroundError as error:
                failure = failure or error
                continue
            read_stamps[name] = stamp
            yield SourceBatch(json.dumps(read_stamps))
        if failure:
            raise failure

    def _list_files(self) -> dict[str, Path]:
        try:
            if self.path.is_dir():
                files = sorted(self.path.iterdir())
                return {
                    file.name: file for file in files if file.name.endswith(FILE_SUFFIXES) and file.is_file()
                }
            is_missing = not self.path.exists()
        except OSError as error:
            raise InputError(f"The folder {self.path} cannot be read: {error.strerror or error}.") from None
        if is_missing:
            raise InputError(
                f"{self.path}: there is no such file or folder. Put it there, or change its path under "
                "[[sources]] in the settings."
            )
        return {self.path.name: self.path}

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime | None:
        return due_after_interval(state, self.interval, now)


def _parse_position(position: str) -> dict[str, list[int]]:
    return dict(json.loads(position)) if position else {}


def _read_stamp(file: Path) -> list[int]:
    try:
        file_stat = file.stat()
    except OSError:
        return []  # The error is reported when the file is read.
    return [file_stat.st_size, file_stat.st_mtime_ns]


@dataclass(frozen=True, slots=True)
class WatchedAddress:
    """Scored papers in a file at an address. Implements `digests.ports.sources.Source`.

    The position holds the server's validators (ETag, Last-Modified), so that an unchanged file is not read
    again, unless `since` is given.
    """

    connect: Callable[[], AbstractAsyncContextManager[SourceClient]] = field(repr=False)
    url: str = field(repr=False)
    interval: timedelta = timedelta(hours=1)
    name: str = "reviews"

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        validators = dict(json.loads(position)) if position and not since else {}
        with tempfile.NamedTemporaryFile(prefix="paperround-", suffix=".reviews") as file:
            async with self.connect() as client:
                answer = await client.get(
                    self.url,
                    describe_address(self.url),
                    headers=validators,
                    limits=LIMITS,
                    accepted_statuses=(200, 304),
                    output_file=file,
                )
            if answer.status == 304:
                return
            file.flush()
            today = now.astimezone(UTC).date()
            source = ReviewFile(file.name, today, progress=progress, display_name=describe_address(self.url))
            async for record_batch in read_batches(source.read_records(), BATCH_RECORDS):
                yield _build_batch(record_batch, position)
        yield SourceBatch(json.dumps(_build_conditional_headers(answer.headers)))

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime | None:
        return due_after_interval(state, self.interval, now)


def _build_conditional_headers(response_headers: Mapping[str, str]) -> dict[str, str]:
    """Build the headers of a conditional request from a response's validators. Empty if it has none."""
    pairs = {
        "If-None-Match": response_headers.get("etag"),
        "If-Modified-Since": response_headers.get("last-modified"),
    }
    return {name: value for name, value in pairs.items() if value}


def _build_batch(records: list[tuple[Paper, Review] | BadRecord], position: str) -> SourceBatch:
    return SourceBatch(
        position,
        records=[record for record in records if not isinstance(record, BadRecord)],
        bad_records=[record for record in records if isinstance(record, BadRecord)],
    )
