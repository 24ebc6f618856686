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
    papers = sorted({paper for post in posts for paper in post.papers})
    if not papers:
        return
    groups = context.queue_policy.groups
    try:
        marked = await run_background(_find_marked, posts[0].channel, papers, context)
        for post in posts:
            if not marked.isdisjoint(post.papers):
                update = await run_background(partial(load_post_update, post, context.store, groups))
                await with_deadline(platform.refresh(post, update), context.policy.timeout)
    except (PostError, PaperroundError) as error:
        log.warning("%s: the mark counts could not be shown: %s", posts[0].channel, error)


def _find_marked(channel: Channel, papers: Sequence[str], context: DeliveryContext) -> frozenset[str]:
    shared = find_shared_scope(context.queue_policy.groups, context.store.queue_consents, channel)
    return frozenset(context.store.marks.mark_counts(channel, papers, shared=shared))
