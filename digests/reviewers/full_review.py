"""Full reviews: assessments, key limitations and a score from the full text."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from digests.blocking import BlockingRunner
from digests.errors import SourceError
from digests.injections import add_flags
from digests.model import Paper, ReadDepth, ReviewDepth
from digests.ports.review_queue import ReviewTask
from digests.reviewers.context import FullTextFetcher, ReviewContext, RoundOutcome, Voter
from digests.reviewers.full_text import MIN_FULL_TEXT_CHARACTERS, FullText
from digests.reviewers.prompt import anonymize_full_text, prepare_abstract, sanitize_text, truncate_middle
from digests.reviewers.reader import ReaderError, ReaderStartError
from digests.reviewers.tasks import PreparedText, process_queue

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

FULL_TEXT_ATTEMPTS = 2
"""Failed attempts at a task, of any cause, after which a failed fetch no longer postpones its review."""


async def review_papers_in_full(
    context: ReviewContext, outcome: RoundOutcome, stop: asyncio.Event, voters: Sequence[Voter] = ()
) -> None:
    """Review the papers that wait for a full review, as `process_queue` says. Raises StoreError."""
    await process_queue(context, ReviewDepth.FULL, prepare_full_text, outcome, stop, voters=voters)


async def prepare_full_text(context: ReviewContext, task: ReviewTask, paper: Paper) -> PreparedText:
    """Return abstract and full text; the abstract alone if the full text is absent, too short or not wanted.

    That also holds for a full text that is unreadable: it ended a reader, now or before. Raises SourceError
    if arXiv fails and fewer than `FULL_TEXT_ATTEMPTS` attempts at the task have failed before, of any cause
    that counts. After that a failed fetch also gives the abstract alone: if nothing else fails, the third one
    does.
    """
    try:
        prepared = await _read_full_text(context, task, paper)
    except ReaderError as error:
        log.warning("%s is reviewed by its abstract: its full text could not be read: %s", paper.id, error)
        prepared = None
    return prepared or PreparedText(paper, prepare_abstract(paper.abstract), ReadDepth.ABSTRACT)


async def _read_full_text(context: ReviewContext, task: ReviewTask, paper: Paper) -> PreparedText | None:
    if not context.fetch_full_text:
        return None
    if await context.run_blocking(context.store.review_queue.is_unreadable, paper.id, paper.version):
        raise ReaderError("it ended its reader before")
    reading = _MarkedReading(context, paper)
    full_text = await _fetch_full_text(context.fetch_full_text, task, paper, reading.run)
    if not full_text or len(full_text.text) < MIN_FULL_TEXT_CHARACTERS:
        return None
    max_characters = context.options.max_text_characters
    text = await reading.run(compose_text, paper.abstract, paper.authors, full_text.text, max_characters)
    read_depth = ReadDepth.PDF if full_text.is_pdf else ReadDepth.FULL_TEXT
    return PreparedText(add_flags(paper, full_text.flags), text, read_depth, full_text.suspicious)


async def _fetch_full_text(
    fetch: FullTextFetcher, task: ReviewTask, paper: Paper, run_reader: BlockingRunner
) -> FullText | None:
    try:
        return await fetch(paper, run_reader)
    except SourceError:
        if task.attempts < FULL_TEXT_ATTEMPTS:
            raise
        return None


@dataclass(frozen=True, slots=True)
class _MarkedReading:
    """Reading of one paper's full text, which the store counts before it begins.

    The text is marked as unreadable if it ends its reader. The count stays if this process is killed while it
    reads: after a start the text is read once more, and after a second time never again.
    """

    context: ReviewContext
    paper: Paper

    async def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result of a call in the reader. Raises ReaderError and StoreError."""
        context, queue, version = self.context, self.context.store.review_queue, self.paper.version
        await context.run_blocking(queue.begin_reading, self.paper.id, version, now=context.clock())
        is_unreadable = False
        try:
            return await context.run_reader(function, *args, **kwargs)
        except ReaderError as error:
            is_unreadable = not isinstance(error, ReaderStartError)
            raise
        finally:
            if is_unreadable:
                await context.run_blocking(queue.mark_unreadable, self.paper.id, version, now=context.clock())
            else:
                await context.run_blocking(queue.end_reading, self.paper.id, version)


def compose_text(abstract: str, authors: Sequence[str], full_text: str, max_characters: int) -> str:
    """Return the abstract and the anonymized full text, cut in its middle to `max_characters`."""
    excerpt = truncate_middle(sanitize_text(anonymize_full_text(full_text, authors)), max_characters)
    return f"{prepare_abstract(abstract)}\n\n{excerpt}"
