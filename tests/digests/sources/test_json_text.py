"""Tests of the decoder of records."""

import json

import pytest

from digests.sources.json_text import decode_json


@pytest.mark.parametrize(
    "raw",
    [
        '{"title": "A", "score": 0.30000000000000004, "rank": -0, "tags": [1e400, null, true]}',
        '{"title": "first", "title": "last"}',
        '"lone \\ud800 surrogate"',
        '"lone \ud800 surrogate"',
        '"\\u0000 and \\ud83d\\ude00"',
        "[" * 500 + "]" * 500,
        "[NaN, Infinity, 123456789012345678901234567890]",
    ],
)
def test_a_text_is_decoded_as_the_standard_library_does(raw: str) -> None:
    assert repr(decode_json(raw)) == repr(json.loads(raw))


@pytest.mark.parametrize("raw", ["", "{", '{"a": 1,}', "01", '"a\tb"', "\ufeff{}", "9" * 5000, b"\xff\x00"])
def test_a_text_that_is_not_json_has_the_error_of_the_standard_library(raw: str | bytes) -> None:
    with pytest.raises(ValueError) as ours:
        decode_json(raw)
    with pytest.raises(ValueError) as theirs:
        json.loads(raw)
    assert str(ours.value) == str(theirs.value)


def test_control_characters_are_taken_where_they_are_allowed() -> None:
    assert decode_json('"a\tb"', strict=False) == "a\tb"
