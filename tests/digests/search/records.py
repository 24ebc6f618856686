"""Papers to search: the bundled sample, and real records where these are on the machine."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from digests.model import NOT_REVIEWED, Paper, ScoredPaper
from digests.sources.reviews import parse_record
from tests.shared_data import arxiv_day, arxiv_snapshot, reviewed_records

TODAY = date(2026, 7, 1)
KNOWN_AT = datetime(2026, 7, 1, 9, tzinfo=UTC)
SAMPLE = Path(__file__).parents[3] / "bot" / "sample" / "papers.jsonl"


def load_sample() -> list[ScoredPaper]:
    """Return the bundled papers with their reviews."""
    return [_parse(json.loads(line)) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]


def load_real_records() -> list[ScoredPaper]:
    """Return the 532 papers of a day, 500 of the arXiv snapshot and 24 reviewed ones, each paper once.

    The last record of a paper counts.
    """
    day = (
        _build_unreviewed(record, record["authors"], record["summary"], record["categories"], None)
        for record in arxiv_day()
    )
    snapshot = (
        _build_unreviewed(
            record,
            [" ".join(filter(None, (first, last))) for last, first, *_ in record["authors_parsed"]],
            record["abstract"],
            record["categories"].split(),
            parsedate_to_datetime(record["versions"][0]["created"]).date(),
        )
        for record in arxiv_snapshot()
    )
    return _keep_last([*day, *snapshot, *map(_parse, reviewed_records())])


def _keep_last(papers: Iterable[ScoredPaper]) -> list[ScoredPaper]:
    return list({scored.paper.id: scored for scored in papers}.values())


def _parse(record: dict[str, Any]) -> ScoredPaper:
    parsed = parse_record(json.dumps(record), source="it", line=1, today=TODAY)
    assert isinstance(parsed, tuple)
    return ScoredPaper(*parsed, KNOWN_AT)


def _build_unreviewed(
    record: dict[str, Any],
    authors: Iterable[str],
    abstract: str,
    categories: list[str],
    published: date | None,
) -> ScoredPaper:
    paper = Paper(
        record["id"],
        record["title"],
        f"https://arxiv.org/abs/{record['id']}",
        authors=tuple(authors),
        abstract=abstract,
        primary_category=categories[0],
        categories=tuple(categories),
        published=published,
    )
    return ScoredPaper(paper, NOT_REVIEWED, KNOWN_AT)
