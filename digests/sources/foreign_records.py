"""Records of other programs, as the fields of a scored paper: arXiv's snapshot, CSL JSON and Zotero. Pure."""

import re
from collections.abc import Iterator, Set
from contextlib import suppress
from datetime import date, datetime
from email.utils import parsedate
from functools import lru_cache
from typing import Any

from digests.ids import find_paper_ids, parse_arxiv_id
from digests.sources.arxiv.papers import is_withdrawn

ALIASES = {
    "arxiv_id": "arxivid arxiv paper_id id",
    "abstract": "summary abs abstractnote abstract_note",
    "url": "link doi",
    "authors": "author creators",
    "primary_category": "category",
    "published": "date issued publication_date published_at publication_year year",
    "tldr": "tl;dr tl_dr",
    "model": "reviewer",
}
"""Other names of fields, in lower case with underscores, the one that says most first."""

_OTHER_NAMES = frozenset(" ".join(ALIASES.values()).split())

WRAPPERS = ("items", "papers", "records", "entries", "results", "data")
"""Keys under which a file may have all its records in one object."""

KNOWN_KEYS = frozenset(
    """
    submitter authors_parsed versions update_date comments comment journal-ref report-no license pdf
    html_url source type citation-key language number publisher container-title volume issue page note
    accessed archive archive_location title-short keyword shorttitle event-place event-title collection-
    title genre isbn issn pmid pmcid medium key version itemtype itemid itemkey relations collections tags
    dateadded datemodified accessdate repository archiveid librarycatalog extra rights url doi library links
    meta attachments notes seealso citationkey citekey publicationtitle proceedingstitle conferencename
    place pages journalabbreviation series seriestitle item_type publication_title access_date date_added
    date_modified library_catalog num_pages manual_tags automatic_tags journal_abbreviation file_attachments
    short_title call_number
    reviewed_days_ago
    """.split()  # noqa: SIM905
)
"""Keys of those programs, and of the bundled papers, that are ignored without a word, in lower case."""

MAX_CACHED_KEY = 64
"""Characters of a key whose normal form is kept."""

MAX_CACHED_DATE = 64
"""Characters of a date whose form of ISO 8601 is kept."""

_FIELD_BY_ALIAS = [(alias, field) for field, aliases in ALIASES.items() for alias in aliases.split()]

_NO_PAPERS = ("attachment", "note", "annotation")
"""Kinds of Zotero's items that are no papers."""


def split_wrapper(fields: dict[str, Any]) -> list[Any] | None:
    """Return the records of an object that wraps a whole file, or None for a record itself."""
    if "title" in fields or "arxiv_id" in fields:
        return None
    lowered = {key.lower() for key in fields}
    if lowered & {"title", "arxiv_id", "id"}:
        return None
    return next((fields[key] for key in WRAPPERS if isinstance(fields.get(key), list)), None)


def is_attachment(fields: dict[str, Any]) -> bool:
    """Return True for an item of Zotero that is a note or a file of a paper, and no paper."""
    return fields.get("itemType", fields.get("item_type")) in _NO_PAPERS


def adapt_record(fields: dict[str, Any], names: Set[str]) -> dict[str, Any]:
    """Return the fields of a record under `names`, those of a scored paper.

    Their values become those of a scored paper where another program writes them otherwise. A field that the
    record has under its own name is never replaced. Unknown keys are kept.
    """
    if fields.keys() <= names:
        given, adapted = fields, dict(fields)
    else:
        given, adapted = _rename_fields(fields, names)
    _move_address(adapted)
    if not adapted.get("arxiv_id") and (found := _find_arxiv_id(given)):
        adapted["arxiv_id"] = found
    if isinstance(names_of_authors := given.get("authors_parsed") or adapted.get("authors"), list):
        adapted["authors"] = _join_names(names_of_authors)
    if isinstance(versions := given.get("versions"), list) and versions:
        adapted.setdefault("published", _first_submission(versions))
        if isinstance(adapted.get("arxiv_id"), str) and "v" not in adapted["arxiv_id"]:
            adapted["arxiv_id"] += _last_version(versions)
    if "published" in adapted:
        adapted["published"] = _read_date(adapted["published"])
    return adapted


def _rename_fields(fields: dict[str, Any], names: Set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields that have a value by their normalized keys, and all fields under `names`."""
    if isinstance(fields.get("data"), dict) and "title" in fields["data"]:
        fields = fields["data"]  # Zotero's web interface.
    given = {_normalize_key(key): value for key, value in fields.items() if value not in (None, "")}
    adapted = {**fields, **{name: given[name] for name in names if name in given}}
    is_citation = not given.keys().isdisjoint(("itemtype", "item_type", "author", "issued", "creators"))
    for alias, field in _FIELD_BY_ALIAS:
        if alias not in given or adapted.get(field) not in (None, ""):
            continue
        if alias == "id" and is_citation and not _is_arxiv_id(given[alias]):
            continue  # The key of a citation.
        adapted[field] = _convert_doi(given[alias]) if alias == "doi" else given[alias]
    return given, adapted


def _normalize_key(key: str) -> str:
    # The records of a file have the same keys: one of the common length is normalized once.
    return _normalize_common_key(key) if len(key) <= MAX_CACHED_KEY else _replace_spaces(key)


@lru_cache(maxsize=1_000)
def _normalize_common_key(key: str) -> str:
    return _replace_spaces(key)


def _replace_spaces(key: str) -> str:
    return re.sub(r"[\s-]", "_", key.strip().lower())


def withdrawal_day(fields: dict[str, Any]) -> date | None:
    """Return the day of the last update of a snapshot's record whose comment or abstract withdraws it."""
    updated = fields.get("update_date")
    if not updated:
        return None
    comments, abstract = fields.get("comments") or "", fields.get("abstract") or ""
    if not all(isinstance(value, str) for value in (comments, abstract, updated)):
        return None
    try:
        return date.fromisoformat(updated) if is_withdrawn(comments, abstract) else None
    except ValueError:
        return None


def _is_arxiv_id(value: Any) -> bool:
    return isinstance(value, str) and parse_arxiv_id(value) is not None


def _move_address(adapted: dict[str, Any]) -> None:
    """Move an address that stands for an abstract or an id to the field of addresses."""
    for field in ("abstract", "arxiv_id"):
        if field in adapted and _is_address(adapted[field]):
            adapted.setdefault("url", adapted.pop(field))
    for other in ("abs", "pdf"):
        if other in adapted and _is_address(adapted[other]):
            adapted.setdefault("url", adapted[other])


def _is_address(value: Any) -> bool:
    is_text = isinstance(value, str) and value.startswith("http")
    return is_text and re.match(r"https?://\S+$", value) is not None


def _convert_doi(value: Any) -> Any:
    is_bare = isinstance(value, str) and re.match(r"(?:doi:\s*)?10\.\d", value.strip(), re.IGNORECASE)
    return f"https://doi.org/{value.strip()[value.strip().index('10.') :]}" if is_bare else value


def _find_arxiv_id(given: dict[str, Any]) -> str:
    """Return the arXiv id that a library's record names in a field of its own, if any."""
    for key in ("archiveid", "archive_location", "archivelocation", "number", "doi", "url", "extra", "note"):
        value = given.get(key)
        if isinstance(value, str) and _is_arxiv_id(value):
            return value
        if isinstance(value, str) and "arxiv" in value.lower():
            ids = [found for found in find_paper_ids(value[:2000]) if not found.id.startswith("web:")]
            if ids:
                return ids[0].id
    return ""


def _join_names(names: list[Any]) -> list[Any]:
    """Return names as texts: from objects with parts of a name, and from arXiv's lists of them."""
    if set(map(type, names)) == {str}:
        return names
    return [
        " ".join(str(part) for part in (*name[1:2], *name[:1], *name[2:3]) if part)
        if isinstance(name, list)
        else _join_parts(name)
        if isinstance(name, dict)
        else name
        for name in names
        if not (isinstance(name, dict) and name.get("creatorType", "author") != "author")
    ]


def _join_parts(name: dict[str, Any]) -> str:
    parts = (
        "given",
        "firstName",
        "first_name",
        "non-dropping-particle",
        "family",
        "lastName",
        "last_name",
        "suffix",
    )
    whole = name.get("name") or name.get("literal")
    return str(whole) if whole else " ".join(str(name[part]) for part in parts if name.get(part))


def _first_submission(versions: list[Any]) -> Any:
    return versions[0].get("created") if isinstance(versions[0], dict) else None


def _last_version(versions: list[Any]) -> str:
    version = versions[-1].get("version") if isinstance(versions[-1], dict) else ""
    return version if isinstance(version, str) and re.fullmatch(r"v[1-9]\d{0,3}", version) else ""


def _read_date(value: Any) -> Any:
    """Return a date of another form as that of ISO 8601: in parts, with slashes, in words, or of a mail."""
    if isinstance(value, dict):
        parts = value.get("date-parts")
        value = parts[0] if isinstance(parts, list) and parts else value.get("raw", value)
    if isinstance(value, list) and 0 < len(value) <= 3:
        value = "-".join(str(part) for part in value)
    if not isinstance(value, str):
        return f"{value}-01-01" if isinstance(value, int) and 1900 <= value < 2200 else value
    # The records of a day, or of a year, have the same date.
    return _read_common_date(value) if len(value) <= MAX_CACHED_DATE else _read_written_date(value)


@lru_cache(maxsize=10_000)
def _read_common_date(value: str) -> str:
    return _read_written_date(value)


def _read_written_date(value: str) -> str:
    text = value.strip()
    if found := re.fullmatch(r"(\d{4})(?:[-/](\d{1,2}))?(?:[-/](\d{1,2}))?", text):
        return "-".join((found[1], (found[2] or "1").zfill(2), (found[3] or "1").zfill(2)))
    for form in ("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y", "%B %Y", "%b %Y"):
        with suppress(ValueError):
            return datetime.strptime(text[:40], form).date().isoformat()  # noqa: DTZ007
    if "," in text and (parsed := parsedate(text[:60])):
        return f"{parsed[0]:04}-{parsed[1]:02}-{parsed[2]:02}"
    return value


def list_unknown_keys(fields: dict[str, Any], names: Set[str]) -> Iterator[str]:
    """Yield the keys of an adapted record that mean nothing here."""
    for key in fields:
        if key in names:
            continue
        name = _normalize_key(key)
        if not (name in names or name in KNOWN_KEYS or name in _OTHER_NAMES or key.lower() in KNOWN_KEYS):
            yield key
