"""Leader locks: one process holds a role at a time, and another takes it over when the first is gone."""

import errno
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from digests.errors import StoreError
from digests.ports import Store
from digests.ports.leadership import LeaderLock
from digests.store import open_store
from digests.store.leadership import PostgresLeadership
from tests.fakes.wire import WAIT_SECONDS
from tests.postgres import PostgresServer, StorePool

ANOTHER_PROCESS = """
import sys
from digests.store import open_store
store = open_store(sys.argv[1])
print("leads" if store.leadership.acquire("connection") else "waits", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def one(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as store:
        yield store


@pytest.fixture
def other(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as store:
        yield store


def lead(store: Store, role: str = "connection") -> LeaderLock:
    lock = store.leadership.acquire(role)
    assert lock
    return lock


def wait_to_lead(store: Store, role: str = "connection") -> LeaderLock:
    """Return the lock as soon as the server has noticed that the session which held it has ended."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (lock := store.leadership.acquire(role)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lock
    return lock


def test_one_of_two_processes_leads_until_it_releases_the_lock(one: Store, other: Store) -> None:
    first = lead(one)
    assert first.is_held()
    assert one.leadership.acquire("connection") is None
    assert other.leadership.acquire("connection") is None
    first.release()
    assert not first.is_held()
    assert lead(other).is_held()
    first.release()
    assert one.leadership.acquire("connection") is None


def test_roles_are_locked_independently(one: Store, other: Store) -> None:
    first, second, third = lead(one), lead(other, "posts"), lead(one, "sources")
    first.release()
    assert second.is_held()
    assert third.is_held()
    lead(other).release()


def test_closing_the_store_releases_every_lock(one: Store, other: Store) -> None:
    held = [lead(one), lead(one, "sources")]
    one.close()
    assert not any(lock.is_held() for lock in held)
    assert wait_to_lead(other).is_held()
    assert wait_to_lead(other, "sources").is_held()


def test_the_lock_of_a_killed_process_is_free(url: str, one: Store) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "leads\n"
        assert one.leadership.acquire("connection") is None
        process.kill()
        process.wait()
    assert wait_to_lead(one).is_held()


def test_a_store_in_memory_has_its_locks_in_memory() -> None:
    store = open_store("sqlite://")
    held = lead(store)
    assert store.leadership.acquire("connection") is None
    held.release()
    lead(store)


def test_a_lock_whose_file_was_moved_away_is_lost(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'p.db'}")
    held = lead(store)
    (tmp_path / "p.db.lead-connection").unlink()
    assert not held.is_held()


def test_a_lock_whose_file_was_replaced_is_lost(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'p.db'}"
    with closing(open_store(url)) as store, closing(open_store(url)) as other:
        held = lead(store)
        (tmp_path / "p.db.lead-connection").unlink()
        assert lead(other).is_held()
        assert not held.is_held()


def test_a_lock_file_that_cannot_be_written_is_named_in_the_error(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'p.db'}")
    (tmp_path / "p.db.lead-connection").mkdir()
    with pytest.raises(StoreError, match=r"p\.db\.lead-connection cannot be written"):
        store.leadership.acquire("connection")


def test_a_disk_without_file_locks_is_an_error_and_costs_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_lock(descriptor: int, operation: int) -> None:
        descriptors.append(descriptor)
        raise OSError(errno.ENOLCK, "No locks available")

    descriptors: list[int] = []
    store = open_store(f"sqlite:///{tmp_path / 'p.db'}")
    monkeypatch.setattr(fcntl, "flock", refuse_lock)
    with pytest.raises(StoreError, match=r"p\.db\.lead-connection cannot be locked"):
        store.leadership.acquire("connection")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(*descriptors)


def test_a_cut_connection_loses_every_lock_and_a_new_session_takes_new_ones(
    postgres: PostgresServer, postgres_stores: StorePool
) -> None:
    url = postgres_stores.create_database()
    with closing(open_store(url)) as store:
        held, second = lead(store), lead(store, "sources")
        postgres.terminate_connections(url)
        assert not held.is_held()
        assert not second.is_held()
        new = lead(store)
        assert new.is_held()
        assert not held.is_held()
        held.release()
        assert new.is_held()


def test_a_silent_server_loses_the_lock_within_the_timeout(
    postgres: PostgresServer, postgres_stores: StorePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        postgres.open_proxy(postgres_stores.create_database()) as (url, proxy),
        closing(open_store(url)) as store,
    ):
        held = lead(store)
        proxy.stall_traffic()
        with monkeypatch.context() as patch:
            patch.setattr("digests.store.leadership.ANSWER_TIMEOUT_SECONDS", 0.2)
            assert not held.is_held()
        proxy.restore_traffic()
        assert lead(store).is_held()


def test_a_process_that_was_suspended_has_lost_the_lock(postgres_stores: StorePool) -> None:
    url = postgres_stores.create_database()
    with closing(open_store(url)) as store, closing(open_store(url)) as other:
        held = lead(store)
        assert isinstance(store.leadership, PostgresLeadership)
        session = store.leadership._session
        assert session
        assert session.exec_driver_sql("SHOW idle_session_timeout").scalar() == "20s"
        session.exec_driver_sql("SET idle_session_timeout = '50ms'")
        lock = wait_to_lead(other)
        assert (held.is_held(), lock.is_held()) == (False, True)


@pytest.mark.parametrize("has_led", [True, False])
def test_a_closed_store_opens_no_session_for_a_lock(postgres_stores: StorePool, has_led: bool) -> None:
    """A worker's thread may ask while its process ends, also for the first time."""
    store = open_store(postgres_stores.create_database())
    if has_led:
        lead(store)
    store.close()
    assert store.leadership.acquire("a role") is None
    assert isinstance(store.leadership, PostgresLeadership)
    assert store.leadership._session is None
