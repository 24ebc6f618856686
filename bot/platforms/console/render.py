"""Rendering for a terminal. Payloads hold plain text; width and colours are chosen when they are printed."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields, replace
from itertools import chain
from typing import Any, assert_never

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text as Line

from bot.chat.links import safe_web_address
from bot.chat.message import (
    MAX_NAMED_PEOPLE,
    Appointment,
    Block,
    Buttons,
    Card,
    Divider,
    Heading,
    Links,
    Message,
    OptionRow,
    People,
    Text,
    fit_style,
    split_thread,
)
from bot.chat.port import Page
from digests.subscription import DigestStyle
from digests.text import normalize_text

MAX_COLUMNS = 100
"""Columns of the text on a wider terminal, for readability."""

_PlainBlock = Heading | Text | Card | Divider | Links


def render(message: Message, style: DigestStyle) -> tuple[Page, ...]:
    """Render a message as one page in the compact style, else as one page for each paper.

    The blocks before the first paper are a page of their own. In the thread style all pages after the first
    are in a thread. Buttons are left out.
    """
    plain_blocks = list(_drop_buttons(message.blocks))
    match fit_style(message, style):
        case DigestStyle.COMPACT:
            return (_build_page([_shorten_block(block) for block in plain_blocks]),)
        case DigestStyle.CARDS:
            return tuple(_build_page(blocks) for blocks in _split_by_card(plain_blocks))
        case DigestStyle.THREAD:
            return tuple(_render_thread(Message(message.summary, tuple(plain_blocks))))
        case _:
            assert_never(style)


def _render_thread(message: Message) -> Iterable[Page]:
    """Yield a page in the compact look that names no paper for marks, then the cards in its thread."""
    opening, cards, closing = split_thread(message)
    if opening:
        first = [*opening, *map(_shorten_block, _drop_buttons(message.cards)), *closing]
        yield replace(_build_page(list(_drop_buttons(first))), papers=())
    pages = _split_by_card(list(_drop_buttons(cards))) if cards else []
    for number, blocks in enumerate(pages):
        yield _build_page(blocks, in_thread=bool(opening) or number > 0)


def _drop_buttons(blocks: Iterable[Block]) -> Iterable[_PlainBlock]:
    """Yield the blocks without buttons, menus and quotes. The text of an option becomes a paragraph."""
    for block in blocks:
        match block:
            case OptionRow():
                people = ", ".join(filter(None, (*block.people, block.more_people)))
                tail = f": {people}" if people else ""
                yield Text(f"{block.text}{tail}{f' · {block.note}' if block.note else ''}")
            case Appointment():
                yield Text(" · ".join(filter(None, (block.text, block.place))), label=block.label)
            case People():
                named = ", ".join(block.people[:MAX_NAMED_PEOPLE])
                yield Text(" ".join(filter(None, (named, block.text))), label=block.label)
            case Buttons():
                pass
            case Card():
                yield replace(block, menu=(), quotes=(), grades="")
            case _:
                yield block


def _split_by_card(blocks: Sequence[_PlainBlock]) -> Iterable[list[_PlainBlock]]:
    """Return groups of blocks: those before the first card, then each card with the blocks that follow it.

    A message that begins with a card has no first group.
    """
    pages: list[list[_PlainBlock]] = [[]]
    for block in blocks:
        if isinstance(block, Card) and pages[-1]:
            pages.append([])
        pages[-1].append(block)
    return pages


def _shorten_block(block: _PlainBlock) -> _PlainBlock:
    """Return a card in the compact look: title, score, a sentence, a limitation and warnings.

    Other blocks are returned as they are.
    """
    if not isinstance(block, Card):
        return block
    return Card(
        block.paper,
        block.title,
        block.url,
        block.number,
        score=block.score,
        tldr=block.brief,
        warnings=block.warnings,
        flag_note=block.flag_note,
        brief_limitation=block.brief_limitation,
        reason=block.reason if block.brief_links else "",
        links=block.brief_links,
    )


def _build_page(blocks: Sequence[_PlainBlock], *, in_thread: bool = False) -> Page:
    papers = tuple(block.paper for block in blocks if isinstance(block, Card))
    return Page({"blocks": [_block_to_json(block) for block in blocks]}, papers, in_thread)


def _block_to_json(block: _PlainBlock) -> dict[str, Any]:
    """Return a block as JSON values, with its type as `kind` and without invisible or control characters.

    A panel's parts are left out of the card of a paper without one.
    """
    fields = {
        name: _clean_value(value)
        for name, value in asdict(block).items()
        if value or name not in ("spread", "panel_note")
    }
    return {"kind": type(block).__name__, **fields}


def _clean_value(value: Any) -> Any:
    match value:
        case str():
            return "\n".join(normalize_text(line) for line in value.splitlines())
        case tuple() | list():
            return [_clean_value(item) for item in value]
        case _:
            return value


_BLOCK_TYPES: dict[str, type[_PlainBlock]] = {
    kind.__name__: kind for kind in (Heading, Text, Card, Divider, Links)
}


def print_page(page: Page, console: Console) -> None:
    """Print a page at the terminal's width, up to `MAX_COLUMNS`."""
    width = min(console.width, MAX_COLUMNS)
    blocks = [_block_from_json(record) for record in page.payload["blocks"]]
    console.print(
        Group(*chain.from_iterable(_render_block(block) for block in blocks)), width=width, highlight=False
    )


def _block_from_json(record: dict[str, Any]) -> _PlainBlock:
    """Return the block of a stored record. Fields that an older version wrote and this lacks are left out."""
    block_type = _BLOCK_TYPES[record["kind"]]
    known = {field.name for field in fields(block_type)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in record.items()
        if name in known
    }
    return block_type(**values)


def _render_block(block: _PlainBlock) -> Iterable[RenderableType]:
    match block:
        case Heading():
            yield Line(block.text, style="bold")
            yield Line()
        case Text():
            label = (f"{block.label} ", "bold") if block.label else ""
            yield Line.assemble(label, (block.text, "dim" if block.is_small_print else ""))
            yield Line()
        case Divider():
            yield Rule(style="dim")
        case Links():
            for label, url in block.links:
                if address := safe_web_address(url):
                    yield Line(f"{label}: {address}", style="dim", overflow="fold")
            yield Line()
        case Card():
            yield from _render_card(block)
        case _:
            assert_never(block)


def _render_card(card: Card) -> Iterable[RenderableType]:
    number = f"{card.number}. " if card.number is not None else ""
    address = safe_web_address(card.url)
    link = f"bold cyan link {address}" if address else "bold cyan"
    yield Line(number, style="bold") + Line(card.title, style=link)
    indent = len(number)
    facts = (card.score, card.spread, card.domain, card.published, card.authors)
    details = " · ".join(filter(None, facts))
    if details:
        yield _indent_line(Line(details, style="dim"), indent)
    for warning in card.warnings:
        yield _indent_line(Line(f"⚠ {warning}", style="yellow"), indent)
    if card.tldr:
        yield _indent_line(Line(card.tldr), indent)
    yield from _render_limitations(card, indent)
    if card.panel_note:
        yield _indent_line(Line(card.panel_note, style="dim"), indent)
    if card.flag_note:
        yield _indent_line(Line(f"⚠ {card.flag_note}", style="dim"), indent)
    footer = " · ".join(part for part in (card.reason, card.review_line) if part)
    if footer:
        yield _indent_line(Line(footer, style="dim"), indent)
    yield _indent_line(_render_addresses(card, address), indent)
    yield Line()


def _render_addresses(card: Card, address: str) -> Line:
    """Return the address of the paper, and the labels of its other links, as links of the terminal."""
    others = [
        Line(label, style=f"dim link {target}")
        for label, url in card.links
        if url != card.url and label and (target := safe_web_address(url))
    ]
    shown = [Line(address, style="dim"), *others] if address else others
    return Line(" · ", style="dim", overflow="fold").join(shown)


def _render_limitations(card: Card, indent: int) -> Iterable[RenderableType]:
    if card.brief_limitation and not card.limitations:
        yield _indent_line(Line(card.brief_limitation, style="dim"), indent)
    if card.limitations:
        shown, total = len(card.limitations), len(card.limitations) + card.remaining_limitations
        count = f" ({shown} of {total:,})" if total > shown else ""
        yield _indent_line(Line.assemble(("Limitations", "bold"), (count, "dim")), indent)
        points = Table.grid(padding=(0, 1))
        for point in card.limitations:
            points.add_row("•", Line(point))
        yield _indent_line(points, indent)


def _indent_line(line: RenderableType, columns: int) -> Padding:
    return Padding(line, (0, 0, 0, columns))
