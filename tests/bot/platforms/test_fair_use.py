"""People who ask for unknown papers while arXiv is silent: they delay nobody else, on every platform."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.bot.platforms.discord.driver import DiscordLab
from tests.bot.platforms.discord.processes import create_patient_discord
from tests.bot.platforms.processes import BotProcess, prepare_store
from tests.bot.platforms.scenarios import ChatDriver, PlatformLab, PrivateReply, wait_for_text
from tests.bot.platforms.slack.driver import SlackLab
from tests.bot.platforms.slack.processes import create_patient_slack
from tests.fakes.feeds import FakeFeeds, FeedFault
from tests.fakes.wire import WAIT_SECONDS

ATTACKERS = 60
LATER_ATTACKERS = 10

WAITS = ("--lookup-timeout", f"{2 * WAIT_SECONDS}", "--arxiv-gap", "0", "--tick", "0.2")
"""Look-ups that wait longer than any of the test's own waits: their order shows who waits for whom."""


@dataclass(slots=True)
class SilentArxiv:
    """A platform and a bot whose arXiv does not answer."""

    lab: PlatformLab
    bot: BotProcess
    feeds: FakeFeeds
    folder: Path

    async def look_up_unknown(self, person: str, number: int) -> PrivateReply:
        driver = self.driver_of(person)
        return await driver.look_up(f"2301.{number:05}")

    def driver_of(self, person: str) -> ChatDriver:
        driver = self.lab.create_driver(self.bot, self.lab.add_channel())
        driver.ada = person
        return driver

    async def check_nobody_else_waits(self) -> None:
        """Let a colleague type a command, and a digest become due; wait until both are there."""
        (colleague,) = self.lab.add_people(1)
        driver = self.driver_of(colleague)
        await wait_for_text(driver, await driver.run_digest_command("queue"), "to discuss")
        channel = self.lab.add_channel()
        self.lab.add_overdue_channel(prepare_store(self.folder), channel)
        await self.bot.wait_for_log("delivered", channel)
        assert self.lab.count_posts(channel) == 4
        assert not any("lead was lost" in line for line in self.bot.log)


Scenario = Callable[[SilentArxiv], Awaitable[None]]
RunScenario = Callable[[Scenario], None]


@pytest.fixture(params=["slack", "discord"])
def run_scenario(request: pytest.FixtureRequest, tmp_path: Path) -> RunScenario:
    """Run a scenario with a bot on a fresh platform."""

    @asynccontextmanager
    async def open_lab() -> AsyncIterator[PlatformLab]:
        if request.param == "slack":
            async with create_patient_slack() as slack:
                yield SlackLab(slack, slack.add_user("ada"))
        else:
            async with create_patient_discord() as discord:
                yield DiscordLab(discord, discord.add_user("ada", can_manage=True))

    async def run_with_bot(scenario: Scenario) -> None:
        async with FakeFeeds(clock=lambda: datetime.now(UTC)) as feeds, open_lab() as lab:
            feeds.fail_next("/", FeedFault.SILENT, times=1_000_000)
            lab.add_channel()  # The bot serves the server that it is in when it starts.
            async with lab.run_bot(tmp_path, settings=render_source(feeds), waits=WAITS) as bot:
                await scenario(SilentArxiv(lab, bot, feeds, tmp_path))
                feeds.end_silence()
            assert lab.protocol_errors == []

    return lambda scenario: asyncio.run(run_with_bot(scenario))


def render_source(feeds: FakeFeeds) -> str:
    return (
        f'[[sources]]\nkind = "arxiv"\ncategories = ["cs.LG"]\nrss_url = "{feeds.rss_url}"\n'
        f'oai_url = "{feeds.oai_url}"\nquery_url = "{feeds.query_url}"\n'
    )


def is_answered(reply: PrivateReply) -> bool:
    return bool(reply.responses) and not reply.responses[-1].get("thinking")


def test_many_people_who_wait_for_a_silent_arxiv_delay_neither_a_colleague_nor_a_digest(
    run_scenario: RunScenario,
) -> None:
    async def scenario(world: SilentArxiv) -> None:
        people = world.lab.add_people(ATTACKERS + LATER_ATTACKERS)
        waiting = await asyncio.gather(
            *(world.look_up_unknown(person, number) for number, person in enumerate(people[:ATTACKERS], 1))
        )
        assert all(reply.is_acked for reply in waiting)
        checking = asyncio.create_task(world.check_nobody_else_waits())
        for number, person in enumerate(people[ATTACKERS:], ATTACKERS + 1):
            waiting.append(await world.look_up_unknown(person, number))
            await asyncio.sleep(0.1)
        await checking
        assert not any(is_answered(reply) for reply in waiting)
        world.feeds.end_silence()
        driver = world.driver_of(people[0])
        for reply in waiting:
            await wait_for_text(driver, reply, "arXiv does not know")

    run_scenario(scenario)


def test_one_person_who_asks_on_and_on_is_refused_and_delays_neither_a_colleague_nor_a_digest(
    run_scenario: RunScenario,
) -> None:
    async def scenario(world: SilentArxiv) -> None:
        (eve,) = world.lab.add_people(1)
        replies = await asyncio.gather(
            *(world.look_up_unknown(eve, number) for number in range(1, ATTACKERS + 1))
        )
        driver = world.driver_of(eve)
        await driver.wait_until(lambda: sum(map(is_answered, replies)) >= 2 * ATTACKERS // 3)
        refused = [reply for reply in replies if is_answered(reply)]
        for reply in refused:
            await wait_for_text(driver, reply, "just now; try again in")
        await world.check_nobody_else_waits()
        waiting = [reply for reply in replies if not is_answered(reply)]
        assert 0 < len(waiting) < ATTACKERS / 3
        world.feeds.end_silence()
        for reply in waiting:
            await wait_for_text(driver, reply, "arXiv does not know")

    run_scenario(scenario)
