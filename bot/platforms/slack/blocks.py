"""Builders of Block Kit objects, and limits that several files use. Pure.

Texts are clipped by the caller, except a button's. Limits are Slack's
(https://docs.slack.dev/reference/block-kit) unless stated otherwise, in UTF-16 units of the escaped text.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from bot.chat.message import Button, ButtonAction, Card
from bot.platforms.slack.sanitize import (
    count_plain_units,
    count_units,
    defuse_pings,
    escape_entities,
    tidy_line,
)
from digests.text import clip_text, normalize_text

SlackBlock = dict[str, Any]

SECTION_UNITS = 3000
"""Units of a section's text."""
FALLBACK_UNITS = 3000
"""Units of a message's `text`, the fallback for notifications and screen readers.

Our own limit: Slack advises 4,000 at most (https://docs.slack.dev/reference/methods/chat.postMessage)."""
SMALL_PRINT_UNITS = 200
"""Units of one part of a card's small print, and of the line beside a button. Our own limit."""
BUTTON_UNITS = 75
"""Units of a button's text."""
LABEL_UNITS = 75
"""Units of a button's accessibility_label."""
OPTION_UNITS = 150
"""Units of the value of a menu's option."""
MAX_OPTIONS = 100
"""Options of a menu."""
MAX_MENU_OPTIONS = 5
"""Options of an overflow menu."""
MENU_ACTION_ID = "menu"
"""The action_id of an overflow menu. The value of an option is an action, a colon and the action's value."""
VALUE_UNITS = 2000
"""Units of a button's value."""
NAME_UNITS = 40
"""Units of a paper's name on its button. Our own limit: it leaves room for the number of marks."""
PAPER_BLOCK_PREFIX = "paper:"
"""Start of the block_id of a compact card; the paper's id follows."""
MAX_BLOCK_ID_PAPER = 200
"""Characters of a paper's id in a block_id, which Slack limits to 255 characters."""

DIVIDER: SlackBlock = {"type": "divider"}


def build_section(text: SlackBlock) -> SlackBlock:
    return {"type": "section", "text": text}


def build_context(text: SlackBlock) -> SlackBlock:
    return {"type": "context", "elements": [text]}


def build_plain_text(text: str) -> SlackBlock:
    """Build a plain_text object.

    Slack does not parse it: marks and emoji shortcodes are shown as they are written.
    """
    return {"type": "plain_text", "text": defuse_pings(text), "emoji": False}


def build_mrkdwn_text(markup: str) -> SlackBlock:
    """Build a mrkdwn object of markup that is already escaped. Slack adds no links or mentions of its own."""
    return {"type": "mrkdwn", "text": markup, "verbatim": True}


def build_container(title: str, child_blocks: Sequence[SlackBlock]) -> SlackBlock:
    """Build a wrapper around blocks that is collapsed until a reader opens it.

    Slack takes a title of up to 150 characters and up to 10 blocks; the caller keeps these limits
    (https://docs.slack.dev/reference/block-kit/blocks/container-block).
    """
    return {
        "type": "container",
        "title": build_plain_text(title),
        "child_blocks": list(child_blocks),
        "is_collapsible": True,
        "default_collapsed": True,
    }


def drop_containers(blocks: Iterable[SlackBlock]) -> list[SlackBlock]:
    """Return the blocks without the containers and what is in them."""
    return [block for block in blocks if block["type"] != "container"]


def count_blocks(blocks: Iterable[SlackBlock]) -> int:
    """Count blocks, with those in containers: Slack does not document how it counts them."""
    return sum(1 + len(block.get("child_blocks", ())) for block in blocks)


def render_action_button(button: Button, number: int = 0) -> SlackBlock:
    """Render a button, with its label clipped. The action's name stands in for an empty label.

    The action_id is the action, followed by `number` if that is not 0, as in "show.2": Slack requires unique
    ids in a row of buttons.
    """
    label = clip_text(tidy_line(button.label), BUTTON_UNITS, cost=count_plain_units) or button.action.title()
    element: SlackBlock = {
        "type": "button",
        "action_id": f"{button.action}.{number}" if number else str(button.action),
        "text": {"type": "plain_text", "text": defuse_pings(label), "emoji": True},
        "value": button.value,
    }
    return {**element, "style": "primary"} if button.is_primary else element


def render_discuss_button(card: Card, title: str) -> SlackBlock:
    """Render a card's Discuss button, with its mark count, as an element of a block.

    Its value is the paper's id: call this only if `can_be_a_value(card.paper)`. Screen readers read `title`
    too.
    """
    return {
        "type": "button",
        "action_id": ButtonAction.DISCUSS,
        "text": render_discuss_text(card.mark_count),
        "value": card.paper,
        "accessibility_label": defuse_pings(
            clip_text(f"Discuss {title}", LABEL_UNITS, cost=count_plain_units)
        )
        or "Discuss",
    }


def render_numbered_discuss_button(card: Card, name: str) -> SlackBlock:
    """Render a Discuss button that stands apart from its card, and so names the paper by number or title.

    Call this only if `can_be_a_value(card.paper)`.
    """
    name = clip_text(tidy_line(name), NAME_UNITS, cost=count_plain_units) or "Discuss"
    button = render_discuss_button(card, tidy_line(card.title) or name)
    return {**button, "text": render_discuss_text(card.mark_count, defuse_pings(name))}


def render_review_option(card: Card, name: str) -> tuple[str, SlackBlock] | None:
    """Render the option of a menu that opens a card's full review, after the label of that button.

    Returns None without a label, and for an id that Slack would not take as an option's value.
    """
    label = tidy_line(card.review_label)
    if not label or not _can_be_an_option(card.paper):
        return None
    title = tidy_line(card.title) or label
    text = f"{name}. {title}" if card.number is not None else title
    return label, {
        "text": build_plain_text(_clip_label(text)),
        "value": card.paper,
    }


def render_review_select(reviews: Sequence[tuple[str, SlackBlock]]) -> SlackBlock:
    """Render a menu of full reviews from the pairs of `render_review_option`, the first `MAX_OPTIONS`."""
    labels = list(dict.fromkeys(label for label, _ in reviews))
    words = " or ".join([*labels[:1], *(label.lower() for label in labels[1:])])
    placeholder = clip_text(f"{words} of …", LABEL_UNITS, cost=count_plain_units)
    return {
        "type": "static_select",
        "action_id": ButtonAction.REVIEW,
        "placeholder": build_plain_text(placeholder),
        "options": [option for _, option in reviews[:MAX_OPTIONS]],
    }


def render_menu(buttons: Sequence[Button]) -> list[SlackBlock]:
    """Render buttons as one overflow menu, an element of a row; [] if there is none.

    Buttons after the first `MAX_MENU_OPTIONS` are left out, and so is one whose value Slack would not take as
    an option's.
    """
    options = [
        {
            "text": build_plain_text(_clip_label(button.label) or button.action.title()),
            "value": f"{button.action}:{button.value}",
        }
        for button in buttons
        if button.value and _can_be_an_option(f"{button.action}:{button.value}")
    ][:MAX_MENU_OPTIONS]
    return [{"type": "overflow", "action_id": MENU_ACTION_ID, "options": options}] if options else []


def _clip_label(text: str) -> str:
    return clip_text(tidy_line(text), LABEL_UNITS, cost=count_plain_units)


def read_action(action_id: str, value: str) -> tuple[str, str]:
    """Return the action and the value of a clicked button, or of the option that was chosen from a menu."""
    name = action_id.partition(".")[0]
    if name != MENU_ACTION_ID:
        return name, value
    action, _, value = value.partition(":")
    return action, value


def render_discuss_text(mark_count: int, name: str = "Discuss") -> SlackBlock:
    """Render the text of a Discuss button. A count of 0 is not shown."""
    return {
        "type": "plain_text",
        "text": f"🔖 {name} · {mark_count:,}" if mark_count else f"🔖 {name}",
        "emoji": True,
    }


def can_be_a_value(text: str) -> bool:
    """Return True if Slack takes this text as a button's value and returns it unchanged."""
    return text != "" and text == normalize_text(text) and count_units(escape_entities(text)) <= VALUE_UNITS


def _can_be_an_option(text: str) -> bool:
    """Return True if Slack takes this text as the value of a menu's option and returns it unchanged."""
    return can_be_a_value(text) and count_units(escape_entities(text)) <= OPTION_UNITS
