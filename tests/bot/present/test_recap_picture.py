"""The picture of a week, and its words for those who do not see it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from bot.present.recap_picture import ALT_CHARACTERS, ChannelWeeks, describe_week, draw_week, draw_weeks
from digests.model import ScoredPaper
from digests.recap import RecapFacts, ShownPaper
from tests.builders import NOW, a_paper, a_review

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def a_week(
    *shown: tuple[str, date, float | None],
    titles: Mapping[str, str] = {},
    marks: Mapping[str, int] = {},
    discussed: tuple[str, ...] = (),
    domain: str = "cs.LG",
) -> ChannelWeeks:
    papers = {
        paper: ScoredPaper(
            replace(a_paper(paper, title=titles.get(paper, f"Title {paper}")), primary_category=domain),
            a_review(score),
            NOW,
        )
        for paper, _, score in shown
    }
    facts = RecapFacts(tuple(ShownPaper(*each) for each in shown), marks, discussed)
    return ChannelWeeks("#papers", facts, papers)


def read_texts(week: ChannelWeeks) -> list[str]:
    """Return the texts of the picture, as an SVG has them in its comments."""
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed: the extra plot")
    lines = draw_weeks([week], "svg").decode().splitlines()
    return [line.strip().removeprefix("<!-- ").removesuffix(" -->") for line in lines if "<!--" in line]


def test_the_words_have_each_days_scores_and_the_wanted_papers_in_their_order() -> None:
    week = a_week(
        ("b", TUESDAY, 6.0),
        ("a", MONDAY, 8.0),
        ("c", MONDAY, 5.25),
        ("d", MONDAY, None),
        marks={"b": 3, "elsewhere": 2, "d": 1},
        discussed=("a", "b"),
    )
    assert describe_week(week) == (
        "Scores of the papers shown here, by day. "
        "Mon 23 Nov: 2 papers, 5.2 to 8.0; Tue 24 Nov: 1 paper, 6.0. "
        "Wanted by people here: “Title b” 6.0, “Title a” 8.0."
    )


def test_long_titles_are_clipped_in_the_words() -> None:
    week = a_week(*((f"{n}", MONDAY, 5.0) for n in range(9)), marks={f"{n}": 1 for n in range(9)})
    long = replace(
        week,
        papers={
            paper: replace(scored, paper=replace(scored.paper, title="word " * 500))
            for paper, scored in week.papers.items()
        },
    )
    assert len(describe_week(long)) <= ALT_CHARACTERS


def test_the_picture_names_days_domains_and_wanted_papers() -> None:
    texts = read_texts(a_week(("a", MONDAY, 8.0), ("b", TUESDAY, 6.0), marks={"b": 1}))
    assert {"#papers", "Mon", "23 Nov", "Tue", "24 Nov", "cs.LG", "1", "Title b"} <= set(texts)
    assert "Title a" not in texts


def test_a_paper_that_is_not_to_be_named_is_not_drawn() -> None:
    week = a_week(("a", MONDAY, 8.0), ("held", MONDAY, 9.0), marks={"held": 3})
    without = replace(week, papers={"a": week.papers["a"]})
    assert "Title held" not in read_texts(without)
    assert "held" not in describe_week(without)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "title", ["$x_{$ \\frac", "超級模型", "😀", "", "\x00\x1b[31m", "<b>&amp;", "a" * 9000, "\u202eright"]
)
def test_any_title_and_any_name_can_be_drawn(title: str) -> None:
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed: the extra plot")
    week = a_week(("a", MONDAY, 8.0), titles={"a": title}, marks={"a": 1}, domain=title or "cs.LG")
    picture = draw_week(replace(week, name=title))
    assert picture is not None
    assert picture.startswith(b"\x89PNG")


def test_a_month_of_many_papers_is_drawn() -> None:
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed: the extra plot")
    shown = [(f"{day}.{n}", MONDAY.replace(day=day), n / 4) for day in range(1, 31) for n in range(20)]
    picture = draw_week(a_week(*shown, marks={f"1.{n}": 1 for n in range(20)}))
    assert picture is not None
    assert len(picture) < 1_000_000


def test_a_week_without_a_score_has_no_picture() -> None:
    assert draw_week(a_week(("a", MONDAY, None))) is None
    assert draw_week(a_week()) is None
