"""Packing of blocks into pages within the limits of one Slack message. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.platforms.slack.blocks import DIVIDER, SlackBlock
from bot.platforms.slack.sanitize import count_units

MAX_PAGE_BLOCKS = 45
"""Blocks of a message as it is posted; the rest, up to what Slack takes, is room for what comes since."""
PAGE_UNITS = 10_000
"""All strings of a page's blocks. Slack refused 13,172 characters (https://github.com/slackapi/bolt-js/issues/2509)."""


@dataclass(frozen=True, slots=True)
class PageDraft:
    """Blocks that stay together on a page.

    `spoken` is the unescaped text for notifications and screen readers.
    """

    blocks: tuple[SlackBlock, ...]
    fallback_text: str = ""
    papers: tuple[str, ...] = ()

    @property
    def is_within_limits(self) -> bool:
        return len(self.blocks) <= MAX_PAGE_BLOCKS and _count_string_units(self.blocks) <= PAGE_UNITS


def _count_string_units(part: object) -> int:
    """Count the units of every string, type names included.

    Slack's own count is not documented, so this one is generous.
    """
    match part:
        case str():
            return count_units(part)
        case dict():
            return sum(map(_count_string_units, part.values()))
        case list() | tuple():
            return sum(map(_count_string_units, part))
        case _:
            return 0


def pack_drafts(drafts: Iterable[PageDraft]) -> list[PageDraft]:
    """Pack the drafts into as few pages as their order and the limits allow."""
    pages: list[PageDraft] = []
    for draft in drafts:
        merged = _merge_drafts(pages[-1], draft) if pages else draft
        pages[-1:] = [merged] if merged.is_within_limits else [*pages[-1:], draft]
    return pages


def _merge_drafts(page: PageDraft, draft: PageDraft) -> PageDraft:
    fallback_text = "\n".join(filter(None, (page.fallback_text, draft.fallback_text)))
    return PageDraft(page.blocks + draft.blocks, fallback_text, page.papers + draft.papers)


def strip_outer_dividers(page: PageDraft) -> PageDraft:
    blocks = list(page.blocks)
    while blocks and blocks[0] == DIVIDER:
        del blocks[0]
    while blocks and blocks[-1] == DIVIDER:
        del blocks[-1]
    return PageDraft(tuple(blocks), page.fallback_text, page.papers)
