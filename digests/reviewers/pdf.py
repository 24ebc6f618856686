"""The words of a PDF, read by a process of its own: a hostile file may take all day, or all memory, and is let go.

`python -m digests.reviewers.pdf` reads a PDF from standard input and writes its words to standard output.
"""

import asyncio
import sys

from digests.injections import scan_text
from digests.reviewers.reading import FullText, parse_pdf

TIMEOUT_SECONDS = 60.0
"""A hundred pages take about five."""

MAX_MEMORY_BYTES = 2 * 1024**3
"""Bytes of address space."""


async def parse_pdf_in_subprocess(
    document: bytes, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> FullText | None:
    """The words of a PDF, and the orders among them; None for one that cannot be read in time."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "digests.reviewers.pdf",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(timeout_seconds):
            output, _ = await process.communicate(document)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = output.decode("utf-8", "replace")
    return FullText(text, tuple(scan_text(text, "full text"))) if text.strip() else None


def main() -> None:
    """What the process does."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    sys.stdout.buffer.write(parse_pdf(sys.stdin.buffer.read()).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
