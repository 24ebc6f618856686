"""Meetings on every platform: what `paperround run` posts at each hour, with a settable clock."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digests.ports import Store
from digests.ports.meetings import Meeting
from digests.schedule import number_week
from tests.bot.platforms.discord.driver import DiscordLab
from tests.bot.platforms.discord.processes import create_patient_discord
from tests.bot.platforms.processes import BotProcess, prepare_store
from tests.bot.platforms.scenarios import ChatDriver, PlatformLab, wait_for_text
from tests.bot.platforms.slack.driver import SlackLab
from tests.bot.platforms.slack.processes import create_patient_slack
from tests.chaos.clock import FileClock
from tests.wall_clock import noon_zone_date

Scenario = Callable[[PlatformLab, FileClock], Awaitable[None]]
RunScenario = Callable[[Scenario], None]


@pytest.fixture(params=["slack", "discord"])
def run_scenario(request: pytest.FixtureRequest, tmp_path: Path) -> RunScenario:
    """Run a scenario on a fresh platform, whose clock is that of the processes that the scenario starts."""
    clock = FileClock(tmp_path / "clock")
    clock.set(datetime.now(UTC))

    async def run_checked(scenario: Scenario, lab: PlatformLab) -> None:
        await scenario(lab, clock)
        assert lab.protocol_errors == []

    async def run_on_platform(scenario: Scenario) -> None:
        if request.param == "slack":
            async with create_patient_slack(clock.timestamp) as slack:
                await run_checked(scenario, SlackLab(slack, slack.add_user("ada")))
        else:
            async with create_patient_discord(clock.timestamp) as discord:
                await run_checked(scenario, DiscordLab(discord, discord.add_user("ada", can_manage=True)))

    return lambda scenario: asyncio.run(run_on_platform(scenario))


POLL, CLOSED_POLL = ("Which paper on",), ("The poll is closed",)
AGENDA, PAPER, REMINDER = ("When", "Nobody yet. Who takes it?"), ("To begin with",), ("When", "Wanted by")
"""Words that no other message of the channel has together, by post; the agenda has its paper in a thread."""


def run_by_clock(lab: PlatformLab, folder: Path, clock: FileClock) -> AbstractAsyncContextManager[BotProcess]:
    """Run a bot that follows the clock, and looks for what is due several times a second."""
    return lab.run_bot(folder, waits=["--clock", f"{clock.file}", "--tick", "0.2"])


def have_digest_every_other_week(store: Store) -> None:
    """Let the only digest of a store be due now, and not again before the meeting."""
    (known,) = store.subscriptions.list_active()
    today = noon_zone_date()
    schedule = replace(
        known.schedule,
        days=frozenset({today.weekday()}),
        every_weeks=2,
        week_parity=number_week(today) % 2,
    )
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert store.subscriptions.change(
        known.channel, replace(known, schedule=schedule), by="Ada", now=yesterday
    )


def count_posts(driver: ChatDriver, *words: str) -> int:
    """Count the messages with all the words, in the channel and its threads."""
    texts = map(driver.text_of, driver.all_messages())
    return sum(all(word in text for word in words) for text in texts)


def find_meeting(driver: ChatDriver) -> Meeting:
    subscription = driver.find_subscription()
    assert subscription
    meeting = driver.bot.store.meeting_plans.find(subscription.channel)
    assert meeting
    return meeting


def test_each_post_of_a_meeting_comes_once_at_its_hour_also_after_a_crash(
    tmp_path: Path, run_scenario: RunScenario
) -> None:
    async def scenario(lab: PlatformLab, clock: FileClock) -> None:
        channel = lab.add_channel()
        store = prepare_store(tmp_path)
        lab.add_overdue_channel(store, channel)
        have_digest_every_other_week(store)
        async with run_by_clock(lab, tmp_path, clock) as bot:
            driver = lab.create_driver(bot, channel)
            _, first, second, _ = await driver.wait_for_digest()
            bob = driver.add_person("bob")
            for person, card in ((driver.ada, first), (driver.ada, second), (bob, second)):
                marked = await driver.tap_button("discuss", card, person)
                await wait_for_text(driver, marked, "Marked for discussion")
            day = clock() + timedelta(days=9)
            planned = await driver.run_digest_command("meet", words=f"{day:%a} 23:59 every 2 weeks in UTC")
            await wait_for_text(driver, planned, "Done: every second")
            times = find_meeting(driver).timetable
            assert count_posts(driver, *POLL) == 0

            clock.set(times.poll_at)
            await driver.wait_until(lambda: count_posts(driver, *POLL))
            poll = next(each for each in driver.channel_messages() if POLL[0] in driver.text_of(each))
            wanted, best = find_meeting(driver).candidates
            assert (wanted.score or 0) < (best.score or 0), "without a vote the other one would win"
            voted = await driver.tap_button("vote", poll, bob)
            await wait_for_text(driver, voted, "You voted for")
            await driver.wait_until(lambda: "1 vote" in driver.text_of(poll))

            lab.lose_next_answer(channel)  # The process still waits for it when it dies.
            clock.set(times.closes_at)
            await driver.wait_until(lambda: count_posts(driver, *AGENDA))
            await bot.kill()
        assert count_posts(driver, *PAPER) == 0

        async with run_by_clock(lab, tmp_path, clock) as bot:
            driver = lab.create_driver(bot, channel)
            await driver.wait_until(lambda: count_posts(driver, *PAPER))
            await driver.wait_until(lambda: count_posts(driver, *CLOSED_POLL))
            assert count_posts(driver, "The poll is closed", "Vote") == 0
            assert find_meeting(driver).paper == wanted.paper
            queue = await driver.run_digest_command("queue")
            await wait_for_text(driver, queue, "1 wants to discuss")
            assert "2 want" not in driver.text_of(queue.responses[0])

            clock.set(times.reminder_at)
            await driver.wait_until(lambda: count_posts(driver, *REMINDER))
            assert count_posts(driver, *AGENDA) == 1
            clock.set(times.starts_at)
            await bot.wait_until(lambda _: find_meeting(driver).timetable.starts_at > times.starts_at)
        counts = {words: count_posts(driver, *words) for words in (CLOSED_POLL, PAPER, REMINDER)}
        assert counts == dict.fromkeys(counts, 1)
        assert count_posts(driver, *POLL) == 0

    run_scenario(scenario)
