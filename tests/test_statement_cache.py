"""The cache of compiled statements: stores of one kind share them, SQLite and PostgreSQL do not."""

from sqlalchemy import create_engine, select
from sqlalchemy.dialects import postgresql

from digests.store import schema
from digests.store.engine import open_database
from tests.statement_cache import SharedStatements


def test_two_engines_compile_a_statement_once() -> None:
    statements, results = SharedStatements(), []
    for _ in range(2):
        engine = create_engine("sqlite://", execution_options={"compiled_cache": statements})
        schema.metadata.create_all(engine)
        with engine.connect() as connection:
            results.append(connection.execute(select(schema.papers.c.id)).fetchall())
        engine.dispose()
    assert (len(statements), results) == (1, [[], []])


def test_two_databases_share_no_statement() -> None:
    statements, engine = SharedStatements(), create_engine("sqlite://")
    statements[engine.dialect, "key"] = "of SQLite"
    assert statements.get((create_engine("sqlite://").dialect, "key")) == "of SQLite"
    assert statements.get((postgresql.dialect(), "key")) is None  # type: ignore[no-untyped-call]


def test_stores_of_tests_share_their_statements() -> None:
    first, second = (open_database("sqlite://").engine.get_execution_options() for _ in range(2))
    assert first["compiled_cache"] is second["compiled_cache"]
