"""`paperround evaluate`: its table, its JSON, its picture, and its sentences about what it cannot use."""

import builtins
import json
import random
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli.evaluate import read_stored_scores
from bot.cli.main import main
from digests.model import Mark, MarkSource
from digests.store import open_store
from tests.builders import NOW, TODAY, a_paper, a_review, a_store
from tests.digests.store.test_recaps import PAPERS as PAPERS_CHANNEL
from tests.digests.store.test_recaps import mark_paper, post_digest, subscribe

PAPERS = [f"2401.{n:05}" for n in range(120)]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.chdir(tmp_path)
    draw = random.Random(1)
    people, models = [], []
    for at, paper in enumerate(PAPERS):
        scores = [at / 20 + draw.gauss(0, 2) for _ in range(3)]
        people.append({"id": paper, "scores": scores, "decision": "Accept" if at > 60 else "Reject"})
        models += [
            {"model": name, "id": paper, "overall": round(at / 20 + draw.gauss(0, 2))}
            for name in ("a", "b", "c")
        ]
    for name, records in (("people", people), ("models", models)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return "people.jsonl", "models.jsonl"


def test_the_table_ends_with_one_sentence_on_trust(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", files[0], "--scores", files[1]]) == 0
    *table, trust = capsys.readouterr().out.rstrip().split("\n")
    assert any(line.startswith("panel of all 3") for line in table)
    assert any(line.startswith("one person, with the others") for line in table)
    assert trust.startswith("How far to trust the scores: the panel agrees with people at 0.")
    assert max(map(len, table[:6])) < 100


def test_the_record_has_models_panel_and_ceiling(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", files[0], "--scores", files[1], "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record["models"]) == {"a", "b", "c"}
    for found in (*record["models"].values(), record["panel"]):
        assert found["n"] == 120
        assert found["interval"][0] < found["spearman"] < found["interval"][1]
        assert 0.5 < found["auc"] <= 1
    assert record["panel"]["spearman"] > max(found["spearman"] for found in record["models"].values())
    assert record["human_ceiling"]["n"] == 120
    assert sum(record["weights"]["by_model"].values()) == pytest.approx(1, abs=1e-3)


def test_one_model_has_no_panel_and_an_unknown_one_is_named(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", files[0], "--scores", files[1], "--model", "b", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (list(record["models"]), record["panel"], record["pairs"]) == (["b"], None, [])
    assert main(["evaluate", files[0], "--scores", files[1], "--model", "z"]) == 1
    assert "no scores of the model “z”; there are of: a, b, c." in capsys.readouterr().err


def test_files_without_a_common_paper_are_told_in_a_sentence(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("others.jsonl").write_text('{"model": "m", "id": "elsewhere", "overall": 5}\n')
    assert main(["evaluate", files[0], "--scores", "others.jsonl"]) == 1
    assert "by the same ids" in capsys.readouterr().err


def test_an_empty_store_is_told_in_a_sentence(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", files[0]]) == 1
    assert "by the same ids" in capsys.readouterr().err


def test_stored_scores_are_the_newest_of_each_model() -> None:
    store = a_store()
    for score, model in ((3.0, "a"), (5.0, "a"), (9.0, "b")):
        store.library.add([(a_paper(PAPERS[0]), a_review(score, model=model))], now=NOW)
    store.library.add([(a_paper(PAPERS[1]), a_review(None, model="a"))], now=NOW)
    address = f"https://arxiv.org/abs/{PAPERS[0]}v2"
    found = read_stored_scores(store.library, [address, PAPERS[1], "unknown"])
    assert found == {"a": {address: 5.0}, "b": {address: 9.0}}


def test_a_picture_without_its_library_says_what_to_install(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = builtins.__import__

    def refuse(name: str, *arguments: Any, **named: Any) -> object:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return load(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert main(["evaluate", files[0], "--scores", files[1], "--plot", "x.png"]) == 1
    assert "install it with “pip install '.[plot]'”" in capsys.readouterr().err
    assert "matplotlib" not in sys.modules or not Path("x.png").exists()


@pytest.mark.parametrize("plot", ["x.txt", "x", "folder/x.png"])
def test_a_picture_that_cannot_be_written_is_told(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str], plot: str
) -> None:
    assert main(["evaluate", files[0], "--scores", files[1], "--plot", plot]) == 1
    told = capsys.readouterr().err
    assert told.startswith("paperround: ")
    assert "unexpected" not in told


def test_a_picture_is_drawn_of_names_with_markup(files: tuple[str, str]) -> None:
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed: the extra plot")
    text = Path(files[1]).read_text().replace('"a"', '"$a_{"')
    Path(files[1]).write_text(text)
    assert main(["evaluate", files[0], "--scores", files[1], "--plot", "x.png"]) == 0
    assert Path("x.png").read_bytes().startswith(b"\x89PNG")


def test_marks_take_the_place_of_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("paperround.toml").write_text("version = 1\n")
    arguments = ["evaluate", "--marks"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "No channel has a digest yet.\n"
    with closing(open_store(f"sqlite:///{tmp_path}/paperround.db")) as store:
        subscription = subscribe(store)
        for day in range(5):
            scores: dict[str, float | None] = {f"w{day}": 8.0 - day, f"x{day}": 5.5, f"y{day}": 5.0}
            post_digest(store, subscription, TODAY - timedelta(days=5 - day), scores)
            mark_paper(store, f"w{day}")
            if day == 3:
                assert main(arguments) == 0
                expected = "slack:T1:C1: not enough marks to compare yet (4 of 5)\n"
                assert capsys.readouterr().out.startswith(expected)
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("slack:T1:C1: agreed with your team on 3 of the last 5\n")
    assert main([*arguments, "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record == {"channel": "slack:T1:C1", "agreed": 3, "compared": 5, "is_enough": True}


def test_marks_and_files_are_not_compared_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "people.jsonl", "--marks"]) == 1
    assert "--json and --plot alone" in capsys.readouterr().err
    assert main(["evaluate"]) == 1
    assert "by --marks" in capsys.readouterr().err


def test_the_weeks_of_a_channel_are_drawn_with_the_papers_that_people_wanted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed: the extra plot")
    monkeypatch.chdir(tmp_path)
    Path("paperround.toml").write_text("version = 1\n")
    arguments = ["evaluate", "--marks", "--plot", "weeks.svg"]
    assert main(arguments) == 1
    assert "nothing to draw" in capsys.readouterr().err
    with closing(open_store(f"sqlite:///{tmp_path}/paperround.db")) as store:
        post_digest(store, subscribe(store), datetime.now(UTC).date(), {"$a_{": 7.0, "b": 6.0, "held": 5.0})
        for paper in ("$a_{", "held"):
            mark = Mark(PAPERS_CHANNEL, "", paper, "ada", MarkSource.BUTTON, datetime.now(UTC))
            store.marks.set_mark(mark, True)
        store.moderation.hold("held", "suspect", now=NOW)
    assert main(arguments) == 0
    drawn = Path("weeks.svg").read_text()
    comments = [line.strip() for line in drawn.splitlines() if "<!--" in line]
    assert {"<!-- 1 -->", "<!-- Paper $a_ -->"} <= set(comments)
    assert not any("held" in line or line == "<!-- 2 -->" for line in comments)
