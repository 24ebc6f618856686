"""The content of a refresh: the current marks and updates of the papers in a posted message.

Each refresh shows all of it, so that no refresh undoes another.
"""

from collections.abc import Iterable

from bot.chat.port import PostUpdate
from bot.present.card import format_update_line
from digests.model import Post
from digests.ports import Store
from digests.ports.queue_groups import QueueGroup, find_shared_scope


def load_post_update(post: Post, store: Store, groups: Iterable[QueueGroup]) -> PostUpdate:
    """Load the mark counts of a post's papers, and lines about their changes since it was posted.

    The people of the whole queue count where one of the `groups` shares it, else those of the channel. Papers
    without marks are left out of the counts, those without changes out of the lines. Raises StoreError.
    Blocks.
    """
    update_lines = {
        paper: format_update_line(update) for paper, update in store.post_edits.paper_updates(post).items()
    }
    shared = find_shared_scope(groups, store.queue_consents, post.channel)
    mark_counts = store.marks.mark_counts(post.channel, post.papers, shared=shared)
    return PostUpdate(mark_counts, {paper: line for paper, line in update_lines.items() if line})
