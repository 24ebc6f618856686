"""Renders a message as arguments of Slack's chat.postMessage: Block Kit pages within every limit. Pure.

Untrusted prose is `plain_text`, which Slack does not parse; `mrkdwn` is used only for links and bold type.
Lengths are UTF-16 units of the escaped text, never fewer than the characters Slack counts. The limits are
Slack's (https://docs.slack.dev/reference/block-kit) unless stated otherwise.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from bot.chat.links import safe_web_address
from bot.chat.message import (
    Block,
    Button,
    ButtonAction,
    Buttons,
    Card,
    Divider,
    Heading,
    Message,
    OptionRow,
    Text,
)
from bot.chat.port import Page, PostUpdate
from digests.subscription import DigestStyle
from digests.text import clip_text, normalize_text

MAX_PAGE_BLOCKS = 45
"""Blocks of a message as it is posted; the rest, up to what Slack takes, is room for what comes since."""
MAX_BLOCKS = 50
PAGE_UNITS = 10_000
"""All strings of a page's blocks. Slack refused 13,172 characters (https://github.com/slackapi/bolt-js/issues/2509)."""
FALLBACK_UNITS = 3000
"""A message's `text`. Slack advises 4,000 at most (https://docs.slack.dev/reference/methods/chat.postMessage)."""
SECTION_UNITS = 3000
HEADER_UNITS = 150
CONTEXT_UNITS = 2000
VALUE_UNITS = 2000
LABEL_UNITS = 75
"""A button's accessibility_label."""
URL_UNITS = 1500
"""Our own: an address with its title has to fit a section."""

TITLE_UNITS = 300
SCORE_UNITS = 40
DOMAIN_UNITS = 100
AUTHORS_UNITS = 200
TLDR_UNITS = 600
LIMITATION_UNITS = 300
LIMITATIONS_UNITS = 2400
WARNING_UNITS = 300
WARNINGS_UNITS = 1000
SMALL_PRINT_UNITS = 200
"""Each part of it."""
UPDATE_UNITS = 150
"""What came since a page was posted, for each paper of it."""
SHORT_TITLE_UNITS = 140
"""Two lines on a phone, where a line stands for a paper."""
SHORT_TLDR_UNITS = 300
SHORT_WARNINGS_UNITS = 600

BUTTON_UNITS = 75
"""What is written on a button."""
MAX_ROW_BUTTONS = 25
UNTITLED = "Untitled paper"
KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")

SlackBlock = dict[str, Any]


def render(message: Message, style: DigestStyle) -> tuple[Page, ...]:
    """Return the message as pages within every limit of Slack. Never raises for any text; no page is empty."""
    drafts = [page for chapter in _split_chapters(message, style) for page in _pack_drafts(chapter)]
    pages = [page for page in map(_strip_outer_dividers, drafts) if page.blocks] or [
        _build_empty_draft(message)
    ]
    return tuple(_build_page(page, position, message.summary, style) for position, page in enumerate(pages))


@dataclass(frozen=True, slots=True)
class _PageDraft:
    """Blocks that stay together on a page.

    `spoken` is the unescaped text for notifications and screen readers.
    """

    blocks: tuple[SlackBlock, ...]
    fallback_text: str = ""
    papers: tuple[str, ...] = ()

    @property
    def is_within_limits(self) -> bool:
        return len(self.blocks) <= MAX_PAGE_BLOCKS and _count_string_units(self.blocks) <= PAGE_UNITS


def _count_string_units(part: object) -> int:
    """Count the units of every string, type names included.

    Slack's own count is not documented, so this one is generous.
    """
    match part:
        case str():
            return _count_units(part)
        case dict():
            return sum(map(_count_string_units, part.values()))
        case list() | tuple():
            return sum(map(_count_string_units, part))
        case _:
            return 0


def _split_chapters(message: Message, style: DigestStyle) -> list[list[_PageDraft]]:
    """Return the drafts of the message in chapters. Each chapter begins a new page."""
    match style:
        case DigestStyle.COMPACT:
            return [_render_blocks(message.blocks, _render_compact_card)]
        case DigestStyle.CARDS:
            return [_render_blocks(blocks, _render_card) for blocks in _group_by_card(message.blocks)]
        case DigestStyle.THREAD:
            chapters = [_render_blocks(blocks, _render_card) for blocks in _group_by_card(message.blocks)]
            has_opening = not isinstance(next(iter(message.blocks), None), Card)
            return [chapters[0] + _render_listing(message.cards), *chapters[1:]] if has_opening else chapters
        case _:
            assert_never(style)


def _group_by_card(blocks: Sequence[Block]) -> list[list[Block]]:
    """Group the blocks before the first card, then each card with the blocks that follow it."""
    groups: list[list[Block]] = [[]]
    for block in blocks:
        if isinstance(block, Card) and groups[-1]:
            groups.append([])
        groups[-1].append(block)
    return groups


def _pack_drafts(drafts: Iterable[_PageDraft]) -> list[_PageDraft]:
    """Pack the drafts into as few pages as their order and the limits allow."""
    pages: list[_PageDraft] = []
    for draft in drafts:
        merged = _merge_drafts(pages[-1], draft) if pages else draft
        pages[-1:] = [merged] if merged.is_within_limits else [*pages[-1:], draft]
    return pages


def _merge_drafts(page: _PageDraft, draft: _PageDraft) -> _PageDraft:
    fallback_text = "\n".join(filter(None, (page.fallback_text, draft.fallback_text)))
    return _PageDraft(page.blocks + draft.blocks, fallback_text, page.papers + draft.papers)


DIVIDER: SlackBlock = {"type": "divider"}


def _strip_outer_dividers(page: _PageDraft) -> _PageDraft:
    blocks = list(page.blocks)
    while blocks and blocks[0] == DIVIDER:
        del blocks[0]
    while blocks and blocks[-1] == DIVIDER:
        del blocks[-1]
    return _PageDraft(tuple(blocks), page.fallback_text, page.papers)


def _build_empty_draft(message: Message) -> _PageDraft:
    fallback_text = (
        clip_text(_tidy_line(message.summary), FALLBACK_UNITS, cost=_count_plain_units) or "Nothing to show."
    )
    return _PageDraft((_build_section(_build_plain_text(fallback_text)),), fallback_text)


def _build_page(page: _PageDraft, position: int, summary: str, style: DigestStyle) -> Page:
    """Build a page.

    The fallback text of the first page is the message's summary, that of the others their content.
    """
    fallback_text = (_tidy_line(summary) if position == 0 else "") or page.fallback_text
    payload = {
        "text": _escape_mrkdwn(clip_text(fallback_text, FALLBACK_UNITS, cost=_count_mrkdwn_units))
        or "Papers",
        "blocks": list(page.blocks),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return Page(payload, page.papers, in_thread=style is DigestStyle.THREAD and position > 0)


# Prose.


def _render_blocks(blocks: Iterable[Block], render_card: Callable[[Card], _PageDraft]) -> list[_PageDraft]:
    drafts: list[_PageDraft] = []
    for block in blocks:
        match block:
            case Heading():
                drafts += _render_heading(block)
            case Text():
                drafts += _render_small_text(block) if block.is_small_print else _render_paragraph(block)
            case Divider():
                drafts.append(_PageDraft((DIVIDER,)))
            case Card():
                drafts.append(render_card(block))
            case Buttons():
                drafts += _render_row(block)
            case OptionRow():
                drafts += _render_option_row(block)
            case _:
                assert_never(block)
    return drafts


def _render_row(row: Buttons) -> list[_PageDraft]:
    buttons = [
        _render_action_button(button, number)
        for number, button in enumerate(row.buttons[:MAX_ROW_BUTTONS])
        if _can_be_a_value(button.value)
    ]
    return [_PageDraft(({"type": "actions", "elements": buttons},))] if buttons else []


def _render_action_button(button: Button, number: int = 0) -> SlackBlock:
    """Render a button. Its action id ends with a number, as in "show.2", because ids must be unique in a row."""
    label = (
        clip_text(_tidy_line(button.label), BUTTON_UNITS, cost=_count_plain_units) or button.action.title()
    )
    element: SlackBlock = {
        "type": "button",
        "action_id": f"{button.action}.{number}" if number else str(button.action),
        "text": {"type": "plain_text", "text": _defuse_pings(label), "emoji": True},
        "value": button.value,
    }
    return {**element, "style": "primary"} if button.is_primary else element


def _render_option_row(offer: OptionRow) -> list[_PageDraft]:
    text = clip_text(_tidy_line(offer.text), SMALL_PRINT_UNITS, cost=_count_plain_units)
    if not text:
        return []
    section = _build_section(_build_plain_text(text))
    if _can_be_a_value(offer.button.value):
        section["accessory"] = _render_action_button(offer.button)
    return [_PageDraft((section,), text)]


def _render_heading(heading: Heading) -> list[_PageDraft]:
    text = clip_text(_tidy_line(heading.text), HEADER_UNITS, cost=_count_plain_units)
    return [_PageDraft(({"type": "header", "text": _build_plain_text(text)},), text)] if text else []


def _render_paragraph(text: Text) -> list[_PageDraft]:
    return [
        _PageDraft((_build_section(written),), spoken)
        for written, spoken in _split_text_objects(text, SECTION_UNITS)
    ]


def _render_small_text(text: Text) -> list[_PageDraft]:
    return [
        _PageDraft((_build_context(written),), spoken)
        for written, spoken in _split_text_objects(text, CONTEXT_UNITS)
    ]


def _split_text_objects(text: Text, limit: int) -> Iterable[tuple[SlackBlock, str]]:
    """Split a text into text objects within the limit, each with its spoken text.

    The label precedes the first.
    """
    body = _tidy_lines(text.text)
    label = clip_text(_tidy_line(text.label), HEADER_UNITS, cost=_count_mrkdwn_units)
    if not label:
        for piece in _split_text(body, limit, _count_plain_units):
            yield _build_plain_text(piece), piece
        return
    bold_label = f"*{_escape_mrkdwn(label)}*"
    first, *rest = _split_text(body, limit - _count_units(bold_label) - 1, _count_mrkdwn_units) or [""]
    space = "\n" if "\n" in first or rest else " "
    yield (
        _build_mrkdwn_text(f"{bold_label}{space}{_escape_mrkdwn(first)}".strip()),
        f"{label}{space}{first}".strip(),
    )
    for piece in rest:
        yield _build_mrkdwn_text(_escape_mrkdwn(piece)), piece


def _split_text(text: str, limit: int, cost: Callable[[str], int]) -> list[str]:
    """Split the whole text into pieces within the limit: between lines, else between words, else anywhere."""
    pieces = []
    while len(text) > limit or cost(text) > limit:
        fitting = bisect_right(range(1, limit + 1), limit, key=lambda end: cost(text[:end]))
        spaces = [text.rfind(space, fitting // 2, fitting + 1) for space in "\n "]
        cut = next((space for space in spaces if space > 0), fitting)
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [piece for piece in [*pieces, text] if piece]


# Cards.


def _render_card(card: Card) -> _PageDraft:
    title = _clip_title(card, TITLE_UNITS)
    number = f"{card.number}. " if card.number is not None else ""
    metadata = _render_metadata(card)
    warnings = _render_warnings(card)
    tldr = clip_text(_tidy_line(card.tldr), TLDR_UNITS, cost=_count_plain_units)
    limitations = _render_limitations(card)
    small_print = _render_small_print(card)
    blocks = (
        _build_section(_build_mrkdwn_text(f"*{number}{_render_link(title, card.url)}*")),
        metadata and _build_context(_build_plain_text(metadata)),
        warnings and _build_section(_build_plain_text(warnings)),
        tldr and _build_section(_build_plain_text(tldr)),
        limitations and _build_section(_build_mrkdwn_text(f"*Limitations*\n{limitations}")),
        small_print and _build_context(_build_plain_text(small_print)),
        {"type": "actions", "elements": [_render_discuss_button(card, title)]}
        if _can_be_a_value(card.paper)
        else None,
    )
    return _PageDraft(
        tuple(block for block in blocks if block), _render_fallback_text(card, title), (card.paper,)
    )


def _render_compact_card(card: Card) -> _PageDraft:
    """Render the title and the paper's summary with the button beside it.

    Limitations are one line of small print.
    """
    title = _clip_title(card, SHORT_TITLE_UNITS)
    warnings = [f"⚠️ {warning}" for warning in _clip_each(card.warnings, WARNING_UNITS)]
    lines = (
        f"{_keycap_of(card.number)}{_render_listed_card(title, card)}",
        _join_fitting_lines(warnings, SHORT_WARNINGS_UNITS, _count_units),
        _clip_mrkdwn(card.tldr, SHORT_TLDR_UNITS),
    )
    section = _build_section(_build_mrkdwn_text("\n".join(filter(None, lines))))
    if _can_be_a_value(card.paper):
        section["accessory"] = _render_discuss_button(card, title)
    limitations = clip_text(_render_limitations_line(card), SHORT_TLDR_UNITS, cost=_count_plain_units)
    blocks = (section, _build_context(_build_plain_text(limitations))) if limitations else (section,)
    return _PageDraft(blocks, _render_fallback_text(card, title), (card.paper,))


def _render_listing(cards: Iterable[Card]) -> list[_PageDraft]:
    """Render one line for each paper. The pages record no paper, so that a reaction belongs to its card."""
    sections: list[list[tuple[str, str]]] = []
    room = 0
    for card in cards:
        title = _clip_title(card, SHORT_TITLE_UNITS)
        number = f"{card.number}. " if card.number is not None else "• "
        line = f"{number}{_render_listed_card(title, card)}"
        room -= _count_units(line) + 1
        if room < 0:
            sections.append([])
            room = SECTION_UNITS - _count_units(line)
        sections[-1].append((line, f"{number}{title}"))
    return [_render_lines(section) for section in sections]


def _render_lines(lines: Sequence[tuple[str, str]]) -> _PageDraft:
    written, fallback_text = ("\n".join(column) for column in zip(*lines, strict=True))
    return _PageDraft((_build_section(_build_mrkdwn_text(written)),), fallback_text)


def _render_listed_card(title: str, card: Card) -> str:
    score = _clip_mrkdwn(card.score, SCORE_UNITS)
    return " · ".join(filter(None, (f"*{_render_link(title, card.url)}*", score)))


def _clip_title(card: Card, limit: int) -> str:
    return clip_text(_tidy_line(card.title), limit, cost=_count_mrkdwn_units) or UNTITLED


def _keycap_of(number: int | None) -> str:
    if number is None:
        return ""
    return f"{KEYCAPS[number - 1]} " if 1 <= number <= len(KEYCAPS) else f"{number}. "


def _render_metadata(card: Card) -> str:
    parts = ((card.score, SCORE_UNITS), (card.domain, DOMAIN_UNITS), (card.authors, AUTHORS_UNITS))
    return " · ".join(
        filter(None, (clip_text(_tidy_line(fact), limit, cost=_count_plain_units) for fact, limit in parts))
    )


def _render_warnings(card: Card) -> str:
    """Return the warnings of a card, unescaped, for plain_text."""
    warnings = (
        clip_text(_tidy_line(warning), WARNING_UNITS, cost=_count_plain_units) for warning in card.warnings
    )
    return _join_fitting_lines(
        [f"⚠️ {warning}" for warning in warnings if warning], WARNINGS_UNITS, _count_plain_units
    )


def _render_limitations(card: Card) -> str:
    points = _clip_each(card.limitations, LIMITATION_UNITS)
    return _join_fitting_lines([f"• {point}" for point in points], LIMITATIONS_UNITS, _count_units)


def _clip_each(texts: Iterable[str], limit: int) -> list[str]:
    return list(filter(None, (_clip_mrkdwn(text, limit) for text in texts)))


def _join_fitting_lines(lines: Sequence[str], limit: int, cost: Callable[[str], int]) -> str:
    """Join as many lines as fit, and add the number of those left out."""
    shown = 0
    while shown < len(lines) and cost("\n".join(lines[: shown + 1])) <= limit:
        shown += 1
    more = len(lines) - shown
    return "\n".join([*lines[:shown], *([f"and {more} more"] if more else [])])


def _render_small_print(card: Card) -> str:
    note = "" if _tidy_visible_lines(card.limitations) else card.limitations_note
    note, reviewed, reason = (
        clip_text(_tidy_line(part), SMALL_PRINT_UNITS, cost=_count_plain_units)
        for part in (note, card.review_line, card.reason)
    )
    return "\n".join(filter(None, (note, " · ".join(filter(None, (reviewed, reason))))))


def _render_limitations_line(card: Card) -> str:
    points = _tidy_visible_lines(card.limitations)
    return (
        f"Limitations: {'; '.join(point.rstrip('.') for point in points)}"
        if points
        else _tidy_line(card.limitations_note)
    )


def _render_fallback_text(card: Card, title: str) -> str:
    """Return the text of a card for screen readers, which read it instead of the blocks."""
    number = f"{card.number}. " if card.number is not None else ""
    lines = (
        f"{number}{title}",
        _render_metadata(card),
        _render_warnings(card),
        _tidy_line(card.tldr),
        _render_limitations_line(card),
    )
    return "\n".join(filter(None, lines))


def _render_discuss_button(card: Card, title: str) -> SlackBlock:
    return {
        "type": "button",
        "action_id": ButtonAction.DISCUSS,
        "text": _render_discuss_text(card.mark_count),
        "value": card.paper,
        "accessibility_label": _defuse_pings(
            clip_text(f"Discuss {title}", LABEL_UNITS, cost=_count_plain_units)
        )
        or "Discuss",
    }


def _render_discuss_text(mark_count: int) -> SlackBlock:
    return {
        "type": "plain_text",
        "text": f"🔖 Discuss · {mark_count:,}" if mark_count else "🔖 Discuss",
        "emoji": True,
    }


def apply_post_update(payload: Mapping[str, Any], update: PostUpdate) -> dict[str, Any]:
    """Return a posted page with vote counts on the Discuss buttons and update lines beside them.

    The rest is unchanged. Pure.
    """
    update_lines = {
        paper: clip_text(_tidy_line(line), UPDATE_UNITS, cost=_count_plain_units)
        for paper, line in update.update_lines.items()
    }
    room = MAX_BLOCKS - len(payload["blocks"])
    blocks: list[SlackBlock] = []
    for block in payload["blocks"]:
        paper = _paper_of(block)
        blocks.append(_set_mark_count(block, update.mark_counts.get(paper or "", 0)))
        if paper and update_lines.get(paper) and room > 0:
            room -= 1
            # A full card ends with its button, a short one begins with it.
            blocks.insert(
                len(blocks) - (block["type"] == "actions"),
                _build_context(_build_plain_text(update_lines[paper])),
            )
    return {
        **payload,
        "text": _append_update_line(payload["text"], list(update_lines.values())),
        "blocks": blocks,
    }


def _append_update_line(text: str, update_lines: Sequence[str]) -> str:
    """Append the update lines to the fallback text.

    On a page of several papers only the blocks name the paper.
    """
    (line,) = update_lines if len(update_lines) == 1 else ("",)
    longer = f"{text}\n{_escape_mrkdwn(line)}"
    return longer if line and _count_units(longer) <= FALLBACK_UNITS else text


def _paper_of(block: SlackBlock) -> str | None:
    """Return the id of the paper whose Discuss button is in a block, or None."""
    for button in (*block.get("elements", ()), block.get("accessory", {})):
        if button.get("action_id") == ButtonAction.DISCUSS:
            return str(button["value"])
    return None


def _set_mark_count(block: SlackBlock, mark_count: int) -> SlackBlock:
    def set_button_text(button: SlackBlock) -> SlackBlock:
        is_discuss = button.get("action_id") == ButtonAction.DISCUSS
        return {**button, "text": _render_discuss_text(mark_count)} if is_discuss else button

    if "accessory" in block:
        return {**block, "accessory": set_button_text(block["accessory"])}
    return {**block, "elements": [*map(set_button_text, block["elements"])]} if "elements" in block else block


def _can_be_a_value(paper: str) -> bool:
    """Return True if Slack returns the id unchanged as a button's value."""
    return (
        paper != ""
        and paper == normalize_text(paper)
        and _count_units(_escape_entities(paper)) <= VALUE_UNITS
    )


# Block Kit.


def _build_section(text: SlackBlock) -> SlackBlock:
    return {"type": "section", "text": text}


def _build_context(text: SlackBlock) -> SlackBlock:
    return {"type": "context", "elements": [text]}


def _build_plain_text(text: str) -> SlackBlock:
    """Build a plain_text object. Slack does not parse it: marks and shortcodes stay as written."""
    return {"type": "plain_text", "text": _defuse_pings(text), "emoji": False}


def _build_mrkdwn_text(markup: str) -> SlackBlock:
    """Build a mrkdwn object. With `verbatim` Slack adds no links or mentions of its own."""
    return {"type": "mrkdwn", "text": markup, "verbatim": True}


# Untrusted text.

_UNSEEN_SPACE = "\u200b"
_SOFT_HYPHEN = "\u00ad"
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"

# Slack has no escape for its marks, and a zero-width space beside one makes it work inside a word too
# (https://github.com/yhatt/jsx-slack/blob/main/docs/about-escape-and-exact-mode.md), so a mark that could open or
# close gives way to its look-alike. Between two letters or digits it does nothing and stays: x_1, a*b.
_LOOK_ALIKES = str.maketrans("*_~`＊＿｀", "∗ˍ∼ˋ﹡⸏ˋ")
_MARK = re.compile(r"(?<![A-Za-z0-9])[*_~]|[*_~](?![A-Za-z0-9])|[`＊＿｀]")
_SHORTCODE = re.compile(r":(?=[^\s:]+:)")
_QUOTE = re.compile(r"^(?=[>＞])", re.MULTILINE)
_PING = re.compile(r"@(?=everyone|channel|here)|<(?=[!@#])", re.IGNORECASE)


def _count_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _tidy_line(text: str) -> str:
    """Return the text as one tidy line, or "" if nothing would be visible."""
    text = normalize_text(text)
    seen = (
        sign for sign in text if unicodedata.category(sign)[0] not in "CMZ" and sign not in _BLANK_LETTERS
    )
    return text if any(seen) else ""


def _tidy_lines(text: str) -> str:
    """Return the tidy text with its line breaks, with at most one empty line in a row."""
    return re.sub("\n{3,}", "\n\n", "\n".join(map(_tidy_line, text.splitlines()))).strip()


def _tidy_visible_lines(texts: Iterable[str]) -> list[str]:
    return list(filter(None, map(_tidy_line, texts)))


def _clip_mrkdwn(text: str, limit: int) -> str:
    """Return one line of mrkdwn within the limit.

    The text is cut before it is escaped, so that no entity is split.
    """
    return _escape_mrkdwn(clip_text(_tidy_line(text), limit, cost=_count_mrkdwn_units))


def _defuse_pings(text: str) -> str:
    """Break up pings in plain_text. Slack does not parse them there; this is a second safeguard."""
    return _PING.sub(rf"\g<0>{_UNSEEN_SPACE}", text)


def _escape_mrkdwn(text: str) -> str:
    """Escape a text for mrkdwn. It reads the same and contains no active ping, link or format."""
    unmarked = _MARK.sub(lambda mark: mark[0].translate(_LOOK_ALIKES), text)
    unquoted = _QUOTE.sub(_SOFT_HYPHEN, unmarked)
    return _escape_entities(_SHORTCODE.sub(rf"\g<0>{_UNSEEN_SPACE}", _defuse_pings(unquoted)))


def _escape_entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _count_plain_units(text: str) -> int:
    """Count the units of the escaped text. Slack does not document that it counts plain_text unescaped."""
    return _count_units(_escape_entities(_defuse_pings(text)))


def _count_mrkdwn_units(text: str) -> int:
    return _count_units(_escape_mrkdwn(text))


def _render_link(title: str, url: str) -> str:
    target = _to_safe_url(url)
    return (
        f"<{_escape_entities(target)}|{_escape_mrkdwn(title).replace('|', '∣')}>"
        if target
        else _escape_mrkdwn(title)
    )


def _to_safe_url(url: str) -> str:
    address = safe_web_address(url)
    return address if _count_units(_escape_entities(address)) <= URL_UNITS else ""
