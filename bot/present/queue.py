"""Messages about the papers that people want to discuss: the queue, and a person's own marks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.chat.message import Block, Button, ButtonAction, Buttons, Heading, Message, OptionRow, Text
from bot.present.card import SHORT_TITLE_CHARACTERS, format_hold, shorten_title
from bot.present.wording import clean_text, format_short_weekday
from digests.model import FinishedDiscussion, QueuedPaper, ScoredPaper
from digests.ports.people import SOMEBODY
from digests.text import clip_text

MAX_TITLE_CHARACTERS = 100
"""Characters of a title in a list."""


def present_queue(
    queue: Sequence[QueuedPaper],
    papers: Mapping[str, ScoredPaper],
    finished: Sequence[FinishedDiscussion] = (),
) -> Message:
    """Build the list of the queue, in its order, with a number and a Done button for each paper.

    Below it stand those that were taken off last, `finished`, with who did it, and a button that undoes it.
    `papers` are by id; a paper that is not among them is shown by its id. An empty queue becomes a hint.
    """
    closing = _present_finished(finished, papers)
    if not queue:
        hint = "React with 🔖 to a paper, or tap its Discuss button, and it comes onto this list."
        return Message("Nothing to discuss yet", (Heading("Nothing to discuss yet"), Text(hint), *closing))
    rows = tuple(
        OptionRow(
            f"{place}. {_format_entry(queued, papers)}",
            Button(ButtonAction.FINISH_DISCUSSION, "Done", queued.paper),
        )
        for place, queued in enumerate(queue, start=1)
    )
    return Message(f"{len(queue)} to discuss", (Heading("To discuss"), *rows, *closing))


def _present_finished(
    finished: Sequence[FinishedDiscussion], papers: Mapping[str, ScoredPaper]
) -> tuple[Block, ...]:
    """Say in small print who took which papers off the queue and when, with a row of Undo buttons."""
    if not finished:
        return ()
    lines = [
        f"{clean_text(each.by) or SOMEBODY} took “{_format_title(each.paper, papers)}” off the list on "
        f"{format_short_weekday(each.at)}."
        for each in finished
    ]
    buttons = tuple(
        Button(ButtonAction.UNDO_DISCUSSION, _label_undo(each.paper, papers), format_discussion(each))
        for each in finished
    )
    return Text("\n".join(lines), is_small_print=True), Buttons(buttons)


def _label_undo(paper: str, papers: Mapping[str, ScoredPaper]) -> str:
    scored = papers.get(paper)
    title = clean_text(scored.paper.title if scored else paper)
    return f"Undo: {shorten_title(title, SHORT_TITLE_CHARACTERS)}"


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_MAX_INSTANT_DIGITS = 17


def format_discussion(finished: FinishedDiscussion) -> str:
    """Return the value of an Undo button: microseconds since 1970, a colon, and the paper's id."""
    return f"{(finished.at - _EPOCH) // _MICROSECOND}:{finished.paper}"


def parse_discussion(value: str) -> tuple[str, datetime] | None:
    """Return the paper and the instant in the value of an Undo button; None for any other text."""
    number, _, paper = value.partition(":")
    is_number = number.isascii() and number.isdecimal() and len(number) <= _MAX_INSTANT_DIGITS
    return (paper, _EPOCH + int(number) * _MICROSECOND) if is_number and paper else None


def add_queue_note(queue: Message, note: str, paper: str, papers: Mapping[str, ScoredPaper]) -> Message:
    """Return a list of the queue that says after its heading what was just done: Done: “KTO” is off the list.

    The paper's title takes the place of `{title}` in `note`.
    """
    heading, *rest = queue.blocks
    sentence = note.replace("{title}", _format_title(paper, papers))
    return replace(queue, blocks=(heading, Text(sentence), *rest))


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


def _format_entry(queued: QueuedPaper, papers: Mapping[str, ScoredPaper]) -> str:
    """Format a paper's title, or its id, its state in moderation, and its mark count."""
    scored, title = papers.get(queued.paper), _format_title(queued.paper, papers)
    hold = format_hold(scored) if scored else ""
    return " · ".join(filter(None, (title, hold, format_mark_count(queued.mark_count))))


def format_mark_count(count: int) -> str:
    """Format a mark count: 1 wants to discuss, 2 want to discuss."""
    return f"{count:,} {'wants to discuss' if count == 1 else 'want to discuss'}"
