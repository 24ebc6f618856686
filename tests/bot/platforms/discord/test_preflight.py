"""The doctor's findings about Discord, the invitation, and the sync of commands, over real HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import discord as discord_py
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.chat.findings import Severity
from bot.conversation.answers import Answers
from bot.platforms.discord.app import DiscordApp, fetch_invitation
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.gateway import Gateway
from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.permissions import OPTIONAL_PERMISSIONS, REQUIRED_PERMISSIONS
from bot.platforms.discord.rest import RestClient
from bot.platforms.discord.settings import DiscordSettings
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.ports.notes import Notes
from digests.subscription import Channel
from tests.builders import a_store, find_nothing
from tests.fakes.discord import FORUM, FakeDiscord

Trial = Callable[[FakeDiscord, DiscordSettings], Awaitable[None]]


@pytest.fixture(autouse=True)
def _discords_own_addresses() -> Iterator[None]:
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


def run_trial(trial: Trial) -> None:
    async def run() -> None:
        async with FakeDiscord() as discord:
            await trial(discord, DiscordSettings(api_base_url=discord.url, gateway_url=discord.gateway_url))
            assert discord.protocol_errors == []

    asyncio.run(run())


def an_app(settings: DiscordSettings, token: str = "right-token") -> DiscordApp:
    return DiscordApp(settings, token, 10, lambda: datetime.now(UTC))


def test_the_doctor_names_the_missing_permissions_of_each_channel_and_how_to_give_them() -> None:
    async def trial(discord: FakeDiscord, settings: DiscordSettings) -> None:
        good, shut, plain = (
            discord.add_channel("good"),
            discord.add_channel("shut", denied=["send_messages", "embed_links"]),
            discord.add_channel("plain", denied=["attach_files", "create_events"]),
        )
        hidden = discord.add_channel("hidden", FORUM, denied=["view_channel"])
        channels = [Channel("discord", channel) for channel in (good, shut, plain, hidden, "1234567890")]
        findings = await an_app(settings).check(channels)
        by_subject = {finding.subject: finding for finding in findings}
        assert by_subject["bot token"].severity is Severity.OK
        assert "The lab" in by_subject["servers"].sentence
        assert by_subject["The lab, channel #good"].severity is Severity.OK
        assert by_subject["The lab, channel #plain"].severity is Severity.OK
        assert by_subject["The lab, channel #plain"].sentence.endswith(
            "It goes without the optional Attach Files and Create Events."
        )
        assert "Send Messages and Embed Links" in by_subject["The lab, channel #shut"].sentence
        assert by_subject["The lab, channel #shut"].severity is Severity.WARNING
        assert "View Channel" in by_subject[f"channel {hidden}"].sentence
        assert "no such channel" in by_subject["channel 1234567890"].sentence

    run_trial(trial)


def test_the_doctor_explains_a_wrong_token_a_dead_network_and_an_app_without_servers() -> None:
    async def trial(discord: FakeDiscord, settings: DiscordSettings) -> None:
        (wrong,) = await an_app(settings, "wrong").check([])
        assert wrong.severity is Severity.FAULT
        assert "DISCORD_TOKEN" in wrong.sentence
        alone = await an_app(settings).check([])
        assert any("in none yet: open https://discord.com/oauth2/authorize" in one.sentence for one in alone)
        (away,) = await an_app(DiscordSettings(api_base_url="http://127.0.0.1:9/api/v10")).check([])
        assert away.severity is Severity.FAULT
        assert "cannot be reached" in away.sentence

    run_trial(trial)


def test_the_invitation_asks_for_exactly_what_is_needed() -> None:
    async def trial(discord: FakeDiscord, settings: DiscordSettings) -> None:
        link = await fetch_invitation(settings, discord.token, 10)
        assert f"client_id={discord.application_id}" in link
        assert "scope=bot+applications.commands" in link
        wanted = (*REQUIRED_PERMISSIONS, *OPTIONAL_PERMISSIONS)
        asked = discord_py.Permissions(int(link.partition("permissions=")[2].partition("&")[0]))
        assert asked == discord_py.Permissions(**dict.fromkeys(wanted, True))
        with pytest.raises(InputError, match="DISCORD_TOKEN"):
            await fetch_invitation(settings, "wrong", 10)

    run_trial(trial)


def test_opening_explains_a_wrong_token_and_without_a_network_the_first_post_logs_in() -> None:
    async def trial(discord: FakeDiscord, settings: DiscordSettings) -> None:
        with pytest.raises(InputError, match="DISCORD_TOKEN"):
            await an_app(settings, "wrong").open()
        app = an_app(DiscordSettings(api_base_url="http://127.0.0.1:9/api/v10"))
        platform = await app.open()
        Route.BASE = discord.url
        assert await platform.fetch_channel(discord.add_channel("papers"))
        await app.close()

    run_trial(trial)


def an_answers() -> Answers:
    return Answers(a_store(), find_nothing, DigestPolicy(), lambda: datetime.now(UTC))


async def connected(discord: FakeDiscord, settings: DiscordSettings, answers: Answers) -> None:
    """Log a gateway in over a store that has been used before, and close it."""
    platform = DiscordPlatform(RestClient(discord.token, 10))
    listeners = DiscordListeners(answers, platform, settings, lambda: datetime.now(UTC))
    async with Gateway(listeners, settings) as gateway:
        await gateway.login(discord.token)


def test_commands_are_synced_once_per_change_and_removed_from_former_servers() -> None:
    answers = an_answers()

    def read_synced(notes: Notes, application: str) -> str:
        return notes.read(f"discord commands {application}")

    async def trial(discord: FakeDiscord, settings: DiscordSettings) -> None:
        one, two = discord.add_guild("one"), discord.add_guild("two")
        an_app(settings)  # Points discord.py at the fake.
        for wanted, scopes in (
            ((), [""]),
            ((), []),
            ((one, two), [one, two, ""]),
            ((two,), [one]),
            ((), ["", two]),
        ):
            before = len(discord.calls_of("commands"))
            await connected(discord, settings.model_copy(update={"command_server_ids": wanted}), answers)
            assert len(discord.calls_of("commands")) - before == len(scopes), wanted
        assert [command["name"] for command in discord.commands[""]] == [
            "paper",
            "digest",
            "Mark for discussion",
            "Keep as note",
        ]
        assert discord.commands[one] == discord.commands[two] == []
        paper, digest, *_ = discord.commands[""]
        assert (paper["integration_types"], paper["contexts"]) == ([0, 1], [0, 1, 2])
        assert (digest["integration_types"], digest["contexts"]) == ([0], [0, 1])
        answers.store.notes.write(f"discord commands {discord.application_id}", '{"": "of an older version"}')
        await connected(discord, settings, answers)
        assert "older" not in read_synced(answers.store.notes, discord.application_id)

    run_trial(trial)


def test_a_refused_sync_is_retried_at_the_next_start() -> None:
    answers = an_answers()

    async def trial(discord: FakeDiscord, settings: DiscordSettings) -> None:
        an_app(settings)
        missing = settings.model_copy(update={"command_server_ids": ("123456789012345678",)})
        await connected(discord, missing, answers)
        await connected(discord, missing, answers)
        assert len(discord.calls_of("commands")) == 2

    run_trial(trial)


def test_only_the_intents_for_servers_reactions_and_messages_without_content_are_asked_for() -> None:
    from bot.platforms.discord.gateway import INTENTS

    asked = {name for name, on in INTENTS if on}
    assert asked == {"guilds", "guild_reactions", "guild_messages", "dm_messages", "dm_reactions"}
    assert INTENTS.value == 13825


def test_the_doctor_warns_of_a_bot_that_anybody_can_add() -> None:
    async def trial(discord: FakeDiscord, settings: DiscordSettings) -> None:
        async def describe_application() -> list[str]:
            findings = await an_app(settings).check([])
            return [
                f"{finding.severity}: {finding.sentence}"
                for finding in findings
                if finding.subject == "application"
            ]

        (public,) = await describe_application()
        assert "turn Public Bot off at https://discord.com/developers/applications/" in public
        assert public.startswith(str(Severity.WARNING))
        discord.is_bot_public = False
        (private,) = await describe_application()
        assert private.startswith(str(Severity.OK))

    run_trial(trial)
