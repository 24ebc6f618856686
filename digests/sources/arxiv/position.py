"""How far arXiv's papers are in: for each category the last day that is whole, and a catch-up under way. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from digests.sources.arxiv.days import feed_days_between


@dataclass(frozen=True, slots=True)
class Harvest:
    """A catch-up of one category, under way: from a day, at a page, and the newest day among its records so far."""

    category: str
    since: date
    token: str = ""
    newest_day: date | None = None


@dataclass(frozen=True, slots=True)
class ArxivPosition:
    """`whole` holds the feed day up to which, that one included, everything of a category is in."""

    complete_through: Mapping[str, date] = field(default_factory=dict)
    harvest: Harvest | None = None

    @staticmethod
    def from_json(text: str) -> "ArxivPosition":
        """What `written` made; a fresh one out of nothing."""
        if not text:
            return ArxivPosition()
        document = json.loads(text)
        whole = {category: date.fromisoformat(day) for category, day in document["whole"].items()}
        if not (under_way := document.get("harvest")):
            return ArxivPosition(whole)
        category, since, token, newest = under_way
        newest_day = date.fromisoformat(newest) if newest else None
        return ArxivPosition(whole, Harvest(category, date.fromisoformat(since), token, newest_day))

    def to_json(self) -> str:
        under_way = self.harvest and [
            self.harvest.category,
            self.harvest.since.isoformat(),
            self.harvest.token,
            self.harvest.newest_day.isoformat() if self.harvest.newest_day else "",
        ]
        whole = {category: day.isoformat() for category, day in self.complete_through.items()}
        return json.dumps({"whole": whole, "harvest": under_way}, sort_keys=True)

    def rewind_to(self, since: date, categories: Iterable[str]) -> "ArxivPosition":
        """Everything from a day on is to be fetched (again)."""
        before = since - timedelta(days=1)
        return ArxivPosition(
            {
                **self.complete_through,
                **{one: min(before, self.complete_through.get(one, before)) for one in categories},
            }
        )

    def with_feed_day(self, day: date, categories: Iterable[str]) -> "ArxivPosition":
        """A day's feed is in: whole are the categories that lack no feed day before it, or that were never fetched."""
        whole = {
            one: max(day, self.complete_through.get(one, day))
            for one in categories
            if one not in self.complete_through or not any(feed_days_between(self.complete_through[one], day))
        }
        return replace(self, complete_through={**self.complete_through, **whole})

    def categories_with_gaps(self, before: date, categories: Iterable[str]) -> list[str]:
        """The categories with a hole: a feed day before this one that is not in."""
        return [
            one
            for one in categories
            if one in self.complete_through and any(feed_days_between(self.complete_through[one], before))
        ]

    def finish_harvest(self, category: str, day: date) -> "ArxivPosition":
        """A category's catch-up is over, and whole up to a day; it never goes back."""
        return ArxivPosition(
            {**self.complete_through, category: max(day, self.complete_through.get(category, day))}
        )
