"""Batches: equal work of several deliveries shares one thread and one transaction."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.storage import run_background, start_background

A = TypeVar("A")
R = TypeVar("R")

BATCH_FROM = 8
"""Deliveries in progress from which on a batch waits for more items."""
BATCH_WAIT_SECONDS = 0.1
"""Longest wait of a batch for more items. Each write of a delivery, and so each message, may wait as long."""
BATCH_DIVISOR = 4
"""A batch starts at once when it has one item for every `BATCH_DIVISOR` deliveries in progress."""

PendingItem = tuple[Any, asyncio.Future[Any]]
"""An item and the future of its result."""


@dataclass(slots=True)
class Batcher:
    """Collects the items of several deliveries into batches, one kind of work a batch.

    One batch of a kind runs at a time; items that arrive meanwhile form the next. With fewer than
    `BATCH_FROM` deliveries in progress a batch starts at once. With more it starts when it has one item for
    every `BATCH_DIVISOR` of them, or after `BATCH_WAIT_SECONDS`.
    """

    _in_flight: int = 0
    _pending: defaultdict[str, list[PendingItem]] = field(default_factory=lambda: defaultdict(list))
    _running_kinds: set[str] = field(default_factory=set)
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    @contextmanager
    def track_delivery(self) -> Iterator[None]:
        """Count a delivery as in progress for the duration of the block."""
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    async def submit(
        self, kind: str, item: A, run_one: Callable[[A], R], run_many: Callable[[Sequence[A]], Sequence[R]]
    ) -> R:
        """Process an item in a background thread, alone or in a batch, and return its result.

        Items of one `kind` form batches; every call with one kind passes equal functions. `run_many` returns
        the results in the order of the items. It is atomic: when it fails, each item of the batch is
        processed by `run_one`, so that only the items at fault raise. Raises the error of `run_one` for this
        item, and RuntimeError if no thread can be started.
        """
        future: asyncio.Future[R | _RunAlone] = asyncio.get_running_loop().create_future()
        self._pending[kind].append((item, future))
        if kind not in self._running_kinds:
            self._running_kinds.add(kind)
            self._schedule_batch(kind, run_one, run_many)
        elif kind in self._timers and self._is_batch_ready(kind):
            self._timers.pop(kind).cancel()
            self._schedule_batch(kind, run_one, run_many)
        result = await future
        return await run_background(run_one, item) if isinstance(result, _RunAlone) else result

    def _schedule_batch(
        self, kind: str, run_one: Callable[[A], R], run_many: Callable[[Sequence[A]], Sequence[R]]
    ) -> None:
        """Schedule the start of the pending batch: at once, or after `BATCH_WAIT_SECONDS`.

        At once means in the next iteration of the event loop, so that items submitted in this one join.
        """
        wait = 0 if self._in_flight < BATCH_FROM or self._is_batch_ready(kind) else BATCH_WAIT_SECONDS
        timer = asyncio.get_running_loop().call_later(wait, self._start_batch, kind, run_one, run_many)
        if wait:
            self._timers[kind] = timer

    def _is_batch_ready(self, kind: str) -> bool:
        return len(self._pending[kind]) * BATCH_DIVISOR >= self._in_flight

    def _start_batch(
        self, kind: str, run_one: Callable[[A], R], run_many: Callable[[Sequence[A]], Sequence[R]]
    ) -> None:
        self._timers.pop(kind, None)
        batch = self._pending.pop(kind)

        def finish_batch(batch_future: asyncio.Future[Sequence[R | _RunAlone]]) -> None:
            _resolve_futures([future for _, future in batch], batch_future)
            if self._pending[kind]:
                self._schedule_batch(kind, run_one, run_many)
            else:
                self._running_kinds.remove(kind)

        items = [item for item, _ in batch]
        work: asyncio.Future[Sequence[R | _RunAlone]]
        try:
            work = start_background(_run_batch, items, run_one, run_many)
        except RuntimeError as error:  # The system can start no thread just now.
            work = asyncio.get_running_loop().create_future()
            work.set_exception(error)
        work.add_done_callback(finish_batch)


class _RunAlone:
    """Result of an item whose batch failed: it is to be processed alone."""


def _run_batch(
    items: Sequence[A], run_one: Callable[[A], R], run_many: Callable[[Sequence[A]], Sequence[R]]
) -> Sequence[R | _RunAlone]:
    if len(items) == 1:
        return [run_one(items[0])]
    try:
        return run_many(items)
    except Exception:
        return [_RunAlone() for _ in items]


def _resolve_futures(
    futures: Sequence[asyncio.Future[Any]], batch_future: asyncio.Future[Sequence[Any]]
) -> None:
    error = batch_future.exception()
    results = batch_future.result() if error is None else ()
    for index, future in enumerate(futures):
        if future.done():  # Its caller was cancelled.
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(results[index])
