"""The title and tags of a forum post, derived from its page. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from bot.platforms.discord.sanitize import escape_plain
from digests.domains import domain_name, resolve_domain
from digests.errors import InputError
from digests.text import clip_text

NAME_CHARACTERS = 100
MAX_TAGS = 5
REQUIRES_TAG = 1 << 4
"""A forum's flag: a post without a tag is refused."""

_ESCAPED = re.compile(r"\\(?=[^\w\s])")
_MARKUP = re.compile(r"^(?:-# |\*\*)|\*\*$")


def title_of(payload: Mapping[str, Any]) -> str:
    """Returns the thread name: the first line of the content, else the first embed's title.

    It is plain text within `NAME_CHARACTERS`.
    """
    embeds = payload.get("embeds") or [{}]
    lines = (payload.get("content") or "").strip().splitlines()
    first = lines[0] if lines else embeds[0].get("title") or "Papers"
    return clip_text(escape_plain(_ESCAPED.sub("", _MARKUP.sub("", first))), NAME_CHARACTERS) or "Papers"


def tags_for(payload: Mapping[str, Any], forum: Mapping[str, Any]) -> list[str]:
    """Returns the ids of the forum's tags that name a paper's domain, as a category or a group.

    If a tag is required and none fits, returns the first that anybody may use.
    """
    free = [tag for tag in forum.get("available_tags") or () if not tag.get("moderated")]
    mentioned = {part for embed in payload.get("embeds") or () for part in _metadata_of(embed)}
    fitting = [tag["id"] for tag in free if mentioned & _names_of_tag(tag["name"])]
    if not fitting and int(forum.get("flags") or 0) & REQUIRES_TAG:
        return [tag["id"] for tag in free[:1]]
    return fitting[:MAX_TAGS]


def _metadata_of(embed: Mapping[str, Any]) -> list[str]:
    """Returns the parts of a card's first line, its domain among them."""
    line = (embed.get("description") or "").partition("\n")[0]
    return [_ESCAPED.sub("", part).casefold() for part in line.removeprefix("-# ").split(" · ")]


def _names_of_tag(tag: str) -> set[str]:
    """Returns the names that a card shows for a tag's domains."""
    try:
        categories = resolve_domain(tag)
    except InputError:
        categories = ()
    return {tag.casefold()} | {domain_name(category).casefold() for category in categories}
