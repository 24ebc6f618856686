"""When a source that has no hours of its own is fetched next. Pure."""

from datetime import datetime, timedelta

from digests.ports.sources import SourceState


def due_after_interval(state: SourceState, interval: timedelta, now: datetime) -> datetime:
    """At once the first time, then again and again; not before a server that refused wants it."""
    if state.last_try is None:
        return now
    following = state.last_try + interval
    return max(following, state.next_try_at) if state.failure and state.next_try_at else following
