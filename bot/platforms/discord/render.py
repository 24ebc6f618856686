"""A message as pages of Discord: content, embeds and classic buttons. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from bot.chat.message import Block, Card, Message, fit_style, split_thread
from bot.chat.port import Page
from bot.platforms.discord.cards import KEYCAPS as KEYCAPS
from bot.platforms.discord.cards import render_brief, render_card, render_compact_card
from bot.platforms.discord.draft import CONTENT_UNITS, PageDraft, append_buttons, build_page, pack_drafts
from bot.platforms.discord.prose import list_pinged, render_lines, render_opening, render_plain_embeds
from bot.platforms.discord.sanitize import clip_inline
from digests.subscription import DigestStyle


def render(message: Message, style: DigestStyle) -> tuple[Page, ...]:
    """Render a message as pages within Discord's limits, one at least. Never raises for any text.

    `CARDS` makes one page for each paper, after the pages with the blocks before the first; `THREAD` the same
    in the thread of a first page that lists the papers; and `COMPACT` as few pages as possible. Only the
    first page notifies. The last page has the picture.
    """
    opening, papers = _split_message(message)
    style = fit_style(message, style)
    match style:
        case DigestStyle.CARDS:
            drafts = [
                *append_buttons(pack_drafts(render_opening(opening)), opening),
                *_render_cards(papers),
            ]
        case DigestStyle.THREAD:
            opening, between, closing = split_thread(message)
            _, papers = _split_message(Message("", between))
            drafts = [
                *(_render_listing(message.cards, opening, closing) if opening else ()),
                *_render_cards(papers),
            ]
        case DigestStyle.COMPACT:
            drafts = _render_compact(opening, papers)
        case _:
            assert_never(style)
    drafts = drafts or [PageDraft(content=clip_inline(message.summary, CONTENT_UNITS) or "Nothing to show.")]
    pinged = list_pinged(message.blocks)
    pages = [
        build_page(draft, position, style, () if position else pinged)
        for position, draft in enumerate(drafts)
    ]
    if message.file and message.file.is_picture:
        pages[-1] = replace(pages[-1], file=message.file)
    return tuple(pages)


@dataclass(frozen=True, slots=True)
class _CardSection:
    """A card and the blocks that follow it, up to the next card or the end of the message."""

    card: Card
    following_blocks: tuple[Block, ...]


def _split_message(message: Message) -> tuple[tuple[Block, ...], tuple[_CardSection, ...]]:
    """Return the blocks before the first card, and each card with the blocks that follow it."""
    starts = [index for index, block in enumerate(message.blocks) if isinstance(block, Card)]
    ends = [*starts[1:], len(message.blocks)]
    opening = message.blocks[: starts[0]] if starts else message.blocks
    between = [message.blocks[start + 1 : end] for start, end in zip(starts, ends, strict=False)]
    papers = (_CardSection(card, after) for card, after in zip(message.cards, between, strict=True))
    return opening, tuple(papers)


def _render_cards(papers: Iterable[_CardSection]) -> list[PageDraft]:
    """Return a page for each paper, with the blocks that follow it.

    Blocks without room get pages of their own.
    """
    drafts = []
    for paper in papers:
        drafts += append_buttons(
            pack_drafts(
                [render_card(paper.card), *render_plain_embeds(render_lines(paper.following_blocks))]
            ),
            paper.following_blocks,
        )
    return drafts


def _render_listing(
    cards: Sequence[Card], opening: Sequence[Block], closing: Sequence[Block]
) -> list[PageDraft]:
    """Return the papers in the compact look, without buttons for marks, between opening and closing."""
    pages = pack_drafts([*render_opening(opening), *map(render_brief, cards)])
    return append_buttons(_append_closing(pages, render_lines(closing)), [*opening, *closing])


def _render_compact(opening: Sequence[Block], papers: Sequence[_CardSection]) -> list[PageDraft]:
    """Return the papers in the compact look on as few pages as possible, with Discuss buttons at their foot.

    The closing and its buttons are on the last page.
    """
    drafts = render_opening(opening)
    for position, paper in enumerate(papers, 1):
        drafts.append(render_compact_card(paper.card))
        if position < len(papers):
            drafts += render_plain_embeds(render_lines(paper.following_blocks))
    pages = _append_closing(pack_drafts(drafts), render_lines(papers[-1].following_blocks) if papers else [])
    return append_buttons(pages, [*opening, *(block for paper in papers for block in paper.following_blocks)])


def _append_closing(pages: list[PageDraft], closing: Sequence[str]) -> list[PageDraft]:
    """Add the closing lines to the pages, and return all pages.

    They go into an embed of the last page if it fits, else into its content, else into embeds on new pages.
    """
    closing_drafts = render_plain_embeds(closing)
    embedded = pack_drafts([*pages[-1:], *closing_drafts])
    if len(embedded) <= 1:
        return [*pages[:-1], *embedded]
    content = "\n".join(filter(None, (pages[-1].content, *closing)))
    extended = replace(pages[-1], content=content)
    return [*pages[:-1], extended] if extended.is_within_limits else [*pages[:-1], *embedded]
