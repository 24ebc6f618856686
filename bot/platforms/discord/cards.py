"""A paper as an embed with its buttons: a full card, or the compact look. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.chat.message import Button, ButtonAction, Buttons, Card
from bot.platforms.discord.buttons import (
    render_buttons,
    render_discuss_button,
    render_menu,
    render_review_option,
)
from bot.platforms.discord.draft import TITLE_UNITS, PageDraft
from bot.platforms.discord.prose import render_links, render_small_print
from bot.platforms.discord.sanitize import (
    clip_inline,
    count_plain_units,
    count_units,
    escape_plain,
    tidy_line,
    to_safe_url,
)
from digests.text import clip_text

SLATE, AMBER = 0x5C6F91, 0xE8A33D
"""Colours of a card without and with warnings."""
KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")
"""Emojis of the numbers 1 to 10."""
SCORE_UNITS = 24
SPREAD_UNITS = 40
DOMAIN_UNITS = 60
DATE_UNITS = 40
AUTHORS_UNITS = 200
TLDR_UNITS = 700
MAX_LIMITATIONS = 5
LIMITATION_UNITS = 250
MAX_WARNINGS = 3
"""Warnings of a card: more would hide the paper."""
WARNING_UNITS = 200
SMALL_PRINT_UNITS = 200
LINKS_UNITS = 450
"""UTF-16 units of all links of a card. The others are left out."""
BRIEF_TITLE_UNITS = 150
BRIEF_UNITS = 240
BRIEF_SMALL_PRINT_UNITS = 140
BRIEF_LINKS_UNITS = 320
"""Limits of the compact look, by which ten papers usually fit into the 6000 units of one message."""
SHORT_NAME_UNITS = 40


def render_card(card: Card) -> PageDraft:
    """Return a full card as a draft of one embed, its buttons Discuss and full review if any, and its menu.

    A menu takes a row of its own, so that its only button stands beside the others. Parts are clipped.
    Buttons are missing if Discord could not return the paper's id unchanged.
    """
    number = f"{card.number}. " if card.number is not None else ""
    embed = _build_embed(card, number, "", TITLE_UNITS)
    if description := _render_description(card):
        embed["description"] = description
    if reviewed := escape_plain(
        clip_text(tidy_line(card.review_line), SMALL_PRINT_UNITS, cost=count_plain_units)
    ):
        embed["footer"] = {"text": reviewed}
    count = f" · {card.mark_count:,}" if card.mark_count else ""
    discuss = render_discuss_button(card.paper, f"Discuss{count}")
    review = Button(ButtonAction.REVIEW, card.review_label, card.paper)
    visible = ((review,) if tidy_line(card.review_label) else ()) + (card.menu if len(card.menu) == 1 else ())
    buttons = [*discuss, *(render_buttons([Buttons(visible)]) if discuss else ())]
    menus = render_menu(card.menu) if discuss and len(card.menu) > 1 else ()
    return PageDraft(embeds=(embed,), buttons=tuple(buttons), papers=(card.paper,), menus=tuple(menus))


def render_compact_card(card: Card) -> PageDraft:
    """Return a paper in the compact look, with a Discuss button that bears its number or short title.

    Its full review is an option of the page's menu.
    """
    name = str(card.number) if card.number is not None else card.short_title
    label = escape_plain(clip_text(tidy_line(name), SHORT_NAME_UNITS, cost=count_plain_units)) or "Discuss"
    buttons = render_discuss_button(card.paper, label)
    review = render_review_option(card, name)
    return replace(
        render_brief(card), buttons=buttons, papers=(card.paper,), reviews=(review,) if review else ()
    )


def render_brief(card: Card) -> PageDraft:
    """Return a paper in the compact look as a draft of one embed: title with score, a sentence, a limitation.

    The draft has no `papers` and no buttons, so that a mark on its message is no mark of a paper.
    """
    score = clip_inline(card.score, SCORE_UNITS)
    embed = _build_embed(card, _keycap_of(card.number), f" · {score}" if score else "", BRIEF_TITLE_UNITS)
    small_print = (
        clip_inline(card.brief_limitation, BRIEF_SMALL_PRINT_UNITS),
        _render_flag_note(card, BRIEF_SMALL_PRINT_UNITS),
        " · ".join(
            filter(
                None,
                (
                    clip_inline(card.reason, BRIEF_SMALL_PRINT_UNITS),
                    render_links(card.brief_links, BRIEF_LINKS_UNITS),
                ),
            )
        )
        if card.brief_links
        else "",
    )
    lines = (
        _render_warnings(card.warnings, BRIEF_SMALL_PRINT_UNITS),
        clip_inline(card.brief, BRIEF_UNITS),
        *map(render_small_print, small_print),
    )
    if description := "\n".join(filter(None, lines)):
        embed["description"] = description
    return PageDraft(embeds=(embed,))


def _build_embed(card: Card, number: str, ending: str, limit: int) -> dict[str, Any]:
    """Return an embed with the linked title between `number` and `ending`, which are escaped already."""
    room = limit - count_units(number) - count_units(ending)
    title = clip_inline(card.title, room) or "Untitled paper"
    embed: dict[str, Any] = {
        "title": f"{number}{title}{ending}",
        "color": AMBER if card.warnings else SLATE,
    }
    if url := to_safe_url(card.url):
        embed["url"] = url
    return embed


def _keycap_of(number: int | None) -> str:
    """Return the text before a title: a keycap emoji for 1 to 10, else the number, such as “11. ”."""
    if number is None:
        return ""
    return f"{KEYCAPS[number - 1]} " if 1 <= number <= len(KEYCAPS) else f"{number}. "


def _render_description(card: Card) -> str:
    """Return the text under a card's title: its parts that are not empty, with an empty line in between."""
    small_print = (
        clip_inline(card.panel_note, SMALL_PRINT_UNITS),
        _render_flag_note(card, WARNING_UNITS),
        clip_inline(card.reason, SMALL_PRINT_UNITS),
        render_links(card.links, LINKS_UNITS),
    )
    parts = (
        _render_metadata(card),
        _render_warnings(card.warnings, WARNING_UNITS),
        clip_inline(card.tldr, TLDR_UNITS),
        _render_limitations(card),
        "\n".join(map(render_small_print, filter(None, small_print))),
    )
    return "\n\n".join(filter(None, parts))


def _render_metadata(card: Card) -> str:
    """Return the score, domain, date and authors of a card as one line of small print."""
    score = clip_inline(card.score, SCORE_UNITS)
    parts = (
        score and f"**{score}**",
        clip_inline(card.spread, SPREAD_UNITS),
        clip_inline(card.domain, DOMAIN_UNITS),
        clip_inline(card.published, DATE_UNITS),
        clip_inline(card.authors, AUTHORS_UNITS),
    )
    return render_small_print(" · ".join(filter(None, parts)))


def _render_warnings(warnings: Sequence[str], limit: int) -> str:
    """Return up to `MAX_WARNINGS` warnings, one a line. The others are left out."""
    shown = (clip_inline(warning, limit) for warning in warnings[:MAX_WARNINGS])
    return "\n".join(f"⚠️ {warning}" for warning in shown if warning)


def _render_flag_note(card: Card, limit: int) -> str:
    note = clip_inline(card.flag_note, limit)
    return f"⚠️ {note}" if note else ""


def _render_limitations(card: Card) -> str:
    """Return the first limitations as a list; its heading says how many there are, if some are left out."""
    points = [
        point for limitation in card.limitations if (point := clip_inline(limitation, LIMITATION_UNITS))
    ]
    if not points:
        return ""
    shown, total = points[:MAX_LIMITATIONS], len(points) + card.remaining_limitations
    count = f" ({len(shown)} of {total:,})" if total > len(shown) else ""
    return "\n".join([f"**Limitations**{count}", *(f"- {point}" for point in shown)])
