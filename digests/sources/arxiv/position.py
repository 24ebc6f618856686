"""How far arXiv's papers are in: for each category the last day that is whole, and a catch-up under way. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from digests.sources.arxiv.days import feed_days


@dataclass(frozen=True, slots=True)
class Harvest:
    """A catch-up of one category, under way: from a day, at a page, and the newest day among its records so far."""

    category: str
    since: date
    token: str = ""
    newest: date | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """`whole` holds the feed day up to which, that one included, everything of a category is in."""

    whole: Mapping[str, date] = field(default_factory=dict)
    harvest: Harvest | None = None

    @staticmethod
    def read(text: str) -> "Position":
        """What `written` made; a fresh one out of nothing."""
        if not text:
            return Position()
        said = json.loads(text)
        whole = {category: date.fromisoformat(day) for category, day in said["whole"].items()}
        if not (under_way := said.get("harvest")):
            return Position(whole)
        category, since, token, newest = under_way
        newest_day = date.fromisoformat(newest) if newest else None
        return Position(whole, Harvest(category, date.fromisoformat(since), token, newest_day))

    def written(self) -> str:
        under_way = self.harvest and [
            self.harvest.category,
            self.harvest.since.isoformat(),
            self.harvest.token,
            self.harvest.newest.isoformat() if self.harvest.newest else "",
        ]
        whole = {category: day.isoformat() for category, day in self.whole.items()}
        return json.dumps({"whole": whole, "harvest": under_way}, sort_keys=True)

    def back_to(self, since: date, categories: Iterable[str]) -> "Position":
        """Everything from a day on is to be fetched (again)."""
        before = since - timedelta(days=1)
        return Position(
            {**self.whole, **{one: min(before, self.whole.get(one, before)) for one in categories}}
        )

    def announced(self, day: date, categories: Iterable[str]) -> "Position":
        """A day's feed is in: whole are the categories that lack no feed day before it, or that were never fetched."""
        whole = {
            one: max(day, self.whole.get(one, day))
            for one in categories
            if one not in self.whole or not any(feed_days(self.whole[one], day))
        }
        return replace(self, whole={**self.whole, **whole})

    def lacking(self, before: date, categories: Iterable[str]) -> list[str]:
        """The categories with a hole: a feed day before this one that is not in."""
        return [one for one in categories if one in self.whole and any(feed_days(self.whole[one], before))]

    def caught_up(self, category: str, to: date) -> "Position":
        """A category's catch-up is over, and whole up to a day; it never goes back."""
        return Position({**self.whole, category: max(to, self.whole.get(category, to))})
