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
from digests.flags import flagged, flagged_if_fresh
from digests.model import NOT_REVIEWED, Paper, Trouble
from digests.ports import Added, Batch, Progress, Source, SourceState, Store

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

LookUp = Callable[[Sequence[str]], Awaitable[Mapping[str, Paper]]]
"""Papers by their arXiv ids; unknown ones are left out. Raises SourceError."""

LOOK_SECONDS = 20.0
"""Between two looks at which source is due."""

MOST_JITTER = timedelta(minutes=5)
"""A source is fetched up to so long after its hour, so that not everybody asks at the same second."""

REPORTED = 20
"""Bad records of a fetch that are named one by one; of more, only the number is told."""

ASKED_AT_ONCE = 50
"""Papers that people asked for and that are fetched with the sources."""

AHEAD = timedelta(minutes=2)
"""A clock that goes back by less was only corrected."""

WAIT_AFTER_FAULT = timedelta(minutes=30)
"""Until the next try where nobody says how long to wait."""


@dataclass(slots=True)
class Fetched:
    """What came of fetching one source."""

    source: str
    added: Added = field(default_factory=Added)
    bad: int = 0
    remarks: list[str] = field(default_factory=list)
    stale: bool = False
    failure: str = ""

    def sentence(self) -> str:
        """In words: what came, what was odd, and what failed."""
        added = self.added
        said = f"{self.source}: {added.new:,} new, {added.changed:,} changed, {added.same:,} as they were"
        said += f", {self.bad:,} bad left out." if self.bad else "."
        remarks = " ".join(f"{remark[:1].upper()}{remark[1:]}." for remark in dict.fromkeys(self.remarks))
        return " ".join(filter(None, (said, remarks, self.failure)))


async def fetch(
    source: Source,
    store: Store,
    clock: Clock,
    *,
    since: date | None = None,
    progress: Progress = lambda done, size: None,
) -> Fetched:
    """Fetch one source and store each batch as it comes. A failure is told and kept, never raised."""
    fetched, began = Fetched(source.name), clock()
    try:
        state = await asyncio.to_thread(store.sources.state, source.name)
        failure = await _take_all(source, state, store, clock, fetched, since, progress)
        await asyncio.to_thread(_note, fetched, failure, store, began, clock())
    except PaperroundError as error:
        fetched.failure = str(error)
    return fetched


async def fetch_all(
    sources: Sequence[Source], store: Store, clock: Clock, *, since: date | None, console: Console
) -> list[Fetched]:
    """Fetch every source, none waiting for another, with a bar each on a terminal."""
    with _bars(console) as bar:
        fetching = [fetch(one, store, clock, since=since, progress=bar(one.name)) for one in sources]
        return list(await asyncio.gather(*fetching))


@contextmanager
def _bars(console: Console) -> Iterator[Callable[[str], Progress]]:
    if not console.is_terminal:
        yield lambda name: lambda done, size: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as bars:

        def bar(name: str) -> Progress:
            task = bars.add_task(name[:40], total=None)
            return lambda done, size: bars.update(task, completed=done, total=size)

        yield bar


async def _take_all(
    source: Source,
    state: SourceState,
    store: Store,
    clock: Clock,
    fetched: Fetched,
    since: date | None,
    progress: Progress,
) -> PaperroundError | None:
    try:
        async with aclosing(
            source.fetch(state.position, now=clock(), since=since, progress=progress)
        ) as batches:
            async for batch in batches:
                await asyncio.to_thread(_take, batch, fetched, store, clock())
    except PaperroundError as error:
        return error
    except Exception as error:
        # For the log of a process that runs; who fetches by hand gets the sentence.
        log.info("%s failed in a way that nobody foresaw", source.name, exc_info=True)
        return SourceError(f"An unexpected fault: {type(error).__name__}: {error}")
    return None


def _take(batch: Batch, fetched: Fetched, store: Store, now: datetime) -> None:
    """The papers first, then how far the source has come: a crash between the two repeats, and loses nothing."""
    if batch.records:
        looked_at = [(flagged_if_fresh(paper, now.date()), review) for paper, review in batch.records]
        fetched.added += store.papers.add(looked_at, now=now, news=batch.news)
    if batch.touched:
        fetched.added += store.papers.renew(batch.touched, now=now)
    for bad in batch.bad[: max(0, REPORTED - fetched.bad)]:
        log.warning("%s", bad)
    fetched.bad += len(batch.bad)
    fetched.stale = fetched.stale or batch.stale
    if batch.remark:
        fetched.remarks.append(batch.remark)
    state = store.sources.state(fetched.source)
    if state.position != batch.position:
        store.sources.keep(fetched.source, replace(state, position=batch.position))


def _note(
    fetched: Fetched, failure: PaperroundError | None, store: Store, began: datetime, now: datetime
) -> None:
    """How it went, for the next try and for the digests. What came in between may not have been seen."""
    state = replace(store.sources.state(fetched.source), last_try=began)
    trouble = Trouble.OUTAGE if failure else Trouble.STALE if fetched.stale else None
    detail = str(failure) if failure else ". ".join(fetched.remarks)
    store.health.report(fetched.source, trouble, detail=detail, now=now)
    if failure is None:
        state = replace(state, last_success=now, failure="", next_try_at=None)
        if not fetched.stale:
            store.papers.imported(now=now)
    else:
        fetched.failure = str(failure)
        retry_at = getattr(failure, "retry_at", None) or now + WAIT_AFTER_FAULT
        state = replace(state, failure=fetched.failure, next_try_at=retry_at)
    store.sources.keep(fetched.source, state)


async def fetch_asked(look_up: LookUp, store: Store, clock: Clock) -> str:
    """Fetch what people asked for and could not be had at once; what arXiv does not know is forgotten.

    Returns the sentence of a failure, empty when all went well.
    """
    asked = await asyncio.to_thread(store.papers.asked_unknown, ASKED_AT_ONCE)
    if not asked:
        return ""
    try:
        found = await look_up(asked)
    except SourceError as error:
        return f"{len(asked)} papers that people asked for are still to be fetched: {error}"
    records = [(flagged(paper), NOT_REVIEWED) for paper in found.values()]
    await asyncio.to_thread(store.papers.add, records, now=clock())
    await asyncio.to_thread(store.papers.no_longer_asked, [one for one in asked if one not in found])
    log.info("%d of %d papers that people asked for were fetched", len(found), len(asked))
    return ""


def due(sources: Iterable[Source], store: Store, now: datetime) -> list[Source]:
    """The sources whose hour has come."""
    states = [_by_this_clock(store.sources.state(source.name), now) for source in sources]
    coming = [(source.next_due(state, now), source) for source, state in zip(sources, states, strict=True)]
    return [source for at, source in coming if at is not None and at <= now]


def _by_this_clock(state: SourceState, now: datetime) -> SourceState:
    """What a clock that was ahead wrote says nothing about when to fetch."""
    ahead = state.last_try is not None and state.last_try > now + AHEAD
    return replace(state, last_try=None, next_try_at=None) if ahead else state


async def keep_fetching(
    sources: Sequence[Source],
    store: Store,
    clock: Clock,
    stop: asyncio.Event,
    *,
    look_up: LookUp | None = None,
    look_seconds: float = LOOK_SECONDS,
    jitter: Callable[[], timedelta] = lambda: MOST_JITTER * random.random(),  # noqa: S311
) -> None:
    """Fetch each source whenever it is due, none waiting for another, until told to stop."""
    under_way: dict[str, asyncio.Task[None]] = {}
    try:
        while not stop.is_set():
            for name in [name for name, task in under_way.items() if task.done()]:
                del under_way[name]
            for source, wait in await _ready(sources, store, clock, jitter):
                if source.name not in under_way:
                    under_way[source.name] = asyncio.create_task(_safely(_one(source, store, clock, wait)))
            if look_up and _ASKED not in under_way:
                under_way[_ASKED] = asyncio.create_task(_safely(_asked(look_up, store, clock)))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), look_seconds)
    finally:
        for task in under_way.values():
            task.cancel()
        await asyncio.gather(*under_way.values(), return_exceptions=True)


_ASKED = "what people asked for"


async def _ready(
    sources: Sequence[Source], store: Store, clock: Clock, jitter: Callable[[], timedelta]
) -> list[tuple[Source, timedelta]]:
    """The sources that are due, and how long each waits yet; the first fetch of all waits for nothing."""

    def ready() -> list[tuple[Source, timedelta]]:
        return [
            (source, jitter() if store.sources.state(source.name).last_try else timedelta())
            for source in due(sources, store, clock())
        ]

    try:
        return await asyncio.to_thread(ready)
    except PaperroundError as error:
        log.error("%s Trying again soon.", error)
        return []


async def _one(source: Source, store: Store, clock: Clock, wait: timedelta) -> None:
    await asyncio.sleep(wait.total_seconds())
    fetched = await fetch(source, store, clock)
    log.log(logging.WARNING if fetched.failure else logging.INFO, "%s", fetched.sentence())


async def _asked(look_up: LookUp, store: Store, clock: Clock) -> None:
    if failure := await fetch_asked(look_up, store, clock):
        log.warning("%s", failure)
        await asyncio.sleep(WAIT_AFTER_FAULT.total_seconds())


async def _safely(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:
        log.exception("Fetching failed in a way that nobody foresaw; it goes on.")
