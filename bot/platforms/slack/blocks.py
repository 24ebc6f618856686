"""Block Kit objects, and the limits that several of them share. Pure."""

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
FALLBACK_UNITS = 3000
"""A message's `text`. Slack advises 4,000 at most (https://docs.slack.dev/reference/methods/chat.postMessage)."""
SMALL_PRINT_UNITS = 200
"""Each part of it."""
BUTTON_UNITS = 75
"""What is written on a button."""
LABEL_UNITS = 75
"""A button's accessibility_label."""
VALUE_UNITS = 2000
DIVIDER: SlackBlock = {"type": "divider"}


def build_section(text: SlackBlock) -> SlackBlock:
    return {"type": "section", "text": text}


def build_context(text: SlackBlock) -> SlackBlock:
    return {"type": "context", "elements": [text]}


def build_plain_text(text: str) -> SlackBlock:
    """Build a plain_text object. Slack does not parse it: marks and shortcodes stay as written."""
    return {"type": "plain_text", "text": defuse_pings(text), "emoji": False}


def build_mrkdwn_text(markup: str) -> SlackBlock:
    """Build a mrkdwn object. With `verbatim` Slack adds no links or mentions of its own."""
    return {"type": "mrkdwn", "text": markup, "verbatim": True}


def render_action_button(button: Button, number: int = 0) -> SlackBlock:
    """Render a button. Its action id ends with a number, as in "show.2", because ids must be unique in a row."""
    label = clip_text(tidy_line(button.label), BUTTON_UNITS, cost=count_plain_units) or button.action.title()
    element: SlackBlock = {
        "type": "button",
        "action_id": f"{button.action}.{number}" if number else str(button.action),
        "text": {"type": "plain_text", "text": defuse_pings(label), "emoji": True},
        "value": button.value,
    }
    return {**element, "style": "primary"} if button.is_primary else element


def render_discuss_button(card: Card, title: str) -> SlackBlock:
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


def render_discuss_text(mark_count: int) -> SlackBlock:
    return {
        "type": "plain_text",
        "text": f"🔖 Discuss · {mark_count:,}" if mark_count else "🔖 Discuss",
        "emoji": True,
    }


def can_be_a_value(paper: str) -> bool:
    """Return True if Slack returns the id unchanged as a button's value."""
    return (
        paper != "" and paper == normalize_text(paper) and count_units(escape_entities(paper)) <= VALUE_UNITS
    )
