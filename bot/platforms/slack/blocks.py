"""Builders of Block Kit objects, and limits that several files use. Pure.

Texts are clipped by the caller, except a button's. Limits are Slack's
(https://docs.slack.dev/reference/block-kit) unless stated otherwise, in UTF-16 units of the escaped text.
"""

from collections.abc import Sequence
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
    if not label or count_units(escape_entities(card.paper)) > OPTION_UNITS or not can_be_a_value(card.paper):
        return None
    title = tidy_line(card.title) or label
    text = f"{name}. {title}" if card.number is not None else title
    return label, {
        "text": build_plain_text(clip_text(text, LABEL_UNITS, cost=count_plain_units)),
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
