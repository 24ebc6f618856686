"""PostgreSQL specifics: engine, timeouts, advisory locks, and errors as sentences."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from digests.errors import StoreError

OLDEST_VERSION = (14,)
"""Oldest version that is accepted: the first that ends idle sessions, which leadership depends on."""

CONNECT_TIMEOUT_SECONDS = 10
"""Seconds to wait for a new connection."""
STATEMENT_TIMEOUT_SECONDS = 60
"""Seconds for one statement. The longest one reads the candidates of a day: well under a second."""
LOCK_TIMEOUT_SECONDS = 30
"""Seconds to wait for another process's write, the same as over SQLite."""
IDLE_TIMEOUT_SECONDS = 60
"""Seconds after which an idle transaction is ended.

It belongs to a stopped process, and others wait for its locks.
"""

POOL_SIZE, MAX_CONNECTIONS = 5, 15
"""Connections that a process keeps, and opens at most: it asks from about half a dozen threads.

PostgreSQL lets 100 in by default.
"""
RECYCLE_SECONDS = 1800
"""Age in seconds from which a connection is replaced: firewalls drop older ones."""

_KEEPALIVE_SETTINGS = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Connection options, in seconds; `tcp_user_timeout` in milliseconds.

A dead server is noticed within half a minute.
"""

_SECRET_PARAMETERS = ("password", "sslpassword")


def create_pooled_engine(address: URL) -> Engine:
    """Create an engine that checks pooled connections before use. Opens none yet.

    Each session gets the timeouts of this module. Raises StoreError without the driver.
    """
    arguments: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "paperround",
        "client_encoding": "utf8",  # Without it psycopg returns bytes from SQL_ASCII databases.
        **_KEEPALIVE_SETTINGS,
    }
    try:
        pooled_engine = create_engine(
            address.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=POOL_SIZE,
            max_overflow=MAX_CONNECTIONS - POOL_SIZE,
            pool_recycle=RECYCLE_SECONDS,
            connect_args={name: value for name, value in arguments.items() if name not in address.query},
        )
    except ImportError as error:
        raise StoreError(
            "The store is in PostgreSQL, whose driver is not installed: install paperround with its "
            "postgresql extra (pip install '.[postgresql]')."
        ) from error
    event.listen(pooled_engine, "connect", _begin_session)
    return pooled_engine


_SESSION_SETTINGS = (
    f"SELECT set_config('statement_timeout', '{STATEMENT_TIMEOUT_SECONDS}s', false), "
    f"set_config('lock_timeout', '{LOCK_TIMEOUT_SECONDS}s', false), "
    f"set_config('idle_in_transaction_session_timeout', '{IDLE_TIMEOUT_SECONDS}s', false), "
    "set_config('TimeZone', 'UTC', false)"
)


def _begin_session(connection: Any, record: Any) -> None:
    """Apply the session settings by a statement: poolers refuse them as connection options."""
    connection.autocommit = True
    connection.execute(_SESSION_SETTINGS)
    connection.autocommit = False


def hide_secrets(address: URL) -> str:
    """Return the address as a text for people, with passwords masked."""
    masked_address = address.set(
        query={key: "***" if key in _SECRET_PARAMETERS else value for key, value in address.query.items()}
    )
    return masked_address.render_as_string(hide_password=True)


def require_supported_server(connection: Connection, store_name: str) -> None:
    """Raise StoreError for a server that is too old or a database whose encoding is not UTF-8."""
    version = connection.dialect.server_version_info or OLDEST_VERSION
    if version < OLDEST_VERSION:
        version_text = ".".join(str(number) for number in version)
        raise StoreError(
            f"The store {store_name} is in PostgreSQL {version_text}: "
            f"version {OLDEST_VERSION[0]} or newer is needed."
        )
    encoding = connection.execute(text("SELECT getdatabaseencoding()")).scalar()
    if encoding != "UTF8":
        raise StoreError(
            f"The store {store_name} keeps its text as {encoding}, which lacks most characters: "
            "create a database with ENCODING 'UTF8' (and TEMPLATE template0) and name it under [store] url."
        )


def acquire_transaction_lock(connection: Connection, lock_name: str) -> None:
    """Wait for a named advisory lock of this database and schema, and hold it until the transaction ends.

    A wait longer than `LOCK_TIMEOUT_SECONDS` ends in a database error.
    """
    connection.execute(
        text(
            "SELECT pg_advisory_xact_lock(hashtextextended("
            "'paperround ' || current_schema() || ' ' || :lock_name, 1))"
        ),
        {"lock_name": lock_name},
    )


def lift_timeouts(connection: Connection) -> None:
    """Remove the timeouts until the transaction ends, for migrations and copies of large stores."""
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    connection.execute(text("SELECT " + ", ".join(f"set_config('{limit}', '0', true)" for limit in limits)))


_ERROR_SENTENCES = {
    "57014": "did not answer in time: try again, and look at what else keeps the server busy",
    "55P03": "is locked by another process for too long: try again",
    "40P01": "was asked by two processes at once for the same thing: try again; nothing was half written",
    "25P03": "ended a transaction that had been idle: try again; nothing was half written",
    "57P05": "ended a connection that had been idle: try again",
    "25006": "is read-only (a standby, perhaps): name the server that takes writes under [store] url",
    "42501": "does not let this user do that: give it the right to create tables and to read and write them",
    "53100": "cannot grow, its disk is full: free some space and try again; nothing was half written",
    "53200": "is out of memory: try again, and look at what else keeps the server busy",
    "53300": "has no connection left: run fewer replicas, or raise max_connections",
    "28": "refuses the login: check the user under [store] url, and its password in PGPASSWORD or ~/.pgpass",
    "3D000": "does not exist: create the database, or name another under [store] url",
    "57P": "is being stopped or started: trying again helps once it is up",
    "08": "went away: check that the server is up and the network works; nothing was half written",
}
"""Sentences by SQLSTATE or its prefix; the first match counts."""

_CONNECT_ERROR_SENTENCES = {
    "password authentication failed": _ERROR_SENTENCES["28"],
    "no password supplied": _ERROR_SENTENCES["28"],
    "no pg_hba.conf entry": _ERROR_SENTENCES["28"],
    "too many clients": _ERROR_SENTENCES["53300"],
    "remaining connection slots": _ERROR_SENTENCES["53300"],
    "starting up": _ERROR_SENTENCES["57P"],
    "shutting down": _ERROR_SENTENCES["57P"],
    "does not exist": _ERROR_SENTENCES["3D000"],
    "server closed the connection": _ERROR_SENTENCES["08"],
}
"""Sentences by part of the message: errors while connecting have no SQLSTATE."""


def describe_error(store_name: str, error: DBAPIError) -> str:
    """Return a sentence for people that says what to do about an error. Never contains the password."""
    message = str(error.orig).strip()
    state = getattr(error.orig, "sqlstate", None) or ""
    for pattern, advice in _ERROR_SENTENCES.items():
        if state.startswith(pattern):
            return f"The store {store_name} {advice}."
    if state:
        return f"The store {store_name} cannot be used: {message.splitlines()[0]} ({state})."
    for pattern, advice in _CONNECT_ERROR_SENTENCES.items():
        if pattern in message:
            return f"The store {store_name} {advice}."
    if error.connection_invalidated:
        return f"The store {store_name} {_ERROR_SENTENCES['08']}."
    reason = (
        message.splitlines()[0].rpartition("failed: ")[2].strip(" .")
        if message
        else type(error.orig).__name__
    )
    return (
        f"The store {store_name} cannot be reached: {reason}. Check [store] url, and that the server is up."
    )
