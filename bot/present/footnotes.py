"""Sentences around the papers of a digest: about lateness, troubles, and papers left out. Pure."""

from datetime import date, timedelta

from bot.chat.message import Block, Text
from bot.present.wording import (
    clean_text,
    describe_least_score,
    format_count,
    format_date,
    format_weekday_date,
)
from digests.model import (
    Digest,
    HealthReport,
    LateNotice,
    LeftOut,
    Trouble,
)
from digests.text import clip_text

MAX_NAMED_MISSED_DAYS = 3
"""Largest number of missed days that are all named. A longer list is only counted."""


def present_late_notice(notice: LateNotice | None) -> tuple[Block, ...]:
    """Return the late notice as small print; no block if `notice` is None.

    It names the time at which the digest was due, if it is late, and the missed editions before it, and says
    if their papers are considered now.
    """
    if notice is None:
        return ()
    sentences = []
    if notice.due_at:
        sentences.append(
            "This digest comes late: it was due on "
            f"{format_weekday_date(notice.due_at.date())} at {notice.due_at:%H:%M}."
        )
    if notice.missed_editions:
        sentences.append(f"{_describe_missed_days(notice)} never came{_describe_missed_papers(notice)}")
    return (Text(" ".join(sentences), is_small_print=True),)


def _describe_missed_days(notice: LateNotice) -> str:
    """Return the subject of the sentence about missed editions: their days, oldest first, or their number."""
    if len(notice.missed_editions) > MAX_NAMED_MISSED_DAYS:
        return f"The {len(notice.missed_editions):,} digests before it"
    *others, last = [format_weekday_date(day) for day in reversed(notice.missed_editions)]
    return f"Those of {', '.join(others)} and {last}" if others else f"The one of {last}"


def _describe_missed_papers(notice: LateNotice) -> str:
    """Return the end of that sentence: the papers are chosen from now, or passed over, or there were none."""
    if notice.skipped_count is None:
        return f"; this one chooses from {'their' if len(notice.missed_editions) > 1 else 'its'} papers too."
    if not notice.skipped_count:
        return ", and had no papers."
    verb = "was" if notice.skipped_count == 1 else "were"
    return f"; {format_count(notice.skipped_count, 'paper')} of that time {verb} passed over."


_SOURCE_NAMES = {"arxiv": "arXiv", "huggingface": "Hugging Face"}


def describe_trouble(report: HealthReport, edition: date) -> str:
    """Describe the trouble of a source or the reviewer in one sentence for readers.

    It names the start of the trouble, except for a spent budget: the time if it began on the edition's date,
    else the date. A report without trouble becomes a sentence that the source is well.
    """
    since = (
        f"since {report.since:%H:%M}"
        if report.since.date() == edition
        else f"since {format_date(report.since)}"
    )
    match report.trouble:
        case Trouble.OUTAGE:
            is_server = report.subject in _SOURCE_NAMES
            trouble = "has not answered" if is_server else "has not been readable"
            return f"{_name_source(report.subject)} {trouble} {since}."
        case Trouble.STALE:
            return f"{_name_source(report.subject)} answers, but has shown nothing new {since}."
        case Trouble.REVIEWER_DOWN:
            return f"The reviewer has not answered {since}{_describe_backlog(report)}."
        case Trouble.BUDGET_SPENT:
            return f"The budget for reviews is spent for today{_describe_backlog(report)}."
        case None:
            return f"{_name_source(report.subject)} is well."


def _name_source(subject: str) -> str:
    return _SOURCE_NAMES.get(subject, f"The source “{clip_text(clean_text(subject), 40)}”")


def _describe_backlog(report: HealthReport) -> str:
    verb = "waits" if report.waiting_count == 1 else "wait"
    return (
        f"; {format_count(report.waiting_count, 'paper')} {verb} for a review" if report.waiting_count else ""
    )


def describe_left_out(digest: Digest) -> str:
    """List the reasons for leaving papers out with their counts, most frequent first: 40 muted, 7 flagged.

    Returns "" if none was left out.
    """
    by_count = sorted(digest.left_out.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {describe_left_out_reason(reason, digest)}" for reason, count in by_count)


def describe_left_out_reason(reason: LeftOut, digest: Digest) -> str:
    """Return the words for a reason, which follow a count or "All new papers were".

    The limits in them are those of the digest.
    """
    preferences = digest.preferences
    match reason:
        case LeftOut.UNDER_SCORE:
            return f"under the minimum score of {preferences.min_score:g}"
        case LeftOut.NOT_SCORED:
            return f"not scored yet ({describe_least_score(digest.channel, preferences)})"
        case LeftOut.BEYOND_TOP:
            return f"beyond the top {preferences.top}"
        case LeftOut.OTHER_DOMAIN:
            return "in other domains" if not preferences.keywords else "on other subjects"
        case LeftOut.SHOWN_BEFORE:
            return "already shown here"
        case LeftOut.WITHDRAWN:
            return "withdrawn"
        case LeftOut.TOO_OLD:
            return f"older than {_format_days(digest.max_age)}"
        case LeftOut.FLAGGED:
            return "flagged"
        case LeftOut.HELD:
            return "held back as suspect"
        case LeftOut.MUTED:
            return "muted"


def _format_days(age: timedelta | None) -> str:
    return format_count(age.days, "day") if age else "the limit"


def format_counts(digest: Digest) -> str:
    """Format the numbers of papers considered, scored and picked: 312 seen, 300 scored, 5 shown.

    Zeros are left out; "" if there are only zeros.
    """
    counts = {"seen": digest.considered, "scored": digest.scored, "shown": len(digest.picks)}
    text = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f"{text}." if text else ""
