"""Packing of blocks into pages within the limits of one Slack message. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.platforms.slack.blocks import DIVIDER, SlackBlock, count_blocks, render_review_select
from bot.platforms.slack.sanitize import count_units

MAX_PAGE_BLOCKS = 45
"""Blocks of a page when it is posted, with those in containers. Slack takes 50; the other five are room for
later update lines."""
ROW_BUTTONS = 25
"""Buttons of one row (https://docs.slack.dev/reference/block-kit/blocks/actions-block)."""
PAGE_UNITS = 10_000
"""UTF-16 units of all strings in a page's blocks. Slack documents no limit, and refused 13,172 characters
(https://github.com/slackapi/bolt-js/issues/2509)."""


@dataclass(frozen=True, slots=True)
class PageDraft:
    """Blocks that stay together on one page, or a whole page that was merged from such drafts.

    `fallback_text` is their content, unescaped, for notifications and screen readers. `papers` are the ids of
    the papers that a reaction to the page can mean. `foot_buttons` stand in rows at the end of the page, and
    after them a menu with `reviews`: pairs of the label of a button to a full review, and the menu's option.
    """

    blocks: tuple[SlackBlock, ...]
    fallback_text: str = ""
    papers: tuple[str, ...] = ()
    foot_buttons: tuple[SlackBlock, ...] = ()
    reviews: tuple[tuple[str, SlackBlock], ...] = ()

    @property
    def is_within_limits(self) -> bool:
        """Return True if the blocks fit one page, by their number and their total length."""
        blocks = self.with_foot()
        return count_blocks(blocks) <= MAX_PAGE_BLOCKS and _count_string_units(blocks) <= PAGE_UNITS

    def with_foot(self) -> tuple[SlackBlock, ...]:
        """Return the blocks with the buttons at the foot, in one row with buttons that end the page already.

        A second button of one action in a row gets a number in its action_id, which Slack requires.
        """
        if not self.foot_buttons:
            return self.blocks
        *others, last = self.blocks or ({},)
        is_joined = last.get("type") == "actions" and self.papers != ()
        menu = [render_review_select(self.reviews)] if self.reviews else []
        buttons = [*self.foot_buttons, *(last["elements"] if is_joined else ()), *menu]
        before = tuple(others) if is_joined else self.blocks
        rows = [buttons[start : start + ROW_BUTTONS] for start in range(0, len(buttons), ROW_BUTTONS)]
        return before + tuple({"type": "actions", "elements": _number_actions(row)} for row in rows)


def _number_actions(row: Iterable[SlackBlock]) -> list[SlackBlock]:
    return [
        {**button, "action_id": f"{button['action_id'].partition('.')[0]}.{place}"} if place else button
        for place, button in enumerate(row)
    ]


def _count_string_units(part: object) -> int:
    """Count the UTF-16 units of all strings in a block, without the keys of its objects.

    Names of types and ids are included. Slack does not document its own count, so this one is on the safe
    side.
    """
    if isinstance(part, str):
        return count_units(part)
    if isinstance(part, dict):
        return sum([_count_string_units(value) for value in part.values()])
    if isinstance(part, (list, tuple)):
        return sum([_count_string_units(value) for value in part])
    return 0


def pack_drafts(drafts: Iterable[PageDraft]) -> list[PageDraft]:
    """Merge drafts, in their order, into as few pages as the limits allow. A draft is never split."""
    pages: list[PageDraft] = []
    for draft in drafts:
        merged = _merge_drafts(pages[-1], draft) if pages else draft
        pages[-1:] = [merged] if merged.is_within_limits else [*pages[-1:], draft]
    return pages


def _merge_drafts(page: PageDraft, draft: PageDraft) -> PageDraft:
    fallback_text = "\n".join(filter(None, (page.fallback_text, draft.fallback_text)))
    return PageDraft(
        page.blocks + draft.blocks,
        fallback_text,
        page.papers + draft.papers,
        page.foot_buttons + draft.foot_buttons,
        page.reviews + draft.reviews,
    )


def strip_outer_dividers(page: PageDraft) -> PageDraft:
    """Remove the dividers at the beginning and the end of a page."""
    blocks = list(page.blocks)
    while blocks and blocks[0] == DIVIDER:
        del blocks[0]
    while blocks and blocks[-1] == DIVIDER:
        del blocks[-1]
    return replace(page, blocks=tuple(blocks))
