"""`paperround run` with workspaces that install the app from its link: installed, posted to, and ended."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiohttp.test_utils import unused_port

from bot.platforms.slack.http_transport import EVENTS_PATH
from bot.platforms.slack.oauth import REDIRECT_PATH
from bot.token_cipher import create_key
from digests.ports import Store
from digests.subscription import Channel
from tests.bot.platforms import processes
from tests.bot.platforms.processes import BotProcess, add_overdue_subscription, prepare_store
from tests.bot.platforms.slack.link import Browser
from tests.fakes.slack import FakeSlack, SlackFault, read_text
from tests.fakes.slack_link import FakeSlackLink
from tests.fakes.wire import WAIT_SECONDS

KEY = create_key()


@asynccontextmanager
async def run_link_bot(
    slack: FakeSlackLink, folder: Path, *, keys: str = KEY, port: int = 0, waits: Sequence[str] = ()
) -> AsyncIterator[tuple[BotProcess, Browser]]:
    """Run the process, and yield it with a browser that is at its address."""
    port = port or unused_port()
    address = f"http://127.0.0.1:{port}"
    slack.redirect_uris.add(address + REDIRECT_PATH)
    slack.http_endpoint = address + EVENTS_PATH
    for team in slack.teams.values():
        team.http_endpoint = slack.http_endpoint
    settings = (
        f'[platforms.slack]\napi_base_url = "{slack.url}"\nhttp_port = {port}\npublic_url = "{address}"\n'
    )
    secrets = {
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_CLIENT_ID": slack.client_id,
        "SLACK_CLIENT_SECRET": slack.client_secret,
        "PAPERROUND_TOKEN_KEYS": keys,
    }
    async with processes.run_bot(
        folder, settings=settings, secrets=secrets, wait_for_connection=None, waits=waits
    ) as bot:
        await bot.wait_for_log("listening for Slack")
        yield bot, Browser(address)


async def install(browser: Browser, slack: FakeSlackLink, place: str) -> None:
    await browser.visit(slack.allow(await browser.begin(), place))
    assert browser.status == 200, browser.page


def add_patient_team(slack: FakeSlackLink, place: str) -> FakeSlack:
    return slack.add_team(place, ack_seconds=WAIT_SECONDS, trigger_seconds=WAIT_SECONDS)


def is_stopped(store: Store, channel: Channel) -> bool:
    found = store.subscriptions.find(channel)
    return bool(found and found.stop_reason)


async def look_up(team: FakeSlack, words: str) -> str:
    """Look a paper up as a new person in a new channel, and return the answer."""
    reply = await team.run_command(
        "/paper", words, user=team.add_user("ada"), channel=team.add_channel("papers")
    )
    await team.wait_until(lambda: reply.responses)
    return read_text(reply.responses[0]["blocks"])


def read_files(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file())


def test_two_workspaces_install_the_app_and_get_their_digests_and_answers(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with FakeSlackLink() as slack:
            teams = [add_patient_team(slack, place) for place in ("T1", "T2")]
            async with run_link_bot(slack, tmp_path) as (bot, browser):
                for team in teams:
                    await install(browser, slack, team.team_id)
                    assert "KTO" in await look_up(team, "2402.01306")
                written = "\n".join(bot.log)
            channels = [Channel("slack", team.add_channel("due"), team.team_id) for team in teams]
            for channel in channels:
                add_overdue_subscription(prepare_store(tmp_path), channel)
            async with run_link_bot(slack, tmp_path) as (bot, _):
                for channel in channels:
                    await bot.wait_for_log("delivered", channel.workspace)
            for team, channel in zip(teams, channels, strict=True):
                assert len(team.messages_in(channel.channel)) == 4
                assert team.protocol_errors == []
            assert slack.refused_calls == []
            shown = "\n".join([written, *bot.log]).encode() + read_files(tmp_path)
            assert not any(secret.encode() in shown for secret in (*slack.tokens, slack.client_secret, KEY))

    asyncio.run(scenario())


def test_a_workspace_that_removes_the_app_ends_alone_and_comes_back_with_its_digests(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with FakeSlackLink() as slack:
            leaving, staying = (add_patient_team(slack, place) for place in ("T1", "T2"))
            async with run_link_bot(slack, tmp_path) as (bot, browser):
                channels = {}
                for team in (leaving, staying):
                    await install(browser, slack, team.team_id)
                    ada, papers = team.add_user("ada"), team.add_channel("papers")
                    channels[team.team_id] = Channel("slack", papers, team.team_id)
                    reply = await team.run_command("/digest", "subscribe vision", user=ada, channel=papers)
                    await team.wait_until(lambda: reply.responses)  # noqa: B023 - it is awaited here.
                await slack.uninstall("T1")
                await bot.wait_until(lambda store: is_stopped(store, channels["T1"]))
                find = bot.store.subscriptions.find
                gone, here = find(channels["T1"]), find(channels["T2"])
                assert gone
                assert here
                assert "removed from this workspace" in gone.stop_reason
                assert here.stop_reason == ""
                await install(browser, slack, "T1")
                assert "1 digest goes on" in browser.page
                back = find(channels["T1"])
                assert back
                assert (back.stop_reason, back.preferences) == ("", gone.preferences)

    asyncio.run(scenario())


def test_a_lost_key_is_named_and_stops_only_its_workspaces(tmp_path: Path) -> None:
    async def scenario() -> None:
        lost = create_key()
        async with FakeSlackLink() as slack:
            one, two = (add_patient_team(slack, place) for place in ("T1", "T2"))
            async with run_link_bot(slack, tmp_path, keys=lost) as (_, browser):
                await install(browser, slack, "T1")
            due = Channel("slack", one.add_channel("due"), "T1")
            add_overdue_subscription(prepare_store(tmp_path), due)
            async with run_link_bot(slack, tmp_path) as (bot, browser):
                await install(browser, slack, "T2")
                assert "KTO" in await look_up(two, "2402.01306")
                await bot.wait_for_log("T1", "were encrypted with the key", "PAPERROUND_TOKEN_KEYS")
            async with run_link_bot(slack, tmp_path, keys=f"{KEY},{lost}") as (bot, _):
                assert "KTO" in await look_up(one, "2402.01306")
                assert not is_stopped(bot.store, due)

    asyncio.run(scenario())


def test_a_backup_holds_no_token(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with FakeSlackLink() as slack:
            add_patient_team(slack, "T1")
            async with run_link_bot(slack, tmp_path) as (_, browser):
                await install(browser, slack, "T1")
            command = ("-m", "bot", "backup", "copy.db")
            environment = {**os.environ, "PYTHONPATH": str(processes.ROOT)}
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, cwd=tmp_path, env=environment
            )
            assert await process.wait() == 0
            (token,) = slack.tokens
            assert token.encode() not in (tmp_path / "copy.db").read_bytes()
            with sqlite3.connect(tmp_path / "copy.db") as copy:
                assert copy.execute("SELECT workspace FROM installations").fetchall() == [("T1",)]

    asyncio.run(scenario())


def test_a_removal_in_the_middle_of_a_digest_ends_that_workspace_alone_and_repeats_no_page(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with FakeSlackLink() as slack:
            leaving, staying = (add_patient_team(slack, place) for place in ("T1", "T2"))
            async with run_link_bot(slack, tmp_path) as (_, browser):
                for team in (leaving, staying):
                    await install(browser, slack, team.team_id)
            channels = [
                Channel("slack", team.add_channel("due"), team.team_id) for team in (leaving, staying)
            ]
            for channel in channels:
                add_overdue_subscription(prepare_store(tmp_path), channel)
            gone, here = channels
            # Slack pauses the second page: the digest is in its middle until the token is dead.
            second_page_refused = [None, SlackFault.RATE_LIMITED]
            leaving.default_fault = lambda method: (
                second_page_refused.pop(0) if second_page_refused and method == "chat.postMessage" else None
            )
            async with run_link_bot(slack, tmp_path, waits=["--no-brisk"]) as (bot, browser):
                await leaving.wait_until(lambda: leaving.messages_in(gone.channel))
                await slack.uninstall("T1")
                await bot.wait_until(lambda store: is_stopped(store, gone))
                await bot.wait_for_log("delivered", "T2")
                before = read_keys(leaving, gone)
                assert 1 <= len(before) < 4, "the digest was in its middle"
                assert len(read_keys(staying, here)) == 4
                assert not is_stopped(bot.store, here)
                await install(browser, slack, "T1")
                assert "1 digest goes on" in browser.page
                await bot.wait_until(lambda store: not is_stopped(store, gone))
                (status,) = (
                    each for each in bot.store.delivery_reports.channel_statuses() if each.channel == gone
                )
                assert status.next_due_at
                assert status.next_due_at > datetime.now(UTC), (
                    "the edition that was given up is not begun again"
                )
            later = Channel("slack", leaving.add_channel("later"), "T1")
            add_overdue_subscription(prepare_store(tmp_path), later)
            async with run_link_bot(slack, tmp_path) as (bot, _):
                await bot.wait_for_log("delivered", later.channel)
            assert read_keys(leaving, gone) == before
            assert len(read_keys(leaving, later)) == len(set(read_keys(leaving, later))) == 4
            assert len(set(read_keys(staying, here))) == len(read_keys(staying, here)) == 4

    asyncio.run(scenario())


def read_keys(team: FakeSlack, channel: Channel) -> list[str]:
    """Return the keys of the pages in a channel, in order."""
    found = team.messages_in(channel.channel)
    return [message["metadata"]["event_payload"]["key"] for message in found]
