"""The doctor's question to Slack itself: would it take the blocks of a digest?"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bot.chat.findings import Finding, Severity
from bot.chat.port import Page
from bot.platforms.slack.app import SlackApp
from bot.platforms.slack.block_check import SUBJECT, check_blocks
from bot.platforms.slack.session import create_web_client, open_session
from bot.platforms.slack.settings import SlackSecrets, SlackSettings
from tests.fakes.odd import ODD_ANSWERS
from tests.fakes.slack import FakeSlack, SlackFault


def check_app(slack: FakeSlack, bot_token: str = "xoxb-right") -> Sequence[Finding]:
    async def run() -> Sequence[Finding]:
        async with slack:
            secrets = SlackSecrets(bot_token=bot_token, app_token=slack.app_token)
            app = SlackApp(SlackSettings(api_base_url=slack.url), secrets, 30, lambda: datetime.now(UTC))
            return await app.check([])

    return asyncio.run(run())


def check_pages(*pages: Page) -> list[Finding]:
    async def run() -> list[Finding]:
        async with FakeSlack() as slack, open_session(30) as session:
            settings = SlackSettings(api_base_url=slack.url)
            return await check_blocks(
                create_web_client("xoxb-right", settings=settings, session=session), pages
            )

    return asyncio.run(run())


def test_the_doctor_lets_slack_validate_every_page_of_a_sample_digest_and_posts_nothing() -> None:
    slack = FakeSlack()
    findings = check_app(slack)
    (finding,) = (each for each in findings if each.subject == SUBJECT)
    assert str(finding) == "✓ messages: Slack takes the blocks of a sample digest."
    assert len(slack.calls_of("blocks.validate")) == 4, "the list and three cards"
    assert slack.calls_of("chat.postMessage") == []
    assert slack.protocol_errors == []


def test_a_refusal_names_slacks_reasons_and_is_a_warning() -> None:
    bad = Page({"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}] * 9})
    (finding,) = check_pages(bad)
    assert finding.severity is Severity.WARNING
    assert "Slack would refuse the blocks of a digest (" in finding.sentence
    assert len(finding.sentence) < 800


@pytest.mark.parametrize(
    "fault", [SlackFault.SERVER_ERROR, SlackFault.DROP_BEFORE, SlackFault.GARBAGE, SlackFault.RATE_LIMITED]
)
def test_a_slack_that_cannot_be_asked_is_no_failure(fault: SlackFault) -> None:
    slack = FakeSlack()
    slack.fail_next("blocks.validate", *[fault] * 9)
    findings = check_app(slack)
    assert all(finding.severity is Severity.OK for finding in findings if finding.subject == SUBJECT)
    assert all(finding.severity is not Severity.FAULT for finding in findings)


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_an_odd_answer_is_no_failure(odd: str) -> None:
    slack = FakeSlack()
    slack.odd_answers["blocks.validate"] = ODD_ANSWERS[odd]
    assert all(finding.severity is not Severity.FAULT for finding in check_app(slack))


def test_a_method_that_slack_does_not_know_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(FakeSlack, "_do_blocks_validate")
    assert [each for each in check_app(FakeSlack()) if each.subject == SUBJECT] == []


def test_with_a_wrong_token_nothing_is_validated() -> None:
    slack = FakeSlack()
    assert [finding.subject for finding in check_app(slack, "xoxb-wrong")] == ["bot token"]
    assert slack.calls_of("blocks.validate") == []
