"""The table of queries, and hostile ones: what people type finds the paper that is meant, and never fails."""

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from digests.model import ScoredPaper
from digests.ports.search import Match, SearchRequest
from digests.search import PaperSearch
from digests.search.glossary import GlossaryEntry, build_glossary
from digests.search.index import SearchIndex
from digests.search.schema import find_names
from tests.builders import a_scored_paper
from tests.digests.search.blind_queries import BLIND_QUERIES, BLIND_REAL_QUERIES, BLIND_SAMPLE_QUERIES
from tests.digests.search.queries import REAL_QUERIES, SAMPLE_QUERIES, Query
from tests.digests.search.records import TODAY, load_real_records, load_sample
from tests.digests.search.test_index import FakePapers
from tests.shared_data import needs_shared_data

MIN_FIRST, MIN_FIRST_THREE = 0.98, 0.99
"""Shares of the queries that find their paper first, and among the first three, in the larger library.

There, and over the sample, which has to find all, the aims are 0.95 and 0.99.
"""

MIN_BLIND = 0.98
"""The same share of the queries of a person who saw no code. It was 0.97 on the day they were opened."""


def open_search(folder: Path, papers: Sequence[ScoredPaper]) -> PaperSearch:
    return PaperSearch(FakePapers(*papers).port, SearchIndex.open(folder), build_glossary({}))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> PaperSearch:
    return open_search(tmp_path_factory.mktemp("sample"), load_sample())


def find_places(search: PaperSearch, queries: Sequence[Query]) -> dict[str, int]:
    """Return the place, from 1, of the first right paper of each query; 9 if it is not found.

    An id that the library lacks counts as found if it was read: it is fetched.
    """
    places = {}
    for text, right, _ in queries:
        result = search.find(SearchRequest(text, 5), TODAY)
        found = [*(scored.paper.id for scored in result.papers), *result.missing_ids]
        places[text] = next((place for place, paper in enumerate(found, 1) if paper in right), 9)
    return places


def check_shares(places: dict[str, int], first: float, first_three: float) -> None:
    missed = {text: place for text, place in places.items() if place > 1}
    assert sum(place == 1 for place in places.values()) >= first * len(places), missed
    assert sum(place <= 3 for place in places.values()) >= first_three * len(places), missed


def test_queries_over_the_sample_find_their_paper_first(sample: PaperSearch) -> None:
    check_shares(find_places(sample, SAMPLE_QUERIES), 1.0, 1.0)


def test_queries_of_a_stranger_over_the_sample_find_their_paper_first(sample: PaperSearch) -> None:
    check_shares(find_places(sample, BLIND_SAMPLE_QUERIES), 1.0, 1.0)


@needs_shared_data
def test_queries_of_a_stranger_among_real_records_find_their_paper_first(tmp_path: Path) -> None:
    real = load_real_records()
    search = open_search(tmp_path / "real", real)
    check_shares(find_places(search, BLIND_REAL_QUERIES), 1.0, 1.0)
    both = {scored.paper.id: scored for scored in [*real, *load_sample()]}
    search = open_search(tmp_path / "both", list(both.values()))
    check_shares(find_places(search, BLIND_QUERIES), MIN_BLIND, MIN_BLIND)


@needs_shared_data
def test_queries_among_a_thousand_real_records_find_their_paper_first(tmp_path: Path) -> None:
    papers = {scored.paper.id: scored for scored in [*load_real_records(), *load_sample()]}
    search = open_search(tmp_path, list(papers.values()))
    places = find_places(search, [*REAL_QUERIES, *SAMPLE_QUERIES])
    check_shares(places, MIN_FIRST, MIN_FIRST_THREE)


@pytest.mark.parametrize(
    ("text", "emptied_by", "first"),
    [
        ("KTO since:2025", ("since:2025",), "2402.01306"),
        ("KTO in:cs.CV", ("in:cs.CV",), "2402.01306"),
        ("kto min:9", ("min:9",), "2402.01306"),
        ("papers about speech recognition this week", ("this week",), "2212.04356"),
        ("kto in:cs.CV min:9", ("in:cs.CV", "min:9"), "2402.01306"),
        ("speech recognition papers with code in physics", ("in physics",), "2212.04356"),
        ("speech recognition by percy liang", ("by percy liang",), "2212.04356"),
    ],
)
def test_a_filter_that_leaves_nothing_is_named_and_left_out(
    sample: PaperSearch, text: str, emptied_by: tuple[str, ...], first: str
) -> None:
    result = sample.find(SearchRequest(text, 5), TODAY)
    assert (result.emptied_by, result.papers[0].paper.id) == (emptied_by, first)
    assert not result.is_certain


@pytest.mark.parametrize(
    ("text", "emptied_by"),
    [("what came out yesterday", "yesterday"), ("papers we marked", "marked"), ("min:10", "min:10")],
)
def test_a_filter_alone_that_leaves_nothing_is_named(sample: PaperSearch, text: str, emptied_by: str) -> None:
    result = sample.find(SearchRequest(text, 5), TODAY)
    assert (result.emptied_by, result.found) == ((emptied_by,), ())


def test_words_of_a_guessed_filter_are_searched_for_where_all_of_them_are_found(sample: PaperSearch) -> None:
    result = sample.find(SearchRequest("optimization in language", 5), TODAY)
    assert (result.emptied_by, result.papers[0].paper.id) == ((), "2305.18290")


@pytest.mark.parametrize(
    ("text", "is_certain", "match"),
    [
        ("KTO", True, Match.NAME),
        ("have you seen segment anything?", True, Match.NAME),
        ("Ethayarajh 2024", True, Match.TITLE),
        ("diffusion", False, Match.TITLE),
        ("thumbs", False, Match.TEXT),
        ("atention is all you ned", False, Match.WEAK),
        ("in:cs.CL", False, Match.TITLE),
        ("RLHF", False, Match.WEAK),
        ("retrieval augmented generation", True, Match.NAME),
        ("test time training", False, Match.WEAK),
        ("state space models", False, Match.TITLE),
        ("CoT", True, Match.NAME),
    ],
)
def test_only_a_name_or_a_title_of_its_own_is_certain(
    sample: PaperSearch, text: str, is_certain: bool, match: Match
) -> None:
    result = sample.find(SearchRequest(text, 5), TODAY)
    assert (result.is_certain, result.found[0].match) == (is_certain, match)


def test_marks_break_ties_and_can_be_asked_for(sample: PaperSearch) -> None:
    marked = frozenset({"2212.09748"})
    result = sample.find(SearchRequest("diffusion marked:yes", 5, marked_papers=marked), TODAY)
    assert [scored.paper.id for scored in result.papers] == ["2212.09748"]
    others = sample.find(SearchRequest("diffusion marked:no", 9, marked_papers=marked), TODAY)
    assert "2212.09748" not in [scored.paper.id for scored in others.papers]


def test_results_page_without_gaps_and_repetitions(sample: PaperSearch) -> None:
    def list_ids(offset: int, limit: int) -> list[str]:
        request = SearchRequest("language models", limit, offset)
        return [scored.paper.id for scored in sample.find(request, TODAY).papers]

    assert list_ids(0, 3) + list_ids(3, 3) == list_ids(0, 6)
    assert sample.find(SearchRequest("language models", 3), TODAY).has_more


def test_a_snippet_shows_the_words_that_the_title_lacks(sample: PaperSearch) -> None:
    (found, *_) = sample.find(SearchRequest("thumbs up", 5), TODAY).found
    assert "humbs up" in found.snippet
    (named, *_) = sample.find(SearchRequest("KTO", 5), TODAY).found
    assert named.snippet == ""
    (quick, *_) = sample.find(SearchRequest("thumbs up", 5, has_snippets=False), TODAY).found
    assert quick == replace(found, snippet="")


def test_words_around_a_stop_word_are_no_neighbours(tmp_path: Path) -> None:
    papers = [
        a_scored_paper("2601.00001", title="Control of text to image models"),
        a_scored_paper("2601.00002", title="Interleaved text-image models"),
    ]
    search = PaperSearch(FakePapers(*papers).port, SearchIndex.open(tmp_path), build_glossary({}))
    for text, first in (("text-to-image", "2601.00001"), ("text image", "2601.00002")):
        assert search.find(SearchRequest(text, 5), TODAY).papers[0].paper.id == first


def test_own_terms_come_before_the_shipped_ones(tmp_path: Path) -> None:
    glossary = build_glossary({"our bench": "2304.02643", "clip": "2210.03629", "sam": ""})
    search = PaperSearch(FakePapers(*load_sample()).port, SearchIndex.open(tmp_path), glossary)
    for text, first in (("ourbench", "2304.02643"), ("CLIP", "2210.03629")):
        assert search.find(SearchRequest(text, 5), TODAY).papers[0].paper.id == first
    assert glossary.find("sam") is None


def test_the_plural_of_a_term_means_its_words_and_not_one_paper() -> None:
    glossary = build_glossary({"glue": "1804.07461"})
    assert glossary.find("vaes") == GlossaryEntry("", ("variational", "autoencoder"))
    assert glossary.find("glues") is None


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("LLMs for cardiovascular risk", set()),
        ("MRI of the heart", set()),
        ("KTO: Model Alignment", {"kto"}),
        ("CogVideoX makes videos", {"cogvideox"}),
        ("GPT-4 technical report", {"gpt4"}),
    ],
)
def test_an_abbreviation_at_the_start_of_a_title_is_no_name(title: str, names: set[str]) -> None:
    assert find_names(title, "") == names


PARTS = (
    '"', "“", "'", "*", ":", "(", ")", "[", "]", "{", "}", "^", "~", "\\", "/", "+", "-", "!", "$", "?",
    "<", ">", "|", "&", "#", "@", "%", "\x00", "\ud800", "\u202e", "🔖", "👩‍👩‍👧", "字", "ﬁ", " ", " ",
    " ", "AND ", "OR ", "NOT ", "NEAR/2 ", "in:", "in:cs.CL ", "by:", "since:", "since:2025 ",
    "before:0000-99 ", "min:", "min:99999999 ", "flagged:yes ", "has:", "marked:yes ", "sort:new ",
    "this week ", "between 2020 and ", "last 999 years ", "in 9999 ", "by a ", "in vision ",
    "limitations of ",
    "'; DROP TABLE papers; -- ", "kto ", "attention ", "2402.01306 ", "99.", "similar to ", "papers like ",
    "(a+)+$", "(.*a){25}", "\u2066", "\u200f", "\udfff", "SELECT * FROM papers ", "title:/.*.*.*/ ",
    "x" * 4_000, "a " * 2_000,
)  # fmt: skip
"""Parts of hostile queries: operators, quotes, controls, emoji, filters, SQL, and very long ones."""

COUNT = 10_000 if os.environ.get("PAPERROUND_CHAOS") else 300
"""Hostile queries; the long run is part of `make chaos`."""


def test_hostile_queries_never_fail(sample: PaperSearch) -> None:
    chance = random.Random(15)
    for _ in range(COUNT):
        text = "".join(chance.choices(PARTS, k=chance.randint(1, 12)))
        assert len(sample.find(SearchRequest(text, 5), TODAY).papers) <= 5
