"""Verdicts of the reviewer on pairs of papers, and the order that follows from them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from digests.model import Verdict


class PairwiseRanking(Protocol):
    """Saved comparisons, so that no pair is paid for twice, and the ranking of each day's best papers.

    A paper version is a name that stands for one version of one paper: a new version is compared again.
    """

    def verdicts(self, scale: str, paper_versions: Collection[str]) -> Mapping[tuple[str, str], Verdict]:
        """Return the saved verdicts between these paper versions on a scale, keyed by the pair as shown."""

    def save_verdict(self, scale: str, first: str, second: str, verdict: Verdict, *, now: datetime) -> None:
        """Save a verdict on two paper versions in the order shown. A verdict saved before is kept."""

    def save_ranking(self, day: date, papers: Sequence[str]) -> None:
        """Replace a day's ranking by these paper ids, best first.

        A rank counts until its paper gets a newer review. Papers without a review get no rank.
        """
