"""The policy of delivery, and the collaborators that every delivery is given."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.chat.port import Platform
from bot.delivery.batching import Batcher
from bot.delivery.operator_notices import OperatorNotices
from bot.delivery.rate_limit import RateLimiter
from bot.delivery.render_cache import RenderCache
from digests.build import DigestPolicy
from digests.ports import Store
from digests.ports.likeness import LikenessFinder, find_no_likeness
from digests.ports.notes import RESTORED_NOTE
from digests.ports.queue_groups import QueueGroup


class UnknownPolicy(StrEnum):
    """Treatment of a page that may have arrived, in a channel that cannot be searched."""

    SKIP = "skip"
    """Never send it again: it may be missing in the channel."""
    RESEND = "resend"
    """Send it again: the channel may get it twice."""


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """The numbers and choices of delivery.

    A failed delivery is retried until its local day ends and `min_attempts` attempts in a row have confirmed
    no page. A delivery that crashes its workers as often in a row, and at least `MIN_CRASHES` times, is given
    up too. `lease` is the length of a claim, which each page renews. `timeout`, shorter than `lease`, limits
    one request to a platform; for a post, together with its write to the outbox. `history_lag` is the time
    after which a posted message appears in its channel's history. A page in doubt that the history does not
    show is looked for again after `absence_wait`; then it counts as absent. `merge_missed` makes a digest
    cover the missed editions before it. `review_wait` is the longest time, from its due time on, for which a
    digest without any score waits for the reviewer; without a reviewer it is zero. At most `concurrency`
    deliveries are in progress, `concurrency_per_workspace` of them in one workspace: as many workspaces as
    together may post faster than one processor can.
    """

    on_unknown: UnknownPolicy = UnknownPolicy.SKIP
    lease: timedelta = timedelta(minutes=5)
    timeout: timedelta = timedelta(seconds=30)
    history_lag: timedelta = timedelta()
    absence_wait: timedelta = timedelta(minutes=1)
    min_attempts: int = 6
    merge_missed: bool = True
    review_wait: timedelta = timedelta()
    concurrency: int = 800
    concurrency_per_workspace: int = 5

    @property
    def proof_wait(self) -> timedelta:
        """Wait between the two looks for a page in doubt.

        By its end the request of any other worker has reached its deadline, and the history has shown it.
        """
        return max(self.absence_wait, self.history_lag + self.timeout)

    @property
    def find_timeout(self) -> timedelta:
        """Limit of one search for a page: it may take many requests.

        A post whose answer is lost, two searches, the waits before them and the post that may follow fit into
        one lease, unless that would leave less than `timeout` for a search: the limit is never shorter.
        """
        waits = self.history_lag + self.proof_wait
        return max(self.timeout, (self.lease - waits - 2 * self.timeout) / 2)


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """The queue from which meetings take their papers: the same that people see.

    It is shared by the members of one of the `groups` that agreed.
    """

    has_workspace_queue: bool = True
    groups: tuple[QueueGroup, ...] = ()
    mark_retention: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """The collaborators of a delivery.

    `owner` names this process in the outbox, and `clock` returns UTC times. `platforms` and `rate_limiters`
    are by platform name; a platform without a limiter is not limited. `jitter` returns a number from 0 to 1
    for the backoff, and `sleep` waits for some seconds. `find_likeness` compares new papers with marked ones.
    Without `operator_notices`, sentences for the operator are only logged. `restored_at` is the instant at
    which the store was restored from a backup: editions that had begun by then may have been posted.
    """

    store: Store
    platforms: Mapping[str, Platform]
    digest_policy: DigestPolicy
    owner: str
    clock: Callable[[], datetime]
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    rate_limiters: Mapping[str, RateLimiter] = field(default_factory=dict)
    jitter: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    find_likeness: LikenessFinder = find_no_likeness
    render_cache: RenderCache = field(default_factory=RenderCache)
    batcher: Batcher = field(default_factory=Batcher)
    operator_notices: OperatorNotices | None = None
    queue_policy: QueuePolicy = field(default_factory=QueuePolicy)
    restored_at: datetime | None = None


def fetch_restoration(context: DeliveryContext) -> DeliveryContext:
    """Return the context with the instant of the store's restoration. Raises StoreError. Blocks."""
    note = context.store.notes.read(RESTORED_NOTE)
    try:
        restored_at = datetime.fromisoformat(note).astimezone(UTC) if note else None
    except ValueError:  # Written by hand: looking once too often is better than posting twice.
        restored_at = context.clock()
    return replace(context, restored_at=restored_at)
