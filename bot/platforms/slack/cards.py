"""Rendering of papers as Slack blocks: a full card, a compact card, or a line of a list. Pure.

The limits are our own, in UTF-16 units of the escaped text. Together they keep a card within a section's
limit and a page's limit of Slack.
"""

from collections.abc import Callable, Iterable, Sequence

from bot.chat.message import Card
from bot.platforms.slack.blocks import (
    SECTION_UNITS,
    SMALL_PRINT_UNITS,
    build_context,
    build_mrkdwn_text,
    build_plain_text,
    build_section,
    can_be_a_value,
    render_discuss_button,
)
from bot.platforms.slack.paging import PageDraft
from bot.platforms.slack.sanitize import (
    clip_mrkdwn,
    count_mrkdwn_units,
    count_plain_units,
    count_units,
    render_link,
    tidy_line,
    tidy_visible_lines,
)
from digests.text import clip_text

TITLE_UNITS = 300
SCORE_UNITS = 40
DOMAIN_UNITS = 100
AUTHORS_UNITS = 200
TLDR_UNITS = 600
LIMITATION_UNITS = 300
LIMITATIONS_UNITS = 2400
WARNING_UNITS = 300
WARNINGS_UNITS = 1000
SHORT_TITLE_UNITS = 140
"""Units of a title in a compact card or a list: two lines on a phone."""
SHORT_TLDR_UNITS = 300
SHORT_WARNINGS_UNITS = 600
UNTITLED = "Untitled paper"

KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")


def render_card(card: Card) -> PageDraft:
    """Render a full card: title, metadata, warnings, TL;DR, limitations, small print, and the Discuss button.

    Empty parts are left out, and every part is clipped.
    """
    title = _clip_title(card, TITLE_UNITS)
    number = f"{card.number}. " if card.number is not None else ""
    metadata = _render_metadata(card)
    warnings = _render_warnings(card)
    tldr = clip_text(tidy_line(card.tldr), TLDR_UNITS, cost=count_plain_units)
    limitations = _render_limitations(card)
    small_print = _render_small_print(card)
    blocks = (
        build_section(build_mrkdwn_text(f"*{number}{render_link(title, card.url)}*")),
        metadata and build_context(build_plain_text(metadata)),
        warnings and build_section(build_plain_text(warnings)),
        tldr and build_section(build_plain_text(tldr)),
        limitations and build_section(build_mrkdwn_text(f"*Limitations*\n{limitations}")),
        small_print and build_context(build_plain_text(small_print)),
        {"type": "actions", "elements": [render_discuss_button(card, title)]}
        if can_be_a_value(card.paper)
        else None,
    )
    return PageDraft(
        tuple(block for block in blocks if block), _render_fallback_text(card, title), (card.paper,)
    )


def render_compact_card(card: Card) -> PageDraft:
    """Render a compact card: a section with title, score, warnings and TL;DR, and the Discuss button beside.

    The limitations follow as one clipped paragraph of small print.
    """
    title = _clip_title(card, SHORT_TITLE_UNITS)
    warnings = [f"⚠️ {warning}" for warning in _clip_each(card.warnings, WARNING_UNITS)]
    lines = (
        f"{_keycap_of(card.number)}{_render_listed_card(title, card)}",
        _join_fitting_lines(warnings, SHORT_WARNINGS_UNITS, count_units),
        clip_mrkdwn(card.tldr, SHORT_TLDR_UNITS),
    )
    section = build_section(build_mrkdwn_text("\n".join(filter(None, lines))))
    if can_be_a_value(card.paper):
        section["accessory"] = render_discuss_button(card, title)
    limitations = clip_text(_render_limitations_line(card), SHORT_TLDR_UNITS, cost=count_plain_units)
    blocks = (section, build_context(build_plain_text(limitations))) if limitations else (section,)
    return PageDraft(blocks, _render_fallback_text(card, title), (card.paper,))


def render_listing(cards: Iterable[Card]) -> list[PageDraft]:
    """Render one line with number, title and score for each paper, in as few sections as the lines fit into.

    The drafts name no papers: in a thread, a reaction counts on a paper's own card and not on this list.
    """
    sections: list[list[tuple[str, str]]] = []
    room = 0
    for card in cards:
        title = _clip_title(card, SHORT_TITLE_UNITS)
        number = f"{card.number}. " if card.number is not None else "• "
        line = f"{number}{_render_listed_card(title, card)}"
        room -= count_units(line) + 1
        if room < 0:
            sections.append([])
            room = SECTION_UNITS - count_units(line)
        sections[-1].append((line, f"{number}{title}"))
    return [_render_lines(section) for section in sections]


def _render_lines(lines: Sequence[tuple[str, str]]) -> PageDraft:
    """Render pairs of a line's markup and its fallback text as one section."""
    markup, fallback_text = ("\n".join(column) for column in zip(*lines, strict=True))
    return PageDraft((build_section(build_mrkdwn_text(markup)),), fallback_text)


def _render_listed_card(title: str, card: Card) -> str:
    """Return the linked title in bold and the score, as mrkdwn."""
    score = clip_mrkdwn(card.score, SCORE_UNITS)
    return " · ".join(filter(None, (f"*{render_link(title, card.url)}*", score)))


def _clip_title(card: Card, limit: int) -> str:
    return clip_text(tidy_line(card.title), limit, cost=count_mrkdwn_units) or UNTITLED


def _keycap_of(number: int | None) -> str:
    """Return the number and a space: up to 10 as a keycap emoji, which people can react with, else "11. "."""
    if number is None:
        return ""
    return f"{KEYCAPS[number - 1]} " if 1 <= number <= len(KEYCAPS) else f"{number}. "


def _render_metadata(card: Card) -> str:
    parts = ((card.score, SCORE_UNITS), (card.domain, DOMAIN_UNITS), (card.authors, AUTHORS_UNITS))
    return " · ".join(
        filter(None, (clip_text(tidy_line(fact), limit, cost=count_plain_units) for fact, limit in parts))
    )


def _render_warnings(card: Card) -> str:
    """Return the warnings as lines of unescaped text for plain_text, clipped.

    Those beyond the limit are counted.
    """
    warnings = (
        clip_text(tidy_line(warning), WARNING_UNITS, cost=count_plain_units) for warning in card.warnings
    )
    return _join_fitting_lines(
        [f"⚠️ {warning}" for warning in warnings if warning], WARNINGS_UNITS, count_plain_units
    )


def _render_limitations(card: Card) -> str:
    """Return the limitations as lines of escaped mrkdwn, clipped. Those beyond the limit are counted."""
    points = _clip_each(card.limitations, LIMITATION_UNITS)
    return _join_fitting_lines([f"• {point}" for point in points], LIMITATIONS_UNITS, count_units)


def _clip_each(texts: Iterable[str], limit: int) -> list[str]:
    return list(filter(None, (clip_mrkdwn(text, limit) for text in texts)))


def _join_fitting_lines(lines: Sequence[str], limit: int, cost: Callable[[str], int]) -> str:
    """Join as many of the first lines as have together a `cost` of at most `limit`.

    If lines are left out, a last line gives their number. It comes on top of the limit.
    """
    shown = 0
    while shown < len(lines) and cost("\n".join(lines[: shown + 1])) <= limit:
        shown += 1
    more = len(lines) - shown
    return "\n".join([*lines[:shown], *([f"and {more} more"] if more else [])])


def _render_small_print(card: Card) -> str:
    """Return the small print: a line with the note on missing limitations, and one with review and reason."""
    note = "" if tidy_visible_lines(card.limitations) else card.limitations_note
    note, reviewed, reason = (
        clip_text(tidy_line(part), SMALL_PRINT_UNITS, cost=count_plain_units)
        for part in (note, card.review_line, card.reason)
    )
    return "\n".join(filter(None, (note, " · ".join(filter(None, (reviewed, reason))))))


def _render_limitations_line(card: Card) -> str:
    """Return all limitations in one unclipped line, or the note if there are none."""
    points = tidy_visible_lines(card.limitations)
    return (
        f"Limitations: {'; '.join(point.rstrip('.') for point in points)}"
        if points
        else tidy_line(card.limitations_note)
    )


def _render_fallback_text(card: Card, title: str) -> str:
    """Return the unescaped text of a card for screen readers, which read it instead of the blocks."""
    number = f"{card.number}. " if card.number is not None else ""
    lines = (
        f"{number}{title}",
        _render_metadata(card),
        _render_warnings(card),
        tidy_line(card.tldr),
        _render_limitations_line(card),
    )
    return "\n".join(filter(None, lines))
