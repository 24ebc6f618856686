"""Text for people: LaTeX to Unicode, and clipping at sentences and words."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.text import clip_text, normalize_text, split_sentences, to_plain_text
from tests.shared_data import arxiv_day, needs_shared_data


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"O($n^2$)", "O(n²)"),
        (r"3$^\circ$", "3°"),
        (r"$\textit{prospect theory}$", "prospect theory"),
        (r"2--4$\times$", "2–4×"),
        (r"Poincar\'e", "Poincaré"),
        (r"Poincar{\'e} and Erd\H{o}s, {\L}ukasz, na\"{\i}ve", "Poincaré and Erdős, Łukasz, naïve"),
        (r"\texttt{foo\_bar} of \ours{}", "foo_bar of ours"),
        (r"$x_{t-1}$, $L_2$, $10^{-3}$", "x_(t-1), L₂, 10⁻³"),
        (r"$\mathbb{R}^{d}$ and $\frac{1}{2}$ and $\sqrt{d}$", "ℝ^d and 1/2 and √d"),
        (r"\emph{a \textbf{b} c}", "a b c"),
        (r"we use ``quotes'' --- often", "we use “quotes” — often"),
        (r"as shown \cite{a,b}.", "as shown."),
        (r"\href{https://a.example/c_d}{code}", "code (https://a.example/c_d)"),
        (r"$k$-means", "k-means"),
    ],
)
def test_latex_becomes_unicode(written: str, read: str) -> None:
    assert to_plain_text(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $10",
        "it costs $5k, not $10k",
        "85% of 2,294",
        "AlpacaEval_2.0",
        "https://a.example/x_y^z%20?q=$1",
        "a {b} c",
        "x ~5%",
    ],
)
def test_text_that_is_not_latex_is_kept(text: str) -> None:
    assert to_plain_text(text) == text


def test_escaped_money_stays_money() -> None:
    assert to_plain_text(r"between \$5 and \$10, or 3\%") == "between $5 and $10, or 3%"


def test_invisible_and_bidi_characters_are_removed() -> None:
    assert normalize_text("a\u202eb\u200bc\x00d\ufeffe\ud800f\n g") == "abcdef g"


def test_stacked_marks_are_limited() -> None:
    assert len(normalize_text("Z" + "\u0336" * 500)) <= 4


def test_emoji_and_persian_keep_their_joiners() -> None:
    for text in ("👩‍🔬 labs", "می‌خواهم"):
        assert normalize_text(text) == text


@needs_shared_data
def test_every_real_record_converts_well() -> None:
    for record in arxiv_day():
        for written in (record["title"], record["summary"]):
            read = to_plain_text(written)
            assert len(read) >= 0.7 * len(" ".join(written.split())), record["id"]
            assert to_plain_text(read) == read, record["id"]
            assert "\\" not in read, record["id"]


TEX = st.lists(
    st.sampled_from(
        [
            "\\",
            "{",
            "}",
            "$",
            "^",
            "_",
            "%",
            "&",
            "~",
            "--",
            "``",
            "''",
            " ",
            "a",
            "5",
            r"\frac",
            r"\emph{",
            r"\'",
            r"\$",
            r"\(",
            r"\)",
            "é",
            "https://a.b/c$d ",
            r"\url{",
            r"\sqrt",
        ]
    )
).map("".join)


@given(st.one_of(TEX, st.text()))
def test_conversion_accepts_any_text_and_is_idempotent(written: str) -> None:
    read = to_plain_text(written)
    assert to_plain_text(read) == read


def test_clipping_ends_at_a_sentence_that_fills_enough() -> None:
    assert clip_text("One is here. Two is here too. Three.", 30) == "One is here. Two is here too."


def test_clipping_ends_at_a_word_otherwise() -> None:
    assert clip_text("a rather long sentence without any end at all", 20) == "a rather long…"


def test_clipping_keeps_an_address_whole_or_leaves_it_out() -> None:
    text = "read https://a.example/" + "x" * 80
    assert clip_text(text, 40) == "read…"


def test_clipping_keeps_an_entity_whole_or_leaves_it_out() -> None:
    assert "&am" not in clip_text("AT&amp;T" * 3, 4)
    assert clip_text("x &thetasym; y", 6) == "x…"


def test_clipping_never_splits_a_grapheme() -> None:
    family = "👩‍👩‍👧"
    assert clip_text(family * 10, 12) == family * 2 + "…"


@given(st.text(), st.integers(min_value=0, max_value=80))
def test_clipping_keeps_the_limit(text: str, limit: int) -> None:
    assert len(clip_text(text, limit)) <= limit


@given(st.text(alphabet="&<>ab. "), st.integers(min_value=1, max_value=80))
def test_clipping_counts_what_escaping_adds(text: str, limit: int) -> None:
    assert len(html.escape(clip_text(text, limit, cost=lambda part: len(html.escape(part))))) <= limit


def test_sentences_are_not_ended_by_abbreviations() -> None:
    assert split_sentences("Smith et al. show this, e.g. here. Then v2.0 came! Why?") == [
        "Smith et al. show this, e.g. here.",
        "Then v2.0 came!",
        "Why?",
    ]


@pytest.mark.parametrize("count", [201, 400, 999])
def test_a_clip_of_many_flags_cuts_none_of_them(count: int) -> None:
    """A flag is two regional indicators."""
    for limit in (2 * count - 3, count, 401):
        clipped = clip_text("🇩🇪" * count, limit).rstrip("…")
        assert clipped
        assert clipped == "🇩🇪" * (len(clipped) // 2)
