"""The modal of a plan of meetings. Pure."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bot.conversation.meeting_form import MeetingForm
from bot.conversation.meeting_words import MAX_PLACE_CHARACTERS
from bot.conversation.subscription_form import DAY_NAMES, DAYS
from bot.platforms.slack.blocks import build_plain_text
from bot.platforms.slack.forms import (
    RHYTHMS,
    STALE_FORM,
    VALUE_ACTION_ID,
    build_input,
    build_option,
    build_radio,
    build_time_picker,
    build_zone_select,
    read_element,
)
from digests.errors import InputError

MEETING_CALLBACK_ID = "meetings"
"""The modal's callback_id, by which Slack reports its submission."""

FIRST_MEETING_FIELD = "day"
"""The block_id of the field that shows an error about the whole form."""

_POLL = {
    "yes": ("A poll of the most wanted papers",),
    "no": ("Without a poll: the most wanted paper",),
}

Json = dict[str, Any]


def build_meeting_view(form: MeetingForm, *, channel_id: str, channel_name: str, signature: str) -> Json:
    """Build the modal, filled in with `form`. Its private_metadata holds the channel's id and a signature."""
    metadata = {"channel": channel_id, "signature": signature, "label": channel_name[:80]}
    days = [build_option(day, name) for day, name in zip(DAYS, DAY_NAMES, strict=True)]
    chosen = next((option for option in days if option["value"] == form.day), days[0])
    place: Json = {
        "type": "plain_text_input",
        "action_id": VALUE_ACTION_ID,
        "max_length": MAX_PLACE_CHARACTERS,
        **({"initial_value": form.place} if form.place else {}),
    }
    day = {"type": "static_select", "action_id": VALUE_ACTION_ID, "options": days, "initial_option": chosen}
    return {
        "type": "modal",
        "callback_id": MEETING_CALLBACK_ID,
        "private_metadata": json.dumps(metadata),
        "title": build_plain_text("Meetings"),
        "submit": build_plain_text("Save"),
        "close": build_plain_text("Cancel"),
        "blocks": [
            build_input("day", "Day", day),
            build_input("at", "Time", build_time_picker(form.at)),
            build_input("every_weeks", "Rhythm", build_radio(RHYTHMS, form.every_weeks)),
            build_input("time_zone", "Time zone", build_zone_select(form.time_zone)),
            build_input("place", "Place", place, hint="A room, or the address of a call.", optional=True),
            build_input("poll", "Choice of the paper", build_radio(_POLL, form.poll)),
        ],
    }


def read_meeting_form(view: Mapping[str, Any]) -> MeetingForm:
    """Return the filled-in form of a submitted view. Raises InputError for a damaged one."""
    try:
        blocks = (view.get("state") or {}).get("values") or {}
        values = {
            field.name: str(read_element((blocks.get(field.name) or {}).get(VALUE_ACTION_ID) or {}))
            for field in fields(MeetingForm)
        }
    except (TypeError, KeyError, AttributeError):
        raise InputError(STALE_FORM) from None
    return MeetingForm(**values)
