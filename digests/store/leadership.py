"""Leader locks in the store. Implements `digests.ports.leadership.Leadership`."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from digests.errors import StoreError
from digests.ports.leadership import LeaderLock
from digests.private_files import open_private, restrict_to_owner
from digests.store.engine import Database, translate_errors

ANSWER_TIMEOUT_SECONDS = 5.0
"""Seconds without an answer after which the server counts as lost."""

SILENCE_TIMEOUT_SECONDS = 20
"""Seconds of silence after which the server ends the session of a process, which frees its locks."""

# A suspended process and a lost machine leave their sessions open, so the server must end them.
_SESSION_SETTINGS = text(
    "SELECT set_config('tcp_keepalives_idle', '5', false), "
    "set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '3', false), "
    f"set_config('tcp_user_timeout', '{SILENCE_TIMEOUT_SECONDS}s', false), "
    f"set_config('idle_session_timeout', '{SILENCE_TIMEOUT_SECONDS}s', false)"
)
# A lock has two numbers: one for this store, by which `pg_locks` is searched, and one for the role.
_LOCK_CLASS = "hashtext('paperround ' || current_schema())"
_LOCK_KEY = f"{_LOCK_CLASS}, hashtext(:role)"
_TRY_LOCK = text(f"SELECT pg_try_advisory_lock({_LOCK_KEY})")
_UNLOCK = text(f"SELECT pg_advisory_unlock({_LOCK_KEY})")
_PING = text("SELECT 1")
# `pg_locks` shows the signed number as an unsigned one; an objsubid of 2 means a lock of two numbers.
HELD_LOCKS = (
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted "  # noqa: S608
    f"AND objsubid = 2 AND classid::bigint = ({_LOCK_CLASS}::bigint & 4294967295) "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
"""Query for the numbers of the roles of this store whose locks are held: `hashtext(role)`, unsigned."""
_ANY_LOCK = text(f"SELECT EXISTS ({HELD_LOCKS})")


@dataclass(slots=True)
class FileLeadership:
    """Leader locks of an SQLite store: one locked file for each role, beside the database.

    A store in memory belongs to this process alone, so there the locks are in memory too.
    """

    file: Path | None
    _lock_descriptors: dict[str, int] = field(default_factory=dict)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def acquire(self, role: str) -> LeaderLock | None:
        with self._mutex:
            if role in self._lock_descriptors:
                return None
            lock = self._try_lock_file(role)
            if lock is None:
                return None
            self._lock_descriptors[role] = lock
            return _FileLeaderLock(self, role, lock)

    def find_free_roles(self, prefix: str) -> list[str]:
        """Return the roles with this prefix that have a lock file which nobody holds."""
        roles = [role for role in _find_file_roles(self.file) if role.startswith(prefix)]
        with self._mutex:
            return [role for role in roles if role not in self._lock_descriptors and self._is_file_free(role)]

    def _is_file_free(self, role: str) -> bool:
        """Return True if the lock file of a role is there and nobody has locked it."""
        import fcntl  # Missing on Windows, where the rest of the store works.

        try:
            probe = os.open(str(self._find_lock_path(role)), os.O_RDWR)
        except OSError:  # It has just been removed.
            return False
        try:
            # Shared: two processes that look at once see the same.
            fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(probe)
        return True

    def remove_file(self, role: str) -> None:
        """Remove the lock file of a role that will not be taken again. Has no effect without a file."""
        if path := self._find_lock_path(role):
            path.unlink(missing_ok=True)

    def _find_lock_path(self, role: str) -> Path | None:
        return _lock_path_of(self.file, role) if self.file else None

    def _try_lock_file(self, role: str) -> int | None:
        path = self._find_lock_path(role)
        if path is None:
            return -1
        import fcntl  # Missing on Windows, where the rest of the store works.

        try:
            lock = open_private(str(path), os.O_RDWR | os.O_CREAT)
            restrict_to_owner([path])
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written ({error.strerror}): give this user the right to write there, or "
                "two processes could do the same work."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        except OSError as error:
            os.close(lock)  # It is tried again every second.
            raise StoreError(
                f"{path} cannot be locked ({error.strerror}): keep the database on a disk with file locks."
            ) from error
        return lock

    def is_lock_held(self, role: str, lock: int) -> bool:
        """Return True while this process holds the lock and its file is still in its place. Never raises."""
        with self._mutex:
            if self._lock_descriptors.get(role) != lock:
                return False
            path = self._find_lock_path(role)
            try:
                return path is None or path.stat().st_ino == os.fstat(lock).st_ino
            except OSError:
                return False

    def release_lock(self, role: str, lock: int) -> None:
        """Release a lock. Has no effect if it was released already."""
        with self._mutex:
            if self._lock_descriptors.get(role) == lock:
                del self._lock_descriptors[role]
                if lock >= 0:
                    os.close(lock)

    def close(self) -> None:
        """Release every lock."""
        for role, lock in list(self._lock_descriptors.items()):
            self.release_lock(role, lock)


def _lock_path_of(file: Path, role: str) -> Path:
    return file.with_name(f"{file.name}.lead-{role}")


@dataclass(slots=True)
class _FileLeaderLock:
    leadership: FileLeadership
    role: str
    lock: int

    def is_held(self) -> bool:
        return self.leadership.is_lock_held(self.role, self.lock)

    def release(self) -> None:
        self.leadership.release_lock(self.role, self.lock)


@dataclass(slots=True)
class PostgresLeadership:
    """Leader locks of a PostgreSQL store: advisory locks of one dedicated session.

    All are lost when that session ends.
    """

    database: Database
    _session: Connection | None = None
    _dbapi_connection: Any = None
    _is_closed: bool = False
    _held_roles: set[str] = field(default_factory=set)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def acquire(self, role: str) -> LeaderLock | None:
        with self._mutex, translate_errors(self.database.name):
            if role in self._held_roles or self._is_closed:
                return None
            session = self._session or self._open_session()
            try:
                with _enforce_answer_deadline(session):
                    is_locked = session.execute(_TRY_LOCK, {"role": role}).scalar()
            except SQLAlchemyError:
                self._drop_session()
                raise
            if not is_locked:
                return None
            self._held_roles.add(role)
            return _PostgresLeaderLock(self, role, session)

    def _open_session(self) -> Connection:
        session = self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            session.detach()
            session.execute(_SESSION_SETTINGS)
        except SQLAlchemyError:
            session.close()
            raise
        self._session = session
        self._dbapi_connection = session.connection.dbapi_connection
        return session

    def _drop_session(self) -> None:
        session, self._session = self._session, None
        self._held_roles.clear()
        if session is not None:
            with suppress(SQLAlchemyError):
                session.close()
            # SQLAlchemy only forgets a detached connection that has failed.
            self._dbapi_connection.close()

    def is_lock_held(self, role: str, session: Connection) -> bool:
        """Return True while the lock's session is open and the server answers in it. Never raises.

        A failure drops the session, and with it every lock.
        """
        with self._mutex:
            if session is not self._session or role not in self._held_roles:
                return False
            try:
                with _enforce_answer_deadline(session):
                    session.execute(_PING)
            except SQLAlchemyError:
                self._drop_session()
                return False
            return True

    def release_lock(self, role: str, session: Connection) -> None:
        """Release a lock of this session. The session is dropped when the server does not confirm that.

        Has no effect if the lock is not held. Never raises.
        """
        with self._mutex:
            if session is not self._session or role not in self._held_roles:
                return
            self._held_roles.discard(role)
            try:
                with _enforce_answer_deadline(session):
                    session.execute(_UNLOCK, {"role": role})
            except SQLAlchemyError:
                self._drop_session()

    def close(self) -> None:
        """Release every lock, by ending the session. None is given afterwards: a new session would leak."""
        with self._mutex:
            self._is_closed = True
            self._drop_session()


@dataclass(slots=True)
class _PostgresLeaderLock:
    leadership: PostgresLeadership
    role: str
    session: Connection

    def is_held(self) -> bool:
        return self.leadership.is_lock_held(self.role, self.session)

    def release(self) -> None:
        self.leadership.release_lock(self.role, self.session)


@contextmanager
def _enforce_answer_deadline(session: Connection) -> Iterator[None]:
    """Shut the session's socket down if the block takes longer than `ANSWER_TIMEOUT_SECONDS`.

    The statement in the block then raises a SQLAlchemyError, and the session cannot be used any more. Raises
    DisconnectionError if it is closed already. Neither libpq nor psycopg has such a deadline.
    """
    try:
        fileno: int = session.connection.dbapi_connection.fileno()  # type: ignore[union-attr]
    except session.dialect.loaded_dbapi.Error as error:
        raise DisconnectionError(str(error)) from error
    with socket.socket(fileno=os.dup(fileno)) as duplicate:
        timer = threading.Timer(ANSWER_TIMEOUT_SECONDS, _shut_down_socket, [duplicate])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _shut_down_socket(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def build_leadership(database: Database) -> FileLeadership | PostgresLeadership:
    """Build the leader locks that fit the kind of database. Opens no connection or file yet."""
    return PostgresLeadership(database) if database.is_postgres else FileLeadership(database.file)


def is_any_role_held(database: Database) -> bool:
    """Return True while any process holds a leader lock of this store. Raises StoreError.

    Leaves no lock held and creates no file.
    """
    if database.is_postgres:
        with database.read() as connection:
            return bool(connection.execute(_ANY_LOCK).scalar())
    leadership = FileLeadership(database.file)
    try:
        return any(leadership.acquire(role) is None for role in _find_file_roles(database.file))
    finally:
        leadership.close()


def _find_file_roles(file: Path | None) -> list[str]:
    """Return the roles that have a lock file, locked or not."""
    if file is None:
        return []
    prefix = _lock_path_of(file, "").name
    return [path.name.removeprefix(prefix) for path in file.parent.glob("*") if path.name.startswith(prefix)]
