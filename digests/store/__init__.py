"""The store: every contract of `digests.ports` over one database, SQLite or PostgreSQL."""

from datetime import UTC, datetime
from pathlib import Path

from digests.ports import Store
from digests.store.budget import SqlBudget
from digests.store.engine import BUSY_TIMEOUT, open_database
from digests.store.leadership import build_leadership
from digests.store.library import SqlLibrary
from digests.store.marks import SqlMarks
from digests.store.migration import migrate
from digests.store.moderation import SqlModeration
from digests.store.notes import SqlEvents, SqlNotes
from digests.store.outbox.failure_notices import SqlFailureNotices
from digests.store.outbox.outbox import SqlOutbox
from digests.store.outbox.reports import SqlDeliveryReports
from digests.store.pairwise_ranking import SqlPairwiseRanking
from digests.store.paper_requests import SqlPaperRequests
from digests.store.people import SqlPeople
from digests.store.post_edits import SqlPostEdits
from digests.store.posts import SqlPosts
from digests.store.review_queue import SqlReviewQueue
from digests.store.sources import SqlHealth, SqlSources
from digests.store.subscriptions import SqlSubscriptions
from digests.store.tombstones import locate_tombstones
from digests.store.workspaces import SqlWorkspaces


def open_store(
    url: str,
    *,
    busy_timeout: float = BUSY_TIMEOUT,
    now: datetime | None = None,
    tombstones: Path | None = None,
) -> Store:
    """Open the store at a SQLAlchemy address and create or migrate its tables.

    Addresses look like sqlite:///paperround.db or postgresql+psycopg://me@host/papers. `busy_timeout` is the
    longest wait for another process's write, in seconds, for SQLite only. `now` dates the backup that a
    migration makes, by default the current time. `tombstones` is the file of what was forgotten, by default
    beside an SQLite file and none for PostgreSQL: what a restored backup brought back is erased first. Call
    the store's `close` at the end. Raises StoreError, with all connections closed.
    """
    database = open_database(url, busy_timeout=busy_timeout)
    try:
        migrate(database, now=now or datetime.now(UTC))
        people = SqlPeople(database, locate_tombstones(database.file, tombstones))
        people.reapply_tombstones()
    except BaseException:
        database.engine.dispose()
        raise
    leadership = build_leadership(database)

    def close() -> None:
        leadership.close()
        database.engine.dispose()

    return Store(
        library=SqlLibrary(database),
        paper_requests=SqlPaperRequests(database),
        subscriptions=SqlSubscriptions(database),
        outbox=SqlOutbox(database),
        failure_notices=SqlFailureNotices(database),
        delivery_reports=SqlDeliveryReports(database),
        posts=SqlPosts(database),
        marks=SqlMarks(database),
        post_edits=SqlPostEdits(database),
        sources=SqlSources(database),
        health=SqlHealth(database),
        events=SqlEvents(database),
        notes=SqlNotes(database),
        review_queue=SqlReviewQueue(database),
        budget=SqlBudget(database),
        pairwise_ranking=SqlPairwiseRanking(database),
        moderation=SqlModeration(database),
        workspaces=SqlWorkspaces(database),
        people=people,
        leadership=leadership,
        close=close,
    )
