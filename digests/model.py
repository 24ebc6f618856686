"""The words of the house: papers and reviews, what a channel wishes for, and the digest it gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from digests.calendar import AnnouncementGap
from digests.subscription import Channel, Preferences


class ReadDepth(StrEnum):
    """How much of a paper its reviewer read."""

    ABSTRACT = "abstract"
    FULL_TEXT = "full text"


@dataclass(frozen=True, slots=True)
class Flag:
    """A passage that reads like an order to the reviewer. Shown to readers; never changes a score.

    `where` is the part of the paper ("abstract", "full text"); a `hidden` one could not be seen by a reader. One without
    a place came with an imported record and was not verified.
    """

    category: str
    excerpt: str
    location: str = ""
    is_hidden: bool = False

    @property
    def is_suspect(self) -> bool:
        """Whether we found it ourselves: what a scored record brings along is somebody else's label."""
        return bool(self.location)


@dataclass(frozen=True, slots=True)
class Paper:
    """What is known of a paper without reading it.

    `id` is the arXiv id without its version, or the paper's address when it has no arXiv id; `version` is the
    newest one known, and `updated` the day it came out. An id of a paper that has only an address is "web:" and a hash of
    that address, so that every id is short. `withdrawn` is the day its authors took it back, None for one that stands.
    Texts are as they came, LaTeX and all. `upvotes` are those of Hugging Face; `code_url` is on a host we know.
    """

    id: str
    title: str
    url: str
    version: int | None = None
    authors: tuple[str, ...] = ()
    abstract: str = ""
    primary_category: str = ""
    categories: tuple[str, ...] = ()
    published: date | None = None
    flags: tuple[Flag, ...] = ()
    upvotes: int | None = None
    code_url: str = ""
    updated: date | None = None
    withdrawn: date | None = None


class ReviewDepth(StrEnum):
    """How far our own reviewer goes into a paper."""

    SCORE = "score"
    """Grades and a TL;DR, from title and abstract."""
    FULL = "full review"
    """An assessment of each dimension and the key limitations too, from the full text where there is one."""


@dataclass(frozen=True, slots=True)
class QuotedLimitation:
    """A key limitation in a line, with the passage of the paper that shows it."""

    text: str
    quote: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """How our own reviewer came to its review: a version of the rubric and a version of the paper.

    `grades` are 1 to 5 by dimension. `dropped_quotes` stood nowhere in the paper; limitations went with theirs. `tokens` are
    all that it took.
    """

    rubric: str
    stage: ReviewDepth
    grades: tuple[tuple[str, int], ...]
    paper_version: int | None = None
    key_limitations: tuple[QuotedLimitation, ...] = ()
    tldr_quote: str = ""
    dropped_quotes: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer, most often a model, says of a paper. `score` is 0 to 10; rank 1 is the best of its batch.

    `assessment` is there where our own reviewer made it.
    """

    score: float | None = None
    rank: int | None = None
    tldr: str = ""
    methodology: str = ""
    experiments: str = ""
    reproducibility: str = ""
    limitations: str = ""
    impact: str = ""
    model: str = ""
    reviewed_at: datetime | None = None
    read_depth: ReadDepth | None = None
    assessment: Assessment | None = None

    @property
    def scale(self) -> str:
        """What its score can be compared within: one model, one version of the rubric."""
        return f"{self.model}, rubric {self.assessment.rubric}" if self.assessment else self.model


NOT_REVIEWED = Review()


class PostedState(NamedTuple):
    """What a message says of a paper: its version, its review's number (0: none), the score, and whether it is withdrawn."""

    version: int | None
    review_number: int | None
    score: float | None
    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class ScoredPaper:
    """A paper with its newest review (`NOT_REVIEWED` where there is none) and when that became known here, in UTC.

    `review_number` is the store's of that review, 0 where there is none.
    """

    paper: Paper
    review: Review
    known_at: datetime
    review_number: int = field(default=0, compare=False)

    @property
    def posted_state(self) -> PostedState:
        """What a message says of it that is made now."""
        withdrawn = self.paper.withdrawn is not None
        return PostedState(self.paper.version, self.review_number, self.review.score, withdrawn)


class Verdict(StrEnum):
    """Which of two papers a comparison found better, as they were shown."""

    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"


class PairwiseRank(NamedTuple):
    """Where comparisons put a paper among the best of a day: from 1, `among` so many."""

    day: date
    rank: int
    compared_count: int


class Candidate(NamedTuple):
    """The few facts that decide whether a paper is picked: small, so that a hundred thousand can be weighed.

    Scores are compared within one `scale`. A `held` one waits for a person, or was rejected by one.

    `text` is what keywords are looked for in (title, abstract, TL;DR), and empty where no keyword asks for it.
    """

    id: str
    score: float | None = None
    rank: int | None = None
    primary_category: str = ""
    categories: tuple[str, ...] = ()
    published: date | None = None
    flagged: bool = False
    withdrawn: bool = False
    text: str = ""
    upvotes: int = 0
    scale: str = ""
    held: bool = False
    pairwise_rank: PairwiseRank | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A message in a channel that shows papers, in their order. `message` is the platform's id of it.

    `payload` is what was posted, empty where that cannot be read; `first_number` is the number that its first paper has
    in its digest.
    """

    channel: Channel
    message_id: str
    papers: tuple[str, ...]
    payload: Mapping[str, Any]
    first_number: int = 1


@dataclass(frozen=True, slots=True)
class PaperUpdate:
    """What came since a message was posted, of one of its papers; nothing of what was known by then.

    `version` is a newer one, which came out on `updated`. `reviewed`: the newest review is another one, with this `score`,
    or the paper's first (`was_reviewed` is False). `was_score` is the score in the message.
    """

    version: int | None = None
    updated: date | None = None
    withdrawn: date | None = None
    has_new_review: bool = False
    score: float | None = None
    had_review: bool = False
    previous_score: float | None = None


class MarkSource(StrEnum):
    """How a person marked a paper: each way is taken back by itself."""

    REACTION = "reaction"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Mark:
    """A person wants a paper discussed, and said so on a message at an instant (the platform's, in UTC)."""

    channel: Channel
    message_id: str
    paper: str
    person: str
    source: MarkSource
    at: datetime


@dataclass(frozen=True, slots=True)
class QueuedPaper:
    """A paper in the queue: how many people want it discussed, and since when."""

    paper: str
    mark_count: int
    since: datetime


class LeftOut(StrEnum):
    """Why a considered paper is not in the digest; the first that applies counts."""

    SHOWN_BEFORE = "shown before"
    WITHDRAWN = "withdrawn"
    TOO_OLD = "too old"
    OTHER_DOMAIN = "other domain"
    MUTED = "muted"
    HELD = "held"
    """It is suspect and its score stands out: a person decides."""
    FLAGGED = "flagged"
    NOT_SCORED = "not scored"
    UNDER_SCORE = "under the minimum score"
    BEYOND_TOP = "beyond the top"


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate that made it, and the reason in words."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What `pick` decided: the choices in order, how many were considered, and why the others were left out."""

    choices: tuple[Choice, ...]
    considered: int
    left_out: Mapping[LeftOut, int]


@dataclass(frozen=True, slots=True)
class Pick:
    """A paper in a digest, with the reason it is there."""

    scored_paper: ScoredPaper
    reason: str


class Trouble(StrEnum):
    """What can be wrong with what brings papers and reviews in."""

    OUTAGE = "outage"
    """A source did not answer."""
    STALE = "stale"
    """A source answers, but with what it had yesterday."""
    REVIEWER_DOWN = "reviewer down"
    BUDGET_SPENT = "budget spent"
    """The reviewer may cost no more today."""


REVIEWER = "reviewer"
"""The subject under which the reviewer's health is reported; a source's is its name."""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How a source or the reviewer is: since an instant, and last heard of at another, in UTC.

    `trouble` None is health. `detail` is a sentence for whoever runs Paperround. `waiting` papers wait for a review.
    """

    subject: str
    trouble: Trouble | None
    detail: str
    waiting_count: int
    since: datetime
    reported_at: datetime


class EmptyReason(StrEnum):
    """The kinds of a digest without picks."""

    NO_PAPERS = "no papers yet"
    OUTAGE = "outage"
    STALE = "stale source"
    NO_ANNOUNCEMENT = "no announcement"
    """arXiv's calendar had none."""
    REVIEWER_DOWN = "reviewer down"
    BUDGET_SPENT = "budget spent"
    QUIET_DAY = "quiet day"
    UNDER_THRESHOLD = "under the threshold"
    """There were new papers, and those that the channel wants score too low."""
    NO_MATCH = "none wanted"
    """There were new papers; the wish left all of them out."""


class Heartbeat(StrEnum):
    """When a channel hears that Paperround is alive though there is nothing to read."""

    OFF = "off"
    """A day without picks posts nothing."""
    QUIET_DAYS = "quiet days only"
    """A day without picks says why."""
    ALWAYS = "always"
    """On other days too a line tells that all is well, and how much was seen, scored and shown."""


@dataclass(frozen=True, slots=True)
class LateNotice:
    """A digest that comes after its hour, which was `due` by the channel's own clocks (None: it comes in time), or after
    others that did not. The `missed` editions before it never came, newest first; `passed_over` papers of theirs are not considered, None when all are.
    """

    due_at: datetime | None
    missed_editions: tuple[date, ...] = ()
    skipped_count: int | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """One channel, one local day. `nothing` says which kind of nothing when there are no picks.

    `last_import` then says when papers last came in, in UTC; `considered_to` is the number of the newest change considered.
    Of the `considered` papers `scored` have a score. `troubles` last since an instant by the channel's own clocks.
    `silence` is arXiv's, where nothing new was to come from it; its next papers come with the edition `papers_again`.
    `came_late`: the channel was told before that there is nothing.
    """

    channel: Channel
    preferences: Preferences
    edition: date
    picks: tuple[Pick, ...]
    considered: int
    left_out: Mapping[LeftOut, int]
    watermark: int
    empty_reason: EmptyReason | None = None
    last_import: datetime | None = None
    scored: int = 0
    troubles: tuple[HealthReport, ...] = ()
    announcement_gap: AnnouncementGap | None = None
    next_papers_edition: date | None = None
    heartbeat: Heartbeat = Heartbeat.QUIET_DAYS
    is_follow_up: bool = False
    late_notice: LateNotice | None = None
