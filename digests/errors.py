"""The family of expected errors. Each message says what failed, where, and what to do next."""

from datetime import datetime


class PaperroundError(Exception):
    """Base of errors that a person can fix.

    `str(error)` is for people: what failed, where, and what to do.
    """


class InputError(PaperroundError):
    """Input that cannot be used: a file, a record, a command, a date."""


class StoreError(PaperroundError):
    """Failure to open, read or write the store."""


class SourceError(PaperroundError):
    """Failure of a source: no answer, or a wrong one.

    `retry_at` is the time, in UTC, before which the source must not be asked again; None if there is no such
    time.
    """

    def __init__(self, sentence: str, retry_at: datetime | None = None) -> None:
        super().__init__(sentence)
        self.retry_at = retry_at


class SearchError(PaperroundError):
    """Failure to open or build the search index."""
