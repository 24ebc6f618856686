"""Facts of a channel's week: the papers it was shown, and those that its people marked or discussed."""

from collections.abc import Sequence
from typing import Protocol

from digests.recap import RecapFacts, RecapSpan
from digests.subscription import Channel, Subscription
from digests.team_agreement import JudgedPaper


class Recaps(Protocol):
    """Views over digests, marks and discussions. They name no person."""

    def list_judged_digests(self, channel: Channel, limit: int) -> Sequence[Sequence[JudgedPaper]]:
        """Return the papers of up to `limit` posted digests of a channel, the newest edition first.

        A paper is wanted if a mark on it stands in the channel, or if it was discussed there or in the whole
        workspace; but not if more people answered that it was not worth a discussion than that it was.
        Scores are those that the messages show now.
        """

    def load_facts(self, subscription: Subscription, span: RecapSpan) -> RecapFacts:
        """Return what a digest showed in a span, and what people of its channel marked and discussed then.

        A mark counts if it was made in the span and still stands. A meeting's paper counts as discussed when
        the meeting began, and one that people took off the queue as discussed when they did. Of discussions
        in the whole workspace those count whose paper the channel was shown or marked.
        """

    def list_shown(self, channel: Channel, papers: Sequence[str]) -> frozenset[str]:
        """Return those of the papers that a digest of the channel ever showed."""
