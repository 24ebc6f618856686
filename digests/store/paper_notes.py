"""Implementation of `digests.ports.paper_notes.PaperNotes`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select

from digests.ports.marks import QueueScope
from digests.ports.paper_notes import NoteSource, PaperNote
from digests.store import schema
from digests.store.discussions import is_in_channels
from digests.store.engine import Database

notes = schema.paper_notes


@dataclass(frozen=True, slots=True)
class SqlPaperNotes:
    """Notes about papers in SQLite or PostgreSQL."""

    database: Database

    def add(
        self,
        scope: QueueScope,
        paper: str,
        person: str,
        text: str,
        *,
        limit: int,
        now: datetime,
        source: NoteSource | None = None,
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
        is_about_paper = and_(is_in_channels(notes, scope), notes.c.paper == paper)
        own = select(notes.c.text).where(is_about_paper, notes.c.person == person)
        same = own.where(notes.c.text == text, notes.c.message_id == "")
        if source:
            place = {"message_channel": source.channel, "message_id": source.message_id}
            row |= {"author": source.author, **place}
            same = select(notes.c.id).where(is_about_paper, *(notes.c[key] == place[key] for key in place))
        with self.database.write(lock_name="paper notes") as connection:
            if connection.execute(same).first():
                return True
            texts = connection.execute(own).scalars().all()
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
        query = select(notes).where(is_in_channels(notes, scope), _is_of(person))
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
        removal = delete(notes).where(is_in_channels(notes, scope), notes.c.id == note, _is_of(person))
        with self.database.write() as connection:
            row = connection.execute(removal.returning(*notes.c)).first()
            return _note_from_row(row) if row else None


def _is_of(person: str) -> ColumnElement[bool]:
    return or_(notes.c.person == person, notes.c.author == person)


def _note_from_row(row: Row[Any]) -> PaperNote:
    source = NoteSource(row.author, row.message_channel, row.message_id) if row.message_id else None
    return PaperNote(row.id, row.paper, row.person, row.text, row.at, source)
