"""Refresh of a posted page: mark counts on its buttons, and update lines. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.chat.message import ButtonAction
from bot.chat.port import PostUpdate
from bot.platforms.slack.blocks import (
    FALLBACK_UNITS,
    PAPER_BLOCK_PREFIX,
    SlackBlock,
    build_context,
    build_plain_text,
    count_blocks,
)
from bot.platforms.slack.sanitize import count_plain_units, count_units, escape_mrkdwn, tidy_line
from digests.text import clip_text

MAX_BLOCKS = 50
"""Blocks of a message (https://docs.slack.dev/reference/block-kit/blocks)."""
UPDATE_UNITS = 150
"""UTF-16 units of one paper's update line. Our own limit."""


def apply_post_update(payload: Mapping[str, Any], update: PostUpdate) -> dict[str, Any]:
    """Return the posted payload with the current mark counts and update lines; the rest is unchanged.

    Each Discuss button gets its paper's mark count. A paper's update line stands next to its button, unless
    the message would exceed `MAX_BLOCKS`. Start from the payload as it was first posted: lines are added, not
    replaced.
    """
    update_lines = {
        paper: clip_text(tidy_line(line), UPDATE_UNITS, cost=count_plain_units)
        for paper, line in update.update_lines.items()
    }
    room = MAX_BLOCKS - count_blocks(payload["blocks"])
    compact_papers = set(map(_compact_paper_of, payload["blocks"]))
    blocks: list[SlackBlock] = []
    for block in payload["blocks"]:
        button_paper = _button_paper_of(block)
        paper = _compact_paper_of(block) or (button_paper if button_paper not in compact_papers else "")
        blocks.append(_set_mark_counts(block, update.mark_counts))
        if paper and update_lines.get(paper) and room > 0:
            room -= 1
            # A full card ends with its row of buttons: its line stands before that. A compact card has its id
            # in its last block: its line follows.
            blocks.insert(
                len(blocks) - (block["type"] == "actions"),
                build_context(build_plain_text(update_lines[paper])),
            )
    return {
        **payload,
        "text": _append_update_line(payload["text"], list(update_lines.values())),
        "blocks": blocks,
    }


def _append_update_line(text: str, update_lines: Sequence[str]) -> str:
    """Append the update line to the fallback text if it is the only one and fits.

    Several lines are left out, since none of them names its paper.
    """
    (line,) = update_lines if len(update_lines) == 1 else ("",)
    longer = f"{text}\n{escape_mrkdwn(line)}"
    return longer if line and count_units(longer) <= FALLBACK_UNITS else text


def _compact_paper_of(block: SlackBlock) -> str:
    """Return the id of the paper whose compact card ends with this block, or ""."""
    block_id = str(block.get("block_id", ""))
    return block_id.removeprefix(PAPER_BLOCK_PREFIX) if block_id.startswith(PAPER_BLOCK_PREFIX) else ""


def _button_paper_of(block: SlackBlock) -> str:
    """Return the id of the paper with the only Discuss button in a block, or ""."""
    buttons = [*block.get("elements", ()), block.get("accessory", {})]
    papers = [str(button["value"]) for button in buttons if _is_discuss_button(button)]
    return papers[0] if len(papers) == 1 else ""


def _is_discuss_button(button: SlackBlock) -> bool:
    return str(button.get("action_id", "")).partition(".")[0] == ButtonAction.DISCUSS


def _set_mark_counts(block: SlackBlock, mark_counts: Mapping[str, int]) -> SlackBlock:
    def set_button_text(button: SlackBlock) -> SlackBlock:
        count = mark_counts.get(str(button.get("value")), 0)
        if not count or not _is_discuss_button(button):
            return button
        return {**button, "text": {**button["text"], "text": f"{button['text']['text']} · {count:,}"}}

    if "accessory" in block:
        return {**block, "accessory": set_button_text(block["accessory"])}
    return {**block, "elements": [*map(set_button_text, block["elements"])]} if "elements" in block else block
