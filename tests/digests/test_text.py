"""Text for people: LaTeX to Unicode, and clipping at sentences and words."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.text import (
    clip_text,
    clip_to_phrase,
    find_system_name,
    normalize_text,
    split_sentences,
    to_plain_text,
)
from tests.shared_data import arxiv_day, bugs, needs_shared_data


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"O($n^2$)", "O(n²)"),
        ("We propose **VisReflect**, a **simple framework**.", "We propose VisReflect, a simple framework."),
        ("f(x) = x**2 + y**2", "f(x) = x**2 + y**2"),
        ("2 ** 3 ** 4", "2 ** 3 ** 4"),
        (r"3$^\circ$", "3°"),
        (r"$\textit{prospect theory}$", "prospect theory"),
        (r"2--4$\times$", "2–4×"),
        (r"Poincar\'e", "Poincaré"),
        (r"Poincar{\'e} and Erd\H{o}s, {\L}ukasz, na\"{\i}ve", "Poincaré and Erdős, Łukasz, naïve"),
        (r"\texttt{foo\_bar} of \method", "foo_bar of"),
        (r"$x_{t-1}$, $L_2$, $10^{-3}$", "x_(t-1), L₂, 10⁻³"),
        (r"$\mathbb{R}^{d}$ and $\frac{1}{2}$ and $\sqrt{d}$", "ℝ^d and 1/2 and √d"),
        (r"\emph{a \textbf{b} c}", "a b c"),
        (r"we use ``quotes'' --- often", "we use “quotes” — often"),
        (r"as shown \cite{a,b}.", "as shown."),
        (r"\href{https://a.example/c_d}{code}", "code (https://a.example/c_d)"),
        (r"$k$-means", "k-means"),
        # A macro directly before another one, and arguments without braces.
        (r"$x\in\mathcal{X}$, $\lambda\mathbf{I}$, $n\times\text{dim}$", "x∈X, λI, n×dim"),
        (r"$\mathbf\beta$, $\mathcal O(n)$, $\frac1n$, $\sqrt2$, $\overlineδ$", "β, O(n), 1/n, √2, δ̄"),
        (r"$\frac{1}{n}\log q$ and $k\log\log n$", "1/n log q and k log log n"),
        (r"$\frac{1}{2}x$, $\frac{a}{bc}$, $\sqrt{n}x$", "(1/2)x, a/(bc), √(n)x"),
        # What changes the meaning is kept.
        (r"$\sqrt[3]{x}$, $\sqrt[4]{2}$, $\sqrt[n]{x}$", "∛x, ∜2, ⁿ√x"),
        (r"$\hat{\theta}_n$, $\tilde O(n)$, $\hat{x_t}$, $\overline{abcd}$", "θ̂_n, Õ(n), x̂_t, bar(abcd)"),
        (r"$\binom{n}{k}$, $\binom n2$", "(n choose k), (n choose 2)"),
        (r"$X_n \xrightarrow{d} X$, $A \hookrightarrow B$", "X_n → X, A ↪ B"),
        (r"$a\equiv1\pmod 4$, $a \not= b$, $\bigcup_{a\in A}$", "a≡1 (mod 4), a ≠ b, ⋃_(a∈ A)"),
        (r"$\{0,1\}^n$ and $\Re\{\gamma\}$", "{0,1}^n and ℜ{γ}"),
        # Accents.
        (r"Th{\'\u a}ng, Nguy{\~\^e}n, Mart{\'\i}n, {\'{e}}lan", "Thắng, Nguyễn, Martín, élan"),
        (r"T{\"}ulu, \v{S}koda, Pass\^{}1, \b{eta}", "Tülu, Škoda, Pass^1, β"),
        # Ties, footnotes, rules, colours, code points, units.
        ("Splatting~(3DGS) on Llama~3.3~70B,~(i)~here, 24~dB~/~0.79~SSIM",
         "Splatting (3DGS) on Llama 3.3 70B, (i) here, 24 dB / 0.79 SSIM"),
        (r"shown.\footnote{See \url{https://a.example/~x_y}.}", "shown. (See https://a.example/~x_y.)"),
        (r"users\rule[0.25em]{1em}{0.4pt}the others", "users—the others"),
        (r"{\color{red} important} text, \textcolor{blue}{too}", "important text, too"),
        (r"2\unicode{x2013}3 and \unicode{xe000}", "2–3 and"),
        (r"\SI{96.7}{\percent} in \SI{40}{\milli\second}, \num{33000}", "96.7% in 40 ms, 33000"),
        (r"(\romannumeral1) and (\romannumeral4)", "(i) and (iv)"),
        (r"as in Fig.~\ref{a}, \ie~\cite{b}", "as in Fig., i.e."),
        # Braces of a bibliography, and digits in groups.
        ("{BERT}: {P}re-training of {Large Language Models}", "BERT: Pre-training of Large Language Models"),
        ("5{,}495 pairs for π_{0} and F_{u,m}", "5,495 pairs for π₀ and F_(u,m)"),
        # HTML.
        ("<jats:p>CO<sub>2</sub> &amp; 10<sup>-3</sup> in <i>E. coli</i></jats:p>", "CO₂ & 10⁻³ in E. coli"),
        ("&alpha;-helices &#39;here&#39; &lt;head&gt;", "α-helices 'here' <head>"),
    ],
)  # fmt: skip
def test_latex_and_html_become_unicode(written: str, read: str) -> None:
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
        "posts (~80%) of 1~2% and 0~360 degrees",
        "one of {none, system, judge}",
        "max{1, d/B} over {0.25, 0.40}",
        '{"a": 1} and {name}',
        "AT&T, R&D and a<b and c>d",
        "between <s> and </s>",
    ],
)
def test_text_that_is_not_latex_is_kept(text: str) -> None:
    assert to_plain_text(text) == text


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("WaveDetect: Text as Signal", "WaveDetect"),
        ("MOCA-Agent: A Market of Claims", "MOCA-Agent"),
        ("Tülu 3: Pushing Frontiers", "Tülu 3"),
        ("Why the Dead Papers Walk: Citations after the End", ""),
        ("Attention Is All You Need", ""),
        ("", ""),
    ],
)
def test_a_title_names_its_system_before_its_colon(title: str, name: str) -> None:
    assert find_system_name(title) == name


@pytest.mark.parametrize(
    ("written", "name", "read"),
    [
        (r"We propose \methodname, a method.", "Kto", "We propose Kto, a method."),
        (r"\ours beats \modelname{} here.", "Kto", "Kto beats Kto here."),
        (r"On \gsm and \mathfive, \ours wins.", "Kto", "On and, Kto wins."),
        (r"We propose \wavedetect, and \other.", "WaveDetect", "We propose WaveDetect, and."),
        (r"We propose \ours{}, a method. \ours, however, wins.", "", "We propose, a method. However, wins."),
        (r"Probe Generation (\pg{}) uses \pg{} twice.", "", "Probe Generation (PG) uses PG twice."),
        (r"with \textsc{\benchmarkname{}}-generated data (\ours)", "", "with generated data"),
    ],
)
def test_the_name_of_the_system_stands_for_the_authors_own_macro(written: str, name: str, read: str) -> None:
    assert to_plain_text(written, name) == read


def test_a_code_point_never_makes_a_mark_of_the_converter() -> None:
    assert to_plain_text(r"a\unicode{xe014}b \unicode{xe000}0\unicode{xe001} c") == "ab 0 c"


def test_deep_nesting_and_open_groups_lose_only_their_braces() -> None:
    assert to_plain_text("{" * 5000 + "Ab" + "}" * 5000) == "Ab"
    assert to_plain_text(r"\textbf{" * 500 + "a") == "a"
    assert to_plain_text(r"\textbf{open $x$") == "open x"


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


@needs_shared_data
def test_every_small_wrong_text_is_right() -> None:
    for record in bugs("latex.jsonl"):
        assert to_plain_text(record["input"]) == record["expected"]
    for record in bugs("titles_tex_and_html.jsonl"):
        for text in map(to_plain_text, (record["title"], record["abstract"], record["tldr"])):
            assert not re.search(r"[{}\\$]|</?(?:i|sub|jats:p)>|&\w+;|inmathcal|XtoY", text), text


@needs_shared_data
def test_real_texts_have_nothing_left_of_latex() -> None:
    """Braces of sets and ranges such as 1~2% are no LaTeX."""
    for record in bugs("latex_real.jsonl"):
        read = to_plain_text(record["text"], "Name")
        assert not re.search(r"\\|\{[A-Za-z ]{2,}\}|[^\W\d]~|\)~", read), (record["id"], read)
        assert to_plain_text(read) == read
        for macro in set(record["left"]) - {
            "our",
            "method",
            "https",
            "inf",
            "lim",
            "arg",
            "GRASP",
            "benchmark",
        }:
            if macro.isalpha() and f"\\{macro}" in record["text"]:
                bare = re.compile(rf"(?<![A-Za-z]){macro}(?![A-Za-z])")
                allowed = len(bare.findall(re.sub(r"\\[a-zA-Z]+", "", record["text"])))
                assert len(bare.findall(read)) <= allowed, (record["id"], macro)


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
            r"\hat",
            r"\ours",
            r"\textbf{",
            r"\b",
            r"\unicode{xe014}",
            "(",
            ")",
            ",",
            "A",
            "π",
            "²",
            "&lt;",
            "<sub>",
            "</sub>",
            r"\log",
            r"\{",
            r"\}",
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
    assert split_sentences("It assumes i.i.d. Gaussian noise. One seed.") == [
        "It assumes i.i.d. Gaussian noise.",
        "One seed.",
    ]


@pytest.mark.parametrize("count", [201, 400, 999])
def test_a_clip_of_many_flags_cuts_none_of_them(count: int) -> None:
    """A flag is two regional indicators."""
    for limit in (2 * count - 3, count, 401):
        clipped = clip_text("🇩🇪" * count, limit).rstrip("…")
        assert clipped
        assert clipped == "🇩🇪" * (len(clipped) // 2)


@pytest.mark.parametrize(
    ("text", "limit", "clipped"),
    [
        (
            "KTO replaces paired preference optimization with a binary utility-maximizing objective",
            80,
            "KTO replaces paired preference optimization…",
        ),
        (
            "ORPO merges alignment into a single training phase using odds",
            55,
            "ORPO merges alignment into a single training phase…",
        ),
        ("A list of parts, each of them longer than before", 30, "A list of parts…"),
        ("a rather long sentence without any end", 20, "a rather long…"),
        ("It fits.", 20, "It fits."),
    ],
)
def test_a_sentence_is_clipped_to_its_last_whole_phrase(text: str, limit: int, clipped: str) -> None:
    assert clip_to_phrase(text, limit) == clipped


@given(st.text(max_size=200), st.integers(min_value=1, max_value=100))
def test_a_text_clipped_to_a_phrase_fits_and_begins_it(text: str, limit: int) -> None:
    clipped = clip_to_phrase(text, limit)
    assert len(clipped) <= max(limit, len(clip_text(text, limit)))
    assert text.startswith(clipped.removesuffix("…"))
