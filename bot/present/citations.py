"""Lists of papers for reference managers and documents: Markdown, JSON, BibTeX, RIS, CSL-JSON. Pure.

Titles, names and notes are untrusted: each format escapes them in its own way.
"""

import json
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, assert_never

from bot.chat.links import safe_web_address
from bot.present.discussion import format_answers
from bot.present.queue import format_mark_count
from bot.present.wording import clean_text, format_count, format_date
from digests.limitations import key_limitations_of
from digests.model import ScoredPaper
from digests.ports.discussions import AnswerCounts

MAX_AUTHORS = 500
"""Authors of a paper that are listed."""


class ExportKind(StrEnum):
    """Lists of papers that can be exported."""

    QUEUE = "queue"
    DISCUSSIONS = "discussions"
    MARKS = "marks"


_TITLES = {
    ExportKind.QUEUE: "To discuss",
    ExportKind.DISCUSSIONS: "Discussed",
    ExportKind.MARKS: "Marked",
}


class ExportFormat(StrEnum):
    """Formats of a list of papers, by the ending of their files."""

    MARKDOWN = "md"
    JSON = "json"
    BIBTEX = "bib"
    RIS = "ris"
    CSL = "csl"

    @property
    def label(self) -> str:
        """The name of the format."""
        return _FORMAT_LABELS[self]

    def build_file_name(self, kind: ExportKind) -> str:
        """Return the name of a file with a list, such as queue.bib."""
        return f"{kind}.csl.json" if self is ExportFormat.CSL else f"{kind}.{self}"


_FORMAT_LABELS = {
    ExportFormat.MARKDOWN: "Markdown",
    ExportFormat.JSON: "JSON",
    ExportFormat.BIBTEX: "BibTeX",
    ExportFormat.RIS: "RIS",
    ExportFormat.CSL: "CSL-JSON",
}


@dataclass(frozen=True, slots=True)
class ExportedPaper:
    """A paper of a list, and what people made of it. `scored` is None for one that the library lacks.

    `discussed_on` is None for a paper without a discussion. `since` is the first mark.
    """

    paper: str
    scored: ScoredPaper | None
    mark_count: int = 0
    since: datetime | None = None
    discussed_on: date | None = None
    counts: AnswerCounts | None = None
    notes: tuple[str, ...] = ()


def format_papers(papers: Sequence[ExportedPaper], kind: ExportKind, export_format: ExportFormat) -> str:
    """Return the papers as a text of a format, with a line break at its end."""
    match export_format:
        case ExportFormat.MARKDOWN:
            return _format_markdown(papers, _TITLES[kind])
        case ExportFormat.JSON:
            return _to_json([_build_record(each) for each in papers])
        case ExportFormat.BIBTEX:
            return "\n".join(map(_format_bibtex, papers)) if papers else "\n"
        case ExportFormat.RIS:
            return "\n".join(map(_format_ris, papers)) if papers else "\n"
        case ExportFormat.CSL:
            return _to_json([_build_csl_item(each) for each in papers])
        case _:
            assert_never(export_format)


def build_citation_key(paper: str) -> str:
    """Return the key of a paper in every export: arxiv-2402.01306, arxiv-hep-th-9901001, web-0f3a.

    It depends on the id alone, so that a corrected title or a new export changes no key.
    """
    name = paper.replace(":", "-") if ":" in paper else f"arxiv-{paper}"
    allowed = string.ascii_letters + string.digits + ".-"
    return "".join(sign if sign in allowed else "-" if sign == "/" else f"_{ord(sign):x}_" for sign in name)


def _to_json(value: Any) -> str:
    return f"{json.dumps(value, indent=2, ensure_ascii=False)}\n"


# Facts that several formats have.


def _title(exported: ExportedPaper) -> str:
    return clean_text(exported.scored.paper.title) if exported.scored else exported.paper


def _authors(exported: ExportedPaper) -> list[str]:
    names = exported.scored.paper.authors[:MAX_AUTHORS] if exported.scored else ()
    return [name for name in map(clean_text, names) if name]


def _published(exported: ExportedPaper) -> date | None:
    return exported.scored.paper.published if exported.scored else None


def _address(exported: ExportedPaper) -> str:
    """Return the web address of a paper, quoted so that it ends no field; "" for an unsafe one."""
    return safe_web_address(exported.scored.paper.url) if exported.scored else ""


def _arxiv_id(exported: ExportedPaper) -> str:
    return "" if ":" in exported.paper else exported.paper


def _limitations(exported: ExportedPaper) -> list[str]:
    points = key_limitations_of(exported.scored.review).points if exported.scored else ()
    return [clean_text(point) for point in points]


def _tldr(exported: ExportedPaper) -> str:
    return clean_text(exported.scored.review.tldr) if exported.scored else ""


def _score(exported: ExportedPaper) -> float | None:
    return exported.scored.review.score if exported.scored else None


def _facts(exported: ExportedPaper) -> list[str]:
    """Return what people made of a paper, in words."""
    score = _score(exported)
    facts = [f"{score:.1f}/10"] if score is not None else []
    facts += [format_mark_count(exported.mark_count)] if exported.mark_count else []
    facts += [f"discussed on {format_date(exported.discussed_on)}"] if exported.discussed_on else []
    answers = format_answers(exported.scored, exported.counts) if exported.scored and exported.counts else ""
    facts += [answers] if answers else []
    return [*facts, format_count(len(exported.notes), "note")] if exported.notes else facts


def _comment(exported: ExportedPaper) -> str:
    """Return the review in short, with what people made of the paper, as one line."""
    limitations = _limitations(exported)
    parts = [
        _tldr(exported),
        f"Limitations: {'; '.join(limitations)}." if limitations else "",
        "; ".join(_facts(exported)),
    ]
    return " ".join(filter(None, parts))


# Markdown.

_MARKDOWN_SIGNS = {ord(sign): f"\\{sign}" for sign in "\\`*_[]<>#|~&@$"}


def _escape_markdown(text: str) -> str:
    return text.translate(_MARKDOWN_SIGNS)


def _format_markdown(papers: Sequence[ExportedPaper], title: str) -> str:
    lines = [f"# {_escape_markdown(title)}", ""]
    for place, each in enumerate(papers, start=1):
        name, address = _escape_markdown(_title(each)), _address(each)
        link = f"[{name}](<{address}>)" if address else name
        lines.append(f"{place}. " + " · ".join((link, *map(_escape_markdown, _facts(each)))))
        details = [
            ("TL;DR", _tldr(each)),
            *(("Limitation", point) for point in _limitations(each)),
            *(("Note", clean_text(note)) for note in each.notes),
        ]
        lines += [f"   - {label}: {_escape_markdown(text)}" for label, text in details if text]
    return "\n".join([*lines, ""]) if papers else f"{lines[0]}\n\nNothing here.\n"


# JSON.


def _build_record(exported: ExportedPaper) -> dict[str, Any]:
    published, counts = _published(exported), exported.counts
    return {
        "id": exported.paper,
        "key": build_citation_key(exported.paper),
        "title": _title(exported),
        "authors": _authors(exported),
        "published": published.isoformat() if published else None,
        "url": _address(exported),
        "score": _score(exported),
        "tldr": _tldr(exported),
        "limitations": _limitations(exported),
        "marks": exported.mark_count,
        "marked_since": exported.since.isoformat() if exported.since else None,
        "discussed_on": exported.discussed_on.isoformat() if exported.discussed_on else None,
        "worth_it": counts.worth_it if counts else 0,
        "worth_it_answers": counts.worth_it_total if counts else 0,
        "notes": list(exported.notes),
    }


# BibTeX.

_BIBTEX_SIGNS = str.maketrans(
    {
        "\\": r"{\textbackslash}",
        "{": r"{\textbraceleft}",
        "}": r"{\textbraceright}",
        "^": r"{\textasciicircum}",
        "~": r"{\textasciitilde}",
        **{sign: f"\\{sign}" for sign in "$&#%_"},
    }
)
"""Braces become commands: BibTeX counts them also behind a backslash."""


def _escape_bibtex(text: str) -> str:
    return text.translate(_BIBTEX_SIGNS)


def _format_bibtex_author(name: str) -> str:
    """Return a name, in braces if it has a comma or a word that BibTeX would read as a separator."""
    is_plain = "," not in name and "and" not in name.lower().split()
    return _escape_bibtex(name) if is_plain else f"{{{_escape_bibtex(name)}}}"


def _format_bibtex(exported: ExportedPaper) -> str:
    published, arxiv_id = _published(exported), _arxiv_id(exported)
    category = exported.scored.paper.primary_category if exported.scored else ""
    fields = {
        "title": f"{{{_escape_bibtex(_title(exported))}}}",
        "author": " and ".join(map(_format_bibtex_author, _authors(exported))),
        "year": str(published.year) if published else "",
        "month": str(published.month) if published else "",
        "eprint": _escape_bibtex(arxiv_id),
        "archiveprefix": "arXiv" if arxiv_id else "",
        "primaryclass": _escape_bibtex(clean_text(category)) if arxiv_id else "",
        "url": _address(exported),
        "note": _escape_bibtex(_comment(exported)),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join((f"@misc{{{build_citation_key(exported.paper)},", *lines, "}", ""))


# RIS: two letters, two spaces, a hyphen, a space, and a value of one line.


def _format_ris(exported: ExportedPaper) -> str:
    published = _published(exported)
    fields: list[tuple[str, str]] = [
        ("TY", "UNPB"),
        ("ID", build_citation_key(exported.paper)),
        ("TI", _title(exported)),
        *(("AU", name) for name in _authors(exported)),
        ("PY", str(published.year) if published else ""),
        ("DA", f"{published:%Y/%m/%d}" if published else ""),
        ("UR", _address(exported)),
        ("M1", f"arXiv:{_arxiv_id(exported)}" if _arxiv_id(exported) else ""),
        ("N1", _comment(exported)),
    ]
    lines = [f"{tag}  - {' '.join(value.split())}" for tag, value in fields if value]
    return "\n".join((*lines, "ER  - ", ""))


# CSL-JSON.


def _escape_csl(text: str) -> str:
    """Return a text without tags, which CSL would read as markup: the sign becomes its wide form."""
    return text.replace("<", "＜")


def _build_csl_item(exported: ExportedPaper) -> Mapping[str, Any]:
    published, arxiv_id = _published(exported), _arxiv_id(exported)
    item = {
        "id": build_citation_key(exported.paper),
        "type": "article",
        "title": _escape_csl(_title(exported)),
        "author": [{"literal": _escape_csl(name)} for name in _authors(exported)],
        "issued": {"date-parts": [[published.year, published.month, published.day]]} if published else None,
        "archive": "arXiv" if arxiv_id else "",
        "number": f"arXiv:{arxiv_id}" if arxiv_id else "",
        "URL": _address(exported),
        "note": _escape_csl(_comment(exported)),
    }
    return {name: value for name, value in item.items() if value}
