"""What a channel was shown, and what its people made of it."""

from collections.abc import Sequence
from typing import Protocol

from digests.subscription import Channel
from digests.team_agreement import JudgedPaper


class Recaps(Protocol):
    """Views over digests, marks and discussions. They name no person."""

    def list_judged_digests(self, channel: Channel, limit: int) -> Sequence[Sequence[JudgedPaper]]:
        """Return the papers of up to `limit` posted digests of a channel, the newest edition first.

        A paper is wanted if a mark on it stands in the channel, or if it was discussed there or in the whole
        workspace. Scores are those that the messages show now.
        """
