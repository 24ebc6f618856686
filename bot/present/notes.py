"""Messages about people's notes on papers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.chat.message import (
    Block,
    Button,
    ButtonAction,
    Buttons,
    Heading,
    Message,
    MessageReference,
    People,
    Text,
)
from bot.present.card import shorten_title
from bot.present.wording import clean_text, format_count, format_short_date, present_sentence
from digests.model import ScoredPaper
from digests.ports.paper_notes import PaperNote
from digests.subscription import Channel
from digests.text import clip_text

TITLE_CHARACTERS = 80
"""Characters of a title in a heading or a line."""


def present_saved_note(scored: ScoredPaper, command: str) -> Message:
    """Build the answer to a person who wrote a note."""
    return present_sentence(
        f"Noted at “{_name_paper(scored)}”, for people here. {command} note {scored.paper.id} shows the "
        "notes, and takes yours back."
    )


def present_kept_message(scored: ScoredPaper, command: str, *, is_cut: bool) -> Message:
    """Build the answer to a person who kept a message as a note."""
    part = "The beginning of the message is" if is_cut else "The message is"
    return present_sentence(
        f"{part} kept at “{_name_paper(scored)}”, with who wrote it, for people here to read. "
        f"{command} note {scored.paper.id} shows the notes; you and the author can take it back there."
    )


def present_notes(
    scored: ScoredPaper,
    notes: Sequence[PaperNote],
    total: int,
    person: str,
    channel: Channel,
    command: str,
) -> Message:
    """Build the list of notes about a paper, of `total`, for a person in a channel.

    Those that the person wrote or kept, and the person's own messages, can be taken back.
    """
    title = f"Notes about “{_name_paper(scored)}”"
    if not notes:
        hint = f"Nobody wrote a note about it here: {command} note {scored.paper.id} ask for the code"
        return Message(title, (Heading(title), Text(hint)))
    lines = [
        People(
            f"{place}. {format_short_date(note.at)}",
            (note.author,),
            f"“{note.text}”",
            _find_message(note, channel),
        )
        for place, note in enumerate(notes, start=1)
    ]
    own = [
        Button(ButtonAction.REMOVE_NOTE, f"Take back {place}", str(note.id))
        for place, note in enumerate(notes, start=1)
        if note.is_of(person)
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


def _find_message(note: PaperNote, channel: Channel) -> MessageReference | None:
    """Return the message that was kept as a note, in the workspace of a channel."""
    if not note.source:
        return None
    return MessageReference(replace(channel, channel=note.source.channel), note.source.message_id)


def _name_paper(scored: ScoredPaper) -> str:
    title = shorten_title(clean_text(scored.paper.title), TITLE_CHARACTERS)
    return clip_text(title, TITLE_CHARACTERS) or scored.paper.id
