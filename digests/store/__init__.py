"""The store: papers, subscriptions, the ledger, marks, events, sources, health and the reviewer's books, over one database."""

from datetime import UTC, datetime

from digests.ports import Store
from digests.store.engine import BUSY_TIMEOUT, open_database
from digests.store.events import SqlEvents
from digests.store.health import SqlHealth
from digests.store.leadership import build_leadership
from digests.store.library import SqlLibrary
from digests.store.marks import SqlMarks
from digests.store.migration import migrate
from digests.store.notes import SqlNotes
from digests.store.outbox.failure_notices import SqlFailureNotices
from digests.store.outbox.outbox import SqlOutbox
from digests.store.outbox.reports import SqlDeliveryReports
from digests.store.post_edits import SqlPostEdits
from digests.store.reviewing import SqlReviewing
from digests.store.sources import SqlSources
from digests.store.subscriptions import SqlSubscriptions


def open_store(url: str, *, busy_timeout: float = BUSY_TIMEOUT, now: datetime | None = None) -> Store:
    """The store at an address such as sqlite:///paperround.db or postgresql+psycopg://me@host/papers, its tables made
    or renewed.

    `now` dates a backup; `busy_timeout` is how many seconds another process's write is waited for. Raises StoreError.
    """
    database = open_database(url, busy_timeout=busy_timeout)
    try:
        migrate(database, now=now or datetime.now(UTC))
    except BaseException:
        database.engine.dispose()
        raise
    leadership = build_leadership(database)

    def close() -> None:
        leadership.close()
        database.engine.dispose()

    return Store(
        SqlLibrary(database),
        SqlSubscriptions(database),
        SqlOutbox(database),
        SqlFailureNotices(database),
        SqlDeliveryReports(database),
        SqlMarks(database),
        SqlEvents(database),
        SqlSources(database),
        SqlHealth(database),
        SqlNotes(database),
        SqlPostEdits(database),
        SqlReviewing(database),
        leadership,
        close,
    )
