"""A meeting as an event of a platform's calendar. Pure."""

from bot.chat.message import CalendarEvent
from bot.present.meeting_calendar import MEETING_LENGTH
from bot.present.wording import clean_text
from digests.model import ScoredPaper
from digests.ports.meetings import Meeting

NO_PAPER_YET = "The paper is not chosen yet."


def present_event(meeting: Meeting, scored: ScoredPaper | None, *, is_cancelled: bool) -> CalendarEvent:
    """Build the event of a coming meeting, with its paper if that is known. Nobody is named in it."""
    starts_at = meeting.timetable.starts_at
    title, description = "Paper discussion", NO_PAPER_YET
    if scored:
        title = f"Paper discussion: {clean_text(scored.paper.title)}"
        parts = (clean_text(scored.paper.title), scored.paper.url, clean_text(scored.review.tldr))
        description = "\n".join(filter(None, parts))
    return CalendarEvent(
        title,
        description,
        starts_at,
        starts_at + MEETING_LENGTH,
        clean_text(meeting.plan.place),
        is_cancelled,
    )
