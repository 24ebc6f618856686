"""The order that comes out of comparisons."""

from hypothesis import given
from hypothesis import strategies as st

from digests.model import Better
from digests.reviewers.pairs import ordered, ordered_pairs

names = st.lists(st.text("abcdefgh", min_size=1, max_size=3), unique=True, max_size=9)
verdicts = st.sampled_from(Better)


@given(names)
def test_each_pair_is_compared_in_both_orders_and_none_with_itself(papers: list[str]) -> None:
    pairs = ordered_pairs(papers)
    assert len(pairs) == len(set(pairs)) == len(papers) * max(0, len(papers) - 1)
    assert {(second, first) for first, second in pairs} == set(pairs)


@given(names)
def test_a_judge_who_is_of_one_mind_gets_that_order_whatever_stood_before(papers: list[str]) -> None:
    mind = sorted(papers)
    found = {
        (first, second): Better.FIRST if mind.index(first) < mind.index(second) else Better.SECOND
        for first, second in ordered_pairs(papers)
    }
    assert ordered(papers, found) == mind


@given(names, verdicts)
def test_a_judge_who_only_sees_the_position_changes_nothing(papers: list[str], always: Better) -> None:
    assert ordered(papers, dict.fromkeys(ordered_pairs(papers), always)) == papers


@given(names, st.data())
def test_whatever_was_found_no_paper_is_lost_and_a_further_win_never_lowers_a_paper(
    papers: list[str], drawn: st.DataObject
) -> None:
    found = {pair: drawn.draw(verdicts) for pair in ordered_pairs(papers)}
    before = ordered(papers, found)
    assert before is not None
    assert sorted(before) == sorted(papers)
    if found:
        pair = drawn.draw(st.sampled_from(sorted(found)))
        after = ordered(papers, {**found, pair: Better.FIRST})
        assert after
        assert after.index(pair[0]) <= before.index(pair[0])


@given(names.filter(lambda papers: len(papers) > 1), st.data())
def test_before_every_pair_is_known_there_is_no_order(papers: list[str], drawn: st.DataObject) -> None:
    found = dict.fromkeys(ordered_pairs(papers), Better.FIRST)
    del found[drawn.draw(st.sampled_from(sorted(found)))]
    assert ordered(papers, found) is None
