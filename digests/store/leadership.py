"""Leads: one process at a time holds each. Keeps the contract of `digests.ports.Leadership`."""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from digests.errors import StoreError
from digests.ports import Lead
from digests.store.engine import Database, sentences

ANSWER_SECONDS = 5.0
"""A server that is silent for so long is taken for lost."""

SILENT_SECONDS = 20
"""The server takes the leads of a process that it does not hear of for so long."""

# A process that was stopped, or whose machine is gone, leaves its session open: it is the server that must end it.
_SESSION = text(
    "SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '3', false), "
    f"set_config('tcp_user_timeout', '{SILENT_SECONDS}s', false), "
    f"set_config('idle_session_timeout', '{SILENT_SECONDS}s', false)"
)
_KEY = "hashtextextended('paperround ' || current_schema() || ' ' || :name, 0)"
_TAKE = text(f"SELECT pg_try_advisory_lock({_KEY})")
_GIVE_BACK = text(f"SELECT pg_advisory_unlock({_KEY})")
_ARE_YOU_THERE = text("SELECT 1")


@dataclass(slots=True)
class FileLeadership:
    """Leads over an SQLite file: a locked file beside it for each. Over a store in memory this process alone leads."""

    file: Path | None
    _here: dict[str, int] = field(default_factory=dict)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def lead(self, name: str) -> Lead | None:
        with self._one_at_a_time:
            if name in self._here:
                return None
            lock = self._locked(name)
            if lock is None:
                return None
            self._here[name] = lock
            return _FileLead(self, name, lock)

    def _path(self, name: str) -> Path | None:
        return _lock_file(self.file, name) if self.file else None

    def _locked(self, name: str) -> int | None:
        path = self._path(name)
        if path is None:
            return -1
        import fcntl  # Not on Windows, where the rest of the store works.

        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written ({error.strerror}): give this user the right to write there, or two processes "
                "could do the same work."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def holds(self, name: str, lock: int) -> bool:
        """Whether the lead with this lock is still one: its file may have been moved away."""
        with self._one_at_a_time:
            if self._here.get(name) != lock:
                return False
            path = self._path(name)
            try:
                return path is None or path.stat().st_ino == os.fstat(lock).st_ino
            except OSError:
                return False

    def release(self, name: str, lock: int) -> None:
        """End the lead that has this lock, if it still does."""
        with self._one_at_a_time:
            if self._here.get(name) == lock:
                del self._here[name]
                if lock >= 0:
                    os.close(lock)

    def close(self) -> None:
        """Give every lead back."""
        for name, lock in list(self._here.items()):
            self.release(name, lock)


def _lock_file(file: Path, name: str) -> Path:
    return file.with_name(f"{file.name}.lead-{name}")


@dataclass(slots=True)
class _FileLead:
    of: FileLeadership
    name: str
    lock: int

    def holds(self) -> bool:
        return self.of.holds(self.name, self.lock)

    def release(self) -> None:
        self.of.release(self.name, self.lock)


@dataclass(slots=True)
class PostgresLeadership:
    """Leads over PostgreSQL: advisory locks of one session, which nothing else uses. Lost with it, all of them."""

    database: Database
    _session: Connection | None = None
    _held: set[str] = field(default_factory=set)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def lead(self, name: str) -> Lead | None:
        with self._one_at_a_time, sentences(self.database.name):
            if name in self._held:
                return None
            session = self._session or self._open()
            try:
                with _answering(session):
                    taken = session.execute(_TAKE, {"name": name}).scalar()
            except SQLAlchemyError:
                self._drop()
                raise
            if not taken:
                return None
            self._held.add(name)
            return _PostgresLead(self, name, session)

    def _open(self) -> Connection:
        session = self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            session.detach()
            session.execute(_SESSION)
        except SQLAlchemyError:
            session.close()
            raise
        self._session = session
        return session

    def _drop(self) -> None:
        session, self._session = self._session, None
        self._held.clear()
        if session is not None:
            with suppress(SQLAlchemyError):
                session.close()

    def holds(self, name: str, session: Connection) -> bool:
        """Whether the server still knows the session in which the lead was taken."""
        with self._one_at_a_time:
            if session is not self._session or name not in self._held:
                return False
            try:
                with _answering(session):
                    session.execute(_ARE_YOU_THERE)
            except SQLAlchemyError:
                self._drop()
                return False
            return True

    def release(self, name: str, session: Connection) -> None:
        """End a lead of this session; a session that cannot be told so is given up."""
        with self._one_at_a_time:
            if session is not self._session or name not in self._held:
                return
            self._held.discard(name)
            try:
                with _answering(session):
                    session.execute(_GIVE_BACK, {"name": name})
            except SQLAlchemyError:
                self._drop()

    def close(self) -> None:
        """Give every lead back."""
        with self._one_at_a_time:
            self._drop()


@dataclass(slots=True)
class _PostgresLead:
    of: PostgresLeadership
    name: str
    session: Connection

    def holds(self) -> bool:
        return self.of.holds(self.name, self.session)

    def release(self) -> None:
        self.of.release(self.name, self.session)


@contextmanager
def _answering(session: Connection) -> Iterator[None]:
    """What is asked within is answered in time, or fails: neither libpq nor psycopg has a deadline for an answer."""
    try:
        fileno: int = session.connection.dbapi_connection.fileno()  # type: ignore[union-attr]
    except session.dialect.loaded_dbapi.Error as error:
        raise DisconnectionError(str(error)) from error
    with socket.socket(fileno=os.dup(fileno)) as same:
        hang_up = threading.Timer(ANSWER_SECONDS, _shut, [same])
        hang_up.start()
        try:
            yield
        finally:
            hang_up.cancel()
            hang_up.join()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def leadership_over(database: Database) -> FileLeadership | PostgresLeadership:
    """The leads over a database, as its kind has them."""
    return PostgresLeadership(database) if database.is_postgres else FileLeadership(database.file)


def leads_taken(database: Database, names: Sequence[str]) -> list[str]:
    """Those of these leads that a process holds just now. Takes none, and leaves no file. Raises StoreError."""
    leadership = leadership_over(database)
    file = database.file
    known = [name for name in names if file is None or _lock_file(file, name).exists()]
    try:
        return [name for name in known if leadership.lead(name) is None]
    finally:
        leadership.close()
