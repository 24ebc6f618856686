"""Papers, reviews and the rest, with what a test does not care about filled in."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import text

from digests.model import (
    NOT_REVIEWED,
    Candidate,
    Channel,
    Paper,
    Review,
    Schedule,
    ScoredPaper,
    Subscription,
    Wish,
)
from digests.ports import Store
from digests.store import open_store

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""A Tuesday, nine o'clock."""

TODAY = NOW.date()


def a_paper(id: str = "2402.01306", **facts: Any) -> Paper:  # noqa: A002
    return Paper(**{"id": id, "title": f"Paper {id}", "url": f"https://arxiv.org/abs/{id}", **facts})


def a_review(score: float | None = 7.5, **said: Any) -> Review:
    return Review(**{"score": score, "tldr": "It works.", "limitations": "Only English is tested.", **said})


def scored(id: str = "2402.01306", review: Review = NOT_REVIEWED, **facts: Any) -> ScoredPaper:  # noqa: A002
    return ScoredPaper(a_paper(id, **facts), review, NOW)


def a_candidate(id: str, score: float | None = 5.0, domain: str = "cs.LG", **facts: Any) -> Candidate:  # noqa: A002
    return Candidate(
        **{"id": id, "score": score, "primary_category": domain, "published": date(2026, 11, 20), **facts}
    )


def a_subscription(channel: str = "papers", **wish: Any) -> Subscription:
    return Subscription(Channel("console", channel), Wish(**wish), Schedule())


def a_store() -> Store:
    """An empty store: in memory, or in PostgreSQL where a test asks for `over_both` and has its second turn."""
    return empty_stores[-1]()


empty_stores: list[Callable[[], Store]] = [lambda: open_store("sqlite://", now=NOW)]


def stored(store: Store, subscription: Subscription, now: datetime = NOW) -> Subscription:
    """The subscription, kept in the store and with its number."""
    store.subscriptions.keep([subscription], now=now)
    found = store.subscriptions.find(subscription.channel)
    assert found
    return found


def damage(store: Store, statement: str, **values: Any) -> None:
    """Change rows behind the store's back."""
    with store.papers.database.write() as connection:  # type: ignore[attr-defined]
        connection.execute(text(statement), values)
