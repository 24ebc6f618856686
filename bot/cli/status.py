"""`paperround status`: the next and the last edition of each channel, problems first."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from bot.cli.terminal import EXIT_OK, build_cli_services, open_console, print_json
from bot.present.channel_status import RETRYABLE, describe_trouble
from bot.present.wording import format_count
from bot.services import Services, list_configured_subscriptions
from digests.errors import InputError, SearchError
from digests.model import REVIEWER, HealthReport, Trouble
from digests.ports import Store
from digests.ports.delivery_reports import ChannelStatus
from digests.ports.outbox import DeliveryState
from digests.ports.workspaces import Workspace, WorkspaceState
from digests.subscription import Subscription

MAX_ROWS = 100
"""Rows of the table. --json has all channels, --channel one."""

MIN_TEXT_WIDTH = 90
"""Characters of the columns beside the ids."""

MAX_NAMED_CHANNELS = 10
"""Channels of the settings that are named before their first run. --json has all."""

COUNTED_DAYS = 2
"""Days whose editions are counted: today's date differs around the world."""


def run_command(options: argparse.Namespace) -> int:
    """Print the status of all channels, or of one. Raises InputError for a channel without a digest.

    Returns `EXIT_OK` also if a channel is in trouble.
    """
    services = build_cli_services(options)
    found = load_status(
        services.store,
        services.delivery_context.clock(),
        options.channel,
        list_configured_subscriptions(services.settings),
        indexed_share=_measure_index(services),
    )
    if options.channel and not found.channels and not found.unstarted_names:
        raise InputError(
            f"No channel {options.channel!r} gets a digest; “paperround status” names those that do."
        )
    if options.json:
        print_json(json.dumps(report_to_record(found), ensure_ascii=False, indent=2))
    else:
        print_report(found, open_console())
    return EXIT_OK


def _measure_index(services: Services) -> float:
    """Return the share of the store that is indexed; 1 if the index cannot be read, as look-ups then say."""
    try:
        return services.measure_index()
    except SearchError:
        return 1.0


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of all channels at one instant, channels in trouble first.

    `counts` are the editions of the last `COUNTED_DAYS` days by state, of all channels. `conditions` are
    those of sources and the reviewer. `unstarted_names` are those of digests that are in the settings and
    not in the store yet.
    `asking_workspaces` wait for a decision to serve them. `indexed_share` is the share of the papers that the
    search index has; it is below 1 while it is built.
    """

    now: datetime
    channels: Sequence[ChannelStatus]
    counts: dict[DeliveryState, int]
    conditions: Sequence[HealthReport]
    unstarted_names: Sequence[str] = ()
    asking_workspaces: Sequence[Workspace] = ()
    indexed_share: float = 1.0


def load_status(
    store: Store,
    now: datetime,
    channel: str = "",
    configured: Sequence[Subscription] = (),
    *,
    indexed_share: float = 1.0,
) -> StatusReport:
    """Load the state of all channels, or of one by its id or full name, PLATFORM:WORKSPACE:ID.

    An empty `channel` stands for all; an unknown one gives a report without channels. Channels of
    `configured` that the store lacks are listed as not started. Raises StoreError.
    """
    all_statuses = store.delivery_reports.channel_statuses()
    known = [Subscription(status.channel, name=status.name) for status in all_statuses]
    unstarted = find_unstarted(configured, known)
    selected = [
        status for status, each in zip(all_statuses, known, strict=True) if _is_selected(each, channel)
    ]
    since = (now - timedelta(days=COUNTED_DAYS - 1)).astimezone(UTC).date()
    return StatusReport(
        now,
        sorted(selected, key=lambda status: _sort_key(status, now)),
        dict(store.delivery_reports.count_by_state(since)),
        store.health.latest_reports(),
        [each.full_name for each in unstarted if _is_selected(each, channel)],
        [each for each in store.workspaces.list_all() if each.state is WorkspaceState.ASKED],
        indexed_share,
    )


def find_unstarted(
    configured: Sequence[Subscription], known: Sequence[Subscription]
) -> Sequence[Subscription]:
    """Return the configured subscriptions that are not among the known ones; the next run starts them."""
    names = {(each.channel.platform, each.short_name) for each in known}  # Decides most cases, and fast.
    return [
        subscription
        for subscription in configured
        if (subscription.channel.platform, subscription.short_name) not in names
        or not any(
            subscription.channel.may_match(each.channel) and subscription.name == each.name for each in known
        )
    ]


def _is_selected(candidate: Subscription, name: str) -> bool:
    channel = candidate.channel
    names = ("", channel.channel, str(channel), candidate.short_name, candidate.full_name)
    return name in names


def _sort_key(channel_status: ChannelStatus, now: datetime) -> tuple[bool, bool, datetime]:
    is_paused = channel_status.subscription is not None and bool(channel_status.subscription.paused_by)
    return not describe_trouble(channel_status, now), is_paused, channel_status.next_due_at or now


def report_to_record(report: StatusReport) -> dict[str, Any]:
    """Convert a report to JSON values. Counts come from the outbox, so they hold for all replicas.

    The record has a list of channels, those not started, the workspaces that ask to be served, and the
    sources; unknown times are None.
    """
    troubles = sum(bool(describe_trouble(status, report.now)) for status in report.channels)
    return {
        "at": report.now.isoformat(),
        "indexed_share": round(report.indexed_share, 3),
        "totals": {
            "channels": len(report.channels),
            "in_trouble": troubles,
            "unknown_messages": sum(status.unknown_pages for status in report.channels),
            "editions": {state.value: number for state, number in report.counts.items()},
        },
        "channels": [channel_to_record(status, report.now) for status in report.channels],
        "not_begun": list(report.unstarted_names),
        "asking": [
            {"platform": each.platform, "workspace": each.id, "name": each.name, "since": each.at.isoformat()}
            for each in report.asking_workspaces
        ],
        "sources": [
            {
                "subject": each.subject,
                "trouble": each.trouble,
                "detail": each.detail,
                "waiting": each.waiting_count,
                "since": each.since.isoformat(),
                "at": each.reported_at.isoformat(),
            }
            for each in report.conditions
        ],
    }


def channel_to_record(channel_status: ChannelStatus, now: datetime) -> dict[str, Any]:
    """Convert the status of one digest to JSON values; unknown times are None."""
    subscription = channel_status.subscription
    return {
        "channel": str(channel_status.channel),
        "name": channel_status.name,
        "trouble": describe_trouble(channel_status, now),
        "stopped": subscription.stop_reason if subscription else "",
        "paused_by": subscription.paused_by if subscription else "",
        "next": {"edition": _to_iso(channel_status.next_edition), "at": _to_iso(channel_status.next_due_at)},
        "last": {
            "edition": _to_iso(channel_status.edition),
            "state": channel_status.state,
            "reason": channel_status.reason,
            "attempts": channel_status.attempts,
            "next_try_at": _to_iso(channel_status.next_try_at),
            "lease_until": _to_iso(channel_status.lease_until),
            "posted": channel_status.posted_pages,
            "unknown": channel_status.unknown_pages,
        },
    }


def _to_iso(when: Any) -> str | None:
    return when.isoformat() if when else None


def print_report(report: StatusReport, console: Console) -> None:
    """Print a table of the channels. Below it are the counts, and sentences for what the table leaves out."""
    shown = report.channels[:MAX_ROWS]
    width = max((len(status.full_name) for status in shown), default=0)
    table = Table(
        Column("channel", no_wrap=True, min_width=width),
        *("next", "last", "what is wrong"),
        box=None,
        padding=(0, 2, 0, 0),
        # A narrow terminal breaks the lines itself, so that an id is never cut and can be copied.
        width=width + MIN_TEXT_WIDTH if console.width < width + MIN_TEXT_WIDTH else None,
    )
    for status in report.channels[:MAX_ROWS]:
        table.add_row(*(Text(cell) for cell in _table_row(status, report.now)))
    console.print(table if report.channels else "No channel gets a digest yet.", crop=False)
    if names := report.unstarted_names[:MAX_NAMED_CHANNELS]:
        more = len(report.unstarted_names) - len(names)
        name_list = ", ".join(names) + (f" and {more:,} more" if more else "")
        console.print(
            f"Of the settings, these begin when “paperround run” next starts: {name_list}.",
            markup=False,
            highlight=False,
        )
    hidden = len(report.channels) - MAX_ROWS
    if hidden > 0:
        console.print(f"{format_count(hidden, 'more channel')}: --json has all of them, --channel one.")
    counted = ", ".join(f"{number:,} {state}" for state, number in report.counts.items() if number)
    console.print(f"Editions of today and yesterday: {counted or 'none'}.")
    if asking := report.asking_workspaces:
        verb = "asks" if len(asking) == 1 else "ask"
        console.print(
            f"{format_count(len(asking), 'workspace')} {verb} to be served: “paperround workspaces” lists "
            f"{'it' if len(asking) == 1 else 'them'}.",
            markup=False,
            highlight=False,
        )
    if report.indexed_share < 1:
        console.print(
            f"The search index has {report.indexed_share:.0%} of the papers: a running “paperround run” "
            "builds it, or “paperround db reindex”.",
            markup=False,
            highlight=False,
        )
    for each in report.conditions:
        if each.trouble:
            console.print(_describe_condition(each), markup=False, highlight=False)
        elif each.subject == REVIEWER and each.detail:  # A member of its panel is down.
            console.print(f"{each.subject}: {each.detail}", markup=False)


def _describe_condition(report: HealthReport) -> str:
    """Describe a source or the reviewer in trouble: its kind, its start, its cause, and what waits for it."""
    trouble = "not fetched" if report.trouble is Trouble.OUTAGE else report.trouble
    since = f"{report.since.astimezone(UTC):%a %d %b %H:%M} UTC"
    sentences = (f"{trouble} since {since}.", report.detail, _describe_backlog(report.waiting_count))
    return f"{report.subject}: {' '.join(filter(None, sentences))}"


def _describe_backlog(count: int) -> str:
    verb = "waits" if count == 1 else "wait"
    return f"{format_count(count, 'paper')} {verb} for a review." if count else ""


def _format_local(instant: datetime, subscription: Subscription | None) -> str:
    """Format a time in the zone of the channel, which is named."""
    zone = subscription.schedule.time_zone if subscription else "UTC"
    return f"{instant.astimezone(ZoneInfo(zone)):%a %d %b %H:%M} {zone}"


def _table_row(channel_status: ChannelStatus, now: datetime) -> tuple[str, str, str, str]:
    subscription = channel_status.subscription
    coming = _format_local(channel_status.next_due_at, subscription) if channel_status.next_due_at else "-"
    if subscription and subscription.paused_by:
        coming = f"paused by {subscription.paused_by}"
    if not subscription or subscription.stop_reason:
        coming = "none"
    last = f"{channel_status.edition:%a %d %b} {channel_status.state}" if channel_status.edition else "-"
    if channel_status.next_try_at and channel_status.state in RETRYABLE:
        last += f", again at {channel_status.next_try_at:%H:%M} UTC"
    if channel_status.state is DeliveryState.EMPTY and channel_status.reason:
        last += f" ({channel_status.reason})"
    return channel_status.full_name, coming, last, describe_trouble(channel_status, now)
