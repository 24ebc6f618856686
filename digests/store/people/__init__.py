"""Implementation of `digests.ports.people.People`: what is kept about people, its erasure and retention."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, delete, select, tuple_

from digests.ports.people import Counts, Subject, SubjectKind
from digests.store import schema
from digests.store.engine import Database
from digests.store.people.erasure import erase_subject
from digests.store.people.export import select_records, to_json_value
from digests.store.people.places import was_used_since
from digests.store.people.reapplication import note_addition, read_fingerprint, reapply, write_fingerprint
from digests.store.people.retention import find_keys, list_old_conditions, prune_rows
from digests.store.tombstones import TombstoneFile, find_latest

removals = schema.removals

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SqlPeople:
    """Records about people in SQLite or PostgreSQL.

    `tombstones` is None for a store in memory, which has no backups.
    """

    database: Database
    tombstones: TombstoneFile | None

    def count_records(self, subject: Subject) -> Counts:
        with self.database.write() as connection:
            counts = erase_subject(connection, subject, now=_NEVER)
            connection.rollback()
        return counts

    def forget(self, subject: Subject, *, now: datetime) -> Counts:
        added = self.tombstones.add(subject, now) if self.tombstones else None
        with self.database.write(lock_name="people") as connection:
            counts = erase_subject(connection, subject, now=now)
            if added:
                note_addition(connection, added)
        self._overwrite_log()
        return counts

    def forget_removed(self, workspace: Subject, *, before: datetime, now: datetime) -> Counts | None:
        is_removal = and_(
            removals.c.platform == workspace.platform, removals.c.workspace == workspace.workspace
        )
        removal = select(removals.c.at).where(is_removal, removals.c.at < before).with_for_update()
        with self.database.write(lock_name="people") as connection:
            removed_at = connection.execute(removal).scalar()
            if removed_at is None:
                return None
            if was_used_since(connection, workspace, removed_at):
                connection.execute(delete(removals).where(is_removal))
                return None
            # Before the commit: an erasure that a crash undoes is repeated at the next start.
            added = self.tombstones.add(workspace, now) if self.tombstones else None
            counts = erase_subject(connection, workspace, now=now)
            if added:
                note_addition(connection, added)
        self._overwrite_log()
        return counts

    def _overwrite_log(self) -> None:
        """Move SQLite's write-ahead log into the file, so that the old rows are in neither.

        It is left to a later write while another process reads for longer than a second.
        """
        if self.database.file:
            with self.database.read() as connection:
                usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
                connection.exec_driver_sql("PRAGMA busy_timeout = 1000")
                try:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    connection.exec_driver_sql(f"PRAGMA busy_timeout = {usual}")

    def export(self, person: Subject) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        records: dict[str, Sequence[Mapping[str, Any]]] = {}
        with self.database.read() as connection:
            for kind, query in select_records(person):
                rows = connection.execute(query).mappings()
                records[kind] = [{name: to_json_value(value) for name, value in row.items()} for row in rows]
        return records

    def find_forgotten(
        self, platform: str, workspace: str, people: Collection[str], *, since: datetime
    ) -> frozenset[str]:
        tombstones = self.tombstones.read_all().tombstones if self.tombstones else ()
        recent = [tombstone for tombstone in tombstones if tombstone.at >= since]
        if not recent:
            return frozenset()
        find_instant = find_latest(recent, SubjectKind.PERSON)
        return frozenset(
            person
            for person in people
            if any(
                find_instant(Subject(SubjectKind.PERSON, platform, name, person)) for name in (workspace, "")
            )
        )

    def reapply_tombstones(self) -> Counts:
        if not self.tombstones:
            return {}
        content = self.tombstones.read_all()
        if not content.tombstones:
            return {}
        with self.database.read() as connection:
            if read_fingerprint(connection, content.file_id) == content.fingerprint:
                return {}
        with self.database.write(lock_name="people") as connection:
            counts = reapply(connection, content.tombstones)
            write_fingerprint(connection, content.file_id, content.fingerprint)
        self._overwrite_log()
        return counts

    def prune(self, *, before: datetime, limit: int) -> int:
        old = list_old_conditions(before)
        with self.database.read() as connection:  # The search for old rows keeps no other write waiting.
            keys = [find_keys(connection, table, condition, limit) for table, condition in old]
        if not any(keys):
            return 0
        with self.database.write(lock_name="people") as connection:
            for (table, condition), found in zip(old, keys, strict=True):
                if found:
                    prune_rows(connection, table, and_(condition, tuple_(*table.primary_key).in_(found)))
        return max(map(len, keys))
