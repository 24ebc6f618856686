"""What a check found, in a sentence for whoever can mend it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is; the value is the mark before the line."""

    OK = "✓"
    WARNING = "!"
    FAULT = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. A fault keeps the bot from its work, a warning from a part of it."""

    severity: Severity
    subject: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.severity} {self.subject}: {self.sentence}"
