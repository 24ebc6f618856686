"""Tombstones of SQLite's files: what was forgotten stays forgotten after a restore."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digests.errors import StoreError
from digests.model import Mark, MarkSource
from digests.ports import Store
from digests.ports.people import Subject, SubjectKind
from digests.store import open_store, people
from digests.store.tombstones import locate_tombstones
from digests.subscription import Subscription
from tests.builders import NOW, a_subscription
from tests.digests.store.planted_people import (
    ADA,
    ADA_ELSEWHERE,
    LATER,
    NAME,
    OTHER,
    PAPER,
    PERSON,
    a_planted_store,
    channel_of,
    find_traces,
    forget_fingerprints,
    read_tables,
)


def open_file(folder: Path, name: str = "p.db") -> Store:
    return open_store(f"sqlite:///{folder / name}", now=NOW)


def test_a_forgotten_person_is_in_no_byte_of_the_files(tmp_path: Path) -> None:
    with closing(a_planted_store(lambda: open_file(tmp_path))) as store:
        store.people.forget(replace(ADA, workspace=""), now=LATER)
        files = sorted(tmp_path.iterdir())
        assert {"p.db", "p.db.tombstones"} <= {file.name for file in files}
        for file in files:
            content = file.read_bytes()
            assert PERSON.encode() not in content, file
            assert NAME.encode() not in content, file
        assert OTHER.encode() in (tmp_path / "p.db").read_bytes()
    assert (tmp_path / "p.db.tombstones").stat().st_mode & 0o777 == 0o600


def test_a_restored_backup_forgets_again_what_is_older_than_the_tombstone(tmp_path: Path) -> None:
    a_planted_store(lambda: open_file(tmp_path)).close()
    shutil.copy(tmp_path / "p.db", tmp_path / "backup")
    with closing(open_file(tmp_path)) as store:
        for subject in (ADA, Subject(SubjectKind.WORKSPACE, "slack", "T2")):
            store.people.forget(subject, now=LATER)
        kept = read_tables(store)
    shutil.copy(tmp_path / "backup", tmp_path / "p.db")
    with closing(open_file(tmp_path)) as restored:
        assert find_traces(restored, workspace="T1", texts=(PERSON, NAME)) == []
        assert {name: rows for name, rows in read_tables(restored).items() if name != "post_edits"} == {
            name: rows for name, rows in kept.items() if name != "post_edits"
        }


def test_a_person_who_comes_back_keeps_what_is_newer_than_the_tombstone(tmp_path: Path) -> None:
    a_planted_store(lambda: open_file(tmp_path)).close()
    with closing(open_file(tmp_path)) as store:
        store.people.forget(ADA, now=LATER)
    newer = LATER + timedelta(days=1)
    with closing(open_file(tmp_path)) as store:
        channel = channel_of("T1")
        store.marks.set_mark(Mark(channel, "9.0", PAPER, PERSON, MarkSource.REACTION, newer), True)
        wanted = Subscription(
            channel, a_subscription().preferences, a_subscription().schedule, owner_id=PERSON
        )
        store.subscriptions.change(channel, wanted, by=NAME, by_id=f"slack:T1:{PERSON}", now=newer)
        store.people.forget(replace(ADA, id=OTHER), now=newer)
        forget_fingerprints(store)
        kept = store.people.export(ADA)
    with closing(open_file(tmp_path)) as store:
        assert store.people.export(ADA) == kept
        assert {kind for kind, rows in kept.items() if rows} == {"marks", "changes", "digests set up"}


def test_an_erasure_that_a_crash_cut_off_is_done_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(a_planted_store(lambda: open_file(tmp_path))) as store, monkeypatch.context() as patch:
        patch.setattr(people, "erase_subject", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.people.forget(ADA, now=LATER)
        store.people.database.engine.dispose()  # type: ignore[attr-defined]
    with closing(open_file(tmp_path)) as store:
        store.people.forget(replace(ADA, id=OTHER), now=LATER)
        assert not any(store.people.export(ADA).values())


def test_a_copy_takes_the_tombstones_along_and_meets_them(tmp_path: Path) -> None:
    from digests.store.copying import copy_store

    a_planted_store(lambda: open_file(tmp_path)).close()
    shutil.copy(tmp_path / "p.db", tmp_path / "old.db")
    with closing(open_file(tmp_path)) as store:
        store.people.forget(ADA, now=LATER)
    shutil.copy(tmp_path / "p.db.tombstones", tmp_path / "old.db.tombstones")
    here, there = (f"sqlite:///{tmp_path}/{name}" for name in ("old.db", "new.db"))
    copy_store(here, there, now=LATER, progress=lambda *_: None)
    with closing(sqlite3.connect(tmp_path / "new.db")) as copy:
        assert PERSON not in str(copy.execute("SELECT * FROM marks WHERE workspace = 'T1'").fetchall())
    shutil.copy(tmp_path / "old.db", tmp_path / "new.db")
    with closing(open_file(tmp_path, "new.db")) as restored:
        assert not any(restored.people.export(ADA).values())


def test_the_tombstones_name_nobody_and_cannot_be_guessed_without_their_key(tmp_path: Path) -> None:
    for name in ("one.db", "two.db"):
        with closing(open_file(tmp_path, name)) as store:
            store.people.forget(ADA, now=LATER)
    one, two = ((tmp_path / f"{name}.db.tombstones").read_text().splitlines() for name in ("one", "two"))
    assert len(one) == 2
    assert one[0].startswith("key ")
    assert one[1] != two[1], "each store has a key of its own"


@pytest.mark.parametrize("ending", ["nonsense\n", "person 00 not-a-date\n", "key zz\n", "\x00\xff\n"])
def test_tombstones_that_cannot_be_read_stop_the_start_with_a_sentence(tmp_path: Path, ending: str) -> None:
    with closing(open_file(tmp_path)) as store:
        store.people.forget(ADA, now=LATER)
    with (tmp_path / "p.db.tombstones").open("a", encoding="latin-1") as file:
        file.write(ending)
    with pytest.raises(StoreError, match=r"line 3.*take that line out"):
        open_file(tmp_path)


def test_a_tombstone_whose_writing_was_cut_off_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    with closing(a_planted_store(lambda: open_file(tmp_path))) as store:
        store.people.forget(ADA, now=LATER)
        with (tmp_path / "p.db.tombstones").open("a") as file:
            file.write("person 12ab")
        store.people.forget(ADA_ELSEWHERE, now=LATER)
    open_file(tmp_path).close()


def test_nothing_is_erased_if_the_tombstone_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "p.db.tombstones").mkdir()
    with closing(a_planted_store(lambda: open_store(f"sqlite:///{tmp_path}/q.db"))) as store:
        unwritable = people.SqlPeople(store.people.database, locate_tombstones(tmp_path / "p.db"))  # type: ignore[attr-defined]
        with pytest.raises(StoreError, match="Nothing was erased"):
            unwritable.forget(ADA, now=LATER)
        assert any(store.people.export(ADA).values())
