"""Questions after a discussion, and what people answered. Pure."""

from collections.abc import Sequence

from bot.chat.message import Block, Button, ButtonAction, Buttons, Message, Text
from bot.present.card import shorten_title
from bot.present.wording import clean_text, present_sentence
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
    paper, limitation = scored.paper.id, find_key_limitation(scored)
    buttons = [
        Button(ButtonAction.WORTH_IT, "Worth it", paper),
        Button(ButtonAction.NOT_WORTH_IT, "Not worth it", paper),
    ]
    question = "Was it worth it?"
    if limitation:
        shown = clip_text(clean_text(limitation), LIMITATION_CHARACTERS)
        question = f"{question} Was the limitation true? “{shown}”"
        value = f"{digest_limitation(limitation)}:{paper}"
        buttons += [Button(action, label, value) for _, action, label, _ in _TRUTHS]
    said = format_answers(scored, counts)
    return (
        Text(question, label="Afterwards"),
        *((Text(f"{said[:1].upper()}{said[1:]}.", is_small_print=True),) if said else ()),
        Buttons(tuple(buttons)),
    )


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
