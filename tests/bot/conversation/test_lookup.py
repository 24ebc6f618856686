"""Answers to /paper: help, numbers, limitations, filters, weak matches and further results."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.chat.message import Block, Button, ButtonAction, Buttons, Message, OptionRow
from bot.conversation.answers import Answers
from bot.conversation.lookup import LookupAnswers
from digests.build import DigestPolicy
from digests.model import Post, ScoredPaper
from digests.ports import Store
from digests.ports.search import FoundPaper, Match, SearchRequest, SearchResult
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_scored_paper, a_search_result, a_store

HERE = Channel("slack", "C1", "T1")
KTO = a_scored_paper("2402.01306", a_review(limitations="Only English."), title="KTO")
DPO = a_scored_paper("2305.18290", title="DPO")


class SearchRecorder:
    """A search that keeps the requests, and finds what it was given."""

    def __init__(self, result: SearchResult) -> None:
        self.result = result
        self.requests: list[SearchRequest] = []

    def find(self, request: SearchRequest) -> SearchResult:
        self.requests.append(request)
        return self.result


def lookup(result: SearchResult, store: Store | None = None) -> LookupAnswers:
    search = SearchRecorder(result)
    return Answers(store or a_store(), search.find, DigestPolicy(), lambda: NOW).lookup


def answer(text: str, *papers: ScoredPaper, match: Match = Match.TEXT, **fields: object) -> Message:
    result = replace(a_search_result(*papers, match=match), **fields)  # type: ignore[arg-type]
    return lookup(result).look_up_paper(text, HERE).message


def buttons(blocks: Sequence[Block]) -> list[Button]:
    return [one for block in blocks if isinstance(block, Buttons) for one in block.buttons]


@pytest.mark.parametrize("text", ["", "help", "Help!", "?"])
def test_help_is_help(text: str) -> None:
    assert answer(text).summary == "How to look a paper up"


def test_a_single_weak_hit_is_offered_and_not_presented() -> None:
    message = answer("kot", KTO, match=Match.WEAK)
    assert message.cards == ()
    assert "Did you mean this paper?" in str(message.blocks[0])
    assert [row.button.value for row in message.blocks if isinstance(row, OptionRow)] == ["2402.01306"]


def test_weak_hits_are_not_named_beside_the_paper_that_is_meant() -> None:
    found = (FoundPaper(KTO, Match.NAME), FoundPaper(DPO, Match.WEAK))
    message = lookup(SearchResult(found)).look_up_paper("kto").message
    assert [card.paper for card in message.cards] == ["2402.01306"]
    assert "DPO" not in str(message.blocks[1:])


def test_a_question_for_limitations_opens_them() -> None:
    message = answer("limitations of KTO", KTO, match=Match.NAME, wants_limitations=True)
    assert message.summary == "Limitations of KTO"
    assert "Only English." in str(message.blocks)
    unreviewed = answer("limitations of DPO", DPO, match=Match.NAME, wants_limitations=True)
    assert "was not reviewed" in str(unreviewed.blocks)


def test_an_uncertain_question_for_limitations_asks_which_paper() -> None:
    message = answer("limitations of x", KTO, DPO, match=Match.TITLE, wants_limitations=True)
    assert "Did you mean one of these 2?" in str(message.blocks[0])


def test_a_filter_that_leaves_nothing_is_named_above_the_papers_without_it() -> None:
    message = answer("kto min:9", KTO, match=Match.NAME, emptied_by=("min:9",))
    assert message.summary == "Nothing found with “min:9”; without it:"
    assert message.cards == ()


def test_an_unknown_id_says_why_it_is_not_fetched() -> None:
    message = answer("2401.00001", missing_ids=("2401.00001",))
    assert message.summary == "2401.00001 is not known here"
    assert "no source of papers from arXiv is set up" in str(message.blocks)
    assert "arXiv id such as" not in str(message.blocks)


def test_further_results_are_behind_a_button_with_their_offset() -> None:
    message = answer("c# models", KTO, DPO, has_more=True)
    (more,) = [one for one in buttons(message.blocks) if one.action is ButtonAction.MORE]
    assert more.value == "2:c＃ models"
    search = SearchRecorder(a_search_result(KTO, match=Match.TEXT))
    answers = Answers(a_store(), search.find, DigestPolicy(), lambda: NOW)
    title = answers.lookup.look_up_paper("c＃ models", HERE, 2).message.blocks[0]
    assert "Results 3 to 3" in str(title)
    assert search.requests[0].offset == 2


def test_marks_of_the_workspace_are_given_to_the_search_and_none_in_a_direct_message() -> None:
    from digests.model import Mark, MarkSource

    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    store.marks.set_mark(Mark(HERE, "", "2402.01306", "UADA", MarkSource.BUTTON, NOW), True)
    search = SearchRecorder(SearchResult())
    answers = Answers(store, search.find, DigestPolicy(), lambda: NOW)
    for channel in (HERE, replace(HERE, channel="")):
        answers.lookup.look_up_paper("kto", channel)
    assert [request.marked_papers for request in search.requests] == [{"2402.01306"}, frozenset()]


def test_a_number_is_the_card_of_the_newest_digest_alone() -> None:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    store.posts.record_shared(Post(HERE, "1", ("2402.01306",), {}), now=NOW)
    search = SearchRecorder(SearchResult())
    answers = Answers(store, search.find, DigestPolicy(), lambda: NOW)
    answers.lookup.look_up_paper("1", HERE)
    assert [request.text for request in search.requests] == ["1"]
