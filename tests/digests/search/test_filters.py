"""Filters of a look-up: by key, and in words."""

from datetime import date

import pytest

from digests.search.filters import (
    MAX_FILTERS,
    AuthorFilter,
    DateFilter,
    DomainFilter,
    Filter,
    ScoreFilter,
    Sort,
    Trait,
    TraitFilter,
    read_filters,
)

TODAY = date(2026, 7, 1)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("in:cs.CL", DomainFilter("in:cs.CL", ("cs.CL",))),
        ("cat:cs.cl", DomainFilter("cat:cs.cl", ("cs.CL",))),
        ("in:language", DomainFilter("in:language", ("cs.CL",))),
        ("in cs.CL", DomainFilter("in cs.cl", ("cs.CL",))),
        ("cs.CL", DomainFilter("cs.cl", ("cs.CL",))),
        ("by:bengio", AuthorFilter("by:bengio", ("bengio",))),
        ('by:"yoshua bengio"', AuthorFilter('by:"yoshua bengio"', ("yoshua", "bengio"))),
        ("since:2025-01", DateFilter("since:2025-01", since=date(2025, 1, 1))),
        ("since:2025", DateFilter("since:2025", since=date(2025, 1, 1))),
        ("since:7d", DateFilter("since:7d", since=date(2026, 6, 24))),
        ("after:2025", DateFilter("after:2025", since=date(2026, 1, 1))),
        ("before:2020", DateFilter("before:2020", before=date(2020, 1, 1))),
        ("until:2025-12-31", DateFilter("until:2025-12-31", before=date(2026, 1, 1))),
        ("year:2024", DateFilter("year:2024", date(2024, 1, 1), date(2025, 1, 1))),
        ("since March", DateFilter("since march", since=date(2026, 3, 1))),
        ("since November", DateFilter("since november", since=date(2025, 11, 1))),
        ("since March 2025", DateFilter("since march 2025", since=date(2025, 3, 1))),
        ("in 2024", DateFilter("in 2024", date(2024, 1, 1), date(2025, 1, 1))),
        ("March 2025", DateFilter("march 2025", date(2025, 3, 1), date(2025, 4, 1))),
        ("this week", DateFilter("this week", date(2026, 6, 24), date(2026, 7, 2))),
        ("last 3 days", DateFilter("last 3 days", date(2026, 6, 28), date(2026, 7, 2))),
        ("last month", DateFilter("last month", date(2026, 6, 1), date(2026, 7, 1))),
        ("last year", DateFilter("last year", date(2025, 1, 1), date(2026, 1, 1))),
        ("last two weeks", DateFilter("last two weeks", date(2026, 6, 17), date(2026, 7, 2))),
        (
            "past couple of days",
            DateFilter("past couple of days", date(2026, 6, 29), date(2026, 7, 2)),
        ),
        ("since monday", DateFilter("since monday", since=date(2026, 6, 29))),
        ("on Tuesday", DateFilter("on tuesday", date(2026, 6, 30), date(2026, 7, 1))),
        (
            "between 2019 and 2021",
            DateFilter("between 2019 and 2021", date(2019, 1, 1), date(2022, 1, 1)),
        ),
        ("yesterday", DateFilter("yesterday", date(2026, 6, 30), date(2026, 7, 1))),
        ("min:8", ScoreFilter("min:8", 8.0)),
        ("min:7,5", ScoreFilter("min:7,5", 7.5)),
        ("min 8", ScoreFilter("min 8", 8.0)),
        ("scored at least 8.5", ScoreFilter("scored at least 8.5", 8.5)),
        ("score above 8", ScoreFilter("score above 8", 8.0)),
        ("flagged:yes", TraitFilter("flagged:yes", Trait.FLAGGED)),
        ("flagged:no", TraitFilter("flagged:no", Trait.FLAGGED, is_wanted=False)),
        ("marked:yes", TraitFilter("marked:yes", Trait.MARKED)),
        ("has:code", TraitFilter("has:code", Trait.CODE)),
        ("has:review", TraitFilter("has:review", Trait.REVIEW)),
    ],
)
def test_a_filter_is_read_and_leaves_the_words(typed: str, found: Filter) -> None:
    for text in (f"{typed} diffusion", f"diffusion {typed}"):
        reading = read_filters(text, TODAY)
        assert reading.filters == (found,)
        assert (reading.rest.strip(), reading.guesses, reading.faults) == ("diffusion", (), ())


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("unreviewed papers about agents", TraitFilter("unreviewed", Trait.REVIEW, is_wanted=False)),
        ("unmarked papers", TraitFilter("unmarked", Trait.MARKED, is_wanted=False)),
        ("papers we marked", TraitFilter("marked", Trait.MARKED)),
        ("flagged papers", TraitFilter("flagged", Trait.FLAGGED)),
    ],
)
def test_a_property_of_papers_is_read(typed: str, found: Filter) -> None:
    assert read_filters(typed, TODAY).filters == (found,)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("diffusion in vision", ("vision",)),
        ("papers by Tri Dao", ("by", "tri", "dao")),
        ("Ethayarajh 2024", ("2024",)),
        ("2024", ("2024",)),
        ("diffusion with code", ("with", "code")),
    ],
)
def test_words_that_may_be_a_filter_are_a_guess_that_keeps_them(typed: str, words: tuple[str, ...]) -> None:
    reading = read_filters(typed, TODAY)
    assert [guess.words for guess in reading.guesses] == [words]
    assert reading.filters == ()


@pytest.mark.parametrize(
    "typed",
    [
        "Adam: A Method for Stochastic Optimization",
        "reasoning in deep networks",
        "by",
        "1800 experts",
        "a study on march madness",
        "between us and them",
        "between here and",
    ],
)
def test_other_text_has_no_filter(typed: str) -> None:
    reading = read_filters(typed, TODAY)
    assert (reading.guesses, reading.sort, reading.faults) == ((), None, ())


@pytest.mark.parametrize(
    ("typed", "sort"),
    [
        ("sort:new kto", Sort.NEW),
        ("sort:score kto", Sort.SCORE),
        ("kto newest first", Sort.NEW),
        ("kto sorted by score", Sort.SCORE),
        ("highest rated kto", Sort.SCORE),
    ],
)
def test_an_order_is_read(typed: str, sort: Sort) -> None:
    assert (read_filters(typed, TODAY).sort, read_filters(typed, TODAY).rest.strip()) == (sort, "kto")


@pytest.mark.parametrize(
    "typed",
    ["in:nowhere", "since:soon", "since:2025-13", "min:11", "min:x", "flagged:maybe", "has:x", "sort:x"],
)
def test_a_filter_that_cannot_be_read_is_left_out_with_a_sentence(typed: str) -> None:
    reading = read_filters(f"{typed} kto", TODAY)
    assert (reading.filters, reading.rest.strip()) == ((), "kto")
    (fault,) = reading.faults
    assert fault.startswith(f"{typed!r} is left out")


def test_a_range_of_years_without_its_end_is_its_first_year() -> None:
    reading = read_filters("kto between 2024 and", TODAY)
    assert [guess.filter.typed for guess in reading.guesses] == ["2024"]


def test_only_the_first_filters_count_and_each_once() -> None:
    scores = [f"min:{score}" for score in range(1, 10)]
    many = read_filters(" ".join([*scores, *scores]), TODAY)
    assert [each.typed for each in many.filters] == scores[:MAX_FILTERS]
    assert many.faults == ("Only the first 8 filters count.",)
    years = read_filters(" ".join(str(year) for year in range(2001, 2020)) + " 2001", TODAY)
    assert len(years.guesses) == MAX_FILTERS
    assert years.rest == " ".join(str(year) for year in range(2001 + MAX_FILTERS, 2020)) + " 2001"
    assert len(read_filters("2024 2024 2024", TODAY).guesses) == 1
    assert len(read_filters("since:foo min:x " * 100, TODAY).faults) == 2
