"""What the Discord app goes through in months: lost connections, lost answers, lost channels, restarts."""

import asyncio
import sqlite3
from pathlib import Path

from digests.model import Channel
from tests.bot.platforms import processes
from tests.bot.platforms.discord.processes import (
    Office,
    answer,
    overdue,
    patient_discord,
    running,
    table,
)
from tests.bot.platforms.processes import Bot, prepared
from tests.fakes.discord import FORUM, FakeDiscord, Fault, read
from tests.fakes.slack import FakeSlack
from tests.fakes.slack import read as read_slack


def test_a_gateway_that_refuses_breaks_and_forgets_is_come_back_to_and_no_mark_is_lost(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with patient_discord() as discord:
            discord.refuse_gateway, discord.close_after_hello, discord.ready_delay = 1, 1, 0.3
            ada, papers = discord.add_user("ada", can_manage=True), discord.add_channel("papers")
            overdue(discord, prepared(tmp_path), papers)
            async with running(discord, tmp_path) as bot:
                await bot.says("delivered", papers)
                assert any("Discord's gateway is not there" in line for line in bot.log)
                first, second, third = discord.messages(papers)[1:]

                await discord.ask_to_reconnect()
                await discord.until(lambda: discord.resumes == 1)
                await discord.react(ada, first)
                await discord.until(lambda: "Discuss · 1" in read(first))

                await discord.cut()
                await discord.react(ada, second)  # Told to nobody who listens, and told again to who resumes.
                await discord.until(lambda: "Discuss · 1" in read(second))
                assert discord.resumes == 2

                identified = discord.identifies
                await discord.react(ada, third, tell=False)
                await discord.unreact(ada, first, tell=False)
                await discord.end_sessions()
                await discord.until(lambda: discord.identifies == identified + 1)
                await discord.until(lambda: "Discuss · 1" in read(third) and "Discuss ·" not in read(first))
                assert (
                    len(discord.called("reactions")) == 2
                )  # Normal ones and bursts, of the one count that differs.
                asked = await discord.command("paper", user=ada, channel=papers, query="kto")
                assert "KTO" in await answer(discord, asked)
                assert len(discord.called("commands")) == 1
            assert discord.protocol_errors == []

    asyncio.run(run())


def test_a_restart_repeats_nothing_and_what_was_sent_before_it_goes_on_working(tmp_path: Path) -> None:
    async def run() -> None:
        async with patient_discord() as discord:
            ada = discord.add_user("ada", can_manage=True)
            faults = (Fault.DROP_AFTER, Fault.UNAVAILABLE_AFTER, Fault.SLOW_AFTER)
            lost = {discord.add_channel("papers"): fault for fault in faults}
            forum = discord.add_channel("forum", FORUM)
            for channel in (*lost, forum):
                overdue(discord, prepared(tmp_path), channel)
            for channel, fault in lost.items():
                discord.fail("create message", fault, channel=channel)
            discord.fail("create post", Fault.SERVER_ERROR_AFTER, channel=forum)
            async with running(discord, tmp_path, time_out=4) as bot:
                for channel in (*lost, forum):
                    await bot.says(channel, "may have arrived")
                opened = await discord.command("digest settings", user=ada, channel=forum)
                asked = await asyncio.gather(
                    *(
                        discord.command("paper", user=ada, channel=forum, query=f"learning {n}")
                        for n in range(20)
                    )
                )
            assert [one for one in asked if one.acked and not read(one.responses[0])] == []
            retry_now(bot)
            async with running(discord, tmp_path) as bot:
                for channel in (*lost, forum):
                    await bot.says(channel, "delivered")
                assert {channel: len(discord.messages(channel)) for channel in lost} == dict.fromkeys(lost, 4)
                assert len(discord.threads(forum)) == 4
                assert opened.modal
                saved = await discord.submit(opened.modal, {"domains": "vision"}, user=ada, channel=forum)
                assert "Done" in await answer(discord, saved)
                first, *_ = lost
                tapped = await discord.click(
                    "discuss:", user=ada, channel=first, within=discord.messages(first)[1]
                )
                assert "Marked for discussion" in await answer(discord, tapped)
                assert len(discord.called("commands")) == 1
            assert discord.protocol_errors == []

    asyncio.run(run())


def retry_now(bot: Bot) -> None:
    """Let the wait before the next try be over."""
    with sqlite3.connect(bot.folder / "p.db") as connection:
        connection.execute("UPDATE deliveries SET next_try_at = '2020-01-01 00:00:00.000000'")
    connection.close()


def test_slack_and_discord_run_side_by_side_and_one_that_fails_leaves_the_other_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with patient_discord() as discord, FakeSlack() as slack:
            discord.refuse_gateway = 10**6
            papers, lab = discord.add_channel("papers"), slack.add_channel("lab")
            overdue(discord, prepared(tmp_path), papers)
            processes.overdue(prepared(tmp_path), Channel("slack", lab, "T1"))
            both = f'{table(discord)}\n[platforms.slack]\napi_base_url = "{slack.url}"'
            secrets = {
                "DISCORD_TOKEN": discord.token, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token,
            }  # fmt: skip
            async with processes.running(tmp_path, settings=both, secrets=secrets, connected=None) as bot:
                await bot.says("delivered", lab)
                await bot.says("delivered", papers)  # Over REST alone: a gateway is not needed to post.
                await bot.says("Discord's gateway is not there")
                asked = await slack.command("/paper", "kto", user=slack.add_user("ada"), channel=lab)
                await slack.until(lambda: asked.responses)
                assert "KTO" in read_slack(asked.responses[0]["blocks"])
                discord.refuse_gateway = 0
                await discord.until(lambda: discord.connected)

    asyncio.run(run())


def test_where_slack_is_away_at_the_start_discord_goes_on_and_slack_is_served_when_it_is_back(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with patient_discord() as discord:
            async with FakeSlack() as slack:  # For a port that nobody has.
                lab = slack.add_channel("lab")
            papers = discord.add_channel("papers")
            overdue(discord, prepared(tmp_path), papers)
            processes.overdue(prepared(tmp_path), Channel("slack", lab, "T1"))
            both = f'{table(discord)}\n[platforms.slack]\napi_base_url = "{slack.url}"'
            secrets = {
                "DISCORD_TOKEN": discord.token, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token,
            }  # fmt: skip
            async with processes.running(tmp_path, settings=both, secrets=secrets, connected=None) as bot:
                await bot.says("Slack: Slack cannot be reached")
                await bot.says("delivered", papers)
                await bot.says(lab, "could not be reached")
                async with slack:
                    await slack.until(lambda: slack.sockets)
                    asked = await slack.command("/paper", "kto", user=slack.add_user("ada"), channel=lab)
                    await slack.until(lambda: asked.responses)

    asyncio.run(run())


def test_a_wrong_token_and_a_wrong_intent_end_with_a_sentence(tmp_path: Path) -> None:
    async def run() -> None:
        async with patient_discord() as discord:
            discord.add_channel("papers")
            async with running(discord, tmp_path, secrets={"DISCORD_TOKEN": "wrong"}, connected=False) as bot:
                assert await bot.process.wait() == 1
            assert bot.log[-1].startswith("paperround: bot token: Discord does not know this token")
            async with running(discord, tmp_path) as bot:
                discord.token = "changed"
                await discord.end_sessions()
                await bot.says("Discord does not know this token", "mend it and start again")

    asyncio.run(run())


def test_who_set_a_digest_up_is_told_when_its_channel_is_gone(office: Office) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        await answer(discord, await discord.command("digest subscribe", user=ada, channel=papers, top=1))
        await discord.delete_channel(papers)
        await discord.until(lambda: discord.messages(discord.dm(ada)))
        assert "the channel was deleted" in read(discord.messages(discord.dm(ada))[0])
        (stopped,) = [one for one in bot.store.subscriptions.all() if one.channel.channel == papers]
        assert stopped.stopped == "the channel was deleted."

    office.tells(story)


def test_a_server_that_removes_the_bot_gets_no_more_digests_until_it_is_back(office: Office) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        other = discord.add_guild("another lab")
        await discord.invite_bot(other)
        lounge = await discord.open_channel("lounge", guild=other)
        await answer(discord, await discord.command("digest subscribe", user=ada, channel=lounge, top=1))
        await discord.remove_bot(other)
        await discord.until(lambda: discord.messages(discord.dm(ada)))
        assert "removed from the server" in read(discord.messages(discord.dm(ada))[0])
        await discord.invite_bot(other)
        await bot.says(lounge, "takes digests again")

    office.tells(story)


def test_answers_that_come_too_late_are_a_line_in_the_log_and_nothing_else(office: Office) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        discord.is_too_late = True
        late = asyncio.create_task(discord.command("paper", user=ada, channel=papers, query="kto"))
        await bot.says("an answer was not taken", "Unknown interaction")
        late.cancel()
        discord.is_too_late, discord.token_seconds = False, -1
        await discord.command("paper", user=ada, channel=papers, query="kto")
        await bot.says("an answer was not taken", "Invalid Webhook Token")
        discord.token_seconds = 900
        asked = await discord.command("paper", user=ada, channel=papers, query="kto")
        assert "KTO" in await answer(discord, asked)

    office.tells(story)
