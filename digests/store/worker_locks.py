"""Worker locks in the store. Implements `digests.ports.worker_locks.WorkerLocks`.

A worker lock is a leader lock whose role is the worker's own name.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import Connection, bindparam, text, update

from digests.ports.leadership import LeaderLock
from digests.ports.outbox import POISON_AFTER
from digests.ports.worker_locks import LOCKED_OWNER_PREFIX, name_locked_owner
from digests.store import schema
from digests.store.engine import Database, in_json_array
from digests.store.leadership import HELD_LOCKS, FileLeadership, PostgresLeadership
from digests.store.outbox.conditions import LEASED, has_live_lease

deliveries = schema.deliveries

_FILE_ROLE_PREFIX = quote(LOCKED_OWNER_PREFIX, safe="")
"""Beginning of the roles of workers, as they stand in the names of lock files."""

_NOW = bindparam("now", type_=schema.Instant)
_END_LEASES = (
    update(deliveries)
    .where(
        in_json_array(deliveries.c.owner, "owners"),
        has_live_lease(_NOW),
        deliveries.c.crashes < POISON_AFTER,
    )
    .values(lease_until=_NOW)
)
_DEAD_OWNERS = text(
    "SELECT DISTINCT owner FROM deliveries "  # noqa: S608
    f"WHERE state IN ({', '.join(repr(state.value) for state in LEASED)}) AND lease_until > :now "
    f"AND crashes < {POISON_AFTER} AND starts_with(owner, '{LOCKED_OWNER_PREFIX}') "
    f"AND (hashtext(owner)::bigint & 4294967295) NOT IN ({HELD_LOCKS})"
).bindparams(_NOW)


def _end_leases(connection: Connection, owners: Collection[str], now: datetime) -> int:
    return connection.execute(_END_LEASES, {"owners": sorted(owners), "now": now}).rowcount


@dataclass(frozen=True, slots=True)
class FileWorkerLocks:
    """Worker locks of an SQLite store: one locked file for each worker, which it removes at its end."""

    leadership: FileLeadership
    database: Database

    def acquire(self, worker: str) -> LeaderLock | None:
        role = _file_role_of(name_locked_owner(worker))
        lock = self.leadership.acquire(role)
        return _FileWorkerLock(self.leadership, role, lock) if lock else None

    def end_dead_leases(self, *, now: datetime) -> int:
        dead_roles = self.leadership.find_free_roles(_FILE_ROLE_PREFIX)
        if not dead_roles:
            return 0
        with self.database.write() as connection:
            ended_count = _end_leases(connection, [unquote(role) for role in dead_roles], now)
        for role in dead_roles:
            self.leadership.remove_file(role)
        return ended_count


def _file_role_of(owner: str) -> str:
    """Return the role of an owner, fit for a file name."""
    return quote(owner, safe="")


@dataclass(frozen=True, slots=True)
class _FileWorkerLock:
    leadership: FileLeadership
    role: str
    lock: LeaderLock

    def is_held(self) -> bool:
        return self.lock.is_held()

    def release(self) -> None:
        if self.lock.is_held():
            self.leadership.remove_file(self.role)
        self.lock.release()


@dataclass(frozen=True, slots=True)
class PostgresWorkerLocks:
    """Worker locks of a PostgreSQL store: advisory locks of the session that holds the leader locks."""

    leadership: PostgresLeadership
    database: Database

    def acquire(self, worker: str) -> LeaderLock | None:
        return self.leadership.acquire(name_locked_owner(worker))

    def end_dead_leases(self, *, now: datetime) -> int:
        parameters: dict[str, Any] = {"now": now}
        with self.database.read() as connection:
            owners = connection.execute(_DEAD_OWNERS, parameters).scalars().all()
        if not owners:
            return 0
        with self.database.write() as connection:
            return _end_leases(connection, owners, now)


def build_worker_locks(
    leadership: FileLeadership | PostgresLeadership, database: Database
) -> FileWorkerLocks | PostgresWorkerLocks:
    """Build the worker locks that fit the kind of database. Opens no connection or file yet."""
    if isinstance(leadership, PostgresLeadership):
        return PostgresWorkerLocks(leadership, database)
    return FileWorkerLocks(leadership, database)
