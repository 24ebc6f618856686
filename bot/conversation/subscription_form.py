"""Subscriptions as people read and write them: in words, or in the fields of a form. Pure."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from config.validators import validate_time_zone
from digests.domains import resolve_domain
from digests.errors import InputError
from digests.subscription import DigestStyle, Preferences, Schedule, Subscription
from digests.text import clip_text, normalize_text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Short names of the weekdays, in a form and in words. Monday has index 0."""
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS, EVERY_DAY = frozenset(range(5)), frozenset(range(7))

MAX_TOP = 50
MAX_ENTRIES = 30
MAX_ENTRY_CHARACTERS = 100
"""Limits as for a subscription in the settings file: papers of a digest, entries of a list, characters of an
entry."""

EXAMPLE = "vision at 08:30 top 3 min 8"


@dataclass(frozen=True, slots=True)
class SubscriptionForm:
    """Fields of the form as a person typed them.

    Lists are separated by commas. `days` are names from `DAYS`. An empty `min_score` means no minimum.
    """

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
    """A form has wrong fields. `problems` holds a sentence for each of them, by the field's name.

    It is no InputError, so a caller that saves forms catches both.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def form_of(subscription: Subscription) -> SubscriptionForm:
    """Return the form filled in with a subscription's preferences and schedule."""
    preferences, schedule = subscription.preferences, subscription.schedule
    return SubscriptionForm(
        ", ".join(preferences.domains),
        ", ".join(preferences.keywords),
        ", ".join(preferences.muted),
        str(preferences.top),
        "" if preferences.min_score is None else f"{preferences.min_score:g}",
        f"{schedule.at:%H:%M}",
        tuple(DAYS[day] for day in sorted(schedule.days)),
        schedule.time_zone,
        preferences.style,
    )


def parse_form(form: SubscriptionForm, base: Subscription) -> Subscription:
    """Return the subscription `base` with the preferences and schedule of a form.

    Everything else is taken from `base`. Raises FormError with a sentence for each wrong field.
    """
    problems: dict[str, str] = {}

    def parse_field(field: str, parse_value: Callable[[Any], Any]) -> Any:
        try:
            return parse_value(getattr(form, field))
        except InputError as error:
            problems[field] = str(error)

    domains, keywords = parse_field("domains", _parse_domains), parse_field("keywords", parse_entries)
    muted, top, score = (
        parse_field("muted", parse_entries),
        parse_field("top", parse_top),
        parse_field("min_score", parse_score),
    )
    at, days, zone = (
        parse_field("at", parse_time),
        parse_field("days", parse_days),
        parse_field("time_zone", parse_time_zone),
    )
    style = parse_field("style", parse_style)
    if problems:
        raise FormError(problems)
    return replace(
        base,
        preferences=Preferences(domains, keywords, muted, top, score, style),
        schedule=Schedule(at, days, zone),
    )


# Parsers of one field. Each raises InputError with a sentence about a wrong value.


def quote_input(text: str) -> str:
    return f"“{clip_text(normalize_text(text), 40)}”"


def parse_entries(text: str) -> tuple[str, ...]:
    """Return the entries of a list, separated by commas, semicolons or lines, without repetitions.

    Raises InputError for too many entries, or one that is too long.
    """
    entries = tuple(dict.fromkeys(filter(None, (normalize_text(part) for part in re.split(r"[,;\n]", text)))))
    if len(entries) > MAX_ENTRIES:
        raise InputError(f"These are {len(entries)} entries; write {MAX_ENTRIES} at most.")
    if long := next((entry for entry in entries if len(entry) > MAX_ENTRY_CHARACTERS), None):
        raise InputError(
            f"{quote_input(long)} is longer than {MAX_ENTRY_CHARACTERS} characters; write fewer words."
        )
    return entries


def _parse_domains(text: str) -> tuple[str, ...]:
    domains = parse_entries(text)
    for domain in domains:
        resolve_domain(domain)
    return domains


def parse_top(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text.strip()) or not 1 <= int(text) <= MAX_TOP:
        raise InputError(f"Write how many papers, from 1 to {MAX_TOP}.")
    return int(text)


def parse_score(text: str) -> float | None:
    text = text.strip().replace(",", ".")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", text) or float(text) > 10:
        raise InputError(f"{quote_input(text)} isn't a valid score: write a number from 0 to 10, or nothing.")
    return float(text)


_TIME_PATTERN = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))? ?(am|pm)?", re.IGNORECASE)


def parse_time(text: str) -> time:
    """Parse a time of day such as 08:30, 8.30, 8h30, 8 am or 12:15 pm.

    Raises InputError for anything else, also for an hour alone, which could be any number.
    """
    match = _TIME_PATTERN.fullmatch(text.strip())
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (99, 0)
    half = (match[3] or "").lower() if match else ""
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif half or (match and match[2] is None):
        hour = 99  # "9" alone could be any number.
    if hour > 23 or minute > 59:
        raise InputError(f"{quote_input(text)} isn't a valid time: write it like 08:30, from 00:00 to 23:59.")
    return time(hour, minute)


def parse_days(days: tuple[str, ...]) -> frozenset[int]:
    """Return the numbers of the weekdays, Monday 0. Unknown names are ignored.

    Raises InputError if no name is known.
    """
    numbers = frozenset(DAYS.index(day) for day in days if day in DAYS)
    if not numbers:
        raise InputError("Choose at least one day.")
    return numbers


def parse_time_zone(text: str) -> str:
    zone = text.strip()
    if not zone:
        raise InputError("Write a time zone such as Europe/Berlin or UTC.")
    try:
        return validate_time_zone(zone)
    except ValueError as error:
        _, _, remedy = str(error).rpartition("; ")
        sentence = f"{quote_input(zone)} isn't a valid time zone: {remedy}."
        raise InputError(sentence.replace("?.", "?")) from None


def parse_style(text: str) -> DigestStyle:
    try:
        return DigestStyle(text.strip().lower())
    except ValueError:
        raise InputError(
            f"{quote_input(text)} isn't a valid style: write cards, compact or thread."
        ) from None


# Words.

_STRAIGHT_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
_TOKEN_PATTERN = re.compile(r'"[^"]*"|[^\s,;"]+|[,;]')

_FIELD_BY_CLAUSE_WORD = {
    "at": "at", "top": "top", "min": "min_score", "score": "min_score", "on": "days", "in": "time_zone",
    "style": "style", "about": "keywords", "not": "muted", "without": "muted",
}  # fmt: skip
_DAY_WORDS = {"weekdays": WEEKDAYS, "daily": EVERY_DAY, "everyday": EVERY_DAY, "weekends": frozenset({5, 6})}
_FILLER_WORDS = ("and", "papers", "best", "the", "to", "every", "for", "score", "of")


def parse_subscribe_words(text: str, base: Subscription) -> Subscription:
    """Return the subscription `base` with the changes that a person typed in words.

    Such as: vision about "diffusion" at 08:30 top 3 min 8 on mon-fri in Europe/Berlin. The order is free. A
    field that is not mentioned stays as in `base`, except that domains and keywords are replaced together:
    naming one of them clears the other. Raises InputError with a sentence about a word or value that is not
    understood.
    """
    clauses: dict[str, list[str]] = {}
    clause = "domains"
    for part in _TOKEN_PATTERN.findall(text.translate(_STRAIGHT_QUOTES)):
        word = part.lower()
        if word in (",", ";"):
            clauses.setdefault(clause, []).append(",")
        elif word in _DAY_WORDS:
            clauses.setdefault("days", []).append(word)
        elif word in ("am", "pm") and "at" in clauses:
            clauses["at"].append(word)
        elif word in _FIELD_BY_CLAUSE_WORD:
            clause = _FIELD_BY_CLAUSE_WORD[word]
            clauses.setdefault(clause, [])
        elif word in ("everything", "anything"):
            clauses["domains"] = []
        else:
            clauses.setdefault(clause, []).append(part)
            # A clause with one value ends after it: the next word is a domain again.
            clause = "domains" if clause in ("top", "min_score", "style") else clause
            clause = (
                "domains"
                if clause in ("at", "time_zone") and not _may_continue_clause(clause, clauses[clause])
                else clause
            )
    return _apply_clauses(clauses, base)


def _may_continue_clause(clause: str, values: list[str]) -> bool:
    """Return True if the clause takes another word: a list always, a time after a bare hour, as in "9 am"."""
    if clause == "at":
        return len(values) == 1 and values[0].isdigit()
    return clause in ("domains", "keywords", "muted", "days")


def _apply_clauses(clauses: Mapping[str, list[str]], base: Subscription) -> Subscription:
    """Return `base` with the fields that have a clause parsed from its words. Raises InputError."""
    preferences, schedule = base.preferences, base.schedule
    if "domains" in clauses or "keywords" in clauses:
        preferences = replace(
            preferences,
            domains=_parse_domain_words(clauses.get("domains", [])),
            keywords=_parse_entry_words(clauses.get("keywords", [])),
        )
    if "muted" in clauses:
        preferences = replace(preferences, muted=_parse_entry_words(clauses["muted"]))
    if "top" in clauses:
        preferences = replace(preferences, top=parse_top(_join_value(clauses["top"])))
    if "min_score" in clauses:
        preferences = replace(preferences, min_score=parse_score(_join_value(clauses["min_score"])))
    if "style" in clauses:
        preferences = replace(preferences, style=parse_style(_join_value(clauses["style"])))
    if "at" in clauses:
        schedule = replace(schedule, at=parse_time(_join_value(clauses["at"])))
    if "days" in clauses:
        schedule = replace(schedule, days=_parse_day_words(clauses["days"]))
    if "time_zone" in clauses:
        schedule = replace(
            schedule, time_zone=parse_time_zone(_join_value(clauses["time_zone"]).replace(" ", "_"))
        )
    return replace(base, preferences=preferences, schedule=schedule)


def _join_value(clause_words: list[str]) -> str:
    return " ".join(part.strip('"') for part in clause_words if part != ",")


def _parse_entry_words(clause_words: list[str]) -> tuple[str, ...]:
    """Split words into entries at commas and at "and". Words in quotes, double or single, are one entry.

    Commas in double quotes become spaces. Raises InputError as `parse_entries` does.
    """
    parts: list[str] = []
    for part in clause_words:
        if part.startswith('"'):
            parts += [",", part.strip('"').replace(",", " "), ","]
        else:
            parts.append("," if part.lower() == "and" else part)
    return tuple(_strip_quotes(entry) for entry in parse_entries(" ".join(parts)))


def _strip_quotes(entry: str) -> str:
    return entry[1:-1] if len(entry) > 2 and entry[0] == entry[-1] == "'" else entry


def _parse_domain_words(clause_words: list[str]) -> tuple[str, ...]:
    """Parse words as domains of one or two words. Filler words such as "papers" are skipped.

    Raises InputError for a word that is no domain.
    """
    domains: list[str] = []
    words = [part.strip('"') for part in clause_words if part != "," and part.lower() not in _FILLER_WORDS]
    while words:
        pair = " ".join(words[:2])
        if len(words) > 1 and _is_domain(pair):
            domains.append(pair)
            del words[:2]
        else:
            domains.append(_require_domain(words.pop(0)))
    return parse_entries(", ".join(domains))


def _is_domain(word: str) -> bool:
    try:
        resolve_domain(word)
    except InputError:
        return False
    return True


def _require_domain(word: str) -> str:
    """Return a word that is a domain. Raises InputError with the nearest known word and an example."""
    if _is_domain(word):
        return word
    near = difflib.get_close_matches(
        word.lower()[:40], [*_FIELD_BY_CLAUSE_WORD, *_DAY_WORDS], n=1, cutoff=0.75
    )
    hint = f"did you mean “{near[0]}”?" if near else ""
    try:
        resolve_domain(word)
    except InputError as error:
        suggestion = re.search(r"did you mean '([^']+)'", str(error))
        hint = hint or (f"did you mean “{suggestion[1]}”?" if suggestion else "")
    raise InputError(
        f"I don't know what {quote_input(word)} is: {hint + ' ' if hint else ''}"
        f"“about {clip_text(normalize_text(word), 20)}” makes it a keyword. An example: {EXAMPLE}"
    )


_DAY_BY_WORD = {
    word: number
    for number, name in enumerate(DAY_NAMES)
    for word in (DAYS[number], name.lower(), f"{name.lower()}s")
} | {"tues": 1, "thur": 3, "thurs": 3}


def _parse_day_words(clause_words: list[str]) -> frozenset[int]:
    """Parse weekdays, spans such as "mon-fri" and "sat-mon", "weekdays", "weekends" and "daily" as numbers.

    Raises InputError for another word, and if there is no day.
    """
    days: set[int] = set()
    for part in clause_words:
        word = part.lower()
        first, dash, last = word.replace("–", "-").partition("-")
        if word in ("and", ","):
            continue
        if word in _DAY_WORDS:
            days |= _DAY_WORDS[word]
        elif first in _DAY_BY_WORD and (not dash or last in _DAY_BY_WORD):
            start, end = _DAY_BY_WORD[first], _DAY_BY_WORD[last or first]
            days |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
        else:
            raise InputError(
                f"{quote_input(part)} isn't a valid day: "
                "write “on mon, wed”, “on mon-fri”, “weekdays” or “daily”."
            )
    return parse_days(tuple(DAYS[day] for day in days))


# For people.


def format_subscribe_words(subscription: Subscription) -> str:
    """Format a subscription as words from which /digest subscribe makes the same preferences and schedule.

    They come without the command itself.
    """
    preferences, schedule = subscription.preferences, subscription.schedule
    parts = [", ".join(preferences.domains) or ("" if preferences.keywords else "everything")]
    parts += [f"about {_quote_entries(preferences.keywords)}"] if preferences.keywords else []
    parts += [f"not {_quote_entries(preferences.muted)}"] if preferences.muted else []
    parts += [f"top {preferences.top}"]
    parts += [f"min {preferences.min_score:g}"] if preferences.min_score is not None else []
    parts += [
        f"at {schedule.at:%H:%M}",
        _format_days(schedule.days),
        f"in {schedule.time_zone}",
        f"style {preferences.style}",
    ]
    return " ".join(filter(None, parts))


def _quote_entries(entries: tuple[str, ...]) -> str:
    return ", ".join(f'"{entry}"' for entry in entries)


_WORD_BY_DAYS = {WEEKDAYS: "weekdays", EVERY_DAY: "daily"}


def _format_days(days: frozenset[int]) -> str:
    """Format weekdays as words that /digest subscribe understands: weekdays, daily, or on mon, thu."""
    return _WORD_BY_DAYS.get(days) or f"on {', '.join(DAYS[day] for day in sorted(days))}"


_STYLE_DESCRIPTIONS = {
    DigestStyle.CARDS: "one message per paper",
    DigestStyle.COMPACT: "all in one message",
    DigestStyle.THREAD: "the papers in a thread",
}


def describe_subscription(subscription: Subscription) -> str:
    """Describe a subscription, without a full stop. Pause and stop are not mentioned.

    Such as: The 5 best papers from vision, scored 8 or more, weekdays at 08:30 (UTC), one message per paper
    """
    preferences, schedule = subscription.preferences, subscription.schedule
    best = "The best paper" if preferences.top == 1 else f"The {preferences.top} best papers"
    parts = [f"{best}{_describe_subject(preferences)}"]
    parts += [f"scored {preferences.min_score:g} or more"] if preferences.min_score is not None else []
    parts += [f"without {_join_entries(preferences.muted)}"] if preferences.muted else []
    parts += [
        f"{_describe_days(schedule.days)} at {schedule.at:%H:%M} ({schedule.time_zone})",
        _STYLE_DESCRIPTIONS[preferences.style],
    ]
    return ", ".join(parts)


def _describe_days(days: frozenset[int]) -> str:
    """Describe weekdays in a sentence: weekdays, daily, or on Monday and Thursday."""
    return _WORD_BY_DAYS.get(days) or f"on {_join_entries(tuple(DAY_NAMES[day] for day in sorted(days)))}"


def _describe_subject(preferences: Preferences) -> str:
    """Describe domains and keywords, with a space before: " from vision or about agents". "" without any."""
    domains = f" from {_join_entries(preferences.domains)}" if preferences.domains else ""
    keywords = f" about {_join_entries(preferences.keywords)}" if preferences.keywords else ""
    return f"{domains}{' or' if domains and keywords else ''}{keywords}"


def _join_entries(entries: tuple[str, ...]) -> str:
    """Join entries in a sentence: a, b and c. More than six are counted: a, b, c, d, e, f and 3 more."""
    shown = [clip_text(entry, 40) for entry in entries[:6]]
    more = len(entries) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1] if shown else "")))


def describe_difference(before: Subscription, after: Subscription) -> str:
    """Describe a change of preferences and schedule, such as: top 5 → 3; at 09:00 → 08:30.

    Returns "" if both are equal, also if only the pause differs.
    """
    old, new = form_of(before), form_of(after)
    names = {
        "domains": "domains", "keywords": "keywords", "muted": "left out", "top": "top",
        "min_score": "minimum score",
        "at": "at", "days": "on", "time_zone": "time zone", "style": "style",
    }  # fmt: skip
    changed = [
        f"{name} {_format_value(getattr(old, field))} → {_format_value(getattr(new, field))}"
        for field, name in names.items()
        if getattr(old, field) != getattr(new, field)
    ]
    return "; ".join(changed)


def _format_value(value: str | tuple[str, ...]) -> str:
    return clip_text(value if isinstance(value, str) else " ".join(value), 80) or "none"
