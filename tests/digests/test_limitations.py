"""Key limitations: splitting a review into points, and shortening them to readable spans."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.limitations import (
    MAX_POINT_LENGTH,
    MAX_POINTS,
    extract_key_limitations,
    extract_points,
    shorten_point,
)
from digests.text import to_plain_text
from tests.digests.limitation_forms import FORMS, Form, is_held_out, is_split_exactly
from tests.shared_data import limitation_lists, needs_shared_data, reviewed_records

EXACT_SHARES = {name: 0.92 if name == "running text" else 0.975 for name in FORMS}
"""Smallest share of lists that come back exactly, by form."""

DANGLING = re.compile(r"(?:,|;|:|(?:^|\s)(?:and|or|but|of|with|such as|the|a|an|including|that|which|to))$")


@pytest.mark.parametrize(
    ("review", "points"),
    [
        (
            "The data is small. Its licence is unclear. Discussion of limitations, such as cost and scale, "
            "is missing.",
            (
                "The data is small. Its licence is unclear",
                "Discussion of limitations, such as cost and scale, is missing",
            ),
        ),
        (
            "The authors name several limitations: (1) Training takes 40 GPU days, (2) Only English is "
            "tested (no Czech, no Thai), and (3) The code is missing.",
            (
                "Training takes 40 GPU days",
                "Only English is tested (no Czech, no Thai)",
                "The code is missing",
            ),
        ),
        (
            "Some limitations are present. First, the data is small, as it covers one town. Second, no "
            "baseline is tuned. Finally, the code is missing.",
            ("the data is small, as it covers one town", "no baseline is tuned", "the code is missing"),
        ),
        (
            "Firstly, the data is small. Secondly, no baseline is tuned.",
            ("the data is small", "no baseline is tuned"),
        ),
        (
            "First, the data is small; second, no baseline is tuned.",
            ("the data is small", "no baseline is tuned"),
        ),
        (
            "- The data is small\n- No baseline is tuned\n- Costs are not told",
            ("The data is small", "No baseline is tuned", "Costs are not told"),
        ),
        ("• The data is small • No baseline is tuned", ("The data is small", "No baseline is tuned")),
        ("- Only English is tested", ("Only English is tested",)),
        ("1. The data is small\n2. No baseline is tuned", ("The data is small", "No baseline is tuned")),
        ("1) The data is small 2) No baseline is tuned", ("The data is small", "No baseline is tuned")),
        (
            "(i) the data is small, (ii) no baseline is tuned",
            ("the data is small", "no baseline is tuned"),
        ),
        (
            "a) the data is small, b) the tuning (see (b)) is unfair",
            ("the data is small", "the tuning (see (b)) is unfair"),
        ),
        (
            "The paper names three drawbacks: the data is small; no baseline is tuned; and the code is "
            "missing.",
            ("the data is small", "no baseline is tuned", "the code is missing"),
        ),
        (
            "The data is small. Additionally, no baseline is tuned. However, the code is missing.",
            ("The data is small", "no baseline is tuned", "the code is missing"),
        ),
        ("计算成本高。数据集很小。", ("计算成本高", "数据集很小")),
        ("（1）计算成本很高。（2）数据集太小了。没有代码。", ("计算成本很高", "数据集太小了。没有代码")),
        ("主要限制：（1）计算成本很高；（2）数据集太小了。", ("计算成本很高", "数据集太小了")),
        (r"Memory grows as $O(n^2)$ with length.", ("Memory grows as O(n²) with length",)),
    ],
)
def test_a_review_of_any_form_is_split_into_its_points(review: str, points: tuple[str, ...]) -> None:
    assert extract_points(review) == points


@pytest.mark.parametrize(
    "review", ["", " \n", "None", "none.", "N/A", "n/a", "-", "—", "Not discussed.", "...", "(("]
)
def test_a_review_without_limitations_has_no_points(review: str) -> None:
    assert extract_key_limitations(review).points == ()


@pytest.mark.parametrize(
    "review",
    [
        "The paper transparently acknowledges several limitations.",
        "The authors acknowledge that.",
        "There are several important limitations of this work.",
        "The main limitations are:",
        "The main limitations are the following.",
        "Below are the key limitations.",
    ],
)
def test_an_announcement_is_not_a_point(review: str) -> None:
    assert extract_key_limitations(review).points == ()


def test_missing_limitations_are_a_point() -> None:
    review = "The authors do not discuss limitations."
    assert extract_key_limitations(review).points == (review[:-1],)


@pytest.mark.parametrize(
    "review",
    [
        "The price of the sensors is a major limitation.",
        "The need for labels remains one of the main limitations.",
        "Inadequate discussion of the tuning and of other limitations.",
        "The authors should discuss several limitations.",
        "There are issues scaling to long contexts.",
        "The release raises several privacy concerns.",
        "The evaluation covers three tasks.",
    ],
)
def test_a_limitation_that_resembles_an_announcement_is_kept(review: str) -> None:
    assert extract_key_limitations(review).points == (review[:-1],)


def test_an_attribution_is_removed() -> None:
    review = "The authors acknowledge that recall drops on long inputs."
    assert extract_key_limitations(review).points == ("recall drops on long inputs",)


def test_the_announcing_part_of_a_sentence_is_removed() -> None:
    review = "The authors note several limitations, including high cost, slow inference, and little data."
    assert extract_key_limitations(review).points == ("high cost, slow inference, and little data",)


def test_a_sentence_before_a_list_is_a_point() -> None:
    review = "The baselines are weak. There are some other limitations. First, the data is small."
    assert extract_points(review) == ("The baselines are weak", "the data is small")


@pytest.mark.parametrize(
    "review",
    [
        "Results in Table (1) and Table (2) cover one seed (2023).",
        "Assumptions (1) and (2) are rarely met.",
        "The first step needs labels, the second a judge.",
        "First experiments fail on long inputs.",
        "Second moment estimates are noisy.",
        "It gains 1.5 points (2.5 at best) over 2 of 3 baselines.",
        "Few models (Alpha; Beta; Gamma; Delta) are tried at all.",
    ],
)
def test_text_that_resembles_a_list_is_one_point(review: str) -> None:
    assert extract_key_limitations(review).points == (review[:-1],)


def test_a_decimal_does_not_split_a_list_item() -> None:
    review = "(1) it costs 40 GPU days. (2) it improves by 1.5 points only. (3) no ablation."
    assert extract_points(review) == (
        "it costs 40 GPU days",
        "it improves by 1.5 points only",
        "no ablation",
    )


def test_an_elaborating_sentence_is_not_a_separate_point() -> None:
    review = "The judge is a model. This may favour long answers. The data is small."
    assert extract_points(review) == (
        "The judge is a model. This may favour long answers",
        "The data is small",
    )


@pytest.mark.parametrize(
    "elaboration",
    [
        "For instance, a street at night is never seen.",
        "For example, rain is missing.",
        "It would be helpful to name them.",
        "The authors should discuss these risks.",
    ],
)
def test_an_example_or_a_wish_belongs_to_the_point_before_it(elaboration: str) -> None:
    assert extract_points(f"The scenes are simple. {elaboration} The code is missing.") == (
        f"The scenes are simple. {elaboration[:-1]}",
        "The code is missing",
    )


def test_one_semicolon_separates_two_points() -> None:
    assert extract_points("Only English is tested; The code is missing") == (
        "Only English is tested",
        "The code is missing",
    )
    assert extract_points("only English is tested; the code is missing.") == (
        "only English is tested",
        "the code is missing",
    )


def test_a_semicolon_inside_a_sentence_of_several_is_kept() -> None:
    review = "The size is set by hand; a wrong one costs memory. The code is missing."
    assert extract_points(review) == (
        "The size is set by hand; a wrong one costs memory",
        "The code is missing",
    )


def test_a_list_ends_at_a_sentence_that_leaves_it() -> None:
    assert extract_points("(1) One town. More are planned. (2) No baseline. Additionally, it is slow.") == (
        "One town. More are planned",
        "No baseline",
        "it is slow",
    )


@pytest.mark.parametrize("word", ["optimal", "critical", "beneficial"])
def test_a_word_that_ends_like_an_abbreviation_loses_its_stop(word: str) -> None:
    assert extract_points(f"The choice is not {word}.") == (f"The choice is not {word}",)


LISTS = [
    ["The survey covers one town", "No baseline is tuned (neither the old nor the new one)"],
    [
        "Needs 40 GPU days",
        "RL training may collapse",
        "The judge is the model's own teacher, e.g. for essays",
    ],
    [
        "The code is missing. This makes it hard to repeat",
        "Only one seed is run",
        "Recall drops by 1.5 points",
    ],
    ["The need for labels is a major limitation", "Inadequate discussion of costs and other limitations"],
    ["The proof assumes convex losses. For instance, deep nets are left out", "Results are for English only"],
    ["The authors report that the tuning is unstable", "Long inputs fail", "Speed is not critical"],
    ["Rare birds are missed"],
]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("points", LISTS, ids=lambda points: points[0])
def test_a_list_comes_back_from_every_form(points: list[str], form: Form) -> None:
    assert is_split_exactly(points, form)


@needs_shared_data
@pytest.mark.parametrize(("name", "share"), EXACT_SHARES.items())
def test_real_lists_come_back_from_every_form_also_those_held_out(name: str, share: float) -> None:
    """Running text does not show where a point of two sentences ends; one list in eight has such a point."""
    for side in (False, True):
        lists = [points for points in limitation_lists() if is_held_out(points) == side]
        exact = [points for points in lists if is_split_exactly(points, FORMS[name])]
        assert len(exact) / len(lists) >= share


def test_the_remaining_points_are_counted() -> None:
    review = "1. slow decoding\n2. weak baselines\n3. no code\n4. one seed\n5. costs"
    assert extract_key_limitations(review).remaining_count == 1
    assert extract_key_limitations("The data is small.").remaining_count == 0


# Ranking.


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("Only English is tested", "The loss needs careful tuning"),
        ("It does not run on phones", "Larger models are left to future work"),
        ("Recall falls to 12 % on long inputs", "Code quality varies"),
        ("Search is the bottleneck at any scale", "The design is incremental"),
        ("Growth is a fundamental limit of the idea", "The notation changes twice"),
        ("It fails on rare classes", "Hyperparameters are many"),
        ("The evaluation covers toy games", "Speed could be higher"),
        ("Gains on proofs are minimal", "The authors should discuss wider use"),
    ],
)
def test_a_point_that_a_reader_needs_comes_first(first: str, later: str) -> None:
    for points in ((first, later), (later, first)):
        assert extract_key_limitations(f"(1) {points[0]}. (2) {points[1]}.").points == (first, later)


def test_points_of_equal_weight_keep_their_order() -> None:
    review = "The code is long. The colours are loud. The title is odd."
    assert extract_key_limitations(review).points == extract_points(review)


def test_a_near_duplicate_is_neither_shown_nor_counted() -> None:
    review = (
        "(1) It keeps a frozen VAE encoder of another lab, a bottleneck. (2) Joint training of VAE and "
        "encoder is left out. (3) Only faces are tested. (4) It fails on text. (5) Decoding takes 40 steps."
    )
    found = extract_key_limitations(review)
    assert found.points == (
        "Only faces are tested",
        "It keeps a frozen VAE encoder of another lab, a bottleneck",
        "It fails on text",
    )
    assert found.remaining_count == 1


def test_a_point_of_common_words_is_a_duplicate_of_itself_alone() -> None:
    review = "(1) Small data. (2) One model. (3) Small data! (4) Small models."
    assert sorted(extract_key_limitations(review).points) == ["One model", "Small data", "Small models"]


def test_points_about_the_same_model_are_no_duplicates() -> None:
    review = "(1) The VAE is slow to train. (2) Faces are lost by the VAE. (3) The VAE costs 40 GPU days."
    assert len(extract_key_limitations(review).points) == 3


@pytest.mark.parametrize(
    ("review", "point"),
    [
        ("The primary limitation is the reliance on one judge.", "the reliance on one judge"),
        ("A key weakness is that recall drops.", "recall drops"),
        ("The paper acknowledges gaps on long inputs.", "gaps on long inputs"),
        ("Additionally, the paper acknowledges that recall drops.", "recall drops"),
        ("The paper acknowledges that.", None),
    ],
)
def test_a_preamble_is_cut_from_a_point(review: str, point: str | None) -> None:
    assert extract_key_limitations(review).points == ((point,) if point else ())


# Shortening. Each text is longer than the limit of a point.

PADDING = (
    " that nobody outside of the laboratory where it was first built is able to run on machines of "
    "their own today"
)


@pytest.mark.parametrize(
    ("point", "shortened"),
    [
        (
            "The tests are strictly limited to short stories in one language; longer ones (e.g., novels) "
            "and other forms are left to work" + PADDING,
            "The tests are strictly limited to short stories in one language",
        ),
        (
            "The tests cover text only, lacking any in spoken, signed, or written-by-hand settings where the "
            "need for "
            "help is the largest and felt most by the people who live without it every day of theirs"
            + PADDING,
            "The tests cover text only, lacking any in spoken, signed, or written-by-hand settings…",
        ),
        (
            "The design leans heavily on parts that are known from earlier systems (sliding windows, rotary "
            "positions, routing of experts, quantised caches, early exits, and more).",
            "The design leans heavily on parts that are known from earlier systems",
        ),
        (
            "The tests do not tell apart what is learned from what is remembered (e.g., of old exams) and so "
            "the "
            "numbers may not hold for any other kind of exam, which the authors leave open" + PADDING,
            "The tests do not tell apart what is learned from what is remembered (e.g., of old exams) and so "
            "the numbers may not hold for any other kind of exam",
        ),
        (
            "The system needs a large and well kept index of documents, which is costly to build for small "
            "teams" + PADDING,
            "The system needs a large and well kept index of documents, which is costly to build for small "
            "teams that nobody outside of the laboratory…",
        ),
        (
            "The strict check may reject a right answer that is written in an unusual form, and some of the "
            "tasks "
            "need knowledge" + PADDING,
            "The strict check may reject a right answer that is written in an unusual form",
        ),
    ],
)
def test_a_long_point_is_cut_at_a_good_boundary(point: str, shortened: str) -> None:
    assert len(point) > MAX_POINT_LENGTH
    assert shorten_point(point) == shortened


def test_a_long_point_is_never_cut_to_an_announcement() -> None:
    point = "The authors acknowledge several important limitations, which concern the model" + PADDING * 2
    assert not shorten_point(point).endswith("limitations")


def test_a_point_cut_at_a_word_has_no_dangling_words() -> None:
    for size in range(MAX_POINT_LENGTH - 40, MAX_POINT_LENGTH):
        start = "x" * 20 + " " + "y" * (size - 21)
        for words in (" and of the such as with", " or, the", ", including a (very long"):
            cut = shorten_point(start + words + " z" * MAX_POINT_LENGTH)
            assert not DANGLING.search(cut.removesuffix("…")), cut


def test_a_short_point_is_kept_whole() -> None:
    assert shorten_point("The data is small") == "The data is small"


# Arbitrary texts.

NASTY = st.lists(
    st.sampled_from(
        [
            *(
                "(1) ",
                "(2) ",
                "1. ",
                "2) ",
                "(i) ",
                "(ii) ",
                "a) ",
                "（1）",
                "First, ",
                "Secondly, ",
                "\n- ",
                "\n2. ",
            ),
            *(
                "•",
                ";",
                ",",
                ".",
                ":",
                "(",
                ")",
                "…",
                "。",
                "；",
                " ",
                "\n",
                ", and ",
                " or ",
                " the ",
                " such as ",
            ),
            *(
                "The authors acknowledge that ",
                "several limitations",
                ", including ",
                "This means ",
                "e.g. ",
                "i.e., ",
            ),
            *(
                "the data is small",
                "word ",
                "计算成本高",
                "$x$",
                "$",
                r"\emph{",
                "}",
                "\\",
                "&amp;",
                "None",
                "Table ",
            ),
            *(
                "https://a.example/b_c ",
                "long word " * 12,
                "x" * 90,
                ", which is not so",
                " where ",
                "é",
                "👩‍🔬",
                "\x00",
            ),
        ]
    ),
    max_size=40,
).map("".join)


@given(st.one_of(NASTY, st.text()))
def test_every_point_is_a_short_span_of_the_text(review: str) -> None:
    found = extract_key_limitations(review)
    assert len(found.points) <= MAX_POINTS
    assert all(is_span(point, review) and point and len(point) <= MAX_POINT_LENGTH for point in found.points)
    assert bool(found.points) == bool(extract_points(review))
    assert len(found.points) + found.remaining_count <= len(extract_points(review))
    assert not found.remaining_count or len(found.points) == MAX_POINTS
    assert extract_key_limitations(review) == found


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "(1) ",
            "(",
            ") ",
            ", and ",
            ";",
            "a; ",
            "(a) (b) ",
            ". ",
            "e.g. ",
            "- x\n",
            "First, ",
            "x",
            "This is. ",
            " and",
        ),
        *(
            "• ",
            "1. word word ",
            "(1) word word (2) ",
            "。",
            "的",
            "the paper notes that ",
            ": ",
            "Table ",
            "\n\t",
            "$ ",
        ),
    ],
)
def test_extraction_is_linear_in_a_huge_text(piece: str) -> None:
    review = piece * (200_000 // len(piece))
    assert all(
        is_span(point, review) and len(point) <= MAX_POINT_LENGTH
        for point in extract_key_limitations(review).points
    )


def is_span(point: str, review: str) -> bool:
    return point in to_plain_text(review) or (point.endswith("…") and point[:-1] in to_plain_text(review))


# Real reviews.


def reviews() -> list[str]:
    return [text for record in reviewed_records() if (text := limitations_of(record))]


def limitations_of(record: dict[str, Any]) -> str:
    return str(record.get("limitations") or "")


@needs_shared_data
def test_every_real_review_has_one_to_three_points() -> None:
    assert len(reviews()) == 14
    assert all(1 <= len(extract_key_limitations(review).points) <= MAX_POINTS for review in reviews())


@needs_shared_data
def test_every_point_of_a_real_review_is_a_short_span_of_whole_words() -> None:
    spans = [(point, review) for review in reviews() for point in extract_key_limitations(review).points]
    for point, review in spans:
        assert is_span(point, review), point
        assert len(point) <= MAX_POINT_LENGTH, point
        assert point.count("(") == point.count(")"), point
        assert not DANGLING.search(point.removesuffix("…")), point


@needs_shared_data
@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("DeepSeek-R1", ["pure RL scaling is bottlenecked", "open-ended domains"]),
        ("Self-Rewarding", ["GPT-4 for evaluation", "gains on mathematical and logical reasoning"]),
        ("Test-Time Compute", ["mathematical benchmarks limits claims"]),
        ("KTO", ["KTO may underfit"]),
        ("PowerInfer", ["Mixture-of-Experts"]),
        ("Scalable Diffusion", ["frozen, pre-trained VAE", "class-conditional image generation"]),
    ],
)
def test_the_key_points_of_a_real_review_are_shown(title: str, shown: list[str]) -> None:
    (record,) = (record for record in reviewed_records() if title in record["title"])
    points = extract_key_limitations(limitations_of(record)).points
    assert all(any(words in point for point in points) for words in shown), points
    assert not any("joint VAE" in point for point in points)
    if title != "Scalable Diffusion":
        assert shown[0] in points[0]
