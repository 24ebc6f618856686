"""What is PostgreSQL's own: its driver, its time-outs, taking turns, and its faults in sentences."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from digests.errors import StoreError

OLDEST = (14,)
"""It ends sessions that are silent, on which leads depend."""

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60
"""The longest statement is a digest's look through a day's papers: well under a second."""
LOCK_SECONDS = 30
"""To wait for another's write, as over SQLite."""
IDLE_SECONDS = 60
"""A transaction in which nothing happens for so long belongs to a process that was stopped; others wait for its locks."""

KEPT_OPEN, AT_MOST = 5, 15
"""Connections of a process: it asks from about half a dozen threads. PostgreSQL lets 100 in by default."""
RECYCLE_SECONDS = 1800
"""Firewalls forget connections that are older."""

_SILENCE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Seconds, and milliseconds: a server that is gone without a word is noticed within half a minute."""

_HIDDEN = ("password", "sslpassword")


def engine(address: URL) -> Engine:
    """An engine whose connections are looked at before they are lent. Raises StoreError when the driver is missing."""
    arguments: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "paperround",
        "client_encoding": "utf8",  # Of a database in SQL_ASCII psycopg would give bytes.
        **_SILENCE,
    }
    try:
        made = create_engine(
            address.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=KEPT_OPEN,
            max_overflow=AT_MOST - KEPT_OPEN,
            pool_recycle=RECYCLE_SECONDS,
            connect_args={name: value for name, value in arguments.items() if name not in address.query},
        )
    except ImportError as error:
        raise StoreError(
            "The store is in PostgreSQL, whose driver is not installed: install paperround with its postgresql extra "
            "(pip install '.[postgresql]')."
        ) from error
    event.listen(made, "connect", _begin_session)
    return made


_SESSION = (
    f"SELECT set_config('statement_timeout', '{STATEMENT_SECONDS}s', false), "
    f"set_config('lock_timeout', '{LOCK_SECONDS}s', false), "
    f"set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', false), "
    "set_config('TimeZone', 'UTC', false)"
)


def _begin_session(connection: Any, record: Any) -> None:
    """Set, not sent along with the greeting, which poolers refuse."""
    connection.autocommit = True
    connection.execute(_SESSION)
    connection.autocommit = False


def name(address: URL) -> str:
    """The address as it may be shown to people."""
    shown = address.set(
        query={key: "***" if key in _HIDDEN else value for key, value in address.query.items()}
    )
    return shown.render_as_string(hide_password=True)


def require_fit(connection: Connection, store: str) -> None:
    """Raises StoreError for a server that is too old, or a database that does not take every text."""
    version = connection.dialect.server_version_info or OLDEST
    if version < OLDEST:
        was = ".".join(str(number) for number in version)
        raise StoreError(f"The store {store} is in PostgreSQL {was}: version {OLDEST[0]} or newer is needed.")
    encoding = connection.execute(text("SELECT getdatabaseencoding()")).scalar()
    if encoding != "UTF8":
        raise StoreError(
            f"The store {store} keeps its text as {encoding}, which lacks most signs: create a database with ENCODING 'UTF8' "
            "(and TEMPLATE template0) and name it under [store] url."
        )


def wait_for_turn(connection: Connection, what: str) -> None:
    """Until the transaction ends, be the only one in this database and schema that does what is named."""
    connection.execute(
        text(
            "SELECT pg_advisory_xact_lock(hashtextextended('paperround ' || current_schema() || ' ' || :what, 1))"
        ),
        {"what": what},
    )


def take_time(connection: Connection) -> None:
    """Let this transaction take as long as it takes: new tables over a million papers, a copy of them all."""
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    connection.execute(text("SELECT " + ", ".join(f"set_config('{limit}', '0', true)" for limit in limits)))


_SENTENCES = {
    "57014": "did not answer in time: try again, and look at what else keeps the server busy",
    "55P03": "is locked by another process for too long: try again",
    "40P01": "was asked by two processes at once for the same thing: try again; nothing was half written",
    "25P03": "ended a transaction that had stood still: try again; nothing was half written",
    "57P05": "ended a connection that had been silent: try again",
    "25006": "is read-only (a standby, perhaps): name the server that takes writes under [store] url",
    "42501": "does not let this user do that: give it the right to create tables and to read and write them",
    "53100": "cannot grow, its disk is full: free some space and try again; nothing was half written",
    "53200": "is out of memory: try again, and look at what else keeps the server busy",
    "53300": "has no connection left: run fewer replicas, or raise max_connections",
    "28": "refuses the login: check the user under [store] url, and its password in PGPASSWORD or ~/.pgpass",
    "3D000": "is not there: create the database, or name another under [store] url",
    "57P": "is being stopped or started: trying again helps once it is up",
    "08": "went away: check that the server is up and the network is well; nothing was half written",
}
"""By SQLSTATE, or by its beginning; the first that fits."""

_REFUSALS = {
    "password authentication failed": _SENTENCES["28"],
    "no password supplied": _SENTENCES["28"],
    "no pg_hba.conf entry": _SENTENCES["28"],
    "too many clients": _SENTENCES["53300"],
    "remaining connection slots": _SENTENCES["53300"],
    "starting up": _SENTENCES["57P"],
    "shutting down": _SENTENCES["57P"],
    "does not exist": _SENTENCES["3D000"],
    "server closed the connection": _SENTENCES["08"],
}
"""While a connection is made only the server's words tell what is wrong."""


def sentence(store: str, error: DBAPIError) -> str:
    """What a person can do about an error. Never has the password in it."""
    said = str(error.orig).strip()
    state = getattr(error.orig, "sqlstate", None) or ""
    for known, words in _SENTENCES.items():
        if state.startswith(known):
            return f"The store {store} {words}."
    if state:
        return f"The store {store} cannot be used: {said.splitlines()[0]} ({state})."
    for known, words in _REFUSALS.items():
        if known in said:
            return f"The store {store} {words}."
    if error.connection_invalidated:
        return f"The store {store} {_SENTENCES['08']}."
    reason = said.splitlines()[0].rpartition("failed: ")[2].strip(" .") if said else type(error.orig).__name__
    return f"The store {store} cannot be reached: {reason}. Check [store] url, and that the server is up."
