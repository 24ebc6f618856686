"""Files of people's and models' scores: read line by line, and each fault is told with its line."""

import gzip
from pathlib import Path

import pytest

from digests.agreement import Judgement
from digests.errors import InputError
from digests.sources.score_files import read_judgements, read_model_scores

GOOD = '{"id": "p0", "scores": [6, 8]}'


def write(folder: Path, *lines: str) -> str:
    file = folder / "file.jsonl"
    file.write_text("\n".join(lines))
    return str(file)


def test_decisions_are_acceptances_rejections_or_none(tmp_path: Path) -> None:
    place = write(
        tmp_path,
        GOOD,
        "",
        '{"id": "p1", "scores": [3.5], "decision": "Accept (Poster)"}',
        '{"id": "p2", "scores": [1, 2], "decision": "Reject"}',
        '{"id": "p3", "scores": [1, 2], "decision": false}',
    )
    assert read_judgements(place) == {
        "p0": Judgement((6, 8)),
        "p1": Judgement((3.5,), True),
        "p2": Judgement((1, 2), False),
        "p3": Judgement((1, 2), False),
    }


def test_gzipped_scores_are_read_and_null_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "scores.gz"
    file.write_bytes(
        gzip.compress(b'{"model": "m", "id": "a", "overall": 6}\n{"model": "m", "id": "b", "overall": null}')
    )
    assert read_model_scores(str(file)) == {"m": {"a": 6.0}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"scores": [1, 2]}', '"id" must be a text'),
        ('{"id": 7, "scores": [1]}', '"id" must be a text'),
        ('{"id": "p"}', '"scores" must be a list'),
        ('{"id": "p", "scores": 5}', '"scores" must be a list'),
        ('{"id": "p", "scores": []}', '"scores" must be a list'),
        ('{"id": "p", "scores": [1, "2"]}', "plain numbers"),
        ('{"id": "p", "scores": [NaN, 1]}', "plain numbers"),
        ('{"id": "p", "scores": [1e999]}', "plain numbers"),
        (f'{{"id": "p", "scores": [1{"0" * 400}]}}', "plain numbers"),
        (f'{{"id": "p", "scores": [1{"0" * 5000}]}}', "not JSON"),
        ('{"id": "p", "scores": [true]}', "plain numbers"),
        ('{"id": "p", "scores": [null]}', "plain numbers"),
        ('{"id": "p0", "scores": [1, 2]}', "“p0” is there twice"),
        ('{"id": "p", "scores": [1], "decision": "perhaps"}', '"decision" must begin'),
        ('{"id": "p", "scores": [1]', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "not an object"),
    ],
)
def test_a_bad_line_of_peoples_scores_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_judgements(write(tmp_path, GOOD, line))
    assert ", line 2: " in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "a", "overall": 1}', '"model" must be a text'),
        ('{"model": "m", "overall": 1}', '"id" must be a text'),
        ('{"model": "m", "id": "a"}', "it is missing"),
        ('{"model": "m", "id": "a", "overall": "6"}', 'plain numbers; found “"6"”'),
        ('{"model": "m", "id": "a", "overall": NaN}', "plain numbers"),
        ('{"model": "m", "id": "p0", "overall": 3}', "twice for the model “m”"),
    ],
)
def test_a_bad_line_of_models_scores_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_model_scores(write(tmp_path, '{"model": "m", "id": "p0", "overall": 5}', line))
    assert ", line 2: " in str(caught.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_judgements("nowhere.jsonl")
