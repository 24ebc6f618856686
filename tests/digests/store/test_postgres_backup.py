"""The lines of the docs that back a store in PostgreSQL up and restore it, run as they stand there."""

import os
import re
import shutil
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.delivery.context import fetch_restoration
from digests.ports.notes import RESTORED_NOTE
from digests.store import open_store
from tests.bot.delivery.contexts import a_context
from tests.builders import NOW, a_paper, a_review, a_subscription, save_subscription
from tests.forked import ROOT
from tests.postgres import PostgresServer, find_client_programs

ADDRESS = "postgresql://paperround@db.example/papers"


SEARCH_PATH = os.pathsep.join(filter(None, (str(find_client_programs() or ""), os.environ["PATH"])))
"""Folders of programs, those of our own server first."""


def read_commands() -> str:
    """Return the block of commands under “Backup of PostgreSQL”."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    found = re.search(r"### Backup of PostgreSQL\n\n```sh\n(.*?)```", page, re.DOTALL)
    assert found
    return found[1]


def run_lines(script: str, url: str, folder: Path) -> None:
    """Run commands of the docs over the database with this address; the first failure ends them."""
    done = subprocess.run(
        ["bash", "-e", "-c", script.replace(ADDRESS, url.replace("+psycopg", ""))],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PATH": SEARCH_PATH},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pg_dump", path=SEARCH_PATH), reason="pg_dump is not installed")
def test_a_store_is_restored_by_the_commands_of_the_docs(postgres: PostgresServer, tmp_path: Path) -> None:
    url, script = postgres.create_database(), read_commands()
    dump, restore = script[: script.index("pg_restore")], script[script.index("pg_restore") :]
    with closing(open_store(url)) as store:
        store.library.add([(a_paper("2401.00001"), a_review())], now=NOW)
        save_subscription(store, a_subscription())
        run_lines(dump, url, tmp_path)
        store.library.add([(a_paper("2401.00002"), a_review())], now=NOW)
        assert store.sources.count_papers() == 2
    run_lines(restore, url, tmp_path)
    with closing(open_store(url)) as store:
        assert store.sources.count_papers() == 1
        assert len(store.subscriptions.list_active()) == 1
        assert datetime.fromisoformat(store.notes.read(RESTORED_NOTE)).utcoffset() is not None
        restored_at = fetch_restoration(a_context(store, {})).restored_at
        assert restored_at
        assert abs(datetime.now(UTC) - restored_at) < timedelta(minutes=5), "deliveries look in the channels"
        store.library.add([(a_paper("2401.00003"), a_review())], now=NOW)
        assert store.sources.count_papers() == 2
