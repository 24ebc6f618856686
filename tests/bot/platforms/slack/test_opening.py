"""Opening the Slack app: what keeps it from starting, and what is only away for a while."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.platforms.slack.app import SlackApp
from bot.platforms.slack.settings import SlackSecrets, SlackSettings
from digests.errors import InputError
from tests.fakes.odd import ODD_ANSWERS
from tests.fakes.slack import FakeSlack, SlackFault


def opened(slack: FakeSlack, *, bot_token: str = "xoxb-right") -> None:
    """Raises InputError where it does not start."""

    async def run() -> None:
        async with slack:
            secrets = SlackSecrets(bot_token=bot_token, app_token=slack.app_token)
            app = SlackApp(SlackSettings(api_base_url=slack.url), secrets, 2, lambda: datetime.now(UTC))
            await app.open()
            await app.close()

    asyncio.run(run())


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
@pytest.mark.parametrize(
    "fault",
    [SlackFault.SERVER_ERROR, SlackFault.DROP_BEFORE, SlackFault.GARBAGE, SlackFault.INTERNAL_ERROR_AFTER],
)
def test_a_slack_that_cannot_just_now_keeps_nothing_from_starting(
    method: str, fault: SlackFault, caplog: pytest.LogCaptureFixture
) -> None:
    slack = FakeSlack()
    slack.fail_next(method, fault)
    opened(slack)
    assert "Slack" in caplog.text


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_nor_does_one_that_answers_anything(odd: str) -> None:
    slack = FakeSlack()
    slack.odd_answers["auth.test"] = ODD_ANSWERS[odd]
    opened(slack)


def test_a_wrong_token_is_a_fault_whichever_it_is() -> None:
    with pytest.raises(InputError, match="Slack does not know this token"):
        opened(FakeSlack(), bot_token="xoxb-wrong")
    slack = FakeSlack(app_token="xapp-wrong")
    slack.token_error = "token_revoked"
    with pytest.raises(InputError, match="revoked"):
        opened(slack)
