"""Worker locks: the leases of a worker that is dead end at once, those of a live one do not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from digests.ports import Store
from digests.ports.leadership import LeaderLock
from digests.ports.outbox import POISON_AFTER, LeaseLostError
from digests.ports.worker_locks import name_locked_owner
from digests.store import open_store
from digests.store.leadership import PostgresLeadership, is_any_role_held
from digests.subscription import Subscription
from tests.builders import NOW, a_subscription, save_subscription
from tests.outbox import LEASE, a_page, claim_edition, save_plan, start_page, try_claim
from tests.postgres import StorePool

ANOTHER_WORKER = """
import sys
from digests.store import open_store
store = open_store(sys.argv[1])
print("lives" if store.worker_locks.acquire("another") else "held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as store:
        yield store


@contextmanager
def run_another_worker(url: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock of the worker `another`."""
    command = [sys.executable, "-c", ANOTHER_WORKER, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "lives\n"
        try:
            yield process
        finally:
            process.kill()


def lock_worker(store: Store, worker: str) -> LeaderLock:
    lock = store.worker_locks.acquire(worker)
    assert lock
    return lock


def subscribe(store: Store) -> Subscription:
    return save_subscription(store, a_subscription(), NOW - timedelta(minutes=1))


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for a server that notices the end of a session by itself."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def end_dead_leases(store: Store) -> int:
    return store.worker_locks.end_dead_leases(now=NOW)


def test_the_claim_of_a_killed_worker_is_free_at_once(url: str, store: Store) -> None:
    subscription = subscribe(store)
    with run_another_worker(url) as process:
        lost = save_plan(
            store, claim_edition(store, subscription, name_locked_owner("another")), [a_page(0)], watermark=1
        )
        assert end_dead_leases(store) == 0
        assert try_claim(store, subscription, "b") is None
        process.kill()
        process.wait()
    wait_until(lambda: end_dead_leases(store) == 1)
    taken_over = try_claim(store, subscription, "b")
    assert taken_over
    assert (taken_over.attempts, taken_over.crashes) == (2, 1)
    with pytest.raises(LeaseLostError):
        start_page(store, lost, 0)
    assert end_dead_leases(store) == 0


def test_a_worker_without_a_lock_keeps_its_lease(store: Store) -> None:
    subscription = subscribe(store)
    claim_edition(store, subscription, "a")
    assert end_dead_leases(store) == 0
    assert try_claim(store, subscription, "b") is None


def test_a_poison_delivery_waits_for_its_lease(url: str, store: Store) -> None:
    poison, healthy = (
        save_subscription(store, a_subscription(name), NOW - timedelta(minutes=1)) for name in "ab"
    )
    for crashes in range(POISON_AFTER):
        claim_edition(store, poison, f"crashed {crashes}", (crashes - POISON_AFTER) * LEASE)
    with run_another_worker(url) as process:
        for subscription in (poison, healthy):
            claim_edition(store, subscription, name_locked_owner("another"))
        process.kill()
        process.wait()
    wait_until(lambda: end_dead_leases(store) == 1)
    assert try_claim(store, poison, "b") is None
    assert try_claim(store, healthy, "b")


def test_a_worker_that_releases_its_lock_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    lock = lock_worker(store, "host:7:ab")
    assert lock.is_held()
    assert store.worker_locks.acquire("host:7:ab") is None
    lock.release()
    assert not lock.is_held()
    assert not list(tmp_path.glob("*lead-*"))
    assert lock_worker(store, "host:7:ab").is_held()


def test_a_paused_worker_beside_sqlite_lives(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'p.db'}"
    with closing(open_store(url)) as store, run_another_worker(url) as process:
        subscription = subscribe(store)
        claim_edition(store, subscription, name_locked_owner("another"))
        os.kill(process.pid, signal.SIGSTOP)
        assert end_dead_leases(store) == 0
        assert try_claim(store, subscription, "b") is None


def test_the_lock_file_of_a_dead_worker_is_removed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'p.db'}"
    with closing(open_store(url)) as store:
        with run_another_worker(url) as process:
            assert [path.name for path in tmp_path.glob("*lead-*")] == ["p.db.lead-worker%3Aanother"]
            process.kill()
            process.wait()
        assert end_dead_leases(store) == 0
        assert not list(tmp_path.glob("*lead-*"))


def test_a_worker_cut_off_from_postgresql_goes_on_unless_somebody_has_taken_over(
    postgres_stores: StorePool,
) -> None:
    url = postgres_stores.create_database()
    with closing(open_store(url)) as store, closing(open_store(url)) as other:
        subscription = subscribe(store)
        lock, claim = lock_worker(store, "a"), claim_edition(store, subscription, name_locked_owner("a"))
        claim = save_plan(store, claim, [a_page(0), a_page(1)], watermark=1)
        for is_taken_over in (False, True):
            cut_off(store)
            assert not lock.is_held()
            assert end_dead_leases(other) == 1
            if is_taken_over:
                assert try_claim(other, subscription, "b")
                with pytest.raises(LeaseLostError):
                    start_page(store, claim, 1)
            else:
                start_page(store, claim, 0)  # It renews the lease.
                assert try_claim(other, subscription, "b") is None
            lock = lock_worker(store, "a")
        assert lock.is_held()


def cut_off(store: Store) -> None:
    """End the session that holds the store's locks, and wait until the server has noticed."""
    assert isinstance(store.leadership, PostgresLeadership)
    session = store.leadership._session
    assert session
    session.connection.dbapi_connection.close()  # type: ignore[union-attr]
    wait_until(lambda: not is_any_role_held(store.leadership.database))  # type: ignore[attr-defined]
