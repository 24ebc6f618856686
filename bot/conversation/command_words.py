"""The grammar of /digest: from the text that follows it to one of the commands. Pure."""

import difflib
from collections.abc import Callable

from bot.conversation.commands import (
    AddDigest,
    ChangeDigest,
    DecideOnPaper,
    DigestCommand,
    ExportPapers,
    ExportPerson,
    ForgetPerson,
    GiveOpinion,
    JoinGroup,
    LeaveGroup,
    LinkAccount,
    ListDigests,
    MarkPaper,
    Meet,
    PauseDigest,
    RenameDigest,
    ResetFeedback,
    ResumeDigest,
    ReturnPaper,
    ShowDigestHelp,
    ShowFeedback,
    ShowGroup,
    ShowHeldPapers,
    ShowNotes,
    ShowQueue,
    ShowSettings,
    ShowToday,
    ShowTopPapers,
    SubscribeChannel,
    UnlinkAccount,
    UnsubscribeChannel,
    WriteNote,
)
from bot.conversation.topics import MAX_TOPIC_WORDS, find_topic
from bot.conversation.typed_text import STRAIGHT_QUOTES, clean_lookup_text
from bot.present.citations import ExportFormat, ExportKind
from bot.present.help import ADD_EXAMPLE, RENAME_EXAMPLE
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.model import QueueOutcome
from digests.subscription import normalize_name

MAX_TOP_ON_DEMAND = 20
"""Largest number of papers in one answer to /digest top."""

_COMMAND_BY_VERB: dict[str, DigestCommand] = {
    "today": ShowToday(),
    "yesterday": ShowToday(days_ago=1),
    "settings": ShowSettings(),
    "list": ListDigests(),
    "queue": ShowQueue(),
    "feedback": ShowFeedback(),
    "group": ShowGroup(),
    "groups": ShowGroup(),
    "link": LinkAccount(),
    "unlink": UnlinkAccount(),
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

_EXAMPLES = {
    "forget": "forget me",
    "export": "export queue bib",
    "subscribe": "subscribe vision at 08:30 top 3",
    "add": ADD_EXAMPLE,
    "rename": RENAME_EXAMPLE,
    "set": "set top 5",
    "change": "set top 5",
    "done": "queue done 1",
    "mark": "mark 2402.01306",
    "meet": "meet thu 16:00 every 2 weeks",
    "note": "note 2402.01306 ask for the code",
    "notes": "notes 2402.01306",
    "recap": "recap on",
    "top": "top 3 in vision since 2024",
}

_DAYS_BY_SPAN = {"today": 1, "this week": 7, "this month": 30}


def parse_digest_command(text: str, command: str = "/digest") -> DigestCommand:
    """Parse the text after /digest. An empty text asks for help.

    The words after "subscribe" and "set" are not parsed here. `command` is the platform's name of the
    command, for the sentences of errors. Raises InputError for an unknown command, with the nearest known
    one, and for a wrong or incomplete one, with an example.
    """
    line = " ".join(text.translate(STRAIGHT_QUOTES).split())
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
    if verb == "feedback" and rest:
        return _parse_feedback_command(rest, command)
    if verb in ("meet", "meeting", "meetings"):
        return Meet(rest)
    if verb in ("note", "notes"):
        return _parse_note_command(rest, command)
    if verb == "recap":
        return _parse_recap_command(rest, command)
    if verb in ("group", "groups") and rest:
        return _parse_group_command(rest, command)
    if verb == "me":
        return _parse_personal_command(rest, command)
    if verb == "link" and rest:
        return LinkAccount(rest)
    if verb == "export" and not rest.lower().startswith("me"):
        return _parse_export_command(rest, command)
    if verb in ("forget", "export"):
        return _parse_person_command(f"{verb} {rest}", command)
    if verb == "add":
        return _parse_add_command(rest, command)
    if verb == "rename":
        return _parse_rename_command(rest, command)
    if verb in _COMMAND_BY_NAMING_VERB:
        return _COMMAND_BY_NAMING_VERB[verb](_parse_name(rest))
    if verb in _COMMAND_BY_VERB:
        return _COMMAND_BY_VERB[verb]
    known = [*_EXAMPLES, *_COMMAND_BY_VERB, *_COMMAND_BY_NAMING_VERB]
    near = difflib.get_close_matches(verb[:30], known, n=1, cutoff=0.6)
    hint = f"Did you mean {command} {_EXAMPLES.get(near[0], near[0])}? " if near else ""
    raise InputError(f"I don't know {verb[:40]!r}. {hint}{command} help lists the commands.")


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


def _parse_rename_command(rest: str, command: str) -> RenameDigest:
    """Parse the text after "rename": a name, "to", and the new name.

    Quotes are optional for names without a "to" of their own. Raises InputError without a "to", with several
    of which each could be the one meant, and for a name that is none.
    """
    line = f" {rest} "
    splits = [line.split(separator) for separator in ('" to ', ' to "', " to ")]
    parts = next((split for split in splits if len(split) == 2), splits[-1])
    if len(parts) > 2:
        raise InputError(f"Put the names in quotes, since one of them has a “to”: {command} {RENAME_EXAMPLE}")
    new_name = parts[-1].strip('" ')
    if len(parts) < 2 or not new_name:
        raise InputError(f"Write the digest's name and the new one: {command} {RENAME_EXAMPLE}")
    return RenameDigest(_parse_name(parts[0]), _parse_name(new_name))


_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _parse_top_papers(rest: str, command: str) -> ShowTopPapers:
    """Parse the text after "top": a count, then words and filters as for /paper, both optional.

    Raises InputError for a count out of range.
    """
    count, words = None, rest.split()
    first = words[0].lower() if words else ""
    if first in _NUMBERS:
        count, words = _NUMBERS.index(first) + 1, words[1:]
    elif first.isascii() and first.isdecimal():
        count, words = int(first[:6]), words[1:]
        if not 1 <= count <= MAX_TOP_ON_DEMAND:
            raise InputError(f"Ask for 1 to {MAX_TOP_ON_DEMAND} papers, such as {command} top 3.")
    if words[:1] == ["papers"]:
        words = words[1:]
    text = " ".join(words)
    if text.lower() in _DAYS_BY_SPAN:
        return ShowTopPapers(count, _DAYS_BY_SPAN[text.lower()])
    return ShowTopPapers(count, None, clean_lookup_text(_name_topic(words)))


def _name_topic(words: list[str]) -> str:
    """Return words with a topic behind "in" at their beginning as the search reads it: in:language for llms.

    The longest name of a topic counts. A topic alone needs no "in". Other words are unchanged.
    """
    if 0 < len(words) <= MAX_TOPIC_WORDS and find_topic(" ".join(words)):
        words = ["in", *words]
    if words[:1] and words[0].lower() in ("in", "from"):
        for length in range(min(MAX_TOPIC_WORDS, len(words) - 1), 0, -1):
            topic = find_topic(" ".join(words[1 : length + 1]))
            if topic:
                domain = f'"{topic.domain}"' if " " in topic.domain else topic.domain
                named = topic.keyword or f"in:{domain}"
                return " ".join((named, *words[length + 1 :]))
    return " ".join(words)


def _parse_mark_command(rest: str, command: str) -> MarkPaper:
    if not rest:
        raise InputError(f"Say which paper, such as {command} mark 2402.01306.")
    return MarkPaper(clean_lookup_text(rest))


def _parse_feedback_command(rest: str, command: str) -> DigestCommand:
    verb, _, paper = rest.partition(" ")
    verb = verb.lower().rstrip(".!")
    if verb == "reset":
        return ResetFeedback(is_confirmed=paper.lower() == "yes")
    if verb not in ("more", "less") or not paper:
        raise InputError(
            f"Write {command} feedback, {command} feedback less 2402.01306, or {command} feedback reset."
        )
    return GiveOpinion(clean_lookup_text(paper), is_more=verb == "more")


def _parse_note_command(rest: str, command: str) -> WriteNote | ShowNotes:
    paper, _, text = rest.partition(" ")
    paper = clean_lookup_text(paper)
    if paper and not text and parse_paper_id(paper) is None:
        raise InputError(f"Name the paper and write the note: {command} note 2402.01306 ask for the code")
    return WriteNote(paper, text) if text else ShowNotes(paper)


_OUTCOME_BY_VERB = {
    "done": QueueOutcome.DISCUSSED,
    "discussed": QueueOutcome.DISCUSSED,
    "pass": QueueOutcome.PASSED,
    "skip": QueueOutcome.PASSED,
    "postpone": QueueOutcome.POSTPONED,
    "later": QueueOutcome.POSTPONED,
    "remove": QueueOutcome.TAKEN_OUT,
    "out": QueueOutcome.TAKEN_OUT,
}


def _parse_queue_command(rest: str, command: str) -> ShowQueue | DecideOnPaper | ReturnPaper:
    verb, _, entry = rest.partition(" ")
    if verb.lower() == "take":
        verb, _, entry = entry.partition(" ")
    verb, entry = verb.lower(), entry.removeprefix("on ").strip().lstrip("#")
    page = entry if verb == "page" else verb
    if page.isascii() and page.isdecimal() and len(page) < 5:
        return ShowQueue(max(1, int(page)))
    if verb in ("back", "undo") and entry:
        return ReturnPaper(entry)
    if verb not in _OUTCOME_BY_VERB or not entry:
        raise InputError(
            f"Write {command} queue, {command} queue 2 for its second page, or what is to become of a paper: "
            f"{command} queue done 1, pass 1, postpone 1, remove 1."
        )
    return DecideOnPaper(_OUTCOME_BY_VERB[verb], entry)


def _parse_group_command(rest: str, command: str) -> JoinGroup | LeaveGroup:
    verb, _, name = rest.partition(" ")
    name = name.strip().strip('" ')
    if verb.lower() not in ("join", "leave") or not name:
        raise InputError(f"Write {command} group, {command} group join NAME or {command} group leave NAME.")
    return JoinGroup(name) if verb.lower() == "join" else LeaveGroup(name)


def _parse_recap_command(rest: str, command: str) -> ChangeDigest:
    word = rest.lower().rstrip(".!")
    if word not in ("on", "off"):
        raise InputError(f"Write {command} recap on, or {command} recap off.")
    return ChangeDigest(f"recap {word}")


_EXPORT_KINDS: dict[str, ExportKind] = {
    **{kind.value: kind for kind in ExportKind},
    "discussed": ExportKind.DISCUSSIONS,
    "marked": ExportKind.MARKS,
}

_EXPORT_FORMATS: dict[str, ExportFormat] = {
    **{each.value: each for each in ExportFormat},
    "markdown": ExportFormat.MARKDOWN,
    "bibtex": ExportFormat.BIBTEX,
}


def _parse_export_command(rest: str, command: str) -> ExportPapers:
    """Parse the text after "export": a list, and a format, before which "as" may stand."""
    words = [word.lower().strip(".!,").removeprefix("--") for word in rest.split()]
    kind, *formats = [word for word in words if word not in ("the", "as", "")] or [""]
    export_format = _EXPORT_FORMATS.get(formats[0] if formats else ExportFormat.MARKDOWN)
    if kind not in _EXPORT_KINDS or export_format is None or len(formats) > 1:
        raise InputError(
            f"Write {command} export queue, discussions or marks, and md, json, bib, ris or csl, such as "
            f"{command} export discussions bib. {command} me export shows what is kept about you: "
            "people export only themselves."
        )
    return ExportPapers(_EXPORT_KINDS[kind], export_format)


def _parse_personal_command(rest: str, command: str) -> DigestCommand:
    """Parse the text after "me", the order of words in which every platform offers these commands."""
    verb, _, further = rest.partition(" ")
    match verb.lower().rstrip(".!,"):
        case "link" | "unlink":
            return parse_digest_command(rest, command)
        case "forget" | "export":
            return _parse_person_command(f"{verb} me {further}", command)
        case _:
            raise InputError(f"Write {command} me export, {command} me forget, {command} me link or unlink.")


def _parse_person_command(line: str, command: str) -> DigestCommand:
    wanted = line.lower().strip().rstrip(".!")
    if wanted not in _PERSON_COMMANDS:
        raise InputError(
            f"Write {command} me forget, or {command} me export: people erase and export only themselves."
        )
    return _PERSON_COMMANDS[wanted]
