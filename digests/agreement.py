"""Agreement of models' scores with people's: rank correlations, panels of models, and their uncertainty.

Cost: n log n in the papers. Intervals resample at most `MAX_SAMPLE` papers, in a bounded number of draws.
Every draw comes from one seed, so that the same input gives the same figures.
"""

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import ceil, comb, sqrt
from operator import itemgetter, mul
from statistics import fmean

from digests.errors import InputError

MIN_PAPERS = 5
"""Papers with both kinds of scores below which nothing is measured."""

MAX_MODELS = 20
"""Models that are compared with each other: the pairs grow with their square."""

TOP_SHARE = 0.1
"""Share of the papers that counts as the top."""

DRAWS = 400
"""Bootstrap samples of an interval."""

MAX_SAMPLE = 250
"""Papers of one bootstrap sample. Of more papers, the width of the interval is scaled to their number."""

CEILING_DRAWS, MIN_CEILING_DRAWS = 200, 10
"""Draws of one person for each paper, whose mean is the agreement among people; fewer of many papers."""

SPLITS = 20
"""Random halves on which weights are fitted."""

MAX_HALVED = 1000
"""Papers of one pair of halves."""

INSERTION_SIZE = 1_000
"""Values up to which insertion into one list is faster than halves."""

SEED = 20_261_129

ModelScores = Mapping[str, Mapping[str, float]]
"""Scores by model, then by paper."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """People's scores of one paper, one a person, on any scale. `accepted` is None without a decision."""

    scores: tuple[float, ...]
    accepted: bool | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of one series of scores with people's mean scores.

    A figure is None where it is not defined: all scores are equal, or no paper has a decision.
    `top_precision` is the share of the series' top papers that are among people's.
    """

    count: int
    spearman: Estimate | None
    kendall: Estimate | None
    auc: Estimate | None
    top_precision: float | None


@dataclass(frozen=True, slots=True)
class FittedPanel:
    """Weights that were fitted on one half of the papers, and the agreement on the other half.

    Weights add up to 1. All figures are means over `SPLITS` random halves.
    """

    weights: Mapping[str, float]
    spearman: float
    spearman_of_equal_weights: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Agreement of every model, every pair and the whole panel with people, and of people with each other.

    A panel's score is the mean of its members' standardised scores, of the papers that all of them scored.
    `panel` is None with one model, or without `MIN_PAPERS` papers in common. `ceiling` is the agreement of
    one person with the mean of the others, None if hardly any paper has two people's scores.
    """

    models: Mapping[str, Agreement]
    pairs: Mapping[tuple[str, str], Agreement]
    panel: Agreement | None
    fitted: FittedPanel | None
    ceiling: Estimate | None
    ceiling_count: int


def evaluate_agreement(judgements: Mapping[str, Judgement], scores: ModelScores) -> Evaluation:
    """Compare models' scores with people's.

    Raises InputError for too many models, and if hardly any paper has both kinds of scores.
    """
    if len(scores) > MAX_MODELS:
        raise InputError(f"{len(scores)} models are too many to compare: name up to {MAX_MODELS} by --model.")
    shared = {
        model: {paper: score for paper, score in of_paper.items() if paper in judgements}
        for model, of_paper in scores.items()
    }
    shared = {model: of_paper for model, of_paper in shared.items() if len(of_paper) >= MIN_PAPERS}
    if not shared:
        raise InputError(
            f"No model scored {MIN_PAPERS} or more of the papers that people scored, and fewer show nothing: "
            "check that both name the papers by the same ids."
        )
    people = {paper: round(_mean(judgement.scores), 9) for paper, judgement in judgements.items()}
    accepted = {
        paper: int(judgement.accepted)
        for paper, judgement in judgements.items()
        if judgement.accepted is not None
    }
    target = Target(people, accepted)
    standardised = {model: _standardise_scores(of_paper) for model, of_paper in shared.items()}
    common = sorted(set.intersection(*(set(of_paper) for of_paper in shared.values())))
    has_panel = len(shared) > 1 and len(common) >= MIN_PAPERS
    ceiling, ceiling_count = _measure_ceiling(judgements)
    return Evaluation(
        models={model: _measure(of_paper, target) for model, of_paper in shared.items()},
        pairs=_measure_pairs(standardised, target),
        panel=_measure(_average([*standardised.values()], common), target) if has_panel else None,
        fitted=_fit_panel(standardised, common, people) if has_panel else None,
        ceiling=ceiling,
        ceiling_count=ceiling_count,
    )


@dataclass(frozen=True, slots=True)
class Target:
    """People's mean scores and decisions, by paper. A decision is 1 for an acceptance, 0 for a rejection."""

    means: Mapping[str, float]
    accepted: Mapping[str, int]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _measure_pairs(standardised: ModelScores, target: Target) -> dict[tuple[str, str], Agreement]:
    pairs = {}
    for first, second in combinations(standardised, 2):
        both = sorted(standardised[first].keys() & standardised[second].keys())
        if len(both) >= MIN_PAPERS:
            scores = _average([standardised[first], standardised[second]], both)
            pairs[first, second] = _measure(scores, target, with_all_intervals=False)
    return pairs


def _standardise_scores(of_paper: Mapping[str, float]) -> dict[str, float]:
    """Bring scores to mean 0 and standard deviation 1. Equal scores become 0."""
    # Scores of any size: their differences are divided first, so that no square overflows.
    largest = max(map(abs, of_paper.values())) or 1.0
    scaled = {paper: score / largest for paper, score in of_paper.items()}
    mean = fmean(scaled.values())
    deviation = sqrt(fmean((score - mean) ** 2 for score in scaled.values()))
    return {paper: (score - mean) / deviation if deviation else 0.0 for paper, score in scaled.items()}


def _average(members: Sequence[Mapping[str, float]], papers: Iterable[str]) -> dict[str, float]:
    return {paper: _mean([member[paper] for member in members]) for paper in papers}


def _measure(of_paper: Mapping[str, float], target: Target, *, with_all_intervals: bool = True) -> Agreement:
    """Measure one series. Without `with_all_intervals` only Spearman's gets an interval of its own."""
    papers = sorted(of_paper)
    # Rounding joins what only the order of an addition keeps apart.
    ours = _to_levels([round(of_paper[paper], 9) for paper in papers])
    people = _to_levels([target.means[paper] for paper in papers])
    decided = [at for at, paper in enumerate(papers) if paper in target.accepted]
    interval = _estimate if with_all_intervals else _estimate_point
    return Agreement(
        len(papers),
        _estimate(compute_spearman, ours, people),
        interval(compute_kendall, ours, people),
        interval(compute_auc, [ours[at] for at in decided], [target.accepted[papers[at]] for at in decided]),
        compute_top_precision(ours, people),
    )


Pick = Callable[[Sequence[int]], Sequence[int]]
Statistic = Callable[[Sequence[int], Sequence[int]], float | None]


def _to_levels(values: Sequence[float]) -> list[int]:
    """Replace values by their places among the different ones, from 0."""
    place = {value: at for at, value in enumerate(sorted(set(values)))}
    return [place[value] for value in values]


def _estimate_point(statistic: Statistic, left: Sequence[int], right: Sequence[int]) -> Estimate | None:
    value = statistic(left, right)
    return None if value is None else Estimate(value, value, value)


def _estimate(statistic: Statistic, left: Sequence[int], right: Sequence[int]) -> Estimate | None:
    """Compute a statistic with its bootstrap interval, the percentiles over samples of whole papers."""
    value = statistic(left, right)
    if value is None:
        return None
    shrink = sqrt(min(1.0, MAX_SAMPLE / len(left)))
    samples = [statistic(pick(left), pick(right)) for pick in _draw_samples(len(left))]
    return _bound(value, [value + (drawn - value) * shrink for drawn in samples if drawn is not None])


@lru_cache(maxsize=4)
def _draw_samples(count: int) -> Sequence[Pick]:
    """Draw samples of papers with replacement, as functions that pick them from a sequence."""
    draw = random.Random(SEED)  # noqa: S311
    size = min(count, MAX_SAMPLE)
    return [itemgetter(*draw.choices(range(count), k=size)) for _ in range(DRAWS)]


def _bound(value: float, found: list[float]) -> Estimate:
    """Return a value with the 2.5 % and 97.5 % percentiles of what samples gave."""
    found.sort()
    if not found:
        return Estimate(value, value, value)
    last = len(found) - 1
    return Estimate(value, found[round(0.025 * last)], found[round(0.975 * last)])


def compute_spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Compute Spearman's rank correlation, ties by their mean rank. None if a side has one value only."""
    ranks, other_ranks = _rank(left), _rank(right)
    mean = (len(ranks) + 1) / 2
    middle = len(ranks) * mean * mean
    spread = sum(map(mul, ranks, ranks)) - middle
    other_spread = sum(map(mul, other_ranks, other_ranks)) - middle
    if spread <= 0 or other_spread <= 0:
        return None
    return float((sum(map(mul, ranks, other_ranks)) - middle) / sqrt(spread * other_spread))


def _rank(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1, equal values by their mean rank."""
    rank_of, before = {}, 0
    counts = Counter(values)
    for value in sorted(counts):
        rank_of[value] = before + (counts[value] + 1) / 2
        before += counts[value]
    return [rank_of[value] for value in values]


def compute_kendall(left: Sequence[int], right: Sequence[int]) -> float | None:
    """Compute Kendall's tau-b in n log n. None if all values of a side are equal."""
    pairs = comb(len(left), 2)
    ties = sum(comb(count, 2) for count in Counter(left).values())
    other_ties = sum(comb(count, 2) for count in Counter(right).values())
    joint_ties = sum(comb(count, 2) for count in Counter(zip(left, right, strict=True)).values())
    if ties == pairs or other_ties == pairs:
        return None
    discordant, _ = _count_inversions([second for _, second in sorted(zip(left, right, strict=True))])
    concordant = pairs - ties - other_ties + joint_ties - discordant
    return float((concordant - discordant) / sqrt((pairs - ties) * (pairs - other_ties)))


def _count_inversions(values: Sequence[int]) -> tuple[int, list[int]]:
    """Count the pairs of which the earlier value is greater. Returns also the values in order."""
    inversions = 0
    if len(values) <= INSERTION_SIZE:
        ordered: list[int] = []
        for value in values:
            at = bisect_right(ordered, value)
            inversions += len(ordered) - at
            ordered.insert(at, value)
        return inversions, ordered
    middle = len(values) // 2
    (before, first), (after, second) = _count_inversions(values[:middle]), _count_inversions(values[middle:])
    between = sum([middle - bisect_right(first, value) for value in second])
    return before + after + between, sorted(first + second)


def compute_auc(scores: Sequence[float], accepted: Sequence[int]) -> float | None:
    """Compute the chance that an accepted paper scores above a rejected one, ties by half.

    None unless there are papers of both kinds. `accepted` holds 1 and 0.
    """
    positives = sum(accepted)
    negatives = len(accepted) - positives
    if not positives or not negatives:
        return None
    rank_sum = sum(map(mul, _rank(scores), accepted))
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def compute_top_precision(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Compute the share of the top papers of one side that are in the top of the other.

    The top is `TOP_SHARE` of the papers, rounded up. Papers with equal scores at its border share the places
    that are left. None if all values of a side are equal.
    """
    if len(set(left)) < 2 or len(set(right)) < 2:
        return None
    places = ceil(len(left) * TOP_SHARE)
    return float(sum(map(mul, _share_places(left, places), _share_places(right, places))) / places)


def _share_places(values: Sequence[float], places: int) -> list[float]:
    border = sorted(values, reverse=True)[places - 1]
    above = sum(value > border for value in values)
    share = (places - above) / sum(value == border for value in values)
    return [1.0 if value > border else share if value == border else 0.0 for value in values]


def _measure_ceiling(judgements: Mapping[str, Judgement]) -> tuple[Estimate | None, int]:
    """Measure how one person, drawn for each paper, agrees with the mean of the others.

    Returns also the number of papers with scores of two people or more.
    """
    several = [judgement.scores for _, judgement in sorted(judgements.items()) if len(judgement.scores) > 1]
    if len(several) < MIN_PAPERS:
        return None, len(several)
    draw = random.Random(SEED)  # noqa: S311
    size = min(len(several), MAX_SAMPLE)
    draws = max(MIN_CEILING_DRAWS, CEILING_DRAWS * size // len(several))
    values = [_draw_person(several, draw) for _ in range(draws)]
    found = [value for value in values if value is not None]
    if not found:
        return None, len(several)
    mean = fmean(found)
    samples = []
    for _ in range(DRAWS):
        drawn = _draw_person(draw.choices(several, k=size), draw)
        if drawn is not None:
            samples.append(mean + (drawn - mean) * sqrt(size / len(several)))
    return _bound(mean, samples), len(several)


def _draw_person(papers: Sequence[Sequence[float]], draw: random.Random) -> float | None:
    drawn: list[float] = []
    others: list[float] = []
    for scores in papers:
        at = int(draw.random() * len(scores))
        drawn.append(scores[at])
        others.append(round((sum(scores) - scores[at]) / (len(scores) - 1), 9))
    return compute_spearman(drawn, others)


def _fit_panel(
    standardised: ModelScores, common: Sequence[str], means: Mapping[str, float]
) -> FittedPanel | None:
    """Fit weights on random halves, and test them on the others. None if no half can be measured."""
    draw = random.Random(SEED)  # noqa: S311
    people = _standardise_scores({paper: means[paper] for paper in common})
    total, found = dict.fromkeys(standardised, 0.0), []
    for _ in range(SPLITS):
        papers = draw.sample(common, min(len(common), MAX_HALVED))
        training, test = papers[: len(papers) // 2], papers[len(papers) // 2 :]
        weights = _fit_weights(
            {model: [of_paper[paper] for paper in training] for model, of_paper in standardised.items()},
            [people[paper] for paper in training],
        )
        target = [people[paper] for paper in test]
        fitted, equal = (
            compute_spearman([_weigh(standardised, by_model, paper) for paper in test], target)
            for by_model in (weights, dict.fromkeys(standardised, 1.0))
        )
        if fitted is not None and equal is not None:
            found.append((fitted, equal))
            total = {model: total[model] + weights[model] for model in total}
    if not found:
        return None
    return FittedPanel(
        {model: weight / len(found) for model, weight in total.items()},
        fmean(fitted for fitted, _ in found),
        fmean(equal for _, equal in found),
    )


def _weigh(standardised: ModelScores, weights: Mapping[str, float], paper: str) -> float:
    return round(sum([weights[model] * of_paper[paper] for model, of_paper in standardised.items()]), 9)


def _fit_weights(columns: Mapping[str, Sequence[float]], target: Sequence[float]) -> dict[str, float]:
    """Fit weights that add up to 1 by least squares. A model whose weight would be negative gets 0."""
    members = list(columns)
    while members:
        # The small ridge keeps models that always agree solvable.
        matrix = [
            [sum(map(mul, columns[row], columns[column])) + (row == column) for column in members]
            for row in members
        ]
        solved = _solve(matrix, [sum(map(mul, columns[row], target)) for row in members])
        if all(weight >= 0 for weight in solved):
            break
        members = [member for member, weight in zip(members, solved, strict=True) if weight >= 0]
    total = sum(solved) if members else 0.0
    if not total:
        return dict.fromkeys(columns, 1 / len(columns))
    by_member = dict(zip(members, solved, strict=True))
    return {model: by_member.get(model, 0.0) / total for model in columns}


def _solve(matrix: list[list[float]], target: list[float]) -> list[float]:
    """Solve linear equations with a positive definite matrix, by elimination."""
    rows = [[*row, value] for row, value in zip(matrix, target, strict=True)]
    for at, pivot in enumerate(rows):
        for row in rows[at + 1 :]:
            factor = row[at] / pivot[at]
            row[at:] = [value - factor * upper for value, upper in zip(row[at:], pivot[at:], strict=True)]
    solved: list[float] = []
    for at in range(len(rows) - 1, -1, -1):
        known = sum(map(mul, rows[at][at + 1 : -1], solved))
        solved.insert(0, (rows[at][-1] - known) / rows[at][at])
    return solved
