"""What is known of a page on its way: told try by try, so that it is known whatever ends the call, a time-out too."""

import asyncio
import math
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from bot.platforms import Outcome, PostError

_T = TypeVar("_T")


@dataclass(slots=True)
class Tries:
    """The requests that carry one page. `ends` is when nobody waits for them any more, by `time.monotonic`."""

    ends: float = math.inf
    followed: bool = False
    """Whether the session that sends them tells of them."""
    sent: bool = False
    """Whether one was sent that was not plainly refused."""
    _before: bool = False
    """The same of those before the one under way."""

    @property
    def may_have_arrived(self) -> bool:
        return self.sent or not self.followed

    def begin(self) -> None:
        """Another request, of which nothing is written yet."""
        self._before = self.sent

    def write(self) -> None:
        """Its body is on the way."""
        self.sent = True

    def hand_on(self) -> None:
        """It is answered with another address, where the next answer comes from; this one may have done it."""
        self._before = self.sent

    def refuse(self) -> None:
        """It is answered, and was not done."""
        self.sent = self._before

    def outcome(self, outcome: Outcome) -> Outcome:
        """The outcome of an answer, or of none, in the light of the tries before it."""
        if self.may_have_arrived:
            return Outcome.UNKNOWN
        return Outcome.NOT_POSTED if outcome is Outcome.UNKNOWN else outcome


_current: ContextVar[Tries | None] = ContextVar("tries", default=None)


def current() -> Tries | None:
    """Those of the page that is under way here."""
    return _current.get()


async def in_time(call: Coroutine[Any, Any, _T], limit: timedelta) -> _T:
    """What a platform answers within the limit, which it is told of. Raises PostError."""
    seconds = limit.total_seconds()
    with one_page(seconds) as tries:
        try:
            async with asyncio.timeout(seconds):
                return await call
        except TimeoutError:
            also = "; it may have arrived" if tries.may_have_arrived else ""
            outcome = tries.outcome(Outcome.UNKNOWN)
            raise PostError(f"No answer within {seconds:.3g} seconds{also}.", outcome) from None


@contextmanager
def one_page(seconds: float = math.inf) -> Iterator[Tries]:
    """The tries of one page, for which somebody waits so long."""
    tries = Tries(time.monotonic() + seconds)
    token = _current.set(tries)
    try:
        yield tries
    finally:
        _current.reset(token)


@contextmanager
def followed(seconds: float = math.inf) -> Iterator[Tries]:
    """The tries of the page that is under way here, or else of a call of its own, from a session that tells of them."""
    if tries := current():
        tries.followed = True
        yield tries
        return
    with one_page(seconds) as own:
        own.followed = True
        yield own


@contextmanager
def apart(tries: Tries) -> Iterator[None]:
    """For calls that the page only needs: what becomes of them says nothing of the page."""
    with one_page(tries.ends - time.monotonic()):
        yield
