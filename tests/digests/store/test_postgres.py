"""PostgreSQL: several processes, a server that goes away, and its errors as sentences."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import make_url

from digests.errors import StoreError
from digests.ports import Store
from digests.store import open_store
from digests.store.engine import Database, open_database
from digests.store.migration import migrate
from digests.subscription import Channel, Subscription
from tests.builders import NOW, a_paper, a_review, a_subscription
from tests.digests.store.test_migration import compare_tables
from tests.fakes.wire import WAIT_SECONDS
from tests.outbox import LEASE
from tests.postgres import PostgresServer, StorePool


@pytest.fixture
def url(postgres_stores: StorePool) -> str:
    return postgres_stores.create_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as opened:
        yield opened


def run_in_threads(work: Any, *inputs: Any) -> list[Any]:
    """Call `work` with each input in a thread of its own and return the results."""
    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(work, inputs))


def run_statements(database: Database, *statements: str) -> None:
    """Run the statements in one transaction."""
    with database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_replicas_that_start_together_create_the_tables_once(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    for store in run_in_threads(open_store, url, url, url):
        store.library.add([(a_paper(), a_review())], now=NOW)
        store.close()
    database = open_database(url)
    migrate(database, now=NOW)
    assert compare_tables(database) == []
    database.engine.dispose()


def test_a_database_with_foreign_tables_is_refused(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    database = open_database(url)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE recipes (id integer)")
    with pytest.raises(StoreError, match="something else"):
        migrate(database, now=NOW)
    database.engine.dispose()


def test_an_old_server_is_refused(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digests.store.postgres.OLDEST_VERSION", (99,))
    with pytest.raises(StoreError, match="version 99 or newer is needed"):
        open_store(postgres.create_database())


def test_a_database_that_is_not_utf_8_is_refused(postgres: PostgresServer) -> None:
    for encoding in ("LATIN1", "SQL_ASCII"):
        options = f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        with pytest.raises(StoreError, match=f"as {encoding}"):
            open_store(postgres.create_database(like="template0", options=options))


def test_sequence_numbers_of_concurrent_imports_become_visible_in_order(url: str, store: Store) -> None:
    other = open_store(url)
    seen: list[int] = []
    done: list[int] = []

    def add_papers(worker: int) -> None:
        try:
            for number in range(10):
                records = [(a_paper(f"24{worker:02}.{number:03}{n:02}"), a_review()) for n in range(5)]
                (store if worker % 2 else other).library.add([*records, (a_paper(), a_review())], now=NOW)
        finally:
            done.append(worker)

    def watch_changes(_: int) -> None:
        is_last = False
        while not is_last:
            is_last = len(done) == 4
            last = seen[-1] if seen else 0
            numbers = [number for number, _ in store.library.changes_after(last, 1000)]
            assert numbers == list(range(last + 1, last + 1 + len(numbers)))
            seen.extend(numbers)

    run_in_threads(lambda worker: watch_changes(worker) if worker == 0 else add_papers(worker), 0, 1, 2, 3, 4)
    assert seen == list(range(1, 202))
    other.close()


def test_concurrent_replicas_save_the_same_settings(url: str, store: Store) -> None:
    configured = [Subscription(Channel("slack", f"C{n}")) for n in range(5)]
    run_in_threads(lambda _: store.subscriptions.sync_from_settings(configured, now=NOW), 1, 2, 3, 4)
    assert [subscription.channel for subscription in store.subscriptions.list_active()] == [
        subscription.channel for subscription in configured
    ]


def test_characters_that_postgres_refuses_are_removed(store: Store) -> None:
    store.library.add([(a_paper(title="a\x00b\ud83d c 🦉"), a_review(tldr="x\x00"))], now=NOW)
    scored = store.library.get([a_paper().id])[a_paper().id]
    assert (scored.paper.title, scored.review.tldr) == ("ab c 🦉", "x")
    assert store.library.get(["\x00", "\udc00"]) == {}
    assert store.events.record_once("Ev\x001", now=NOW)


def test_a_store_recovers_from_terminated_connections(
    postgres: PostgresServer, url: str, store: Store
) -> None:
    store.library.add([(a_paper(), a_review())], now=NOW)
    postgres.terminate_connections(url)
    assert store.library.latest_sequence() == 1
    store.sources.record_import(now=NOW)


def test_a_cut_network_is_named_in_the_error_and_nothing_is_half_written(
    postgres: PostgresServer, url: str
) -> None:
    with postgres.open_proxy(url) as (proxied_url, proxy), closing(open_store(proxied_url)) as store:
        store.library.add([(a_paper("2401.00001"), a_review())], now=NOW)
        proxy.cut_connections()
        with pytest.raises(StoreError, match=r"postgres@127\.0\.0\.1.* went away: .*server is up") as error:
            store.library.add([(a_paper("2401.00002"), a_review())], now=NOW)
        assert "\n" not in str(error.value)
        proxy.restore_traffic()
        assert store.library.latest_sequence() == 1
        store.library.add([(a_paper("2401.00002"), a_review())], now=NOW)
        assert store.library.latest_sequence() == 2


def test_a_connection_lost_in_a_transaction_leaves_nothing_written(url: str, store: Store) -> None:
    database = open_database(url)
    terminate = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(StoreError, match="is being stopped"):
        run_statements(database, "INSERT INTO imports (at) VALUES (now())", terminate, "SELECT 1")
    assert store.sources.last_import() is None
    database.engine.dispose()


def test_a_row_locked_for_too_long_is_named_in_the_error(url: str) -> None:
    database = open_database(url)
    with database.write() as other:
        other.exec_driver_sql("SELECT * FROM counters FOR UPDATE")
        with pytest.raises(StoreError, match="locked by another process"):
            run_statements(database, "SET LOCAL lock_timeout = '50ms'", "SELECT * FROM counters FOR UPDATE")
    database.engine.dispose()


def subscribe_two_channels(store: Store) -> None:
    channels = [a_subscription(name) for name in "ab"]
    store.subscriptions.sync_from_settings(channels, now=NOW - timedelta(minutes=1))


def claim_beside_lock(store: Store, database: Database, statement: str, now: datetime) -> list[str]:
    """Return the channels claimed while another transaction holds a row lock, without a wait for it."""
    with ThreadPoolExecutor(1) as pool, database.write() as other:
        other.exec_driver_sql(statement)
        claiming = pool.submit(store.outbox.claim_due, owner="b", now=now, lease=LEASE, limit=9)
        return [claim.subscription.channel.channel for claim in claiming.result(timeout=WAIT_SECONDS)]


def test_a_locked_due_subscription_is_skipped(url: str, store: Store) -> None:
    subscribe_two_channels(store)
    database = open_database(url)
    row = "SELECT * FROM subscriptions WHERE channel = 'a' FOR UPDATE"
    assert claim_beside_lock(store, database, row, NOW) == ["b"]
    assert claim_beside_lock(store, database, "SELECT 1", NOW) == ["a"]
    database.engine.dispose()


def test_a_digest_waits_while_another_process_leases_one_of_its_channel(url: str, store: Store) -> None:
    digests = [replace(a_subscription("a"), name=name) for name in ("", "audio")]
    store.subscriptions.sync_from_settings(digests, now=NOW - timedelta(minutes=1))
    database = open_database(url)
    row = "SELECT * FROM subscriptions WHERE name = 'audio' FOR UPDATE"
    assert claim_beside_lock(store, database, row, NOW) == []
    assert claim_beside_lock(store, database, "SELECT 1", NOW) == ["a"]
    database.engine.dispose()


def test_a_locked_unfinished_delivery_is_skipped(url: str, store: Store) -> None:
    subscribe_two_channels(store)
    database = open_database(url)
    (first, _) = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=9)
    row = f"SELECT * FROM deliveries WHERE id = {first.id} FOR UPDATE"
    assert claim_beside_lock(store, database, row, NOW + LEASE) == ["b"]
    assert claim_beside_lock(store, database, "SELECT 1", NOW + LEASE) == ["a"]
    database.engine.dispose()


def test_slow_and_forbidden_statements_are_named_in_the_error(url: str) -> None:
    database = open_database(url)
    with pytest.raises(StoreError, match="did not answer in time"):
        run_statements(database, "SET LOCAL statement_timeout = '20ms'", "SELECT pg_sleep(5)")
    with pytest.raises(StoreError, match="read-only"):
        run_statements(database, "SET TRANSACTION READ ONLY", "INSERT INTO imports (at) VALUES (now())")
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "1min"
        assert connection.exec_driver_sql("SHOW TimeZone").scalar() == "UTC"
    database.engine.dispose()


def test_a_missing_database_is_named_in_the_error(url: str) -> None:
    missing = make_url(url).set(database="nothing_here").render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="create the database"):
        open_store(missing)


def test_an_unreachable_server_is_named_without_its_password() -> None:
    for address in (
        "postgresql+psycopg://me:hunter2@127.0.0.1:1/papers",
        "postgresql://me:hunter2@127.0.0.1:1/papers?sslpassword=hunter2",
        "postgresql+psycopg://me@127.0.0.1:1/papers?password=hunter2",
    ):
        with pytest.raises(
            StoreError, match=r"127\.0\.0\.1:1/papers.* cannot be reached: Connection refused\."
        ) as error:
            open_store(address)
        assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "address", ["postgresql+psycopg://me:a:b@c:hunter2@/x", "postgresql+psycopg://h:hunter2/"]
)
def test_an_unreadable_address_is_not_repeated_in_the_error(address: str) -> None:
    with pytest.raises(StoreError, match=r"postgresql\+psycopg://USER@HOST/DATABASE") as error:
        open_database(address)
    assert "hunter2" not in str(error.value)


def test_a_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"postgresql extra"):
        open_database("postgresql+psycopg://me@localhost/papers")
