"""Questions about the paper of a card or thread: which paper is meant, and the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Reply
from bot.conversation.shown_papers import find_numbered_paper, find_only_paper, list_shown
from bot.conversation.typed_text import clean_lookup_text
from bot.present.card import describe_hold
from bot.present.questions import present_answer
from bot.present.wording import clean_text, present_sentence
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.model import ScoredPaper
from digests.questions import is_about_another, is_answered, is_open_question, parse_question
from digests.subscription import Channel
from digests.text import clip_text

MAX_DIGEST_POSTS = 60
"""Newest messages of a channel's digests in which a number is looked for."""

WHICH_PAPER = (
    "Which paper do you mean? Ask in a reply to its card, put its number in front (“2: what are its "
    "limitations?”), or choose Ask in its card's menu."
)


@dataclass(frozen=True, slots=True)
class QuestionForm:
    """A form for a question about a paper, by its id and title."""

    paper: str
    title: str


@dataclass(frozen=True, slots=True)
class QuestionAnswers:
    """Answers to questions about one paper. Synchronous: call from a worker thread. Raises StoreError."""

    context: ConversationContext

    def open_form(self, paper: str) -> QuestionForm:
        """Return the form for a question about a paper. Raises InputError if the library lacks it."""
        return QuestionForm(paper, clean_text(self._require_paper(paper).paper.title) or paper)

    def answer_question(self, paper: str, text: str) -> Message:
        """Answer a question about a paper, of which the id is not trusted. Raises InputError."""
        scored, words = self._require_paper(paper), clean_lookup_text(text)
        if not words:
            raise InputError("Write a question, such as: what are its limitations?")
        return present_answer(words, parse_question(words), scored)

    def answer_in_place(
        self, text: str, channel: Channel, messages: Sequence[str] = (), *, is_public: bool = False
    ) -> Reply | None:
        """Answer a text as a question about the paper of a message, or of the number that it begins with.

        `messages` are receipts: of the message that is replied to, and of the one above the thread. None if
        the text is a look-up: it is no question, it names a paper itself, or no message shows one paper. With
        `is_public` no held or rejected paper is shown.
        """
        words = clean_lookup_text(text)
        place, rest = split_number(words)
        question = parse_question(rest)
        if not question.is_question or any(parse_paper_id(word.strip("?!.,")) for word in rest.split()):
            return None
        paper = self._find_paper(place, channel, messages)
        if not paper:
            is_open = bool(question.aspects) and not question.stems and not _names_something(rest)
            return Reply(present_sentence(WHICH_PAPER)) if is_open and (messages or place) else None
        scored = self._require_paper(paper)
        if not place and is_about_another(question, rest, scored):
            return None
        if is_public and scored.is_withheld:
            command = self.context.paper_command
            return Reply(present_sentence(f"{describe_hold(scored)}. {command} shows it to you alone."))
        return Reply(present_answer(rest, question, scored))

    def answer_in_thread(self, text: str, channel: Channel, thread: str) -> Message | None:
        """Answer a message in a thread that asks nobody by name.

        `thread` is the receipt of the thread's first message. None unless that is a message of ours which
        shows one paper, or the one of the number that the text begins with, and the paper's texts surely
        answer it: whoever did not ask the app is not to be disturbed by it.
        """
        place, rest = split_number(clean_lookup_text(text))
        if not is_open_question(rest):
            return None
        shown = list_shown(self.context.store.posts, channel, thread)
        paper = find_numbered_paper(shown, place) if place else find_only_paper(shown)
        question = parse_question(rest)
        scored = self.context.store.library.get([paper]).get(paper) if paper else None
        if not scored or is_about_another(question, rest, scored) or not is_answered(question, scored):
            return None
        return present_answer(rest, question, scored)

    def _find_paper(self, place: int, channel: Channel, messages: Sequence[str]) -> str:
        """Return the id of the paper with a number, or without one of the only paper shown, or ""."""
        posts = self.context.store.posts
        shown = [list_shown(posts, channel, message) for message in messages]
        if place:
            newest = posts.list_of_digests(channel, MAX_DIGEST_POSTS)
            return find_numbered_paper([*chain.from_iterable(shown), *newest], place)
        return next(filter(None, map(find_only_paper, shown)), "")

    def _require_paper(self, paper: str) -> ScoredPaper:
        scored = self.context.store.library.get([paper]).get(paper)
        if not scored:
            raise InputError(f"The paper {clip_text(paper, 60)!r} is not here any more.")
        return scored


def split_number(words: str) -> tuple[int, str]:
    """Split the number of a paper and its sign off the front of a question: “2: limitations?”, “#2 code?”.

    Returns 0 and the words without one.
    """
    first, _, rest = words.removeprefix("paper ").partition(" ")
    number = first.removeprefix("#").rstrip(":.,")
    has_sign = first != number or words.startswith("paper ")
    if has_sign and rest and number.isascii() and number.isdecimal() and len(number) <= 2:
        return int(number), rest
    return 0, words


def _names_something(words: str) -> bool:
    """Return True for words with "of", which are followed by a paper's name: limitations of DPO."""
    return " of " in f" {words.lower()} "
