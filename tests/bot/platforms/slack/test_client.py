"""Posting to Slack: what each answer means for whether the page may be posted again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.chat.attempt import page_attempt
from bot.chat.message import Message, Text
from bot.chat.port import CANNOT_ASK, Outcome, Page, PostError
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.session import open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.subscription import Channel
from tests.fakes.odd import ODD_ANSWERS
from tests.fakes.slack import FakeSlack, SlackFault, read_text

PAGE = Page({"text": "Hello", "blocks": [{"type": "divider"}], "unfurl_links": False, "unfurl_media": False})
SINCE = datetime(2026, 1, 1, tzinfo=UTC)

Story = Callable[[FakeSlack, SlackPlatform, Channel], Awaitable[None]]


def told(story: Story, *, token: str = "") -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(0.5) as session:
            settings = SlackSettings(api_base_url=slack.url)
            workspaces = SlackWorkspaces(
                token or slack.bot_token, settings, session, lambda: datetime.now(UTC)
            )
            papers = Channel("slack", slack.add_channel("papers"), "T1")
            await story(slack, SlackPlatform(workspaces), papers)

    asyncio.run(run())


def outcome(story: Story, *, token: str = "") -> tuple[Outcome, str]:
    with pytest.raises(PostError) as failed:
        told(story, token=token)
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
def test_where_the_answer_is_lost_nothing_is_sent_again_and_the_outcome_is_unknown(
    fault: SlackFault, posted: int, expected: Outcome
) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.fail_next("chat.postMessage", fault)
        try:
            await platform.post(papers, PAGE, key="k", thread=None)
        finally:
            assert len(slack.messages_in(papers.channel)) == posted
            assert len(slack.calls_of("chat.postMessage")) == 1

    assert outcome(scenario)[0] is expected


def test_a_rate_limit_is_waited_for_and_the_page_posted_once() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.fail_next("chat.postMessage", SlackFault.RATE_LIMITED)
        receipt = await platform.post(papers, PAGE, key="k", thread=None)
        assert [message["ts"] for message in slack.messages_in(papers.channel)] == [receipt]

    told(scenario)


def test_a_rate_limit_that_lasts_longer_than_anybody_waits_has_refused_the_page() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.limit_seconds = 5
        slack.fail_next("chat.postMessage", SlackFault.RATE_LIMITED)
        with page_attempt(4):
            await platform.post(papers, PAGE, key="k", thread=None)

    assert outcome(scenario) == (
        Outcome.NOT_POSTED,
        "Slack asks to wait 5 seconds: too many messages in a short time.",
    )


def test_a_rate_limit_that_outlasts_every_retry_has_refused_the_page() -> None:
    async def story(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        workspace = await platform.workspaces.find("T1")
        workspace.client.retry_handlers.clear()
        slack.fail_next("chat.postMessage", SlackFault.RATE_LIMITED)
        with page_attempt(60):
            await platform.post(papers, PAGE, key="k", thread=None)

    assert outcome(story)[0] is Outcome.NOT_POSTED


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_whatever_is_answered_to_a_page_that_landed_it_may_have_arrived(odd: str) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.odd_answers["chat.postMessage"] = ODD_ANSWERS[odd]
        await platform.post(papers, PAGE, key="k", thread=None)

    assert outcome(scenario)[0] is Outcome.UNKNOWN


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_whatever_is_answered_to_a_question_it_is_no_word_of_a_page(odd: str) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.odd_answers["conversations.history"] = ODD_ANSWERS[odd]
        await platform.find(papers, key="k", since=SINCE)

    assert outcome(scenario)[0] is Outcome.UNKNOWN


def test_a_page_is_found_in_a_long_thread() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.rate_limits = False
        parent = await platform.post(papers, PAGE, key="parent", thread=None)
        replies = [await platform.post(papers, PAGE, key=f"{number}", thread=parent) for number in range(20)]
        assert await platform.find(papers, key="19", since=SINCE) == replies[19]
        slack.history_limit = 1
        assert await platform.find(papers, key="19", since=SINCE) is CANNOT_ASK

    told(scenario)


def test_a_posted_page_is_found_by_its_key_in_the_channel_and_in_its_thread() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        parent = await platform.post(papers, PAGE, key="parent", thread=None)
        reply = await platform.post(papers, PAGE, key="reply", thread=parent)
        assert await platform.find(papers, key="parent", since=SINCE) == parent
        assert await platform.find(papers, key="reply", since=SINCE) == reply
        assert await platform.find(papers, key="other", since=SINCE) is None

    told(scenario)


def test_a_page_is_found_behind_many_other_messages_and_not_where_it_would_be_too_old() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.rate_limits = False
        receipt = await platform.post(papers, PAGE, key="k", thread=None)
        for number in range(40):
            await platform.post(papers, PAGE, key=f"{number}", thread=None)
        assert await platform.find(papers, key="k", since=SINCE) == receipt
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert await platform.find(papers, key="k", since=tomorrow) is None

    told(scenario)


def test_the_newest_messages_are_looked_at_even_where_our_clock_says_that_they_are_too_old() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        parent = await platform.post(papers, PAGE, key="parent", thread=None)
        reply = await platform.post(papers, PAGE, key="reply", thread=parent)
        next_week = datetime.now(UTC) + timedelta(days=7)
        assert await platform.find(papers, key="parent", since=next_week) == parent
        assert await platform.find(papers, key="reply", since=next_week) == reply

    told(scenario)


@pytest.mark.parametrize("fault", [SlackFault.SERVER_ERROR, SlackFault.GARBAGE, SlackFault.DROP_BEFORE])
def test_a_channel_that_could_not_be_asked_is_asked_again_later(fault: SlackFault) -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.fail_next("conversations.history", fault)
        await platform.find(papers, key="k", since=SINCE)

    assert outcome(scenario)[0] is Outcome.UNKNOWN


def test_where_the_channel_may_not_be_read_or_has_too_much_in_it_nobody_can_say() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.rate_limits = False
        for number in range(160):
            await platform.post(papers, PAGE, key=f"{number}", thread=None)
        assert await platform.find(papers, key="k", since=SINCE) is CANNOT_ASK
        slack.scopes.discard("channels:history")
        assert await platform.find(papers, key="0", since=SINCE) is CANNOT_ASK

    told(scenario)


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
def test_each_refusal_is_a_sentence_with_what_to_do(state: str, expected: Outcome, words: str) -> None:
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

    found, sentence = outcome(scenario)
    assert found is expected
    assert words in sentence or state == "page"


def test_a_person_is_told_in_a_direct_message() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        ada = slack.add_user("ada")
        await platform.send_direct_message(
            papers, ada, Message("Stopped", (Text("The digest of #papers stopped."),))
        )
        (message,) = slack.messages_in(ada)
        assert "The digest of #papers stopped." in read_text(message["blocks"])
        assert slack.messages_in(papers.channel) == []

    told(scenario)


def test_a_server_that_is_not_there_has_posted_nothing() -> None:
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

    told(scenario)


def test_an_edit_replaces_what_a_message_says_and_keeps_the_key_by_which_it_is_found() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        receipt = await platform.post(papers, PAGE, key="k", thread=None)
        anew = Page({**PAGE.payload, "text": "Hello again"})
        for _ in range(2):
            await platform.edit(papers, receipt, anew)
        (message,) = slack.messages_in(papers.channel)
        assert message["text"] == "Hello again"
        assert await platform.find(papers, key="k", since=SINCE) == receipt

    told(scenario)


def test_a_message_that_is_not_there_any_more_refuses_its_edit() -> None:
    async def scenario(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        await platform.edit(papers, "1.0", PAGE)

    said, reason = outcome(scenario)
    assert (said, reason) == (Outcome.REFUSED, "The message is not there any more.")
