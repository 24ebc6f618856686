"""A sign of life in Slack, over the wire: an empty day that becomes a digest, and posts that stay true."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest

from bot.conversation.marks import MarkEmojis, MarkHandler
from bot.delivery.deliver import DeliveryContext, DeliveryPolicy
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
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription
from tests.fakes.slack import FakeSlack, SlackFault, read_text

PAPERS = ("2401.00001", "2401.00002")
KEEP = timedelta(days=14)


@dataclass(slots=True)
class Office:
    """A channel of a fake Slack with its digest, and a clock that is set by hand."""

    slack: FakeSlack
    platform: SlackPlatform
    channel: Channel
    store: Store = field(default_factory=a_store)
    now: datetime = NOW

    def desk(self) -> DeliveryContext:
        return DeliveryContext(
            self.store,
            {"slack": self.platform},
            DigestPolicy(),
            "a",
            lambda: self.now,
            DeliveryPolicy(timeout=timedelta(seconds=2)),
            jitter=lambda: 0.0,
        )

    def subscribe(self, style: DigestStyle) -> None:
        one = replace(a_subscription(style=style), channel=self.channel)
        self.store.subscriptions.sync_from_settings([one], now=self.now - timedelta(minutes=1))

    def bring(self) -> None:
        records = [(a_paper(name, version=1), a_review(7.4)) for name in PAPERS]
        self.store.library.add(records, now=self.now)
        self.store.sources.record_import(now=self.now)

    async def tick(self) -> None:
        await deliver_due_editions(self.desk())

    async def mend(self) -> None:
        refresher = PostRefresher(
            self.store, {"slack": self.platform}, lambda: self.now, timedelta(seconds=2), max_age=KEEP
        )
        await refresher.refresh_due_posts(asyncio.Event())

    def said(self) -> list[str]:
        return [read_text(message["blocks"]) for message in self.slack.messages_in(self.channel.channel)]

    def keys(self) -> list[str]:
        messages = self.slack.messages_in(self.channel.channel)
        return [message["metadata"]["event_payload"]["key"] for message in messages]


def told(story: Callable[[Office], Awaitable[None]]) -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(1) as session:
            settings = SlackSettings(api_base_url=slack.url)
            workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: NOW)
            channel = Channel("slack", slack.add_channel("papers"), "T1")
            await story(Office(slack, SlackPlatform(workspaces), channel))
            assert slack.protocol_errors == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("style", "messages"), [(DigestStyle.CARDS, 3), (DigestStyle.THREAD, 3), (DigestStyle.COMPACT, 1)]
)
@pytest.mark.parametrize("fault", [None, SlackFault.DROP_BEFORE, SlackFault.DROP_AFTER])
def test_an_outage_is_told_and_becomes_the_digest_though_the_edits_answer_is_lost(
    style: DigestStyle, messages: int, fault: SlackFault | None
) -> None:
    async def scenario(office: Office) -> None:
        office.store.health.report("arxiv", Trouble.OUTAGE, now=NOW - timedelta(hours=2))
        office.subscribe(style)
        await office.tick()
        (empty,) = office.said()
        assert "arXiv has not answered since 07:00." in empty
        assert "0 seen, 0 scored, 0 shown." in empty
        office.now += timedelta(hours=3)
        office.store.health.report("arxiv", None, now=office.now)
        office.bring()
        office.now += IMPORT_DEBOUNCE
        if fault:
            office.slack.fail_next("chat.update", fault)
        for _ in range(2):
            await office.tick()
            office.now += timedelta(minutes=2)
        first, *cards = office.said()
        assert "2 of 2 new papers" in first
        assert not any("has not answered" in one for one in office.said())
        assert len(cards) == messages - 1
        assert len(set(office.keys())) == messages

    told(scenario)


def test_voices_and_news_stand_on_one_message_whichever_came_first_and_whatever_answer_was_lost() -> None:
    async def scenario(office: Office) -> None:
        office.bring()
        office.subscribe(DigestStyle.CARDS)
        await office.tick()
        await office.mend()
        emojis = MarkEmojis("bookmark", ())
        discussion = MarkHandler(office.store, office.platform, emojis, lambda: office.now)
        discussion.debouncer.delay_seconds = 0
        await discussion.toggle_mark(office.channel, PAPERS[0], "ada")
        await discussion.debouncer.flush_pending()
        revised = a_paper(PAPERS[0], version=2, updated=date(2026, 11, 24))
        office.store.library.add([(revised, a_review(8.1))], now=office.now)
        office.slack.fail_next("chat.update", SlackFault.DROP_AFTER)
        await office.mend()
        office.now += EDIT_INTERVAL
        await office.mend()
        card = office.said()[1]
        assert "Update: v2 since 24 November 2026 · new review: 8.1 (was 7.4)" in card
        assert "Discuss · 1" in card
        await discussion.toggle_mark(office.channel, PAPERS[0], "bob")
        await discussion.debouncer.flush_pending()
        assert "Update: v2" in office.said()[1]
        assert "Discuss · 2" in office.said()[1]
        assert "Update" not in office.said()[2]

    told(scenario)


def test_a_withdrawn_paper_says_so_and_a_deleted_message_is_asked_for_once() -> None:
    async def scenario(office: Office) -> None:
        office.bring()
        office.subscribe(DigestStyle.CARDS)
        await office.tick()
        await office.mend()
        gone = [(a_paper(name, version=2, withdrawn=date(2026, 11, 24)), NOT_REVIEWED) for name in PAPERS]
        office.store.library.add(gone, now=office.now)
        messages = office.slack.messages_in(office.channel.channel)
        del messages[2]
        for _ in range(3):
            await office.mend()
            office.now += EDIT_INTERVAL
        assert "Update: withdrawn by its authors on 24 November 2026" in office.said()[1]
        assert "withdrawn by its authors" in messages[1]["text"]
        assert len(office.slack.calls_of("chat.update")) == 2

    told(scenario)


def test_a_digest_that_a_rate_limit_refused_comes_later_where_the_history_may_not_be_read() -> None:
    async def scenario(office: Office) -> None:
        office.bring()
        office.subscribe(DigestStyle.COMPACT)
        office.slack.scopes.discard("channels:history")
        office.slack.limit_seconds = 5
        office.slack.fail_next("chat.postMessage", SlackFault.RATE_LIMITED)
        await office.tick()
        assert office.said() == []
        office.now += timedelta(minutes=2)
        await office.tick()
        assert len(office.said()) == 1

    told(scenario)
