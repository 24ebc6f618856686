"""What every form of arXiv's records has in common. Pure."""

import re
from datetime import date, timedelta

_MONTH = re.compile(r"(?:.*/)?(\d\d)(\d\d)")
_WITHDRAWN = re.compile(
    r"(?:this|the)\s+(?:paper|submission|article|manuscript|work|preprint|version|report)\s+(?:has\s+been|is|was)\s+"
    r"(?:temporarily\s+)?(?:withdrawn|retracted)|withdrawn\b|retracted\b",
    re.IGNORECASE,
)

FIRST_YEAR = 91
"""arXiv began in 1991: a later number of two digits is a year of that century."""


def is_withdrawn(comment: str, abstract: str) -> bool:
    """Whether its authors took the paper back: they say so at the beginning of the comment or of the abstract."""
    return any(_WITHDRAWN.match(text.strip()) for text in (comment, abstract) if text)


def last_day_of(paper: str, day: date) -> date:
    """The latest day, up to this one, on which an id may have been given: an id carries its year and month."""
    found = _MONTH.match(paper)
    if not found:
        return day
    year, month = int(found[1]), int(found[2])
    year += 1900 if year >= FIRST_YEAR else 2000
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(day, following - timedelta(days=1))
