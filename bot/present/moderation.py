"""Messages and lines about held papers: suspect papers that wait for a person's decision. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from bot.chat.message import Block, Button, ButtonAction, Buttons, Heading, Message, Text
from bot.present.card import build_card, describe_flags
from bot.present.lookup import format_paper_lines
from digests.ports.moderation import HeldPaper

MAX_SHOWN_PAPERS = 5
"""Held papers of one message, since a person reads each before a decision. Those behind them move up."""


def present_held_papers(held_papers: Sequence[HeldPaper], paper_command: str) -> Message:
    """Build a list of the first `MAX_SHOWN_PAPERS` held papers, and the number of those behind them.

    Each has its title, score, warnings with the flagged passages, the reason, and buttons to release or
    reject it. `paper_command` is the command that looks a paper up. Without held papers the message says
    that.
    """
    if not held_papers:
        title = "Nothing is on hold"
        explanation = "Papers that try to manipulate the reviewer wait here for approval."
        return Message(title, (Heading(title), Text(explanation)))
    title = "1 paper is held" if len(held_papers) == 1 else f"{len(held_papers):,} papers are held"
    rule = Text("No digest shows a held paper before it is released; a rejected paper is never shown.")
    shown = held_papers[:MAX_SHOWN_PAPERS]
    blocks = [
        block
        for position, held_paper in enumerate(shown, start=1)
        for block in _build_decision_blocks(held_paper, position, len(shown), paper_command)
    ]
    remaining = len(held_papers) - len(shown)
    verb = "waits" if remaining == 1 else "wait"
    more = (Text(f"{remaining:,} more {verb} behind these.", is_small_print=True),) if remaining else ()
    return Message(title, (Heading(title), rule, *blocks, *more))


def _build_decision_blocks(
    held_paper: HeldPaper, position: int, total: int, paper_command: str
) -> tuple[Block, ...]:
    # Without the sentence that it is held: the whole list says so.
    card = build_card(replace(held_paper.scored_paper, hold_state=None))
    flags = describe_flags(held_paper.scored_paper.paper)
    paper = held_paper.scored_paper.paper.id
    # A platform may set buttons apart from their text, so each bears the number of its paper.
    number = f" {position}" if total > 1 else ""
    name = " · ".join(filter(None, (card.title, card.score)))
    return (
        Text("\n".join([*card.warnings, *flags]), label=f"{position}. {name}" if number else name),
        Text(f"{held_paper.reason} {paper_command} {paper} shows the paper.", is_small_print=True),
        Buttons(
            (
                Button(ButtonAction.RELEASE, f"Release{number}", paper),
                Button(ButtonAction.REJECT, f"Reject{number}", paper),
            )
        ),
    )


def format_held_lines(held_papers: Sequence[HeldPaper]) -> list[str]:
    """Format held papers as lines for a terminal: id, score, title and reason.

    The first passage that we flagged follows, if there is one. The last line names the commands that decide.
    """
    if not held_papers:
        return ["Nothing is on hold."]
    lines: list[str] = []
    for held_paper in held_papers:
        scored = replace(held_paper.scored_paper, hold_state=None)
        lines += [*format_paper_lines([scored]), f"    {held_paper.reason}"]
        flag = next((flag for flag in held_paper.scored_paper.paper.flags if flag.is_suspect), None)
        if flag:
            visibility = ", hidden" if flag.is_hidden else ""
            lines.append(f"    {flag.location}{visibility}: “{flag.excerpt}”")
    return [*lines, "Decide with “paperround held release ID” or “paperround held reject ID”."]
