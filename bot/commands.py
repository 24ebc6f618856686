"""What people type, on every platform: /paper looks up, /digest is about the channel's digest."""

import difflib
import re
from dataclasses import dataclass, replace

from bot.message import Heading, Message, Text
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


# /digest, in a channel.


@dataclass(frozen=True, slots=True)
class Today:
    """/digest today: what the channel's wish would pick now."""


@dataclass(frozen=True, slots=True)
class TopPapers:
    """/digest top N in DOMAIN this week: `top` None and an empty `domain` are the channel's own; `days` back."""

    top: int | None = None
    domain: str = ""
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """/digest subscribe WORDS; without words a form is asked for."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class ShowSettings:
    """/digest settings."""


@dataclass(frozen=True, slots=True)
class Pause:
    """/digest pause."""


@dataclass(frozen=True, slots=True)
class Resume:
    """/digest resume."""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """/digest unsubscribe."""


@dataclass(frozen=True, slots=True)
class ShowQueue:
    """/digest queue."""


@dataclass(frozen=True, slots=True)
class Discussed:
    """/digest queue done WHICH: a place in the queue, or a paper's id."""

    which: str


@dataclass(frozen=True, slots=True)
class ShowHeld:
    """/digest held: the papers that wait for a person's decision."""


@dataclass(frozen=True, slots=True)
class DigestHelp:
    """/digest, or /digest help."""


DigestCommand = (
    Today
    | TopPapers
    | Subscribe
    | ShowSettings
    | Pause
    | Resume
    | Unsubscribe
    | ShowQueue
    | Discussed
    | ShowHeld
    | DigestHelp
)

_VERBS: dict[str, DigestCommand] = {
    "today": Today(), "settings": ShowSettings(), "pause": Pause(), "stop": Pause(), "resume": Resume(),
    "start": Resume(), "unsubscribe": Unsubscribe(), "queue": ShowQueue(), "held": ShowHeld(), "help": DigestHelp(), "?": DigestHelp(),
}  # fmt: skip

_EXAMPLES = {"subscribe": "subscribe vision at 08:30 top 3", "top": "top 3 in vision this week"}

_SPANS = {"today": 1, "this week": 7, "this month": 30}

LOOK_UP_CHARACTERS = 300
"""Of what is looked for: more is no title."""


def digest_command(text: str, command: str = "/digest") -> DigestCommand:
    """The command in what follows /digest. Raises InputError with the nearest one and an example."""
    line = " ".join(text.translate(_STRAIGHT).split())
    verb, _, rest = line.partition(" ")
    verb = verb.lower().rstrip(".!,")
    if not verb:
        return DigestHelp()
    if verb == "subscribe":
        return Subscribe(rest)
    if verb == "top":
        return _top_papers(rest, command)
    if verb == "queue" and rest:
        return _queue_command(rest, command)
    if verb in _VERBS:
        return _VERBS[verb]
    near = difflib.get_close_matches(verb[:30], ["subscribe", "top", *_VERBS], n=1, cutoff=0.6)
    hint = f"Did you mean {command} {_EXAMPLES.get(near[0], near[0])}? " if near else ""
    raise InputError(f"{verb[:40]!r} is no {command} command. {hint}{command} help lists them.")


_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "\u00a0": " "})


def _top_papers(rest: str, command: str) -> TopPapers:
    span = next((span for span in _SPANS if rest.lower().endswith(span)), "")
    rest = rest[: len(rest) - len(span)].strip()
    found = re.fullmatch(r"(\d{1,6})?(?: ?in (.{1,100}))?", rest, re.IGNORECASE)
    if not found:
        raise InputError(f"Write it like {command} top 3 in vision this week.")
    top, domain = found[1], (found[2] or "").strip()
    if top and not 1 <= int(top) <= MOST_TOP:
        raise InputError(f"Ask for 1 to {MOST_TOP} papers, such as {command} top 3.")
    if domain:
        resolve(domain)
    return TopPapers(int(top) if top else None, domain, _SPANS.get(span))


def _queue_command(rest: str, command: str) -> Discussed:
    done, _, which = rest.partition(" ")
    if done.lower() != "done" or not which:
        raise InputError(f"Write {command} queue, or {command} queue done 1 when a paper was discussed.")
    return Discussed(which.strip().lstrip("#"))


_AUTO_LINK = re.compile(r"<(https?://[^<>|\s]+)(?:\|[^<>]*)?>")


def look_up_words(text: str) -> str:
    """What is to be looked up, as it was typed: without the links that a platform makes, and of one line."""
    unlinked = _AUTO_LINK.sub(r"\1", text[: 20 * LOOK_UP_CHARACTERS])
    straight = unlinked.translate(_STRAIGHT).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in straight).split())[
        :LOOK_UP_CHARACTERS
    ]


def paper_help(command: str) -> Message:
    """What /paper alone answers."""
    text = (
        f"{command} 2402.01306 - by its arXiv id\n"
        f"{command} https://arxiv.org/abs/2402.01306 - by its address\n"
        f"{command} preference optimization - by words, a typo is no matter"
    )
    return Message("How to look a paper up", (Heading("Look a paper up"), Text(text)))


def digest_help(paper_command: str, command: str) -> Message:
    """What the app can do, with an example for each."""
    text = (
        f"{paper_command} WORDS - look a paper up, for you alone\n"
        f"{command} subscribe vision at 08:30 top 3 min 8 - bring this channel a digest\n"
        f"{command} settings - see or change it in a form\n"
        f"{command} today - the best papers now, for you alone\n"
        f"{command} top 5 in language this week - those of another domain or time\n"
        f"{command} queue - what people want to discuss; {command} queue done 1 takes one off\n"
        f"{command} held - suspect papers that wait for a decision\n"
        f"{command} pause, resume, unsubscribe - for a while, again, for good"
    )
    marks = "React with 🔖 to a paper, or tap Discuss, to put it on the queue."
    return Message(
        "What Paperround can do", (Heading("What you can type"), Text(text), Text(marks, quiet=True))
    )
