"""Headings and paragraphs as lines of Discord's markup. Pure."""

from collections.abc import Iterable, Sequence
from typing import assert_never

from bot.chat.message import Block, Buttons, Card, Divider, Heading, OptionRow, Text
from bot.platforms.discord.draft import CONTENT_UNITS, DESCRIPTION_UNITS, TITLE_UNITS, PageDraft
from bot.platforms.discord.sanitize import (
    clip_inline,
    count_units,
    escape_inline,
    find_fitting_end,
    tidy_line,
)


def render_opening(blocks: Iterable[Block]) -> list[PageDraft]:
    """Renders prose as content, which notifications show; the overflow goes into embeds."""
    content, rest = _take_fitting_lines(render_lines(blocks), CONTENT_UNITS)
    return [*([PageDraft(content=content)] if content else []), *render_plain_embeds(rest)]


def render_plain_embeds(lines: Sequence[str]) -> list[PageDraft]:
    """Lines as embeds without title or colour, one a draft."""
    drafts = []
    while lines:
        description, lines = _take_fitting_lines(lines, DESCRIPTION_UNITS)
        if description:
            drafts.append(PageDraft(embeds=({"description": description},)))
    return drafts


def _take_fitting_lines(lines: Sequence[str], limit: int) -> tuple[str, Sequence[str]]:
    """Returns the first lines that fit, as one text, and the remaining lines."""
    used = 0
    for index, line in enumerate(lines):
        used += count_units(line) + 1
        if used > limit + 1:
            return "\n".join(lines[:index]).strip("\n"), lines[index:]
    return "\n".join(lines).strip("\n"), ()


def render_lines(blocks: Iterable[Block]) -> list[str]:
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
    if label := clip_inline(text.label, TITLE_UNITS):
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
        end = find_fitting_end(rest, room)
        pieces.append(escape_inline(rest[:end]))
        rest = rest[end:].lstrip()
    return [f"{before}{piece}{after}" for piece in pieces if piece]


def render_small_print(text: str) -> str:
    return f"-# {text}" if text else ""
