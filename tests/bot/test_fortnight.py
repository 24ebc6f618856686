"""A fortnight of `paperround run`, from an empty store: arXiv, a model and Slack on this machine, and a clock that is moved.

It has two weekends, a holiday, an outage that ends later that day, a morning without the model, a day beyond the budget
and a feed that is yesterday's. Each day's message is one that a person would accept, and no paper comes twice.
"""

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from digests.calendar import NEW_YORK
from digests.model import REVIEWER
from digests.ports import Store
from digests.ports.sources import SourceState
from digests.store import open_store
from tests.chaos.child import Spawn, spawn_process
from tests.chaos.clock import FileClock
from tests.fakes import arxiv_days
from tests.fakes.arxiv_days import Announcement
from tests.fakes.feeds import FakeFeeds
from tests.fakes.feeds import FeedFault as FeedFault
from tests.fakes.openai_server import MODEL, OpenAiServer
from tests.fakes.openai_server import ModelFault as ModelFault
from tests.fakes.slack import FakeSlack, read_text

ROOT = Path(__file__).parents[2]
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 16)
HOLIDAY = date(2026, 11, 27)
"""Thanksgiving evening has no announcement, so that the feed of the day after is empty."""
PAPERS, PAPERS_OF_A_BIG_DAY = 12, 160
BIG_DAY = date(2026, 11, 23)
MANY = 1000
PATIENCE = 150.0
"""Seconds: this machine may be busy."""
TOKENS_A_DAY = 150_000
"""Enough for a day of `PAPERS`, too little for the big one."""

SETTINGS = """
[store]
url = "sqlite:///{folder}/p.db"
[fetching]
arxiv_gap_seconds = 0
[[sources]]
kind = "arxiv"
categories = ["cs.LG", "cs.CL", "cs.CV", "cs.AI", "cs.RO"]
rss_url = "{feeds.rss_url}"
oai_url = "{feeds.oai_url}"
query_url = "{feeds.query_url}"
[[sources]]
kind = "huggingface"
url = "{feeds.daily_papers_url}"
[reviewer]
base_url = "{model.base_url}"
model = "{name}"
tokens_per_day = {tokens}
full_text = false
full_reviews_per_day = 5
[platforms.slack]
api_base_url = "{slack.url}"
messages_per_second_per_channel = 1000
messages_per_second = 1000
[[subscriptions]]
platform = "slack"
channel = "{channel}"
at = "09:00"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
time_zone = "Europe/Berlin"
top = 3
"""


@dataclass(slots=True)
class Fortnight:
    """The servers, the clock, and what the channel has heard so far."""

    clock: FileClock
    slack: FakeSlack
    feeds: FakeFeeds
    model: OpenAiServer
    store: Store
    channel: str
    log: Path
    heard: int = 0
    digests: dict[date, str] = field(default_factory=dict)

    async def night(self, day: date) -> None:
        """What arXiv has after midnight in New York is fetched and scored; then the best are read in full."""
        self.clock.set(began := datetime(day.year, day.month, day.day, 0, 45, tzinfo=NEW_YORK))
        if day.weekday() < 5:
            await self.until(partial(self._tried, "arxiv", began), f"arXiv was asked on {day}")
        await self.until(partial(self._tried, "huggingface", began), f"Hugging Face was asked on {day}")
        await self.reviewed()
        self.clock.set(datetime(day.year, day.month, day.day, 2, 0, tzinfo=NEW_YORK))
        await self.reviewed()

    def _tried(self, source: str, since: datetime) -> bool:
        """Whether a fetch has ended that began since then."""
        last = self.store.sources.load_state(source).last_try
        return last is not None and last >= since

    async def reviewed(self) -> None:
        """The model has had a look at everything that is there now: a round that began later has ended."""
        for _ in range(2):
            began = self.clock()
            await self.until(partial(self._looked, began), "the model looked at what came in")

    def _looked(self, since: datetime) -> bool:
        state = next((one for one in self.store.health.latest_reports() if one.subject == REVIEWER), None)
        return bool(state and state.reported_at > since)

    async def morning(self, day: date) -> str:
        """Nine o'clock in Berlin: what the channel now hears."""
        self.clock.set(datetime(day.year, day.month, day.day, 9, 0, 1, tzinfo=BERLIN))
        (subscription,) = self.store.subscriptions.list_active()

        def delivered() -> bool:
            newest = self.store.delivery_reports.history(subscription, 1)
            return bool(newest and newest[0].edition == day and newest[0].state in ("posted", "empty"))

        await self.until(delivered, f"the edition of {day}")
        self.digests[day] = said = self.new_messages()
        return said

    async def day(self, day: date) -> str:
        """A night and its morning."""
        await self.night(day)
        return await self.morning(day)

    def new_messages(self) -> str:
        """What was posted since the last look."""
        messages = self.slack.messages_in(self.channel)
        new, self.heard = messages[self.heard :], len(messages)
        return "\n".join(read_text(message["blocks"]) for message in new)

    def papers_shown(self) -> Counter[str]:
        """Each paper that stands in the channel, with how often it does."""
        everything = "\n".join(
            read_text(message["blocks"]) for message in self.slack.messages_in(self.channel)
        )
        return Counter(re.findall(r"arxiv\.org/abs/(\d{4}\.\d{5})", everything))

    async def until(self, holds: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
        """Wait for something to come true. Raises AssertionError with the end of the log."""
        end = time.monotonic() + seconds
        while not await asyncio.to_thread(holds):
            if time.monotonic() > end:
                tail = "\n".join(self.log.read_text().splitlines()[-15:])
                raise AssertionError(f"not within {seconds} s: {what}\n{tail}")
            await asyncio.sleep(0.02)


@asynccontextmanager
async def a_fortnight(folder: Path) -> AsyncIterator[Fortnight]:
    """`paperround run` over an empty store, from the night to Monday on; it ends well at the end."""
    clock = FileClock(folder / "clock")
    clock.set(datetime(2026, 11, 15, 23, 0, tzinfo=NEW_YORK))

    def announced(day: date) -> list[Announcement]:
        count = PAPERS_OF_A_BIG_DAY if day == BIG_DAY else PAPERS
        return arxiv_days.announcements_of(day, count, frozenset([HOLIDAY]))

    feeds = FakeFeeds(clock, announcement_source=announced, upvotes=lambda day: [], retry_after="3600")
    async with FakeSlack(clock=clock.timestamp, rate_limits=False) as slack, feeds, OpenAiServer() as model:
        channel = slack.add_channel("papers")
        (folder / "paperround.toml").write_text(
            SETTINGS.format(
                folder=folder, feeds=feeds, model=model, name=MODEL, tokens=TOKENS_A_DAY, slack=slack, channel=channel
            )
        )  # fmt: skip
        process = spawn_process(
            Spawn(folder, clock.file, _environment(slack), folder / "log", tick_seconds=0.1)
        )
        try:
            await slack.wait_until(lambda: slack.sockets or process.exitcode is not None, 60)
            store = open_store(f"sqlite:///{folder / 'p.db'}")
            yield Fortnight(clock, slack, feeds, model, store, channel, folder / "log")
            store.close()
            os.kill(process.pid or 0, signal.SIGTERM)
            await asyncio.to_thread(process.join, 30)
            assert process.exitcode == 0
        finally:
            process.kill()
            await asyncio.to_thread(process.join)


def _environment(slack: FakeSlack) -> dict[str, str]:
    ours = ("SLACK_", "DISCORD_", "PAPERROUND_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return clean | {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "PAPERROUND_REVIEWER_KEY": "a-key",
        "PYTHONPATH": str(ROOT),
    }


def test_a_fortnight_has_a_message_that_a_person_would_accept_on_each_of_its_days(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_fortnight(tmp_path) as fortnight:
            try:
                await _two_weeks(fortnight)
            finally:
                for day, said in fortnight.digests.items():
                    print(f"=== {day:%A %d %B}\n{said}\n")
            repeated = {paper for paper, times in fortnight.papers_shown().items() if times > 1}
            assert repeated == set()
            assert "Traceback" not in fortnight.log.read_text()

    asyncio.run(story())


async def _two_weeks(fortnight: Fortnight) -> None:
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = _week_from(MONDAY)
    for ordinary in (monday, tuesday):
        _is_a_whole_digest(await fortnight.day(ordinary), ordinary)
    await _an_outage_that_ends_that_day(fortnight, wednesday)
    await _a_morning_without_the_model(fortnight, thursday)
    _is_a_whole_digest(await fortnight.day(friday), friday)
    for quiet in (saturday, sunday):
        said = await fortnight.day(quiet)
        assert "nothing from arXiv today" in said
        assert "come with the digest of Monday 23 November" in said

    monday, tuesday, wednesday, thursday, friday, saturday, sunday = _week_from(BIG_DAY)
    said = await fortnight.day(monday)
    _is_a_whole_digest(said, monday)
    assert "The budget for reviews is spent for today" in said
    _has_what_was_looked_at(await fortnight.day(tuesday), tuesday)
    fortnight.feeds.fail_next("/rss", FeedFault.STALE, MANY)
    fortnight.feeds.fail_next("/oai", FeedFault.EMPTY, MANY)
    assert "arXiv answers, but has shown nothing new since" in await fortnight.day(wednesday)
    fortnight.feeds.clear_faults()
    _is_a_whole_digest(await fortnight.day(thursday), thursday)
    assert friday == HOLIDAY
    assert "Thanksgiving" in await fortnight.day(friday)
    for quiet in (saturday, sunday):
        assert "nothing from arXiv today" in await fortnight.day(quiet)


def _week_from(monday: date) -> list[date]:
    return [monday + timedelta(days=number) for number in range(7)]


def _is_a_whole_digest(said: str, day: date) -> None:
    """Three papers, each with its score and its reviewer's name, and the limitations of at least one."""
    _has_what_was_looked_at(said, day)
    assert "*Limitations*" in said


def _has_what_was_looked_at(said: str, day: date) -> None:
    """The same on the day after a big one: what is looked at last may be the best, and no review in full is left for it."""
    assert said.startswith(f"{day:%A} {day.day} {day:%B} - 3 of ")
    assert said.count(f"Reviewed by {MODEL}") == 3
    assert said.count("/10 · ") == 3
    assert said.count("*Limitations*") + said.count("Limitations not reviewed") == 3


async def _an_outage_that_ends_that_day(fortnight: Fortnight, day: date) -> None:
    """The message says so; when the papers come at noon, it becomes the digest."""
    fortnight.feeds.fail_next("/rss", FeedFault.RATE_LIMITED, MANY)
    fortnight.feeds.fail_next("/oai", FeedFault.RATE_LIMITED, MANY)
    said = await fortnight.day(day)
    assert "a source does not answer" in said
    assert "they take this message's place" in said
    before = len(fortnight.slack.messages_in(fortnight.channel))
    await _papers_come_after_all(fortnight, day)
    await fortnight.reviewed()
    fortnight.clock.set(datetime(day.year, day.month, day.day, 13, 30, tzinfo=BERLIN))
    await fortnight.slack.wait_until(
        lambda: len(fortnight.slack.messages_in(fortnight.channel)) == before + 3, PATIENCE
    )
    first = read_text(fortnight.slack.messages_in(fortnight.channel)[before - 1]["blocks"])
    assert first.startswith(f"{day:%A} {day.day} {day:%B} - 3 of ")
    late = fortnight.digests[day] = f"{first}\n{fortnight.new_messages()}"
    _is_a_whole_digest(late, day)
    assert "came in after today's first message" in late


async def _papers_come_after_all(fortnight: Fortnight, day: date) -> None:
    """At noon, unless a fetch that was under way just then was told to try again in an hour."""
    fortnight.feeds.clear_faults()
    fortnight.clock.set(noon := datetime(day.year, day.month, day.day, 12, tzinfo=BERLIN))

    def state() -> SourceState:
        return fortnight.store.sources.load_state("arxiv")

    def is_well() -> bool:
        return state().failure == ""

    def is_told_to_wait() -> bool:
        return (state().next_try_at or noon) > noon + timedelta(minutes=30)

    await fortnight.until(lambda: is_well() or is_told_to_wait(), "arXiv was asked again")
    if not is_well():
        fortnight.clock.set(noon + timedelta(minutes=65))
        await fortnight.until(is_well, "arXiv was asked once more")


async def _a_morning_without_the_model(fortnight: Fortnight, day: date) -> None:
    """The abstract speaks for itself, and nothing is invented."""
    fortnight.model.fault_by_title[""] = ModelFault.SERVER_ERROR
    said = await fortnight.day(day)
    fortnight.model.fault_by_title.clear()
    assert said.count("From the abstract:") == 3
    assert said.count("Limitations not reviewed") == 3
    assert "The reviewer has not answered since" in said
