"""Slack and Discord served by one process."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from digests.subscription import Channel
from tests.bot.platforms import processes
from tests.bot.platforms.discord import processes as discord_processes
from tests.bot.platforms.discord.processes import create_patient_discord
from tests.bot.platforms.processes import prepare_store
from tests.bot.platforms.slack import processes as slack_processes
from tests.fakes.discord import FakeDiscord
from tests.fakes.slack import FakeSlack, read_text


def run_bot_for_both(
    folder: Path, discord: FakeDiscord, papers: str, slack: FakeSlack, lab: str
) -> AbstractAsyncContextManager[processes.BotProcess]:
    """Run a bot with a digest due in a channel of each platform."""
    discord_processes.add_overdue_channel(discord, prepare_store(folder), papers)
    processes.add_overdue_subscription(prepare_store(folder), Channel("slack", lab, "T1"))
    tables = (discord_processes.render_settings(discord), slack_processes.render_settings(slack))
    secrets = {
        "DISCORD_TOKEN": discord.token,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
    }
    return processes.run_bot(folder, settings="\n".join(tables), secrets=secrets, wait_for_connection=None)


def test_a_gateway_that_is_away_keeps_no_digest_and_not_slack_from_working(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_discord() as discord, FakeSlack() as slack:
            discord.gateway_refusals = 10**6
            papers, lab = discord.add_channel("papers"), slack.add_channel("lab")
            async with run_bot_for_both(tmp_path, discord, papers, slack, lab) as bot:
                await bot.wait_for_log("delivered", lab)
                # A post needs REST alone, not the gateway.
                await bot.wait_for_log("delivered", papers)
                await bot.wait_for_log("Discord's gateway is not connected")
                reply = await slack.run_command("/paper", "kto", user=slack.add_user("ada"), channel=lab)
                await slack.wait_until(lambda: reply.responses)
                assert "KTO" in read_text(reply.responses[0]["blocks"])
                discord.gateway_refusals = 0
                await discord.wait_until(lambda: discord.connected_sessions)

    asyncio.run(run())


def test_slack_may_be_away_at_the_start_and_is_served_when_it_is_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_discord() as discord:
            async with FakeSlack() as slack:  # Reserves a port that refuses connections afterwards.
                lab = slack.add_channel("lab")
            papers = discord.add_channel("papers")
            async with run_bot_for_both(tmp_path, discord, papers, slack, lab) as bot:
                await bot.wait_for_log("Slack: Slack cannot be reached")
                await bot.wait_for_log("delivered", papers)
                await bot.wait_for_log(lab, "could not be reached")
                async with slack:
                    await slack.wait_until(lambda: slack.sockets)
                    reply = await slack.run_command("/paper", "kto", user=slack.add_user("ada"), channel=lab)
                    await slack.wait_until(lambda: reply.responses)

    asyncio.run(run())
