"""Refusals of the fake Slack, without which a test against it would show nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import FakeSlack, SlackFault
from tests.fakes.slack_blocks import faults_of_blocks, faults_of_suggestions, faults_of_view


def build_plain_text(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def build_section(text: str = "x") -> dict[str, Any]:
    return {"type": "section", "text": build_plain_text(text)}


def build_button(**parts: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "a", "text": build_plain_text("x"), **parts}


def build_actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [build_section()] * 51,
        [build_section("")],
        [build_section("x" * 3001)],
        [build_section("😀" * 1501)],
        [{"type": "header", "text": build_plain_text("x" * 151)}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        [{"type": "context", "elements": [build_plain_text("x")] * 11}],
        [{"type": "context", "elements": []}],
        [{"type": "nonsense"}],
        [{**build_section(), "colour": "red"}],
        [build_actions(*(build_button(action_id=f"{n}") for n in range(26)))],
        [build_actions(build_button(), build_button())],
        [build_actions(build_button(text=build_plain_text("x" * 76)))],
        [build_actions(build_button(value="x" * 2001))],
        [build_actions(build_button(style="loud"))],
        [build_actions(build_button(url="javascript:x"))],
        [
            {
                "type": "input",
                "label": build_plain_text("x"),
                "element": {"type": "plain_text_input", "action_id": "a"},
            }
        ],
        [{**build_section(), "block_id": "b"}, {**build_section(), "block_id": "b"}],
    ],
)
def test_blocks_over_a_limit_or_unknown_are_refused(blocks: list[dict[str, Any]]) -> None:
    assert faults_of_blocks(blocks)


def test_a_view_over_a_limit_is_refused() -> None:
    view = {"type": "modal", "title": build_plain_text("x"), "blocks": [build_section()]}
    assert faults_of_view(view) == []
    assert faults_of_view({**view, "title": build_plain_text("x" * 25)})
    assert faults_of_view({**view, "private_metadata": "x" * 3001})
    select = {"type": "static_select", "action_id": "a", "options": [], "initial_option": {}}
    assert faults_of_view(
        {**view, "blocks": [{"type": "input", "label": build_plain_text("x"), "element": select}]}
    )


def test_a_select_of_the_apps_own_is_taken_and_its_suggestions_have_limits() -> None:
    option = {"text": build_plain_text("UTC"), "value": "UTC"}
    select = {"type": "external_select", "action_id": "a", "initial_option": option}
    view = {"type": "modal", "title": build_plain_text("x"), "submit": build_plain_text("x")}
    field = {"type": "input", "label": build_plain_text("x"), "element": select}
    assert faults_of_view({**view, "blocks": [field]}) == []
    assert faults_of_view({**view, "blocks": [{**field, "element": {**select, "options": [option]}}]})
    assert faults_of_suggestions({"options": []}) == faults_of_suggestions({"options": [option]}) == []
    assert faults_of_suggestions({"options": [option] * 101})
    assert faults_of_suggestions({"options": [{**option, "text": build_plain_text("x" * 76)}]})
    assert faults_of_suggestions({})


Story = Callable[[FakeSlack, AsyncWebClient], Awaitable[None]]


def run_scenario(scenario: Story, *, token: str = "xoxb-right") -> None:
    async def run() -> None:
        async with FakeSlack(clock=lambda: now[0]) as slack:
            slack.add_channel("papers")
            slack.add_user("ada")
            await scenario(slack, AsyncWebClient(token, base_url=slack.url))

    now[0] = 1_800_000_000.0
    asyncio.run(run())


now = [0.0]
"""The fake's clock."""


async def error_code_of(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as error:
        await call
    return str(error.value.response["error"])


def test_calls_without_the_right_to_them_are_refused() -> None:
    async def scenario(slack: FakeSlack, client: AsyncWebClient) -> None:
        assert (
            await error_code_of(AsyncWebClient("xoxb-wrong", base_url=slack.url).auth_test())
            == "invalid_auth"
        )
        assert (
            await error_code_of(client.apps_connections_open(app_token=slack.bot_token))
            == "not_allowed_token_type"
        )
        assert await error_code_of(client.chat_postMessage(channel="C0", text="x")) == "channel_not_found"
        assert (
            await error_code_of(client.chat_postMessage(channel="CPAPERS", text="x" * 4001)) == "msg_too_long"
        )
        long = [build_section("x" * 3000)] * 5
        assert (
            await error_code_of(client.chat_postMessage(channel="CPAPERS", text="x", blocks=long))
            == "msg_blocks_too_long"
        )
        slack.scopes.clear()
        assert await error_code_of(client.chat_postMessage(channel="CPAPERS", text="x")) == "missing_scope"
        slack.token_error = "account_inactive"
        assert await error_code_of(client.auth_test()) == "account_inactive"

    run_scenario(scenario)


def test_metadata_comes_back_only_when_it_is_asked_for() -> None:
    async def scenario(slack: FakeSlack, client: AsyncWebClient) -> None:
        metadata = {"event_type": "t", "event_payload": {"key": "k"}}
        await client.chat_postMessage(channel="CPAPERS", text="x", metadata=metadata)
        bare = await client.conversations_history(channel="CPAPERS")
        assert bare["messages"][0]["metadata"] == {"event_type": "t"}
        whole = await client.conversations_history(channel="CPAPERS", include_all_metadata=True)
        assert whole["messages"][0]["metadata"] == metadata

    run_scenario(scenario)


def test_a_ticket_is_good_for_one_socket() -> None:
    async def scenario(slack: FakeSlack, client: AsyncWebClient) -> None:
        url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url) as socket:
                assert (await socket.receive_json())["type"] == "hello"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)

    run_scenario(scenario)


def test_a_response_url_takes_five_messages_in_half_an_hour() -> None:
    async def scenario(slack: FakeSlack, client: AsyncWebClient) -> None:
        async with aiohttp.ClientSession() as session:

            async def respond(url: str) -> int:
                async with session.post(url, json={"text": "x"}) as answer:
                    return answer.status

            _, extra = slack._start_interaction()
            assert [await respond(extra["response_url"]) for _ in range(6)] == [200] * 5 + [404]
            _, late = slack._start_interaction()
            now[0] += 31 * 60
            assert await respond(late["response_url"]) == 404
            view = {"type": "modal", "title": build_plain_text("x"), "blocks": [build_section()]}
            opening = client.views_open(trigger_id=late["trigger_id"], view=view)
            assert await error_code_of(opening) == "expired_trigger_id"

    run_scenario(scenario)


def test_more_than_a_burst_in_a_channel_is_told_to_wait() -> None:
    async def scenario(slack: FakeSlack, client: AsyncWebClient) -> None:
        for _ in range(5):
            await client.chat_postMessage(channel="CPAPERS", text="x")
        assert await error_code_of(client.chat_postMessage(channel="CPAPERS", text="x")) == "ratelimited"
        now[0] += 6
        await client.chat_postMessage(channel="CPAPERS", text="x")

    run_scenario(scenario)


@pytest.mark.parametrize(("handlers", "posted"), [(None, 2), ([AsyncRateLimitErrorRetryHandler()], 1)])
def test_the_library_repeats_a_post_after_a_dropped_connection_unless_its_handlers_are_replaced(
    handlers: Any, posted: int
) -> None:
    """This is the reason for the retry handlers of our client."""

    async def scenario(slack: FakeSlack, client: AsyncWebClient) -> None:
        slack.fail_next("chat.postMessage", SlackFault.DROP_AFTER)
        chosen = AsyncWebClient("xoxb-right", base_url=slack.url, retry_handlers=handlers)
        try:
            await chosen.chat_postMessage(channel="CPAPERS", text="x")
        except aiohttp.ClientError:
            assert handlers
        assert len(slack.messages_in("CPAPERS")) == posted

    run_scenario(scenario)
