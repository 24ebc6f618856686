"""arXiv's records by OAI-PMH: everything that was touched since a day, in pages."""

from dataclasses import dataclass
from datetime import date

from lxml import etree

from digests.errors import SourceError
from digests.flags import scan
from digests.ids import arxiv_id
from digests.model import Paper
from digests.sources.arxiv.papers import is_withdrawn
from digests.sources.arxiv.xml import parsed

SERVER = "arXiv's record server"

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_RECORD = "{http://arxiv.org/OAI/arXiv/}"

_OF_PHYSICS = frozenset(
    ("astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin", "nucl-ex", "nucl-th",
     "physics", "quant-ph")
)  # fmt: skip
"""Archives that the record server keeps in its group physics; every other archive is a group of its own."""


class TokenExpiredError(Exception):
    """The pages have to be begun anew: a token holds for a day."""


@dataclass(frozen=True, slots=True)
class Record:
    """A paper, the day it was first submitted, and the day of the last touch of its record."""

    paper: Paper
    created: date
    touched: date


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and the token of the next page; empty on the last one."""

    records: tuple[Record, ...]
    token: str


def set_of(category: str) -> str:
    """The record server's name of a category or archive: cs.LG is cs:cs:LG, and hep-th physics:hep-th."""
    archive, _, subject = category.partition(".")
    group = "physics" if archive in _OF_PHYSICS else archive
    if not subject and group == archive:
        return group
    return ":".join(part for part in (group, archive, subject) if part)


def first_page(category: str, since: date) -> dict[str, str]:
    """What to ask for the records of a category that were touched since a day, that day included."""
    return {
        "verb": "ListRecords",
        "metadataPrefix": "arXiv",
        "set": set_of(category),
        "from": since.isoformat(),
    }


def next_page(token: str) -> dict[str, str]:
    """What to ask for the page after one."""
    return {"verb": "ListRecords", "resumptionToken": token}


def read(body: bytes) -> Page:
    """The page in an answer. Raises TokenExpiredError, and SourceError with arXiv's own words for other errors."""
    root = parsed(body, SERVER)
    if root.tag != f"{_OAI}OAI-PMH":
        raise SourceError(f"{SERVER} answered XML that holds no records: try again later.")
    for error in root.iterchildren(f"{_OAI}error"):
        match error.get("code"):
            case "noRecordsMatch":
                return Page((), "")
            case "badResumptionToken":
                raise TokenExpiredError
            case code:
                said = " ".join((error.text or "").split())[:200]
                raise SourceError(f"{SERVER} reports {code or 'an error'}: {said or 'nothing more'}.")
    listed = root.find(f"{_OAI}ListRecords")
    if listed is None:
        raise SourceError(f"{SERVER} answered XML that holds no records: try again later.")
    records = [found for one in listed.iterchildren(f"{_OAI}record") if (found := _record(one))]
    return Page(tuple(records), (listed.findtext(f"{_OAI}resumptionToken") or "").strip())


def _record(record: "etree._Element") -> Record | None:
    """None for one that was deleted, or that cannot be one of a paper."""
    header, facts = record.find(f"{_OAI}header"), record.find(f"{_OAI}metadata/{_RECORD}arXiv")
    if header is None or facts is None:
        return None
    said = {child.tag.removeprefix(_RECORD): (child.text or "").strip() for child in facts}
    found = arxiv_id(said.get("id", ""))
    title = " ".join(said.get("title", "").split())
    created = _date(said.get("created", ""))
    touched = _date(header.findtext(f"{_OAI}datestamp") or "")
    if not found or not title or not created or not touched:
        return None
    updated = _date(said.get("updated", ""))
    categories = tuple(said.get("categories", "").split())
    abstract = said.get("abstract", "")
    comments = said.get("comments", "")
    gone = is_withdrawn(comments, abstract)
    paper = Paper(
        found.id,
        title,
        found.url,
        version=None if updated else 1,
        authors=tuple(filter(None, map(_name, facts.iterfind(f"{_RECORD}authors/{_RECORD}author")))),
        abstract=abstract,
        primary_category=categories[0] if categories else "",
        categories=categories,
        published=created,
        flags=tuple(scan(comments, "comments")),
        updated=updated,
        withdrawn=(updated or touched) if gone else None,
    )
    return Record(paper, created, touched)


def _name(author: "etree._Element") -> str:
    parts = (author.findtext(f"{_RECORD}{part}") or "" for part in ("forenames", "keyname", "suffix"))
    return " ".join(" ".join(parts).split())


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
