"""Text that people type or paste, without what a platform and its keyboard changed in it. Pure."""

import re

MAX_LOOKUP_CHARACTERS = 300
"""Longest text of a look-up; the rest is cut off. No title is longer."""

STRAIGHT_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "\u00a0": " "})

_AUTO_LINK = re.compile(r"<(https?://[^<>|\s]+)(?:\|[^<>]*)?>")


def clean_lookup_text(text: str) -> str:
    """Return the text after /paper on one line, without a platform's changes to it.

    A link that a platform made of an address, as in `<https://x|x>`, becomes the address; its label is
    dropped. `&amp;`, `&lt;` and `&gt;` become characters, curly quotes straight ones, and unprintable
    characters spaces. The text is cut after `MAX_LOOKUP_CHARACTERS`.
    """
    return clean_command_text(text)[:MAX_LOOKUP_CHARACTERS]


def clean_command_text(text: str) -> str:
    """Return a text of a command, as `clean_lookup_text` does, but longer: 20 times as many characters."""
    unlinked = _AUTO_LINK.sub(r"\1", text[: 20 * MAX_LOOKUP_CHARACTERS])
    straight = (
        unlinked.translate(STRAIGHT_QUOTES).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    )
    printable = "".join(sign if sign.isprintable() else " " for sign in straight)
    return " ".join(printable.split())
