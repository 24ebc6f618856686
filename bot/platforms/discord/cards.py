"""A paper as an embed with its Discuss button, or as one line of a list. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.chat.message import Card
from bot.platforms.discord.buttons import render_discuss_button
from bot.platforms.discord.draft import TITLE_UNITS, PageDraft
from bot.platforms.discord.prose import render_plain_embeds, render_small_print
from bot.platforms.discord.sanitize import (
    clip_inline,
    count_inline_units,
    count_plain_units,
    count_units,
    escape_plain,
    render_link,
    tidy_line,
    to_safe_url,
)
from digests.text import clip_text

SLATE, AMBER = 0x5C6F91, 0xE8A33D
"""Colours of a card without and with warnings."""
LISTED_TITLE_UNITS = 140
"""UTF-16 units of a title in a list: two lines on a phone."""
SCORE_UNITS = 24
DOMAIN_UNITS = 60
MAX_WARNINGS = 3
"""Warnings of a card: more would hide the paper."""


@dataclass(frozen=True, slots=True)
class _CardLimits:
    """Limits of a card: UTF-16 units of each part; `limitations` is the number of entries in that list."""

    title: int
    authors: int
    tldr: int
    limitations: int
    limitation: int
    note: int
    warning: int
    reason: int
    reviewed: int


FULL_CARD = _CardLimits(
    TITLE_UNITS,
    authors=200,
    tldr=700,
    limitations=5,
    limitation=300,
    note=300,
    warning=300,
    reason=200,
    reviewed=200,
)

SHORT_CARD = _CardLimits(
    title=150, authors=0, tldr=240, limitations=1, limitation=120, note=90, warning=120, reason=0, reviewed=0
)
"""Limits by which ten cards usually fit into the 6000 units of one message."""


def render_card(card: Card, limits: _CardLimits, *, number: str, label: str) -> PageDraft:
    """Return a card as a draft of one embed and its Discuss button.

    `number` stands before its title, and `label` on the button. Parts are clipped to `limits`. The button is
    missing if Discord could not return the paper's id unchanged.
    """
    title = clip_inline(card.title, limits.title - count_units(number)) or "Untitled paper"
    embed: dict[str, Any] = {
        "title": f"{number}{title}",
        "color": AMBER if card.warnings else SLATE,
    }
    if url := to_safe_url(card.url):
        embed["url"] = url
    if description := _render_description(card, limits):
        embed["description"] = description
    if reviewed := escape_plain(
        clip_text(tidy_line(card.review_line), limits.reviewed, cost=count_plain_units)
    ):
        embed["footer"] = {"text": reviewed}
    return PageDraft(embeds=(embed,), buttons=render_discuss_button(card.paper, label), papers=(card.paper,))


def _render_description(card: Card, limits: _CardLimits) -> str:
    """Return the text under a card's title: its parts that are not empty, with an empty line in between."""
    parts = (
        _render_metadata(card, limits),
        _render_warnings(card.warnings, limits),
        clip_inline(card.tldr, limits.tldr),
        _render_limitations(card, limits),
        render_small_print(clip_inline(card.reason, limits.reason)),
    )
    return "\n\n".join(filter(None, parts))


def _render_metadata(card: Card, limits: _CardLimits) -> str:
    """Return the score, domain and authors of a card as one line of small print."""
    score = clip_inline(card.score, SCORE_UNITS)
    parts = (
        score and f"**{score}**",
        clip_inline(card.domain, DOMAIN_UNITS),
        clip_inline(card.authors, limits.authors),
    )
    return render_small_print(" · ".join(filter(None, parts)))


def _render_warnings(warnings: Sequence[str], limits: _CardLimits) -> str:
    """Return up to `MAX_WARNINGS` warnings, one a line. The others are left out."""
    shown = (clip_inline(warning, limits.warning) for warning in warnings[:MAX_WARNINGS])
    return "\n".join(f"⚠️ {warning}" for warning in shown if warning)


def _render_limitations(card: Card, limits: _CardLimits) -> str:
    """Return the first limitations as a list, with “and 2 more” at its end if some are left out.

    Without any, return the note in small print.
    """
    shown = [
        clip_inline(limitation, limits.limitation) for limitation in card.limitations[: limits.limitations]
    ]
    bullets = [f"- {limitation}" for limitation in shown if limitation]
    if not bullets:
        return render_small_print(clip_inline(card.limitations_note, limits.note))
    more = len(card.limitations) - limits.limitations
    return "\n".join(["**Limitations**", *bullets, *([f"- and {more} more"] if more > 0 else [])])


def render_listing(cards: Iterable[Card]) -> list[PageDraft]:
    """Return one line for each card, as drafts of embeds.

    The drafts have no `papers`, so that a mark on this message is no mark of a paper.
    """
    return render_plain_embeds([_render_listed_card(card) for card in cards])


def _render_listed_card(card: Card) -> str:
    """Return a card as a line: its number, its linked title and its score."""
    number = f"**{card.number}.** " if card.number is not None else ""
    title = clip_text(tidy_line(card.title), LISTED_TITLE_UNITS, cost=count_inline_units) or "Untitled paper"
    score = clip_inline(card.score, SCORE_UNITS)
    return number + " · ".join(filter(None, (render_link(title, card.url), score)))
