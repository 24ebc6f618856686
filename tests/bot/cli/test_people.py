"""`paperround forget` and `export`: what they say, and what they do."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.forget import forget_subject
from bot.cli.main import main
from bot.platforms.registry import find_settings_models
from config.settings import Settings, build_settings_model
from digests.model import Mark, MarkSource, QueueOutcome
from digests.ports.marks import QueueScope
from digests.ports.people import Subject, SubjectKind
from digests.store import open_store
from digests.subscription import Channel
from tests.builders import NOW, a_store, a_subscription, save_subscription

ADA = Subject(SubjectKind.PERSON, "slack", "T1", "U1")


def settings_with(**tables: object) -> Settings:
    return build_settings_model(find_settings_models()).model_validate({"version": 1, **tables})


def run_here(*arguments: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(folder)
    return main(arguments)


def test_nothing_is_erased_before_it_is_confirmed() -> None:
    store = a_store()
    save_subscription(store, replace(a_subscription(), channel=Channel("slack", "C1", "T1"), owner_id="U1"))
    lines = forget_subject(store, settings_with(), ADA, yes=False, now=NOW)
    assert lines == [
        "About the person slack:T1:U1 goes: 1 digest set up. Marks are deleted; elsewhere “somebody” takes "
        "the place of the name.",
        "Digests that the person set up go on, and nobody is told any more if one fails.",
        "Nothing was erased yet: --yes does it.",
    ]
    assert store.people.count_records(ADA) == {"digests set up": 1}
    assert "It is done." in forget_subject(store, settings_with(), ADA, yes=True, now=NOW)
    assert store.people.count_records(ADA) == {}
    again = forget_subject(store, settings_with(), ADA, yes=True, now=NOW)
    assert again[0] == "Nothing is kept about the person slack:T1:U1."
    assert "It is done." not in again


def test_an_erasure_of_nothing_asks_for_no_confirmation() -> None:
    lines = forget_subject(a_store(), settings_with(), ADA, yes=False, now=NOW)
    assert lines == [
        "Nothing is kept about the person slack:T1:U1.",
        "With --yes it is erased from backups too, when one is restored.",
    ]


def test_a_person_whom_the_settings_file_names_is_said_to_be_there() -> None:
    settings = settings_with(
        subscriptions=[{"platform": "slack", "channel": "C1", "workspace": "T1", "owner": "U1"}],
        operator={"deciders": ["slack:T1:U1"]},
    )
    for subject, where in (
        (ADA, "[[subscriptions]] owner and [operator] deciders"),
        (Subject(SubjectKind.CHANNEL, "slack", "T1", "C1"), "[[subscriptions]]"),
        (Subject(SubjectKind.WORKSPACE, "slack", "T1"), "[[subscriptions]]"),
    ):
        lines = forget_subject(a_store(), settings, subject, yes=True, now=NOW)
        assert f"The settings file still names it under {where}: take it out there." in lines
    stranger = replace(ADA, id="U2")
    assert not any(
        "settings file" in each for each in forget_subject(a_store(), settings, stranger, yes=True, now=NOW)
    )


def test_the_commands_run_over_the_store_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/paperround.db")
    store.paper_requests.add(
        "2402.01306", now=NOW - timedelta(days=1), platform="slack", workspace="T1", person="U1"
    )
    store.close()
    (tmp_path / "paperround.toml").write_text("version = 1\n")
    assert run_here("export", "person", "slack:T1:U1", folder=tmp_path, monkeypatch=monkeypatch) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["person"], record["requests"][0]["paper"]) == ("slack:T1:U1", "2402.01306")
    assert run_here("forget", "person", "slack:T1:U1", "--yes", folder=tmp_path, monkeypatch=monkeypatch) == 0
    assert "1 request" in capsys.readouterr().out
    assert (tmp_path / "paperround.db.tombstones").exists()
    assert run_here("forget", "person", "U1", folder=tmp_path, monkeypatch=monkeypatch) == 1
    assert "write it as PLATFORM:WORKSPACE:PERSON" in capsys.readouterr().err


def test_the_papers_of_a_channel_are_exported_without_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/paperround.db")
    now = datetime.now(UTC)
    for workspace, paper in (("T1", "2402.01306"), ("T2", "2402.01307")):
        channel = Channel("slack", f"C{workspace}", workspace)
        wanted = replace(a_subscription(), channel=channel)
        assert store.subscriptions.change(channel, wanted, by="", now=now)
        store.marks.set_mark(Mark(channel, "", paper, f"U{workspace}", MarkSource.BUTTON, now), True)
    store.queue_decisions.decide(
        "2402.01307", QueueScope("slack", "T2"), QueueOutcome.DISCUSSED, by="Eve", by_id="", now=now
    )
    store.close()
    (tmp_path / "paperround.toml").write_text("version = 1\n")

    def export(*words: str) -> str:
        status = run_here("export", *words, folder=tmp_path, monkeypatch=monkeypatch)
        captured = capsys.readouterr()
        assert status == 0, captured.err
        return captured.out

    (record,) = json.loads(export("queue", "slack:T1", "--as", "json"))
    assert (record["id"], record["marks"]) == ("2402.01306", 1)
    assert json.loads(export("queue", "slack:T2", "--as", "json")) == []
    assert "@misc{arxiv-2402.01307," in export("discussions", "slack:T2:CT2", "--as", "bib")
    marked = export("marks", "slack:T2", "--as", "md")
    assert "2402.01307" in marked
    assert not {"UT2", "Eve"} & set(marked.split())
    assert run_here("export", "queue", "slack:T9", folder=tmp_path, monkeypatch=monkeypatch) == 1
    assert "slack:T1, slack:T2" in capsys.readouterr().err
