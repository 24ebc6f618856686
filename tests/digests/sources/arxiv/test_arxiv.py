"""The arXiv source: feeds, backfill of missed days, papers by id, positions and polling."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.ingest.fetching import FetchReport, fetch_requested_papers, fetch_source, find_due_sources
from digests.calendar import NEW_YORK
from digests.model import NOT_REVIEWED, Trouble
from digests.ports import Store
from digests.ports.sources import SourceState
from digests.sources.arxiv.days import feed_days_between, latest_feed_day
from digests.sources.arxiv.position import ArxivPosition, Harvest
from digests.sources.arxiv.source import ArxivAddresses, ArxivSource, choose_next_poll
from digests.sources.http.client import RequestLimits, open_client
from digests.sources.http.turns import ServerTurns
from tests.builders import a_paper, a_store
from tests.fakes.feeds import FakeFeeds, FeedFault

TUESDAY = datetime(2026, 11, 24, 1, 0, tzinfo=NEW_YORK)
THANKSGIVING = date(2026, 11, 26)


@dataclass
class World:
    """A store, a source over the fake servers, and a clock that scenarios move."""

    feeds: FakeFeeds
    store: Store
    now: datetime
    source: ArxivSource

    async def fetch(self, since: date | None = None) -> FetchReport:
        return await fetch_source(self.source, self.store, lambda: self.now, since=since)

    @property
    def complete_through(self) -> dict[str, date]:
        return dict(ArxivPosition.from_json(self.store.sources.load_state("arxiv").position).complete_through)

    def known_ids(self) -> set[str]:
        return {scored.paper.id for _, scored in self.store.library.changes_after(0, 10_000)}

    def announced_ids(self, *days: date) -> set[str]:
        return {
            one.id
            for day in days
            for one in self.feeds.announcements_on(day)
            if one.kind in ("new", "cross") and set(one.categories) & set(self.source.categories)
        }


Scenario = Callable[[World], Awaitable[None]]


def run_scenario(
    scenario: Scenario, at: datetime = TUESDAY, categories: tuple[str, ...] = ("cs.LG", "cs.CL")
) -> None:
    async def run() -> None:
        world: World
        async with FakeFeeds(clock=lambda: world.now, holidays=frozenset([THANKSGIVING])) as feeds:
            addresses = ArxivAddresses(feeds.rss_url, feeds.oai_url, feeds.query_url)

            waited = timedelta()

            def clock() -> datetime:
                return world.now

            def clock_of_turns() -> datetime:
                return world.now + waited

            async def pause(seconds: float) -> None:
                nonlocal waited
                waited += timedelta(seconds=seconds)

            store = a_store()
            turns = ServerTurns(store.sources, "arxiv", "one", timedelta(seconds=3), clock_of_turns, pause)
            connect = partial(open_client, "", clock, trusted_addresses=(feeds.url,), pause=pause)
            world = World(feeds, store, at, ArxivSource(categories, connect, turns, addresses))
            await scenario(world)

    asyncio.run(run())


def at(day: date, hour: int = 1) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK)


def test_a_first_fetch_returns_the_days_papers_once() -> None:
    async def scenario(world: World) -> None:
        fetched = await world.fetch()
        day = TUESDAY.date()
        assert fetched.failure == ""
        assert world.known_ids() == world.announced_ids(day)
        assert fetched.counts.new == len(world.known_ids())
        assert world.complete_through == {"cs.LG": day, "cs.CL": day}
        assert len(world.feeds.requests) == 1
        assert world.store.sources.last_import() == TUESDAY.astimezone(UTC)

    run_scenario(scenario)


def test_the_same_day_again_changes_nothing() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        before = world.store.library.latest_sequence()
        again = await world.fetch()
        assert (again.counts.new, again.counts.changed) == (0, 0)
        assert world.store.library.latest_sequence() == before

    run_scenario(scenario)


def test_a_new_version_and_a_withdrawal_update_a_paper_without_announcing_it() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        considered = world.store.library.latest_sequence()
        world.now += timedelta(days=1)
        await world.fetch()
        again = [one for one in world.feeds.announcements_on(world.now.date()) if one.kind == "replace"]
        known = world.store.library.get([one.id for one in again])
        assert known
        assert {scored.paper.version for scored in known.values()} == {2}
        assert any(scored.paper.withdrawn for scored in known.values())
        fresh = world.store.library.candidates(
            considered, world.store.library.latest_sequence(), with_text=False
        )
        assert {one.id for one in fresh} == world.announced_ids(world.now.date())

    run_scenario(scenario)


def test_missed_days_are_backfilled_and_modified_old_papers_are_not_announced() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        days = [TUESDAY.date() + timedelta(days=ahead) for ahead in range(8)]
        world.now = at(days[-1])
        fetched = await world.fetch()
        assert fetched.failure == ""
        assert world.announced_ids(*days) <= world.known_ids()
        # The days just before the first fetch are read as well; recent papers there do no harm.
        assert world.known_ids() <= world.announced_ids(*days, *(date(2026, 11, day) for day in (20, 23)))
        assert set(world.complete_through.values()) == {days[-1]}
        pages = world.feeds.requests_to("/oai")
        assert any("resumptionToken" in one.query for one in pages)
        assert {one.query["from"] for one in pages if "from" in one.query} == {"2026-11-23"}
        assert not any(paper.startswith("16") for paper in world.known_ids())
        withdrawn = [one for _, one in world.store.library.changes_after(0, 9999) if one.paper.withdrawn]
        assert len(withdrawn) >= len(days) - 3

    run_scenario(scenario)


def test_a_modified_old_paper_that_is_known_is_updated() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        world.store.library.add([(a_paper("1603.00500", title="As it was"), NOT_REVIEWED)], now=world.now)
        world.now = at(date(2026, 12, 1))
        await world.fetch()
        assert world.store.library.get(["1603.00500"])["1603.00500"].paper.title != "As it was"

    run_scenario(scenario, categories=("cs.LG", "cs.CL", "cs.CV", "cs.AI", "cs.RO"))


def test_an_empty_feed_does_not_advance_the_position() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        world.now += timedelta(days=1)
        world.feeds.fail_next("/rss", FeedFault.EMPTY)
        empty = await world.fetch()
        assert "as on a holiday" in empty.to_sentence()
        assert set(world.complete_through.values()) == {TUESDAY.date()}
        world.now = at(date(2026, 11, 27))
        await world.fetch()
        assert world.announced_ids(*(date(2026, 11, day) for day in (24, 25, 27))) <= world.known_ids()

    run_scenario(scenario)


def test_yesterdays_feed_is_stale_and_does_not_advance_the_position() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        world.now += timedelta(days=1)
        world.feeds.fail_next("/rss", FeedFault.STALE)
        stale = await world.fetch()
        assert stale.to_sentence().endswith("The feed is still that of 2026-11-24.")
        assert set(world.complete_through.values()) == {TUESDAY.date()}
        assert [one.trouble for one in world.store.health.latest_reports()] == [Trouble.STALE]
        await world.fetch()
        assert [one.trouble for one in world.store.health.latest_reports()] == [None]

    run_scenario(scenario)


def test_records_that_are_empty_by_mistake_leave_the_gap_open() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        world.now = at(date(2026, 12, 1))
        world.feeds.fail_next("/oai", FeedFault.EMPTY, times=2)
        await world.fetch()
        assert set(world.complete_through.values()) == {TUESDAY.date()}
        await world.fetch()
        assert set(world.complete_through.values()) == {world.now.date()}
        assert world.announced_ids(date(2026, 11, 30)) <= world.known_ids()

    run_scenario(scenario)


def test_an_interrupted_backfill_resumes_at_its_page() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        world.now = at(date(2026, 12, 1))
        seen = len(world.feeds.requests)
        pages = 0

        async def until_second_page() -> None:
            nonlocal pages
            position = world.store.sources.load_state("arxiv").position
            async for batch in world.source.fetch(
                position, now=world.now, since=None, progress=lambda done, size: None
            ):
                pages += 1
                world.store.library.add(batch.records, now=world.now)
                world.store.sources.save_state("arxiv", SourceState(batch.position))
                if pages == 3:
                    return

        await until_second_page()
        harvest = ArxivPosition.from_json(world.store.sources.load_state("arxiv").position).harvest
        assert harvest
        assert harvest.token
        before = len(world.feeds.requests_to("/oai"))
        await world.fetch()
        assert world.feeds.requests_to("/oai")[before].query["resumptionToken"] == harvest.token
        assert world.announced_ids(*(date(2026, 11, day) for day in (25, 27, 30))) <= world.known_ids()
        assert len(world.feeds.requests) > seen

    run_scenario(scenario)


def test_an_expired_token_restarts_the_category() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        world.now = at(date(2026, 12, 1))
        whole = ArxivPosition.from_json(world.store.sources.load_state("arxiv").position).complete_through
        stuck = ArxivPosition(whole, Harvest("cs.LG", date(2026, 11, 23), "2026-11-23|cs:cs:LG|20"))
        world.store.sources.save_state("arxiv", SourceState(stuck.to_json()))
        world.feeds.fail_next("/oai", FeedFault.TOKEN_EXPIRED)
        fetched = await world.fetch()
        assert fetched.failure == ""
        assert world.announced_ids(*(date(2026, 11, day) for day in (25, 27, 30))) <= world.known_ids()

    run_scenario(scenario)


def test_records_replace_a_failed_feed_and_the_failure_is_reported() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        world.now += timedelta(days=1)
        world.feeds.fail_next("/rss", FeedFault.UNAVAILABLE, times=9)
        fetched = await world.fetch()
        assert "arXiv's feed answered 503 Service Unavailable 4 times" in fetched.failure
        assert world.announced_ids(world.now.date()) <= world.known_ids()
        (condition,) = world.store.health.latest_reports()
        assert condition.trouble is Trouble.OUTAGE

    run_scenario(scenario)


def test_a_first_fetch_on_a_weekend_returns_the_last_days_papers() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        assert world.announced_ids(date(2026, 11, 19), date(2026, 11, 20)) <= world.known_ids()

    run_scenario(scenario, at=at(date(2026, 11, 21), 15))


def test_since_fetches_everything_again_from_that_day() -> None:
    async def scenario(world: World) -> None:
        await world.fetch()
        await world.fetch(since=date(2026, 11, 19))
        assert world.announced_ids(*(date(2026, 11, day) for day in (19, 20, 23, 24))) <= world.known_ids()
        assert set(world.complete_through.values()) == {TUESDAY.date()}

    run_scenario(scenario)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (FeedFault.ERROR_FEED, "arXiv's feed reports: Bad archive 'cs.XX'. Check the categories."),
        (FeedFault.ENTITY_BOMB, "arXiv's feed answered"),
        (FeedFault.EXTERNAL_ENTITY, "document type"),
        (FeedFault.GZIP_BOMB, "more than 64 MB"),
        (FeedFault.REDIRECT_LOOP, "redirects in a circle"),
        (FeedFault.TO_PRIVATE, "private network"),
    ],
)
def test_a_malformed_feed_is_an_error_and_nothing_is_stored(fault: FeedFault, said: str) -> None:
    async def scenario(world: World) -> None:
        world.feeds.fail_next("/rss", fault, times=99)
        fetched = await world.fetch()
        assert said in fetched.failure
        assert world.known_ids() == set()
        assert world.complete_through == {}
        world.feeds.clear_faults()
        assert (await world.fetch()).failure == ""
        assert world.known_ids()

    run_scenario(scenario)


def test_a_feed_with_a_wrong_charset_is_still_parsed() -> None:
    async def scenario(world: World) -> None:
        world.feeds.fail_next("/rss", FeedFault.WRONG_CHARSET)
        assert (await world.fetch()).failure == ""
        assert world.announced_ids(TUESDAY.date()) <= world.known_ids()

    run_scenario(scenario)


def test_papers_are_fetched_by_id_and_an_empty_response_is_retried() -> None:
    async def scenario(world: World) -> None:
        one, two, *_ = world.feeds.announcements_on(TUESDAY.date())
        world.feeds.fail_next("/api/query", FeedFault.EMPTY)
        found = await world.source.fetch_papers([one.id, "2401.99999", two.id])
        assert set(found) == {one.id, two.id}
        assert found[one.id].title == one.title
        limits = RequestLimits(attempts=1)
        assert await world.source.fetch_papers(["abc"], limits) == {}
        beside_a_malformed_id = await world.source.fetch_papers([one.id, "abc", two.id], limits)
        assert set(beside_a_malformed_id) == {one.id, two.id}

    run_scenario(scenario)


def test_requested_papers_are_fetched_and_unknown_ids_are_dropped() -> None:
    async def scenario(world: World) -> None:
        one, *_ = world.feeds.announcements_on(TUESDAY.date())
        for paper in (one.id, "2401.99999"):
            world.store.paper_requests.add(paper, now=world.now)
        world.feeds.fail_next("/api/query", FeedFault.UNAVAILABLE, times=4)
        assert "2 requested papers could not be fetched yet" in await fetch_requested_papers(
            world.source.fetch_papers, world.store, lambda: world.now
        )
        assert len(world.store.paper_requests.list_unknown(9)) == 2
        assert await fetch_requested_papers(world.source.fetch_papers, world.store, lambda: world.now) == ""
        assert [request.paper for request in world.store.paper_requests.list_open(9, 9)] == [one.id]
        assert world.store.paper_requests.list_unknown(9) == []

    run_scenario(scenario)


@pytest.mark.slow
def test_in_a_fortnight_every_day_is_in_by_its_morning_with_few_requests() -> None:
    """The fortnight contains Thanksgiving, and an outage of arXiv for a day and a half."""
    out = (datetime(2026, 12, 1, 0, 0, tzinfo=NEW_YORK), datetime(2026, 12, 2, 13, 0, tzinfo=NEW_YORK))

    async def scenario(world: World) -> None:
        asked: dict[date, int] = {}
        while world.now < at(date(2026, 12, 5)):
            world.feeds.clear_faults()
            if out[0] <= world.now < out[1]:
                for path in ("/rss", "/oai"):
                    world.feeds.fail_next(path, FeedFault.UNAVAILABLE, times=99)
            before = len(world.feeds.requests)
            for source in find_due_sources([world.source], world.store, world.now):
                await fetch_source(source, world.store, lambda: world.now)
            day = world.now.date()
            asked[day] = asked.get(day, 0) + len(world.feeds.requests) - before
            if world.now.hour == 7 and not out[0] <= world.now < out[1]:
                assert world.announced_ids(day) <= world.known_ids(), day
            world.now += timedelta(hours=1)
        every = [date(2026, 11, 23) + timedelta(days=ahead) for ahead in range(12)]
        assert world.announced_ids(*every) <= world.known_ids()
        assert set(world.complete_through.values()) == {date(2026, 12, 4)}
        quiet = {day: count for day, count in asked.items() if day.weekday() > 4 or day == THANKSGIVING}
        assert max(quiet.values()) <= 10
        assert asked[date(2026, 11, 24)] == asked[date(2026, 12, 4)] == 1

    run_scenario(scenario, at=at(date(2026, 11, 23), 0) + timedelta(minutes=45))


# Polling.


def next_poll(now: datetime, **state: Any) -> datetime:
    whole = ArxivPosition({"cs.LG": state.pop("whole")}) if "whole" in state else ArxivPosition()
    return choose_next_poll(whole, ("cs.LG",), SourceState(**state), now).astimezone(NEW_YORK)


def test_arxiv_is_polled_from_feed_ready_until_the_papers_are_in() -> None:
    monday, tuesday = date(2026, 11, 23), date(2026, 11, 24)
    yesterday = datetime(2026, 11, 23, 0, 40, tzinfo=NEW_YORK)
    ready = datetime(2026, 11, 24, 0, 30, tzinfo=NEW_YORK)
    assert next_poll(yesterday, whole=monday, last_try=yesterday) == ready
    assert next_poll(ready, whole=monday, last_try=yesterday) == ready
    assert next_poll(ready, whole=monday, last_try=ready) == ready + timedelta(minutes=45)
    assert next_poll(ready, whole=tuesday, last_try=ready) == ready + timedelta(days=1)


def test_an_empty_feed_is_not_polled_after_feed_settled() -> None:
    six = datetime(2026, 11, 26, 6, 5, tzinfo=NEW_YORK)
    assert next_poll(six, whole=date(2026, 11, 25), last_try=six) == datetime(
        2026, 11, 27, 0, 30, tzinfo=NEW_YORK
    )


def test_a_failure_is_retried_after_feed_settled_and_respects_retry_after() -> None:
    noon = datetime(2026, 11, 24, 12, 0, tzinfo=NEW_YORK)
    assert next_poll(noon, last_try=noon, failure="503") == noon + timedelta(hours=1)
    later = noon + timedelta(hours=3)
    assert next_poll(noon, last_try=noon, failure="429", next_try_at=later) == later


def test_the_feed_day_after_friday_is_monday_and_a_new_process_polls_at_once() -> None:
    saturday = datetime(2026, 11, 28, 10, 0, tzinfo=NEW_YORK)
    assert next_poll(saturday) == saturday
    friday = date(2026, 11, 27)
    assert next_poll(saturday, whole=friday, last_try=saturday) == datetime(
        2026, 11, 30, 0, 30, tzinfo=NEW_YORK
    )


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    [(date(2026, 3, 6), 5), (date(2026, 3, 9), 4), (date(2026, 10, 30), 4), (date(2026, 11, 2), 5)],
)
def test_polling_follows_new_yorks_clock_changes(day: date, utc_hour: int) -> None:
    before = datetime(day.year, day.month, day.day, utc_hour, 29, tzinfo=UTC)
    assert latest_feed_day(before) < day
    assert latest_feed_day(before + timedelta(minutes=1)) == day


def test_feed_days_between_two_dates_are_weekdays() -> None:
    assert list(feed_days_between(date(2026, 11, 20), date(2026, 11, 24))) == [date(2026, 11, 23)]
    assert list(feed_days_between(date(2026, 11, 20), date(2026, 11, 23))) == []


def test_a_position_survives_json() -> None:
    position = ArxivPosition(
        {"cs.LG": date(2026, 11, 24)}, Harvest("cs.CL", date(2026, 11, 20), "t", date(2026, 11, 21))
    )
    assert ArxivPosition.from_json(position.to_json()) == position
    assert ArxivPosition.from_json("") == ArxivPosition()
