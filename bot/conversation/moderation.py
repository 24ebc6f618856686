"""What is held for a person: suspect papers whose score stands out, listed and decided on a terminal and in a chat."""

from collections.abc import Sequence
from datetime import datetime

from bot.chat.message import Block, Button, ButtonAction, Buttons, Heading, Message, Text
from bot.present.messages import build_card, format_paper_lines, format_weekday_date
from digests.errors import InputError
from digests.ports import Store
from digests.ports.moderation import HeldPaper, ModerationDecision
from digests.text import clip_text, to_plain_text

MAX_SHOWN_PAPERS = 5
"""Held papers of one message: each is to be read before it is decided, and those decided make room for the next."""

MAX_TITLE_CHARACTERS = 80
"""Characters of a title in a sentence."""


def list_held_papers(store: Store) -> list[str]:
    """Each held paper with the reason, the passage, and what to type."""
    held_papers = store.reviewing.list_held()
    if not held_papers:
        return ["No paper is held."]
    lines: list[str] = []
    for held_paper in held_papers:
        flag = next((flag for flag in held_paper.scored_paper.paper.flags if flag.is_suspect), None)
        passage = (
            [f"    {flag.location}{', hidden' if flag.is_hidden else ''}: “{flag.excerpt}”"] if flag else []
        )
        lines += [*format_paper_lines([held_paper.scored_paper]), f"    {held_paper.reason}", *passage]
    return [*lines, "Decide with “paperround held release ID” or “paperround held reject ID”."]


def build_held_message(held_papers: Sequence[HeldPaper], paper_command: str) -> Message:
    """Each held paper with its score, the passage, the reason, and the buttons to decide."""
    if not held_papers:
        title = "No paper is held"
        explanation = "A paper that tries to give orders to its reviewer, and whose score stands out, waits here for a person."
        return Message(title, (Heading(title), Text(explanation)))
    title = "1 paper is held" if len(held_papers) == 1 else f"{len(held_papers):,} papers are held"
    explanation_block = Text(
        "No digest shows a held paper before it is released; one that is rejected never comes."
    )
    shown = held_papers[:MAX_SHOWN_PAPERS]
    parts = [
        _build_decision_blocks(one, place, len(shown), paper_command)
        for place, one in enumerate(shown, start=1)
    ]
    remaining = len(held_papers) - len(shown)
    more = (Text(f"{remaining:,} more wait behind these.", is_small_print=True),) if remaining else ()
    return Message(
        title, (Heading(title), explanation_block, *(block for part in parts for block in part), *more)
    )


def _build_decision_blocks(
    held_paper: HeldPaper, position: int, total: int, paper_command: str
) -> tuple[Block, ...]:
    """Platforms may set buttons apart from what they are about: where there are several papers they bear its number."""
    shown_card, paper = build_card(held_paper.scored_paper), held_paper.scored_paper.paper.id
    number = f" {position}" if total > 1 else ""
    name = " · ".join(filter(None, (shown_card.title, shown_card.score)))
    return (
        Text("\n".join(shown_card.warnings), label=f"{position}. {name}" if number else name),
        Text(f"{held_paper.reason} {paper_command} {paper} shows the paper.", is_small_print=True),
        Buttons(
            (
                Button(ButtonAction.RELEASE, f"Release{number}", paper),
                Button(ButtonAction.REJECT, f"Reject{number}", paper),
            )
        ),
    )


def decide_held_paper(store: Store, paper: str, *, is_release: bool, by: str, now: datetime) -> str:
    """Release or reject a held paper, in words. Raises InputError, with what became of it, for one that is not held."""
    reviewing = store.reviewing
    apply_decision = reviewing.release if is_release else reviewing.reject
    title = _quote_title(store, paper)
    if not apply_decision(paper, by=by, now=now):
        raise InputError(_describe_earlier_decision(title, reviewing.find_decision(paper)))
    if is_release:
        return f"{title} is released: the next digests may show it."
    return f"{title} is rejected: no digest shows it."


def _quote_title(store: Store, paper: str) -> str:
    scored = store.library.get([paper]).get(paper)
    return (
        f"“{clip_text(to_plain_text(scored.paper.title), MAX_TITLE_CHARACTERS)}”"
        if scored
        else clip_text(paper, MAX_TITLE_CHARACTERS)
    )


def _describe_earlier_decision(title: str, decision: ModerationDecision | None) -> str:
    if not decision:
        return f"{title} is not held, so there is nothing to decide."
    outcome = "released" if decision.is_released else "rejected"
    return f"{title} is not held any more: {decision.by} {outcome} it on {format_weekday_date(decision.at.date())}."
