"""Answers about single papers: to /paper, to buttons on cards, and to links that people post."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.chat.message import Message
from bot.conversation.commands import clean_lookup_text, present_paper_help
from bot.conversation.context import ConversationContext, Person, Reply
from bot.present.card import describe_hold
from bot.present.lookup import (
    present_linked_paper,
    present_lookup,
    present_pending_fetch,
    present_review,
    present_shared_paper,
    present_unknown_paper,
)
from digests.errors import InputError, SourceError
from digests.ids import parse_arxiv_id
from digests.model import NOT_REVIEWED, ScoredPaper
from digests.subscription import Channel
from digests.text import clip_text

MAX_RESULTS = 5
"""Largest number of papers in one answer: as many as a person takes in at a glance."""

_ID_PREFIX = re.compile(r"[0-9]{2,4}\.?[0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class LookupAnswers:
    """Answers about single papers. Synchronous: call from a worker thread.

    Methods that take a paper's id raise InputError if the library has no such paper, unless stated otherwise.
    """

    context: ConversationContext

    def look_up_paper(self, text: str, place: Channel | None = None, person_id: str = "") -> Reply:
        """Answer /paper: the card of the best match, a list to choose from, or that nothing was found.

        An empty text is answered with help. If the text is an arXiv id that the library lacks, the paper is
        fetched from arXiv while the person waits, and stored. Its request is kept with the person who asked,
        and with platform and workspace of `place`. Raises SearchError and StoreError.
        """
        words = clean_lookup_text(text)
        if not words:
            return Reply(present_paper_help(self.context.paper_command))
        papers = self.context.find_papers(words, MAX_RESULTS)
        arxiv_id = None if papers else parse_arxiv_id(words.strip("<>"))
        if arxiv_id and self.context.fetch_paper:
            return Reply(self._fetch_unknown_paper(arxiv_id.id, place, person_id))
        return Reply(present_lookup(words, papers))

    def _fetch_unknown_paper(self, paper: str, place: Channel | None, person_id: str) -> Message:
        """Fetch a paper from arXiv into the library, request its review, and return its card.

        While arXiv cannot be reached, the paper is only requested, to be fetched later, and the answer says
        so. For an id that arXiv does not know nothing is stored, and the answer says that.
        """
        assert self.context.fetch_paper  # noqa: S101
        store = self.context.store
        try:
            fetched = self.context.fetch_paper(paper)
        except SourceError:
            self._request_review(paper, place, person_id)
            return present_pending_fetch(paper)
        if not fetched:
            return present_unknown_paper(paper)
        store.library.add([(fetched, NOT_REVIEWED)], now=self.context.clock())
        self._request_review(paper, place, person_id)
        return present_lookup(paper, [self._require_paper(paper)])

    def _request_review(self, paper: str, place: Channel | None, person_id: str) -> None:
        platform, workspace = (place.platform, place.workspace) if place else ("", "")
        self.context.store.paper_requests.add(
            paper, now=self.context.clock(), platform=platform, workspace=workspace, person=person_id
        )

    def suggest_papers(self, text: str, limit: int) -> Sequence[ScoredPaper]:
        """Return up to `limit` papers to complete a text that a person is typing.

        The beginning of an arXiv id is completed; other words are searched for, best match first. An empty
        text gives the papers that changed last, newest first. Raises SearchError and StoreError.
        """
        words = clean_lookup_text(text)
        library = self.context.store.library
        if not words:
            changes = library.changes_after(library.latest_sequence() - limit, limit)
            return [scored for _, scored in changes][::-1]
        if _ID_PREFIX.fullmatch(words):
            ids = library.ids_with_prefix(words, limit)
            scored_by_id = library.get(ids)
            return [scored_by_id[paper] for paper in ids if paper in scored_by_id]
        return self.context.find_papers(words, limit)

    def show_paper(self, paper: str) -> Reply:
        """Return one paper's card with its buttons."""
        return Reply(present_lookup(paper, [self._require_paper(paper)]))

    def show_review(self, paper: str) -> Reply:
        """Return every section of a paper's review, or a sentence that the paper was not reviewed."""
        return Reply(present_review(self._require_paper(paper)))

    def share_paper(self, paper: str, person: Person) -> Message:
        """Return a paper's card for the whole channel, with the name of the person. Posts nothing.

        Raises InputError also for a held or rejected paper.
        """
        scored = self._require_paper(paper)
        if scored.is_withheld:
            raise InputError(f"This paper cannot be shared. {describe_hold(scored)}.")
        return present_shared_paper(scored, person.name)

    def unfurl_paper(self, paper: str) -> Message | None:
        """Return a card for a pasted link, or None for a paper that no channel is shown.

        That is one that the library lacks, and a held or rejected one.
        """
        scored = self.context.store.library.get([paper]).get(paper)
        return present_linked_paper(scored) if scored and not scored.is_withheld else None

    def _require_paper(self, paper: str) -> ScoredPaper:
        scored = self.context.store.library.get([paper]).get(paper)
        if not scored:
            command = self.context.paper_command
            raise InputError(
                f"The paper {clip_text(paper, 60)!r} is not here any more. {command} finds others."
            )
        return scored
