"""Modal with the settings of a channel's digest, and reading of a submitted one. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

from bot.conversation.subscription_form import DAY_NAMES, DAYS, FormError, SubscriptionForm
from bot.conversation.time_zones import suggest_time_zones
from digests.domains import DOMAIN_GROUPS
from digests.errors import InputError
from digests.subscription import normalize_name
from digests.text import clip_text, normalize_text

FORM_CALLBACK_ID = "settings"
"""The modal's callback_id, by which Slack reports its submission."""
DIGEST_ACTION_ID = "form_digest"
"""The action_id of the select with the channel's digests: a choice shows the form of another one."""
VALUE_ACTION_ID = "value"
"""The action_id of every field. A field's block_id is its name in `SubscriptionForm`."""

FIRST_FIELD = "domains"
"""Field under which a problem of no field is shown: Slack shows a problem only under a field."""

ERROR_CHARACTERS = 150
"""Characters of an error, which fills one or two lines under its field. Our own limit."""

FIELD_UNITS = 3000
"""UTF-16 units of a text field that Slack takes."""

MAX_OPTIONS = 100
"""Options that Slack takes for a select."""
OPTION_CHARACTERS = 75
"""Characters of an option that Slack takes."""

NOTE_CHARACTERS = 600
"""Characters of the note above the fields. Our own limit; Slack takes 3,000."""

STALE_FORM = "This form is not valid any more, so nothing was changed: close it, and open it again."
"""Sentence for a form that is damaged, forged, of another person, or older than the token."""

_TOP_CHOICES = (*range(1, 11), 15, 20)
_STYLES = {
    "cards": ("One message per paper", "Reactions belong to one paper"),
    "compact": ("All in one message", "Takes the least space"),
    "thread": ("A thread", "A list, and the papers in its thread"),
}
_MATCH_MODES = {
    "all": ("Both must match", "A paper of a domain that has a keyword"),
    "any": ("One is enough", "A paper of a domain, or one that has a keyword"),
}
_UNSCORED = {"after": ("Come after all others",), "leave out": ("Are left out",)}
RHYTHMS = {"1": ("Every week",), "2": ("Every second week",)}
_NAME_PREFIX = "name:"
_REPEAT = {"no": ("Are left out",), "yes": ("Come here too",)}

Json = dict[str, Any]

LABEL_CHARACTERS = 80
"""Longest name of a channel."""


@dataclass(frozen=True, slots=True)
class FormMetadata:
    """The channel of a form and its signature; the name of the digest and of the channel are not signed."""

    channel: str
    signature: str
    name: str = ""
    label: str = ""


def build_settings_view(
    form: SubscriptionForm, metadata: FormMetadata, names: Sequence[str], note: str = ""
) -> Json:
    """Build the modal, filled in with `form`. Its private_metadata holds the channel's id and a signature.

    `note` stands above the fields: the present digest, or what was not understood. An empty label in
    `metadata` leaves the channel's name out. `names` are those of the channel's digests, "" for the main
    one: without the form's own the title and button say Subscribe; of several one can be chosen, and there
    is a field for papers that another one showed.
    """
    exists, has_several = form.name in names, len({*names, form.name}) > 1
    channel = f" of #{clip_text(normalize_text(metadata.label), LABEL_CHARACTERS)}" if metadata.label else ""
    description = f"The digest{f' “{form.name}”' if form.name else ''}{channel}"
    return {
        "type": "modal",
        "callback_id": FORM_CALLBACK_ID,
        "private_metadata": json.dumps(asdict(metadata)),
        "title": _build_plain_text("Digest settings" if exists else "Subscribe"),
        "submit": _build_plain_text("Save" if exists else "Subscribe"),
        "close": _build_plain_text("Cancel"),
        "blocks": [
            {"type": "context", "elements": [_build_plain_text(description)]},
            *([_build_digest_select(names, form.name)] if has_several else []),
            *([_build_note(note)] if note else []),
            *_build_fields(form, has_several=has_several),
        ],
    }


def _build_fields(form: SubscriptionForm, *, has_several: bool) -> list[Json]:
    """Build the inputs of a form, in their order."""
    return [
        build_text_input(
            "domains",
            "Domains",
            form.domains,
            f"arXiv categories such as cs.CL, or {', '.join(DOMAIN_GROUPS)}. None: everything.",
        ),
        build_text_input(
            "keywords",
            "Keywords",
            form.keywords,
            "Words that make a paper wanted, with commas.",
        ),
        build_text_input("muted", "Leave out", form.muted, "Domains or words that keep a paper out."),
        build_input("top", "How many papers at most", _build_top_select(form.top)),
        build_text_input(
            "min_score",
            "Minimum score",
            form.min_score,
            "0 to 10. On a weak day fewer papers come, or none. Empty: no minimum.",
        ),
        build_input("unscored", "Papers without a score", build_radio(_UNSCORED, form.unscored)),
        build_input("at", "Time", build_time_picker(form.at)),
        build_input("days", "Days", _build_day_checkboxes(form.days)),
        build_input("every_weeks", "Rhythm", build_radio(RHYTHMS, form.every_weeks)),
        build_input("time_zone", "Time zone", build_zone_select(form.time_zone)),
        build_input("style", "Style", build_radio(_STYLES, form.style)),
        *([_build_repeat_choice(form.repeat)] if has_several else []),
        build_text_input(
            "new_name",
            "Name",
            form.new_name or "",
            "Tells several digests apart. None: the main one.",
        ),
    ]


def _build_digest_select(names: Sequence[str], name: str) -> Json:
    """Build the choice of another digest of the channel. Slack takes no empty value, hence the prefix."""
    options = [
        build_option(f"{_NAME_PREFIX}{each}", f"“{each}”" if each else "The main digest")
        for each in sorted({*names, name})
    ]
    chosen = next(option for option in options if option["value"] == f"{_NAME_PREFIX}{name}")
    select = {
        "type": "static_select",
        "action_id": DIGEST_ACTION_ID,
        "options": options,
        "initial_option": chosen,
    }
    text = _build_plain_text("Settings of which digest? Another choice drops what was not saved.")
    return {"type": "section", "block_id": "digest", "text": text, "accessory": select}


def read_chosen_name(value: str) -> str:
    """Return the name of the digest that was chosen in the form. Raises InputError for another value."""
    if not value.startswith(_NAME_PREFIX):
        raise InputError(STALE_FORM)
    return normalize_name(value.removeprefix(_NAME_PREFIX))


def _build_repeat_choice(repeat: str | None) -> Json:
    label = "Papers that another digest here showed"
    return build_input("repeat", label, build_radio(_REPEAT, repeat))


def _build_note(note: str) -> Json:
    text = clip_text(normalize_text(note), NOTE_CHARACTERS)
    return {"type": "section", "block_id": "note", "text": _build_plain_text(text)}


def _build_plain_text(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def build_input(field: str, label: str, element: Json, *, hint: str = "", optional: bool = False) -> Json:
    block: Json = {
        "type": "input",
        "block_id": field,
        "label": _build_plain_text(label),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": _build_plain_text(hint)} if hint else block


def build_text_input(field: str, label: str, value: str, hint: str) -> Json:
    element: Json = {"type": "plain_text_input", "action_id": VALUE_ACTION_ID, "max_length": 3000}
    value = _fit_list(value)
    # Slack refuses an initial value that is empty.
    return build_input(
        field, label, {**element, "initial_value": value} if value else element, hint=hint, optional=True
    )


def _fit_list(value: str) -> str:
    """Return a list with commas without the last entries, if it is longer than a field takes.

    Only a list that an older version took is so long.
    """
    while len(value.encode("utf-16-le")) // 2 > FIELD_UNITS:
        value = value.rpartition(", ")[0]
    return value


def build_option(value: str, text: str, description: str = "") -> Json:
    option: Json = {"text": _build_plain_text(text), "value": value}
    return {**option, "description": _build_plain_text(description)} if description else option


def _build_top_select(top: str) -> Json:
    numbers = sorted({*map(str, _TOP_CHOICES), top}, key=int)
    return {
        "type": "static_select",
        "action_id": VALUE_ACTION_ID,
        "options": [build_option(number, number) for number in numbers],
        "initial_option": build_option(top, top),
    }


def build_time_picker(time: str) -> Json:
    return {"type": "timepicker", "action_id": VALUE_ACTION_ID, "initial_time": time}


def build_zone_select(time_zone: str) -> Json:
    """Build the select of a time zone, which asks the app for suggestions while a person types."""
    select: Json = {
        "type": "external_select",
        "action_id": VALUE_ACTION_ID,
        "min_query_length": 0,
        "placeholder": _build_plain_text("A city or a name: mumbai, CET, UTC"),
    }
    return {**select, "initial_option": build_option(time_zone, time_zone)} if time_zone else select


def build_zone_options(typed: str) -> list[Json]:
    """Build the options of the time zone for a text that a person types; for no text, common zones."""
    zones = suggest_time_zones(typed, MAX_OPTIONS)
    return [build_option(zone, clip_text(label, OPTION_CHARACTERS)) for label, zone in zones]


def _build_day_checkboxes(days: tuple[str, ...]) -> Json:
    options = [build_option(day, label) for day, label in zip(DAYS, DAY_NAMES, strict=True)]
    chosen = [option for option in options if option["value"] in days]
    element: Json = {"type": "checkboxes", "action_id": VALUE_ACTION_ID, "options": options}
    return {**element, "initial_options": chosen} if chosen else element


def build_radio(choices: Mapping[str, tuple[str, ...]], value: str | None) -> Json:
    """Build radio buttons, with the label and description of each value. Any other value is the first."""
    options = [build_option(name, *words) for name, words in choices.items()]
    chosen = next((option for option in options if option["value"] == value), options[0])
    return {
        "type": "radio_buttons",
        "action_id": VALUE_ACTION_ID,
        "options": options,
        "initial_option": chosen,
    }


def read_metadata(view: Mapping[str, Any]) -> FormMetadata:
    """Return the metadata of a submitted view.

    Raises InputError for a view without them: it is damaged, forged, or of an older version.
    """
    try:
        metadata = FormMetadata(**json.loads(view.get("private_metadata") or "{}"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InputError(STALE_FORM) from None
    if not all(isinstance(value, str) for value in astuple(metadata)):
        raise InputError(STALE_FORM)
    return metadata


def read_fields(view: Mapping[str, Any], name: str = "") -> SubscriptionForm:
    """Return the filled-in form of the digest with this name from a submitted view.

    Missing fields have the form's defaults. Raises InputError for a damaged view.
    """
    try:
        blocks = (view.get("state") or {}).get("values") or {}
        fields = {
            field: read_element((blocks.get(field) or {}).get(VALUE_ACTION_ID) or {})
            for field in SubscriptionForm.__dataclass_fields__
            if field in blocks and field != "name"
        }
    except (TypeError, KeyError, AttributeError):
        raise InputError(STALE_FORM) from None
    days = fields.pop("days", ())
    return SubscriptionForm(
        **{field: str(value) for field, value in fields.items()},
        days=tuple(days) if isinstance(days, list) else (),
        name=name,
    )


def read_element(element: Mapping[str, Any]) -> str | list[str]:
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
