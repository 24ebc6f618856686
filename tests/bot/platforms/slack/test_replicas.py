"""Several `paperround run` over one PostgreSQL: all deliver, the leader is connected, and any may die."""

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


def prepare_channels(url: str, channels: list[str]) -> None:
    """Subscribe channels so that a digest of a header and three papers is due in each."""
    with closing(open_store(url)) as store:
        import_sample(store, datetime.now(UTC))
        for channel in channels:
            add_overdue_channel(store, channel)


def list_keys(slack: FakeSlack, channels: list[str]) -> list[str]:
    """Return the key of every message in the channels."""
    return [
        message["metadata"]["event_payload"]["key"]
        for channel in channels
        for message in slack.messages_in(channel)
    ]


@asynccontextmanager
async def run_two_replicas(slack: FakeSlack, folder: Path, url: str) -> AsyncIterator[list[BotProcess]]:
    """Run two processes with one settings file and one search index, as on one machine."""
    async with (
        run_bot(slack, folder, url=url, must_connect=False) as one,
        run_bot(slack, folder, url=url, must_connect=False) as other,
    ):
        yield [one, other]


def is_leader(bot: BotProcess) -> bool:
    return any("this process leads: slack" in line for line in bot.log)


def test_only_socket_mode_needs_a_leader() -> None:
    def is_exclusive(secrets: SlackSecrets) -> bool:
        return SlackApp(SlackSettings(), secrets, 1, lambda: datetime.now(UTC)).is_exclusive

    assert is_exclusive(SlackSecrets(app_token="xapp-1"))
    assert not is_exclusive(SlackSecrets(signing_secret="s3cret"))


@pytest.mark.slow
def test_killed_replicas_are_replaced_and_every_page_is_posted_once(
    tmp_path: Path, postgres: PostgresServer, postgres_stores: StorePool
) -> None:
    url = postgres_stores.create_database()

    async def scenario() -> None:
        async with create_patient_slack() as slack:
            ada = slack.add_user("ada")
            channels = [slack.add_channel(f"c{number}") for number in range(CHANNELS)]
            prepare_channels(url, channels)
            async with run_bot(slack, tmp_path, url=url, waits=["--no-brisk"]) as first:
                await slack.wait_until(lambda: len(list_keys(slack, channels)) >= CHANNELS)
                await first.kill()
            on_the_way = len(list_keys(slack, channels))
            assert on_the_way < CHANNELS * MESSAGES
            postgres.run_statement_in(
                url, "UPDATE deliveries SET lease_until = now() WHERE lease_until > now()"
            )

            async with run_two_replicas(slack, tmp_path, url) as both:
                await slack.wait_until(lambda: len(list_keys(slack, channels)) == CHANNELS * MESSAGES)
                assert len(set(list_keys(slack, channels))) == CHANNELS * MESSAGES
                await asyncio.gather(*(bot.wait_for_log("leads", ": slack") for bot in both))
                (leader,) = [bot for bot in both if is_leader(bot)]
                (follower,) = [bot for bot in both if bot is not leader]
                await follower.wait_for_log("another process leads, this one waits: slack")
                assert len(slack.sockets) == 1

                await leader.kill()
                await follower.wait_for_log("this process leads: slack")
                await slack.wait_until(lambda: slack.sockets_opened == 3)
                asked = await slack.run_command("/paper", "2402.01306", user=ada, channel=channels[0])
                await slack.wait_until(lambda: asked.responses)
                assert len(slack.sockets) == 1
            assert len(list_keys(slack, channels)) == CHANNELS * MESSAGES
            assert slack.protocol_errors == []

    asyncio.run(scenario())


@pytest.mark.slow
def test_of_two_processes_on_one_file_the_second_takes_over_the_lead(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            create_patient_slack() as slack,
            run_bot(slack, tmp_path) as first,
            run_bot(slack, tmp_path, must_connect=False) as second,
        ):
            await second.wait_for_log("another process leads, this one waits: slack")
            assert slack.sockets_opened == 1
            await first.kill()
            await second.wait_for_log("this process leads: slack")
            await slack.wait_until(lambda: slack.sockets_opened == 2)

    asyncio.run(scenario())
