"""What the Discord app goes through in months: lost connections, lost answers, lost channels, restarts."""

import asyncio
import sqlite3
from pathlib import Path

from digests.subscription import Channel
from tests.bot.platforms import processes
from tests.bot.platforms.discord.processes import (
    DiscordScenarioRunner,
    add_overdue_channel,
    create_patient_discord,
    render_settings,
    run_bot,
    wait_for_answer,
)
from tests.bot.platforms.processes import BotProcess, prepare_store
from tests.fakes.discord import FORUM, DiscordFault, FakeDiscord, read_text
from tests.fakes.slack import FakeSlack
from tests.fakes.slack import read_text as read_slack


def test_a_gateway_that_refuses_breaks_and_forgets_is_come_back_to_and_no_mark_is_lost(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with create_patient_discord() as discord:
            discord.gateway_refusals, discord.closes_after_hello, discord.ready_delay = 1, 1, 0.3
            ada, papers = discord.add_user("ada", can_manage=True), discord.add_channel("papers")
            add_overdue_channel(discord, prepare_store(tmp_path), papers)
            async with run_bot(discord, tmp_path) as bot:
                await bot.wait_for_log("delivered", papers)
                assert any("Discord's gateway is not there" in line for line in bot.log)
                first, second, third = discord.messages_in(papers)[1:]

                await discord.ask_to_reconnect()
                await discord.wait_until(lambda: discord.resume_count == 1)
                await discord.add_reaction(ada, first)
                await discord.wait_until(lambda: "Discuss · 1" in read_text(first))

                await discord.cut_connections()
                await discord.add_reaction(
                    ada, second
                )  # Told to nobody who listens, and told again to who resumes.
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
                assert (
                    len(discord.calls_of("reactions")) == 2
                )  # Normal ones and bursts, of the one count that differs.
                asked = await discord.run_command("paper", user=ada, channel=papers, query="kto")
                assert "KTO" in await wait_for_answer(discord, asked)
                assert len(discord.calls_of("commands")) == 1
            assert discord.protocol_errors == []

    asyncio.run(run())


def test_a_restart_repeats_nothing_and_what_was_sent_before_it_goes_on_working(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_discord() as discord:
            ada = discord.add_user("ada", can_manage=True)
            faults = (DiscordFault.DROP_AFTER, DiscordFault.UNAVAILABLE_AFTER, DiscordFault.SLOW_AFTER)
            lost = {discord.add_channel("papers"): fault for fault in faults}
            forum = discord.add_channel("forum", FORUM)
            for channel in (*lost, forum):
                add_overdue_channel(discord, prepare_store(tmp_path), channel)
            for channel, fault in lost.items():
                discord.fail_next("create message", fault, channel=channel)
            discord.fail_next("create post", DiscordFault.SERVER_ERROR_AFTER, channel=forum)
            async with run_bot(discord, tmp_path, timeout=4) as bot:
                for channel in (*lost, forum):
                    await bot.wait_for_log(channel, "may have arrived")
                opened = await discord.run_command("digest settings", user=ada, channel=forum)
                asked = await asyncio.gather(
                    *(
                        discord.run_command("paper", user=ada, channel=forum, query=f"learning {n}")
                        for n in range(20)
                    )
                )
            assert [one for one in asked if one.is_acked and not read_text(one.responses[0])] == []
            retry_now(bot)
            async with run_bot(discord, tmp_path) as bot:
                for channel in (*lost, forum):
                    await bot.wait_for_log(channel, "delivered")
                assert {channel: len(discord.messages_in(channel)) for channel in lost} == dict.fromkeys(
                    lost, 4
                )
                assert len(discord.threads_of(forum)) == 4
                assert opened.modal
                saved = await discord.submit_modal(
                    opened.modal, {"domains": "vision"}, user=ada, channel=forum
                )
                assert "Done" in await wait_for_answer(discord, saved)
                first, *_ = lost
                tapped = await discord.click_button(
                    "discuss:", user=ada, channel=first, within=discord.messages_in(first)[1]
                )
                assert "Marked for discussion" in await wait_for_answer(discord, tapped)
                assert len(discord.calls_of("commands")) == 1
            assert discord.protocol_errors == []

    asyncio.run(run())


def retry_now(bot: BotProcess) -> None:
    """Let the wait before the next try be over."""
    with sqlite3.connect(bot.folder / "p.db") as connection:
        connection.execute("UPDATE deliveries SET next_try_at = '2020-01-01 00:00:00.000000'")
    connection.close()


def test_slack_and_discord_run_side_by_side_and_one_that_fails_leaves_the_other_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_discord() as discord, FakeSlack() as slack:
            discord.gateway_refusals = 10**6
            papers, lab = discord.add_channel("papers"), slack.add_channel("lab")
            add_overdue_channel(discord, prepare_store(tmp_path), papers)
            processes.add_overdue_subscription(prepare_store(tmp_path), Channel("slack", lab, "T1"))
            both = f'{render_settings(discord)}\n[platforms.slack]\napi_base_url = "{slack.url}"'
            secrets = {
                "DISCORD_TOKEN": discord.token, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token,
            }  # fmt: skip
            async with processes.run_bot(
                tmp_path, settings=both, secrets=secrets, wait_for_connection=None
            ) as bot:
                await bot.wait_for_log("delivered", lab)
                await bot.wait_for_log(
                    "delivered", papers
                )  # Over REST alone: a gateway is not needed to post.
                await bot.wait_for_log("Discord's gateway is not there")
                asked = await slack.run_command("/paper", "kto", user=slack.add_user("ada"), channel=lab)
                await slack.wait_until(lambda: asked.responses)
                assert "KTO" in read_slack(asked.responses[0]["blocks"])
                discord.gateway_refusals = 0
                await discord.wait_until(lambda: discord.connected_sessions)

    asyncio.run(run())


def test_where_slack_is_away_at_the_start_discord_goes_on_and_slack_is_served_when_it_is_back(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with create_patient_discord() as discord:
            async with FakeSlack() as slack:  # For a port that nobody has.
                lab = slack.add_channel("lab")
            papers = discord.add_channel("papers")
            add_overdue_channel(discord, prepare_store(tmp_path), papers)
            processes.add_overdue_subscription(prepare_store(tmp_path), Channel("slack", lab, "T1"))
            both = f'{render_settings(discord)}\n[platforms.slack]\napi_base_url = "{slack.url}"'
            secrets = {
                "DISCORD_TOKEN": discord.token, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token,
            }  # fmt: skip
            async with processes.run_bot(
                tmp_path, settings=both, secrets=secrets, wait_for_connection=None
            ) as bot:
                await bot.wait_for_log("Slack: Slack cannot be reached")
                await bot.wait_for_log("delivered", papers)
                await bot.wait_for_log(lab, "could not be reached")
                async with slack:
                    await slack.wait_until(lambda: slack.sockets)
                    asked = await slack.run_command("/paper", "kto", user=slack.add_user("ada"), channel=lab)
                    await slack.wait_until(lambda: asked.responses)

    asyncio.run(run())


def test_a_wrong_token_and_a_wrong_intent_end_with_a_sentence(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_discord() as discord:
            discord.add_channel("papers")
            async with run_bot(
                discord, tmp_path, secrets={"DISCORD_TOKEN": "wrong"}, must_connect=False
            ) as bot:
                assert await bot.process.wait() == 1
            assert bot.log[-1].startswith("paperround: bot token: Discord does not know this token")
            async with run_bot(discord, tmp_path) as bot:
                discord.token = "changed"
                await discord.end_sessions()
                await bot.wait_for_log("Discord does not know this token", "mend it and start again")

    asyncio.run(run())


def test_who_set_a_digest_up_is_told_when_its_channel_is_gone(office: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await wait_for_answer(
            discord, await discord.run_command("digest subscribe", user=ada, channel=papers, top=1)
        )
        await discord.delete_channel(papers)
        await discord.wait_until(lambda: discord.messages_in(discord.open_dm(ada)))
        assert "the channel was deleted" in read_text(discord.messages_in(discord.open_dm(ada))[0])
        (stopped,) = [one for one in bot.store.subscriptions.list_active() if one.channel.channel == papers]
        assert stopped.stop_reason == "the channel was deleted."

    office.run_scenario(scenario)


def test_a_server_that_removes_the_bot_gets_no_more_digests_until_it_is_back(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        other = discord.add_guild("another lab")
        await discord.invite_bot(other)
        lounge = await discord.open_channel("lounge", guild=other)
        await wait_for_answer(
            discord, await discord.run_command("digest subscribe", user=ada, channel=lounge, top=1)
        )
        await discord.remove_bot(other)
        await discord.wait_until(lambda: discord.messages_in(discord.open_dm(ada)))
        assert "removed from the server" in read_text(discord.messages_in(discord.open_dm(ada))[0])
        await discord.invite_bot(other)
        await bot.wait_for_log(lounge, "takes digests again")

    office.run_scenario(scenario)


def test_answers_that_come_too_late_are_a_line_in_the_log_and_nothing_else(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        discord.is_too_late = True
        late = asyncio.create_task(discord.run_command("paper", user=ada, channel=papers, query="kto"))
        await bot.wait_for_log("an answer was not taken", "Unknown interaction")
        late.cancel()
        discord.is_too_late, discord.token_seconds = False, -1
        await discord.run_command("paper", user=ada, channel=papers, query="kto")
        await bot.wait_for_log("an answer was not taken", "Invalid Webhook Token")
        discord.token_seconds = 900
        asked = await discord.run_command("paper", user=ada, channel=papers, query="kto")
        assert "KTO" in await wait_for_answer(discord, asked)

    office.run_scenario(scenario)
