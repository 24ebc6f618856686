"""arXiv: each day's announcements, whatever was missed meanwhile, and single papers."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import quote, urlencode

from digests.errors import SourceError
from digests.model import NOT_REVIEWED, Paper
from digests.ports import Batch, Progress, SourceState
from digests.sources.arxiv import oai, query, rss
from digests.sources.arxiv.days import FEED_READY, FEED_SETTLED, feed_day, instant, is_feed_day
from digests.sources.arxiv.position import Harvest, Position
from digests.sources.http import Client, Limits, Turns

HELD_BACK = timedelta(days=7)
"""A paper may be announced so long after it was submitted: weekends, holidays, a moderator's second look."""

LOOK_AGAIN = timedelta(minutes=45)
"""Between two looks for a feed that is not there yet; half as much after a fault."""

GIVEN_UP_LOOK = timedelta(hours=1)
"""Between two tries when arXiv has been failing beyond the morning."""

FIRST_LOOK_BACK = timedelta(days=3)
"""What a first fetch on a day without papers brings, so that the first digest has some to choose from."""

PAGE_LIMITS = Limits(body=64 * 1024**2, seconds=120)

IDS_A_REQUEST = 50


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where arXiv's servers are."""

    rss: str = "https://rss.arxiv.org/rss/"
    oai: str = "https://oaipmh.arxiv.org/oai"
    query: str = "https://export.arxiv.org/api/query"


@dataclass(frozen=True, slots=True)
class Arxiv:
    """The papers of some categories. Keeps the contract of `digests.ports.Source`.

    A day's feed comes first. Where a feed day is missing before it, arXiv's records are read from there on: they hold
    whatever was touched, so old papers among them renew what is known and are no news. `connect` opens a client that
    trusts the addresses; `turns` are arXiv's.
    """

    categories: tuple[str, ...]
    connect: Callable[[], AbstractAsyncContextManager[Client]]
    turns: Turns
    addresses: Addresses = Addresses()
    name: str = "arxiv"

    async def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: Progress
    ) -> AsyncGenerator[Batch, None]:
        at = Position.read(position)
        if since:
            at = at.back_to(since, self.categories)
        due = feed_day(now)
        feeds: list[rss.Feed] = []
        failure: SourceError | None = None
        async with self.connect() as client:
            try:
                for feed in await self._feeds(client, self.categories):
                    feeds.append(feed)
                    at = self._after(feed, at, due)
                    yield _announcements(feed, at, due)
            except SourceError as error:
                failure = error
            for category in at.lacking(_beyond_feeds(feeds, failure, due), self.categories):
                async for batch in self._catch_up(client, category, at, due, progress):
                    at = Position.read(batch.position)
                    yield batch
                for feed in feeds:
                    at = self._after(feed, at, due)
                yield Batch(at.written())
        if failure:
            raise failure

    def _after(self, feed: rss.Feed, at: Position, due: date) -> Position:
        """A feed without papers covers nothing: that may be a holiday or a fault, and the next one will tell."""
        if feed.size and feed.day <= due:
            return at.announced(feed.day, self.categories)
        never = [category for category in self.categories if category not in at.whole]
        return at.back_to(due - FIRST_LOOK_BACK, never)

    async def _feeds(self, client: Client, categories: Sequence[str]) -> list[rss.Feed]:
        """The feed of all categories together, or of fewer at a time where arXiv would cut it off."""
        address = self.addresses.rss + "+".join(quote(category) for category in categories)
        answer = await client.get(
            address, rss.SERVER, turns=self.turns, limits=PAGE_LIMITS, takes=(200, 400), headers=_XML
        )
        feed = rss.read(answer.body)
        if answer.status != 200:
            raise SourceError(f"{rss.SERVER} answered {answer.status}: check the categories.")
        if feed.size < rss.MOST_ITEMS or len(categories) == 1:
            return [feed]
        half = len(categories) // 2
        return [
            *await self._feeds(client, categories[:half]),
            *await self._feeds(client, categories[half:]),
        ]

    async def _catch_up(
        self, client: Client, category: str, at: Position, due: date, progress: Progress
    ) -> AsyncGenerator[Batch, None]:
        """Everything of a category since its last whole day; a catch-up that was cut off goes on where it was."""
        going_on = at.harvest if at.harvest and at.harvest.category == category else None
        harvest = going_on or Harvest(category, at.whole[category] - timedelta(days=1))
        read = 0
        while True:
            page, harvest = await self._page(client, harvest)
            read += len(page.records)
            progress(read, None)
            days = [record.touched for record in page.records]
            newest = max([*days, *([harvest.newest] if harvest.newest else [])], default=None)
            harvest = replace(harvest, token=page.token, newest=newest)
            if page.token:
                at = replace(at, harvest=harvest)
                yield _records(page.records, harvest.since, at)
            else:
                break
        at = (
            at.caught_up(category, _whole_to(harvest.newest, due))
            if harvest.newest
            else replace(at, harvest=None)
        )
        yield _records(page.records, harvest.since, at)

    async def _page(self, client: Client, harvest: Harvest) -> tuple[oai.Page, Harvest]:
        """The next page of a harvest, or the first again where its token does not hold any more."""
        question = (
            oai.next_page(harvest.token) if harvest.token else oai.first_page(harvest.category, harvest.since)
        )
        address = f"{self.addresses.oai}?{urlencode(question)}"
        answer = await client.get(address, oai.SERVER, turns=self.turns, limits=PAGE_LIMITS, headers=_XML)
        try:
            return oai.read(answer.body), harvest
        except oai.TokenExpiredError:
            if not harvest.token:
                raise SourceError(
                    f"{oai.SERVER} refuses a token that nobody gave it: try again later."
                ) from None
            return await self._page(client, Harvest(harvest.category, harvest.since))

    async def papers(self, ids: Sequence[str], limits: Limits = PAGE_LIMITS) -> dict[str, Paper]:
        """Single papers by their ids; those that arXiv does not know are left out. Raises SourceError."""
        found: dict[str, Paper] = {}
        async with self.connect() as client:
            for start in range(0, len(ids), IDS_A_REQUEST):
                some = ids[start : start + IDS_A_REQUEST]
                papers = await self._asked(client, some, limits)
                # Now and then a first page is empty by mistake, and looks just like one of unknown ids.
                found |= papers or await self._asked(client, some, limits)
        return found

    async def _asked(self, client: Client, ids: Sequence[str], limits: Limits) -> dict[str, Paper]:
        address = f"{self.addresses.query}?{urlencode(query.of_ids(ids))}"
        answer = await client.get(
            address, query.SERVER, turns=self.turns, limits=limits, takes=(200, 400), headers=_XML
        )
        page = query.read(answer.body)
        if answer.status != 200:
            raise SourceError(f"{query.SERVER} answered {answer.status} to {', '.join(ids)[:100]}.")
        return {paper.id: paper for paper in page.papers if paper.id in ids}

    def next_due(self, state: SourceState, now: datetime) -> datetime:
        return next_look(Position.read(state.position), self.categories, state, now)


_XML = {"Accept": "application/xml, text/xml, application/rss+xml, application/atom+xml"}


def _beyond_feeds(feeds: Sequence[rss.Feed], failure: SourceError | None, due: date) -> date:
    """The day before which feeds have nothing more to give: today's is left to them unless they fail or are past it."""
    past = bool(feeds) and all(feed.day > due for feed in feeds)
    return due + timedelta(days=1) if failure or past else due


def _announcements(feed: rss.Feed, at: Position, due: date) -> Batch:
    return Batch(
        position=at.written(),
        records=tuple((paper, NOT_REVIEWED) for paper in feed.news),
        touched=feed.replaced,
        remark=_remark(feed, due),
        stale=feed.day < due,
    )


def _remark(feed: rss.Feed, due: date) -> str:
    if feed.day < due:
        return f"the feed is still that of {feed.day}"
    if feed.size == 0:
        return f"arXiv announces nothing in its feed of {feed.day}, as on a holiday"
    return ""


def _records(records: Sequence[oai.Record], since: date, at: Position) -> Batch:
    """Whatever was first submitted long before the hole is an old paper that was touched."""
    news = [one.paper for one in records if one.created >= since - HELD_BACK]
    old = [one.paper for one in records if one.created < since - HELD_BACK]
    return Batch(at.written(), tuple((paper, NOT_REVIEWED) for paper in news), tuple(old))


def _whole_to(newest: date, due: date) -> date:
    """Records of a day are announced for the next; of the newest day there may be more to come."""
    day = min(newest, due)
    while not is_feed_day(day):
        day -= timedelta(days=1)
    return day


def next_look(position: Position, categories: Sequence[str], state: SourceState, now: datetime) -> datetime:
    """When to ask arXiv next: from half past midnight in New York on, until the day's papers or its morning are there."""
    day = feed_day(now)
    tomorrow = instant(_next_feed_day(day), FEED_READY)
    last = state.last_try
    if last is None or last < instant(day, FEED_READY):
        return max(now, state.next_try_at or now)
    if state.failure:
        settled = last >= instant(day, FEED_SETTLED)
        return max(last + (GIVEN_UP_LOOK if settled else LOOK_AGAIN / 2), state.next_try_at or last)
    if all(position.whole.get(category, date.min) >= day for category in categories):
        return tomorrow
    return tomorrow if last >= instant(day, FEED_SETTLED) else last + LOOK_AGAIN


def _next_feed_day(day: date) -> date:
    day += timedelta(days=1)
    while not is_feed_day(day):
        day += timedelta(days=1)
    return day
