"""The modal about a review, and the feedback buttons that open it: within Slack's limits, and not trusted."""

import asyncio
import json
from typing import Any, cast

import pytest
from slack_sdk.models.blocks import Block
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from bot.chat.message import Button, ButtonAction, Buttons, Message
from bot.conversation.reports import RIGHT, STALE_REPORT, WRONG, ReportFields, ReportForm
from bot.platforms.slack.render import render
from bot.platforms.slack.replies import ReplySender
from bot.platforms.slack.reports import build_report_view, read_clicked_paper, read_report
from bot.platforms.slack.views import build_answer_window
from digests.errors import InputError
from digests.subscription import Channel, DigestStyle
from tests.fakes.slack_blocks import faults_of_blocks, faults_of_view

PAPER = "2402.01306"
NASTY = "<!channel> & *bold* @everyone \u202e" + "x" * 4_000
REVIEW = Message("Review", (Buttons((Button(ButtonAction.REPORT, "This is wrong", PAPER),)),))


@pytest.mark.parametrize("text", ["Too high", NASTY, "", "<" * 200])
def test_the_modal_keeps_slacks_limits_for_any_text(text: str) -> None:
    form = ReportForm(PAPER, text, {f"limitation:{number:016}": text for number in range(12)})
    view = build_report_view(form, RIGHT)
    assert faults_of_view(view) == []
    assert "@everyone" not in json.dumps(view)
    assert view["blocks"][2]["element"]["initial_option"]["value"] == RIGHT


def test_a_full_review_has_slacks_pair_of_feedback_buttons() -> None:
    (page,) = render(REVIEW, DigestStyle.COMPACT)
    (block,) = page.payload["blocks"]
    assert faults_of_blocks([block]) == []
    parsed = Block.parse(block)
    assert parsed
    assert parsed.to_dict() == block, "the installed SDK knows it"
    (pair,) = block["elements"]
    assert read_clicked_paper(pair["positive_button"]["value"]) == (PAPER, RIGHT)
    assert read_clicked_paper(pair["negative_button"]["value"]) == (PAPER, WRONG)


def test_a_window_has_a_plain_button_in_its_place() -> None:
    view = build_answer_window(REVIEW)
    assert faults_of_view(view) == []
    (button,) = view["blocks"][0]["elements"]
    assert (button["type"], button["action_id"], button["value"]) == ("button", "report", PAPER)


def test_where_slack_refuses_the_pair_the_answer_comes_with_a_plain_button(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[dict[str, Any]] = []

    class Client:
        session = proxy = None

        async def api_call(self, method: str, *, json: dict[str, Any]) -> None:
            sent.append(json)

    async def refuse(self: object, **arguments: Any) -> WebhookResponse:
        assert arguments["blocks"][0]["type"] == "context_actions"
        return WebhookResponse(url="", status_code=400, body="invalid_blocks", headers={})

    monkeypatch.setattr(AsyncWebhookClient, "send", refuse)
    replies = ReplySender(cast("AsyncWebClient", Client()))
    channel = Channel("slack", "C1", "T1")
    asyncio.run(replies.send_response("http://127.0.0.1:9/x", channel, "UADA", REVIEW, replace=False))
    ((block,),) = [each["blocks"] for each in sent]
    assert (block["type"], block["elements"][0]["value"]) == ("actions", PAPER)


def a_submission(**changes: Any) -> dict[str, Any]:
    values = {
        "part": {"value": {"selected_option": {"value": "score"}}},
        "stance": {"value": {"selected_option": {"value": WRONG}}},
        "reason": {"value": {"value": "Too high."}},
    }
    return {"private_metadata": json.dumps({"paper": PAPER}), "state": {"values": values}, **changes}


def test_a_submission_is_read() -> None:
    assert read_report(a_submission()) == ReportFields(PAPER, "score", WRONG, "Too high.")


@pytest.mark.parametrize(
    "changes",
    [
        {"private_metadata": ""},
        {"private_metadata": "[" * 100_000},
        {"private_metadata": "[1]"},
        {"private_metadata": "3"},
        {"state": None},
        {"state": {"values": []}},
        {"state": {"values": {"part": {"value": {"selected_option": None}}}}},
    ],
)
def test_a_damaged_submission_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=STALE_REPORT):
        read_report(a_submission(**changes))
