"""Answers of people about papers that they discussed, and the meetings at which that was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from digests.ports.marks import QueueScope


class LimitationTruth(StrEnum):
    """A person's answer about a limitation that a review names."""

    TRUE = "true"
    FALSE = "false"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """Numbers of people by their answers about one paper.

    `worth_it` of `worth_it_total` say that the paper was worth a discussion. `truths` are by the hash of the
    limitation, `digests.limitations.digest_limitation`.
    """

    worth_it: int = 0
    worth_it_total: int = 0
    truths: Mapping[str, Mapping[LimitationTruth, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaperMeeting:
    """A meeting about a paper: its local date, and the platform's id of who leads it, empty for nobody.

    `chosen_at` is the instant at which the paper was chosen, and left the queue.
    """

    day: date
    starts_at: datetime
    chosen_at: datetime | None
    presenter: str = ""


class Discussions(Protocol):
    """Answers about discussed papers. A person has one answer to a question about a paper in a scope.

    They are given and counted in the scope's own channels: those of partners are neither. An answer is shown
    on the agenda of the paper's meetings, which is edited.
    """

    def set_worth_it(
        self, scope: QueueScope, paper: str, person: str, is_worth_it: bool, *, now: datetime
    ) -> None:
        """Save that a paper was or was not worth a discussion, in place of the person's earlier answer."""

    def set_truth(
        self,
        scope: QueueScope,
        paper: str,
        person: str,
        limitation: str,
        truth: LimitationTruth,
        *,
        now: datetime,
    ) -> None:
        """Save that a limitation is true or not, in place of the person's earlier answer about the paper.

        `limitation` is the hash of its text.
        """

    def count_answers(self, scope: QueueScope, papers: Sequence[str]) -> Mapping[str, AnswerCounts]:
        """Count the people by their answers about each paper; papers without answers are left out.

        A person who answered in several channels counts once, by the last answer.
        """

    def find_meetings(self, scope: QueueScope, papers: Sequence[str]) -> Mapping[str, PaperMeeting]:
        """Return the last meeting about each paper, coming ones too; papers without one are left out."""
