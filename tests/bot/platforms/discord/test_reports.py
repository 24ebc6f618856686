"""The modal about a review: within Discord's limits, and not trusted."""

from typing import Any

import pytest

from bot.conversation.reports import ReportFields, ReportForm
from bot.platforms.discord.reports import build_report_modal, read_report

PAPER = "2402.01306"


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("text", ["Too high", "@everyone \u202e🤖" + "🤖" * 4_000, "", "<@1>" * 100])
def test_the_modal_keeps_discords_limits_for_any_text(text: str) -> None:
    form = ReportForm(PAPER, text, {f"limitation:{number:016}": text for number in range(12)})
    modal: Any = build_report_modal(form).to_dict()
    assert 1 <= units(modal["title"]) <= 45
    assert 1 <= units(modal["custom_id"]) <= 100
    assert len(modal["components"]) == 3
    for label in modal["components"]:
        assert 1 <= units(label["label"]) <= 45
        assert units(label.get("description") or "") <= 100
    options = modal["components"][0]["component"]["options"]
    assert len(options) == 12
    assert all(1 <= units(option["label"]) <= 100 for option in options)
    reason = modal["components"][2]["component"]
    assert (reason["style"], reason["max_length"]) == (2, 500)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({}, ReportFields("", "", "", "")),
        ({"custom_id": "report:", "components": [{}]}, ReportFields("", "", "", "")),
        (
            {
                "custom_id": f"report:{PAPER}",
                "components": [
                    {"component": {"custom_id": "part", "values": ["score", "tldr"]}},
                    {"component": {"custom_id": "stance", "value": "wrong"}},
                    {"component": {"custom_id": "reason", "value": "Why."}},
                ],
            },
            ReportFields(PAPER, "score", "wrong", "Why."),
        ),
    ],
)
def test_a_submission_is_read_whatever_it_lacks(data: dict[str, Any], fields: ReportFields) -> None:
    assert read_report(data) == fields
