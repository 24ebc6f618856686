"""The pages of a message as a forum takes them, in which each message is a post of its own. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from bot.chat.port import Page
from bot.platforms.discord.draft import CONTENT_UNITS
from bot.platforms.discord.sanitize import count_units


def fit_forum(pages: Sequence[Page]) -> tuple[Page, ...]:
    """Return pages of which each is a post about papers, or an answer in the first post.

    The content of the pages before the first paper, such as the header of a day, goes above that paper, and
    is left out if it has no room there. Pages without papers after it become answers in the first post. A
    thread stays as it is, because its first page is the post that holds the papers. A message without papers
    has no pages.
    """
    with_papers = [place for place, page in enumerate(pages) if page.papers]
    if not with_papers:
        return ()
    if any(page.in_thread for page in pages):
        return tuple(pages)
    opening, first, rest = pages[: with_papers[0]], pages[with_papers[0]], pages[with_papers[0] + 1 :]
    return (
        _prepend_content(opening, first),
        *(page if page.papers else replace(page, in_thread=True) for page in rest),
    )


def _prepend_content(opening: Sequence[Page], page: Page) -> Page:
    """Return the page with the content of the opening before its own, and the flags of the opening."""
    if not opening:
        return page
    contents = [*(each.payload["content"] for each in opening), page.payload["content"]]
    content = "\n".join(filter(None, contents))
    flags = opening[0].payload["flags"]
    fits = count_units(content) <= CONTENT_UNITS
    return replace(page, payload={**page.payload, "flags": flags} | ({"content": content} if fits else {}))
