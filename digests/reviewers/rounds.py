"""The reviewer's day: what waits is scored, the best are read in full, nothing is paid twice, and the budget holds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from math import ceil

from digests.calendar import NEW_YORK
from digests.errors import SourceError
from digests.flags import flagged, with_flags
from digests.model import (
    REVIEWER,
    Better,
    Candidate,
    Paper,
    ReadDepth,
    Review,
    ScoredPaper,
    Stage,
    Trouble,
    Wish,
)
from digests.ports import Ceiling, Spending, Store, Waiting
from digests.reviewers.choose import best, promises, stands_out
from digests.reviewers.comparison import VERSION as PAIRS_VERSION
from digests.reviewers.comparison import compare, most_comparing_tokens
from digests.reviewers.openai import Server, ServerError
from digests.reviewers.pairs import Pair, ordered, ordered_pairs
from digests.reviewers.prompt import blinded, neutral, shortened
from digests.reviewers.reading import LEAST_CHARACTERS, FullText
from digests.reviewers.review import Questions, ReviewError, Tokens, most_tokens, review
from digests.reviewers.rubric import VERSION

log = logging.getLogger(__name__)

ASKED = 1_000_000.0
"""The promise of a paper that a person asked for: before everything that only channels want."""

MOST_WAITING = 2000
"""Papers of one go; the rest is next."""

BACK_OFF = timedelta(minutes=15)
"""Before a paper is tried again; four times as long after each further failure."""

ATTEMPTS = 5
"""Failures of one paper, after which it is left alone."""

ALIKE = 3
"""So many papers in a row that the server takes amiss mean that it is not the papers."""

SCORE_SHARE = 0.6
"""Of a day's budget, what the first look may use while full reviews are still to come."""

NEWS_ARE_IN = time(1, 30)
"""In New York, an hour after arXiv's feeds of the day can be read: what is to be scored of them has been scored."""

LEFTOVER_SHARE = 0.5
"""Of a day's budget, what papers of an earlier day may use before that hour."""

SCALE_NOTE = "reviewer scale"
"""Which model and rubric read last: what one could not review another may."""

COMPARED = timedelta(days=30)
"""Scores of how long ago a suspect one is compared with."""

FullTexts = Callable[[Paper], Awaitable[FullText | None]]
"""The full text of a paper, None where there is none. Raises SourceError when it may be there later."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a day (UTC) may cost, in tokens and in money; None: no limit. Prices are for a million tokens."""

    tokens: int | None = None
    money: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0

    def ceiling(self, share: float = 1.0) -> Ceiling:
        """The limit, or a share of it."""
        money = int(self.money * 1_000_000 * share) if self.money is not None else None
        return Ceiling(int(self.tokens * share) if self.tokens is not None else None, money)

    def of(self, tokens: Tokens) -> Spending:
        """What these tokens cost: a price for a million is one in millionths for each."""
        return Spending(tokens.all, ceil(tokens.into * self.price_in + tokens.out * self.price_out))


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a reviewer works with. `full_reviews` a day; papers known for longer than `look_back` are let be.

    So many of a day's best (`compare_best`) are compared in pairs. With `awaits_news` a day is planned around the hour at which arXiv's papers come.
    """

    store: Store
    server: Server
    clock: Callable[[], datetime]
    full_texts: FullTexts | None = None
    questions: Questions = field(default_factory=Questions)
    budget: Budget = field(default_factory=Budget)
    full_reviews: int = 30
    look_back: timedelta = timedelta(days=7)
    hold_suspects: bool = True
    awaits_news: bool = False
    compare_best: int = 0
    progress: Callable[[Stage, int, int], None] = lambda stage, done, of: None
    # One at a time, so that what is known later has the later instant: digests look for the number of an instant.
    keeping: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def scale(self) -> str:
        """What this reviewer's scores can be compared within."""
        return f"{self.server.address.model}, rubric {VERSION}"


@dataclass(slots=True)
class Outcome:
    """What became of a round. `trouble` ended it before everything was done; `amiss` papers in a row met a fault."""

    scored: int = 0
    reviewed: int = 0
    failed: int = 0
    held: int = 0
    compared: int = 0
    trouble: Trouble | None = None
    detail: str = ""
    amiss: int = 0

    def ended(self, trouble: Trouble, detail: str) -> None:
        """The first trouble is the one that is told."""
        if self.trouble is None:
            self.trouble, self.detail = trouble, detail


async def work(desk: Desk, wishes: Sequence[Wish], stop: asyncio.Event) -> Outcome:
    """One round: score what waits, read the best in full, score what is left. Ends early when told to, or in trouble.

    Every result is stored as soon as it is there. Raises StoreError.
    """
    outcome = Outcome()
    await asyncio.to_thread(fill, desk, wishes)
    await _stage(desk, Stage.SCORE, outcome, stop, SCORE_SHARE)
    if not _is_over(outcome, stop, but=Trouble.BUDGET_SPENT):
        outcome.trouble, outcome.detail = None, ""
        await asyncio.to_thread(choose_best, desk, wishes)
        await _stage(desk, Stage.FULL, outcome, stop)
    if not _is_over(outcome, stop) and not _best_are_to_come(desk):
        await _stage(desk, Stage.SCORE, outcome, stop)
    if desk.compare_best and not _is_over(outcome, stop):
        await _compare_best(desk, outcome, stop)
    await asyncio.to_thread(_report, desk, outcome)
    return outcome


def _is_over(outcome: Outcome, stop: asyncio.Event, but: Trouble | None = None) -> bool:
    return stop.is_set() or outcome.trouble not in (None, but)


def fill(desk: Desk, wishes: Sequence[Wish]) -> None:
    """Put into the queue what channels want and what people asked for; what waits already gets its promise anew."""
    now, store = desk.clock(), desk.store
    store.reviewing.let_go(Stage.SCORE, before=now - desk.look_back, below=ASKED)
    store.reviewing.let_go(Stage.FULL, before=_midnight(now), below=ASKED)  # Its digest is out.
    if store.notes.read(SCALE_NOTE) != desk.scale:
        store.reviewing.revive()
        store.notes.write(SCALE_NOTE, desk.scale)
    store.reviewing.put(promises(recent(desk, now), wishes), Stage.SCORE, now=now)
    asked = [scored.paper.id for scored in store.papers.asked_for(MOST_WAITING)]
    store.reviewing.put(dict.fromkeys(asked, ASKED), Stage.FULL, now=now)


def recent(desk: Desk, now: datetime) -> Sequence[Candidate]:
    """What became known of late."""
    papers = desk.store.papers
    return papers.candidates(papers.number_at(now - desk.look_back), papers.last_change(), texts=True)


def choose_best(desk: Desk, wishes: Sequence[Wish]) -> None:
    """Put the best of those first looked at today into the queue for a full review, as many as the day has left.

    A day's full reviews are for the papers that its digests are chosen from: what was left over from yesterday is there
    at midnight, and waits until the day's own papers can compete with it.
    """
    now, reviewing = desk.clock(), desk.store.reviewing
    left = desk.full_reviews - reviewing.full_reviews(now.date()) - reviewing.waiting().get(Stage.FULL, 0)
    if left <= 0 or _is_early(desk, now):
        return
    graded = set(reviewing.graded(desk.scale, _midnight(now)))
    candidates = [candidate for candidate in recent(desk, now) if candidate.id in graded]
    chosen = best(candidates, wishes, left)
    reviewing.put({name: float(left - place) for place, name in enumerate(chosen)}, Stage.FULL, now=now)


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now.date(), time(), UTC)


def _is_early(desk: Desk, now: datetime) -> bool:
    """Whether the papers that arXiv shows on this day (UTC) are still to come."""
    return desk.awaits_news and now < datetime.combine(now.date(), NEWS_ARE_IN, NEW_YORK)


def _best_are_to_come(desk: Desk) -> bool:
    """Whether this day's full reviews, for which a share of the budget is kept, are still to be chosen."""
    return desk.full_reviews > 0 and _is_early(desk, desk.clock())


async def _stage(desk: Desk, stage: Stage, outcome: Outcome, stop: asyncio.Event, share: float = 1.0) -> None:
    """As many papers at a time as the server has slots."""
    waiting = list(await asyncio.to_thread(desk.store.reviewing.next, stage, MOST_WAITING, now=desk.clock()))
    whole, left = len(waiting), iter(waiting)
    desk.progress(stage, 0, whole)
    done = 0

    async def worker() -> None:
        nonlocal done
        for one in left:
            if _is_over(outcome, stop):
                return
            await _Paper(desk, one, outcome, share).read()
            done += 1
            desk.progress(stage, done, whole)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(desk.server.address.concurrency, whole)):
            group.create_task(worker())


@dataclass(frozen=True, slots=True)
class _Paper:
    """One paper on the desk."""

    desk: Desk
    waiting: Waiting
    outcome: Outcome
    share: float

    async def read(self) -> None:
        """Review it, or write down why not."""
        scored = await asyncio.to_thread(self._known)
        if scored is None:
            return
        try:
            paper, text, depth = await self._text(flagged(scored.paper))
        except SourceError as error:
            await asyncio.to_thread(self._fail, str(error))
            return
        await self._ask(replace(scored, paper=paper), text, depth)

    def _known(self) -> ScoredPaper | None:
        """None, and off the queue, where it is gone or was reviewed before: nothing is paid twice."""
        store = self.desk.store
        scored = store.papers.get([self.waiting.paper]).get(self.waiting.paper)
        if scored and not scored.paper.withdrawn and not self._is_reviewed(scored):
            return scored
        store.reviewing.done(self.waiting.paper)
        return None

    def _is_reviewed(self, scored: ScoredPaper) -> bool:
        reviews = self.desk.store.papers.reviews(scored.paper.id) if scored.review.score is not None else ()
        return any(self._is_the_same(review, scored.paper) for review in reviews)

    def _is_the_same(self, review: Review, paper: Paper) -> bool:
        """A review of this version by this model and rubric; a full one stands for a first look."""
        made = review.assessment
        return bool(
            made
            and review.model == self.desk.server.address.model
            and made.rubric == VERSION
            and made.paper_version == paper.version
            and made.stage in (self.waiting.stage, Stage.FULL)
        )

    async def _text(self, paper: Paper) -> tuple[Paper, str, ReadDepth]:
        """What the model is shown: the full text where this stage wants one and there is one, else the abstract."""
        if self.waiting.stage is Stage.FULL and self.desk.full_texts:
            full = await self._full_text(paper, self.desk.full_texts)
            if full and len(full.text) >= LEAST_CHARACTERS:
                text = await asyncio.to_thread(self._shown, paper, full.text)
                return with_flags(paper, full.flags), text, ReadDepth.FULL_TEXT
        return paper, neutral(paper.abstract), ReadDepth.ABSTRACT

    def _shown(self, paper: Paper, full_text: str) -> str:
        """What the model sees of a full text: a tenth of a second's work for a long one."""
        cut = shortened(neutral(blinded(full_text, paper.authors)), self.desk.questions.text_characters)
        return f"{neutral(paper.abstract)}\n\n{cut}"

    async def _full_text(self, paper: Paper, full_texts: FullTexts) -> FullText | None:
        try:
            return await full_texts(paper)
        except SourceError:
            if self.waiting.attempts < 2:
                raise
            return None  # The source had its chances: the abstract alone is better than nothing.

    async def _ask(self, scored: ScoredPaper, text: str, depth: ReadDepth) -> None:
        desk, stage, day = self.desk, self.waiting.stage, self.desk.clock().date()
        most = desk.budget.of(most_tokens(scored.paper, text, stage, desk.questions))
        ceiling = desk.budget.ceiling(min(self.share, self._leftover_share()))
        if not await asyncio.to_thread(desk.store.reviewing.reserve, day, most, ceiling):
            self.outcome.ended(Trouble.BUDGET_SPENT, _budget_sentence(desk.budget))
            return
        try:
            made, used = await review(
                scored.paper,
                text,
                stage,
                depth=depth,
                server=desk.server,
                questions=desk.questions,
                now=desk.clock(),
            )
        except ReviewError as error:
            await asyncio.to_thread(self._not_reviewed, error, day, most)
            return
        async with desk.keeping:
            await asyncio.to_thread(self._keep, scored, made, day, most, used)

    def _leftover_share(self) -> float:
        """So that a backlog, which is there at midnight, does not use up the budget before the day's papers come."""
        now = self.desk.clock()
        is_left_over = self.waiting.since < _midnight(now)
        return LEFTOVER_SHARE if is_left_over and _is_early(self.desk, now) else 1.0

    def _keep(self, scored: ScoredPaper, made: Review, day: date, reserved: Spending, used: Tokens) -> None:
        """The result first: whatever happens next, it is not paid again."""
        store, paper, now = self.desk.store, scored.paper, self.desk.clock()
        if reason := self._why_hold(scored, made):
            store.reviewing.hold(paper.id, reason, now=now)
            self.outcome.held += 1
        store.papers.add([(paper, made)], now=now)
        is_full = self.waiting.stage is Stage.FULL
        store.reviewing.settle(day, reserved, self.desk.budget.of(used), full_review=is_full)
        store.reviewing.done(paper.id)
        self.outcome.amiss = 0
        self.outcome.reviewed += is_full
        self.outcome.scored += not is_full

    def _why_hold(self, scored: ScoredPaper, made: Review) -> str:
        """A sentence where a suspect paper got a score that stands out."""
        suspect = next((flag for flag in scored.paper.flags if flag.suspect), None)
        if not self.desk.hold_suspects or not suspect or made.score is None:
            return ""
        papers, scale_of_ours = self.desk.store.papers, self.desk.scale
        after = papers.number_at(self.desk.clock() - COMPARED)
        compared = papers.candidates(after, papers.last_change(), texts=False)
        others = [one.score for one in compared if one.scale == scale_of_ours and one.score is not None]
        first_look = scored.review.score if scored.review.assessment else None
        if not stands_out(made.score, others, first_look):
            return ""
        return f"It holds what reads like an order to its reviewer ({suspect.category}), and its score of {made.score} stands out."

    def _not_reviewed(self, error: ReviewError, day: date, reserved: Spending) -> None:
        self.desk.store.reviewing.settle(day, reserved, _lost(self.desk, error, reserved))
        if error.server is None:
            self._fail(str(error))
            return
        if not error.server.is_down:
            self._fail(str(error), counts=not error.server.concerns_all)
            self.outcome.amiss += 1
        if error.server.is_down or self.outcome.amiss >= ALIKE:
            self.outcome.ended(Trouble.REVIEWER_DOWN, _short(error.server))

    def _fail(self, reason: str, *, counts: bool = True) -> None:
        """A fault of the server is not the paper's: it waits, and is never given up for that."""
        attempts = self.waiting.attempts + counts
        pause = BACK_OFF * 4 ** max(0, attempts - 1)
        next_try_at = self.desk.clock() + pause if attempts < ATTEMPTS else None
        self.desk.store.reviewing.failed(self.waiting.paper, reason, next_try_at=next_try_at, counts=counts)
        self.outcome.failed += 1
        log.warning("%s was not reviewed: %s", self.waiting.paper, reason)


# Pairs.


async def _compare_best(desk: Desk, outcome: Outcome, stop: asyncio.Event) -> None:
    """The best of the day against one another; the order that comes out of it holds once every pair is known."""
    best, found = await asyncio.to_thread(_best_of_the_day, desk)
    names = list(best)
    left = iter([pair for pair in ordered_pairs(names) if pair not in found])
    comparing = _Comparing(desk, outcome, best, found)

    async def worker() -> None:
        for pair in left:
            if _is_over(outcome, stop) or not comparing.has_room:
                return
            await comparing.compare(pair)

    async with asyncio.TaskGroup() as group:
        for _ in range(desk.server.address.concurrency):
            group.create_task(worker())
    if order := ordered(names, found):
        day, papers = desk.clock().date(), [best[name].paper.id for name in order]
        await asyncio.to_thread(desk.store.reviewing.place, day, papers)


NO_ROOM = "Today's budget has no room for all comparisons in pairs, so the order is by score."


@dataclass(slots=True)
class _Comparing:
    """The best of a day on the desk, two at a time. No room for it is no trouble: every paper has its score."""

    desk: Desk
    outcome: Outcome
    best: Mapping[str, ScoredPaper]
    found: dict[Pair, Better]
    has_room: bool = True

    async def compare(self, pair: Pair) -> None:
        """Which one is better; without an answer the pair waits for the next round."""
        desk, day, room = self.desk, self.desk.clock().date(), self.desk.questions.score_tokens
        first, second = self.best[pair[0]], self.best[pair[1]]
        most = desk.budget.of(most_comparing_tokens(first, second, room))
        if not await asyncio.to_thread(desk.store.reviewing.reserve, day, most, desk.budget.ceiling()):
            self.has_room, self.outcome.detail = False, NO_ROOM
            return
        better: Better | None
        try:
            better, used = await compare(first, second, server=desk.server, answer_tokens=room)
        except ReviewError as error:
            better, spent = self._without_answer(error, most)
        else:
            spent, self.outcome.amiss = desk.budget.of(used), 0
        await asyncio.to_thread(self._keep, pair, better, day, most, spent)

    def _without_answer(self, error: ReviewError, reserved: Spending) -> tuple[Better | None, Spending]:
        """What may have been paid is not asked again."""
        self.outcome.amiss += 1
        if error.server and (error.server.is_down or self.outcome.amiss >= ALIKE):
            self.outcome.ended(Trouble.REVIEWER_DOWN, _short(error.server))
        may_be_paid = error.server is not None and error.server.may_be_paid
        return Better.NEITHER if may_be_paid else None, _lost(self.desk, error, reserved)

    def _keep(
        self, pair: Pair, better: Better | None, day: date, reserved: Spending, spent: Spending
    ) -> None:
        """The result first: whatever happens next, it is not paid again."""
        reviewing, scale = self.desk.store.reviewing, _comparing_scale(self.desk)
        if better:
            reviewing.keep_compared(scale, *pair, better, now=self.desk.clock())
            self.found[pair] = better
            self.outcome.compared += 1
        reviewing.settle(day, reserved, spent)


def _comparing_scale(desk: Desk) -> str:
    return f"{desk.scale}, pairs {PAIRS_VERSION}"


def _best_of_the_day(desk: Desk) -> tuple[dict[str, ScoredPaper], dict[Pair, Better]]:
    """Those of today's full reviews that score best, by name and version, and what was found of them before."""
    papers, reviewing, now = desk.store.papers, desk.store.reviewing, desk.clock()
    midnight = _midnight(now)
    first_looks = set(reviewing.graded(desk.scale, midnight))
    today = papers.candidates(papers.number_at(midnight), papers.last_change(), texts=False)
    read = [one for one in today if one.scale == desk.scale and one.id not in first_looks]
    fit = [one for one in read if one.score is not None and not (one.held or one.withdrawn)]
    best = sorted(fit, key=lambda one: (-(one.score or 0.0), one.id))[: desk.compare_best]
    known = papers.get([one.id for one in best])
    named = {f"{one.id} v{known[one.id].paper.version or 0}": known[one.id] for one in best}
    return named, dict(reviewing.compared(_comparing_scale(desk), named))


def _lost(desk: Desk, error: ReviewError, reserved: Spending) -> Spending:
    """What a call without a result has cost: the most of it where nobody can know."""
    may_be_paid = error.server is not None and error.server.may_be_paid
    return reserved if may_be_paid else desk.budget.of(error.tokens)


def _short(error: ServerError) -> str:
    return " ".join(str(error).split())[:300]


def _budget_sentence(budget: Budget) -> str:
    limits = [f"{budget.tokens:,} tokens"] if budget.tokens is not None else []
    limits += [f"{budget.money:g} in money"] if budget.money is not None else []
    return f"Today's budget of {' and '.join(limits)} has no room for another paper; what is left waits for tomorrow."


def _report(desk: Desk, outcome: Outcome) -> None:
    waiting = sum(desk.store.reviewing.waiting().values())
    desk.store.health.report(
        REVIEWER, outcome.trouble, detail=outcome.detail, waiting=waiting, now=desk.clock()
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What today would cost, the most at that: papers by stage, comparisons, tokens and money, and what the budget leaves."""

    to_score: int
    to_read: int
    expected: Spending
    spent: Spending
    waiting_for_tomorrow: int
    to_compare: int = 0


def plan(desk: Desk, wishes: Sequence[Wish]) -> Plan:
    """What a round would do now; it fills the queue, and asks nobody."""
    fill(desk, wishes)
    reviewing, day = desk.store.reviewing, desk.clock().date()
    waiting = reviewing.waiting()
    to_score = waiting.get(Stage.SCORE, 0)
    free = max(0, desk.full_reviews - reviewing.full_reviews(day))
    graded = len(reviewing.graded(desk.scale, _midnight(desk.clock())))
    to_read = min(free, waiting.get(Stage.FULL, 0) + graded + to_score)
    spent = reviewing.spent(day)
    each = [desk.budget.of(_usual(desk.questions, Stage.SCORE))] * to_score
    each += [desk.budget.of(_usual(desk.questions, Stage.FULL))] * to_read
    to_compare = _to_compare(desk, to_read)
    each += [desk.budget.of(USUAL_COMPARISON)] * to_compare
    affordable = _affordable(each, spent, desk.budget.ceiling())
    left = max(0, to_score + to_read - affordable)
    return Plan(to_score, to_read, sum(each[:affordable], Spending()), spent, left, to_compare)


def _to_compare(desk: Desk, to_read: int) -> int:
    """Pairs that are still to be compared when so many more papers were read."""
    best, found = _best_of_the_day(desk)
    papers = min(desk.compare_best, len(best) + to_read)
    return max(0, papers * (papers - 1) - len(found))


USUAL_COMPARISON = Tokens(1500, 80)
"""What a comparison takes: the rules, two abstracts, and what the reviews say of methods, experiments and limitations."""


USUAL_SCORE = Tokens(1900, 350)
"""What a first look takes: the rubric and the form, an abstract of 330 tokens, and a short answer."""
USUAL_ANSWER = 1500
CHARACTERS_A_TOKEN = 4


def _usual(questions: Questions, stage: Stage) -> Tokens:
    if stage is Stage.SCORE:
        return USUAL_SCORE
    return Tokens(
        2200 + questions.text_characters // CHARACTERS_A_TOKEN, min(USUAL_ANSWER, questions.review_tokens)
    )


def _affordable(each: Iterable[Spending], spent: Spending, ceiling: Ceiling) -> int:
    count, total = 0, spent
    for one in each:
        total = total + one
        if not ceiling.allows(total):
            break
        count += 1
    return count
