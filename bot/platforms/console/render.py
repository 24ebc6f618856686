"""Messages for a terminal. A page's payload holds plain strings; width and colour are decided when it is shown."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any, assert_never

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text as Line

from bot.message import Block, Buttons, Card, Divider, Heading, Message, Offer, Text
from bot.platforms import Page
from bot.platforms.links import web_address
from digests.model import Style
from digests.text import clip, tidy

SHORT_TLDR = 160
"""Characters of a TL;DR where a whole digest is one message."""

WIDEST = 100
"""Columns: longer lines are hard to read."""

_Shown = Heading | Text | Card | Divider


def render(message: Message, style: Style) -> tuple[Page, ...]:
    """The message as pages: one a paper, or all in one where the style is compact."""
    shown = list(_without_buttons(message.blocks))
    if style is Style.COMPACT:
        return (_page([_shortened(block) for block in shown]),)
    threaded = style is Style.THREAD
    return tuple(
        _page(blocks, in_thread=threaded and number > 0) for number, blocks in enumerate(_by_card(shown))
    )


def _without_buttons(blocks: Iterable[Block]) -> Iterable[_Shown]:
    """A terminal has none; what can be typed is said by the help."""
    for block in blocks:
        match block:
            case Offer():
                yield Text(block.text)
            case Buttons():
                pass
            case _:
                yield block


def _by_card(blocks: Sequence[_Shown]) -> Iterable[list[_Shown]]:
    """What stands before the first card, then each card; what follows the last one stays with it."""
    pages: list[list[_Shown]] = [[]]
    for block in blocks:
        if isinstance(block, Card) and pages[-1]:
            pages.append([])
        pages[-1].append(block)
    return pages


def _shortened(block: _Shown) -> _Shown:
    if not isinstance(block, Card):
        return block
    return Card(
        block.paper,
        block.title,
        block.url,
        block.number,
        score=block.score,
        tldr=clip(block.tldr, SHORT_TLDR),
        limitations=block.limitations[:1],
        limitations_note=block.limitations_note,
        warnings=block.warnings,
    )


def _page(blocks: Sequence[_Shown], *, in_thread: bool = False) -> Page:
    papers = tuple(block.paper for block in blocks if isinstance(block, Card))
    return Page({"blocks": [_written(block) for block in blocks]}, papers, in_thread)


def _written(block: _Shown) -> dict[str, Any]:
    """A block as JSON takes it, with nothing in it that a terminal would obey."""
    fields = {name: _safe(value) for name, value in asdict(block).items()}
    return {"kind": type(block).__name__, **fields}


def _safe(value: Any) -> Any:
    match value:
        case str():
            return "\n".join(tidy(line) for line in value.splitlines())
        case tuple() | list():
            return [_safe(item) for item in value]
        case _:
            return value


_KINDS: dict[str, type[_Shown]] = {kind.__name__: kind for kind in (Heading, Text, Card, Divider)}


def show(page: Page, console: Console) -> None:
    """Print a page, as wide as the terminal and no wider than is good to read."""
    width = min(console.width, WIDEST)
    blocks = [_KINDS[written["kind"]](**_fields(written)) for written in page.payload["blocks"]]
    console.print(
        Group(*chain.from_iterable(_lines(block) for block in blocks)), width=width, highlight=False
    )


def _fields(written: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in written.items()
        if name != "kind"
    }


def _lines(block: _Shown) -> Iterable[RenderableType]:
    match block:
        case Heading():
            yield Line(block.text, style="bold")
            yield Line()
        case Text():
            label = Line(f"{block.label} ", style="bold") if block.label else Line()
            yield label + Line(block.text, style="dim" if block.quiet else "")
            yield Line()
        case Divider():
            yield Rule(style="dim")
        case Card():
            yield from _card_lines(block)
        case _:
            assert_never(block)


def _card_lines(card: Card) -> Iterable[RenderableType]:
    number = f"{card.number}. " if card.number is not None else ""
    address = web_address(card.url)
    link = f"bold cyan link {address}" if address else "bold cyan"
    yield Line(number, style="bold") + Line(card.title, style=link)
    indent = len(number)
    facts = " · ".join(fact for fact in (card.score, card.domain, card.authors) if fact)
    yield _indented(Line(facts, style="dim"), indent) if facts else Line()
    for warning in card.warnings:
        yield _indented(Line(f"⚠ {warning}", style="yellow"), indent)
    if card.tldr:
        yield _indented(Line(card.tldr), indent)
    yield from _limitations(card, indent)
    small = " · ".join(part for part in (card.reviewed, card.reason) if part)
    if small:
        yield _indented(Line(small, style="dim"), indent)
    yield _indented(Line(address, style="dim", overflow="fold"), indent)
    yield Line()


def _limitations(card: Card, indent: int) -> Iterable[RenderableType]:
    if card.limitations:
        yield _indented(Line("Limitations", style="bold"), indent)
        points = Table.grid(padding=(0, 1))
        for point in card.limitations:
            points.add_row("•", Line(point))
        yield _indented(points, indent)
    elif card.limitations_note:
        yield _indented(Line(card.limitations_note, style="italic dim"), indent)


def _indented(what: RenderableType, columns: int) -> Padding:
    return Padding(what, (0, 0, 0, columns))
