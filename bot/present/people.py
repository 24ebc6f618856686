"""Wording of what is erased and exported about a person, a channel or a workspace."""

from collections.abc import Sequence

from digests.ports.people import Counts, Subject, SubjectKind

OWNER_LEAVES = "Digests that the person set up go on, and nobody is told any more if one fails."


def format_counts(counts: Counts) -> str:
    """Return the numbers of records, such as "2 marks, 1 change"."""
    return ", ".join(
        f"{count:,} {kind if count != 1 else _SINGULAR.get(kind, kind)}" for kind, count in counts.items()
    )


_SINGULAR = {
    "marks": "mark",
    "digests set up": "digest set up",
    "digests": "digest",
    "pauses": "pause",
    "changes": "change",
    "decisions": "decision",
    "discussions": "discussion",
    "requests": "request",
    "shared cards": "shared card",
    "posted messages": "posted message",
    "entries in the list": "entry in the list",
}


def describe_erasure(subject: Subject, counts: Counts) -> Sequence[str]:
    """Return sentences about what an erasure does with the records of a subject."""
    if not counts:
        return [f"Nothing is kept about the {subject.kind} {subject}."]
    if subject.kind is not SubjectKind.PERSON:
        return [f"About the {subject.kind} {subject} goes: {format_counts(counts)}, for good."]
    sentences = [
        f"About the person {subject} goes: {format_counts(counts)}. Marks are deleted; elsewhere “somebody” "
        "takes the place of the name."
    ]
    return [*sentences, OWNER_LEAVES] if counts.get("digests set up") else sentences
