"""Import of review files, in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from rich.console import Console

from bot.ingest.reporting import MAX_REPORTED_RECORDS, describe_counts, show_progress_bars
from digests.errors import InputError, SourceError
from digests.injections import flag_paper
from digests.model import Paper, Review
from digests.ports import Store
from digests.ports.library import ImportCounts
from digests.ports.sources import BadRecord
from digests.sources.reviews import ReviewFile
from digests.sources.stream import Connect, describe_location

BATCH_SIZE = 1000
"""Records per transaction: enough for speed, few enough to let other writers in between."""


@dataclass(slots=True)
class ImportReport:
    """Counts of an import. `failure_count` is the number of files that were not readable to the end."""

    counts: ImportCounts = field(default_factory=ImportCounts)
    bad_count: int = 0
    failure_count: int = 0

    def to_sentence(self) -> str:
        """Return the counts of papers and of bad records as words."""
        skipped = f", {self.bad_count:,} skipped (errors above)" if self.bad_count else ""
        return f"{describe_counts(self.counts)}{skipped}."


def import_review_files(
    locations: Sequence[str],
    store: Store,
    *,
    now: datetime,
    standard_input: BinaryIO,
    console: Console,
    connect: Connect | None = None,
) -> ImportReport:
    """Import every location, print its bad records, and return the counts. Raises StoreError.

    A location is a path, "-" for `standard_input`, or an address, for which `connect` opens a client. One
    that is not readable is reported, and the others are still imported; records before the fault stay
    imported.
    """
    report = ImportReport()
    for location in locations:
        try:
            with show_progress_bars(console) as add_bar:
                source = ReviewFile(
                    location,
                    now.date(),
                    standard_input,
                    add_bar(describe_location(location)),
                    connect=connect,
                )
                _import_review_file(source, store, report, now, console)
        except (InputError, SourceError) as error:
            report.failure_count += 1
            _print_line(console, f"paperround: {error}")
    if report.bad_count > MAX_REPORTED_RECORDS:
        _print_line(console, f"... and {report.bad_count - MAX_REPORTED_RECORDS:,} more bad records.")
    return report


def _import_review_file(
    source: ReviewFile, store: Store, report: ImportReport, now: datetime, console: Console
) -> None:
    """Import one file in batches, and add its counts to `report`.

    Raises InputError or SourceError if it is not readable to its end, and StoreError.
    """
    records = _drop_bad_records(source.read_records(), report, console)
    try:
        for batch in _split_batches(records):
            report.counts += store.library.add(batch, now=now)
    finally:
        if report.counts != ImportCounts():
            store.sources.record_import(now=now)


def _split_batches(records: Iterator[tuple[Paper, Review]]) -> Iterator[list[tuple[Paper, Review]]]:
    """Yield batches of records. An error of the source is raised after the batch read before it."""
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
    """Yield the good records, with their papers flagged. Bad ones are counted in `report` and printed."""
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
