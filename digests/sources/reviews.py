"""Scored papers: the schema of an imported record, and its conversion to a paper and a review."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digests.errors import InputError
from digests.ids import PaperId, paper_id_of_address, parse_arxiv_id
from digests.model import NOT_REVIEWED, Flag, Paper, ReadDepth, Review
from digests.ports.sources import BadRecord, ProgressCallback
from digests.sources.stream import STANDARD_INPUT, Connect, describe_location, open_text, split_records
from digests.text import normalize_text

FUTURE_TOLERANCE = timedelta(days=2)
"""Time that a date may be in the future: clocks differ, and arXiv dates announcements in its own zone."""

FIRST_YEAR = 1900
"""First year that is accepted: an earlier date is a typing error."""

MAX_TITLE_CHARACTERS = 2_000
"""Characters of a title that is accepted. The longest ones on arXiv have a few hundred."""


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
    limitations: str | None = None
    impact: str | None = None
    model: str | None = Field(None, description="Name of the model that reviewed the paper.")
    reviewed_at: datetime | date | None = Field(
        None, description="Date and time of the review, in UTC unless it names a zone."
    )
    read_depth: Literal["abstract", "full text"] | None = Field(
        None, description="Part of the paper that the reviewer read."
    )
    flags: list[FlagRecord] | None = None


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
            for line, raw in split_records(pieces, name):
                yield parse_record(raw, source=name, line=line, today=self.today)


def parse_record(raw: str, *, source: str, line: int, today: date) -> tuple[Paper, Review] | BadRecord:
    """Parse the JSON text of one record into a paper and a review, or a `BadRecord`. Never raises.

    A record without a score, a rank and review texts gives `NOT_REVIEWED`. `source` and `line` go into the
    bad record. A date is bad if it lies more than `FUTURE_TOLERANCE` after `today`, or before `FIRST_YEAR`.
    """
    try:
        record = _validate_record(raw)
        return _build_paper(record, _identify_paper(record), today), _build_review(record, today)
    except _BadFieldError as bad:
        return BadRecord(source, line, bad.field, bad.reason)
    except ValidationError as error:
        field, reason = _describe_first_problem(error)
        return BadRecord(source, line, field, reason)


class _BadFieldError(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


_UNSAFE_ESCAPES = ("\\u0000", "\\ud", "\\uD")
"""Escapes that may stand for a NUL or a lone surrogate, which databases and chats reject.

In UTF-8 text a lone surrogate can only occur as an escape.
"""


def _validate_record(raw: str) -> ReviewRecord:
    if "\x00" not in raw and ("\\u" not in raw or not any(sign in raw for sign in _UNSAFE_ESCAPES)):
        return ReviewRecord.model_validate_json(raw)
    try:
        return ReviewRecord.model_validate(
            _strip_unsafe_characters(json.loads(raw, strict=False)), strict=None
        )
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            raise
        raise _BadFieldError("", f"is not JSON ({error})") from None


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


def _build_paper(record: ReviewRecord, identity: PaperId, today: date) -> Paper:
    if len(record.title) > MAX_TITLE_CHARACTERS:
        raise _BadFieldError("title", f"is longer than {MAX_TITLE_CHARACTERS:,} characters")
    if not normalize_text(record.title):
        raise _BadFieldError("title", "is empty")
    categories = _split_names(record.categories)
    primary = " ".join((record.primary_category or "").split()) or (categories[0] if categories else "")
    return Paper(
        id=identity.id,
        title=record.title,
        url=identity.url,
        version=identity.version,
        authors=_split_names(record.authors),
        abstract=record.abstract or "",
        primary_category=primary.replace(" ", "-"),
        categories=_split_categories(primary, categories),
        published=_check_date("published", record.published, today),
        flags=tuple(Flag(flag.category, flag.excerpt) for flag in record.flags or ()),
    )


def _split_names(names: list[str] | str | None) -> tuple[str, ...]:
    """Return names from a list, or from one text with commas, semicolons or "and" between them."""
    if isinstance(names, str):
        names = re.split(r" ?[;,] ?(?:and )?| and ", " ".join(names.split()))
    return tuple(clean_name for name in names or () if (clean_name := " ".join(name.split())))


def _split_categories(primary: str, categories: tuple[str, ...]) -> tuple[str, ...]:
    """Return each category once, the primary one first. A text with spaces ("cs.LG cs.AI") holds several."""
    words = dict.fromkeys(word for name in (primary, *categories) for word in name.split())
    return tuple(words)


def _check_date(field: str, value: datetime | date | None, today: date) -> date | None:
    day = value.date() if isinstance(value, datetime) else value
    if day is not None and day > today + FUTURE_TOLERANCE:
        raise _BadFieldError(field, f"{day.isoformat()} lies in the future")
    if day is not None and day.year < FIRST_YEAR:
        raise _BadFieldError(field, f"{day.isoformat()} lies before {FIRST_YEAR}")
    return day


def _build_review(record: ReviewRecord, today: date) -> Review:
    _check_date("reviewed_at", record.reviewed_at, today)
    fields = (
        record.score, record.rank, record.tldr or "", record.methodology or "", record.experiments or "",
        record.reproducibility or "", record.limitations or "", record.impact or "",
    )  # fmt: skip
    if not any(part not in (None, "") for part in fields):
        return NOT_REVIEWED
    depth = ReadDepth(record.read_depth) if record.read_depth else None
    return Review(*fields, record.model or "", _to_instant(record.reviewed_at), depth)


def _to_instant(value: datetime | date | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _describe_first_problem(error: ValidationError) -> tuple[str, str]:
    """Return the field and the reason in words: "score", "must be a number from 0 to 10, not 11".

    The field is empty if no single one is at fault.
    """
    problem = error.errors(include_url=False)[0]
    field = ".".join(
        str(part) for part in problem["loc"] if part not in ("list[str]", "str", "datetime", "date")
    )
    given_value = json.dumps(problem.get("input"), default=str, ensure_ascii=False)
    given_value = given_value if len(given_value) <= 60 else given_value[:59] + "…"
    match problem["type"]:
        case "json_invalid":
            return "", f"is not JSON ({problem['ctx']['error']})"
        case "missing":
            return field, "is missing"
        case "string_too_short":
            return field, "is empty"
        case "model_type":
            return "", f"must be an object with a paper's fields, not {given_value}"
        case _ if field == "score":
            return field, f"must be a number from 0 to 10, or null, not {given_value}"
        case _ if field == "rank":
            return field, f"must be a whole number from 1, or null, not {given_value}"
        case _:
            return field, f"{problem['msg'].lower()}, not {given_value}"
