"""Untrusted text for Slack: tidied, clipped, escaped, split, and counted in the units of its limits. Pure."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable

from bot.chat.links import safe_web_address
from digests.text import clip_text, normalize_text

URL_UNITS = 1500
"""Our own: an address with its title has to fit a section."""
_UNSEEN_SPACE = "\u200b"
_SOFT_HYPHEN = "\u00ad"
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"

# Slack has no escape for its marks, and a zero-width space beside one makes it work inside a word too
# (https://github.com/yhatt/jsx-slack/blob/main/docs/about-escape-and-exact-mode.md), so a mark that could open or
# close gives way to its look-alike. Between two letters or digits it does nothing and stays: x_1, a*b.
_LOOK_ALIKES = str.maketrans("*_~`＊＿｀", "∗ˍ∼ˋ﹡⸏ˋ")
_MARK = re.compile(r"(?<![A-Za-z0-9])[*_~]|[*_~](?![A-Za-z0-9])|[`＊＿｀]")
_SHORTCODE = re.compile(r":(?=[^\s:]+:)")
_QUOTE = re.compile(r"^(?=[>＞])", re.MULTILINE)
_PING = re.compile(r"@(?=everyone|channel|here)|<(?=[!@#])", re.IGNORECASE)


def tidy_line(text: str) -> str:
    """Return the text as one tidy line, or "" if nothing would be visible."""
    text = normalize_text(text)
    seen = (
        sign for sign in text if unicodedata.category(sign)[0] not in "CMZ" and sign not in _BLANK_LETTERS
    )
    return text if any(seen) else ""


def tidy_lines(text: str) -> str:
    """Return the tidy text with its line breaks, with at most one empty line in a row."""
    return re.sub("\n{3,}", "\n\n", "\n".join(map(tidy_line, text.splitlines()))).strip()


def tidy_visible_lines(texts: Iterable[str]) -> list[str]:
    return list(filter(None, map(tidy_line, texts)))


def clip_mrkdwn(text: str, limit: int) -> str:
    """Return one line of mrkdwn within the limit.

    The text is cut before it is escaped, so that no entity is split.
    """
    return escape_mrkdwn(clip_text(tidy_line(text), limit, cost=count_mrkdwn_units))


def escape_mrkdwn(text: str) -> str:
    """Escape a text for mrkdwn. It reads the same and contains no active ping, link or format."""
    unmarked = _MARK.sub(lambda mark: mark[0].translate(_LOOK_ALIKES), text)
    unquoted = _QUOTE.sub(_SOFT_HYPHEN, unmarked)
    return escape_entities(_SHORTCODE.sub(rf"\g<0>{_UNSEEN_SPACE}", defuse_pings(unquoted)))


def defuse_pings(text: str) -> str:
    """Break up pings in plain_text. Slack does not parse them there; this is a second safeguard."""
    return _PING.sub(rf"\g<0>{_UNSEEN_SPACE}", text)


def escape_entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def count_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def count_plain_units(text: str) -> int:
    """Count the units of the escaped text. Slack does not document that it counts plain_text unescaped."""
    return count_units(escape_entities(defuse_pings(text)))


def count_mrkdwn_units(text: str) -> int:
    return count_units(escape_mrkdwn(text))


def split_text(text: str, limit: int, cost: Callable[[str], int]) -> list[str]:
    """Split the whole text into pieces within the limit: between lines, else between words, else anywhere."""
    pieces = []
    while len(text) > limit or cost(text) > limit:
        fitting = bisect_right(range(1, limit + 1), limit, key=lambda end: cost(text[:end]))
        spaces = [text.rfind(space, fitting // 2, fitting + 1) for space in "\n "]
        cut = next((space for space in spaces if space > 0), fitting)
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [piece for piece in [*pieces, text] if piece]


def render_link(title: str, url: str) -> str:
    target = _to_safe_url(url)
    return (
        f"<{escape_entities(target)}|{escape_mrkdwn(title).replace('|', '∣')}>"
        if target
        else escape_mrkdwn(title)
    )


def _to_safe_url(url: str) -> str:
    address = safe_web_address(url)
    return address if count_units(escape_entities(address)) <= URL_UNITS else ""
