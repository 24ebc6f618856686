"""arXiv's query API: requests for papers by id, and their Atom responses. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lxml import etree

from digests.errors import SourceError
from digests.ids import parse_arxiv_id
from digests.injections import scan_text
from digests.model import Paper
from digests.sources.arxiv.papers import is_withdrawn
from digests.sources.arxiv.xml import parse_xml

SERVER = "arXiv's query server"

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


_REJECTED_ID = "incorrect id format for "


class RejectedIdError(SourceError):
    """arXiv refuses a whole query because of one id, `paper`, that cannot be any paper's."""

    def __init__(self, sentence: str, paper: str) -> None:
        super().__init__(sentence)
        self.paper = paper


@dataclass(frozen=True, slots=True)
class QueryPage:
    """Papers of one response.

    `total` is the server's count of all results, else the number of these papers.
    """

    papers: tuple[Paper, ...]
    total: int


def parameters_for_ids(ids: Sequence[str]) -> dict[str, str]:
    """Return the query for papers by id. arXiv leaves unknown ids out of its response."""
    return {"id_list": ",".join(ids), "start": "0", "max_results": str(len(ids))}


def parse_page(body: bytes) -> QueryPage:
    """Parse a response. Entries without an arXiv id or a title are left out.

    Raises SourceError for anything but a feed, and with arXiv's message if it reports an error:
    RejectedIdError if that is about one id.
    """
    root = parse_xml(body, SERVER)
    if root.tag != f"{_ATOM}feed":
        raise SourceError(f"{SERVER} answered XML that is not a feed: try again later.")
    entries = list(root.iterchildren(f"{_ATOM}entry"))
    for entry in entries:
        if "/api/errors" in (entry.findtext(f"{_ATOM}id") or ""):
            message = " ".join((entry.findtext(f"{_ATOM}summary") or "an error").split())
            sentence = f"{SERVER} reports: {message[:200]}."
            if message.startswith(_REJECTED_ID):
                raise RejectedIdError(sentence, message.removeprefix(_REJECTED_ID))
            raise SourceError(sentence)
    total = (root.findtext(f"{_SEARCH}totalResults") or "").strip()
    papers = tuple(paper for entry in entries if (paper := _parse_paper(entry)))
    return QueryPage(papers, int(total) if total.isdecimal() else len(papers))


def _parse_paper(entry: "etree._Element") -> Paper | None:
    found = parse_arxiv_id(entry.findtext(f"{_ATOM}id") or "")
    title = " ".join((entry.findtext(f"{_ATOM}title") or "").split())
    if not found or not title:
        return None
    elements = entry.iterchildren(f"{_ATOM}category")
    categories = tuple(dict.fromkeys(element.get("term", "") for element in elements))
    primary = entry.find(f"{_ARXIV}primary_category")
    names = (" ".join((name.text or "").split()) for name in entry.iterfind(f"{_ATOM}author/{_ATOM}name"))
    abstract = (entry.findtext(f"{_ATOM}summary") or "").strip()
    updated = _parse_date(entry.findtext(f"{_ATOM}updated"))
    comment = entry.findtext(f"{_ARXIV}comment") or ""
    has_been_withdrawn = is_withdrawn(comment, abstract)
    return Paper(
        found.id,
        title,
        found.url,
        found.version,
        tuple(filter(None, names)),
        abstract,
        (primary.get("term", "") if primary is not None else "") or (categories[0] if categories else ""),
        categories,
        published=_parse_date(entry.findtext(f"{_ATOM}published")),
        flags=tuple(scan_text(comment, "comments")),
        updated=updated if (found.version or 1) > 1 else None,
        withdrawn=updated if has_been_withdrawn else None,
    )


def _parse_date(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "").strip()[:10])
    except ValueError:
        return None
