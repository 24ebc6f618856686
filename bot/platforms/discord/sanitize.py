"""Escaping and clipping of untrusted text for Discord: it never pings, links or formats. Pure."""

import re
from bisect import bisect_right

from bot.chat.links import safe_web_address
from digests.text import clip_text, normalize_text

URL_UNITS = 2048
"""UTF-16 units of an embed's url (https://docs.discord.com/developers/resources/message#embed-object)."""

_UNSEEN_SPACE = "\u200b"
_NOTHING_TO_SEE = re.compile(
    "[\\s\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2800\u3164\ufe00-\ufe0f\uffa0]*"
)
_BEFORE_A_HOSTS_DOT = r"(?:(?<=www)|(?<=discord)|(?<=discordapp))(?=\.)"
_READ_AS_MARKUP = re.compile(rf"[\\*_~|`\[\]<>]|:(?!\s)|{_BEFORE_A_HOSTS_DOT}", re.IGNORECASE)
_OPENS_A_LINE = re.compile(r"^(?=[-+#])|^\d+(?=[.)](?:\s|$))")
_PING = re.compile(r"@(?=everyone|here)", re.IGNORECASE)
_READ_WITHOUT_MARKUP = re.compile(
    rf"{_PING.pattern}|:(?=//)|:(?=[\w+-]+:)|<(?=[@#:/]|(?:t|a|id):)|{_BEFORE_A_HOSTS_DOT}", re.IGNORECASE
)
_REFUSED_IN_LABELS = re.compile(r"[\[\]`<>@]|://|www\.|\w\.[a-z]{2,}", re.IGNORECASE)


def count_units(text: str) -> int:
    """Returns the length in UTF-16 code units, never fewer than Discord counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def tidy_line(text: str) -> str:
    """Returns the text as one line, not escaped; empty if nothing in it is visible."""
    text = normalize_text(text)
    return "" if _NOTHING_TO_SEE.fullmatch(text) else text


def escape_inline(text: str) -> str:
    """Returns one escaped line for content, descriptions and titles.

    `https\\://` is no link to Discord's parser, which takes a zero-width space for a part of the address.
    """
    escaped = _READ_AS_MARKUP.sub(lambda found: "\\" + found[0], tidy_line(text))
    return _PING.sub(rf"\g<0>{_UNSEEN_SPACE}", _OPENS_A_LINE.sub(r"\g<0>\\", escaped))


def escape_plain(text: str) -> str:
    """Returns one line for places that show escapes: an embed's footer and author, a button's label."""
    return _READ_WITHOUT_MARKUP.sub(rf"\g<0>{_UNSEEN_SPACE}", tidy_line(text))


def clip_inline(text: str, limit: int) -> str:
    """Escapes the text within a limit. It is cut first, so that no escape is split."""
    text = tidy_line(text)
    return escape_inline(
        clip_text(text, limit, cost=count_inline_units) or text[: find_fitting_end(text, limit)]
    )


def find_fitting_end(text: str, room: int) -> int:
    """Returns the length of the longest prefix that fits escaped, cut at a word or else at a character."""
    if len(text) <= room and count_units(escape_inline(text)) <= room:
        return len(text)
    for ends in (
        [space.start() for space in re.finditer(r"(?<=\S)\s", text[: room + 1])],
        range(1, room + 1),
    ):
        if fitting := bisect_right(ends, room, key=lambda end: count_units(escape_inline(text[:end]))):
            return ends[fitting - 1]
    return 0


def count_inline_units(text: str) -> int:
    return count_units(escape_inline(text))


def count_plain_units(text: str) -> int:
    return count_units(escape_plain(text))


def to_safe_url(url: str) -> str:
    """Returns the address if an embed or a masked link may have it, else an empty string."""
    address = safe_web_address(url)
    return address if len(address) <= URL_UNITS else ""


def render_link(label: str, url: str) -> str:
    """Returns a masked link; the label with a link beside it if Discord would refuse that; or the label."""
    target = to_safe_url(url)
    if not target:
        return escape_inline(label)
    if _REFUSED_IN_LABELS.search(label):
        return f"{escape_inline(label)} · [open]({target})"
    return f"[{escape_inline(label)}]({target})"
