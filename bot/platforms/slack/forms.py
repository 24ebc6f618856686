"""The form for a channel's digest as a Slack modal, and what was filled in. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from bot.form import DAYS, Form, FormError
from digests.domains import GROUPS
from digests.text import clip, tidy

FORM = "settings"
"""The modal's callback_id."""
VALUE = "value"
"""Every field's action_id; its block_id is the field's name in `Form`."""

FIRST_FIELD = "domains"
"""Where a problem is shown that belongs to no field: Slack shows none without one."""

ERROR_UNITS = 150
"""Our own: an error stands in one or two lines under its field."""

_DAY_LABELS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TOPS = (*range(1, 11), 15, 20)
_STYLES = {
    "cards": ("One message a paper", "Reactions belong to one paper"),
    "compact": ("All in one message", "The least room in a busy channel"),
    "thread": ("A thread", "A list in the channel, the papers in its thread"),
}

Json = dict[str, Any]


def settings_view(form: Form, *, channel_id: str, channel_name: str, exists: bool) -> Json:
    """The modal, filled in."""
    where = f"The digest of #{clip(tidy(channel_name), 80)}" if channel_name else "This channel's digest"
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": json.dumps({"channel": channel_id}),
        "title": _plain("Digest settings" if exists else "Subscribe"),
        "submit": _plain("Save" if exists else "Subscribe"),
        "close": _plain("Cancel"),
        "blocks": [
            {"type": "context", "elements": [_plain(where)]},
            _text("domains", "Domains", form.domains, f"arXiv categories such as cs.CL, or {', '.join(GROUPS)}. None: everything."),
            _text("keywords", "Keywords", form.keywords, "Words that make a paper wanted in any domain, with commas."),
            _text("muted", "Leave out", form.muted, "Domains or words that keep a paper out."),
            _input("top", "How many papers at most", _select(form.top)),
            _text("min_score", "Minimum score", form.min_score, "0 to 10. On a weak day fewer papers come, or none. Empty: no minimum."),
            _input("at", "Time", {"type": "timepicker", "action_id": VALUE, "initial_time": form.at}),
            _input("days", "Days", _checkboxes(form.days)),
            _text("time_zone", "Time zone", form.time_zone, "Such as Europe/Berlin, America/New_York or UTC.", optional=False),
            _input("style", "Style", _radio(form.style)),
        ],
    }  # fmt: skip


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def _input(field: str, label: str, element: Json, *, hint: str = "", optional: bool = False) -> Json:
    block: Json = {
        "type": "input",
        "block_id": field,
        "label": _plain(label),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": _plain(hint)} if hint else block


def _text(field: str, label: str, value: str, hint: str, *, optional: bool = True) -> Json:
    element: Json = {"type": "plain_text_input", "action_id": VALUE, "max_length": 3000}
    # Slack refuses an initial value that is empty.
    return _input(
        field, label, {**element, "initial_value": value} if value else element, hint=hint, optional=optional
    )


def _option(value: str, text: str, description: str = "") -> Json:
    option: Json = {"text": _plain(text), "value": value}
    return {**option, "description": _plain(description)} if description else option


def _select(top: str) -> Json:
    numbers = sorted({*map(str, _TOPS), top}, key=int)
    return {
        "type": "static_select",
        "action_id": VALUE,
        "options": [_option(number, number) for number in numbers],
        "initial_option": _option(top, top),
    }


def _checkboxes(days: tuple[str, ...]) -> Json:
    options = [_option(day, label) for day, label in zip(DAYS, _DAY_LABELS, strict=True)]
    chosen = [option for option in options if option["value"] in days]
    element: Json = {"type": "checkboxes", "action_id": VALUE, "options": options}
    return {**element, "initial_options": chosen} if chosen else element


def _radio(style: str) -> Json:
    options = [_option(name, *words) for name, words in _STYLES.items()]
    chosen = next(option for option in options if option["value"] == style)
    return {"type": "radio_buttons", "action_id": VALUE, "options": options, "initial_option": chosen}


def read_view(view: Mapping[str, Any]) -> tuple[str, Form]:
    """The channel's id and what was filled in, out of a view_submission's view. What is not there is empty."""
    channel = str(json.loads(view.get("private_metadata") or "{}").get("channel", ""))
    blocks = (view.get("state") or {}).get("values") or {}
    fields = {
        name: _filled_in((blocks.get(name) or {}).get(VALUE) or {}) for name in Form.__dataclass_fields__
    }
    days = fields.pop("days")
    return channel, Form(
        **{name: str(value) for name, value in fields.items()},
        days=tuple(days) if isinstance(days, list) else (),
    )


def _filled_in(element: Mapping[str, Any]) -> str | list[str]:
    match element:
        case {"type": "checkboxes"}:
            return [str(option["value"]) for option in element.get("selected_options") or []]
        case {"selected_option": {"value": value}}:
            return str(value)
        case _:
            return str(element.get("value") or element.get("selected_time") or "")


def errors_of(error: FormError) -> dict[str, str]:
    """The problems as Slack shows them under their fields."""
    return {field: clip(sentence, ERROR_UNITS) for field, sentence in error.problems.items()}
