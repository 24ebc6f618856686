"""Answers about notes that people write about papers."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Person
from bot.conversation.shown_papers import find_only_paper, list_shown
from bot.conversation.typed_text import clean_command_text
from bot.present.notes import present_kept_message, present_notes, present_own_notes, present_saved_note
from bot.present.wording import present_sentence
from digests.errors import InputError
from digests.ids import find_paper_ids, parse_paper_id
from digests.model import ScoredPaper
from digests.ports.marks import QueueScope, choose_queue_scope
from digests.ports.paper_notes import NoteSource
from digests.subscription import Channel
from digests.text import clip_text, parse_number

MAX_NOTE_CHARACTERS = 500
"""Characters of a note. A longer one belongs into a thread."""

MAX_NOTES_OF_PERSON = 10
"""Notes of one person about one paper."""

SHOWN_NOTES = 8
"""Notes in one answer, the newest."""


WHICH_PAPER_OF_MESSAGE = (
    "Which paper is this message about? Keep one in the thread of a card, one that replies to a card, "
    "or one with the paper's link; or copy its words: {} note 2402.01306 ask for the code"
)


@dataclass(frozen=True, slots=True)
class PersonsMessage:
    """A message of a person, which somebody wants to keep as a note. None of it is trusted.

    `message_id` is its receipt, and `above` are those of the messages that it replies to or stands below.
    `author` is the platform's id of who wrote it, "" for a message of a bot.
    """

    channel: Channel
    message_id: str
    above: Sequence[str]
    author: str
    text: str


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
            raise InputError(self._describe_limit(scored))
        return present_saved_note(scored, self.context.digest_command)

    def keep_message(self, message: PersonsMessage, person: Person) -> Message:
        """Keep a person's message as a note about the paper that it is about, and return the answer.

        That is the paper of the thread or card above it, else the only one that the text links or names.
        A long text is cut after `MAX_NOTE_CHARACTERS`.
        """
        channel, words = message.channel, clean_command_text(message.text)
        if channel.is_direct:
            raise InputError("Messages can be kept in channels only: notes are for the people there.")
        if not message.author:
            raise InputError("Only messages of people can be kept, and this is one of an app.")
        if not words:
            raise InputError("This message has no text that could be kept.")
        scored, now = self._require_paper(self._find_paper_of(message)), self.context.clock()
        is_saved = self.context.store.paper_notes.add(
            self._choose_scope(channel),
            scored.paper.id,
            person.id,
            clip_text(words, MAX_NOTE_CHARACTERS),
            limit=MAX_NOTES_OF_PERSON,
            now=now,
            source=NoteSource(message.author, channel.channel, message.message_id),
        )
        if not is_saved:
            raise InputError(self._describe_limit(scored))
        is_cut = len(words) > MAX_NOTE_CHARACTERS
        return present_kept_message(scored, self.context.digest_command, is_cut=is_cut)

    def _find_paper_of(self, message: PersonsMessage) -> str:
        posts = self.context.store.posts
        shown = (find_only_paper(list_shown(posts, message.channel, each)) for each in message.above)
        if paper := next(filter(None, shown), ""):
            return paper
        named = {reference.id for reference in find_paper_ids(message.text)}
        if len(named) == 1:
            return named.pop()
        raise InputError(WHICH_PAPER_OF_MESSAGE.format(self.context.digest_command))

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
        return present_notes(scored, found, total, person.id, channel, self.context.digest_command)

    def remove_note(self, value: str, channel: Channel, person: Person) -> Message:
        """Take a note of the person back, by the value of its button, and return the answer."""
        number = parse_number(value)
        removed = number is not None and self.context.store.paper_notes.remove(
            self._choose_scope(channel), number, person.id
        )
        if not removed:
            raise InputError("You have no such note here: it was taken back already.")
        return present_sentence(f"Taken back: “{removed.text}”")

    def _describe_limit(self, scored: ScoredPaper) -> str:
        return (
            f"You have {MAX_NOTES_OF_PERSON} notes about this paper already: "
            f"{self.context.digest_command} note {scored.paper.id} takes one back."
        )

    def _choose_scope(self, channel: Channel) -> QueueScope:
        return choose_queue_scope(channel, has_workspace_queue=self.context.has_workspace_queue)

    def _require_paper(self, text: str) -> ScoredPaper:
        library, reference = self.context.store.library, parse_paper_id(text)
        ids = [text, *([reference.id] if reference else [])]
        found = library.get(ids)
        if scored := next((found[paper] for paper in ids if paper in found), None):
            return scored
        raise InputError(f"The paper {clip_text(text, 60)!r} is not known here.")
