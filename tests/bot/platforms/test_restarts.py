"""Lost answers, stops and restarts on every platform: scenarios that start a process of their own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from digests.ports import Store
from tests.bot.platforms.discord.driver import DiscordLab
from tests.bot.platforms.discord.processes import create_patient_discord
from tests.bot.platforms.processes import prepare_store
from tests.bot.platforms.scenarios import PlatformLab, gather_replies, wait_for_text
from tests.bot.platforms.slack.driver import SlackLab
from tests.bot.platforms.slack.processes import create_patient_slack

Scenario = Callable[[PlatformLab], Awaitable[None]]
RunScenario = Callable[[Scenario], None]


@pytest.fixture(params=["slack", "discord"])
def run_scenario(request: pytest.FixtureRequest) -> RunScenario:
    """Run a scenario on a fresh platform without a bot."""

    async def run_checked(scenario: Scenario, lab: PlatformLab) -> None:
        await scenario(lab)
        assert lab.protocol_errors == []

    async def run_on_platform(scenario: Scenario) -> None:
        if request.param == "slack":
            async with create_patient_slack() as slack:
                await run_checked(scenario, SlackLab(slack, slack.add_user("ada")))
        else:
            async with create_patient_discord() as discord:
                await run_checked(scenario, DiscordLab(discord, discord.add_user("ada", can_manage=True)))

    return lambda scenario: asyncio.run(run_on_platform(scenario))


def test_the_command_itself_delivers_a_digest_and_shows_many_marks_at_once_in_few_edits(
    tmp_path: Path, run_scenario: RunScenario
) -> None:
    """In a Python of its own, and with the waits that other tests of processes do without."""

    async def scenario(lab: PlatformLab) -> None:
        channel = lab.add_channel()
        lab.add_overdue_channel(prepare_store(tmp_path), channel)
        async with lab.run_bot(tmp_path, waits=None) as bot:
            driver = lab.create_driver(bot, channel)
            card = (await driver.wait_for_digest())[1]
            await bot.wait_for_log("connected")
            edits_before = driver.count_edits()
            people = lab.add_people(25)
            events = [await driver.add_reaction(person, card, is_dispatched=False) for person in people]
            await driver.deliver_events([*events, *events[:5]])
            await driver.wait_until(lambda: "Discuss · 25" in driver.text_of(card))
            assert driver.count_edits() - edits_before < 10

    run_scenario(scenario)


def test_a_post_whose_answer_was_lost_is_reconciled_and_not_repeated(
    tmp_path: Path, run_scenario: RunScenario
) -> None:
    async def scenario(lab: PlatformLab) -> None:
        channels = lab.add_channels_that_lose_an_answer()
        for channel in channels:
            lab.add_overdue_channel(prepare_store(tmp_path), channel)
        async with lab.run_bot(tmp_path, timeout=4) as bot:
            for channel in channels:
                await bot.wait_for_log(channel, "may have arrived")
            for channel in channels:
                await bot.wait_for_log(channel, "delivered")
        assert {channel: lab.count_posts(channel) for channel in channels} == dict.fromkeys(channels, 4)
        lab.check_reconciliation(channels)

    run_scenario(scenario)


def test_a_restart_finds_missed_marks_and_keeps_buttons_and_forms_working(
    tmp_path: Path, run_scenario: RunScenario
) -> None:
    async def scenario(lab: PlatformLab) -> None:
        papers = lab.add_channel()
        lab.add_overdue_channel(prepare_store(tmp_path), papers)
        async with lab.run_bot(tmp_path) as bot:
            driver = lab.create_driver(bot, papers)
            _, card, other, _ = await driver.wait_for_digest()
            form = await driver.open_form()
        await driver.add_reaction(lab.ada, card, is_dispatched=False)
        async with lab.run_bot(tmp_path) as bot:
            driver = lab.create_driver(bot, papers)
            await driver.wait_until(lambda: "Discuss · 1" in driver.text_of(card))
            await wait_for_text(driver, await driver.tap_button("discuss", other), "Marked for discussion")
            await driver.submit_form(form, domains="vision", style="compact")
            await driver.wait_until(lambda: len(driver.channel_messages()) == 5)
            known = driver.find_subscription()
            assert known
            assert known.preferences.domains == ("vision",)

    run_scenario(scenario)


def test_marks_missed_during_a_lost_connection_are_found_after_it(
    tmp_path: Path, run_scenario: RunScenario
) -> None:
    """The bot is this test's own, because it looks at its newest posts only."""

    async def scenario(lab: PlatformLab) -> None:
        channel = lab.add_channel()
        lab.add_overdue_channel(prepare_store(tmp_path), channel)
        async with lab.run_bot(tmp_path) as bot:
            driver = lab.create_driver(bot, channel)
            _, card, other, _ = await driver.wait_for_digest()
            await bot.wait_for_log("connected")
            await driver.add_reaction(driver.ada, other)
            await driver.wait_until(lambda: "Discuss · 1" in driver.text_of(other))
            await driver.add_reaction(driver.ada, card, is_dispatched=False)
            await driver.remove_reaction(driver.ada, other, is_dispatched=False)
            await driver.reconnect_bot()
            await driver.wait_until(lambda: "Discuss · 1" in driver.text_of(card))
            await driver.wait_until(lambda: "Discuss ·" not in driver.text_of(other))

    run_scenario(scenario)


def test_a_command_that_was_acknowledged_before_a_stop_is_answered(
    tmp_path: Path, run_scenario: RunScenario
) -> None:
    async def scenario(lab: PlatformLab) -> None:
        async with lab.run_bot(tmp_path) as bot:
            driver = lab.create_driver(bot, lab.add_channel())
            replies = await gather_replies([driver.look_up(f"learning {number}") for number in range(30)])
        acknowledged = [reply for reply in replies if reply.is_acked]
        assert acknowledged
        assert all(reply.responses and driver.text_of(reply.responses[0]) for reply in acknowledged)

    run_scenario(scenario)


def test_a_channel_that_is_closed_to_the_bot_stops_alone(tmp_path: Path, run_scenario: RunScenario) -> None:
    async def scenario(lab: PlatformLab) -> None:
        closed, open_channel = lab.add_closed_channel(), lab.add_channel()
        for channel in (closed, open_channel):
            lab.add_overdue_channel(prepare_store(tmp_path), channel)
        async with lab.run_bot(tmp_path) as bot:
            await bot.wait_for_log("delivered", open_channel)
            assert lab.count_posts(open_channel) == 4
            await bot.wait_for_log(closed, lab.closed_hint)
            await bot.wait_until(lambda store: find_stopped(store) == {closed: True, open_channel: False})

    run_scenario(scenario)


def find_stopped(store: Store) -> dict[str, bool]:
    subscriptions = store.subscriptions.list_active()
    return {subscription.channel.channel: bool(subscription.stop_reason) for subscription in subscriptions}
