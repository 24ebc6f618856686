"""Modal with the settings of a channel's digest, and reading of a submitted one. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from bot.conversation.subscription_form import DAY_NAMES, DAYS, FormError, SubscriptionForm
from digests.domains import DOMAIN_GROUPS
from digests.errors import InputError
from digests.text import clip_text, normalize_text

FORM_CALLBACK_ID = "settings"
"""The modal's callback_id, by which Slack reports its submission."""
VALUE_ACTION_ID = "value"
"""The action_id of every field. A field's block_id is its name in `SubscriptionForm`."""

FIRST_FIELD = "domains"
"""Field under which a problem of no field is shown: Slack shows a problem only under a field."""

ERROR_CHARACTERS = 150
"""Characters of an error, which fills one or two lines under its field. Our own limit."""

FIELD_UNITS = 3000
"""UTF-16 units of a text field that Slack takes."""

NOTE_CHARACTERS = 600
"""Characters of the note above the fields. Our own limit; Slack takes 3,000."""

STALE_FORM = "This form is not valid any more, so nothing was changed: close it, and open it again."
"""Sentence for a form that is damaged, forged, of another person, or older than the token."""

_TOP_CHOICES = (*range(1, 11), 15, 20)
_STYLES = {
    "cards": ("One message per paper", "Reactions belong to one paper"),
    "compact": ("All in one message", "Takes the least space"),
    "thread": ("A thread", "A list in the channel, the papers in its thread"),
}
_MATCH_MODES = {
    "all": ("Both must match", "A paper of a domain that has a keyword"),
    "any": ("One is enough", "A paper of a domain, or one that has a keyword"),
}
_UNSCORED = {"after": ("Come after all others",), "leave out": ("Are left out",)}

Json = dict[str, Any]


def build_settings_view(
    form: SubscriptionForm,
    *,
    channel_id: str,
    channel_name: str,
    exists: bool,
    signature: str,
    note: str = "",
) -> Json:
    """Build the modal, filled in with `form`. Its private_metadata holds the channel's id and a signature.

    `note` stands above the fields: the present digest, or what was not understood. Without `exists` its title
    and button say Subscribe. An empty `channel_name` leaves the name out.
    """
    description = (
        f"The digest of #{clip_text(normalize_text(channel_name), 80)}"
        if channel_name
        else "This channel's digest"
    )
    return {
        "type": "modal",
        "callback_id": FORM_CALLBACK_ID,
        "private_metadata": json.dumps({"channel": channel_id, "signature": signature}),
        "title": _build_plain_text("Digest settings" if exists else "Subscribe"),
        "submit": _build_plain_text("Save" if exists else "Subscribe"),
        "close": _build_plain_text("Cancel"),
        "blocks": [
            {"type": "context", "elements": [_build_plain_text(description)]},
            *([_build_note(note)] if note else []),
            _build_text_input(
                "domains",
                "Domains",
                form.domains,
                f"arXiv categories such as cs.CL, or {', '.join(DOMAIN_GROUPS)}. None: everything.",
            ),
            _build_text_input(
                "keywords",
                "Keywords",
                form.keywords,
                "Words that make a paper wanted, with commas.",
            ),
            _build_text_input("muted", "Leave out", form.muted, "Domains or words that keep a paper out."),
            _build_input("top", "How many papers at most", _build_top_select(form.top)),
            _build_text_input(
                "min_score",
                "Minimum score",
                form.min_score,
                "0 to 10. On a weak day fewer papers come, or none. Empty: no minimum.",
            ),
            _build_input("unscored", "Papers without a score", _build_radio(_UNSCORED, form.unscored)),
            _build_input("at", "Time", _build_time_picker(form.at)),
            _build_input("days", "Days", _build_day_checkboxes(form.days)),
            _build_text_input(
                "time_zone",
                "Time zone",
                form.time_zone,
                "A city or a name, such as Berlin, America/New_York or UTC.",
                optional=False,
            ),
            _build_input("style", "Style", _build_radio(_STYLES, form.style)),
        ],
    }


def _build_note(note: str) -> Json:
    text = clip_text(normalize_text(note), NOTE_CHARACTERS)
    return {"type": "section", "block_id": "note", "text": _build_plain_text(text)}


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
    value = _fit_list(value)
    # Slack refuses an initial value that is empty.
    return _build_input(
        field, label, {**element, "initial_value": value} if value else element, hint=hint, optional=optional
    )


def _fit_list(value: str) -> str:
    """Return a list with commas without the last entries, if it is longer than a field takes.

    Only a list that an older version took is so long.
    """
    while len(value.encode("utf-16-le")) // 2 > FIELD_UNITS:
        value = value.rpartition(", ")[0]
    return value


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


def _build_time_picker(time: str) -> Json:
    return {"type": "timepicker", "action_id": VALUE_ACTION_ID, "initial_time": time}


def _build_day_checkboxes(days: tuple[str, ...]) -> Json:
    options = [_build_option(day, label) for day, label in zip(DAYS, DAY_NAMES, strict=True)]
    chosen = [option for option in options if option["value"] in days]
    element: Json = {"type": "checkboxes", "action_id": VALUE_ACTION_ID, "options": options}
    return {**element, "initial_options": chosen} if chosen else element


def _build_radio(choices: Mapping[str, tuple[str, ...]], value: str | None) -> Json:
    """Build radio buttons, with the label and description of each value. Any other value is the first."""
    options = [_build_option(name, *words) for name, words in choices.items()]
    chosen = next((option for option in options if option["value"] == value), options[0])
    return {
        "type": "radio_buttons",
        "action_id": VALUE_ACTION_ID,
        "options": options,
        "initial_option": chosen,
    }


def read_metadata(view: Mapping[str, Any]) -> tuple[str, str]:
    """Return the channel's id and the signature of a submitted view.

    Raises InputError for a view without them: it is damaged, forged, or of an older version.
    """
    try:
        metadata = json.loads(view.get("private_metadata") or "{}")
        channel, signature = metadata["channel"], metadata["signature"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InputError(STALE_FORM) from None
    if not isinstance(channel, str) or not isinstance(signature, str):
        raise InputError(STALE_FORM)
    return channel, signature


def read_fields(view: Mapping[str, Any]) -> SubscriptionForm:
    """Return the filled-in form from a submitted view. Missing fields have the form's defaults.

    Raises InputError for a damaged view.
    """
    try:
        blocks = (view.get("state") or {}).get("values") or {}
        fields = {
            name: _read_element((blocks.get(name) or {}).get(VALUE_ACTION_ID) or {})
            for name in SubscriptionForm.__dataclass_fields__
            if name in blocks
        }
    except (TypeError, KeyError, AttributeError):
        raise InputError(STALE_FORM) from None
    days = fields.pop("days", ())
    return SubscriptionForm(
        **{name: str(value) for name, value in fields.items()},
        days=tuple(days) if isinstance(days, list) else (),
    )


def _read_element(element: Mapping[str, Any]) -> str | list[str]:
    """Return the value of a field's element: a list for checkboxes, else a text."""
    match element:
        case {"type": "checkboxes"}:
            return [str(option["value"]) for option in element.get("selected_options") or []]
        case {"selected_option": {"value": value}}:
            return str(value)
        case _:
            return str(element.get("value") or element.get("selected_time") or "")


def build_field_errors(error: FormError) -> dict[str, str]:
    """Return the clipped sentence of each wrong field by its block_id, as Slack takes them."""
    return {field: clip_text(sentence, ERROR_CHARACTERS) for field, sentence in error.problems.items()}
