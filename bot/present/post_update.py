"""The whole content of a post edit: every edit shows all of it, so that none undoes another."""

from bot.chat.port import PostUpdate
from bot.present.card import format_update_line
from digests.model import Post
from digests.ports import Store


def load_post_update(post: Post, store: Store) -> PostUpdate:
    """Load the current marks of a post's papers, and their updates since it was posted."""
    lines = {
        paper: format_update_line(update) for paper, update in store.post_edits.paper_updates(post).items()
    }
    mark_counts = store.marks.mark_counts(post.channel, post.papers)
    return PostUpdate(mark_counts, {paper: line for paper, line in lines.items() if line})
