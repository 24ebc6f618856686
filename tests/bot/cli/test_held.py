"""`paperround held`: doubted reviews of all workspaces, and re-reviews in the name of the system's user."""

import argparse
import getpass
from types import SimpleNamespace
from typing import Any

import pytest

from bot.cli import held
from bot.conversation.reports import NO_REVIEWER
from digests.errors import InputError
from digests.ports import Store
from digests.ports.review_reports import ReviewPart, ReviewReport
from tests.bot.cli.test_workspaces import settings_with
from tests.builders import NOW, a_paper, a_review, a_store

PAPER = "2402.01306"
REVIEWER = {"base_url": "http://localhost:8000/v1", "model": "qwen3"}


def a_doubted_store() -> Store:
    store = a_store()
    store.library.add([(a_paper(PAPER), a_review(7.9))], now=NOW)
    for workspace, reason in (("T1", "Too\x1b[31m high."), ("T2", "The data leak.")):
        report = ReviewReport("slack", workspace, "UADA", PAPER, ReviewPart.SCORE, reason, NOW)
        store.review_reports.save(report, per_day=9)
    return store


def run(
    monkeypatch: pytest.MonkeyPatch, store: Store, decision: str = "", paper: str = "", **tables: Any
) -> None:
    services = SimpleNamespace(store=store, settings=settings_with(**tables))
    monkeypatch.setattr(held, "build_cli_services", lambda _: services)
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    held.run_command(argparse.Namespace(decision=decision, paper=paper))


def test_the_operator_sees_the_doubts_of_every_workspace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, a_doubted_store())
    shown = capsys.readouterr().out
    assert "Nothing is on hold." in shown
    assert "The score: “The data leak.”" in shown
    assert "(slack:T1)" in shown
    assert "(slack:T2)" in shown
    assert "UADA" not in shown
    assert "\x1b" not in shown
    assert "paperround held again NUMBER" in shown


def test_the_operator_has_a_paper_reviewed_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = a_doubted_store()
    number = str(store.review_reports.list_open(9)[0].id)
    with pytest.raises(InputError, match=NO_REVIEWER):
        run(monkeypatch, store, "again", number)
    run(monkeypatch, store, "again", number, reviewer=REVIEWER)
    assert "will be reviewed again" in capsys.readouterr().out
    found = store.re_reviews.find(PAPER)
    assert found
    assert found.by_id == "console::root"
    for wrong in (number, "999", PAPER):
        with pytest.raises(InputError):
            run(monkeypatch, store, "again", wrong, reviewer=REVIEWER)
