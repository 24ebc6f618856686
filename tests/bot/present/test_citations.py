"""Exports of papers in every format, read back by parsers that share no code with them."""

import json
import re
from datetime import date

import pytest

from bot.present.citations import ExportedPaper, ExportFormat, ExportKind, build_citation_key, format_papers
from digests.ports.discussions import AnswerCounts
from tests.bot.shared_cases import LONG, NASTY
from tests.builders import a_review, a_scored_paper

HOSTILE = '50% of {Graphs} & #1 \\cite{x} $x_1$ ~a^b "q" }, title = {owned}, @misc{evil,'
HOSTILE_LINES = "Fine\nER  - \nTY  - BOOK\r\nTI  - owned"


def an_exported(title: str, *, paper: str = "2402.01306", author: str = "Ada Lovelace") -> ExportedPaper:
    scored = a_scored_paper(
        paper, a_review(8.7, tldr=title, limitations=f"Only tested on English. {title}"), title=title,
        authors=(author, "Land, and Sea Group"), published=date(2024, 2, 2), primary_category="cs.CL",
    )  # fmt: skip
    return ExportedPaper(
        paper, scored, 3, None, date(2026, 12, 3), AnswerCounts(5, 6), notes=(title, "ask for the code")
    )


def read_bibtex(text: str) -> list[dict[str, str]]:
    """Parse entries as BibTeX does: fields in braces, which are counted also behind a backslash."""
    entries, position = [], 0
    while found := re.compile(r"\s*@(\w+)\{([^,\s{}]+),").match(text, position):
        entry, position = {"type": found[1], "key": found[2]}, found.end()
        while field := re.compile(r"\s*(\w+) = \{").match(text, position):
            depth, end = 1, field.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            assert field[1] not in entry, "a field stands once"
            entry[field[1]] = text[field.end() : end - 1]
            comma = re.compile(r",").match(text, end)
            assert comma
            position = comma.end()
        closed = re.compile(r"\s*\}").match(text, position)
        assert closed, text[position : position + 40]
        position = closed.end()
        entries.append(entry)
    assert not text[position:].strip()
    return entries


def unescape_bibtex(value: str) -> str:
    for command, sign in (
        (r"{\textbackslash}", "\0"), (r"{\textbraceleft}", "\1"), (r"{\textbraceright}", "\2"),
        (r"{\textasciicircum}", "^"), (r"{\textasciitilde}", "~"),
    ):  # fmt: skip
        value = value.replace(command, sign)
    value = re.sub(r"\\([$&#%_])", r"\1", value).removeprefix("{").removesuffix("}")
    assert not set(value) & set("\\{}"), value
    return value.replace("\0", "\\").replace("\1", "{").replace("\2", "}")


def read_ris(text: str) -> list[dict[str, list[str]]]:
    records: list[dict[str, list[str]]] = []
    for line in filter(None, text.split("\n")):
        found = re.fullmatch(r"([A-Z][A-Z0-9])  - (.*)", line)
        assert found, line
        if found[1] == "TY":
            records.append({})
        records[-1].setdefault(found[1], []).append(found[2])
    assert all(record["ER"] == [""] for record in records)
    return records


@pytest.mark.parametrize("title", ["KTO: Model Alignment", HOSTILE, HOSTILE_LINES, NASTY, LONG, "", "}}}{{{"])
def test_titles_come_back_from_every_format_as_they_are_shown(title: str) -> None:
    papers = [an_exported(title), an_exported("The last one", paper="hep-th/9901001")]
    (record, _) = json.loads(format_papers(papers, ExportKind.QUEUE, ExportFormat.JSON))
    shown = record["title"]
    assert "\n" not in shown
    first, last = read_bibtex(format_papers(papers, ExportKind.QUEUE, ExportFormat.BIBTEX))
    assert unescape_bibtex(first.get("title", "{}")) == shown
    assert (first["eprint"], last["key"]) == ("2402.01306", "arxiv-hep-th-9901001")
    first_record, last_record = read_ris(format_papers(papers, ExportKind.QUEUE, ExportFormat.RIS))
    assert first_record.get("TI", [""]) == [" ".join(shown.split())] or not shown
    assert last_record["TI"] == ["The last one"]
    (item, _) = json.loads(format_papers(papers, ExportKind.QUEUE, ExportFormat.CSL))
    assert item.get("title", "") == shown.replace("<", "＜")
    markdown = format_papers(papers, ExportKind.QUEUE, ExportFormat.MARKDOWN)
    assert sum(line.startswith(("1. ", "2. ")) for line in markdown.splitlines()) == 2


def test_an_entry_has_the_facts_of_its_paper() -> None:
    (entry,) = read_bibtex(format_papers([an_exported("KTO")], ExportKind.QUEUE, ExportFormat.BIBTEX))
    assert {name: entry[name] for name in ("type", "key", "title", "year", "month", "archiveprefix")} == {
        "type": "misc", "key": "arxiv-2402.01306", "title": "{KTO}", "year": "2024", "month": "2",
        "archiveprefix": "arXiv",
    }  # fmt: skip
    assert entry["author"] == "Ada Lovelace and {Land, and Sea Group}"
    assert entry["note"].endswith(
        r"8.7/10; 3 want to discuss; discussed on 3 December 2026; worth it 5 of 6; 2 notes"
    )
    (record,) = read_ris(format_papers([an_exported("KTO")], ExportKind.QUEUE, ExportFormat.RIS))
    assert (record["AU"], record["DA"]) == (["Ada Lovelace", "Land, and Sea Group"], ["2024/02/02"])
    (item,) = json.loads(format_papers([an_exported("KTO")], ExportKind.QUEUE, ExportFormat.CSL))
    assert item["issued"] == {"date-parts": [[2024, 2, 2]]}
    assert item["author"][0] == {"literal": "Ada Lovelace"}


def test_markdown_escapes_what_people_and_authors_wrote() -> None:
    text = format_papers(
        [an_exported("[a](http://evil) <b> *x* @all")], ExportKind.QUEUE, ExportFormat.MARKDOWN
    )
    assert "[\\[a\\](http://evil)" in text
    assert "\\*x\\* \\@all" in text
    assert "   - Note: ask for the code\n" in text
    assert format_papers([], ExportKind.QUEUE, ExportFormat.MARKDOWN) == "# To discuss\n\nNothing here.\n"


def test_keys_are_those_of_the_id_whatever_the_title() -> None:
    assert build_citation_key("2402.01306") == "arxiv-2402.01306"
    assert build_citation_key("web:0f3a") == "web-0f3a"
    assert build_citation_key("a b}") == "arxiv-a_20_b_7d_"
    before, after = (
        read_bibtex(format_papers([an_exported(title)], ExportKind.QUEUE, ExportFormat.BIBTEX))[0]["key"]
        for title in ("One", "Another")
    )
    assert before == after


@pytest.mark.parametrize("export_format", list(ExportFormat))
def test_a_paper_that_the_library_lacks_and_no_paper_at_all_are_exported(export_format: ExportFormat) -> None:
    assert "2402.01306" in format_papers([ExportedPaper("2402.01306", None)], ExportKind.QUEUE, export_format)
    assert format_papers([], ExportKind.QUEUE, export_format).endswith("\n")


def test_an_unsafe_address_is_left_out() -> None:
    scored = a_scored_paper("2402.01306", a_review(), url="javascript:alert(1)")
    for export_format in ExportFormat:
        assert "javascript" not in format_papers(
            [ExportedPaper("2402.01306", scored)], ExportKind.QUEUE, export_format
        )
