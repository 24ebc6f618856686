"""arXiv's daily feed, in RSS or Atom: the announcements of one day. Pure."""

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
"""Items after which arXiv truncates a feed."""

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
"""Tags of an item that are read: title, text, id, category, announce type, authors."""
_USUAL_GUID = re.compile(r"oai:arXiv\.org:([012]\d(?:0[1-9]|1[0-2])\.\d{5})v([1-9]\d{0,2})")
_BRACKETS = re.compile(r" ?\([^()]*\)")
_NAME_SUFFIXES = frozenset(("Jr.", "Jr", "Sr.", "II", "III", "IV"))


@dataclass(frozen=True, slots=True)
class Feed:
    """Announcements of a day, each paper once.

    New papers include cross-lists. Replaced papers have a new version.
    """

    day: date
    new_papers: tuple[Paper, ...]
    replaced_papers: tuple[Paper, ...]

    @property
    def paper_count(self) -> int:
        return len(self.new_papers) + len(self.replaced_papers)


def parse_feed(body: bytes) -> Feed:
    """Parse a response. Items without an arXiv id or a title are left out.

    Raises SourceError for anything but a feed, for a feed without a date, and with arXiv's message if the
    feed reports an error.
    """
    root = parse_xml(body, SERVER)
    channel = root.find("channel") if root.tag == "rss" else root
    if channel is None or (root.tag not in ("rss", f"{_ATOM}feed")):
        raise SourceError(
            f"{SERVER} answered XML that is not a feed (<{_local_name(root)}>): try again later."
        )
    title = channel.findtext("title") or channel.findtext(f"{_ATOM}title") or ""
    if "error" in title.lower():
        message = channel.findtext("description") or channel.findtext(f"{_ATOM}subtitle") or title
        raise SourceError(f"{SERVER} reports: {' '.join(message.split())[:200]} Check the categories.")
    day = _parse_feed_day(channel)
    item, tags = ("item", _RSS_ITEM) if root.tag == "rss" else (f"{_ATOM}entry", _ATOM_ITEM)
    elements = channel.iterchildren(item)
    return _build_feed(day, [parsed for element in elements if (parsed := _parse_item(element, tags, day))])


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
        raise SourceError(f"{SERVER} has no date: try again later.") from None


def _build_feed(day: date, items: list[tuple[str, Paper]]) -> Feed:
    """Build a feed. A paper listed twice is kept once; as a new one if it is new or cross-listed."""
    new_papers: dict[str, Paper] = {}
    replaced_papers: dict[str, Paper] = {}
    for kind, paper in items:
        (new_papers if kind in _NEW_KINDS else replaced_papers).setdefault(paper.id, paper)
    return Feed(
        day,
        tuple(new_papers.values()),
        tuple(paper for paper in replaced_papers.values() if paper.id not in new_papers),
    )


def _parse_item(item: "etree._Element", tags: Sequence[str], day: date) -> tuple[str, Paper] | None:
    """Parse an item of the feed of `day` into its announce type and the paper. None without an id or a title.

    The type is "new" if the item names none. `tags` are the six of `_RSS_ITEM` or `_ATOM_ITEM`, in that
    order.
    """
    title_tag, text_tag, id_tag, category_tag, kind_tag, authors_tag = tags
    fields: dict[str, str | None] = {}
    categories: list[str] = []
    for child in item:
        tag = child.tag
        if tag == category_tag:
            categories.append((child.text or child.get("term") or "").strip())
        else:
            fields[tag] = child.text
    found = _parse_guid(fields.get(id_tag) or "")
    title = collapse_spaces(fields.get(title_tag) or "")
    if not found or not title:
        return None
    paper_id, version = found
    kind = (fields.get(kind_tag) or "new").strip()
    abstract = _extract_abstract(fields.get(text_tag) or "")
    return kind, Paper(
        paper_id,
        title,
        f"https://arxiv.org/abs/{paper_id}",
        version,
        split_author_names(fields.get(authors_tag) or ""),
        abstract,
        categories[0] if categories else "",
        tuple(categories),
        published=_published_day(kind, paper_id, day),
        updated=None if kind in _NEW_KINDS else day,
        withdrawn=day if is_withdrawn("", abstract) else None,
    )


def _published_day(kind: str, paper_id: str, day: date) -> date | None:
    """Return the day for a new paper, an estimate for a cross-list, and None for a replacement."""
    if kind == "new":
        return day
    return latest_submission_day(paper_id, day) if kind == "cross" else None


def _parse_guid(guid: str) -> tuple[str, int | None] | None:
    """Return the paper's id and version, None for no arXiv id. The version is None if it is not named.

    Accepts every form of an id; the usual one takes a shortcut.
    """
    if usual := _USUAL_GUID.fullmatch(guid):
        return usual[1], int(usual[2])
    found = parse_arxiv_id(guid.rpartition("oai:arXiv.org:")[2])
    return (found.id, found.version) if found else None


def _extract_abstract(description: str) -> str:
    _, mark, abstract = description.partition("Abstract: ")
    return (abstract if mark else description).strip()


def split_author_names(text: str) -> tuple[str, ...]:
    """Split a text of names with commas or "and" between them, dropping affiliations in brackets.

    Suffixes such as Jr. stay with their names. Empty for an empty text.
    """
    text = collapse_spaces(text)
    if "(" in text:
        text = collapse_spaces(_BRACKETS.sub("", text))
    names = text.replace(" and ", ", ").split(", ")
    if _NAME_SUFFIXES.isdisjoint(names):
        return tuple(filter(None, names))
    return tuple(_join_name_suffixes(filter(None, names)))


def _join_name_suffixes(names: Iterable[str]) -> list[str]:
    """Join suffixes such as Jr. and III with the name before them."""
    joined: list[list[str]] = []
    for name in names:
        if name in _NAME_SUFFIXES and joined:
            joined[-1].append(name)
        else:
            joined.append([name])
    return [", ".join(parts) for parts in joined]
