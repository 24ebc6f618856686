"""Work of many deliveries at once, done together: one thread, one transaction, and each is answered when it is done."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

A = TypeVar("A")
R = TypeVar("R")

BATCH_FROM = 8
"""Deliveries under way from which on it pays to wait for others."""
BATCH_WAIT_SECONDS = 0.1
"""How long is waited for others then, at the most. What a pace lets out one by one goes out by so much in bunches."""
BATCH_DIVISOR = 4
"""One of so many deliveries under way: when so many ask for the same, nobody waits for more."""

PendingItem = tuple[Any, asyncio.Future[Any]]


@dataclass(slots=True)
class Batcher:
    """What several deliveries ask for at about the same time is done in one go, each kind of work for itself.

    In a small company nobody waits for others to come: only for the end of the same kind of work, if it is being done.
    In a crowd whoever comes first waits until a good part of it has come, or for a moment.
    """

    _in_flight: int = 0
    _pending: defaultdict[str, list[PendingItem]] = field(default_factory=lambda: defaultdict(list))
    _running_kinds: set[str] = field(default_factory=set)
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    @contextmanager
    def track_delivery(self) -> Iterator[None]:
        """One more delivery is under way, which may ask."""
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    async def submit(
        self, kind: str, item: A, run_one: Callable[[A], R], run_many: Callable[[Sequence[A]], Sequence[R]]
    ) -> R:
        """The answer to what is asked: by `one` where it is alone, or by `many`, which does all of it or nothing.

        What `many` fails at is done one by one, so that only those fail whose fault it is.
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
        return await asyncio.to_thread(run_one, item) if isinstance(result, _RunAlone) else result

    def _schedule_batch(
        self, kind: str, run_one: Callable[[A], R], run_many: Callable[[Sequence[A]], Sequence[R]]
    ) -> None:
        """Not at once: whoever asks in the same breath is one of the group."""
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

        items = [each for each, _ in batch]
        loop = asyncio.get_running_loop()
        try:
            work = loop.run_in_executor(None, _run_batch, items, run_one, run_many)
        except RuntimeError as error:  # The system gives no thread just now.
            work = loop.create_future()
            work.set_exception(error)
        work.add_done_callback(finish_batch)


class _RunAlone:
    """The answer to those that are to be done one by one."""


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
        if future.done():  # Whoever asked was cancelled.
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(results[index])
