"""Wording of what is erased and exported about a person, a channel or a workspace."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.chat.message import Message, Text
from bot.present.wording import present_sentence
from digests.ports.people import Counts, Subject, SubjectKind
from digests.text import clip_text

OWNER_LEAVES = "Digests that the person set up go on, and nobody is told any more if one fails."


def format_counts(counts: Counts) -> str:
    """Return the numbers of records, such as "2 marks, 1 change"."""
    return ", ".join(
        f"{count:,} {kind if count != 1 else _SINGULAR.get(kind, kind)}" for kind, count in counts.items()
    )


_SINGULAR = {
    "marks": "mark",
    "digests set up": "digest set up",
    "own digests": "own digest",
    "digests": "digest",
    "pauses": "pause",
    "changes": "change",
    "decisions": "decision",
    "discussions": "discussion",
    "opinions": "opinion",
    "queue decisions": "queue decision",
    "agreements": "agreement",
    "linked accounts": "linked account",
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
    if counts.get("own digests"):
        sentences.append("Their own digest in direct messages is deleted with all that is kept of it.")
    return [*sentences, OWNER_LEAVES] if counts.get("digests set up") else sentences


EXPORT_CHARACTERS = 2_500
"""Characters of an export that a chat shows. Slack takes 3,000 in a section."""

_REMAINS = "Names in messages that stand in the channels, and reactions on them, are yours to take away."


def present_question(counts: Counts, command: str) -> Message:
    """Build the answer to a person who asks to be forgotten: what would go, and how it is confirmed."""
    if not counts:
        return present_sentence("Nothing is kept about you here.")
    owner = f" {_YOUR_DIGESTS}" if counts.get("digests set up") else ""
    if counts.get("own digests"):
        owner = f" Your own digest would be deleted too.{owner}"
    return present_sentence(
        f"This is kept about you here: {format_counts(counts)}. Your marks would be deleted; elsewhere "
        f"“somebody” would take the place of your name.{owner} Nothing was erased yet, and it "
        f"cannot be undone: {command} me forget yes does it."
    )


_YOUR_DIGESTS = "Digests that you set up would go on, and you would not be told any more if one fails."


def present_erasure(counts: Counts) -> Message:
    """Build the answer to a person who was just forgotten."""
    if not counts:
        return present_sentence("Nothing was kept about you here.")
    return present_sentence(f"You are forgotten here: {format_counts(counts)}. {_REMAINS}")


def present_export(person: Subject, records: Mapping[str, Sequence[Mapping[str, Any]]]) -> Message:
    """Build the answer to a person who asks for their records, as JSON. A long one is cut, and says so."""
    if not any(records.values()):
        return present_sentence("Nothing is kept about you here.")
    kept = {
        kind: [{name: value for name, value in row.items() if name != "payload"} for row in rows]
        for kind, rows in records.items()
        if rows
    }
    text = json.dumps(kept, indent=1, ensure_ascii=False)
    blocks = [Text(clip_text(text, EXPORT_CHARACTERS))]
    if len(text) > EXPORT_CHARACTERS:
        whole = f"by paperround export person {person}."
        blocks.append(Text(f"That is not all: whoever runs Paperround can print the whole, {whole}"))
    return Message("This is kept about you here", (Text("This is kept about you here:"), *blocks))
