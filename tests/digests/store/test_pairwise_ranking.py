"""Saved verdicts and the ranks of a day."""

from datetime import timedelta

import pytest

from digests.model import PairwiseRank, Verdict
from tests.builders import NOW, TODAY, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)


def test_a_verdict_is_saved_once_and_found_by_papers_and_scale() -> None:
    pairwise_ranking = a_store().pairwise_ranking
    pairwise_ranking.save_verdict("s", "a", "b", Verdict.FIRST, now=NOW)
    pairwise_ranking.save_verdict("s", "a", "b", Verdict.SECOND, now=LATER)
    pairwise_ranking.save_verdict("s", "b", "c", Verdict.NEITHER, now=NOW)
    pairwise_ranking.save_verdict("other", "b", "a", Verdict.SECOND, now=NOW)
    assert pairwise_ranking.verdicts("s", ["a", "b"]) == {("a", "b"): Verdict.FIRST}
    assert pairwise_ranking.verdicts("s", ["b", "c"]) == {("b", "c"): Verdict.NEITHER}
    assert pairwise_ranking.verdicts("s", []) == {}


def test_a_rank_counts_until_its_day_is_ranked_again() -> None:
    store = a_store()
    store.library.add([(a_paper(name), a_review()) for name in "abc"], now=NOW)

    def list_ranks() -> dict[str, object]:
        found = store.library.candidates(0, store.library.latest_sequence(), with_text=False)
        return {candidate.id: candidate.pairwise_rank for candidate in found if candidate.pairwise_rank}

    store.pairwise_ranking.save_ranking(TODAY, ["b", "a"])
    store.pairwise_ranking.save_ranking(TODAY, ["b", "a"])
    assert list_ranks() == {"b": PairwiseRank(TODAY, 1, 2), "a": PairwiseRank(TODAY, 2, 2)}
    store.pairwise_ranking.save_ranking(TODAY, ["c", "b", "gone"])
    assert list_ranks() == {"c": PairwiseRank(TODAY, 1, 3), "b": PairwiseRank(TODAY, 2, 3)}
    store.pairwise_ranking.save_ranking(TODAY + timedelta(days=1), ["b"])
    assert list_ranks() == {
        "c": PairwiseRank(TODAY, 1, 3),
        "b": PairwiseRank(TODAY + timedelta(days=1), 1, 1),
    }
