"""Compiled statements that the stores of all tests share: a store takes most of its time to compile them."""

from collections.abc import Iterator, MutableMapping
from functools import partial
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import Dialect
from sqlalchemy.util import LRUCache

from digests.store import engine, postgres

CAPACITY = 3000
"""Statements that are kept, of a few kilobytes each. The least recently used go first."""


def share_compiled_statements() -> None:
    """Make new stores' engines share one cache of compiled statements, from now on."""
    create = partial(create_engine, execution_options={"compiled_cache": SharedStatements()})
    setattr(engine, "create_engine", create)  # noqa: B010 (a name that it only imports)
    setattr(postgres, "create_engine", create)  # noqa: B010


class SharedStatements(MutableMapping[Any, Any]):
    """Compiled statements by SQLAlchemy's key, in which the name of the dialect is in place of the object.

    Each engine has a dialect of its own. Those of one name are equal here: they have one driver and, for
    PostgreSQL, one server, whose version is in the key.
    """

    def __init__(self) -> None:
        self._statements: LRUCache[Any, Any] = LRUCache(CAPACITY)

    def __getitem__(self, key: Any) -> Any:
        return self._statements[_name_dialect(*key)]

    def __setitem__(self, key: Any, statement: Any) -> None:
        self._statements[_name_dialect(*key)] = statement

    def __delitem__(self, key: Any) -> None:
        del self._statements[_name_dialect(*key)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def _name_dialect(dialect: Dialect, *rest: Any) -> tuple[Any, ...]:
    return (dialect.name, dialect.driver, dialect.server_version_info, *rest)
