"""Modes of what the commands write, and the doctor's sentence about files that others may open."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.main import main

SAMPLE = Path(__file__).parents[3] / "bot" / "sample" / "papers.jsonl"

SETTINGS = """
[store]
url = "sqlite:///p.db"
[digest]
max_age_days = 0
[platforms.console]
transcript = "transcript.jsonl"
[[subscriptions]]
platform = "console"
channel = "papers"
"""


@pytest.fixture(params=[0o022, 0o000], ids=["umask 022", "umask 000"], autouse=True)
def _umask(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paperround.toml").write_text(SETTINGS, encoding="utf-8")
    tmp_path.chmod(0o755)
    former = os.umask(request.param)
    yield
    assert os.umask(former) == request.param, "a command gives the umask back"


def list_open_files(folder: Path) -> list[str]:
    """Return files and folders, except the settings, on which other accounts have a right."""
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.name != "paperround.toml" and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]


def test_everything_that_the_commands_write_is_its_owners_alone(tmp_path: Path) -> None:
    assert main(["import", str(SAMPLE)]) == 0
    assert main(["search", "attention"]) == 0
    assert main(["digest", "papers", "--now"]) == 0
    assert main(["db", "copy", "sqlite:///p.db", "sqlite:///copy.db"]) == 0
    assert {"p.db", "p.db.search", "copy.db", "transcript.jsonl"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert list_open_files(tmp_path) == []


def test_new_files_of_libraries_are_private_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library creates the files of the index; restricting them afterwards would leave a gap."""
    monkeypatch.setattr("digests.search.index.restrict_to_owner", lambda paths: None)
    assert main(["import", str(SAMPLE)]) == 0
    assert main(["search", "attention"]) == 0
    assert len(list((tmp_path / "p.db.search").iterdir())) > 3
    assert list_open_files(tmp_path) == []


def test_an_existing_transcript_is_restricted_before_it_is_written(tmp_path: Path) -> None:
    transcript = tmp_path / "transcript.jsonl"
    transcript.touch()
    transcript.chmod(0o644)
    assert main(["import", str(SAMPLE)]) == 0
    assert main(["digest", "papers", "--now"]) == 0
    assert list_open_files(tmp_path) == []


def test_the_doctor_names_a_backup_that_others_may_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(SAMPLE)]) == 0
    main(["doctor"])
    assert "Other accounts" not in capsys.readouterr().out
    for name in ("p.db.0101.20260101-000000.backup", "p.db.old"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o640)
    main(["doctor"])
    line = "! store: Other accounts of this machine may open p.db.0101.20260101-000000.backup and 1 more"
    assert line in capsys.readouterr().out
    tmp_path.chmod(0o700)
    main(["doctor"])
    assert "Other accounts" not in capsys.readouterr().out


def test_the_doctor_names_a_store_that_it_cannot_restrict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    assert main(["import", str(SAMPLE)]) == 0
    (tmp_path / "p.db").chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    main(["doctor"])
    assert "! store: Other accounts of this machine may open p.db" in capsys.readouterr().out
