"""Late digests and refreshed posts in Slack, over the wire."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest

from bot.conversation.answers import Answers
from bot.conversation.marks import MarkEmojis, MarkHandler
from bot.delivery.context import DeliveryContext, DeliveryPolicy
from bot.delivery.post_refresher import EDIT_INTERVAL, PostRefresher
from bot.delivery.worker import deliver_due_editions
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.session import open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.build import DigestPolicy
from digests.model import NOT_REVIEWED, Trouble
from digests.ports import Store
from digests.ports.outbox import IMPORT_DEBOUNCE
from digests.subscription import Channel, DigestStyle
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription, find_nothing
from tests.fakes.slack import FakeSlack, SlackFault, read_text

PAPERS = ("2401.00001", "2401.00002")
MAX_AGE = timedelta(days=14)


@dataclass(slots=True)
class Workspace:
    """A channel of a fake Slack with its digest, and a clock that the test sets."""

    slack: FakeSlack
    platform: SlackPlatform
    channel: Channel
    store: Store = field(default_factory=a_store)
    now: datetime = NOW

    def create_context(self) -> DeliveryContext:
        return DeliveryContext(
            self.store,
            {"slack": self.platform},
            DigestPolicy(),
            "a",
            lambda: self.now,
            DeliveryPolicy(timeout=timedelta(seconds=30)),
            jitter=lambda: 0.0,
        )

    def subscribe(self, style: DigestStyle) -> None:
        one = replace(a_subscription(style=style), channel=self.channel)
        self.store.subscriptions.sync_from_settings([one], now=self.now - timedelta(minutes=1))

    def import_papers(self) -> None:
        records = [(a_paper(name, version=1), a_review(7.4)) for name in PAPERS]
        self.store.library.add(records, now=self.now)
        self.store.sources.record_import(now=self.now)

    async def deliver_due_digests(self) -> None:
        await deliver_due_editions(self.create_context())

    async def refresh_posts(self) -> None:
        refresher = PostRefresher(
            self.store, {"slack": self.platform}, lambda: self.now, timedelta(seconds=30), max_age=MAX_AGE
        )
        await refresher.refresh_due_posts(asyncio.Event())

    def read_messages(self) -> list[str]:
        return [read_text(message["blocks"]) for message in self.slack.messages_in(self.channel.channel)]

    def list_keys(self) -> list[str]:
        messages = self.slack.messages_in(self.channel.channel)
        return [message["metadata"]["event_payload"]["key"] for message in messages]


def run_scenario(scenario: Callable[[Workspace], Awaitable[None]]) -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(30) as session:
            settings = SlackSettings(api_base_url=slack.url)
            workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: NOW)
            channel = Channel("slack", slack.add_channel("papers"), "T1")
            await scenario(Workspace(slack, SlackPlatform(workspaces), channel))
            assert slack.protocol_errors == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("style", "messages"), [(DigestStyle.CARDS, 3), (DigestStyle.THREAD, 3), (DigestStyle.COMPACT, 1)]
)
@pytest.mark.parametrize("fault", [None, SlackFault.DROP_BEFORE, SlackFault.DROP_AFTER])
def test_an_outage_notice_becomes_the_digest_although_the_answer_to_its_edit_is_lost(
    style: DigestStyle, messages: int, fault: SlackFault | None
) -> None:
    async def scenario(workspace: Workspace) -> None:
        workspace.store.health.report("arxiv", Trouble.OUTAGE, now=NOW - timedelta(hours=2))
        workspace.subscribe(style)
        await workspace.deliver_due_digests()
        (empty,) = workspace.read_messages()
        assert "arXiv has not answered since 07:00." in empty
        workspace.now += timedelta(hours=3)
        workspace.store.health.report("arxiv", None, now=workspace.now)
        workspace.import_papers()
        workspace.now += IMPORT_DEBOUNCE
        if fault:
            workspace.slack.fail_next("chat.update", fault)
        for _ in range(2):
            await workspace.deliver_due_digests()
            workspace.now += timedelta(minutes=2)
        first, *cards = workspace.read_messages()
        assert "2 papers" in first
        assert not any("has not answered" in one for one in workspace.read_messages())
        assert len(cards) == messages - 1
        assert len(set(workspace.list_keys())) == messages

    run_scenario(scenario)


def test_mark_counts_and_updates_appear_on_one_message_in_any_order() -> None:
    async def scenario(workspace: Workspace) -> None:
        workspace.import_papers()
        workspace.subscribe(DigestStyle.CARDS)
        await workspace.deliver_due_digests()
        await workspace.refresh_posts()
        emojis = MarkEmojis("bookmark", ())
        queue = Answers(workspace.store, find_nothing, DigestPolicy(), lambda: workspace.now).queue
        discussion = MarkHandler(queue, workspace.platform, emojis, lambda: workspace.now)
        discussion.debouncer.delay_seconds = 0
        await discussion.toggle_mark(workspace.channel, PAPERS[0], "ada")
        await discussion.debouncer.flush_pending()
        revised = a_paper(PAPERS[0], version=2, updated=date(2026, 11, 24))
        workspace.store.library.add([(revised, a_review(8.1))], now=workspace.now)
        workspace.slack.fail_next("chat.update", SlackFault.DROP_AFTER)
        await workspace.refresh_posts()
        workspace.now += EDIT_INTERVAL
        await workspace.refresh_posts()
        card = workspace.read_messages()[1]
        assert "Update: v2 since 24 November 2026 · new review: 8.1 (was 7.4)" in card
        assert "Discuss · 1" in card
        await discussion.toggle_mark(workspace.channel, PAPERS[0], "bob")
        await discussion.debouncer.flush_pending()
        assert "Update: v2" in workspace.read_messages()[1]
        assert "Discuss · 2" in workspace.read_messages()[1]
        assert "Update" not in workspace.read_messages()[2]

    run_scenario(scenario)


def test_a_withdrawn_paper_is_announced_and_a_deleted_message_is_edited_once() -> None:
    async def scenario(workspace: Workspace) -> None:
        workspace.import_papers()
        workspace.subscribe(DigestStyle.CARDS)
        await workspace.deliver_due_digests()
        await workspace.refresh_posts()
        gone = [(a_paper(name, version=2, withdrawn=date(2026, 11, 24)), NOT_REVIEWED) for name in PAPERS]
        workspace.store.library.add(gone, now=workspace.now)
        messages = workspace.slack.messages_in(workspace.channel.channel)
        del messages[2]
        for _ in range(3):
            await workspace.refresh_posts()
            workspace.now += EDIT_INTERVAL
        assert "Update: withdrawn by its authors on 24 November 2026" in workspace.read_messages()[1]
        assert "withdrawn by its authors" in messages[1]["text"]
        assert len(workspace.slack.calls_of("chat.update")) == 2

    run_scenario(scenario)


def test_a_rate_limited_digest_is_retried_without_the_right_to_read_the_history() -> None:
    async def scenario(workspace: Workspace) -> None:
        workspace.import_papers()
        workspace.subscribe(DigestStyle.COMPACT)
        workspace.slack.scopes.discard("channels:history")
        workspace.slack.limit_seconds = 60
        workspace.slack.fail_next("chat.postMessage", SlackFault.RATE_LIMITED)
        await workspace.deliver_due_digests()
        assert workspace.read_messages() == []
        workspace.now += timedelta(minutes=2)
        await workspace.deliver_due_digests()
        assert len(workspace.read_messages()) == 1

    run_scenario(scenario)
