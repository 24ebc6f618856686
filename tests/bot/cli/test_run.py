"""`paperround run`: a task that fails ends no other."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.cli.run import run_bot
from bot.services import build_services
from config.settings import Settings, StoreSettings, SubscriptionSettings
from tests.builders import NOW


@pytest.mark.parametrize("work", ["PostRefresher.run_until_stopped", "deliver_until_stopped"])
def test_a_task_that_fails_unexpectedly_restarts_and_ends_no_other(
    work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed, times = asyncio.Event(), list[int]()

    async def fail_unexpectedly(*_: Any) -> None:
        times.append(1)
        if len(times) == 3:
            failed.set()
        raise ZeroDivisionError

    monkeypatch.setattr(f"bot.cli.run.{work}", fail_unexpectedly)
    monkeypatch.setattr("bot.cli.run.RESTART_SECONDS", 0.01)
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{tmp_path / 'p.db'}"),
        subscriptions=(SubscriptionSettings(platform="console", channel="one"),),
    )
    services = build_services(settings, Console(quiet=True), clock=lambda: NOW)

    async def run_until_third_failure() -> int:
        running = asyncio.create_task(run_bot(services, {}))
        await failed.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        return await running

    assert asyncio.run(run_until_third_failure()) == 0
    assert "failed and restarts" in caplog.text
