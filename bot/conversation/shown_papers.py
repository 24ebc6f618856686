"""Papers that messages of ours show: the one above a thread, or the one with a number."""

from collections.abc import Sequence

from digests.model import Post
from digests.ports.posts import Posts
from digests.subscription import Channel


def list_shown(posts: Posts, channel: Channel, message: str) -> Sequence[Post]:
    """Return our message with this receipt, or those below it if it shows no paper itself. Blocks."""
    post = posts.find(channel, message) if message else None
    if post or not message:
        return [post] if post else []
    return posts.list_of_thread(channel, message)


def find_only_paper(shown: Sequence[Post]) -> str:
    """Return the id of the only paper that the messages show, or ""."""
    papers = {paper for post in shown for paper in post.papers}
    return papers.pop() if len(papers) == 1 else ""


def find_numbered_paper(shown: Sequence[Post], number: int) -> str:
    """Return the id of the paper with a number in the first of the messages that has it, or ""."""
    for post in shown:
        if post.first_number <= number < post.first_number + len(post.papers):
            return post.papers[number - post.first_number]
    return ""
