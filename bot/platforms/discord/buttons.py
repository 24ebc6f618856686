"""Buttons of a message, which are found again by their custom_id. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.chat.message import Block, Button, Buttons, OptionRow
from bot.platforms.discord.sanitize import count_plain_units, count_units, escape_plain, tidy_line
from digests.text import clip_text

ACTION_ROW, BUTTON, PRIMARY, SECONDARY = 1, 2, 1, 2
"""Component types and button styles (https://docs.discord.com/developers/components/reference)."""
CUSTOM_ID_UNITS = 100
MARKER_UNITS = 26
"""Kept free in every custom_id for a sign and the page's key."""
LABEL_UNITS = 80
DISCUSS_PREFIX = "discuss:"
"""Prefix of a button's custom_id; the paper's id follows."""
BOOKMARK = "🔖"


def render_buttons(blocks: Iterable[Block]) -> list[Mapping[str, Any]]:
    """Returns the buttons in rows and those of offers, which show their offer's number."""
    buttons, offers = [], 0
    for block in blocks:
        match block:
            case Buttons():
                buttons += [_render_button(button, button.label) for button in block.buttons]
            case OptionRow():
                offers += 1
                buttons.append(_render_button(block.button, f"{block.button.label} {offers}"))
            case _:
                pass
    return [button for button in buttons if button]


def _render_button(button: Button, label: str) -> Mapping[str, Any]:
    """Returns a button, or an empty dict for a value that Discord cannot return unchanged."""
    custom_id = f"{button.action}:{button.value}"
    if custom_id != tidy_line(custom_id) or count_units(custom_id) > CUSTOM_ID_UNITS - MARKER_UNITS:
        return {}
    style = PRIMARY if button.is_primary else SECONDARY
    label = escape_plain(clip_text(tidy_line(label), LABEL_UNITS, cost=count_plain_units))
    return {"type": BUTTON, "style": style, "label": label, "custom_id": custom_id}


def render_discuss_button(paper: str, label: str) -> tuple[Mapping[str, Any], ...]:
    """The button that marks a paper; none for an id that Discord could not give back as it is."""
    custom_id = DISCUSS_PREFIX + paper
    if not paper or paper != tidy_line(paper) or count_units(custom_id) > CUSTOM_ID_UNITS - MARKER_UNITS:
        return ()
    emoji = {"name": BOOKMARK}
    return ({"type": BUTTON, "style": SECONDARY, "label": label, "emoji": emoji, "custom_id": custom_id},)


def paper_of_button(button: Mapping[str, Any]) -> str:
    """The paper that a button marks; nothing for a button that does something else."""
    custom_id = str(button["custom_id"])
    return custom_id.removeprefix(DISCUSS_PREFIX) if custom_id.startswith(DISCUSS_PREFIX) else ""
