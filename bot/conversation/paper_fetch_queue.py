"""The queue of unknown papers: people wait for it while their papers are fetched from arXiv."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from bot.storage import run_interactive
from digests.errors import SourceError
from digests.injections import flag_paper
from digests.model import NOT_REVIEWED, Paper
from digests.ports import Store

MAX_WAITING = 200
"""People who wait at a time. One more does not wait: the paper is fetched later."""

MAX_BATCH = 50
"""Papers of one request to arXiv."""


@dataclass(slots=True)
class QueuedPaper:
    """A paper in the queue. `result` is True if it was stored, False if arXiv does not know it."""

    result: asyncio.Future[bool]
    waiting_count: int = 0


@dataclass(slots=True)
class PaperFetchQueue:
    """Fetches papers for people who wait, one request at a time for all of them, and stores the papers.

    `fetch_papers` returns papers by id, without those that arXiv does not know, and raises SourceError.
    `timeout`, in seconds, bounds a request and the wait of each person. A paper that several people ask for
    is fetched once. When a request fails, nobody waits for another one: whoever is in the queue gets its
    error. Waiting holds no thread, only storing does. The queue of a process serves all its platforms.
    """

    fetch_papers: Callable[[Sequence[str]], Awaitable[Mapping[str, Paper]]]
    store: Store
    clock: Callable[[], datetime]
    timeout: float
    _waiting_count: int = 0
    _pending: dict[str, QueuedPaper] = field(default_factory=dict)
    _in_flight: dict[str, QueuedPaper] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    async def fetch_paper(self, paper: str) -> bool:
        """Wait until a paper is fetched and stored. Returns False if arXiv does not know it.

        Raises SourceError if arXiv does not answer in time or `MAX_WAITING` people wait, and StoreError.
        """
        if self._waiting_count >= MAX_WAITING:
            raise SourceError(f"{self._waiting_count} people wait for papers from arXiv: try again later.")
        queued = self._in_flight.get(paper) or self._pending.setdefault(
            paper, QueuedPaper(asyncio.get_running_loop().create_future())
        )
        self._start_task()
        self._waiting_count += 1
        queued.waiting_count += 1
        try:
            async with asyncio.timeout(self.timeout):
                return await asyncio.shield(queued.result)
        except TimeoutError:
            raise self._build_timeout_error() from None
        finally:
            self._waiting_count -= 1
            queued.waiting_count -= 1
            if not queued.waiting_count and self._pending.get(paper) is queued:
                del self._pending[paper]

    def _build_timeout_error(self) -> SourceError:
        return SourceError(f"arXiv did not answer within {self.timeout:g} seconds.")

    def _start_task(self) -> None:
        """Start the task that empties the queue, unless it runs. It ends with the last paper."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._empty_queue())

    async def _empty_queue(self) -> None:
        while self._pending:
            self._in_flight = dict(islice(self._pending.items(), MAX_BATCH))
            for paper in self._in_flight:
                del self._pending[paper]
            try:
                stored = await self._fetch_and_store(list(self._in_flight))
            except Exception as error:
                self._fail_all(error)
            else:
                for paper, queued in self._in_flight.items():
                    queued.result.set_result(paper in stored)
            finally:
                self._in_flight = {}

    async def _fetch_and_store(self, papers: Sequence[str]) -> Mapping[str, Paper]:
        try:
            async with asyncio.timeout(self.timeout):
                fetched = await self.fetch_papers(papers)
        except TimeoutError:
            raise self._build_timeout_error() from None
        if fetched:
            await run_interactive(self._store_papers, list(fetched.values()))
        return fetched

    def _store_papers(self, papers: Sequence[Paper]) -> None:
        self.store.library.add([(flag_paper(paper), NOT_REVIEWED) for paper in papers], now=self.clock())

    def _fail_all(self, error: Exception) -> None:
        """Give the error to everybody who waits, whether their paper was asked for or not."""
        queued_papers = [*self._in_flight.values(), *self._pending.values()]
        self._pending.clear()
        for queued in queued_papers:
            queued.result.set_exception(error)
            queued.result.exception()  # Nobody may wait any more; asyncio would log that.
