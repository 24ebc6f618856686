"""Fetching: one source, its report and its state; and the service, each source on its own schedule."""

import asyncio
import io
import json
import os
import signal
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
from tests.fakes.wire import WAIT_SECONDS
from tests.forked import StartedProcess, start_process


@dataclass
class FakeSource:
    """A source that yields the given batches, then fails if `failure` is set."""

    name: str = "source"
    batches: tuple[SourceBatch, ...] = ()
    failure: Exception | None = None
    due: datetime | None = NOW
    requested_positions: list[str] = field(default_factory=list)
    on_state_saved: Callable[[], object] = lambda: None
    progress: tuple[int, int] = (0, 1)

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        self.requested_positions.append(position)
        progress(*self.progress)
        for batch in self.batches:
            yield batch
        if self.failure:
            raise self.failure

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime | None:
        if state.last_try:
            self.on_state_saved()
        return None if state.last_try else self.due


def a_batch(position: str, *paper_ids: str, **fields: object) -> SourceBatch:
    records = [(a_paper(paper_id), NOT_REVIEWED) for paper_id in paper_ids]
    return SourceBatch(position, records, **fields)  # type: ignore[arg-type]


def fetch(source: FakeSource, store: Store) -> FetchReport:
    return asyncio.run(fetch_source(source, store, lambda: NOW))


def test_batches_are_stored_and_the_next_fetch_starts_at_their_position() -> None:
    store = a_store()
    source = FakeSource(
        batches=(
            a_batch("1", "2401.00001"),
            a_batch("2", "2401.00002", bad_records=[BadRecord("s", 3, "", "x")]),
        )
    )
    assert (
        fetch(source, store).to_sentence()
        == "source: 2 new, 0 updated, 0 unchanged, 1 skipped (bad records)."
    )
    state = store.sources.load_state("source")
    assert (state.position, state.last_try, state.last_success, state.failure) == ("2", NOW, NOW, "")
    assert store.sources.last_import() == NOW
    fetch(source, store)
    assert source.requested_positions == ["", "2"]


def test_a_failure_keeps_earlier_batches_and_sets_the_time_of_the_retry() -> None:
    store = a_store()
    later = NOW + timedelta(hours=2)
    source = FakeSource(batches=(a_batch("1", "2401.00001"),), failure=SourceError("It answered 503.", later))
    result = fetch(source, store)
    assert result.counts == ImportCounts(new=1)
    assert result.to_sentence().endswith("It answered 503.")
    state = store.sources.load_state("source")
    assert (state.position, state.failure, state.next_try_at) == ("1", "It answered 503.", later)
    assert [report.trouble for report in store.health.latest_reports()] == [Trouble.OUTAGE]
    assert store.sources.last_import() is None
    source.failure = None
    fetch(source, store)
    assert store.sources.load_state("source").failure == ""
    assert [report.trouble for report in store.health.latest_reports()] == [None]


def test_the_first_bad_records_are_logged_and_all_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = [BadRecord("s", line, "", "x") for line in range(15)]
    source = FakeSource(
        batches=(a_batch("1", bad_records=bad), a_batch("2", bad_records=bad), a_batch("3", bad_records=bad))
    )
    assert fetch(source, a_store()).bad_count == 45
    assert len(caplog.records) == 20


def test_an_unexpected_exception_is_a_failure_of_its_source() -> None:
    store = a_store()
    assert (
        "An unexpected fault: ZeroDivisionError"
        in fetch(FakeSource(failure=ZeroDivisionError("x")), store).failure
    )


def test_a_stale_source_counts_as_no_import_and_remarks_are_reported_once() -> None:
    store = a_store()
    source = FakeSource(
        batches=(a_batch("1", remark="it is old", is_stale=True), a_batch("1", remark="it is old"))
    )
    assert fetch(source, store).to_sentence() == "source: 0 new, 0 updated, 0 unchanged. It is old."
    assert [report.trouble for report in store.health.latest_reports()] == [Trouble.STALE]
    assert store.sources.last_import() is None


def run_until_saved(sources: list[FakeSource], store: Store, until: FakeSource) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        until.on_state_saved = lambda: loop.call_soon_threadsafe(stop.set)
        async with asyncio.timeout(WAIT_SECONDS):
            await fetch_until_stopped(sources, store, lambda: NOW, stop, poll_seconds=0.01, jitter=timedelta)

    asyncio.run(run())


def test_due_sources_are_fetched_independently_of_a_failing_one() -> None:
    store = a_store()
    failing = FakeSource("failing", failure=SourceError("No."))
    later = FakeSource("later", due=NOW + timedelta(hours=1))
    never = FakeSource("never", due=None)
    good = FakeSource("good", batches=(a_batch("1", "2401.00001"),))
    run_until_saved([failing, later, never, good], store, until=good)
    assert "2401.00001" in store.library.get(["2401.00001"])
    assert later.requested_positions == never.requested_positions == []
    assert len(good.requested_positions) == 1


def test_a_state_saved_under_a_clock_ahead_does_not_delay_a_source() -> None:
    store, year = a_store(), timedelta(days=365)
    hourly = HuggingFaceSource(lambda: open_client("", lambda: NOW), "", name="hourly")
    store.sources.save_state("hourly", SourceState(last_try=NOW + year, failure="x", next_try_at=NOW + year))
    assert find_due_sources([hourly], store, NOW) == [hourly]
    store.sources.save_state("hourly", SourceState(last_try=NOW))
    assert find_due_sources([hourly], store, NOW - timedelta(seconds=30)) == []
    assert find_due_sources([hourly], store, NOW + timedelta(minutes=59)) == []


def test_each_source_has_a_progress_bar_on_a_terminal() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    sources = [FakeSource("one", progress=(3, 7)), FakeSource("two", failure=SourceError("No."))]
    reports = asyncio.run(fetch_all_sources(sources, a_store(), lambda: NOW, since=None, console=console))
    assert [report.failure for report in reports] == ["", "No."]
    assert "one" in screen.getvalue()
    assert "3/7" in screen.getvalue()


def build_settings(feeds: FakeFeeds) -> str:
    return (
        f'[[sources]]\nkind = "arxiv"\ncategories = ["learning"]\n'
        f'rss_url = "{feeds.rss_url}"\noai_url = "{feeds.oai_url}"\nquery_url = "{feeds.query_url}"\n'
        f'[[sources]]\nkind = "huggingface"\nurl = "{feeds.daily_papers_url}"\n'
        f'[[sources]]\nkind = "reviews"\npath = "reviews"\n'
        f'[[subscriptions]]\nplatform = "console"\nchannel = "papers"\n'
    )


def start_command(folder: Path, *arguments: str) -> Coroutine[Any, Any, StartedProcess]:
    return start_process(
        "tests.impatient", "--arxiv-gap", "0", *arguments,
        cwd=folder, env=os.environ, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.e2e
def test_commands_and_service_fetch_the_configured_sources(tmp_path: Path) -> None:
    """By hand first, where one source fails; then in a running service."""

    async def run() -> None:
        async with FakeFeeds(clock=lambda: datetime.now(UTC)) as feeds:
            (tmp_path / "paperround.toml").write_text(build_settings(feeds))
            by_hand = await start_command(tmp_path, "fetch")
            out, errors = await by_hand.communicate()
            assert (errors, by_hand.returncode) == (b"", 1)
            lines = out.decode().splitlines()
            assert [line.partition(":")[0] for line in lines] == ["arxiv", "huggingface", "reviews"]
            assert "there is no such file" in lines[2]
            doctor = await start_command(tmp_path, "doctor")
            findings = (await doctor.communicate())[0].decode()
            assert "! fetching: arXiv asks for a contact address: set contact under [fetching]" in findings
            assert "✓ source arxiv: Fetched on" in findings
            assert "! source reviews: reviews: there is no such file or folder. Put it there" in findings
            (tmp_path / "reviews").mkdir()
            record = {"arxiv_id": "2401.00001", "title": "A", "score": 7}
            (tmp_path / "reviews" / "a.jsonl").write_text(json.dumps(record))
            again = await start_command(tmp_path, "fetch", "--source", "reviews")
            out, _ = await again.communicate()
            assert out == b"reviews: 1 new, 0 updated, 0 unchanged.\n"
            store = open_store(f"sqlite:///{tmp_path / 'paperround.db'}")
            store.sources.save_state("huggingface", SourceState())
            requested = choose_requested_paper(feeds)
            store.paper_requests.add(requested, now=datetime.now(UTC))
            await run_service_until_logged(tmp_path, "huggingface: 0 new", "requested papers fetched: 1 of 1")
            assert requested in store.library.get([requested])

    def choose_requested_paper(feeds: FakeFeeds) -> str:
        return next(
            day[0].id
            for ago in range(20, 30)
            if (day := feeds.announcements_on(feeds.today_in_new_york - timedelta(days=ago)))
        )

    asyncio.run(run())


async def run_service_until_logged(folder: Path, *sentences: str) -> None:
    process = await start_command(folder, "run")
    assert process.stderr
    log: list[str] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not all(sentence in "".join(log) for sentence in sentences):
            log.append((await process.stderr.readline()).decode())
            assert log[-1], log
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0


@pytest.mark.e2e
def test_fetch_without_sources_says_what_to_configure(tmp_path: Path) -> None:
    async def run() -> None:
        process = await start_command(tmp_path, "fetch")
        _, errors = await process.communicate()
        assert process.returncode == 1
        assert b"put a [[sources]] table into paperround.toml" in errors

    asyncio.run(run())
