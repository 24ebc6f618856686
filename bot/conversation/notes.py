"""Answers about notes that people write about papers."""

from dataclasses import dataclass

from bot.chat.message import Message
from bot.conversation.commands import clean_command_text
from bot.conversation.context import ConversationContext, Person
from bot.present.notes import present_notes, present_own_notes, present_saved_note
from bot.present.wording import present_sentence
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.model import ScoredPaper
from digests.ports.marks import QueueScope, choose_queue_scope
from digests.subscription import Channel
from digests.text import clip_text, parse_number

MAX_NOTE_CHARACTERS = 500
"""Characters of a note. A longer one belongs into a thread."""

MAX_NOTES_OF_PERSON = 10
"""Notes of one person about one paper."""

SHOWN_NOTES = 8
"""Notes in one answer, the newest."""


@dataclass(frozen=True, slots=True)
class NoteAnswers:
    """Answers about notes. Synchronous: call from a worker thread.

    Notes are shown to people of the workspace, or of the channel where each has its own queue, and to no
    partner. Methods raise InputError with a sentence for the person, and StoreError. What is typed or clicked
    is not trusted.
    """

    context: ConversationContext

    def write_note(self, paper: str, text: str, channel: Channel, person: Person) -> Message:
        """Keep a note about a paper, and return the answer."""
        words = clean_command_text(text)
        if not words:
            raise InputError("Write the note behind the paper.")
        if len(words) > MAX_NOTE_CHARACTERS:
            raise InputError(
                f"A note has at most {MAX_NOTE_CHARACTERS} characters, and this one {len(words):,}."
            )
        scored, now = self._require_paper(paper), self.context.clock()
        is_saved = self.context.store.paper_notes.add(
            self._choose_scope(channel), scored.paper.id, person.id, words, limit=MAX_NOTES_OF_PERSON, now=now
        )
        if not is_saved:
            raise InputError(
                f"You have {MAX_NOTES_OF_PERSON} notes about this paper already: "
                f"{self.context.digest_command} notes {scored.paper.id} takes one back."
            )
        return present_saved_note(scored, self.context.digest_command)

    def show_notes(self, paper: str, channel: Channel, person: Person) -> Message:
        """Return the notes about a paper here, and without a paper those of the person, the newest."""
        scope, notes = self._choose_scope(channel), self.context.store.paper_notes
        if not paper:
            own = notes.list_own(scope, person.id, SHOWN_NOTES)
            papers = self.context.store.library.get([note.paper for note in own])
            return present_own_notes(own, papers, self.context.digest_command)
        scored = self._require_paper(paper)
        found = notes.list_of_paper(scope, scored.paper.id, SHOWN_NOTES)
        total = notes.count(scope, [scored.paper.id]).get(scored.paper.id, 0)
        return present_notes(scored, found, total, person.id, self.context.digest_command)

    def remove_note(self, value: str, channel: Channel, person: Person) -> Message:
        """Take a note of the person back, by the value of its button, and return the answer."""
        number = parse_number(value)
        removed = number is not None and self.context.store.paper_notes.remove(
            self._choose_scope(channel), number, person.id
        )
        if not removed:
            raise InputError("You have no such note here: it was taken back already.")
        return present_sentence(f"Taken back: “{removed.text}”")

    def _choose_scope(self, channel: Channel) -> QueueScope:
        return choose_queue_scope(channel, has_workspace_queue=self.context.has_workspace_queue)

    def _require_paper(self, text: str) -> ScoredPaper:
        library, reference = self.context.store.library, parse_paper_id(text)
        ids = [text, *([reference.id] if reference else [])]
        found = library.get(ids)
        if scored := next((found[paper] for paper in ids if paper in found), None):
            return scored
        raise InputError(f"The paper {clip_text(text, 60)!r} is not known here.")
