"""Messages and lines about papers that somebody looked up."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.chat.message import (
    Block,
    Button,
    ButtonAction,
    Buttons,
    Divider,
    Heading,
    Message,
    OptionRow,
    Text,
)
from bot.present.card import build_card, format_review_line, format_score
from bot.present.wording import clean_text
from digests.model import (
    Review,
    ScoredPaper,
)
from digests.text import clip_text, to_plain_text


def present_lookup(query: str, results: Sequence[ScoredPaper]) -> Message:
    """Present the best match with its buttons, or a list to choose from when the query is unclear."""
    if not results:
        return present_no_results(query)
    best, *others = results
    if others and not _has_all_words(query, clean_text(best.paper.title)):
        return Message(
            f"Which paper do you mean by “{clip_text(clean_text(query), 80)}”?",
            (Heading(f"Did you mean one of these {len(results)}?"), *map(_build_option_row, results)),
        )
    also: tuple[Block, ...] = (
        (Divider(), Text("Also found", is_small_print=True), *map(_build_option_row, others))
        if others
        else ()
    )
    return Message(
        clean_text(best.paper.title), (build_card(best), Buttons(_build_lookup_buttons(best)), *also)
    )


def _has_all_words(query: str, title: str) -> bool:
    """Return whether the title has every word of the query, so that no other paper is meant."""
    return all(word in title.casefold() for word in re.findall(r"\w+", query.casefold()))


def _build_option_row(scored: ScoredPaper) -> OptionRow:
    score = format_score(scored.review)
    title = clip_text(clean_text(scored.paper.title), 120)
    return OptionRow(
        " · ".join(filter(None, (title, score))), Button(ButtonAction.SHOW, "Show", scored.paper.id)
    )


def _build_lookup_buttons(scored: ScoredPaper) -> tuple[Button, ...]:
    share = Button(ButtonAction.SHARE, "Share to channel", scored.paper.id, is_primary=True)
    reviewed = any(text.text for text in _build_review_texts(scored.review))
    return (share, Button(ButtonAction.REVIEW, "Full review", scored.paper.id)) if reviewed else (share,)


def present_no_results(query: str) -> Message:
    """Say that nothing was found, and suggest other queries."""
    title = f"Nothing found for “{clip_text(clean_text(query), 80)}”"
    return Message(
        title, (Heading(title), Text("Try an arXiv id such as 2402.01306, an address, or fewer words."))
    )


def present_pending_fetch(paper: str) -> Message:
    """Say that a paper is being fetched, while arXiv does not answer."""
    title = f"{paper} is not known here yet"
    return Message(
        title, (Heading(title), Text("It is being fetched from arXiv: ask again in a few minutes."))
    )


def present_unknown_paper(paper: str) -> Message:
    """Say that arXiv does not know a paper either."""
    title = f"arXiv does not know {paper}"
    hint = "Look at the id again. A paper that is announced tonight can be had tomorrow."
    return Message(title, (Heading(title), Text(hint)))


def present_review(scored: ScoredPaper) -> Message:
    """Show every section of a paper's review."""
    title = clean_text(scored.paper.title) or scored.paper.id
    texts = _build_review_texts(scored.review) or (Text("This paper was not reviewed."),)
    small_print = Text(format_review_line(scored.review), is_small_print=True)
    return Message(f"Review of {title}", (Heading(title), *texts, small_print))


def _build_review_texts(review: Review) -> tuple[Text, ...]:
    grades = dict(review.assessment.grades) if review.assessment else {}
    sections = {
        "Grades, 1 to 5": ", ".join(f"{name} {grade}" for name, grade in grades.items()),
        "Methodology": review.methodology,
        "Experiments": review.experiments,
        "Reproducibility": review.reproducibility,
        "Limitations, in full": review.limitations,
        "Impact": review.impact,
    }
    return tuple(Text(clean_text(text), label=label) for label, text in sections.items() if clean_text(text))


def format_suggestion(scored: ScoredPaper, max_characters: int) -> str:
    """Format a paper as one line for completion: title, score, id. Only the title is clipped."""
    tail = "".join(
        f" · {part}" for part in (format_score(scored.review), clip_text(scored.paper.id, 30)) if part
    )
    return (
        f"{clip_text(clean_text(scored.paper.title), max_characters - len(tail)) or 'Untitled paper'}{tail}"[
            :max_characters
        ]
    )


def format_paper_lines(papers: Sequence[ScoredPaper]) -> list[str]:
    """Format papers as lines for a terminal: id, score, title."""
    return [
        f"{scored.paper.id:<12} {format_score(scored.review) or '-':<16} {clean_text(scored.paper.title)}"
        for scored in papers
    ]


def to_paper_records(papers: Sequence[ScoredPaper]) -> list[dict[str, Any]]:
    """Convert papers to JSON records."""
    return [
        {
            "id": scored.paper.id,
            "title": clean_text(scored.paper.title),
            "url": scored.paper.url,
            "authors": list(scored.paper.authors),
            "primary_category": scored.paper.primary_category,
            "published": scored.paper.published.isoformat() if scored.paper.published else None,
            "score": scored.review.score,
            "rank": scored.review.rank,
            "tldr": clean_text(scored.review.tldr),
        }
        for scored in papers
    ]


def present_shared_paper(scored: ScoredPaper, person_name: str) -> Message:
    """Show a paper to the whole channel, with the name of the person who shared it."""
    summary = f"{person_name} shared {to_plain_text(scored.paper.title)}"
    return Message(summary, (build_card(scored), Text(f"Shared by {person_name}", is_small_print=True)))


def present_linked_paper(scored: ScoredPaper) -> Message:
    """Show the card of a paper that somebody linked to."""
    return Message(to_plain_text(scored.paper.title), (build_card(scored),))


def remove_share_button(message: Message) -> Message:
    """Return the message without its share buttons, for a place without a channel."""
    return replace(message, blocks=tuple(_drop_share_button(block) for block in message.blocks))


def _drop_share_button(block: Block) -> Block:
    if not isinstance(block, Buttons):
        return block
    return Buttons(tuple(button for button in block.buttons if button.action is not ButtonAction.SHARE))
