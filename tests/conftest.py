"""No test reaches beyond this machine, and no machine is too slow for one."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.builders import empty_stores
from tests.postgres import EmptyStores, Server, running_server

settings.register_profile("house", deadline=None, max_examples=30)
settings.register_profile("fire", deadline=None, max_examples=1000)
settings.load_profile("fire" if os.environ.get("PAPERROUND_FIRE") else "house")


@pytest.fixture(autouse=True)
def _loopback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
            raise AssertionError(f"a test reached for {address}: only this machine may be reached")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL, started when the first test asks for it."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_stores(postgres: Server) -> Iterator[EmptyStores]:
    stores = EmptyStores(postgres)
    yield stores
    stores.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def over_both(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything in the module runs over SQLite, and again over PostgreSQL: `a_store()` gives one or the other."""
    if request.param == "sqlite":
        yield
        return
    stores: EmptyStores = request.getfixturevalue("postgres_stores")
    empty_stores.append(stores.next)
    yield
    empty_stores.pop()
