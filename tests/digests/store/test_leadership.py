"""Leads: one process at a time has each, and it comes to another when that one is gone."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from digests.errors import StoreError
from digests.ports import Lead, Store
from digests.store import open_store
from digests.store.leadership import PostgresLeadership
from tests.postgres import EmptyStores, Server

ANOTHER_PROCESS = """
import sys
from digests.store import open_store
from digests.store.leadership import PostgresLeadership
store = open_store(sys.argv[1])
print("leads" if store.leadership.lead("slack") else "waits", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'p.db'}"
    stores: EmptyStores = request.getfixturevalue("postgres_stores")
    return stores.url()


@pytest.fixture
def one(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as store:
        yield store


@pytest.fixture
def other(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as store:
        yield store


def lead(store: Store, name: str = "slack") -> Lead:
    got = store.leadership.lead(name)
    assert got
    return got


def test_of_two_one_leads_until_it_gives_the_lead_back(one: Store, other: Store) -> None:
    first = lead(one)
    assert first.holds()
    assert one.leadership.lead("slack") is None
    assert other.leadership.lead("slack") is None
    first.release()
    assert not first.holds()
    assert lead(other).holds()
    first.release()
    assert one.leadership.lead("slack") is None


def test_leads_of_other_names_are_other_leads(one: Store, other: Store) -> None:
    first, second, third = lead(one), lead(other, "discord"), lead(one, "sources")
    first.release()
    assert second.holds()
    assert third.holds()
    lead(other).release()


def test_closing_the_store_gives_every_lead_back(one: Store, other: Store) -> None:
    held = [lead(one), lead(one, "sources")]
    one.close()
    assert not any(each.holds() for each in held)
    assert lead(other).holds()
    assert lead(other, "sources").holds()


def test_the_lead_of_a_process_that_was_killed_comes_to_another(url: str, one: Store) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "leads\n"
        assert one.leadership.lead("slack") is None
        process.kill()
        process.wait()
    while not (got := one.leadership.lead("slack")):
        pass
    assert got.holds()


def test_a_store_in_memory_is_led_by_its_only_process() -> None:
    store = open_store("sqlite://")
    held = lead(store)
    assert store.leadership.lead("slack") is None
    held.release()
    lead(store)


def test_a_lock_file_that_was_moved_away_is_a_lead_that_was_lost(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'p.db'}")
    held = lead(store)
    (tmp_path / "p.db.lead-slack").unlink()
    assert not held.holds()


def test_a_lock_file_that_cannot_be_made_is_named_in_a_sentence(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'p.db'}")
    (tmp_path / "p.db.lead-slack").mkdir()
    with pytest.raises(StoreError, match=r"p\.db\.lead-slack cannot be written"):
        store.leadership.lead("slack")


def test_a_cut_connection_loses_every_lead_and_the_next_one_is_asked_for_anew(
    postgres: Server, postgres_stores: EmptyStores
) -> None:
    url = postgres_stores.url()
    with closing(open_store(url)) as store:
        held, also = lead(store), lead(store, "sources")
        postgres.cut(url)
        assert not held.holds()
        assert not also.holds()
        again = lead(store)
        assert again.holds()
        assert not held.holds()
        held.release()
        assert again.holds()


def test_a_server_that_says_nothing_loses_the_lead_in_time(
    postgres: Server, postgres_stores: EmptyStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digests.store.leadership.ANSWER_SECONDS", 0.2)
    with postgres.over_wire(postgres_stores.url()) as (url, wire), closing(open_store(url)) as store:
        held = lead(store)
        wire.swallow()
        assert not held.holds()
        wire.mend()
        assert lead(store).holds()


def test_a_process_that_is_stopped_for_long_finds_that_another_leads(postgres_stores: EmptyStores) -> None:
    url = postgres_stores.url()
    with closing(open_store(url)) as store, closing(open_store(url)) as other:
        held = lead(store)
        assert isinstance(store.leadership, PostgresLeadership)
        session = store.leadership._session
        assert session
        assert session.exec_driver_sql("SHOW idle_session_timeout").scalar() == "20s"
        session.exec_driver_sql("SET idle_session_timeout = '50ms'")
        while not (got := other.leadership.lead("slack")):
            pass
        assert (held.holds(), got.holds()) == (False, True)
