"""No test reaches beyond this machine, and no machine is too slow for one."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.builders import store_factories
from tests.postgres import PostgresServer, StorePool, start_server

settings.register_profile("default", deadline=None, max_examples=30)
settings.register_profile("chaos", deadline=None, max_examples=1000)
settings.load_profile("chaos" if os.environ.get("PAPERROUND_CHAOS") else "default")


@pytest.fixture(autouse=True)
def _loopback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
            raise AssertionError(f"a test reached for {address}: only this machine may be reached")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL, started when the first test asks for it."""
    with start_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_stores(postgres: PostgresServer) -> Iterator[StorePool]:
    stores = StorePool(postgres)
    yield stores
    stores.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def over_both(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything in the module runs over SQLite, and again over PostgreSQL: `a_store()` gives one or the other."""
    if request.param == "sqlite":
        yield
        return
    stores: StorePool = request.getfixturevalue("postgres_stores")
    store_factories.append(stores.lend_store)
    yield
    store_factories.pop()
