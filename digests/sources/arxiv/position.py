"""Position of the arXiv source: each category's last complete day, and a harvest in progress. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from digests.sources.arxiv.days import feed_days_between


@dataclass(frozen=True, slots=True)
class Harvest:
    """Backfill of one category in progress, from the day `since`.

    `token` requests the next page, empty for the first. `newest_day` is the newest among its records so far.
    """

    category: str
    since: date
    token: str = ""
    newest_day: date | None = None


@dataclass(frozen=True, slots=True)
class ArxivPosition:
    """Position of the source. Methods return a new position.

    `complete_through` holds, for each category, the last feed day up to which no paper is missing. A category
    that was never fetched is no key. `harvest` is None unless a backfill is in progress.
    """

    complete_through: Mapping[str, date] = field(default_factory=dict)
    harvest: Harvest | None = None

    @staticmethod
    def from_json(text: str) -> "ArxivPosition":
        """Parse the result of `to_json`. An empty text gives an empty position.

        Raises ValueError, KeyError or TypeError for any other text.
        """
        if not text:
            return ArxivPosition()
        document = json.loads(text)
        complete_through = {category: date.fromisoformat(day) for category, day in document["whole"].items()}
        if not (harvest_values := document.get("harvest")):
            return ArxivPosition(complete_through)
        category, since, token, newest = harvest_values
        newest_day = date.fromisoformat(newest) if newest else None
        return ArxivPosition(
            complete_through, Harvest(category, date.fromisoformat(since), token, newest_day)
        )

    def to_json(self) -> str:
        harvest_values = self.harvest and [
            self.harvest.category,
            self.harvest.since.isoformat(),
            self.harvest.token,
            self.harvest.newest_day.isoformat() if self.harvest.newest_day else "",
        ]
        complete_through = {category: day.isoformat() for category, day in self.complete_through.items()}
        # The keys stay: stores hold positions with them.
        return json.dumps({"whole": complete_through, "harvest": harvest_values}, sort_keys=True)

    def rewind_to(self, since: date, categories: Iterable[str]) -> "ArxivPosition":
        """Return a position from which everything since a day is fetched again, for some categories.

        No category's day moves forward. Drops a harvest in progress.
        """
        before = since - timedelta(days=1)
        rewound = {
            category: min(before, self.complete_through.get(category, before)) for category in categories
        }
        return ArxivPosition({**self.complete_through, **rewound})

    def with_feed_day(self, day: date, categories: Iterable[str]) -> "ArxivPosition":
        """Return the position after a day's feed was stored.

        It completes the categories that miss no feed day before it, and those that were never fetched. No
        category's day moves back.
        """
        complete_through = dict(self.complete_through)
        for category in categories:
            last = self.complete_through.get(category)
            if last is None or not any(feed_days_between(last, day)):
                complete_through[category] = max(day, last or day)
        return replace(self, complete_through=complete_through)

    def categories_with_gaps(self, before: date, categories: Iterable[str]) -> list[str]:
        """Return the categories that miss a feed day earlier than `before`, in the order of the argument.

        Categories that were never fetched are left out.
        """
        return [
            category
            for category in categories
            if category in self.complete_through
            and any(feed_days_between(self.complete_through[category], before))
        ]

    def finish_harvest(self, category: str, day: date) -> "ArxivPosition":
        """Return the position after a category was backfilled up to a day, with no harvest in progress.

        The category's own day never moves back.
        """
        return ArxivPosition(
            {**self.complete_through, category: max(day, self.complete_through.get(category, day))}
        )
