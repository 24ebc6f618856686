"""Verdicts of the reviewer on pairs of papers, and the order that follows from them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from digests.model import Verdict


class PairwiseRanking(Protocol):
    """Saved comparisons, so that no pair is paid for twice, and the ranking of each day's best papers.

    A scale names the model and rubric of a comparison. A paper version is a text that names one version of
    one paper: a new version is compared again.
    """

    def verdicts(self, scale: str, paper_versions: Collection[str]) -> Mapping[tuple[str, str], Verdict]:
        """Return the saved verdicts on pairs of these paper versions, on one scale.

        Keys are pairs in the order in which the model was shown them. Pairs without a verdict are left out.
        """

    def save_verdict(self, scale: str, first: str, second: str, verdict: Verdict, *, now: datetime) -> None:
        """Save a verdict on two paper versions, in the order in which the model was shown them.

        A verdict saved before on the same pair in the same order is kept.
        """

    def save_ranking(self, day: date, papers: Sequence[str]) -> None:
        """Replace a day's ranking by these paper ids, best first.

        A rank belongs to the paper's current review: it no longer counts once the paper has a newer one, and
        replaces the review's rank of another day. Papers without a review get no rank.
        """
