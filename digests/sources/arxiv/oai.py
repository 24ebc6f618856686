"""arXiv's record server (OAI-PMH): requests and pages of all records modified since a day. Pure."""

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
"""Name of the server in messages."""

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_RECORD = "{http://arxiv.org/OAI/arXiv/}"

_PHYSICS_ARCHIVES = frozenset(
    ("astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin", "nucl-ex",
     "nucl-th", "physics", "quant-ph")
)  # fmt: skip
"""Archives in the record server's group "physics". Every other archive is a group of its own."""


class TokenExpiredError(Exception):
    """Expired resumption token: start again at the first page. A token is valid for one day."""


@dataclass(frozen=True, slots=True)
class OaiRecord:
    """A paper, the day it was first submitted, and the day its record was last modified."""

    paper: Paper
    created: date
    datestamp: date


@dataclass(frozen=True, slots=True)
class OaiPage:
    """One page of records. `token` requests the next page; it is empty on the last one."""

    records: tuple[OaiRecord, ...]
    token: str


def set_for_category(category: str) -> str:
    """Return the record server's set for a category or archive.

    The set of cs.LG is cs:cs:LG, and that of hep-th is physics:hep-th.
    """
    archive, _, subject = category.partition(".")
    group = "physics" if archive in _PHYSICS_ARCHIVES else archive
    if not subject and group == archive:
        return group
    return ":".join(part for part in (group, archive, subject) if part)


def first_page_parameters(category: str, since: date) -> dict[str, str]:
    """Return the query for a category's records modified on `since` or later."""
    return {
        "verb": "ListRecords",
        "metadataPrefix": "arXiv",
        "set": set_for_category(category),
        "from": since.isoformat(),
    }


def next_page_parameters(token: str) -> dict[str, str]:
    """Return the query for the page that a token stands for."""
    return {"verb": "ListRecords", "resumptionToken": token}


def parse_page(body: bytes) -> OaiPage:
    """Parse a response. Records that cannot be used are left out. The page is empty if no record matches.

    Raises TokenExpiredError, and SourceError for malformed XML and for other errors, with arXiv's message.
    """
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
    elements = record_list.iterchildren(f"{_OAI}record")
    records = tuple(record for element in elements if (record := _parse_record(element)))
    return OaiPage(records, (record_list.findtext(f"{_OAI}resumptionToken") or "").strip())


def _parse_record(record: "etree._Element") -> OaiRecord | None:
    """Parse a record. Returns None for a deleted record, and for one without an id, a title or dates."""
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
