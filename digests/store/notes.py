"""What is remembered from one run to the next. Keeps the contract of `digests.ports.notes.Notes`."""

from dataclasses import dataclass

from sqlalchemy import select

from digests.store import schema
from digests.store.engine import Database, upsert

notes = schema.notes


@dataclass(frozen=True, slots=True)
class SqlNotes:
    """Notes in a database of any kind."""

    database: Database

    def read(self, name: str) -> str:
        with self.database.read() as connection:
            return connection.execute(select(notes.c.text).where(notes.c.name == name)).scalar() or ""

    def write(self, name: str, text: str) -> None:
        with self.database.write() as connection:
            upsert(connection, notes, {"name": name, "text": text}, {"text": text})
