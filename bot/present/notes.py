"""Messages about people's notes on papers. Pure."""

from collections.abc import Mapping, Sequence

from bot.chat.message import Block, Button, ButtonAction, Buttons, Heading, Message, People, Text
from bot.present.card import shorten_title
from bot.present.wording import clean_text, format_count, format_short_date, present_sentence
from digests.model import ScoredPaper
from digests.ports.paper_notes import PaperNote
from digests.text import clip_text

TITLE_CHARACTERS = 80
"""Characters of a title in a heading or a line."""


def present_saved_note(scored: ScoredPaper, command: str) -> Message:
    """Build the answer to a person who wrote a note."""
    return present_sentence(
        f"Noted at “{_name_paper(scored)}”, for people here. {command} notes {scored.paper.id} shows the "
        "notes, and takes yours back."
    )


def present_notes(
    scored: ScoredPaper, notes: Sequence[PaperNote], total: int, person: str, command: str
) -> Message:
    """Build the list of notes about a paper, of `total`; the person's own can be taken back."""
    title = f"Notes about “{_name_paper(scored)}”"
    if not notes:
        hint = f"Nobody wrote a note about it here: {command} note {scored.paper.id} ask for the code"
        return Message(title, (Heading(title), Text(hint)))
    lines = [
        People(f"{place}. {format_short_date(note.at)}", (note.person,), f"“{note.text}”")
        for place, note in enumerate(notes, start=1)
    ]
    own = [
        Button(ButtonAction.REMOVE_NOTE, f"Take back {place}", str(note.id))
        for place, note in enumerate(notes, start=1)
        if note.person == person
    ]
    older = total - len(notes)
    rest: list[Block] = [Buttons(tuple(own))] if own else []
    if older > 0:
        rest.insert(0, Text(f"{format_count(older, 'older note')} left out.", is_small_print=True))
    return Message(
        f"{format_count(total, 'note')} about “{_name_paper(scored)}”", (Heading(title), *lines, *rest)
    )


def present_own_notes(notes: Sequence[PaperNote], papers: Mapping[str, ScoredPaper], command: str) -> Message:
    """Build the list of a person's newest notes, with buttons that take them back."""
    if not notes:
        return present_sentence(f"You wrote no notes here: {command} note 2402.01306 ask for the code")
    lines = [
        Text(
            f"“{note.text}”",
            label=f"{place}. {_name_paper(papers[note.paper]) if note.paper in papers else note.paper}",
        )
        for place, note in enumerate(notes, start=1)
    ]
    buttons = tuple(
        Button(ButtonAction.REMOVE_NOTE, f"Take back {place}", str(note.id))
        for place, note in enumerate(notes, start=1)
    )
    return Message("Your notes", (Heading("Your newest notes"), *lines, Buttons(buttons)))


def _name_paper(scored: ScoredPaper) -> str:
    title = shorten_title(clean_text(scored.paper.title), TITLE_CHARACTERS)
    return clip_text(title, TITLE_CHARACTERS) or scored.paper.id
