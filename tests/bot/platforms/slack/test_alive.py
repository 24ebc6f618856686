"""A sign of life in Slack, over the wire: an empty day that becomes a digest, and posts that stay true."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest

from bot.clock import tick
from bot.deliver import Desk
from bot.discuss import Discussion, Emojis
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.session import open_session, web_client
from bot.upkeep import EVERY, mend
from config.settings import Slack
from digests.build import Habits
from digests.model import NOT_REVIEWED, Channel, Style, Trouble
from digests.ports import SETTLED, Store
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription
from tests.fakes.slack import FakeSlack, Fault, read

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

    def desk(self) -> Desk:
        return Desk(
            self.store,
            {"slack": self.platform},
            Habits(),
            "a",
            lambda: self.now,
            time_out=timedelta(seconds=2),
            chance=lambda: 0.0,
        )

    def subscribe(self, style: Style) -> None:
        one = replace(a_subscription(style=style), channel=self.channel)
        self.store.subscriptions.keep([one], now=self.now - timedelta(minutes=1))

    def bring(self) -> None:
        records = [(a_paper(name, version=1), a_review(7.4)) for name in PAPERS]
        self.store.papers.add(records, now=self.now)
        self.store.papers.imported(now=self.now)

    async def tick(self) -> None:
        await tick(self.desk())

    async def mend(self) -> None:
        await mend(self.desk(), KEEP, asyncio.Event())

    def said(self) -> list[str]:
        return [read(message["blocks"]) for message in self.slack.messages(self.channel.channel)]

    def keys(self) -> list[str]:
        messages = self.slack.messages(self.channel.channel)
        return [message["metadata"]["event_payload"]["key"] for message in messages]


def told(story: Callable[[Office], Awaitable[None]]) -> None:
    async def run() -> None:
        async with FakeSlack() as slack, open_session(1) as session:
            client = web_client(slack.bot_token, settings=Slack(api_base_url=slack.url), session=session)
            channel = Channel("slack", slack.add_channel("papers"), "T1")
            await story(Office(slack, SlackPlatform(client), channel))
            assert slack.protocol_errors == []

    asyncio.run(run())


@pytest.mark.parametrize(("style", "messages"), [(Style.CARDS, 3), (Style.THREAD, 3), (Style.COMPACT, 1)])
@pytest.mark.parametrize("fault", [None, Fault.DROP_BEFORE, Fault.DROP_AFTER])
def test_an_outage_is_told_and_becomes_the_digest_though_the_edits_answer_is_lost(
    style: Style, messages: int, fault: Fault | None
) -> None:
    async def story(office: Office) -> None:
        office.store.health.report("arxiv", Trouble.OUTAGE, now=NOW - timedelta(hours=2))
        office.subscribe(style)
        await office.tick()
        (empty,) = office.said()
        assert "arXiv has not answered since 07:00." in empty
        assert "0 seen, 0 scored, 0 shown." in empty
        office.now += timedelta(hours=3)
        office.store.health.report("arxiv", None, now=office.now)
        office.bring()
        office.now += SETTLED
        if fault:
            office.slack.fail("chat.update", fault)
        for _ in range(2):
            await office.tick()
            office.now += timedelta(minutes=2)
        first, *cards = office.said()
        assert "2 of 2 new papers" in first
        assert not any("has not answered" in one for one in office.said())
        assert len(cards) == messages - 1
        assert len(set(office.keys())) == messages

    told(story)


def test_voices_and_news_stand_on_one_message_whichever_came_first_and_whatever_answer_was_lost() -> None:
    async def story(office: Office) -> None:
        office.bring()
        office.subscribe(Style.CARDS)
        await office.tick()
        await office.mend()
        emojis = Emojis("bookmark", ())
        discussion = Discussion(office.store, office.platform, emojis, lambda: office.now)
        discussion.counts.burst = 0
        await discussion.toggle(office.channel, PAPERS[0], "ada")
        await discussion.counts.finish()
        revised = a_paper(PAPERS[0], version=2, updated=date(2026, 11, 24))
        office.store.papers.add([(revised, a_review(8.1))], now=office.now)
        office.slack.fail("chat.update", Fault.DROP_AFTER)
        await office.mend()
        office.now += EVERY
        await office.mend()
        card = office.said()[1]
        assert "Update: v2 since 24 November 2026 · reviewed anew: 8.1, was 7.4" in card
        assert "Discuss · 1" in card
        await discussion.toggle(office.channel, PAPERS[0], "bob")
        await discussion.counts.finish()
        assert "Update: v2" in office.said()[1]
        assert "Discuss · 2" in office.said()[1]
        assert "Update" not in office.said()[2]

    told(story)


def test_a_withdrawn_paper_says_so_and_a_deleted_message_is_asked_for_once() -> None:
    async def story(office: Office) -> None:
        office.bring()
        office.subscribe(Style.CARDS)
        await office.tick()
        await office.mend()
        gone = [(a_paper(name, version=2, withdrawn=date(2026, 11, 24)), NOT_REVIEWED) for name in PAPERS]
        office.store.papers.add(gone, now=office.now)
        messages = office.slack.messages(office.channel.channel)
        del messages[2]
        for _ in range(3):
            await office.mend()
            office.now += EVERY
        assert "Update: withdrawn by its authors on 24 November 2026" in office.said()[1]
        assert "withdrawn by its authors" in messages[1]["text"]
        assert len(office.slack.called("chat.update")) == 2

    told(story)


def test_a_digest_that_a_rate_limit_refused_comes_later_where_the_history_may_not_be_read() -> None:
    async def story(office: Office) -> None:
        office.bring()
        office.subscribe(Style.COMPACT)
        office.slack.scopes.discard("channels:history")
        office.slack.limit_seconds = 5
        office.slack.fail("chat.postMessage", Fault.RATE_LIMITED)
        await office.tick()
        assert office.said() == []
        office.now += timedelta(minutes=2)
        await office.tick()
        assert len(office.said()) == 1

    told(story)
