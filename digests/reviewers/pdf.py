"""Text extraction from PDFs, in a subprocess: a hostile file may take unbounded time or memory.

`python -m digests.reviewers.pdf` reads a PDF from standard input and writes its text to standard output.
"""

import asyncio
import io
import re
import sys
from contextlib import suppress

from digests.injections import scan_text
from digests.reviewers.full_text import MAX_FULL_TEXT_CHARACTERS, FullText

TIMEOUT_SECONDS = 60.0
"""Seconds until the subprocess is killed. A hundred pages take about five."""

MAX_MEMORY_BYTES = 2 * 1024**3
"""Bytes of address space that the subprocess may use."""


async def parse_pdf_in_subprocess(
    document: bytes, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> FullText | None:
    """Return the text of a PDF with its flags, converted in a subprocess.

    None if it has no text, or if the subprocess crashes or takes longer than the timeout; it is killed then.
    """
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


def parse_pdf(document: bytes) -> str:
    """Return the text of a PDF, as far as it is readable, including text in white or in a tiny font.

    At most `MAX_FULL_TEXT_CHARACTERS`. Words that were hyphenated at the end of a line are joined. A damaged
    file gives the pages before the damage; never raises. The PDF library's log is turned off.
    """
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pages: list[str] = []
    # A broken file may raise anything inside the library. The pages read before that are used.
    with suppress(Exception):
        for page in PdfReader(io.BytesIO(document), strict=False).pages:
            pages.append(page.extract_text())
            if sum(map(len, pages)) > MAX_FULL_TEXT_CHARACTERS:
                break
    return join_hyphenated_words("\n".join(pages))[:MAX_FULL_TEXT_CHARACTERS]


def join_hyphenated_words(text: str) -> str:
    """Join words that were hyphenated at the end of a line."""
    return re.sub(r"-\n(?=[a-z])", "", text)


def main() -> None:
    """Limit the memory of this process, then convert standard input to text on standard output."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    sys.stdout.buffer.write(parse_pdf(sys.stdin.buffer.read()).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
