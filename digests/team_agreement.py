"""Agreement of review scores with what a team wanted to discuss. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

COMPARED_PAPERS = 20
"""Wanted papers that are compared, the newest ones: a team's taste changes, and so does the reviewer."""

JUDGED_DIGESTS = 200
"""Digests of a channel that are looked through for them, the newest ones."""

MIN_COMPARED_PAPERS = 5
"""Wanted papers below which nothing is said: one mark more or less would change it."""


@dataclass(frozen=True, slots=True)
class JudgedPaper:
    """A paper of a digest with the score that its message shows, None without one.

    `is_wanted` is True if people of the channel marked it, or it was discussed there.
    """

    paper: str
    score: float | None
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class TeamAgreement:
    """`agreed` of `compared` wanted papers had a higher score than half of the others of their digest."""

    agreed: int
    compared: int

    @property
    def is_enough(self) -> bool:
        """Return True if there are enough papers to say something."""
        return self.compared >= MIN_COMPARED_PAPERS


def measure_team_agreement(
    digests: Sequence[Sequence[JudgedPaper]], limit: int = COMPARED_PAPERS
) -> TeamAgreement:
    """Compare up to `limit` wanted papers with the others of their digests, which come newest first.

    A wanted paper agrees if its score is higher than the median of the unwanted papers that the same digest
    showed. Papers without a score, and digests of which people wanted everything or nothing, tell nothing.
    A paper that several digests showed counts in the newest of them.
    """
    agreed, compared = 0, set[str]()
    for papers in digests:
        others = [each.score for each in papers if each.score is not None and not each.is_wanted]
        if not others:
            continue
        middle = median(others)
        for each in papers:
            if len(compared) == limit:
                return TeamAgreement(agreed, limit)
            if each.is_wanted and each.score is not None and each.paper not in compared:
                compared.add(each.paper)
                agreed += each.score > middle
    return TeamAgreement(agreed, len(compared))
