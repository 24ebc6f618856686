"""The message of a digest without picks, which explains why there are none. Pure.

A quiet day must not look like a failure, nor a failure like a quiet day.
"""

from bot.chat.message import Heading, Message, Text
from bot.present.footnotes import (
    describe_left_out,
    describe_left_out_reason,
    describe_trouble,
    format_counts,
    present_late_notice,
)
from bot.present.header import format_header
from bot.present.wording import describe_least_score, format_count, format_date, format_weekday_date
from digests.calendar import AnnouncementGap, GapReason
from digests.model import (
    Digest,
    EmptyReason,
    LeftOut,
    Trouble,
)

_TROUBLE_BY_EMPTY_REASON = {
    EmptyReason.OUTAGE: Trouble.OUTAGE,
    EmptyReason.STALE: Trouble.STALE,
    EmptyReason.REVIEWER_DOWN: Trouble.REVIEWER_DOWN,
    EmptyReason.BUDGET_SPENT: Trouble.BUDGET_SPENT,
}
"""Trouble that the explanation of an empty reason names already."""

MAY_STILL_COME = "If its papers come before midnight, they take this message's place."


def present_empty_digest(digest: Digest) -> Message:
    """Build the message of a digest without picks.

    It has a title, a late notice if there is one, the explanation, and counts and other troubles in small
    print.
    """
    ending, explanation = _explain_empty_digest(digest)
    title = format_header(digest, ending)
    small_print = "\n".join(filter(None, [format_counts(digest), *_describe_other_troubles(digest)]))
    return Message(
        summary=f"{title}. {explanation}",
        blocks=(
            Heading(title),
            *present_late_notice(digest.late_notice),
            Text(explanation),
            *((Text(small_print, is_small_print=True),) if small_print else ()),
        ),
    )


def _explain_empty_digest(digest: Digest) -> tuple[str, str]:
    """Return the title and the explanation for the digest's empty reason.

    Without a reason it is a quiet day.
    """
    reader = "you" if digest.channel.is_direct else "this channel"
    match digest.empty_reason:
        case EmptyReason.NO_PAPERS:
            return (
                "no papers imported yet",
                "There is nothing to choose from yet. The first papers come here by themselves.",
            )
        case EmptyReason.OUTAGE:
            return (
                "a source does not answer",
                f"{_describe_troubles(digest, Trouble.OUTAGE)} {MAY_STILL_COME}",
            )
        case EmptyReason.STALE:
            return "no papers are coming in", _explain_stale_source(digest)
        case EmptyReason.NO_ANNOUNCEMENT:
            gap = digest.announcement_gap
            return "nothing from arXiv today", _explain_announcement_gap(gap, digest) if gap else ""
        case EmptyReason.REVIEWER_DOWN:
            return (
                "papers wait for their reviews",
                f"{_describe_troubles(digest, Trouble.REVIEWER_DOWN)} If they are reviewed before midnight, "
                "they take this message's place.",
            )
        case EmptyReason.BUDGET_SPENT:
            return (
                "the budget for reviews is spent",
                f"{_describe_troubles(digest, Trouble.BUDGET_SPENT)} Reviewing goes on tomorrow.",
            )
        case EmptyReason.UNDER_THRESHOLD:
            return "nothing over the threshold", _explain_all_left_out(digest)
        case EmptyReason.NO_MATCH:
            if digest.considered == 1:
                return f"1 new paper, not for {reader}", _explain_all_left_out(digest)
            return f"none of {_count_new_papers(digest)} for {reader}", _explain_all_left_out(digest)
        case _:
            ending = "The sources are well; see you" if digest.has_sources else "See you"
            return "a quiet day", f"No new papers since the last digest. {ending} at the next one."


def describe_remedy(digest: Digest) -> str:
    """Describe to the operator why a digest is empty and what helps; "" if nothing of the set-up does.

    These sentences name settings and commands, and are for no channel.
    """
    match digest.empty_reason:
        case EmptyReason.NO_PAPERS:
            return (
                "The digest has nothing to choose from: no papers were imported yet. Whoever runs Paperround "
                "can bring some in with “paperround import FILE”, or name [[sources]] in the settings."
            )
        case EmptyReason.STALE:
            since = f" since {format_date(digest.last_import)}" if digest.last_import else ""
            return (
                f"No papers have come in{since}. Whoever runs Paperround can look at the sources with "
                "“paperround doctor”, or run an import."
            )
        case EmptyReason.NO_MATCH if set(digest.left_out) == {LeftOut.TOO_OLD} and digest.max_age:
            return (
                f"All new papers are older than {format_count(digest.max_age.days, 'day')}, so none is "
                "shown. Whoever runs Paperround can raise max_age_days under [digest], or set it to 0."
            )
        case _:
            return ""


def _count_new_papers(digest: Digest) -> str:
    return format_count(digest.considered, "new paper")


def _describe_troubles(digest: Digest, kind: Trouble) -> str:
    """Describe the digest's troubles of one kind, one sentence each."""
    return " ".join(
        describe_trouble(report, digest.edition) for report in digest.troubles if report.trouble is kind
    )


def _explain_stale_source(digest: Digest) -> str:
    """Explain that papers stopped coming in: the stale source if it is known, else the last import."""
    if trouble_text := _describe_troubles(digest, Trouble.STALE):
        return f"{trouble_text} {MAY_STILL_COME}"
    since = f" since {format_date(digest.last_import)}" if digest.last_import else ""
    return f"Nothing has come in{since}, so this is not a quiet day: a source is silent."


def _explain_announcement_gap(gap: AnnouncementGap, digest: Digest) -> str:
    """Explain a gap in arXiv's announcements, and name the edition with the next papers if it is known.

    Evenings are New York's, not the channel's.
    """
    edition = digest.next_papers_edition
    coming = f"The next papers come with the digest of {format_weekday_date(edition)}." if edition else ""
    match gap.reason:
        case GapReason.HOLIDAY if gap.evening:
            day, name = format_weekday_date(gap.evening), gap.holiday
            if gap.is_certain:
                return f"arXiv announced no papers on {day}, for {name}. {coming}"
            return f"arXiv most likely announced no papers on {day}: it was {name}. {coming}"
        case GapReason.NOT_YET:
            return f"arXiv has announced no papers since the last digest. {coming}"
        case _:
            return f"arXiv announces no papers on Friday and Saturday evenings. {coming}"


def _explain_all_left_out(digest: Digest) -> str:
    """Explain why no new paper was picked: the reason that all share, else each reason with its count."""
    papers = _count_new_papers(digest)
    shared_reason = next(iter(digest.left_out)) if len(digest.left_out) == 1 else None
    reason = describe_left_out_reason(shared_reason, digest) if shared_reason else ""
    if digest.considered == 1:
        return f"One new paper came in and was left out: {reason or describe_left_out(digest)}."
    if shared_reason is LeftOut.NOT_SCORED:
        wish = describe_least_score(digest.channel, digest.preferences)
        return f"None of the {papers} has a score yet, and {wish}."
    verb = "are" if shared_reason is LeftOut.TOO_OLD else "were"
    return f"All {papers} {verb} {reason or f'left out: {describe_left_out(digest)}'}."


def _describe_other_troubles(digest: Digest) -> list[str]:
    """Describe the troubles that the explanation does not mention."""
    explained_trouble = _TROUBLE_BY_EMPTY_REASON.get(digest.empty_reason) if digest.empty_reason else None
    return [
        describe_trouble(report, digest.edition)
        for report in digest.troubles
        if report.trouble is not explained_trouble
    ]
