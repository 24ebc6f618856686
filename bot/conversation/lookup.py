"""Answers about single papers: to /paper, to buttons on cards, and to links that people post."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.chat.message import Message
from bot.conversation.commands import clean_lookup_text, present_paper_help
from bot.conversation.context import ConversationContext, Person, Reply
from bot.conversation.queue import QueueAnswers
from bot.present.card import describe_hold
from bot.present.lookup import (
    present_card,
    present_limitations,
    present_linked_paper,
    present_lookup,
    present_pending_fetch,
    present_review,
    present_shared_paper,
)
from digests.errors import InputError
from digests.model import ScoredPaper
from digests.ports.search import SearchRequest
from digests.subscription import Channel
from digests.text import clip_text

MAX_RESULTS = 5
"""Largest number of papers in one answer: as many as a person takes in at a glance."""

MAX_FETCHED = 3
"""Unknown papers of one look-up that are fetched."""

MAX_MARKED = 500
"""Marked papers that break ties, and that the filter `marked:yes` finds."""

MAX_DIGEST_POSTS = 60
"""Newest messages of a channel's digests in which a number is looked for."""

HELP_WORDS = frozenset(("", "help", "hilfe", "usage", "hi", "hello"))

_PLACE = re.compile(r"#?[0-9]{1,2}\.?")
_ID_PREFIX = re.compile(r"[0-9]{2,4}\.?[0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class LookupAnswers:
    """Answers about single papers. Synchronous: call from a worker thread.

    Methods that take a paper's id raise InputError if the library has no such paper, unless stated otherwise.
    """

    context: ConversationContext

    def look_up_paper(self, text: str, channel: Channel | None = None, offset: int = 0) -> Reply:
        """Answer /paper: the card of the meant paper, a list to choose from, or that nothing was found.

        An empty text and "help" are answered with help, and a number with the card of that number in the
        newest digest of the channel. `offset` skips results that were shown before. arXiv ids that the
        library lacks are the reply's `missing_papers`. Raises SearchError and StoreError.
        """
        words = clean_lookup_text(text)
        if not words or words.lower().rstrip("!?.") in HELP_WORDS:
            return Reply(present_paper_help(self.context.paper_command))
        if channel and _PLACE.fullmatch(words) and (paper := self._find_numbered(channel, words)):
            return self.show_paper(paper)
        marked = self._list_marked(channel) if channel else frozenset[str]()
        result = self.context.find_papers(SearchRequest(words, MAX_RESULTS, offset, marked))
        missing = tuple(paper for paper in result.missing_ids if not paper.startswith("web:"))[:MAX_FETCHED]
        if result.wants_limitations and result.is_certain:
            return Reply(present_limitations(result.papers[0]))
        can_fetch = self.context.fetch_queue is not None
        return Reply(present_lookup(words, result, offset, can_fetch=can_fetch), missing_papers=missing)

    def _find_numbered(self, channel: Channel, number: str) -> str:
        """Return the id of the paper with a number in the channel's newest digest, or an empty string."""
        place = int(number.strip("#."))
        for post in self.context.store.posts.list_of_digests(channel, MAX_DIGEST_POSTS):
            if post.first_number <= place < post.first_number + len(post.papers):
                return post.papers[place - post.first_number]
        return ""

    def _list_marked(self, channel: Channel) -> frozenset[str]:
        """Return the ids of the papers in the channel's queue, `MAX_MARKED` at most."""
        if not channel.channel:
            return frozenset()
        scope = QueueAnswers(self.context).choose_scope(channel)
        since = self.context.clock() - self.context.mark_retention
        queue = self.context.store.marks.discussion_queue(scope, since=since, limit=MAX_MARKED)
        return frozenset(queued.paper for queued in queue)

    def show_fetched_paper(self, paper: str, channel: Channel, person_id: str) -> Reply:
        """Request the review of a paper that was fetched for a person in a channel, and return its card."""
        self._request_paper(paper, channel, person_id)
        return self.show_paper(paper)

    def postpone_fetch(self, paper: str, channel: Channel, person_id: str) -> Reply:
        """Request a paper that could not be fetched now, to be fetched later, and say so.

        Raises StoreError. The library need not have the paper.
        """
        self._request_paper(paper, channel, person_id)
        return Reply(present_pending_fetch(paper))

    def _request_paper(self, paper: str, channel: Channel, person_id: str) -> None:
        self.context.store.paper_requests.add(
            paper,
            now=self.context.clock(),
            platform=channel.platform,
            workspace=channel.workspace,
            person=person_id,
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
        return self.context.find_papers(SearchRequest(words, limit)).papers

    def show_paper(self, paper: str) -> Reply:
        """Return one paper's card with its buttons."""
        return Reply(present_card(self._require_paper(paper)))

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
