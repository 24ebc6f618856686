"""The idempotency key of a posted message, at the end of its first button's custom_id. Pure."""

from collections.abc import Mapping
from typing import Any

from bot.chat.message import ButtonAction
from bot.platforms.discord.buttons import ACTION_ROW, BUTTON, SECONDARY

KEY_SEPARATOR = "#"
"""Separator of the key from the rest of a custom_id. It occurs in no paper's id."""


def embed_key(payload: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the payload with the key in its first button. The given payload is not changed.

    A message without buttons gets one that opens the settings.
    """
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
    """Return the idempotency key that a message of Discord carries, or an empty string."""
    for row in message.get("components") or ():
        for component in row.get("components") or ():
            _, separator, key = str(component.get("custom_id", "")).rpartition(KEY_SEPARATOR)
            if separator:
                return key
    return ""
