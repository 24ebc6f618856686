"""Implementation of `digests.ports.starter_questions.StarterQuestions`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from digests.store import schema
from digests.store.engine import Database, insert_if_absent

questions_table = schema.starter_questions


@dataclass(frozen=True, slots=True)
class SqlStarterQuestions:
    """Starter questions in SQLite or PostgreSQL."""

    database: Database

    def find(self, paper: str, *, until: datetime) -> Mapping[str, str]:
        query = select(questions_table).where(
            questions_table.c.paper == paper, questions_table.c.at <= until, questions_table.c.question != ""
        )
        with self.database.read() as connection:
            return {row.limitation: row.question for row in connection.execute(query)}

    def list_asked(self, papers: Collection[str]) -> Mapping[str, Collection[str]]:
        query = select(questions_table.c.paper, questions_table.c.limitation).where(
            questions_table.c.paper.in_(list(papers))
        )
        asked: dict[str, set[str]] = {}
        with self.database.read() as connection:
            for paper, limitation in connection.execute(query):
                asked.setdefault(paper, set()).add(limitation)
        return asked

    def save(self, paper: str, questions: Mapping[str, str], *, now: datetime) -> None:
        with self.database.write() as connection:
            for limitation, question in questions.items():
                row = {"paper": paper, "limitation": limitation, "question": question, "at": now}
                insert_if_absent(connection, questions_table, row)
