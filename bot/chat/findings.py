"""Findings of a check of the set-up, each with a sentence for the operator."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Severity of a finding. Its value is the mark before the finding's line."""

    OK = "✓"
    UNUSED = "-"
    """The platform or part is not set up, and was not checked."""
    WARNING = "!"
    """A part of the bot does not work."""
    FAULT = "✗"
    """The bot cannot work on this platform."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check: its subject, such as "bot token", and a sentence with result and remedy.

    As a string it is one line, with the mark of its severity in front.
    """

    severity: Severity
    subject: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.severity} {self.subject}: {self.sentence}"
