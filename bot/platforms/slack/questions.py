"""The modal by which people ask about a paper. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from bot.conversation.questions import QuestionForm
from bot.platforms.slack.blocks import build_plain_text, build_section
from bot.platforms.slack.forms import VALUE_ACTION_ID
from bot.platforms.slack.sanitize import count_plain_units, tidy_line
from bot.present.questions import EXAMPLES
from digests.errors import InputError
from digests.questions import MAX_QUESTION_CHARACTERS
from digests.text import clip_text

QUESTION_CALLBACK_ID = "question"
"""The modal's callback_id, by which Slack reports its submission."""

QUESTION_FIELD = "question"
"""The block_id of the field."""

TITLE_UNITS = 150
"""UTF-16 units of the paper's title above the field. Our own limit."""


def build_question_view(form: QuestionForm) -> dict[str, Any]:
    """Build the modal for a question about a paper."""
    title = clip_text(tidy_line(form.title), TITLE_UNITS, cost=count_plain_units) or form.paper
    return {
        "type": "modal",
        "callback_id": QUESTION_CALLBACK_ID,
        "private_metadata": json.dumps({"paper": form.paper}),
        "title": {"type": "plain_text", "text": "Ask about this paper"},
        "submit": {"type": "plain_text", "text": "Ask"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            build_section(build_plain_text(title)),
            {
                "type": "input",
                "block_id": QUESTION_FIELD,
                "label": {"type": "plain_text", "text": "Your question"},
                "hint": {"type": "plain_text", "text": f"{EXAMPLES} The answer is from the review."},
                "element": {
                    "type": "plain_text_input",
                    "action_id": VALUE_ACTION_ID,
                    "max_length": MAX_QUESTION_CHARACTERS,
                },
            },
        ],
    }


def read_question(view: Mapping[str, Any]) -> tuple[str, str]:
    """Return the paper's id and the question of a submitted modal, not trusted. Raises InputError."""
    try:
        paper = json.loads(view.get("private_metadata") or "{}")["paper"]
        field = ((view.get("state") or {}).get("values") or {})[QUESTION_FIELD][VALUE_ACTION_ID]
        return str(paper), str(field.get("value") or "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InputError("This form is damaged: open it again.") from None
