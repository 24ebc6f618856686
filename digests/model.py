"""Values of the domain: papers, reviews, posts, marks, and the digest that a channel gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from digests.calendar import AnnouncementGap
from digests.subscription import Channel, Preferences


class ReadDepth(StrEnum):
    """Part of a paper that its reviewer read."""

    ABSTRACT = "abstract"
    PDF = "PDF"
    FULL_TEXT = "full text"


@dataclass(frozen=True, slots=True)
class Flag:
    """A passage that reads like an order to the reviewer. It is shown to readers and never changes a score.

    `location` is the part of the paper ("abstract", "full text"). It is empty for a flag that came with an
    imported record; such a flag is not verified. `is_hidden`: a human reader cannot see it.
    """

    category: str
    excerpt: str
    location: str = ""
    is_hidden: bool = False

    @property
    def is_suspect(self) -> bool:
        """Return True for a flag that we found ourselves, False for a flag of an imported record."""
        return bool(self.location)


@dataclass(frozen=True, slots=True)
class Paper:
    """Metadata of a paper. Texts are raw and may contain LaTeX. None, or an empty value, means unknown.

    `id` is the arXiv id without its version, or "web:" and a hash of the address for a paper outside arXiv.
    `version` is the newest known version and `updated` the day it came out. `published` is the day of the
    first version. `withdrawn` is the day on which the authors withdrew the paper, None if they did not.
    `upvotes` come from Hugging Face. `code_url` points to a known code host.
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
    """Depth of a review by our own reviewer."""

    SCORE = "score"
    """Grades and a TL;DR, from title and abstract."""
    FULL = "full review"
    """Also an assessment of each dimension and the key limitations, from the full text if there is one."""


@dataclass(frozen=True, slots=True)
class QuotedLimitation:
    """A key limitation in one line, and the passage of the paper that supports it."""

    text: str
    quote: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """Details of a review by our own reviewer.

    `rubric` is the rubric's version. `grades` are pairs of a dimension and a grade from 1 to 5.
    `paper_version` is the version that was reviewed, None if it was not known. `key_limitations` and
    `tldr_quote` hold only quotes that were found in the paper; `dropped_quotes` counts the others, a missing
    TL;DR quote among them. `tokens` is the total used, a repeated request included. `mends` are pairs of a
    kind and a count: what was repaired or lost in the answer. `prompt` is the code of the model's
    instructions, "" in reviews from before it was kept.
    """

    rubric: str
    review_depth: ReviewDepth
    grades: tuple[tuple[str, int], ...]
    paper_version: int | None = None
    key_limitations: tuple[QuotedLimitation, ...] = ()
    tldr_quote: str = ""
    dropped_quotes: int = 0
    tokens: int = 0
    mends: tuple[tuple[str, int], ...] = ()
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class PanelMember:
    """A review that counts in a panel: its model, its sample and weight, and its score.

    `placed_score` is the score on the panel's scale. Both are None for a review without a score.
    """

    model: str
    sample: int
    weight: float
    score: float | None
    placed_score: float | None


@dataclass(frozen=True, slots=True)
class PanelLimitation:
    """A limitation that `found_count` members of a panel named, with the passages that support it."""

    text: str
    quotes: tuple[str, ...]
    found_count: int


@dataclass(frozen=True, slots=True)
class Panel:
    """Members of a panel, the one with the most weight first, and their limitations, merged.

    `scale` is the scale of the panel's score: that of its first member. `reader_count` members named
    limitations.
    """

    members: tuple[PanelMember, ...]
    scale: str
    limitations: tuple[PanelLimitation, ...] = ()
    reader_count: int = 0

    @property
    def placed_scores(self) -> tuple[float, ...]:
        """Scores of the members that have one, on the panel's scale, lowest first."""
        scores = (member.placed_score for member in self.members)
        return tuple(sorted(score for score in scores if score is not None))


@dataclass(frozen=True, slots=True)
class Review:
    """A reviewer's texts about a paper, with its score and rank. The reviewer is most often a model.

    `score` is 0 to 10, 10 is best; None without one. `rank` 1 is the best paper of its batch. `model` is the
    reviewer's name. `reviewed_at` is in UTC. Only reviews by our own reviewer have an `assessment`.

    `sample` tells several reviews of one model apart, which count beside each other. A review that was made
    of several others has a `panel`; its `model` is then the first member's.
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
    sample: int = 0
    panel: Panel | None = None

    @property
    def scale(self) -> str:
        """Scale of its score: the model and, for our own reviewer, the rubric. A panel has its own.

        Only scores of one scale can be compared.
        """
        if self.panel:
            return self.panel.scale
        return f"{self.model}, rubric {self.assessment.rubric}" if self.assessment else self.model


NOT_REVIEWED = Review()
"""Review of a paper that has none."""


class PostedState(NamedTuple):
    """State of a paper as a posted message shows it.

    `review_number` is the store's number of the review: 0 means no review, None that the state is not known.
    """

    version: int | None
    review_number: int | None
    score: float | None
    is_withdrawn: bool


class HoldState(StrEnum):
    """State of a suspect paper in moderation."""

    HELD = "held"
    RELEASED = "released"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ScoredPaper:
    """A paper with its current review, or `NOT_REVIEWED`.

    `known_at` is the instant, in UTC, at which the paper last became known to the store: by its first import,
    a new current review, or a moderator's release. It is in 1970 for a paper that was never announced.
    `review_number` is the store's number of the review, 0 without a review. `hold_state` is None for a paper
    that was never held. `models_left_out` are the models of the panel that were down when it reviewed the
    paper. None of the three counts in comparisons.
    """

    paper: Paper
    review: Review
    known_at: datetime
    review_number: int = field(default=0, compare=False)
    hold_state: HoldState | None = field(default=None, compare=False)
    models_left_out: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_withheld(self) -> bool:
        """Return True for a held or rejected paper: people may look it up, and no channel is shown it."""
        return self.hold_state in (HoldState.HELD, HoldState.REJECTED)

    @property
    def absent_models(self) -> tuple[str, ...]:
        """Models that were down and have no review in the current one."""
        panel = self.review.panel
        present = {member.model for member in panel.members} if panel else {self.review.model}
        return tuple(model for model in self.models_left_out if model not in present)

    @property
    def posted_state(self) -> PostedState:
        """State that a message rendered now would show."""
        withdrawn = self.paper.withdrawn is not None
        return PostedState(self.paper.version, self.review_number, self.review.score, withdrawn)


class Verdict(StrEnum):
    """Result of comparing two papers, by the order in which they were shown.

    `NEITHER` also stands for a comparison without a usable answer.
    """

    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"


class PairwiseRank(NamedTuple):
    """Rank of a paper among the `compared_count` papers of a day compared in pairs; 1 is the best."""

    day: date
    rank: int
    compared_count: int


class Candidate(NamedTuple):
    """Fields of a paper that decide about picking it. Small, so that a hundred thousand fit in memory.

    Scores are comparable only within one `scale`. `flagged` means that the paper has flags. `held` means that
    a moderator must decide about it, or has rejected it. `text` is title, abstract and TL;DR for keyword
    matching; it is empty if no keyword needs it, and so is `authors` if no author is followed.
    `pairwise_rank` is None unless the current review was compared in pairs.
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
    authors: tuple[str, ...] = ()


class Likeness(NamedTuple):
    """Likeness of a paper to one that people marked before.

    `paper` is the marked paper's id and `title` its short title. `strength` is over 0, and 1 for the same
    text.
    """

    paper: str
    title: str
    strength: float


@dataclass(frozen=True, slots=True)
class Post:
    """A message in a channel that shows papers. `papers` are their ids, in the message's order.

    `message_id` is the platform's id. `payload` is the posted content, empty if it cannot be read.
    `first_number` is the number of its first paper within the digest.
    """

    channel: Channel
    message_id: str
    papers: tuple[str, ...]
    payload: Mapping[str, Any]
    first_number: int = 1


@dataclass(frozen=True, slots=True)
class PaperUpdate:
    """Changes of a paper since a message that shows it was posted.

    `version` is a newer version, which came out on `updated`; None if there is none. `withdrawn` is the day
    of a withdrawal that the message does not show, else None. `has_new_review` means that the newest review
    is not the one in the message; `score` is its score. `had_review` and `previous_score` then describe the
    review in the message. `reviewed_again` is the day (UTC) of that review if a decider asked for it, and
    `withdrawn_limitations` are the numbers on the card, from 1, of those that it does not name any more.
    `hold_state` is set for a paper that was held or rejected since.
    """

    version: int | None = None
    updated: date | None = None
    withdrawn: date | None = None
    has_new_review: bool = False
    score: float | None = None
    had_review: bool = False
    previous_score: float | None = None
    reviewed_again: date | None = None
    withdrawn_limitations: tuple[int, ...] = ()
    hold_state: HoldState | None = None


class MarkSource(StrEnum):
    """Input by which a person marked a paper. Marks from different sources are removed independently."""

    REACTION = "reaction"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Mark:
    """One person's wish to discuss a paper, made on a message. `at` is the platform's instant, in UTC.

    `paper` is the paper's id. `message_id` and `person` are the platform's ids.
    """

    channel: Channel
    message_id: str
    paper: str
    person: str
    source: MarkSource
    at: datetime


@dataclass(frozen=True, slots=True)
class QueuedPaper:
    """A paper's id in the queue, the number of people who marked it, and the instant of the first mark.

    `postponed_until` is set while the paper is postponed.
    """

    paper: str
    mark_count: int
    since: datetime
    postponed_until: datetime | None = None


class Account(NamedTuple):
    """One account of a person on a platform, in the workspace whose queue it counts in."""

    platform: str
    workspace: str
    person: str


class QueueOutcome(StrEnum):
    """Outcome of a decision about a paper in a queue. The marks stay in each case."""

    DISCUSSED = "discussed"
    """Off the queue until somebody marks it again."""
    PASSED = "passed"
    """Off the queue without a discussion, until somebody marks it again."""
    POSTPONED = "postponed"
    """Below all papers that are not postponed, for some time."""
    TAKEN_OUT = "taken out"
    """Off the queue, also when it is marked again, until the decision is undone."""


@dataclass(frozen=True, slots=True)
class QueueDecision:
    """A decision of `by` about a paper in a queue. Its instant tells it from an earlier or later one.

    `until` is the end of a postponement, None for other outcomes.
    """

    paper: str
    outcome: QueueOutcome
    by: str
    at: datetime
    until: datetime | None = None


class LeftOut(StrEnum):
    """Reason why a considered paper is not in the digest; the first in this order that applies."""

    SHOWN_BEFORE = "shown before"
    WITHDRAWN = "withdrawn"
    TOO_OLD = "too old"
    OTHER_DOMAIN = "other domain"
    MUTED = "muted"
    HELD = "held"
    """A suspect paper whose score stands out: a moderator must decide, or has rejected it."""
    FLAGGED = "flagged"
    NOT_SCORED = "not scored"
    UNDER_SCORE = "under the minimum score"
    BEYOND_TOP = "beyond the top"


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen candidate, with the reason in words."""

    id: str
    reason: str


class FeedbackEffect(NamedTuple):
    """A subject of which a channel gets more or fewer papers, since `people` there said so."""

    subject: str
    is_more: bool
    people: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Result of `pick`: the choices in order, the number of papers considered, and counts of the others.

    `left_out` counts the papers that were not chosen, by reason. A reason without papers is no key.
    `effects` are those of the channel's feedback, if other papers were chosen because of it.
    """

    choices: tuple[Choice, ...]
    considered: int
    left_out: Mapping[LeftOut, int]
    effects: tuple[FeedbackEffect, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewTexts:
    """The texts of a review on a card that depend on the language: TL;DR and key limitations, in order.

    Without a TL;DR there is no translation: an answer was unusable, and is not asked for again.
    """

    tldr: str
    limitations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """A paper in a digest, with the reason in words, and its review's texts in the channel's language."""

    scored_paper: ScoredPaper
    reason: str
    translation: ReviewTexts | None = None


class Trouble(StrEnum):
    """Kind of trouble with a source or the reviewer."""

    OUTAGE = "outage"
    """A source did not answer."""
    STALE = "stale"
    """A source answered with yesterday's content."""
    REVIEWER_DOWN = "reviewer down"
    BUDGET_SPENT = "budget spent"
    """The reviewer has used up its budget for today."""


REVIEWER = "reviewer"
"""Subject of the reviewer's health reports. A source reports under its own name."""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Last reported health of a source or the reviewer; `trouble` None means healthy.

    `subject` is the source's name, or `REVIEWER`. The state has lasted since `since` and was last reported at
    `reported_at`, both in UTC. `detail` is a sentence for the operator. `waiting_count` papers wait for a
    review.
    """

    subject: str
    trouble: Trouble | None
    detail: str
    waiting_count: int
    since: datetime
    reported_at: datetime


class EmptyReason(StrEnum):
    """Reason why a digest has no picks."""

    NO_PAPERS = "no papers yet"
    OUTAGE = "outage"
    STALE = "stale source"
    NO_ANNOUNCEMENT = "no announcement"
    """arXiv's calendar has no announcement since the last digest."""
    REVIEWER_DOWN = "reviewer down"
    BUDGET_SPENT = "budget spent"
    QUIET_DAY = "quiet day"
    UNDER_THRESHOLD = "under the threshold"
    """New papers match the channel's preferences, but score too low."""
    NO_MATCH = "none wanted"
    """No new paper matches the channel's preferences."""


class Heartbeat(StrEnum):
    """Setting for status messages to a channel."""

    OFF = "off"
    """An empty digest is not posted."""
    QUIET_DAYS = "quiet days only"
    """An empty digest is posted with its reason."""
    ALWAYS = "always"
    """Every digest also has a status line: papers seen, scored and shown."""


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that comes with a message.

    A picture has `alt_text`, words for those who do not see it.
    """

    name: str
    content: bytes
    alt_text: str = ""

    @property
    def is_picture(self) -> bool:
        """Return True for a picture, which a message shows; other files are offered for download."""
        return bool(self.alt_text)


@dataclass(frozen=True, slots=True)
class LateNotice:
    """Notice in a digest that is late, or that follows missed editions.

    `due_at` is the due time in the channel's time zone, None if the digest itself is on time.
    `missed_editions` are listed newest first. `skipped_count` is the number of their papers that are not
    considered, None if all are.
    """

    due_at: datetime | None
    missed_editions: tuple[date, ...] = ()
    skipped_count: int | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """Content of one channel's digest for one edition: the picks, or the reason why there are none.

    `name` is that of the digest, empty for the channel's main one.
    `watermark` is the sequence number up to which changes were considered. Of the `considered` papers,
    `scored` have a score; `left_out` counts by reason those that were not picked. Only an empty digest has an
    `empty_reason` and a `last_import`, the instant of the last import in UTC, None if there was none. The
    `troubles` start in the channel's time zone. `announcement_gap` explains why arXiv had no papers, and
    `next_papers_edition` is the first edition after the gap; both are None otherwise. `is_follow_up` means
    that this edition was already posted as empty, and papers came in late. `after_seq` is the sequence number
    after which its changes begin, None for a digest that is not delivered. `max_age` is the age beyond which
    papers are left out, None without a limit, and `has_sources` says if papers are fetched from any source.
    `effects` are those of the channel's feedback, if it chose other papers.
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
    after_seq: int | None = None
    name: str = ""
    max_age: timedelta | None = None
    has_sources: bool = True
    effects: tuple[FeedbackEffect, ...] = ()

    @property
    def is_unscored(self) -> bool:
        """Return True if there are picks, and none has a score or a rank: their order is no ranking."""
        reviews = [pick.scored_paper.review for pick in self.picks]
        return bool(reviews) and all(review.score is None and review.rank is None for review in reviews)
