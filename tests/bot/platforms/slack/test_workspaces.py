"""Two workspaces that one app serves: calls, profiles and lists keep to their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
from aiohttp.test_utils import unused_port

from bot.chat.port import Page
from bot.conversation.answers import Answers
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.http_transport import EVENTS_PATH, HttpTransport
from bot.platforms.slack.listeners import SlackListeners
from bot.platforms.slack.preflight import run_preflight
from bot.platforms.slack.session import create_web_client, open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.signatures import SignatureChecker
from bot.platforms.slack.transport import build_bolt_app
from bot.platforms.slack.workspaces import SlackWorkspace, SlackWorkspaces
from digests.build import DigestPolicy
from digests.model import Post
from digests.ports import Store
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription, find_nothing
from tests.fakes.slack import FakeSlack, read_text

PAPER = "2402.01306"
PAGE = Page({"text": "Hello", "blocks": [{"type": "divider"}], "unfurl_links": False, "unfurl_media": False})


@dataclass(slots=True)
class InstalledWorkspaces(SlackWorkspaces):
    """Finds each workspace by its id, as the installations in a store will."""

    by_team: Mapping[str, SlackWorkspace]

    async def find(self, team_id: str) -> SlackWorkspace:
        return self.by_team[team_id]

    async def admit(self, team_id: str, organization: str = "") -> SlackWorkspace | None:
        return self.by_team.get(team_id)

    async def list_team_ids(self) -> Sequence[str]:
        return sorted(self.by_team)


@dataclass(frozen=True, slots=True)
class TwoWorkspaces:
    """Two workspaces, each with a person and a channel of the same ids, and the app that serves both."""

    first: FakeSlack
    second: FakeSlack
    platform: SlackPlatform
    listeners: SlackListeners
    store: Store
    ada: str
    papers: str

    @property
    def channels(self) -> tuple[Channel, Channel]:
        return Channel("slack", self.papers, "T1"), Channel("slack", self.papers, "T2")

    async def subscribe_papers(self, slack: FakeSlack) -> str:
        """Subscribe the channel in one workspace as Ada, and return the answer."""
        reply = await slack.run_command("/digest", "subscribe vision", user=self.ada, channel=self.papers)
        await slack.wait_until(lambda: reply.responses)
        return read_text(reply.responses[0]["blocks"])


async def identify_workspace(slack: FakeSlack, session: aiohttp.ClientSession) -> SlackWorkspace:
    """Return the workspace with the identity that its preflight finds."""
    settings = SlackSettings(api_base_url=slack.url)
    workspace = await SlackWorkspaces(slack.bot_token, settings, session, lambda: NOW).find("")
    return (await run_preflight(workspace, settings=settings, app_token="", channels=())).workspace


@asynccontextmanager
async def open_workspaces() -> AsyncIterator[TwoWorkspaces]:
    """Serve two workspaces. Ada is an admin in the first one only."""
    stop, is_listening = asyncio.Event(), asyncio.Event()
    first = FakeSlack(bot_token="xoxb-first", team_id="T1", bot_user="UFIRST")
    second = FakeSlack(bot_token="xoxb-second", team_id="T2", bot_user="USECOND")
    async with first, second, open_session(30) as session:
        by_team = {slack.team_id: await identify_workspace(slack, session) for slack in (first, second)}
        settings = SlackSettings(api_base_url=first.url)
        platform, store = SlackPlatform(InstalledWorkspaces(by_team)), a_store()
        answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW, anyone_may_change=False)
        listeners = SlackListeners(answers, platform, settings, lambda: NOW)
        tokenless_client = create_web_client("", settings=settings, session=session)
        app = build_bolt_app(tokenless_client, platform.workspaces, first.signing_secret)
        listeners.register_handlers(app)
        transport = HttpTransport("127.0.0.1", unused_port(), SignatureChecker(first.signing_secret))
        await transport.start_listening()
        first.http_endpoint = second.http_endpoint = f"http://127.0.0.1:{transport.port}{EVENTS_PATH}"

        async def note_connection() -> None:
            is_listening.set()

        serving = asyncio.create_task(transport.serve(app, note_connection, stop))
        await is_listening.wait()
        (ada, _) = (first.add_user("ada", is_admin=True), second.add_user("ada"))
        (papers, _) = (slack.add_channel("papers") for slack in (first, second))
        yield TwoWorkspaces(first, second, platform, listeners, store, ada, papers)
        stop.set()
        await serving
        await transport.close()
        await listeners.dispatcher.drain_tasks()
        assert first.protocol_errors == second.protocol_errors == []


def run_scenario(scenario: Callable[[TwoWorkspaces], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_workspaces() as workspaces:
            await scenario(workspaces)

    asyncio.run(run())


def test_a_page_is_posted_and_found_with_the_token_of_its_channels_workspace() -> None:
    async def scenario(workspaces: TwoWorkspaces) -> None:
        here, there = workspaces.channels
        receipt = await workspaces.platform.post(there, PAGE, key="k", thread=None)
        assert workspaces.first.messages_in(workspaces.papers) == []
        assert [message["ts"] for message in workspaces.second.messages_in(workspaces.papers)] == [receipt]
        assert await workspaces.platform.find(there, key="k", since=NOW) == receipt
        assert await workspaces.platform.find(here, key="k", since=NOW) is None

    run_scenario(scenario)


def test_a_person_has_the_rights_of_the_workspace_that_the_request_comes_from() -> None:
    async def scenario(workspaces: TwoWorkspaces) -> None:
        assert "Done" in await workspaces.subscribe_papers(workspaces.first)
        assert "Only workspace admins" in await workspaces.subscribe_papers(workspaces.second)
        here, there = (workspaces.store.subscriptions.find(channel) for channel in workspaces.channels)
        assert here
        assert not there

    run_scenario(scenario)


def test_the_home_page_lists_the_digests_of_its_own_workspace() -> None:
    async def scenario(workspaces: TwoWorkspaces) -> None:
        subscriptions = [
            replace(a_subscription(), channel=Channel("slack", name, team))
            for name, team in (("CFIRST", "T1"), ("CSECOND", "T2"))
        ]
        workspaces.store.subscriptions.sync_from_settings(subscriptions, now=NOW)
        await workspaces.second.dispatch_event(
            type="app_home_opened", user=workspaces.ada, tab="home", channel="D1"
        )
        await workspaces.second.wait_until(lambda: workspaces.ada in workspaces.second.homes)
        home = read_text(workspaces.second.homes[workspaces.ada]["blocks"])
        assert "CSECOND" in home
        assert "CFIRST" not in home
        assert workspaces.first.homes == {}

    run_scenario(scenario)


def test_missed_reactions_are_read_in_the_workspace_of_each_post() -> None:
    async def scenario(workspaces: TwoWorkspaces) -> None:
        workspaces.store.library.add([(a_paper(PAPER), a_review())], now=NOW)
        channels = []
        for slack in (workspaces.first, workspaces.second):
            channel = Channel("slack", slack.add_channel(f"of-{slack.team_id}"), slack.team_id)
            receipt = await workspaces.platform.post(channel, PAGE, key="k", thread=None)
            workspaces.store.posts.record_shared(Post(channel, receipt, (PAPER,), {}), now=NOW)
            for user in (workspaces.ada, slack.bot_user):
                await slack.add_reaction(user, channel.channel, receipt, is_dispatched=False)
            channels.append(channel)
        await workspaces.listeners.marks.catch_up()
        for channel in channels:
            assert workspaces.store.marks.mark_counts(channel, [PAPER]) == {PAPER: 1}

    run_scenario(scenario)
