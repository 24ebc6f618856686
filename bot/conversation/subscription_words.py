"""A subscription in the words of /digest subscribe: their grammar, and its inverse. Pure."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace

from bot.conversation.subscription_form import (
    DAY_NAMES,
    DAYS,
    EVERY_DAY,
    WEEKDAYS,
    WORD_BY_DAYS,
    parse_days,
    parse_entries,
    parse_match,
    parse_score,
    parse_style,
    parse_time,
    parse_time_zone,
    parse_top,
    parse_unscored,
    quote_input,
)
from digests.authors import straighten_name
from digests.domains import resolve_domain
from digests.errors import InputError
from digests.subscription import MatchMode, Subscription, UnscoredPapers
from digests.text import clip_text, normalize_text

EXAMPLE = "vision at 08:30 top 3 min 8"

_STRAIGHT_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
_TOKEN_PATTERN = re.compile(r'"[^"]*"|[^\s,;"]+|[,;]')

_FIELD_BY_CLAUSE_WORD = {
    "at": "at", "top": "top", "min": "min_score", "score": "min_score", "on": "days", "in": "time_zone",
    "style": "style", "about": "keywords", "not": "muted", "without": "muted", "by": "authors",
    "match": "match", "unscored": "unscored",
}  # fmt: skip
_DAY_WORDS = {"weekdays": WEEKDAYS, "daily": EVERY_DAY, "everyday": EVERY_DAY, "weekends": frozenset({5, 6})}
_FILLER_WORDS = ("and", "or", "papers", "best", "the", "to", "every", "for", "score", "of")


def parse_subscribe_words(text: str, base: Subscription) -> Subscription:
    """Return the subscription `base` with the changes that a person typed in words.

    Such as: vision about "diffusion" at 08:30 top 3 min 8 on mon-fri in Europe/Berlin. The order is free. A
    field that is not mentioned stays as in `base`, except that domains and keywords are replaced together:
    naming one of them clears the other. A paper must then match both, unless the words say “vision or about
    "diffusion"” or “match any”. Raises InputError with a sentence about a word or value that is not
    understood.
    """
    clauses: dict[str, list[str]] = {}
    clause = "domains"
    previous_word = ""
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
            if clause == "keywords" and previous_word == "or":
                clauses.setdefault("match", [MatchMode.ANY])
        elif word in ("everything", "anything"):
            clauses["domains"] = []
        else:
            clauses.setdefault(clause, []).append(part)
            # A clause with one value ends after it: the next word is a domain again.
            clause = "domains" if clause in ("top", "min_score", "style", "match") else clause
            clause = (
                "domains"
                if clause in ("at", "time_zone", "unscored")
                and not _may_continue_clause(clause, clauses[clause])
                else clause
            )
        previous_word = word
    return _apply_clauses(clauses, base)


def _may_continue_clause(clause: str, values: list[str]) -> bool:
    """Return True if the clause takes another word: a list always, a time after a bare hour, as in "9 am"."""
    if clause == "at":
        return len(values) == 1 and values[0].isdigit()
    if clause == "unscored":
        return [value.lower() for value in values] in (["leave"], ["left"])
    return clause in ("domains", "keywords", "muted", "authors", "days")


def _apply_clauses(clauses: Mapping[str, list[str]], base: Subscription) -> Subscription:
    """Return `base` with the fields that have a clause parsed from its words. Raises InputError."""
    preferences, schedule = base.preferences, base.schedule
    if "domains" in clauses or "keywords" in clauses:
        preferences = replace(
            preferences,
            domains=_parse_domain_words(clauses.get("domains", [])),
            keywords=_parse_entry_words(clauses.get("keywords", [])),
            match=MatchMode.ALL,
        )
    if "match" in clauses:
        preferences = replace(preferences, match=parse_match(_join_value(clauses["match"])))
    if "authors" in clauses:
        preferences = replace(preferences, authors=_parse_author_words(clauses["authors"]))
    if "unscored" in clauses:
        preferences = replace(preferences, unscored=parse_unscored(_join_value(clauses["unscored"])))
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
    """Split words into entries at commas, at "and" and at "or".

    Words in quotes, double or single, are one entry. Commas in double quotes become spaces. Raises InputError
    as `parse_entries` does.
    """
    parts: list[str] = []
    for part in clause_words:
        if part.startswith('"'):
            parts += [",", part.strip('"').replace(",", " "), ","]
        else:
            parts.append("," if part.lower() in ("and", "or") else part)
    return tuple(_strip_quotes(entry) for entry in parse_entries(" ".join(parts)))


def _parse_author_words(clause_words: list[str]) -> tuple[str, ...]:
    """Parse words as names of authors, by the rules of `_parse_entry_words`.

    A quoted name with a comma, such as "Bengio, Yoshua", becomes Yoshua Bengio.
    """
    return _parse_entry_words(
        [
            f'"{straighten_name(part.strip(chr(34)))}"' if part.startswith('"') else part
            for part in clause_words
        ]
    )


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


def format_subscribe_words(subscription: Subscription) -> str:
    """Format a subscription as words from which /digest subscribe makes the same preferences and schedule.

    They come without the command itself.
    """
    preferences, schedule = subscription.preferences, subscription.schedule
    parts = [", ".join(preferences.domains) or ("" if preferences.keywords else "everything")]
    is_either = preferences.match is MatchMode.ANY and preferences.domains and preferences.keywords
    parts += ["or"] if is_either else []
    parts += [f"about {_quote_entries(preferences.keywords)}"] if preferences.keywords else []
    parts += [f"by {_quote_entries(preferences.authors)}"] if preferences.authors else []
    parts += [f"not {_quote_entries(preferences.muted)}"] if preferences.muted else []
    parts += [f"top {preferences.top}"]
    parts += [f"min {preferences.min_score:g}"] if preferences.min_score is not None else []
    parts += ["unscored out"] if preferences.unscored is UnscoredPapers.LEAVE_OUT else []
    parts += [
        f"at {schedule.at:%H:%M}",
        _format_days(schedule.days),
        f"in {schedule.time_zone}",
        f"style {preferences.style}",
    ]
    return " ".join(filter(None, parts))


def _quote_entries(entries: tuple[str, ...]) -> str:
    return ", ".join(f'"{entry}"' for entry in entries)


def _format_days(days: frozenset[int]) -> str:
    """Format weekdays as words that /digest subscribe understands: weekdays, daily, or on mon, thu."""
    return WORD_BY_DAYS.get(days) or f"on {', '.join(DAYS[day] for day in sorted(days))}"
