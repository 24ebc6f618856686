"""The store: papers, subscriptions, the ledger, marks, events, sources, health and the reviewer's books, over one database."""

from datetime import UTC, datetime

from digests.ports import Store
from digests.store.deliveries import SqlDeliveries
from digests.store.engine import BUSY_TIMEOUT, connect
from digests.store.events import SqlEvents
from digests.store.health import SqlHealth
from digests.store.leadership import leadership_over
from digests.store.marks import SqlMarks
from digests.store.migration import migrate
from digests.store.notes import SqlNotes
from digests.store.papers import SqlPapers
from digests.store.reviewing import SqlReviewing
from digests.store.sources import SqlSources
from digests.store.subscriptions import SqlSubscriptions
from digests.store.upkeep import SqlUpkeep


def open_store(url: str, *, busy_timeout: float = BUSY_TIMEOUT, now: datetime | None = None) -> Store:
    """The store at an address such as sqlite:///paperround.db or postgresql+psycopg://me@host/papers, its tables made
    or renewed.

    `now` dates a backup; `busy_timeout` is how many seconds another process's write is waited for. Raises StoreError.
    """
    database = connect(url, busy_timeout=busy_timeout)
    try:
        migrate(database, now=now or datetime.now(UTC))
    except BaseException:
        database.engine.dispose()
        raise
    leads = leadership_over(database)

    def close() -> None:
        leads.close()
        database.engine.dispose()

    return Store(
        SqlPapers(database),
        SqlSubscriptions(database),
        SqlDeliveries(database),
        SqlMarks(database),
        SqlEvents(database),
        SqlSources(database),
        SqlHealth(database),
        SqlNotes(database),
        SqlUpkeep(database),
        SqlReviewing(database),
        leads,
        close,
    )
