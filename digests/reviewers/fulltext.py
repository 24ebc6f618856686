"""The full texts of arXiv's papers: the page made of their source, else the PDF."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from digests.ids import parse_arxiv_id
from digests.model import Paper
from digests.reviewers.pdf import parse_pdf_in_subprocess
from digests.reviewers.reading import MIN_FULL_TEXT_CHARACTERS, FullText, parse_html
from digests.sources.http.client import RequestLimits, SourceClient
from digests.sources.http.turns import ServerTurns

REQUEST_LIMITS = RequestLimits(max_bytes=30 * 1024**2, timeout=60, attempts=3)

MISSING_STATUSES = frozenset((403, 404, 410))
"""arXiv has no page for papers that came as a PDF, and for some whose source it cannot turn into one."""


@dataclass(frozen=True, slots=True)
class ArxivFullTextFetcher:
    """Full texts, one request at a time with arXiv's pause between them. `connect` opens a client that trusts `base_url`."""

    open_client: Callable[[], AbstractAsyncContextManager[SourceClient]]
    turns: ServerTurns
    base_url: str = "https://arxiv.org/"

    async def __call__(self, paper: Paper) -> FullText | None:
        """A paper's words in the version that is known; None where it has none that can be read. Raises SourceError."""
        if not parse_arxiv_id(paper.id):
            return None
        name = f"{paper.id}v{paper.version}" if paper.version else paper.id
        async with self.open_client() as client:
            page = await self._fetch_document(client, f"html/{name}")
            if page:
                full_text = await asyncio.to_thread(parse_html, page)
                if len(full_text.text) >= MIN_FULL_TEXT_CHARACTERS:
                    return full_text
            document = await self._fetch_document(client, f"pdf/{name}")
            return await parse_pdf_in_subprocess(document) if document else None

    async def _fetch_document(self, client: SourceClient, path: str) -> bytes:
        """What is there; nothing where arXiv has nothing."""
        answer = await client.get(
            self.base_url + path,
            "arXiv",
            limits=REQUEST_LIMITS,
            accepted_statuses=(200, *MISSING_STATUSES),
            turns=self.turns,
        )
        return answer.body if answer.status == 200 else b""
