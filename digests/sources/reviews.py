"""Scored papers: the schema of an imported record, and its conversion to a paper and a review."""

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digests.errors import InputError
from digests.ids import PaperId, paper_id_of_address, parse_arxiv_id
from digests.model import NOT_REVIEWED, Flag, Paper, ReadDepth, Review
from digests.ports.sources import BadRecord, ProgressCallback
from digests.sources.foreign_records import (
    adapt_record,
    is_attachment,
    list_unknown_keys,
    split_wrapper,
    withdrawal_day,
)
from digests.sources.json_text import decode_json
from digests.sources.stream import STANDARD_INPUT, Connect, describe_location, open_text, split_records
from digests.sources.table import FAULT, Place
from digests.text import normalize_text

FUTURE_TOLERANCE = timedelta(days=2)
"""Time that a date may be in the future: clocks differ, and arXiv dates announcements in its own zone."""

FIRST_YEAR = 1900
"""First year that is accepted: an earlier date is a typing error."""

MAX_TITLE_CHARACTERS = 2_000
"""Characters of a title that is accepted. The longest ones on arXiv have a few hundred."""


MAX_CACHED_CATEGORIES = 200
"""Characters of a record's categories whose names are kept."""

MAX_UNKNOWN_KEYS = 50
"""Unknown keys that are counted, so that a file of them costs no memory."""


class FlagRecord(BaseModel):
    """A passage that reads like an order to the reviewer."""

    model_config = ConfigDict(extra="ignore")

    category: str = Field(description="Kind of the passage, such as instruction_override.")
    excerpt: str = Field("", description="The passage itself.")


class ReviewRecord(BaseModel):
    """A scored paper. Unknown fields are ignored.

    Only a title and either `arxiv_id` or `url` are required.
    """

    model_config = ConfigDict(extra="ignore", title="Scored paper", str_strip_whitespace=True)

    arxiv_id: str | None = Field(None, description="arXiv id, old or new form, with or without a version.")
    url: str | None = Field(None, description="Address of the paper, for papers that are not on arXiv.")
    title: str = Field(min_length=1, description="May contain LaTeX.")
    authors: list[str] | str | None = Field(
        None, description="Names in order, or one text with commas between them."
    )
    abstract: str | None = None
    primary_category: str | None = Field(None, description="arXiv category, such as cs.CL.")
    categories: list[str] | str | None = Field(
        None, description="arXiv categories, the primary one among them."
    )
    published: datetime | date | None = Field(
        None, description="First publication: a date, or a date and time."
    )
    score: float | None = Field(
        None,
        ge=0,
        le=10,
        strict=True,
        allow_inf_nan=False,
        description="0 to 10, 10 is best; null: not scored.",
    )
    rank: int | None = Field(
        None, ge=1, strict=True, description="1 is the best of its batch; orders where no score does."
    )
    tldr: str | None = None
    methodology: str | None = None
    experiments: str | None = None
    reproducibility: str | None = None
    limitations: list[str] | str | None = Field(None, description="One text, or a list of points.")
    impact: str | None = None
    model: str | None = Field(None, description="Name of the model that reviewed the paper.")
    reviewed_at: datetime | date | None = Field(
        None, description="Date and time of the review, in UTC unless it names a zone."
    )
    read_depth: Literal["abstract", "full text"] | None = Field(
        None, description="Part of the paper that the reviewer read."
    )
    flags: list[FlagRecord] | None = None


_FIELDS = frozenset(ReviewRecord.model_fields)
FIELD_BY_OTHER_NAME = {
    "headline": "title", "name": "title", "paper": "title", "paper_title": "title",
    "grade": "score", "rating": "score", "overall": "score", "link": "url", "pdf_url": "url",
    "weaknesses": "limitations", "review_date": "reviewed_at",
}  # fmt: skip
"""Fields that may be meant by other keys. They are only suggested: their scales and formats may differ."""


def build_record_schema() -> dict[str, Any]:
    """Return the JSON Schema of one record, which requires an `arxiv_id` or a `url`."""
    json_schema = ReviewRecord.model_json_schema()
    json_schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    json_schema["anyOf"] = [
        {"required": [name], "properties": {name: {"type": "string"}}} for name in ("arxiv_id", "url")
    ]
    return json_schema


@dataclass(frozen=True, slots=True)
class ReviewFile:
    """A file of scored papers at `location`: a path, an http(s) address, or "-" for `standard_input`.

    `connect` opens a client for an address; without it, every location is a path. `display_name` is the
    file's name in messages, by default the location, of which an address is shown without what may be secret.
    Dates are checked against `today`. `progress` gets the bytes read.
    """

    location: str = field(repr=False)
    today: date
    standard_input: BinaryIO | None = None
    progress: ProgressCallback = lambda done, size: None
    display_name: str = ""
    connect: Connect | None = field(default=None, repr=False)
    unknown_keys: Counter[str] = field(default_factory=Counter, compare=False)
    """Records by a key that they have and that means nothing, of at most `MAX_UNKNOWN_KEYS` keys."""

    def read_records(self) -> Iterator[tuple[Paper, Review] | BadRecord]:
        """Yield each record as a paper and its review, or as a `BadRecord`, in their order.

        The file is opened with the first record and read as the caller goes on. Raises InputError or
        SourceError, after the records before, if the rest cannot be read.
        """
        location = "standard input" if self.location == STANDARD_INPUT else describe_location(self.location)
        name = self.display_name or location
        with open_text(
            self.location,
            standard_input=self.standard_input,
            progress=self.progress,
            connect=self.connect,
        ) as pieces:
            for place, raw in split_records(pieces, name):
                yield from self._read_record(raw, place, name)

    def _read_record(self, raw: str, place: Place, name: str) -> Iterator[tuple[Paper, Review] | BadRecord]:
        """Yield the record, or those that it wraps. Notes and files of Zotero are left out."""
        try:
            value = _load_json(raw)
        except _BadFieldError as bad:
            yield BadRecord(name, place.number, bad.field, bad.reason, unit=place.unit)
            return
        wrapped = split_wrapper(value) if isinstance(value, dict) else None
        for number, member in enumerate([value] if wrapped is None else wrapped, start=1):
            if not isinstance(member, dict) or not is_attachment(member):
                self._count_unknown_keys(member)
                member_place = place if wrapped is None else Place("record", number)
                yield _parse_value(member, name, member_place, self.today)

    def _count_unknown_keys(self, member: Any) -> None:
        if isinstance(member, dict) and FAULT not in member and not member.keys() <= _FIELDS:
            for key in list_unknown_keys(member, _FIELDS):
                if key in self.unknown_keys or len(self.unknown_keys) < MAX_UNKNOWN_KEYS:
                    self.unknown_keys[key] += 1


def parse_record(raw: str, *, source: str, line: int, today: date) -> tuple[Paper, Review] | BadRecord:
    """Parse the JSON text of one record into a paper and a review, or a `BadRecord`. Never raises.

    A record without a score, a rank and review texts gives `NOT_REVIEWED`. `source` and `line` go into the
    bad record, with all its faults. A date is bad if it lies more than `FUTURE_TOLERANCE` after `today`, or
    before `FIRST_YEAR`.
    """
    try:
        value = _load_json(raw)
    except _BadFieldError as bad:
        return BadRecord(source, line, bad.field, bad.reason)
    return _parse_value(value, source, Place("line", line), today)


def _parse_value(value: Any, source: str, place: Place, today: date) -> tuple[Paper, Review] | BadRecord:
    if isinstance(value, dict) and FAULT in value:
        return BadRecord(source, place.number, "", str(value[FAULT]), unit=place.unit)
    if not isinstance(value, dict):
        reason = f"must be an object with a paper's fields, not {_quote_value(value)}"
        return BadRecord(source, place.number, "", reason, unit=place.unit)
    fields = adapt_record(value, _FIELDS)
    faults: list[tuple[str, str]] = []
    identity: PaperId | None = None
    try:
        record = ReviewRecord.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        faults = list(dict(_describe_problem(problem, fields) for problem in problems).items())
        record = _leave_out(fields, {str(problem["loc"][0]) for problem in problems if problem["loc"]})
    told = {field.partition(".")[0] for field, _ in faults}
    try:
        identity = _identify_paper(record)
    except _BadFieldError as bad:
        faults += [] if bad.field in told else [(bad.field, bad.reason)]
    faults += [(field, reason) for field, reason in _find_faults(record, today) if field not in told]
    if faults or identity is None:
        (field, reason), *further = faults
        return BadRecord(source, place.number, field, reason, tuple(further), place.unit)
    paper = _build_paper(record, identity)
    if day := withdrawal_day(value):
        paper = replace(paper, withdrawn=day)
    return paper, _build_review(record)


def _leave_out(fields: dict[str, Any], bad_fields: set[str]) -> ReviewRecord:
    """Return the record without its bad fields, so that the others can be checked too."""
    kept = {field: value for field, value in fields.items() if field not in bad_fields}
    return ReviewRecord.model_validate({"title": "-", **kept})


def _find_faults(record: ReviewRecord, today: date) -> Iterator[tuple[str, str]]:
    """Yield the field and the reason of each fault of title and dates that their types do not show."""
    if len(record.title) > MAX_TITLE_CHARACTERS:
        yield "title", f"is longer than {MAX_TITLE_CHARACTERS:,} characters"
    elif not normalize_text(record.title):
        yield "title", "is empty"
    for name in ("published", "reviewed_at"):
        if reason := _find_date_fault(getattr(record, name), today):
            yield name, reason


class _BadFieldError(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


_UNSAFE_ESCAPES = ("\\u0000", "\\ud", "\\uD")
"""Escapes that may stand for a NUL or a lone surrogate, which databases and chats reject.

In UTF-8 text a lone surrogate can only occur as an escape.
"""


def _load_json(raw: str) -> Any:
    """Parse JSON, without the characters that a database refuses. Raises _BadFieldError."""
    try:
        value = decode_json(raw, strict=False)
    except (ValueError, RecursionError) as error:
        raise _BadFieldError("", f"is not JSON ({error})") from None
    # One character is found forty times faster than two.
    if "\x00" in raw or ("\\" in raw and any(sign in raw for sign in _UNSAFE_ESCAPES)):
        return _strip_unsafe_characters(value)
    return value


def _strip_unsafe_characters(value: Any) -> Any:
    """Remove NULs and lone surrogates from all strings of a JSON value."""
    match value:
        case str():
            return value.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
        case list():
            return [_strip_unsafe_characters(item) for item in value]
        case dict():
            return {key: _strip_unsafe_characters(item) for key, item in value.items()}
        case _:
            return value


def _identify_paper(record: ReviewRecord) -> PaperId:
    if record.arxiv_id:
        if found := parse_arxiv_id(record.arxiv_id):
            return found
        raise _BadFieldError("arxiv_id", f"{record.arxiv_id[:60]!r} is not an arXiv id such as 2402.01306")
    if not record.url:
        raise _BadFieldError(
            "arxiv_id", "is missing, and there is no url: one of them must say which paper it is"
        )
    try:
        return paper_id_of_address(record.url)
    except InputError as error:
        raise _BadFieldError("url", str(error)) from None


def _build_paper(record: ReviewRecord, identity: PaperId) -> Paper:
    primary, categories = _read_categories(record.primary_category, record.categories)
    return Paper(
        identity.id,
        record.title,
        identity.url,
        identity.version,
        _split_names(record.authors),
        record.abstract or "",
        primary,
        categories,
        published=_to_day(record.published),
        flags=tuple([Flag(flag.category, flag.excerpt) for flag in record.flags]) if record.flags else (),
    )


_NAME_SEPARATOR = re.compile(r" ?[;,] ?(?:and )?| and | & ")
_NAME_SEPARATOR_SIGNS = (",", ";", " and ", " & ")
"""Texts of which every separator contains one."""
_SUFFIXES = ("jr", "sr", "ii", "iii", "iv")


def _join_points(points: list[str] | str | None) -> str:
    """Return limitations as one text; a list of points becomes one with bullets."""
    if isinstance(points, list):
        return "\n".join(f"- {point}" for point in points)
    return points or ""


def _split_names(names: list[str] | str | None) -> tuple[str, ...]:
    """Return names from a list, or from one text with commas, semicolons or "and" between them.

    "Lovelace, Ada" in a list, or between semicolons, is one name with its family name first.
    """
    if isinstance(names, str):
        text = " ".join(names.split())
        names = text.split(";") if ";" in text else _split_at_commas(text)
    entries = [" ".join(name.split()) for name in names or ()]
    together = "\n".join(entries)
    if not _has_separator(together):
        return tuple(filter(None, entries))
    if all(entry.count(",") == 1 for entry in entries):
        entries = [_put_family_last(entry) for entry in entries]
    else:
        entries = [name for entry in entries for name in _split_at_commas(entry)]
    return tuple(name for entry in entries if (name := entry.strip()))


def _has_separator(text: str) -> bool:
    for sign in _NAME_SEPARATOR_SIGNS:  # noqa: SIM110 - Twice as fast as any().
        if sign in text:
            return True
    return False


def _split_at_commas(text: str) -> list[str]:
    found: list[str] = []
    for name in _NAME_SEPARATOR.split(text):
        if found and name.casefold().rstrip(".") in _SUFFIXES:
            found[-1] = f"{found[-1]} {name}"
        else:
            found.append(name)
    return found


def _put_family_last(name: str) -> str:
    family, given = (part.strip() for part in name.split(","))
    if not given or given.casefold().rstrip(".") in _SUFFIXES:
        return f"{family} {given}"
    return f"{given} {family}" if " " not in family or " " not in given else name


_ARXIV_CATEGORY = re.compile(r"[a-z-]+(?:\.[A-Za-z-]+)?")


def _read_categories(primary: str | None, names: list[str] | str | None) -> tuple[str, tuple[str, ...]]:
    """Return the primary category and all categories, each once. Without a primary one, the first is it."""
    key = tuple(names) if isinstance(names, list) else (names or "",)
    # The records of a file have the same few categories.
    is_short = len(" ".join((primary or "", *key))) <= MAX_CACHED_CATEGORIES
    return (_choose_common_categories if is_short else _choose_categories)(primary or "", key)


@lru_cache(maxsize=1_000)
def _choose_common_categories(primary: str, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    return _choose_categories(primary, names)


def _choose_categories(primary: str, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    categories = _split_categories(names)
    first, *others = _split_categories([primary]) or categories or ("",)
    return first, tuple(dict.fromkeys(name for name in (first, *others, *categories) if name))


def _split_categories(names: Sequence[str]) -> tuple[str, ...]:
    """Return each category once, from texts with commas, semicolons or spaces between them.

    Spaces part only arXiv's names ("cs.LG stat.ML"). In others they become hyphens.
    """
    return tuple(dict.fromkeys(category for entry in names for category in _split_entry(entry)))


def _split_entry(entry: str) -> list[str]:
    found: list[str] = []
    for name in re.split(r"[,;]", entry):
        words = name.split()
        are_names = any("." in word for word in words) and all(map(_ARXIV_CATEGORY.fullmatch, words))
        found += words if are_names else ["-".join(words)]
    return list(filter(None, found))


def _to_day(value: datetime | date | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _find_date_fault(value: datetime | date | None, today: date) -> str:
    day = _to_day(value)
    if day is not None and day > today + FUTURE_TOLERANCE:
        return f"{day.isoformat()} lies in the future"
    if day is not None and day.year < FIRST_YEAR:
        return f"{day.isoformat()} lies before {FIRST_YEAR}"
    return ""


_NO_REVIEW = (None, None, "", "", "", "", "", "")
"""Score, rank and texts of a record without a review."""


def _build_review(record: ReviewRecord) -> Review:
    fields = (
        record.score, record.rank, record.tldr or "", record.methodology or "", record.experiments or "",
        record.reproducibility or "", _join_points(record.limitations), record.impact or "",
    )  # fmt: skip
    if fields == _NO_REVIEW:
        return NOT_REVIEWED
    depth = ReadDepth(record.read_depth) if record.read_depth else None
    return Review(*fields, record.model or "", _to_instant(record.reviewed_at), depth)


def _to_instant(value: datetime | date | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _describe_problem(problem: Any, fields: dict[str, Any]) -> tuple[str, str]:
    """Return the field and the reason in words: "score", "must be a number from 0 to 10, not 11"."""
    field = ".".join(
        str(part) for part in problem["loc"] if part not in ("list[str]", "str", "datetime", "date")
    )
    given_value = _quote_value(problem.get("input"))
    match problem["type"]:
        case "missing":
            near = difflib.get_close_matches(field, [key for key in fields if len(key) < 40], n=1, cutoff=0.7)
            near = near or [key for key in fields if FIELD_BY_OTHER_NAME.get(key.lower()) == field][:1]
            return field, f"is missing (did you mean it by {near[0]!r}?)" if near else "is missing"
        case "string_too_short":
            return field, "is empty"
        case _ if field == "score":
            return (
                field,
                f"must be a number from 0 to 10, or null, not {given_value}{_suggest_number(problem)}",
            )
        case _ if field == "rank":
            return (
                field,
                f"must be a whole number from 1, or null, not {given_value}{_suggest_number(problem)}",
            )
        case _ if field in ("published", "reviewed_at"):
            return field, f"must be a date such as 2026-11-24, not {given_value}"
        case "string_type":
            return field, f"must be a text, not {given_value}"
        case _:
            return field, f"{problem['msg'].lower()}, not {given_value}"


def _suggest_number(problem: Any) -> str:
    """Return the question whether a number in a text is meant, such as 8.3 by "8,3"."""
    given = problem.get("input")
    number = r"\s*(\d{1,2})(?:[.,](\d{1,4}))?\s*(?:/\s*10)?\s*"
    found = re.fullmatch(number, given) if isinstance(given, str) else None
    return f": did you mean {found[1]}{'.' + found[2] if found[2] else ''}?" if found else ""


def _quote_value(value: Any) -> str:
    """Return the beginning of a value as JSON."""
    short = value[:80] if isinstance(value, str) else value
    try:
        quoted = json.dumps(short, default=str, ensure_ascii=False)
    except (ValueError, RecursionError):
        quoted = "a value that is nested too deeply"
    return quoted if len(quoted) <= 60 else quoted[:59] + "…"
