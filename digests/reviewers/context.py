"""The reviewer's dependencies and limits, and the result of a round."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from digests.blocking import BlockingRunner
from digests.calendar import NEW_YORK
from digests.model import Paper, ReviewDepth, Trouble
from digests.ports import Store
from digests.reviewers.budget import DailyBudget
from digests.reviewers.full_text import FullText
from digests.reviewers.openai import ModelServer, ModelServerError
from digests.reviewers.reader import ReaderProcess
from digests.reviewers.review import ReviewOptions
from digests.reviewers.rubric import RUBRIC_VERSION
from digests.text import normalize_text

ANNOUNCEMENT_SCORED_AT = time(1, 30)
"""New York time at which arXiv's daily announcement is scored, an hour after its feeds are published."""

MAX_CONSECUTIVE_FAULTS = 3
"""Papers in a row with a server fault after which a harmless paper shows if the server still answers."""

MAX_ERROR_CHARACTERS = 300
"""Characters of a server's error message in a health report."""

FullTextFetcher = Callable[[Paper, BlockingRunner], Awaitable[FullText | None]]
"""Returns a paper's full text, None if there is none. The runner reads the documents.
Raises SourceError if the text may be available later, and the runner's errors."""

ProgressCallback = Callable[[ReviewDepth, int, int], None]
"""Receives the review depth, the number of papers done and the number of papers of this round."""


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """Dependencies and limits of the reviewer.

    Without `fetch_full_text`, full reviews read the abstract. Papers known for longer than `lookback` are not
    queued. `full_reviews_per_day` is the daily quota of full reviews; at most the part `requested_share`, 0
    to 1, goes to papers that people asked for. With `hold_suspects`, a suspect paper whose score stands out
    is held for a moderator. The `pairwise_limit` best papers of a day are ranked by pairwise comparison; 0
    turns that off. With `has_daily_announcement`, quota and budget are kept for the papers that arXiv
    announces that day. `run_blocking` runs calls of the store, and `run_reader` reads documents and long
    answers.
    """

    store: Store
    server: ModelServer
    clock: Callable[[], datetime]
    fetch_full_text: FullTextFetcher | None = None
    options: ReviewOptions = field(default_factory=ReviewOptions)
    budget: DailyBudget = field(default_factory=DailyBudget)
    full_reviews_per_day: int = 30
    requested_share: float = 0.1
    lookback: timedelta = timedelta(days=7)
    hold_suspects: bool = True
    has_daily_announcement: bool = False
    pairwise_limit: int = 0
    progress: ProgressCallback = lambda review_depth, done, total: None
    run_blocking: BlockingRunner = asyncio.to_thread
    run_reader: BlockingRunner = field(default_factory=lambda: ReaderProcess().run)
    # Saves are serialized, so that a later sequence number never has an earlier timestamp:
    # `Library.sequence_at` relies on that order.
    save_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    probe_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def scale(self) -> str:
        """Name of this model and rubric. Only scores of one scale are comparable."""
        return f"{self.server.address.model}, rubric {RUBRIC_VERSION}"

    def is_before_announcement(self, now: datetime) -> bool:
        """Return True before `ANNOUNCEMENT_SCORED_AT` on the UTC date of `now`, with a daily announcement.

        The papers that arXiv announces on that day are then not yet scored. Always False without a daily
        announcement.
        """
        return self.has_daily_announcement and now < datetime.combine(
            now.date(), ANNOUNCEMENT_SCORED_AT, NEW_YORK
        )


def start_of_day(now: datetime) -> datetime:
    """Return the midnight at which the day of `now` began. `now` must be in UTC: days count by UTC."""
    return datetime.combine(now.date(), time(), UTC)


@dataclass(slots=True)
class RoundOutcome:
    """Counts of one round, and the reason for ending it early.

    `trouble` None means that it did not end early by a fault; `detail` is a sentence, empty if there is
    nothing to say. `consecutive_faults` counts papers in a row that met a server fault, since the last probe
    of the server. `has_server_answered` is True from the first probe that was answered.
    """

    score_count: int = 0
    full_review_count: int = 0
    failure_count: int = 0
    held_count: int = 0
    comparison_count: int = 0
    trouble: Trouble | None = None
    detail: str = ""
    consecutive_faults: int = 0
    has_server_answered: bool = False

    def record_trouble(self, trouble: Trouble, detail: str) -> None:
        """Record the reason for ending the round. Only the first one is kept."""
        if self.trouble is None:
            self.trouble, self.detail = trouble, detail

    def record_server_down(self, error: ModelServerError) -> None:
        """Record that the model's server is down, with the first `MAX_ERROR_CHARACTERS` of its error."""
        self.record_trouble(Trouble.REVIEWER_DOWN, normalize_text(str(error))[:MAX_ERROR_CHARACTERS])

    def is_over(self, stop: asyncio.Event, excluding: Trouble | None = None) -> bool:
        """Return True after a stop request, and after any trouble other than `excluding`."""
        return stop.is_set() or self.trouble not in (None, excluding)
