"""The transport of Slack's events: sockets that fail in every way, and forged requests."""

import asyncio
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from bot.platforms.slack.http_transport import HttpTransport
from bot.platforms.slack.session import create_web_client, open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.signatures import SignatureChecker
from bot.platforms.slack.transport import SocketTransport, build_bolt_app
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.subscription import Channel
from tests.bot.platforms.slack.processes import (
    add_overdue_channel,
    create_patient_slack,
    prepare_store,
    render_settings,
    run_bot,
)
from tests.fakes.slack import FakeSlack, read_text
from tests.fakes.wire import WAIT_SECONDS
from tests.forked import start_process

pytestmark = pytest.mark.usefixtures("brisk")

Received = list[str]


def an_app(slack: FakeSlack, session: aiohttp.ClientSession, received: Received) -> AsyncApp:
    settings = SlackSettings(api_base_url=slack.url)
    client = create_web_client("", settings=settings, session=session)
    workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: datetime.now(UTC))
    workspaces.record_identity(replace(workspaces._workspace, team_id=slack.team_id))
    app = build_bolt_app(client, workspaces, slack.signing_secret)

    async def listen(ack: Callable[[], Awaitable[None]], command: dict[str, str]) -> None:
        await ack()
        received.append(command["text"])

    app.command("/paper")(listen)
    return app


async def skip_catch_up() -> None:
    """Stands for a catch-up that finds no changes."""


@asynccontextmanager
async def serve_transport(slack: FakeSlack, received: Received) -> AsyncIterator[SocketTransport]:
    """Serve a transport until the end of the block, with short intervals."""
    stop = asyncio.Event()
    async with open_session(2) as session:
        app = an_app(slack, session, received)
        transport = SocketTransport(
            app,
            app.client,
            slack.app_token,
            skip_catch_up,
            ping_seconds=0.2,
            hello_timeout_seconds=1.0,
            reconnect_after_seconds=1.0,
        )
        serving = asyncio.create_task(transport.serve(stop))
        try:
            yield transport
        finally:
            stop.set()
            await serving
            transport.refuse_requests()
            await transport.close()


SocketFault = Callable[[FakeSlack], Awaitable[None]]


def asked_to_come_again(reason: str) -> SocketFault:
    async def break_socket(slack: FakeSlack) -> None:
        await slack.disconnect_sockets(reason)

    break_socket.__name__ = reason
    return break_socket


ASKED = ("refresh_requested", "warning", "too_many_websockets", "link_disabled")
"""The reasons that Slack gives for a disconnect."""


async def cut(slack: FakeSlack) -> None:
    await slack.cut_connections()


async def refused_once(slack: FakeSlack) -> None:
    slack.upgrade_refusals = 1
    await slack.cut_connections()


async def without_pongs(slack: FakeSlack) -> None:
    slack.is_without_pongs = True
    opened = slack.sockets_opened
    await slack.wait_until(lambda: slack.sockets_opened > opened)
    slack.is_without_pongs = False


@pytest.mark.parametrize(
    "break_socket",
    [*map(asked_to_come_again, ASKED), cut, refused_once, without_pongs],
    ids=lambda break_socket: break_socket.__name__,
)
def test_a_lost_socket_is_replaced_and_receives_commands(break_socket: SocketFault) -> None:
    async def run() -> None:
        received: Received = []
        async with FakeSlack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            async with serve_transport(slack, received):
                await slack.wait_until(lambda: slack.sockets)
                opened = slack.sockets_opened
                await break_socket(slack)
                await slack.wait_until(lambda: slack.sockets_opened > opened and slack.sockets)
                async with asyncio.timeout(WAIT_SECONDS):
                    while not (await slack.run_command("/paper", "after", user=ada, channel=papers)).is_acked:
                        pass  # It went to a socket that was just being replaced; a person types it again.
                assert "after" in received

    asyncio.run(run())


def test_a_socket_without_a_hello_is_replaced() -> None:
    async def run() -> None:
        async with FakeSlack() as slack:
            slack.skipped_hellos = 1
            async with serve_transport(slack, []):
                await slack.wait_until(lambda: slack.sockets)
                assert slack.sockets_opened >= 2
                assert len(slack.calls_of("apps.connections.open")) >= 2

    asyncio.run(run())


def test_a_refused_upgrade_is_retried_with_a_new_ticket() -> None:
    async def run() -> None:
        async with FakeSlack() as slack:
            slack.upgrade_refusals = 1
            async with serve_transport(slack, []):
                await slack.wait_until(lambda: slack.sockets)

    asyncio.run(run())


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_forged_request_is_refused_and_counted_without_being_parsed() -> None:
    async def run() -> None:
        received: Received = []
        port, stop, listening = free_port(), asyncio.Event(), asyncio.Event()

        async def serve_transport() -> None:
            listening.set()

        async with FakeSlack() as slack, open_session(30) as session:
            slack.http_endpoint = f"http://127.0.0.1:{port}/slack/events"
            transport = HttpTransport("127.0.0.1", port, SignatureChecker(slack.signing_secret, slack.clock))
            await transport.start_listening()
            body = "command=%2Fpaper&text=bad&user_id=U1&channel_id=C1&team_id=T1"
            assert (await slack.post_signed(body, is_json=False))[0] == 503
            serving = asyncio.create_task(
                transport.serve(an_app(slack, session, received), serve_transport, stop)
            )
            await asyncio.wait_for(listening.wait(), WAIT_SECONDS)
            wrong, _ = await slack.post_signed(body, is_json=False, secret="another")
            old, _ = await slack.post_signed(body, is_json=False, at=slack.clock() - 600)
            right, _ = await slack.post_signed(body.replace("bad", "good"), is_json=False)
            challenge = await slack.post_signed(json.dumps({"type": "url_verification", "challenge": "c"}))
            assert (wrong, old, right) == (401, 401, 200)
            assert challenge[0] == 200
            assert "c" in challenge[1]
            assert received == ["good"]
            assert transport.refused_count == 2
            transport.refuse_requests()
            assert (await slack.post_signed(body, is_json=False))[0] == 503
            stop.set()
            await serving
            await transport.close()

    asyncio.run(run())


def test_no_variable_of_the_environment_changes_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "from the environment")

    async def run() -> None:
        async with FakeSlack() as slack, open_session(30) as session:
            app = an_app(slack, session, [])
            assert app.oauth_flow is None
            assert app.client.token is None

    asyncio.run(run())
    assert os.environ["SLACK_CLIENT_ID"] == "from the environment"


def test_over_http_the_bot_answers_signed_requests_and_reports_its_health(tmp_path: Path) -> None:
    async def run() -> None:
        port = free_port()
        async with create_patient_slack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            add_overdue_channel(prepare_store(tmp_path), papers)
            settings = f'http_host = "127.0.0.1"\nhttp_port = {port}'
            secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_SIGNING_SECRET": slack.signing_secret}
            async with run_bot(
                slack, tmp_path, settings=settings, secrets=secrets, must_connect=False
            ) as bot:
                await bot.wait_for_log("listening for Slack")
                slack.http_endpoint = f"http://127.0.0.1:{port}/slack/events"
                asked = await slack.run_command("/paper", "2402.01306", user=ada, channel=papers)
                assert asked.is_acked
                await slack.wait_until(lambda: asked.responses)
                await bot.wait_for_log("delivered", papers)
                card = slack.messages_in(papers)[1]
                await slack.add_reaction(ada, papers, card["ts"])
                await slack.wait_until(lambda: "Discuss · 1" in read_text(card["blocks"]))
                form = await slack.run_command("/digest", "settings", user=ada, channel=papers)
                await slack.wait_until(lambda: form.views)
                (zone,) = await slack.type_in_select(form.views[0], "time_zone", "mumbai", user=ada)
                assert zone["value"] == "Asia/Kolkata"
                refused = await slack.submit_view(form.views[0], {"domains": "visoin"}, user=ada)
                assert refused.ack
                assert "vision" in refused.ack["errors"]["domains"]
                await not_from_slack(slack, papers)
                assert await fetch_health(port) == {"ok": True, "refused": 3, "replayed": 0}
                assert not [call for call in slack.calls_of("chat.postMessage") if "evil" in str(call)]
                await bot.wait_for_log("refused 1 request that Slack did not sign")
            assert slack.protocol_errors == []
            known = prepare_store(tmp_path).subscriptions.find(Channel("slack", papers, "T1"))
            assert known
            assert known.is_running

    asyncio.run(run())


def test_over_http_the_bot_is_healthy_while_slack_is_away(tmp_path: Path) -> None:
    async def run() -> None:
        port = free_port()
        async with create_patient_slack() as slack:  # For a port that nobody has.
            papers = slack.add_channel("papers")
        prepare_store(tmp_path)
        settings = f'http_host = "127.0.0.1"\nhttp_port = {port}'
        secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_SIGNING_SECRET": slack.signing_secret}
        async with run_bot(slack, tmp_path, settings=settings, secrets=secrets, must_connect=False) as bot:
            await bot.wait_for_log("People get no answers in Slack until it can be reached")
            await bot.wait_for_log("health endpoint")
            assert await fetch_health(port) == {"ok": True, "refused": 0, "replayed": 0}
            async with slack:
                await bot.wait_for_log("listening for Slack")
                slack.http_endpoint = f"http://127.0.0.1:{port}/slack/events"
                asked = await slack.run_command("/paper", "kto", user=slack.add_user("ada"), channel=papers)
                await slack.wait_until(lambda: asked.responses)

    asyncio.run(run())


async def not_from_slack(slack: FakeSlack, channel: str) -> None:
    """Send a command with a wrong signature, without one, and with an expired one."""
    body = (
        f"command=%2Fdigest&text=pause&user_id=UEVIL&channel_id={channel}&team_id=T1&trigger_id=1"
        f"&response_url={slack.url}"
    )
    forged, _ = await slack.post_signed(body, is_json=False, secret="another")
    replayed, _ = await slack.post_signed(body, is_json=False, at=slack.clock() - 600)
    unsigned, _ = await slack.post_signed(body, is_json=False, headers={"x-slack-signature": ""})
    assert (forged, replayed, unsigned) == (401, 401, 401)


async def fetch_health(port: int) -> object:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/health") as answer:
        return await answer.json()


RIGHT = {"SLACK_BOT_TOKEN": "xoxb-right", "SLACK_APP_TOKEN": "xapp-right"}
CANNOT_WORK = [
    ({**RIGHT, "SLACK_BOT_TOKEN": "xoxb-wrong"}, "Slack does not know this token"),
    ({**RIGHT, "SLACK_APP_TOKEN": "xapp-wrong"}, "connections:write"),
    (
        {"SLACK_BOT_TOKEN": "xapp-right", "SLACK_APP_TOKEN": "xoxb-right"},
        "SLACK_BOT_TOKEN holds an app-level token",
    ),
    ({"SLACK_BOT_TOKEN": "xoxb-right"}, "set SLACK_APP_TOKEN"),
    ({}, "No channel gets a digest yet"),
]
"""Invalid secrets, and a part of the sentence about them."""


def test_a_bot_without_a_valid_setup_ends_with_one_sentence(tmp_path: Path) -> None:
    async def run(number: int, secrets: dict[str, str], words: str) -> None:
        folder = tmp_path / str(number)
        async with (
            FakeSlack() as slack,
            run_bot(slack, folder, secrets=secrets, must_connect=False) as bot,
        ):
            assert await asyncio.wait_for(bot.process.wait(), WAIT_SECONDS) == 1
        output = "\n".join(bot.log)
        assert words in output
        assert "Traceback" not in output
        assert "xoxb-" not in output.replace("with xoxb-", "")

    async def all_at_once() -> None:
        await asyncio.gather(*(run(number, *case) for number, case in enumerate(CANNOT_WORK)))

    asyncio.run(all_at_once())


async def run_doctor(
    slack: FakeSlack, folder: Path, secrets: dict[str, str], settings: str = ""
) -> tuple[int | None, str]:
    """Return the output of `paperround doctor` for a bot with one channel."""
    channel = next(iter(slack.channels))
    prepare_store(folder)
    (folder / "paperround.toml").write_text(
        f'[store]\nurl = "sqlite:///{folder / "p.db"}"\n{render_settings(slack, settings)}\n'
        f'[[subscriptions]]\nplatform = "slack"\nchannel = "{channel}"\n'
    )
    process = await start_process(
        "bot", "doctor", cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, **secrets},
    )  # fmt: skip
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert b"Traceback" not in out
    assert b"xoxb-right" not in out
    return process.returncode, out.decode()


def test_the_doctor_names_each_problem_and_its_remedy(tmp_path: Path) -> None:
    async def half_installed() -> None:
        async with FakeSlack(clock=lambda: time.time() + 600) as slack:
            slack.add_channel("papers", bot_in=False)
            slack.scopes -= {"reactions:read"}
            status, output = await run_doctor(slack, tmp_path / "half", RIGHT)
        assert status == 0
        assert "✓ bot token: Slack knows us as paperround in The lab." in output
        assert "! scopes: The app lacks reactions:read (to see who marks a paper)" in output
        assert "paperround manifest slack" in output
        assert re.search(r"! clock: This machine's clock is (59|60)\d seconds off Slack's", output)
        assert (
            "! channel #papers: Paperround is not in the channel: type /invite @paperround there." in output
        )
        assert "✓ app token" in output
        assert "The next comes on" in output

    async def check_revoked_token() -> None:
        async with FakeSlack() as slack:
            here = Channel("slack", slack.add_channel("papers"), "T1")
            slack.token_error = "account_inactive"
            store = prepare_store(tmp_path / "revoked")
            add_overdue_channel(store, here.channel)
            store.subscriptions.stop(here, "the channel was archived.")
            status, output = await run_doctor(slack, tmp_path / "revoked", RIGHT, 'digest_command = "/daily"')
        assert status == 1
        assert (
            "! digest of slack:T1:CPAPERS: Stopped: the channel was archived. /daily resume tries again."
            in output
        )
        assert "✗ bot token: The app was removed from the workspace: install it again" in output

    async def without_writing() -> None:
        async with FakeSlack() as slack:
            slack.add_channel("papers", is_private=True, bot_in=False)
            slack.scopes -= {"chat:write"}
            status, output = await run_doctor(
                slack, tmp_path / "writing", {**RIGHT, "SLACK_APP_TOKEN": "xapp-wrong"}
            )
        assert status == 1
        assert "✗ scopes: The app lacks chat:write (to post digests)" in output
        assert "✗ app token:" in output
        assert "connections:write" in output
        assert "or it is private and Paperround is not in it" in output

    async def check_exchanged_tokens() -> None:
        async with FakeSlack() as slack:
            slack.add_channel("papers")
            secrets = {"SLACK_BOT_TOKEN": "xapp-right", "SLACK_APP_TOKEN": "xoxb-right"}
            status, output = await run_doctor(slack, tmp_path / "exchanged", secrets)
        assert status == 1
        assert "SLACK_BOT_TOKEN holds an app-level token" in output

    async def all_at_once() -> None:
        await asyncio.gather(
            half_installed(), check_revoked_token(), without_writing(), check_exchanged_tokens()
        )

    asyncio.run(all_at_once())
