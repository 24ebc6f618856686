"""Rules shared by all formats of arXiv's records: withdrawals, spaces, and the date in an id. Pure."""

import re
from datetime import date, timedelta
from functools import cache

_REASON = (
    r"\s*(?:$|[.;:!(]|[-\u2013\u2014]\s|(?:due|because|pending|until)\b|at\s+the\s+request|since\s+(?!\d)"
    r"|as\s+(?!\w+\s+as\b)|in\s+(?:favou?r|order)\b|for\s+(?:\w+\s+)?(?:revis|correct|improv|rework)"
    r"|by\s+(?:the\s+|its\s+)?(?:\w+\s+)?(?:authors?|arxiv|admin\w*|submitter|me|us)\b)"
)
"""What may follow "Withdrawn" where it is a notice: its end, a reason, or who did it."""

_KIND = r"(?:paper|submission|article|manuscript|work|preprint|pre-print|version|report|draft)"
_WITHDRAWN = re.compile(
    rf"(?:this|our)\s+(?:\w+\s+)?{_KIND}\s+(?:(?:has|have)\s+(?:now\s+)?been|is|was)\s+(?:being\s+)?"
    r"(?:temporarily\s+|now\s+)?(?:withdrawn|retracted)\b"
    rf"|(?:(?:we|i|the\s+authors?)\s+)(?:(?:have|has)\s+)?(?:withdr[ae]w[ns]?|retract(?:ed|s)?)\s+"
    rf"(?:this|our)\s+{_KIND}\b"
    rf"|(?:the\s+)?{_KIND}\s+(?:(?:has|have)\s+been\s+|is\s+|was\s+)?(?:temporarily\s+)?"
    rf"(?:withdrawn|retracted){_REASON}"
    rf"|(?:temporarily\s+)?(?:withdrawn|retracted){_REASON}",
    re.IGNORECASE,
)
"""Sentences that say of the paper itself that it is withdrawn."""

NOTICE_CHARACTERS = 400
"""Characters of a text within which its notice of withdrawal names itself."""

FIRST_YEAR_DIGITS = 91
"""First two-digit year of the last century: arXiv began in 1991."""


def is_withdrawn(comment: str, abstract: str) -> bool:
    """Return True if the comment or the abstract begins with a notice of withdrawal."""
    return _begins_with_withdrawal(comment) or _begins_with_withdrawal(abstract)


def _begins_with_withdrawal(text: str) -> bool:
    # Two plain searches take a tenth of the pattern's time, and rule out nearly every text.
    is_possible = (
        text.find("ithdr", 0, NOTICE_CHARACTERS) >= 0 or text.find("etract", 0, NOTICE_CHARACTERS) >= 0
    )
    return is_possible and bool(_WITHDRAWN.match(text.strip()))


def collapse_spaces(text: str) -> str:
    """Collapse white space to single spaces, and remove it at both ends.

    Fast for texts that have no other.
    """
    return " ".join(text.split()) if "\n" in text or "  " in text or "\t" in text else text.strip()


def latest_submission_day(paper_id: str, day: date) -> date:
    """Return the earlier of `day` and the last day of the month that an arXiv id names.

    Return `day` for an id without a month.
    """
    number = paper_id.rpartition("/")[2]
    return min(day, _last_day_of_month(number[:4])) if number[:4].isdecimal() else day


@cache
def _last_day_of_month(digits: str) -> date:
    year, month = int(digits[:2]), int(digits[2:])
    if not 1 <= month <= 12:
        return date.max
    year += 1900 if year >= FIRST_YEAR_DIGITS else 2000
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
