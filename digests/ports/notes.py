"""Named notes that outlive a process."""

from typing import Protocol


class Notes(Protocol):
    """What has to be remembered from one run to the next, by name."""

    def read(self, name: str) -> str:
        """What was written under this name; empty when nothing was."""

    def write(self, name: str, text: str) -> None:
        """Remember this in place of what was there."""
