"""Findings of a check of the set-up, each a sentence for the person who can correct it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Severity of a finding; the value is the mark before its line."""

    OK = "✓"
    UNUSED = "-"
    WARNING = "!"
    FAULT = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check. A fault stops the bot's work, a warning a part of it. UNUSED: not checked."""

    severity: Severity
    subject: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.severity} {self.subject}: {self.sentence}"
