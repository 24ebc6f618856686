"""The message of a digest without picks: a quiet day must not look like a failure, nor a failure like one."""

from bot.chat.message import (
    Heading,
    Message,
    Text,
)
from bot.present.footnotes import (
    describe_left_out,
    describe_left_out_reason,
    describe_trouble,
    format_counts,
    present_late_notice,
)
from bot.present.wording import format_count, format_date, format_weekday_date
from digests.calendar import AnnouncementGap, GapReason
from digests.model import (
    Digest,
    EmptyReason,
    Trouble,
)

_TROUBLE_BY_EMPTY_REASON = {
    EmptyReason.OUTAGE: Trouble.OUTAGE,
    EmptyReason.STALE: Trouble.STALE,
    EmptyReason.REVIEWER_DOWN: Trouble.REVIEWER_DOWN,
    EmptyReason.BUDGET_SPENT: Trouble.BUDGET_SPENT,
}


MAY_STILL_COME = "If its papers come before midnight, they take this message's place."


def present_empty_digest(digest: Digest, day: str) -> Message:
    title, explanation = _explain_empty_digest(digest)
    return Message(
        summary=f"{day} - {title}. {explanation}",
        blocks=(
            Heading(f"{day} - {title}"),
            *present_late_notice(digest.late_notice),
            Text(explanation),
            Text("\n".join([format_counts(digest), *_describe_other_troubles(digest)]), is_small_print=True),
        ),
    )


def _explain_empty_digest(digest: Digest) -> tuple[str, str]:
    """Return the title and the explanation for the digest's empty reason."""
    new = f"{format_count(digest.considered, 'new paper')}"
    match digest.empty_reason:
        case EmptyReason.NO_PAPERS:
            return (
                "no papers imported yet",
                "There is nothing to choose from. Whoever runs Paperround can bring papers in with "
                "“paperround import FILE”, or name sources in its settings.",
            )
        case EmptyReason.OUTAGE:
            return (
                "a source does not answer",
                f"{_describe_troubles(digest, Trouble.OUTAGE)} {MAY_STILL_COME}",
            )
        case EmptyReason.STALE:
            return "no papers are coming in", _explain_stale_source(digest)
        case EmptyReason.NO_ANNOUNCEMENT:
            return "nothing from arXiv today", _explain_silence(
                digest.announcement_gap, digest
            ) if digest.announcement_gap else ""
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
            return "nothing over the threshold", f"{_explain_all_left_out(digest, new)}"
        case EmptyReason.NO_MATCH:
            return f"none of {new} for this channel", _explain_all_left_out(digest, new)
        case _:
            return (
                "a quiet day",
                "No new papers since the last digest. The sources are well; see you at the next one.",
            )


def _describe_troubles(digest: Digest, kind: Trouble) -> str:
    return " ".join(describe_trouble(one, digest.edition) for one in digest.troubles if one.trouble is kind)


def _explain_stale_source(digest: Digest) -> str:
    if trouble_text := _describe_troubles(digest, Trouble.STALE):
        return f"{trouble_text} {MAY_STILL_COME}"
    since = f" since {format_date(digest.last_import)}" if digest.last_import else ""
    return (
        f"Nothing has come in{since}, so this is not a quiet day: a source is silent. "
        "Whoever runs Paperround should look at the import."
    )


def _explain_silence(silence: AnnouncementGap, digest: Digest) -> str:
    """Explain a day without an announcement. Evenings are New York's, not the channel's."""
    again = digest.next_papers_edition
    coming = f"The next papers come with the digest of {format_weekday_date(again)}." if again else ""
    match silence.reason:
        case GapReason.HOLIDAY if silence.evening:
            day, name = format_weekday_date(silence.evening), silence.holiday
            if silence.is_certain:
                return f"arXiv announced no papers on {day}, for {name}. {coming}"
            return f"arXiv most likely announced no papers on {day}: it was {name}. {coming}"
        case GapReason.NOT_YET:
            return f"arXiv has announced no papers since the last digest. {coming}"
        case _:
            return f"arXiv announces no papers on Friday and Saturday evenings. {coming}"


def _explain_all_left_out(digest: Digest, new: str) -> str:
    """List the reasons for leaving papers out, with counts where they differ."""
    only = (
        describe_left_out_reason(next(iter(digest.left_out)), digest.preferences)
        if len(digest.left_out) == 1
        else ""
    )
    if digest.considered == 1:
        return f"One new paper came in and was left out: {only or describe_left_out(digest)}."
    return f"All {new} were {only}." if only else f"All {new} were left out: {describe_left_out(digest)}."


def _describe_other_troubles(digest: Digest) -> list[str]:
    """Describe the troubles that the explanation does not mention."""
    explained_trouble = _TROUBLE_BY_EMPTY_REASON.get(digest.empty_reason) if digest.empty_reason else None
    return [
        describe_trouble(one, digest.edition)
        for one in digest.troubles
        if one.trouble is not explained_trouble
    ]
