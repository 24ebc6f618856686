"""A store of a checkout before 0.1.0, carried over by `db copy`: every row, key and claim."""

import fcntl
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, inspect, select, text

from digests.errors import StoreError
from digests.ports import Store
from digests.ports.outbox import DeliveryState
from digests.store import open_store
from digests.store.carry_over import NEW_TABLES, convert_row, is_old_role_held
from digests.store.engine import open_database
from digests.store.schema import metadata
from digests.subscription import Channel
from tests.old_store import (
    NOW,
    WHILE_LEASED,
    carry_over,
    load_old_database,
    load_old_store,
)
from tests.postgres import PostgresServer

LEASE = timedelta(minutes=5)
ROOT = Path(__file__).parents[3]

OLD_NAMES = {
    "discussions": "discussed",
    "pairwise_ranks": "placings",
    "paper_requests": "asked_for",
    "post_edits": "edits",
    "review_spending": "review_days",
    "shown_papers": "shown",
    "subscription_changes": "changes",
}
RENAMED = {
    "deliveries": {"'quiet'": "'empty'", "'waiting'": "'retrying'"},
    "counters": {"'upkeep'": "'post_edits'"},
}
CONSOLE_FIELDS = {
    '"quiet":': '"is_small_print":',
    '"voices":': '"mark_count":',
    '"reviewed":': '"review_line":',
}
"""Renamed keys of payloads that hold blocks with a kind: the console's, not those of a chat service's API."""
ADDED = {
    "pages": ["None"],
    "deliveries": ["'digest'"],
    "holds": ["''"],
    "papers": ["''"],
    "paper_requests": ["''", "''", "''", "None"],
    "posts": ["None", "''", "0"],
    "reviews": ["0", "None"],
    "subscription_changes": ["''"],
    "subscriptions": ["''", "''", "'[]'", "'any'", "'after'", "''", "0", "1", "0", "0", "0", "None"],
}

FILLED = ("marks", "discussions")
"""Tables that also get the workspaces of their channels."""


def sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


def carry_over_file(folder: Path) -> Store:
    """Carry the old store in `old.db` over to `new.db`."""
    return carry_over(sqlite_url(load_old_store(folder)), sqlite_url(folder / "new.db"))


def values_of_rows(file: Path, table: str) -> Counter[tuple[str, ...]]:
    """The rows of a table as sorted values, so that neither names nor order of columns count."""
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
    return Counter(tuple(sorted(map(repr, row))) for row in rows)


def rename_console_fields(value: str) -> str:
    if value.startswith('\'{"blocks": [{"kind":'):
        for old, new in CONSOLE_FIELDS.items():
            value = value.replace(old, new)
    return value


def typed_rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    database = open_database(url)
    with database.read() as connection:
        rows = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }
    database.engine.dispose()
    return rows


CARRIED_TABLES = [
    table.name
    for table in metadata.sorted_tables
    if table.name not in NEW_TABLES and table.name not in FILLED
]


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the old store and the new one, for tests that read them."""
    folder = tmp_path_factory.mktemp("carried")
    carry_over_file(folder).close()
    return folder


@pytest.mark.parametrize("table", CARRIED_TABLES)
def test_every_row_arrives_value_for_value(carried: Path, table: str) -> None:
    old_rows = values_of_rows(carried / "old.db", OLD_NAMES.get(table, table))
    renamed, added = RENAMED.get(table, {}), ADDED.get(table, [])
    expected: Counter[tuple[str, ...]] = Counter()
    for row, count in old_rows.items():
        new_values = [rename_console_fields(renamed.get(value, value)) for value in row]
        expected[tuple(sorted([*new_values, *added]))] += count
    assert expected.total() >= 2
    assert values_of_rows(carried / "new.db", table) == expected


def test_marks_and_discussions_arrive_with_the_workspaces_of_their_channels(carried: Path) -> None:
    with (
        closing(sqlite3.connect(carried / "old.db")) as old,
        closing(sqlite3.connect(carried / "new.db")) as new,
    ):
        columns = "platform, channel, paper, person, {}, {}, is_on, at"
        old_marks = old.execute(f"SELECT {columns.format('marked_by', 'message')} FROM marks").fetchall()
        new_marks = new.execute(f"SELECT {columns.format('mark_source', 'message_id')} FROM marks").fetchall()
        workspaces = new.execute("SELECT DISTINCT platform, workspace, channel FROM marks").fetchall()
        discussions = new.execute(
            "SELECT paper, platform, workspace, channel, by, by_id FROM discussions"
        ).fetchall()
    assert sorted(new_marks) == sorted(old_marks)
    assert sorted(workspaces) == [("discord", "9002", "9202"), ("slack", "T0ALPHA", "C0READING")]
    assert sorted(discussions) == [
        ("2401.00002", "slack", "T0ALPHA", "C0READING", "", ""),
        ("2401.00006", "slack", "T0ALPHA", "C0READING", "", ""),
        ("2401.00009", "discord", "9002", "", "", ""),
    ]


@pytest.mark.parametrize(
    ("source_kind", "target_kind"),
    [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("postgresql", "postgresql")],
)
def test_postgresql_gives_and_gets_the_same_rows(
    tmp_path: Path, carried: Path, postgres: PostgresServer, source_kind: str, target_kind: str
) -> None:
    expected = typed_rows(sqlite_url(carried / "new.db"))
    other = tmp_path / "other"
    other.mkdir()
    target = new_url_of(target_kind, other, postgres)
    carry_over(old_url_of(source_kind, other, postgres), target).close()
    assert typed_rows(target) == expected


def test_the_old_store_is_only_read(tmp_path: Path) -> None:
    before = load_old_store(tmp_path, name="same.db").read_bytes()
    carry_over_file(tmp_path).close()
    assert (tmp_path / "old.db").read_bytes() == before
    assert not list(tmp_path.glob("*.backup"))


def test_states_of_deliveries_have_their_names_of_today(carried: Path) -> None:
    with closing(sqlite3.connect(carried / "old.db")) as connection:
        old = dict(connection.execute("SELECT state, COUNT(*) FROM deliveries GROUP BY state").fetchall())
    with closing(sqlite3.connect(carried / "new.db")) as connection:
        new = dict(connection.execute("SELECT state, COUNT(*) FROM deliveries GROUP BY state").fetchall())
    assert new[DeliveryState.EMPTY] == old["quiet"]
    assert new[DeliveryState.RETRYING] == old["waiting"]


def dump_of(url: str) -> list[str]:
    """Every row of every table of a store, old or new, as text."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        names = sorted(inspect(connection).get_table_names())
        rows = [
            f"{name} {tuple(row)!r}"
            for name in names
            for row in connection.execute(text(f"SELECT * FROM {name}"))
        ]
    engine.dispose()
    return sorted(rows)


def old_url_of(kind: str, folder: Path, server: PostgresServer) -> str:
    return sqlite_url(load_old_store(folder)) if kind == "sqlite" else load_old_database(server)


def new_url_of(kind: str, folder: Path, server: PostgresServer) -> str:
    return sqlite_url(folder / "new.db") if kind == "sqlite" else server.create_store_database()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_store_that_is_leased_or_led_is_refused_and_left_as_it_was(
    tmp_path: Path, postgres: PostgresServer, kind: str
) -> None:
    source, target = old_url_of(kind, tmp_path, postgres), sqlite_url(tmp_path / "new.db")
    before = dump_of(source)
    with pytest.raises(StoreError, match=r"is in use \(a digest is under way there until 10:05:30 UTC\)"):
        carry_over(source, target, now=WHILE_LEASED)
    with (
        lead_like_an_old_checkout(source, "sources"),
        pytest.raises(StoreError, match="a process leads there"),
    ):
        carry_over(source, target)
    assert dump_of(source) == before
    carry_over(source, target).close()
    assert dump_of(source) == before


@contextmanager
def lead_like_an_old_checkout(url: str, role: str) -> Iterator[None]:
    """Hold a leader lock as the checkout fa069ce does: a lock on a file, or on one 64-bit number."""
    if url.startswith("sqlite"):
        with Path(f"{url.removeprefix('sqlite:///')}.lead-{role}").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        number = "hashtextextended('paperround ' || current_schema() || ' ' || :role, 0)"
        connection.execute(text(f"SELECT pg_advisory_lock({number})"), {"role": role})
        yield
        connection.execute(text(f"SELECT pg_advisory_unlock({number})"), {"role": role})
    engine.dispose()


@pytest.mark.parametrize("role", ["slack", "discord", "sources", "reviewer", "posts"])
def test_a_process_of_an_old_checkout_is_seen_in_every_role(
    tmp_path: Path, postgres: PostgresServer, role: str
) -> None:
    database = open_database(load_old_database(postgres))
    assert not is_old_role_held(database)
    with lead_like_an_old_checkout(database.engine.url.render_as_string(hide_password=False), role):
        assert is_old_role_held(database)
    assert not is_old_role_held(database)
    database.engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_target_that_is_led_or_not_empty_is_refused_and_left_as_it_was(
    tmp_path: Path, postgres: PostgresServer, kind: str
) -> None:
    source, target = sqlite_url(load_old_store(tmp_path)), new_url_of(kind, tmp_path, postgres)
    with closing(open_store(target)) as used:
        lock = used.leadership.acquire("posts")
        assert lock
        with pytest.raises(StoreError, match=r"is in use \(a process leads there\): .* or copy to a new one"):
            carry_over(source, target)
        lock.release()
    carry_over(source, target).close()
    before = dump_of(target)
    with pytest.raises(StoreError, match=r"is not empty .*: copy to a new one"):
        carry_over(source, target)
    assert dump_of(target) == before


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_carry_over_that_is_killed_half_way_leaves_both_stores_as_they_were(
    tmp_path: Path, postgres: PostgresServer, kind: str
) -> None:
    source, target = old_url_of(kind, tmp_path, postgres), new_url_of(kind, tmp_path, postgres)
    before = dump_of(source)
    open_store(target).close()
    empty = dump_of(target)
    script = (
        "import os, signal\n"
        "from digests.store import copying\n"
        "from tests.old_store import carry_over\n"
        "copying.BATCH_ROWS = 1\n"
        "def kill_late(done, rows):\n"
        "    if done > rows // 2:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        f"carry_over({source!r}, {target!r}, progress=kill_late)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert dump_of(target) == empty
    carry_over(source, target).close()
    assert dump_of(source) == before


def test_pages_that_a_killed_process_left_in_its_write_ahead_log_are_carried_over(tmp_path: Path) -> None:
    file = load_old_store(tmp_path, name="live.db", change="PRAGMA journal_mode = WAL;")
    with closing(sqlite3.connect(file)) as killed:
        killed.execute("PRAGMA wal_autocheckpoint = 0")
        killed.execute("UPDATE pages SET receipt = 'only in the log' WHERE delivery = 14 AND number = 0")
        killed.commit()
        for suffix in ("", "-wal"):
            shutil.copy(f"{file}{suffix}", tmp_path / f"old.db{suffix}")
    assert b"only in the log" not in (tmp_path / "old.db").read_bytes()
    with closing(carry_over(sqlite_url(tmp_path / "old.db"), sqlite_url(tmp_path / "new.db"))) as store:
        claims = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=50)
    assert [claim.pages[0].receipt for claim in claims if claim.id == 14] == ["only in the log"]


def test_an_old_store_that_is_opened_names_the_command_that_carries_it_over(tmp_path: Path) -> None:
    old = load_old_store(tmp_path)
    with pytest.raises(StoreError, match=r"paperround db copy sqlite:///.*old\.db sqlite:///NEW\.db"):
        open_store(f"sqlite:///{old}")


@pytest.mark.parametrize(
    ("revision", "sentence"),
    [
        ("0009", r"its tables are 0009\): start the checkout fa069ce on it once"),
        ("0050", r"has tables of an unknown version \(0050, between 0013 and 0101\)"),
        ("9999", r"was written by a newer Paperround \(its tables are 9999.*upgrade Paperround"),
    ],
)
def test_a_source_of_another_version_is_refused_in_one_sentence(
    tmp_path: Path, revision: str, sentence: str
) -> None:
    other = load_old_store(tmp_path, revision=revision)
    before = other.read_bytes()
    with pytest.raises(StoreError, match=sentence):
        carry_over(sqlite_url(other), sqlite_url(tmp_path / "new.db"))
    assert other.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["old.db"]


MISFIT = r"A row of .*old\.db does not fit into the table {} of .*new\.db \(.*\)\. Mend that row"
DAMAGED = r"old\.db is damaged: a row of its table {} cannot be read \(.*\)\. Restore a backup"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE subscriptions SET next_due_at = '2026-13-45 99:00:00'", DAMAGED.format("subscriptions")),
        ("UPDATE shown SET paper = 999 WHERE delivery = 2", MISFIT.format("shown_papers")),
        ("UPDATE review_days SET day = 'soon' WHERE tokens = 4321", DAMAGED.format("review_days")),
        ("UPDATE deliveries SET lease_until = 'soon' WHERE id = 14", DAMAGED.format("deliveries")),
        ("INSERT INTO counters VALUES ('post_edits', 7)", MISFIT.format("counters")),
        ("UPDATE notes SET text = CAST(x'ff00' AS BLOB)", MISFIT.format("notes")),
        (
            "UPDATE notes SET text = CAST(x'ff41' AS TEXT)",
            r"old\.db cannot be used: Could not decode to UTF-8",
        ),
        (
            "UPDATE papers SET name = '2401.00002' || char(0) WHERE name = '2401.00001'",
            MISFIT.format("papers"),
        ),
        ("DROP TABLE marks", r"old\.db cannot be used: no such table: marks"),
        ("ALTER TABLE pages DROP COLUMN said", r"old\.db cannot be used: no such column: pages\.said"),
        ("DELETE FROM alembic_version", r"old\.db is a database of something else"),
        ("DROP TABLE alembic_version", r"There is no store in .*old\.db to copy from"),
    ],
    ids=[
        "no instant", "no such paper", "no date", "no lease", "one new key of two", "bytes", "not UTF-8",
        "one new name of two", "no table", "no column", "no revision", "no revision table",
    ],
)  # fmt: skip
def test_a_source_with_rows_that_cannot_be_carried_over_is_refused_in_one_sentence(
    tmp_path: Path, change: str, sentence: str
) -> None:
    source, target = load_old_store(tmp_path, change=change), tmp_path / "new.db"
    before = source.read_bytes()
    with pytest.raises(StoreError, match=sentence):
        carry_over(sqlite_url(source), sqlite_url(target))
    assert source.read_bytes() == before
    assert not target.exists() or open_store(sqlite_url(target)).library.latest_sequence() == 0


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda data: b"no database at all" * 99, r"old\.db is not a Paperround store"),
        (lambda data: data[: len(data) // 2], r"old\.db is damaged: restore a backup"),
        (lambda data: b"", r"There is no store in .*old\.db to copy from"),
        (lambda data: data[:32768] + bytes(len(data) - 32768), r"old\.db is damaged: restore a backup"),
    ],
    ids=["not a database", "cut off", "empty", "half zeros"],
)
def test_a_damaged_file_is_refused_by_its_own_name_and_left_as_it_was(
    tmp_path: Path, spoil: Callable[[bytes], bytes], sentence: str
) -> None:
    source = load_old_store(tmp_path)
    spoilt = spoil(source.read_bytes())
    source.write_bytes(spoilt)
    with pytest.raises(StoreError, match=sentence):
        carry_over(sqlite_url(source), sqlite_url(tmp_path / "new.db"))
    assert source.read_bytes() == spoilt


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_hostile_text_arrives_as_it_is_but_for_what_postgresql_refuses(
    tmp_path: Path, postgres: PostgresServer, kind: str
) -> None:
    deep, huge = "[" * 100_000, json.dumps({"blocks": [{"kind": "Text", "text": "x" * 5_000_000}]})
    file, target = load_old_store(tmp_path), new_url_of(kind, tmp_path, postgres)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE pages SET payload = ? WHERE delivery = 2", [deep])
        connection.execute("UPDATE pages SET payload = ? WHERE delivery = 14 AND number = 0", [huge])
        connection.execute("UPDATE notes SET text = ?", ["a NUL\0, an emoji 🦉, a quote ' and \\"])
        connection.execute("UPDATE subscriptions SET time_zone = 'Mars/Olympus' WHERE id = 6")
        connection.commit()
    with closing(carry_over(sqlite_url(file), target)) as store:
        assert store.notes.read("reviewer scale") == "a NUL, an emoji 🦉, a quote ' and \\"
        assert any(deep in row for row in dump_of(target))
        claims = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=50)
        assert [claim.id for claim in claims] == [10, 14, 11]
        assert [dict(claim.pages[0].payload) for claim in claims if claim.id == 14] == [json.loads(huge)]
        (stopped,) = (one for one in store.delivery_reports.channel_statuses() if one.subscription is None)
    assert stopped.channel == Channel("slack", "C0WAITS", "T0BRAVO")
    assert "Mars/Olympus" in stopped.read_error


CONSOLE_BLOCK = {"kind": "Card", "title": "T", "voices": 2, "reviewed": "by a model"}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            json.dumps({"blocks": [CONSOLE_BLOCK, {"kind": "Text", "text": "t", "quiet": True}]}),
            {
                "blocks": [
                    {"kind": "Card", "title": "T", "mark_count": 2, "review_line": "by a model"},
                    {"kind": "Text", "text": "t", "is_small_print": True},
                ]
            },
        ),
        ('{"text": "x",  "blocks": [{"type": "section", "quiet": 1}]}', None),
        ('{"blocks":  []}', None),
        ("{", None),
        ("[" * 100_000, None),
        ('{"blocks": ["kind"]}', None),
    ],
)
def test_only_console_payloads_are_renamed(payload: str, expected: dict[str, Any] | None) -> None:
    row = convert_row(metadata.tables["pages"], {"payload": payload})
    if expected is None:
        assert row["payload"] == payload
    else:
        assert json.loads(row["payload"]) == expected
