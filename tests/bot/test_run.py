"""`paperround run`: no part of it that fails ends the others."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.app import open_house
from bot.run import run
from config.settings import Settings, Store, Subscription
from tests.builders import NOW


def test_what_nobody_foresaw_in_mending_what_was_posted_leaves_the_digests_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = asyncio.Event()

    async def unforeseen(*_: Any) -> None:
        failed.set()
        raise ZeroDivisionError

    monkeypatch.setattr("bot.run.keep_true", unforeseen)
    settings = Settings(
        store=Store(url=f"sqlite:///{tmp_path / 'p.db'}"),
        subscriptions=(Subscription(platform="console", channel="one"),),
    )
    house = open_house(settings, Console(quiet=True), clock=lambda: NOW)

    async def until_it_failed() -> int:
        running = asyncio.create_task(run(house, {}))
        await failed.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        return await running

    assert asyncio.run(until_it_failed()) == 0
    assert "no longer kept true" in caplog.text
