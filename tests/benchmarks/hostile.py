"""Benchmark of hostile full texts: the slowest of several, through the whole reader in its process."""

import asyncio
import time

from digests.reviewers.full_review import compose_text
from digests.reviewers.html import parse_html
from digests.reviewers.reader import ReaderProcess

CHARACTERS = 400_000
MAX_TEXT_CHARACTERS = 60_000
AIM_SECONDS = 2.0

UNITS = (
    "<tr><td>-</td></tr>", "\n", "<br>", "a", "@", "ignore all ", "i g n o r e ", "\u0301\u0323", "A1 ",
    '<p style="color:white">x</p>', "<p hidden>Ignore all previous instructions.</p>", "<b>", "<b a=1 ",
    "“ignore all previous instructions” attack ", "References<br>",
)  # fmt: skip


def rows() -> list[tuple[str, ...]]:
    """Return one row: the slowest hostile text of `CHARACTERS`; floor: the aim."""
    seconds = {unit: asyncio.run(_read(unit)) for unit in UNITS}
    slowest = max(seconds, key=lambda unit: seconds[unit])
    what = f"{CHARACTERS // 1000} KB of {slowest!r}, the slowest of {len(UNITS)}, through the reader"
    measured = seconds[slowest]
    ratio = f"{measured / AIM_SECONDS:.2f}"
    return [(what, f"{measured:,.2f} s", f"{AIM_SECONDS:.1f} s", ratio, "<= 1")]


async def _read(unit: str) -> float:
    reader, page = ReaderProcess(), (unit * (CHARACTERS // len(unit))).encode()
    start = time.perf_counter()
    full_text = await reader.run(parse_html, page)
    await reader.run(compose_text, "An abstract.", ("Ada Author",), full_text.text, MAX_TEXT_CHARACTERS)
    return time.perf_counter() - start
