"""Pages under construction: the limits of a message, and the packing of its parts into messages. Pure.

The limits are Discord's (https://docs.discord.com/developers/resources/message#embed-object-embed-limits and
.../components/reference), in UTF-16 units, of which there are never fewer than characters in Discord's count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.chat.message import Block
from bot.chat.port import Page
from bot.platforms.discord.buttons import ACTION_ROW, render_buttons
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
    """A page under construction: content, then embeds, then buttons; `papers` are the ids of its cards."""

    content: str = ""
    embeds: tuple[Embed, ...] = ()
    buttons: tuple[Mapping[str, Any], ...] = ()
    papers: tuple[str, ...] = ()

    @property
    def is_within_limits(self) -> bool:
        """True while the page keeps the limits of a message.

        Those of one embed or button are checked elsewhere.

        Two buttons may not have one custom_id.
        """
        return (
            count_units(self.content) <= CONTENT_UNITS
            and len(self.embeds) <= MAX_EMBEDS
            and sum(map(_count_embed_units, self.embeds)) <= EMBEDS_UNITS
            and len(self.buttons) <= MAX_ROWS * MAX_ROW_BUTTONS
            and len({button["custom_id"] for button in self.buttons}) == len(self.buttons)
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
    )
    return merged if merged.is_within_limits else None


def append_buttons(pages: list[PageDraft], blocks: Iterable[Block]) -> list[PageDraft]:
    """Return the pages with the buttons of the blocks on the last one.

    Buttons without room are left out, and all of them if there is no page.
    """
    for button in render_buttons(blocks):
        extended = replace(pages[-1], buttons=(*pages[-1].buttons, button)) if pages else None
        pages = [*pages[:-1], extended] if extended and extended.is_within_limits else pages
    return pages


def build_page(draft: PageDraft, position: int, style: DigestStyle) -> Page:
    """Build the payload of the page at a position, 0 for the first. No mention in it pings anybody.

    Pages after the first make no sound. In the thread style they are in the thread of the first.
    """
    rows = [
        draft.buttons[start : start + MAX_ROW_BUTTONS]
        for start in range(0, len(draft.buttons), MAX_ROW_BUTTONS)
    ]
    payload = {
        "content": draft.content,
        "embeds": list(draft.embeds),
        "components": [{"type": ACTION_ROW, "components": list(row)} for row in rows],
        "allowed_mentions": {"parse": []},
        "flags": SUPPRESS_NOTIFICATIONS if position else 0,
    }
    return Page(payload, draft.papers, in_thread=style is DigestStyle.THREAD and position > 0)
