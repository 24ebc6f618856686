"""Encoded calls of Slack: the body that is sent, and payloads that are encoded once."""

import asyncio
import json

import pytest
from slack_sdk.errors import SlackApiError

from bot.platforms.slack.blocks import build_container, build_plain_text, build_section
from bot.platforms.slack.calls import (
    MAX_ENCODED_PAYLOADS,
    PayloadCache,
    call_api,
    encode_body,
    encode_payload,
)
from bot.platforms.slack.session import create_web_client, open_session
from bot.platforms.slack.settings import SlackSettings
from tests.fakes.slack import FakeSlack

PAYLOAD = {"text": "Grüße \ud800 🔖", "blocks": [{"type": "divider"}], "unfurl_links": False}
ARGUMENTS = {"channel": "C1", "metadata": {"event_payload": {"key": "k"}}}
SECTION = build_section(build_plain_text("“It works.”"))


def test_a_body_has_the_arguments_and_the_fields_of_the_payload() -> None:
    body = encode_body(ARGUMENTS, encode_payload(PAYLOAD).full)
    assert json.loads(body) == {**ARGUMENTS, **PAYLOAD}
    assert json.loads(encode_body(ARGUMENTS)) == ARGUMENTS


def test_a_payload_is_encoded_with_and_without_its_containers() -> None:
    encoded = encode_payload({**PAYLOAD, "blocks": [SECTION, build_container("Quotes", [SECTION])]})
    assert [block["type"] for block in json.loads(encoded.full)["blocks"]] == ["section", "container"]
    assert json.loads(encoded.plain) == {**PAYLOAD, "blocks": [SECTION]}


def test_a_payload_is_encoded_once_while_it_is_in_use() -> None:
    cache = PayloadCache()
    first = cache.encode(PAYLOAD)
    assert cache.encode(PAYLOAD) is first
    other = cache.encode({**PAYLOAD, "text": "another"})
    assert json.loads(other.full)["text"] == "another"


def test_old_payloads_leave_the_cache_and_no_payload_gets_the_text_of_another() -> None:
    cache = PayloadCache()
    for number in range(3 * MAX_ENCODED_PAYLOADS):  # Each dictionary may get the identity of an earlier one.
        encoded = cache.encode({"text": str(number), "blocks": []})
        assert json.loads(encoded.full)["text"] == str(number)
    assert len(cache._entries) == MAX_ENCODED_PAYLOADS


def test_a_call_carries_the_token_and_returns_the_answer() -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(30) as session:
            settings = SlackSettings(api_base_url=slack.url)
            client = create_web_client(slack.bot_token, settings=settings, session=session)
            assert (await call_api(client, "auth.test", b"{}"))["ok"] is True
            stranger = create_web_client("xoxb-wrong", settings=settings, session=session)
            with pytest.raises(SlackApiError) as failed:
                await call_api(stranger, "auth.test", b"{}")
            assert failed.value.response.data["error"] == "invalid_auth"

    asyncio.run(run())
