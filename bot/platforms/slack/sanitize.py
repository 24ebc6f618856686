"""Functions that make untrusted text safe for Slack: tidy, clip, escape, split, count. Pure.

Slack has two kinds of text. It does not parse plain_text. In mrkdwn it reads marks (*bold*), entities (&lt;),
links (<address|title>) and pings (<!here>). A unit is one UTF-16 code unit, as in "units of a text".
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable

from bot.chat.links import safe_web_address
from digests.text import clip_text, normalize_text

URL_UNITS = 1500
"""Units of an address in a link. Our own limit: the address and its title have to fit into one section."""

_ZERO_WIDTH_SPACE = "\u200b"
_SOFT_HYPHEN = "\u00ad"
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Characters that Unicode calls letters or symbols, and that nobody can see."""

# Slack has no escape for its marks, and a zero-width space beside a mark makes it active even inside a word
# (https://github.com/yhatt/jsx-slack/blob/main/docs/about-escape-and-exact-mode.md). So a mark that could
# open or close a format is replaced by a character that looks like it. Between two ASCII letters or digits a
# mark has no effect, and it stays: x_1, a*b.
_LOOK_ALIKES = str.maketrans("*_~`＊＿｀", "∗ˍ∼ˋ﹡⸏ˋ")
_ACTIVE_SIGNS = "*_~`>:@<&"
"""ASCII characters of which something is escaped. Most texts have none, and a card is escaped often."""

_MARK = re.compile(r"(?<![A-Za-z0-9])[*_~]|[*_~](?![A-Za-z0-9])|[`＊＿｀]")
_SHORTCODE = re.compile(r":(?=[^\s:]+:)")
_QUOTE = re.compile(r"^(?=[>＞])", re.MULTILINE)
_PING = re.compile(r"@(?=everyone|channel|here)|<(?=[!@#])", re.IGNORECASE)


def tidy_line(text: str) -> str:
    """Return the text on one line, without invisible characters and repeated spaces.

    Returns "" if no visible character is left, since Slack refuses an empty text.
    """
    text = normalize_text(text)
    visible = (
        sign for sign in text if unicodedata.category(sign)[0] not in "CMZ" and sign not in _BLANK_LETTERS
    )
    return text if any(visible) else ""


def tidy_lines(text: str) -> str:
    """Tidy each line of the text as `tidy_line` does.

    Line breaks stay, with at most one empty line in a row.
    """
    return re.sub("\n{3,}", "\n\n", "\n".join(map(tidy_line, text.splitlines()))).strip()


def tidy_visible_lines(texts: Iterable[str]) -> list[str]:
    """Tidy each text as one line, and leave out the texts that have nothing visible."""
    return list(filter(None, map(tidy_line, texts)))


def clip_mrkdwn(text: str, limit: int) -> str:
    """Return the text as one line of escaped mrkdwn of at most `limit` units.

    The text is cut before it is escaped, so that no entity is split. The limit holds for the escaped text.
    """
    return escape_mrkdwn(clip_text(tidy_line(text), limit, cost=count_mrkdwn_units))


def escape_mrkdwn(text: str) -> str:
    """Escape a text for mrkdwn.

    A reader sees the same text, and Slack finds no ping, link, emoji or format in it.
    """
    if text.isascii() and not any(sign in text for sign in _ACTIVE_SIGNS):
        return text
    unmarked = _MARK.sub(lambda mark: mark[0].translate(_LOOK_ALIKES), text)
    unquoted = _QUOTE.sub(_SOFT_HYPHEN, unmarked)
    return escape_entities(_SHORTCODE.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", defuse_pings(unquoted)))


def defuse_pings(text: str) -> str:
    """Break up pings such as @channel and <!here> with a zero-width space.

    In plain_text Slack does not parse them, so there this is a second safeguard.
    """
    return _PING.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", text)


def escape_entities(text: str) -> str:
    """Replace &, < and > by their entities, as Slack requires in every text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def count_units(text: str) -> int:
    """Count the UTF-16 code units of a text. They are never fewer than the characters that Slack counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def count_plain_units(text: str) -> int:
    """Count the units of a text as plain_text, with its entities escaped.

    Slack does not document that it counts plain_text unescaped, so this is the larger of the two counts.
    """
    return count_units(escape_entities(defuse_pings(text)))


def count_mrkdwn_units(text: str) -> int:
    """Count the units of a text after it is escaped for mrkdwn."""
    return count_units(escape_mrkdwn(text))


def split_text(text: str, limit: int, cost: Callable[[str], int]) -> list[str]:
    """Split a text into pieces whose `cost` is at most `limit`.

    Nothing is left out but white space at the cuts. A cut is made between lines, else between words, else
    anywhere, in the second half of what would fit.
    """
    pieces = []
    while len(text) > limit or cost(text) > limit:
        fitting = bisect_right(range(1, limit + 1), limit, key=lambda end: cost(text[:end]))
        spaces = [text.rfind(space, fitting // 2, fitting + 1) for space in "\n "]
        cut = next((space for space in spaces if space > 0), fitting)
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [piece for piece in [*pieces, text] if piece]


def render_link(title: str, url: str) -> str:
    """Return a mrkdwn link with the title, or the escaped title if the address is unsafe or too long."""
    target = _to_safe_url(url)
    return (
        f"<{escape_entities(target)}|{escape_mrkdwn(title).replace('|', '∣')}>"
        if target
        else escape_mrkdwn(title)
    )


def has_safe_url(url: str) -> bool:
    """Return True if `render_link` makes a link of this address."""
    return bool(_to_safe_url(url))


def is_user_id(text: str) -> bool:
    """Return True for a text in the form of a person's id: a mention of it is no other markup."""
    return text.isascii() and text.isalnum() and text[:1] in ("U", "W")


def build_message_address(channel: str, ts: str) -> str:
    """Return the address of a message in the workspace that a reader is signed in to; "" for odd ids."""
    digits = ts.replace(".", "")
    is_message = digits.isascii() and digits.isdecimal() and channel.isascii() and channel.isalnum()
    return f"https://slack.com/archives/{channel}/p{digits}" if is_message else ""


def _to_safe_url(url: str) -> str:
    """Return the address quoted for a link, or "" if it is unsafe or longer than `URL_UNITS`."""
    address = safe_web_address(url)
    return address if count_units(escape_entities(address)) <= URL_UNITS else ""
