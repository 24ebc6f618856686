"""Pages under construction: the limits of a message, and the packing of its parts into messages. Pure.

The limits are Discord's (https://docs.discord.com/developers/resources/message#embed-object-embed-limits and
.../components/reference), in UTF-16 units, of which there are never fewer than characters in Discord's count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.chat.message import Block
from bot.chat.port import Page
from bot.platforms.discord.buttons import (
    ACTION_ROW,
    MAX_OPTIONS,
    render_buttons,
    render_option_menu,
    render_review_select,
)
from bot.platforms.discord.sanitize import count_units
from digests.subscription import DigestStyle

CONTENT_UNITS = 2000
TITLE_UNITS = 256
DESCRIPTION_UNITS = 4096
EMBEDS_UNITS = 6000
"""UTF-16 units of all embeds of a message: titles, descriptions and footers."""
MAX_EMBEDS = 10
MAX_ROW_BUTTONS = 5
MAX_ROWS = 5
SUPPRESS_NOTIFICATIONS = 1 << 12
"""Flag of a message that makes no sound. Only the first page of a digest makes one."""
Embed = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PageDraft:
    """A page under construction: content, then embeds, then buttons, then menus.

    `papers` are the ids of its cards. `reviews` are pairs of the label of a button to a full review, and the
    option of a menu of these, which follows the other `menus`.
    """

    content: str = ""
    embeds: tuple[Embed, ...] = ()
    buttons: tuple[Mapping[str, Any], ...] = ()
    papers: tuple[str, ...] = ()
    menus: tuple[Mapping[str, Any], ...] = ()
    reviews: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    @property
    def is_within_limits(self) -> bool:
        """True while the page keeps the limits of a message.

        Those of one embed or button are checked elsewhere.

        Two buttons or menus may not have one custom_id, nor two options one value.
        """
        row_count = -(-len(self.buttons) // MAX_ROW_BUTTONS) + len(self.menus) + bool(self.reviews)
        custom_ids = [component["custom_id"] for component in (*self.buttons, *self.menus)]
        return (
            count_units(self.content) <= CONTENT_UNITS
            and len(self.embeds) <= MAX_EMBEDS
            and sum(map(_count_embed_units, self.embeds)) <= EMBEDS_UNITS
            and row_count <= MAX_ROWS
            and len(set(custom_ids)) == len(custom_ids)
            and len(self.reviews) <= MAX_OPTIONS
            and len({option["value"] for _, option in self.reviews}) == len(self.reviews)
        )


def _count_embed_units(embed: Embed) -> int:
    footer = embed.get("footer", {}).get("text", "")
    return sum(map(count_units, (embed.get("title", ""), embed.get("description", ""), footer)))


def pack_drafts(drafts: Iterable[PageDraft]) -> list[PageDraft]:
    """Merge drafts into as few pages as their order and the limits allow."""
    pages: list[PageDraft] = []
    for draft in drafts:
        merged = _merge_drafts(pages[-1], draft) if pages else None
        pages[-1:] = [merged] if merged else [*pages[-1:], draft]
    return pages


def _merge_drafts(page: PageDraft, draft: PageDraft) -> PageDraft | None:
    """Return a page with a draft at its end; None if it breaks a limit, or content would follow an embed."""
    if page.embeds and draft.content:
        return None
    merged = PageDraft(
        content="\n".join(filter(None, (page.content, draft.content))),
        embeds=page.embeds + draft.embeds,
        buttons=page.buttons + draft.buttons,
        papers=page.papers + draft.papers,
        menus=page.menus + draft.menus,
        reviews=page.reviews + draft.reviews,
    )
    return merged if merged.is_within_limits else None


def append_buttons(pages: list[PageDraft], blocks: Iterable[Block]) -> list[PageDraft]:
    """Return the pages with the buttons and the menu of the blocks on the last one.

    Buttons without room are left out, and all of them if there is no page.
    """
    blocks = tuple(blocks)
    for button in render_buttons(blocks):
        extended = replace(pages[-1], buttons=(*pages[-1].buttons, button)) if pages else None
        pages = [*pages[:-1], extended] if extended and extended.is_within_limits else pages
    for menu in render_option_menu(blocks):
        extended = replace(pages[-1], menus=(*pages[-1].menus, menu)) if pages else None
        pages = [*pages[:-1], extended] if extended and extended.is_within_limits else pages
    return pages


def build_page(draft: PageDraft, position: int, style: DigestStyle, pinged: Sequence[str] = ()) -> Page:
    """Build the payload of the page at a position, 0 for the first. It pings the people in `pinged` alone.

    Pages after the first make no sound. In the thread style they are in the thread of the first.
    """
    rows: list[Sequence[Mapping[str, Any]]] = [
        draft.buttons[start : start + MAX_ROW_BUTTONS]
        for start in range(0, len(draft.buttons), MAX_ROW_BUTTONS)
    ]
    rows += [[menu] for menu in draft.menus]
    rows += [[render_review_select(draft.reviews)]] if draft.reviews else []
    payload = {
        "content": draft.content,
        "embeds": list(draft.embeds),
        "components": [{"type": ACTION_ROW, "components": list(row)} for row in rows],
        "allowed_mentions": {"parse": [], **({"users": list(pinged)} if pinged else {})},
        "flags": SUPPRESS_NOTIFICATIONS if position else 0,
    }
    return Page(payload, draft.papers, in_thread=style is DigestStyle.THREAD and position > 0)
