"""Rendering of papers as Slack blocks: a full card, or the compact look. Pure.

The limits are our own, in UTF-16 units of the escaped text. Together they keep a card within a section's
limit and a page's limit of Slack.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bot.chat.message import Button, ButtonAction, Card, Link, Quote
from bot.platforms.slack.blocks import (
    MAX_BLOCK_ID_PAPER,
    PAPER_BLOCK_PREFIX,
    SMALL_PRINT_UNITS,
    SlackBlock,
    build_container,
    build_context,
    build_mrkdwn_text,
    build_plain_text,
    build_section,
    can_be_a_value,
    render_action_button,
    render_discuss_button,
    render_menu,
    render_numbered_discuss_button,
    render_review_option,
)
from bot.platforms.slack.paging import PageDraft
from bot.platforms.slack.sanitize import (
    clip_mrkdwn,
    count_mrkdwn_units,
    count_plain_units,
    count_units,
    escape_mrkdwn,
    has_safe_url,
    render_link,
    tidy_line,
    tidy_visible_lines,
)
from digests.text import clip_text

TITLE_UNITS = 300
SCORE_UNITS = 40
SPREAD_UNITS = 40
DOMAIN_UNITS = 100
AUTHORS_UNITS = 200
DATE_UNITS = 40
TLDR_UNITS = 600
LIMITATION_UNITS = 300
LIMITATIONS_UNITS = 2400
WARNING_UNITS = 300
WARNINGS_UNITS = 1000
QUOTED_LIMITATION_UNITS = 150
"""Units of a limitation above its quote: it stands in full on the card."""
QUOTE_UNITS = 800
"""Units of a quote. 500 characters become more where signs are escaped."""
GRADES_UNITS = 300
MAX_QUOTES = 5
"""Quotes of a card. With the grades they fit into one container, which takes ten blocks."""
LINK_LABEL_UNITS = 60
MAX_LINKS = 6
SHORT_TITLE_UNITS = 140
"""Units of a title in the compact look: two lines on a phone."""
BRIEF_UNITS = 300
SHORT_WARNINGS_UNITS = 600
BUTTON_TITLE_UNITS = 40
UNTITLED = "Untitled paper"

KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")


def render_card(card: Card) -> PageDraft:
    """Render a full card: title, metadata, warnings, TL;DR, limitations, quotes, small print, links, buttons.

    Empty parts are left out, and every part is clipped. The quotes are collapsed, and left out from a card
    that they would make too long for a page.
    """
    draft = _render_full_card(card)
    return draft if draft.is_within_limits else _render_full_card(replace(card, quotes=()))


def _render_full_card(card: Card) -> PageDraft:
    title = _clip_title(card, TITLE_UNITS)
    number = f"{card.number}. " if card.number is not None else ""
    metadata = _render_metadata(card)
    warnings = _render_warnings(card.warnings, WARNINGS_UNITS)
    tldr = clip_text(tidy_line(card.tldr), TLDR_UNITS, cost=count_plain_units)
    limitations = _render_limitations(card)
    small_print = _render_small_print(card)
    buttons = _render_buttons(card, title)
    blocks = (
        build_section(build_mrkdwn_text(f"*{number}{render_link(title, card.url)}*")),
        metadata and build_context(build_plain_text(metadata)),
        warnings and build_section(build_plain_text(warnings)),
        tldr and build_section(build_plain_text(tldr)),
        limitations and build_section(build_mrkdwn_text(limitations)),
        _render_quotes(card),
        small_print and build_context(build_mrkdwn_text(small_print)),
        {"type": "actions", "elements": buttons} if buttons else None,
    )
    return PageDraft(
        tuple(block for block in blocks if block), _render_fallback_text(card, title), (card.paper,)
    )


def _render_buttons(card: Card, title: str) -> list[SlackBlock]:
    """Render the row under a card: Discuss, the full review if the card has one, and the card's menu."""
    if not can_be_a_value(card.paper):
        return []
    discuss = render_discuss_button(card, title)
    label = tidy_line(card.review_label)
    return [
        discuss,
        *([render_action_button(Button(ButtonAction.REVIEW, label, card.paper))] if label else []),
        *render_menu(card.menu),
    ]


def render_compact_card(card: Card) -> PageDraft:
    """Render a paper in the compact look, with its Discuss button and its full review at the page's foot."""
    draft = render_brief(card)
    if not can_be_a_value(card.paper):
        return replace(draft, papers=(card.paper,))
    name = f"{card.number}" if card.number is not None else tidy_line(card.short_title)
    review = render_review_option(card, name)
    return replace(
        draft,
        papers=(card.paper,),
        foot_buttons=(render_numbered_discuss_button(card, name),),
        reviews=(review,) if review else (),
    )


def render_brief(card: Card) -> PageDraft:
    """Render a paper in the compact look, without buttons, so that no mark can mean it.

    It is a section with title, score and a sentence, and small print with a limitation, flags or links. The
    last block has the paper's id in its block_id.
    """
    title = _clip_title(card, SHORT_TITLE_UNITS)
    score = clip_mrkdwn(card.score, SCORE_UNITS)
    lines = (
        _keycap_of(card.number) + " · ".join(filter(None, (f"*{render_link(title, card.url)}*", score))),
        escape_mrkdwn(_render_warnings(card.warnings, SHORT_WARNINGS_UNITS)),
        clip_mrkdwn(card.brief, BRIEF_UNITS),
    )
    blocks = [build_section(build_mrkdwn_text(_join_lines(lines)))]
    reason = clip_mrkdwn(card.reason, SMALL_PRINT_UNITS) if card.brief_links else ""
    small_print = (
        clip_mrkdwn(card.brief_limitation, BRIEF_UNITS),
        _render_flag_note(card),
        " · ".join(filter(None, (reason, render_links(card.brief_links)))),
    )
    if any(small_print):
        blocks.append(build_context(build_mrkdwn_text(_join_lines(small_print))))
    if len(card.paper) <= MAX_BLOCK_ID_PAPER and can_be_a_value(card.paper):
        blocks[-1]["block_id"] = f"{PAPER_BLOCK_PREFIX}{card.paper}"
    return PageDraft(tuple(blocks), _render_fallback_text(card, title))


def _join_lines(lines: Iterable[str]) -> str:
    return "\n".join(filter(None, lines))


def _clip_title(card: Card, limit: int) -> str:
    return clip_text(tidy_line(card.title), limit, cost=count_mrkdwn_units) or UNTITLED


def _keycap_of(number: int | None) -> str:
    """Return the number and a space: up to 10 as a keycap emoji, which people can react with, else "11. "."""
    if number is None:
        return ""
    return f"{KEYCAPS[number - 1]} " if 1 <= number <= len(KEYCAPS) else f"{number}. "


def _render_metadata(card: Card) -> str:
    parts = (
        (card.score, SCORE_UNITS),
        (card.spread, SPREAD_UNITS),
        (card.domain, DOMAIN_UNITS),
        (card.published, DATE_UNITS),
        (card.authors, AUTHORS_UNITS),
    )
    return " · ".join(
        filter(None, (clip_text(tidy_line(fact), limit, cost=count_plain_units) for fact, limit in parts))
    )


def _render_warnings(warnings: Sequence[str], limit: int) -> str:
    """Return the warnings as lines of unescaped text, clipped. Those beyond the limit are counted."""
    clipped = (clip_text(tidy_line(warning), WARNING_UNITS, cost=count_mrkdwn_units) for warning in warnings)
    return _join_fitting_lines([f"⚠️ {warning}" for warning in clipped if warning], limit, count_mrkdwn_units)


def _render_limitations(card: Card) -> str:
    """Return the limitations with their heading as lines of escaped mrkdwn, clipped; "" without any.

    The heading says how many there are, if some are left out.
    """
    points = _clip_each(card.limitations, LIMITATION_UNITS)
    if not points:
        return ""
    shown = 0
    while shown < len(points) and count_units("\n".join(points[: shown + 1])) <= LIMITATIONS_UNITS:
        shown += 1
    total = len(points) + card.remaining_limitations
    count = f" ({shown} of {total:,})" if total > shown else ""
    return "\n".join([f"*Limitations*{count}", *(f"• {point}" for point in points[:shown])])


def _render_quotes(card: Card) -> SlackBlock | None:
    """Return the quotes, each with the limitation that it shows, and the grades; None without quotes."""
    sections = [section for quote in card.quotes[:MAX_QUOTES] if (section := _render_quote(quote))]
    if not sections:
        return None
    grades = clip_text(tidy_line(card.grades), GRADES_UNITS, cost=count_plain_units)
    last = [build_context(build_plain_text(f"Grades, 1 to 5: {grades}"))] if grades else []
    return build_container("Quotes that show these limitations", [*sections, *last])


def _render_quote(quote: Quote) -> SlackBlock | None:
    passage = clip_mrkdwn(quote.passage, QUOTE_UNITS)
    limitation = clip_mrkdwn(quote.limitation, QUOTED_LIMITATION_UNITS)
    lines = (f"*{limitation}*" if limitation else "", f"“{passage}”")
    return build_section(build_mrkdwn_text(_join_lines(lines))) if passage else None


def _render_flag_note(card: Card) -> str:
    note = clip_mrkdwn(card.flag_note, WARNING_UNITS)
    return f"⚠️ {note}" if note else ""


def render_links(links: Sequence[Link]) -> str:
    """Return the links as one line of mrkdwn. Those without a safe address are left out."""
    clipped = (
        (clip_text(tidy_line(link.label), LINK_LABEL_UNITS, cost=count_mrkdwn_units), link.url)
        for link in links[:MAX_LINKS]
    )
    return " · ".join(render_link(label, url) for label, url in clipped if label and has_safe_url(url))


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
    """Return the small print as mrkdwn: on the panel, on flags, reason and review, and links, a line each."""
    reason, reviewed = (clip_mrkdwn(part, SMALL_PRINT_UNITS) for part in (card.reason, card.review_line))
    lines = (
        clip_mrkdwn(card.panel_note, SMALL_PRINT_UNITS),
        _render_flag_note(card),
        " · ".join(filter(None, (reason, reviewed))),
        render_links(card.links),
    )
    return _join_lines(lines)


def _render_fallback_text(card: Card, title: str) -> str:
    """Return the unescaped text of a card for screen readers, which read it instead of the blocks."""
    number = f"{card.number}. " if card.number is not None else ""
    points = tidy_visible_lines(card.limitations)
    lines = (
        f"{number}{title}",
        _render_metadata(card),
        _render_warnings(card.warnings, WARNINGS_UNITS),
        tidy_line(card.tldr),
        f"Limitations: {'; '.join(point.rstrip('.') for point in points)}" if points else "",
    )
    return _join_lines(lines)
