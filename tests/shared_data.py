"""Real records for tests. They are kept outside the project; without them their tests are skipped."""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data"

needs_shared_data = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real records at {FOLDER}")


def reviewed_records() -> list[dict[str, Any]]:
    """Return the 24 reviewed papers."""
    return _lines("reviews_24.jsonl")


def arxiv_day() -> list[dict[str, Any]]:
    """Return the 532 records of one arXiv day."""
    return _lines("arxiv/day_2026-06-30_dedup.jsonl")


def arxiv_snapshot() -> list[dict[str, Any]]:
    """Return 500 records of the arXiv metadata snapshot."""
    return _lines("arxiv/snapshot_500.jsonl")


def limitation_lists() -> list[list[str]]:
    """Return 1,487 lists of limitations, as separate points."""
    return [record["points"] for record in _lines("limitation_lists.jsonl")]


def harmless_sentences() -> list[str]:
    """Return 113 harmless sentences with words that attacks use."""
    return [record["text"] for record in _lines("not_inject.jsonl")]


def bugs(name: str) -> list[dict[str, Any]]:
    """Return the records of one file of inputs that were once read wrongly."""
    return _lines(f"bugs/{name}")


def bug_text(name: str) -> str:
    """Return one file of inputs that were once read wrongly."""
    return (FOLDER / "bugs" / name).read_text()


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text().splitlines()]
