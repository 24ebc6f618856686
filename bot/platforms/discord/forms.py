"""The subscription form as a Discord modal, and parsing of its submission. Pure.

A modal has at most five fields, so several of the form's nine fields share one.
"""

from collections.abc import Mapping
from typing import Any

import discord

from bot.conversation.subscription_form import SubscriptionForm
from digests.domains import DOMAIN_GROUPS
from digests.subscription import MatchMode
from digests.text import clip_text

FORM_ID_PREFIX = "form:"
"""Prefix of the modal's custom_id; the channel's id follows."""

FIELD_CHARACTERS = 1000
"""Most characters of a field, set by us; Discord allows 4000."""
LABEL_CHARACTERS, DESCRIPTION_CHARACTERS = 45, 100
"""Limits of Discord (https://docs.discord.com/developers/components/reference#label)."""

Values = Mapping[str, str]
"""Text of each modal field by its name in `FIELDS`."""

FIELDS = {
    "domains": ("Domains", f"arXiv categories such as cs.CL, or {', '.join(DOMAIN_GROUPS)}", False),
    "keywords": ("Keywords, with commas", "Words that make a paper wanted", False),
    "muted": ("Leave out", "Domains or words that keep a paper out, with commas", False),
    "how": (
        "How many, from which score, in which style",
        "top 5 min 7 style cards (or compact, thread)",
        True,
    ),
    "when": ("When", "weekdays at 09:00 in Europe/Berlin; on mon, thu at 18:30 in UTC; daily at 8 am", True),
}
"""Label, hint and required flag of each field."""


def values_of(form: SubscriptionForm) -> dict[str, str]:
    """Return the text of the modal's fields for a channel's current subscription."""
    score = f" min {form.min_score}" if form.min_score else ""
    match = " match any" if form.match == MatchMode.ANY and form.domains and form.keywords else ""
    return {
        "domains": form.domains,
        "keywords": form.keywords,
        "muted": form.muted,
        "how": f"top {form.top}{score} style {form.style}{match}",
        "when": f"on {', '.join(form.days)} at {form.at} in {form.time_zone}",
    }


def build_modal(values: Values, channel: str) -> discord.ui.Modal:
    """Build the modal with these values filled in; `channel` is the id of the channel that it is about.

    Values are cut after `FIELD_CHARACTERS`. discord.py does not wait for the modal: its submission is handled
    by the custom_id, after a restart too.
    """
    modal = discord.ui.Modal(title="The channel's digest", custom_id=f"{FORM_ID_PREFIX}{channel}")
    for name, (label, hint, required) in FIELDS.items():
        box: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id=name,
            default=values.get(name, "")[:FIELD_CHARACTERS] or None,
            required=required,
            max_length=FIELD_CHARACTERS,
        )
        modal.add_item(
            discord.ui.Label(text=label, description=clip_text(hint, DESCRIPTION_CHARACTERS), component=box)
        )
    modal.stop()
    return modal


def read_modal(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the channel's id and the field values, by field name, of a submitted modal.

    `data` is the payload of the interaction. Missing parts become empty.
    """
    boxes = [label.get("component") or {} for label in data.get("components") or ()]
    values = {str(box.get("custom_id")): str(box.get("value") or "") for box in boxes}
    return str(data.get("custom_id", "")).removeprefix(FORM_ID_PREFIX), values


def command_text_of_values(values: Values) -> str:
    """Return the text after “/digest subscribe” that sets the field values.

    An empty field clears its setting. Without domains and keywords every paper is wanted. The text may be
    wrong: its parser checks it.
    """
    keywords = _quote_entries(values.get("keywords", ""))
    domains = values.get("domains", "").strip() or ("" if keywords else "everything")
    parts = [
        domains,
        f"about {keywords}" if keywords else "",
        f"not {_quote_entries(values.get('muted', ''))}",
        "min",
    ]
    return " ".join(filter(None, [*parts, values.get("how", ""), values.get("when", "")]))


def command_text_of_options(
    domains: str = "",
    keywords: str = "",
    leave_out: str = "",
    days: str = "",
    time_zone: str = "",
    **clauses: object,
) -> str:
    """Return the text after “/digest subscribe” for the given options; empty if none is given.

    An option that is not given leaves its setting as it is. `clauses` are options whose name is a word of the
    command, such as `top` and `at`; None means not given.
    """
    days = f"on {days}" if days and days not in ("weekdays", "daily", "weekends") else days
    parts = [
        domains.strip(),
        f"about {_quote_entries(keywords)}" if keywords else "",
        f"not {_quote_entries(leave_out)}" if leave_out else "",
        *(f"{name} {value}" for name, value in clauses.items() if value is not None and value != ""),
        days,
        f"in {time_zone}" if time_zone else "",
    ]
    return " ".join(filter(None, parts))


def _quote_entries(entries: str) -> str:
    """Put each entry of a list in quotes, so that no word in it is parsed as the start of a clause.

    Entries are separated by commas, semicolons or lines. Quotes in them become spaces.
    """
    cleaned = (
        entry.replace('"', " ").strip() for entry in entries.replace(";", ",").replace("\n", ",").split(",")
    )
    return ", ".join(f'"{entry}"' for entry in cleaned if entry)
