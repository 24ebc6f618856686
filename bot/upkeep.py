"""Posts that stay true: what came after a message was posted is shown on it."""

from bot.platforms import Facts
from digests.model import Post
from digests.ports import Store


def facts(post: Post, store: Store) -> Facts:
    """All that an edit of this message has to show: every edit shows all of it, so that none undoes another."""
    return Facts(store.marks.voices(post.channel, post.papers))
