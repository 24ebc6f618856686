"""Questions after a discussion, and what people answered. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from bot.chat.message import Block, Button, ButtonAction, Buttons, Card, Message, People, Text
from bot.present.card import shorten_title
from bot.present.wording import clean_text, format_count, format_date, present_sentence
from digests.limitations import digest_limitation, key_limitations_of
from digests.model import ScoredPaper
from digests.ports.discussions import AnswerCounts, LimitationTruth
from digests.text import clip_text

LIMITATION_CHARACTERS = 160
"""Characters of a limitation in a question."""

TITLE_CHARACTERS = 80
"""Characters of a title in an answer to a click."""

_TRUTHS = (
    (LimitationTruth.TRUE, ButtonAction.LIMITATION_TRUE, "Limitation: true", "true"),
    (LimitationTruth.FALSE, ButtonAction.LIMITATION_FALSE, "Limitation: not true", "not true"),
    (LimitationTruth.UNCLEAR, ButtonAction.LIMITATION_UNCLEAR, "Limitation: can't tell", "can't tell"),
)
"""Answers about a limitation, with their buttons, and the words for their number."""


def find_key_limitation(scored: ScoredPaper) -> str:
    """Return the first key limitation of a paper's review, on which people are asked; "" without one."""
    points = key_limitations_of(scored.review).points
    return points[0] if points else ""


def build_questions(scored: ScoredPaper, counts: AnswerCounts) -> tuple[Block, ...]:
    """Build the questions about a discussed paper, with the buttons that answer them and the answers so far.

    The labels say what they are about: on some platforms buttons stand apart from their text.
    """
    question, limitation = "Was it worth it?", find_key_limitation(scored)
    if limitation:
        shown = clip_text(clean_text(limitation), LIMITATION_CHARACTERS)
        question = f"{question} Was the limitation true? “{shown}”"
    said = format_answers(scored, counts)
    return (
        Text(question, label="Afterwards"),
        *((Text(f"{said[:1].upper()}{said[1:]}.", is_small_print=True),) if said else ()),
        Buttons(build_answer_buttons(scored)),
    )


def build_answer_buttons(scored: ScoredPaper) -> tuple[Button, ...]:
    """Return the buttons that answer the questions about a discussed paper."""
    paper, limitation = scored.paper.id, find_key_limitation(scored)
    buttons = [
        Button(ButtonAction.WORTH_IT, "Worth it", paper),
        Button(ButtonAction.NOT_WORTH_IT, "Not worth it", paper),
    ]
    if limitation:
        value = f"{digest_limitation(limitation)}:{paper}"
        buttons += [Button(action, label, value) for _, action, label, _ in _TRUTHS]
    return tuple(buttons)


def format_answers(scored: ScoredPaper, counts: AnswerCounts) -> str:
    """Format what people answered: worth it 5 of 6, limitation: true 2, can't tell 1. Empty without answers.

    Of the answers about limitations, those about the present key limitation are counted.
    """
    parts = [format_worth_it(counts)] if counts.worth_it_total else []
    truths = counts.truths.get(digest_limitation(find_key_limitation(scored)), {})
    said = [f"{words} {truths[truth]:,}" for truth, _, _, words in _TRUTHS if truths.get(truth)]
    parts += [f"limitation: {', '.join(said)}"] if said else []
    return "; ".join(parts)


def format_worth_it(counts: AnswerCounts) -> str:
    """Format the answers to the first question: worth it 5 of 6."""
    return f"worth it {counts.worth_it:,} of {counts.worth_it_total:,}"


@dataclass(frozen=True, slots=True)
class DiscussionRecord:
    """Discussion of one paper in a workspace or a channel: when it was or will be, and what people say.

    `day` is None for a paper without a discussion. `presenter` is the platform's id of who leads or led it,
    empty for nobody. `is_coming` says that the meeting is still to begin.
    """

    day: date | None = None
    presenter: str = ""
    is_coming: bool = False
    counts: AnswerCounts = field(default_factory=AnswerCounts)
    note_count: int = 0


def build_record(scored: ScoredPaper, record: DiscussionRecord) -> tuple[Block, ...]:
    """Return the line about a paper's discussion, with buttons to answer and to read the notes.

    Such as: Discussed here on 3 December 2026, led by @ada · worth it 5 of 6 · 2 notes. Nothing is returned
    for a paper that was not discussed and has no notes.
    """
    said = [format_answers(scored, record.counts)] if not record.is_coming else []
    said += [format_count(record.note_count, "note")] if record.note_count else []
    facts = " · ".join(filter(None, said))
    button = Button(ButtonAction.NOTES, "Notes", scored.paper.id)
    notes = (button,) if record.note_count else ()
    if record.day is None:
        return (Text(facts, is_small_print=True), Buttons(notes)) if notes else ()
    title = f"{'To be discussed' if record.is_coming else 'Discussed'} here on {format_date(record.day)}"
    line: Block = Text(f"{title}{f' · {facts}' if facts else ''}.")
    if record.presenter:
        line = People(f"{title}, led by", (record.presenter,), f"· {facts}" if facts else "")
    answers = () if record.is_coming else build_answer_buttons(scored)
    buttons = (*answers, *notes)
    return (line, Buttons(buttons)) if buttons else (line,)


def insert_record(message: Message, record: Sequence[Block]) -> Message:
    """Return a message that has a record below its first card."""
    end = next(place for place, block in enumerate(message.blocks) if isinstance(block, Card)) + 1
    return replace(message, blocks=(*message.blocks[:end], *record, *message.blocks[end:]))


def present_answer(scored: ScoredPaper, counts: AnswerCounts) -> Message:
    """Build the reply to a person who answered."""
    title = shorten_title(clean_text(scored.paper.title), TITLE_CHARACTERS)
    return present_sentence(
        f"Noted for “{title}”: {format_answers(scored, counts)}. Another answer of yours takes its place."
    )


def present_changed_limitation(scored: ScoredPaper, counts: AnswerCounts) -> Message:
    """Ask anew, after the review changed since a question was posted."""
    sentence = "The review has changed since, so that nothing was noted."
    questions: Sequence[Block] = build_questions(scored, counts)
    return Message(sentence, (Text(sentence), *questions))
