"""Conversion of HTML that stands in a title or an abstract to text. Pure."""

import html
import re

_TAGS = (
    r"i|b|u|em|strong|italic|bold|sub|sup|p|br|span|div|tt|scp|small|a|h[1-6]|ul|ol|li|(?:jats|mml):[a-z-]+"
)
_ATTRIBUTE = r"\s+[\w:.-]+=(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>\"']+)"
_SCRIPT = re.compile(r"<(?:jats:)?(su[bp])>([^<>]{0,40})</(?:jats:)?\1>")
_BLOCK = re.compile(r"</?(?:jats:)?(?:p|br|div|li|ul|ol|h[1-6]|title|sec)\s?/?>")
_TAG = re.compile(rf"</?(?:{_TAGS})(?:{_ATTRIBUTE})*\s?/?>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_RAISED = str.maketrans(
    "0123456789+-\u2212=()",
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207b\u207c\u207d\u207e",
)
_LOWERED = str.maketrans(
    "0123456789+-\u2212=()",
    "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089\u208a\u208b\u208b\u208c\u208d\u208e",
)


def convert_html(text: str) -> str:
    """Remove tags of formatting, and convert entities and scripts. Other text in angle brackets stays."""
    if "<" in text:
        text = _TAG.sub("", _BLOCK.sub(" ", _SCRIPT.sub(_convert_script, text)))
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


def _convert_script(found: re.Match[str]) -> str:
    is_raised, inside = found[1] == "sup", found[2].strip()
    if re.fullmatch(r"[0-9+\u2212()=-]+", inside):
        return inside.translate(_RAISED if is_raised else _LOWERED)
    if not inside or (is_raised and inside in ("st", "nd", "rd", "th", "TM")):
        return inside
    return f"{'^' if is_raised else '_'}{inside}"
