"""Files of other programs: arXiv's snapshot, Zotero, CSL JSON and tables are read as scored papers."""

import io
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.errors import InputError
from digests.model import Paper, Review
from digests.ports.sources import BadRecord
from digests.sources.reviews import MAX_UNKNOWN_KEYS, ReviewFile
from digests.sources.table import MAX_ROW_LINES
from tests.shared_data import FOLDER, bugs, needs_shared_data

TODAY = date(2026, 11, 28)


def read(content: Any) -> list[tuple[Paper, Review] | BadRecord]:
    text = content if isinstance(content, str) else json.dumps(content)
    return list(ReviewFile("-", TODAY, io.BytesIO(text.encode())).read_records())


def read_papers(content: Any) -> list[Paper]:
    results = read(content)
    bad = [str(each) for each in results if isinstance(each, BadRecord)]
    assert not bad
    return [each[0] for each in results if not isinstance(each, BadRecord)]


def read_faults(content: Any) -> list[str]:
    return [str(each) for each in read(content) if isinstance(each, BadRecord)]


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "2402.01306", "summary": "We do."},
        {"id": "http://arxiv.org/abs/2402.01306v1", "abs": "We do."},
        {"abs": "https://arxiv.org/abs/2402.01306", "summary": "We do."},
        {"arXiv ID": "2402.01306", "Abstract": "We do."},
        {"DOI": "10.48550/arXiv.2402.01306", "abstractNote": "We do."},
        {"link": "https://hf.co/papers/2402.01306", "abstract": "We do."},
    ],
)
def test_other_names_of_the_id_and_the_abstract_are_understood(fields: dict[str, Any]) -> None:
    (paper,) = read_papers([{"title": "KTO", **fields}])
    assert (paper.id, paper.abstract) == ("2402.01306", "We do.")


def test_a_field_under_its_own_name_wins() -> None:
    (paper,) = read_papers(
        [{"title": "KTO", "arxiv_id": "2402.01306", "id": "7", "abstract": "A", "summary": "B"}]
    )
    assert (paper.id, paper.abstract) == ("2402.01306", "A")


@pytest.mark.parametrize(
    ("given_categories", "categories"),
    [
        ("cs.CV cs.AI stat.ML", ("cs.CV", "cs.AI", "stat.ML")),
        ("cs.CV, cs.AI", ("cs.CV", "cs.AI")),
        ("cs.CV;cs.AI", ("cs.CV", "cs.AI")),
        (["cs.CV cs.AI", "cs.CV"], ("cs.CV", "cs.AI")),
        (["hep-th", "math.AG"], ("hep-th", "math.AG")),
        ("Machine Learning, Vision", ("Machine-Learning", "Vision")),
        ("", ()),
    ],
)
def test_categories_may_be_written_in_many_ways(given_categories: Any, categories: tuple[str, ...]) -> None:
    (paper,) = read_papers([{"title": "a", "id": "2402.01306", "categories": given_categories}])
    assert paper.categories == categories
    assert paper.primary_category == (categories[0] if categories else "")


@pytest.mark.parametrize(
    ("given_authors", "authors"),
    [
        ("Ada Moss, Bob Day and Cy Fen", ("Ada Moss", "Bob Day", "Cy Fen")),
        ("Moss, Ada; Day, Bob", ("Ada Moss", "Bob Day")),
        (["Moss, Ada", "Day, Bob"], ("Ada Moss", "Bob Day")),
        (["Ada Moss, Bob Day, Cy Fen"], ("Ada Moss", "Bob Day", "Cy Fen")),
        ("Ada Moss, Bob Day, Jr.", ("Ada Moss", "Bob Day Jr.")),
        ([{"family": "Moss", "given": "Ada"}, {"literal": "The Team"}], ("Ada Moss", "The Team")),
        ([{"name": "Ada Moss"}], ("Ada Moss",)),
    ],
)
def test_authors_may_be_written_in_many_ways(given_authors: Any, authors: tuple[str, ...]) -> None:
    (paper,) = read_papers([{"title": "a", "id": "2402.01306", "authors": given_authors}])
    assert paper.authors == authors


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-02-03", date(2024, 2, 3)),
        ("2024/2/3", date(2024, 2, 3)),
        ("2024-02", date(2024, 2, 1)),
        ("2024", date(2024, 1, 1)),
        (2024, date(2024, 1, 1)),
        ("February 3, 2024", date(2024, 2, 3)),
        ("Sat, 3 Feb 2024 19:18:42 GMT", date(2024, 2, 3)),
        ({"date-parts": [[2024, 2, 3]]}, date(2024, 2, 3)),
        ("2024-02-03T10:00:00Z", date(2024, 2, 3)),
    ],
)
def test_dates_may_be_written_in_many_ways(written: Any, day: date) -> None:
    (paper,) = read_papers([{"title": "a", "id": "2402.01306", "date": written}])
    assert paper.published == day


def test_a_record_of_arxivs_snapshot_is_read_with_its_version_and_its_withdrawal() -> None:
    record = {
        "id": "2402.01306", "submitter": "Ada", "authors": "A. Moss and B. Day", "title": "KTO",
        "comments": "Withdrawn by the authors", "journal-ref": None, "categories": "cs.LG cs.AI",
        "abstract": " We do. ", "versions": [{"version": "v1", "created": "Fri, 2 Feb 2024 10:59:12 GMT"},
        {"version": "v2", "created": "Sat, 3 Feb 2024 10:59:12 GMT"}], "update_date": "2024-02-05",
        "authors_parsed": [["Moss", "Ada", ""], ["Day", "Bob", "Jr."]],
    }  # fmt: skip
    file = ReviewFile("-", TODAY, io.BytesIO(json.dumps(record).encode()))
    (result,) = file.read_records()
    assert not isinstance(result, BadRecord)
    paper = result[0]
    assert (paper.version, paper.published, paper.withdrawn) == (2, date(2024, 2, 2), date(2024, 2, 5))
    assert (paper.authors, paper.categories) == (("Ada Moss", "Bob Day Jr."), ("cs.LG", "cs.AI"))
    assert not file.unknown_keys


ZOTERO_ITEM = {
    "itemType": "preprint", "title": "KTO", "abstractNote": "We do.", "date": "2024-02-02", "key": "AB",
    "creators": [{"firstName": "Ada", "lastName": "Moss", "creatorType": "author"},
                 {"firstName": "E", "lastName": "D", "creatorType": "editor"}],
    "url": "http://arxiv.org/abs/2402.01306", "extra": "arXiv:2402.01306 [cs]", "tags": [],
}  # fmt: skip
ATTACHMENT = {"itemType": "attachment", "title": "PDF"}


@pytest.mark.parametrize(
    "export",
    [
        [ZOTERO_ITEM, ATTACHMENT],
        {"config": {}, "collections": {}, "items": [ATTACHMENT, ZOTERO_ITEM]},
        [{"key": "AB", "version": 3, "library": {}, "data": ZOTERO_ITEM}],
    ],
)
def test_every_json_of_zotero_is_read_without_its_files(export: Any) -> None:
    (paper,) = read_papers(export)
    assert (paper.id, paper.authors, paper.abstract) == ("2402.01306", ("Ada Moss",), "We do.")
    assert paper.published == date(2024, 2, 2)


def test_csl_json_is_read_and_the_key_of_a_citation_is_no_id() -> None:
    item = {
        "type": "article",
        "author": [{"family": "Moss", "given": "Ada"}],
        "issued": {"date-parts": [["2024", 2]]},
    }
    papers = read_papers(
        [
            {**item, "id": "moss2024", "title": "KTO", "number": "arXiv:2402.01306"},
            {**item, "id": "http://zotero.org/users/1/items/A", "title": "Journal", "DOI": "10.1000/xyz"},
        ]
    )
    assert [paper.url for paper in papers] == [
        "https://arxiv.org/abs/2402.01306",
        "https://doi.org/10.1000/xyz",
    ]
    assert papers[0].published == date(2024, 2, 1)


@pytest.mark.parametrize("wrapper", ["papers", "items", "records", "results"])
def test_an_object_around_all_records_is_opened(wrapper: str) -> None:
    papers = read_papers({wrapper: [{"title": "a", "id": "2402.01306"}, {"title": "b", "id": "2402.01307"}]})
    assert [paper.title for paper in papers] == ["a", "b"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_with_a_header_is_read(delimiter: str) -> None:
    header = ["Title", "arXiv ID", "Score", "Authors", "TLDR"]
    row = ["KTO", "2402.01306", "8.3", '"Ada Moss"', '"two\nlines"']
    (result,) = read("\r\n".join(map(delimiter.join, [header, row])))
    assert not isinstance(result, BadRecord)
    paper, review = result
    assert (paper.id, paper.authors, review.score) == ("2402.01306", ("Ada Moss",), 8.3)
    assert review.tldr == "two\nlines"


def test_a_bad_row_does_not_take_the_others() -> None:
    rows = [
        "title,id,score",
        "a,2402.01301,7",
        '"open,2402.01302,7',
        "b,2402.01303,7,too,many",
        "",
        'c,banana,"8,3"',
        "d,2402.01304,7",
    ]
    assert read_faults("\n".join(rows)) == [
        "standard input, line 3: has a quotation mark that nothing closes",
        "standard input, line 4: has 5 cells, and the header names 3",
        'standard input, line 6: score: must be a number from 0 to 10, or null, not "8,3"'
        ": did you mean 8.3?; arxiv_id: 'banana' is not an arXiv id such as 2402.01306",
    ]
    assert [each[0].title for each in read("\n".join(rows)) if isinstance(each, tuple)] == ["a", "d"]


def test_open_quotation_marks_cost_no_more_than_their_lines() -> None:
    rows = ["title,id", *['"open,2402.01306'] * 5, *["a,2402.01306"] * (3 * MAX_ROW_LINES)]
    assert sum(isinstance(each, tuple) for each in read("\n".join(rows))) >= 3 * MAX_ROW_LINES - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@article{x, title={a}}", "is BibTeX: import JSON"),
        ("TY  - JOUR\nTI  - a", "is RIS"),
        ("<html>", "is XML or HTML"),
        ("a,b\n1,2", "whose first line names its columns"),
        ("hello", "is not JSON"),
    ],
)
def test_another_format_is_named(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(text)


def test_all_faults_of_a_record_are_told_and_a_near_key_is_named() -> None:
    record = {"titel": "a", "score": "8,3", "published": "soon", "rank": 0}
    (fault,) = read_faults([record])
    assert fault == (
        "standard input, record 1: title: is missing (did you mean it by 'titel'?); "
        'published: must be a date such as 2026-11-24, not "soon"; '
        'score: must be a number from 0 to 10, or null, not "8,3": did you mean 8.3?; '
        "rank: must be a whole number from 1, or null, not 0; "
        "arxiv_id: is missing, and there is no url: one of them must say which paper it is"
    )


def test_members_of_an_array_are_named_by_number_and_lines_by_line() -> None:
    assert read_faults('[{"title": 1}, 7]')[1].startswith("standard input, record 2: must be an object")
    assert read_faults('{"title": 1}\n\n{"title": 2}')[1].startswith("standard input, line 3: ")


def test_unknown_keys_are_counted_and_their_number_is_limited() -> None:
    many = {f"key{number}": 1 for number in range(500)}
    file = ReviewFile(
        "-", TODAY, io.BytesIO(json.dumps([{"title": "a", "id": "2402.01306", **many}] * 2).encode())
    )
    assert len(list(file.read_records())) == 2
    assert len(file.unknown_keys) == MAX_UNKNOWN_KEYS
    assert set(file.unknown_keys.values()) == {2}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    """
    id arxiv_id title authors author creators versions authors_parsed date issued data items extra
    itemType update_date comments categories url DOI abs summary flags
    """.split()  # noqa: SIM905
)


@given(st.lists(st.dictionaries(KEYS, JSON_VALUES, max_size=6), min_size=1, max_size=3))
def test_any_values_under_known_keys_are_papers_or_bad_records(records: list[dict[str, Any]]) -> None:
    assert all(isinstance(each, (tuple, BadRecord)) for each in read(records))


@needs_shared_data
def test_real_files_are_read_without_a_fault() -> None:
    for name, count in (("arxiv/day_2026-06-30_dedup.jsonl", 532), ("arxiv/snapshot_500.jsonl", 500)):
        file = ReviewFile(str(FOLDER / name), TODAY)
        results = list(file.read_records())
        assert len(results) == count
        assert all(isinstance(each, tuple) and each[0].abstract and each[0].authors for each in results)
        assert not file.unknown_keys


@needs_shared_data
def test_real_categories_with_spaces_are_three() -> None:
    (paper,) = read_papers(bugs("categories_with_spaces.jsonl"))
    assert (paper.primary_category, paper.categories) == ("cs.CV", ("cs.CV", "cs.AI", "stat.ML"))
