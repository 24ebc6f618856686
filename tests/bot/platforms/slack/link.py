"""The app as workspaces install it from its link, over real HTTP, and browsers of people who do that."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
from aiohttp.test_utils import unused_port

from bot.conversation.answers import Answers
from bot.platforms.slack.app import SlackApp
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.http_transport import EVENTS_PATH
from bot.platforms.slack.oauth import INSTALL_PATH, REDIRECT_PATH
from bot.platforms.slack.settings import SlackSecrets, SlackSettings
from bot.token_cipher import create_key
from digests.build import DigestPolicy
from digests.ports import Store
from digests.ports.installations import Installation
from tests.builders import a_store, find_nothing
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_link import FakeSlackLink

KEY = create_key()


@dataclass(slots=True)
class SetClock:
    """A clock that tests set. It begins now: signatures are those of the real time."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def read(self) -> datetime:
        return self.now

    def pass_time(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass(slots=True)
class Browser:
    """A browser of a person. Its cookies are its own; it follows no redirect by itself."""

    address: str
    cookies: dict[str, str] = field(default_factory=dict)
    status: int = 0
    page: str = ""
    location: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def visit(self, address: str) -> str:
        """Request an address, keep the cookies of the answer, and return its page."""
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        async with (
            aiohttp.ClientSession() as session,
            session.get(address, headers=sent if self.cookies else {}, allow_redirects=False) as answer,
        ):
            self.status, self.page = answer.status, await answer.text()
            self.location, self.headers = answer.headers.get("Location", ""), dict(answer.headers)
            for name, cookie in answer.cookies.items():
                self.cookies[name] = cookie.value
        return self.page

    async def begin(self) -> str:
        """Open the link, and return the address of Slack's page."""
        await self.visit(self.address + INSTALL_PATH)
        assert self.status == 302, self.page
        return self.location

    @property
    def title(self) -> str:
        found = re.search("<h1>(.*)</h1>", self.page)
        return found[1] if found else self.page


@dataclass(slots=True)
class LinkApp:
    """The running app beside a Slack with several workspaces."""

    slack: FakeSlackLink
    store: Store
    app: SlackApp
    platform: SlackPlatform
    clock: SetClock
    address: str

    def open_browser(self) -> Browser:
        return Browser(self.address)

    async def install(
        self, place: str, *, user: str = "UADA", without: frozenset[str] = frozenset()
    ) -> Browser:
        """Install the app in a workspace or organization, in a browser of its own."""
        browser = self.open_browser()
        await browser.visit(self.slack.allow(await browser.begin(), place, user=user, without=without))
        return browser

    def find(self, place: str) -> Installation:
        found = self.store.installations.find("slack", place)
        assert found
        return found


@asynccontextmanager
async def run_link_app(
    slack: FakeSlackLink, store: Store, clock: SetClock, *, keys: tuple[str, ...] = (KEY,)
) -> AsyncIterator[LinkApp]:
    """Run one replica of the app until the end of the block."""
    port = unused_port()
    address = f"http://127.0.0.1:{port}"
    settings = SlackSettings(api_base_url=slack.url, http_port=port, public_url=address)
    secrets = SlackSecrets(
        signing_secret=slack.signing_secret,
        client_id=slack.client_id,
        client_secret=slack.client_secret,
        token_keys=keys,
    )
    slack.redirect_uris.add(address + REDIRECT_PATH)
    app, stop = SlackApp(settings, secrets, 30, clock.read, store), asyncio.Event()
    platform = await app.open()
    answers = Answers(store, find_nothing, DigestPolicy(), clock.read)
    serving = asyncio.create_task(app.serve(answers, stop))
    slack.http_endpoint = address + EVENTS_PATH
    for team in slack.teams.values():
        team.http_endpoint = slack.http_endpoint
    try:
        await _wait_for_port(address, serving)
        yield LinkApp(slack, store, app, platform, clock, address)
    finally:
        stop.set()
        await serving
        await app.close()


async def _wait_for_port(address: str, serving: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            assert not serving.done(), serving.result()
            try:
                async with session.get(f"{address}/slack/events") as answer:
                    if answer.status == 405:
                        return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)


def run_link_scenario(
    scenario: Callable[[LinkApp], Awaitable[None]],
    *teams: str,
    store: Store | None = None,
    clock: SetClock | None = None,
    **fields: bool,
) -> None:
    """Run a scenario beside workspaces with these ids. `fields` are those of the fake."""

    async def run() -> None:
        used_clock = clock or SetClock()
        async with FakeSlackLink(clock=lambda: used_clock.now.timestamp(), **fields) as slack:  # type: ignore[arg-type]
            for team in teams:
                slack.add_team(team)
            async with run_link_app(slack, store or a_store(), used_clock) as app:
                await scenario(app)
            assert slack.protocol_errors == []
            assert [error for team in slack.teams.values() for error in team.protocol_errors] == []

    asyncio.run(run())


def wait_for(team: FakeSlack, condition: Callable[[], object]) -> Awaitable[None]:
    return team.wait_until(condition)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
