"""Words about reports of readers: in a full review, for the people who decide, and on a terminal. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.chat.message import Block, Button, ButtonAction, Buttons, Heading, Message, Text
from bot.present.wording import capitalise_first, clean_text, format_count
from digests.limitations import digest_limitation
from digests.model import Review, ScoredPaper
from digests.ports.review_reports import ReaderCounts, ReviewPart, ReviewReport
from digests.text import clip_text

MAX_SHOWN_REPORTS = 5
"""Reports of one message, since a person reads each before a decision. Those behind them move up."""

MAX_SHOWN_REASONS = 5
"""Reasons of readers in one full review, newest first."""

REASON_CHARACTERS = 300
"""Characters of a reason in a list."""

SUBJECT_CHARACTERS = 120
"""Characters of a limitation that a report is about."""

TITLE_CHARACTERS = 80
"""Characters of a title above its report."""

ORDER_NOTE = "The reason reads like an order to the reviewer, so it is not told to it."


@dataclass(frozen=True, slots=True)
class ReaderReports:
    """The readers of one workspace by part of a review, and their newest reports."""

    counts: Mapping[tuple[ReviewPart, str], ReaderCounts] = field(default_factory=dict)
    newest: Sequence[ReviewReport] = ()


NO_READERS = ReaderReports()


def note_readers(readers: ReaderReports, limitation: str) -> str:
    """Return what readers say of a limitation, in brackets after a space; "" if nobody says anything."""
    counts = readers.counts.get((ReviewPart.LIMITATION, digest_limitation(limitation)))
    return f" ({describe_readers(counts)})" if counts else ""


def describe_readers(counts: ReaderCounts) -> str:
    """Return the numbers of readers: confirmed by 2 readers here, doubted by 1 reader here."""
    parts = (("confirmed", counts.confirmed), ("doubted", counts.doubted))
    return ", ".join(f"{verb} by {format_count(count, 'reader')} here" for verb, count in parts if count)


def list_reader_lines(readers: ReaderReports, limitations: Collection[str]) -> Iterator[str]:
    """Yield a line for each part that readers confirm or doubt, then their newest reasons.

    `limitations` are those of the review. Reports about others are left out, and so is a reason that reads
    like an order.
    """
    digests = set(map(digest_limitation, limitations))
    for part in (ReviewPart.SCORE, ReviewPart.TLDR, ReviewPart.OTHER):
        if counts := readers.counts.get((part, "")):
            yield f"{_PART_NAMES[part]}: {describe_readers(counts)}."
    shown = [
        report
        for report in readers.newest
        if not report.is_suspect
        and (report.part is not ReviewPart.LIMITATION or report.limitation in digests)
    ]
    for report in shown[:MAX_SHOWN_REASONS]:
        yield f"• {describe_report(report)}"


def describe_report(report: ReviewReport) -> str:
    """Return a report in a line, without its person: The score: “The baseline is from 2019.”."""
    subject = clip_text(clean_text(report.subject), SUBJECT_CHARACTERS)
    part = f"Limitation “{subject}”" if subject else _PART_NAMES[report.part]
    verdict = ", confirmed" if report.is_right else ""
    return f"{part}{verdict}: “{clip_text(clean_text(report.reason), REASON_CHARACTERS)}”"


_PART_NAMES = {
    ReviewPart.SCORE: "The score",
    ReviewPart.TLDR: "The TL;DR",
    ReviewPart.LIMITATION: "A limitation",
    ReviewPart.OTHER: "The review",
}


def build_report_blocks(
    reports: Sequence[ReviewReport], papers: Mapping[str, ScoredPaper], waiting: Collection[str]
) -> tuple[Block, ...]:
    """Build a list of the first `MAX_SHOWN_REPORTS` reports that doubt a review, each with its button.

    `papers` are those of the reports. A paper of `waiting` is reviewed again already. Returns () without
    reports.
    """
    if not reports:
        return ()
    rule = Text(
        "A re-review counts for every channel, and takes one of the day's reviews for requested papers. The "
        "reviewer is told the reason as a question."
    )
    shown = reports[:MAX_SHOWN_REPORTS]
    blocks = [
        block
        for number, report in enumerate(shown, 1)
        for block in _build_report(report, number, papers[report.paper], report.paper in waiting)
    ]
    rest = len(reports) - len(shown)
    more = (Text(_OLDER, is_small_print=True),) if rest else ()
    return (Heading("Doubted reviews"), rule, *blocks, *more)


_OLDER = "Older reports are not shown here: “paperround held” lists them."


def _build_report(
    report: ReviewReport, number: int, scored: ScoredPaper, is_waiting: bool
) -> tuple[Block, ...]:
    notes = [ORDER_NOTE] if report.is_suspect else []
    notes += ["It waits to be reviewed again."] if is_waiting else []
    label = f"{number}. {name_reviewed_paper(scored)}"
    text = Text("\n".join([describe_report(report), *notes]), label=label)
    button = Button(ButtonAction.RE_REVIEW, f"Review again {number}", str(report.id))
    return (text,) if is_waiting else (text, Buttons((button,)))


def name_reviewed_paper(scored: ScoredPaper) -> str:
    """Return the clipped title of a paper, with its score if it has one."""
    title = clip_text(clean_text(scored.paper.title) or scored.paper.id, TITLE_CHARACTERS)
    score = scored.review.score
    return title if score is None else f"{title} · {score:.1f}/10"


def present_doubt(report: ReviewReport, scored: ScoredPaper, digest_command: str) -> Message:
    """Build the direct message to a decider about the first doubt of a day about a paper's review."""
    title = "A reader doubts a review"
    lines = [name_reviewed_paper(scored), describe_report(report)]
    lines += [ORDER_NOTE] if report.is_suspect else []
    hint = f"{digest_command} held, given in the workspace, lists it and can have the paper reviewed again."
    return Message(title, (Heading(title), Text("\n".join(lines)), Text(hint, is_small_print=True)))


def format_report_lines(reports: Sequence[ReviewReport], papers: Mapping[str, ScoredPaper]) -> list[str]:
    """Format reports as lines for a terminal: number, workspace, paper and reason. Returns [] without any."""
    if not reports:
        return []
    lines = ["Doubted reviews:"]
    for report in reports:
        order = f" {ORDER_NOTE}" if report.is_suspect else ""
        place = f"{report.platform}:{report.workspace}"
        title = name_reviewed_paper(papers[report.paper])
        lines += [f"{report.id}  {report.paper}  {title}  ({place})", f"    {describe_report(report)}{order}"]
    return [*lines, "Have a paper reviewed again with “paperround held again NUMBER”."]


def list_named_limitations(
    review: Review, readers: ReaderReports, limitations: Sequence[str]
) -> Iterator[str]:
    """Yield the limitations of an imported review of which readers say something, with what they say."""
    if review.assessment or review.panel:
        return
    for text in limitations:
        if note := note_readers(readers, text):
            yield f"• {capitalise_first(clean_text(text))}{note}"
