"""Held papers and the decisions about them."""

from dataclasses import dataclass
from datetime import datetime

from digests.model import ScoredPaper


@dataclass(frozen=True, slots=True)
class HeldPaper:
    """A paper that a person decides about, and the sentence that says why."""

    scored_paper: ScoredPaper
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ModerationDecision:
    """What a person decided about a held paper."""

    is_released: bool
    by: str
    at: datetime
