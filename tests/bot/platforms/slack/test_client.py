"""Posting to Slack: the outcome of each answer decides if the page may be posted again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.chat.attempt import page_attempt
from bot.chat.message import Message, Text
from bot.chat.port import CANNOT_ASK, Outcome, Page, PostError
from bot.platforms.slack.blocks import build_container, build_plain_text, build_section
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.container_refusals import REFUSAL_PERIOD, ContainerRefusals
from bot.platforms.slack.session import open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.subscription import Channel
from tests.builders import a_store
from tests.fakes.odd import ODD_ANSWERS
from tests.fakes.slack import FakeSlack, SlackFault, read_text

PAGE = Page({"text": "Hello", "blocks": [{"type": "divider"}], "unfurl_links": False, "unfurl_media": False})
SINCE = datetime(2026, 1, 1, tzinfo=UTC)

Scenario = Callable[[FakeSlack, SlackPlatform, Channel], Awaitable[None]]


def run_scenario(scenario: Scenario, *, token: str = "", seconds: float = 30) -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(seconds) as session:
            settings = SlackSettings(api_base_url=slack.url)
            workspaces = SlackWorkspaces(
                token or slack.bot_token, settings, session, lambda: datetime.now(UTC)
            )
            papers = Channel("slack", slack.add_channel("papers"), "T1")
            await scenario(slack, SlackPlatform(workspaces), papers)

    asyncio.run(run())


def find_outcome(scenario: Scenario, *, token: str = "", seconds: float = 30) -> tuple[Outcome, str]:
    """Run a scenario that fails, and return the outcome and the sentence of its error."""
    with pytest.raises(PostError) as failed:
        run_scenario(scenario, token=token, seconds=seconds)
    return failed.value.outcome, str(failed.value)


@pytest.mark.parametrize(
    ("fault", "posted", "expected"),
    [
        (SlackFault.SERVER_ERROR, 0, Outcome.UNKNOWN),
        (SlackFault.SERVER_ERROR_AFTER, 1, Outcome.UNKNOWN),
        (SlackFault.DROP_BEFORE, 0, Outcome.UNKNOWN),
        (SlackFault.DROP_AFTER, 1, Outcome.UNKNOWN),
        (SlackFault.INTERNAL_ERROR_AFTER, 1, Outcome.UNKNOWN),
        (SlackFault.GARBAGE, 0, Outcome.UNKNOWN),
        (SlackFault.SLOW_AFTER, 1, Outcome.UNKNOWN),
    ],
)
def test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again(
    fault: SlackFault, posted: int, expected: Outcome
) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.fail_next("chat.postMessage", fault)
        try:
            await platform.post(papers, PAGE, key="k", thread=None)
        finally:
            assert len(slack.messages_in(papers.channel)) == posted
            assert len(slack.calls_of("chat.postMessage")) == 1

    seconds = 0.5 if fault is SlackFault.SLOW_AFTER else 30
    assert find_outcome(scenario, seconds=seconds)[0] is expected


def test_a_page_is_posted_once_after_a_rate_limit() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.fail_next("chat.postMessage", SlackFault.RATE_LIMITED)
        receipt = await platform.post(papers, PAGE, key="k", thread=None)
        assert [message["ts"] for message in slack.messages_in(papers.channel)] == [receipt]

    run_scenario(scenario)


def test_a_rate_limit_beyond_the_deadline_has_refused_the_page() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.limit_seconds = 5
        slack.fail_next("chat.postMessage", SlackFault.RATE_LIMITED)
        with page_attempt(4):
            await platform.post(papers, PAGE, key="k", thread=None)

    assert find_outcome(scenario) == (
        Outcome.NOT_POSTED,
        "Slack asks to wait 5 seconds: too many messages in a short time.",
    )


def test_a_rate_limit_that_outlasts_every_retry_has_refused_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        monkeypatch.setattr("bot.platforms.slack.calls.RATE_LIMIT_RETRIES", 1)
        slack.fail_next("chat.postMessage", SlackFault.RATE_LIMITED, SlackFault.RATE_LIMITED)
        slack.fail_next("chat.postMessage", SlackFault.RATE_LIMITED)
        with page_attempt(60):
            await platform.post(papers, PAGE, key="k", thread=None)

    assert find_outcome(scenario)[0] is Outcome.NOT_POSTED


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_an_odd_answer_to_a_post_is_an_unknown_outcome(odd: str) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.odd_answers["chat.postMessage"] = ODD_ANSWERS[odd]
        await platform.post(papers, PAGE, key="k", thread=None)

    assert find_outcome(scenario)[0] is Outcome.UNKNOWN


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_an_odd_answer_to_a_search_is_an_unknown_outcome(odd: str) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.odd_answers["conversations.history"] = ODD_ANSWERS[odd]
        await platform.find(papers, key="k", since=SINCE)

    assert find_outcome(scenario)[0] is Outcome.UNKNOWN


# Containers.

QUOTES = build_container("Quotes", [build_section(build_plain_text("“It works.”"))])
QUOTED_PAGE = replace(PAGE, payload={**PAGE.payload, "blocks": [{"type": "divider"}, QUOTES]})


def block_types(message: Mapping[str, Any]) -> list[str]:
    return [block["type"] for block in message["blocks"]]


def test_a_workspace_that_refuses_containers_gets_pages_without_at_once_and_from_then_on() -> None:
    notes = a_store().notes

    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.refuses_containers = True
        first = replace(platform, refusals=ContainerRefusals(notes, lambda: SINCE))
        just_before = SINCE + REFUSAL_PERIOD - timedelta(seconds=1)
        later = replace(platform, refusals=ContainerRefusals(notes, lambda: just_before))
        receipt = await first.post(papers, QUOTED_PAGE, key="k", thread=None)
        assert len(slack.calls_of("chat.postMessage")) == 2
        await first.post(papers, QUOTED_PAGE, key="l", thread=receipt)
        await later.post(papers, QUOTED_PAGE, key="m", thread=receipt)
        assert len(slack.calls_of("chat.postMessage")) == 4
        assert [block_types(message) for message in slack.messages_in(papers.channel)] == [["divider"]] * 3
        assert await first.find(papers, key="k", since=SINCE) == receipt
        await later.edit(papers, receipt, QUOTED_PAGE, key="k")
        assert len(slack.calls_of("chat.update")) == 1

    run_scenario(scenario)


def test_a_refusal_of_containers_is_tested_again_after_a_time() -> None:
    notes = a_store().notes

    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.refuses_containers = True
        await replace(platform, refusals=ContainerRefusals(notes, lambda: SINCE)).post(
            papers, QUOTED_PAGE, key="k", thread=None
        )
        slack.refuses_containers = False
        after = replace(platform, refusals=ContainerRefusals(notes, lambda: SINCE + REFUSAL_PERIOD))
        await after.post(papers, QUOTED_PAGE, key="l", thread=None)
        assert block_types(slack.messages_in(papers.channel)[-1]) == ["divider", "container"]

    run_scenario(scenario)


def test_an_edit_with_a_refused_container_is_made_without_it() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        receipt = await platform.post(papers, QUOTED_PAGE, key="k", thread=None)
        assert block_types(slack.messages_in(papers.channel)[0]) == ["divider", "container"]
        slack.refuses_containers = True
        await platform.edit(papers, receipt, QUOTED_PAGE, key="k")
        assert block_types(slack.messages_in(papers.channel)[0]) == ["divider"]
        await platform.edit(papers, receipt, QUOTED_PAGE, key="k")
        assert len(slack.calls_of("chat.update")) == 3

    run_scenario(scenario)


def test_blocks_that_are_refused_without_containers_too_say_nothing_about_containers() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        wrong = {**PAGE.payload, "blocks": [{"type": "no such block"}, QUOTES]}
        with pytest.raises(PostError) as refused:
            await platform.post(papers, replace(PAGE, payload=wrong), key="k", thread=None)
        assert refused.value.outcome is Outcome.REFUSED
        await platform.post(papers, QUOTED_PAGE, key="k", thread=None)
        assert block_types(slack.messages_in(papers.channel)[0]) == ["divider", "container"]

    run_scenario(scenario)


@pytest.mark.parametrize("fault", [SlackFault.DROP_AFTER, SlackFault.SERVER_ERROR_AFTER])
def test_a_lost_answer_to_the_page_without_containers_is_an_unknown_outcome(fault: SlackFault) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.refuses_containers = True
        answered = slack.default_fault
        slack.default_fault = lambda method: (
            fault if len(slack.calls_of("chat.postMessage")) == 2 else answered(method)
        )
        try:
            with page_attempt():
                await platform.post(papers, QUOTED_PAGE, key="k", thread=None)
        finally:
            assert len(slack.messages_in(papers.channel)) == 1
            assert len(slack.calls_of("chat.postMessage")) == 2

    assert find_outcome(scenario)[0] is Outcome.UNKNOWN


def test_a_refusal_after_a_lost_answer_sends_no_page_again() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.refuses_containers = True
        try:
            with page_attempt() as attempt:
                # An earlier request of this attempt, whose answer was lost.
                attempt.begin_request()
                attempt.mark_sent()
                await platform.post(papers, QUOTED_PAGE, key="k", thread=None)
        finally:
            assert len(slack.calls_of("chat.postMessage")) == 1

    assert find_outcome(scenario)[0] is Outcome.UNKNOWN


def test_an_unreadable_note_about_containers_stops_no_page() -> None:
    notes = a_store().notes
    notes.write("slack T1 refused containers", "not a time")

    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        odd = replace(platform, refusals=ContainerRefusals(notes, lambda: SINCE))
        await odd.post(papers, QUOTED_PAGE, key="k", thread=None)
        assert block_types(slack.messages_in(papers.channel)[0]) == ["divider", "container"]

    run_scenario(scenario)


def test_a_page_is_found_in_a_long_thread() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.rate_limits = False
        parent = await platform.post(papers, PAGE, key="parent", thread=None)
        replies = [await platform.post(papers, PAGE, key=f"{number}", thread=parent) for number in range(20)]
        assert await platform.find(papers, key="19", since=SINCE) == replies[19]
        slack.history_limit = 1
        assert await platform.find(papers, key="19", since=SINCE) is CANNOT_ASK

    run_scenario(scenario)


def test_a_posted_page_is_found_by_its_key_in_the_channel_and_in_its_thread() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        parent = await platform.post(papers, PAGE, key="parent", thread=None)
        reply = await platform.post(papers, PAGE, key="reply", thread=parent)
        assert await platform.find(papers, key="parent", since=SINCE) == parent
        assert await platform.find(papers, key="reply", since=SINCE) == reply
        assert await platform.find(papers, key="other", since=SINCE) is None

    run_scenario(scenario)


def test_a_page_is_found_in_its_thread_although_people_have_newer_ones() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        parent = await platform.post(papers, PAGE, key="parent", thread=None)
        reply = await platform.post(papers, PAGE, key="reply", thread=parent)
        slack.write_message(slack.add_user("ada"), papers.channel, "What do you think?")
        question = slack.messages_in(papers.channel)[-1]["ts"]
        await platform.post(papers, PAGE, key="answer", thread=question)
        assert await platform.find(papers, key="reply", since=SINCE) == reply

    run_scenario(scenario)


def test_a_search_ends_with_the_first_message_that_is_too_old() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.rate_limits, slack.history_limit = False, 2
        receipts = [await platform.post(papers, PAGE, key=f"{number}", thread=None) for number in range(30)]
        since = datetime.fromtimestamp(float(receipts[27]), UTC)
        assert await platform.find(papers, key="k", since=since) is None
        assert len(slack.calls_of("conversations.history")) == 2

    run_scenario(scenario)


def test_a_page_is_found_behind_many_messages_unless_it_would_be_too_old() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.rate_limits = False
        receipt = await platform.post(papers, PAGE, key="k", thread=None)
        for number in range(40):
            await platform.post(papers, PAGE, key=f"{number}", thread=None)
        assert await platform.find(papers, key="k", since=SINCE) == receipt
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert await platform.find(papers, key="k", since=tomorrow) is None

    run_scenario(scenario)


def test_the_newest_messages_are_searched_even_if_a_wrong_clock_calls_them_too_old() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        parent = await platform.post(papers, PAGE, key="parent", thread=None)
        reply = await platform.post(papers, PAGE, key="reply", thread=parent)
        next_week = datetime.now(UTC) + timedelta(days=7)
        assert await platform.find(papers, key="parent", since=next_week) == parent
        assert await platform.find(papers, key="reply", since=next_week) == reply

    run_scenario(scenario)


@pytest.mark.parametrize("fault", [SlackFault.SERVER_ERROR, SlackFault.GARBAGE, SlackFault.DROP_BEFORE])
def test_a_failed_search_is_an_unknown_outcome(fault: SlackFault) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.fail_next("conversations.history", fault)
        await platform.find(papers, key="k", since=SINCE)

    assert find_outcome(scenario)[0] is Outcome.UNKNOWN


def test_a_channel_that_is_unreadable_or_too_busy_cannot_be_searched() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.rate_limits = False
        for number in range(160):
            await platform.post(papers, PAGE, key=f"{number}", thread=None)
        assert await platform.find(papers, key="k", since=SINCE) is CANNOT_ASK
        slack.scopes.discard("channels:history")
        assert await platform.find(papers, key="0", since=SINCE) is CANNOT_ASK

    run_scenario(scenario)


@pytest.mark.parametrize(
    ("state", "expected", "words"),
    [
        ("archived", Outcome.GONE, "archived"),
        ("left", Outcome.GONE, "/invite @paperround"),
        ("deleted", Outcome.GONE, "no such channel"),
        ("revoked", Outcome.NOT_POSTED, "install the app"),
        ("scope", Outcome.NOT_POSTED, "add the scope chat:write"),
        ("page", Outcome.REFUSED, "invalid_blocks"),
    ],
)
def test_each_refusal_is_a_sentence_with_the_remedy(state: str, expected: Outcome, words: str) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        match state:
            case "archived":
                slack.channels[papers.channel].is_archived = True
            case "left":
                slack.channels[papers.channel].members.clear()
            case "deleted":
                slack.channels.clear()
            case "revoked":
                slack.token_error = "token_revoked"
            case "scope":
                slack.scopes.discard("chat:write")
        page = Page({"text": "x", "blocks": [{"type": "nonsense"}]}) if state == "page" else PAGE
        await platform.post(papers, page, key="k", thread=None)

    found, sentence = find_outcome(scenario)
    assert found is expected
    assert words in sentence or state == "page"


def test_a_person_gets_a_direct_message() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        ada = slack.add_user("ada")
        await platform.send_direct_message(
            papers, ada, Message("Stopped", (Text("The digest of #papers stopped."),))
        )
        (message,) = slack.messages_in(ada)
        assert "The digest of #papers stopped." in read_text(message["blocks"])
        assert slack.messages_in(papers.channel) == []

    run_scenario(scenario)


def test_an_unreachable_server_has_posted_nothing() -> None:
    async def run() -> None:
        async with open_session(0.5) as session:
            settings = SlackSettings(api_base_url="http://127.0.0.1:9/api/")
            platform = SlackPlatform(SlackWorkspaces("xoxb-1", settings, session, lambda: SINCE))
            await platform.post(Channel("slack", "C1"), PAGE, key="k", thread=None)

    with pytest.raises(PostError, match="could not be reached") as failed:
        asyncio.run(run())
    assert failed.value.outcome is Outcome.NOT_POSTED


def test_no_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        await platform.post(papers, PAGE, key="k", thread=None)

    run_scenario(scenario)


def test_an_edit_replaces_the_text_of_a_message_and_keeps_its_key() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        receipt = await platform.post(papers, PAGE, key="k", thread=None)
        edited = Page({**PAGE.payload, "text": "Hello again"})
        for _ in range(2):
            await platform.edit(papers, receipt, edited, key="k")
        (message,) = slack.messages_in(papers.channel)
        assert message["text"] == "Hello again"
        assert all("metadata" not in call for call in slack.calls_of("chat.update"))
        assert await platform.find(papers, key="k", since=SINCE) == receipt

    run_scenario(scenario)


def test_an_edit_of_a_deleted_message_is_refused() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        await platform.edit(papers, "1.0", PAGE, key="k")

    assert find_outcome(scenario) == (Outcome.REFUSED, "The message is not there any more.")


@pytest.mark.parametrize(("code", "is_lost"), [("token_revoked", True), ("is_archived", False)])
def test_a_refused_token_is_told_apart_from_a_closed_channel(code: str, is_lost: bool) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.token_error = code
        await platform.post(papers, PAGE, key="k", thread=None)

    with pytest.raises(PostError) as failed:
        run_scenario(scenario)
    assert failed.value.is_access_lost is is_lost
