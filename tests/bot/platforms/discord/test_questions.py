"""The modal for a question: within Discord's limits, and not trusted."""

import pytest

from bot.conversation.questions import QuestionForm
from bot.platforms.discord.questions import build_question_modal, read_question

PAPER = "2402.01306"


@pytest.mark.parametrize("title", ["KTO", "@everyone \u202e🤖" + "🤖" * 4_000, "", "<@1>" * 100])
def test_the_modal_keeps_discords_limits_for_any_title(title: str) -> None:
    modal = build_question_modal(QuestionForm(PAPER, title)).to_dict()
    assert 1 <= len(modal["title"].encode("utf-16-le")) // 2 <= 45
    assert modal["custom_id"] == f"ask:{PAPER}"
    (label,) = modal["components"]
    assert len(label["description"]) <= 100
    assert label["component"]["max_length"] == 300


def test_a_submission_is_read_and_a_damaged_one_is_empty() -> None:
    field = {"type": 4, "custom_id": "question", "value": "why?"}
    sent = {"custom_id": f"ask:{PAPER}", "components": [{"type": 18, "component": field}]}
    assert read_question(sent) == (PAPER, "why?")
    assert read_question({"custom_id": "ask:"}) == ("", "")
