"""Full reviews: assessments, key limitations and a score from the full text."""

import asyncio

from digests.errors import SourceError
from digests.injections import add_flags
from digests.model import Paper, ReadDepth, ReviewDepth
from digests.ports.review_queue import ReviewTask
from digests.reviewers.context import FullTextFetcher, ReviewContext, RoundOutcome
from digests.reviewers.full_text import MIN_FULL_TEXT_CHARACTERS, FullText
from digests.reviewers.prompt import anonymize_full_text, sanitize_text, truncate_middle
from digests.reviewers.tasks import PreparedText, process_queue

FULL_TEXT_ATTEMPTS = 2
"""Failed attempts at a task, of any cause, after which a failed fetch no longer postpones its review."""


async def review_papers_in_full(context: ReviewContext, outcome: RoundOutcome, stop: asyncio.Event) -> None:
    """Review the papers that wait for a full review, as `process_queue` says. Raises StoreError."""
    await process_queue(context, ReviewDepth.FULL, _prepare_full_text, outcome, stop)


async def _prepare_full_text(context: ReviewContext, task: ReviewTask, paper: Paper) -> PreparedText:
    """Return abstract and full text; the abstract alone if the full text is absent, too short or not wanted.

    Raises SourceError if arXiv fails and fewer than `FULL_TEXT_ATTEMPTS` attempts at the task have failed
    before, of any cause that counts. After that a failed fetch also gives the abstract alone: if nothing else
    fails, the third one does.
    """
    if context.fetch_full_text:
        full_text = await _fetch_full_text(context.fetch_full_text, task, paper)
        if full_text and len(full_text.text) >= MIN_FULL_TEXT_CHARACTERS:
            max_characters = context.options.max_text_characters
            # A long text takes a tenth of a second.
            text = await asyncio.to_thread(_compose_text, paper, full_text.text, max_characters)
            return PreparedText(add_flags(paper, full_text.flags), text, ReadDepth.FULL_TEXT)
    return PreparedText(paper, sanitize_text(paper.abstract), ReadDepth.ABSTRACT)


async def _fetch_full_text(fetch: FullTextFetcher, task: ReviewTask, paper: Paper) -> FullText | None:
    try:
        return await fetch(paper)
    except SourceError:
        if task.attempts < FULL_TEXT_ATTEMPTS:
            raise
        return None


def _compose_text(paper: Paper, full_text: str, max_characters: int) -> str:
    excerpt = truncate_middle(sanitize_text(anonymize_full_text(full_text, paper.authors)), max_characters)
    return f"{sanitize_text(paper.abstract)}\n\n{excerpt}"
