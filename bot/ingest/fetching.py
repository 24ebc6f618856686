"""Fetching of sources: once by hand, or continuously, each source on its own schedule."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

from rich.console import Console

from bot.ingest.reporting import MAX_REPORTED_RECORDS, describe_counts, show_progress_bars
from bot.periodic import every
from bot.present.wording import format_count
from bot.storage import run_ingest
from digests.errors import PaperroundError, SourceError
from digests.injections import flag_if_recent, flag_paper
from digests.model import NOT_REVIEWED, Paper, Trouble
from digests.ports import Store
from digests.ports.library import ImportCounts
from digests.ports.paper_requests import REQUEST_RETENTION
from digests.ports.sources import ProgressCallback, Source, SourceBatch, SourceState

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

PaperLookup = Callable[[Sequence[str]], Awaitable[Mapping[str, Paper]]]
"""Returns papers by arXiv id, without the unknown ones. Raises SourceError."""

POLL_SECONDS = 20.0
"""Seconds between two checks for due sources."""

MAX_JITTER = timedelta(minutes=5)
"""Longest random delay of a due fetch. It spreads the requests of many installations."""

MAX_REQUESTED_PAPERS = 50
"""Papers of one look-up for people's requests."""

CLOCK_TOLERANCE = timedelta(minutes=2)
"""Largest clock correction after which a time in the future is still trusted."""

DEFAULT_RETRY_DELAY = timedelta(minutes=30)
"""Delay after a failure that names no time for the next try."""

_REQUESTS_TASK = "requested papers"


@dataclass(slots=True)
class FetchReport:
    """Result of one fetch of one source.

    `bad_count` records were left out. `remarks` are the source's own, such as about data that is out of
    date, for which `is_stale` is set. `failure` is a sentence, empty after a success.
    """

    source: str
    counts: ImportCounts = field(default_factory=ImportCounts)
    bad_count: int = 0
    remarks: list[str] = field(default_factory=list)
    is_stale: bool = False
    failure: str = ""

    def to_sentence(self) -> str:
        """Return counts, remarks and failure as words."""
        summary = f"{self.source}: {describe_counts(self.counts)}"
        summary += f", {self.bad_count:,} skipped (bad records)." if self.bad_count else "."
        remarks = " ".join(f"{remark[:1].upper()}{remark[1:]}." for remark in dict.fromkeys(self.remarks))
        return " ".join(filter(None, (summary, remarks, self.failure)))


async def fetch_all_sources(
    sources: Sequence[Source], store: Store, clock: Clock, *, since: date | None, console: Console
) -> list[FetchReport]:
    """Fetch all sources concurrently, each with a progress bar on a terminal, as `fetch_source` does.

    Returns a report for each, in order. A failure stands in its report and is not raised.
    """
    with show_progress_bars(console, in_numbers=True) as add_bar:
        fetches = [
            fetch_source(source, store, clock, since=since, progress=add_bar(source.name))
            for source in sources
        ]
        return list(await asyncio.gather(*fetches))


async def fetch_source(
    source: Source,
    store: Store,
    clock: Clock,
    *,
    since: date | None = None,
    progress: ProgressCallback = lambda done, total: None,
) -> FetchReport:
    """Fetch one source and store each batch as it comes, with the source's new position, state and health.

    `since` asks for everything from that day on; None continues at the stored position. A failure is recorded
    and stands in the report; it is not raised. Batches stored before it stay.
    """
    report, started_at = FetchReport(source.name), clock()
    try:
        state = await run_ingest(store.sources.load_state, source.name)
        failure = await _store_batches(source, state, store, clock, report, since, progress)
        await run_ingest(_record_result, report, failure, store, started_at, clock())
    except PaperroundError as error:
        report.failure = str(error)
    return report


async def _store_batches(
    source: Source,
    state: SourceState,
    store: Store,
    clock: Clock,
    report: FetchReport,
    since: date | None,
    progress: ProgressCallback,
) -> PaperroundError | None:
    """Store the source's batches and count them in `report`. Returns the error that ended it, or None.

    An unforeseen exception is logged and returned as a SourceError.
    """
    try:
        async with aclosing(
            source.fetch(state.position, now=clock(), since=since, progress=progress)
        ) as batches:
            async for batch in batches:
                await run_ingest(_store_batch, batch, report, store, clock())
    except PaperroundError as error:
        return error
    except Exception as error:
        # The traceback is for the log of a service. A fetch by hand prints the sentence.
        log.info("%s failed unexpectedly", source.name, exc_info=True)
        return SourceError(f"An unexpected fault: {type(error).__name__}: {error}")
    return None


def _store_batch(batch: SourceBatch, report: FetchReport, store: Store, now: datetime) -> None:
    """Store a batch's papers, then the source's position, and add the batch to `report`.

    `report` gets the counts, the number of bad records, the remark, and the sign of a stale source. Only the
    first `MAX_REPORTED_RECORDS` bad records of a fetch are logged. The writes are separate transactions:
    after a crash before the last one the batch is fetched again. Raises StoreError.
    """
    if batch.records:
        flagged_records = [(flag_if_recent(paper, now.date()), review) for paper, review in batch.records]
        report.counts += store.library.add(flagged_records, now=now, announce=batch.announce)
    if batch.updated_papers:
        report.counts += store.library.update_known(batch.updated_papers, now=now)
    for bad_record in batch.bad_records[: max(0, MAX_REPORTED_RECORDS - report.bad_count)]:
        log.warning("%s", bad_record)
    report.bad_count += len(batch.bad_records)
    report.is_stale = report.is_stale or batch.is_stale
    if batch.remark:
        report.remarks.append(batch.remark)
    state = store.sources.load_state(report.source)
    if state.position != batch.position:
        store.sources.save_state(report.source, replace(state, position=batch.position))


def _record_result(
    report: FetchReport, failure: PaperroundError | None, store: Store, started_at: datetime, now: datetime
) -> None:
    """Save the source's state and health after a fetch, and enter a failure in `report`.

    A failed source is tried again at the time that it named, else after `DEFAULT_RETRY_DELAY`. A success
    counts as an import, unless the source is stale. `last_try` is the start of the fetch: papers that the
    source published during the fetch may be missing. Raises StoreError.
    """
    state = replace(store.sources.load_state(report.source), last_try=started_at)
    trouble = Trouble.OUTAGE if failure else Trouble.STALE if report.is_stale else None
    detail = str(failure) if failure else ". ".join(report.remarks)
    store.health.report(report.source, trouble, detail=detail, now=now)
    if failure is None:
        state = replace(state, last_success=now, failure="", next_try_at=None)
        if not report.is_stale:
            store.sources.record_import(now=now)
    else:
        report.failure = str(failure)
        retry_at = getattr(failure, "retry_at", None) or now + DEFAULT_RETRY_DELAY
        state = replace(state, failure=report.failure, next_try_at=retry_at)
    store.sources.save_state(report.source, state)


async def fetch_requested_papers(lookup: PaperLookup, store: Store, clock: Clock) -> str:
    """Fetch requested papers that are not in the library, `MAX_REQUESTED_PAPERS` at most.

    Drops requests for papers unknown to arXiv, and those that are closed or too old. Returns a sentence about
    a failure, else an empty string. Raises StoreError.
    """
    now = clock()
    await run_ingest(
        store.paper_requests.prune, requested_before=now - REQUEST_RETENTION, granted_before=now.date()
    )
    requested = await run_ingest(store.paper_requests.list_unknown, MAX_REQUESTED_PAPERS)
    if not requested:
        return ""
    try:
        found = await lookup(requested)
    except SourceError as error:
        return f"{format_count(len(requested), 'requested paper')} could not be fetched yet: {error}"
    records = [(flag_paper(paper), NOT_REVIEWED) for paper in found.values()]
    await run_ingest(store.library.add, records, now=clock())
    unknown = [arxiv_id for arxiv_id in requested if arxiv_id not in found]
    await run_ingest(store.paper_requests.drop, unknown)
    log.info("requested papers fetched: %d of %d", len(found), len(requested))
    return ""


def find_due_sources(sources: Iterable[Source], store: Store, now: datetime) -> list[Source]:
    """Return the sources whose next fetch is due. A source without a next fetch never is.

    Raises StoreError.
    """
    states = [_without_future_times(store.sources.load_state(source.name), now) for source in sources]
    due_times = [
        (source.next_fetch_at(state, now), source) for source, state in zip(sources, states, strict=True)
    ]
    return [source for due_at, source in due_times if due_at is not None and due_at <= now]


def _without_future_times(state: SourceState, now: datetime) -> SourceState:
    """Return the state, without its times if its last fetch lies in the future by this clock.

    The source is then due as if it had never been fetched.
    """
    is_ahead = state.last_try is not None and state.last_try > now + CLOCK_TOLERANCE
    return replace(state, last_try=None, next_try_at=None) if is_ahead else state


async def fetch_until_stopped(
    sources: Sequence[Source],
    store: Store,
    clock: Clock,
    stop: asyncio.Event,
    *,
    lookup: PaperLookup | None = None,
    poll_seconds: float = POLL_SECONDS,
    jitter: Callable[[], timedelta] = lambda: MAX_JITTER * random.random(),  # noqa: S311
) -> None:
    """Fetch each source whenever it is due, independently of the others, until `stop`.

    With `lookup`, papers that people requested are fetched too. `jitter` returns the delay of a due fetch.
    Fetches in progress are cancelled at the end. A failure is logged and retried.
    """
    tasks: dict[str, asyncio.Task[None]] = {}

    def start_task(name: str, work: Callable[[], Awaitable[None]]) -> None:
        if name not in tasks or tasks[name].done():
            tasks[name] = asyncio.create_task(_log_exceptions(work()))

    async def start_due_fetches() -> None:
        if lookup:
            start_task(_REQUESTS_TASK, partial(_fetch_requested_or_wait, lookup, store, clock))
        for source, delay in await run_ingest(_find_ready_sources, sources, store, clock, jitter):
            start_task(source.name, partial(_fetch_after_delay, source, store, clock, delay))

    try:
        await every(poll_seconds, start_due_fetches, stop, name="fetching")
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def _find_ready_sources(
    sources: Sequence[Source], store: Store, clock: Clock, jitter: Callable[[], timedelta]
) -> list[tuple[Source, timedelta]]:
    """Return the due sources with the delay of each fetch. The first fetch of a source is not delayed."""
    return [
        (source, jitter() if store.sources.load_state(source.name).last_try else timedelta())
        for source in find_due_sources(sources, store, clock())
    ]


async def _fetch_after_delay(source: Source, store: Store, clock: Clock, delay: timedelta) -> None:
    await asyncio.sleep(delay.total_seconds())
    report = await fetch_source(source, store, clock)
    log.log(logging.WARNING if report.failure else logging.INFO, "%s", report.to_sentence())


async def _fetch_requested_or_wait(lookup: PaperLookup, store: Store, clock: Clock) -> None:
    if failure := await fetch_requested_papers(lookup, store, clock):
        log.warning("%s", failure)
        await asyncio.sleep(DEFAULT_RETRY_DELAY.total_seconds())


async def _log_exceptions(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:
        log.exception("a fetch failed unexpectedly; fetching goes on")
