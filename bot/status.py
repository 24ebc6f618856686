"""`paperround status`: what comes next, what failed and why, for people and for machines; what needs somebody first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from digests.model import Channel, Condition, Subscription
from digests.ports import DeliveryState, Standing, Store

OVERDUE_AFTER = timedelta(minutes=5)
"""A tick comes every minute; what is due for longer waits for a process that runs, or for its turn among many, and so does
what its process left in the middle, once its lease is over."""

MOST_ROWS = 100
"""Rows of the table; --json has all channels, --channel has one."""

PUT_OFF = (DeliveryState.WAITING, DeliveryState.UNKNOWN)
IN_HAND = (DeliveryState.CLAIMED, DeliveryState.POSTING, *PUT_OFF)
"""What is begun and not done."""

MOST_NAMED = 10
"""Channels of the settings that are not begun; --json has all of them."""

COUNTED_DAYS = 2
"""Editions of today and yesterday are counted: somewhere on earth both are today's."""


@dataclass(frozen=True, slots=True)
class Status:
    """How everything stands at an instant; channels that need somebody come first."""

    now: datetime
    channels: Sequence[Standing]
    counts: dict[DeliveryState, int]
    conditions: Sequence[Condition]
    not_begun: Sequence[Channel] = ()


def status(store: Store, now: datetime, channel: str = "", named: Sequence[Subscription] = ()) -> Status:
    """How the channels stand, or the one that is meant: its id, or its whole name such as slack:T0123:C0456. Those that
    are `named` in the settings and not yet in the store are not begun."""
    every = store.deliveries.standings()
    new = [one.channel for one in not_begun(named, [one.channel for one in every])]
    standings = [one for one in every if _is_meant(one.channel, channel)]
    since = (now - timedelta(days=COUNTED_DAYS - 1)).astimezone(UTC).date()
    return Status(
        now,
        sorted(standings, key=lambda one: _rank(one, now)),
        dict(store.deliveries.counts(since)),
        store.health.conditions(),
        [one for one in new if _is_meant(one, channel)],
    )


def not_begun(named: Sequence[Subscription], known: Sequence[Channel]) -> Sequence[Subscription]:
    """Those of the settings' subscriptions whose channels are not known yet: the first run begins them."""
    names = {(one.platform, one.channel) for one in known}  # Most are told apart by these.
    return [
        one
        for one in named
        if (one.channel.platform, one.channel.channel) not in names
        or not any(one.channel.may_be(other) for other in known)
    ]


def _is_meant(one: Channel, channel: str) -> bool:
    return channel in ("", one.channel, str(one))


def trouble(one: Standing, now: datetime) -> str:
    """What is wrong with a channel, in a sentence; empty where nothing is."""
    subscription = one.subscription
    if subscription is None:
        return one.unreadable
    if subscription.stopped:
        return f"Stopped: {subscription.stopped}"
    said = _of_last(one, now)
    if subscription.running and any(_is_long_past(when, now) for when in _awaited(one)):
        return f"{said} Is a “paperround run” running?" if said else "Overdue: is a “paperround run” running?"
    if subscription.paused_by and said and one.state in IN_HAND:
        return f"{said} Nobody goes on with it while the channel is paused."
    return said


def _of_last(one: Standing, now: datetime) -> str:
    """What is wrong with the last edition."""
    match one.state:
        case DeliveryState.FAILED:
            return f"Not posted: {one.reason}"
        case DeliveryState.WAITING | DeliveryState.UNKNOWN:
            times = "once" if one.attempts == 1 else f"{one.attempts} times"
            return f"Tried {times}: {one.reason}"
        case DeliveryState.CLAIMED | DeliveryState.POSTING if _is_long_past(one.lease_until, now):
            return f"Left in the middle since {one.lease_until:%a %d %b %H:%M}."
    if one.unknown:
        return f"{one.unknown} messages may be missing: the channel could not be asked."
    return ""


def _awaited(one: Standing) -> tuple[datetime | None, ...]:
    """When somebody was to go on with the last edition, and to begin the next one."""
    return one.lease_until, one.next_try_at if one.state in PUT_OFF else None, one.next_due_at


def _is_long_past(when: datetime | None, now: datetime) -> bool:
    return when is not None and when < now - OVERDUE_AFTER


def _rank(one: Standing, now: datetime) -> tuple[bool, bool, datetime]:
    paused = one.subscription is not None and bool(one.subscription.paused_by)
    return not trouble(one, now), paused, one.next_due_at or now


def as_record(found: Status) -> dict[str, Any]:
    """For machines. The counts come out of the ledger, so they are one truth for all replicas and outlive each of them."""
    troubles = sum(bool(trouble(one, found.now)) for one in found.channels)
    return {
        "at": found.now.isoformat(),
        "totals": {
            "channels": len(found.channels),
            "in_trouble": troubles,
            "unknown_messages": sum(one.unknown for one in found.channels),
            "editions": {state.value: number for state, number in found.counts.items()},
        },
        "channels": [_channel_record(one, found.now) for one in found.channels],
        "not_begun": [str(one) for one in found.not_begun],
        "sources": [
            {
                "subject": each.subject,
                "trouble": each.trouble,
                "detail": each.detail,
                "waiting": each.waiting,
                "since": each.since.isoformat(),
                "at": each.at.isoformat(),
            }
            for each in found.conditions
        ],
    }


def _channel_record(one: Standing, now: datetime) -> dict[str, Any]:
    subscription = one.subscription
    return {
        "channel": str(one.channel),
        "trouble": trouble(one, now),
        "stopped": subscription.stopped if subscription else "",
        "paused_by": subscription.paused_by if subscription else "",
        "next": {"edition": _iso(one.next_edition), "at": _iso(one.next_due_at)},
        "last": {
            "edition": _iso(one.edition),
            "state": one.state,
            "reason": one.reason,
            "attempts": one.attempts,
            "next_try_at": _iso(one.next_try_at),
            "lease_until": _iso(one.lease_until),
            "posted": one.posted,
            "unknown": one.unknown,
        },
    }


def _iso(when: Any) -> str | None:
    return when.isoformat() if when else None


def show(found: Status, console: Console) -> None:
    """For people: a table, and what it leaves out in words."""
    table = Table("channel", "next (UTC)", "last", "what is wrong", box=None, padding=(0, 2, 0, 0))
    for one in found.channels[:MOST_ROWS]:
        table.add_row(*(Text(cell) for cell in _row(one, found.now)))
    console.print(table if found.channels else "No channel gets a digest yet.")
    if names := [str(one) for one in found.not_begun[:MOST_NAMED]]:
        more = len(found.not_begun) - len(names)
        said = ", ".join(names) + (f" and {more:,} more" if more else "")
        console.print(
            f"Of the settings, these begin when “paperround run” next starts: {said}.",
            markup=False,
            highlight=False,
        )
    hidden = len(found.channels) - MOST_ROWS
    if hidden > 0:
        console.print(f"{hidden:,} more channels: --json has all of them, --channel one.")
    counted = ", ".join(f"{number:,} {state}" for state, number in found.counts.items() if number)
    console.print(f"Editions of today and yesterday: {counted or 'none'}.")
    for each in found.conditions:
        if each.trouble:
            waiting = f" {each.waiting:,} papers wait for a review." if each.waiting else ""
            console.print(f"{each.subject}: {each.trouble}. {each.detail}{waiting}", markup=False)


def _row(one: Standing, now: datetime) -> tuple[str, str, str, str]:
    subscription = one.subscription
    coming = f"{one.next_due_at:%a %d %b %H:%M}" if one.next_due_at else "-"
    if subscription and subscription.paused_by:
        coming = f"paused by {subscription.paused_by}"
    if not subscription or subscription.stopped:
        coming = "none"
    last = f"{one.edition:%a %d %b} {one.state}" if one.edition else "-"
    if one.next_try_at and one.state in PUT_OFF:
        last += f", again at {one.next_try_at:%H:%M}"
    if one.state is DeliveryState.QUIET and one.reason:
        last += f" ({one.reason})"
    return str(one.channel), coming, last, trouble(one, now)
