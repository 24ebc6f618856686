"""Scored papers from files: valid records are imported, bad ones are reported with their line."""

import gzip
import io
import json
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digests.errors import InputError, SourceError
from digests.limitations import extract_points
from digests.model import NOT_REVIEWED, Flag, Paper, ReadDepth, Review
from digests.ports.sources import BadRecord
from digests.sources.http.client import open_client
from digests.sources.reviews import ReviewFile, build_record_schema
from digests.sources.stream import split_records
from tests.builders import NOW
from tests.shared_data import FOLDER, needs_shared_data

TODAY = date(2026, 11, 24)

Read = tuple[Paper, Review] | BadRecord


def read(text: str | bytes) -> list[Read]:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return list(ReviewFile("-", TODAY, io.BytesIO(raw)).read_records())


def a_record(**fields: Any) -> dict[str, Any]:
    return {"arxiv_id": "2402.01306", "title": "KTO", **fields}


def one(**fields: Any) -> Read:
    (result,) = read(json.dumps(a_record(**fields)))
    return result


def good(result: Read) -> tuple[Paper, Review]:
    assert not isinstance(result, BadRecord), result
    return result


def bad(result: Read) -> BadRecord:
    assert isinstance(result, BadRecord)
    return result


def test_a_title_and_an_id_are_enough() -> None:
    paper, review = good(one())
    assert (paper.id, paper.title, paper.url) == ("2402.01306", "KTO", "https://arxiv.org/abs/2402.01306")
    assert review == NOT_REVIEWED


def test_every_field_is_imported() -> None:
    paper, review = good(
        one(
            arxiv_id="2402.01306v2", authors=["Ada  Lovelace", " "], abstract="A", primary_category="cs.LG",
            categories=["cs.LG", "cs.AI"], published="2024-02-02", score=9, rank=1, tldr="T", methodology="M",
            experiments="E", reproducibility="R", limitations="L", impact="I", model="qwen",
            reviewed_at="2026-11-23T10:00:00+02:00", read_depth="full text",
            flags=[{"category": "c", "excerpt": "e"}],
        )
    )  # fmt: skip
    assert paper == Paper(
        "2402.01306", "KTO", "https://arxiv.org/abs/2402.01306", 2, ("Ada Lovelace",), "A", "cs.LG",
        ("cs.LG", "cs.AI"), date(2024, 2, 2), (Flag("c", "e"),),
    )  # fmt: skip
    reviewed_at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert review == Review(9.0, 1, "T", "M", "E", "R", "L", "I", "qwen", reviewed_at, ReadDepth.FULL_TEXT)


def test_authors_and_categories_may_be_one_text() -> None:
    paper, _ = good(one(authors="Ada Lovelace, Bob Day and Cy Young", categories="cs.LG cs.AI"))
    assert paper.authors == ("Ada Lovelace", "Bob Day", "Cy Young")
    assert paper.categories == ("cs.LG", "cs.AI")


@pytest.mark.parametrize("given", ["cs.LG cs.CL", "cs.LG; cs.CL", ["cs.LG", "cs.CL"], ["cs.LG; cs.CL"]])
def test_categories_are_told_apart_in_a_text_and_in_a_list(given: object) -> None:
    paper, _ = good(one(categories=given))
    assert (paper.primary_category, paper.categories) == ("cs.LG", ("cs.LG", "cs.CL"))


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"title": ""}, "title", "is empty"),
        ({"title": " \u200b "}, "title", "is empty"),
        ({"title": "x" * 2001}, "title", "longer than 2,000 characters"),
        ({"title": None}, "title", "not null"),
        ({"arxiv_id": "banana"}, "arxiv_id", "'banana' is not an arXiv id"),
        ({"arxiv_id": None}, "arxiv_id", "is missing, and there is no url"),
        ({"arxiv_id": None, "url": "javascript:alert(1)"}, "url", "is not a web address"),
        ({"score": 11}, "score", "from 0 to 10, or null, not 11"),
        ({"score": -1}, "score", "from 0 to 10, or null, not -1"),
        ({"score": float("nan")}, "score", "not NaN"),
        ({"score": float("inf")}, "score", "not Infinity"),
        ({"score": "9"}, "score", 'not "9"'),
        ({"score": True}, "score", "not true"),
        ({"rank": 0}, "rank", "whole number from 1"),
        ({"published": "2027-01-01"}, "published", "lies in the future"),
        ({"published": "0001-01-01"}, "published", "lies before 1900"),
        ({"published": "soon"}, "published", 'not "soon"'),
        ({"reviewed_at": "9999-12-31T23:59:59-14:00"}, "reviewed_at", "lies in the future"),
        ({"flags": [{"excerpt": "x"}]}, "flags.0.category", "is missing"),
        ({"read_depth": "skimmed"}, "read_depth", "'abstract' or 'full text'"),
    ],
)
def test_a_bad_field_is_reported_with_its_reason(fields: dict[str, Any], field: str, words: str) -> None:
    result = bad(one(**fields))
    assert result.field == field
    assert words in result.reason
    assert "\n" not in str(result)


def test_a_missing_title_and_a_record_that_is_not_an_object_are_reported() -> None:
    results = [bad(result) for result in read('[{"arxiv_id": "2402.01306"}, 7, "x"]')]
    assert (results[0].field, results[0].reason) == ("title", "is missing")
    assert all("must be an object" in result.reason for result in results[1:])


def test_a_bad_line_is_reported_by_number_and_others_are_kept() -> None:
    text = "\n".join([json.dumps(a_record()), "", '{"title": "cut', "nonsense", json.dumps(a_record())])
    results = read(text)
    assert [isinstance(result, BadRecord) for result in results] == [False, True, True, False]
    assert [bad(result).line for result in results[1:3]] == [3, 4]


@pytest.mark.parametrize("indent", [None, 0, 4])
def test_an_array_is_read_like_lines_with_any_indentation(indent: int | None) -> None:
    many = [a_record(title=f'{n} with [brackets] {{and}} "quotes" and \\ ünï') for n in range(30)]
    assert [good(result)[0].title for result in read(json.dumps(many, indent=indent))] == [
        r["title"] for r in many
    ]


def test_text_after_an_array_is_an_error() -> None:
    source = ReviewFile("-", TODAY, io.BytesIO(json.dumps([a_record()]).encode() + b"\n[1]"))
    results = source.read_records()
    good(next(results))
    with pytest.raises(InputError, match="line 2: something follows the end of the array"):
        next(results)


def test_one_object_over_several_lines_is_one_record() -> None:
    text = json.dumps(a_record(title="one"), indent=2) + "\n" + json.dumps(a_record(title="two"), indent=2)
    assert [good(result)[0].title for result in read(text)] == ["one", "two"]


def test_gzip_is_detected_by_content(tmp_path: Path) -> None:
    file = tmp_path / "papers.json"
    file.write_bytes(gzip.compress(json.dumps([a_record()]).encode()))
    assert len(list(ReviewFile(str(file), TODAY).read_records())) == 1


def test_a_byte_order_mark_is_ignored() -> None:
    assert len(read(b"\xef\xbb\xbf" + json.dumps(a_record()).encode())) == 1


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"hello", "is not JSON"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "is not text in UTF-8"),
        (b"[", "ends or breaks in the middle"),
        (b'[{"title": "a"', "ends or breaks in the middle"),
        (gzip.compress(b'{"title": 1}' * 9999, mtime=0)[:50], "damaged or cut off"),
        (b"\x1f\x8bnonsense that is no gzip", "damaged or cut off"),
    ],
)
def test_unreadable_input_is_one_error(raw: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        read(raw)
    assert "standard input" in str(refused.value)


def test_truncated_json_keeps_the_records_before() -> None:
    text = json.dumps([a_record(), a_record()])[:-10]
    results = ReviewFile("-", TODAY, io.BytesIO(text.encode())).read_records()
    good(next(results))
    with pytest.raises(InputError, match="in the middle"):
        next(results)


def test_a_missing_file_and_a_folder_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        list(ReviewFile(str(tmp_path / "none.json"), TODAY).read_records())
    with pytest.raises(InputError, match="is a folder"):
        list(ReviewFile(str(tmp_path), TODAY).read_records())


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_nuls_and_lone_surrogates_are_removed(text: str) -> None:
    paper, _ = good(one(title=text))
    assert paper.title == "ab"


def test_raw_control_characters_are_removed() -> None:
    (result,) = read(b'{"arxiv_id": "2402.01306", "title": "a\x00b"}')
    assert good(result)[0].title == "ab"


def test_hostile_and_huge_texts_are_kept_unchanged() -> None:
    hostile = "<!channel> @everyone \u202e[x](javascript:alert(1))"
    paper, _ = good(one(title=hostile, abstract="x" * 2_000_000, authors=[f"A{n}" for n in range(600)]))
    assert paper.title == hostile
    assert (len(paper.abstract), len(paper.authors)) == (2_000_000, 600)


@settings(max_examples=60)
@given(
    st.lists(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=4), min_size=1, max_size=6),
    st.integers(1, 9),
)
def test_the_pieces_of_a_text_do_not_affect_its_records(many: list[dict[str, str]], size: int) -> None:
    for text in (json.dumps(many), json.dumps(many, indent=1), "\n".join(json.dumps(r) for r in many)):
        pieces = (text[start : start + size] for start in range(0, len(text), size))
        assert [json.loads(raw) for _, raw in split_records(pieces, "x")] == many


@settings(max_examples=100)
@given(st.binary(max_size=80))
def test_any_bytes_are_records_or_one_error(raw: bytes) -> None:
    results: list[object] = []
    with suppress(InputError):
        results = list(read(b'{"a' + raw))
    assert all(isinstance(result, (tuple, BadRecord)) for result in results)


class Endless(io.RawIOBase):
    """Stream of repeated records that is never held in memory."""

    def __init__(self, record: bytes, times: int) -> None:
        self._record, self._left = record, times

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(self._left, len(buffer) // len(self._record))
        buffer[: size * len(self._record)] = self._record * size
        self._left -= size
        return size * len(self._record)


def peak_memory(records_: int) -> int:
    record = (json.dumps(a_record(abstract="x" * 2000)) + "\n").encode()
    source = ReviewFile("-", TODAY, io.BufferedReader(Endless(record, records_), 1 << 20))
    tracemalloc.start()
    try:
        assert sum(1 for _ in source.read_records()) == records_
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file() -> None:
    assert peak_memory(4000) < 1.5 * peak_memory(1000)


def test_the_schema_accepts_what_the_parser_accepts() -> None:
    from jsonschema import Draft202012Validator  # Its import takes a second, in each process that collects.

    validator = Draft202012Validator(build_record_schema())
    assert validator.is_valid(a_record(score=9.5))
    assert not validator.is_valid({"title": "no id"})
    assert not validator.is_valid(a_record(score=11))
    assert not validator.is_valid(a_record(score="9"))


@needs_shared_data
def test_the_example_papers_import_without_an_error() -> None:
    results = [good(result) for result in ReviewFile(str(FOLDER / "reviews_24.jsonl"), TODAY).read_records()]
    assert len(results) == 24
    assert [review.rank for _, review in results] == list(range(1, 25))
    assert sum(bool(review.limitations) for _, review in results) == 14


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps([a_record()]).encode()
        if self.path == "/gone":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) * (2 if self.path == "/cut" else 1)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def a_site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def read_address(address: str) -> int:
    """Return the number of records at an address."""
    source = ReviewFile(
        address, TODAY, connect=lambda url: open_client("", lambda: NOW, trusted_addresses=(url,))
    )
    return len(list(source.read_records()))


def test_an_address_is_read_like_a_file() -> None:
    with a_site() as site:
        assert read_address(f"{site}/papers.json") == 1


@pytest.mark.parametrize(("path", "words"), [("/gone", "answered 404"), ("/cut", "could not be read")])
def test_a_failing_address_is_one_error(path: str, words: str) -> None:
    with a_site() as site, pytest.raises(SourceError, match=words):
        read_address(f"{site}{path}")


def test_without_a_client_an_address_is_a_path() -> None:
    with a_site() as site, pytest.raises(InputError, match="there is no such file"):
        list(ReviewFile(f"{site}/papers.json", TODAY).read_records())


def test_limitations_may_be_a_list_of_points() -> None:
    _, review = good(one(limitations=["Only English is tested", "The code is missing"]))
    assert extract_points(review.limitations) == ("Only English is tested", "The code is missing")
    assert "limitations" in str(bad(one(limitations=[{"point": "x"}])))


def test_a_missing_field_is_looked_for_under_its_other_names() -> None:
    (result,) = read('{"arxiv_id": "2402.01306", "name": "KTO"}')
    assert "did you mean it by 'name'?" in str(bad(result))
