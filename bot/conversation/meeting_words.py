"""The text after /digest meet: a plan in words, and spans of dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta

from bot.conversation.subscription_form import DAY_NAMES, parse_time, parse_time_zone, quote_input
from bot.conversation.time_zones import find_time_zones
from bot.present.wording import clean_text
from digests.errors import InputError
from digests.meetings.model import DaysOff, MeetingPlan
from digests.subscription import Schedule

MAX_PLACE_CHARACTERS = 200
"""Characters of a place."""

MAX_SPAN = timedelta(days=366)
"""Longest span of days off, or of an absence."""

MEET_EXAMPLE = "meet thu 16:00 every 2 weeks"

_DAYS = {
    word: number
    for number, name in enumerate(DAY_NAMES)
    for word in (name[:3].lower(), name.lower(), f"{name.lower()}s")
} | {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}

_WEEKS_BY_PHRASE = {
    "every 2 weeks": 2, "every two weeks": 2, "every other week": 2, "every second week": 2,
    "every 2nd week": 2, "biweekly": 2, "bi-weekly": 2, "fortnightly": 2, "every fortnight": 2,
    "every week": 1, "every 1 week": 1, "weekly": 1, "each week": 1,
    "every second": 2, "every other": 2, "every 2nd": 2, "every": 1, "each": 1,
}  # fmt: skip
"""Weeks by words, the longest phrases first. The last ones stand before a day."""

_POLL_BY_PHRASE = {
    "without a poll": False, "without poll": False, "no poll": False,
    "with a poll": True, "with poll": True, "poll": True,
}  # fmt: skip

_PLACE_WORDS = ("place", "where", "place:", "where:")
_FILLERS = ("on", "at", "a", "the", "and", "set", "to", "from", "meet", "o'clock")


def understand_plan(text: str, base: MeetingPlan | None, time_zone: str) -> MeetingPlan:
    """Return the plan of a text such as “thu 16:00 every 2 weeks in Berlin place Room 4 without poll”.

    What is not mentioned stays as in `base`. A new plan is in `time_zone` unless the text names another, and
    needs a day and a time. “place” takes the rest of the text; an address needs no word before it. Raises
    InputError.
    """
    reader = _PlanReader(text.split())
    reader.read_words()
    if base is None and (reader.day is None or reader.at is None):
        raise InputError(f"Write a day and a time for the meetings, such as {MEET_EXAMPLE}.")
    schedule = base.schedule if base else Schedule(time_zone=time_zone)
    schedule = replace(
        schedule,
        at=reader.at or schedule.at,
        days=schedule.days if reader.day is None else frozenset({reader.day}),
        time_zone=reader.time_zone or schedule.time_zone,
        every_weeks=reader.every_weeks or schedule.every_weeks,
    )
    plan = base or MeetingPlan(schedule)
    return replace(
        plan,
        schedule=schedule,
        place=plan.place if reader.place is None else reader.place,
        has_poll=plan.has_poll if reader.has_poll is None else reader.has_poll,
    )


@dataclass(slots=True)
class _PlanReader:
    """Reads the words of a plan from left to right. What is not mentioned stays None, or empty."""

    parts: Sequence[str]
    words: list[str] = field(init=False)
    position: int = 0
    day: int | None = None
    at: time | None = None
    time_zone: str = ""
    every_weeks: int = 0
    place: str | None = None
    has_poll: bool | None = None

    def __post_init__(self) -> None:
        self.words = [part.lower().rstrip(",;") for part in self.parts]

    def read_words(self) -> None:
        """Read all words. Raises InputError for the first one that is not understood."""
        readers = (
            self._read_place, self._read_day, self._read_rhythm, self._read_poll, self._read_zone,
            self._read_filler,
        )  # fmt: skip
        while self.position < len(self.words):
            if not any(read() for read in readers):
                self._read_time()

    def _read_place(self) -> bool:
        """Read “place” and everything after it, or an address."""
        word = self.words[self.position]
        if word.startswith(("http://", "https://")):
            self.place = clip_place(self.parts[self.position])
            self.position += 1
        elif word in _PLACE_WORDS:
            self.place = clip_place(" ".join(self.parts[self.position + 1 :]))
            self.position = len(self.words)
        else:
            return False
        return True

    def _read_day(self) -> bool:
        day = _DAYS.get(self.words[self.position])
        if day is None:
            return False
        if self.day not in (None, day):
            raise InputError("Meetings are on one day of the week: write one of them.")
        self.day = day
        self.position += 1
        return True

    def _read_rhythm(self) -> bool:
        phrase = self._take_phrase(_WEEKS_BY_PHRASE)
        if not phrase:
            return False
        self.every_weeks = _WEEKS_BY_PHRASE[phrase]
        rest = self.words[self.position : self.position + 2]
        if phrase in ("every", "each") and rest[:1] and rest[0] not in _DAYS:
            raise InputError(
                f"{quote_input(' '.join([phrase, *rest]))} isn't a rhythm of meetings: write “every week” or "
                "“every 2 weeks”."
            )
        return True

    def _read_poll(self) -> bool:
        phrase = self._take_phrase(_POLL_BY_PHRASE)
        if phrase:
            self.has_poll = _POLL_BY_PHRASE[phrase]
        return bool(phrase)

    def _read_zone(self) -> bool:
        """Read “in” and a time zone: a city of up to three words, or a name."""
        if self.words[self.position] not in ("in", "zone", "timezone"):
            return False
        following = self.parts[self.position + 1 : self.position + 4]
        if not following:
            raise InputError("Write a city or a time zone after “in”, such as “in Berlin”.")
        for length in range(len(following), 1, -1):
            name = " ".join(following[:length]).rstrip(",;")
            if find_time_zones(name):
                self.time_zone = parse_time_zone(name)
                self.position += 1 + length
                return True
        self.time_zone = parse_time_zone(following[0].rstrip(",;"))
        self.position += 2
        return True

    def _read_filler(self) -> bool:
        is_filler = self.words[self.position] in _FILLERS
        self.position += is_filler
        return is_filler

    def _read_time(self) -> None:
        """Read a time such as 16:00, 4pm or 4 pm. Raises InputError for anything else."""
        word, after = self.words[self.position], self.words[self.position + 1 : self.position + 2]
        is_split = after in (["am"], ["pm"])
        try:
            self.at = parse_time(f"{word} {after[0]}" if is_split else word)
        except InputError:
            raise InputError(
                f"I don't understand {quote_input(word)} in a plan of meetings: write a day, a time and a "
                f"rhythm, and the place last, such as {MEET_EXAMPLE} place Room 4."
            ) from None
        self.position += 2 if is_split else 1

    def _take_phrase(self, phrases: Mapping[str, object]) -> str:
        """Take the longest of the phrases that comes next, and return it, "" if none does."""
        for length in (3, 2, 1):
            phrase = " ".join(self.words[self.position : self.position + length])
            if phrase in phrases and len(phrase.split()) == length:
                self.position += length
                return phrase
        return ""


def clip_place(text: str) -> str:
    place = clean_text(text.strip().strip('"'))
    if len(place) > MAX_PLACE_CHARACTERS:
        raise InputError(f"The place is longer than {MAX_PLACE_CHARACTERS} characters; write fewer words.")
    return place


# Dates.

_MONTHS = {
    word: number
    for number, name in enumerate(
        ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
         "november", "december"), start=1,
    )
    for word in (name, name[:3])
} | {"sept": 9}  # fmt: skip

_RANGE_WORDS = frozenset(("to", "until", "till", "through", "-", "–", "—"))


def parse_span(text: str, today: date) -> DaysOff:
    """Parse dates such as “24 dec”, “21 dec to 3 jan”, “until 2026-12-14”, “today” and “tomorrow”.

    A date without a year is the next one. “until” alone begins today. Raises InputError.
    """
    words = text.lower().replace(",", " ").replace(".", " ").split()
    cut = next((place for place, word in enumerate(words) if word in _RANGE_WORDS), None)
    if cut is None:
        first = last = _parse_date(words, today)
    else:
        first = _parse_date(words[:cut], today) if words[:cut] not in ([], ["from"]) else today
        last = _parse_date(words[cut + 1 :], first)
    if not today <= first <= last or last - today > MAX_SPAN:
        raise InputError(
            f"{quote_input(text)} isn't a span of coming dates, of a year at most: write it like 21 dec to 3 "
            "jan."
        )
    return DaysOff(first, last)


def _parse_date(words: Sequence[str], earliest: date) -> date:
    """Parse one date; without a year, the first such date on `earliest` or later. Raises InputError."""
    words = [word for word in words if word not in ("from", "on", "the", "of")]
    text = " ".join(words)
    if text in ("today", "tomorrow"):
        return earliest + timedelta(days=text == "tomorrow")
    try:
        if len(words) == 1:
            return date.fromisoformat(words[0])
        day_word, month_word = words[:2] if words[1] in _MONTHS else (words[1], words[0])
        month = _MONTHS[month_word]
        day = int(day_word.removesuffix("st").removesuffix("nd").removesuffix("rd").removesuffix("th")[:3])
        if len(words) > 2:
            return date(int(words[2][:5]), month, day)
        is_past = (month, day) < (earliest.month, earliest.day)
        return date(earliest.year + is_past, month, day)
    except (ValueError, KeyError, IndexError):
        raise InputError(f"{quote_input(text)} isn't a date: write it like 24 dec, or 2026-12-24.") from None
