"""The modal for a question: within Slack's limits, and not trusted."""

import json
from typing import Any

import pytest

from bot.conversation.questions import QuestionForm
from bot.platforms.slack.questions import build_question_view, read_question
from digests.errors import InputError
from tests.fakes.slack_blocks import faults_of_view

PAPER = "2402.01306"


@pytest.mark.parametrize("title", ["KTO", "<!channel> @everyone \u202e" + "x" * 4_000, "", "<" * 200])
def test_the_modal_keeps_slacks_limits_for_any_title(title: str) -> None:
    view = build_question_view(QuestionForm(PAPER, title))
    assert faults_of_view(view) == []
    assert "@everyone" not in json.dumps(view)


def a_submission(**changes: Any) -> dict[str, Any]:
    values = {"question": {"value": {"value": "why?"}}}
    return {"private_metadata": json.dumps({"paper": PAPER}), "state": {"values": values}, **changes}


def test_a_submission_is_read() -> None:
    assert read_question(a_submission()) == (PAPER, "why?")


@pytest.mark.parametrize(
    "changes",
    [
        {"private_metadata": ""},
        {"private_metadata": "[" * 100_000},
        {"private_metadata": "3"},
        {"state": None},
        {"state": {"values": []}},
        {"state": {"values": {"question": {"value": None}}}},
    ],
)
def test_a_damaged_submission_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="damaged"):
        read_question(a_submission(**changes))
