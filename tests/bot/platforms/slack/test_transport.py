"""How Slack reaches the bot: sockets that fail in every way, and requests that are not Slack's."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.platforms.slack.session import open_session, web_client
from bot.platforms.slack.transport import HttpTransport, SocketTransport, bolt_app
from config.settings import Slack
from tests.bot.platforms.slack.processes import prepared, running
from tests.fakes.slack import PATIENCE, FakeSlack

Heard = list[str]


def an_app(slack: FakeSlack, session: object, heard: Heard) -> AsyncApp:
    client = web_client("", settings=Slack(api_base_url=slack.url), session=session)  # type: ignore[arg-type]
    authorized = AuthorizeResult(
        enterprise_id=None, team_id="T1", bot_user_id="UBOT", bot_id="BBOT", bot_token="xoxb-right"
    )
    app = bolt_app(client, authorized, slack.signing_secret)

    async def listen(ack: Callable[[], Awaitable[None]], command: dict[str, str]) -> None:
        await ack()
        heard.append(command["text"])

    app.command("/paper")(listen)
    return app


async def nothing() -> None:
    """Nothing to catch up with."""


@asynccontextmanager
async def connected(slack: FakeSlack, heard: Heard) -> AsyncIterator[SocketTransport]:
    """A transport that is served until the end of the block, with short waits."""
    stop = asyncio.Event()
    async with open_session(2) as session:
        app = an_app(slack, session, heard)
        transport = SocketTransport(
            app, app.client, slack.app_token, nothing, ping_seconds=0.2, hello_seconds=1.0, unwell_seconds=1.0
        )
        serving = asyncio.create_task(transport.serve(stop))
        try:
            yield transport
        finally:
            stop.set()
            await serving
            transport.refuse()
            await transport.close()


Wound = Callable[[FakeSlack], Awaitable[None]]


async def asked_to_come_again(slack: FakeSlack) -> None:
    await slack.disconnect("refresh_requested")


async def warned(slack: FakeSlack) -> None:
    await slack.disconnect("warning")


async def cut(slack: FakeSlack) -> None:
    await slack.cut()


async def refused_once(slack: FakeSlack) -> None:
    slack.refuse_upgrades = 1
    await slack.cut()


async def without_pongs(slack: FakeSlack) -> None:
    slack.no_pongs = True
    opened = slack.sockets_opened
    await slack.until(lambda: slack.sockets_opened > opened)
    slack.no_pongs = False


@pytest.mark.parametrize("wound", [asked_to_come_again, warned, cut, refused_once, without_pongs])
def test_a_socket_that_was_lost_is_there_again_and_takes_commands(wound: Wound) -> None:
    async def run() -> None:
        heard: Heard = []
        async with FakeSlack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            async with connected(slack, heard):
                await slack.until(lambda: slack.sockets)
                opened = slack.sockets_opened
                await wound(slack)
                await slack.until(lambda: slack.sockets_opened > opened and slack.sockets)
                async with asyncio.timeout(PATIENCE):
                    while not (await slack.command("/paper", "after", user=ada, channel=papers)).acked:
                        pass  # It went to a socket that was just being replaced; a person types it again.
                assert "after" in heard

    asyncio.run(run())


def test_a_socket_that_does_not_say_hello_is_thrown_away_for_another() -> None:
    async def run() -> None:
        async with FakeSlack() as slack:
            slack.silent_hellos = 1
            async with connected(slack, []):
                await slack.until(lambda: slack.sockets)
                assert slack.sockets_opened >= 2
                assert len(slack.called("apps.connections.open")) >= 2

    asyncio.run(run())


def test_a_refused_upgrade_is_tried_again_with_a_new_ticket() -> None:
    async def run() -> None:
        async with FakeSlack() as slack:
            slack.refuse_upgrades = 1
            async with connected(slack, []):
                await slack.until(lambda: slack.sockets)

    asyncio.run(run())


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_what_slack_did_not_sign_is_refused_and_counted_and_never_looked_at() -> None:
    async def run() -> None:
        heard: Heard = []
        port, stop, listening = free_port(), asyncio.Event(), asyncio.Event()

        async def connected() -> None:
            listening.set()

        async with FakeSlack() as slack, open_session(2) as session:
            slack.http_endpoint = f"http://127.0.0.1:{port}/slack/events"
            transport = HttpTransport(an_app(slack, session, heard), "127.0.0.1", port, connected)
            serving = asyncio.create_task(transport.serve(stop))
            await asyncio.wait_for(listening.wait(), PATIENCE)
            body = "command=%2Fpaper&text=bad&user_id=U1&channel_id=C1&team_id=T1"
            wrong, _ = await slack.post_signed(body, is_json=False, secret="another")
            old, _ = await slack.post_signed(body, is_json=False, at=slack.clock() - 600)
            right, _ = await slack.post_signed(body.replace("bad", "good"), is_json=False)
            challenge = await slack.post_signed(json.dumps({"type": "url_verification", "challenge": "c"}))
            assert (wrong, old, right) == (401, 401, 200)
            assert challenge[0] == 200
            assert "c" in challenge[1]
            assert heard == ["good"]
            assert transport.refused == 2
            transport.refuse()
            assert (await slack.post_signed(body, is_json=False))[0] == 503
            stop.set()
            await serving
            await transport.close()

    asyncio.run(run())


def test_no_variable_of_the_environment_changes_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "from the environment")

    async def run() -> None:
        async with FakeSlack() as slack, open_session(2) as session:
            app = an_app(slack, session, [])
            assert app.oauth_flow is None
            assert app.client.token is None

    asyncio.run(run())
    assert os.environ["SLACK_CLIENT_ID"] == "from the environment"


def test_over_http_a_whole_bot_answers_commands_and_tells_that_it_is_well(tmp_path: Path) -> None:
    async def run() -> None:
        port = free_port()
        async with FakeSlack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            settings = f'http_host = "127.0.0.1"\nhttp_port = {port}'
            secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_SIGNING_SECRET": slack.signing_secret}
            async with running(slack, tmp_path, settings=settings, secrets=secrets, connected=False) as bot:
                await bot.says("listening for Slack")
                slack.http_endpoint = f"http://127.0.0.1:{port}/slack/events"
                asked = await slack.command("/paper", "2402.01306", user=ada, channel=papers)
                assert asked.acked
                await slack.until(lambda: asked.responses)
            assert slack.protocol_errors == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": "xapp-right"}, "Slack does not know this token"),
        ({"SLACK_BOT_TOKEN": "xoxb-right", "SLACK_APP_TOKEN": "xapp-wrong"}, "connections:write"),
        ({"SLACK_BOT_TOKEN": "xapp-right", "SLACK_APP_TOKEN": "xoxb-right"}, "SLACK_BOT_TOKEN holds an app-level token"),
        ({"SLACK_BOT_TOKEN": "xoxb-right"}, "set SLACK_APP_TOKEN"),
        ({}, "No channel gets a digest yet"),
    ],
)  # fmt: skip
def test_a_bot_that_cannot_work_says_why_in_a_sentence_and_ends(
    tmp_path: Path, tokens: dict[str, str], words: str
) -> None:
    async def run() -> None:
        async with FakeSlack() as slack:
            async with running(slack, tmp_path, secrets=tokens, connected=False) as bot:
                assert await asyncio.wait_for(bot.process.wait(), PATIENCE) == 1
            said = "\n".join(bot.log)
            assert words in said
            assert "Traceback" not in said
            assert "xoxb-" not in said.replace("with xoxb-", "")

    asyncio.run(run())


def test_doctor_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    async def run() -> tuple[int | None, str]:
        async with FakeSlack() as slack:
            papers = slack.add_channel("papers", bot_in=False)
            slack.scopes -= {"reactions:read"}
            prepared(tmp_path)
            (tmp_path / "paperround.toml").write_text(
                f'[store]\nurl = "sqlite:///{tmp_path / "p.db"}"\n[platforms.slack]\napi_base_url = "{slack.url}"\n'
                f'[[subscriptions]]\nplatform = "slack"\nchannel = "{papers}"\n'
            )
            secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "doctor", cwd=tmp_path, stdout=subprocess.PIPE,
                env={**os.environ, **secrets, "PYTHONPATH": str(Path(__file__).parents[4]), "PYTHONIOENCODING": "utf-8"},
            )  # fmt: skip
            out, _ = await process.communicate()
            return process.returncode, out.decode()

    status, said = asyncio.run(run())
    assert status == 0
    assert "✓ bot token: Slack knows us as paperround in The lab." in said
    assert "! scopes: The app lacks reactions:read (to see who marks a paper)" in said
    assert "/invite @paperround" in said
    assert "✓ app token" in said
    assert "The next comes on" in said
