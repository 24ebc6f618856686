"""The cache of people: entries expire, and a failed request gives no rights."""

import asyncio
from datetime import UTC, datetime, timedelta

from bot.conversation.context import Person
from bot.platforms.slack.profiles import CACHE_TTL, MAX_CACHED_PROFILES, ProfileCache
from bot.platforms.slack.session import create_web_client, open_session
from bot.platforms.slack.settings import SlackSettings
from tests.fakes.slack import FakeSlack, SlackFault

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_a_cached_profile_expires_so_that_a_lost_right_is_noticed() -> None:
    async def run() -> None:
        now = NOON
        async with FakeSlack() as slack, open_session(30) as session:
            root = slack.add_user("root", is_admin=True)
            client = create_web_client(
                slack.bot_token, settings=SlackSettings(api_base_url=slack.url), session=session
            )
            profiles = ProfileCache(client, lambda: now)
            assert await profiles.fetch_person(root) == Person(root, "root", True, "Europe/Berlin")
            slack.users[root]["is_admin"] = False
            assert (await profiles.fetch_person(root)).is_admin
            assert len(slack.calls_of("users.info")) == 1
            now += CACHE_TTL + timedelta(seconds=1)
            assert not (await profiles.fetch_person(root)).is_admin
            assert len(slack.calls_of("users.info")) == 2

    asyncio.run(run())


def test_a_failed_request_gives_no_right_and_is_not_cached() -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(30) as session:
            root = slack.add_user("root", is_admin=True)
            client = create_web_client(
                slack.bot_token, settings=SlackSettings(api_base_url=slack.url), session=session
            )
            profiles = ProfileCache(client, lambda: NOON)
            slack.fail_next("users.info", SlackFault.SERVER_ERROR)
            assert await profiles.fetch_person(root) == Person(root, "Someone")
            assert (await profiles.fetch_person(root)).is_admin

    asyncio.run(run())


def test_the_oldest_profile_leaves_a_full_cache() -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(30) as session:
            client = create_web_client(
                slack.bot_token, settings=SlackSettings(api_base_url=slack.url), session=session
            )
            profiles, everybody = (
                ProfileCache(client, lambda: NOON),
                [slack.add_user(f"p{n}") for n in range(MAX_CACHED_PROFILES + 1)],
            )
            for one in everybody:
                await profiles.fetch_person(one)
            await profiles.fetch_person(everybody[-1])
            assert len(slack.calls_of("users.info")) == MAX_CACHED_PROFILES + 1
            await profiles.fetch_person(everybody[0])
            assert len(slack.calls_of("users.info")) == MAX_CACHED_PROFILES + 2

    asyncio.run(run())
