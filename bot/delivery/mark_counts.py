"""Numbers of marks on messages that were posted after their papers were marked.

A page is rendered once for many channels, without numbers. People may have marked its papers by then: in
another channel of a shared queue, on a card of an earlier digest, or on the way to a meeting.
"""

import logging
from collections.abc import Sequence
from functools import partial

from bot.chat.attempt import with_deadline
from bot.chat.port import Platform, PostError
from bot.delivery.context import DeliveryContext
from bot.present.post_update import load_post_update
from bot.storage import run_background
from digests.errors import PaperroundError
from digests.model import Post
from digests.ports.queue_groups import find_shared_scope
from digests.subscription import Channel

log = logging.getLogger(__name__)


async def show_mark_counts(posts: Sequence[Post], platform: Platform, context: DeliveryContext) -> None:
    """Edit those of the new posts of one channel whose papers have marks, so that they show the numbers.

    A failure is logged and not raised: the next mark shows the number too.
    """
    papers = frozenset(paper for post in posts for paper in post.papers)
    if not papers:
        return
    groups = context.queue_policy.groups
    try:
        marked = await context.batcher.submit(
            "mark counts",
            (posts[0].channel, papers),
            partial(_find_marked, context),
            partial(_find_all_marked, context),
        )
        for post in posts:
            if not marked.isdisjoint(post.papers):
                update = await run_background(partial(load_post_update, post, context.store, groups))
                await with_deadline(platform.refresh(post, update), context.policy.timeout)
    except (PostError, PaperroundError) as error:
        log.warning("%s: the mark counts could not be shown: %s", posts[0].channel, error)


_Shown = tuple[Channel, frozenset[str]]
"""A channel, and the papers that its new posts show."""


def _find_marked(context: DeliveryContext, shown: _Shown) -> frozenset[str]:
    return _find_all_marked(context, [shown])[0]


def _find_all_marked(context: DeliveryContext, all_shown: Sequence[_Shown]) -> list[frozenset[str]]:
    """Return the papers with marks for each channel, of those that its posts show. Raises StoreError.

    Reads the store once for all the channels that share no queue.
    """
    marks, groups = context.store.marks, context.queue_policy.groups
    scopes = [find_shared_scope(groups, context.store.queue_consents, channel) for channel, _ in all_shown]
    own = [shown for shown, scope in zip(all_shown, scopes, strict=True) if scope is None]
    papers = frozenset[str]().union(*(papers for _, papers in own))
    found = marks.find_marked({channel for channel, _ in own}, papers) if own else {}
    return [
        frozenset(marks.mark_counts(channel, sorted(papers), shared=scope))
        if scope
        else papers & found.get(channel, frozenset())
        for (channel, papers), scope in zip(all_shown, scopes, strict=True)
    ]
