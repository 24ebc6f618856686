"""Source: arXiv's daily announcements, with backfill of missed days, and single papers by id."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from urllib.parse import quote, urlencode

from digests.errors import SourceError
from digests.model import NOT_REVIEWED, Paper
from digests.ports.sources import ProgressCallback, SourceBatch, SourceState
from digests.sources.arxiv import oai, query, rss
from digests.sources.arxiv.days import (
    FEED_READY,
    FEED_SETTLED,
    is_feed_day,
    latest_feed_day,
    new_york_instant,
)
from digests.sources.arxiv.position import ArxivPosition, Harvest
from digests.sources.http.client import RequestLimits, SourceClient
from digests.sources.http.turns import ServerTurns

MAX_ANNOUNCEMENT_DELAY = timedelta(days=7)
"""Longest time from submission to announcement: weekends, holidays, a moderator's second look."""

POLL_INTERVAL = timedelta(minutes=45)
"""Interval at which a feed that is not there yet is polled; half of it after a failure."""

SLOW_POLL_INTERVAL = timedelta(hours=1)
"""Interval between retries when arXiv still fails after `FEED_SETTLED`."""

FIRST_LOOK_BACK = timedelta(days=3)
"""Days that a first fetch reads if the feed is empty, so that the first digest has papers."""

PAGE_LIMITS = RequestLimits(max_bytes=64 * 1024**2, timeout=120)
"""Limits of one request to arXiv's servers."""

IDS_PER_REQUEST = 50
"""Ids of one request for single papers."""


@dataclass(frozen=True, slots=True)
class ArxivAddresses:
    """Addresses of arXiv's servers. Those of a proxy may hold a key: do not show them."""

    rss: str = field(default="https://rss.arxiv.org/rss/", repr=False)
    oai: str = field(default="https://oaipmh.arxiv.org/oai", repr=False)
    query: str = field(default="https://export.arxiv.org/api/query", repr=False)


@dataclass(frozen=True, slots=True)
class ArxivSource:
    """Papers of some arXiv categories. Implements `digests.ports.sources.Source`.

    A fetch reads the day's feed first. If feed days before it are missing, it backfills them from
    arXiv's record server (OAI-PMH). Records contain every paper that was modified, so old papers among
    them only update known ones. `connect` opens a client that trusts `addresses`. `turns` limits the
    rate of all requests to arXiv.
    """

    categories: tuple[str, ...]
    connect: Callable[[], AbstractAsyncContextManager[SourceClient]] = field(repr=False)
    turns: ServerTurns
    addresses: ArxivAddresses = field(default=ArxivAddresses(), repr=False)
    name: str = "arxiv"

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        reached = ArxivPosition.from_json(position)
        if since:
            reached = reached.rewind_to(since, self.categories)
        due = latest_feed_day(now)
        feeds: list[rss.Feed] = []
        failure: SourceError | None = None
        async with self.connect() as client:
            try:
                for feed in await self._fetch_feeds(client, self.categories):
                    feeds.append(feed)
                    reached = self._advance_position(feed, reached, due)
                    yield _build_announcement_batch(feed, reached, due)
            except SourceError as error:
                failure = error
            for category in reached.categories_with_gaps(
                _find_backfill_end(feeds, failure, due), self.categories
            ):
                async for batch in self._backfill_category(client, category, reached, due, progress):
                    reached = ArxivPosition.from_json(batch.position)
                    yield batch
                for feed in feeds:
                    reached = self._advance_position(feed, reached, due)
                yield SourceBatch(reached.to_json())
        if failure:
            raise failure

    def _advance_position(self, feed: rss.Feed, reached: ArxivPosition, due: date) -> ArxivPosition:
        """Return the position after a feed was stored, given the day `due` of the newest feed to expect.

        A feed without papers, or of a later day, completes no day: an empty one may be a holiday's or a
        fault, and the next feed shows which. Categories that were never fetched then start `FIRST_LOOK_BACK`
        earlier.
        """
        if feed.paper_count and feed.day <= due:
            return reached.with_feed_day(feed.day, self.categories)
        never_fetched = [category for category in self.categories if category not in reached.complete_through]
        return reached.rewind_to(due - FIRST_LOOK_BACK, never_fetched)

    async def _fetch_feeds(self, client: SourceClient, categories: Sequence[str]) -> list[rss.Feed]:
        """Fetch one feed for all categories, or several for parts of them if arXiv would truncate it.

        The feed of a single category is taken as it is. Raises SourceError, also for an unknown category.
        """
        address = self.addresses.rss + "+".join(quote(category) for category in categories)
        answer = await client.get(
            address,
            rss.SERVER,
            turns=self.turns,
            limits=PAGE_LIMITS,
            accepted_statuses=(200, 400),
            headers=_XML_HEADERS,
        )
        feed = rss.parse_feed(answer.body)
        if answer.status != 200:
            raise SourceError(f"{rss.SERVER} answered {answer.status}: check the categories.")
        if feed.paper_count < rss.MAX_FEED_ITEMS or len(categories) == 1:
            return [feed]
        half = len(categories) // 2
        return [
            *await self._fetch_feeds(client, categories[:half]),
            *await self._fetch_feeds(client, categories[half:]),
        ]

    async def _backfill_category(
        self,
        client: SourceClient,
        category: str,
        reached: ArxivPosition,
        due: date,
        progress: ProgressCallback,
    ) -> AsyncGenerator[SourceBatch, None]:
        """Yield all records of a category modified since the day before its last complete day, in batches.

        Resumes the category's harvest in `reached`. The last batch ends the harvest, and the category is then
        complete up to the newest day among its records, at most `due`; without records its day stays.
        `progress` gets the number of records read. Raises SourceError; the last position resumes the harvest.
        """
        unfinished = reached.harvest if reached.harvest and reached.harvest.category == category else None
        harvest = unfinished or Harvest(category, reached.complete_through[category] - timedelta(days=1))
        records_read = 0
        while True:
            page, harvest = await self._fetch_page(client, harvest)
            records_read += len(page.records)
            progress(records_read, None)
            days = [record.datestamp for record in page.records]
            newest_day = max([*days, *([harvest.newest_day] if harvest.newest_day else [])], default=None)
            harvest = replace(harvest, token=page.token, newest_day=newest_day)
            if page.token:
                reached = replace(reached, harvest=harvest)
                yield _build_record_batch(page.records, harvest.since, reached)
            else:
                break
        reached = (
            reached.finish_harvest(category, _find_complete_day(harvest.newest_day, due))
            if harvest.newest_day
            else replace(reached, harvest=None)
        )
        yield _build_record_batch(page.records, harvest.since, reached)

    async def _fetch_page(self, client: SourceClient, harvest: Harvest) -> tuple[oai.OaiPage, Harvest]:
        """Fetch the next page of a harvest, and return it with the harvest that it belongs to.

        With an expired token, the harvest starts again at its first page. Raises SourceError.
        """
        parameters = (
            oai.next_page_parameters(harvest.token)
            if harvest.token
            else oai.first_page_parameters(harvest.category, harvest.since)
        )
        address = f"{self.addresses.oai}?{urlencode(parameters)}"
        answer = await client.get(
            address, oai.SERVER, turns=self.turns, limits=PAGE_LIMITS, headers=_XML_HEADERS
        )
        try:
            return oai.parse_page(answer.body), harvest
        except oai.TokenExpiredError:
            if not harvest.token:
                raise SourceError(
                    f"{oai.SERVER} reports an expired token for a request without one: try again later."
                ) from None
            return await self._fetch_page(client, Harvest(harvest.category, harvest.since))

    async def fetch_papers(self, ids: Sequence[str], limits: RequestLimits = PAGE_LIMITS) -> dict[str, Paper]:
        """Fetch the metadata of papers by id, in any number, and return it by id. Raises SourceError.

        Ids are without a version. Unknown ids are left out, also those that arXiv takes for malformed; it is
        asked twice before a whole request's ids count as unknown.
        """
        found: dict[str, Paper] = {}
        async with self.connect() as client:
            for start in range(0, len(ids), IDS_PER_REQUEST):
                id_batch = ids[start : start + IDS_PER_REQUEST]
                papers = await self._query_accepted_ids(client, id_batch, limits)
                # arXiv sometimes returns an empty page by mistake; it looks like one for unknown ids.
                found |= papers or await self._query_accepted_ids(client, id_batch, limits)
        return found

    async def _query_accepted_ids(
        self, client: SourceClient, ids: Sequence[str], limits: RequestLimits
    ) -> dict[str, Paper]:
        """Query papers, without the ids that arXiv rejects: one person's odd id must not fail the others'."""
        while ids:
            try:
                return await self._query_papers(client, ids, limits)
            except query.RejectedIdError as error:
                if error.paper not in ids:
                    raise
                ids = [paper for paper in ids if paper != error.paper]
        return {}

    async def _query_papers(
        self, client: SourceClient, ids: Sequence[str], limits: RequestLimits
    ) -> dict[str, Paper]:
        address = f"{self.addresses.query}?{urlencode(query.parameters_for_ids(ids))}"
        answer = await client.get(
            address,
            query.SERVER,
            turns=self.turns,
            limits=limits,
            accepted_statuses=(200, 400),
            headers=_XML_HEADERS,
        )
        page = query.parse_page(answer.body)
        if answer.status != 200:
            raise SourceError(f"{query.SERVER} answered {answer.status} to {', '.join(ids)[:100]}.")
        return {paper.id: paper for paper in page.papers if paper.id in ids}

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime:
        return choose_next_poll(ArxivPosition.from_json(state.position), self.categories, state, now)


_XML_HEADERS = {"Accept": "application/xml, text/xml, application/rss+xml, application/atom+xml"}


def _find_backfill_end(feeds: Sequence[rss.Feed], failure: SourceError | None, due: date) -> date:
    """Return the day before which missing feed days are backfilled.

    The due day itself is left to its feed, unless the feed failed or is already newer.
    """
    is_past_due = bool(feeds) and all(feed.day > due for feed in feeds)
    return due + timedelta(days=1) if failure or is_past_due else due


def _build_announcement_batch(feed: rss.Feed, reached: ArxivPosition, due: date) -> SourceBatch:
    return SourceBatch(
        position=reached.to_json(),
        records=tuple((paper, NOT_REVIEWED) for paper in feed.new_papers),
        updated_papers=feed.replaced_papers,
        remark=_describe_feed(feed, due),
        is_stale=feed.day < due,
    )


def _describe_feed(feed: rss.Feed, due: date) -> str:
    if feed.day < due:
        return f"the feed is still that of {feed.day}"
    if feed.paper_count == 0:
        return f"arXiv announces nothing in its feed of {feed.day}, as on a holiday"
    return ""


def _build_record_batch(records: Sequence[oai.OaiRecord], since: date, reached: ArxivPosition) -> SourceBatch:
    """Build a batch of records of a harvest since `since`.

    Papers submitted more than `MAX_ANNOUNCEMENT_DELAY` before that are old ones that were modified: they only
    update known papers.
    """
    oldest_new_day = since - MAX_ANNOUNCEMENT_DELAY
    new_papers = [record.paper for record in records if record.created >= oldest_new_day]
    old_papers = [record.paper for record in records if record.created < oldest_new_day]
    return SourceBatch(
        reached.to_json(), tuple((paper, NOT_REVIEWED) for paper in new_papers), tuple(old_papers)
    )


def _find_complete_day(newest_day: date, due: date) -> date:
    """Return the newest feed day, Monday to Friday, that is later neither than `newest_day` nor than `due`.

    A finished harvest is complete up to that day. `newest_day` is the newest date among its records, and
    `due` the newest day whose feed should be available.
    """
    day = min(newest_day, due)
    while not is_feed_day(day):
        day -= timedelta(days=1)
    return day


def choose_next_poll(
    position: ArxivPosition, categories: Sequence[str], state: SourceState, now: datetime
) -> datetime:
    """Return the next time to poll arXiv. A time in the past means now.

    A feed day is polled from `FEED_READY` until its papers are stored or `FEED_SETTLED` has passed. After a
    failure polling goes on, at longer intervals from `FEED_SETTLED` on, and never before the state's
    `next_try_at`.
    """
    day = latest_feed_day(now)
    next_feed_time = new_york_instant(_find_next_feed_day(day), FEED_READY)
    last_try = state.last_try
    if last_try is None or last_try < new_york_instant(day, FEED_READY):
        return max(now, state.next_try_at or now)
    if state.failure:
        is_settled = last_try >= new_york_instant(day, FEED_SETTLED)
        return max(
            last_try + (SLOW_POLL_INTERVAL if is_settled else POLL_INTERVAL / 2),
            state.next_try_at or last_try,
        )
    if all(position.complete_through.get(category, date.min) >= day for category in categories):
        return next_feed_time
    return next_feed_time if last_try >= new_york_instant(day, FEED_SETTLED) else last_try + POLL_INTERVAL


def _find_next_feed_day(day: date) -> date:
    day += timedelta(days=1)
    while not is_feed_day(day):
        day += timedelta(days=1)
    return day
