"""Filters of a look-up, as `in:cs.CL since:2025-01` or said in words such as "this week". Pure."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from digests.domains import resolve_domain
from digests.errors import InputError


class Sort(StrEnum):
    """Order of results: how well they match, or newest or best scored first."""

    RELEVANCE = "relevance"
    NEW = "new"
    SCORE = "score"


class Trait(StrEnum):
    """Property of a paper that a filter asks for."""

    FLAGGED = "flagged"
    CODE = "code"
    REVIEW = "review"
    MARKED = "marked"
    """Marked for discussion in the workspace of the person who asks."""


@dataclass(frozen=True, slots=True)
class DomainFilter:
    """Filter for papers with one of these categories or archives."""

    typed: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthorFilter:
    """Filter for papers with all these words in their authors' names."""

    typed: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DateFilter:
    """Filter for papers published on `since` or later, and before `before`. None sets no limit."""

    typed: str
    since: date | None = None
    before: date | None = None


@dataclass(frozen=True, slots=True)
class ScoreFilter:
    """Filter for papers with at least this score. Papers without a score are left out."""

    typed: str
    minimum: float


@dataclass(frozen=True, slots=True)
class TraitFilter:
    """Filter for papers with a property, or without it."""

    typed: str
    trait: Trait
    is_wanted: bool = True


Filter = DomainFilter | AuthorFilter | DateFilter | ScoreFilter | TraitFilter
"""A filter. `typed` is the text that it was read from, as people are shown it."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A filter that the words of a query suggest. If it leaves nothing, `words` are searched for instead."""

    filter: Filter
    words: tuple[str, ...]


class FilterReading(NamedTuple):
    """Result of reading filters: the text without them, the filters, guesses, the order, and faults."""

    rest: str
    filters: tuple[Filter, ...]
    guesses: tuple[Guess, ...]
    sort: Sort | None
    faults: tuple[str, ...]


MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
MAX_FILTERS = 8
"""Filters of a query. Where they leave nothing, a search without each of them tells which one did."""

_FIRST_YEAR = 1990
_KEYED = re.compile(
    r"(?<!\S)(in|cat|category|by|author|since|after|from|before|until|year|min|flagged|has|marked|sort)"
    r":(\"[^\"]{1,100}\"|[^\s\"]{1,100})",
    re.IGNORECASE,
)
_CATEGORY = re.compile(r"[a-z]{2,8}(?:-[a-z]{2,4})?\.[a-z]{2}")
_DATE = re.compile(r"([0-9]{4})(?:[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?)?")
_SPAN = re.compile(r"([0-9]{1,3})(d|w|m|y)")
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365, "d": 1, "w": 7, "m": 30, "y": 365}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = {
    "couple": 2,
    "two": 2,
    "few": 3,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "ten": 10,
}
_OUTER_SIGNS = ".,;:!?()[]\"'"
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_SORTS = {
    "new": Sort.NEW, "newest": Sort.NEW, "date": Sort.NEW, "latest": Sort.NEW, "recent": Sort.NEW,
    "score": Sort.SCORE, "best": Sort.SCORE, "rank": Sort.SCORE, "relevance": Sort.RELEVANCE,
}  # fmt: skip


_RATINGS = frozenset(("rated", "ranked", "scored", "scoring", "score", "scores"))


class Period(NamedTuple):
    """Days from `start`, up to and without `end`."""

    start: date
    end: date


def read_filters(text: str, today: date) -> FilterReading:
    """Read the filters out of a person's text. Filters that nobody can mean stay as faults, in sentences."""
    reader = _Reader(today)
    rest = _KEYED.sub(lambda found: reader.read_keyed(found[1].lower(), found[2].strip('"'), found[0]), text)
    rest = reader.read_words(rest.split())
    filters, faults = list(dict.fromkeys(reader.filters)), list(dict.fromkeys(reader.faults))
    if len(filters) > MAX_FILTERS:
        faults.insert(0, f"Only the first {MAX_FILTERS} filters count.")
    return FilterReading(
        rest, tuple(filters[:MAX_FILTERS]), tuple(reader.guesses), reader.sort, tuple(faults[:MAX_FILTERS])
    )


class _Reader:
    """Reads filters, and keeps those that it has found."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.filters: list[Filter] = []
        self.guesses: list[Guess] = []
        self.sort: Sort | None = None
        self.faults: list[str] = []

    def read_keyed(self, key: str, value: str, typed: str) -> str:
        """Read a filter such as since:2025-01, and return an empty text for it."""
        value = value.strip(" ,;")
        match key:
            case "in" | "cat" | "category":
                try:
                    self.filters.append(DomainFilter(typed, resolve_domain(value)))
                except InputError as error:
                    self.faults.append(f"{typed!r} is left out. {error}")
            case "by" | "author":
                self.filters.append(AuthorFilter(typed, tuple(value.split())))
            case "min":
                self._read_minimum(value, typed)
            case "sort":
                if value.lower() in _SORTS:
                    self.sort = _SORTS[value.lower()]
                else:
                    self.faults.append(f"{typed!r} is left out: write sort:new or sort:score.")
            case "flagged" | "marked":
                self._read_trait(Trait(key), value, typed)
            case "has":
                trait = {"code": Trait.CODE, "review": Trait.REVIEW}.get(value.lower())
                if trait:
                    self.filters.append(TraitFilter(typed, trait))
                else:
                    self.faults.append(f"{typed!r} is left out: write has:code or has:review.")
            case _:
                self._read_date("since" if key == "from" else key, value, typed)
        return " "

    def _read_minimum(self, value: str, typed: str) -> None:
        if (minimum := _parse_score(value)) is None:
            self.faults.append(f"{typed!r} is left out: write a score from 0 to 10, such as min:8.")
        else:
            self.filters.append(ScoreFilter(typed, minimum))

    def _read_trait(self, trait: Trait, value: str, typed: str) -> None:
        if value.lower() in _YES:
            self.filters.append(TraitFilter(typed, trait, _YES[value.lower()]))
        else:
            self.faults.append(f"{typed!r} is left out: write {trait}:yes or {trait}:no.")

    def _read_date(self, key: str, value: str, typed: str) -> None:
        period = _parse_period(value.lower().replace("_", " ").split(), self.today)
        if not period:
            self.faults.append(f"{typed!r} is left out: write a date such as {key}:2025-01.")
        else:
            self.filters.append(_build_date_filter(key, period, typed))

    def read_words(self, tokens: list[str]) -> str:
        """Read the filters that are said in words, and return the other words."""
        plain = [token.strip(_OUTER_SIGNS).lower() for token in tokens]
        kept: list[str] = []
        at = 0
        while at < len(tokens):
            used = (
                self._read_period(plain, at)
                or self._read_score(plain, at)
                or self._read_category(tokens, plain, at)
                or self._read_property(plain, at)
                or self._read_sort(plain, at)
            )
            if not used:
                kept.append(tokens[at])
            at += max(used, 1)
        return " ".join(self._read_domain(self._read_author(kept)))

    def _read_period(self, plain: list[str], at: int) -> int:
        """Read a date such as "since March 2025" or "this week". Returns the number of its words."""
        word, following = plain[at], plain[at + 1 : at + 3]
        if word == "between" and plain[at + 2 : at + 3] == ["and"] and plain[at + 3 : at + 4]:
            first, last = (_parse_period([each], self.today) for each in (plain[at + 1], plain[at + 3]))
            if first and last:
                self._add_period("in", Period(first.start, last.end), " ".join(plain[at : at + 4]))
                return 4
        is_weekday = word == "on" and following[:1] and following[0] in _WEEKDAYS
        if is_weekday or word in ("since", "after", "before", "until", "from", "in", "during", "of"):
            for length in (2, 1):
                period = _parse_period(following[:length], self.today) if len(following) >= length else None
                if period and not (word == "of" and length == 1):
                    self._add_period(word, period, " ".join([word, *following[:length]]))
                    return length + 1
        for length in (4, 3, 2):
            phrase = plain[at : at + length]
            if len(phrase) == length and (period := _parse_period(phrase, self.today)):
                self._add_period("in", period, " ".join(phrase))
                return length
        return self._read_day(plain, at)

    def _read_day(self, plain: list[str], at: int) -> int:
        """Read "today", or a year that stands alone: a guess, since it may be part of a title."""
        word = plain[at]
        period = _parse_period([word], self.today)
        if period and word in ("today", "yesterday") and len(plain) > 1:
            self._add_period("in", period, word)
            return 1
        if period and re.fullmatch(r"[0-9]{4}", word) and len(self.guesses) < MAX_FILTERS:
            guess = Guess(_build_date_filter("in", period, word), (word,))
            self.guesses += [] if guess in self.guesses else [guess]
            return 1
        return 0

    def _add_period(self, key: str, period: Period, typed: str) -> None:
        self.filters.append(_build_date_filter(key, period, typed))

    def _read_score(self, plain: list[str], at: int) -> int:
        """Read "min 8", "score above 8" and "rated at least 8". Returns the number of words."""
        phrase = plain[at : at + 4]
        begins_with_score = phrase[0] in ("score", "scores", "scored", "scoring", "rated", "rating")
        comparison = phrase[1:] if begins_with_score else phrase
        lengths = {"min": 1, "minimum": 1, "at least": 2, "above": 1, "over": 1, ">=": 1, ">": 1, "of": 1}
        for words, length in lengths.items():
            if words in ("above", "over", ">=", ">", "of") and not begins_with_score:
                continue
            if " ".join(comparison[:length]) == words and len(comparison) > length:
                minimum = _parse_score(comparison[length])
                if minimum is not None:
                    used = length + 1 + begins_with_score
                    self.filters.append(ScoreFilter(" ".join(plain[at : at + used]), minimum))
                    return used
        return 0

    def _read_category(self, tokens: list[str], plain: list[str], at: int) -> int:
        """Read "in cs.CL", and "cs.CL" alone."""
        if _CATEGORY.fullmatch(plain[at]):
            with suppress(InputError):
                self.filters.append(DomainFilter(plain[at], resolve_domain(tokens[at].strip(_OUTER_SIGNS))))
                return 1
        if plain[at] not in ("in", "from", "category") or at + 1 >= len(plain) or "." not in plain[at + 1]:
            return 0
        try:
            categories = resolve_domain(tokens[at + 1].strip(_OUTER_SIGNS))
        except InputError:
            return 0
        self.filters.append(DomainFilter(f"in {plain[at + 1]}", categories))
        return 2

    def _read_property(self, plain: list[str], at: int) -> int:
        """Read "flagged papers", "papers we marked", "unreviewed" and the like, and a closing "with code"."""
        word, following = plain[at], plain[at + 1 : at + 2]
        nouns = ("paper", "papers", "preprints", "articles")
        if word in ("flagged", "marked", "reviewed", "unflagged", "unmarked", "unreviewed") and (
            following == [] or following[0] in nouns or plain[at - 1 : at] == ["we"]
        ):
            if len(plain) == 1 and word == "reviewed":
                return 0
            trait = {"marked": Trait.MARKED, "reviewed": Trait.REVIEW}.get(
                word.removeprefix("un"), Trait.FLAGGED
            )
            is_wanted = not word.startswith("un") and plain[at - 1 : at] not in (["not"], ["un"])
            self.filters.append(TraitFilter(word, trait, is_wanted))
            return 1
        if word == "with" and len(plain) == at + 2 and following[0] in ("code", "review", "reviews"):
            trait = Trait.CODE if following[0] == "code" else Trait.REVIEW
            self.guesses.append(Guess(TraitFilter(f"with {following[0]}", trait), ("with", following[0])))
            return 2
        return 0

    def _read_sort(self, plain: list[str], at: int) -> int:
        """Read "newest first", "highest rated", "sorted by score" and "by date"."""
        phrase = plain[at : at + 3]
        if phrase[1:2] == ["first"] and phrase[0] in ("newest", "latest", "best"):
            self.sort = _SORTS[phrase[0]]
            return 2
        if phrase[0] in ("best", "highest", "top") and phrase[1:2] and phrase[1] in _RATINGS:
            self.sort = Sort.SCORE
            return 2
        is_order = phrase[0] in ("sort", "sorted", "order", "ordered") and phrase[1:2] == ["by"]
        if is_order and phrase[2:] and phrase[2] in _SORTS:
            self.sort = _SORTS[phrase[2]]
            return 3
        return 0

    def _read_author(self, tokens: list[str]) -> list[str]:
        """Take the last "by NAME" as a guess, and return the tokens without it."""
        plain = [token.strip(_OUTER_SIGNS).lower() for token in tokens]
        if "by" not in plain:
            return tokens
        at = len(plain) - 1 - plain[::-1].index("by")
        end = at + 1
        while end < min(len(plain), at + 5) and plain[end] not in _NAME_ENDS:
            end += 1
        names = plain[at + 1 : end]
        if not names or len(names) > 3:
            return tokens
        self.guesses.append(Guess(AuthorFilter(f"by {' '.join(names)}", tuple(names)), ("by", *names)))
        return [*tokens[:at], *tokens[end:]]

    def _read_domain(self, tokens: list[str]) -> list[str]:
        """Take "in vision" as a guess, at the end or before "about", and return the tokens without it."""
        plain = [token.strip(_OUTER_SIGNS).lower() for token in tokens]
        for end in range(len(plain), 1, -1):
            if end < len(plain) and plain[end] != "about":
                continue
            for length in (2, 1):
                if end > length and plain[end - length - 1] == "in":
                    name = " ".join(plain[end - length : end])
                    try:
                        categories = resolve_domain(name)
                    except InputError:
                        continue
                    self.guesses.append(
                        Guess(DomainFilter(f"in {name}", categories), tuple(plain[end - length : end]))
                    )
                    return [*tokens[: end - length - 1], *tokens[end:]]
        return tokens


_NAME_ENDS = frozenset(("on", "about", "in", "with", "since", "from", "for", "at", "using", "that", "which"))


def _build_date_filter(key: str, period: Period, typed: str) -> DateFilter:
    match key:
        case "since":
            return DateFilter(typed, since=period.start)
        case "after":
            return DateFilter(typed, since=period.end)
        case "before":
            return DateFilter(typed, before=period.start)
        case "until":
            return DateFilter(typed, before=period.end)
        case _:
            return DateFilter(typed, since=period.start, before=period.end)


def _parse_score(text: str) -> float | None:
    found = re.fullmatch(r"([0-9]{1,2}(?:[.,][0-9]{1,2})?)(?:/10|\+)?", text)
    number = float(found[1].replace(",", ".")) if found else -1.0
    return number if 0 <= number <= 10 else None


def _parse_period(words: list[str], today: date) -> Period | None:
    """Parse a day, a month, a year or a span up to today. None for any other words."""
    match words:
        case ["today"]:
            return Period(today, _add_days(today, 1))
        case ["yesterday"]:
            return Period(_add_days(today, -1), today)
        case ["this" | "past" | "last" | "current", ("day" | "week" | "month" | "year") as unit]:
            return _parse_named_span(words[0], unit, today)
        case ["past" | "last", "couple", "of", unit]:
            return _parse_period([words[0], "couple", unit], today)
        case ["past" | "last", count, unit] if number := _parse_count(count):
            days = _DAYS.get(unit.removesuffix("s"), 0)
            return Period(_add_days(today, -days * number), _add_days(today, 1)) if days else None
        case [day] if day in _WEEKDAYS:
            start = _add_days(today, -((today.weekday() - _WEEKDAYS.index(day)) % 7))
            return Period(start, _add_days(start, 1))
        case [month, year] if (number := _parse_month(month)) and re.fullmatch(r"[0-9]{4}", year):
            return _build_period(int(year), number)
        case [month] if number := _parse_month(month):
            return _build_period(today.year if number <= today.month else today.year - 1, number)
        case [text] if found := _SPAN.fullmatch(text):
            return Period(_add_days(today, -_DAYS[found[2]] * int(found[1])), _add_days(today, 1))
        case [text] if found := _DATE.fullmatch(text):
            return _build_period(int(found[1]), int(found[2] or 0), int(found[3] or 0))
    return None


def _parse_named_span(which: str, unit: str, today: date) -> Period | None:
    if unit == "year":
        return _build_period(today.year - (which == "last"))
    if unit == "month" and which == "last":
        end = today.replace(day=1)
        return Period(_add_days(end, -1).replace(day=1), end)
    days = _DAYS[unit] * (2 if which == "last" and unit == "week" else 1)
    return Period(_add_days(today, -days), _add_days(today, 1))


def _parse_count(word: str) -> int:
    """Return the number of "3" or "three", 0 for another word."""
    if word.isascii() and word.isdecimal() and len(word) < 4:
        return int(word)
    return _NUMBERS.get(word, 0)


def _parse_month(word: str) -> int:
    """Return the number of a month by its name or its first three letters, 0 for another word."""
    if len(word) < 3:
        return 0
    return next(
        (number for number, name in enumerate(MONTHS, 1) if word == name or (word == name[:3])),
        9 if word == "sept" else 0,
    )


def _build_period(year: int, month: int = 0, day: int = 0) -> Period | None:
    """Build a year, a month or a day. None for one that does not exist, or before `_FIRST_YEAR`."""
    if not _FIRST_YEAR <= year <= 2100 or month > 12:
        return None
    try:
        if day:
            return Period(date(year, month, day), _add_days(date(year, month, day), 1))
        if month:
            return Period(date(year, month, 1), date(year + month // 12, month % 12 + 1, 1))
    except ValueError:
        return None
    return Period(date(year, 1, 1), date(year + 1, 1, 1))


def _add_days(day: date, days: int) -> date:
    return day + timedelta(days=days)
