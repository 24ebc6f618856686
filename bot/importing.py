"""Bringing papers in: in batches, with what was wrong told line by line, and a bar on a terminal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from rich.console import Console

from digests.errors import InputError, SourceError
from digests.flags import flagged
from digests.model import Paper, Review
from digests.ports import Added, BadRecord, Store
from digests.sources.reviews import ReviewFile
from digests.sources.stream import Progress

BATCH = 1000
"""Records a transaction: enough to be fast, and few enough that others can write between."""

REPORTED = 20
"""Bad records that are named one by one; of more, only the number is told."""


@dataclass(slots=True)
class Report:
    """What became of an import."""

    added: Added = field(default_factory=Added)
    bad: int = 0
    failures: int = 0

    def sentence(self) -> str:
        """In words, with what was left out."""
        added = self.added
        said = f"{added.new:,} new, {added.changed:,} changed, {added.same:,} as they were."
        return f"{said} {self.bad:,} bad left out." if self.bad else said


def import_places(
    places: Sequence[str], store: Store, *, now: datetime, standard_input: BinaryIO, errors: Console
) -> Report:
    """Import each place; one that cannot be read is told, and the others are still imported. Raises StoreError."""
    report = Report()
    for place in places:
        try:
            _import_one(place, store, report, now, standard_input, errors)
        except (InputError, SourceError) as error:
            report.failures += 1
            _tell(errors, f"paperround: {error}")
    if report.bad > REPORTED:
        _tell(errors, f"... and {report.bad - REPORTED:,} more bad records.")
    return report


def _import_one(
    place: str, store: Store, report: Report, now: datetime, standard_input: BinaryIO, errors: Console
) -> None:
    with bar(place, errors) as progress:
        source = ReviewFile(place, now.date(), standard_input, progress)
        records = _good(source.read(), report, errors)
        try:
            for batch in _batches(records):
                report.added += store.papers.add(batch, now=now)
        finally:
            if report.added != Added():
                store.papers.imported(now=now)


def _batches(records: Iterator[tuple[Paper, Review]]) -> Iterator[list[tuple[Paper, Review]]]:
    """What was read before a source fails is still a batch; its error comes after."""
    failure: Exception | None = None

    def until_failure() -> Iterator[tuple[Paper, Review]]:
        nonlocal failure
        try:
            yield from records
        except (InputError, SourceError) as error:
            failure = error

    readable = until_failure()
    while batch := list(islice(readable, BATCH)):
        yield batch
    if failure:
        raise failure


def _good(
    records: Iterator[tuple[Paper, Review] | BadRecord], report: Report, errors: Console
) -> Iterator[tuple[Paper, Review]]:
    for record in records:
        if isinstance(record, BadRecord):
            report.bad += 1
            if report.bad <= REPORTED:
                _tell(errors, str(record))
        else:
            paper, review = record
            yield flagged(paper), review


def _tell(errors: Console, sentence: str) -> None:
    errors.print(sentence, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def bar(place: str, errors: Console) -> Iterator[Progress]:
    """Shows on a terminal how far something has come; elsewhere nothing."""
    if not errors.is_terminal:
        yield lambda done, size: None
        return
    from rich.progress import Progress as Bar

    with Bar(console=errors, transient=True) as bar:
        task = bar.add_task(place[-40:], total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)
