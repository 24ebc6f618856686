"""A message as the arguments of Slack's chat.postMessage: Block Kit pages within every limit. Pure.

Untrusted prose is `plain_text`, which Slack does not parse; `mrkdwn` stands only where a link or bold type is wanted.
Lengths are UTF-16 units of the escaped text, never fewer than the characters Slack counts. The limits are Slack's
(https://docs.slack.dev/reference/block-kit) where nothing else is said.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from bot.message import Action, Block, Button, Buttons, Card, Divider, Heading, Message, Offer, Text
from bot.platforms import Facts, Page
from bot.platforms.links import web_address
from digests.model import Style
from digests.text import clip, tidy

PAGE_BLOCKS = 45
"""Blocks of a message as it is posted; the rest, up to what Slack takes, is room for what comes since."""
MOST_BLOCKS = 50
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
NEWS_UNITS = 150
"""What came since a page was posted, for each paper of it."""
SHORT_TITLE_UNITS = 140
"""Two lines on a phone, where a line stands for a paper."""
SHORT_TLDR_UNITS = 300
SHORT_WARNINGS_UNITS = 600

BUTTON_UNITS = 75
"""What is written on a button."""
ROW_BUTTONS = 25
UNTITLED = "Untitled paper"
KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")

SlackBlock = dict[str, Any]


def render(message: Message, style: Style) -> tuple[Page, ...]:
    """The message as pages within every limit of Slack. Never raises for any text, and no page is empty."""
    drafts = [page for chapter in _chapters(message, style) for page in _packed(chapter)]
    pages = [page for page in map(_without_outer_dividers, drafts) if page.blocks] or [_nothing(message)]
    return tuple(_page(page, position, message.summary, style) for position, page in enumerate(pages))


@dataclass(frozen=True, slots=True)
class _Draft:
    """What stays together on a page. `spoken` is its text for notifications and screen readers, not yet escaped."""

    blocks: tuple[SlackBlock, ...]
    spoken: str = ""
    papers: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return len(self.blocks) <= PAGE_BLOCKS and _strings_units(self.blocks) <= PAGE_UNITS


def _strings_units(part: object) -> int:
    """Every string, the names of types too: Slack's own count is not known, so ours is a generous one."""
    match part:
        case str():
            return _units(part)
        case dict():
            return sum(map(_strings_units, part.values()))
        case list() | tuple():
            return sum(map(_strings_units, part))
        case _:
            return 0


def _chapters(message: Message, style: Style) -> list[list[_Draft]]:
    """The message in drafts, and where a new page has to begin."""
    match style:
        case Style.COMPACT:
            return [_drafts(message.blocks, _compact_card)]
        case Style.CARDS:
            return [_drafts(blocks, _card) for blocks in _by_card(message.blocks)]
        case Style.THREAD:
            chapters = [_drafts(blocks, _card) for blocks in _by_card(message.blocks)]
            opened = not isinstance(next(iter(message.blocks), None), Card)
            return [chapters[0] + _listing(message.cards), *chapters[1:]] if opened else chapters
        case _:
            assert_never(style)


def _by_card(blocks: Sequence[Block]) -> list[list[Block]]:
    """What stands before the first card, then each card; what follows a card stays with it."""
    groups: list[list[Block]] = [[]]
    for block in blocks:
        if isinstance(block, Card) and groups[-1]:
            groups.append([])
        groups[-1].append(block)
    return groups


def _packed(drafts: Iterable[_Draft]) -> list[_Draft]:
    """The drafts on as few pages as their order and the budgets allow."""
    pages: list[_Draft] = []
    for draft in drafts:
        together = _together(pages[-1], draft) if pages else draft
        pages[-1:] = [together] if together.fits else [*pages[-1:], draft]
    return pages


def _together(page: _Draft, draft: _Draft) -> _Draft:
    spoken = "\n".join(filter(None, (page.spoken, draft.spoken)))
    return _Draft(page.blocks + draft.blocks, spoken, page.papers + draft.papers)


DIVIDER: SlackBlock = {"type": "divider"}


def _without_outer_dividers(page: _Draft) -> _Draft:
    blocks = list(page.blocks)
    while blocks and blocks[0] == DIVIDER:
        del blocks[0]
    while blocks and blocks[-1] == DIVIDER:
        del blocks[-1]
    return _Draft(tuple(blocks), page.spoken, page.papers)


def _nothing(message: Message) -> _Draft:
    spoken = clip(_line(message.summary), FALLBACK_UNITS, cost=_plain_units) or "Nothing to show."
    return _Draft((_section(_plain_text(spoken)),), spoken)


def _page(page: _Draft, position: int, summary: str, style: Style) -> Page:
    """The first page says the message's summary to those who do not see its blocks, the others what is on them."""
    spoken = (_line(summary) if position == 0 else "") or page.spoken
    payload = {
        "text": _mrkdwn(clip(spoken, FALLBACK_UNITS, cost=_mrkdwn_units)) or "Papers",
        "blocks": list(page.blocks),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return Page(payload, page.papers, in_thread=style is Style.THREAD and position > 0)


# Prose.


def _drafts(blocks: Iterable[Block], write_card: Callable[[Card], _Draft]) -> list[_Draft]:
    drafts: list[_Draft] = []
    for block in blocks:
        match block:
            case Heading():
                drafts += _heading(block)
            case Text():
                drafts += _quiet(block) if block.quiet else _paragraph(block)
            case Divider():
                drafts.append(_Draft((DIVIDER,)))
            case Card():
                drafts.append(write_card(block))
            case Buttons():
                drafts += _row(block)
            case Offer():
                drafts += _offer(block)
            case _:
                assert_never(block)
    return drafts


def _row(row: Buttons) -> list[_Draft]:
    buttons = [
        _pressable(button, number)
        for number, button in enumerate(row.buttons[:ROW_BUTTONS])
        if _can_be_a_value(button.value)
    ]
    return [_Draft(({"type": "actions", "elements": buttons},))] if buttons else []


def _pressable(button: Button, number: int = 0) -> SlackBlock:
    """Two buttons of a row may ask for the same, so that the action's id ends with a number, as in "show.2"."""
    label = clip(_line(button.label), BUTTON_UNITS, cost=_plain_units) or button.action.title()
    written: SlackBlock = {
        "type": "button",
        "action_id": f"{button.action}.{number}" if number else str(button.action),
        "text": {"type": "plain_text", "text": _plain(label), "emoji": True},
        "value": button.value,
    }
    return {**written, "style": "primary"} if button.primary else written


def _offer(offer: Offer) -> list[_Draft]:
    text = clip(_line(offer.text), SMALL_PRINT_UNITS, cost=_plain_units)
    if not text:
        return []
    section = _section(_plain_text(text))
    if _can_be_a_value(offer.button.value):
        section["accessory"] = _pressable(offer.button)
    return [_Draft((section,), text)]


def _heading(heading: Heading) -> list[_Draft]:
    text = clip(_line(heading.text), HEADER_UNITS, cost=_plain_units)
    return [_Draft(({"type": "header", "text": _plain_text(text)},), text)] if text else []


def _paragraph(text: Text) -> list[_Draft]:
    return [_Draft((_section(written),), spoken) for written, spoken in _pieces(text, SECTION_UNITS)]


def _quiet(text: Text) -> list[_Draft]:
    return [_Draft((_context(written),), spoken) for written, spoken in _pieces(text, CONTEXT_UNITS)]


def _pieces(text: Text, limit: int) -> Iterable[tuple[SlackBlock, str]]:
    """A text as text objects within the limit, each with what it says; the label stands before the first."""
    body = _lines(text.text)
    label = clip(_line(text.label), HEADER_UNITS, cost=_mrkdwn_units)
    if not label:
        for piece in _split(body, limit, _plain_units):
            yield _plain_text(piece), piece
        return
    set_off = f"*{_mrkdwn(label)}*"
    first, *rest = _split(body, limit - _units(set_off) - 1, _mrkdwn_units) or [""]
    space = "\n" if "\n" in first or rest else " "
    yield _mrkdwn_text(f"{set_off}{space}{_mrkdwn(first)}".strip()), f"{label}{space}{first}".strip()
    for piece in rest:
        yield _mrkdwn_text(_mrkdwn(piece)), piece


def _split(text: str, limit: int, cost: Callable[[str], int]) -> list[str]:
    """The whole text in pieces within the limit, parted between lines, or else words, or else anywhere."""
    pieces = []
    while len(text) > limit or cost(text) > limit:
        fitting = bisect_right(range(1, limit + 1), limit, key=lambda end: cost(text[:end]))
        spaces = [text.rfind(space, fitting // 2, fitting + 1) for space in "\n "]
        cut = next((space for space in spaces if space > 0), fitting)
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [piece for piece in [*pieces, text] if piece]


# Cards.


def _card(card: Card) -> _Draft:
    title = _title(card, TITLE_UNITS)
    number = f"{card.number}. " if card.number is not None else ""
    facts = _facts(card)
    warnings = _warnings(card)
    tldr = clip(_line(card.tldr), TLDR_UNITS, cost=_plain_units)
    limitations = _limitations(card)
    small_print = _small_print(card)
    blocks = (
        _section(_mrkdwn_text(f"*{number}{_link(title, card.url)}*")),
        facts and _context(_plain_text(facts)),
        warnings and _section(_plain_text(warnings)),
        tldr and _section(_plain_text(tldr)),
        limitations and _section(_mrkdwn_text(f"*Limitations*\n{limitations}")),
        small_print and _context(_plain_text(small_print)),
        {"type": "actions", "elements": [_button(card, title)]} if _can_be_a_value(card.paper) else None,
    )
    return _Draft(tuple(block for block in blocks if block), _spoken(card, title), (card.paper,))


def _compact_card(card: Card) -> _Draft:
    """The title and what the paper says, with the button beside it; limitations in one line of small print."""
    title = _title(card, SHORT_TITLE_UNITS)
    warnings = [f"⚠️ {warning}" for warning in _each_clipped(card.warnings, WARNING_UNITS)]
    lines = (
        f"{_keycap(card.number)}{_listed(title, card)}",
        _fitting(warnings, SHORT_WARNINGS_UNITS, _units),
        _clipped(card.tldr, SHORT_TLDR_UNITS),
    )
    section = _section(_mrkdwn_text("\n".join(filter(None, lines))))
    if _can_be_a_value(card.paper):
        section["accessory"] = _button(card, title)
    limitations = clip(_limitations_in_a_line(card), SHORT_TLDR_UNITS, cost=_plain_units)
    blocks = (section, _context(_plain_text(limitations))) if limitations else (section,)
    return _Draft(blocks, _spoken(card, title), (card.paper,))


def _listing(cards: Iterable[Card]) -> list[_Draft]:
    """A line a paper; no paper is on these pages, so that a mark belongs to its card."""
    sections: list[list[tuple[str, str]]] = []
    room = 0
    for card in cards:
        title = _title(card, SHORT_TITLE_UNITS)
        number = f"{card.number}. " if card.number is not None else "• "
        line = f"{number}{_listed(title, card)}"
        room -= _units(line) + 1
        if room < 0:
            sections.append([])
            room = SECTION_UNITS - _units(line)
        sections[-1].append((line, f"{number}{title}"))
    return [_lines_draft(section) for section in sections]


def _lines_draft(lines: Sequence[tuple[str, str]]) -> _Draft:
    written, spoken = ("\n".join(column) for column in zip(*lines, strict=True))
    return _Draft((_section(_mrkdwn_text(written)),), spoken)


def _listed(title: str, card: Card) -> str:
    score = _clipped(card.score, SCORE_UNITS)
    return " · ".join(filter(None, (f"*{_link(title, card.url)}*", score)))


def _title(card: Card, limit: int) -> str:
    return clip(_line(card.title), limit, cost=_mrkdwn_units) or UNTITLED


def _keycap(number: int | None) -> str:
    if number is None:
        return ""
    return f"{KEYCAPS[number - 1]} " if 1 <= number <= len(KEYCAPS) else f"{number}. "


def _facts(card: Card) -> str:
    facts = ((card.score, SCORE_UNITS), (card.domain, DOMAIN_UNITS), (card.authors, AUTHORS_UNITS))
    return " · ".join(filter(None, (clip(_line(fact), limit, cost=_plain_units) for fact, limit in facts)))


def _warnings(card: Card) -> str:
    """Not escaped: for plain_text."""
    warnings = (clip(_line(warning), WARNING_UNITS, cost=_plain_units) for warning in card.warnings)
    return _fitting([f"⚠️ {warning}" for warning in warnings if warning], WARNINGS_UNITS, _plain_units)


def _limitations(card: Card) -> str:
    points = _each_clipped(card.limitations, LIMITATION_UNITS)
    return _fitting([f"• {point}" for point in points], LIMITATIONS_UNITS, _units)


def _each_clipped(texts: Iterable[str], limit: int) -> list[str]:
    return list(filter(None, (_clipped(text, limit) for text in texts)))


def _fitting(lines: Sequence[str], limit: int, cost: Callable[[str], int]) -> str:
    """As many of the lines as fit, and how many more there are."""
    shown = 0
    while shown < len(lines) and cost("\n".join(lines[: shown + 1])) <= limit:
        shown += 1
    more = len(lines) - shown
    return "\n".join([*lines[:shown], *([f"and {more} more"] if more else [])])


def _small_print(card: Card) -> str:
    note = "" if _visible(card.limitations) else card.limitations_note
    note, reviewed, reason = (
        clip(_line(part), SMALL_PRINT_UNITS, cost=_plain_units) for part in (note, card.reviewed, card.reason)
    )
    return "\n".join(filter(None, (note, " · ".join(filter(None, (reviewed, reason))))))


def _limitations_in_a_line(card: Card) -> str:
    points = _visible(card.limitations)
    return (
        f"Limitations: {'; '.join(point.rstrip('.') for point in points)}"
        if points
        else _line(card.limitations_note)
    )


def _spoken(card: Card, title: str) -> str:
    """The card as it is read aloud: a screen reader gets this instead of the blocks."""
    number = f"{card.number}. " if card.number is not None else ""
    lines = (
        f"{number}{title}",
        _facts(card),
        _warnings(card),
        _line(card.tldr),
        _limitations_in_a_line(card),
    )
    return "\n".join(filter(None, lines))


def _button(card: Card, title: str) -> SlackBlock:
    return {
        "type": "button",
        "action_id": Action.DISCUSS,
        "text": _discuss_text(card.voices),
        "value": card.paper,
        "accessibility_label": _plain(clip(f"Discuss {title}", LABEL_UNITS, cost=_plain_units)) or "Discuss",
    }


def _discuss_text(voices: int) -> SlackBlock:
    return {
        "type": "plain_text",
        "text": f"🔖 Discuss · {voices:,}" if voices else "🔖 Discuss",
        "emoji": True,
    }


def with_facts(payload: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """A posted page with the voices on each paper's button and what came since beside it; all else as it was. Pure."""
    news = {paper: clip(_line(line), NEWS_UNITS, cost=_plain_units) for paper, line in facts.news.items()}
    room = MOST_BLOCKS - len(payload["blocks"])
    blocks: list[SlackBlock] = []
    for block in payload["blocks"]:
        paper = _paper_of(block)
        blocks.append(_counted(block, facts.voices.get(paper or "", 0)))
        if paper and news.get(paper) and room > 0:
            room -= 1
            # A full card ends with its button, a short one begins with it.
            blocks.insert(len(blocks) - (block["type"] == "actions"), _context(_plain_text(news[paper])))
    return {**payload, "text": _with_news(payload["text"], list(news.values())), "blocks": blocks}


def _with_news(text: str, news: Sequence[str]) -> str:
    """For screen readers; on a page of several papers the blocks alone say of which."""
    (line,) = news if len(news) == 1 else ("",)
    longer = f"{text}\n{_mrkdwn(line)}"
    return longer if line and _units(longer) <= FALLBACK_UNITS else text


def _paper_of(block: SlackBlock) -> str | None:
    """The paper whose Discuss button is in a block."""
    for button in (*block.get("elements", ()), block.get("accessory", {})):
        if button.get("action_id") == Action.DISCUSS:
            return str(button["value"])
    return None


def _counted(block: SlackBlock, voices: int) -> SlackBlock:
    def counted(button: SlackBlock) -> SlackBlock:
        is_discuss = button.get("action_id") == Action.DISCUSS
        return {**button, "text": _discuss_text(voices)} if is_discuss else button

    if "accessory" in block:
        return {**block, "accessory": counted(block["accessory"])}
    return {**block, "elements": [*map(counted, block["elements"])]} if "elements" in block else block


def _can_be_a_value(paper: str) -> bool:
    """Whether Slack gives the id back as it is."""
    return paper != "" and paper == tidy(paper) and _units(_escaped(paper)) <= VALUE_UNITS


# Block Kit.


def _section(text: SlackBlock) -> SlackBlock:
    return {"type": "section", "text": text}


def _context(text: SlackBlock) -> SlackBlock:
    return {"type": "context", "elements": [text]}


def _plain_text(text: str) -> SlackBlock:
    """Not parsed: marks and shortcodes stand as they are written."""
    return {"type": "plain_text", "text": _plain(text), "emoji": False}


def _mrkdwn_text(markup: str) -> SlackBlock:
    """`verbatim`: Slack makes no links or mentions of its own."""
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


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _line(text: str) -> str:
    """One tidy line, or nothing where there would be nothing to see."""
    text = tidy(text)
    seen = (
        sign for sign in text if unicodedata.category(sign)[0] not in "CMZ" and sign not in _BLANK_LETTERS
    )
    return text if any(seen) else ""


def _lines(text: str) -> str:
    """The same with its line breaks, and no more than one empty line at a time."""
    return re.sub("\n{3,}", "\n\n", "\n".join(map(_line, text.splitlines()))).strip()


def _visible(texts: Iterable[str]) -> list[str]:
    return list(filter(None, map(_line, texts)))


def _clipped(text: str, limit: int) -> str:
    """One line of mrkdwn within the limit, cut before it is escaped, so that no cut splits an entity."""
    return _mrkdwn(clip(_line(text), limit, cost=_mrkdwn_units))


def _plain(text: str) -> str:
    """Nothing in plain_text is live; pings are taken apart all the same, because one is worse than an unseen sign."""
    return _PING.sub(rf"\g<0>{_UNSEEN_SPACE}", text)


def _mrkdwn(text: str) -> str:
    """The text reads as it did, and nothing in it pings, links or formats."""
    unmarked = _MARK.sub(lambda mark: mark[0].translate(_LOOK_ALIKES), text)
    unquoted = _QUOTE.sub(_SOFT_HYPHEN, unmarked)
    return _escaped(_SHORTCODE.sub(rf"\g<0>{_UNSEEN_SPACE}", _plain(unquoted)))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain_units(text: str) -> int:
    """As if escaped: that Slack counts plain_text before it escapes it is not documented."""
    return _units(_escaped(_plain(text)))


def _mrkdwn_units(text: str) -> int:
    return _units(_mrkdwn(text))


def _link(title: str, url: str) -> str:
    target = _safe_url(url)
    return f"<{_escaped(target)}|{_mrkdwn(title).replace('|', '∣')}>" if target else _mrkdwn(title)


def _safe_url(url: str) -> str:
    address = web_address(url)
    return address if _units(_escaped(address)) <= URL_UNITS else ""
