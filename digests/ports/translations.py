"""Translations of the texts of reviews."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from digests.model import ReviewTexts


class Translations(Protocol):
    """Translated texts of papers' reviews, one for each paper and language.

    A source is the hash of the texts that were translated: those of a newer review are translated again.
    """

    def find(self, language: str, sources: Mapping[str, str]) -> Mapping[str, ReviewTexts]:
        """Return the translations into a language, by paper id, whose source is the one given for the paper.

        Those without a TL;DR are among them: their texts could not be translated.
        """

    def save(self, paper: str, language: str, source: str, texts: ReviewTexts, *, now: datetime) -> None:
        """Save a translation in place of the paper's earlier one into the same language."""
