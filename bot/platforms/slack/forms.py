"""Slack modal for the settings of a channel's digest, and parsing of its input. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from bot.conversation.subscription_form import DAYS, FormError, SubscriptionForm
from digests.domains import DOMAIN_GROUPS
from digests.text import clip_text, normalize_text

FORM_CALLBACK_ID = "settings"
"""The modal's callback_id."""
VALUE_ACTION_ID = "value"
"""Every field's action_id; its block_id is the field's name in `Form`."""

FIRST_FIELD = "domains"
"""Where a problem is shown that belongs to no field: Slack shows none without one."""

ERROR_UNITS = 150
"""Our own: an error stands in one or two lines under its field."""

_DAY_LABELS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TOP_CHOICES = (*range(1, 11), 15, 20)
_STYLES = {
    "cards": ("One message a paper", "Reactions belong to one paper"),
    "compact": ("All in one message", "The least room in a busy channel"),
    "thread": ("A thread", "A list in the channel, the papers in its thread"),
}

Json = dict[str, Any]


def build_settings_view(form: SubscriptionForm, *, channel_id: str, channel_name: str, exists: bool) -> Json:
    """Build the modal with the values of `form`."""
    description = (
        f"The digest of #{clip_text(normalize_text(channel_name), 80)}"
        if channel_name
        else "This channel's digest"
    )
    return {
        "type": "modal",
        "callback_id": FORM_CALLBACK_ID,
        "private_metadata": json.dumps({"channel": channel_id}),
        "title": _build_plain_text("Digest settings" if exists else "Subscribe"),
        "submit": _build_plain_text("Save" if exists else "Subscribe"),
        "close": _build_plain_text("Cancel"),
        "blocks": [
            {"type": "context", "elements": [_build_plain_text(description)]},
            _build_text_input("domains", "Domains", form.domains, f"arXiv categories such as cs.CL, or {', '.join(DOMAIN_GROUPS)}. None: everything."),
            _build_text_input("keywords", "Keywords", form.keywords, "Words that make a paper wanted in any domain, with commas."),
            _build_text_input("muted", "Leave out", form.muted, "Domains or words that keep a paper out."),
            _build_input("top", "How many papers at most", _build_top_select(form.top)),
            _build_text_input("min_score", "Minimum score", form.min_score, "0 to 10. On a weak day fewer papers come, or none. Empty: no minimum."),
            _build_input("at", "Time", {"type": "timepicker", "action_id": VALUE_ACTION_ID, "initial_time": form.at}),
            _build_input("days", "Days", _build_day_checkboxes(form.days)),
            _build_text_input("time_zone", "Time zone", form.time_zone, "Such as Europe/Berlin, America/New_York or UTC.", optional=False),
            _build_input("style", "Style", _build_style_radio(form.style)),
        ],
    }  # fmt: skip


def _build_plain_text(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def _build_input(field: str, label: str, element: Json, *, hint: str = "", optional: bool = False) -> Json:
    block: Json = {
        "type": "input",
        "block_id": field,
        "label": _build_plain_text(label),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": _build_plain_text(hint)} if hint else block


def _build_text_input(field: str, label: str, value: str, hint: str, *, optional: bool = True) -> Json:
    element: Json = {"type": "plain_text_input", "action_id": VALUE_ACTION_ID, "max_length": 3000}
    # Slack refuses an initial value that is empty.
    return _build_input(
        field, label, {**element, "initial_value": value} if value else element, hint=hint, optional=optional
    )


def _build_option(value: str, text: str, description: str = "") -> Json:
    option: Json = {"text": _build_plain_text(text), "value": value}
    return {**option, "description": _build_plain_text(description)} if description else option


def _build_top_select(top: str) -> Json:
    numbers = sorted({*map(str, _TOP_CHOICES), top}, key=int)
    return {
        "type": "static_select",
        "action_id": VALUE_ACTION_ID,
        "options": [_build_option(number, number) for number in numbers],
        "initial_option": _build_option(top, top),
    }


def _build_day_checkboxes(days: tuple[str, ...]) -> Json:
    options = [_build_option(day, label) for day, label in zip(DAYS, _DAY_LABELS, strict=True)]
    chosen = [option for option in options if option["value"] in days]
    element: Json = {"type": "checkboxes", "action_id": VALUE_ACTION_ID, "options": options}
    return {**element, "initial_options": chosen} if chosen else element


def _build_style_radio(style: str) -> Json:
    options = [_build_option(name, *words) for name, words in _STYLES.items()]
    chosen = next(option for option in options if option["value"] == style)
    return {
        "type": "radio_buttons",
        "action_id": VALUE_ACTION_ID,
        "options": options,
        "initial_option": chosen,
    }


def read_view(view: Mapping[str, Any]) -> tuple[str, SubscriptionForm]:
    """Return the channel id and the form from the view of a view_submission. Missing fields are empty."""
    channel = str(json.loads(view.get("private_metadata") or "{}").get("channel", ""))
    blocks = (view.get("state") or {}).get("values") or {}
    fields = {
        name: _read_element((blocks.get(name) or {}).get(VALUE_ACTION_ID) or {})
        for name in SubscriptionForm.__dataclass_fields__
    }
    days = fields.pop("days")
    return channel, SubscriptionForm(
        **{name: str(value) for name, value in fields.items()},
        days=tuple(days) if isinstance(days, list) else (),
    )


def _read_element(element: Mapping[str, Any]) -> str | list[str]:
    match element:
        case {"type": "checkboxes"}:
            return [str(option["value"]) for option in element.get("selected_options") or []]
        case {"selected_option": {"value": value}}:
            return str(value)
        case _:
            return str(element.get("value") or element.get("selected_time") or "")


def errors_of(error: FormError) -> dict[str, str]:
    """Return the error messages by block, as Slack shows them under the fields."""
    return {field: clip_text(sentence, ERROR_UNITS) for field, sentence in error.problems.items()}
