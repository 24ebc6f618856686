"""Implementation of `digests.ports.translations.Translations`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from digests.model import ReviewTexts
from digests.store import schema
from digests.store.engine import Database, upsert

translations = schema.translations


@dataclass(frozen=True, slots=True)
class SqlTranslations:
    """Translations in SQLite or PostgreSQL."""

    database: Database

    def find(self, language: str, sources: Mapping[str, str]) -> Mapping[str, ReviewTexts]:
        found = select(translations).where(
            translations.c.language == language, translations.c.paper.in_(list(sources))
        )
        with self.database.read() as connection:
            return {
                row.paper: ReviewTexts(row.tldr, tuple(json.loads(row.limitations)))
                for row in connection.execute(found)
                if row.source == sources[row.paper]
            }

    def save(self, paper: str, language: str, source: str, texts: ReviewTexts, *, now: datetime) -> None:
        values = {
            "source": source,
            "tldr": texts.tldr,
            "limitations": json.dumps(texts.limitations),
            "at": now,
        }
        with self.database.write() as connection:
            upsert(connection, translations, {"paper": paper, "language": language, **values}, values)
