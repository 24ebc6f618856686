"""`paperround meetings`: the meetings of channels, as lines or as one calendar file."""

import argparse
from collections.abc import Sequence

from bot.cli.columns import align_columns
from bot.cli.targets import find_target
from bot.cli.terminal import EXIT_OK, build_cli_services, open_console, print_lines
from bot.present.meeting import describe_plan
from bot.present.meeting_calendar import build_common_calendar
from bot.present.wording import clean_text, format_count
from digests.errors import InputError
from digests.model import ScoredPaper
from digests.ports import Store
from digests.ports.meetings import Meeting
from digests.subscription import Channel, Subscription

HEADINGS = ("channel", "next (UTC)", "plan")

PlannedMeeting = tuple[Meeting, ScoredPaper | None]
"""A coming meeting, with its paper if that is known and may be named."""


def run_command(options: argparse.Namespace) -> int:
    """Print the coming meeting of each channel, or save all meetings as a calendar file.

    Raises InputError for an unknown name, a file that cannot be written, and StoreError.
    """
    services = build_cli_services(options)
    subscriptions: Sequence[Subscription] = services.store.subscriptions.list_active()
    if options.name:
        subscriptions = find_target(options.name, services.store, services.settings).subscriptions
    channels = sorted({each.channel for each in subscriptions if not each.channel.is_direct}, key=str)
    meetings = load_meetings(services.store, channels)
    if options.ics is None:
        print_lines(*list_meetings(meetings, open_console().width))
        return EXIT_OK
    if not meetings:
        raise InputError("No channel has meetings there, so there is nothing to save.")
    calendar = build_common_calendar(meetings, services.delivery_context.clock())
    try:
        options.ics.write_bytes(calendar)
    except OSError as error:
        raise InputError(f"{options.ics} cannot be written: {error.strerror or error}.") from None
    print_lines(f"The meetings of {format_count(len(meetings), 'channel')} are saved in {options.ics}.")
    return EXIT_OK


def load_meetings(store: Store, channels: Sequence[Channel]) -> list[PlannedMeeting]:
    """Load the coming meeting of each channel that has a plan. Raises StoreError."""
    found = [meeting for channel in channels if (meeting := store.meeting_plans.find(channel))]
    meetings = [meeting for meeting in found if meeting.is_active]
    papers = store.library.get([meeting.paper for meeting in meetings if meeting.paper is not None])
    visible = {paper: scored for paper, scored in papers.items() if not scored.is_withheld}
    return [(meeting, visible.get(meeting.paper or "")) for meeting in meetings]


def list_meetings(meetings: Sequence[PlannedMeeting], width: int) -> list[str]:
    """Return a line for each meeting. `width` is that of the terminal."""
    if not meetings:
        return ["No channel has meetings."]
    rows = [
        (
            str(meeting.channel),
            "day off" if meeting.is_off else f"{meeting.timetable.starts_at:%Y-%m-%d %H:%M}",
            _describe_meeting(meeting, scored),
        )
        for meeting, scored in meetings
    ]
    return align_columns([HEADINGS, *rows], width)


def _describe_meeting(meeting: Meeting, scored: ScoredPaper | None) -> str:
    plan = describe_plan(meeting.plan)
    return f"{plan} · “{clean_text(scored.paper.title)}”" if scored else plan
