"""What every edit of a posted message shows: all of it, so that no edit undoes another."""

from bot.platforms import Facts
from bot.present import news_line
from digests.model import Post
from digests.ports import Store


def facts(post: Post, store: Store) -> Facts:
    """The voices for a message's papers, and what came since it was posted, as it is now."""
    lines = {paper: news_line(news) for paper, news in store.upkeep.news(post).items()}
    voices = store.marks.voices(post.channel, post.papers)
    return Facts(voices, {paper: line for paper, line in lines.items() if line})
