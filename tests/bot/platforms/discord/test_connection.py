"""The gateway, the token, the servers of the bot, and interactions that expire."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from digests.ports.workspaces import WorkspaceState
from tests.bot.platforms.discord.processes import (
    DiscordScenarioRunner,
    add_overdue_channel,
    create_patient_discord,
    run_bot,
    wait_for_answer,
)
from tests.bot.platforms.processes import BotProcess, prepare_store
from tests.fakes.discord import FakeDiscord, read_text


def test_no_mark_is_lost_however_the_gateway_fails(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_discord() as discord:
            discord.gateway_refusals, discord.closes_after_hello, discord.ready_delay = 1, 1, 0.3
            ada, papers = discord.add_user("ada", can_manage=True), discord.add_channel("papers")
            add_overdue_channel(discord, prepare_store(tmp_path), papers)
            async with run_bot(discord, tmp_path) as bot:
                await bot.wait_for_log("delivered", papers)
                assert any("Discord's gateway is not connected" in line for line in bot.log)
                first, second, third = discord.messages_in(papers)[1:]
                # The first session has looked for changes: what follows is left to the next ones.
                await discord.wait_until(lambda: len(discord.calls_of("message")) == 3)

                await discord.ask_to_reconnect()
                await discord.wait_until(lambda: discord.resume_count == 1)
                await discord.add_reaction(ada, first)
                await discord.wait_until(lambda: "Discuss · 1" in read_text(first))

                await discord.cut_connections()
                # No session receives this event; the resumed one gets it replayed.
                await discord.add_reaction(ada, second)
                await discord.wait_until(lambda: "Discuss · 1" in read_text(second))
                assert discord.resume_count == 2

                identified = discord.identify_count
                await discord.add_reaction(ada, third, is_dispatched=False)
                await discord.remove_reaction(ada, first, is_dispatched=False)
                await discord.end_sessions()
                await discord.wait_until(lambda: discord.identify_count == identified + 1)
                await discord.wait_until(
                    lambda: "Discuss · 1" in read_text(third) and "Discuss ·" not in read_text(first)
                )
                # Normal reactions and burst reactions, of the one count that differs.
                assert len(discord.calls_of("reactions")) == 2
                reply = await discord.run_command("paper", user=ada, channel=papers, query="kto")
                assert "KTO" in await wait_for_answer(discord, reply)
                assert len(discord.calls_of("commands")) == 1
            assert discord.protocol_errors == []

    asyncio.run(run())


def test_a_wrong_token_is_explained_in_one_sentence(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_discord() as discord:
            discord.add_channel("papers")
            wrong = {"DISCORD_TOKEN": "wrong"}
            async with run_bot(discord, tmp_path, secrets=wrong, must_connect=False) as bot:
                assert await bot.process.wait() == 1
            assert bot.log[-1].startswith("paperround: bot token: Discord does not know this token")
            async with run_bot(discord, tmp_path) as bot:
                discord.token = "changed"
                await discord.end_sessions()
                await bot.wait_for_log("Discord does not know this token", "fix it and restart")

    asyncio.run(run())


def test_a_server_that_removes_the_bot_gets_no_digests_until_it_invites_the_bot_again(
    discord_runner: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        other = discord.add_guild("another lab")
        bot.store.workspaces.decide("discord", other, WorkspaceState.SERVED, now=datetime.now(UTC))
        await discord.invite_bot(other)
        lounge = await discord.open_channel("lounge", guild=other)
        subscribed = await discord.run_command("digest subscribe", user=ada, channel=lounge, top=1)
        assert "Done" in await wait_for_answer(discord, subscribed)
        await discord.remove_bot(other)
        await discord.wait_until(lambda: discord.messages_in(discord.open_dm(ada)))
        assert "removed from the server" in read_text(discord.messages_in(discord.open_dm(ada))[0])
        await discord.invite_bot(other)
        await bot.wait_for_log(lounge, "takes digests again")

    discord_runner.run_scenario(scenario)


def test_an_answer_to_an_expired_interaction_is_only_logged(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        discord.is_too_late = True
        late = asyncio.create_task(discord.run_command("paper", user=ada, channel=papers, query="kto"))
        await bot.wait_for_log("an answer was not taken", "Unknown interaction")
        late.cancel()
        discord.is_too_late, discord.token_seconds = False, -1
        await discord.run_command("paper", user=ada, channel=papers, query="kto")
        await bot.wait_for_log("an answer was not taken", "Invalid Webhook Token")
        discord.token_seconds = 900
        reply = await discord.run_command("paper", user=ada, channel=papers, query="kto")
        assert "KTO" in await wait_for_answer(discord, reply)

    discord_runner.run_scenario(scenario)
