"""Headings and paragraphs as lines of Discord's markup. Pure."""

from collections.abc import Iterable, Sequence
from typing import assert_never

from bot.chat.message import (
    MAX_NAMED_PEOPLE,
    TARGET_LABEL,
    Appointment,
    Block,
    Buttons,
    Card,
    Divider,
    Heading,
    Link,
    Links,
    OptionRow,
    People,
    Text,
)
from bot.platforms.discord.draft import CONTENT_UNITS, DESCRIPTION_UNITS, TITLE_UNITS, PageDraft
from bot.platforms.discord.sanitize import (
    build_message_address,
    clip_inline,
    count_inline_units,
    count_units,
    escape_inline,
    find_fitting_end,
    render_link,
    tidy_line,
    to_safe_url,
)
from digests.text import clip_text

MAX_LINKS = 6
LINK_LABEL_UNITS = 60
LINK_LINE_UNITS = 1500
"""UTF-16 units of a line of links."""


def render_opening(blocks: Iterable[Block]) -> list[PageDraft]:
    """Return prose as drafts: as content, which notifications show, and the rest as embeds.

    Cards and buttons among the blocks are left out. Returns no draft if there is no text.
    """
    content, rest = _take_fitting_lines(render_lines(blocks), CONTENT_UNITS)
    return [*([PageDraft(content=content)] if content else []), *render_plain_embeds(rest)]


def render_plain_embeds(lines: Sequence[str]) -> list[PageDraft]:
    """Return lines of markup as drafts of one embed each, as many as the length of a description requires.

    Empty lines at the ends of an embed are dropped. Lines without any text give no draft.
    """
    drafts = []
    while lines:
        description, lines = _take_fitting_lines(lines, DESCRIPTION_UNITS)
        if description:
            drafts.append(PageDraft(embeds=({"description": description},)))
    return drafts


def _take_fitting_lines(lines: Sequence[str], limit: int) -> tuple[str, Sequence[str]]:
    """Return as many first lines as fit into `limit` UTF-16 units, joined, and the remaining lines.

    The joined text has no empty line at its ends; it is "" if the first line does not fit.
    """
    used = 0
    for index, line in enumerate(lines):
        used += count_units(line) + 1
        if used > limit + 1:
            return "\n".join(lines[:index]).strip("\n"), lines[index:]
    return "\n".join(lines).strip("\n"), ()


def render_lines(blocks: Iterable[Block]) -> list[str]:
    """Return the prose of the blocks as lines of markup; cards and buttons are left out.

    No line is longer than a content may be. Options are numbered.
    """
    lines: list[str] = []
    option_count = 0
    for block in blocks:
        match block:
            case Heading():
                lines += _render_markup_lines("**", block.text, "**")
            case Text():
                paragraph = _render_paragraph(block)
                follows_prose = bool(lines and lines[-1]) and not lines[-1].startswith("**")
                starts_paragraph = follows_prose and not block.is_small_print and not block.label
                lines += ["", *paragraph] if paragraph and starts_paragraph else paragraph
            case Divider():
                lines.append("")
            case OptionRow():
                option_count += 1
                lines += _render_option(block, block.number or option_count)
            case Links():
                if line := render_links(block.links, LINK_LINE_UNITS):
                    lines.append(render_small_print(line))
            case Appointment():
                lines += _render_appointment(block)
            case People():
                lines += _render_people(block)
            case Buttons() | Card():
                pass  # Cards and buttons are rendered apart from prose.
            case _:
                assert_never(block)
    return lines


def _render_option(row: OptionRow, number: int) -> list[str]:
    """Return the text of an option, the people after it, and its note. Mentions in answers ping nobody."""
    lines = _render_paragraph(Text(_number_option(row.text, number)))
    people = [f"<@{person}>" for person in row.people if person.isascii() and person.isdecimal()]
    named = ", ".join(filter(None, (*people, clip_inline(row.more_people, TITLE_UNITS))))
    target = row.note_target
    address = build_message_address(target.channel, target.message_id) if target else ""
    note = render_link(row.note, address) if row.note else ""
    tail = "".join((f": {named}" if named else "", f" · {note}" if note else ""))
    fits = bool(lines) and count_units(lines[-1] + tail) <= CONTENT_UNITS
    return [*lines[:-1], lines[-1] + tail] if fits else lines


def _number_option(text: str, number: int) -> str:
    """Return an option's text with its number, which its button shows too, since it stands elsewhere."""
    return text if text.startswith(f"{number}. ") else f"{number}. {text}"


PLACE_UNITS = 300
"""Units of the place of an appointment. Our own limit."""


def _render_appointment(appointment: Appointment) -> list[str]:
    """Return an instant in each reader's time zone, and how far it is away, with the place below."""
    instant = int(appointment.at.timestamp())
    label, place = clip_inline(appointment.label, TITLE_UNITS), tidy_line(appointment.place)
    lines = [f"**{label}** <t:{instant}:F> (<t:{instant}:R>)"]
    if place and count_units(place) <= PLACE_UNITS and to_safe_url(place):
        lines.append(f"**Where** <{to_safe_url(place)}>")
    elif place:
        lines.append(f"**Where** {clip_inline(place, PLACE_UNITS)}")
    return lines


PEOPLE_TEXT_UNITS = 900
"""Units of the text after people. Our own limit: with `MAX_NAMED_PEOPLE` of them it fits into a content."""


def _render_people(line: People) -> list[str]:
    people = ", ".join(f"<@{person}>" for person in list_pinged((line,)))
    target = line.target
    address = build_message_address(target.channel, target.message_id) if target else ""
    link = f"· {render_link(TARGET_LABEL, address)}" if address else ""
    named = " ".join(filter(None, (people, clip_inline(line.text, PEOPLE_TEXT_UNITS), link)))
    return [f"**{clip_inline(line.label, TITLE_UNITS)}** {named}"] if named else []


def list_pinged(blocks: Iterable[Block]) -> list[str]:
    """Return the ids of the people whom a message names, each once."""
    people = [
        person
        for block in blocks
        if isinstance(block, People)
        for person in block.people[:MAX_NAMED_PEOPLE]
        if person.isascii() and person.isdecimal() and len(person) <= MAX_ID_CHARACTERS
    ]
    return list(dict.fromkeys(people))


MAX_ID_CHARACTERS = 20
"""Digits of Discord's longest id."""


def _render_paragraph(text: Text) -> list[str]:
    """Return a text as lines of markup, with its label in bold.

    The label stands on the first line if the text is one line and both fit.
    """
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
    """Return one raw line, escaped, between `before` and `after`.

    A line longer than a content may be becomes several, cut at words where possible.
    """
    room = CONTENT_UNITS - count_units(before) - count_units(after)
    pieces, rest = [], tidy_line(raw)
    while rest:
        end = find_fitting_end(rest, room)
        pieces.append(escape_inline(rest[:end]))
        rest = rest[end:].lstrip()
    return [f"{before}{piece}{after}" for piece in pieces if piece]


def render_small_print(text: str) -> str:
    """Return the text as a line of small print; empty for an empty text."""
    return f"-# {text}" if text else ""


def render_links(links: Sequence[Link], limit: int) -> str:
    """Return the first links as one line of at most `limit` units. Unsafe addresses are left out."""
    line = ""
    for link in links[:MAX_LINKS]:
        label = clip_text(tidy_line(link.label), LINK_LABEL_UNITS, cost=count_inline_units)
        if not label or not to_safe_url(link.url):
            continue
        longer = " · ".join(filter(None, (line, render_link(label, link.url))))
        line = longer if count_units(longer) <= limit else line
    return line
