"""Fixtures of the tests of the store."""

from pathlib import Path

import pytest

from tests.postgres import StorePool


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty store of each kind, which several processes can open."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'p.db'}"
    stores: StorePool = request.getfixturevalue("postgres_stores")
    return stores.create_database()
