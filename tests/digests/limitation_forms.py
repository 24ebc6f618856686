"""Lists of limitations, written in the forms that reviews use and compared with what is read back."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from digests.limitations import extract_points
from digests.text import to_plain_text

Form = Callable[[Sequence[str]], str]
"""A form writes a list of points as one text."""

ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth")


def write_numbered(points: Sequence[str]) -> str:
    return " ".join(f"({number}) {point}." for number, point in enumerate(points, 1))


def write_numbered_lines(points: Sequence[str]) -> str:
    return "\n".join(f"{number}. {point}" for number, point in enumerate(points, 1))


def write_numbered_sentence(points: Sequence[str]) -> str:
    """Write all points as one sentence with commas before the numbers."""
    return ", ".join(f"({number}) {point}" for number, point in enumerate(points, 1)) + "."


def write_bulleted(points: Sequence[str]) -> str:
    return "\n".join(f"- {point}" for point in points)


def write_with_semicolons(points: Sequence[str]) -> str:
    return "; ".join(points) + "."


def write_with_ordinals(points: Sequence[str]) -> str:
    """Write up to six points with "First, ... Second, ..."; later ones follow with "Finally,"."""
    openings = [*ORDINALS, *["Finally"] * len(points)]
    return " ".join(f"{opening}, {point}." for opening, point in zip(openings, points, strict=False))


def write_running_text(points: Sequence[str]) -> str:
    return " ".join(f"{point}." for point in points)


FORMS: Mapping[str, Form] = {
    "numbered": write_numbered,
    "numbered lines": write_numbered_lines,
    "numbered sentence": write_numbered_sentence,
    "bulleted": write_bulleted,
    "semicolons": write_with_semicolons,
    "ordinals": write_with_ordinals,
    "running text": write_running_text,
}


def is_held_out(points: Sequence[str]) -> bool:
    """Return True for the half of all lists, by a hash of the text, that no rule was tuned on."""
    return hashlib.sha256("\n".join(points).encode()).digest()[0] % 2 == 1


def is_split_exactly(points: Sequence[str], form: Form) -> bool:
    """Return True if the points of a list come back from a form, in order and word for word.

    The stop at a point's end may be missing: the form writes its own.
    """
    bare = [point.rstrip(" .") for point in points]
    return [*extract_points(form(bare))] == [to_plain_text(point) for point in bare]
