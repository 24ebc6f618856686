"""Time of the next fetch for sources that are polled at an interval. Pure."""

from datetime import datetime, timedelta

from digests.ports.sources import SourceState


def due_after_interval(state: SourceState, interval: timedelta, now: datetime) -> datetime:
    """Return the time of a source's next fetch: one interval after the start of the last one.

    The time may be in the past. Returns `now` for a source that was never fetched. After a failure the fetch
    is not due before the state's `next_try_at`.
    """
    if state.last_try is None:
        return now
    following = state.last_try + interval
    return max(following, state.next_try_at) if state.failure and state.next_try_at else following
