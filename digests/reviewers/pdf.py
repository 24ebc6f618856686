"""The words of a PDF, read by a process of its own: a hostile file may take all day, or all memory, and is let go.

`python -m digests.reviewers.pdf` reads a PDF from standard input and writes its words to standard output.
"""

import asyncio
import sys

from digests.flags import scan
from digests.reviewers.reading import FullText, pdf_words

SECONDS = 60.0
"""A hundred pages take about five."""

MEMORY = 2 * 1024**3
"""Bytes of address space."""


async def pdf_text(document: bytes, *, seconds: float = SECONDS) -> FullText | None:
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
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate(document)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = said.decode("utf-8", "replace")
    return FullText(text, tuple(scan(text, "full text"))) if text.strip() else None


def main() -> None:
    """What the process does."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout.buffer.write(pdf_words(sys.stdin.buffer.read()).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
