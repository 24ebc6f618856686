"""A channel's digest as people write it: in words, or in the fields of a form. Pure."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from config.settings import known_zone
from digests.domains import resolve
from digests.errors import InputError
from digests.model import Schedule, Style, Subscription, Wish
from digests.text import clip, tidy

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAYS, EVERY_DAY = frozenset(range(5)), frozenset(range(7))

MOST_TOP = 50
MOST_ENTRIES = 30
ENTRY_CHARACTERS = 100
"""The limits of a subscription in the settings file hold here too."""

EXAMPLE = "vision at 08:30 top 3 min 8"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields as they are typed: lists with commas, `days` as "mon" to "sun", `min_score` empty for none."""

    domains: str = ""
    keywords: str = ""
    muted: str = ""
    top: str = ""
    min_score: str = ""
    at: str = ""
    days: tuple[str, ...] = ()
    time_zone: str = ""
    style: str = ""


class FormError(Exception):
    """What is wrong in which field, all of it: one sentence a field, for the person who filled the form in."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def form_of(one: Subscription) -> Form:
    """The form, filled in with what the channel has."""
    wish, schedule = one.wish, one.schedule
    return Form(
        ", ".join(wish.domains),
        ", ".join(wish.keywords),
        ", ".join(wish.muted),
        str(wish.top),
        "" if wish.min_score is None else f"{wish.min_score:g}",
        f"{schedule.at:%H:%M}",
        tuple(DAYS[day] for day in sorted(schedule.days)),
        schedule.time_zone,
        wish.style,
    )


def read_form(form: Form, base: Subscription) -> Subscription:
    """The subscription that a form asks for. Raises FormError with every problem at once."""
    problems: dict[str, str] = {}

    def read(field: str, reader: Callable[[Any], Any]) -> Any:
        try:
            return reader(getattr(form, field))
        except InputError as error:
            problems[field] = str(error)

    domains, keywords = read("domains", _domains), read("keywords", _entries)
    muted, top, score = read("muted", _entries), read("top", _top), read("min_score", _score)
    at, days, zone = read("at", _clock), read("days", _days), read("time_zone", _zone)
    style = read("style", _style)
    if problems:
        raise FormError(problems)
    return replace(
        base, wish=Wish(domains, keywords, muted, top, score, style), schedule=Schedule(at, days, zone)
    )


# Readers of one field. Each raises InputError with the sentence for it.


def _shown(text: str) -> str:
    return f"“{clip(tidy(text), 40)}”"


def _entries(text: str) -> tuple[str, ...]:
    entries = tuple(dict.fromkeys(filter(None, (tidy(part) for part in re.split(r"[,;\n]", text)))))
    if len(entries) > MOST_ENTRIES:
        raise InputError(f"These are {len(entries)} entries; write {MOST_ENTRIES} at most.")
    if long := next((entry for entry in entries if len(entry) > ENTRY_CHARACTERS), None):
        raise InputError(f"{_shown(long)} is longer than {ENTRY_CHARACTERS} characters; write fewer words.")
    return entries


def _domains(text: str) -> tuple[str, ...]:
    domains = _entries(text)
    for domain in domains:
        resolve(domain)
    return domains


def _top(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text.strip()) or not 1 <= int(text) <= MOST_TOP:
        raise InputError(f"Write how many papers, from 1 to {MOST_TOP}.")
    return int(text)


def _score(text: str) -> float | None:
    text = text.strip().replace(",", ".")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", text) or float(text) > 10:
        raise InputError(f"{_shown(text)} is no score: write a number from 0 to 10, or nothing.")
    return float(text)


_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))? ?(am|pm)?", re.IGNORECASE)


def _clock(text: str) -> time:
    found = _CLOCK.fullmatch(text.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (99, 0)
    half = (found[3] or "").lower() if found else ""
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif half or (found and found[2] is None):
        hour = 99  # "9" alone could be any number.
    if hour > 23 or minute > 59:
        raise InputError(f"{_shown(text)} is no time of day: write it like 08:30, from 00:00 to 23:59.")
    return time(hour, minute)


def _days(days: tuple[str, ...]) -> frozenset[int]:
    known = frozenset(DAYS.index(day) for day in days if day in DAYS)
    if not known:
        raise InputError("Choose at least one day.")
    return known


def _zone(text: str) -> str:
    zone = text.strip()
    if not zone:
        raise InputError("Write a time zone such as Europe/Berlin or UTC.")
    try:
        return known_zone(zone)
    except ValueError as error:
        _, _, fix = str(error).rpartition("; ")
        raise InputError(f"{_shown(zone)} is no time zone: {fix}.".replace("?.", "?")) from None


def _style(text: str) -> Style:
    try:
        return Style(text.strip().lower())
    except ValueError:
        raise InputError(f"{_shown(text)} is no style: write cards, compact or thread.") from None


# Words.

_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
_PART = re.compile(r'"[^"]*"|[^\s,;"]+|[,;]')

_CLAUSES = {
    "at": "at", "top": "top", "min": "min_score", "score": "min_score", "on": "days", "in": "time_zone",
    "style": "style", "about": "keywords", "not": "muted", "without": "muted",
}  # fmt: skip
_DAY_WORDS = {"weekdays": WEEKDAYS, "daily": EVERY_DAY, "everyday": EVERY_DAY, "weekends": frozenset({5, 6})}
_FILLERS = ("and", "papers", "best", "the", "to", "every", "for", "score", "of")


def read_words(text: str, base: Subscription) -> Subscription:
    """What "vision about "diffusion" at 08:30 top 3 min 8 on mon-fri in Europe/Berlin style compact" asks for.

    The order is free; what is not said stays as in `base`, but domains and keywords replace both of its. Raises InputError.
    """
    said: dict[str, list[str]] = {}
    clause = "domains"
    for part in _PART.findall(text.translate(_QUOTES)):
        word = part.lower()
        if word in (",", ";"):
            said.setdefault(clause, []).append(",")
        elif word in _DAY_WORDS:
            said.setdefault("days", []).append(word)
        elif word in ("am", "pm") and "at" in said:
            said["at"].append(word)
        elif word in _CLAUSES:
            clause = _CLAUSES[word]
            said.setdefault(clause, [])
        elif word in ("everything", "anything"):
            said["domains"] = []
        else:
            said.setdefault(clause, []).append(part)
            # A clause of one value ends with it, so that what follows is a domain again.
            clause = "domains" if clause in ("top", "min_score", "style") else clause
            clause = (
                "domains" if clause in ("at", "time_zone") and not _goes_on(clause, said[clause]) else clause
            )
    return _from_words(said, base)


def _goes_on(clause: str, values: list[str]) -> bool:
    """Whether more may belong to a clause: one value ends it, but for lists, and for a time's half of the day ("9 am")."""
    if clause == "at":
        return len(values) == 1 and values[0].isdigit()
    return clause in ("domains", "keywords", "muted", "days")


def _from_words(said: Mapping[str, list[str]], base: Subscription) -> Subscription:
    wish, schedule = base.wish, base.schedule
    if "domains" in said or "keywords" in said:
        wish = replace(
            wish, domains=_said_domains(said.get("domains", [])), keywords=_listed(said.get("keywords", []))
        )
    if "muted" in said:
        wish = replace(wish, muted=_listed(said["muted"]))
    if "top" in said:
        wish = replace(wish, top=_top(_one(said["top"])))
    if "min_score" in said:
        wish = replace(wish, min_score=_score(_one(said["min_score"])))
    if "style" in said:
        wish = replace(wish, style=_style(_one(said["style"])))
    if "at" in said:
        schedule = replace(schedule, at=_clock(_one(said["at"])))
    if "days" in said:
        schedule = replace(schedule, days=_said_days(said["days"]))
    if "time_zone" in said:
        schedule = replace(schedule, time_zone=_zone(_one(said["time_zone"]).replace(" ", "_")))
    return replace(base, wish=wish, schedule=schedule)


def _one(words_said: list[str]) -> str:
    return " ".join(part.strip('"') for part in words_said if part != ",")


def _listed(words_said: list[str]) -> tuple[str, ...]:
    """Entries parted by commas; quoted ones, and those joined by "and", by themselves. Some phones quote 'so'."""
    parts: list[str] = []
    for part in words_said:
        if part.startswith('"'):
            parts += [",", part.strip('"').replace(",", " "), ","]
        else:
            parts.append("," if part.lower() == "and" else part)
    return tuple(_unquoted(entry) for entry in _entries(" ".join(parts)))


def _unquoted(entry: str) -> str:
    return entry[1:-1] if len(entry) > 2 and entry[0] == entry[-1] == "'" else entry


def _said_domains(words_said: list[str]) -> tuple[str, ...]:
    domains: list[str] = []
    words = [part.strip('"') for part in words_said if part != "," and part.lower() not in _FILLERS]
    while words:
        pair = " ".join(words[:2])
        if len(words) > 1 and _is_domain(pair):
            domains.append(pair)
            del words[:2]
        else:
            domains.append(_domain(words.pop(0)))
    return _entries(", ".join(domains))


def _is_domain(word: str) -> bool:
    try:
        resolve(word)
    except InputError:
        return False
    return True


def _domain(word: str) -> str:
    if _is_domain(word):
        return word
    near = difflib.get_close_matches(word.lower()[:40], [*_CLAUSES, *_DAY_WORDS], n=1, cutoff=0.75)
    hint = f"did you mean “{near[0]}”?" if near else ""
    try:
        resolve(word)
    except InputError as error:
        known = re.search(r"did you mean '([^']+)'", str(error))
        hint = hint or (f"did you mean “{known[1]}”?" if known else "")
    raise InputError(
        f"I do not understand {_shown(word)}: {hint + ' ' if hint else ''}"
        f"“about {clip(tidy(word), 20)}” makes it a keyword. An example: {EXAMPLE}"
    )


_DAY_NAMES = {name: number for number, day in enumerate(DAYS) for name in (
    day, ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")[number],
    ("mondays", "tuesdays", "wednesdays", "thursdays", "fridays", "saturdays", "sundays")[number],
)} | {"tues": 1, "thur": 3, "thurs": 3}  # fmt: skip


def _said_days(words_said: list[str]) -> frozenset[int]:
    days: set[int] = set()
    for part in words_said:
        word = part.lower()
        first, dash, last = word.replace("–", "-").partition("-")
        if word in ("and", ","):
            continue
        if word in _DAY_WORDS:
            days |= _DAY_WORDS[word]
        elif first in _DAY_NAMES and (not dash or last in _DAY_NAMES):
            start, end = _DAY_NAMES[first], _DAY_NAMES[last or first]
            days |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
        else:
            raise InputError(
                f"{_shown(part)} is no day: write “on mon, wed”, “on mon-fri”, “weekdays” or “daily”."
            )
    return _days(tuple(DAYS[day] for day in days))


# For people.


def words_of(one: Subscription) -> str:
    """Words that ask for this wish and schedule again."""
    wish, schedule = one.wish, one.schedule
    parts = [", ".join(wish.domains) or ("" if wish.keywords else "everything")]
    parts += [f"about {_quoted(wish.keywords)}"] if wish.keywords else []
    parts += [f"not {_quoted(wish.muted)}"] if wish.muted else []
    parts += [f"top {wish.top}"]
    parts += [f"min {wish.min_score:g}"] if wish.min_score is not None else []
    parts += [
        f"at {schedule.at:%H:%M}",
        _on(schedule.days),
        f"in {schedule.time_zone}",
        f"style {wish.style}",
    ]
    return " ".join(filter(None, parts))


def _quoted(entries: tuple[str, ...]) -> str:
    return ", ".join(f'"{entry}"' for entry in entries)


def _on(days: frozenset[int]) -> str:
    named = {WEEKDAYS: "weekdays", EVERY_DAY: "daily"}
    return named.get(days) or f"on {', '.join(DAYS[day] for day in sorted(days))}"


_STYLES = {
    Style.CARDS: "one message a paper",
    Style.COMPACT: "all in one message",
    Style.THREAD: "the papers in a thread",
}


def in_a_sentence(one: Subscription) -> str:
    """The 5 best papers from vision, scored 8 or more, weekdays at 08:30 (Europe/Berlin), one message a paper."""
    wish, schedule = one.wish, one.schedule
    best = "The best paper" if wish.top == 1 else f"The {wish.top} best papers"
    parts = [f"{best}{_subject(wish)}"]
    parts += [f"scored {wish.min_score:g} or more"] if wish.min_score is not None else []
    parts += [f"without {_and(wish.muted)}"] if wish.muted else []
    parts += [f"{_on(schedule.days)} at {schedule.at:%H:%M} ({schedule.time_zone})", _STYLES[wish.style]]
    return ", ".join(parts)


def _subject(wish: Wish) -> str:
    domains = f" from {_and(wish.domains)}" if wish.domains else ""
    keywords = f" about {_and(wish.keywords)}" if wish.keywords else ""
    return f"{domains}{' or' if domains and keywords else ''}{keywords}"


def _and(entries: tuple[str, ...]) -> str:
    shown = [clip(entry, 40) for entry in entries[:6]]
    more = len(entries) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1] if shown else "")))


def difference(before: Subscription, after: Subscription) -> str:
    """What changed, for the channel: "top 5 → 3; at 09:00 → 08:30". Empty when wish and schedule are the same."""
    old, new = form_of(before), form_of(after)
    names = {
        "domains": "domains", "keywords": "keywords", "muted": "left out", "top": "top", "min_score": "minimum score",
        "at": "at", "days": "on", "time_zone": "time zone", "style": "style",
    }  # fmt: skip
    changed = [
        f"{name} {_value(getattr(old, field))} → {_value(getattr(new, field))}"
        for field, name in names.items()
        if getattr(old, field) != getattr(new, field)
    ]
    return "; ".join(changed)


def _value(value: str | tuple[str, ...]) -> str:
    return clip(value if isinstance(value, str) else " ".join(value), 80) or "none"
