"""Papers that are similar to one: asked for in words, by an id, or by a button."""

from pathlib import Path

import pytest

from digests.ports.search import SearchRequest, SearchResult
from digests.search import PaperSearch
from digests.search.query import IdQuery, WordQuery, parse_query
from tests.builders import a_scored_paper
from tests.digests.search.records import TODAY, load_sample
from tests.digests.search.test_queries import open_search

DPO, KTO = "2305.18290", "2402.01306"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> PaperSearch:
    return open_search(tmp_path_factory.mktemp("similar"), load_sample())


def find(search: PaperSearch, text: str) -> tuple[str, list[str]]:
    """Return the id of the paper to which others are similar, or "", and the ids of these."""
    result = search.find(SearchRequest(text, 5), TODAY)
    named = result.similar_to.paper.id if result.similar_to else ""
    return named, [scored.paper.id for scored in result.papers]


@pytest.mark.parametrize(
    "text",
    [
        "similar to DPO",
        "papers similar to DPO",
        "show me something like DPO, please",
        "more like 2305.18290",
        "like https://arxiv.org/abs/2305.18290v2",
        "what other papers are like DPO?",
        "DPO similar papers",
        "similar papers to direct preference optimization",
        'papers like "direct preference optimization"',
    ],
)
def test_papers_like_a_named_one_are_found(sample: PaperSearch, text: str) -> None:
    named, papers = find(sample, text)
    assert (named, papers[0]) == (DPO, KTO)
    assert DPO not in papers
    assert len(papers) <= 5


@pytest.mark.parametrize(
    "text",
    [
        "I would like DPO", "I'd like to read DPO", "what does attention look like",
        "similar image retrieval", "like", "similar to", "papers like this one", "similar papers",
    ],
)  # fmt: skip
def test_other_words_ask_for_no_similar_papers(text: str) -> None:
    query = parse_query(text, TODAY)
    assert not (isinstance(query, WordQuery | IdQuery) and query.wants_similar)


def test_where_no_paper_is_named_the_words_are_searched(sample: PaperSearch) -> None:
    named, papers = find(sample, "papers like diffusion")
    assert named == ""
    assert len(papers) == 5


def test_similar_papers_match_the_filters_too(sample: PaperSearch) -> None:
    for text in ("papers like DPO in:cs.RO", "like 2305.18290 in:cs.RO", "papers like DPO in robotics"):
        assert find(sample, text) == (DPO, ["2303.04137"])
    emptied = sample.find(SearchRequest("papers like DPO since:2026", 5), TODAY)
    assert emptied.similar_to
    assert (emptied.papers, emptied.emptied_by) == ((), ("since:2026",))


SUBJECTS = [
    ("preferences", DPO, KTO),
    ("preferences", KTO, DPO),
    ("speech", "2212.04356", "2006.11477"),
    ("scenes in space", "2308.04079", "2003.08934"),
    ("scenes in space", "2003.08934", "2308.04079"),
    ("diffusion", "2302.05543", "2212.09748"),
    ("diffusion", "2212.09748", "2112.10752"),
    ("fine-tuning", "2305.14314", "2106.09685"),
    ("reasoning", "2201.11903", "2210.03629"),
    ("robots", "2303.04137", "2304.13705"),
]


@pytest.mark.parametrize(("subject", "paper", "nearest"), SUBJECTS)
def test_the_nearest_paper_by_a_short_abstract_is_of_its_subject(
    sample: PaperSearch, subject: str, paper: str, nearest: str
) -> None:
    assert sample.find(SearchRequest("", 5, similar_to=paper), TODAY).papers[0].paper.id == nearest, subject


def test_papers_of_the_same_category_come_first_among_equals(tmp_path: Path) -> None:
    papers = [
        a_scored_paper(number, title=title, abstract="Otters sleep.", primary_category=category)
        for number, title, category in (
            ("2601.00001", "Sleep of otters in rivers", "cs.CL"),
            ("2601.00002", "Sleep of otters in lakes", "cs.CV"),
            ("2601.00003", "Sleep of otters in seas", "cs.CL"),
        )
    ]
    search = open_search(tmp_path, [*load_sample(), *papers])
    found = search.find(SearchRequest("", 2, similar_to="2601.00001"), TODAY)
    assert [scored.paper.id for scored in found.papers] == ["2601.00003", "2601.00002"]


def test_a_paper_without_words_is_similar_to_none(tmp_path: Path) -> None:
    bare = a_scored_paper("2601.00001", title="…", abstract="", primary_category="cs.CL")
    search = open_search(tmp_path, [*load_sample(), bare])
    assert search.find(SearchRequest("", 5, similar_to="2601.00001"), TODAY).papers == ()


def test_a_title_that_begins_like_the_frame_is_a_title(tmp_path: Path) -> None:
    title = "Like Hiking? You Probably Enjoy Nature"
    search = open_search(tmp_path, [*load_sample(), a_scored_paper("2601.00001", title=title)])
    assert find(search, title) == ("", ["2601.00001"])
    assert find(search, "papers like Hiking")[0] == "2601.00001"


def test_an_id_asks_without_words_and_an_unknown_one_finds_nothing(sample: PaperSearch) -> None:
    result = sample.find(SearchRequest("", 5, similar_to=DPO), TODAY)
    assert result.papers[0].paper.id == KTO
    assert not result.is_certain
    assert sample.find(SearchRequest("", 5, similar_to="2401.99999"), TODAY) == SearchResult()
