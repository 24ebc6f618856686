"""The modal of a plan of meetings. Pure.

A modal has at most five fields: another time zone is set in words.
"""

from collections.abc import Mapping
from typing import Any

import discord

from bot.conversation.meeting_form import MeetingForm
from bot.conversation.meeting_words import MAX_PLACE_CHARACTERS
from bot.conversation.subscription_form import DAY_NAMES, DAYS
from bot.platforms.discord.forms import (
    RHYTHMS,
    build_radio_field,
    build_select_field,
    build_text_field,
    read_components,
)
from bot.platforms.discord.sanitize import count_units
from digests.text import clip_text

MEETING_ID_PREFIX = "meetings:"
"""Start of the modal's custom_id; the time zone follows."""

ZONE_CHARACTERS = 60
"""Characters of a time zone in a custom_id. No name is as long."""

HINT_UNITS = 100
"""UTF-16 units of a label's description that Discord takes."""

FIELD_LABELS = {
    "day": "Day", "at": "Time", "every_weeks": "Rhythm", "place": "Place", "poll": "Choice of the paper",
    "time_zone": "Time zone",
}  # fmt: skip
"""Labels of the fields, by name, also before the sentence about a wrong one."""

_POLL = {"yes": "A poll of the most wanted papers", "no": "Without a poll: the most wanted paper"}


def build_meeting_modal(form: MeetingForm) -> discord.ui.Modal:
    """Build the modal, filled in with `form`.

    discord.py does not wait for it: its submission is handled by the custom_id, after a restart too.
    """
    modal = discord.ui.Modal(
        title="Meetings", custom_id=f"{MEETING_ID_PREFIX}{form.time_zone[:ZONE_CHARACTERS]}"
    )
    days = dict(zip(DAYS, DAY_NAMES, strict=True))
    hint = clip_text(f"Such as 16:00 or 4pm, in {form.time_zone}", HINT_UNITS, cost=count_units)
    for field in (
        build_select_field("day", FIELD_LABELS["day"], days, form.day),
        build_text_field("at", FIELD_LABELS["at"], hint, form.at, is_required=True),
        build_radio_field("every_weeks", FIELD_LABELS["every_weeks"], RHYTHMS, form.every_weeks),
        build_text_field(
            "place", FIELD_LABELS["place"], "A room, or the address of a call", form.place,
            limit=MAX_PLACE_CHARACTERS,
        ),
        build_radio_field("poll", FIELD_LABELS["poll"], _POLL, form.poll),
    ):  # fmt: skip
        modal.add_item(field)
    modal.stop()
    return modal


def read_meeting_form(data: Mapping[str, Any]) -> MeetingForm:
    """Return the filled-in form of a submitted modal, which is not trusted."""
    found = read_components(data)
    texts = {
        name: value if isinstance(value, str) else next(iter(value), "") for name, value in found.items()
    }
    zone = str(data.get("custom_id", "")).removeprefix(MEETING_ID_PREFIX)
    names = ("day", "at", "every_weeks", "place", "poll")
    return MeetingForm(time_zone=zone, **{name: texts.get(name, "") for name in names})
