"""Builders of domain values, with defaults for all fields that a test does not name."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import text

from digests.ids import find_paper_ids
from digests.model import NOT_REVIEWED, Candidate, Paper, Review, ScoredPaper
from digests.ports import Store
from digests.ports.installations import Installation, SealedTokens
from digests.ports.search import FoundPaper, Match, SearchRequest, SearchResult
from digests.store import open_store
from digests.subscription import Channel, Preferences, Schedule, Subscription

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""A Tuesday at nine o'clock, UTC."""

TODAY = NOW.date()


def a_paper(id: str = "2402.01306", **fields: Any) -> Paper:  # noqa: A002
    return Paper(**{"id": id, "title": f"Paper {id}", "url": f"https://arxiv.org/abs/{id}", **fields})


def a_review(score: float | None = 7.5, **fields: Any) -> Review:
    return Review(**{"score": score, "tldr": "It works.", "limitations": "Only English is tested.", **fields})


def a_scored_paper(id: str = "2402.01306", review: Review = NOT_REVIEWED, **fields: Any) -> ScoredPaper:  # noqa: A002
    return ScoredPaper(a_paper(id, **fields), review, NOW)


def a_candidate(id: str, score: float | None = 5.0, domain: str = "cs.LG", **fields: Any) -> Candidate:  # noqa: A002
    return Candidate(
        **{"id": id, "score": score, "primary_category": domain, "published": date(2026, 11, 20), **fields}
    )


def a_subscription(channel: str = "papers", **preferences: Any) -> Subscription:
    return Subscription(Channel("console", channel), Preferences(**preferences), Schedule())


def an_installation(workspace: str = "T1", **fields: Any) -> Installation:
    return Installation(
        **{
            "platform": "slack", "workspace": workspace, "name": "The lab", "app_id": "A1",
            "bot_user": "UBOT", "bot_id": "BBOT", "scopes": frozenset({"chat:write"}), "installed_by": "UADA",
            "installed_at": NOW, "tokens": SealedTokens(f"sealed for {workspace}", "11112222"), **fields,
        }
    )  # fmt: skip


def find_nothing(request: SearchRequest) -> SearchResult:
    """Search without results, for `Answers` in tests of other things."""
    return SearchResult()


def find_by_id(store: Store) -> Callable[[SearchRequest], SearchResult]:
    """Return a search that finds papers by the ids in the text, and no words."""

    def find(request: SearchRequest) -> SearchResult:
        named = [found.id for found in find_paper_ids(request.text)]
        known = store.library.get(named)
        return a_search_result(
            *known.values(), missing_ids=tuple(paper for paper in named if paper not in known)
        )

    return find


def a_search_result(*papers: ScoredPaper, match: Match = Match.ID, **fields: Any) -> SearchResult:
    return SearchResult(tuple(FoundPaper(scored, match) for scored in papers), **fields)


def a_store() -> Store:
    """Open an empty store: SQLite in memory, or PostgreSQL in the second run of an `over_both` test."""
    return store_factories[-1]()


def _open_store_in_memory() -> Store:
    return open_store("sqlite://")


store_factories: list[Callable[[], Store]] = [_open_store_in_memory]
"""Stack of factories of `a_store`; the last one counts."""


def save_subscription(store: Store, subscription: Subscription, now: datetime = NOW) -> Subscription:
    """Save a subscription and return it with the store's number."""
    store.subscriptions.sync_from_settings([subscription], now=now)
    saved = store.subscriptions.find(subscription.channel)
    assert saved
    return saved


def corrupt_rows(store: Store, statement: str, **values: Any) -> None:
    """Run a statement directly on the store's database."""
    with store.library.database.write() as connection:  # type: ignore[attr-defined]
        connection.execute(text(statement), values)
