"""What is PostgreSQL's own: several processes at once, a server that goes away, and its faults in sentences."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
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
from tests.digests.store.test_store import differences
from tests.outbox import LEASE
from tests.postgres import PostgresServer, StorePool


@pytest.fixture
def url(postgres_stores: StorePool) -> str:
    return postgres_stores.create_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as opened:
        yield opened


def at_once(work: Any, *inputs: Any) -> list[Any]:
    """Do the same in a thread for each input."""
    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(work, inputs))


def ask(database: Database, *statements: str) -> None:
    """Say all that in one transaction."""
    with database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_replicas_that_start_at_once_make_the_tables_once(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    for store in at_once(open_store, url, url, url):
        store.library.add([(a_paper(), a_review())], now=NOW)
        store.close()
    database = open_database(url)
    migrate(database, now=NOW)
    assert differences(database) == []
    database.engine.dispose()


def test_a_database_of_something_else_is_left_alone(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    database = open_database(url)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE recipes (id integer)")
    with pytest.raises(StoreError, match="something else"):
        migrate(database, now=NOW)
    database.engine.dispose()


def test_a_server_that_is_too_old_is_named_in_a_sentence(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digests.store.postgres.OLDEST_VERSION", (99,))
    with pytest.raises(StoreError, match="version 99 or newer is needed"):
        open_store(postgres.create_database())


def test_a_database_that_does_not_take_every_text_is_named_in_a_sentence(postgres: PostgresServer) -> None:
    for encoding in ("LATIN1", "SQL_ASCII"):
        options = f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        with pytest.raises(StoreError, match=f"as {encoding}"):
            open_store(postgres.create_database(like="template0", options=options))


def test_imports_at_once_draw_numbers_that_become_visible_in_order(url: str, store: Store) -> None:
    other = open_store(url)
    seen: list[int] = []
    done: list[int] = []

    def bring(which: int) -> None:
        try:
            for number in range(10):
                records = [(a_paper(f"24{which:02}.{number:03}{n:02}"), a_review()) for n in range(5)]
                (store if which % 2 else other).library.add([*records, (a_paper(), a_review())], now=NOW)
        finally:
            done.append(which)

    def watch(_: int) -> None:
        is_last = False
        while not is_last:
            is_last = len(done) == 4
            last = seen[-1] if seen else 0
            numbers = [number for number, _ in store.library.changes_after(last, 1000)]
            assert numbers == list(range(last + 1, last + 1 + len(numbers)))
            seen.extend(numbers)

    at_once(lambda which: watch(which) if which == 0 else bring(which), 0, 1, 2, 3, 4)
    assert seen == list(range(1, 202))
    other.close()


def test_the_settings_are_kept_by_several_replicas_at_once(url: str, store: Store) -> None:
    wanted = [Subscription(Channel("slack", f"C{n}")) for n in range(5)]
    at_once(lambda _: store.subscriptions.sync_from_settings(wanted, now=NOW), 1, 2, 3, 4)
    assert [one.channel for one in store.subscriptions.list_active()] == [one.channel for one in wanted]


def test_text_that_postgres_refuses_is_kept_without_what_it_refuses(store: Store) -> None:
    store.library.add([(a_paper(title="a\x00b\ud83d c 🦉"), a_review(tldr="x\x00"))], now=NOW)
    scored = store.library.get([a_paper().id])[a_paper().id]
    assert (scored.paper.title, scored.review.tldr) == ("ab c 🦉", "x")
    assert store.library.get(["\x00", "\udc00"]) == {}
    assert store.events.record_once("Ev\x001", now=NOW)


def test_a_server_that_was_away_is_used_again_as_if_nothing_had_been(
    postgres: PostgresServer, url: str, store: Store
) -> None:
    store.library.add([(a_paper(), a_review())], now=NOW)
    postgres.terminate_connections(url)
    assert store.library.latest_sequence() == 1
    store.sources.record_import(now=NOW)


def test_a_network_that_is_cut_is_a_sentence_and_nothing_is_half_written(
    postgres: PostgresServer, url: str
) -> None:
    with postgres.open_proxy(url) as (wired, wire), closing(open_store(wired)) as store:
        store.library.add([(a_paper("2401.00001"), a_review())], now=NOW)
        wire.cut_connections()
        with pytest.raises(StoreError, match=r"postgres@127\.0\.0\.1.* went away: .*server is up") as told:
            store.library.add([(a_paper("2401.00002"), a_review())], now=NOW)
        assert "\n" not in str(told.value)
        wire.restore_traffic()
        assert store.library.latest_sequence() == 1
        store.library.add([(a_paper("2401.00002"), a_review())], now=NOW)
        assert store.library.latest_sequence() == 2


def test_a_connection_that_breaks_within_a_transaction_leaves_nothing_behind(url: str, store: Store) -> None:
    database = open_database(url)
    end_it = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(StoreError, match="is being stopped"):
        ask(database, "INSERT INTO imports (at) VALUES (now())", end_it, "SELECT 1")
    assert store.sources.last_import() is None
    database.engine.dispose()


def test_another_process_that_holds_a_row_for_too_long_is_named_in_a_sentence(url: str) -> None:
    database = open_database(url)
    with database.write() as other:
        other.exec_driver_sql("SELECT * FROM counters FOR UPDATE")
        with pytest.raises(StoreError, match="locked by another process"):
            ask(database, "SET LOCAL lock_timeout = '50ms'", "SELECT * FROM counters FOR UPDATE")
    database.engine.dispose()


def a_busy_store(store: Store) -> None:
    channels = [a_subscription(name) for name in "ab"]
    store.subscriptions.sync_from_settings(channels, now=NOW - timedelta(minutes=1))


def claimed_beside(store: Store, database: Database, locked: str, now: datetime) -> list[str]:
    """The channels that are claimed while another process holds a row, as long as nobody waits for it."""
    with ThreadPoolExecutor(1) as pool, database.write() as other:
        other.exec_driver_sql(locked)
        claiming = pool.submit(store.outbox.claim_due, owner="b", now=now, lease=LEASE, limit=9)
        return [one.subscription.channel.channel for one in claiming.result(timeout=5)]


def test_a_due_subscription_that_another_process_has_locked_is_passed_over(url: str, store: Store) -> None:
    a_busy_store(store)
    database = open_database(url)
    row = "SELECT * FROM subscriptions WHERE channel = 'a' FOR UPDATE"
    assert claimed_beside(store, database, row, NOW) == ["b"]
    assert claimed_beside(store, database, "SELECT 1", NOW) == ["a"]
    database.engine.dispose()


def test_an_unfinished_delivery_that_another_process_has_locked_is_passed_over(
    url: str, store: Store
) -> None:
    a_busy_store(store)
    database = open_database(url)
    (first, _) = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=9)
    row = f"SELECT * FROM deliveries WHERE id = {first.id} FOR UPDATE"
    assert claimed_beside(store, database, row, NOW + LEASE) == ["b"]
    assert claimed_beside(store, database, "SELECT 1", NOW + LEASE) == ["a"]
    database.engine.dispose()


def test_a_statement_that_takes_too_long_or_is_not_allowed_is_named_in_a_sentence(url: str) -> None:
    database = open_database(url)
    with pytest.raises(StoreError, match="did not answer in time"):
        ask(database, "SET LOCAL statement_timeout = '20ms'", "SELECT pg_sleep(5)")
    with pytest.raises(StoreError, match="read-only"):
        ask(database, "SET TRANSACTION READ ONLY", "INSERT INTO imports (at) VALUES (now())")
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "1min"
        assert connection.exec_driver_sql("SHOW TimeZone").scalar() == "UTC"
    database.engine.dispose()


def test_a_database_that_is_not_there_is_named_in_a_sentence(url: str) -> None:
    gone = make_url(url).set(database="nothing_here").render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="create the database"):
        open_store(gone)


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    for address in (
        "postgresql+psycopg://me:hunter2@127.0.0.1:1/papers",
        "postgresql://me:hunter2@127.0.0.1:1/papers?sslpassword=hunter2",
        "postgresql+psycopg://me@127.0.0.1:1/papers?password=hunter2",
    ):
        with pytest.raises(
            StoreError, match=r"127\.0\.0\.1:1/papers.* cannot be reached: Connection refused\."
        ) as told:
            open_store(address)
        assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "address", ["postgresql+psycopg://me:a:b@c:hunter2@/x", "postgresql+psycopg://h:hunter2/"]
)
def test_an_address_that_cannot_be_read_is_not_repeated(address: str) -> None:
    with pytest.raises(StoreError, match=r"postgresql\+psycopg://USER@HOST/DATABASE") as told:
        open_database(address)
    assert "hunter2" not in str(told.value)


def test_a_driver_that_is_missing_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"postgresql extra"):
        open_database("postgresql+psycopg://me@localhost/papers")
