"""arXiv's records by OAI-PMH: everything that was touched since a day, in pages."""

from dataclasses import dataclass
from datetime import date

from lxml import etree

from digests.errors import SourceError
from digests.ids import parse_arxiv_id
from digests.injections import scan_text
from digests.model import Paper
from digests.sources.arxiv.papers import is_withdrawn
from digests.sources.arxiv.xml import parse_xml

SERVER = "arXiv's record server"

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_RECORD = "{http://arxiv.org/OAI/arXiv/}"

_PHYSICS_ARCHIVES = frozenset(
    ("astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin", "nucl-ex", "nucl-th",
     "physics", "quant-ph")
)  # fmt: skip
"""Archives that the record server keeps in its group physics; every other archive is a group of its own."""


class TokenExpiredError(Exception):
    """The pages have to be begun anew: a token holds for a day."""


@dataclass(frozen=True, slots=True)
class OaiRecord:
    """A paper, the day it was first submitted, and the day of the last touch of its record."""

    paper: Paper
    created: date
    datestamp: date


@dataclass(frozen=True, slots=True)
class OaiPage:
    """Some records, and the token of the next page; empty on the last one."""

    records: tuple[OaiRecord, ...]
    token: str


def set_for_category(category: str) -> str:
    """The record server's name of a category or archive: cs.LG is cs:cs:LG, and hep-th physics:hep-th."""
    archive, _, subject = category.partition(".")
    group = "physics" if archive in _PHYSICS_ARCHIVES else archive
    if not subject and group == archive:
        return group
    return ":".join(part for part in (group, archive, subject) if part)


def first_page_parameters(category: str, since: date) -> dict[str, str]:
    """What to ask for the records of a category that were touched since a day, that day included."""
    return {
        "verb": "ListRecords",
        "metadataPrefix": "arXiv",
        "set": set_for_category(category),
        "from": since.isoformat(),
    }


def next_page_parameters(token: str) -> dict[str, str]:
    """What to ask for the page after one."""
    return {"verb": "ListRecords", "resumptionToken": token}


def parse_page(body: bytes) -> OaiPage:
    """The page in an answer. Raises TokenExpiredError, and SourceError with arXiv's own words for other errors."""
    root = parse_xml(body, SERVER)
    if root.tag != f"{_OAI}OAI-PMH":
        raise SourceError(f"{SERVER} answered XML that holds no records: try again later.")
    for error in root.iterchildren(f"{_OAI}error"):
        match error.get("code"):
            case "noRecordsMatch":
                return OaiPage((), "")
            case "badResumptionToken":
                raise TokenExpiredError
            case code:
                message = " ".join((error.text or "").split())[:200]
                raise SourceError(f"{SERVER} reports {code or 'an error'}: {message or 'nothing more'}.")
    record_list = root.find(f"{_OAI}ListRecords")
    if record_list is None:
        raise SourceError(f"{SERVER} answered XML that holds no records: try again later.")
    records = [found for one in record_list.iterchildren(f"{_OAI}record") if (found := _parse_record(one))]
    return OaiPage(tuple(records), (record_list.findtext(f"{_OAI}resumptionToken") or "").strip())


def _parse_record(record: "etree._Element") -> OaiRecord | None:
    """None for one that was deleted, or that cannot be one of a paper."""
    header, metadata = record.find(f"{_OAI}header"), record.find(f"{_OAI}metadata/{_RECORD}arXiv")
    if header is None or metadata is None:
        return None
    fields = {child.tag.removeprefix(_RECORD): (child.text or "").strip() for child in metadata}
    found = parse_arxiv_id(fields.get("id", ""))
    title = " ".join(fields.get("title", "").split())
    created = _parse_date(fields.get("created", ""))
    datestamp = _parse_date(header.findtext(f"{_OAI}datestamp") or "")
    if not found or not title or not created or not datestamp:
        return None
    updated = _parse_date(fields.get("updated", ""))
    categories = tuple(fields.get("categories", "").split())
    abstract = fields.get("abstract", "")
    comments = fields.get("comments", "")
    has_been_withdrawn = is_withdrawn(comments, abstract)
    paper = Paper(
        found.id,
        title,
        found.url,
        version=None if updated else 1,
        authors=tuple(
            filter(None, map(_format_author_name, metadata.iterfind(f"{_RECORD}authors/{_RECORD}author")))
        ),
        abstract=abstract,
        primary_category=categories[0] if categories else "",
        categories=categories,
        published=created,
        flags=tuple(scan_text(comments, "comments")),
        updated=updated,
        withdrawn=(updated or datestamp) if has_been_withdrawn else None,
    )
    return OaiRecord(paper, created, datestamp)


def _format_author_name(author: "etree._Element") -> str:
    parts = (author.findtext(f"{_RECORD}{part}") or "" for part in ("forenames", "keyname", "suffix"))
    return " ".join(" ".join(parts).split())


def _parse_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
