"""What is held for a person: suspect papers whose score stands out, listed and decided on a terminal and in a chat."""

from collections.abc import Sequence
from datetime import datetime

from bot.message import Action, Block, Button, Buttons, Heading, Message, Text
from bot.present import card, day_name, found_lines
from digests.errors import InputError
from digests.ports import Decision, Held, Store
from digests.text import clip, plain

MOST_SHOWN = 5
"""Held papers of one message: each is to be read before it is decided, and those decided make room for the next."""

TITLE_LENGTH = 80
"""Characters of a title in a sentence."""


def held_lines(store: Store) -> list[str]:
    """Each held paper with the reason, the passage, and what to type."""
    held = store.reviewing.held()
    if not held:
        return ["No paper is held."]
    lines: list[str] = []
    for one in held:
        flag = next((flag for flag in one.scored.paper.flags if flag.suspect), None)
        passage = [f"    {flag.where}{', hidden' if flag.hidden else ''}: “{flag.excerpt}”"] if flag else []
        lines += [*found_lines([one.scored]), f"    {one.reason}", *passage]
    return [*lines, "Decide with “paperround held release ID” or “paperround held reject ID”."]


def held_message(held: Sequence[Held], paper_command: str) -> Message:
    """Each held paper with its score, the passage, the reason, and the buttons to decide."""
    if not held:
        title = "No paper is held"
        why = "A paper that tries to give orders to its reviewer, and whose score stands out, waits here for a person."
        return Message(title, (Heading(title), Text(why)))
    title = "1 paper is held" if len(held) == 1 else f"{len(held):,} papers are held"
    explained = Text("No digest shows a held paper before it is released; one that is rejected never comes.")
    shown = held[:MOST_SHOWN]
    parts = [_to_decide(one, place, len(shown), paper_command) for place, one in enumerate(shown, start=1)]
    left = len(held) - len(shown)
    more = (Text(f"{left:,} more wait behind these.", quiet=True),) if left else ()
    return Message(title, (Heading(title), explained, *(block for part in parts for block in part), *more))


def _to_decide(one: Held, place: int, of: int, paper_command: str) -> tuple[Block, ...]:
    """Platforms may set buttons apart from what they are about: where there are several papers they bear its number."""
    shown, paper = card(one.scored), one.scored.paper.id
    number = f" {place}" if of > 1 else ""
    name = " · ".join(filter(None, (shown.title, shown.score)))
    return (
        Text("\n".join(shown.warnings), label=f"{place}. {name}" if number else name),
        Text(f"{one.reason} {paper_command} {paper} shows the paper.", quiet=True),
        Buttons(
            (
                Button(Action.RELEASE, f"Release{number}", paper),
                Button(Action.REJECT, f"Reject{number}", paper),
            )
        ),
    )


def decide(store: Store, paper: str, *, release: bool, by: str, now: datetime) -> str:
    """Release or reject a held paper, in words. Raises InputError, with what became of it, for one that is not held."""
    reviewing = store.reviewing
    decided = reviewing.release if release else reviewing.reject
    named = _named(store, paper)
    if not decided(paper, by=by, now=now):
        raise InputError(_decided_before(named, reviewing.decision(paper)))
    if release:
        return f"{named} is released: the next digests may show it."
    return f"{named} is rejected: no digest shows it."


def _named(store: Store, paper: str) -> str:
    known = store.papers.get([paper]).get(paper)
    return f"“{clip(plain(known.paper.title), TITLE_LENGTH)}”" if known else clip(paper, TITLE_LENGTH)


def _decided_before(named: str, decision: Decision | None) -> str:
    if not decision:
        return f"{named} is not held, so there is nothing to decide."
    what = "released" if decision.released else "rejected"
    return f"{named} is not held any more: {decision.by} {what} it on {day_name(decision.at.date())}."
