"""The order that comes out of comparisons."""

from hypothesis import given
from hypothesis import strategies as st

from digests.model import Verdict
from digests.reviewers.pairwise import pair_in_both_orders, rank_papers

names = st.lists(st.text("abcdefgh", min_size=1, max_size=3), unique=True, max_size=9)
verdicts = st.sampled_from(Verdict)


@given(names)
def test_each_pair_is_compared_in_both_orders_and_none_with_itself(papers: list[str]) -> None:
    pairs = pair_in_both_orders(papers)
    assert len(pairs) == len(set(pairs)) == len(papers) * max(0, len(papers) - 1)
    assert {(second, first) for first, second in pairs} == set(pairs)


@given(names)
def test_a_judge_who_is_of_one_mind_gets_that_order_whatever_stood_before(papers: list[str]) -> None:
    mind = sorted(papers)
    found = {
        (first, second): Verdict.FIRST if mind.index(first) < mind.index(second) else Verdict.SECOND
        for first, second in pair_in_both_orders(papers)
    }
    assert rank_papers(papers, found) == mind


@given(names, verdicts)
def test_a_judge_who_only_sees_the_position_changes_nothing(papers: list[str], always: Verdict) -> None:
    assert rank_papers(papers, dict.fromkeys(pair_in_both_orders(papers), always)) == papers


@given(names, st.data())
def test_whatever_was_found_no_paper_is_lost_and_a_further_win_never_lowers_a_paper(
    papers: list[str], drawn: st.DataObject
) -> None:
    found = {pair: drawn.draw(verdicts) for pair in pair_in_both_orders(papers)}
    before = rank_papers(papers, found)
    assert before is not None
    assert sorted(before) == sorted(papers)
    if found:
        pair = drawn.draw(st.sampled_from(sorted(found)))
        after = rank_papers(papers, {**found, pair: Verdict.FIRST})
        assert after
        assert after.index(pair[0]) <= before.index(pair[0])


@given(names.filter(lambda papers: len(papers) > 1), st.data())
def test_before_every_pair_is_known_there_is_no_order(papers: list[str], drawn: st.DataObject) -> None:
    found = dict.fromkeys(pair_in_both_orders(papers), Verdict.FIRST)
    del found[drawn.draw(st.sampled_from(sorted(found)))]
    assert rank_papers(papers, found) is None
