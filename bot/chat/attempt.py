"""Record of the requests that carry one page. After a failure it tells if the page may have been posted.

A platform's HTTP session reports its requests here, since a time-out does not tell how far a request came.
`with_deadline` makes the outcome of a PostError from the record. `deliver_claim` in `bot/delivery/deliver.py`
says what follows from each outcome.
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
    max_wait: float = math.inf
    """Longest wait in seconds that is granted to a rate limit, however much time is left."""
    demanded_wait: float = 0.0
    """Longest wait in seconds that a rate limit has demanded, 0 if none has."""
    _was_sent_before: bool = False
    """Value of `was_sent` before the current request."""

    @property
    def may_have_arrived(self) -> bool:
        """True if the page may have been posted, as is always possible for an untracked attempt."""
        return self.was_sent or not self.is_tracked

    def begin_request(self) -> None:
        """Record that a request begins. Nothing of it is sent yet: `mark_refused` returns to this state."""
        self._was_sent_before = self.was_sent

    def mark_sent(self) -> None:
        """Record that the request's body is being sent, so that the page may be posted from now on."""
        self.was_sent = True

    def mark_redirected(self) -> None:
        """Record that a redirect answered the request. If the page was sent before it, it may be posted.

        A refusal of the request to the new address therefore leaves `was_sent` as it is now. Nothing changes
        if nothing was sent.
        """
        self._was_sent_before = self.was_sent

    def mark_refused(self) -> None:
        """Record that the answer excludes that this request posted the page.

        `was_sent` becomes what it was before the request: earlier requests still count.
        """
        self.was_sent = self._was_sent_before

    def resolve_outcome(self, outcome: Outcome) -> Outcome:
        """Return the outcome of the page, given the `outcome` of its last request.

        UNKNOWN if any request of the attempt may have posted the page. Otherwise NOT_POSTED in place of
        UNKNOWN, and any other outcome as it is.
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

    On a time-out the call is cancelled. It raises PostError then, with UNKNOWN if the page may have been
    posted, else with NOT_POSTED. Other errors of the call pass through.
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
    """Make a new attempt current for the duration of the block, and yield it.

    Its deadline is `seconds` from now. The attempt that was current before is current again afterwards.
    """
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
    """Make another attempt current for the block, so that its requests are not recorded for `attempt`.

    For requests that prepare a page and cannot post it. Their deadline is that of `attempt`.
    """
    with page_attempt(attempt.deadline - time.monotonic()):
        yield
