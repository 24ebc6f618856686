"""The modal by which people ask about a paper. Pure."""

from collections.abc import Mapping
from typing import Any

import discord

from bot.conversation.questions import QuestionForm
from bot.platforms.discord.forms import read_components
from bot.platforms.discord.sanitize import count_units, tidy_line
from bot.present.questions import EXAMPLES
from digests.questions import MAX_QUESTION_CHARACTERS
from digests.text import clip_text

QUESTION_ID_PREFIX = "ask:"
"""Start of the modal's custom_id; the paper's id follows."""

TITLE_UNITS = 45
"""UTF-16 units of a modal's title that Discord takes."""

HINT_UNITS = 100
"""UTF-16 units of a label's description that Discord takes."""


def build_question_modal(form: QuestionForm) -> discord.ui.Modal:
    """Build the modal for a question about a paper.

    discord.py does not wait for it: its submission is handled by the custom_id, after a restart too.
    """
    title = clip_text(f"Ask: {tidy_line(form.title)}", TITLE_UNITS, cost=count_units)
    modal = discord.ui.Modal(title=title, custom_id=f"{QUESTION_ID_PREFIX}{form.paper}")
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id="question", max_length=MAX_QUESTION_CHARACTERS
    )
    hint = clip_text(EXAMPLES, HINT_UNITS, cost=count_units)
    modal.add_item(discord.ui.Label(text="Your question", description=hint, component=field))
    modal.stop()
    return modal


def read_question(data: Mapping[str, Any]) -> tuple[str, str]:
    """Return the paper's id and the question of a submitted modal, which is not trusted."""
    value = read_components(data).get("question", "")
    text = value if isinstance(value, str) else next(iter(value), "")
    return str(data.get("custom_id", "")).removeprefix(QUESTION_ID_PREFIX), text
