"""Fetching: each source by itself, what came of it in a sentence, and again at its hours."""

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.ingest.fetching import (
    FetchReport,
    fetch_all_sources,
    fetch_source,
    fetch_until_stopped,
    find_due_sources,
)
from digests.errors import SourceError
from digests.model import NOT_REVIEWED, Trouble
from digests.ports import Store
from digests.ports.library import ImportCounts
from digests.ports.sources import BadRecord, ProgressCallback, SourceBatch, SourceState
from digests.sources.http.client import open_client
from digests.sources.huggingface import HuggingFaceSource
from digests.store import open_store
from tests.builders import NOW, a_paper, a_store
from tests.fakes.feeds import FakeFeeds


@dataclass
class Shelf:
    """A source that gives what was laid on it."""

    name: str = "shelf"
    batches: tuple[SourceBatch, ...] = ()
    failure: Exception | None = None
    due: datetime | None = NOW
    asked_from: list[str] = field(default_factory=list)
    when_noted: Callable[[], object] = lambda: None
    progress: tuple[int, int] = (0, 1)

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        self.asked_from.append(position)
        progress(*self.progress)
        for batch in self.batches:
            yield batch
        if self.failure:
            raise self.failure

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime | None:
        if state.last_try:
            self.when_noted()
        return None if state.last_try else self.due


def batch(position: str, *ids: str, **more: object) -> SourceBatch:
    return SourceBatch(position, [(a_paper(one), NOT_REVIEWED) for one in ids], **more)  # type: ignore[arg-type]


def fetched(source: Shelf, store: Store) -> FetchReport:
    return asyncio.run(fetch_source(source, store, lambda: NOW))


def test_what_a_source_gives_is_stored_and_it_goes_on_from_there() -> None:
    store = a_store()
    shelf = Shelf(
        batches=(batch("1", "2401.00001"), batch("2", "2401.00002", bad_records=[BadRecord("s", 3, "", "x")]))
    )
    assert fetched(shelf, store).to_sentence() == "shelf: 2 new, 0 changed, 0 as they were, 1 bad left out."
    state = store.sources.load_state("shelf")
    assert (state.position, state.last_try, state.last_success, state.failure) == ("2", NOW, NOW, "")
    assert store.library.last_import() == NOW
    fetched(shelf, store)
    assert shelf.asked_from == ["", "2"]


def test_a_failure_keeps_what_came_before_it_and_says_when_to_come_again() -> None:
    store = a_store()
    later = NOW + timedelta(hours=2)
    shelf = Shelf(batches=(batch("1", "2401.00001"),), failure=SourceError("It answered 503.", later))
    result = fetched(shelf, store)
    assert result.counts == ImportCounts(new=1)
    assert result.to_sentence().endswith("It answered 503.")
    state = store.sources.load_state("shelf")
    assert (state.position, state.failure, state.next_try_at) == ("1", "It answered 503.", later)
    assert [one.trouble for one in store.health.latest_reports()] == [Trouble.OUTAGE]
    assert store.library.last_import() is None
    shelf.failure = None
    fetched(shelf, store)
    assert store.sources.load_state("shelf").failure == ""
    assert [one.trouble for one in store.health.latest_reports()] == [None]


def test_of_many_bad_records_the_first_are_named_and_all_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = [BadRecord("s", line, "", "x") for line in range(15)]
    shelf = Shelf(
        batches=(batch("1", bad_records=bad), batch("2", bad_records=bad), batch("3", bad_records=bad))
    )
    assert fetched(shelf, a_store()).bad_count == 45
    assert len(caplog.records) == 20


def test_what_nobody_foresaw_is_a_failure_of_that_source_alone() -> None:
    store = a_store()
    assert (
        "An unexpected fault: ZeroDivisionError"
        in fetched(Shelf(failure=ZeroDivisionError("x")), store).failure
    )


def test_remarks_are_said_once_and_a_stale_source_is_no_sign_of_life() -> None:
    store = a_store()
    shelf = Shelf(batches=(batch("1", remark="it is old", is_stale=True), batch("1", remark="it is old")))
    assert fetched(shelf, store).to_sentence() == "shelf: 0 new, 0 changed, 0 as they were. It is old."
    assert [one.trouble for one in store.health.latest_reports()] == [Trouble.STALE]
    assert store.library.last_import() is None


def kept(sources: list[Shelf], store: Store, until: Shelf) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        until.when_noted = lambda: loop.call_soon_threadsafe(stop.set)
        async with asyncio.timeout(10):
            await fetch_until_stopped(sources, store, lambda: NOW, stop, poll_seconds=0.01, jitter=timedelta)

    asyncio.run(run())


def test_each_source_is_fetched_at_its_hour_and_one_that_fails_stops_no_other() -> None:
    store = a_store()
    failing = Shelf("failing", failure=SourceError("No."))
    later = Shelf("later", due=NOW + timedelta(hours=1))
    never = Shelf("never", due=None)
    good = Shelf("good", batches=(batch("1", "2401.00001"),))
    kept([failing, later, never, good], store, until=good)
    assert "2401.00001" in store.library.get(["2401.00001"])
    assert later.asked_from == never.asked_from == []
    assert len(good.asked_from) == 1


def test_a_clock_that_was_ahead_leaves_no_source_unasked_once_it_is_set_back() -> None:
    store, year = a_store(), timedelta(days=365)
    hourly = HuggingFaceSource(lambda: open_client("", lambda: NOW), "", name="hourly")
    store.sources.save_state("hourly", SourceState(last_try=NOW + year, failure="x", next_try_at=NOW + year))
    assert find_due_sources([hourly], store, NOW) == [hourly]
    store.sources.save_state("hourly", SourceState(last_try=NOW))
    assert find_due_sources([hourly], store, NOW - timedelta(seconds=30)) == []
    assert find_due_sources([hourly], store, NOW + timedelta(minutes=59)) == []


def test_on_a_terminal_each_source_has_a_bar_that_shows_how_far_it_is() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    shelves = [Shelf("one", progress=(3, 7)), Shelf("two", failure=SourceError("No."))]
    every = asyncio.run(fetch_all_sources(shelves, a_store(), lambda: NOW, since=None, console=console))
    assert [one.failure for one in every] == ["", "No."]
    assert "one" in screen.getvalue()
    assert "3/7" in screen.getvalue()


def settings_for(feeds: FakeFeeds) -> str:
    return (
        f'[fetching]\narxiv_gap_seconds = 0\n[[sources]]\nkind = "arxiv"\ncategories = ["learning"]\n'
        f'rss_url = "{feeds.rss_url}"\noai_url = "{feeds.oai_url}"\nquery_url = "{feeds.query_url}"\n'
        f'[[sources]]\nkind = "huggingface"\nurl = "{feeds.daily_papers_url}"\n'
        f'[[sources]]\nkind = "reviews"\npath = "reviews"\n'
        f'[[subscriptions]]\nplatform = "console"\nchannel = "papers"\n'
    )


def paperround(folder: Path, *arguments: str) -> Coroutine[Any, Any, asyncio.subprocess.Process]:
    return asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, cwd=folder, stdout=-1, stderr=-1,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip


def test_the_commands_fetch_what_the_settings_name_and_one_bad_source_stops_no_other(tmp_path: Path) -> None:
    """By hand first, then by itself in a process that runs."""

    async def run() -> None:
        async with FakeFeeds(clock=lambda: datetime.now(UTC)) as feeds:
            (tmp_path / "paperround.toml").write_text(settings_for(feeds))
            by_hand = await paperround(tmp_path, "fetch")
            out, errors = await by_hand.communicate()
            assert (errors, by_hand.returncode) == (b"", 1)
            said = out.decode().splitlines()
            assert [line.partition(":")[0] for line in said] == ["arxiv", "huggingface", "reviews"]
            assert "there is no such file" in said[2]
            doctor = await paperround(tmp_path, "doctor")
            findings = (await doctor.communicate())[0].decode()
            assert (
                "! fetching: arXiv wants to know whom to write to: set contact under [fetching]" in findings
            )
            assert "✓ source arxiv: Fetched on" in findings
            assert "! source reviews: reviews: there is no such file." in findings
            (tmp_path / "reviews").mkdir()
            one = {"arxiv_id": "2401.00001", "title": "A", "score": 7}
            (tmp_path / "reviews" / "a.jsonl").write_text(json.dumps(one))
            again = await paperround(tmp_path, "fetch", "--source", "reviews")
            out, _ = await again.communicate()
            assert out == b"reviews: 1 new, 0 changed, 0 as they were.\n"
            store = open_store(f"sqlite:///{tmp_path / 'paperround.db'}")
            store.sources.save_state("huggingface", SourceState())
            store.library.add_request((asked := asked_for(feeds)), now=datetime.now(UTC))
            await runs_and_fetches(tmp_path, "huggingface: 0 new", "1 of 1 papers that people asked for")
            assert asked in store.library.get([asked])

    def asked_for(feeds: FakeFeeds) -> str:
        return next(
            day[0].id
            for ago in range(20, 30)
            if (day := feeds.announcements_on(feeds.today_in_new_york - timedelta(days=ago)))
        )

    asyncio.run(run())


async def runs_and_fetches(folder: Path, *said: str) -> None:
    process = await paperround(folder, "run")
    assert process.stderr
    log: list[str] = []
    async with asyncio.timeout(30):
        while not all(words in "".join(log) for words in said):
            log.append((await process.stderr.readline()).decode())
            assert log[-1], log
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0


def test_without_sources_the_command_says_what_to_write(tmp_path: Path) -> None:
    async def run() -> None:
        process = await paperround(tmp_path, "fetch")
        _, errors = await process.communicate()
        assert process.returncode == 1
        assert b"put a [[sources]] table into paperround.toml" in errors

    asyncio.run(run())
