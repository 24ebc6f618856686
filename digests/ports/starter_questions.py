"""Questions of the model with which people begin to discuss a paper."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol


class StarterQuestions(Protocol):
    """One question for each limitation of a paper, which is named by its hash (`digest_limitation`).

    A question that is saved does not change any more, so that an agenda shows the same one each time.
    """

    def find(self, paper: str, *, until: datetime) -> Mapping[str, str]:
        """Return the questions about a paper that were saved at an instant or before, by limitation."""

    def list_asked(self, papers: Collection[str]) -> Mapping[str, Collection[str]]:
        """Return the limitations by paper for which a question is saved, or that got none."""

    def save(self, paper: str, questions: Mapping[str, str], *, now: datetime) -> None:
        """Save questions by limitation; an empty one says that the model's was of no use."""
