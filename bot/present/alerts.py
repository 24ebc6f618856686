"""Wording of alerts to the operator. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from types import MappingProxyType

from bot.chat.message import Message, Text
from bot.present.wording import format_count
from digests.ports.alerts import Alert, AlertKind
from digests.text import clip_text, normalize_text

MAX_LISTED_ALERTS = 6
"""Alerts of a message that have a line of their own. All fit into one message of every platform."""
MAX_SUBJECT_CHARACTERS, MAX_DETAIL_CHARACTERS = 100, 150
MAX_NAME_CHARACTERS = 40
"""Characters of a workspace's name beside its id."""

Names = Mapping[tuple[str, str], str]
"""Names of workspaces, by platform and id. One without a name is not in it."""

_NO_NAMES: Names = MappingProxyType({})

_HINTS = {
    AlertKind.SOURCE: "“paperround doctor” and “paperround fetch” say more.",
    AlertKind.REVIEWER: "Papers wait for their reviews. “paperround doctor” says more.",
    AlertKind.BUDGET: "Reviewing goes on tomorrow (UTC); the limits are under [reviewer].",
    AlertKind.WORKSPACE: "Its digests wait.",
    AlertKind.DIGEST: "“paperround status” says more.",
    AlertKind.DISK: "When it is full, nothing is posted.",
    AlertKind.BACKUP: "“paperround backup” writes one.",
}


def present_alerts(alerts: Sequence[Alert], names: Names = _NO_NAMES) -> Message:
    """Build the message about conditions that have started or ended, with a paragraph for each.

    Workspaces have their names beside their ids. Of more than `MAX_LISTED_ALERTS` the others are counted.
    """
    shown, hidden = alerts[:MAX_LISTED_ALERTS], alerts[MAX_LISTED_ALERTS:]
    blocks = [Text(describe_alert(alert, names)) for alert in shown]
    if hidden:
        blocks.append(Text(f"And {len(hidden):,} more: “paperround status”.", is_small_print=True))
    summary = describe_alert(alerts[0], names) if len(alerts) == 1 else _summarize(alerts)
    return Message(summary, tuple(blocks))


def _summarize(alerts: Sequence[Alert]) -> str:
    started = sum(alert.ended_at is None for alert in alerts)
    ended = len(alerts) - started
    parts = [f"{started:,} new"] if started else []
    parts += [f"{ended:,} over"] if ended else []
    return f"Alerts of Paperround: {', '.join(parts)}"


def describe_alert(alert: Alert, names: Names = _NO_NAMES) -> str:
    """Describe the start of a condition with its reason and a hint, or its end with the time it lasted."""
    fault = describe_fault(alert, names)
    if alert.ended_at:
        return f"✅ Over after {format_duration(alert.ended_at - alert.since)}: {fault}."
    detail = clip_text(normalize_text(alert.detail), MAX_DETAIL_CHARACTERS)
    since = f"since {alert.since.astimezone(UTC):%a %d %b %H:%M} UTC"
    return " ".join(filter(None, (f"🔴 {fault} {since}.", detail, _HINTS[alert.kind])))


def describe_fault(alert: Alert, names: Names = _NO_NAMES) -> str:
    """Describe the condition without a full stop, in words that hold before and after its end."""
    subject = clip_text(normalize_text(alert.subject), MAX_SUBJECT_CHARACTERS)
    match alert.kind:
        case AlertKind.SOURCE:
            return f"the source {subject} gives no new papers"
        case AlertKind.REVIEWER:
            return "the model that reviews does not answer"
        case AlertKind.BUDGET:
            return "the day's budget for reviews is used up"
        case AlertKind.WORKSPACE:
            return f"the workspace {subject}{format_name_of(alert.subject, names)} does not let the app post"
        case AlertKind.DIGEST:
            return f"the digest of {subject}{format_name_of(alert.subject, names)} is late or was given up"
        case AlertKind.DISK:
            return f"the disk of {subject} is nearly full"
        case AlertKind.BACKUP:
            return f"there is no fresh backup in {subject}"


def format_name_of(full_name: str, names: Names) -> str:
    """Return the name of the workspace of a workspace, channel or digest in brackets, "" if it has none.

    `full_name` is PLATFORM:WORKSPACE with what follows. The name is a stranger's: it is clipped to a line.
    """
    platform, _, rest = full_name.partition(":")
    name = clip_text(normalize_text(names.get((platform, rest.partition(":")[0]), "")), MAX_NAME_CHARACTERS)
    return f" ({name})" if name else ""


def format_duration(duration: timedelta) -> str:
    """Format a duration in its largest unit, rounded down: 2 minutes, 5 hours, 3 days."""
    minutes = max(1, int(duration.total_seconds() // 60))
    if minutes < 120:
        return format_count(minutes, "minute")
    if minutes < 48 * 60:
        return format_count(minutes // 60, "hour")
    return format_count(minutes // (24 * 60), "day")
