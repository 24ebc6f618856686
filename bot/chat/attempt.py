"""Record of the requests that carry one page, so that after any failure, a time-out too, its outcome is
known.
"""

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
    """The requests that carry one page.

    `deadline` is the end of the wait for an answer, by `time.monotonic`.
    """

    deadline: float = math.inf
    is_tracked: bool = False
    """True when the session that sends the requests reports them here."""
    was_sent: bool = False
    """True once a request was sent whose answer does not exclude an effect."""
    _was_sent_before: bool = False
    """Value of `was_sent` before the current request."""

    @property
    def may_have_arrived(self) -> bool:
        return self.was_sent or not self.is_tracked

    def begin_request(self) -> None:
        """Record a new request, of which nothing is sent yet."""
        self._was_sent_before = self.was_sent

    def mark_sent(self) -> None:
        """Record that the body of the request was sent."""
        self.was_sent = True

    def mark_redirected(self) -> None:
        """Record a redirect. The redirected request may have had its effect."""
        self._was_sent_before = self.was_sent

    def mark_refused(self) -> None:
        """Record an answer that excludes an effect of the request."""
        self.was_sent = self._was_sent_before

    def resolve_outcome(self, outcome: Outcome) -> Outcome:
        """Return the outcome of the page, given that of its last request."""
        if self.may_have_arrived:
            return Outcome.UNKNOWN
        return Outcome.NOT_POSTED if outcome is Outcome.UNKNOWN else outcome


_current_attempt: ContextVar[SendAttempt | None] = ContextVar("attempt", default=None)


def current_attempt() -> SendAttempt | None:
    """Return the attempt of the page that the current task sends; None outside of one."""
    return _current_attempt.get()


async def with_deadline(call: Coroutine[Any, Any, _T], timeout: timedelta) -> _T:
    """Await a platform's call within the limit, which the attempt knows. Raises PostError."""
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
    """Make a new attempt current for the duration of the block; its deadline is in `seconds`."""
    attempt = SendAttempt(time.monotonic() + seconds)
    token = _current_attempt.set(attempt)
    try:
        yield attempt
    finally:
        _current_attempt.reset(token)


@contextmanager
def tracked(seconds: float = math.inf) -> Iterator[SendAttempt]:
    """Mark the current attempt, or a new one, as reported by the session that sends its requests."""
    if attempt := current_attempt():
        attempt.is_tracked = True
        yield attempt
        return
    with page_attempt(seconds) as own_attempt:
        own_attempt.is_tracked = True
        yield own_attempt


@contextmanager
def untracked(attempt: SendAttempt) -> Iterator[None]:
    """Keep the requests of the block, which only prepare the page, out of the record of its attempt."""
    with page_attempt(attempt.deadline - time.monotonic()):
        yield
