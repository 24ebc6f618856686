"""A fortnight of `paperround run` from an empty store, with fake servers and a settable clock.

It has two weekends, a holiday, an outage that ends later that day, a morning without the model,
a day over the budget and a stale feed. Each day has an acceptable message, and no paper is posted twice.

The test waits for conditions, never for a number of seconds: a wait fails when the reviewer has completed
many rounds and the condition is still false, or when nothing at all has changed for a very long time.
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
"""The day after Thanksgiving. arXiv announces nothing on the evening before, so that its feed is empty."""
PAPERS, PAPERS_OF_BIG_DAY = 12, 160
BIG_DAY = date(2026, 11, 23)
MANY = 1000
TOKENS_PER_DAY = 150_000
"""Enough for a day of `PAPERS`, too little for the big day."""

POLL_SECONDS = 0.02
MAX_ROUNDS = 1000
"""Rounds of the reviewer within which a condition comes true. An idle process completes ten per second."""
STALL_SECONDS = 300.0
"""Seconds without a request, a log line or a write to the store, after which the process counts as stuck."""

SETTINGS = """
[store]
url = "sqlite:///{folder}/p.db"
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
[[subscriptions]]
platform = "slack"
channel = "{channel}"
at = "09:00"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
time_zone = "Europe/Berlin"
top = 3
"""


def test_every_day_of_a_fortnight_has_an_acceptable_message(tmp_path: Path) -> None:
    async def run_scenario() -> None:
        async with run_service(tmp_path) as fortnight:
            try:
                await _run_two_weeks(fortnight)
            finally:
                print(fortnight.log.read_text())
                for day, digest in fortnight.digests.items():
                    print(f"=== {day:%A %d %B}\n{digest}\n")
            repeated = {paper for paper, count in fortnight.count_posted_papers().items() if count > 1}
            assert repeated == set()
            assert "Traceback" not in fortnight.log.read_text()

    asyncio.run(run_scenario())


@dataclass(slots=True)
class Fortnight:
    """The fake servers, the clock, the store of the running service, and the digests posted so far."""

    clock: FileClock
    slack: FakeSlack
    feeds: FakeFeeds
    model: OpenAiServer
    store: Store
    channel: str
    log: Path
    message_count: int = 0
    digests: dict[date, str] = field(default_factory=dict)

    async def run_day(self, day: date) -> str:
        """Run a night and its morning. Returns the text that is posted in the morning."""
        await self.run_night(day)
        return await self.run_morning(day)

    async def run_night(self, day: date) -> None:
        """Wait until the announcement of the night is fetched and scored, then for the full reviews."""
        start = datetime(day.year, day.month, day.day, 0, 45, tzinfo=NEW_YORK)
        self.clock.set(start)
        if day.weekday() < 5:
            await self.wait_until(partial(self.has_fetched, "arxiv", start), f"arXiv is fetched on {day}")
        await self.wait_until(
            partial(self.has_fetched, "huggingface", start), f"Hugging Face is fetched on {day}"
        )
        await self.wait_for_review_round()
        self.clock.set(datetime(day.year, day.month, day.day, 2, 0, tzinfo=NEW_YORK))
        await self.wait_for_review_round()

    async def run_morning(self, day: date) -> str:
        """Set the clock to nine in Berlin, wait for the edition of the day, and return the posted text."""
        self.clock.set(datetime(day.year, day.month, day.day, 9, 0, 1, tzinfo=BERLIN))
        await self.wait_until(
            partial(self.has_delivered, day, "posted", "empty"), f"the edition of {day} is delivered"
        )
        digest = self.take_new_messages()
        self.digests[day] = digest
        return digest

    def has_delivered(self, day: date, *states: str) -> bool:
        """True once the edition of the day is in one of the states."""
        (subscription,) = self.store.subscriptions.list_active()
        newest = self.store.delivery_reports.history(subscription, 1)
        return bool(newest and newest[0].edition == day and newest[0].state in states)

    def has_fetched(self, source: str, since: datetime) -> bool:
        """True once a fetch has ended that started at `since` or later."""
        last_try = self.store.sources.load_state(source).last_try
        return last_try is not None and last_try >= since

    async def wait_for_review_round(self) -> None:
        """Wait until the reviewer has completed a round that started after this call."""
        # The first round to end may have started before the call.
        for _ in range(2):
            start = self.clock()
            await self.wait_until(partial(self._has_reviewed, start), "a round of reviews ends")

    def _has_reviewed(self, since: datetime) -> bool:
        last_round = self._last_review_round()
        return bool(last_round and last_round > since)

    def _last_review_round(self) -> datetime | None:
        """Return the end of the last round; every round reports its health."""
        reports = self.store.health.latest_reports()
        return next((report.reported_at for report in reports if report.subject == REVIEWER), None)

    def take_new_messages(self) -> str:
        """Return the text of the messages posted since the previous call."""
        messages = self.slack.messages_in(self.channel)
        new_messages, self.message_count = messages[self.message_count :], len(messages)
        return "\n".join(read_text(message["blocks"]) for message in new_messages)

    def count_posted_papers(self) -> Counter[str]:
        """Return the number of digests that show each paper, by arXiv id.

        A digest links a paper several times: in its overview, and on the card with a page at another site.
        """
        shown = [set(re.findall(r"/arxiv\.org/abs/(\d{4}\.\d{5})", text)) for text in self.digests.values()]
        return Counter(paper for papers in shown for paper in papers)

    async def wait_until(self, condition: Callable[[], object], description: str) -> None:
        """Wait for a condition.

        Raises AssertionError with the end of the log after `MAX_ROUNDS`, or when the process is stuck.
        """
        watchdog = StallWatchdog(self._collect_activity)
        rounds: set[datetime | None] = set()
        while not await asyncio.to_thread(condition):
            rounds.add(await asyncio.to_thread(self._last_review_round))
            if len(rounds) > MAX_ROUNDS or watchdog.is_stuck():
                log_tail = "\n".join(self.log.read_text().splitlines()[-15:])
                reason = "nothing changes any more" if len(rounds) <= MAX_ROUNDS else f"{MAX_ROUNDS} rounds"
                raise AssertionError(f"{reason}, and still not: {description}\n{log_tail}")
            await asyncio.sleep(POLL_SECONDS)

    def _collect_activity(self) -> object:
        return (
            len(self.model.requests),
            len(self.feeds.requests),
            len(self.slack.calls),
            self.log.stat().st_size,
            self._last_review_round(),
        )


class StallWatchdog:
    """Reports that nothing has changed for `STALL_SECONDS`, however slow the machine is."""

    def __init__(self, collect_activity: Callable[[], object]) -> None:
        self._collect_activity = collect_activity
        self._activity: object = None
        self._changed_at = time.monotonic()

    def is_stuck(self) -> bool:
        """Compare the activity with that of the previous call."""
        activity, now = self._collect_activity(), time.monotonic()
        if activity != self._activity:
            self._activity, self._changed_at = activity, now
        return now - self._changed_at > STALL_SECONDS


@asynccontextmanager
async def run_service(folder: Path) -> AsyncIterator[Fortnight]:
    """Run `paperround run` over an empty store from the night before Monday, and stop it at the end."""
    clock = FileClock(folder / "clock")
    clock.set(datetime(2026, 11, 15, 23, 0, tzinfo=NEW_YORK))

    def list_announcements(day: date) -> list[Announcement]:
        count = PAPERS_OF_BIG_DAY if day == BIG_DAY else PAPERS
        return arxiv_days.announcements_of(day, count, frozenset([HOLIDAY]))

    feeds = FakeFeeds(
        clock, announcement_source=list_announcements, upvotes=lambda day: [], retry_after="3600"
    )
    async with FakeSlack(clock=clock.timestamp, rate_limits=False) as slack, feeds, OpenAiServer() as model:
        channel = slack.add_channel("papers")
        (folder / "paperround.toml").write_text(
            SETTINGS.format(
                folder=folder, feeds=feeds, model=model, name=MODEL, tokens=TOKENS_PER_DAY, slack=slack,
                channel=channel,
            )
        )  # fmt: skip
        log = folder / "log"
        log.touch()
        process = spawn_process(Spawn(folder, clock.file, _environment(slack), log, tick_seconds=0.1))
        try:
            watchdog = StallWatchdog(lambda: (len(slack.calls), log.stat().st_size))
            while not slack.sockets:
                assert process.exitcode is None, log.read_text()
                assert not watchdog.is_stuck(), log.read_text()
                await asyncio.sleep(POLL_SECONDS)
            store = open_store(f"sqlite:///{folder / 'p.db'}")
            yield Fortnight(clock, slack, feeds, model, store, channel, log)
            store.close()
            os.kill(process.pid or 0, signal.SIGTERM)
            await asyncio.to_thread(process.join, STALL_SECONDS)
            assert process.exitcode == 0
        finally:
            process.kill()
            await asyncio.to_thread(process.join)


def _environment(slack: FakeSlack) -> dict[str, str]:
    prefixes = ("SLACK_", "DISCORD_", "PAPERROUND_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return inherited | {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "PAPERROUND_REVIEWER_KEY": "a-key",
        "PYTHONPATH": str(ROOT),
    }


async def _run_two_weeks(fortnight: Fortnight) -> None:
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = _week_from(MONDAY)
    for ordinary_day in (monday, tuesday):
        _assert_full_digest(await fortnight.run_day(ordinary_day), ordinary_day)
    await _run_outage_that_ends_that_day(fortnight, wednesday)
    await _run_morning_without_model(fortnight, thursday)
    _assert_full_digest(await fortnight.run_day(friday), friday)
    for empty_day in (saturday, sunday):
        digest = await fortnight.run_day(empty_day)
        assert "nothing from arXiv today" in digest
        assert "come with the digest of Monday 23 November" in digest

    monday, tuesday, wednesday, thursday, friday, saturday, sunday = _week_from(BIG_DAY)
    digest = await fortnight.run_day(monday)
    _assert_full_digest(digest, monday)
    assert "The budget for reviews is spent for today" in digest
    _assert_scored_digest(await fortnight.run_day(tuesday), tuesday)
    fortnight.feeds.fail_next("/rss", FeedFault.STALE, MANY)
    fortnight.feeds.fail_next("/oai", FeedFault.EMPTY, MANY)
    assert "arXiv answers, but has shown nothing new since" in await fortnight.run_day(wednesday)
    fortnight.feeds.clear_faults()
    _assert_full_digest(await fortnight.run_day(thursday), thursday)
    assert friday == HOLIDAY
    assert "Thanksgiving" in await fortnight.run_day(friday)
    for empty_day in (saturday, sunday):
        assert "nothing from arXiv today" in await fortnight.run_day(empty_day)


def _week_from(monday: date) -> list[date]:
    return [monday + timedelta(days=number) for number in range(7)]


def _assert_full_digest(digest: str, day: date) -> None:
    """Three papers, each with score and reviewer, and the limitations of at least one."""
    _assert_scored_digest(digest, day)
    assert "*Limitations*" in digest


def _assert_scored_digest(digest: str, day: date) -> None:
    """Three papers, each with score and reviewer.

    On the day after the big day, the best papers may be scored last, when no budget is left for full reviews.
    """
    assert digest.startswith(f"{day:%a} {day.day} {day:%b} · 3 of ")
    assert digest.count(f"Reviewed by {MODEL}") == 3
    assert digest.count("/10 · ") == 3


async def _run_outage_that_ends_that_day(fortnight: Fortnight, day: date) -> None:
    """The morning's message reports the outage. It becomes the digest when the papers come at noon."""
    fortnight.feeds.fail_next("/rss", FeedFault.RATE_LIMITED, MANY)
    fortnight.feeds.fail_next("/oai", FeedFault.RATE_LIMITED, MANY)
    digest = await fortnight.run_day(day)
    assert "a source does not answer" in digest
    assert "they take this message's place" in digest
    count_before = len(fortnight.slack.messages_in(fortnight.channel))
    await _end_outage(fortnight, day)
    await fortnight.wait_for_review_round()
    fortnight.clock.set(datetime(day.year, day.month, day.day, 13, 30, tzinfo=BERLIN))
    # The state comes after the last message: the next day must not begin before.
    await fortnight.wait_until(partial(fortnight.has_delivered, day, "posted"), "the papers are posted")
    assert len(fortnight.slack.messages_in(fortnight.channel)) == count_before + 3
    first = read_text(fortnight.slack.messages_in(fortnight.channel)[count_before - 1]["blocks"])
    assert first.startswith(f"{day:%a} {day.day} {day:%b} · 3 of ")
    late_digest = f"{first}\n{fortnight.take_new_messages()}"
    fortnight.digests[day] = late_digest
    _assert_full_digest(late_digest, day)
    assert "came in after today's first message" in late_digest


async def _end_outage(fortnight: Fortnight, day: date) -> None:
    """End the outage at noon and wait for the fetch.

    The outage ends between two fetches. A fetch in progress would import a part of the papers and fail; they
    would be old enough for the late digest before they are scored.
    """
    nine, noon = (datetime(day.year, day.month, day.day, hour, tzinfo=BERLIN) for hour in (9, 12))
    await fortnight.wait_until(partial(fortnight.has_fetched, "arxiv", nine), "arXiv fails at nine")
    fortnight.feeds.clear_faults()
    fortnight.clock.set(noon)
    await fortnight.wait_until(
        lambda: fortnight.store.sources.load_state("arxiv").failure == "", "arXiv is fetched at noon"
    )


async def _run_morning_without_model(fortnight: Fortnight, day: date) -> None:
    """The message is no ranking, and nothing is invented."""
    fortnight.model.fault_by_title[""] = ModelFault.SERVER_ERROR
    digest = await fortnight.run_day(day)
    fortnight.model.fault_by_title.clear()
    assert digest.count("No scores yet: 3 of ") == 1
    assert "Reviewed by" not in digest
    assert "Limitation" not in digest
    assert "The reviewer has not answered since" in digest
