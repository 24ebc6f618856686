"""The snapshot of arXiv's metadata: millions of records in one file, taken in once."""

import io
import json
import zipfile
import zlib
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from gzip import GzipFile
from pathlib import Path
from typing import Any, BinaryIO, cast

from digests.domains import lies_in
from digests.errors import InputError
from digests.ids import arxiv_id
from digests.model import NOT_REVIEWED, Paper
from digests.ports import BadRecord, Batch, Progress, SourceState
from digests.sources.arxiv.papers import is_withdrawn
from digests.sources.in_threads import batches
from digests.sources.stream import GZIP_MAGIC

BATCH = 2000
"""Lines a transaction."""

LONGEST_LINE = 4 * 1024**2
"""Bytes; the longest record has some thousand authors."""

CHUNK = 1024**2

_ZIP_MAGIC = b"PK\x03\x04"
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], start=1
    )
}


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read: its size and time, the bytes (unpacked) and lines behind, and whether that is all."""

    size: int
    time: int
    offset: int = 0
    line: int = 0
    done: bool = False

    def written(self) -> str:
        return json.dumps([self.size, self.time, self.offset, self.line, self.done])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The papers of a snapshot, or those in some categories. Keeps the contract of `digests.ports.Source`.

    They are found by who looks for them, and are no news for a digest. A fetch that was cut off goes on at its line.
    """

    path: Path
    categories: frozenset[str] = frozenset()
    name: str = "snapshot"

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: Progress
    ) -> AsyncGenerator[Batch, None]:
        place = self._place(position)
        if place.done:
            return
        lines = _lines(self.path, place, progress)
        async for some in batches(lines, BATCH):
            place = replace(place, offset=some[-1].end, line=some[-1].number)
            yield self._batch(some, place)
        yield Batch(replace(place, done=True).written())

    def _place(self, position: str) -> Place:
        """Where to go on; at the beginning where it is another file."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise InputError(f"The snapshot {self.path} cannot be read: {error.strerror or error}.") from None
        known = Place(*json.loads(position)) if position else None
        if known and (known.size, known.time) == (found.st_size, found.st_mtime_ns):
            return known
        return Place(found.st_size, found.st_mtime_ns)

    def _batch(self, lines: "list[_Line]", place: Place) -> Batch:
        papers = [line.record for line in lines if isinstance(line.record, Paper)]
        return Batch(
            place.written(),
            records=[(paper, NOT_REVIEWED) for paper in papers if self._wants(paper)],
            bad=[line.record for line in lines if isinstance(line.record, BadRecord)],
            news=False,
        )

    def _wants(self, paper: Paper) -> bool:
        return not self.categories or lies_in(paper.categories, self.categories)

    def next_due(self, state: SourceState, now: datetime) -> datetime | None:
        """At once until it is all in; a failure is tried again when the file may have been mended."""
        if state.failure:
            return state.next_try_at or now
        try:
            return None if self._place(state.position).done else now
        except InputError:
            return now


@dataclass(frozen=True, slots=True)
class _Line:
    record: Paper | BadRecord
    number: int
    end: int
    """Bytes of the unpacked file up to the end of this line."""


def _lines(path: Path, place: Place, progress: Progress) -> Iterator[_Line]:
    """The lines after a place. Never more than one chunk and one line in memory."""
    number, end = place.line, place.offset
    with _opened(path) as (stream, done):
        _skip(stream, place.offset)
        while line := stream.readline(LONGEST_LINE):
            number, end = number + 1, end + len(line)
            if len(line) == LONGEST_LINE:
                raise InputError(
                    f"{path.name}, line {number}: longer than {LONGEST_LINE // 1024**2} MB, so it is no snapshot; "
                    "what came before was kept."
                )
            if number % BATCH == 0:
                progress(done(), place.size)
            if line.strip():
                yield _Line(read_record(line, path.name, number), number, end)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """The file's text, unpacked when it is a gzip or zip file, and what tells how much of the file was read."""
    try:
        with path.open("rb", buffering=CHUNK) as file:
            begin = file.read(4)
            file.seek(0)
            if begin == _ZIP_MAGIC:
                with zipfile.ZipFile(file) as archive, archive.open(_only_member(archive, path)) as member:
                    yield io.BufferedReader(cast(io.RawIOBase, member), CHUNK), file.tell
            elif begin.startswith(GZIP_MAGIC):
                with GzipFile(fileobj=file) as unpacked:
                    yield io.BufferedReader(unpacked, CHUNK), file.tell
            else:
                yield file, file.tell
    except (EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(
            f"The snapshot {path} is damaged or cut off ({error}); what came before was kept."
        ) from None
    except OSError as error:
        raise InputError(f"The snapshot {path} cannot be read: {error.strerror or error}.") from None


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [one for one in archive.infolist() if not one.is_dir()]
    if len(members) != 1:
        raise InputError(
            f"The snapshot {path} holds {len(members)} files: it must hold one, of one record a line."
        )
    return members[0]


def _skip(stream: BinaryIO, offset: int) -> None:
    """A packed file is unpacked up to there: seconds a gigabyte."""
    stream.seek(offset)


def read_record(raw: bytes, source: str, line: int) -> Paper | BadRecord:
    """The paper in a line, or what is wrong with it."""
    try:
        said: dict[str, Any] = json.loads(raw)
        found = arxiv_id(said["id"])
        title = " ".join(said["title"].split())
    except (ValueError, RecursionError):
        return BadRecord(source, line, "", "is not JSON")
    except (KeyError, TypeError, AttributeError):
        return BadRecord(source, line, "", "must be an object with an id and a title")
    if not found or not title:
        return BadRecord(
            source, line, "id", f"{str(said['id'])[:60]!r} is not an arXiv id, or there is no title"
        )
    try:
        return _paper(said, found.id, found.url, title)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError):
        return BadRecord(source, line, "", "has a field that is not as it should be")


def _paper(said: dict[str, Any], name: str, url: str, title: str) -> Paper:
    versions = said.get("versions") or []
    version = int(versions[-1]["version"].lstrip("v")) if versions else None
    updated = date.fromisoformat(said["update_date"]) if said.get("update_date") else None
    categories = tuple((said.get("categories") or "").split())
    abstract = (said.get("abstract") or "").strip()
    gone = is_withdrawn(said.get("comments") or "", abstract)
    return Paper(
        name,
        title,
        url,
        version,
        tuple(
            " ".join(f"{given} {family} {end}".split())
            for family, given, end, *_ in said.get("authors_parsed") or ()
        ),
        abstract,
        categories[0] if categories else "",
        categories,
        published=_day(versions[0]["created"]) if versions else None,
        updated=updated if (version or 1) > 1 else None,
        withdrawn=updated if gone else None,
    )


def _day(created: str) -> date:
    """Of "Mon, 2 Apr 2007 19:18:42 GMT"; ten times faster than a reader of every form of a date."""
    _, day, month, year, *_ = created.split()
    return date(int(year), _MONTHS[month], int(day))
