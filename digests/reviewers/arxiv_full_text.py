"""Full texts from arXiv: the HTML page made from a paper's source, else its PDF."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from digests.blocking import BlockingRunner
from digests.errors import SourceError
from digests.ids import parse_arxiv_id
from digests.model import Paper
from digests.reviewers.documents import read_page_of, read_pdf_of
from digests.reviewers.full_text import FullText
from digests.sources.http.client import RequestLimits, SourceClient
from digests.sources.http.turns import ServerTurns

REQUEST_LIMITS = RequestLimits(max_bytes=30 * 1024**2, timeout=60, attempts=3)
"""Limits of one request, for a page or a PDF: three attempts in all."""

MISSING_STATUSES = frozenset((403, 404, 410))
"""Statuses of a missing page: the paper was submitted as PDF, or its source does not convert."""

MAX_CONSECUTIVE_FAILURES = 2
"""Papers in a row without an answer, after all attempts, before arXiv is left alone for a while."""

REST = timedelta(minutes=10)
"""Time for which arXiv is left alone then. A paper waits longer for its next try."""


@dataclass(slots=True)
class ArxivFullTextFetcher:
    """Fetches full texts, one request at a time with arXiv's pause in between.

    `open_client` opens a client that trusts `base_url`. `turns` are the turns on arXiv's servers. While arXiv
    does not answer, the attempts at one paper take a minute: after `MAX_CONSECUTIVE_FAILURES` papers in a row
    the others fail at once, until `REST` is over. Then a single paper shows if it answers again.
    """

    open_client: Callable[[], AbstractAsyncContextManager[SourceClient]] = field(repr=False)
    turns: ServerTurns
    base_url: str = "https://arxiv.org/"
    _failures: int = 0
    """Papers in a row without an answer."""
    _failed_at: datetime | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held for all attempts at a document, so that those who wait for it learn that there is no answer."""

    async def __call__(self, paper: Paper, run_reader: BlockingRunner) -> FullText | None:
        """Return the full text of the paper's known version, else of its newest one.

        The HTML page is read first, and the PDF if there is none, or if the page has no paper, half of it or
        another one. The text of the PDF is returned however short it is. None for a paper outside arXiv, if
        neither document exists, and if the PDF has no readable text, is cut off or is another paper. Each
        document is tried three times in all, and read by `run_reader`. Raises SourceError if arXiv does not
        answer, answers with another status or sends too much, StoreError from `turns`, and the errors of
        `run_reader`.
        """
        if not parse_arxiv_id(paper.id):
            return None
        name = f"{paper.id}v{paper.version}" if paper.version else paper.id
        async with self.open_client() as client:
            page = await self._fetch_document(client, f"html/{name}")
            if page:
                full_text = await run_reader(read_page_of, paper.title, paper.abstract, page)
                if full_text:
                    return full_text
            document = await self._fetch_document(client, f"pdf/{name}")
            if not document:
                return None
            full_text = await run_reader(read_pdf_of, paper.title, paper.abstract, document)
            return replace(full_text, is_pdf=True) if full_text else None

    async def _fetch_document(self, client: SourceClient, path: str) -> bytes:
        """Return the body of a document, empty for a status in `MISSING_STATUSES`.

        Raises SourceError otherwise.
        """
        async with self._lock:
            self._require_rested()
            try:
                answer = await client.get(
                    self.base_url + path,
                    "arXiv",
                    limits=REQUEST_LIMITS,
                    accepted_statuses=(200, *MISSING_STATUSES),
                    turns=self.turns,
                )
            except SourceError as error:
                if error.retry_at:  # Other errors came at once, and are those of one document.
                    self._failures, self._failed_at = self._failures + 1, self.turns.clock()
                raise
            self._failures = 0
        return answer.body if answer.status == 200 else b""

    def _require_rested(self) -> None:
        """Raise SourceError while arXiv is left alone. A clock that was set back ends that."""
        failed_at = self._failed_at
        if not failed_at or self._failures < MAX_CONSECUTIVE_FAILURES:
            return
        if timedelta() <= self.turns.clock() - failed_at < REST:
            retry_at = failed_at + REST
            raise SourceError(
                f"arXiv does not answer; it is asked again from {retry_at:%H:%M} UTC on.", retry_at
            )
