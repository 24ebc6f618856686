"""What the Slack app goes through in months: lost answers, lost rights, lost channels, restarts."""

import asyncio
import sqlite3
from pathlib import Path

from digests.ports import Store
from tests.bot.platforms.slack.processes import (
    BotProcess,
    add_overdue_channel,
    create_patient_slack,
    prepare_store,
    run_bot,
)
from tests.fakes.slack import SlackFault, read_text


def test_a_post_whose_answer_was_lost_is_asked_for_and_not_sent_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_slack() as slack:
            faults = (
                SlackFault.DROP_AFTER,
                SlackFault.SERVER_ERROR_AFTER,
                SlackFault.INTERNAL_ERROR_AFTER,
                SlackFault.SLOW_AFTER,
            )
            lost = {slack.add_channel("papers"): fault for fault in faults}
            for channel, fault in lost.items():
                add_overdue_channel(prepare_store(tmp_path), channel)
                slack.fail_next("chat.postMessage", fault, channel=channel)
            async with run_bot(slack, tmp_path, timeout=3) as bot:
                for channel in lost:
                    await bot.wait_for_log(channel, "may have arrived")
            # The next try is a minute away: what a process does then is done by the next one, at once.
            retry_now(bot)
            async with run_bot(slack, tmp_path) as bot:
                for channel in lost:
                    await bot.wait_for_log(channel, "delivered")
            assert {channel: len(slack.messages_in(channel)) for channel in lost} == dict.fromkeys(lost, 4)
            asked = [call["channel"] for call in slack.calls_of("conversations.history")]
            assert sorted(asked) == sorted(lost)  # Once each: that is all that some apps may ask in a minute.

    asyncio.run(run())


def retry_now(bot: BotProcess) -> None:
    """Let the wait before the next try be over."""
    with sqlite3.connect(bot.folder / "p.db") as connection:
        connection.execute("UPDATE deliveries SET next_try_at = '2020-01-01 00:00:00.000000'")
    connection.close()


def test_marks_made_while_the_bot_was_away_are_found_when_it_comes_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_slack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            add_overdue_channel(prepare_store(tmp_path), papers)
            async with run_bot(slack, tmp_path) as bot:
                await bot.wait_for_log("delivered", papers)
            card = slack.messages_in(papers)[2]
            await slack.add_reaction(ada, papers, card["ts"], is_dispatched=False)
            async with run_bot(slack, tmp_path):
                await slack.wait_until(lambda: "Discuss · 1" in read_text(card["blocks"]))

    asyncio.run(run())


def test_what_was_acknowledged_is_answered_even_when_the_bot_is_stopped_right_then(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_slack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            async with run_bot(slack, tmp_path):
                done = await asyncio.gather(
                    *(
                        slack.run_command("/paper", f"learning {n}", user=ada, channel=papers)
                        for n in range(30)
                    )
                )
            assert [one for one in done if one.is_acked and not one.responses] == []
            assert any(one.is_acked for one in done)

    asyncio.run(run())


def test_a_revoked_token_is_told_in_a_sentence_and_the_bot_comes_back_when_it_is_good_again(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with create_patient_slack() as slack:
            slack.add_channel("papers")
            async with run_bot(slack, tmp_path) as bot:
                slack.token_error = "token_revoked"
                await slack.dispatch_event(type="tokens_revoked", tokens={"bot": [slack.bot_user]})
                await bot.wait_for_log("took the app's rights away")
                await slack.disconnect_sockets()
                await bot.wait_for_log("Slack's socket cannot be opened", "revoked")
                slack.token_error = ""
                await slack.wait_until(lambda: slack.sockets)

    asyncio.run(run())


def test_one_channel_that_cannot_be_posted_to_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_slack() as slack:
            gone, well = slack.add_channel("gone", bot_in=False), slack.add_channel("well")
            for channel in (gone, well):
                add_overdue_channel(prepare_store(tmp_path), channel)
            async with run_bot(slack, tmp_path) as bot:
                await bot.wait_for_log("delivered", well)
                assert len(slack.messages_in(well)) == 4
                await bot.wait_for_log(gone, "/invite @paperround")
                await bot.wait_until(lambda store: stopped(store) == {gone: True, well: False})

    asyncio.run(run())


def stopped(store: Store) -> dict[str, bool]:
    return {one.channel.channel: bool(one.stop_reason) for one in store.subscriptions.list_active()}
