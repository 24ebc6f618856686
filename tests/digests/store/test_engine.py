"""Statements that SQLAlchemy does not have."""

from collections.abc import Collection

import pytest
from sqlalchemy import bindparam, not_, select, update

from digests.model import NOT_REVIEWED
from digests.store import schema
from digests.store.engine import Database, in_json_array, update_many
from digests.store.library import SqlLibrary
from tests.builders import NOW, a_paper, a_store

pytestmark = pytest.mark.usefixtures("over_both")

papers = schema.papers


def a_database() -> Database:
    store = a_store()
    store.library.add([(a_paper(name), NOT_REVIEWED) for name in ("ü'1", 'b "2"', "c")], now=NOW)
    assert isinstance(store.library, SqlLibrary)
    return store.library.database


@pytest.mark.parametrize(
    ("names", "found"),
    [([], []), (["c"], ["c"]), (["ü'1", "?", 'b "2"'], ['b "2"', "ü'1"]), ({"c": 1}, ["c"])],
)
def test_a_list_is_bound_as_one_parameter(names: Collection[str], found: list[str]) -> None:
    query = select(papers.c.name).where(in_json_array(papers.c.name, "names"))
    with a_database().read() as connection:
        assert sorted(connection.execute(query, {"names": names}).scalars()) == found


def test_numbers_in_a_list_are_compared_as_numbers_also_when_excluded() -> None:
    with a_database().read() as connection:
        keys = sorted(connection.execute(select(papers.c.id)).scalars())
        included = select(papers.c.id).where(in_json_array(papers.c.id, "keys"))
        excluded = select(papers.c.id).where(not_(in_json_array(papers.c.id, "keys")))
        assert sorted(connection.execute(included, {"keys": keys[:2]}).scalars()) == keys[:2]
        assert connection.execute(excluded, {"keys": keys[:2]}).scalars().all() == keys[2:]
        assert len(connection.execute(excluded, {"keys": []}).fetchall()) == 3


def test_an_update_of_no_rows_does_nothing() -> None:
    rename = update(papers).where(papers.c.name == bindparam("old")).values(title=bindparam("new"))
    with a_database().write() as connection:
        assert update_many(connection, rename, [{"old": "c", "new": "C"}]) == 1
        assert update_many(connection, rename, []) == 0
