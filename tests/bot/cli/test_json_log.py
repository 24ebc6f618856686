"""The log as JSON: one object a line, whatever was logged, with the fields of the work that logged it."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.chat.port import Outcome, PostError
from bot.cli import redaction
from bot.cli.json_log import JsonFormatter
from bot.cli.redaction import remember_environment
from bot.log_fields import add_log_fields
from bot.storage import run_background
from digests.subscription import Channel
from tests.bot.cli.test_cli import run_paperround
from tests.bot.cli.test_safe_output import HOSTILE
from tests.bot.delivery.contexts import a_world, fail_at
from tests.fakes.platform import MemoryPlatform

CHANNEL = Channel("slack", "C1", "T1")


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """Return what a handler with the formatter writes of every record from INFO on."""
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield output
    root.removeHandler(handler)
    root.setLevel(level)


def read_records(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_record_has_its_time_level_logger_and_message(output: io.StringIO) -> None:
    logging.getLogger("bot.worker").warning("%d late", 3)
    (record,) = read_records(output)
    assert record.pop("time").endswith("+00:00")
    assert record == {"level": "WARNING", "logger": "bot.worker", "message": "3 late"}


def test_hostile_text_ends_no_line_and_forges_no_record() -> None:
    """Without a logger: pytest-xdist cannot send a captured record with half a surrogate."""
    forged = f'{HOSTILE}\n{{"level": "INFO", "message": "all is well"}}\u2028\ud800'
    try:
        raise ValueError(forged)
    except ValueError:
        arguments = ("failed for %s", (forged,), sys.exc_info())
        line = JsonFormatter().format(logging.LogRecord("bot", logging.ERROR, __file__, 1, *arguments))
    assert "\n" not in line
    assert line.isascii()
    record = json.loads(line)
    assert record["message"] == f"failed for {forged}"
    assert record["level"] == "ERROR"
    assert "ValueError" in record["traceback"]
    assert "in test_hostile_text_ends_no_line" in record["traceback"]


def test_arguments_that_do_not_fit_lose_no_record() -> None:
    record = logging.LogRecord("bot", logging.INFO, __file__, 1, "%d papers", ("many",), None)
    assert json.loads(JsonFormatter().format(record))["message"] == "%d papers"


def test_a_secret_is_removed_from_message_traceback_and_fields(
    output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = 'xoxb-"quoted"\\token'
    monkeypatch.setattr(redaction, "_known", set())
    remember_environment({"SLACK_BOT_TOKEN": secret})
    with add_log_fields(Channel("slack", secret)):
        try:
            raise ValueError(secret)
        except ValueError:
            logging.getLogger("bot").exception("with %s at https://u:pass@host/x?token=1", secret)
    (record,) = read_records(output)
    for name in ("message", "traceback", "channel"):
        assert "(secret)" in record[name]
        assert "quoted" not in record[name]
    assert "pass" not in record["message"]


def test_the_fields_hold_for_the_block_its_tasks_and_its_threads_and_not_beyond(output: io.StringIO) -> None:
    log = logging.getLogger("bot")

    async def run() -> None:
        with add_log_fields(CHANNEL, edition="2026-11-24", attempt=2):
            await run_background(log.info, "in a thread")
            await asyncio.create_task(asyncio.to_thread(log.info, "in a task"))
        log.info("after")

    asyncio.run(run())
    thread, task, after = read_records(output)
    for record in (thread, task):
        assert (record["channel"], record["workspace"]) == ("slack:T1:C1", "slack:T1")
        assert (record["edition"], record["attempt"]) == ("2026-11-24", 2)
    assert "channel" not in after


def test_what_a_delivery_logs_has_its_channel_edition_and_attempt(output: io.StringIO) -> None:
    world = a_world()
    away = PostError("Slack is away.", Outcome.NOT_POSTED)
    world.tick(MemoryPlatform(world.posted_pages, before_post=fail_at(1, away)))
    (record,) = (each for each in read_records(output) if "Slack is away." in each["message"])
    assert (record["channel"], record["edition"], record["attempt"]) == ("console:papers", "2026-11-24", 1)


SETTINGS = '[monitoring]\nlog_format = "json"\n[[subscriptions]]\nplatform = "slack"\nchannel = "C1"\n'


@pytest.mark.slow
def test_an_error_that_ends_the_bot_is_a_record_too(tmp_path: Path) -> None:
    (tmp_path / "paperround.toml").write_text(SETTINGS)
    done = run_paperround(tmp_path, "run", SLACK_BOT_TOKEN="")
    assert done.returncode == 1
    (record,) = (json.loads(line) for line in done.stderr.splitlines())
    assert record["level"] == "CRITICAL"
    assert "SLACK_BOT_TOKEN" in record["message"]
    (tmp_path / "paperround.toml").write_text(SETTINGS.replace('"json"', '"text"'))
    done = run_paperround(tmp_path, "run", SLACK_BOT_TOKEN="")
    assert done.stderr.startswith("paperround: A channel of the settings is in Slack")
