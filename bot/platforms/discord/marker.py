"""The key that a message of ours carries where readers do not see it: at the end of its first button's custom_id. Pure."""

from collections.abc import Mapping
from typing import Any

from bot.chat.message import ButtonAction
from bot.platforms.discord.render import ACTION_ROW, BUTTON, SECONDARY

KEY_SEPARATOR = "#"
"""Parts the key from the rest of a custom_id; no paper's id has it."""


def embed_key(payload: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The payload with its key in it. A message without a button gets one, which opens the digest's settings."""
    rows = payload.get("components") or [_build_settings_row()]
    first, *others = rows[0]["components"]
    keyed_button = {**first, "custom_id": f"{first['custom_id']}{KEY_SEPARATOR}{key}"}
    return {**payload, "components": [{**rows[0], "components": [keyed_button, *others]}, *rows[1:]]}


def _build_settings_row() -> dict[str, Any]:
    button = {
        "type": BUTTON,
        "style": SECONDARY,
        "label": "Settings",
        "custom_id": f"{ButtonAction.SETTINGS}:",
    }
    return {"type": ACTION_ROW, "components": [button]}


def key_of(message: Mapping[str, Any]) -> str:
    """The key in a message's payload, or nothing."""
    for row in message.get("components") or ():
        for component in row.get("components") or ():
            _, sign, key = str(component.get("custom_id", "")).rpartition(KEY_SEPARATOR)
            if sign:
                return key
    return ""
