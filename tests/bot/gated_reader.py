"""A reader of pages that a test holds up. Its process imports this module, so it needs little else."""

from pathlib import Path

from digests.reviewers.full_text import FullText
from digests.reviewers.html import parse_html


def read_page_behind_gate(page: bytes, gate: str) -> FullText:
    """Hold the reader's interpreter until a file exists, then read the page."""
    while not Path(gate).exists():
        sum(range(10_000))
    return parse_html(page)
