"""A panel's score, spread and limitations: on a card and in the full review."""

from dataclasses import replace

import pytest

from bot.chat.message import Text
from bot.present.card import DISAGREEMENT, build_card, build_unscored_card
from bot.present.lookup import present_limitations, present_review, to_paper_records
from digests.model import Review, ScoredPaper
from digests.panel import Distribution, PanelPolicy, combine_reviews
from tests.builders import NOW, a_paper, a_review

ENGLISH = "Only English text was evaluated."


def a_panel(*scores: float | None, models: str = "abcdef", **fields: object) -> Review:
    members = [
        a_review(score, model=models[place], sample=place, limitations=ENGLISH, reviewed_at=NOW, **fields)
        for place, score in enumerate(scores)
    ]
    return combine_reviews(members, PanelPolicy(), {})


def a_scored(review: Review) -> ScoredPaper:
    return ScoredPaper(a_paper(), review, NOW)


def texts_of(review: Review) -> dict[str, str]:
    blocks = present_review(a_scored(review)).blocks
    return {block.label: block.text for block in blocks if isinstance(block, Text) and block.label}


@pytest.mark.parametrize(
    ("scores", "score", "spread", "note"),
    [
        ((8.6, 7.4, 8.3), "8.1 of 10", "panel of 3, 7.4 to 8.6", ""),
        ((8.0, 8.0), "8.0 of 10", "panel of 2, all 8.0", ""),
        ((9.0, 6.0), "7.5 of 10", "panel of 2, 6.0 to 9.0", DISAGREEMENT),
        ((8.0, None), "8.0/10", "", ""),
        ((8.0,), "8.0/10", "", ""),
    ],
)
def test_a_card_shows_the_spread_of_a_panel(
    scores: tuple[float, ...], score: str, spread: str, note: str
) -> None:
    card = build_card(a_scored(a_panel(*scores)))
    assert (card.score, card.spread, card.panel_note) == (score, spread, note)


def test_a_day_without_scores_shows_no_spread() -> None:
    card = build_unscored_card(a_scored(a_panel(9.0, 2.0)))
    assert (card.spread, card.panel_note) == ("", "")


@pytest.mark.parametrize(
    ("models", "names"),
    [("aa", "a, 2 votes"), ("abb", "a and b"), ("abc", "a, b and c"), ("abcd", "a, b and 2 more")],
)
def test_the_review_line_names_the_models(models: str, names: str) -> None:
    panel = a_panel(*([7.0] * len(models)), models=models)
    assert build_card(a_scored(panel)).review_line == f"Reviewed by {names}, 24 November 2026"


def test_a_full_review_names_the_members_with_their_scores_and_the_finders_of_a_limitation() -> None:
    texts = texts_of(a_panel(8.6, 7.4, None))
    assert texts["Panel"] == "8.0 of 10 · panel of 2, 7.4 to 8.6\na 8.6; b 7.4; c without a score"
    assert texts["Limitations, and where the paper shows them"] == (
        "• Only English text was evaluated (found by 3 of 3)"
    )
    assert "Limitations, in full" not in texts


def test_a_full_review_shows_a_score_that_was_placed_on_the_panels_scale() -> None:
    known = {"a": Distribution(5.0, 2.0), "b": Distribution(8.0, 0.5)}
    members = [a_review(6.0, model="a"), a_review(8.5, model="b")]
    texts = texts_of(combine_reviews(members, PanelPolicy(), known))
    assert texts["Panel"].splitlines()[1] == "a 6.0; b 8.5 (7.0 on the panel's scale)"


def test_a_full_review_names_the_weights_of_a_panel_where_they_differ_and_says_that_it_disagrees() -> None:
    members = [a_review(9.0, model="a"), a_review(3.0, model="b")]
    texts = texts_of(combine_reviews(members, PanelPolicy(weights={"a": 2.0}), {}))
    assert texts["Panel"].splitlines() == [
        "7.0 of 10 · panel of 2, 3.0 to 9.0", "a (weight 2) 9.0; b (weight 1) 3.0", DISAGREEMENT,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("review", "left_out", "note"),
    [
        (a_panel(8.0, 7.5), ("c",), "Without c, which did not answer"),
        (a_panel(8.0, 7.5), ("c", "d"), "Without c and d, which did not answer"),
        (a_panel(8.0, 7.5), ("a", "b"), ""),
        (a_review(8.0, model="a"), ("a", "b"), "Without b, which did not answer"),
        (a_panel(9.0, 3.0), ("c",), f"{DISAGREEMENT} · Without c, which did not answer"),
    ],
)
def test_a_member_that_was_down_is_named_until_it_has_voted(
    review: Review, left_out: tuple[str, ...], note: str
) -> None:
    scored = replace(a_scored(review), models_left_out=left_out)
    assert build_card(scored).panel_note == note
    texts = [block.text for block in present_review(scored).blocks if isinstance(block, Text)]
    assert any(note in text for text in texts)


def test_a_record_of_a_paper_has_its_panel() -> None:
    one, several = to_paper_records(
        [a_scored(a_review(8.0)), replace(a_scored(a_panel(9.0, 6.0)), models_left_out=("c",))]
    )
    assert (one["panel"], one["models_left_out"]) == (None, [])
    assert several["models_left_out"] == ["c"]
    panel = several["panel"]
    assert (panel["low"], panel["high"], panel["is_divided"]) == (6.0, 9.0, True)
    assert [(member["model"], member["score"]) for member in panel["members"]] == [("a", 9.0), ("b", 6.0)]


def test_a_question_for_limitations_gets_those_of_the_panel() -> None:
    texts = [
        block.text
        for block in present_limitations(a_scored(a_panel(8.0, 7.0))).blocks
        if isinstance(block, Text)
    ]
    assert texts[0] == "• Only English text was evaluated (found by 2 of 2)"


def test_a_review_by_one_model_has_no_section_about_a_panel() -> None:
    assert "Panel" not in texts_of(replace(a_review(model="a")))
