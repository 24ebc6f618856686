"""arXiv's daily feed, as RSS or as Atom: what was announced on one day."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

from digests.calendar import NEW_YORK
from digests.errors import SourceError
from digests.ids import arxiv_id
from digests.model import Paper
from digests.sources.arxiv.papers import is_withdrawn, last_day_of, one_line
from digests.sources.arxiv.xml import parsed

SERVER = "arXiv's feed"

MOST_ITEMS = 2000
"""arXiv cuts a feed off there."""

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_NEWS = frozenset(("new", "cross"))

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
_USUAL = re.compile(r"oai:arXiv\.org:([012]\d(?:0[1-9]|1[0-2])\.\d{5})v([1-9]\d{0,2})")
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_NAME_ENDS = frozenset(("Jr.", "Jr", "Sr.", "II", "III", "IV"))


@dataclass(frozen=True, slots=True)
class Feed:
    """A day's announcements: `news` are new papers and cross-lists, `replaced` have a new version. Each paper once."""

    day: date
    news: tuple[Paper, ...]
    replaced: tuple[Paper, ...]

    @property
    def size(self) -> int:
        return len(self.news) + len(self.replaced)


def read(body: bytes) -> Feed:
    """The feed in an answer. Raises SourceError, with arXiv's own words where it is a feed that reports an error."""
    root = parsed(body, SERVER)
    channel = root.find("channel") if root.tag == "rss" else root
    if channel is None or (root.tag not in ("rss", f"{_ATOM}feed")):
        raise SourceError(f"{SERVER} answered XML that is no feed (<{_local(root)}>): try again later.")
    title = channel.findtext("title") or channel.findtext(f"{_ATOM}title") or ""
    if "error" in title.lower():
        said = channel.findtext("description") or channel.findtext(f"{_ATOM}subtitle") or title
        raise SourceError(f"{SERVER} reports: {' '.join(said.split())[:200]} Check the categories.")
    day = _day(channel)
    item, tags = ("item", _RSS_ITEM) if root.tag == "rss" else (f"{_ATOM}entry", _ATOM_ITEM)
    return _feed(day, [found for one in channel.iterchildren(item) if (found := _item(one, tags, day))])


def _local(element: "etree._Element") -> str:
    return etree.QName(element).localname


def _day(channel: "etree._Element") -> date:
    said = channel.findtext("pubDate") or channel.findtext("lastBuildDate")
    updated = channel.findtext(f"{_ATOM}updated")
    try:
        if said:
            return parsedate_to_datetime(said).astimezone(NEW_YORK).date()
        return datetime.fromisoformat(updated or "").astimezone(NEW_YORK).date()
    except ValueError:
        raise SourceError(f"{SERVER} does not say which day it is of: try again later.") from None


def _feed(day: date, items: list[tuple[str, Paper]]) -> Feed:
    """A paper that stands there twice, new and as a cross-list, is one paper."""
    news: dict[str, Paper] = {}
    replaced: dict[str, Paper] = {}
    for kind, paper in items:
        (news if kind in _NEWS else replaced).setdefault(paper.id, paper)
    return Feed(day, tuple(news.values()), tuple(one for one in replaced.values() if one.id not in news))


def _item(item: "etree._Element", tags: Sequence[str], day: date) -> tuple[str, Paper] | None:
    """Its announce type and the paper; None for an item that names none."""
    a_title, a_text, a_name, a_category, a_kind, a_creator = tags
    said: dict[str, str | None] = {}
    categories: list[str] = []
    for child in item:
        tag = child.tag
        if tag == a_category:
            categories.append((child.text or child.get("term") or "").strip())
        else:
            said[tag] = child.text
    found = _named(said.get(a_name) or "")
    title = one_line(said.get(a_title) or "")
    if not found or not title:
        return None
    name, version = found
    kind = (said.get(a_kind) or "new").strip()
    abstract = _abstract(said.get(a_text) or "")
    return kind, Paper(
        name,
        title,
        f"https://arxiv.org/abs/{name}",
        version,
        author_names(said.get(a_creator) or ""),
        abstract,
        categories[0] if categories else "",
        tuple(categories),
        published=day if kind == "new" else last_day_of(name, day) if kind == "cross" else None,
        updated=None if kind in _NEWS else day,
        withdrawn=day if is_withdrawn("", abstract) else None,
    )


def _named(guid: str) -> tuple[str, int | None] | None:
    """The paper's id and version; every form of an id is understood, and the usual one at once."""
    if usual := _USUAL.fullmatch(guid):
        return usual[1], int(usual[2])
    found = arxiv_id(guid.rpartition("oai:arXiv.org:")[2])
    return (found.id, found.version) if found else None


def _abstract(description: str) -> str:
    _, mark, abstract = description.partition("Abstract: ")
    return (abstract if mark else description).strip()


def author_names(text: str) -> tuple[str, ...]:
    """Names out of one text with commas between them; affiliations in brackets are no names."""
    if "(" in text:
        text = _BRACKETS.sub("", text)
    names = one_line(text).replace(" and ", ", ").split(", ")
    if _NAME_ENDS.isdisjoint(names):
        return tuple(filter(None, names))
    return tuple(_with_ends(filter(None, names)))


def _with_ends(names: Iterable[str]) -> list[str]:
    """Jr. and III belong to the name before them."""
    joined: list[str] = []
    for name in names:
        if name in _NAME_ENDS and joined:
            joined[-1] += f", {name}"
        else:
            joined.append(name)
    return joined
