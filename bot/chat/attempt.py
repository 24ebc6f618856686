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

from bot.chat.port import Outcome, PostError

_T = TypeVar("_T")


@dataclass(slots=True)
class SendAttempt:
    """The requests that carry one page. `ends` is when nobody waits for them any more, by `time.monotonic`."""

    deadline: float = math.inf
    is_tracked: bool = False
    """Whether the session that sends them tells of them."""
    was_sent: bool = False
    """Whether one was sent that was not plainly refused."""
    _was_sent_before: bool = False
    """The same of those before the one under way."""

    @property
    def may_have_arrived(self) -> bool:
        return self.was_sent or not self.is_tracked

    def begin_request(self) -> None:
        """Another request, of which nothing is written yet."""
        self._was_sent_before = self.was_sent

    def mark_sent(self) -> None:
        """Its body is on the way."""
        self.was_sent = True

    def mark_redirected(self) -> None:
        """It is answered with another address, where the next answer comes from; this one may have done it."""
        self._was_sent_before = self.was_sent

    def mark_refused(self) -> None:
        """It is answered, and was not done."""
        self.was_sent = self._was_sent_before

    def resolve_outcome(self, outcome: Outcome) -> Outcome:
        """The outcome of an answer, or of none, in the light of the tries before it."""
        if self.may_have_arrived:
            return Outcome.UNKNOWN
        return Outcome.NOT_POSTED if outcome is Outcome.UNKNOWN else outcome


_current_attempt: ContextVar[SendAttempt | None] = ContextVar("tries", default=None)


def current_attempt() -> SendAttempt | None:
    """Those of the page that is under way here."""
    return _current_attempt.get()


async def with_deadline(call: Coroutine[Any, Any, _T], timeout: timedelta) -> _T:
    """What a platform answers within the limit, which it is told of. Raises PostError."""
    seconds = timeout.total_seconds()
    with page_attempt(seconds) as attempt:
        try:
            async with asyncio.timeout(seconds):
                return await call
        except TimeoutError:
            also = "; it may have arrived" if attempt.may_have_arrived else ""
            outcome = attempt.resolve_outcome(Outcome.UNKNOWN)
            raise PostError(f"No answer within {seconds:.3g} seconds{also}.", outcome) from None


@contextmanager
def page_attempt(seconds: float = math.inf) -> Iterator[SendAttempt]:
    """The tries of one page, for which somebody waits so long."""
    attempt = SendAttempt(time.monotonic() + seconds)
    token = _current_attempt.set(attempt)
    try:
        yield attempt
    finally:
        _current_attempt.reset(token)


@contextmanager
def tracked(seconds: float = math.inf) -> Iterator[SendAttempt]:
    """The tries of the page that is under way here, or else of a call of its own, from a session that tells of them."""
    if attempt := current_attempt():
        attempt.is_tracked = True
        yield attempt
        return
    with page_attempt(seconds) as own_attempt:
        own_attempt.is_tracked = True
        yield own_attempt


@contextmanager
def untracked(attempt: SendAttempt) -> Iterator[None]:
    """For calls that the page only needs: what becomes of them says nothing of the page."""
    with page_attempt(attempt.deadline - time.monotonic()):
        yield
