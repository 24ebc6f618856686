"""`paperround leave`: the digests end, and the app leaves where the platform lets it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import discord.http
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from rich.console import Console

from bot.chat.findings import Finding, Severity
from bot.cli.leave import leave_target
from bot.cli.targets import find_target
from bot.services import Services, build_services
from digests.errors import InputError
from digests.subscription import Channel, Subscription
from tests.bot.cli.test_workspaces import settings_with
from tests.builders import NOW
from tests.fakes.discord import DiscordFault, FakeDiscord
from tests.fakes.slack import ALL_SCOPES, FakeSlack, SlackFault

SLACK_SECRETS = {"SLACK_BOT_TOKEN": "xoxb-right", "SLACK_APP_TOKEN": "xapp-right"}


@pytest.fixture(autouse=True)
def _discords_own_addresses() -> Iterator[None]:
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


def services_over(folder: Path, *channels: Channel, **tables: object) -> Services:
    settings = settings_with(store={"url": f"sqlite:///{folder / 'p.db'}"}, **tables)
    services = build_services(settings, Console(quiet=True), clock=lambda: NOW)
    for channel in channels:
        services.store.subscriptions.change(channel, Subscription(channel), by="Ada", now=NOW)
    return services


def list_names(services: Services) -> list[str]:
    return [each.full_name for each in services.store.subscriptions.list_active()]


async def leave(services: Services, name: str, secrets: Mapping[str, str]) -> tuple[str, Finding]:
    return await leave_target(find_target(name, services.store, services.settings), services, secrets)


def run_over_slack(folder: Path, trial: Callable[[FakeSlack, Services], object], **fields: object) -> None:
    async def run() -> None:
        async with FakeSlack(**fields) as slack:  # type: ignore[arg-type]
            channels = [Channel("slack", slack.add_channel(name), slack.team_id) for name in ("one", "two")]
            services = services_over(folder, *channels, platforms={"slack": {"api_base_url": slack.url}})
            await trial(slack, services)  # type: ignore[misc]
            assert slack.protocol_errors == []

    asyncio.run(run())


def test_a_channel_of_slack_is_left_and_again_is_no_error(tmp_path: Path) -> None:
    async def trial(slack: FakeSlack, services: Services) -> None:
        first, second = slack.channels
        ended, finding = await leave(services, first, SLACK_SECRETS)
        assert ended == f"slack:{slack.team_id}:{first}: 1 digest has ended. Marks and queues are kept."
        assert str(finding) == f"✓ channel {first}: Paperround has left it."
        assert slack.bot_user not in slack.channels[first].members
        assert list_names(services) == [f"slack:{slack.team_id}:{second}"]
        ended, finding = await leave(services, first, SLACK_SECRETS)
        assert ended.endswith("gets no digest.")
        assert str(finding) == f"✓ channel {first}: Paperround is not in it, or it is archived."

    run_over_slack(tmp_path, trial, scopes=ALL_SCOPES | {"channels:manage"})


def test_without_the_scope_a_person_is_told_what_to_type(tmp_path: Path) -> None:
    async def trial(slack: FakeSlack, services: Services) -> None:
        first, _ = slack.channels
        _, finding = await leave(services, first, SLACK_SECRETS)
        assert finding.severity is Severity.WARNING
        assert "/remove @paperround" in finding.sentence
        assert first not in " ".join(list_names(services))
        _, finding = await leave(services, slack.team_id, SLACK_SECRETS)
        assert finding.severity is Severity.WARNING
        assert "/remove @paperround" in finding.sentence
        assert "an admin does it under Manage apps" in finding.sentence
        assert list_names(services) == []

    run_over_slack(tmp_path, trial)


def test_a_slack_that_fails_is_a_fault_and_the_command_can_be_repeated(tmp_path: Path) -> None:
    async def trial(slack: FakeSlack, services: Services) -> None:
        first, _ = slack.channels
        slack.fail_next("conversations.leave", SlackFault.GARBAGE)
        _, finding = await leave(services, first, SLACK_SECRETS)
        assert finding.severity is Severity.FAULT
        _, finding = await leave(services, first, SLACK_SECRETS)
        assert finding.severity is Severity.OK

    run_over_slack(tmp_path, trial, scopes=ALL_SCOPES | {"channels:manage"})


def run_over_discord(folder: Path, trial: Callable[[FakeDiscord, Services, str, str], object]) -> None:
    async def run() -> None:
        async with FakeDiscord() as discord:
            channel = discord.add_channel("papers")
            server = discord.channels[channel].guild
            platforms = {"discord": {"api_base_url": discord.url, "gateway_url": discord.gateway_url}}
            services = services_over(folder, Channel("discord", channel, server), platforms=platforms)
            await trial(discord, services, channel, server)  # type: ignore[misc]
            assert discord.protocol_errors == []

    asyncio.run(run())


def test_a_server_of_discord_is_left_and_its_removal_recorded_so_that_its_data_is_erased_later(
    tmp_path: Path,
) -> None:
    async def trial(discord: FakeDiscord, services: Services, channel: str, server: str) -> None:
        secrets = {"DISCORD_TOKEN": discord.token}
        ended, finding = await leave(services, f"discord:{server}", secrets)
        assert "1 digest has ended" in ended
        assert str(finding) == f"✓ server {server}: Paperround has left it."
        assert not discord.guilds[server].has_bot
        assert services.store.workspaces.list_removed(before=NOW.replace(year=2027)) == [("discord", server)]
        _, finding = await leave(services, server, secrets)
        assert str(finding) == f"✓ server {server}: Paperround is not in it."

    run_over_discord(tmp_path, trial)


def test_a_channel_of_discord_ends_and_the_app_stays_in_the_server(tmp_path: Path) -> None:
    async def trial(discord: FakeDiscord, services: Services, channel: str, server: str) -> None:
        _, finding = await leave(services, channel, {"DISCORD_TOKEN": discord.token})
        assert finding.severity is Severity.WARNING
        assert "take View Channel away" in finding.sentence
        assert discord.guilds[server].has_bot
        assert list_names(services) == []

    run_over_discord(tmp_path, trial)


def test_a_server_that_could_not_be_left_is_a_fault_and_not_recorded_as_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The waits of discord.py between its five tries last 25 seconds.
    hasty = SimpleNamespace(**{**vars(asyncio), "sleep": lambda seconds: asyncio.sleep(0)})
    monkeypatch.setattr(discord.http, "asyncio", hasty)

    async def trial(discord: FakeDiscord, services: Services, channel: str, server: str) -> None:
        _, finding = await leave(services, server, {"DISCORD_TOKEN": "wrong"})
        assert finding.severity is Severity.FAULT
        assert services.store.workspaces.list_removed(before=NOW.replace(year=2027)) == []
        discord.fail_next("leave guild", *[DiscordFault.SERVER_ERROR] * 5)
        _, finding = await leave(services, server, {"DISCORD_TOKEN": discord.token})
        assert finding.severity is Severity.FAULT
        assert discord.guilds[server].has_bot

    run_over_discord(tmp_path, trial)


def test_a_digest_of_the_settings_file_keeps_everything_as_it_is(tmp_path: Path) -> None:
    services = services_over(tmp_path, Channel("slack", "C1", "T1"))
    file = Subscription(Channel("slack", "C2", "T1"))
    services.store.subscriptions.sync_from_settings([file], now=NOW)
    for name in ("T1", "C2"):
        with pytest.raises(InputError, match="The settings file has the digest of slack:T1:C2"):
            asyncio.run(leave(services, name, SLACK_SECRETS))
    assert list_names(services) == ["slack:T1:C1", "slack:T1:C2"]


def test_one_of_several_digests_ends_alone_and_the_app_stays(tmp_path: Path) -> None:
    channel = Channel("slack", "C1", "T1")
    services = services_over(tmp_path, channel)
    second = replace(Subscription(channel), name="friday")
    services.store.subscriptions.change(channel, second, by="Ada", now=NOW, name="friday")
    ended, finding = asyncio.run(leave(services, "C1#friday", {}))
    assert "1 digest has ended" in ended
    assert "The app stays in the channel" in finding.sentence
    assert list_names(services) == ["slack:T1:C1"]


@pytest.mark.parametrize(
    ("channel", "severity", "words"),
    [
        (Channel("slack", "C1", "T1"), Severity.WARNING, "set SLACK_BOT_TOKEN"),
        (Channel("slack", "D1", "T1", is_direct=True), Severity.OK, "direct message"),
        (Channel("console", "C1"), Severity.OK, "nothing to leave on this platform"),
    ],
)
def test_where_there_is_nobody_to_ask_the_digests_end_all_the_same(
    tmp_path: Path, channel: Channel, severity: Severity, words: str
) -> None:
    services = services_over(tmp_path, channel)
    ended, finding = asyncio.run(leave(services, channel.channel, {}))
    assert "1 digest has ended" in ended
    assert finding.severity is severity
    assert words in finding.sentence
    assert list_names(services) == []
