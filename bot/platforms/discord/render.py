"""A message as pages of Discord: content, embeds and classic buttons. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from bot.chat.message import Block, Card, Message
from bot.chat.port import Page
from bot.platforms.discord.cards import FULL_CARD, SHORT_CARD, render_card, render_listing
from bot.platforms.discord.draft import CONTENT_UNITS, PageDraft, append_buttons, build_page, pack_drafts
from bot.platforms.discord.prose import render_lines, render_opening, render_plain_embeds
from bot.platforms.discord.sanitize import clip_inline
from digests.subscription import DigestStyle

KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣", "🔟")
"""Emojis of the numbers 1 to 10."""


def render(message: Message, style: DigestStyle) -> tuple[Page, ...]:
    """Render a message as pages within Discord's limits, one at least. Never raises for any text.

    `CARDS` makes one page for each paper, after the pages with the blocks before the first; `THREAD` the same
    in the thread of a first page that lists the papers; and `COMPACT` as few pages as possible. Only the
    first page notifies.
    """
    opening, papers = _split_message(message)
    match style:
        case DigestStyle.CARDS:
            drafts = [
                *append_buttons(pack_drafts(render_opening(opening)), opening),
                *_render_cards(papers),
            ]
        case DigestStyle.THREAD:
            listing = render_listing(message.cards) if opening else []
            drafts = [
                *append_buttons(pack_drafts([*render_opening(opening), *listing]), opening),
                *_render_cards(papers),
            ]
        case DigestStyle.COMPACT:
            drafts = _render_compact(opening, papers)
        case _:
            assert_never(style)
    drafts = drafts or [PageDraft(content=clip_inline(message.summary, CONTENT_UNITS) or "Nothing to show.")]
    return tuple(build_page(draft, position, style) for position, draft in enumerate(drafts))


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
        number = f"{paper.card.number}. " if paper.card.number is not None else ""
        card = render_card(paper.card, FULL_CARD, number=number, label="Discuss")
        drafts += append_buttons(
            pack_drafts([card, *render_plain_embeds(render_lines(paper.following_blocks))]),
            paper.following_blocks,
        )
    return drafts


def _render_compact(opening: Sequence[Block], papers: Sequence[_CardSection]) -> list[PageDraft]:
    """Return the message on as few pages as possible, its closing and its buttons on the last one.

    One paper is shown in full; several are short cards with a number, which their Discuss buttons show too.
    """
    drafts = render_opening(opening)
    for position, paper in enumerate(papers, 1):
        if len(papers) == 1:
            drafts.append(render_card(paper.card, FULL_CARD, number="", label="Discuss"))
        else:
            number = position if paper.card.number is None else paper.card.number
            drafts.append(render_card(paper.card, SHORT_CARD, number=_keycap_of(number), label=str(number)))
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


def _keycap_of(number: int) -> str:
    """Return the text before a card's title: a keycap emoji for 1 to 10, else the number, such as “11. ”."""
    return f"{KEYCAPS[number - 1]} " if 1 <= number <= len(KEYCAPS) else f"{number}. "
