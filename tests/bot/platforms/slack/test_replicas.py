"""Several `paperround run` over one PostgreSQL: all of them deliver, one at a time is connected, and any may die."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.demo import import_sample
from bot.platforms.slack.app import SlackApp
from bot.platforms.slack.settings import SlackSecrets, SlackSettings
from digests.store import open_store
from tests.bot.platforms.slack.processes import BotProcess, add_overdue_channel, create_patient_slack, run_bot
from tests.fakes.slack import FakeSlack
from tests.postgres import PostgresServer, StorePool

CHANNELS, MESSAGES = 6, 4


def prepared(url: str, channels: list[str]) -> None:
    """Channels whose digest of a header and three papers is due."""
    with closing(open_store(url)) as store:
        import_sample(store, datetime.now(UTC))
        for channel in channels:
            add_overdue_channel(store, channel)


def keys(slack: FakeSlack, channels: list[str]) -> list[str]:
    """The name that every message carries, of all messages of all channels."""
    return [
        message["metadata"]["event_payload"]["key"]
        for channel in channels
        for message in slack.messages_in(channel)
    ]


@asynccontextmanager
async def two_replicas(slack: FakeSlack, folder: Path, url: str) -> AsyncIterator[list[BotProcess]]:
    """Two processes with one settings file and one search index, as on one machine."""
    async with (
        run_bot(slack, folder, url=url, must_connect=False) as one,
        run_bot(slack, folder, url=url, must_connect=False) as other,
    ):
        yield [one, other]


async def killed(bot: BotProcess) -> None:
    bot.process.kill()
    await bot.process.wait()


def leads(bot: BotProcess) -> bool:
    return any("this process leads: slack" in line for line in bot.log)


def test_a_socket_is_one_process_s_alone_and_requests_come_to_any() -> None:
    def exclusive(**secrets: str) -> bool:
        return SlackApp(SlackSettings(), SlackSecrets(**secrets), 1, lambda: datetime.now(UTC)).is_exclusive

    assert exclusive(app_token="xapp-1")
    assert not exclusive(signing_secret="s3cret")


@pytest.mark.slow
def test_replicas_that_are_killed_are_followed_by_others_and_every_page_comes_once(
    tmp_path: Path, postgres: PostgresServer, postgres_stores: StorePool
) -> None:
    url = postgres_stores.create_database()

    async def scenario() -> None:
        async with create_patient_slack() as slack:
            ada = slack.add_user("ada")
            channels = [slack.add_channel(f"c{number}") for number in range(CHANNELS)]
            prepared(url, channels)
            async with run_bot(slack, tmp_path, url=url) as first:
                await slack.wait_until(lambda: len(keys(slack, channels)) >= CHANNELS)
                await killed(first)
            on_the_way = len(keys(slack, channels))
            assert on_the_way < CHANNELS * MESSAGES
            postgres.run_statement_in(
                url, "UPDATE deliveries SET lease_until = now() WHERE lease_until > now()"
            )

            async with two_replicas(slack, tmp_path, url) as both:
                await slack.wait_until(lambda: len(keys(slack, channels)) == CHANNELS * MESSAGES)
                assert len(set(keys(slack, channels))) == CHANNELS * MESSAGES
                await asyncio.gather(*(bot.wait_for_log("leads", ": slack") for bot in both))
                (leader,) = [bot for bot in both if leads(bot)]
                (follower,) = [bot for bot in both if bot is not leader]
                await follower.wait_for_log("another process leads, this one waits: slack")
                assert len(slack.sockets) == 1

                await killed(leader)
                await follower.wait_for_log("this process leads: slack")
                await slack.wait_until(lambda: slack.sockets_opened == 3)
                asked = await slack.run_command("/paper", "2402.01306", user=ada, channel=channels[0])
                await slack.wait_until(lambda: asked.responses)
                assert len(slack.sockets) == 1
            assert len(keys(slack, channels)) == CHANNELS * MESSAGES
            assert slack.protocol_errors == []

    asyncio.run(scenario())


@pytest.mark.slow
def test_of_two_processes_on_one_file_one_is_connected_and_the_other_follows_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            create_patient_slack() as slack,
            run_bot(slack, tmp_path) as first,
            run_bot(slack, tmp_path, must_connect=False) as second,
        ):
            await second.wait_for_log("another process leads, this one waits: slack")
            assert slack.sockets_opened == 1
            await killed(first)
            await second.wait_for_log("this process leads: slack")
            await slack.wait_until(lambda: slack.sockets_opened == 2)

    asyncio.run(scenario())
