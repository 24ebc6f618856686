"""Leads: one process at a time has each, and it comes to another when that one is gone."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from digests.errors import StoreError
from digests.ports import Store
from digests.ports.leadership import LeaderLock
from digests.store import open_store
from digests.store.leadership import PostgresLeadership
from tests.postgres import PostgresServer, StorePool

ANOTHER_PROCESS = """
import sys
from digests.store import open_store
from digests.store.leadership import PostgresLeadership
store = open_store(sys.argv[1])
print("leads" if store.leadership.acquire("slack") else "waits", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'p.db'}"
    stores: StorePool = request.getfixturevalue("postgres_stores")
    return stores.create_database()


@pytest.fixture
def one(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as store:
        yield store


@pytest.fixture
def other(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as store:
        yield store


def lead(store: Store, name: str = "slack") -> LeaderLock:
    got = store.leadership.acquire(name)
    assert got
    return got


def test_of_two_one_leads_until_it_gives_the_lead_back(one: Store, other: Store) -> None:
    first = lead(one)
    assert first.is_held()
    assert one.leadership.acquire("slack") is None
    assert other.leadership.acquire("slack") is None
    first.release()
    assert not first.is_held()
    assert lead(other).is_held()
    first.release()
    assert one.leadership.acquire("slack") is None


def test_leads_of_other_names_are_other_leads(one: Store, other: Store) -> None:
    first, second, third = lead(one), lead(other, "discord"), lead(one, "sources")
    first.release()
    assert second.is_held()
    assert third.is_held()
    lead(other).release()


def test_closing_the_store_gives_every_lead_back(one: Store, other: Store) -> None:
    held = [lead(one), lead(one, "sources")]
    one.close()
    assert not any(each.is_held() for each in held)
    assert lead(other).is_held()
    assert lead(other, "sources").is_held()


def test_the_lead_of_a_process_that_was_killed_comes_to_another(url: str, one: Store) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "leads\n"
        assert one.leadership.acquire("slack") is None
        process.kill()
        process.wait()
    while not (got := one.leadership.acquire("slack")):
        pass
    assert got.is_held()


def test_a_store_in_memory_is_led_by_its_only_process() -> None:
    store = open_store("sqlite://")
    held = lead(store)
    assert store.leadership.acquire("slack") is None
    held.release()
    lead(store)


def test_a_lock_file_that_was_moved_away_is_a_lead_that_was_lost(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'p.db'}")
    held = lead(store)
    (tmp_path / "p.db.lead-slack").unlink()
    assert not held.is_held()


def test_a_lock_file_that_cannot_be_made_is_named_in_a_sentence(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'p.db'}")
    (tmp_path / "p.db.lead-slack").mkdir()
    with pytest.raises(StoreError, match=r"p\.db\.lead-slack cannot be written"):
        store.leadership.acquire("slack")


def test_a_cut_connection_loses_every_lead_and_the_next_one_is_asked_for_anew(
    postgres: PostgresServer, postgres_stores: StorePool
) -> None:
    url = postgres_stores.create_database()
    with closing(open_store(url)) as store:
        held, also = lead(store), lead(store, "sources")
        postgres.terminate_connections(url)
        assert not held.is_held()
        assert not also.is_held()
        again = lead(store)
        assert again.is_held()
        assert not held.is_held()
        held.release()
        assert again.is_held()


def test_a_server_that_says_nothing_loses_the_lead_in_time(
    postgres: PostgresServer, postgres_stores: StorePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digests.store.leadership.ANSWER_TIMEOUT_SECONDS", 0.2)
    with (
        postgres.open_proxy(postgres_stores.create_database()) as (url, wire),
        closing(open_store(url)) as store,
    ):
        held = lead(store)
        wire.stall_traffic()
        assert not held.is_held()
        wire.restore_traffic()
        assert lead(store).is_held()


def test_a_process_that_is_stopped_for_long_finds_that_another_leads(postgres_stores: StorePool) -> None:
    url = postgres_stores.create_database()
    with closing(open_store(url)) as store, closing(open_store(url)) as other:
        held = lead(store)
        assert isinstance(store.leadership, PostgresLeadership)
        session = store.leadership._session
        assert session
        assert session.exec_driver_sql("SHOW idle_session_timeout").scalar() == "20s"
        session.exec_driver_sql("SET idle_session_timeout = '50ms'")
        while not (got := other.leadership.acquire("slack")):
            pass
        assert (held.is_held(), got.is_held()) == (False, True)
