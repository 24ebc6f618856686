"""Work of many deliveries at once, done together: one thread, one transaction, and each is answered when it is done."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

A = TypeVar("A")
R = TypeVar("R")

CROWD = 8
"""Deliveries under way from which on it pays to wait for others."""
GATHER_SECONDS = 0.1
"""How long is waited for others then, at the most. What a pace lets out one by one goes out by so much in bunches."""
ENOUGH = 4
"""One of so many deliveries under way: when so many ask for the same, nobody waits for more."""

Waiting = tuple[Any, asyncio.Future[Any]]


@dataclass(slots=True)
class Together:
    """What several deliveries ask for at about the same time is done in one go, each kind of work for itself.

    In a small company nobody waits for others to come: only for the end of the same kind of work, if it is being done.
    In a crowd whoever comes first waits until a good part of it has come, or for a moment.
    """

    _at_work: int = 0
    _waiting: defaultdict[str, list[Waiting]] = field(default_factory=lambda: defaultdict(list))
    _busy: set[str] = field(default_factory=set)
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """One more delivery is under way, which may ask."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    async def do(
        self, kind: str, asked: A, one: Callable[[A], R], many: Callable[[Sequence[A]], Sequence[R]]
    ) -> R:
        """The answer to what is asked: by `one` where it is alone, or by `many`, which does all of it or nothing.

        What `many` fails at is done one by one, so that only those fail whose fault it is.
        """
        answer: asyncio.Future[R | _Apart] = asyncio.get_running_loop().create_future()
        self._waiting[kind].append((asked, answer))
        if kind not in self._busy:
            self._busy.add(kind)
            self._begin_soon(kind, one, many)
        elif kind in self._timers and self._are_enough(kind):
            self._timers.pop(kind).cancel()
            self._begin_soon(kind, one, many)
        done = await answer
        return await asyncio.to_thread(one, asked) if isinstance(done, _Apart) else done

    def _begin_soon(
        self, kind: str, one: Callable[[A], R], many: Callable[[Sequence[A]], Sequence[R]]
    ) -> None:
        """Not at once: whoever asks in the same breath is one of the group."""
        wait = 0 if self._at_work < CROWD or self._are_enough(kind) else GATHER_SECONDS
        timer = asyncio.get_running_loop().call_later(wait, self._begin, kind, one, many)
        if wait:
            self._timers[kind] = timer

    def _are_enough(self, kind: str) -> bool:
        return len(self._waiting[kind]) * ENOUGH >= self._at_work

    def _begin(self, kind: str, one: Callable[[A], R], many: Callable[[Sequence[A]], Sequence[R]]) -> None:
        self._timers.pop(kind, None)
        group = self._waiting.pop(kind)

        def ended(work: asyncio.Future[Sequence[R | _Apart]]) -> None:
            _answer([answer for _, answer in group], work)
            if self._waiting[kind]:
                self._begin_soon(kind, one, many)
            else:
                self._busy.remove(kind)

        asked = [each for each, _ in group]
        loop = asyncio.get_running_loop()
        try:
            work = loop.run_in_executor(None, _done, asked, one, many)
        except RuntimeError as error:  # The system gives no thread just now.
            work = loop.create_future()
            work.set_exception(error)
        work.add_done_callback(ended)


class _Apart:
    """The answer to those that are to be done one by one."""


def _done(
    asked: Sequence[A], one: Callable[[A], R], many: Callable[[Sequence[A]], Sequence[R]]
) -> Sequence[R | _Apart]:
    if len(asked) == 1:
        return [one(asked[0])]
    try:
        return many(asked)
    except Exception:
        return [_Apart() for _ in asked]


def _answer(answers: Sequence[asyncio.Future[Any]], work: asyncio.Future[Sequence[Any]]) -> None:
    error = work.exception()
    results = work.result() if error is None else ()
    for place, answer in enumerate(answers):
        if answer.done():  # Whoever asked was cancelled.
            continue
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(results[place])
