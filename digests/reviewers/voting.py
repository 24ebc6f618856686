"""Further votes of a panel: by which members, and for which papers first."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from digests.model import Candidate, Panel, Review, ReviewDepth, ScoredPaper, Trouble
from digests.panel import is_divided
from digests.pick import Matcher
from digests.ports.review_queue import ReviewTask
from digests.reviewers.context import PanelSeat, ReviewContext, RoundOutcome, Voter, start_of_day
from digests.reviewers.full_review import FULL_TEXT_ATTEMPTS
from digests.reviewers.queue import MAX_PAPERS_PER_ROUND
from digests.reviewers.rubric import RUBRIC_VERSION
from digests.reviewers.tasks import (
    MAX_FAILED_VOTES,
    TaskRun,
    TextPreparer,
    find_current_re_review,
    is_since,
    review_together,
    run_each,
)
from digests.subscription import Preferences

VOTE_MARGIN = 1.5
"""Points from a channel's threshold or the border of its best papers within which further votes are asked.

One more vote moves the mean of two by half of what it differs, so a paper further away seldom crosses.
"""


@asynccontextmanager
async def seat_voters(context: ReviewContext, outcome: RoundOutcome) -> AsyncIterator[list[Voter]]:
    """Seat the further members of the panel that are not down, and count their votes in `outcome` at the end.

    A member that is down by then is left out of the rest of the round: `outcome` names it, and the store
    notes it with the papers that it missed. Raises StoreError.
    """
    voters = [
        Voter(context.take_seat(seat)) for seat in context.further_seats if seat.name not in outcome.left_out
    ]
    yield voters
    for voter in voters:
        outcome.vote_count += voter.outcome.vote_count
        outcome.held_count += voter.outcome.held_count
        if voter.outcome.trouble is Trouble.REVIEWER_DOWN:
            outcome.leave_out(voter.context.seat)
            if voter.outcome.missed:
                await context.run_blocking(_note_missed, voter)


def _note_missed(voter: Voter) -> None:
    library, model = voter.context.store.library, voter.context.server.address.model
    library.note_left_out(
        {
            paper: (*scored.models_left_out, model)
            for paper, scored in library.get(voter.outcome.missed).items()
            if model not in scored.models_left_out
        }
    )


async def collect_votes(
    context: ReviewContext,
    preferences_by_workspace: Sequence[Sequence[Preferences]],
    review_depth: ReviewDepth,
    prepare_text: TextPreparer,
    outcome: RoundOutcome,
    stop: asyncio.Event,
    budget_share: float = 1.0,
) -> None:
    """Ask the further seats, all at the same time, about the papers of today that the first seat reviewed.

    A seat that is down is left out for this round, and `outcome` names it; one without budget ends with that.
    Every vote is saved at once. Raises StoreError, and InputError for an unknown domain in the preferences.
    """
    async with seat_voters(context, outcome) as voters:
        ballots = [
            Ballot(
                voter,
                OrderedDict.fromkeys(
                    await context.run_blocking(
                        choose_papers_for_votes,
                        context,
                        voter.context.seat,
                        review_depth,
                        preferences_by_workspace,
                    )
                ),
            )
            for voter in voters
        ]
        now = context.clock()

        def start(voter: Voter, paper: str) -> TaskRun:
            task = ReviewTask(paper, review_depth, priority=0.0, queued_at=now, attempts=FULL_TEXT_ATTEMPTS)
            return TaskRun(voter.context, task, prepare_text, voter.outcome, stop, budget_share, is_vote=True)

        if review_depth is ReviewDepth.FULL:
            await _ask_paper_by_paper(ballots, start)
        else:
            async with asyncio.TaskGroup() as group:
                for ballot in ballots:
                    group.create_task(_ask_seat(ballot, ballots, start))


StartVote = Callable[[Voter, str], TaskRun]


@dataclass(frozen=True, slots=True)
class Ballot:
    """The papers that a voter is still to be asked about, in their order."""

    voter: Voter
    papers: OrderedDict[str, None]

    def prefer(self, paper: str) -> None:
        """Move a paper to the beginning, if it is there."""
        if paper in self.papers:
            self.papers.move_to_end(paper, last=False)


async def _ask_paper_by_paper(ballots: Sequence[Ballot], start: StartVote) -> None:
    """Ask all voters about a paper at the same time, so that its text is fetched and read once."""
    voters_of: dict[str, list[Voter]] = {}
    for ballot in ballots:
        for paper in ballot.papers:
            voters_of.setdefault(paper, []).append(ballot.voter)

    async def ask(paper: str) -> None:
        await review_together([start(voter, paper) for voter in voters_of[paper]])

    if voters_of:
        await run_each(list(voters_of), ask, [ballot.voter.context for ballot in ballots])


async def _ask_seat(ballot: Ballot, all_ballots: Sequence[Ballot], start: StartVote) -> None:
    """Ask one voter about its papers. One that turns out to divide the panel goes first with all others."""
    context = ballot.voter.context

    async def ask(_: int) -> None:
        paper, _none = ballot.papers.popitem(last=False)
        await review_together([start(ballot.voter, paper)])
        if len(all_ballots) > 1 and await context.run_blocking(_is_divided_about, context, paper):
            for each in all_ballots:
                each.prefer(paper)

    await run_each(range(len(ballot.papers)), ask, [context])


def _is_divided_about(context: ReviewContext, paper: str) -> bool:
    scored = context.store.library.get([paper]).get(paper)
    return bool(scored and scored.review.panel and is_divided(scored.review.panel))


def choose_papers_for_votes(
    context: ReviewContext,
    seat: PanelSeat,
    review_depth: ReviewDepth,
    preferences_by_workspace: Sequence[Sequence[Preferences]],
) -> list[str]:
    """Return the papers that a seat is asked about, those that need its vote most first.

    They have a review of today by the first seat, of this depth. A full review is asked of every seat; a
    score only where it may change what a channel is shown. Raises StoreError, and InputError for an unknown
    domain in the preferences.
    """
    library, state = context.store.library, context.panel_state
    candidates = [
        candidate
        for candidate in library.candidates(
            library.sequence_at(start_of_day(context.clock())),
            library.latest_sequence(),
            with_text=True,
            with_authors=True,
        )
        if candidate.scale == context.scale and candidate.score is not None and not candidate.withdrawn
    ]
    only_scored = set(context.store.review_queue.scored_since(context.scale, start_of_day(context.clock())))
    if review_depth is ReviewDepth.SCORE:
        wanted = [candidate for candidate in candidates if candidate.id in only_scored]
        papers = library.get(candidate.id for candidate in wanted)
        panels = {paper: scored.review.panel for paper, scored in papers.items()}
        chosen = rank_by_need(wanted, panels, preferences_by_workspace)
        chosen = [paper for paper in chosen if not has_voted(papers[paper].review, seat)]
    else:
        papers = library.get(candidate.id for candidate in candidates if candidate.id not in only_scored)
        chosen = [paper for paper, scored in papers.items() if _needs_full_vote(context, seat, scored)]
    return [paper for paper in chosen if state.failures[seat.name, paper, review_depth] < MAX_FAILED_VOTES][
        :MAX_PAPERS_PER_ROUND
    ]


def has_voted(review: Review, seat: PanelSeat) -> bool:
    """Return True if a review of this seat is the current one, or a member of it."""
    members = review.panel.members if review.panel else (review,)
    own = seat.server.address.model, seat.sample
    return any((member.model, member.sample) == own for member in members)


def _needs_full_vote(context: ReviewContext, seat: PanelSeat, scored: ScoredPaper) -> bool:
    complete, key = context.panel_state.complete, (seat.name, scored.review_number)
    if key in complete:
        return False
    re_review = find_current_re_review(context, scored.paper.id)
    asked_at = re_review.asked_at if re_review else None
    if any(
        not review.panel
        and is_since(review, asked_at)
        and (review.model, review.sample) == (seat.server.address.model, seat.sample)
        and review.assessment
        and review.assessment.rubric == RUBRIC_VERSION
        and review.assessment.paper_version == scored.paper.version
        and review.assessment.review_depth is ReviewDepth.FULL
        for review in context.store.library.reviews_of(scored.paper.id)
    ):
        complete.add(key)
    return key not in complete


def rank_by_need(
    candidates: Sequence[Candidate],
    panels: Mapping[str, Panel | None],
    preferences_by_workspace: Iterable[Iterable[Preferences]],
    margin: float = VOTE_MARGIN,
) -> list[str]:
    """Return the papers that need a further vote, those that need it most first.

    Papers about which the panel is divided come first, then the others by the distance of their score from
    the nearest border: a channel's `min_score`, or the middle between the last of its best papers and the
    next one. Papers further away than `margin` are left out, unless a channel would be shown them. Raises
    InputError for an unknown domain in the preferences.
    """
    needs: dict[str, float] = {}
    distinct = {preferences for workspace in preferences_by_workspace for preferences in workspace}
    for preferences in distinct:
        for paper, distance in _measure_distances(candidates, preferences, margin):
            needs[paper] = min(distance, needs.get(paper, math.inf))
    for paper in needs:
        panel = panels.get(paper)
        if panel and is_divided(panel):
            needs[paper] = -1.0
    return sorted(needs, key=lambda paper: (needs[paper], paper))


def _measure_distances(
    candidates: Iterable[Candidate], preferences: Preferences, margin: float
) -> Iterable[tuple[str, float]]:
    """Yield the papers that a channel wants and their distances from its nearest border."""
    matcher = Matcher.from_preferences(preferences)
    best_first = sorted(
        (
            (candidate.score, candidate.id)
            for candidate in candidates
            if candidate.score is not None
            and matcher.is_wanted(candidate)
            and not matcher.is_muted(candidate)
        ),
        key=lambda entry: (-entry[0], entry[1]),
    )
    scores = [score for score, _ in best_first]
    borders = [] if preferences.min_score is None else [preferences.min_score]
    if len(scores) > preferences.top:
        borders.append((scores[preferences.top - 1] + scores[preferences.top]) / 2)
    for place, (score, paper) in enumerate(best_first):
        distance = min((abs(score - border) for border in borders), default=math.inf)
        is_shown = place < preferences.top and score >= (preferences.min_score or 0.0)
        if is_shown or distance <= margin:
            yield paper, distance
