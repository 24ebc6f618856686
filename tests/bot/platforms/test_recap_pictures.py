"""The picture of a recap on every platform: posted once with its message, whatever dies on the way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.chat.port import Platform
from bot.delivery.worker import deliver_due_editions
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.rest import RestClient, use_addresses
from bot.platforms.discord.settings import DiscordSettings
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.session import open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.model import Mark, MarkSource
from digests.ports import Store
from digests.subscription import Channel
from tests.bot.delivery.contexts import KilledOutbox, a_context
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription
from tests.fakes.discord import DiscordFault, FakeDiscord
from tests.fakes.platform import KilledError
from tests.fakes.slack import FakeSlack, SlackFault

MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC)
PICTURE = b"\x89PNG\r\n\x1a\n" + b"x" * 1000


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every recap a picture that takes no time, and discord.py's addresses back after the test."""
    monkeypatch.setattr("bot.delivery.recap.draw_week", lambda week: PICTURE)
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)


@dataclass
class Clock:
    now: datetime = NOW

    def timestamp(self) -> float:
        return self.now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Lab:
    """A platform with a channel whose week has a recap; workers come and go."""

    fake: Any
    platform: Platform
    channel: Channel
    clock: Clock
    store: Store = field(default_factory=a_store)

    async def prepare_week(self) -> None:
        """Post a digest on Tuesday, and let somebody mark a paper of it."""
        self.store.library.add([(a_paper("2401.00001"), a_review())], now=NOW)
        subscription = replace(a_subscription(recap=True), channel=self.channel)
        self.store.subscriptions.sync_from_settings([subscription], now=NOW - timedelta(minutes=1))
        await self.tick(NOW)
        mark = Mark(self.channel, "", "2401.00001", "9", MarkSource.BUTTON, NOW)
        self.store.marks.set_mark(mark, True)
        for day in range(1, 6):
            await self.tick(NOW + timedelta(days=day))
        assert self.list_recaps() == []

    async def tick(self, instant: datetime, **options: Any) -> None:
        self.clock.now = instant
        context = a_context(
            options.pop("store", self.store),
            {self.platform.name: self.platform},
            owner=f"worker {instant}",
            clock=lambda: self.clock.now,
            sleep=self.clock.sleep,
            **options,
        )
        try:
            await deliver_due_editions(context)
        except* KilledError:
            pass

    async def post_recap(self, **options: Any) -> None:
        """Let one worker post the recap, and others what it left."""
        await self.tick(MONDAY, **options)
        for minutes in (1, 10, 30, 60):
            await self.tick(MONDAY + timedelta(minutes=minutes))

    def list_recaps(self) -> list[bool]:
        """Return for each recap in the channel whether it shows the picture."""
        found = [
            message
            for message in self.fake.messages_in(self.channel.channel)
            if "The week here" in str(message)
        ]
        return [bool(message.get("attachments")) or "slack_file" in str(message) for message in found]


@asynccontextmanager
async def open_lab(name: str) -> AsyncIterator[Lab]:
    clock = Clock()
    if name == "slack":
        async with FakeSlack(clock.timestamp) as slack, open_session(10) as session:
            settings = SlackSettings(api_base_url=slack.url)
            workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: clock.now)
            channel = Channel("slack", slack.add_channel("papers"), "T1")
            yield Lab(slack, SlackPlatform(workspaces, sleep=clock.sleep), channel, clock)
    else:
        async with FakeDiscord(clock=clock.timestamp) as discord:
            use_addresses(DiscordSettings(api_base_url=discord.url, gateway_url=discord.gateway_url))
            rest = RestClient(discord.token, 10)
            place = discord.add_channel("papers")
            channel = Channel("discord", place, discord.channels[place].guild)
            try:
                yield Lab(discord, DiscordPlatform(rest), channel, clock)
            finally:
                await rest.close()


def run_in_lab(name: str, trial: Callable[[Lab], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_lab(name) as lab:
            await lab.prepare_week()
            await trial(lab)
            assert lab.fake.protocol_errors == []

    asyncio.run(run())


BOTH = pytest.mark.parametrize("name", ["slack", "discord"])


@BOTH
def test_a_recap_shows_its_picture(name: str) -> None:
    async def trial(lab: Lab) -> None:
        await lab.post_recap()
        assert lab.list_recaps() == [True]

    run_in_lab(name, trial)


@BOTH
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_worker_that_dies_at_any_call_of_the_outbox_leaves_one_recap_with_its_picture(
    name: str, at: int, after: bool
) -> None:
    async def trial(lab: Lab) -> None:
        killed: Any = KilledOutbox(lab.store.outbox, at, after=after)
        await lab.post_recap(store=replace(lab.store, outbox=killed))
        assert lab.list_recaps() == [True]

    run_in_lab(name, trial)


@BOTH
@pytest.mark.parametrize("is_done", [False, True])
def test_a_lost_answer_leaves_one_recap_with_its_picture(name: str, is_done: bool) -> None:
    async def trial(lab: Lab) -> None:
        if name == "slack":
            lab.fake.fail_next(
                "chat.postMessage", SlackFault.DROP_AFTER if is_done else SlackFault.DROP_BEFORE
            )
        else:
            fault = DiscordFault.DROP_AFTER if is_done else DiscordFault.DROP_BEFORE
            lab.fake.fail_next("create message", fault)
        await lab.post_recap()
        assert lab.list_recaps() == [True]

    run_in_lab(name, trial)


@BOTH
def test_without_the_right_to_send_files_the_recap_comes_without_its_picture(name: str) -> None:
    async def trial(lab: Lab) -> None:
        if name == "slack":
            lab.fake.scopes.discard("files:write")
        else:
            lab.fake.channels[lab.channel.channel].denied_permissions.add("attach_files")
        await lab.post_recap()
        assert lab.list_recaps() == [False]
        (subscription,) = lab.store.subscriptions.list_active()
        assert subscription.stop_reason == ""

    run_in_lab(name, trial)


def test_a_picture_that_slack_never_takes_is_left_out() -> None:
    async def trial(lab: Lab) -> None:
        lab.fake.file_lag = 3600
        await lab.post_recap()
        assert lab.list_recaps() == [False]

    run_in_lab("slack", trial)
