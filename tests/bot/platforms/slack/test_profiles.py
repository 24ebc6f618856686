"""What is known of a person: for a while, and never more right than Slack gives."""

import asyncio
from datetime import UTC, datetime, timedelta

from bot.answer import Person
from bot.platforms.slack.profiles import REMEMBERED, REMEMBERED_FOR, Profiles
from bot.platforms.slack.session import open_session, web_client
from config.settings import Slack
from tests.fakes.slack import FakeSlack, Fault

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_a_person_is_asked_for_once_and_again_after_a_while_so_that_a_lost_right_is_lost() -> None:
    async def run() -> None:
        now = NOON
        async with FakeSlack() as slack, open_session(5) as session:
            root = slack.add_user("root", is_admin=True)
            client = web_client(slack.bot_token, settings=Slack(api_base_url=slack.url), session=session)
            profiles = Profiles(client, lambda: now)
            assert await profiles.person(root) == Person(root, "root", True, "Europe/Berlin")
            slack.users[root]["is_admin"] = False
            assert (await profiles.person(root)).is_admin
            assert len(slack.called("users.info")) == 1
            now += REMEMBERED_FOR + timedelta(seconds=1)
            assert not (await profiles.person(root)).is_admin
            assert len(slack.called("users.info")) == 2

    asyncio.run(run())


def test_whom_slack_does_not_tell_of_has_no_right_and_is_asked_for_again() -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(5) as session:
            root = slack.add_user("root", is_admin=True)
            client = web_client(slack.bot_token, settings=Slack(api_base_url=slack.url), session=session)
            profiles = Profiles(client, lambda: NOON)
            slack.fail("users.info", Fault.SERVER_ERROR)
            assert await profiles.person(root) == Person(root, "Someone")
            assert (await profiles.person(root)).is_admin

    asyncio.run(run())


def test_no_more_people_are_remembered_than_there_is_room_for() -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(5) as session:
            client = web_client(slack.bot_token, settings=Slack(api_base_url=slack.url), session=session)
            profiles, everybody = (
                Profiles(client, lambda: NOON),
                [slack.add_user(f"p{n}") for n in range(REMEMBERED + 1)],
            )
            for one in everybody:
                await profiles.person(one)
            await profiles.person(everybody[-1])
            assert len(slack.called("users.info")) == REMEMBERED + 1
            await profiles.person(everybody[0])
            assert len(slack.called("users.info")) == REMEMBERED + 2

    asyncio.run(run())
