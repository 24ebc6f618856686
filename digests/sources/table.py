"""Rows of a table as text: CSV with a header, with commas, semicolons or tabs between its cells."""

import csv
import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from digests.errors import InputError

MAX_CELL_CHARACTERS = 1_000_000
"""Characters of one cell, more than any review has."""

MAX_ROW_LINES = 100
"""Lines of one row, whose cells may have several."""

FAULT = "\x00fault"
"""Key under which a row has what is wrong with it. No header can name it."""

_NUMBERS = ("score", "rank")
"""Columns whose cells are numbers."""

MAX_HEADER_CHARACTERS = 10_000

_OTHER_FORMATS = {
    re.compile(r"@\w+\s*\{"): "BibTeX",
    re.compile(r"TY {2}- "): "RIS",
    re.compile(r"%PDF-"): "a PDF",
    re.compile(r"<[?!a-zA-Z]"): "XML or HTML",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Place of a record in a text: the number, from 1, of its line, or of the record itself in an array."""

    unit: str
    number: int


def read_rows(pieces: Iterator[str], name: str) -> Iterator[tuple[Place, str]]:
    """Yield the rows below the header with their lines, each as a JSON object of its cells.

    Empty cells are left out. Names of columns are in lower case, with underscores for spaces.
    A row that fits the header badly has the fault under `FAULT`. Raises InputError if the first line is no
    header with a title.
    """
    lines = _split_lines(pieces)
    header = next(lines, "")
    for form, format_name in _OTHER_FORMATS.items():
        if form.match(header):
            raise InputError(
                f"{name} is {format_name}: import JSON, JSON Lines or CSV; Zotero exports CSL JSON and CSV."
            )
    delimiter = max(",;\t", key=header.count)
    columns = _read_columns(header, delimiter) if len(header) <= MAX_HEADER_CHARACTERS else []
    if len(columns) < 2 or "title" not in columns:
        raise InputError(
            f"{name} is not JSON, and not CSV: it must be an array of scored papers, a scored paper a line, "
            "or a table whose first line names its columns, such as arxiv_id,title,score."
        )
    return _read_cells(lines, columns, delimiter)


def _read_columns(header: str, delimiter: str) -> list[str]:
    """Return the names of the columns, none for a line that is no row of a table."""
    with suppress(csv.Error):
        return [_normalize_column(cell) for cell in next(csv.reader([header], delimiter=delimiter), [])]
    return []


def _read_cells(lines: Iterator[str], columns: list[str], delimiter: str) -> Iterator[tuple[Place, str]]:
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    for number, row_lines in _join_open_lines(lines):
        try:
            cells = next(csv.reader(row_lines, delimiter=delimiter), [])
        except csv.Error as error:
            yield Place("line", number), json.dumps({FAULT: f"is no row of a table ({error})"})
            continue
        pairs = zip(columns, cells, strict=False)
        row = {column: _read_cell(column, cell) for column, cell in pairs if cell.strip()}
        if len(cells) > len(columns):
            row = {FAULT: f"has {len(cells)} cells, and the header names {len(columns)}"}
        elif sum(line.count('"') for line in row_lines) % 2:
            row = {FAULT: "has a quotation mark that nothing closes"}
        if row:
            yield Place("line", number), json.dumps(row)


def _read_cell(column: str, cell: str) -> str | float:
    """Return a score or rank as a number, if it is one, and any other cell as it is."""
    if column not in _NUMBERS or not re.fullmatch(r"\s*\d{1,9}(?:\.\d{1,9})?\s*", cell):
        return cell
    return float(cell) if "." in cell else int(cell)


def _join_open_lines(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of each row with the number of its first one.

    A line with a quotation mark that nothing closes within `MAX_ROW_LINES` lines is a row of its own, so that
    it does not take the rows below.
    """
    waiting: deque[str] = deque()
    number = 2
    while line := waiting.popleft() if waiting else next(lines, ""):
        row, is_open = [line], line.count('"') % 2 == 1
        while is_open and len(row) < MAX_ROW_LINES and sum(map(len, row)) < MAX_CELL_CHARACTERS:
            following = waiting.popleft() if waiting else next(lines, "")
            if not following:
                break
            row.append(following)
            is_open = following.count('"') % 2 == 0
        if is_open:
            waiting.extendleft(reversed(row[1:]))
            row = row[:1]
        yield number, row
        number += len(row)


def _normalize_column(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().casefold())[:60]


def _split_lines(pieces: Iterator[str]) -> Iterator[str]:
    """Yield lines with their ends. A line longer than a cell may be comes in parts."""
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        yield from (f"{line}\n" for line in lines)
        if len(rest) > MAX_CELL_CHARACTERS:
            yield rest
            rest = ""
    if rest:
        yield rest
