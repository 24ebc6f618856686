"""Status: a quiet day is known as one, with its reason, and so is what troubles the sources and the reviewer."""

import asyncio
import io
from datetime import timedelta

from rich.console import Console

from bot.clock import tick
from bot.deliver import Desk
from bot.status import as_record, show, status
from digests.build import Habits
from digests.model import REVIEWER, Heartbeat, Trouble
from digests.ports import Store
from tests.builders import NOW, a_store, a_subscription
from tests.fakes.platform import Board, BoardPlatform


def a_quiet_day() -> Store:
    """The heartbeat is off: the channel heard nothing of an outage."""
    store, board = a_store(), Board()
    store.health.report("arxiv", Trouble.OUTAGE, detail="arXiv answered 503.", now=NOW)
    store.health.report(REVIEWER, Trouble.BUDGET_SPENT, waiting=41, now=NOW)
    store.subscriptions.keep([a_subscription()], now=NOW - timedelta(minutes=1))
    platforms = {"console": BoardPlatform(board)}
    desk = Desk(store, platforms, Habits(heartbeat=Heartbeat.OFF), "a", lambda: NOW)
    asyncio.run(tick(desk))
    assert board.posted == []
    return store


def test_a_quiet_day_that_nobody_was_told_of_stands_with_its_reason() -> None:
    written = Console(file=io.StringIO(), width=200)
    show(status(a_quiet_day(), NOW), written)
    assert isinstance(written.file, io.StringIO)
    text = written.file.getvalue()
    assert "Tue 24 Nov quiet (budget spent)" in text
    assert "arxiv: outage. arXiv answered 503." in text
    assert "41 papers wait for a review." in text


def test_machines_get_the_same() -> None:
    record = as_record(status(a_quiet_day(), NOW))
    (channel,) = record["channels"]
    assert (channel["last"]["state"], channel["last"]["reason"], channel["trouble"]) == (
        "quiet",
        "budget spent",
        "",
    )
    assert [(one["subject"], one["trouble"], one["waiting"]) for one in record["sources"]] == [
        ("arxiv", "outage", 0),
        ("reviewer", "budget spent", 41),
    ]
