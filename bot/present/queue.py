"""Messages about the papers that people want to discuss: the queue, and a person's own marks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.chat.message import Block, Button, ButtonAction, Heading, Message, OptionRow, Text
from bot.present.card import format_hold
from bot.present.wording import clean_text
from digests.model import QueuedPaper, ScoredPaper
from digests.text import clip_text

MAX_TITLE_CHARACTERS = 100
"""Characters of a title in a list."""


def present_queue(queue: Sequence[QueuedPaper], papers: Mapping[str, ScoredPaper]) -> Message:
    """Build the list of the queue, in its order, with a number and a Done button for each paper.

    `papers` are by id; a paper that is not among them is shown by its id. An empty queue becomes a hint.
    """
    if not queue:
        hint = "React with 🔖 to a paper, or tap its Discuss button, and it comes onto this list."
        return Message("Nothing to discuss yet", (Heading("Nothing to discuss yet"), Text(hint)))
    rows = tuple(
        OptionRow(
            f"{place}. {_format_entry(queued, papers)}",
            Button(ButtonAction.FINISH_DISCUSSION, "Done", queued.paper),
        )
        for place, queued in enumerate(queue, start=1)
    )
    return Message(f"{len(queue)} to discuss", (Heading("To discuss"), *rows))


def add_finished_paper(queue: Message, paper: str, papers: Mapping[str, ScoredPaper]) -> Message:
    """Return a list of the queue that says after its heading which paper was just taken off it."""
    scored = papers.get(paper)
    title = clip_text(clean_text(scored.paper.title if scored else paper), MAX_TITLE_CHARACTERS)
    heading, *rest = queue.blocks
    return replace(queue, blocks=(heading, Text(f"Done: “{title}” is off the list."), *rest))


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
    scored = papers.get(queued.paper)
    title = clip_text(clean_text(scored.paper.title if scored else queued.paper), MAX_TITLE_CHARACTERS)
    hold = format_hold(scored) if scored else ""
    return " · ".join(filter(None, (title, hold, format_mark_count(queued.mark_count))))


def format_mark_count(count: int) -> str:
    """Format a mark count: 1 wants to discuss, 2 want to discuss."""
    return f"{count:,} {'wants to discuss' if count == 1 else 'want to discuss'}"
