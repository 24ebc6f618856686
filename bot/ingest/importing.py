"""Bringing papers in: in batches, with what was wrong told line by line, and a bar on a terminal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from rich.console import Console

from digests.errors import InputError, SourceError
from digests.injections import flag_paper
from digests.model import Paper, Review
from digests.ports import Store
from digests.ports.library import ImportCounts
from digests.ports.sources import BadRecord, ProgressCallback
from digests.sources.reviews import ReviewFile

BATCH_SIZE = 1000
"""Records a transaction: enough to be fast, and few enough that others can write between."""

MAX_REPORTED_RECORDS = 20
"""Bad records that are named one by one; of more, only the number is told."""


@dataclass(slots=True)
class ImportReport:
    """What became of an import."""

    counts: ImportCounts = field(default_factory=ImportCounts)
    bad_count: int = 0
    failure_count: int = 0

    def to_sentence(self) -> str:
        """In words, with what was left out."""
        counts = self.counts
        summary = f"{counts.new:,} new, {counts.changed:,} changed, {counts.unchanged:,} as they were."
        return f"{summary} {self.bad_count:,} bad left out." if self.bad_count else summary


def import_review_files(
    locations: Sequence[str], store: Store, *, now: datetime, standard_input: BinaryIO, console: Console
) -> ImportReport:
    """Import each place; one that cannot be read is told, and the others are still imported. Raises StoreError."""
    report = ImportReport()
    for place in locations:
        try:
            _import_review_file(place, store, report, now, standard_input, console)
        except (InputError, SourceError) as error:
            report.failure_count += 1
            _print_line(console, f"paperround: {error}")
    if report.bad_count > MAX_REPORTED_RECORDS:
        _print_line(console, f"... and {report.bad_count - MAX_REPORTED_RECORDS:,} more bad records.")
    return report


def _import_review_file(
    location: str,
    store: Store,
    report: ImportReport,
    now: datetime,
    standard_input: BinaryIO,
    console: Console,
) -> None:
    with show_progress_bar(location, console) as progress:
        source = ReviewFile(location, now.date(), standard_input, progress)
        records = _drop_bad_records(source.read_records(), report, console)
        try:
            for batch in _split_batches(records):
                report.counts += store.library.add(batch, now=now)
        finally:
            if report.counts != ImportCounts():
                store.library.record_import(now=now)


def _split_batches(records: Iterator[tuple[Paper, Review]]) -> Iterator[list[tuple[Paper, Review]]]:
    """What was read before a source fails is still a batch; its error comes after."""
    failure: Exception | None = None

    def read_until_failure() -> Iterator[tuple[Paper, Review]]:
        nonlocal failure
        try:
            yield from records
        except (InputError, SourceError) as error:
            failure = error

    readable = read_until_failure()
    while batch := list(islice(readable, BATCH_SIZE)):
        yield batch
    if failure:
        raise failure


def _drop_bad_records(
    records: Iterator[tuple[Paper, Review] | BadRecord], report: ImportReport, console: Console
) -> Iterator[tuple[Paper, Review]]:
    for record in records:
        if isinstance(record, BadRecord):
            report.bad_count += 1
            if report.bad_count <= MAX_REPORTED_RECORDS:
                _print_line(console, str(record))
        else:
            paper, review = record
            yield flag_paper(paper), review


def _print_line(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def show_progress_bar(label: str, console: Console) -> Iterator[ProgressCallback]:
    """Shows on a terminal how far something has come; elsewhere nothing."""
    if not console.is_terminal:
        yield lambda done, size: None
        return
    from rich.progress import Progress as Bar

    with Bar(console=console, transient=True) as bar:
        task = bar.add_task(label[-40:], total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)
