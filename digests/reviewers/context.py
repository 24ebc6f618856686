"""The reviewer's dependencies and limits, and the result of a round."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from digests.blocking import BlockingRunner
from digests.calendar import NEW_YORK
from digests.model import Flag, Paper, ReviewDepth, Trouble
from digests.ports import Store
from digests.ports.budget import Spending
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
class PanelSeat:
    """A member of the panel: its model's server, and the number of its sample.

    It may use the part `budget_share`, 0 to 1, of the day's budget, together with other samples of its model.
    """

    server: ModelServer
    sample: int = 0
    budget_share: float = 1.0

    @property
    def name(self) -> str:
        """Name for people: the model, with the number of a further sample."""
        model = self.server.address.model
        return f"{model} (vote {self.sample + 1})" if self.sample else model


@dataclass(slots=True)
class PanelState:
    """Memory of the panel within this process.

    `failures` counts failed votes by seat, paper and depth. `complete` has the full reviews, by their number,
    that need no further vote of a seat. `reserved` is the tokens and millionths of each model's open calls.
    `passages` has the answers about suspicious passages: a paper that waits for budget is prepared again in
    each round, and its passages are the same.
    """

    failures: Counter[tuple[str, str, ReviewDepth]] = field(default_factory=Counter)
    complete: set[tuple[str, int]] = field(default_factory=set)
    reserved: dict[str, Spending] = field(default_factory=dict)
    passages: dict[tuple[Flag, ...], list[int]] = field(default_factory=dict)


class OpenCalls:
    """Calls of one round whose budget is reserved and not settled. Belongs to one event loop."""

    def __init__(self) -> None:
        self._count = 0
        self._has_closed = asyncio.Event()

    def begin(self) -> None:
        """Count a call more."""
        self._count += 1

    def end(self) -> None:
        """Count a call less: what it did not use is free again."""
        self._count -= 1
        self._has_closed.set()

    async def wait_for_end(self) -> bool:
        """Wait for the end of one of the calls. Returns False at once if there is none."""
        if not self._count:
            return False
        self._has_closed.clear()
        await self._has_closed.wait()
        return True


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """Dependencies and limits of the reviewer.

    Without `fetch_full_text`, full reviews read the abstract. Papers known for longer than `lookback` are not
    queued. `full_reviews_per_day` is the daily quota of full reviews; at most the part `requested_share`, 0
    to 1, goes to papers that people asked for. With `hold_suspects`, a suspect paper whose score stands out
    is held for a moderator. The `pairwise_limit` best papers of a day are ranked by pairwise comparison; 0
    turns that off. `server` reads every paper, and `further_seats` vote where it matters; `sample` and
    `budget_share` are those of the first seat. With `has_daily_announcement`, quota and budget are kept for
    the papers that arXiv announces that day. `run_blocking` runs calls of the store, and `run_reader` reads
    documents and long answers.
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
    share_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    open_calls: OpenCalls = field(default_factory=OpenCalls)
    sample: int = 0
    budget_share: float = 1.0
    further_seats: tuple[PanelSeat, ...] = ()
    panel_state: PanelState = field(default_factory=PanelState)

    @property
    def scale(self) -> str:
        """Name of this model and rubric. Only scores of one scale are comparable."""
        return f"{self.server.address.model}, rubric {RUBRIC_VERSION}"

    @property
    def seat(self) -> PanelSeat:
        """The first seat of the panel."""
        return PanelSeat(self.server, self.sample, self.budget_share)

    def take_seat(self, seat: PanelSeat, further_seats: tuple[PanelSeat, ...] = ()) -> "ReviewContext":
        """Return the context in which this seat is the first one."""
        return replace(
            self,
            server=seat.server,
            sample=seat.sample,
            budget_share=seat.budget_share,
            further_seats=further_seats,
        )

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
    of the server. `has_server_answered` is True from the first probe that was answered. `left_out` names
    the members of the panel that are down, and `models_down` their models. `missed` has the papers that a
    member down did not review.
    """

    score_count: int = 0
    full_review_count: int = 0
    failure_count: int = 0
    held_count: int = 0
    comparison_count: int = 0
    vote_count: int = 0
    translation_count: int = 0
    question_count: int = 0
    trouble: Trouble | None = None
    detail: str = ""
    consecutive_faults: int = 0
    has_server_answered: bool = False
    left_out: list[str] = field(default_factory=list)
    models_down: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list, compare=False)

    def record_trouble(self, trouble: Trouble, detail: str) -> None:
        """Record the reason for ending the round. Only the first one is kept."""
        if self.trouble is None:
            self.trouble, self.detail = trouble, detail

    def record_server_down(self, error: ModelServerError) -> None:
        """Record that the model's server is down, with the first `MAX_ERROR_CHARACTERS` of its error."""
        self.record_trouble(Trouble.REVIEWER_DOWN, normalize_text(str(error))[:MAX_ERROR_CHARACTERS])

    def leave_out(self, seat: PanelSeat) -> None:
        """Record that a member of the panel is down, and say so in the detail."""
        self.left_out.append(seat.name)
        if seat.server.address.model not in self.models_down:
            self.models_down.append(seat.server.address.model)
        if self.trouble is None:
            self.detail = self.describe_left_out()

    def describe_left_out(self) -> str:
        """Return a sentence with the members of the panel that are down, empty without any."""
        return (
            f"Left out of the panel, without an answer: {', '.join(self.left_out)}." if self.left_out else ""
        )

    def is_over(self, stop: asyncio.Event, excluding: Trouble | None = None) -> bool:
        """Return True after a stop request, and after any trouble other than `excluding`."""
        return stop.is_set() or self.trouble not in (None, excluding)


@dataclass(frozen=True, slots=True)
class Voter:
    """A further seat of the panel at work: the context of its own, and the outcome of its votes."""

    context: ReviewContext
    outcome: RoundOutcome = field(default_factory=RoundOutcome)
