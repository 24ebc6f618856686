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
GATHER_SECONDS = 0.02
"""How long is waited for others then: what a delivery asks for a few times is still done well within its second."""

Waiting = tuple[Any, asyncio.Future[Any]]


@dataclass(slots=True)
class Together:
    """What several deliveries ask for at about the same time is done in one go, each kind of work for itself.

    In a small company nobody waits for others to come: only for the end of the same kind of work, if it is being done.
    """

    _at_work: int = 0
    _waiting: defaultdict[str, list[Waiting]] = field(default_factory=lambda: defaultdict(list))
    _busy: set[str] = field(default_factory=set)

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
        done = await answer
        return await asyncio.to_thread(one, asked) if isinstance(done, _Apart) else done

    def _begin_soon(
        self, kind: str, one: Callable[[A], R], many: Callable[[Sequence[A]], Sequence[R]]
    ) -> None:
        wait = GATHER_SECONDS if self._at_work >= CROWD else 0
        asyncio.get_running_loop().call_later(wait, self._begin, kind, one, many)

    def _begin(self, kind: str, one: Callable[[A], R], many: Callable[[Sequence[A]], Sequence[R]]) -> None:
        group = self._waiting.pop(kind)

        def ended(work: asyncio.Future[Sequence[R | _Apart]]) -> None:
            _answer([answer for _, answer in group], work)
            if self._waiting[kind]:
                self._begin_soon(kind, one, many)
            else:
                self._busy.remove(kind)

        asked = [each for each, _ in group]
        work = asyncio.get_running_loop().run_in_executor(None, _done, asked, one, many)
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
