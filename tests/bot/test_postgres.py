"""The command line over PostgreSQL: a store of one file moves there, and goes on."""

from pathlib import Path

import pytest

from tests.bot.cli.test_cli import import_records, run_paperround
from tests.postgres import PostgresServer


@pytest.mark.slow
def test_a_store_moves_to_postgres_and_goes_on_there(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.create_database()
    import_records(tmp_path)
    copied = run_paperround(tmp_path, "db", "copy", "sqlite:///paperround.db", url)
    assert (copied.returncode, copied.stderr) == (0, "")
    assert "6 papers among them" in copied.stdout
    (tmp_path / "paperround.toml").write_text(f'[store]\nurl = "{url}"\n')
    assert run_paperround(tmp_path, "import", "papers.json").stdout == "0 new, 0 updated, 6 unchanged.\n"
    assert "Paper number 3" in run_paperround(tmp_path, "search", "2401.00003").stdout
    again = run_paperround(tmp_path, "db", "copy", "sqlite:///paperround.db", url)
    assert again.returncode == 1
    assert "is not empty" in again.stderr
