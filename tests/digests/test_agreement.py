"""Agreement of scores: the statistics against their definitions, and made and real papers."""

import random
import time
from itertools import combinations, product
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.agreement import (
    Judgement,
    compute_auc,
    compute_kendall,
    compute_spearman,
    compute_top_precision,
    evaluate_agreement,
)
from digests.errors import InputError
from digests.sources.score_files import read_judgements, read_model_scores
from tests.shared_data import FOLDER, needs_shared_data

SMALL = st.integers(0, 4)
PAIRED = st.lists(st.tuples(SMALL, SMALL), min_size=2, max_size=30)


def sign(value: float) -> int:
    return (value > 0) - (value < 0)


@given(PAIRED)
def test_kendall_is_tau_b_by_its_definition(pairs: list[tuple[int, int]]) -> None:
    signs = [(sign(a[0] - b[0]), sign(a[1] - b[1])) for a, b in combinations(pairs, 2)]
    left, right = sum(a != 0 for a, _ in signs), sum(b != 0 for _, b in signs)
    found = compute_kendall([a for a, _ in pairs], [b for _, b in pairs])
    if not left or not right:
        assert found is None
    else:
        assert found == pytest.approx(sum(a * b for a, b in signs) / sqrt(left * right))


@given(PAIRED)
def test_auc_is_the_share_of_pairs_in_order_ties_by_half(pairs: list[tuple[int, int]]) -> None:
    scores, accepted = [a for a, _ in pairs], [int(b > 2) for _, b in pairs]
    above = [score for score, decision in zip(scores, accepted, strict=True) if decision]
    below = [score for score, decision in zip(scores, accepted, strict=True) if not decision]
    both = list(product(above, below))
    found = compute_auc(scores, accepted)
    assert found == (
        pytest.approx(sum((a > b) + (a == b) / 2 for a, b in both) / len(both)) if both else None
    )


def test_kendall_of_many_values_is_that_of_its_definition() -> None:
    """Above a thousand values the inversions are counted in halves."""
    draw = random.Random(3)
    left = [draw.randrange(60) for _ in range(2_500)]
    right = [value + draw.randrange(60) for value in left]
    signs = [
        (sign(a[0] - b[0]), sign(a[1] - b[1])) for a, b in combinations(zip(left, right, strict=True), 2)
    ]
    expected = sum(a * b for a, b in signs) / sqrt(
        sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs)
    )
    assert compute_kendall(left, right) == pytest.approx(expected)


def test_spearman_ranks_ties_by_their_mean() -> None:
    assert compute_spearman([1, 2, 3, 4], [10, 20, 30, 400]) == pytest.approx(1)
    assert compute_spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert compute_spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / sqrt(4.5 * 5))
    assert compute_spearman([1, 1, 1], [1, 2, 3]) is None


def test_papers_with_equal_scores_share_the_last_places_of_the_top() -> None:
    assert compute_top_precision([9, 5, 5, *[0] * 17], [9, 8, 1, *[0] * 17]) == pytest.approx(0.75)
    assert compute_top_precision([1] * 20, list(range(20))) is None


def made_papers(count: int, models: int = 3) -> tuple[dict[str, Judgement], dict[str, dict[str, float]]]:
    draw = random.Random(5)
    quality = {str(n): draw.gauss(0, 1) for n in range(count)}
    judgements = {
        paper: Judgement(tuple(round(good + draw.gauss(0, 1)) for _ in range(4)), good > 1)
        for paper, good in quality.items()
    }
    return judgements, {
        f"m{at}": {paper: good + draw.gauss(0, 1 + at) for paper, good in quality.items()}
        for at in range(models)
    }


def test_a_constant_model_and_one_that_reads_other_papers_do_no_harm() -> None:
    judgements, scores = made_papers(60)
    scores["constant"] = dict.fromkeys(judgements, 5.0)
    scores["elsewhere"] = {"other": 1.0}
    found = evaluate_agreement(judgements, scores)
    assert found.models["constant"].spearman is None
    assert "elsewhere" not in found.models
    assert found.panel is not None
    assert found.panel.spearman is not None
    assert found.fitted is not None
    assert found.fitted.weights["constant"] == 0
    assert sum(found.fitted.weights.values()) == pytest.approx(1)
    assert found.fitted.weights["m0"] > found.fitted.weights["m2"]


def test_the_same_scores_have_the_same_figures_in_any_order() -> None:
    judgements, scores = made_papers(40)
    turned = {model: dict(reversed(of_paper.items())) for model, of_paper in scores.items()}
    assert evaluate_agreement(judgements, scores) == evaluate_agreement(
        dict(reversed(judgements.items())), turned
    )


def test_intervals_of_ten_times_the_papers_are_a_third_as_wide() -> None:
    widths = []
    for count in (500, 5_000):
        judgements, scores = made_papers(count, models=1)
        spearman = evaluate_agreement(judgements, scores).models["m0"].spearman
        assert spearman is not None
        assert spearman.low < spearman.value < spearman.high
        widths.append(spearman.high - spearman.low)
    assert widths[0] / widths[1] == pytest.approx(sqrt(10), rel=0.25)


def test_ten_thousand_papers_cost_little_more_than_a_thousand() -> None:
    costs = []
    for count in (1_000, 10_000):
        papers = made_papers(count)
        began = time.process_time()
        evaluate_agreement(*papers)
        costs.append(time.process_time() - began)
    assert costs[1] < 12 * costs[0]


def test_huge_and_tiny_scores_do_not_overflow() -> None:
    judgements, scores = made_papers(20)
    scores["huge"] = {paper: score * 1e300 for paper, score in scores["m0"].items()}
    found = evaluate_agreement(judgements, scores)
    assert found.models["huge"].spearman == found.models["m0"].spearman


def test_too_little_and_too_much_are_refused_in_a_sentence() -> None:
    judgements, _ = made_papers(20)
    with pytest.raises(InputError, match="by the same ids"):
        evaluate_agreement(judgements, {"m": {"other": 1.0}})
    with pytest.raises(InputError, match="too many to compare"):
        evaluate_agreement(judgements, {f"m{n}": {} for n in range(21)})


@needs_shared_data
def test_real_models_agree_with_people_as_others_measured() -> None:
    folder = FOLDER / "agreement"
    judgements = read_judgements(str(folder / "human.jsonl"))
    found = evaluate_agreement(judgements, read_model_scores(str(folder / "models.jsonl")))
    alone = sorted(round(each.spearman.value, 2) for each in found.models.values() if each.spearman)
    assert alone == [0.24, 0.33, 0.34]
    assert found.panel is not None
    assert found.panel.spearman is not None
    assert round(found.panel.spearman.value, 2) == 0.40
    assert found.panel.spearman.low < 0.34 < found.panel.spearman.high
    assert found.ceiling is not None
    assert 0.35 < found.ceiling.value < 0.5
