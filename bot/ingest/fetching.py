"""Fetching what sources have: once by hand, or again and again at each source's own hours."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from rich.console import Console

from digests.errors import PaperroundError, SourceError
from digests.injections import flag_if_recent, flag_paper
from digests.model import NOT_REVIEWED, Paper, Trouble
from digests.ports import Store
from digests.ports.library import ImportCounts
from digests.ports.sources import ProgressCallback, Source, SourceBatch, SourceState

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

PaperLookup = Callable[[Sequence[str]], Awaitable[Mapping[str, Paper]]]
"""Papers by their arXiv ids; unknown ones are left out. Raises SourceError."""

POLL_SECONDS = 20.0
"""Between two looks at which source is due."""

MAX_JITTER = timedelta(minutes=5)
"""A source is fetched up to so long after its hour, so that not everybody asks at the same second."""

MAX_REPORTED_RECORDS = 20
"""Bad records of a fetch that are named one by one; of more, only the number is told."""

MAX_REQUESTED_PAPERS = 50
"""Papers that people asked for and that are fetched with the sources."""

CLOCK_TOLERANCE = timedelta(minutes=2)
"""A clock that goes back by less was only corrected."""

DEFAULT_RETRY_DELAY = timedelta(minutes=30)
"""Until the next try where nobody says how long to wait."""


@dataclass(slots=True)
class FetchReport:
    """What came of fetching one source."""

    source: str
    counts: ImportCounts = field(default_factory=ImportCounts)
    bad_count: int = 0
    remarks: list[str] = field(default_factory=list)
    is_stale: bool = False
    failure: str = ""

    def to_sentence(self) -> str:
        """In words: what came, what was odd, and what failed."""
        counts = self.counts
        summary = f"{self.source}: {counts.new:,} new, {counts.changed:,} changed, {counts.unchanged:,} as they were"
        summary += f", {self.bad_count:,} bad left out." if self.bad_count else "."
        remarks = " ".join(f"{remark[:1].upper()}{remark[1:]}." for remark in dict.fromkeys(self.remarks))
        return " ".join(filter(None, (summary, remarks, self.failure)))


async def fetch_source(
    source: Source,
    store: Store,
    clock: Clock,
    *,
    since: date | None = None,
    progress: ProgressCallback = lambda done, size: None,
) -> FetchReport:
    """Fetch one source and store each batch as it comes. A failure is told and kept, never raised."""
    report, started_at = FetchReport(source.name), clock()
    try:
        state = await asyncio.to_thread(store.sources.load_state, source.name)
        failure = await _store_batches(source, state, store, clock, report, since, progress)
        await asyncio.to_thread(_record_result, report, failure, store, started_at, clock())
    except PaperroundError as error:
        report.failure = str(error)
    return report


async def fetch_all_sources(
    sources: Sequence[Source], store: Store, clock: Clock, *, since: date | None, console: Console
) -> list[FetchReport]:
    """Fetch every source, none waiting for another, with a bar each on a terminal."""
    with _show_progress_bars(console) as add_bar:
        fetches = [
            fetch_source(one, store, clock, since=since, progress=add_bar(one.name)) for one in sources
        ]
        return list(await asyncio.gather(*fetches))


@contextmanager
def _show_progress_bars(console: Console) -> Iterator[Callable[[str], ProgressCallback]]:
    if not console.is_terminal:
        yield lambda name: lambda done, size: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as bars:

        def add_bar(name: str) -> ProgressCallback:
            task = bars.add_task(name[:40], total=None)
            return lambda done, size: bars.update(task, completed=done, total=size)

        yield add_bar


async def _store_batches(
    source: Source,
    state: SourceState,
    store: Store,
    clock: Clock,
    report: FetchReport,
    since: date | None,
    progress: ProgressCallback,
) -> PaperroundError | None:
    try:
        async with aclosing(
            source.fetch(state.position, now=clock(), since=since, progress=progress)
        ) as batches:
            async for batch in batches:
                await asyncio.to_thread(_store_batch, batch, report, store, clock())
    except PaperroundError as error:
        return error
    except Exception as error:
        # For the log of a process that runs; who fetches by hand gets the sentence.
        log.info("%s failed in a way that nobody foresaw", source.name, exc_info=True)
        return SourceError(f"An unexpected fault: {type(error).__name__}: {error}")
    return None


def _store_batch(batch: SourceBatch, report: FetchReport, store: Store, now: datetime) -> None:
    """The papers first, then how far the source has come: a crash between the two repeats, and loses nothing."""
    if batch.records:
        flagged_records = [(flag_if_recent(paper, now.date()), review) for paper, review in batch.records]
        report.counts += store.library.add(flagged_records, now=now, announce=batch.announce)
    if batch.updated_papers:
        report.counts += store.library.update_known(batch.updated_papers, now=now)
    for bad in batch.bad_records[: max(0, MAX_REPORTED_RECORDS - report.bad_count)]:
        log.warning("%s", bad)
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
    """How it went, for the next try and for the digests. What came in between may not have been seen."""
    state = replace(store.sources.load_state(report.source), last_try=started_at)
    trouble = Trouble.OUTAGE if failure else Trouble.STALE if report.is_stale else None
    detail = str(failure) if failure else ". ".join(report.remarks)
    store.health.report(report.source, trouble, detail=detail, now=now)
    if failure is None:
        state = replace(state, last_success=now, failure="", next_try_at=None)
        if not report.is_stale:
            store.library.record_import(now=now)
    else:
        report.failure = str(failure)
        retry_at = getattr(failure, "retry_at", None) or now + DEFAULT_RETRY_DELAY
        state = replace(state, failure=report.failure, next_try_at=retry_at)
    store.sources.save_state(report.source, state)


async def fetch_requested_papers(lookup: PaperLookup, store: Store, clock: Clock) -> str:
    """Fetch what people asked for and could not be had at once; what arXiv does not know is forgotten.

    Returns the sentence of a failure, empty when all went well.
    """
    requested = await asyncio.to_thread(store.library.requested_unknown, MAX_REQUESTED_PAPERS)
    if not requested:
        return ""
    try:
        found = await lookup(requested)
    except SourceError as error:
        return f"{len(requested)} papers that people asked for are still to be fetched: {error}"
    records = [(flag_paper(paper), NOT_REVIEWED) for paper in found.values()]
    await asyncio.to_thread(store.library.add, records, now=clock())
    await asyncio.to_thread(store.library.drop_requests, [one for one in requested if one not in found])
    log.info("%d of %d papers that people asked for were fetched", len(found), len(requested))
    return ""


def find_due_sources(sources: Iterable[Source], store: Store, now: datetime) -> list[Source]:
    """The sources whose hour has come."""
    states = [_without_future_times(store.sources.load_state(source.name), now) for source in sources]
    due_times = [
        (source.next_fetch_at(state, now), source) for source, state in zip(sources, states, strict=True)
    ]
    return [source for at, source in due_times if at is not None and at <= now]


def _without_future_times(state: SourceState, now: datetime) -> SourceState:
    """What a clock that was ahead wrote says nothing about when to fetch."""
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
    """Fetch each source whenever it is due, none waiting for another, until told to stop."""
    tasks: dict[str, asyncio.Task[None]] = {}
    try:
        while not stop.is_set():
            for name in [name for name, task in tasks.items() if task.done()]:
                del tasks[name]
            for source, delay in await _find_ready_sources(sources, store, clock, jitter):
                if source.name not in tasks:
                    tasks[source.name] = asyncio.create_task(
                        _log_exceptions(_fetch_after_delay(source, store, clock, delay))
                    )
            if lookup and _REQUESTED_TASK not in tasks:
                tasks[_REQUESTED_TASK] = asyncio.create_task(
                    _log_exceptions(_fetch_requested_or_wait(lookup, store, clock))
                )
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), poll_seconds)
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


_REQUESTED_TASK = "what people asked for"


async def _find_ready_sources(
    sources: Sequence[Source], store: Store, clock: Clock, jitter: Callable[[], timedelta]
) -> list[tuple[Source, timedelta]]:
    """The sources that are due, and how long each waits yet; the first fetch of all waits for nothing."""

    def add_delays() -> list[tuple[Source, timedelta]]:
        return [
            (source, jitter() if store.sources.load_state(source.name).last_try else timedelta())
            for source in find_due_sources(sources, store, clock())
        ]

    try:
        return await asyncio.to_thread(add_delays)
    except PaperroundError as error:
        log.error("%s Trying again soon.", error)
        return []


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
        log.exception("Fetching failed in a way that nobody foresaw; it goes on.")
