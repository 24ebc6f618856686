"""One family of errors. Each says what failed, where, and what to do next, in a sentence fit for people."""

from datetime import datetime


class PaperroundError(Exception):
    """Something a person can mend. `str(error)` is the whole sentence; no traceback is needed to act on it."""


class InputError(PaperroundError):
    """What was given cannot be used: a file, a record, a command, a date."""


class StoreError(PaperroundError):
    """The store cannot be opened, read or written."""


class SourceError(PaperroundError):
    """A source did not answer, or answered what it should not. There is no use in asking it before `retry_at`."""

    def __init__(self, sentence: str, retry_at: datetime | None = None) -> None:
        super().__init__(sentence)
        self.retry_at = retry_at


class SearchError(PaperroundError):
    """The search index cannot be opened or built."""
