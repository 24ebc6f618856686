"""Messages about the papers that people want to discuss: the queue, and a person's own marks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

from bot.chat.message import (
    Block,
    Button,
    ButtonAction,
    Buttons,
    Heading,
    Message,
    MessageReference,
    OptionRow,
    Text,
)
from bot.present.card import SHORT_TITLE_CHARACTERS, format_hold, shorten_title
from bot.present.wording import clean_text, format_short_weekday
from digests.model import QueueDecision, QueuedPaper, QueueOutcome, ScoredPaper
from digests.ports.meetings import PICKED_BY
from digests.ports.people import SOMEBODY
from digests.text import clip_text

MAX_TITLE_CHARACTERS = 100
"""Characters of a title in a list."""

MAX_NAMED_PEOPLE = 5
"""People who are named at a paper; the others are counted."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A paper of a queue as it is listed.

    `people` are the platform's ids of those who marked it here, the first mark first, and `partner_count` is
    the number of people who marked it in the workspaces that share the queue alone. `discussed_at` is its
    last discussion before these marks, and `message` the newest message here that shows the paper.
    """

    queued: QueuedPaper
    people: tuple[str, ...] = ()
    partner_count: int = 0
    discussed_at: datetime | None = None
    message: MessageReference | None = None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of a queue of `total` papers, of which `offset` stand before it; pages have `length` papers.

    `shared_as` is the name of the group that shares the queue, empty for one that is not shared.
    """

    entries: Sequence[QueueEntry]
    offset: int
    total: int
    length: int
    shared_as: str = ""


def present_queue(
    page: QueuePage, papers: Mapping[str, ScoredPaper], decisions: Sequence[QueueDecision] = ()
) -> Message:
    """Build a page of the queue, in its order, with a number, a Done button and a menu for each paper.

    Below it stand the last decisions, with who made them, and buttons that undo them. `papers` are by id; a
    paper that is not among them is shown by its id. An empty queue becomes a hint.
    """
    closing = (*_present_decisions(decisions, papers), *_present_group(page.shared_as))
    if not page.entries:
        hint = "React with 🔖 to a paper, or tap its Discuss button, and it comes onto this list."
        return Message("Nothing to discuss yet", (Heading("Nothing to discuss yet"), Text(hint), *closing))
    rows = tuple(
        _present_entry(entry, place, papers)
        for place, entry in enumerate(page.entries, start=page.offset + 1)
    )
    return Message(
        f"{page.total:,} to discuss", (Heading("To discuss"), *rows, *_present_page_buttons(page), *closing)
    )


def _present_group(name: str) -> tuple[Block, ...]:
    """Say in small print that the queue is shared; nothing without the name of a group."""
    if not name:
        return ()
    shown = clip_text(clean_text(name), MAX_TITLE_CHARACTERS)
    return (Text(f"This queue is shared as “{shown}”: its other members see these papers too.", True),)


def _present_entry(entry: QueueEntry, place: int, papers: Mapping[str, ScoredPaper]) -> OptionRow:
    queued, paper = entry.queued, entry.queued.paper
    scored = papers.get(paper)
    score = scored.review.score if scored else None
    grade = f"{score:.1f}/10" if score is not None else ""
    facts = f"{_format_entry(queued, papers, grade)} since {format_short_weekday(queued.since)}"
    if queued.postponed_until:
        facts += f" · postponed until {format_short_weekday(queued.postponed_until)}"
    unnamed = len(entry.people[MAX_NAMED_PEOPLE:])
    others = (f"{unnamed:,} more" if unnamed else "", _format_partners(entry.partner_count))
    return OptionRow(
        f"{place}. {facts}",
        Button(ButtonAction.FINISH_DISCUSSION, "Done", paper),
        menu=(
            Button(ButtonAction.POSTPONE, "Postpone for a week", paper),
            Button(ButtonAction.SKIP, "Pass on it", paper),
            Button(ButtonAction.TAKE_OUT, "Take it out for good", paper),
        ),
        number=place,
        people=entry.people[:MAX_NAMED_PEOPLE],
        more_people=", ".join(filter(None, others)),
        note=f"discussed on {format_short_weekday(entry.discussed_at)}" if entry.discussed_at else "",
        note_target=entry.message if entry.discussed_at else None,
    )


def _format_partners(count: int) -> str:
    return f"{count:,} elsewhere" if count else ""


def _present_page_buttons(page: QueuePage) -> tuple[Block, ...]:
    """Return a row of buttons to the pages before and after this one; nothing if it is the only one."""
    rest = page.total - page.offset - len(page.entries)
    buttons = []
    if page.offset:
        previous = max(0, page.offset - page.length)
        buttons.append(Button(ButtonAction.QUEUE, "Back", str(previous)))
    if rest > 0:
        following = page.offset + len(page.entries)
        label = f"Next {min(page.length, rest)} of {rest:,}"
        buttons.append(Button(ButtonAction.QUEUE, label, str(following)))
    return (Buttons(tuple(buttons)),) if buttons else ()


def _present_decisions(
    decisions: Sequence[QueueDecision], papers: Mapping[str, ScoredPaper]
) -> tuple[Block, ...]:
    """Say in small print who decided what about which papers and when, with a row of Undo buttons."""
    if not decisions:
        return ()
    lines = [_describe_decision(each, _format_title(each.paper, papers)) for each in decisions]
    buttons = tuple(
        Button(ButtonAction.UNDO_DISCUSSION, _label_undo(each.paper, papers), format_decision(each))
        for each in decisions
    )
    return Text("\n".join(lines), is_small_print=True), Buttons(buttons)


def _describe_decision(decision: QueueDecision, title: str) -> str:
    """Return the sentence about a decision: Ada passed on “KTO” on Tue 24 Nov."""
    name, day = clean_text(decision.by) or SOMEBODY, format_short_weekday(decision.at)
    match decision.outcome:
        case QueueOutcome.DISCUSSED if decision.by == PICKED_BY:
            return f"“{title}” was chosen for a meeting on {day}."
        case QueueOutcome.DISCUSSED:
            return f"{name} took “{title}” off the list as discussed on {day}."
        case QueueOutcome.PASSED:
            return f"{name} passed on “{title}” on {day}."
        case QueueOutcome.POSTPONED:
            end = f" until {format_short_weekday(decision.until)}" if decision.until else ""
            return f"{name} postponed “{title}” on {day}{end}."
        case QueueOutcome.TAKEN_OUT:
            return f"{name} took “{title}” out for good on {day}."
        case _:
            assert_never(decision.outcome)


def describe_outcome(outcome: QueueOutcome) -> str:
    """Return the sentence for a person who just decided; the paper's title takes the place of `{title}`."""
    match outcome:
        case QueueOutcome.DISCUSSED:
            return "Done: “{title}” is off the list."
        case QueueOutcome.PASSED:
            return "Passed: “{title}” is off the list until somebody marks it again."
        case QueueOutcome.POSTPONED:
            return "Postponed: “{title}” stands at the end of the list for a week."
        case QueueOutcome.TAKEN_OUT:
            return "Taken out: “{title}” is off the list, also if somebody marks it."
        case _:
            assert_never(outcome)


def _label_undo(paper: str, papers: Mapping[str, ScoredPaper]) -> str:
    scored = papers.get(paper)
    title = clean_text(scored.paper.title if scored else paper)
    return f"Undo: {shorten_title(title, SHORT_TITLE_CHARACTERS)}"


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_MAX_INSTANT_DIGITS = 17


def format_decision(decision: QueueDecision) -> str:
    """Return the value of an Undo button: microseconds since 1970, a colon, and the paper's id."""
    return f"{(decision.at - _EPOCH) // _MICROSECOND}:{decision.paper}"


def parse_decision(value: str) -> tuple[str, datetime] | None:
    """Return the paper and the instant in the value of an Undo button; None for any other text."""
    number, _, paper = value.partition(":")
    is_number = number.isascii() and number.isdecimal() and len(number) <= _MAX_INSTANT_DIGITS
    return (paper, _EPOCH + int(number) * _MICROSECOND) if is_number and paper else None


def add_queue_note(
    queue: Message,
    note: str,
    paper: str,
    papers: Mapping[str, ScoredPaper],
    questions: Sequence[Block] = (),
) -> Message:
    """Return a list of the queue that says after its heading what was just done: Done: “KTO” is off the list.

    The paper's title takes the place of `{title}` in `note`. `questions` about the paper follow it.
    """
    heading, *rest = queue.blocks
    sentence = note.replace("{title}", _format_title(paper, papers))
    return replace(queue, blocks=(heading, Text(sentence), *questions, *rest))


def _format_title(paper: str, papers: Mapping[str, ScoredPaper]) -> str:
    scored = papers.get(paper)
    return clip_text(clean_text(scored.paper.title if scored else paper), MAX_TITLE_CHARACTERS)


def present_marked_papers(marked: Sequence[QueuedPaper], papers: Mapping[str, ScoredPaper]) -> Message:
    """Build the list of the papers that one person marked, for the person's own page.

    `papers` are by id; a paper that is not among them is shown by its id. An empty list becomes a hint.
    """
    rows: tuple[Block, ...] = tuple(
        OptionRow(_format_entry(queued, papers), Button(ButtonAction.SHOW, "Show", queued.paper))
        for queued in marked
    )
    hint = (Text("Papers you mark with 🔖 appear here and in the queue."),)
    return Message("Paperround", (Heading("You want to discuss"), *(rows or hint)))


def _format_entry(queued: QueuedPaper, papers: Mapping[str, ScoredPaper], grade: str = "") -> str:
    """Format a paper's title, or its id, its state in moderation, its grade, and its mark count."""
    scored, title = papers.get(queued.paper), _format_title(queued.paper, papers)
    hold = format_hold(scored) if scored else ""
    return " · ".join(filter(None, (title, hold, grade, format_mark_count(queued.mark_count))))


def format_mark_count(count: int) -> str:
    """Format a mark count: 1 wants to discuss, 2 want to discuss."""
    return f"{count:,} {'wants to discuss' if count == 1 else 'want to discuss'}"
