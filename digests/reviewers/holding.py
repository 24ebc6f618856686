"""The rule for holding suspect papers: a score that stands out, beside text that reads like an order."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import quantiles

from digests.model import Review, ScoredPaper
from digests.reviewers.context import ReviewContext

COMPARISON_PERIOD = timedelta(days=30)
"""Age of the scores that a suspect paper's score is compared with."""

MIN_SCORES_FOR_QUANTILES = 20
"""Number of scores from which quantiles are computed."""

HIGH_SCORE = 8.0
"""Score from which a paper stands out, while there are too few scores for quantiles."""

SCORE_JUMP = 2.0
"""Points by which a full review's score must exceed the earlier score to stand out.

A jump this large suggests that something in the full text moved the model.
"""


def find_hold_reason(context: ReviewContext, scored: ScoredPaper, new_review: Review) -> str:
    """Return a sentence that says why a person must decide about the paper, else an empty string.

    A paper is held if holding is on, it has a suspect flag, and its new score is unusually high. `scored` has
    the paper's new flags and its earlier review. Reads the store and writes nothing. Raises StoreError.
    """
    suspect_flag = next((flag for flag in scored.paper.flags if flag.is_suspect), None)
    if not context.hold_suspects or not suspect_flag or new_review.score is None:
        return ""
    previous_score = scored.review.score if scored.review.assessment else None
    if not is_unusually_high(new_review.score, _load_comparable_scores(context), previous_score):
        return ""
    return (
        f"It holds what reads like an order to its reviewer ({suspect_flag.category}), "
        f"and its score of {new_review.score} stands out."
    )


def _load_comparable_scores(context: ReviewContext) -> list[float]:
    library = context.store.library
    after = library.sequence_at(context.clock() - COMPARISON_PERIOD)
    candidates = library.candidates(after, library.latest_sequence(), with_text=False)
    return [
        candidate.score
        for candidate in candidates
        if candidate.scale == context.scale and candidate.score is not None
    ]


def is_unusually_high(score: float, other_scores: Sequence[float], previous_score: float | None) -> bool:
    """Return True for a score in the top tenth of `other_scores`, or far above the paper's previous score.

    Far above means `SCORE_JUMP` or more; None means no previous score. With fewer than
    `MIN_SCORES_FOR_QUANTILES` other scores, `HIGH_SCORE` takes the place of the top tenth.
    """
    if previous_score is not None and score - previous_score >= SCORE_JUMP:
        return True
    if len(other_scores) < MIN_SCORES_FOR_QUANTILES:
        return score >= HIGH_SCORE
    return score >= quantiles(other_scores, n=10)[-1]
