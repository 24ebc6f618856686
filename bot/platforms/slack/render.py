"""Rendering of a message as pages of Block Kit, each the arguments of one chat.postMessage. Pure.

A text without links and bold type becomes plain_text, which Slack does not parse. The others become mrkdwn
and are escaped. Limits are Slack's (https://docs.slack.dev/reference/block-kit) unless stated otherwise, in
UTF-16 units of the escaped text.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC
from typing import assert_never

from bot.chat.message import (
    MAX_NAMED_PEOPLE,
    TARGET_LABEL,
    Appointment,
    Block,
    ButtonAction,
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
from bot.platforms.slack.blocks import (
    DIVIDER,
    FALLBACK_UNITS,
    SECTION_UNITS,
    SMALL_PRINT_UNITS,
    SlackBlock,
    build_context,
    build_mrkdwn_text,
    build_plain_text,
    build_section,
    can_be_a_value,
    render_action_button,
    render_menu,
)
from bot.platforms.slack.cards import render_brief, render_card, render_compact_card, render_links
from bot.platforms.slack.paging import PageDraft, pack_drafts, strip_outer_dividers
from bot.platforms.slack.reports import build_feedback_buttons
from bot.platforms.slack.sanitize import (
    build_message_address,
    clip_mrkdwn,
    count_mrkdwn_units,
    count_plain_units,
    count_units,
    escape_mrkdwn,
    is_user_id,
    render_link,
    split_text,
    tidy_line,
    tidy_lines,
)
from digests.subscription import DigestStyle
from digests.text import clip_text

HEADER_UNITS = 150
"""Units of a heading, and of a label before a text."""
CONTEXT_UNITS = 2000
"""Units of small print in one block."""
PEOPLE_TEXT_UNITS = 1000
"""Units of the text after people. Our own limit."""
MAX_ROW_BUTTONS = 25
"""Buttons of one row; the others are left out."""


def render(message: Message, style: DigestStyle) -> tuple[Page, ...]:
    """Return the message as pages within every limit of Slack.

    Texts are split over pages and cards are clipped. No page is empty: a message without visible content
    becomes a page with its summary. The last page has the picture. Never raises for any text.
    """
    style = fit_style(message, style)
    drafts = [page for chapter in _split_chapters(message, style) for page in pack_drafts(chapter)]
    pages = [page for page in map(strip_outer_dividers, drafts) if page.blocks] or [
        _build_empty_draft(message)
    ]
    rendered = [_build_page(page, position, message.summary, style) for position, page in enumerate(pages)]
    if message.file and message.file.is_picture:
        rendered[-1] = replace(rendered[-1], file=message.file)
    return tuple(rendered)


def _split_chapters(message: Message, style: DigestStyle) -> list[list[PageDraft]]:
    """Render the blocks in chapters, each of which begins a new page.

    Compact: one chapter. Cards: the blocks before the first card, then one chapter a card. Thread: a compact
    chapter without buttons for marks, then one chapter a card.
    """
    match style:
        case DigestStyle.COMPACT:
            return [_render_blocks(message.blocks, render_compact_card)]
        case DigestStyle.CARDS:
            return [_render_blocks(blocks, render_card) for blocks in _group_by_card(message.blocks)]
        case DigestStyle.THREAD:
            opening, cards, closing = split_thread(message)
            chapters = [_render_blocks(blocks, render_card) for blocks in _group_by_card(cards)]
            listing = [render_brief(card) for card in message.cards]
            first = [*_render_blocks(opening, render_card), *listing, *_render_blocks(closing, render_card)]
            return [first, *chapters] if opening else chapters
        case _:
            assert_never(style)


def _group_by_card(blocks: Sequence[Block]) -> list[list[Block]]:
    """Return the blocks before the first card as one group, then each card with the blocks that follow it."""
    groups: list[list[Block]] = [[]]
    for block in blocks:
        if isinstance(block, Card) and groups[-1]:
            groups.append([])
        groups[-1].append(block)
    return groups


def _build_empty_draft(message: Message) -> PageDraft:
    """Build a page with the message's summary, for a message without visible blocks."""
    fallback_text = (
        clip_text(tidy_line(message.summary), FALLBACK_UNITS, cost=count_plain_units) or "Nothing to show."
    )
    return PageDraft((build_section(build_plain_text(fallback_text)),), fallback_text)


def _build_page(page: PageDraft, position: int, summary: str, style: DigestStyle) -> Page:
    """Build the page at `position`, counted from 0, with its payload for chat.postMessage.

    The fallback text of the first page is the message's summary, that of the others their content. In the
    style thread, every page but the first is posted in the thread.
    """
    fallback_text = (tidy_line(summary) if position == 0 else "") or page.fallback_text
    payload = {
        "text": escape_mrkdwn(clip_text(fallback_text, FALLBACK_UNITS, cost=count_mrkdwn_units)) or "Papers",
        "blocks": list(page.with_foot()),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return Page(payload, page.papers, in_thread=style is DigestStyle.THREAD and position > 0)


def _render_blocks(blocks: Iterable[Block], render_paper: Callable[[Card], PageDraft]) -> list[PageDraft]:
    drafts: list[PageDraft] = []
    for block in blocks:
        match block:
            case Heading():
                drafts += _render_heading(block)
            case Text():
                drafts += _render_small_text(block) if block.is_small_print else _render_paragraph(block)
            case Divider():
                drafts.append(PageDraft((DIVIDER,)))
            case Card():
                drafts.append(render_paper(block))
            case Buttons():
                drafts += _render_row(block)
            case OptionRow():
                drafts += _render_option_row(block)
            case Links():
                drafts += _render_link_line(block)
            case Appointment():
                drafts.append(_render_appointment(block))
            case People():
                drafts += _render_people(block)
            case _:
                assert_never(block)
    return drafts


def _render_heading(heading: Heading) -> list[PageDraft]:
    text = clip_text(tidy_line(heading.text), HEADER_UNITS, cost=count_plain_units)
    return [PageDraft(({"type": "header", "text": build_plain_text(text)},), text)] if text else []


def _render_paragraph(text: Text) -> list[PageDraft]:
    return [
        PageDraft((build_section(text_object),), fallback_text)
        for text_object, fallback_text in _split_text_objects(text, SECTION_UNITS)
    ]


def _render_small_text(text: Text) -> list[PageDraft]:
    return [
        PageDraft((build_context(text_object),), fallback_text)
        for text_object, fallback_text in _split_text_objects(text, CONTEXT_UNITS)
    ]


def _split_text_objects(text: Text, limit: int) -> Iterable[tuple[SlackBlock, str]]:
    """Split a text into pairs of a text object of at most `limit` units and its fallback text.

    The label stands in bold before the first piece.
    """
    body = tidy_lines(text.text)
    label = clip_text(tidy_line(text.label), HEADER_UNITS, cost=count_mrkdwn_units)
    if not label:
        for piece in split_text(body, limit, count_plain_units):
            yield build_plain_text(piece), piece
        return
    bold_label = f"*{escape_mrkdwn(label)}*"
    first, *rest = split_text(body, limit - count_units(bold_label) - 1, count_mrkdwn_units) or [""]
    space = "\n" if "\n" in first or rest else " "
    yield (
        build_mrkdwn_text(f"{bold_label}{space}{escape_mrkdwn(first)}".strip()),
        f"{label}{space}{first}".strip(),
    )
    for piece in rest:
        yield build_mrkdwn_text(escape_mrkdwn(piece)), piece


def _render_row(row: Buttons) -> list[PageDraft]:
    """Render a row of buttons as one draft; return an empty list if no button is left.

    Buttons after the first `MAX_ROW_BUTTONS` are left out, and so is a button whose value Slack would not
    return unchanged. The button about a review becomes Slack's own pair of feedback buttons below the row.
    """
    usable = [button for button in row.buttons[:MAX_ROW_BUTTONS] if can_be_a_value(button.value)]
    buttons = [
        render_action_button(button, number)
        for number, button in enumerate(usable)
        if button.action is not ButtonAction.REPORT
    ]
    feedback = [build_feedback_buttons(each.value) for each in usable if each.action is ButtonAction.REPORT]
    blocks = (*([{"type": "actions", "elements": buttons}] if buttons else []), *feedback)
    return [PageDraft(blocks)] if blocks else []


def _render_option_row(row: OptionRow) -> list[PageDraft]:
    """Render a line with its button, or with all its buttons in one menu if it has several."""
    text = clip_text(tidy_line(row.text), SMALL_PRINT_UNITS, cost=count_plain_units)
    if not text:
        return []
    named, note = _render_row_people(row), _render_row_note(row)
    # The colon before the people is escaped with the text: it must not make an emoji of the text's end.
    markup = f"{escape_mrkdwn(f'{text}:')} {named}" if named else escape_mrkdwn(text)
    is_plain = not named and not note
    section = build_section(build_plain_text(text) if is_plain else build_mrkdwn_text(markup + note))
    menu = render_menu([row.button, *row.menu]) if row.menu else []
    if menu:
        section["accessory"] = menu[0]
    elif not row.menu and can_be_a_value(row.button.value):
        section["accessory"] = render_action_button(row.button)
    return [PageDraft((section,), text)]


def _render_row_people(row: OptionRow) -> str:
    """Return the people of a line as mrkdwn. Mentions in private messages ping nobody."""
    people = [f"<@{person}>" for person in row.people if is_user_id(person)]
    return ", ".join(filter(None, (*people, clip_mrkdwn(row.more_people, SMALL_PRINT_UNITS))))


def _render_row_note(row: OptionRow) -> str:
    """Return the note of a line as mrkdwn, a link if it has a target."""
    target = row.note_target
    address = build_message_address(target.channel.channel, target.message_id) if target else ""
    note = clip_text(tidy_line(row.note), SMALL_PRINT_UNITS, cost=count_plain_units)
    return f" · {render_link(note, address)}" if note else ""


def _render_link_line(line: Links) -> list[PageDraft]:
    if not (text := render_links(line.links)):
        return []
    fallback_text = " · ".join(tidy_line(link.label) for link in line.links)
    return [PageDraft((build_context(build_mrkdwn_text(text)),), fallback_text)]


def _render_appointment(appointment: Appointment) -> PageDraft:
    """Render an instant in each reader's time zone, and the place. The words are for notifications."""
    words = clip_text(tidy_line(appointment.text), SMALL_PRINT_UNITS, cost=count_mrkdwn_units)
    label = escape_mrkdwn(clip_text(tidy_line(appointment.label), HEADER_UNITS, cost=count_mrkdwn_units))
    fallback = f"{appointment.at.astimezone(UTC):%Y-%m-%d %H.%M} UTC"
    token = f"<!date^{int(appointment.at.timestamp())}^{{date_long_pretty}}, {{time}}|{fallback}>"
    lines = [f"*{label}* {token}"]
    place = clip_text(tidy_line(appointment.place), SMALL_PRINT_UNITS, cost=count_mrkdwn_units)
    if place:
        lines.append(f"*Where* {render_link(place, place)}")
    return PageDraft((build_section(build_mrkdwn_text("\n".join(lines))),), f"{appointment.label} {words}")


def _render_people(line: People) -> list[PageDraft]:
    people = [f"<@{person}>" for person in line.people if is_user_id(person)][:MAX_NAMED_PEOPLE]
    text = clip_text(tidy_line(line.text), PEOPLE_TEXT_UNITS, cost=count_mrkdwn_units)
    if not people and not text:
        return []
    label = escape_mrkdwn(clip_text(tidy_line(line.label), HEADER_UNITS, cost=count_mrkdwn_units))
    target = line.target
    address = build_message_address(target.channel.channel, target.message_id) if target else ""
    link = f"· {render_link(TARGET_LABEL, address)}" if address else ""
    named = " ".join(filter(None, (", ".join(people), escape_mrkdwn(text), link)))
    fallback_text = " ".join(filter(None, (tidy_line(line.label), text)))
    return [PageDraft((build_section(build_mrkdwn_text(f"*{label}* {named}")),), fallback_text)]


def omit_quotes(message: Message) -> Message:
    """Return a message whose cards have no quotes."""
    blocks = (replace(block, quotes=()) if isinstance(block, Card) else block for block in message.blocks)
    return replace(message, blocks=tuple(blocks))
