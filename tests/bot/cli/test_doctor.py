"""`paperround doctor`: what would end `run` is a finding, and the rest is checked all the same."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from bot.chat.findings import Severity
from bot.cli.doctor import check_calendar
from bot.cli.main import main
from digests.calendar import PUBLISHED_TO
from tests.forked import ROOT

BAD_DOMAIN = '[[subscriptions]]\nplatform = "console"\nchannel = "papers"\ndomains = ["visoin"]\n'
BAD_SOURCE = (
    '[[sources]]\nkind = "arxiv"\ncategories = ["cs.XX"]\n[[sources]]\nkind = "huggingface"\n'
    '[[subscriptions]]\nplatform = "console"\nchannel = "papers"\n'
)


def run_doctor(
    settings: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str], str]:
    """Return the exit status, the lines of output, and the errors."""
    (folder / "paperround.toml").write_text(settings)
    monkeypatch.chdir(folder)
    status = main(["doctor"])
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err


def test_an_unknown_category_of_a_source_is_a_fault_and_everything_else_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines, errors = run_doctor(BAD_SOURCE, tmp_path, monkeypatch, capsys)
    assert (status, errors) == (1, "")
    (fault,) = (line for line in lines if line.startswith("✗"))
    assert fault.startswith("✗ source arxiv: Unknown domain 'cs.XX': did you mean")
    assert any(line.startswith("✓ source huggingface: Not fetched yet") for line in lines)
    assert any(line.startswith("✓ digest of console:papers: The next comes on") for line in lines)


def test_an_unknown_domain_of_a_subscription_is_a_fault_and_everything_else_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines, errors = run_doctor(BAD_DOMAIN, tmp_path, monkeypatch, capsys)
    assert (status, errors) == (1, "")
    (fault,) = (line for line in lines if line.startswith("✗"))
    assert fault.startswith("✗ settings: The settings, subscriptions, number 1: Unknown domain 'visoin'")
    assert any(line.startswith("! papers: None yet") for line in lines)


def test_a_store_that_cannot_be_opened_is_a_fault_and_its_papers_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "paperround.db").write_text("no database, but a text that somebody saved here")
    status, lines, errors = run_doctor(BAD_SOURCE, tmp_path, monkeypatch, capsys)
    assert (status, errors) == (1, "")
    assert [line.partition(":")[0] for line in lines if line.startswith("✗")] == ["✗ store", "✗ source arxiv"]
    assert not any("papers: " in line or "digest of" in line for line in lines)


def test_the_operators_page_is_checked_where_it_is_turned_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, lines, _ = run_doctor("", tmp_path, monkeypatch, capsys)
    assert not any("web: " in line for line in lines)
    _, lines, _ = run_doctor("[web]\nenabled = true\n", tmp_path, monkeypatch, capsys)
    assert "✓ web: “paperround run” serves the operator's page on port 8780 of 127.0.0.1." in lines
    monkeypatch.setattr("bot.web.server.find_spec", lambda name: None if name == "mcp" else name)
    status, lines, _ = run_doctor("[web]\nenabled = true\n", tmp_path, monkeypatch, capsys)
    assert status == 1
    assert any(line.startswith("✗ web: mcp is not installed") and "'.[web]'" in line for line in lines)


@pytest.mark.slow
def test_a_missing_driver_of_postgresql_and_a_wrong_domain_are_a_fault_each(tmp_path: Path) -> None:
    store = '[store]\nurl = "postgresql+psycopg://paperround@db.example/papers"\n'
    (tmp_path / "paperround.toml").write_text(store + BAD_DOMAIN)
    code = (
        "import sys; sys.modules['psycopg'] = None; from bot.cli.main import main; sys.exit(main(['doctor']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    first, *lines = done.stdout.splitlines()
    assert "The store is postgresql+psycopg://paperround@db.example/papers." in first
    faults = [line for line in lines if line.startswith("✗")]
    assert [fault.partition(":")[0] for fault in faults] == ["✗ settings", "✗ store"]
    assert "pip install '.[postgresql]'" in faults[1]
    assert any(line.startswith("- slack: Not set up.") for line in lines)


@pytest.mark.parametrize(
    ("today", "severity", "year"),
    [
        (date(2026, 11, 30), None, 0),
        (date(2026, 12, 1), Severity.OK, 2027),
        (date(2026, 12, 31), Severity.OK, 2027),
        (date(2027, 1, 1), Severity.WARNING, 2027),
        (date(2028, 6, 1), Severity.WARNING, 2028),
    ],
)
def test_unknown_holidays_are_told_a_month_ahead_and_warned_of_once_they_are_missing(
    today: date, severity: Severity | None, year: int
) -> None:
    assert date(2026, 12, 31) == PUBLISHED_TO, "with a new list, move the dates of this test by a year"
    found = check_calendar(today)
    assert [finding.severity for finding in found] == ([severity] if severity else [])
    assert all(f"arXiv's holidays of {year} are not known" in finding.sentence for finding in found)
