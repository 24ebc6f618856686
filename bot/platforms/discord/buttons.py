"""The buttons and the menu of a message. Pure.

A click is handled by its custom_id: an action, a colon and a value. A menu has its options' values instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.chat.message import Block, Button, ButtonAction, Buttons, Card, OptionRow
from bot.platforms.discord.sanitize import count_plain_units, count_units, escape_plain, tidy_line
from digests.text import clip_text

ACTION_ROW, BUTTON, SELECT = 1, 2, 3
PRIMARY, SECONDARY = 1, 2
"""Component types and button styles (https://docs.discord.com/developers/components/reference)."""
CUSTOM_ID_UNITS = 100
"""Longest custom_id that Discord takes."""
MARKER_UNITS = 26
"""Units of a custom_id kept free for the separator and the page's key (see marker.py)."""
LABEL_UNITS = 80
"""Longest label that Discord takes."""
OPTION_UNITS = 100
"""Longest label and value of a menu's option that Discord takes."""
MAX_OPTIONS = 25
"""Options of a menu."""
MENU_ACTION = "menu"
"""Action of a menu of buttons. The value of an option is an action, a colon and the action's value."""
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
                label = f"{block.button.label} {block.number or option_count}"
                buttons.append(_render_button(block.button, label))
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


def render_review_option(card: Card, name: str) -> tuple[str, Mapping[str, Any]] | None:
    """Return the option of a menu that opens a card's full review, after the label of that button.

    Returns None without a label, and for an id that Discord could not return unchanged.
    """
    label, paper = tidy_line(card.review_label), card.paper
    if not label or not paper or paper != tidy_line(paper) or count_units(paper) > OPTION_UNITS:
        return None
    title = tidy_line(card.title) or label
    text = f"{name}. {title}" if card.number is not None else title
    return label, {"label": _render_menu_text(text) or "Untitled paper", "value": paper}


def render_review_select(reviews: Sequence[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Any]:
    """Return a menu of full reviews from the pairs of `render_review_option`."""
    labels = list(dict.fromkeys(label for label, _ in reviews))
    words = " or ".join([*labels[:1], *(label.lower() for label in labels[1:])])
    return {
        "type": SELECT,
        "custom_id": f"{ButtonAction.REVIEW}:",
        "placeholder": _render_menu_text(f"{words} of …") or "Full review",
        "options": [option for _, option in reviews],
    }


def render_menu(buttons: Iterable[Button]) -> list[Mapping[str, Any]]:
    """Return buttons as one menu, in a list; [] if there is none.

    Buttons after the first `MAX_OPTIONS` are left out, and so is one whose value Discord could not return
    unchanged.
    """
    values = {f"{button.action}:{button.value}": button for button in buttons}
    options = [
        {"label": _render_menu_text(button.label) or button.action.title(), "value": value}
        for value, button in values.items()
        if value == tidy_line(value) and count_units(value) <= OPTION_UNITS
    ][:MAX_OPTIONS]
    menu = {"type": SELECT, "custom_id": f"{MENU_ACTION}:", "placeholder": "More", "options": options}
    return [menu] if options else []


def render_option_menu(blocks: Iterable[Block]) -> list[Mapping[str, Any]]:
    """Return the further buttons of all options as one menu, in a list; [] if there is none.

    The number of an option stands before the label.
    """
    options = (block for block in blocks if isinstance(block, OptionRow))
    return render_menu(
        replace(button, label=f"{row.number or place}. {button.label}")
        for place, row in enumerate(options, start=1)
        for button in row.menu
    )


def read_choice(action: str, value: str, chosen: str) -> tuple[str, str]:
    """Return the action and the value of a clicked button, or of the option that was chosen from a menu.

    `action` and `value` are those of the custom_id. `chosen` is the option's value, "" for a button.
    """
    if action != MENU_ACTION:
        return action, chosen or value
    action, _, value = chosen.partition(":")
    return action, value


def _render_menu_text(text: str) -> str:
    return escape_plain(clip_text(tidy_line(text), OPTION_UNITS, cost=count_plain_units))


def paper_of_button(button: Mapping[str, Any]) -> str:
    """Return the id of the paper that a button marks; an empty string for any other button."""
    custom_id = str(button["custom_id"])
    return custom_id.removeprefix(DISCUSS_PREFIX) if custom_id.startswith(DISCUSS_PREFIX) else ""
