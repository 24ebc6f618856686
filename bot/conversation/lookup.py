"""Answers about single papers: to /paper, to buttons on cards, and to links that people post."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Person, Reply
from bot.conversation.queue import QueueAnswers
from bot.conversation.typed_text import clean_lookup_text
from bot.present.card import describe_hold
from bot.present.help import present_paper_help
from bot.present.lookup import (
    present_best_papers,
    present_card,
    present_limitations,
    present_linked_paper,
    present_lookup,
    present_pending_fetch,
    present_review,
    present_shared_paper,
    present_similar_papers,
)
from bot.present.reports import NO_READERS, ReaderReports
from bot.present.wording import present_sentence
from digests.domains import resolve_domain
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.model import ScoredPaper
from digests.ports.search import Match, SearchRequest, SearchResult
from digests.subscription import Channel
from digests.text import clip_text

MAX_RESULTS = 5
"""Largest number of papers in one answer: as many as a person takes in at a glance."""

SPARE_RESULTS = 30
"""Further results of /digest top, of which some take the place of held and flagged papers."""

MAX_FETCHED = 3
"""Unknown papers of one look-up that are fetched."""

MAX_MARKED = 500
"""Marked papers that break ties, and that the filter `marked:yes` finds."""

MAX_DIGEST_POSTS = 60
"""Newest messages of a channel's digests in which a number is looked for."""

HELP_WORDS = frozenset(
    (
        "", "help", "help me", "help please", "hilfe", "usage", "hi", "hello", "hey", "commands", "examples",
        "what can you do", "what can i ask", "how does this work", "how do i use this", "how do i search",
        "how to search",
    )
)  # fmt: skip

_PLACE = re.compile(r"(?:(?:number|paper|no\.?|nr\.?) ?)?#?([0-9]{1,2})\.?", re.IGNORECASE)
_ID_PREFIX = re.compile(r"[0-9]{2,4}\.?[0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class LookupAnswers:
    """Answers about single papers. Synchronous: call from a worker thread.

    Methods that take a paper's id raise InputError if the library has no such paper, unless stated otherwise.
    """

    context: ConversationContext

    def look_up_paper(
        self, text: str, channel: Channel | None = None, offset: int = 0, *, is_public: bool = False
    ) -> Reply:
        """Answer /paper: the card of the meant paper, a list to choose from, or that nothing was found.

        An empty text and "help" are answered with help, and a number, such as "2" or "paper 2", with the card
        of that number in the newest digest of the channel. `offset` skips results that were shown before.
        arXiv ids that the library lacks are the reply's `missing_papers`. With `is_public` the whole channel
        sees the answer, which shows no held or rejected paper. Raises SearchError and StoreError.
        """
        words = clean_lookup_text(text)
        if not words or words.lower().rstrip("!?.") in HELP_WORDS:
            return Reply(present_paper_help(self.context.paper_command))
        if channel and (place := _PLACE.fullmatch(words)):
            return self._show_numbered(channel, int(place[1]), is_public=is_public)
        has_ties = parse_paper_id(words) is None
        marked = self._list_marked(channel) if channel and has_ties else frozenset[str]()
        result = self.context.find_papers(SearchRequest(words, MAX_RESULTS, offset, marked))
        if is_public:
            withheld = [
                scored for scored in (result.similar_to, *result.papers) if scored and scored.is_withheld
            ]
            result = _drop_withheld(result)
            if withheld and not result.found:
                return self._refuse_withheld(withheld[0])
        missing = tuple(paper for paper in result.missing_ids if not paper.startswith("web:"))[:MAX_FETCHED]
        if result.wants_limitations and result.is_certain:
            return Reply(present_limitations(result.papers[0]))
        can_fetch = self.context.fetch_queue is not None
        return Reply(present_lookup(words, result, offset, can_fetch=can_fetch), missing_papers=missing)

    def show_best_papers(self, words: str, top: int, channel: Channel) -> Reply:
        """Return the best scored papers that words and filters find, up to `top`, as numbered cards.

        Words and filters are those of `look_up_paper`; another order can be among them. Held, rejected and
        flagged papers are left out as in a digest, unless the words ask for flagged ones. Raises InputError
        if nothing is found in a domain that does not exist, SearchError and StoreError.
        """
        marked = self._list_marked(channel)
        limit = top + SPARE_RESULTS
        result = self.context.find_papers(
            SearchRequest(f"sort:score {words}", limit, marked_papers=marked, has_snippets=False)
        )
        may_show_flagged = (
            "flagged" in words.lower() or self.context.digest_policy.pick_policy.may_pick_flagged
        )
        found = tuple(
            each
            for each in _drop_withheld(result).found
            if each.match > Match.WEAK and (may_show_flagged or not each.scored.paper.flags)
        )
        named = words.split()[1:2]
        if not found and named and words.lower().startswith(("in ", "from ")):
            resolve_domain(named[0])
        return Reply(present_best_papers(words, replace(result, found=found[:top])))

    def _refuse_withheld(self, scored: ScoredPaper) -> Reply:
        command = self.context.paper_command
        return Reply(present_sentence(f"{describe_hold(scored)}. {command} shows it to you alone."))

    def _show_numbered(self, channel: Channel, place: int, *, is_public: bool) -> Reply:
        """Return the card of the paper with a number in the channel's newest digest, or say there is none."""
        paper = self._find_numbered(channel, place)
        if not paper:
            return Reply(present_sentence(f"The newest digest here has no paper {place}."))
        scored = self._require_paper(paper)
        return self._refuse_withheld(scored) if is_public and scored.is_withheld else self.show_paper(paper)

    def _find_numbered(self, channel: Channel, place: int) -> str:
        """Return the id of the paper with a number in the channel's newest digest, or an empty string."""
        for post in self.context.store.posts.list_of_digests(channel, MAX_DIGEST_POSTS):
            if post.first_number <= place < post.first_number + len(post.papers):
                return post.papers[place - post.first_number]
        return ""

    def _list_marked(self, channel: Channel) -> frozenset[str]:
        """Return the ids of the papers in the channel's queue, `MAX_MARKED` at most."""
        if not channel.channel:
            return frozenset()
        scope = QueueAnswers(self.context).choose_scope(channel)
        now = self.context.clock()
        since = now - self.context.mark_retention
        queue = self.context.store.marks.discussion_queue(scope, since=since, now=now, limit=MAX_MARKED)
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
        return self.context.find_papers(SearchRequest(words, limit, has_snippets=False)).papers

    def show_paper(self, paper: str) -> Reply:
        """Return one paper's card with its buttons."""
        return Reply(present_card(self._require_paper(paper)))

    def show_similar_papers(self, paper: str) -> Reply:
        """Return a list of papers that are similar to one. Raises SearchError and StoreError."""
        scored = self._require_paper(paper)
        result = self.context.find_papers(SearchRequest("", MAX_RESULTS, similar_to=paper))
        return Reply(present_similar_papers(result, scored))

    def show_review(self, paper: str, readers: ReaderReports = NO_READERS) -> Reply:
        """Return every section of a paper's review, or a sentence that the paper was not reviewed.

        `readers` is what the readers of the person's workspace say of it.
        """
        return Reply(present_review(self._require_paper(paper), readers))

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


def _drop_withheld(result: SearchResult) -> SearchResult:
    """Return a result without held and rejected papers, and without those similar to such a paper."""
    is_of_withheld = result.similar_to is not None and result.similar_to.is_withheld
    shown = tuple(found for found in result.found if not (is_of_withheld or found.scored.is_withheld))
    return replace(result, found=shown)
