"""What every edit of a posted message shows: all of it, so that no edit undoes another."""

from bot.chat.port import PostUpdate
from bot.present.messages import format_update_line
from digests.model import Post
from digests.ports import Store


def load_post_update(post: Post, store: Store) -> PostUpdate:
    """The voices for a message's papers, and what came since it was posted, as it is now."""
    lines = {
        paper: format_update_line(update) for paper, update in store.post_edits.paper_updates(post).items()
    }
    mark_counts = store.marks.mark_counts(post.channel, post.papers)
    return PostUpdate(mark_counts, {paper: line for paper, line in lines.items() if line})
