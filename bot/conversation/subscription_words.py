"""A subscription in the words of /digest subscribe: their grammar, and its inverse. Pure."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.conversation.subscription_form import (
    DAY_NAMES,
    DAYS,
    EVERY_DAY,
    WEEKDAYS,
    WORD_BY_DAYS,
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
from bot.conversation.time_zones import (
    MAX_ZONE_WORDS,
    find_nearest_zone,
    find_time_zones,
)
from bot.conversation.topics import MAX_TOPIC_WORDS, find_topic
from digests.authors import straighten_name
from digests.domains import resolve_domain
from digests.errors import InputError
from digests.languages import find_language, is_language_name, is_language_word
from digests.subscription import DigestStyle, MatchMode, Subscription, UnscoredPapers
from digests.text import clip_text, normalize_text

EXAMPLE = "vision at 08:30 top 3 min 8"
MAX_WORDS = 400
"""Words and commas that are read. More say no subscription, and the nearest known word costs some time."""

_PLAIN_SIGNS = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "=": " ", "–": "-", "—": "-"}
)
_TOKEN_PATTERN = re.compile(r'"[^"]*"|[0-9]{1,2},[0-9]{1,2}(?![\w,:])|[^\s,;"]+|[,;]')
_BARE_TIME_PATTERN = re.compile(r"[0-9]{1,2}[:h][0-9]{2}(?:am|pm)?|[0-9]{1,2}(?:am|pm)|noon|midnight")
_NUMBER_PATTERN = re.compile(r"[0-9]{1,3}")

_NUMBERS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10",
}  # fmt: skip

_CLAUSE_BY_PHRASE = {
    "at": "at", "top": "top", "min": "min_score", "score": "min_score", "on": "on", "in": "in",
    "style": "style", "about": "keywords", "not": "muted", "without": "muted", "by": "authors",
    "match": "match", "unscored": "unscored", "except": "muted", "excluding": "muted", "but not": "muted",
    "leave out": "muted", "but no": "muted", "no": "muted", "skip": "muted", "hide": "muted",
    "stop showing": "muted", "no papers about": "muted", "no papers on": "muted", "nothing about": "muted",
    "nothing on": "muted", "without papers about": "muted", "not papers about": "muted",
    "no minimum": "min_score", "no min": "min_score", "no minimum score": "min_score",
    "related to": "keywords", "mentioning": "keywords", "keywords": "keywords",
    "keyword": "keywords", "authors": "authors", "domains": "domains", "domain": "domains",
    "at least": "min_score", "min score": "min_score", "minimum score": "min_score",
    "minimum": "min_score", "time zone": "in", "timezone": "in",
}  # fmt: skip
"""Phrases that always begin a clause, with its name."""
_CLAUSE_BEFORE_NUMBER = {
    "max": "top", "maximum": "top", "at most": "top", "up to": "top", "best": "top", "no more than": "top",
    "scored": "min_score", "above": "min_score", "over": "min_score", "from": "at", "around": "at",
}  # fmt: skip
"""Phrases that begin a clause if a number follows, and else are words like any other."""
_DAYS_BY_PHRASE = {
    "weekdays": WEEKDAYS, "every weekday": WEEKDAYS, "each weekday": WEEKDAYS, "weekday": WEEKDAYS,
    "workdays": WEEKDAYS, "work days": WEEKDAYS, "working days": WEEKDAYS, "business days": WEEKDAYS,
    "daily": EVERY_DAY, "everyday": EVERY_DAY, "every day": EVERY_DAY, "each day": EVERY_DAY,
    "a day": EVERY_DAY, "per day": EVERY_DAY, "every morning": EVERY_DAY, "each morning": EVERY_DAY,
    "weekends": frozenset({5, 6}), "every weekend": frozenset({5, 6}), "weekend": frozenset({5, 6}),
}  # fmt: skip
_WEEKLY_PHRASES = ("weekly", "every week", "each week", "once a week", "a week", "per week")
_TWO_WEEKLY_PHRASES = (
    "every 2 weeks", "every two weeks", "every other week", "every second week", "every 2nd week", "biweekly",
    "bi-weekly", "fortnightly", "every fortnight", "once a fortnight",
)  # fmt: skip
_OTHER_PHRASES = ("every other", "every second", "every 2nd")
_REPEAT_PHRASES = {
    "repeat": True, "with repeats": True, "no repeats": False, "no repeat": False, "without repeats": False,
}  # fmt: skip
_RECAP_PHRASES = {
    "with recap": True, "recap on": True, "recap": True, "no recap": False, "recap off": False,
    "without recap": False,
}  # fmt: skip
_OTHER_RHYTHMS = (
    "twice a week", "monthly",
    "every month", "hourly", "every hour", "twice a day", "every other day",
)  # fmt: skip
_IGNORED_PHRASES = (
    "or more", "or higher", "or better", "or above", "and up", "and above", "o'clock", "local time",
    "my time", "our time", "in the morning",
)  # fmt: skip
_UNSCORED_OUT = (
    "no unscored papers", "without unscored papers", "not unscored papers", "no unscored", "without unscored",
)  # fmt: skip
_EVERYTHING = ("everything", "anything", "all", "all papers", "all domains", "any domain")
_NOTHING = ("nothing", "none", "nobody", "no one")
_FILLER_WORDS = frozenset(
    ["a", "an", "and", "any", "best", "but", "channel", "change", "day", "days", "digest", "digests", "each",
     "every", "field", "for", "from", "give", "i", "it", "just", "latest", "like", "make", "me", "new", "of",
     "on", "only", "or", "our", "paper", "papers", "per", "please", "score", "see", "send", "set", "show",
     "subscribe", "the", "this", "time", "to", "update", "us", "want", "we", "with", "would"]
)  # fmt: skip
_RANGE_WORDS = ("-", "to", "through", "thru", "until", "till")
_DAY_BY_WORD = {
    word: number
    for number, name in enumerate(DAY_NAMES)
    for word in (DAYS[number], name.lower(), f"{name.lower()}s")
} | {"tues": 1, "thur": 3, "thurs": 3, "weds": 2}
_LISTS = ("domains", "keywords", "muted", "authors")


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was understood of a person's words.

    `subscription` has every change that was. `problems` holds a sentence about each word or value that was
    not, in the order of the text.
    """

    subscription: Subscription
    problems: tuple[str, ...]


def parse_subscribe_words(text: str, base: Subscription, *, keeps_others: bool = False) -> Subscription:
    """Return the subscription `base` with the changes that a person typed in words.

    As `understand_words`, but raises InputError with the first problem, if there is one.
    """
    understanding = understand_words(text, base, keeps_others=keeps_others)
    if understanding.problems:
        raise InputError(understanding.problems[0])
    return understanding.subscription


def understand_words(text: str, base: Subscription, *, keeps_others: bool = False) -> Understanding:
    """Apply words to the subscription `base`, as far as they are understood.

    Such as: vision about "diffusion" at 08:30 top 3 min 8 on mon-fri in Berlin. The order is free. A field
    that is not mentioned stays as in `base`, except that domains and keywords are replaced together: naming
    one of them clears the other, unless `keeps_others`. A paper must then match both, unless the words say
    “vision or about "diffusion"” or “match any”. A known topic among the domains may be a keyword, such as
    “rl”; it does not narrow the domains beside it.
    """
    reader = _WordReader(text)
    reader.read_words()
    return reader.apply_to(base, keeps_others=keeps_others)


@dataclass(slots=True)
class _WordReader:
    """Reads the words of a text from left to right, into lists of words and parsed values.

    `clause` is the list that the next word belongs to, if it begins no other clause.
    """

    text: str
    parts: list[str] = field(init=False)
    words: list[str] = field(init=False)
    position: int = 0
    clause: str = "domains"
    lists: dict[str, list[str]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    topic_keywords: list[str] = field(default_factory=list)
    is_everything: bool = False
    is_weekly: bool = False
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parts = _TOKEN_PATTERN.findall(self.text.translate(_PLAIN_SIGNS))
        if len(self.parts) > MAX_WORDS:
            self.problems.append(f"These are more than {MAX_WORDS} words: write fewer, or use the form.")
            del self.parts[MAX_WORDS:]
        self.words = [_fold_word(part) for part in self.parts]

    def read_words(self) -> None:
        """Read all words. Nothing is raised: what is not understood is among the problems."""
        readers = (
            self._read_comma, self._read_quoted, self._read_language, self._read_rhythm, self._read_days,
            self._read_clause, self._read_time, self._read_count, self._read_everything, self._read_place,
        )  # fmt: skip
        while self.position < len(self.words):
            if not any(read() for read in readers):
                self._read_other_word()

    # Readers of one kind. Each returns True if it moved on.

    def _read_comma(self) -> bool:
        if self.words[self.position] not in (",", ";"):
            return False
        if self.clause in _LISTS:
            self.lists.setdefault(self.clause, []).append(",")
        self.position += 1
        return True

    def _read_quoted(self) -> bool:
        """Read words in quotes: an entry of the present list, or a keyword where domains are named."""
        part = self.parts[self.position]
        if not part.startswith('"'):
            return False
        clause = "keywords" if self.clause == "domains" else self.clause
        self.lists.setdefault(clause, []).append(part)
        self.position += 1
        return True

    def _read_language(self) -> bool:
        """Read “language de”, “language: German” or “in German”. Language is a domain before other words."""
        start = self.position
        if self._take_phrase(("language",)):
            self._take_phrase(("to", ":"))
            is_read = is_language_word(self._peek())
        else:
            is_read = bool(self._take_phrase(("in",))) and is_language_name(self._peek())
        if not is_read:
            self.position = start
            return False
        self._begin_domains()
        self.values["language"] = find_language(self._take_word())
        return True

    def _read_rhythm(self) -> bool:
        """Read “weekly”, “every 2 weeks”, “repeat”, words to ignore, and rhythms that no digest can have."""
        if self._take_phrase(_OTHER_RHYTHMS):
            self.problems.append(
                "Digests come on days of the week: write “weekly”, or the days, such as “on mon, thu”."
            )
            return True
        if phrase := self._take_phrase((*_TWO_WEEKLY_PHRASES, *_WEEKLY_PHRASES)):
            self.is_weekly = True
            self.values["every_weeks"] = 2 if phrase in _TWO_WEEKLY_PHRASES else 1
            self._begin_domains()
            return True
        if self._peek(2) in _DAY_BY_WORD and self._take_phrase(_OTHER_PHRASES):
            self.values["every_weeks"] = 2
            self._begin_domains()
            return True
        if phrase := self._take_phrase(_REPEAT_PHRASES):
            self.values["repeat"] = _REPEAT_PHRASES[phrase]
            self._begin_domains()
            return True
        if phrase := self._take_phrase(_RECAP_PHRASES):
            self.values["recap"] = _RECAP_PHRASES[phrase]
            self._begin_domains()
            return True
        if self._take_phrase(_UNSCORED_OUT):
            self.values["unscored"] = UnscoredPapers.LEAVE_OUT
            self._begin_domains()
            return True
        return self._read_style_name() or bool(self._take_phrase(_IGNORED_PHRASES))

    def _read_style_name(self) -> bool:
        """Read the name of a style without “style” before it, among domains."""
        if self.clause != "domains" or self._peek() not in tuple(DigestStyle):
            return False
        self.values["style"] = DigestStyle(self._take_word())
        return True

    def _read_days(self) -> bool:
        """Read weekdays: a phrase such as “every weekday”, or names and spans after “on” or among domains."""
        start = self.position
        if phrase := self._take_phrase(_DAYS_BY_PHRASE):
            self._add_days(_DAYS_BY_PHRASE[phrase])
            return True
        is_announced = self.words[start] in ("on", "every", "each")
        if self.clause != "domains" and not is_announced:
            return False
        self.position += is_announced
        phrase = self._take_phrase(_DAYS_BY_PHRASE)
        days = _DAYS_BY_PHRASE[phrase] if phrase else self._take_day_span()
        if not days:
            self.position = start
            return False
        self._add_days(days)
        return True

    def _take_day_span(self) -> frozenset[int]:
        """Take a day or a span such as mon-fri or monday to friday. Returns no days for another word."""
        word = self._peek()
        first, dash, last = word.partition("-")
        if first not in _DAY_BY_WORD or (dash and last not in _DAY_BY_WORD):
            return frozenset()
        self.position += 1
        if not dash and self._peek() in _RANGE_WORDS and self._peek(1) in _DAY_BY_WORD:
            last = self._peek(1)
            self.position += 2
        start, end = _DAY_BY_WORD[first], _DAY_BY_WORD[last or first]
        return frozenset(day % 7 for day in range(start, end + 1 if end >= start else end + 8))

    def _add_days(self, days: frozenset[int]) -> None:
        self.values["days"] = self.values.get("days", frozenset()) | days
        self._begin_domains()

    def _read_clause(self) -> bool:
        """Read the phrase that begins a clause, and its value unless the clause is a list."""
        start = self.position
        phrase = self._take_phrase(_CLAUSE_BEFORE_NUMBER)
        clause = _CLAUSE_BEFORE_NUMBER.get(phrase, "")
        is_number = re.match("[0-9]", self._peek()) or (clause == "top" and self._peek() in _NUMBERS)
        if not phrase or not is_number:
            self.position = start
            phrase = self._take_phrase(_CLAUSE_BY_PHRASE)
            clause = _CLAUSE_BY_PHRASE.get(phrase, "")
        if not phrase:
            return False
        match clause:
            case "keywords" | "muted" | "authors" | "domains":
                self._begin_list(clause)
            case "in":
                self._read_in()
            case "on":
                self._read_on()
            case _:
                self._read_value(clause)
        return True

    def _begin_list(self, clause: str) -> None:
        if clause == "keywords" and self.position > 1 and self.words[self.position - 2] == "or":
            self.values.setdefault("match", MatchMode.ANY)
        self.clause = clause
        self.lists.setdefault(clause, [])
        self._take_phrase(("to", ":"))
        if clause != "domains" and self._take_phrase(_NOTHING):
            self._begin_domains()

    def _read_value(self, clause: str) -> None:
        """Read the single value of a clause. A minimum score without a value is none."""
        self._begin_domains()
        self._take_phrase(("of", "to", ":"))
        if clause == "at":
            self._parse_value("at", parse_time, self._take_time())
        elif clause == "min_score":
            is_cleared = self._take_phrase(_NOTHING) or not re.match("[-<>0-9]", self._peek())
            text = "" if is_cleared else self._take_word().lstrip(">").removesuffix("+").removesuffix("/10")
            self._parse_value("min_score", parse_score, text)
        elif clause == "top":
            word = self._take_word()
            self._parse_value("top", parse_top, _NUMBERS.get(word, word))
        elif clause == "unscored":
            is_two_words = self._peek() in ("leave", "left")
            text = " ".join([self._take_word(), self._take_word()] if is_two_words else [self._take_word()])
            self._parse_value("unscored", parse_unscored, text)
        else:
            parsers: dict[str, Callable[[str], Any]] = {"style": parse_style, "match": parse_match}
            self._parse_value(clause, parsers[clause], self._take_word())

    def _parse_value(self, name: str, parse_value: Callable[[str], Any], text: str) -> None:
        try:
            self.values[name] = parse_value(text)
        except InputError as error:
            self.problems.append(str(error))

    def _take_time(self) -> str:
        """Take the words of a time: 9, 9 am, 08:30 pm. Another word is taken too, to be refused."""
        word = self._take_word()
        if word in ("half", "quarter") and self._peek() == "past":
            self._take_word()
            return f"{self._take_hour()}:{'30' if word == 'half' else '15'}"
        word = _NUMBERS.get(word, word)
        if re.fullmatch(r"[0-9]{1,2}(?:[:.h][0-9]{2})?", word) and self._peek() in ("am", "pm"):
            return f"{word} {self._take_word()}"
        return word

    def _take_hour(self) -> str:
        """Take an hour in digits or as a word, with am or pm, as an hour of 24."""
        word = self._take_word()
        hour = _NUMBERS.get(word, word)
        is_afternoon = self._peek() == "pm" and hour.isdecimal() and 0 < int(hour) < 12
        self._take_phrase(("am", "pm"))
        return str(int(hour) + 12) if is_afternoon else hour

    def _read_in(self) -> None:
        """Read what follows “in”: a place, a domain, or a part of a keyword."""
        start = self.position - 1
        self._take_phrase(("the", "to", ":"))
        if self._read_place():
            return
        if self.clause != "domains" and not find_nearest_zone(self._peek()):
            self.position = start
            self._read_list_word()
            return
        self._begin_domains()
        name = self.parts[self.position].strip('"') if self._peek() else ""
        self._take_word()
        self._parse_value("time_zone", parse_time_zone, name)

    def _read_on(self) -> None:
        """Read what follows “on” and is no day: a domain, or a part of a keyword."""
        start = self.position - 1
        if self.clause != "domains":
            self.position = start
            self._read_list_word()
        elif not self._read_place():
            word = self._take_word()
            self.problems.append(
                f"{quote_input(word)} isn't a valid day: "
                "write “on mon, wed”, “on mon-fri”, “weekdays” or “daily”."
            )

    def _read_time(self) -> bool:
        """Read a time without “at”, such as 9am, 9 am or 08:30."""
        word = self.words[self.position]
        is_time = _BARE_TIME_PATTERN.fullmatch(word) is not None
        if not is_time and not (_NUMBER_PATTERN.fullmatch(word) and self._peek(1) in ("am", "pm")):
            return False
        self._begin_domains()
        self._parse_value("at", parse_time, self._take_time())
        return True

    def _read_count(self) -> bool:
        """Read a number of papers without “top”: 3 papers, five best papers, 4 llm papers, 3 a day."""
        word = _NUMBERS.get(self.words[self.position], self.words[self.position])
        if self.clause != "domains" or not _NUMBER_PATTERN.fullmatch(word):
            return False
        following = self.words[self.position + 1 : self.position + 2 + MAX_TOPIC_WORDS]
        if not following[:1] or (
            following[0] not in ("best", "a", "per", "each", "every")
            and {"paper", "papers"}.isdisjoint(following)
        ):
            return False
        self.position += 1
        self._take_phrase(("papers", "paper", "best"))
        self._parse_value("top", parse_top, word)
        return True

    def _read_everything(self) -> bool:
        if self.clause == "domains" and self._take_phrase(_EVERYTHING):
            self.is_everything = True
            self._take_phrase(("papers", "domains"))
            return True
        return False

    def _read_place(self) -> bool:
        """Read a domain, topic or time zone of one or more words, the longest one first.

        Outside of the domains only a zone counts, after “in”.
        """
        for count in range(MAX_ZONE_WORDS, 0, -1):
            parts = self.parts[self.position : self.position + count]
            name = " ".join(parts).strip(".!?:()")
            if len(parts) < count or any(part[0] in '",;' for part in parts):
                continue
            topic = find_topic(name) if count <= MAX_TOPIC_WORDS and self.clause == "domains" else None
            zones = () if topic else find_time_zones(name)
            is_announced = self.position > 0 and self.words[self.position - 1] in ("in", "the", "to", ":")
            if topic is None and not (zones and (self.clause == "domains" or is_announced)):
                continue
            self.position += count
            if topic:
                self.lists.setdefault("domains", []).extend([topic.domain, ","] if topic.domain else [])
                self.topic_keywords += [topic.keyword] if topic.keyword else []
            else:
                self._begin_domains()
                self._parse_value("time_zone", parse_time_zone, name)
            return True
        return False

    def _read_other_word(self) -> None:
        """Read a word that is none of the others: an entry of the present list, or not understood."""
        word = self.words[self.position]
        if self.clause != "domains":
            self._read_list_word()
        elif word in _FILLER_WORDS or not word:
            self.position += 1
        else:
            self.problems.append(_describe_unknown_word(self.parts[self.position]))
            self.position += 1

    def _read_list_word(self) -> None:
        self.lists.setdefault(self.clause, []).append(self.parts[self.position])
        self.position += 1

    # Words.

    def _begin_domains(self) -> None:
        self.clause = "domains"

    def _peek(self, ahead: int = 0) -> str:
        place = self.position + ahead
        return self.words[place] if place < len(self.words) else ""

    def _take_word(self) -> str:
        """Return the next word and move on; an empty text at the end and before a comma."""
        word = self._peek()
        if word in ("", ",", ";"):
            return ""
        self.position += 1
        return word.strip('"')

    def _take_phrase(self, phrases: Any) -> str:
        """Move on over the longest phrase of up to three words that begins here, and return it, else ""."""
        for count in (3, 2, 1):
            words = self.words[self.position : self.position + count]
            phrase = " ".join(words)
            if phrase in phrases:
                self.position += len(words)  # At the end there are fewer.
                return phrase
        return ""

    # The result.

    def apply_to(self, base: Subscription, *, keeps_others: bool) -> Understanding:
        """Return `base` with everything that was read."""
        preferences, schedule = base.preferences, base.schedule
        parsers = {
            "domains": _parse_domain_words, "keywords": _parse_entry_words, "muted": _parse_entry_words,
            "authors": _parse_author_words,
        }  # fmt: skip
        lists: dict[str, tuple[str, ...]] = {}
        for name, words in self.lists.items():
            try:
                lists[name] = parsers[name](words)
            except InputError as error:
                self.problems.append(str(error))
        if self.topic_keywords:
            lists["keywords"] = tuple(dict.fromkeys((*lists.get("keywords", ()), *self.topic_keywords)))
            if lists.get("domains"):
                self.values.setdefault("match", MatchMode.ANY)
        if self.is_everything or ({"domains", "keywords"} & lists.keys() and not keeps_others):
            preferences = replace(preferences, domains=(), keywords=(), match=MatchMode.ALL)
        if self.is_everything:
            preferences = replace(preferences, authors=())
        names = ("top", "min_score", "style", "match", "unscored", "repeat", "language", "recap")
        chosen = {name: self.values[name] for name in names if name in self.values}
        changes: dict[str, Any] = {**lists, **chosen}
        preferences = replace(preferences, **changes)
        keeps_days = keeps_others and self.values.get("every_weeks") == 2
        if self.is_weekly and "days" not in self.values and not keeps_days:
            self.values["days"] = schedule.days if len(schedule.days) == 1 else frozenset({0})
        if self.values.get("days") == EVERY_DAY:
            self.values.setdefault("every_weeks", 1)
        time_fields = ("at", "days", "time_zone", "every_weeks")
        times = {each: self.values[each] for each in time_fields if each in self.values}
        schedule = replace(schedule, **times)
        subscription = replace(base, preferences=preferences, schedule=schedule)
        return Understanding(subscription, tuple(self.problems))


def _fold_word(part: str) -> str:
    """Return a part in lower case, without the signs that end a sentence or stand around it."""
    word = part.lower()
    if word.startswith('"') or len(word) < 2:
        return word
    return word.replace("a.m", "am").replace("p.m", "pm").strip(".!?()").rstrip(":")


def _parse_entry_words(clause_words: Sequence[str]) -> tuple[str, ...]:
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


def _parse_author_words(clause_words: Sequence[str]) -> tuple[str, ...]:
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


def _parse_domain_words(clause_words: Sequence[str]) -> tuple[str, ...]:
    return parse_entries(" ".join(clause_words))


def _describe_unknown_word(word: str) -> str:
    """Return a sentence about a word that is not understood, with the nearest known one and an example."""
    known = [*_CLAUSE_BY_PHRASE, *_DAYS_BY_PHRASE, *_DAY_BY_WORD]
    near = difflib.get_close_matches(word.lower()[:40], known, n=1, cutoff=0.75)
    hint = f"did you mean “{near[0]}”?" if near else ""
    zone = find_nearest_zone(word)
    hint = hint or (f"did you mean “in {zone}”?" if zone else "")
    try:
        resolve_domain(word)
    except InputError as error:
        suggestion = re.search(r"did you mean '([^']+)'", str(error))
        hint = hint or (f"did you mean “{suggestion[1]}”?" if suggestion else "")
    return (
        f"I don't know what {quote_input(word)} is: {hint + ' ' if hint else ''}"
        f"“about {clip_text(normalize_text(word), 20)}” makes it a keyword. An example: {EXAMPLE}"
    )


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
        *(["every 2 weeks"] if schedule.every_weeks == 2 else []),
        *(["repeat"] if preferences.repeat else []),
        *(["with recap"] if preferences.recap else []),
        f"in {schedule.time_zone}",
        f"style {preferences.style}",
        *([f"language {preferences.language}"] if preferences.language else []),
    ]
    return " ".join(filter(None, parts))


def _quote_entries(entries: tuple[str, ...]) -> str:
    return ", ".join(f'"{entry}"' for entry in entries)


def _format_days(days: frozenset[int]) -> str:
    """Format weekdays as words that /digest subscribe understands: weekdays, daily, or on mon, thu."""
    return WORD_BY_DAYS.get(days) or f"on {', '.join(DAYS[day] for day in sorted(days))}"
