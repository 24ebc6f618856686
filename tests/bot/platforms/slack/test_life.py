"""What the Slack app goes through in months: lost answers, lost rights, lost channels, restarts."""

import asyncio
import sqlite3
from pathlib import Path

from digests.ports import Store
from tests.bot.platforms.slack.processes import Bot, overdue, patient_slack, prepared, running
from tests.fakes.slack import Fault, read


def test_a_post_whose_answer_was_lost_is_asked_for_and_not_sent_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with patient_slack() as slack:
            faults = (
                Fault.DROP_AFTER,
                Fault.SERVER_ERROR_AFTER,
                Fault.INTERNAL_ERROR_AFTER,
                Fault.SLOW_AFTER,
            )
            lost = {slack.add_channel("papers"): fault for fault in faults}
            for channel, fault in lost.items():
                overdue(prepared(tmp_path), channel)
                slack.fail("chat.postMessage", fault, channel=channel)
            async with running(slack, tmp_path, time_out=3) as bot:
                for channel in lost:
                    await bot.says(channel, "may have arrived")
            # The next try is a minute away: what a process does then is done by the next one, at once.
            retry_now(bot)
            async with running(slack, tmp_path) as bot:
                for channel in lost:
                    await bot.says(channel, "delivered")
            assert {channel: len(slack.messages(channel)) for channel in lost} == dict.fromkeys(lost, 4)
            asked = [call["channel"] for call in slack.called("conversations.history")]
            assert sorted(asked) == sorted(lost)  # Once each: that is all that some apps may ask in a minute.

    asyncio.run(run())


def retry_now(bot: Bot) -> None:
    """Let the wait before the next try be over."""
    with sqlite3.connect(bot.folder / "p.db") as connection:
        connection.execute("UPDATE deliveries SET next_try_at = '2020-01-01 00:00:00.000000'")
    connection.close()


def test_marks_made_while_the_bot_was_away_are_found_when_it_comes_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with patient_slack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            overdue(prepared(tmp_path), papers)
            async with running(slack, tmp_path) as bot:
                await bot.says("delivered", papers)
            card = slack.messages(papers)[2]
            await slack.react(ada, papers, card["ts"], tell=False)
            async with running(slack, tmp_path):
                await slack.until(lambda: "Discuss · 1" in read(card["blocks"]))

    asyncio.run(run())


def test_what_was_acknowledged_is_answered_even_when_the_bot_is_stopped_right_then(tmp_path: Path) -> None:
    async def run() -> None:
        async with patient_slack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            async with running(slack, tmp_path):
                done = await asyncio.gather(
                    *(slack.command("/paper", f"learning {n}", user=ada, channel=papers) for n in range(30))
                )
            assert [one for one in done if one.acked and not one.responses] == []
            assert any(one.acked for one in done)

    asyncio.run(run())


def test_a_revoked_token_is_told_in_a_sentence_and_the_bot_comes_back_when_it_is_good_again(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with patient_slack() as slack:
            slack.add_channel("papers")
            async with running(slack, tmp_path) as bot:
                slack.token_error = "token_revoked"
                await slack.event(type="tokens_revoked", tokens={"bot": [slack.bot_user]})
                await bot.says("took the app's rights away")
                await slack.disconnect()
                await bot.says("Slack's socket cannot be opened", "revoked")
                slack.token_error = ""
                await slack.until(lambda: slack.sockets)

    asyncio.run(run())


def test_one_channel_that_cannot_be_posted_to_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def run() -> None:
        async with patient_slack() as slack:
            gone, well = slack.add_channel("gone", bot_in=False), slack.add_channel("well")
            for channel in (gone, well):
                overdue(prepared(tmp_path), channel)
            async with running(slack, tmp_path) as bot:
                await bot.says("delivered", well)
                assert len(slack.messages(well)) == 4
                await bot.says(gone, "/invite @paperround")
                await bot.until(lambda store: stopped(store) == {gone: True, well: False})

    asyncio.run(run())


def stopped(store: Store) -> dict[str, bool]:
    return {one.channel.channel: bool(one.stopped) for one in store.subscriptions.all()}
