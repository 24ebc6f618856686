"""The full texts of arXiv's papers: the page made of their source, else the PDF."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from digests.ids import arxiv_id
from digests.model import Paper
from digests.reviewers.pdf import pdf_text
from digests.reviewers.reading import LEAST_CHARACTERS, FullText, html_text
from digests.sources.http import Client, Limits, Turns

LIMITS = Limits(body=30 * 1024**2, seconds=60, tries=3)

NOT_THERE = frozenset((403, 404, 410))
"""arXiv has no page for papers that came as a PDF, and for some whose source it cannot turn into one."""


@dataclass(frozen=True, slots=True)
class ArxivFullTexts:
    """Full texts, one request at a time with arXiv's pause between them. `connect` opens a client that trusts `base_url`."""

    connect: Callable[[], AbstractAsyncContextManager[Client]]
    turns: Turns
    base_url: str = "https://arxiv.org/"

    async def __call__(self, paper: Paper) -> FullText | None:
        """A paper's words in the version that is known; None where it has none that can be read. Raises SourceError."""
        if not arxiv_id(paper.id):
            return None
        name = f"{paper.id}v{paper.version}" if paper.version else paper.id
        async with self.connect() as client:
            page = await self._get(client, f"html/{name}")
            if page:
                text = await asyncio.to_thread(html_text, page)
                if len(text.text) >= LEAST_CHARACTERS:
                    return text
            document = await self._get(client, f"pdf/{name}")
            return await pdf_text(document) if document else None

    async def _get(self, client: Client, place: str) -> bytes:
        """What is there; nothing where arXiv has nothing."""
        answer = await client.get(
            self.base_url + place, "arXiv", limits=LIMITS, takes=(200, *NOT_THERE), turns=self.turns
        )
        return answer.body if answer.status == 200 else b""
