"""The buttons of a message. A click is handled by its custom_id: an action, a colon and a value. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.chat.message import Block, Button, Buttons, OptionRow
from bot.platforms.discord.sanitize import count_plain_units, count_units, escape_plain, tidy_line
from digests.text import clip_text

ACTION_ROW, BUTTON, PRIMARY, SECONDARY = 1, 2, 1, 2
"""Component types and button styles (https://docs.discord.com/developers/components/reference)."""
CUSTOM_ID_UNITS = 100
"""Longest custom_id that Discord takes."""
MARKER_UNITS = 26
"""Units of a custom_id kept free for the separator and the page's key (see marker.py)."""
LABEL_UNITS = 80
"""Longest label that Discord takes."""
DISCUSS_PREFIX = "discuss:"
"""Start of the custom_id of a button that marks a paper; the paper's id follows."""
BOOKMARK = "🔖"


def render_buttons(blocks: Iterable[Block]) -> list[Mapping[str, Any]]:
    """Return the buttons of all rows and options, in order.

    A button of an option has the option's number in its label. Buttons that `_render_button` cannot render
    are left out.
    """
    buttons, option_count = [], 0
    for block in blocks:
        match block:
            case Buttons():
                buttons += [_render_button(button, button.label) for button in block.buttons]
            case OptionRow():
                option_count += 1
                buttons.append(_render_button(block.button, f"{block.button.label} {option_count}"))
            case _:
                pass
    return [button for button in buttons if button]


def _render_button(button: Button, label: str) -> Mapping[str, Any]:
    """Return a button with a clipped label.

    Returns an empty dict when Discord could not return the value unchanged: it is too long, or has invisible
    characters.
    """
    custom_id = f"{button.action}:{button.value}"
    if custom_id != tidy_line(custom_id) or count_units(custom_id) > CUSTOM_ID_UNITS - MARKER_UNITS:
        return {}
    style = PRIMARY if button.is_primary else SECONDARY
    label = escape_plain(clip_text(tidy_line(label), LABEL_UNITS, cost=count_plain_units))
    label = label or button.action.title()  # Discord refuses an empty label.
    return {"type": BUTTON, "style": style, "label": label, "custom_id": custom_id}


def render_discuss_button(paper: str, label: str) -> tuple[Mapping[str, Any], ...]:
    """Return the button that marks a paper, as a tuple of one.

    Returns an empty tuple for an id that Discord could not return unchanged.
    """
    custom_id = DISCUSS_PREFIX + paper
    if not paper or paper != tidy_line(paper) or count_units(custom_id) > CUSTOM_ID_UNITS - MARKER_UNITS:
        return ()
    emoji = {"name": BOOKMARK}
    return ({"type": BUTTON, "style": SECONDARY, "label": label, "emoji": emoji, "custom_id": custom_id},)


def paper_of_button(button: Mapping[str, Any]) -> str:
    """Return the id of the paper that a button marks; an empty string for any other button."""
    custom_id = str(button["custom_id"])
    return custom_id.removeprefix(DISCUSS_PREFIX) if custom_id.startswith(DISCUSS_PREFIX) else ""
