"""The made-up papers of the month, by the day on which arXiv announces them."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tests.fakes.arxiv_days import Announcement

FILE = Path(__file__).parent / "papers.jsonl"


@cache
def read_records() -> Sequence[dict[str, Any]]:
    """Return the records of all papers with their reviews, in the form of an imported file, oldest first."""
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def render_reviews(day: date) -> bytes:
    """Return the file of reviews as it is on a day: with those of all days until then."""
    known = [record for record in read_records() if _reviewed_on(record) <= day]
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in known).encode()


def list_announcements(day: date) -> list[Announcement]:
    """Return the announcements in arXiv's feed of a day."""
    return [
        Announcement(
            id=record["arxiv_id"],
            version=1,
            kind="new",
            title=record["title"],
            abstract=record["abstract"],
            authors=tuple(record["authors"]),
            categories=tuple(record["categories"]),
            created=date.fromisoformat(record["published"]),
            day=day,
        )
        for record in read_records()
        if _reviewed_on(record) == day
    ]


def find_paper_id(title: str) -> str:
    """Return the arXiv id of the only paper whose title begins so."""
    (found,) = (record["arxiv_id"] for record in read_records() if record["title"].startswith(title))
    return str(found)


def _reviewed_on(record: dict[str, Any]) -> date:
    return datetime.fromisoformat(record["reviewed_at"]).date()
