"""Opening the Slack app: wrong tokens stop it, a failing Slack does not."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.platforms.slack.app import SlackApp
from bot.platforms.slack.settings import SlackSecrets, SlackSettings
from digests.errors import InputError
from tests.fakes.odd import ODD_ANSWERS
from tests.fakes.slack import FakeSlack, SlackFault


def open_app(slack: FakeSlack, *, bot_token: str = "xoxb-right") -> None:
    """Open and close the app. Raises InputError if it does not start."""

    async def run() -> None:
        async with slack:
            secrets = SlackSecrets(bot_token=bot_token, app_token=slack.app_token)
            app = SlackApp(SlackSettings(api_base_url=slack.url), secrets, 30, lambda: datetime.now(UTC))
            await app.open()
            await app.close()

    asyncio.run(run())


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
@pytest.mark.parametrize(
    "fault",
    [SlackFault.SERVER_ERROR, SlackFault.DROP_BEFORE, SlackFault.GARBAGE, SlackFault.INTERNAL_ERROR_AFTER],
)
def test_a_failing_slack_does_not_keep_the_app_from_starting(
    method: str, fault: SlackFault, caplog: pytest.LogCaptureFixture
) -> None:
    slack = FakeSlack()
    slack.fail_next(method, fault)
    open_app(slack)
    assert "Slack" in caplog.text


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_an_odd_answer_does_not_keep_the_app_from_starting(odd: str) -> None:
    slack = FakeSlack()
    slack.odd_answers["auth.test"] = ODD_ANSWERS[odd]
    open_app(slack)


def test_each_wrong_token_is_an_input_error() -> None:
    with pytest.raises(InputError, match="Slack does not know this token"):
        open_app(FakeSlack(), bot_token="xoxb-wrong")
    slack = FakeSlack(app_token="xapp-wrong")
    slack.token_error = "token_revoked"
    with pytest.raises(InputError, match="revoked"):
        open_app(slack)
