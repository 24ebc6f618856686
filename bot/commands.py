"""What people type, on every platform: /paper looks up, /digest is about the channel's digest."""

import re
from dataclasses import dataclass, replace

from digests.domains import resolve
from digests.errors import InputError
from digests.model import Wish

MOST_TOP = 20
"""More papers at once are a feed."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """/paper WORDS: an id, an address or words."""

    words: str


@dataclass(frozen=True, slots=True)
class Top:
    """/digest top N in DOMAIN: a digest at once, by another wish."""

    wish: Wish


@dataclass(frozen=True, slots=True)
class React:
    """react N: what a 🔖 on the paper with that number does."""

    number: int


@dataclass(frozen=True, slots=True)
class Help:
    """help."""


Command = LookUp | Top | React | Help

HELP = """/paper kto - look a paper up by words
/paper 2402.01306 - or by its id or address
/digest top 3 in vision - the best papers of another domain, now
react 2 - put paper 2 up for discussion, as 🔖 does in a channel
help - this list
quit - leave"""


def understand(line: str, wish: Wish) -> Command:
    """The command in a line. Raises InputError with the sentence for the person who typed it."""
    command, _, rest = " ".join(line.split()).partition(" ")
    match command.lower():
        case "/paper" | "paper":
            return _look_up(rest)
        case "/digest" | "digest":
            return Top(top_wish(rest, wish))
        case "react":
            return _react(rest)
        case "help" | "/help" | "?":
            return Help()
        case _:
            raise InputError(f"{line.strip()[:60]!r} is no command here; “help” lists them.")


def _look_up(words: str) -> LookUp:
    if not words:
        raise InputError("Say what to look for, such as /paper kto or /paper 2402.01306.")
    return LookUp(words)


def _react(rest: str) -> React:
    if not re.fullmatch(r"\d{1,3}", rest):
        raise InputError("Say which paper by its number in the digest, such as react 2.")
    return React(int(rest))


_TOP = re.compile(r"(?:top(?: (\d{1,6}))?)?(?: ?in (.+))?", re.IGNORECASE)


def top_wish(text: str, wish: Wish) -> Wish:
    """The wish in "top 3 in vision"; what is not said stays as the channel has it. Raises InputError."""
    found = _TOP.fullmatch(text.strip())
    if not found:
        raise InputError("Write it like /digest top 3 in vision.")
    top, domain = found[1], found[2]
    if top and not 1 <= int(top) <= MOST_TOP:
        raise InputError(f"Ask for 1 to {MOST_TOP} papers, such as /digest top 3.")
    if domain:
        resolve(domain)
        wish = replace(wish, domains=(domain.strip(),), keywords=())
    return replace(wish, top=int(top)) if top else wish
