"""The buttons and the modal by which people say what is wrong or right in a review. Pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.chat.message import Button, ButtonAction
from bot.conversation.reports import (
    MAX_REASON_CHARACTERS,
    RIGHT,
    STALE_REPORT,
    STANCES,
    WRONG,
    ReportFields,
    ReportForm,
)
from bot.platforms.slack.blocks import SlackBlock, build_plain_text, build_section, render_action_button
from bot.platforms.slack.forms import VALUE_ACTION_ID
from bot.platforms.slack.sanitize import count_plain_units, tidy_line
from digests.errors import InputError
from digests.text import clip_text

REPORT_CALLBACK_ID = "report"
"""The modal's callback_id, by which Slack reports its submission."""

PART_FIELD, STANCE_FIELD, REASON_FIELD = "part", "stance", "reason"
"""The block_ids of the fields."""

OPTION_UNITS = 75
"""UTF-16 units of an option's text that Slack takes."""

RIGHT_PREFIX = "right:"
"""Start of the value of the button that says that something is right; the paper's id follows."""

TITLE_UNITS = 150
"""UTF-16 units of the paper's title above the fields. Our own limit."""


def build_feedback_buttons(paper: str) -> SlackBlock:
    """Build the pair of small buttons under a full review, both of which open the modal.

    Slack documents them for messages alone (https://docs.slack.dev/reference/block-kit/blocks/context-actions-block).
    """
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": str(ButtonAction.REPORT),
                "positive_button": {
                    "text": build_plain_text("This is right"),
                    "value": f"{RIGHT_PREFIX}{paper}",
                },
                "negative_button": {"text": build_plain_text("This is wrong"), "value": paper},
            }
        ],
    }


def replace_feedback_buttons(blocks: Iterable[SlackBlock]) -> list[SlackBlock]:
    """Return the blocks with a plain button in place of the pair, for a place that does not take it."""
    return [_build_plain_row(block) if block["type"] == "context_actions" else block for block in blocks]


def _build_plain_row(block: SlackBlock) -> SlackBlock:
    negative = block["elements"][0]["negative_button"]
    button = Button(ButtonAction.REPORT, negative["text"]["text"], negative["value"])
    return {"type": "actions", "elements": [render_action_button(button)]}


def read_clicked_paper(value: str) -> tuple[str, str]:
    """Return the paper's id and the stance of a clicked button or option, which is not trusted."""
    paper = value.removeprefix(RIGHT_PREFIX)
    return paper, WRONG if paper == value else RIGHT


def build_report_view(form: ReportForm, stance: str) -> dict[str, Any]:
    """Build the modal about a review, with the stance of the clicked button."""
    return {
        "type": "modal",
        "callback_id": REPORT_CALLBACK_ID,
        "private_metadata": json.dumps({"paper": form.paper}),
        "title": _plain("About this review"),
        "submit": _plain("Send"),
        "close": _plain("Cancel"),
        "blocks": [
            build_section(build_plain_text(_clip(form.title, TITLE_UNITS) or form.paper)),
            _build_input(PART_FIELD, "What is it about?", _build_select(form.parts)),
            _build_input(STANCE_FIELD, "What do you say?", _build_radio(STANCES, stance)),
            {
                **_build_input(REASON_FIELD, "Why?", _REASON_INPUT),
                "hint": _plain(
                    "People of this workspace read it without your name. If the paper is reviewed again, the "
                    "reviewer gets it as a question."
                ),
            },
        ],
    }


_REASON_INPUT = {
    "type": "plain_text_input",
    "action_id": VALUE_ACTION_ID,
    "multiline": True,
    "max_length": MAX_REASON_CHARACTERS,
}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def _build_input(field: str, label: str, element: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "input", "block_id": field, "label": _plain(label), "element": dict(element)}


def _build_options(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "text": build_plain_text(_clip(label, OPTION_UNITS) or "…"),
            "value": value,
        }
        for value, label in labels.items()
    ]


def _clip(text: str, limit: int) -> str:
    return clip_text(tidy_line(text), limit, cost=count_plain_units)


def _build_select(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"type": "static_select", "action_id": VALUE_ACTION_ID, "options": _build_options(labels)}


def _build_radio(labels: Mapping[str, str], chosen: str) -> dict[str, Any]:
    options = _build_options(labels)
    initial = next((option for option in options if option["value"] == chosen), options[0])
    return {
        "type": "radio_buttons",
        "action_id": VALUE_ACTION_ID,
        "options": options,
        "initial_option": initial,
    }


def read_report(view: Mapping[str, Any]) -> ReportFields:
    """Return the fields of a submitted modal, which is not trusted. Raises InputError for a damaged one."""
    try:
        paper = json.loads(view.get("private_metadata") or "{}")["paper"]
        values = (view.get("state") or {}).get("values") or {}
        part, stance, reason = (
            values[field][VALUE_ACTION_ID] for field in (PART_FIELD, STANCE_FIELD, REASON_FIELD)
        )
        return ReportFields(
            str(paper),
            str(part["selected_option"]["value"]),
            str(stance["selected_option"]["value"]),
            str(reason.get("value") or ""),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InputError(STALE_REPORT) from None
