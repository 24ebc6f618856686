"""Import of review files, in batches."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from rich.console import Console

from bot.ingest.reporting import MAX_REPORTED_RECORDS, describe_counts, show_progress_bars
from bot.present.wording import format_count
from digests.errors import InputError, SourceError
from digests.injections import flag_paper
from digests.model import Paper, Review
from digests.ports import Store
from digests.ports.library import ImportCounts
from digests.ports.sources import BadRecord
from digests.sources.reviews import FIELD_BY_OTHER_NAME, ReviewFile, ReviewRecord
from digests.sources.stream import Connect, describe_location

BATCH_SIZE = 1000
"""Records per transaction: enough for speed, few enough to let other writers in between."""


MAX_FAULT_KINDS = 200
"""Kinds of faults that are told apart. Bounds memory: a file may have a fault of its own in every record."""

MAX_NAMED_KEYS = 10
"""Unknown keys that are named."""

_GIVEN_VALUE = re.compile(r"\"[^\"]*\"?…?|'[^']*'|\d+|: did you mean .*")


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
    """Import every location, print its faults by kind, and return the counts. Raises StoreError.

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
    return report


@dataclass(slots=True)
class _FaultGroup:
    """Records of a file with one kind of fault, the first of them with its place and reason."""

    first: BadRecord
    reason: str
    count: int = 0


@dataclass(slots=True)
class _FaultList:
    """The faults of one file by kind. Beyond `MAX_FAULT_KINDS` kinds they are only counted."""

    groups: dict[tuple[str, str], _FaultGroup] = field(default_factory=dict)
    uncounted: int = 0

    def add(self, record: BadRecord) -> None:
        for name, reason in record.faults:
            kind = (re.sub(r"\d+", "0", name), _GIVEN_VALUE.sub("", reason))
            if kind not in self.groups and len(self.groups) >= MAX_FAULT_KINDS:
                self.uncounted += 1
                continue
            told = f"{name}: {reason}" if name else reason
            group = self.groups.setdefault(kind, _FaultGroup(record, told))
            group.count += 1

    def to_lines(self) -> Iterator[str]:
        """Yield a sentence for each kind of fault, at most `MAX_REPORTED_RECORDS`, and one for the others."""
        groups = list(self.groups.values())
        for group in groups[:MAX_REPORTED_RECORDS]:
            place = f"{group.first.unit} {group.first.line}"
            if group.count == 1:
                yield f"{group.first.source}, {place}: {group.reason}"
            else:
                count = format_count(group.count, "record")
                yield f"{group.first.source}: {count}: {group.reason}; first at {place}"
        if further := self.uncounted + sum(group.count for group in groups[MAX_REPORTED_RECORDS:]):
            yield f"... and {format_count(further, 'more fault')} of other kinds."


def _import_review_file(
    source: ReviewFile, store: Store, report: ImportReport, now: datetime, console: Console
) -> None:
    """Import one file in batches, and add its counts to `report`.

    Raises InputError or SourceError if it is not readable to its end, and StoreError.
    """
    faults = _FaultList()
    records = _drop_bad_records(source.read_records(), report, faults)
    former = report.counts
    try:
        for batch in _split_batches(records):
            report.counts += store.library.add(batch, now=now)
    finally:
        for line in (*faults.to_lines(), *_describe_unknown_keys(source)):
            _print_line(console, line)
        if report.counts != former:
            store.sources.record_import(now=now)


def _describe_unknown_keys(source: ReviewFile) -> Iterator[str]:
    """Yield one sentence that names the keys that mean nothing, with the fields that may be meant."""
    keys = source.unknown_keys
    if not keys:
        return
    named = [_describe_key(key, count) for key, count in keys.most_common(MAX_NAMED_KEYS)]
    more = f" and {len(keys) - MAX_NAMED_KEYS:,} more" if len(keys) > MAX_NAMED_KEYS else ""
    name = source.display_name or describe_location(source.location)
    yield f"{name}: unknown keys are ignored: {', '.join(named)}{more}."


def _describe_key(key: str, count: int) -> str:
    near = difflib.get_close_matches(key[:40].lower(), ReviewRecord.model_fields, n=1, cutoff=0.7)
    near = near or list(filter(None, [FIELD_BY_OTHER_NAME.get(key.lower())]))
    hint = f", did you mean “{near[0]}”?" if near else ""
    return f"“{key[:40]}” ({format_count(count, 'record')}{hint})"


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
    records: Iterator[tuple[Paper, Review] | BadRecord], report: ImportReport, faults: _FaultList
) -> Iterator[tuple[Paper, Review]]:
    """Yield the good records, with their papers flagged. Bad ones are counted in `report` and in `faults`."""
    for record in records:
        if isinstance(record, BadRecord):
            report.bad_count += 1
            faults.add(record)
        else:
            paper, review = record
            yield flag_paper(paper), review


def _print_line(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
