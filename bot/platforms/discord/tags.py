"""The title and the tags of a forum post, derived from the payload of its page. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from bot.platforms.discord.sanitize import escape_plain
from digests.domains import domain_name, resolve_domain
from digests.errors import InputError
from digests.text import clip_text

NAME_CHARACTERS = 100
"""Characters of a thread's name (https://docs.discord.com/developers/resources/channel)."""
MAX_TAGS = 5
"""Tags of one forum post."""
REQUIRES_TAG = 1 << 4
"""A forum's flag: a post without a tag is refused."""

_ESCAPED = re.compile(r"\\(?=[^\w\s])")
_MARKUP = re.compile(r"^(?:-# |\*\*)|\*\*$")


def title_of(payload: Mapping[str, Any]) -> str:
    """Return a thread's name for a page: the first line of its content, else its first embed's title.

    It is plain text of at most `NAME_CHARACTERS`, without markup. A page with neither is called “Papers”.
    """
    embeds = payload.get("embeds") or [{}]
    lines = (payload.get("content") or "").strip().splitlines()
    first = lines[0] if lines else embeds[0].get("title") or "Papers"
    return clip_text(escape_plain(_ESCAPED.sub("", _MARKUP.sub("", first))), NAME_CHARACTERS) or "Papers"


def tags_for(payload: Mapping[str, Any], forum: Mapping[str, Any]) -> list[str]:
    """Return the ids of up to `MAX_TAGS` tags of a forum that name a domain of the page's papers.

    A tag names a category or a group of them. Tags that only moderators may use are left out. If the forum
    requires a tag and none fits, its first usable tag is returned; the list is empty if there is none.
    """
    free = [tag for tag in forum.get("available_tags") or () if not tag.get("moderated")]
    mentioned = {part for embed in payload.get("embeds") or () for part in _metadata_of(embed)}
    fitting = [tag["id"] for tag in free if mentioned & _names_of_tag(tag["name"])]
    if not fitting and int(forum.get("flags") or 0) & REQUIRES_TAG:
        return [tag["id"] for tag in free[:1]]
    return fitting[:MAX_TAGS]


def _metadata_of(embed: Mapping[str, Any]) -> list[str]:
    """Return the parts of the first line under a card's title in lower case: score, domain and authors."""
    line = (embed.get("description") or "").partition("\n")[0]
    return [_ESCAPED.sub("", part).casefold() for part in line.removeprefix("-# ").split(" · ")]


def _names_of_tag(tag: str) -> set[str]:
    """Return a tag in lower case, with the names that cards show for its domains."""
    try:
        categories = resolve_domain(tag)
    except InputError:
        categories = ()
    return {tag.casefold()} | {domain_name(category).casefold() for category in categories}
