"""A store of a checkout before 0.1.0, carried over by `db copy`: every row, key and claim."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from digests.errors import StoreError
from digests.model import MarkSource
from digests.ports import Store
from digests.ports.outbox import DeliveryState, PageState
from digests.store import copying, open_store
from digests.store.carry_over import convert_row
from digests.store.copying import copy_store
from digests.store.engine import open_database
from digests.store.schema import metadata
from digests.subscription import Channel
from tests.postgres import PostgresServer

DUMP = Path(__file__).parent / "fixtures" / "store_0013.sql"
NOW = datetime(2026, 11, 24, 10, 5, 30, tzinfo=UTC)
LEASE = timedelta(minutes=5)

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
ADDED = {"deliveries": ["'digest'"]}


def ignore_progress(done: int, rows: int) -> None:
    pass


def load_old_store(folder: Path, *, name: str = "old.db", revision: str = "0013") -> Path:
    file = folder / name
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
        connection.commit()
    return file


def carry_over(folder: Path, target: str = "") -> Store:
    url = target or f"sqlite:///{folder / 'new.db'}"
    copy_store(f"sqlite:///{load_old_store(folder)}", url, now=NOW, progress=ignore_progress)
    return open_store(url)


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


@pytest.mark.parametrize("table", [table.name for table in metadata.sorted_tables])
def test_every_row_arrives_value_for_value(tmp_path: Path, table: str) -> None:
    carry_over(tmp_path).close()
    old_rows = values_of_rows(tmp_path / "old.db", OLD_NAMES.get(table, table))
    renamed, added = RENAMED.get(table, {}), ADDED.get(table, [])
    expected: Counter[tuple[str, ...]] = Counter()
    for row, count in old_rows.items():
        new_values = [rename_console_fields(renamed.get(value, value)) for value in row]
        expected[tuple(sorted([*new_values, *added]))] += count
    assert expected.total() >= 2
    assert values_of_rows(tmp_path / "new.db", table) == expected


def test_postgresql_gets_the_same_rows(tmp_path: Path, postgres: PostgresServer) -> None:
    carry_over(tmp_path).close()
    url = postgres.create_database()
    copy_store(f"sqlite:///{tmp_path / 'old.db'}", url, now=NOW, progress=ignore_progress)
    assert typed_rows(url) == typed_rows(f"sqlite:///{tmp_path / 'new.db'}")


def test_the_old_store_is_only_read(tmp_path: Path) -> None:
    before = load_old_store(tmp_path, name="same.db").read_bytes()
    carry_over(tmp_path).close()
    assert (tmp_path / "old.db").read_bytes() == before
    assert not list(tmp_path.glob("*.backup"))


def test_a_delivery_in_mid_send_keeps_its_claim_and_its_keys(tmp_path: Path) -> None:
    store = carry_over(tmp_path)
    claims = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=50)
    assert [claim.id for claim in claims] == [10, 14, 8, 11]
    assert [claim.id for claim in store.outbox.claim_due(owner="b", now=NOW, lease=LEASE, limit=50)] == [13]
    (in_mid_send,) = (claim for claim in claims if claim.id == 14)
    assert in_mid_send.subscription.channel == Channel("slack", "C0READING", "T0ALPHA")
    assert (in_mid_send.attempts, in_mid_send.failures, in_mid_send.crashes) == (2, 1, 1)
    assert [(page.idempotency_key, page.state) for page in in_mid_send.pages] == [
        ("39a34bf6d313e63fde70da26d", PageState.POSTED),
        ("6e09875dc2b6575b3f6e12ce7", PageState.POSTING),
        ("cbb4d2dd59f9ddf76cce4e3fa", PageState.PLANNED),
        ("a1a0628529843e403c118ed45", PageState.PLANNED),
    ]


def test_the_poison_delivery_stays_in_quarantine(tmp_path: Path) -> None:
    store = carry_over(tmp_path)
    first = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=50)
    assert 13 not in [claim.id for claim in first]
    (alone,) = store.outbox.claim_due(owner="b", now=NOW, lease=LEASE, limit=50)
    assert (alone.id, alone.crashes) == (13, 3)


def test_marks_queue_and_library_answer_as_before(tmp_path: Path) -> None:
    store = carry_over(tmp_path)
    reading = Channel("slack", "C0READING", "T0ALPHA")
    queue = store.marks.discussion_queue(reading, since=NOW - timedelta(days=60), limit=9)
    assert [(one.paper, one.mark_count) for one in queue] == [
        ("2401.00001", 2), ("2401.00002", 1)
    ]  # fmt: skip
    assert store.library.latest_sequence() == 25
    (post,) = (
        post
        for post in store.posts.list_recent("slack", NOW - timedelta(days=9), 9)
        if post.message_id.endswith("000004")
    )
    assert store.marks.people_by_paper(post, MarkSource.REACTION) == {
        "2401.00001": frozenset({"U0ANNA", "U0BEN"})
    }


def test_states_of_deliveries_have_their_names_of_today(tmp_path: Path) -> None:
    with closing(sqlite3.connect(load_old_store(tmp_path, name="count.db"))) as connection:
        old = dict(connection.execute("SELECT state, COUNT(*) FROM deliveries GROUP BY state").fetchall())
    carry_over(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        new = dict(connection.execute("SELECT state, COUNT(*) FROM deliveries GROUP BY state").fetchall())
    assert new[DeliveryState.EMPTY] == old["quiet"]
    assert new[DeliveryState.RETRYING] == old["waiting"]


def test_a_second_copy_into_the_same_store_is_refused(tmp_path: Path) -> None:
    carry_over(tmp_path).close()
    with pytest.raises(StoreError, match="is not empty"):
        copy_store(
            f"sqlite:///{tmp_path / 'old.db'}",
            f"sqlite:///{tmp_path / 'new.db'}",
            now=NOW,
            progress=ignore_progress,
        )


def test_a_store_with_a_live_lease_is_refused(tmp_path: Path) -> None:
    source, target = load_old_store(tmp_path), f"sqlite:///{tmp_path / 'new.db'}"
    while_leased = datetime(2026, 11, 24, 10, 3, tzinfo=UTC)
    with pytest.raises(StoreError, match="is in use"):
        copy_store(f"sqlite:///{source}", target, now=while_leased, progress=ignore_progress)


def test_a_carry_over_that_fails_half_way_leaves_the_target_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH_ROWS", 1)

    def fail_late(done: int, rows: int) -> None:
        if done > rows // 2:
            raise StoreError("The disk is full.")

    source, target = load_old_store(tmp_path), f"sqlite:///{tmp_path / 'new.db'}"
    with pytest.raises(StoreError, match="disk is full"):
        copy_store(f"sqlite:///{source}", target, now=NOW, progress=fail_late)
    assert open_store(target).library.latest_sequence() == 0
    copy_store(f"sqlite:///{source}", target, now=NOW, progress=ignore_progress)
    assert open_store(target).library.latest_sequence() == 25


def test_an_old_store_that_is_opened_names_the_command_that_carries_it_over(tmp_path: Path) -> None:
    old = load_old_store(tmp_path)
    with pytest.raises(StoreError, match=r"paperround db copy sqlite:///.*old\.db sqlite:///NEW\.db"):
        open_store(f"sqlite:///{old}")


def test_a_still_older_store_names_the_checkout_that_renews_it(tmp_path: Path) -> None:
    older = load_old_store(tmp_path, revision="0009")
    with pytest.raises(StoreError, match=r"its tables are 0009.*fa069ce"):
        copy_store(
            f"sqlite:///{older}", f"sqlite:///{tmp_path / 'new.db'}", now=NOW, progress=ignore_progress
        )


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
    ],
)
def test_only_console_payloads_are_renamed(payload: str, expected: dict[str, Any] | None) -> None:
    row = convert_row(metadata.tables["pages"], {"payload": payload})
    if expected is None:
        assert row["payload"] == payload
    else:
        assert json.loads(row["payload"]) == expected
