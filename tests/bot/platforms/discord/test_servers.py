"""Servers of strangers, and forged values: an attacker over a strict fake, against the real discord.py."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.cli.workspaces import decide_workspace
from bot.conversation.answers import Answers
from bot.platforms.discord import servers as servers_module
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.events import REMOVED_REASON
from bot.platforms.discord.forms import FORM_ID_PREFIX, STALE_FORM
from bot.platforms.discord.gateway import Gateway, keep_connected
from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.rest import RestClient, use_addresses
from bot.platforms.discord.servers import FOREIGN_PERSON, FOREIGN_SERVER, NOT_CONFIRMED, ServedServers
from bot.platforms.discord.settings import DiscordSettings
from bot.platforms.registry import find_settings_models
from config.settings import build_settings_model
from digests.build import DigestPolicy
from digests.model import Post
from digests.ports import Store
from digests.ports.workspaces import WorkspaceState
from digests.subscription import Channel, Subscription
from tests.bot.platforms.discord.processes import wait_for_answer
from tests.builders import NOW, a_paper, a_review, a_scored_paper, a_search_result, a_store
from tests.fakes.discord import DiscordFault, DiscordInteraction, FakeDiscord, read_text
from tests.fakes.wire import WAIT_SECONDS

pytestmark = pytest.mark.usefixtures("brisk")

SERVER_MESSAGES_INTENT, DIRECT_MESSAGES_INTENT = 1 << 9, 1 << 12
PAPER = "2402.01306"
SETTINGS = build_settings_model(find_settings_models()).model_validate({"version": 1})
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _discords_own_addresses() -> Iterator[None]:
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


@dataclass(frozen=True, slots=True)
class TwoServers:
    """Our server and one of Eve, with a channel each, and the bot that is in both. Each rules her own."""

    discord: FakeDiscord
    store: Store
    ours: str
    theirs: str
    papers: str
    lair: str
    ada: str
    eve: str

    def channel(self, channel: str) -> Channel:
        return Channel("discord", channel, self.discord.channels[channel].guild)

    def subscribe(self, channel: str) -> None:
        subscription = Subscription(self.channel(channel))
        self.store.subscriptions.change(subscription.channel, subscription, by="Ada", now=NOW)

    def has_digest(self, channel: str) -> bool:
        return self.store.subscriptions.find(self.channel(channel)) is not None

    def message_with_button(self, channel: str, custom_id: str) -> Json:
        row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "x", "custom_id": custom_id}]}
        return {**self.discord.add_message(channel), "components": [row]}

    async def click(self, custom_id: str, *, user: str, channel: str, **more: Any) -> str:
        """Click a button of a message of the bot, and return the answer."""
        message = self.message_with_button(channel, custom_id)
        clicked = await self.discord.click_button(
            custom_id, user=user, channel=channel, within=message, **more
        )
        return await wait_for_answer(self.discord, clicked)

    async def answer_to(self, command: str, *, user: str, channel: str, **options: Any) -> str:
        typed = await self.discord.run_command(command, user=user, channel=channel, **options)
        return await wait_for_answer(self.discord, typed)


@asynccontextmanager
async def open_servers(
    store: Store | None = None, *, named: tuple[str, ...] = (), has_decider: bool = False, **settings: Any
) -> AsyncIterator[TwoServers]:
    """Serve our server; Eve invites the bot to hers once it runs."""
    store, stop = store or a_store(), asyncio.Event()
    store.library.add([(a_paper(PAPER), a_review())], now=NOW)
    async with FakeDiscord(response_seconds=WAIT_SECONDS) as discord:
        ours, theirs = discord.add_guild("Ours"), discord.add_guild("Eve's", has_bot=False)
        papers, lair = (discord.add_channel("papers", guild=guild) for guild in (ours, theirs))
        ada = discord.add_user("ada", can_manage=True, guilds=[ours])
        eve = discord.add_user("eve", can_manage=True, guilds=[theirs])
        model = DiscordSettings(
            api_base_url=discord.url, gateway_url=discord.gateway_url, servers=named, **settings
        )
        use_addresses(model)
        rest = RestClient(discord.token, 10)
        answers = Answers(
            store,
            lambda request: a_search_result(a_scored_paper(PAPER, a_review())),
            DigestPolicy(),
            lambda: NOW,
            deciders=frozenset({f"discord:{ours}:{ada}"} if has_decider else ()),
        )
        listeners = DiscordListeners(answers, DiscordPlatform(rest), model, lambda: NOW)
        keeping = asyncio.create_task(
            keep_connected(
                lambda: Gateway(listeners, model, ready_seconds=0.05),
                discord.token,
                stop,
                listeners.dispatcher.drain_tasks,
            )
        )
        await discord.wait_until(lambda: discord.connected_sessions and discord.commands)
        servers = TwoServers(discord, store, ours, theirs, papers, lair, ada, eve)
        assert "KTO" not in await servers.answer_to("paper", user=ada, channel=papers, query=PAPER)
        await discord.invite_bot(theirs)
        await wait_for_state(store, theirs, WorkspaceState.ASKED)
        yield servers
        stop.set()
        async with asyncio.timeout(WAIT_SECONDS):
            await keeping
        await rest.close()
        assert discord.protocol_errors == []


async def wait_for_state(store: Store, server: str, state: WorkspaceState) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while state not in [one.state for one in store.workspaces.list_all() if one.id == server]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def run_scenario(
    scenario: Callable[[TwoServers], Awaitable[None]], store: Store | None = None, **settings: Any
) -> None:
    async def run() -> None:
        async with open_servers(store, **settings) as servers:
            await scenario(servers)

    asyncio.run(run())


# A stranger's server.


def test_a_strangers_server_gets_one_private_sentence_for_whatever_it_tries() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord, eve, lair = servers.discord, servers.eve, servers.lair
        servers.store.moderation.hold(PAPER, "It holds an order.", now=NOW)
        replies: list[DiscordInteraction] = [
            await discord.run_command("paper", user=eve, channel=lair, query=PAPER),
            *[
                await discord.run_command(f"digest {verb}", user=eve, channel=lair)
                for verb in ("today", "queue", "held", "subscribe", "settings", "pause", "help")
            ],
            *[
                await discord.use_context_menu(
                    menu, user=eve, channel=lair, message=discord.add_message(lair, PAPER, author=eve)
                )
                for menu in ("Mark for discussion", "Keep as note")
            ],
        ]
        others = ("release", "reject", "discuss", "share", "show", "discussed", "undo", "settings")
        for action in (*others, "report", "again", "review"):
            message = servers.message_with_button(lair, f"{action}:{PAPER}")
            replies.append(await discord.click_button(action, user=eve, channel=lair, within=message))
        for reply in replies:
            assert await wait_for_answer(discord, reply) == FOREIGN_SERVER
            assert reply.modal is None
            assert reply.responses[0]["flags"] == 64
        assert await discord.request_choices("paper", "query", "k", user=eve, channel=lair) == []
        choices = await discord.request_choices("digest subscribe", "domains", "v", user=eve, channel=lair)
        assert choices == []
        assert [held.scored_paper.paper.id for held in servers.store.moderation.list_held()] == [PAPER]
        assert not servers.has_digest(lair)

    run_scenario(scenario)


async def open_what(servers: TwoServers) -> dict[str, Any]:
    """Open the first part of the form in Ada's channel."""
    settings = await servers.discord.run_command("digest settings", user=servers.ada, channel=servers.papers)
    await wait_for_answer(servers.discord, settings)
    opened = await servers.discord.click_button(
        "form:what", user=servers.ada, channel=servers.papers, within={**settings.responses[0], "flags": 64}
    )
    assert opened.modal
    return opened.modal


def test_a_report_from_a_strangers_server_or_a_direct_message_is_not_kept() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord, store = servers.discord, servers.store
        message = servers.message_with_button(servers.papers, f"report:{PAPER}")
        opened = await discord.click_button(
            "report", user=servers.ada, channel=servers.papers, within=message
        )
        assert opened.modal
        values = {"part": ["score"], "reason": "Too high."}
        sent = await discord.submit_modal(opened.modal, values, user=servers.eve, channel=servers.lair)
        assert await wait_for_answer(discord, sent) == FOREIGN_SERVER
        direct = discord.open_dm(servers.ada)
        sent = await discord.submit_modal(opened.modal, values, user=servers.ada, channel=direct)
        assert "for the people of a workspace" in await wait_for_answer(discord, sent)
        assert store.review_reports.list_open(9) == []
        sent = await discord.submit_modal(opened.modal, values, user=servers.ada, channel=servers.papers)
        assert "it is kept" in await wait_for_answer(discord, sent)

    run_scenario(scenario)


def has_no_channel(answer: str) -> bool:
    return "no such channel" in answer


def test_a_form_that_was_opened_elsewhere_is_not_taken_from_a_strangers_server() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord = servers.discord
        modal = await open_what(servers)
        for channel in (servers.papers, servers.lair):
            forged = {**modal, "custom_id": f"{FORM_ID_PREFIX}what:{channel}"}
            sent = await discord.submit_modal(
                forged, {"groups": ["vision"]}, user=servers.eve, channel=servers.lair
            )
            assert await wait_for_answer(discord, sent) == FOREIGN_SERVER
        assert servers.store.subscriptions.list_active() == []

    run_scenario(scenario)


def test_reactions_in_a_strangers_server_mark_nothing() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord, store = servers.discord, servers.store
        theirs, ours = (discord.add_message(channel) for channel in (servers.lair, servers.papers))
        for channel, message in ((servers.lair, theirs), (servers.papers, ours)):
            store.posts.record_shared(Post(servers.channel(channel), message["id"], (PAPER,), {}), now=NOW)
        await discord.add_reaction(servers.eve, theirs)
        await discord.add_reaction(servers.ada, ours)
        async with asyncio.timeout(WAIT_SECONDS):
            while not store.marks.mark_counts(servers.channel(servers.papers), [PAPER]).get(PAPER):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await discord.end_sessions()  # The reactions of recent posts are read again after a new session.
        await discord.wait_until(lambda: discord.identify_count == 2)
        await servers.answer_to("paper", user=servers.ada, channel=servers.papers, query=PAPER)
        await discord.wait_until(lambda: "message" in [name for name, _ in discord.calls])
        assert not store.marks.mark_counts(servers.channel(servers.lair), [PAPER]).get(PAPER)

    run_scenario(scenario)


def test_a_stranger_who_invites_the_bot_neither_takes_our_place_nor_is_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(servers: TwoServers) -> None:
        def find_requests() -> list[str]:
            return [text for text in caplog.messages if "asks to be served" in text]

        await servers.discord.wait_until(find_requests)
        (asks,) = find_requests()
        assert servers.theirs in asks
        assert "Eve's" in asks
        await servers.discord.remove_bot(servers.ours)
        await servers.discord.end_sessions()
        await servers.discord.wait_until(lambda: servers.discord.identify_count == 2)
        answer = await servers.answer_to("digest queue", user=servers.eve, channel=servers.lair)
        assert answer == FOREIGN_SERVER
        assert servers.store.workspaces.list_served("discord") == {servers.ours}

    run_scenario(scenario)


def test_a_decider_is_told_once_of_servers_that_ask_however_often_they_do() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord = servers.discord
        letters = discord.messages_in(discord.open_dm(servers.ada))
        await discord.wait_until(lambda: letters)
        assert "Eve's" in read_text(letters[0])
        assert servers.theirs in read_text(letters[0])
        for _ in range(3):
            await discord.remove_bot(servers.theirs)
            async with asyncio.timeout(WAIT_SECONDS):
                while len(servers.store.workspaces.list_all()) > 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await discord.invite_bot(servers.theirs)
            await wait_for_state(servers.store, servers.theirs, WorkspaceState.ASKED)
        answer = await servers.answer_to("digest queue", user=servers.eve, channel=servers.lair)
        assert answer == FOREIGN_SERVER
        assert len(letters) == 1

    run_scenario(scenario, has_decider=True)


def test_a_decision_counts_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers_module, "CACHE_SECONDS", 0.0)
    monkeypatch.setattr(servers_module, "RECHECK_SECONDS", 0.0)

    async def scenario(servers: TwoServers) -> None:
        async def ask() -> str:
            return await servers.answer_to("digest queue", user=servers.eve, channel=servers.lair)

        def decide(*, allow: bool) -> None:
            decide_workspace(servers.store, SETTINGS, "discord", servers.theirs, allow=allow, now=NOW)

        assert await ask() == FOREIGN_SERVER
        decide(allow=True)
        assert "Nothing to discuss" in await ask()
        subscribed = await servers.answer_to(
            "digest subscribe", user=servers.eve, channel=servers.lair, top=2
        )
        assert "Done" in subscribed
        decide(allow=False)
        assert await ask() == FOREIGN_SERVER
        (known,) = servers.store.subscriptions.list_active()
        assert not known.is_running

    run_scenario(scenario)


def test_a_denial_counts_for_changes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers_module, "RECHECK_SECONDS", 0.0)

    async def scenario(servers: TwoServers) -> None:
        def decide(*, allow: bool) -> None:
            decide_workspace(servers.store, SETTINGS, "discord", servers.theirs, allow=allow, now=NOW)

        def is_running() -> bool:
            (known,) = servers.store.subscriptions.list_active()
            return known.is_running

        decide(allow=True)
        subscribed = await servers.answer_to(
            "digest subscribe", user=servers.eve, channel=servers.lair, top=2
        )
        assert "Done" in subscribed
        decide(allow=False)
        for command in ("digest resume", "digest unsubscribe", "digest queue"):
            answer = await servers.answer_to(command, user=servers.eve, channel=servers.lair)
            assert answer == FOREIGN_SERVER
        for custom_id in ("undo:1", f"share:{PAPER}", f"discussed:{PAPER}", f"requeue:1:{PAPER}"):
            assert await servers.click(custom_id, user=servers.eve, channel=servers.lair) == FOREIGN_SERVER
        assert not is_running()

    run_scenario(scenario)


def test_a_server_that_is_denied_stays_denied_though_it_has_digests() -> None:
    store = a_store()

    async def scenario(servers: TwoServers) -> None:
        servers.subscribe(servers.lair)
        store.workspaces.decide("discord", servers.theirs, WorkspaceState.DENIED, now=NOW)
        await servers.discord.end_sessions()
        await servers.discord.wait_until(lambda: servers.discord.identify_count == 2)
        assert servers.theirs not in await restart(store)
        assert servers.ours in await restart(store)

    run_scenario(scenario, store)


async def restart(store: Store, *guilds: int, named: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the servers that a newly started bot in these guilds serves."""
    servers = ServedServers(store, named, lambda: NOW)
    await servers.take_in(guilds)
    return await servers.list_served()


def test_served_are_the_servers_of_the_settings_of_digests_and_of_the_list() -> None:
    store = a_store()
    of_settings, of_people = Channel("discord", "1", "10"), Channel("discord", "2", "20")
    store.subscriptions.sync_from_settings(
        [Subscription(of_settings), Subscription(Channel("slack", "3", "T1"))], now=NOW
    )
    store.subscriptions.change(of_people, Subscription(of_people), by="Ada", now=NOW)
    store.workspaces.decide("discord", "30", WorkspaceState.SERVED, now=NOW)
    store.workspaces.decide("discord", "40", WorkspaceState.DENIED, now=NOW)
    for denied in ("10", "50"):  # The settings file wins over a denial.
        store.workspaces.decide("discord", denied, WorkspaceState.DENIED, now=NOW)
    served = asyncio.run(restart(store, 60, named=frozenset({"50"})))
    assert served == {"10", "20", "30", "50"}
    assert store.workspaces.list_denied("discord") == {"40"}
    store.subscriptions.change(of_people, None, by="Ada", now=NOW)
    assert "20" in asyncio.run(restart(store)), "the end of its digest is not the end of a server"


def test_of_several_servers_that_nothing_names_none_is_served() -> None:
    store = a_store()
    assert asyncio.run(restart(store, 1, 2)) == frozenset()
    assert asyncio.run(restart(store, 1)) == {"1"}
    assert asyncio.run(restart(store, 2)) == {"1"}


def test_a_channel_of_the_settings_without_a_server_names_the_server_that_it_is_in() -> None:
    store = a_store()
    store.subscriptions.sync_from_settings([Subscription(Channel("discord", "7"))], now=NOW)

    async def run() -> frozenset[str]:
        servers = ServedServers(store, frozenset(), lambda: NOW)
        await servers.take_in([1, 2])
        await servers.record_names({1: "Ours", 2: "Theirs"}, {"7": 1}.get)
        return await servers.list_served()

    assert asyncio.run(run()) == {"1"}
    assert [one.id for one in store.workspaces.list_all()] == ["2"]


def test_a_server_that_comes_back_gets_only_the_digests_that_its_removal_stopped() -> None:
    async def scenario(servers: TwoServers) -> None:
        archived = servers.discord.add_channel("archived", guild=servers.ours)
        for channel in (servers.papers, archived):
            servers.subscribe(channel)
        servers.store.subscriptions.stop(servers.channel(archived), "The channel takes no posts.")
        await servers.discord.remove_bot(servers.ours)
        await wait_for_stop(servers, REMOVED_REASON)
        await wait_for_removals(servers, [("discord", servers.ours)])
        await servers.discord.invite_bot(servers.ours)
        await wait_for_stop(servers, "")
        await wait_for_removals(servers, [])
        known = servers.store.subscriptions.find(servers.channel(archived))
        assert known
        assert known.stop_reason == "The channel takes no posts."

    run_scenario(scenario)


async def wait_for_stop(servers: TwoServers, reason: str) -> None:
    """Wait until the digest of our channel is stopped for this reason; an empty one: until it runs."""
    async with asyncio.timeout(WAIT_SECONDS):
        while reason not in [known.stop_reason for known in list_of_papers(servers)]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def wait_for_removals(servers: TwoServers, removed: list[tuple[str, str]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while servers.store.workspaces.list_removed(before=NOW + timedelta(days=1)) != removed:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def list_of_papers(servers: TwoServers) -> list[Subscription]:
    known = servers.store.subscriptions.find(servers.channel(servers.papers))
    return [known] if known else []


# Outside of servers.


def test_a_look_up_outside_of_our_servers_is_for_their_people() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord = servers.discord
        bob = discord.add_user("bob", guilds=[servers.ours])
        for user, answers in ((bob, True), (servers.eve, False)):
            for here in (discord.open_dm(user), servers.lair):
                answer = await servers.answer_to(
                    "paper", user=user, channel=here, user_installed=True, query=PAPER
                )
                assert (answer == FOREIGN_PERSON) == (not answers)
        members_asked = [name for name, _ in discord.calls if name == "member"]
        assert len(members_asked) == 2, "each person is asked about once"

    run_scenario(scenario)


def test_outside_of_servers_nothing_but_a_persons_own_buttons_works() -> None:
    async def scenario(servers: TwoServers) -> None:
        bob = servers.discord.add_user("bob", can_manage=True, guilds=[servers.ours])
        servers.store.moderation.hold(PAPER, "It holds an order.", now=NOW)
        for action in ("release", "reject", "share", "discussed", "requeue", "undo", "settings"):
            answer = await servers.click(
                f"{action}:{PAPER}", user=bob, channel=servers.lair, user_installed=True
            )
            assert "only in a server that Paperround serves" in answer
        direct = servers.discord.open_dm(bob)  # The person's own place, where digests can be changed.
        for action, said in (("release", "operator names"), ("reject", "operator names"), ("undo", "undone")):
            assert said in await servers.click(f"{action}:{PAPER}", user=bob, channel=direct)
        assert len(servers.store.moderation.list_held()) == 1
        assert servers.discord.messages_in(servers.lair)[-1]["content"] == "x"

    run_scenario(scenario)


def test_a_person_of_whom_discord_says_nothing_is_not_answered() -> None:
    async def scenario(servers: TwoServers) -> None:
        bob = servers.discord.add_user("bob", guilds=[servers.ours])
        servers.discord.fail_next("member", DiscordFault.GARBAGE)
        where = servers.discord.open_dm(bob)
        answers = [await servers.answer_to("paper", user=bob, channel=where, query=PAPER) for _ in range(2)]
        assert answers[0] == NOT_CONFIRMED
        assert "Paper 2402" in answers[1]

    run_scenario(scenario)


# Values that come from a person's client.


def test_a_form_names_a_channel_of_its_own_server_that_person_and_bot_can_use() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord, ada = servers.discord, servers.ada
        secret = await discord.open_channel("secret", guild=servers.ours)
        closed = await discord.open_channel("closed", guild=servers.ours, denied=["send_messages"])
        other = await discord.open_channel("other", guild=servers.ours)
        discord.channels[secret].denied_people[ada] = {"view_channel"}
        await discord.dispatch_event("CHANNEL_UPDATE", discord._channel_json(discord.channels[secret]), 1)
        modal = await open_what(servers)

        async def submit(channel: str) -> str:
            forged = {**modal, "custom_id": f"{FORM_ID_PREFIX}what:{channel}"}
            sent = await discord.submit_modal(
                forged, {"groups": ["vision"]}, user=ada, channel=servers.papers
            )
            saved = await servers.click(f"form:save:{channel}", user=ada, channel=servers.papers)
            assert has_no_channel(saved) == has_no_channel(await wait_for_answer(discord, sent))
            opened = await servers.discord.submit_modal(
                {**modal, "custom_id": f"{FORM_ID_PREFIX}{channel}"}, {}, user=ada, channel=servers.papers
            )
            assert STALE_FORM in await wait_for_answer(discord, opened)
            return await wait_for_answer(discord, sent)

        for channel in (servers.lair, secret, "²", "", "1", "9" * 70, discord.open_dm(ada)):
            assert "no such channel" in await submit(channel)
        assert "I may not Send Messages" in await submit(closed)
        assert servers.store.subscriptions.list_active() == []
        assert "Done" in await submit(other)
        assert servers.has_digest(other)

    run_scenario(scenario)


def test_a_settings_button_opens_no_form_of_another_servers_channel() -> None:
    async def scenario(servers: TwoServers) -> None:
        servers.subscribe(servers.lair)
        for value in (servers.lair, "²", "x"):
            answer = await servers.click(f"settings:{value}", user=servers.ada, channel=servers.papers)
            assert "no such channel" in answer

    run_scenario(scenario)


def test_a_command_for_a_channel_that_the_person_cannot_see_says_nothing_of_it() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord, ada = servers.discord, servers.ada
        secret = discord.add_channel("secret", guild=servers.ours)
        discord.channels[secret].denied_people[ada] = {"view_channel"}
        await discord.dispatch_event("CHANNEL_CREATE", discord._channel_json(discord.channels[secret]), 1)
        for options in ({}, {"top": 2}):
            answer = await servers.answer_to(
                "digest subscribe", user=ada, channel=servers.papers, channel_=secret, **options
            )
            assert "no such channel" in answer
        assert not servers.has_digest(secret)

    run_scenario(scenario, who_may_change="anyone")


def test_a_paper_is_shared_only_by_people_who_may_write_in_the_channel() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord, papers = servers.discord, servers.papers
        bob = discord.add_user("bob", guilds=[servers.ours])
        discord.channels[papers].denied_people[bob] = {"send_messages"}
        await discord.dispatch_event("CHANNEL_UPDATE", discord._channel_json(discord.channels[papers]), 1)
        refused = await servers.click(f"share:{PAPER}", user=bob, channel=papers)
        assert "may not write" in refused
        message = discord.add_message(papers)
        thread = discord._do_create_thread(None, {"name": "t"}, papers, message["id"])["id"]  # type: ignore[arg-type]
        await discord.dispatch_event("THREAD_CREATE", discord._channel_json(discord.channels[thread]), 1)
        refused = await servers.click(f"share:{PAPER}", user=bob, channel=thread)
        assert "may not write" in refused
        before = len(discord.messages_in(papers))
        assert "Shared" in await servers.click(f"share:{PAPER}", user=servers.ada, channel=papers)
        shared = discord.messages_in(papers)[before:]
        assert any("Shared by ada" in read_text(one) for one in shared)

    run_scenario(scenario)


# Direct messages.


def test_a_direct_message_is_a_look_up_for_people_of_a_served_server_alone() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord = servers.discord
        answers = {}

        def has_answer(direct: str) -> bool:
            return len(discord.messages_in(direct)) > 1

        for person in (servers.ada, servers.eve):
            direct = discord.open_dm(person)
            typed = discord.add_message(direct, "limitations of KTO?", author=person)
            await discord.dispatch_event("MESSAGE_CREATE", typed, DIRECT_MESSAGES_INTENT)
            await discord.wait_until(partial(has_answer, direct))
            answers[person] = str(discord.messages_in(direct)[-1])
        assert "Paper 2402.01306" in answers[servers.ada]
        assert FOREIGN_PERSON in answers[servers.eve]

    run_scenario(scenario)


# Mentions.


async def mention(
    servers: TwoServers, text: str, *, author: str, channel: str, fields: Json | None = None
) -> Json:
    """Post a message in a server, and send its event, with other fields of it."""
    discord = servers.discord
    typed = {**discord.add_message(channel, text, author=author), **(fields or {})}
    typed["guild_id"] = discord.channels[channel].guild
    await discord.dispatch_event("MESSAGE_CREATE", typed, SERVER_MESSAGES_INTENT)
    return typed


def test_a_mention_is_a_look_up_that_replies_once() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord, papers = servers.discord, servers.papers
        words = f"<@{discord.bot_user}> what are the limitations of KTO?"
        typed = await mention(servers, words, author=servers.ada, channel=papers)
        await discord.dispatch_event("MESSAGE_CREATE", typed, SERVER_MESSAGES_INTENT)
        await discord.wait_until(lambda: find_replies(discord, papers))
        await mention(servers, f"<@!{discord.bot_user}>", author=servers.ada, channel=papers)
        await discord.wait_until(lambda: len(find_replies(discord, papers)) > 1)
        answer, help_text = find_replies(discord, papers)
        assert "Paper 2402.01306" in read_text(answer)
        assert answer["message_reference"]["message_id"] == typed["id"]
        assert "Share to channel" not in read_text(answer)
        assert "/digest subscribe" in read_text(help_text)

    run_scenario(scenario)


def test_nobody_but_people_of_served_servers_who_name_the_bot_is_answered() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord, papers = servers.discord, servers.papers
        named = f"<@{discord.bot_user}> KTO"
        bot = {"id": "5", "username": "b", "discriminator": "0", "avatar": None, "bot": True}
        await mention(servers, named, author=servers.eve, channel=servers.lair)
        for fields in ({"author": bot}, {"webhook_id": "77"}, {"type": 7}):
            await mention(servers, named, author=servers.ada, channel=papers, fields=fields)
        await mention(servers, "nice paper!", author=servers.ada, channel=papers)
        await mention(servers, "<@1> KTO", author=servers.ada, channel=papers)
        last = await mention(servers, named, author=servers.ada, channel=papers)
        await discord.wait_until(lambda: find_replies(discord, papers))
        (answer,) = find_replies(discord, papers)
        assert answer["message_reference"]["message_id"] == last["id"]
        assert find_replies(discord, servers.lair) == []

    run_scenario(scenario)


def test_who_mentions_the_bot_too_often_gets_no_further_replies() -> None:
    async def scenario(servers: TwoServers) -> None:
        discord, papers = servers.discord, servers.papers
        for _ in range(40):
            await mention(servers, f"<@{discord.bot_user}> KTO", author=servers.ada, channel=papers)
        discord.rate_limits = False
        bob = discord.add_user("bob", guilds=[servers.ours])
        last = await mention(servers, f"<@{discord.bot_user}> KTO", author=bob, channel=papers)

        def has_last() -> bool:
            references = [one["message_reference"]["message_id"] for one in find_replies(discord, papers)]
            return last["id"] in references

        await discord.wait_until(has_last)
        assert len(find_replies(discord, papers)) < 35

    run_scenario(scenario)


def find_replies(discord: FakeDiscord, channel: str) -> list[Json]:
    return [one for one in discord.messages_in(channel) if one.get("message_reference")]


def test_further_results_are_shown_in_direct_messages_too() -> None:
    async def scenario(servers: TwoServers) -> None:
        direct = servers.discord.open_dm(servers.ada)
        answer = await servers.click("more:2:language models", user=servers.ada, channel=direct)
        assert "Results 3 to 3" in answer

    run_scenario(scenario)
