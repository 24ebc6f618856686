"""What every form of arXiv's records has in common. Pure."""

import re
from datetime import date, timedelta
from functools import cache

_WITHDRAWN = re.compile(
    r"(?:this|the)\s+(?:paper|submission|article|manuscript|work|preprint|version|report)\s+(?:has\s+been|is|was)\s+"
    r"(?:temporarily\s+)?(?:withdrawn|retracted)|withdrawn\b|retracted\b",
    re.IGNORECASE,
)

FIRST_YEAR_DIGITS = 91
"""arXiv began in 1991: a later number of two digits is a year of that century."""


def is_withdrawn(comment: str, abstract: str) -> bool:
    """Whether its authors took the paper back: they say so at the beginning of the comment or of the abstract."""
    return _begins_with_withdrawal(comment) or _begins_with_withdrawal(abstract)


def _begins_with_withdrawal(text: str) -> bool:
    # Two plain looks cost a tenth of the pattern, and nearly every text needs no more.
    return ("ithdrawn" in text or "etracted" in text) and bool(_WITHDRAWN.match(text.strip()))


def collapse_spaces(text: str) -> str:
    """The text with single spaces alone; most have no others."""
    return " ".join(text.split()) if "\n" in text or "  " in text or "\t" in text else text.strip()


def latest_submission_day(paper_id: str, day: date) -> date:
    """The latest day, up to this one, on which an id may have been given: an id carries its year and month."""
    number = paper_id.rpartition("/")[2]
    return min(day, _last_day_of_month(number[:4])) if number[:4].isdecimal() else day


@cache
def _last_day_of_month(digits: str) -> date:
    year, month = int(digits[:2]), int(digits[2:])
    if not 1 <= month <= 12:
        return date.max
    year += 1900 if year >= FIRST_YEAR_DIGITS else 2000
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
