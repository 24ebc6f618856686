"""A message as Discord's create-message payloads: content, embeds and classic buttons. Pure.

The limits are Discord's (https://docs.discord.com/developers/resources/message#embed-object-embed-limits and
.../components/reference), counted in UTF-16 units, which are never fewer than the characters Discord counts.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from bot.message import Block, Button, Buttons, Card, Divider, Heading, Message, Offer, Text
from bot.platforms import Facts, Page
from bot.platforms.discord.sanitize import inline, link, plain, safe_url, units, visible
from digests.model import Style
from digests.text import clip

CONTENT_UNITS = 2000
TITLE_UNITS = 256
DESCRIPTION_UNITS = 4096
EMBEDS_UNITS = 6000
"""Over all embeds of a message: titles, descriptions and footers."""
EMBEDS = 10
BUTTONS_A_ROW = 5
ROWS = 5
CUSTOM_ID_UNITS = 100
MARKER_UNITS = 26
"""Kept free in every custom_id for a sign and the page's key."""
LABEL_UNITS = 80

SUPPRESS_NOTIFICATIONS = 1 << 12
"""A message flag: one digest makes one sound, its first page's."""
ACTION_ROW, BUTTON, PRIMARY, SECONDARY = 1, 2, 1, 2
"""Component types and button styles (https://docs.discord.com/developers/components/reference)."""

DISCUSS = "discuss:"
"""What a button's custom_id begins with; the paper's id follows."""
BOOKMARK = "🔖"
SLATE, AMBER = 0x5C6F91, 0xE8A33D
KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")
NEWS_UNITS = 150
"""What came since a page was posted, for each paper of it."""
LISTED_TITLE_UNITS = 140
"""Two lines on a phone."""


def render(message: Message, style: Style) -> tuple[Page, ...]:
    """The message as pages within every limit of Discord; only the first one notifies. Never raises for any text."""
    opening, papers = _parts(message)
    match style:
        case Style.CARDS:
            drafts = [*_asked(_packed(_opening(opening)), opening), *_cards(papers)]
        case Style.THREAD:
            listing = _listing(message.cards) if opening else []
            drafts = [*_asked(_packed([*_opening(opening), *listing]), opening), *_cards(papers)]
        case Style.COMPACT:
            drafts = _compact(opening, papers)
        case _:
            assert_never(style)
    drafts = drafts or [_Draft(content=_clipped(message.summary, CONTENT_UNITS) or "Nothing to show.")]
    return tuple(_page(draft, position, style) for position, draft in enumerate(drafts))


Embed = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A page in the making."""

    content: str = ""
    embeds: tuple[Embed, ...] = ()
    buttons: tuple[Mapping[str, Any], ...] = ()
    papers: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return (
            units(self.content) <= CONTENT_UNITS
            and len(self.embeds) <= EMBEDS
            and sum(map(_embed_units, self.embeds)) <= EMBEDS_UNITS
            and len(self.buttons) <= ROWS * BUTTONS_A_ROW
            and len({button["custom_id"] for button in self.buttons}) == len(self.buttons)
        )


def _embed_units(embed: Embed) -> int:
    footer = embed.get("footer", {}).get("text", "")
    return sum(map(units, (embed.get("title", ""), embed.get("description", ""), footer)))


@dataclass(frozen=True, slots=True)
class _Paper:
    """A card and what stands between it and the next one; after the last card, that is the message's closing."""

    card: Card
    after: tuple[Block, ...]


def _parts(message: Message) -> tuple[tuple[Block, ...], tuple[_Paper, ...]]:
    starts = [index for index, block in enumerate(message.blocks) if isinstance(block, Card)]
    ends = [*starts[1:], len(message.blocks)]
    opening = message.blocks[: starts[0]] if starts else message.blocks
    between = [message.blocks[start + 1 : end] for start, end in zip(starts, ends, strict=False)]
    papers = (_Paper(card, after) for card, after in zip(message.cards, between, strict=True))
    return opening, tuple(papers)


def _packed(drafts: Iterable[_Draft]) -> list[_Draft]:
    """The drafts on as few pages as their order and the limits allow."""
    pages: list[_Draft] = []
    for draft in drafts:
        together = _together(pages[-1], draft) if pages else None
        pages[-1:] = [together] if together else [*pages[-1:], draft]
    return pages


def _together(page: _Draft, draft: _Draft) -> _Draft | None:
    """Both on one page, unless a limit forbids it or the draft's content would jump over the page's embeds."""
    if page.embeds and draft.content:
        return None
    together = _Draft(
        content="\n".join(filter(None, (page.content, draft.content))),
        embeds=page.embeds + draft.embeds,
        buttons=page.buttons + draft.buttons,
        papers=page.papers + draft.papers,
    )
    return together if together.fits else None


# Prose: headings and paragraphs.


def _opening(blocks: Iterable[Block]) -> list[_Draft]:
    """Prose as content, which is what a notification shows; what is too long for it goes on in embeds."""
    content, rest = _filled(_lines(blocks), CONTENT_UNITS)
    return [*([_Draft(content=content)] if content else []), *_quiet(rest)]


def _quiet(lines: Sequence[str]) -> list[_Draft]:
    """Lines as embeds without title or colour, one a draft."""
    drafts = []
    while lines:
        description, lines = _filled(lines, DESCRIPTION_UNITS)
        if description:
            drafts.append(_Draft(embeds=({"description": description},)))
    return drafts


def _filled(lines: Sequence[str], limit: int) -> tuple[str, Sequence[str]]:
    """As many of the first lines as fit, as one text, and the lines left over."""
    used = 0
    for index, line in enumerate(lines):
        used += units(line) + 1
        if used > limit + 1:
            return "\n".join(lines[:index]).strip("\n"), lines[index:]
    return "\n".join(lines).strip("\n"), ()


def _lines(blocks: Iterable[Block]) -> list[str]:
    """The blocks' prose in markup, line by line; no line is longer than a content may be."""
    lines: list[str] = []
    offers = 0
    for block in blocks:
        match block:
            case Heading():
                lines += _marked_up("**", block.text, "**")
            case Text():
                paragraph = _paragraph(block)
                follows_prose = bool(lines and lines[-1]) and not lines[-1].startswith("**")
                starts_anew = follows_prose and not block.quiet and not block.label
                lines += ["", *paragraph] if paragraph and starts_anew else paragraph
            case Divider():
                lines.append("")
            case Offer():
                offers += 1
                lines += _paragraph(Text(_numbered(block.text, offers)))
            case Buttons() | Card():
                pass  # A card is never prose; _parts has taken it out. Buttons are no lines.
            case _:
                assert_never(block)
    return lines


def _numbered(text: str, number: int) -> str:
    """An offer's button stands apart from it, so both bear its number."""
    return text if text.startswith(f"{number}. ") else f"{number}. {text}"


def _paragraph(text: Text) -> list[str]:
    mark = "-# " if text.quiet else ""
    lines = [line for raw in text.text.splitlines() for line in _marked_up(mark, raw, "") or [""]]
    while lines and not lines[-1]:
        lines.pop()
    if label := _clipped(text.label, TITLE_UNITS):
        set_off = f"{mark}**{label}**"
        room = CONTENT_UNITS - units(set_off) - 1
        alone = len(lines) != 1 or units(lines[0]) > room
        lines = [set_off, *lines] if alone else [f"{set_off} {lines[0].removeprefix(mark)}"]
    return lines


def _marked_up(before: str, raw: str, after: str) -> list[str]:
    """One raw line in markup, cut into several where it is too long, at words while there are any."""
    room = CONTENT_UNITS - units(before) - units(after)
    pieces, rest = [], visible(raw)
    while rest:
        end = _fitting(rest, room)
        pieces.append(inline(rest[:end]))
        rest = rest[end:].lstrip()
    return [f"{before}{piece}{after}" for piece in pieces if piece]


def _fitting(text: str, room: int) -> int:
    """How much of the text fits into the room once it is escaped: up to the end of a word, or of a character."""
    if len(text) <= room and units(inline(text)) <= room:
        return len(text)
    for ends in (
        [space.start() for space in re.finditer(r"(?<=\S)\s", text[: room + 1])],
        range(1, room + 1),
    ):
        if fitting := bisect_right(ends, room, key=lambda end: units(inline(text[:end]))):
            return ends[fitting - 1]
    return 0


# Cards.


@dataclass(frozen=True, slots=True)
class _Look:
    """How much of a card is shown: UTF-16 units of each part, and how many of the parts in lists."""

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
WARNINGS = 3
"""More than three would bury the paper."""

FULL = _Look(
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
SHORT = _Look(
    title=150, authors=0, tldr=240, limitations=1, limitation=120, note=90, warning=120, reason=0, reviewed=0
)
"""Ten of these fit one message: 6000 units for ten embeds."""


def _cards(papers: Iterable[_Paper]) -> list[_Draft]:
    """A page a paper, with what follows it."""
    drafts = []
    for paper in papers:
        number = f"{paper.card.number}. " if paper.card.number is not None else ""
        card = _card(paper.card, FULL, number=number, label="Discuss")
        drafts += _asked(_packed([card, *_quiet(_lines(paper.after))]), paper.after)
    return drafts


def _compact(opening: Sequence[Block], papers: Sequence[_Paper]) -> list[_Draft]:
    """Everything on as few pages as it takes; one paper alone is shown in full."""
    drafts = _opening(opening)
    for position, paper in enumerate(papers, 1):
        if len(papers) == 1:
            drafts.append(_card(paper.card, FULL, number="", label="Discuss"))
        else:
            number = position if paper.card.number is None else paper.card.number
            drafts.append(_card(paper.card, SHORT, number=_keycap(number), label=str(number)))
        if position < len(papers):
            drafts += _quiet(_lines(paper.after))
    pages = _closed(_packed(drafts), _lines(papers[-1].after) if papers else [])
    return _asked(pages, [*opening, *(block for paper in papers for block in paper.after)])


def _closed(pages: list[_Draft], closing: Sequence[str]) -> list[_Draft]:
    """The closing lines in an embed of the last page, else in its content, else on a page of their own."""
    quiet = _quiet(closing)
    embedded = _packed([*pages[-1:], *quiet])
    if len(embedded) <= 1:
        return [*pages[:-1], *embedded]
    content = "\n".join(filter(None, (pages[-1].content, *closing)))
    beside = replace(pages[-1], content=content)
    return [*pages[:-1], beside] if beside.fits else [*pages[:-1], *embedded]


def _asked(pages: list[_Draft], blocks: Iterable[Block]) -> list[_Draft]:
    """The pages with the blocks' buttons on the last one; a button that has no room is left out."""
    for button in _buttons(blocks):
        beside = replace(pages[-1], buttons=(*pages[-1].buttons, button)) if pages else None
        pages = [*pages[:-1], beside] if beside and beside.fits else pages
    return pages


def _buttons(blocks: Iterable[Block]) -> list[Mapping[str, Any]]:
    """Those in rows, and those of offers, which bear their offer's number."""
    buttons, offers = [], 0
    for block in blocks:
        match block:
            case Buttons():
                buttons += [_as_button(button, button.label) for button in block.buttons]
            case Offer():
                offers += 1
                buttons.append(_as_button(block.button, f"{block.button.label} {offers}"))
            case _:
                pass
    return [button for button in buttons if button]


def _as_button(button: Button, label: str) -> Mapping[str, Any]:
    """Nothing for a value that Discord could not give back as it is."""
    custom_id = f"{button.action}:{button.value}"
    if custom_id != visible(custom_id) or units(custom_id) > CUSTOM_ID_UNITS - MARKER_UNITS:
        return {}
    style = PRIMARY if button.primary else SECONDARY
    label = plain(clip(visible(label), LABEL_UNITS, cost=_plain_units))
    return {"type": BUTTON, "style": style, "label": label, "custom_id": custom_id}


def _keycap(number: int) -> str:
    return f"{KEYCAPS[number - 1]} " if 1 <= number <= len(KEYCAPS) else f"{number}. "


def _card(card: Card, look: _Look, *, number: str, label: str) -> _Draft:
    title = _clipped(card.title, look.title - units(number)) or "Untitled paper"
    embed: dict[str, Any] = {
        "title": f"{number}{title}",
        "color": AMBER if card.warnings else SLATE,
    }
    if url := safe_url(card.url):
        embed["url"] = url
    if description := _description(card, look):
        embed["description"] = description
    if reviewed := plain(clip(visible(card.reviewed), look.reviewed, cost=_plain_units)):
        embed["footer"] = {"text": reviewed}
    return _Draft(embeds=(embed,), buttons=_button(card.paper, label), papers=(card.paper,))


def _description(card: Card, look: _Look) -> str:
    parts = (
        _facts(card, look),
        _warnings(card.warnings, look),
        _clipped(card.tldr, look.tldr),
        _limitations(card, look),
        _small_print(_clipped(card.reason, look.reason)),
    )
    return "\n\n".join(filter(None, parts))


def _facts(card: Card, look: _Look) -> str:
    score = _clipped(card.score, SCORE_UNITS)
    facts = (
        score and f"**{score}**",
        _clipped(card.domain, DOMAIN_UNITS),
        _clipped(card.authors, look.authors),
    )
    return _small_print(" · ".join(filter(None, facts)))


def _warnings(warnings: Sequence[str], look: _Look) -> str:
    shown = (_clipped(warning, look.warning) for warning in warnings[:WARNINGS])
    return "\n".join(f"⚠️ {warning}" for warning in shown if warning)


def _limitations(card: Card, look: _Look) -> str:
    shown = [_clipped(limitation, look.limitation) for limitation in card.limitations[: look.limitations]]
    bullets = [f"- {limitation}" for limitation in shown if limitation]
    if not bullets:
        return _small_print(_clipped(card.limitations_note, look.note))
    more = len(card.limitations) - look.limitations
    return "\n".join(["**Limitations**", *bullets, *([f"- and {more} more"] if more > 0 else [])])


def _small_print(text: str) -> str:
    return f"-# {text}" if text else ""


def _button(paper: str, label: str) -> tuple[Mapping[str, Any], ...]:
    """The button that marks a paper; none for an id that Discord could not give back as it is."""
    custom_id = DISCUSS + paper
    if not paper or paper != visible(paper) or units(custom_id) > CUSTOM_ID_UNITS - MARKER_UNITS:
        return ()
    emoji = {"name": BOOKMARK}
    return ({"type": BUTTON, "style": SECONDARY, "label": label, "emoji": emoji, "custom_id": custom_id},)


def with_facts(payload: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """A posted page with the voices on each paper's button and what came since under its card; all else as it was. Pure.

    A line that would break a limit is left out.
    """
    rows = [
        {**row, "components": [_counted(button, facts.voices) for button in row["components"]]}
        for row in payload["components"]
    ]
    papers = list(filter(None, (_paper_of(button) for row in rows for button in row["components"])))
    embeds = list(payload["embeds"])
    cards = [place for place, embed in enumerate(embeds) if "title" in embed]
    # Where a card has no button, nobody can say which card is whose.
    shown = zip(cards, papers, strict=True) if len(cards) == len(papers) else ()
    for place, paper in shown:
        anew = [*embeds]
        anew[place] = _with_news(embeds[place], facts.news.get(paper, ""))
        embeds = anew if _Draft(embeds=tuple(anew)).fits else embeds
    return {**payload, "embeds": embeds, "components": rows}


def _with_news(embed: Embed, news: str) -> Embed:
    line = _small_print(_clipped(news, NEWS_UNITS))
    described = "\n\n".join(filter(None, (embed.get("description", ""), line)))
    return {**embed, "description": described} if line and units(described) <= DESCRIPTION_UNITS else embed


def _counted(button: Mapping[str, Any], voices: Mapping[str, int]) -> Mapping[str, Any]:
    count = voices.get(_paper_of(button), 0)
    return {**button, "label": f"{button['label']} · {count:,}"} if count else button


def _paper_of(button: Mapping[str, Any]) -> str:
    """The paper that a button marks; nothing for a button that does something else."""
    custom_id = str(button["custom_id"])
    return custom_id.removeprefix(DISCUSS) if custom_id.startswith(DISCUSS) else ""


def _listing(cards: Iterable[Card]) -> list[_Draft]:
    """A line a paper, in embeds; no paper is on these pages, so that a mark belongs to its card."""
    return _quiet([_listed(card) for card in cards])


def _listed(card: Card) -> str:
    number = f"**{card.number}.** " if card.number is not None else ""
    title = clip(visible(card.title), LISTED_TITLE_UNITS, cost=_escaped_units) or "Untitled paper"
    score = _clipped(card.score, SCORE_UNITS)
    return number + " · ".join(filter(None, (link(title, card.url), score)))


def _clipped(text: str, limit: int) -> str:
    """The text escaped and no longer than the limit; cut before it is escaped, so that no cut splits an escape."""
    text = visible(text)
    return inline(clip(text, limit, cost=_escaped_units) or text[: _fitting(text, limit)])


def _escaped_units(text: str) -> int:
    return units(inline(text))


def _plain_units(text: str) -> int:
    return units(plain(text))


# Payloads.


def _page(draft: _Draft, position: int, style: Style) -> Page:
    rows = [
        draft.buttons[start : start + BUTTONS_A_ROW] for start in range(0, len(draft.buttons), BUTTONS_A_ROW)
    ]
    payload = {
        "content": draft.content,
        "embeds": list(draft.embeds),
        "components": [{"type": ACTION_ROW, "components": list(row)} for row in rows],
        "allowed_mentions": {"parse": []},
        "flags": SUPPRESS_NOTIFICATIONS if position else 0,
    }
    return Page(payload, draft.papers, in_thread=style is Style.THREAD and position > 0)
