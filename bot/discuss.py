"""What people want to discuss: marks become a queue, most wanted first. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.message import Heading, Message, Text


@dataclass(frozen=True, slots=True)
class Queue:
    """Who wants which paper discussed: one voice a person and paper."""

    marks: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def marked(self, paper: str, person: str) -> "Queue":
        """With one person's mark; the same mark again changes nothing."""
        return Queue({**self.marks, paper: self.marks.get(paper, frozenset()) | {person}})

    def wanted(self) -> tuple[tuple[str, int], ...]:
        """The papers with their voices, most wanted first, else in the order of their first mark."""
        counted = [(paper, len(people)) for paper, people in self.marks.items() if people]
        return tuple(sorted(counted, key=lambda one: -one[1]))


def queue_message(queue: Queue, titles: Mapping[str, str]) -> Message:
    """The queue as a list; `titles` are by paper id."""
    lines = [
        f"{place}. {titles.get(paper, paper)} - {voices} {'voice' if voices == 1 else 'voices'}"
        for place, (paper, voices) in enumerate(queue.wanted(), start=1)
    ]
    return Message(
        "To discuss", (Heading("To discuss"), Text("\n".join(lines) or "Nobody has marked a paper yet."))
    )
