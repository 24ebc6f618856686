"""A subscription in the fields of a form, and the parsers of its fields. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from bot.conversation.time_zones import resolve_time_zone
from bot.conversation.topics import find_topic
from digests.authors import straighten_name
from digests.domains import resolve_domain
from digests.errors import InputError
from digests.schedule import MAX_WEEKS
from digests.subscription import (
    DigestStyle,
    MatchMode,
    Preferences,
    Subscription,
    UnscoredPapers,
    normalize_name,
)
from digests.text import clip_text, normalize_text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Short names of the weekdays, in a form and in words. Monday has index 0."""
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS, EVERY_DAY = frozenset(range(5)), frozenset(range(7))
WORD_BY_DAYS = {WEEKDAYS: "weekdays", EVERY_DAY: "daily"}
"""Words that stand for several weekdays."""
REPEAT_WORDS = {"no": False, "yes": True}
"""Values of the field that says if papers come again that another digest of the channel showed."""

MAX_TOP = 50
MAX_ENTRIES = 30
MAX_ENTRY_CHARACTERS = 100
"""Limits as for a subscription in the settings file: papers of a digest, entries of a list, characters of an
entry."""
MAX_LIST_CHARACTERS = 1500
"""Characters of a list's entries together. A field of a form shows them all: Slack takes 3,000 units."""


@dataclass(frozen=True, slots=True)
class SubscriptionForm:
    """Fields of the form as a person typed them.

    Lists are separated by commas. `days` are names from `DAYS`. An empty `min_score` means no minimum. Fields
    with None are not in the form, and keep their values. `repeat` is a word from `REPEAT_WORDS`, and
    `every_weeks` a number. `name` says which digest of the channel the form is about, "" the main one, and
    `new_name` is what a person made of it.
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
    authors: str | None = None
    match: str | None = None
    unscored: str | None = None
    repeat: str | None = None
    every_weeks: str | None = None
    name: str = ""
    new_name: str | None = None


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
        ", ".join(map(straighten_name, preferences.authors)),
        preferences.match,
        preferences.unscored,
        "yes" if preferences.repeat else "no",
        str(schedule.every_weeks),
        subscription.name,
        subscription.name,
    )


def parse_form(form: SubscriptionForm, base: Subscription) -> Subscription:
    """Return the subscription `base` with the preferences and schedule of a form.

    Everything else is taken from `base`. Raises FormError with a sentence for each wrong
    field.
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
    authors, match, unscored, repeat = (
        getattr(base.preferences, field) if getattr(form, field) is None else parse_field(field, parse_value)
        for field, parse_value in _OPTIONAL_PARSERS.items()
    )
    weeks = (
        base.schedule.every_weeks
        if form.every_weeks is None
        else parse_field("every_weeks", parse_every_weeks)
    )
    name = base.name if form.new_name is None else parse_field("new_name", normalize_name)
    if problems:
        raise FormError(problems)
    return replace(
        base,
        name=name,
        preferences=Preferences(
            domains,
            keywords,
            muted,
            top,
            score,
            style,
            authors,
            match,
            unscored,
            repeat,
            base.preferences.language,
        ),
        schedule=replace(base.schedule, at=at, days=days, time_zone=zone, every_weeks=weeks),
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
    if (length := len(", ".join(entries))) > MAX_LIST_CHARACTERS:
        raise InputError(
            f"The list that begins with {quote_input(entries[0])} has {length} characters; "
            f"write {MAX_LIST_CHARACTERS} at most."
        )
    return entries


def _parse_domains(text: str) -> tuple[str, ...]:
    """Parse a list of domains. A common name such as llms becomes its domain. Raises InputError."""
    domains = []
    for entry in parse_entries(text):
        topic = find_topic(entry)
        if topic and topic.keyword:
            raise InputError(f"{quote_input(entry)} is no domain: write it among the keywords.")
        if not topic:
            resolve_domain(entry)
        domains.append(topic.domain if topic else entry)
    return tuple(dict.fromkeys(domains))


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


_TIME_PATTERN = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))? ?(am|pm)?")
_TIME_BY_NAME = {"noon": "12:00", "midnight": "00:00"}


def parse_time(text: str) -> time:
    """Parse a time of day such as 08:30, 8.30, 8h30, 8 am, 12:15 pm, 9, noon or midnight.

    An hour alone is of 24. Raises InputError for anything else.
    """
    word = text.strip().lower()
    match = _TIME_PATTERN.fullmatch(_TIME_BY_NAME.get(word, word))
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (99, 0)
    half = (match[3] or "").lower() if match else ""
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif half:
        hour = 99
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
    """Return the IANA zone of a name, a city or an abbreviation.

    Raises InputError as `resolve_time_zone` does, and for an empty text.
    """
    if not text.strip():
        raise InputError("Write a city or a time zone, such as Berlin, America/New_York or UTC.")
    return resolve_time_zone(text)


def parse_style(text: str) -> DigestStyle:
    try:
        return DigestStyle(text.strip().lower())
    except ValueError:
        raise InputError(
            f"{quote_input(text)} isn't a valid style: write cards, compact or thread."
        ) from None


def parse_match(text: str) -> MatchMode:
    try:
        return MatchMode(text.strip().lower())
    except ValueError:
        raise InputError(
            f"{quote_input(text)} isn't a way to match: write “all” if papers must match domains and "
            "keywords, or “any” if one of them is enough."
        ) from None


def parse_unscored(text: str) -> UnscoredPapers:
    """Parse a treatment of papers without a score: after, leave out, left out or out.

    Raises InputError for anything else.
    """
    words = text.strip().lower()
    if words == "after":
        return UnscoredPapers.AFTER
    if words in ("leave out", "left out", "out"):
        return UnscoredPapers.LEAVE_OUT
    raise InputError(f"{quote_input(text)} isn't a way to treat unscored papers: write after or leave out.")


def parse_repeat(text: str) -> bool:
    word = text.strip().lower()
    if word not in REPEAT_WORDS:
        raise InputError(f"{quote_input(text)} isn't an answer: write yes or no.")
    return REPEAT_WORDS[word]


def parse_every_weeks(text: str) -> int:
    """Parse the number of weeks from one week with digests to the next. Raises InputError."""
    if text.strip() not in map(str, range(1, MAX_WEEKS + 1)):
        raise InputError(
            f"{quote_input(text)} isn't a rhythm of weeks: write a number from 1 to {MAX_WEEKS}."
        )
    return int(text)


_OPTIONAL_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "authors": parse_entries,
    "match": parse_match,
    "unscored": parse_unscored,
    "repeat": parse_repeat,
}
