"""One review out of those of several models or samples: a panel. Pure.

The score is the weighted mean of the members' scores on the scale of the first member. Limitations are
merged; every other text is that of the member with the most weight that has it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from digests.limitation_ranking import EXAMINED_CHARACTERS, is_near_duplicate, rank_points
from digests.limitations import extract_points
from digests.model import (
    Assessment,
    Panel,
    PanelLimitation,
    PanelMember,
    Review,
    ReviewDepth,
)
from digests.text import clip_text

MIN_SCORES = 50
"""Scores of a model from which its distribution is known. Until then its scores count as they are."""

RECENT_SCORES = 500
"""Newest scores of a model that make its distribution: two weeks of a busy field."""

MAX_AGE = timedelta(days=90)
"""Age, against the newest member, from which a review is of an earlier time and no member."""

WIDE_SPREAD = 3.0
"""Points between the lowest and the highest score from which a panel disagrees widely."""

MAX_SCORE = 10.0

EXAMINED_TEXT = 10_000
"""Characters of an imported text in which limitations are searched."""

MAX_POINTS_OF_MEMBER = 12
"""Limitations of one member that are merged, those that a reader needs most first."""

MAX_MERGED_POINTS = 24
"""Limitations of a panel."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Mean and standard deviation of a model's recent scores."""

    mean: float
    deviation: float

    @staticmethod
    def from_scores(scores: Sequence[float]) -> "Distribution | None":
        """Return the distribution of the first `RECENT_SCORES`, None for fewer than `MIN_SCORES`."""
        recent = scores[:RECENT_SCORES]
        if len(recent) < MIN_SCORES:
            return None
        mean = math.fsum(recent) / len(recent)
        return Distribution(mean, math.sqrt(math.fsum((score - mean) ** 2 for score in recent) / len(recent)))


@dataclass(frozen=True, slots=True)
class PanelPolicy:
    """Rules of the panel: the models of our own reviewer in their order, and weights by model.

    A model without a weight has 1. With `reviewers`, reviews that our own reviewer once made with another
    model are no members.
    """

    reviewers: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def weight_of(self, model: str) -> float:
        """Return the weight of a model."""
        return self.weights.get(model, 1.0)

    def place_of(self, review: Review) -> tuple[float, int, str, int]:
        """Return the key by which members are sorted: the most weight first, then the reviewer's order."""
        place = self.reviewers.index(review.model) if review.model in self.reviewers else len(self.reviewers)
        return -self.weight_of(review.model), place, review.model, review.sample


def choose_members(reviews: Sequence[Review], policy: PanelPolicy) -> list[Review]:
    """Return the members of a paper's panel among all its reviews, which are in the order of their arrival.

    Of each model and sample the newest review counts: the last to arrive, unless an earlier one has a later
    date. A review is no member without a model's name beside newer ones, or if it is of an earlier version
    of the paper, older than the newest by `MAX_AGE`, without weight, or by a former model of our reviewer.
    There is at least one member for at least one review.
    """
    if not reviews:
        return []
    newest, by_seat = reviews[0], dict[tuple[str, int], Review]()
    for review in reviews:
        newest = _choose_newer(newest, review)
        seat = review.model, review.sample
        by_seat[seat] = _choose_newer(by_seat.get(seat, review), review)
    if not newest.model:
        return [newest]
    version = max(map(_version_of, by_seat.values()))
    members = [
        review
        for review in by_seat.values()
        if review.model
        and _version_of(review) in (0, version)
        and not _is_of_earlier_time(review, newest.reviewed_at)
        and policy.weight_of(review.model) > 0
        and not _is_by_former_reviewer(review, policy)
    ]
    return sorted(members, key=policy.place_of) or [newest]


def _choose_newer(known: Review, incoming: Review) -> Review:
    is_older = known.reviewed_at and incoming.reviewed_at and incoming.reviewed_at < known.reviewed_at
    return known if is_older else incoming


def _version_of(review: Review) -> int:
    """Return the version of the paper that was reviewed, 0 if it is not known."""
    return (review.assessment.paper_version if review.assessment else None) or 0


def _is_of_earlier_time(review: Review, newest_at: datetime | None) -> bool:
    return bool(review.reviewed_at and newest_at and newest_at - review.reviewed_at > MAX_AGE)


def _is_by_former_reviewer(review: Review, policy: PanelPolicy) -> bool:
    return bool(review.assessment and policy.reviewers and review.model not in policy.reviewers)


def combine_reviews(
    members: Sequence[Review], policy: PanelPolicy, distributions: Mapping[str, Distribution]
) -> Review:
    """Return the review that a panel's members make together, whatever their order; one member is itself.

    `distributions` are those of the models, where they are known. There must be at least one member.
    """
    if len(members) == 1:
        return members[0]
    in_order = sorted(members, key=policy.place_of)
    first = in_order[0]
    seats = tuple(_seat_member(review, first, policy, distributions) for review in in_order)
    limitations, reader_count = _merge_limitations(in_order)
    panel = Panel(seats, first.scale, limitations, reader_count)
    # A review of title and abstract says less than one of the whole paper.
    by_text = sorted(in_order, key=_is_scored_only)
    return Review(
        score=_compute_mean(panel),
        rank=next((review.rank for review in in_order if review.rank is not None), None),
        tldr=_take_first(review.tldr for review in by_text),
        methodology=_take_first(review.methodology for review in by_text),
        experiments=_take_first(review.experiments for review in by_text),
        reproducibility=_take_first(review.reproducibility for review in by_text),
        limitations=_take_first(review.limitations for review in by_text),
        impact=_take_first(review.impact for review in by_text),
        model=first.model,
        reviewed_at=max((review.reviewed_at for review in members if review.reviewed_at), default=None),
        read_depth=by_text[0].read_depth,
        assessment=_combine_assessments(by_text),
        panel=panel,
    )


def is_divided(panel: Panel) -> bool:
    """Return True for a panel whose scores lie at least `WIDE_SPREAD` apart."""
    scores = panel.placed_scores
    return bool(scores) and scores[-1] - scores[0] >= WIDE_SPREAD


def _seat_member(
    review: Review, first: Review, policy: PanelPolicy, distributions: Mapping[str, Distribution]
) -> PanelMember:
    placed = review.score
    if placed is not None and review.model != first.model:
        placed = place_score(placed, distributions.get(review.model), distributions.get(first.model))
    return PanelMember(review.model, review.sample, policy.weight_of(review.model), review.score, placed)


def place_score(score: float, own: Distribution | None, common: Distribution | None) -> float:
    """Return the score on a common scale: as far from its mean, in deviations, as on its own scale.

    The score itself is returned while a distribution is not known, or has no deviation.
    """
    if not own or not common or not own.deviation or not common.deviation:
        return score
    placed = common.mean + (score - own.mean) / own.deviation * common.deviation
    return round(min(max(placed, 0.0), MAX_SCORE), 2)


def _compute_mean(panel: Panel) -> float | None:
    scored = [
        (member.weight or 1.0, member.placed_score)
        for member in panel.members
        if member.placed_score is not None
    ]
    if not scored:
        return None
    total = math.fsum(weight for weight, _ in scored)
    mean = round(math.fsum(weight * score for weight, score in scored) / total, 2)
    return min(max(mean, panel.placed_scores[0]), panel.placed_scores[-1])


def _is_scored_only(review: Review) -> bool:
    return bool(review.assessment and review.assessment.review_depth is ReviewDepth.SCORE)


def _take_first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text.strip()), "")


def _combine_assessments(members: Sequence[Review]) -> Assessment | None:
    """Return the first member's assessment, with the counts of all and the quote of the TL;DR that is shown.

    The panel has the limitations.
    """
    assessments = [review.assessment for review in members if review.assessment]
    if not assessments:
        return None
    teller = next((review for review in members if review.tldr.strip()), members[0])
    return replace(
        assessments[0],
        tldr_quote=teller.assessment.tldr_quote if teller.assessment else "",
        dropped_quotes=sum(each.dropped_quotes for each in assessments),
        tokens=sum(each.tokens for each in assessments),
    )


def _merge_limitations(members: Sequence[Review]) -> tuple[tuple[PanelLimitation, ...], int]:
    """Return the limitations of all members, those that most of them found first, and their readers.

    Readers are the members that named any. A limitation keeps the words of its first finder and the quotes
    of all.
    """
    merged: list[_Finding] = []
    reader_count = 0
    for place, member in enumerate(members):
        points = _list_points(member)
        reader_count += bool(points)
        for text, quote in points:
            finding = next((each for each in merged if is_near_duplicate(text, [each.text])), None)
            if not finding:
                if len(merged) == MAX_MERGED_POINTS:
                    continue
                finding = _Finding(text)
                merged.append(finding)
            finding.finders.add(place)
            if quote and quote not in finding.quotes:
                finding.quotes.append(quote)
    merged.sort(key=lambda each: -len(each.finders))
    limitations = tuple(PanelLimitation(each.text, tuple(each.quotes), len(each.finders)) for each in merged)
    return limitations, reader_count


@dataclass(slots=True)
class _Finding:
    text: str
    quotes: list[str] = field(default_factory=list)
    finders: set[int] = field(default_factory=set)


def _list_points(review: Review) -> list[tuple[str, str]]:
    """Return a member's limitations with their quotes: named by our reviewer, else found in its text."""
    if review.assessment and review.assessment.key_limitations:
        named = [(point.text, point.quote) for point in review.assessment.key_limitations]
        return named[:MAX_POINTS_OF_MEMBER]
    found = rank_points(extract_points(review.limitations[:EXAMINED_TEXT]))
    return [(clip_text(point, EXAMINED_CHARACTERS), "") for point in found[:MAX_POINTS_OF_MEMBER]]
