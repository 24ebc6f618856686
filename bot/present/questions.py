"""Wording of the answers to questions about one paper. Pure."""

from bot.chat.message import Block, Button, ButtonAction, Buttons, Heading, Link, Links, Message, Text
from bot.present.card import clip_quote, describe_hold, format_grades, format_review_line, format_score
from bot.present.wording import clean_text
from digests.model import NOT_REVIEWED, ScoredPaper
from digests.questions import Aspect, Passage, Question, build_passage_url, choose_passages, list_passages
from digests.text import clip_text

PASSAGE_CHARACTERS = 1_500
"""Characters of one passage in an answer. The full review has the rest."""

EXAMPLES = "What are its limitations? How was it tested? Is there code?"


def present_answer(text: str, question: Question, scored: ScoredPaper) -> Message:
    """Build the answer to a question about a paper: passages with links, or that nothing answers it."""
    title = clean_text(scored.paper.title) or scored.paper.id
    passages = choose_passages(question, scored)
    body = [block for passage in passages for block in _build_passage(passage, scored)]
    if Aspect.SCORE in question.aspects and (score := _describe_score(scored)):
        body.insert(0, Text(score, label="Score"))
    line = format_review_line(scored.review)
    is_quoted = bool(body) and scored.review != NOT_REVIEWED
    words = f"From the review, word for word. {line}".strip()
    source = (Text(words, is_small_print=True),) if is_quoted else ()
    body = body or [Text(_describe_gap(question, scored))]
    hold = (Text(f"{describe_hold(scored)}."),) if scored.is_withheld else ()
    buttons = Buttons(tuple(_list_buttons(scored)))
    summary = f"About {title}: {clip_text(clean_text(text), 80)}"
    return Message(summary, (Heading(title), *hold, *body, *source, buttons))


def _build_passage(passage: Passage, scored: ScoredPaper) -> tuple[Block, ...]:
    text, quote = clip_text(passage.text, PASSAGE_CHARACTERS), clip_quote(passage.quote)
    words = Text(f"{text}\n“{quote}”" if quote else text, label=passage.label)
    url = passage.url or build_passage_url(scored, passage.quote)
    label = "Open the code" if passage.url else "Show the passage in the paper"
    return (words, Links((Link(label, url),))) if url else (words,)


def _describe_score(scored: ScoredPaper) -> str:
    return " · ".join(filter(None, (format_score(scored.review), format_grades(scored.review))))


def _describe_gap(question: Question, scored: ScoredPaper) -> str:
    """Say that the review does not answer a question, and name what it tells of."""
    aspects = [aspect.value for aspect in list_passages(scored)]
    known = " and ".join(filter(None, (", ".join(aspects[:-1]), *aspects[-1:])))
    asked = " and ".join(aspect.value for aspect in question.aspects)
    missing = f"nothing about {asked}" if asked else "nothing that answers this"
    if scored.review == NOT_REVIEWED:
        has_abstract = " Its abstract is known." if scored.paper.abstract.strip() else ""
        return f"This paper was not reviewed, so there is {missing}.{has_abstract}"
    return f"The review says {missing}. It tells of: {known}." if known else f"The review says {missing}."


def _list_buttons(scored: ScoredPaper) -> tuple[Button, ...]:
    label = "Full review" if scored.review != NOT_REVIEWED else "Abstract"
    ask = Button(ButtonAction.ASK, "Ask more", scored.paper.id)
    return (Button(ButtonAction.REVIEW, label, scored.paper.id), ask)
