"""The store: every contract of `digests.ports` over one database, SQLite or PostgreSQL."""

from datetime import UTC, datetime
from pathlib import Path

from digests.panel import PanelPolicy
from digests.ports import Store
from digests.store.engine import BUSY_TIMEOUT, name_tombstones, open_database
from digests.store.migration import migrate
from digests.store.sql_store import SqlStore


def open_store(
    url: str,
    *,
    busy_timeout: float = BUSY_TIMEOUT,
    now: datetime | None = None,
    tombstones: Path | None = None,
    panel_policy: PanelPolicy | None = None,
) -> Store:
    """Open the store at a SQLAlchemy address and create or migrate its tables.

    Addresses look like sqlite:///paperround.db or postgresql+psycopg://me@host/papers. `busy_timeout` is the
    longest wait for another process's write, in seconds, for SQLite only. `now` dates the backup that a
    migration makes, by default the current time. `tombstones` is the file of what was forgotten, by default
    beside an SQLite file and none for PostgreSQL: what a restored backup brought back is erased first.
    `panel_policy` says how several reviews of a paper make one. Call the store's `close` at the end. Raises
    StoreError, with all connections closed.
    """
    database = open_database(url, busy_timeout=busy_timeout)
    store = SqlStore.connect(
        database,
        tombstones=tombstones or (name_tombstones(database.file) if database.file else None),
        panel_policy=panel_policy or PanelPolicy(),
    )
    try:
        migrate(database, now=now or datetime.now(UTC))
        store.reapply_tombstones()
    except BaseException:
        database.engine.dispose()
        raise
    return store
