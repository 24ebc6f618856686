"""A message as Discord's create-message payloads: content, embeds and classic buttons. Pure.

The limits are Discord's (https://docs.discord.com/developers/resources/message#embed-object-embed-limits and
.../components/reference), counted in UTF-16 units, which are never fewer than the characters Discord counts.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from bot.chat.message import Block, Button, Buttons, Card, Divider, Heading, Message, OptionRow, Text
from bot.chat.port import Page, PostUpdate
from bot.platforms.discord.sanitize import (
    count_units,
    escape_inline,
    escape_plain,
    render_link,
    tidy_line,
    to_safe_url,
)
from digests.subscription import DigestStyle
from digests.text import clip_text

CONTENT_UNITS = 2000
TITLE_UNITS = 256
DESCRIPTION_UNITS = 4096
EMBEDS_UNITS = 6000
"""UTF-16 units in all embeds of a message: titles, descriptions and footers."""
MAX_EMBEDS = 10
MAX_ROW_BUTTONS = 5
MAX_ROWS = 5
CUSTOM_ID_UNITS = 100
MARKER_UNITS = 26
"""Kept free in every custom_id for a sign and the page's key."""
LABEL_UNITS = 80

SUPPRESS_NOTIFICATIONS = 1 << 12
"""A message flag: one digest makes one sound, its first page's."""
ACTION_ROW, BUTTON, PRIMARY, SECONDARY = 1, 2, 1, 2
"""Component types and button styles (https://docs.discord.com/developers/components/reference)."""

DISCUSS_PREFIX = "discuss:"
"""Prefix of a button's custom_id; the paper's id follows."""
BOOKMARK = "🔖"
SLATE, AMBER = 0x5C6F91, 0xE8A33D
KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")
UPDATE_UNITS = 150
"""UTF-16 units of the text added to each paper after its page was posted."""
LISTED_TITLE_UNITS = 140
"""Two lines on a phone."""


def render(message: Message, style: DigestStyle) -> tuple[Page, ...]:
    """Renders a message as pages within Discord's limits. Only the first one notifies.

    Never raises for any text.
    """
    opening, papers = _split_message(message)
    match style:
        case DigestStyle.CARDS:
            drafts = [
                *_append_buttons(_pack_drafts(_render_opening(opening)), opening),
                *_render_cards(papers),
            ]
        case DigestStyle.THREAD:
            listing = _render_listing(message.cards) if opening else []
            drafts = [
                *_append_buttons(_pack_drafts([*_render_opening(opening), *listing]), opening),
                *_render_cards(papers),
            ]
        case DigestStyle.COMPACT:
            drafts = _render_compact(opening, papers)
        case _:
            assert_never(style)
    drafts = drafts or [
        _PageDraft(content=_clip_inline(message.summary, CONTENT_UNITS) or "Nothing to show.")
    ]
    return tuple(_build_page(draft, position, style) for position, draft in enumerate(drafts))


Embed = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _PageDraft:
    """A page under construction."""

    content: str = ""
    embeds: tuple[Embed, ...] = ()
    buttons: tuple[Mapping[str, Any], ...] = ()
    papers: tuple[str, ...] = ()

    @property
    def is_within_limits(self) -> bool:
        return (
            count_units(self.content) <= CONTENT_UNITS
            and len(self.embeds) <= MAX_EMBEDS
            and sum(map(_count_embed_units, self.embeds)) <= EMBEDS_UNITS
            and len(self.buttons) <= MAX_ROWS * MAX_ROW_BUTTONS
            and len({button["custom_id"] for button in self.buttons}) == len(self.buttons)
        )


def _count_embed_units(embed: Embed) -> int:
    footer = embed.get("footer", {}).get("text", "")
    return sum(map(count_units, (embed.get("title", ""), embed.get("description", ""), footer)))


@dataclass(frozen=True, slots=True)
class _CardSection:
    """A card and the blocks that follow it. After the last card they are the message's closing."""

    card: Card
    following_blocks: tuple[Block, ...]


def _split_message(message: Message) -> tuple[tuple[Block, ...], tuple[_CardSection, ...]]:
    starts = [index for index, block in enumerate(message.blocks) if isinstance(block, Card)]
    ends = [*starts[1:], len(message.blocks)]
    opening = message.blocks[: starts[0]] if starts else message.blocks
    between = [message.blocks[start + 1 : end] for start, end in zip(starts, ends, strict=False)]
    papers = (_CardSection(card, after) for card, after in zip(message.cards, between, strict=True))
    return opening, tuple(papers)


def _pack_drafts(drafts: Iterable[_PageDraft]) -> list[_PageDraft]:
    """Merges drafts into as few pages as their order and the limits allow."""
    pages: list[_PageDraft] = []
    for draft in drafts:
        merged = _merge_drafts(pages[-1], draft) if pages else None
        pages[-1:] = [merged] if merged else [*pages[-1:], draft]
    return pages


def _merge_drafts(page: _PageDraft, draft: _PageDraft) -> _PageDraft | None:
    """Merges a draft into a page. Returns None if a limit or the order of content and embeds forbids it."""
    if page.embeds and draft.content:
        return None
    merged = _PageDraft(
        content="\n".join(filter(None, (page.content, draft.content))),
        embeds=page.embeds + draft.embeds,
        buttons=page.buttons + draft.buttons,
        papers=page.papers + draft.papers,
    )
    return merged if merged.is_within_limits else None


# Prose: headings and paragraphs.


def _render_opening(blocks: Iterable[Block]) -> list[_PageDraft]:
    """Renders prose as content, which notifications show; the overflow goes into embeds."""
    content, rest = _take_fitting_lines(_render_lines(blocks), CONTENT_UNITS)
    return [*([_PageDraft(content=content)] if content else []), *_render_plain_embeds(rest)]


def _render_plain_embeds(lines: Sequence[str]) -> list[_PageDraft]:
    """Lines as embeds without title or colour, one a draft."""
    drafts = []
    while lines:
        description, lines = _take_fitting_lines(lines, DESCRIPTION_UNITS)
        if description:
            drafts.append(_PageDraft(embeds=({"description": description},)))
    return drafts


def _take_fitting_lines(lines: Sequence[str], limit: int) -> tuple[str, Sequence[str]]:
    """Returns the first lines that fit, as one text, and the remaining lines."""
    used = 0
    for index, line in enumerate(lines):
        used += count_units(line) + 1
        if used > limit + 1:
            return "\n".join(lines[:index]).strip("\n"), lines[index:]
    return "\n".join(lines).strip("\n"), ()


def _render_lines(blocks: Iterable[Block]) -> list[str]:
    """The blocks' prose in markup, line by line; no line is longer than a content may be."""
    lines: list[str] = []
    offers = 0
    for block in blocks:
        match block:
            case Heading():
                lines += _render_markup_lines("**", block.text, "**")
            case Text():
                paragraph = _render_paragraph(block)
                follows_prose = bool(lines and lines[-1]) and not lines[-1].startswith("**")
                starts_anew = follows_prose and not block.is_small_print and not block.label
                lines += ["", *paragraph] if paragraph and starts_anew else paragraph
            case Divider():
                lines.append("")
            case OptionRow():
                offers += 1
                lines += _render_paragraph(Text(_number_option(block.text, offers)))
            case Buttons() | Card():
                pass  # A card is never prose; _parts has taken it out. Buttons are no lines.
            case _:
                assert_never(block)
    return lines


def _number_option(text: str, number: int) -> str:
    """An offer's button stands apart from it, so both bear its number."""
    return text if text.startswith(f"{number}. ") else f"{number}. {text}"


def _render_paragraph(text: Text) -> list[str]:
    mark = "-# " if text.is_small_print else ""
    lines = [line for raw in text.text.splitlines() for line in _render_markup_lines(mark, raw, "") or [""]]
    while lines and not lines[-1]:
        lines.pop()
    if label := _clip_inline(text.label, TITLE_UNITS):
        bold_label = f"{mark}**{label}**"
        room = CONTENT_UNITS - count_units(bold_label) - 1
        alone = len(lines) != 1 or count_units(lines[0]) > room
        lines = [bold_label, *lines] if alone else [f"{bold_label} {lines[0].removeprefix(mark)}"]
    return lines


def _render_markup_lines(before: str, raw: str, after: str) -> list[str]:
    """One raw line in markup, cut into several where it is too long, at words while there are any."""
    room = CONTENT_UNITS - count_units(before) - count_units(after)
    pieces, rest = [], tidy_line(raw)
    while rest:
        end = _find_fitting_end(rest, room)
        pieces.append(escape_inline(rest[:end]))
        rest = rest[end:].lstrip()
    return [f"{before}{piece}{after}" for piece in pieces if piece]


def _find_fitting_end(text: str, room: int) -> int:
    """Returns the length of the longest prefix that fits escaped, cut at a word or else at a character."""
    if len(text) <= room and count_units(escape_inline(text)) <= room:
        return len(text)
    for ends in (
        [space.start() for space in re.finditer(r"(?<=\S)\s", text[: room + 1])],
        range(1, room + 1),
    ):
        if fitting := bisect_right(ends, room, key=lambda end: count_units(escape_inline(text[:end]))):
            return ends[fitting - 1]
    return 0


# Cards.


@dataclass(frozen=True, slots=True)
class _CardLimits:
    """Limits of a card: UTF-16 units of each part, and the number of entries in lists."""

    title: int
    authors: int
    tldr: int
    limitations: int
    limitation: int
    note: int
    warning: int
    reason: int
    reviewed: int


SCORE_UNITS = 24
DOMAIN_UNITS = 60
MAX_WARNINGS = 3
"""Warnings per card; more would hide the paper."""

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
"""Ten of these fit one message: 6000 units for ten embeds."""


def _render_cards(papers: Iterable[_CardSection]) -> list[_PageDraft]:
    """A page a paper, with what follows it."""
    drafts = []
    for paper in papers:
        number = f"{paper.card.number}. " if paper.card.number is not None else ""
        card = _render_card(paper.card, FULL_CARD, number=number, label="Discuss")
        drafts += _append_buttons(
            _pack_drafts([card, *_render_plain_embeds(_render_lines(paper.following_blocks))]),
            paper.following_blocks,
        )
    return drafts


def _render_compact(opening: Sequence[Block], papers: Sequence[_CardSection]) -> list[_PageDraft]:
    """Everything on as few pages as it takes; one paper alone is shown in full."""
    drafts = _render_opening(opening)
    for position, paper in enumerate(papers, 1):
        if len(papers) == 1:
            drafts.append(_render_card(paper.card, FULL_CARD, number="", label="Discuss"))
        else:
            number = position if paper.card.number is None else paper.card.number
            drafts.append(_render_card(paper.card, SHORT_CARD, number=_keycap_of(number), label=str(number)))
        if position < len(papers):
            drafts += _render_plain_embeds(_render_lines(paper.following_blocks))
    pages = _append_closing(
        _pack_drafts(drafts), _render_lines(papers[-1].following_blocks) if papers else []
    )
    return _append_buttons(
        pages, [*opening, *(block for paper in papers for block in paper.following_blocks)]
    )


def _append_closing(pages: list[_PageDraft], closing: Sequence[str]) -> list[_PageDraft]:
    """The closing lines in an embed of the last page, else in its content, else on a page of their own."""
    closing_drafts = _render_plain_embeds(closing)
    embedded = _pack_drafts([*pages[-1:], *closing_drafts])
    if len(embedded) <= 1:
        return [*pages[:-1], *embedded]
    content = "\n".join(filter(None, (pages[-1].content, *closing)))
    extended = replace(pages[-1], content=content)
    return [*pages[:-1], extended] if extended.is_within_limits else [*pages[:-1], *embedded]


def _append_buttons(pages: list[_PageDraft], blocks: Iterable[Block]) -> list[_PageDraft]:
    """The pages with the blocks' buttons on the last one; a button that has no room is left out."""
    for button in _collect_buttons(blocks):
        extended = replace(pages[-1], buttons=(*pages[-1].buttons, button)) if pages else None
        pages = [*pages[:-1], extended] if extended and extended.is_within_limits else pages
    return pages


def _collect_buttons(blocks: Iterable[Block]) -> list[Mapping[str, Any]]:
    """Returns the buttons in rows and those of offers, which show their offer's number."""
    buttons, offers = [], 0
    for block in blocks:
        match block:
            case Buttons():
                buttons += [_render_button(button, button.label) for button in block.buttons]
            case OptionRow():
                offers += 1
                buttons.append(_render_button(block.button, f"{block.button.label} {offers}"))
            case _:
                pass
    return [button for button in buttons if button]


def _render_button(button: Button, label: str) -> Mapping[str, Any]:
    """Returns a button, or an empty dict for a value that Discord cannot return unchanged."""
    custom_id = f"{button.action}:{button.value}"
    if custom_id != tidy_line(custom_id) or count_units(custom_id) > CUSTOM_ID_UNITS - MARKER_UNITS:
        return {}
    style = PRIMARY if button.is_primary else SECONDARY
    label = escape_plain(clip_text(tidy_line(label), LABEL_UNITS, cost=_count_plain_units))
    return {"type": BUTTON, "style": style, "label": label, "custom_id": custom_id}


def _keycap_of(number: int) -> str:
    return f"{KEYCAPS[number - 1]} " if 1 <= number <= len(KEYCAPS) else f"{number}. "


def _render_card(card: Card, limits: _CardLimits, *, number: str, label: str) -> _PageDraft:
    title = _clip_inline(card.title, limits.title - count_units(number)) or "Untitled paper"
    embed: dict[str, Any] = {
        "title": f"{number}{title}",
        "color": AMBER if card.warnings else SLATE,
    }
    if url := to_safe_url(card.url):
        embed["url"] = url
    if description := _render_description(card, limits):
        embed["description"] = description
    if reviewed := escape_plain(
        clip_text(tidy_line(card.review_line), limits.reviewed, cost=_count_plain_units)
    ):
        embed["footer"] = {"text": reviewed}
    return _PageDraft(
        embeds=(embed,), buttons=_render_discuss_button(card.paper, label), papers=(card.paper,)
    )


def _render_description(card: Card, limits: _CardLimits) -> str:
    parts = (
        _render_metadata(card, limits),
        _render_warnings(card.warnings, limits),
        _clip_inline(card.tldr, limits.tldr),
        _render_limitations(card, limits),
        _render_small_print(_clip_inline(card.reason, limits.reason)),
    )
    return "\n\n".join(filter(None, parts))


def _render_metadata(card: Card, limits: _CardLimits) -> str:
    score = _clip_inline(card.score, SCORE_UNITS)
    parts = (
        score and f"**{score}**",
        _clip_inline(card.domain, DOMAIN_UNITS),
        _clip_inline(card.authors, limits.authors),
    )
    return _render_small_print(" · ".join(filter(None, parts)))


def _render_warnings(warnings: Sequence[str], limits: _CardLimits) -> str:
    shown = (_clip_inline(warning, limits.warning) for warning in warnings[:MAX_WARNINGS])
    return "\n".join(f"⚠️ {warning}" for warning in shown if warning)


def _render_limitations(card: Card, limits: _CardLimits) -> str:
    shown = [
        _clip_inline(limitation, limits.limitation) for limitation in card.limitations[: limits.limitations]
    ]
    bullets = [f"- {limitation}" for limitation in shown if limitation]
    if not bullets:
        return _render_small_print(_clip_inline(card.limitations_note, limits.note))
    more = len(card.limitations) - limits.limitations
    return "\n".join(["**Limitations**", *bullets, *([f"- and {more} more"] if more > 0 else [])])


def _render_small_print(text: str) -> str:
    return f"-# {text}" if text else ""


def _render_discuss_button(paper: str, label: str) -> tuple[Mapping[str, Any], ...]:
    """The button that marks a paper; none for an id that Discord could not give back as it is."""
    custom_id = DISCUSS_PREFIX + paper
    if not paper or paper != tidy_line(paper) or count_units(custom_id) > CUSTOM_ID_UNITS - MARKER_UNITS:
        return ()
    emoji = {"name": BOOKMARK}
    return ({"type": BUTTON, "style": SECONDARY, "label": label, "emoji": emoji, "custom_id": custom_id},)


def apply_post_update(payload: Mapping[str, Any], update: PostUpdate) -> dict[str, Any]:
    """Updates a posted page: vote counts on the papers' buttons, and new lines under their cards. Pure.

    A line that would break a limit is left out.
    """
    rows = [
        {**row, "components": [_set_mark_count(button, update.mark_counts) for button in row["components"]]}
        for row in payload["components"]
    ]
    papers = list(filter(None, (_paper_of(button) for row in rows for button in row["components"])))
    embeds = list(payload["embeds"])
    cards = [place for place, embed in enumerate(embeds) if "title" in embed]
    # Where a card has no button, nobody can say which card is whose.
    shown = zip(cards, papers, strict=True) if len(cards) == len(papers) else ()
    for place, paper in shown:
        updated = [*embeds]
        updated[place] = _append_update_line(embeds[place], update.update_lines.get(paper, ""))
        embeds = updated if _PageDraft(embeds=tuple(updated)).is_within_limits else embeds
    return {**payload, "embeds": embeds, "components": rows}


def _append_update_line(embed: Embed, update_text: str) -> Embed:
    line = _render_small_print(_clip_inline(update_text, UPDATE_UNITS))
    description = "\n\n".join(filter(None, (embed.get("description", ""), line)))
    return (
        {**embed, "description": description}
        if line and count_units(description) <= DESCRIPTION_UNITS
        else embed
    )


def _set_mark_count(button: Mapping[str, Any], mark_counts: Mapping[str, int]) -> Mapping[str, Any]:
    count = mark_counts.get(_paper_of(button), 0)
    return {**button, "label": f"{button['label']} · {count:,}"} if count else button


def _paper_of(button: Mapping[str, Any]) -> str:
    """The paper that a button marks; nothing for a button that does something else."""
    custom_id = str(button["custom_id"])
    return custom_id.removeprefix(DISCUSS_PREFIX) if custom_id.startswith(DISCUSS_PREFIX) else ""


def _render_listing(cards: Iterable[Card]) -> list[_PageDraft]:
    """A line a paper, in embeds; no paper is on these pages, so that a mark belongs to its card."""
    return _render_plain_embeds([_render_listed_card(card) for card in cards])


def _render_listed_card(card: Card) -> str:
    number = f"**{card.number}.** " if card.number is not None else ""
    title = clip_text(tidy_line(card.title), LISTED_TITLE_UNITS, cost=_count_inline_units) or "Untitled paper"
    score = _clip_inline(card.score, SCORE_UNITS)
    return number + " · ".join(filter(None, (render_link(title, card.url), score)))


def _clip_inline(text: str, limit: int) -> str:
    """Escapes the text within a limit. It is cut first, so that no escape is split."""
    text = tidy_line(text)
    return escape_inline(
        clip_text(text, limit, cost=_count_inline_units) or text[: _find_fitting_end(text, limit)]
    )


def _count_inline_units(text: str) -> int:
    return count_units(escape_inline(text))


def _count_plain_units(text: str) -> int:
    return count_units(escape_plain(text))


# Payloads.


def _build_page(draft: _PageDraft, position: int, style: DigestStyle) -> Page:
    rows = [
        draft.buttons[start : start + MAX_ROW_BUTTONS]
        for start in range(0, len(draft.buttons), MAX_ROW_BUTTONS)
    ]
    payload = {
        "content": draft.content,
        "embeds": list(draft.embeds),
        "components": [{"type": ACTION_ROW, "components": list(row)} for row in rows],
        "allowed_mentions": {"parse": []},
        "flags": SUPPRESS_NOTIFICATIONS if position else 0,
    }
    return Page(payload, draft.papers, in_thread=style is DigestStyle.THREAD and position > 0)
