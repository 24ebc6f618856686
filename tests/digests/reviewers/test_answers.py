"""Odd answers of models: each kind is read, repaired in part, or refused with its reason."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.model import ReviewDepth
from digests.reviewers.forms import AnswerError
from digests.reviewers.loose_json import Mend, find_objects
from digests.reviewers.parse import ParsedAnswer, check_answer, parse_answer
from digests.reviewers.rubric import DIMENSIONS
from tests.digests.reviewers.test_parse import TEXT, a_form, a_reply


def parse(answer: str, text: str = TEXT) -> ParsedAnswer:
    return parse_answer(answer, ReviewDepth.FULL, text)


def a_dimension(**other: Any) -> dict[str, Any]:
    return {"assessment": "A sound method with one gap.", "evidence": "x", "grade": 3, **other}


DRAFT = a_reply(tldr="DRAFT of a TL;DR, to be thrown away.")
FINAL = a_reply(tldr="FINAL words about a small model.")


@pytest.mark.parametrize(
    "answer",
    [
        f"<thought>{DRAFT}</thought>\n{FINAL}",
        f"<think>{DRAFT}</think>\n{FINAL}",
        f"<zzz_inner>{DRAFT}</zzz_inner>\n{FINAL}",
        f"{DRAFT}\n</think>\n{FINAL}",
        f"[THINK]{DRAFT}[/THINK]{FINAL}",
        f"◁think▷{DRAFT}◁/think▷{FINAL}",
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{FINAL}",
        f"First draft:\n```json\n{DRAFT}\n```\nRevised:\n```json\n{FINAL}\n```",
        f"<answer>{FINAL}</answer>\nI hope it helps!",
        f"<think>I should answer now.\n{FINAL}</think>",
        f"<think>I forgot to close the tag.\n{FINAL}\n```",
        f'The form {{"tldr": "...", ...}} is asked for: {FINAL}',
        f"Where $\\mathcal{{L}}_{{x}}$ {'{' * 500} stands, {FINAL}",
        f"[{FINAL}]",
        f'{{"review": {FINAL}}}',
        f'{{"draft": {DRAFT}, "final": {FINAL}}}',
        f'{{"name": "review", "arguments": {FINAL}}}',
        json.dumps({"name": "review", "arguments": FINAL}),
        json.dumps({"response": f"```json\n{FINAL}\n```"}),
        FINAL.replace('"tldr"', '"TL;DR"').replace("key_limitations", "keyLimitations"),
        FINAL[:-1] + ",}",
        FINAL.replace('"}, "', '"} "'),
        FINAL.replace(": 3", ": 3 // a fair grade\n"),
        "\ufeff" + FINAL,
        json.dumps(json.loads(FINAL)).replace('"', "'"),
        f"{FINAL}\nThe schema: " + json.dumps({name: {"type": "object"} for name in (*DIMENSIONS, "tldr")}),
        f"{FINAL[:300]}\n\nLet me start again.\n{FINAL}",
        f'{FINAL}\nNote: {{"confidence": "hi',
    ],
)
def test_the_last_whole_form_is_found(answer: str) -> None:
    assert parse(answer).tldr == "FINAL words about a small model."


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (f"<think>{DRAFT}</think>{FINAL[:400]}", "no whole JSON object"),
        (f"<zzz>{DRAFT}</zzz>{FINAL[:400]}", "no whole JSON object"),
        (f"<think>{DRAFT} or rather", "still thinking"),
        (f"<think>{DRAFT}</think>I will not review this.", "in its thoughts"),
        (f"{DRAFT} no, wait</think>I will not review this.", "in its thoughts"),
        (f"{DRAFT}\n{a_reply(impact=a_dimension(grade=11))}", "impact.grade"),
    ],
)
def test_a_draft_is_no_result(answer: str, reason: str) -> None:
    with pytest.raises(AnswerError, match=reason):
        parse(answer)


def test_a_tag_inside_a_text_is_text() -> None:
    for words in (
        "stopped by writing </think> early",
        "a <think> tag opens its thoughts",
        "<thought>x</thought>",
    ):
        answer = parse(a_reply(tldr=f"The model is {words}."))
        assert answer.grades["impact"] == 3
        assert parse(a_reply(tldr=f"The model is {words}.") + "\nI hope it helps.").grades["impact"] == 3
    assert "early" in parse(a_reply(tldr="The model is stopped by writing </think> early.")).tldr


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a rate for the $\alpha$-divergence", "a rate for the α-divergence"),
        (r"a rate of $\frac{1}{n}$ for a $\beta$-VAE", "a rate of 1/n for a β-VAE"),
        (r"is $10\times$ faster at $\rho$ and $\theta$", "is 10× faster at ρ and θ"),
        (r"the gradient $\nabla f$ with $\nu = 1$", "the gradient ∇ f with ν = 1"),
        (r"properly \\alpha escaped", "properly α escaped"),
        (r"twice \\\\alpha escaped", "twice α escaped"),
        (r"a gain of 5\% for A\&B", "a gain of 5% for A&B"),
        (r"a line\nnext, a tab\tthen, a\nnew line", "a line next, a tab then, a new line"),
        (r"it works\nto some degree\ne.g. here", "it works to some degree e.g. here"),
        (r"the model\'s gain", "the model's gain"),
        ("says \\u201cyes\\u201d to \\ud83d\\ude00 all", "says “yes” to 😀 all"),
        (r"of $\upsilon$ at most", "of υ at most"),
        ('the so-called "best" model, then others', 'the so-called "best" model, then others'),
        ("a raw\nline break\tand a tab", "a raw line break and a tab"),
        (r"costs $5 and $6 for a \"run\"", 'costs $5 and $6 for a "run"'),
    ],
)
def test_tex_and_quotes_in_json_are_restored(written: str, read: str) -> None:
    assert parse(a_reply(tldr="TLDR: ____").replace("____", written)).tldr == f"TLDR: {read}"


@pytest.mark.parametrize(
    ("grade", "read"),
    [("4", 4), ("4/5", 4), ("4 out of 5", 4), (3.5, 4), (2.4, 2), ("Grade: 2", 2), ("4 (good)", 4),
     ("three", 3), (4.0, 4)],
)  # fmt: skip
def test_a_grade_in_words_is_read(grade: object, read: int) -> None:
    answer = parse(a_reply(impact=a_dimension(grade=grade)))
    assert answer.grades["impact"] == read
    assert answer.grades["methodology"] == 3
    assert answer.mends == ({} if grade == 4.0 else {"grade read from words or a fraction": 1})


def test_a_grade_that_is_a_fraction_without_quotes_is_read() -> None:
    assert parse(a_reply(impact=a_dimension(grade=444)).replace("444", "4/5")).grades["impact"] == 4


@pytest.mark.parametrize(
    "grade", [0, 6, "8/10", "11", True, None, [], {}, "good", "3-4", "3 to 4", 9e99, "1e5"]
)
def test_a_grade_that_is_none_is_told_to_the_model(grade: object) -> None:
    with pytest.raises(AnswerError, match=r"impact\.grade"):
        parse(a_reply(impact=a_dimension(grade=grade)))


def test_null_fields_cost_only_themselves() -> None:
    answer = parse(a_reply(tldr_quote=None, key_limitations=None, impact=a_dimension(evidence=None)))
    assert (answer.tldr_quote, answer.key_limitations, answer.dropped_quotes) == ("", (), 1)


@pytest.mark.parametrize(
    "odd",
    [
        "Only small models", None, 7, [], {}, {"point": None, "quote": "is tested in English only"},
        {"point": "No quote is given."}, {"point": "A quote of null.", "quote": None},
        {"quote": "is tested in English only"}, {"point": ["a", "list"], "quote": {}},
    ],
)  # fmt: skip
def test_an_odd_limitation_costs_only_itself(odd: object) -> None:
    good = {"point": "Only English is tested.", "quote": "is tested in English only"}
    answer = parse(a_reply(key_limitations=[odd, good]))
    assert [point.text for point in answer.key_limitations] == ["Only English is tested"]
    assert answer.mends["limitation without a point or a quote"] == 1


def test_limitations_under_other_names_or_with_their_quote_inside_are_kept() -> None:
    for limitations in (
        [{"limitation": "Only English.", "evidence": "is tested in English only"}],
        {"point": "Only English.", "quote": "is tested in English only"},
        {"1": {"point": "Only English.", "quote": "is tested in English only"}},
        ["Only English: “is tested in English only”"],
    ):
        assert len(parse(a_reply(key_limitations=limitations)).key_limitations) == 1


def test_one_missing_assessment_costs_only_itself() -> None:
    answer = parse(a_reply(impact={"grade": 2}))
    assert (answer.assessments["impact"], answer.grades["impact"]) == ("", 2)
    assert answer.mends == {"assessment missing": 1}


def test_a_form_that_is_cut_off_in_its_last_field_is_used() -> None:
    answer = parse(a_reply()[:-9])
    assert answer.tldr == "A small model for half of the compute."
    assert answer.mends == {"cut off behind its last needed field": 1}
    with pytest.raises(AnswerError, match="no whole JSON object"):
        parse(a_reply()[: a_reply().index("half of the compute.")])


def test_what_was_mended_is_counted_by_its_kind() -> None:
    assert parse(a_reply()).mends == {}
    odd = a_form(
        tldr=["A list", "of texts."], impact=a_dimension(grade="4/5"), key_limitations=["odd", "odder"]
    )
    answer = json.dumps({"review": odd}).replace("A list", r"A $\alpha$ list")[:-1] + ",}"
    assert parse(answer).mends == {
        Mend.TEX: 1, Mend.JSON: 1, Mend.WRAPPER: 1, Mend.GRADE: 1, Mend.TEXT_FIELD: 1, Mend.LIMITATION: 2,
    }  # fmt: skip


def test_strict_json_is_read_as_json_reads_it() -> None:
    value: dict[str, Any] = {
        "a": "“x” \\ / \n\t\r 😀 \u2028",
        "b": [1, -2.5, 1e3, True, False, None, {}, []],
        "": {"c": "'"},
    }
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        found = list(find_objects(f"so: {text}."))
        expected = json.loads(text)
        expected["a"] = expected["a"].replace("\r", "\n")
        assert [each.value for each in found] == [expected]
        assert not found[0].mends


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.text(st.characters(codec="ascii"), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abc_", min_size=1, max_size=5), JSON_VALUES, min_size=1, max_size=5))
def test_any_object_of_json_is_found_whole(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    found = list(find_objects(text))
    if "\\" not in text:
        assert [each.value for each in found] == [value]
    assert (found[0].start, found[0].end) == (0, len(text))


@given(st.sampled_from([*DIMENSIONS, "key_limitations", "tldr", "tldr_quote"]), JSON_VALUES)
def test_no_value_of_a_field_raises_anything_but_a_reason(name: str, value: object) -> None:
    answer, reason = check_answer(a_reply(**{name: value}), ReviewDepth.FULL, TEXT)
    assert answer or reason
    if name in ("key_limitations", "tldr_quote"):
        assert answer, "an independent part cost the whole answer"


PIECES = (
    "{", "}", "[", "]", '"', "'", ",", ":", "\\", "\\u12", "\n", "<think>", "</think>", "```json", "null",
    "4/5", '{"tldr": "', '"grade": 3', "\x00", "\ud800", "{}", "$\\frac", "//", a_reply(), a_reply()[:500],
    a_reply()[500:],
)  # fmt: skip


def test_no_answer_made_of_odd_pieces_raises() -> None:
    """Pieces in any order are an answer or a reason."""
    chance = random.Random(16)
    for _ in range(1500):
        text = "".join(chance.choices(PIECES, k=chance.randint(1, 12)))
        for review_depth in ReviewDepth:
            answer, reason = check_answer(text, review_depth, TEXT)
            assert (answer is None) == bool(reason)


def test_no_form_is_lost_by_what_stands_before_it() -> None:
    chance = random.Random(17)
    ahead = (
        "Let me see. ", "{the paper} ", "$x_{i}$ ", '"quoted" ', "<b>x</b> ", "\n\n", "```json\n", "[1] ",
        "{} ", '{"a": 1} ', "it's ", "<think>hm</think>", DRAFT, "{'x': ", '{"y": ["',
    )  # fmt: skip
    behind = ("", "\n```", "\nI hope it helps.", " {}", "\n</s>", " [2]", "<|im_end|>", "\n{see above}")
    for _ in range(400):
        text = "".join(chance.choices(ahead, k=chance.randint(0, 5))) + FINAL + chance.choice(behind)
        assert parse(text).tldr.startswith("FINAL"), text.replace(FINAL, "FINAL").replace(DRAFT, "DRAFT")


def test_a_lost_sign_costs_an_answer_seldom() -> None:
    """Lost signs of names are not guessed; those of texts, and most commas and marks, cost nothing."""
    chance, lost = random.Random(18), 0
    for _ in range(300):
        place = chance.randrange(len(FINAL))
        answer, _ = check_answer(FINAL[:place] + FINAL[place + 1 :], ReviewDepth.FULL, TEXT)
        lost += answer is None
    assert lost < 90
