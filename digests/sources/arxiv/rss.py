"""arXiv's daily feed, as RSS or as Atom: what was announced on one day."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

from digests.calendar import NEW_YORK
from digests.errors import SourceError
from digests.ids import parse_arxiv_id
from digests.model import Paper
from digests.sources.arxiv.papers import collapse_spaces, is_withdrawn, latest_submission_day
from digests.sources.arxiv.xml import parse_xml

SERVER = "arXiv's feed"

MAX_FEED_ITEMS = 2000
"""arXiv cuts a feed off there."""

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_NEW_KINDS = frozenset(("new", "cross"))

_RSS_ITEM = ("title", "description", "guid", "category", f"{_ARXIV}announce_type", f"{_DC}creator")
_ATOM_ITEM = (
    f"{_ATOM}title",
    f"{_ATOM}summary",
    f"{_ATOM}id",
    f"{_ATOM}category",
    f"{_ARXIV}announce_type",
    f"{_DC}creator",
)
"""What is read of an item, in one order: title, text, name, category, announce type, authors."""
_USUAL_GUID = re.compile(r"oai:arXiv\.org:([012]\d(?:0[1-9]|1[0-2])\.\d{5})v([1-9]\d{0,2})")
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_NAME_SUFFIXES = frozenset(("Jr.", "Jr", "Sr.", "II", "III", "IV"))


@dataclass(frozen=True, slots=True)
class Feed:
    """A day's announcements: `news` are new papers and cross-lists, `replaced` have a new version. Each paper once."""

    day: date
    new_papers: tuple[Paper, ...]
    replaced_papers: tuple[Paper, ...]

    @property
    def paper_count(self) -> int:
        return len(self.new_papers) + len(self.replaced_papers)


def parse_feed(body: bytes) -> Feed:
    """The feed in an answer. Raises SourceError, with arXiv's own words where it is a feed that reports an error."""
    root = parse_xml(body, SERVER)
    channel = root.find("channel") if root.tag == "rss" else root
    if channel is None or (root.tag not in ("rss", f"{_ATOM}feed")):
        raise SourceError(f"{SERVER} answered XML that is no feed (<{_local_name(root)}>): try again later.")
    title = channel.findtext("title") or channel.findtext(f"{_ATOM}title") or ""
    if "error" in title.lower():
        message = channel.findtext("description") or channel.findtext(f"{_ATOM}subtitle") or title
        raise SourceError(f"{SERVER} reports: {' '.join(message.split())[:200]} Check the categories.")
    day = _parse_feed_day(channel)
    item, tags = ("item", _RSS_ITEM) if root.tag == "rss" else (f"{_ATOM}entry", _ATOM_ITEM)
    return _build_feed(
        day, [found for one in channel.iterchildren(item) if (found := _parse_item(one, tags, day))]
    )


def _local_name(element: "etree._Element") -> str:
    return etree.QName(element).localname


def _parse_feed_day(channel: "etree._Element") -> date:
    published = channel.findtext("pubDate") or channel.findtext("lastBuildDate")
    updated = channel.findtext(f"{_ATOM}updated")
    try:
        if published:
            return parsedate_to_datetime(published).astimezone(NEW_YORK).date()
        return datetime.fromisoformat(updated or "").astimezone(NEW_YORK).date()
    except ValueError:
        raise SourceError(f"{SERVER} does not say which day it is of: try again later.") from None


def _build_feed(day: date, items: list[tuple[str, Paper]]) -> Feed:
    """A paper that stands there twice, new and as a cross-list, is one paper."""
    new_papers: dict[str, Paper] = {}
    replaced_papers: dict[str, Paper] = {}
    for kind, paper in items:
        (new_papers if kind in _NEW_KINDS else replaced_papers).setdefault(paper.id, paper)
    return Feed(
        day,
        tuple(new_papers.values()),
        tuple(one for one in replaced_papers.values() if one.id not in new_papers),
    )


def _parse_item(item: "etree._Element", tags: Sequence[str], day: date) -> tuple[str, Paper] | None:
    """Its announce type and the paper; None for an item that names none."""
    a_title, a_text, a_name, a_category, a_kind, a_creator = tags
    fields: dict[str, str | None] = {}
    categories: list[str] = []
    for child in item:
        tag = child.tag
        if tag == a_category:
            categories.append((child.text or child.get("term") or "").strip())
        else:
            fields[tag] = child.text
    found = _parse_guid(fields.get(a_name) or "")
    title = collapse_spaces(fields.get(a_title) or "")
    if not found or not title:
        return None
    name, version = found
    kind = (fields.get(a_kind) or "new").strip()
    abstract = _extract_abstract(fields.get(a_text) or "")
    return kind, Paper(
        name,
        title,
        f"https://arxiv.org/abs/{name}",
        version,
        split_author_names(fields.get(a_creator) or ""),
        abstract,
        categories[0] if categories else "",
        tuple(categories),
        published=day if kind == "new" else latest_submission_day(name, day) if kind == "cross" else None,
        updated=None if kind in _NEW_KINDS else day,
        withdrawn=day if is_withdrawn("", abstract) else None,
    )


def _parse_guid(guid: str) -> tuple[str, int | None] | None:
    """The paper's id and version; every form of an id is understood, and the usual one at once."""
    if usual := _USUAL_GUID.fullmatch(guid):
        return usual[1], int(usual[2])
    found = parse_arxiv_id(guid.rpartition("oai:arXiv.org:")[2])
    return (found.id, found.version) if found else None


def _extract_abstract(description: str) -> str:
    _, mark, abstract = description.partition("Abstract: ")
    return (abstract if mark else description).strip()


def split_author_names(text: str) -> tuple[str, ...]:
    """Names out of one text with commas between them; affiliations in brackets are no names."""
    if "(" in text:
        text = _BRACKETS.sub("", text)
    names = collapse_spaces(text).replace(" and ", ", ").split(", ")
    if _NAME_SUFFIXES.isdisjoint(names):
        return tuple(filter(None, names))
    return tuple(_join_name_suffixes(filter(None, names)))


def _join_name_suffixes(names: Iterable[str]) -> list[str]:
    """Jr. and III belong to the name before them."""
    joined: list[str] = []
    for name in names:
        if name in _NAME_SUFFIXES and joined:
            joined[-1] += f", {name}"
        else:
            joined.append(name)
    return joined
