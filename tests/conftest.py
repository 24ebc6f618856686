"""Fixtures and marks for all tests: no test reaches another machine, and each database has its turn."""

import gc
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

from tests.builders import store_factories
from tests.forked import share_forker
from tests.postgres import PostgresServer, StorePool, start_server
from tests.statement_cache import share_compiled_statements
from tests.store_template import copy_new_stores

copy_new_stores()
share_compiled_statements()
# httpcore looks for it several times a request. It is not installed; pytest makes that search a long one.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

settings.register_profile("default", deadline=None, max_examples=30)
settings.register_profile("chaos", deadline=None, max_examples=1000)
settings.load_profile("chaos" if os.environ.get("PAPERROUND_CHAOS") else "default")

PROCESS_MODULES = frozenset(
    {
        "tests.bot.platforms.processes",
        "tests.bot.platforms.scenarios",
        "tests.bot.platforms.discord.processes",
        "tests.bot.platforms.slack.processes",
        "tests.chaos.child",
    }
)
"""Modules whose functions start `paperround run`."""

PROCESS_FILES = (
    "tests/bot/cli/test_cli.py",
    "tests/bot/web/test_operator_page_in_a_browser.py",
    "tests/bot/web/test_preview_page.py",
    "tests/bot/web/test_web_run.py",
    "tests/bot/cli/test_secrets.py",
    "tests/bot/ingest/test_reviewing.py",
    "tests/chaos/test_chaos.py",
    "tests/digests/test_linear_text.py",
    "tests/test_docs.py",
)
"""Tests that start the command line or a browser themselves."""

PROCESS_CALLS = {"subprocess", "create_subprocess_exec", "run_process", "start_process"}
"""Names in the body of a test that starts a process itself."""

SLOW_MODULES = frozenset({"tests.old_store"})
"""Modules whose functions copy a whole store, which takes many writes to the disk."""

POSTGRES_FIXTURES = {"postgres", "postgres_stores"}


def pytest_configure(config: pytest.Config) -> None:
    """Let the workers of this run share the process that forks commands: its imports take two seconds."""
    if not hasattr(config, "workerinput") and getattr(config.option, "numprocesses", None):
        exits = ExitStack()
        exits.enter_context(share_forker())
        config.add_cleanup(exits.close)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Collect the tests without the garbage collector, which would look through modules that all stay."""
    gc.disable()
    try:
        _import_share_of_modules(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _import_share_of_modules(config: pytest.Config) -> None:
    """Import this worker's share of the test modules, if all are to be collected.

    The first import of a module rewrites its asserts and keeps the result: workers that import in the same
    order would each rewrite all of them, at the same time.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if count > 1 and config.args == config.getini("testpaths"):
        for file in sorted(Path(__file__).parent.rglob("test_*.py"))[number::count]:
            with suppress(Exception):  # The collection reports it.
                import_module(".".join(file.relative_to(config.rootpath).with_suffix("").parts))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start processes as `e2e`, that need a PostgreSQL as `postgres`, and some as `slow`."""
    for item in items:
        if _starts_processes(item):
            item.add_marker(pytest.mark.e2e)
        if _imports_from(item, SLOW_MODULES):
            item.add_marker(pytest.mark.slow)
        if _needs_postgres(item):
            item.add_marker(pytest.mark.postgres)
    # A long file that is begun last keeps one worker busy when the others have nothing left.
    long_files = {item.path for item in items if item.get_closest_marker("e2e")}
    items.sort(key=lambda item: item.path not in long_files)


def _starts_processes(item: pytest.Item) -> bool:
    """Return True if the test or its module is known to start processes, by import, file or call."""
    code = getattr(getattr(item, "function", None), "__code__", None)
    if code is not None and PROCESS_CALLS & set(code.co_names):
        return True
    return _imports_from(item, PROCESS_MODULES) or item.nodeid.startswith(PROCESS_FILES)


def _imports_from(item: pytest.Item, modules: frozenset[str]) -> bool:
    return not modules.isdisjoint(_list_imported_modules(getattr(item, "module", None)))


@cache
def _list_imported_modules(module: ModuleType | None) -> frozenset[str]:
    """Return the modules in which the names of a module are defined."""
    return frozenset(str(getattr(thing, "__module__", "")) for thing in vars(module or object).values())


def _needs_postgres(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    fixtures = set(getattr(item, "fixturenames", ()))
    return "postgresql" in parameters.values() or bool(POSTGRES_FIXTURES & fixtures)


@pytest.fixture(autouse=True)
def _allow_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def connect_on_loopback(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
            raise AssertionError(f"a test reached for {address}: only this machine may be reached")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_on_loopback)


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
    """Run the whole module over SQLite, then over PostgreSQL: `a_store()` returns one or the other."""
    if request.param == "sqlite":
        yield
        return
    stores: StorePool = request.getfixturevalue("postgres_stores")
    store_factories.append(stores.lend_store)
    yield
    store_factories.pop()
