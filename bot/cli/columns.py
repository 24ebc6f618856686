"""Aligned columns of text for a terminal. Pure."""

from collections.abc import Sequence

from rich.cells import cell_len

from digests.text import clip_text, normalize_text

GAP = "  "
MIN_LAST_CELLS = 20
"""Cells that the last column has at least, also where a row is then wider than the terminal."""


def align_columns(rows: Sequence[Sequence[str]], width: int, indent: str = "") -> list[str]:
    """Return one line for each row. The last column is clipped to what `width` leaves; the others are whole.

    Every text becomes one line. Rows have the same number of columns. Widths are in cells of the terminal.
    """
    cleaned = [[normalize_text(cell) for cell in row] for row in rows]
    if not cleaned:
        return []
    widths = [max(cell_len(row[column]) for row in cleaned) for column in range(len(cleaned[0]) - 1)]
    room = max(MIN_LAST_CELLS, width - len(indent) - sum(widths) - len(GAP) * len(widths))
    lines = []
    for *cells, last in cleaned:
        padded = [cell + " " * (wide - cell_len(cell)) for cell, wide in zip(cells, widths, strict=True)]
        lines.append((indent + GAP.join([*padded, clip_text(last, room, cell_len)])).rstrip())
    return lines
