"""The command grammar of all platforms, and the help texts.

/paper looks a paper up. /digest has subcommands about the channel's digest.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.chat.message import Heading, Message, Text
from bot.conversation.topics import find_topic
from digests.domains import resolve_domain
from digests.errors import InputError
from digests.subscription import normalize_name

MAX_TOP_ON_DEMAND = 20
"""Largest number of papers in one answer to /digest top."""


@dataclass(frozen=True, slots=True)
class ShowToday:
    """/digest today or yesterday: show the papers of a day that the channel's preferences pick.

    The day ended `days_ago`, 0 for now.
    """

    days_ago: int = 0


@dataclass(frozen=True, slots=True)
class ShowTopPapers:
    """/digest top N in DOMAIN about WORDS this week: show the best papers of the last `days`.

    A part that is not typed is None or "", and stands for the channel's own setting.
    """

    top: int | None = None
    domain: str = ""
    days: int | None = None
    keywords: str = ""


@dataclass(frozen=True, slots=True)
class SubscribeChannel:
    """/digest subscribe WORDS: subscribe the channel, or change its subscription once that is confirmed.

    Without words: show the form. A "yes" at the end confirms the change.
    """

    words: str = ""
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class ChangeDigest:
    """/digest set WORDS: change what the words name in the channel's subscription, and nothing else."""

    words: str


@dataclass(frozen=True, slots=True)
class ShowSettings:
    """/digest settings: describe the channel's digest, and show the form to change it."""


@dataclass(frozen=True, slots=True)
class AddDigest:
    """/digest add NAME WORDS: give the channel one more digest, or change what the words name in that one."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class ListDigests:
    """/digest list: describe all digests of the channel."""


@dataclass(frozen=True, slots=True)
class PauseDigest:
    """/digest pause NAME: deliver no digest until somebody resumes it. Without a name: the main one."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class ResumeDigest:
    """/digest resume NAME: deliver a paused or stopped digest again."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class UnsubscribeChannel:
    """/digest unsubscribe NAME, or remove NAME: remove a digest of the channel."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class ShowQueue:
    """/digest queue: list the papers to discuss."""


@dataclass(frozen=True, slots=True)
class FinishDiscussion:
    """/digest queue done ENTRY: take a paper off the queue. The entry is its place in the queue or its id."""

    entry: str


@dataclass(frozen=True, slots=True)
class MarkPaper:
    """/digest mark PAPER: mark a paper for discussion, or take the person's mark back."""

    paper: str


@dataclass(frozen=True, slots=True)
class ShowHeldPapers:
    """/digest held: list the suspect papers that wait for a decision."""


@dataclass(frozen=True, slots=True)
class ForgetPerson:
    """/digest forget me: erase what is kept about the person, once it is confirmed by "yes"."""

    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class ExportPerson:
    """/digest export me: show what is kept about the person."""


@dataclass(frozen=True, slots=True)
class ShowDigestHelp:
    """/digest help, or /digest alone: list the commands."""


DigestCommand = (
    ShowToday
    | ShowTopPapers
    | SubscribeChannel
    | ChangeDigest
    | ShowSettings
    | AddDigest
    | ListDigests
    | PauseDigest
    | ResumeDigest
    | UnsubscribeChannel
    | ShowQueue
    | FinishDiscussion
    | MarkPaper
    | ShowHeldPapers
    | ForgetPerson
    | ExportPerson
    | ShowDigestHelp
)

_COMMAND_BY_VERB: dict[str, DigestCommand] = {
    "today": ShowToday(),
    "yesterday": ShowToday(days_ago=1),
    "settings": ShowSettings(),
    "list": ListDigests(),
    "queue": ShowQueue(),
    "held": ShowHeldPapers(),
    "help": ShowDigestHelp(),
    "?": ShowDigestHelp(),
}

_COMMAND_BY_NAMING_VERB: dict[str, Callable[[str], DigestCommand]] = {
    "pause": PauseDigest,
    "off": PauseDigest,
    "stop": PauseDigest,
    "on": ResumeDigest,
    "resume": ResumeDigest,
    "start": ResumeDigest,
    "unsubscribe": UnsubscribeChannel,
    "remove": UnsubscribeChannel,
}
"""Commands about one digest, whose name may follow."""
_WORDS_FOR_MAIN_DIGEST = frozenset(
    ["digest", "the digest", "this digest", "digests", "it", "this", "please", "now", "main", "this channel"]
)

_PERSON_COMMANDS: dict[str, DigestCommand] = {
    "forget me": ForgetPerson(),
    "forget me yes": ForgetPerson(is_confirmed=True),
    "export me": ExportPerson(),
}

ADD_EXAMPLE = 'add "friday agents" agents on fri top 10 every 2 weeks'

_EXAMPLES = {
    "forget": "forget me",
    "export": "export me",
    "subscribe": "subscribe vision at 08:30 top 3",
    "add": ADD_EXAMPLE,
    "set": "set top 5",
    "change": "set top 5",
    "done": "queue done 1",
    "mark": "mark 2402.01306",
    "top": "top 3 in vision this week",
}

_DAYS_BY_SPAN = {"today": 1, "this week": 7, "this month": 30}

MAX_LOOKUP_CHARACTERS = 300
"""Longest text of a look-up; the rest is cut off. No title is longer."""


def parse_digest_command(text: str, command: str = "/digest") -> DigestCommand:
    """Parse the text after /digest. An empty text asks for help.

    The words after "subscribe" and "set" are not parsed here. `command` is the platform's name of the
    command, for the sentences of errors. Raises InputError for an unknown command, with the nearest known
    one, and for a wrong or incomplete one, with an example.
    """
    line = " ".join(text.translate(_STRAIGHT_QUOTES).split())
    verb, _, rest = line.partition(" ")
    verb = verb.lower().rstrip(".!,")
    if not verb:
        return ShowDigestHelp()
    if verb in ("subscribe", "watch", "follow"):
        words, _, last = rest.rpartition(" ")
        is_confirmed = bool(words) and last.lower() == "yes"
        return SubscribeChannel(words if is_confirmed else rest, is_confirmed)
    if verb in ("set", "change", "settings") and rest:
        return ChangeDigest(rest)
    if verb in ("set", "change"):
        return ShowSettings()
    if verb == "top":
        return _parse_top_papers(rest, command)
    if verb == "queue" and rest:
        return _parse_queue_command(rest, command)
    if verb == "done":
        return _parse_queue_command(f"done {rest}", command)
    if verb == "mark":
        return _parse_mark_command(rest, command)
    if verb in ("forget", "export"):
        return _parse_person_command(f"{verb} {rest}", command)
    if verb == "add":
        return _parse_add_command(rest, command)
    if verb in _COMMAND_BY_NAMING_VERB:
        return _COMMAND_BY_NAMING_VERB[verb](_parse_name(rest))
    if verb in _COMMAND_BY_VERB:
        return _COMMAND_BY_VERB[verb]
    known = [*_EXAMPLES, *_COMMAND_BY_VERB, *_COMMAND_BY_NAMING_VERB]
    near = difflib.get_close_matches(verb[:30], known, n=1, cutoff=0.6)
    hint = f"Did you mean {command} {_EXAMPLES.get(near[0], near[0])}? " if near else ""
    raise InputError(f"I don't know {verb[:40]!r}. {hint}{command} help lists the commands.")


_STRAIGHT_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "\u00a0": " "})


def _parse_name(text: str) -> str:
    """Parse the name of a digest after a verb. Words such as "the digest" stand for the main one, "".

    Raises InputError for a text that is no name.
    """
    name = text.strip().rstrip(".!,").strip('" ')
    return "" if name.lower() in _WORDS_FOR_MAIN_DIGEST else normalize_name(name)


def _parse_add_command(rest: str, command: str) -> AddDigest:
    """Parse the text after "add": a name, in quotes if it has several words, and what the digest is to show.

    Raises InputError without a name.
    """
    quoted, _, words = rest[1:].partition('"')
    if not rest.startswith('"'):
        quoted, _, words = rest.partition(" ")
    name = normalize_name(quoted)
    if not name:
        raise InputError(f"Write a name for the digest and what it is to show: {command} {ADD_EXAMPLE}")
    return AddDigest(name, words.strip())


_TOP_PATTERN = re.compile(
    r"([0-9]{1,6})?(?: ?papers)?(?: ?(?:in|from) (.{1,100}?))?(?: ?about (.{1,300}))?", re.IGNORECASE
)


def _parse_top_papers(rest: str, command: str) -> ShowTopPapers:
    """Parse the text after "top": a count, a domain, keywords and a time span, in this order, all optional.

    Raises InputError for any other text, a count out of range and an unknown domain.
    """
    span = next((span for span in _DAYS_BY_SPAN if rest.lower().endswith(span)), "")
    rest = rest[: len(rest) - len(span)].strip()
    match = _TOP_PATTERN.fullmatch(rest)
    if not match:
        raise InputError(f"Try: {command} top 3 in vision this week.")
    top, name, keywords = match[1], (match[2] or "").strip(), (match[3] or "").strip()
    if top and not 1 <= int(top) <= MAX_TOP_ON_DEMAND:
        raise InputError(f"Ask for 1 to {MAX_TOP_ON_DEMAND} papers, such as {command} top 3.")
    topic = find_topic(name)
    if topic and topic.keyword:
        keywords = ", ".join(filter(None, (topic.keyword, keywords)))
    elif name and not topic:
        resolve_domain(name)
    return ShowTopPapers(
        int(top) if top else None, topic.domain if topic else name, _DAYS_BY_SPAN.get(span), keywords
    )


def _parse_mark_command(rest: str, command: str) -> MarkPaper:
    if not rest:
        raise InputError(f"Say which paper, such as {command} mark 2402.01306.")
    return MarkPaper(clean_lookup_text(rest))


def _parse_queue_command(rest: str, command: str) -> FinishDiscussion:
    done, _, entry = rest.partition(" ")
    if done.lower() != "done" or not entry:
        raise InputError(f"Write {command} queue, or {command} queue done 1 when a paper was discussed.")
    return FinishDiscussion(entry.strip().lstrip("#"))


def _parse_person_command(line: str, command: str) -> DigestCommand:
    wanted = line.lower().strip().rstrip(".!")
    if wanted not in _PERSON_COMMANDS:
        raise InputError(
            f"Write {command} forget me, or {command} export me: people erase and export only themselves."
        )
    return _PERSON_COMMANDS[wanted]


_AUTO_LINK = re.compile(r"<(https?://[^<>|\s]+)(?:\|[^<>]*)?>")


def clean_lookup_text(text: str) -> str:
    """Return the text after /paper on one line, without a platform's changes to it.

    A link that a platform made of an address, as in `<https://x|x>`, becomes the address; its label is
    dropped. `&amp;`, `&lt;` and `&gt;` become characters, curly quotes straight ones, and unprintable
    characters spaces. The text is cut after `MAX_LOOKUP_CHARACTERS`.
    """
    unlinked = _AUTO_LINK.sub(r"\1", text[: 20 * MAX_LOOKUP_CHARACTERS])
    straight = (
        unlinked.translate(_STRAIGHT_QUOTES).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    )
    printable = "".join(sign if sign.isprintable() else " " for sign in straight)
    return " ".join(printable.split())[:MAX_LOOKUP_CHARACTERS]


def present_paper_help(command: str) -> Message:
    """Build the answer to /paper without text: examples of look-ups."""
    text = (
        f"{command} 2402.01306 - by its arXiv id\n"
        f"{command} https://arxiv.org/abs/2402.01306 - by its address\n"
        f"{command} DPO - by its name, title or author; typos are fine\n"
        f"{command} limitations of DPO - what its review names\n"
        f"{command} diffusion in:cs.CV since:2025 min:8 - with filters; also by:, before:, flagged:no, "
        "has:code, marked:yes, sort:new\n"
        f"{command} 2 - the second paper of the last digest here"
    )
    return Message("How to look a paper up", (Heading("Look a paper up"), Text(text)))


def present_digest_help(paper_command: str, command: str) -> Message:
    """Build the help: every command with an example, under the platform's names of the two commands."""
    text = (
        f"{paper_command} WORDS - look a paper up; only you see the answer\n"
        f"{command} subscribe vision at 08:30 top 3 min 8 - bring this channel a digest\n"
        f"{command} set top 5 - change one thing and leave the rest\n"
        f"{command} {ADD_EXAMPLE} - bring one more digest, with a name\n"
        f"{command} list - the digests of this channel\n"
        f"{command} settings - see or change it in a form\n"
        f"{command} today, yesterday - the best papers of a day; only you see the answer\n"
        f"{command} top 5 in language this week - the best of another domain or time\n"
        f"{command} queue - what people want to discuss; {command} queue done 1 takes one off\n"
        f"{command} mark 2402.01306 - put a paper on the queue\n"
        f"{command} held - suspect papers that wait for a decision, for those whom the operator named\n"
        f"{command} pause, resume, unsubscribe - pause, resume or remove the digest; a name may follow\n"
        f"{command} export me, forget me - show or erase what is kept about you"
    )
    marks = "React with 🔖 to a paper, or tap Discuss, to put it on the queue."
    return Message(
        "What Paperround can do", (Heading("What you can type"), Text(text), Text(marks, is_small_print=True))
    )


def present_greeting(paper_command: str, digest_command: str) -> Message:
    """Build the greeting to a channel that the app was just added to."""
    text = (
        f"Hello. I bring the day's best papers with their limitations. {digest_command} subscribe says which "
        f"and when; {paper_command} looks a paper up."
    )
    return Message(text, (Heading("Paperround"), Text(text)))
