"""Escaping and clipping of untrusted text for Discord, so that it never pings, links or formats. Pure."""

import re
from bisect import bisect_right

from bot.chat.links import safe_web_address
from digests.subscription import Channel
from digests.text import clip_text, normalize_text

URL_UNITS = 2048
"""Longest address of an embed (https://docs.discord.com/developers/resources/message#embed-object)."""

_ZERO_WIDTH_SPACE = "\u200b"
_INVISIBLE_TEXT = re.compile(
    "[\\s\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2800\u3164\ufe00-\ufe0f\uffa0]*"
)
_BEFORE_HOST_DOT = r"(?:(?<=www)|(?<=discord)|(?<=discordapp))(?=\.)"
# A backslash ends an address: Discord takes a zero-width space for a part of it.
_MARKUP = re.compile(rf"[\\*_~|`\[\]<>]|:(?!\s)|{_BEFORE_HOST_DOT}", re.IGNORECASE)
_LINE_MARKUP = re.compile(r"^(?=[-+#])|^\d+(?=[.)](?:\s|$))")
_PING = re.compile(r"@(?=everyone|here)", re.IGNORECASE)
_UNESCAPABLE_MARKUP = re.compile(
    rf"{_PING.pattern}|:(?=//)|:(?=[\w+-]+:)|<(?=[@#:/]|(?:t|a|id):)|{_BEFORE_HOST_DOT}", re.IGNORECASE
)
_REFUSED_LABEL = re.compile(r"[\[\]`<>@]|://|www\.|\w\.[a-z]{2,}", re.IGNORECASE)


def count_units(text: str) -> int:
    """Return the length in UTF-16 code units. Discord's own count is never larger."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def tidy_line(text: str) -> str:
    """Return the text as one line without invisible characters, not escaped; empty if nothing is visible."""
    text = normalize_text(text)
    return "" if _INVISIBLE_TEXT.fullmatch(text) else text


def escape_inline(text: str) -> str:
    """Return the text as one line without markup, for content, descriptions and titles.

    A backslash stands before markup; a zero-width space takes mentions of everyone apart.
    """
    escaped = _MARKUP.sub(lambda found: "\\" + found[0], tidy_line(text))
    return _PING.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", _LINE_MARKUP.sub(r"\g<0>\\", escaped))


def escape_plain(text: str) -> str:
    """Return the text as one line for places that show backslashes: footers, button labels and thread names.

    A zero-width space takes mentions, addresses, custom emojis and timestamps apart.
    """
    return _UNESCAPABLE_MARKUP.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", tidy_line(text))


def clip_inline(text: str, limit: int) -> str:
    """Clip the text so that it is at most `limit` UTF-16 units long when escaped, and return it escaped.

    It is clipped before it is escaped, so that no escape is split. Returns "" if nothing fits.
    """
    text = tidy_line(text)
    return escape_inline(
        clip_text(text, limit, cost=count_inline_units) or text[: find_fitting_end(text, limit)]
    )


def find_fitting_end(text: str, room: int) -> int:
    """Return the length of the longest prefix that is at most `room` UTF-16 units long when escaped.

    `text` is one tidy line, not escaped. The prefix ends before a space, or at any character if no word fits.
    0 when nothing fits.
    """
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
    """Return the length in UTF-16 units of the text as `escape_inline` returns it."""
    return count_units(escape_inline(text))


def count_plain_units(text: str) -> int:
    """Return the length in UTF-16 units of the text as `escape_plain` returns it."""
    return count_units(escape_plain(text))


def to_safe_url(url: str) -> str:
    """Return the address, quoted, if an embed or a masked link may have it, else an empty string."""
    address = safe_web_address(url)
    return address if len(address) <= URL_UNITS else ""


def build_message_address(channel: Channel, receipt: str) -> str:
    """Return the address of a message of a server by its receipt; "" for one in direct messages or odd ids.

    The receipt of a message in a thread has the thread's id and a slash before the message's.
    """
    place, _, message = receipt.rpartition("/")
    parts = (channel.workspace, place or channel.channel, message)
    are_ids = all(part.isascii() and part.isdecimal() for part in parts)
    return f"https://discord.com/channels/{'/'.join(parts)}" if are_ids else ""


def render_link(label: str, url: str) -> str:
    """Return a label with a link: a masked link, or an [open] link after a label that Discord would not link.

    Without a safe address the label stands alone. The label is escaped here.
    """
    target = to_safe_url(url)
    if not target:
        return escape_inline(label)
    if _REFUSED_LABEL.search(label):
        return f"{escape_inline(label)} · [open]({target})"
    return f"[{escape_inline(label)}]({target})"
