"""Implementation of `digests.ports.paper_notes.PaperNotes`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select

from digests.ports.marks import QueueScope
from digests.ports.paper_notes import PaperNote
from digests.store import schema
from digests.store.discussions import is_in_channels
from digests.store.engine import Database

notes = schema.paper_notes


@dataclass(frozen=True, slots=True)
class SqlPaperNotes:
    """Notes about papers in SQLite or PostgreSQL."""

    database: Database

    def add(
        self, scope: QueueScope, paper: str, person: str, text: str, *, limit: int, now: datetime
    ) -> bool:
        row = {
            "platform": scope.platform,
            "workspace": scope.workspace,
            "channel": scope.channel,
            "paper": paper,
            "person": person,
            "text": text,
            "at": now,
        }
        own = select(notes.c.text).where(
            is_in_channels(notes, scope), notes.c.paper == paper, notes.c.person == person
        )
        with self.database.write(lock_name="paper notes") as connection:
            texts = connection.execute(own).scalars().all()
            if text in texts:
                return True
            if len(texts) >= limit:
                return False
            connection.execute(notes.insert().values(row))
            return True

    def list_of_paper(self, scope: QueueScope, paper: str, limit: int) -> Sequence[PaperNote]:
        query = select(notes).where(is_in_channels(notes, scope), notes.c.paper == paper)
        with self.database.read() as connection:
            newest = connection.execute(query.order_by(notes.c.at.desc(), notes.c.id.desc()).limit(limit))
            return [_note_from_row(row) for row in newest][::-1]

    def list_own(self, scope: QueueScope, person: str, limit: int) -> Sequence[PaperNote]:
        query = select(notes).where(is_in_channels(notes, scope), notes.c.person == person)
        with self.database.read() as connection:
            newest = connection.execute(query.order_by(notes.c.at.desc(), notes.c.id.desc()).limit(limit))
            return [_note_from_row(row) for row in newest]

    def count(self, scope: QueueScope, papers: Sequence[str]) -> Mapping[str, int]:
        query = (
            select(notes.c.paper, func.count().label("number"))
            .where(is_in_channels(notes, scope), notes.c.paper.in_(papers))
            .group_by(notes.c.paper)
        )
        with self.database.read() as connection:
            return {row.paper: row.number for row in connection.execute(query)}

    def remove(self, scope: QueueScope, note: int, person: str) -> PaperNote | None:
        removal = delete(notes).where(
            is_in_channels(notes, scope), notes.c.id == note, notes.c.person == person
        )
        with self.database.write() as connection:
            row = connection.execute(removal.returning(*notes.c)).first()
            return _note_from_row(row) if row else None


def _note_from_row(row: Row[Any]) -> PaperNote:
    return PaperNote(row.id, row.paper, row.person, row.text, row.at)
