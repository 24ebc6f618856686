"""The search index: matching, following the store, and recovery from damage."""

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from digests.errors import InputError, SearchError, StoreError
from digests.model import Paper, Review, ScoredPaper
from digests.ports.library import Library
from digests.ports.search import SearchRequest
from digests.search import PaperSearch
from digests.search import index as index_module
from digests.search import ranking as ranking_module
from digests.search import schema as schema_module
from digests.search.glossary import build_glossary
from digests.search.index import SearchIndex
from digests.search.query import MAX_CHECKED_WORDS, WordQuery, parse_query, tokenize_text
from digests.text import to_plain_text
from tests.fakes.wire import WAIT_SECONDS

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)


class FakePapers:
    """The part of a library that search needs. A changed paper gets the highest sequence number."""

    def __init__(self, *papers: ScoredPaper) -> None:
        self.held: dict[str, tuple[int, ScoredPaper]] = {}
        self.asked = 0
        self.before_changes: Callable[[int], None] = lambda after: None
        self.add_papers(*papers)

    @property
    def port(self) -> Library:
        return cast(Library, self)

    def add_papers(self, *papers: ScoredPaper) -> None:
        for scored in papers:
            number = self.latest_sequence() + 1
            self.held.pop(scored.paper.id, None)
            self.held[scored.paper.id] = (number, scored)

    def get(self, ids: Iterable[str]) -> Mapping[str, ScoredPaper]:
        return {id_: self.held[id_][1] for id_ in ids if id_ in self.held}

    def ids_with_title(self, title: str, limit: int) -> Sequence[str]:
        titled = (key for key, (_, held) in self.held.items() if held.paper.title.lower() == title.lower())
        return list(titled)[:limit]

    def changes_after(self, after: int, limit: int) -> Sequence[tuple[int, ScoredPaper]]:
        self.asked += 1
        self.before_changes(after)
        return [change for change in self.held.values() if change[0] > after][:limit]

    def latest_sequence(self) -> int:
        return max((number for number, _ in self.held.values()), default=0)


def a_paper(id_: str, title: str = "Untitled", **facts: Any) -> ScoredPaper:
    review = {key: facts.pop(key) for key in list(facts) if key in Review.__slots__}
    return ScoredPaper(Paper(id_, title, f"https://arxiv.org/abs/{id_}", **facts), Review(**review), NOW)


def make_papers(count: int) -> list[ScoredPaper]:
    return [a_paper(f"2601.{number:05}", f"Study number{number}") for number in range(count)]


KTO = a_paper(
    "2402.01306",
    "KTO: Model Alignment as Prospect Theoretic Optimization",
    authors=("Kawin Ethayarajh", "Douwe Kiela"),
    abstract="Kahneman & Tversky tell us that humans perceive random variables in a biased manner.",
    tldr="Aligns language models from thumbs up and down alone.",
    limitations="Only English feedback was considered.",
)
SHELF = (
    KTO,
    a_paper("2312.00849", "RLHF-V: Towards Trustworthy MLLMs", authors=("Tianyu Yu",)),
    a_paper("2303.08774", "GPT-4 Technical Report", authors=("OpenAI",)),
    a_paper("1705.08039", r"Poincar\'e Embeddings for Learning Hierarchical Representations"),
    a_paper("2106.00001", r"Training in $\mathcal{O}(n^2)$ with \emph{Sinkhorn} Iterations"),
    a_paper("1706.03762", "Attention Is All You Need", abstract="We propose the Transformer architecture."),
    a_paper("2009.06732", "Efficient Transformers: A Survey", methodology="A taxonomy of attention."),
    a_paper("2308.04079", "3D Gaussian Splatting in C++", impact="Real-time radiance fields."),
    a_paper("2305.18290", "Direct Preference Optimization", reproducibility="Seeds are not given."),
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "search"


@pytest.fixture(scope="module")
def filled_index(tmp_path_factory: pytest.TempPathFactory) -> SearchIndex:
    index = SearchIndex.open(tmp_path_factory.mktemp("shelf"))
    index.catch_up(FakePapers(*SHELF).port)
    return index


def find_papers(words: str, *, library: Library, index: SearchIndex, limit: int) -> tuple[ScoredPaper, ...]:
    search = PaperSearch(library, index, build_glossary({}))
    return search.find(SearchRequest(words, limit), NOW.date()).papers


def search_ids(index: SearchIndex, words: str, most: int = 10) -> list[str]:
    query = parse_query(words, NOW.date())
    assert isinstance(query, WordQuery)
    return [hit.id for hit in index.search(query, most)]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("prospect", "2402.01306"),
        ("kto", "2402.01306"),
        ("KTO", "2402.01306"),
        ("RLHF-V", "2312.00849"),
        ("gpt-4", "2303.08774"),
        ("ethayarajh", "2402.01306"),
        ("thumbs", "2402.01306"),
        ("english feedback", "2402.01306"),
        ("taxonomy", "2009.06732"),
        ("seeds", "2305.18290"),
        ("radiance", "2308.04079"),
        ("Poincaré", "1705.08039"),
        ("poincare", "1705.08039"),
        ("sinkhorn iteration", "2106.00001"),
        ("O(n²)", "2106.00001"),
        ("3D", "2308.04079"),
        ("C++", "2308.04079"),
        ("transformer survey", "2009.06732"),
        ("aligning models", "2402.01306"),
        ("attention is all you need", "1706.03762"),
    ],
)
def test_a_paper_is_found_by_any_of_its_words(filled_index: SearchIndex, words: str, first: str) -> None:
    assert search_ids(filled_index, words)[0] == first


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("prospct", "2402.01306"),
        ("ethayarjah", "2402.01306"),
        ("gausian spltting", "2308.04079"),
        ("atention is all you need", "1706.03762"),
        ("heirarchical embedings", "1705.08039"),
        ("optimisation of prefrence", "2305.18290"),
    ],
)
def test_typing_errors_are_tolerated(filled_index: SearchIndex, words: str, first: str) -> None:
    assert search_ids(filled_index, words)[0] == first


def test_short_words_must_match_exactly(filled_index: SearchIndex) -> None:
    assert search_ids(filled_index, "kro") == []


@pytest.mark.parametrize(
    ("words", "first"),
    [("prosp", "2402.01306"), ("efficient transfor", "2009.06732"), ("douwe kie", "2402.01306")],
)
def test_the_last_word_matches_as_a_prefix(filled_index: SearchIndex, words: str, first: str) -> None:
    assert search_ids(filled_index, words)[0] == first


def test_a_phrase_matches_words_in_order(filled_index: SearchIndex) -> None:
    assert search_ids(filled_index, '"direct preference"') == ["2305.18290"]
    assert search_ids(filled_index, '"preference optimization" direct', most=1) == ["2305.18290"]
    assert search_ids(filled_index, '"kto"') == ["2402.01306"]


def test_papers_with_all_words_rank_before_those_with_some(directory: Path) -> None:
    index = build_index(
        directory,
        a_paper("1", "Sparse sparse sparse sparse"),
        a_paper("2", "Something else", limitations="Sparse matrices, and rewards that are few."),
        a_paper("3", "Rewards"),
    )
    assert search_ids(index, "sparse rewards")[0] == "2"
    assert set(search_ids(index, "sparse rewards")) == {"1", "2", "3"}
    assert search_ids(index, "sparse rewards", most=1) == ["2"]


def test_an_exact_title_ranks_first_and_a_title_with_all_words_next(directory: Path) -> None:
    index = build_index(
        directory,
        a_paper("1", "Other", tldr="graph attention " * 20, abstract="graph attention " * 50),
        a_paper("2", "Attention over a graph"),
        a_paper("3", "Graph attention with graph attention and graph attention"),
        a_paper("4", "Graph Attention"),
    )
    assert search_ids(index, "graph attention")[0] == "4"
    assert set(search_ids(index, "graph attention")[1:3]) == {"2", "3"}


def test_ties_are_ordered_by_id_without_duplicates(directory: Path) -> None:
    index = build_index(directory, *(a_paper(str(number), "Same title") for number in (5, 3, 9, 1, 7)))
    assert search_ids(index, "same title") == ["1", "3", "5", "7", "9"]
    assert search_ids(index, "same title", most=2) == ["1", "3"]
    assert search_ids(index, "same") == search_ids(index, "sam") == ["1", "3", "5", "7", "9"]


@pytest.mark.parametrize("most", [0, -1, 10**12])
def test_any_limit_is_accepted(filled_index: SearchIndex, most: int) -> None:
    assert len(search_ids(filled_index, "kto", most)) == (1 if most > 0 else 0)


def test_an_empty_index_finds_nothing(directory: Path) -> None:
    assert search_ids(SearchIndex.open(directory), "kto") == []


def test_a_changed_paper_is_found_by_its_new_words_only(directory: Path) -> None:
    papers = FakePapers(a_paper("1", "Walruses"), a_paper("2", "Penguins"))
    index = SearchIndex.open(directory)
    assert index.catch_up(papers.port) == 2
    papers.add_papers(a_paper("1", "Ocelots", limitations="Few habitats."))
    assert index.catch_up(papers.port) == 1
    assert search_ids(index, "walruses") == []
    assert search_ids(index, "ocelots") == search_ids(index, "habitats") == ["1"]


def test_catching_up_without_changes_writes_nothing(directory: Path) -> None:
    papers = FakePapers(*SHELF)
    index = SearchIndex.open(directory)
    index.catch_up(papers.port)
    written, papers.asked = (directory / "meta.json").stat().st_mtime_ns, 0
    assert index.catch_up(papers.port) == 0
    assert (directory / "meta.json").stat().st_mtime_ns == written
    assert papers.asked == 0


def test_a_reopened_index_continues_from_its_watermark(directory: Path) -> None:
    papers = FakePapers(*SHELF)
    SearchIndex.open(directory).catch_up(papers.port)
    again = SearchIndex.open(directory)
    assert again.catch_up(papers.port) == 0
    assert search_ids(again, "kto") == ["2402.01306"]
    papers.add_papers(a_paper("9", "Quokkas"))
    assert SearchIndex.open(directory).catch_up(papers.port) == 1


def test_an_index_sees_commits_of_other_processes(directory: Path) -> None:
    papers = FakePapers(*SHELF)
    reader, writer = SearchIndex.open(directory), SearchIndex.open(directory)
    assert search_ids(reader, "kto") == []
    writer.catch_up(papers.port)
    assert search_ids(reader, "kto") == ["2402.01306"]
    assert reader.catch_up(papers.port) == 0


def test_catching_up_resumes_after_a_failure_between_batches(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "BATCH_SIZE", 10)
    papers = FakePapers(*make_papers(35))

    def fail(after: int) -> None:
        if after == 20:
            raise StoreError("The store went away.")

    papers.before_changes = fail
    with pytest.raises(StoreError):
        SearchIndex.open(directory).catch_up(papers.port)
    papers.before_changes = lambda after: None
    index = SearchIndex.open(directory)
    assert index.catch_up(papers.port) == 15
    assert len(search_ids(index, "study", most=100)) == 35


KILLED = """
import os, sys
from pathlib import Path
from digests.search import index as index_module
from digests.search import ranking as ranking_module
from digests.search import schema as schema_module
from tests.digests.search.test_index import FakePapers, SearchIndex, make_papers

index_module.BATCH_SIZE = index_module.COMMIT_SIZE = 10
documents = iter(range(25))
make = index_module.build_document
index_module.build_document = lambda *change: (
    make(*change) if next(documents, None) is not None else os._exit(9)
)
SearchIndex.open(Path(sys.argv[1])).catch_up(FakePapers(*make_papers(35)).port)
"""


def test_a_process_killed_within_a_batch_loses_and_duplicates_nothing(directory: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(directory)], cwd=ROOT, check=False)
    assert ended.returncode == 9
    index = SearchIndex.open(directory)
    assert index.catch_up(FakePapers(*make_papers(35)).port) == 15
    assert sorted(search_ids(index, "study", most=100)) == [scored.paper.id for scored in make_papers(35)]


def wait_for_builder(index: SearchIndex, papers: FakePapers) -> None:
    while index.follow(papers.port) < 1:
        if index._builder:
            index._builder.join(0.01)


def test_many_changes_are_indexed_in_the_background(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "MAX_AWAITED_CHANGES", 20)
    monkeypatch.setattr(index_module, "BATCH_SIZE", 10)
    monkeypatch.setattr(index_module, "COMMIT_SIZE", 10)
    papers = FakePapers(*make_papers(60))
    may_go_on, index = threading.Event(), SearchIndex.open(directory)
    papers.before_changes = lambda after: None if after < 30 else wait_for(may_go_on)
    search = PaperSearch(papers.port, index, build_glossary({}))
    while len(search_ids(index, "study", 100)) < 30:
        assert index.follow(papers.port) < 1
    partial = search.find(SearchRequest("number3", 5), NOW.date())
    assert (partial.indexed_share, partial.papers[0].paper.id) == (0.5, "2601.00003")
    titled = search.find(SearchRequest("study number55", 5), NOW.date())
    assert (titled.papers[0].paper.id, titled.is_certain) == ("2601.00055", True)
    may_go_on.set()
    wait_for_builder(index, papers)
    while index.catch_up(papers.port) or len(search_ids(index, "study", 100)) < 60:
        pass
    index.catch_up(papers.port)
    assert len(search_ids(index, "study", 100)) == 60
    assert search.find(SearchRequest("number55", 5), NOW.date()).indexed_share == 1


def wait_for(event: threading.Event) -> None:
    assert event.wait(30)


def test_a_paper_that_changes_while_the_index_is_built_is_there_once(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "BATCH_SIZE", 10)
    papers = FakePapers(*make_papers(30))

    def change(after: int) -> None:
        papers.before_changes = lambda after: None
        papers.add_papers(a_paper("2601.00003", "Walruses"))

    papers.before_changes = lambda after: change(after) if after == 10 else None
    index = SearchIndex.open(directory)
    index.catch_up(papers.port)
    assert search_ids(index, "walruses") == ["2601.00003"]
    assert "2601.00003" not in search_ids(index, "study", 100)
    assert len(search_ids(index, "study", 100)) == 29


def test_a_failed_build_is_logged_and_no_error_of_a_look_up(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(index_module, "MAX_AWAITED_CHANGES", 20)
    papers = FakePapers(*make_papers(60))
    index = SearchIndex.open(directory)

    def fail(after: int) -> None:
        raise StoreError("The store went away.")

    papers.before_changes = fail
    assert index.follow(papers.port) == 0
    assert index._builder
    index._builder.join()
    papers.before_changes = lambda after: None
    assert index.follow(papers.port) == 0
    assert "The store went away." in caplog.text
    monkeypatch.setattr(index, "_retry_at", 0.0)
    wait_for_builder(index, papers)


def test_a_few_changes_are_awaited_while_another_thread_indexes_them(directory: Path) -> None:
    index = SearchIndex.open(directory)
    papers = FakePapers(*make_papers(3))
    is_writing = threading.Event()

    def write_slowly() -> None:
        with index._open_writer() as writer:
            is_writing.set()
            time.sleep(0.2)
            assert writer
            index._index_changes(papers.port, writer)

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert is_writing.wait(WAIT_SECONDS)
    assert index.follow(papers.port) == 1
    assert len(search_ids(index, "study", 100)) == 3
    thread.join()


class MergingIndex:
    """An index whose writers merge its parts until `is_merged` is set."""

    def __init__(self, index: Any) -> None:
        self._index, self.is_merged = index, threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def writer(self, *arguments: int) -> Any:
        return MergingWriter(self._index.writer(*arguments), self.is_merged)


class MergingWriter:
    def __init__(self, writer: Any, is_merged: threading.Event) -> None:
        self._writer, self._is_merged = writer, is_merged

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def wait_merging_threads(self) -> None:
        wait_for(self._is_merged)
        self._writer.wait_merging_threads()


def test_a_change_is_found_before_the_index_has_merged_its_parts(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers, index = FakePapers(a_paper("1", "Walruses")), SearchIndex.open(directory)
    merging = MergingIndex(index._index)
    monkeypatch.setattr(index, "_index", merging)
    assert index.follow(papers.port) == 1
    assert search_ids(index, "walruses") == ["1"]
    merging.is_merged.set()
    papers.add_papers(a_paper("2", "Penguins"))
    assert index.follow(papers.port) == 1
    assert search_ids(index, "penguins") == ["2"]
    assert index.build(papers.port, lambda done, total: None, anew=True) == 2


def test_a_look_up_waits_for_no_merges_that_have_not_begun(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread can be joined only once it is started: another look-up may come just before that."""
    papers, index = FakePapers(a_paper("1", "Walruses")), SearchIndex.open(directory)
    start, was_busy = threading.Thread.start, list[bool]()

    def look_up_and_start(thread: threading.Thread) -> None:
        if thread.name == "search-index-merge":
            with index._open_writer() as writer:
                was_busy.append(writer is None)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", look_up_and_start)
    assert index.follow(papers.port) == 1
    assert was_busy == [True]
    assert search_ids(index, "walruses") == ["1"]


def test_merges_that_fail_are_logged_and_no_error_of_a_look_up(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    papers, index = FakePapers(a_paper("1", "Walruses")), SearchIndex.open(directory)

    def fail(writer: MergingWriter) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MergingWriter, "wait_merging_threads", fail)
    monkeypatch.setattr(index, "_index", MergingIndex(index._index))
    assert index.follow(papers.port) == 1
    assert search_ids(index, "walruses") == ["1"]
    assert index._closer
    index._closer.join()
    assert "could not be merged, and will be later" in caplog.text


def test_look_ups_wait_for_no_index_of_an_older_version(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "MAX_AWAITED_CHANGES", 20)
    papers, may_go_on = FakePapers(*make_papers(30)), threading.Event()
    SearchIndex.open(directory).catch_up(papers.port)
    monkeypatch.setattr(index_module, "SCHEMA_VERSION", "newer")
    search = PaperSearch(papers.port, SearchIndex.open(directory), build_glossary({}))
    papers.before_changes = lambda after: wait_for(may_go_on)
    titled = search.find(SearchRequest("Study number7", 5), NOW.date())
    assert (titled.indexed_share, [scored.paper.id for scored in titled.papers]) == (0, ["2601.00007"])
    assert search.find(SearchRequest("2601.00009", 5), NOW.date()).papers[0].paper.id == "2601.00009"
    may_go_on.set()
    wait_for_builder(search.index, papers)


def test_an_index_is_built_anew_by_one_process_alone(directory: Path) -> None:
    papers = FakePapers(*make_papers(30))
    first, second = SearchIndex.open(directory), SearchIndex.open(directory)
    first.catch_up(papers.port)
    seen: list[tuple[int, int]] = []
    assert second.build(papers.port, lambda done, total: seen.append((done, total)), anew=True) == 30
    assert seen == [(30, 30)]
    assert len(search_ids(first, "study", 100)) == 30
    with first._open_writer(), pytest.raises(InputError, match="Another process is indexing"):
        second.build(papers.port, lambda done, total: None, anew=True)


def test_a_title_with_the_words_of_a_filter_is_a_title(directory: Path) -> None:
    titled, other = a_paper("1", "Attention by Design"), a_paper("2", "Attention", authors=("Ann Design",))
    papers = FakePapers(titled, other)
    index = SearchIndex.open(directory)
    found = find_papers("attention by design", library=papers.port, index=index, limit=1)
    assert found == (titled,)
    assert find_papers("attention by ann design", library=papers.port, index=index, limit=1) == (other,)


BUILDING = """
import sys
from pathlib import Path
from tests.digests.search.test_index import FakePapers, SearchIndex, make_papers

def wait_for_test(after):
    print("building", flush=True)
    sys.stdin.readline()

papers = FakePapers(*make_papers(30))
papers.before_changes = wait_for_test
SearchIndex.open(Path(sys.argv[1])).build(papers.port, lambda done, total: None, anew=True)
"""


def test_two_processes_build_the_same_index_once(directory: Path) -> None:
    papers = FakePapers(*make_papers(30))
    with subprocess.Popen(
        [sys.executable, "-c", BUILDING, str(directory)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == "building\n"
        index = SearchIndex.open(directory)
        with pytest.raises(InputError, match="Another process is indexing"):
            index.build(papers.port, lambda done, total: None, anew=True)
        assert index.catch_up(papers.port) == 0
        assert search_ids(index, "study", 100) == []
        other.communicate("\n\n")
    assert other.returncode == 0
    assert index.catch_up(papers.port) == 0
    assert sorted(search_ids(index, "study", 100)) == [scored.paper.id for scored in make_papers(30)]


def test_filters_alone_list_the_newest_papers_of_a_large_library(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking_module, "MAX_LISTED", 12)
    monkeypatch.setattr(ranking_module, "MIN_NEWEST", 1)
    yearly = [
        a_paper(f"{year}01.{number:05}", published=date(2000 + year, 1, 1), code_url="https://github.com/a/b")
        for year in (20, 21, 22)
        for number in range(10)
    ]
    index = build_index(directory, *yearly)
    query = parse_query("has:code", NOW.date())
    assert isinstance(query, WordQuery)
    assert {(hit.id[:2], hit.newest) for hit in index.search(query, 30)} == {("21", 20), ("22", 20)}
    assert search_ids(index, "has:code before:2021", 1)[0].startswith("20")


@pytest.fixture
def checked_words(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The words that were looked for with typing errors, each with the number of these."""
    checked, match = list[tuple[str, int]](), ranking_module._match_misspelt

    def match_misspelt(word: str, typos: int) -> list[Any]:
        checked.append((word, typos))
        return match(word, typos)

    monkeypatch.setattr(ranking_module, "_match_misspelt", match_misspelt)
    return checked


def test_two_typing_errors_are_tried_only_where_one_finds_nothing(
    filled_index: SearchIndex, checked_words: list[tuple[str, int]]
) -> None:
    assert search_ids(filled_index, "heirarchical", 1) == ["1705.08039"]
    assert checked_words == [("heirarchical", 1)]
    assert search_ids(filled_index, "heirarchcal", 1) == ["1705.08039"]
    assert checked_words[1:] == [("heirarchcal", 1), ("heirarchcal", 2)]


def test_only_the_rarest_words_of_a_query_may_be_misspelt(
    filled_index: SearchIndex, checked_words: list[tuple[str, int]]
) -> None:
    words = [f"unknown{letter}" for letter in "abcdefghijkl"]
    search_ids(filled_index, " ".join(["attention", *words]))
    assert 0 < len({word for word, _ in checked_words}) <= MAX_CHECKED_WORDS
    assert "attention" not in dict(checked_words)
    search = PaperSearch(FakePapers(*SHELF).port, filled_index, build_glossary({}))
    cut = "Typing errors were looked for in the 6 rarest words alone."
    assert search.find(SearchRequest(" ".join(words), 5), NOW.date()).faults == (cut,)
    assert search.find(SearchRequest(" ".join(words[:6]), 5), NOW.date()).faults == ()


def test_a_text_of_too_many_words_is_cut_and_says_so(filled_index: SearchIndex) -> None:
    search = PaperSearch(FakePapers(*SHELF).port, filled_index, build_glossary({}))
    found = search.find(SearchRequest(" ".join(["attention"] * 40), 5), NOW.date())
    assert "Searched for the first 32 words alone." in found.faults


def test_frequent_words_are_searched_among_the_newest(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking_module, "MAX_POSTINGS", 12)
    monkeypatch.setattr(ranking_module, "MIN_NEWEST", 1)
    dated = [
        a_paper(f"2{year:01}01.{number:05}", "A study", published=date(2020 + year, 1, 1))
        for year in range(5)
        for number in range(10)
    ]
    index = build_index(directory, *dated, a_paper("2001.99999", "A rare study", published=date(2020, 1, 1)))
    query = parse_query("study", NOW.date())
    assert isinstance(query, WordQuery)
    hits = index.search(query, 5)
    assert {(hit.id[:4], hit.newest) for hit in hits} == {("2401", 20)} or {hit.newest for hit in hits} == {
        20
    }
    assert search_ids(index, "rare study", 1) == ["2001.99999"]
    assert search_ids(index, "study before:2021", 1)[0].startswith("2001")
    assert search_ids(index, "study min:1", 1) == []


def test_search_works_while_another_process_holds_the_writer(directory: Path) -> None:
    papers = FakePapers(*SHELF)
    first, second = SearchIndex.open(directory), SearchIndex.open(directory)
    first.catch_up(papers.port)
    papers.add_papers(a_paper("9", "Quokkas"))
    seen: list[tuple[int, list[str], list[str]]] = []

    def meanwhile(after: int) -> None:
        papers.before_changes = lambda after: None
        caught = second.catch_up(papers.port)
        seen.append((caught, search_ids(second, "kto"), search_ids(second, "quokkas")))

    # The first index has checked its store, and reads changes only while it holds the writer.
    papers.before_changes = meanwhile
    assert first.catch_up(papers.port) == 1
    assert seen == [(0, ["2402.01306"], [])]
    assert search_ids(second, "quokkas") == ["9"]


def test_threads_search_while_another_catches_up(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "BATCH_SIZE", 20)
    papers = FakePapers(*SHELF)
    index = SearchIndex.open(directory)
    index.catch_up(papers.port)
    papers.add_papers(*make_papers(300))
    done, failures = threading.Event(), []

    def look() -> None:
        try:
            while not done.is_set():
                index.catch_up(papers.port)
                assert search_ids(index, "kto") == ["2402.01306"]
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=look) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        while not failures and (index.catch_up(papers.port) or len(search_ids(index, "study", 1_000)) < 300):
            pass
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert failures == []


def test_an_emptied_store_rebuilds_the_index(directory: Path) -> None:
    build_index(directory, *SHELF)
    index = SearchIndex.open(directory)
    assert index.catch_up(FakePapers(a_paper("1", "Quokkas")).port) == 1
    assert search_ids(index, "quokkas") == ["1"]
    assert search_ids(index, "kto") == []
    assert index.catch_up(FakePapers().port) == 0
    assert search_ids(index, "quokkas") == []


def test_a_different_store_rebuilds_the_index(directory: Path) -> None:
    build_index(directory, *SHELF)
    index = SearchIndex.open(directory)
    assert index.catch_up(FakePapers(*make_papers(20)).port) == 20
    assert search_ids(index, "kto") == []


@pytest.mark.parametrize("name", ["meta.json", "schema", "*.term", "*.idx", "*.store", "*.fast", "*.pos"])
@pytest.mark.parametrize("damage", ["emptied", "overwritten", "removed"])
def test_a_damaged_index_is_rebuilt(directory: Path, name: str, damage: str) -> None:
    build_index(directory, *SHELF)
    (path,) = directory.glob(name)
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "emptied" else b"\xff" * path.stat().st_size)
    index = SearchIndex.open(directory)
    try:
        index.catch_up(FakePapers(*SHELF).port)
        found = search_ids(index, "model alignment", most=1)
    except SearchError:
        # Damage that only a search detects is reported once.
        index.catch_up(FakePapers(*SHELF).port)
        found = search_ids(index, "model alignment", most=1)
    assert found == ["2402.01306"]


def test_an_index_of_another_schema_is_rebuilt(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_index(directory, *SHELF)
    monkeypatch.setattr(index_module, "SCHEMA_VERSION", "next")
    index = SearchIndex.open(directory)
    assert search_ids(index, "kto") == []
    assert index.catch_up(FakePapers(*SHELF).port) == len(SHELF)
    assert (directory / "schema").read_text() == "next"


def test_an_index_deleted_while_open_is_rebuilt(directory: Path) -> None:
    papers = FakePapers(*SHELF)
    index = build_index(directory, *SHELF)
    shutil.rmtree(directory)
    assert index.catch_up(papers.port) == len(SHELF)
    assert search_ids(index, "kto") == ["2402.01306"]


def test_other_files_in_the_directory_are_kept(directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / "thesis.tex").write_text("years of work")
    (directory / "schema").write_text("other")
    build_index(directory, *SHELF)
    assert (directory / "thesis.tex").read_text() == "years of work"


def test_a_file_in_place_of_the_directory_is_a_search_error(tmp_path: Path) -> None:
    path = tmp_path / "search"
    path.write_text("")
    for directory in (path, path / "below"):
        with pytest.raises(
            SearchError, match=rf"^The search index cannot be kept in {re.escape(str(directory))} \(.*\.$"
        ):
            SearchIndex.open(directory)


HOSTILE = st.text(st.sampled_from('ab4é"*:()[]{}^~\\/+-!$?<>|&\x00\ud800\u202eﬁ 字'), max_size=80)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(HOSTILE | st.text(st.characters(codec=None), max_size=80))
@example("x" * 10_000)
@example('"' + "a " * 5_000 + '"')
@example("title:kto AND NOT (a OR *)")
@example(" ".join("attentoin" + "abcdefgh"[n % 8] for n in range(32)))
def test_any_text_can_be_searched(filled_index: SearchIndex, words: str) -> None:
    find_papers(words, library=FakePapers(*SHELF).port, index=filled_index, limit=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(title=st.text(st.characters(codec=None), max_size=60))
def test_every_title_finds_its_paper(tmp_path_factory: pytest.TempPathFactory, title: str) -> None:
    index = build_index(tmp_path_factory.mktemp("any"), a_paper("1", title))
    query = parse_query(title.replace('"', " "), NOW.date())
    if isinstance(query, WordQuery):
        assert [hit.id for hit in index.search(query, 1)] == ["1"]


@settings(deadline=None)
@given(HOSTILE | st.text(st.characters(codec="utf-8"), max_size=80))
@example("C++ and C# in snake_case, self-play\nwith $x^2$ -- naïve ``quotes'' \x00 " + "x" * 70)
@example("10 \\emph{Poincar\\'e} a<b>c</b> &amp; Straße İstanbul ﬁne 3½ ①")
def test_the_index_splits_words_as_queries_do(text: str) -> None:
    analyzed = schema_module.build_analyzer(stems=False).analyze(
        schema_module._split_words(schema_module._to_plain(text))
    )
    assert analyzed == tokenize_text(to_plain_text(text))


def test_finding_by_id_does_not_use_the_index(filled_index: SearchIndex) -> None:
    found = find_papers("arxiv:2402.01306v3", library=FakePapers(*SHELF).port, index=filled_index, limit=5)
    assert found == (KTO,)
    assert find_papers("2402.99999", library=FakePapers(*SHELF).port, index=filled_index, limit=5) == ()


def test_finding_by_words_catches_up_and_keeps_the_order(directory: Path) -> None:
    papers = FakePapers(*SHELF)
    index = SearchIndex.open(directory)
    found = find_papers("efficient attention", library=papers.port, index=index, limit=2)
    assert [scored.paper.id for scored in found] == search_ids(index, "efficient attention", most=2)
    papers.add_papers(a_paper("9", "Quokkas"))
    assert [
        scored.paper.id for scored in find_papers("quokka", library=papers.port, index=index, limit=2)
    ] == ["9"]
    assert find_papers("?!", library=papers.port, index=index, limit=2) == ()


def test_a_hit_without_a_stored_paper_is_left_out(directory: Path) -> None:
    papers = FakePapers(*SHELF)
    index = SearchIndex.open(directory)
    index.catch_up(papers.port)
    del papers.held["2402.01306"]
    assert find_papers("kto", library=papers.port, index=index, limit=5) == ()


def test_tantivy_is_loaded_only_with_the_index() -> None:
    code = "import sys, digests.search; sys.exit('tantivy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def build_index(directory: Path, *papers: ScoredPaper) -> SearchIndex:
    index = SearchIndex.open(directory)
    index.catch_up(FakePapers(*papers).port)
    return index
