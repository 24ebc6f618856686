"""Record of the requests that carry one page. After a failure it tells if the page may have been posted.

A platform's HTTP session reports its requests here, since a time-out does not tell how far a request came.
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
    """One attempt to post a page. It has several requests if a client repeats one after a rate limit.

    `deadline` is the instant at which the wait for an answer ends, by `time.monotonic`.
    """

    deadline: float = math.inf
    is_tracked: bool = False
    """True if the session that sends the requests reports them to this attempt."""
    was_sent: bool = False
    """True if a request was sent that may have posted the page: no answer has excluded that."""
    _was_sent_before: bool = False
    """Value of `was_sent` before the current request."""

    @property
    def may_have_arrived(self) -> bool:
        """Return True if the page may have been posted, as is always possible for an untracked attempt."""
        return self.was_sent or not self.is_tracked

    def begin_request(self) -> None:
        """Record that a request begins. Nothing of it is sent yet."""
        self._was_sent_before = self.was_sent

    def mark_sent(self) -> None:
        """Record that the request's body is being sent, so that the page may be posted from now on."""
        self.was_sent = True

    def mark_redirected(self) -> None:
        """Record that a redirect answered the request, which may have posted the page nevertheless.

        A later refusal concerns only the request to the new address.
        """
        self._was_sent_before = self.was_sent

    def mark_refused(self) -> None:
        """Record that the answer excludes that this request posted the page. Earlier requests still count."""
        self.was_sent = self._was_sent_before

    def resolve_outcome(self, outcome: Outcome) -> Outcome:
        """Return the outcome of the page, given the `outcome` of its last request.

        UNKNOWN if the page may have been posted. Otherwise NOT_POSTED in place of UNKNOWN, and any other
        outcome as it is.
        """
        if self.may_have_arrived:
            return Outcome.UNKNOWN
        return Outcome.NOT_POSTED if outcome is Outcome.UNKNOWN else outcome


_current_attempt: ContextVar[SendAttempt | None] = ContextVar("attempt", default=None)


def current_attempt() -> SendAttempt | None:
    """Return the attempt that is current in this task, or None."""
    return _current_attempt.get()


async def with_deadline(call: Coroutine[Any, Any, _T], timeout: timedelta) -> _T:
    """Await a platform's call as a new attempt, for `timeout` at most, and return its result.

    On a time-out it raises PostError: UNKNOWN if the page may have been posted, else NOT_POSTED. Errors of
    the call pass through.
    """
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
    """Make a new attempt current for the duration of the block. Its deadline is `seconds` from now."""
    attempt = SendAttempt(time.monotonic() + seconds)
    token = _current_attempt.set(attempt)
    try:
        yield attempt
    finally:
        _current_attempt.reset(token)


@contextmanager
def tracked(seconds: float = math.inf) -> Iterator[SendAttempt]:
    """Yield the current attempt, marked as tracked: the session in use reports the requests of the block.

    Without a current attempt, a new one is made for the block, with its deadline `seconds` from now.
    """
    if attempt := current_attempt():
        attempt.is_tracked = True
        yield attempt
        return
    with page_attempt(seconds) as own_attempt:
        own_attempt.is_tracked = True
        yield own_attempt


@contextmanager
def untracked(attempt: SendAttempt) -> Iterator[None]:
    """Keep the requests of the block out of the attempt's record. They prepare the page and cannot post it.

    Their deadline is the attempt's.
    """
    with page_attempt(attempt.deadline - time.monotonic()):
        yield
