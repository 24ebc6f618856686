"""The problem of a channel's digest in a sentence, for the operator."""

from datetime import datetime, timedelta

from bot.present.wording import format_count
from digests.ports.delivery_reports import ChannelStatus
from digests.ports.outbox import DeliveryState

OVERDUE_AFTER = timedelta(minutes=5)
"""Delay after which an edition or an expired lease counts as overdue. The worker ticks every minute."""

RETRYABLE = (DeliveryState.RETRYING, DeliveryState.UNKNOWN)
IN_PROGRESS = (DeliveryState.CLAIMED, DeliveryState.POSTING, *RETRYABLE)
"""States of a delivery that was started and is not finished."""


def describe_trouble(channel_status: ChannelStatus, now: datetime) -> str:
    """Describe a channel's problem in a sentence; empty without one. A pause alone is no problem."""
    subscription = channel_status.subscription
    if subscription is None:
        return channel_status.read_error
    if subscription.stop_reason:
        return f"Stopped: {subscription.stop_reason}"
    sentence = _describe_last_edition(channel_status, now)
    if subscription.is_running and any(_is_overdue(when, now) for when in _expected_times(channel_status)):
        return (
            f"{sentence} Is a “paperround run” running?"
            if sentence
            else "Overdue: is a “paperround run” running?"
        )
    if subscription.paused_by and sentence and channel_status.state in IN_PROGRESS:
        return f"{sentence} Nobody goes on with it while the channel is paused."
    return sentence


def _describe_last_edition(channel_status: ChannelStatus, now: datetime) -> str:
    """Describe the problem of the last edition in a sentence; empty without one."""
    match channel_status.state:
        case DeliveryState.FAILED:
            return f"Not posted: {channel_status.reason}"
        case DeliveryState.RETRYING | DeliveryState.UNKNOWN:
            times = "once" if channel_status.attempts == 1 else f"{channel_status.attempts} times"
            return f"Tried {times}: {channel_status.reason}"
        case DeliveryState.CLAIMED | DeliveryState.POSTING if _is_overdue(channel_status.lease_until, now):
            return f"Left in the middle since {channel_status.lease_until:%a %d %b %H:%M}."
    if channel_status.unknown_pages:
        missing = format_count(channel_status.unknown_pages, "message")
        return f"{missing} may be missing: the channel could not be asked."
    return ""


def _expected_times(channel_status: ChannelStatus) -> tuple[datetime | None, ...]:
    """Return the times at which a worker should continue the last edition or start the next one.

    Each is None if there is nothing to wait for.
    """
    return (
        channel_status.lease_until,
        channel_status.next_try_at if channel_status.state in RETRYABLE else None,
        channel_status.next_due_at,
    )


def _is_overdue(when: datetime | None, now: datetime) -> bool:
    return when is not None and when < now - OVERDUE_AFTER
