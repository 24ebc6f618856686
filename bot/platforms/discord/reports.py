"""The modal by which people say what is wrong or right in a review. Pure."""

from collections.abc import Mapping
from typing import Any

import discord

from bot.conversation.reports import MAX_REASON_CHARACTERS, STANCES, WRONG, ReportFields, ReportForm
from bot.platforms.discord.forms import read_components
from bot.platforms.discord.sanitize import count_units, tidy_line
from digests.text import clip_text

REPORT_ID_PREFIX = "report:"
"""Start of the modal's custom_id; the paper's id follows."""

OPTION_UNITS = 100
"""UTF-16 units of an option's label that Discord takes. Discord reads no markup in it."""

TITLE_UNITS = 45
"""UTF-16 units of a modal's title that Discord takes."""

MAX_OPTIONS = 25
"""Options of a select."""


def build_report_modal(form: ReportForm) -> discord.ui.Modal:
    """Build the modal about a review.

    discord.py does not wait for it: its submission is handled by the custom_id, after a restart too.
    """
    title = clip_text(f"Wrong? {tidy_line(form.title)}", TITLE_UNITS, cost=count_units)
    modal = discord.ui.Modal(title=title, custom_id=f"{REPORT_ID_PREFIX}{form.paper}")
    parts: discord.ui.Select[Any] = discord.ui.Select(
        custom_id="part",
        options=[
            discord.SelectOption(
                label=clip_text(tidy_line(label), OPTION_UNITS, cost=count_units) or "…", value=value
            )
            for value, label in list(form.parts.items())[:MAX_OPTIONS]
        ],
    )
    stances: discord.ui.RadioGroup[Any] = discord.ui.RadioGroup(
        custom_id="stance",
        options=[
            discord.RadioGroupOption(label=label, value=value, default=value == WRONG)
            for value, label in STANCES.items()
        ],
    )
    reason: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id="reason", style=discord.TextStyle.paragraph, max_length=MAX_REASON_CHARACTERS
    )
    hint = "People of this server read it without your name, a re-review as a question"
    modal.add_item(discord.ui.Label(text="What is it about?", component=parts))
    modal.add_item(discord.ui.Label(text="What do you say?", component=stances))
    modal.add_item(discord.ui.Label(text="Why?", description=hint, component=reason))
    modal.stop()
    return modal


def read_report(data: Mapping[str, Any]) -> ReportFields:
    """Return the fields of a submitted modal, which are not trusted. Missing ones become empty."""
    fields = {
        name: value if isinstance(value, str) else next(iter(value), "")
        for name, value in read_components(data).items()
    }
    paper = str(data.get("custom_id", "")).removeprefix(REPORT_ID_PREFIX)
    return ReportFields(paper, fields.get("part", ""), fields.get("stance", ""), fields.get("reason", ""))
