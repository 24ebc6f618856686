"""Questions about one paper, and the passages that answer them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.model import (
    Assessment,
    Panel,
    PanelLimitation,
    QuotedLimitation,
    ReadDepth,
    Review,
    ReviewDepth,
    ScoredPaper,
)
from digests.questions import (
    MAX_PASSAGES,
    Aspect,
    Passage,
    build_passage_url,
    choose_passages,
    is_about_another,
    is_answered,
    is_open_question,
    list_passages,
    parse_question,
)
from tests.builders import a_review, a_scored_paper

ENGLISH = QuotedLimitation(
    "Only English is tested.", "We evaluate on English, and leave other languages out."
)
SEEDS = QuotedLimitation("All results are of one seed.", "Each run uses the seed 0.")


def a_paper_with_review(**fields: Any) -> ScoredPaper:
    assessment = Assessment(
        "1", ReviewDepth.FULL, (), key_limitations=(ENGLISH, SEEDS), tldr_quote="KTO wins."
    )
    texts: dict[str, Any] = {
        "tldr": "It aligns without pairs.",
        "methodology": "A loss of prospect theory replaces pairs.",
        "experiments": "It is tested on Pythia and Llama from 1B to 30B. GSM8K improves by 13 points.",
        "reproducibility": "The code is public. The hyperparameters are listed.",
        "limitations": "",
        "read_depth": ReadDepth.FULL_TEXT,
        "assessment": assessment,
    }
    review = a_review(**{**texts, **fields})
    return a_scored_paper(review=review, title="KTO: Model Alignment", abstract="We propose KTO. KTO wins.")


def texts_for(text: str, scored: ScoredPaper | None = None) -> list[str]:
    passages = choose_passages(parse_question(text), scored or a_paper_with_review())
    return [passage.text for passage in passages]


@pytest.mark.parametrize(
    ("text", "aspects"),
    [
        ("what are its limitations?", (Aspect.LIMITATIONS,)),
        ("What's the catch", (Aspect.LIMITATIONS,)),
        ("how was it tested", (Aspect.EXPERIMENTS,)),
        ("is there code?", (Aspect.CODE,)),
        ("Is it open source?", (Aspect.CODE,)),
        ("can I reproduce it?", (Aspect.REPRODUCIBILITY,)),
        ("why does it matter?", (Aspect.IMPACT,)),
        ("tl;dr", (Aspect.SUMMARY,)),
        ("how does it work?", (Aspect.METHOD,)),
        ("limitations and results?", (Aspect.LIMITATIONS, Aspect.EXPERIMENTS)),
    ],
)
def test_a_question_is_understood(text: str, aspects: tuple[Aspect, ...]) -> None:
    question = parse_question(text)
    assert question.aspects == aspects
    assert question.is_question


@pytest.mark.parametrize("text", ["", "kto", "diffusion transformers", "limitations of DPO", "2402.01306"])
def test_a_look_up_is_no_question(text: str) -> None:
    assert not parse_question(text).is_question


@pytest.mark.parametrize(
    "text",
    ["what are its limitations?", "limitations?", "how was it tested", "is there code?", "tl;dr?",
     "was it tested on Llama?", "explain the method please"],
)  # fmt: skip
def test_a_message_among_people_can_be_a_question_about_the_paper(text: str) -> None:
    assert is_open_question(text)
    assert is_answered(parse_question(text), a_paper_with_review())


@pytest.mark.parametrize(
    "text",
    ["", "?", "why?", "good work", "nice results!", "what a result!", "code",
     "what do you think of its results?", "did anyone read the method?",
     "How was it tested? " + "I ran it on our own data. " * 10],
)  # fmt: skip
def test_a_message_that_is_meant_for_people_is_no_question_about_the_paper(text: str) -> None:
    assert not is_open_question(text)


@pytest.mark.parametrize(
    "text",
    ["is it at 13?", "why are we meeting at 5?", "who is going to test this tomorrow?", "shall we postpone?",
     "can we talk about the results on Thursday?", "does it run on a toaster?", "what score did it get?"],
)  # fmt: skip
def test_a_question_that_the_review_does_not_surely_answer_is_left_to_people(text: str) -> None:
    unscored = a_paper_with_review(score=None)
    assert not is_answered(parse_question(text), unscored)


def test_limitations_come_with_the_words_of_the_paper() -> None:
    passages = choose_passages(parse_question("what are its limitations?"), a_paper_with_review())
    assert passages == (
        Passage("Limitation", ENGLISH.text, ENGLISH.quote),
        Passage("Limitation", SEEDS.text, SEEDS.quote),
    )


def test_each_aspect_is_answered_by_its_section_word_for_word() -> None:
    review = a_paper_with_review().review
    assert texts_for("how was it tested?") == [review.experiments]
    assert texts_for("what is the method?") == [review.methodology]
    assert texts_for("tldr?") == [review.tldr, "We propose KTO. KTO wins."]
    assert texts_for("is there code?") == ["The code is public."]


def test_further_words_choose_the_sentences_that_have_them() -> None:
    assert texts_for("is it any good on GSM8K?") == ["GSM8K improves by 13 points."]
    told = ["It is tested on Pythia and Llama from 1B to 30B."]
    assert texts_for("which results are there on Llama?") == told, "and not the whole section once more"
    assert texts_for("did they try other languages?") == [ENGLISH.text], "the quote has the words"


def test_a_question_that_nothing_answers_gets_no_passage() -> None:
    assert texts_for("does it run on a toaster?") == []
    assert texts_for("is there code?", a_scored_paper(review=Review(tldr="It works."))) == []
    assert texts_for("???") == []


def test_a_link_to_code_is_an_answer_without_a_review() -> None:
    scored = a_scored_paper(code_url="https://github.com/a/b")
    (passage,) = choose_passages(parse_question("where is the code?"), scored)
    assert passage.url == "https://github.com/a/b"


def test_the_limitations_of_a_panel_have_their_first_quote() -> None:
    merged = (PanelLimitation("Small data.", ("On 100 pairs.", "On few."), 2),)
    scored = a_paper_with_review(panel=Panel((), "scale", merged))
    assert list_passages(scored)[Aspect.LIMITATIONS] == (
        Passage("Limitation", "Small data.", "On 100 pairs."),
    )


@pytest.mark.parametrize(
    ("depth", "quote", "url"),
    [
        (
            ReadDepth.FULL_TEXT,
            "We show that end-to-end training, on one GPU, beats all others by far.",
            "https://arxiv.org/html/2402.01306#:~:text=We%20show%20that%20end%2Dto%2Dend%20training%2C,"
            "beats%20all%20others%20by%20far.",
        ),
        (ReadDepth.FULL_TEXT, "KTO wins.", "https://arxiv.org/abs/2402.01306#:~:text=KTO%20wins."),
        (ReadDepth.ABSTRACT, "KTO & DPO", "https://arxiv.org/abs/2402.01306#:~:text=KTO%20%26%20DPO"),
        (ReadDepth.PDF, "Each run uses the seed 0.", "https://arxiv.org/pdf/2402.01306"),
        (ReadDepth.FULL_TEXT, "", ""),
    ],
)
def test_a_passage_has_the_address_where_it_stands(depth: ReadDepth, quote: str, url: str) -> None:
    assert build_passage_url(a_paper_with_review(read_depth=depth), quote) == url


def test_a_paper_outside_arxiv_has_no_such_address() -> None:
    assert build_passage_url(a_scored_paper("web:abc"), "KTO wins.") == ""


def test_a_question_about_another_paper_is_noticed() -> None:
    scored, text = a_paper_with_review(), "what are the limitations of LoRA?"
    assert is_about_another(parse_question(text), text, scored)
    for own in ("what are the limitations of KTO?", "what are its limitations?", "how good on LoRA?"):
        assert not is_about_another(parse_question(own), own, scored)


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_is_answered_by_what_the_review_says_and_nothing_else(text: str, said: str) -> None:
    scored = a_paper_with_review(experiments=said)
    known = [passage for passages in list_passages(scored).values() for passage in passages]
    passages = choose_passages(parse_question(text), scored)
    assert len(passages) <= MAX_PASSAGES
    assert all(any(passage.text in each.text for each in known) for passage in passages)
