"""A small reader of Discord's markdown that lists the constructs which its clients see.

It is independent of the renderer and finds rather too much: any scheme is a link, and so is an invitation
without one. Mentions, which the server reads regardless of escapes, are searched for in the raw text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Construct:
    """A construct. `kind` is a word such as "bold", `target` its address, id or inner text."""

    kind: str
    target: str = ""


def constructs(text: str) -> list[Construct]:
    """Return all constructs of a text from left to right, those that the server reads first."""
    raw = [Construct(kind, found[0]) for kind, rule in RAW for found in rule.finditer(text)]
    return [*raw, *read(text, at_line_start=True)]


def kinds(text: str) -> set[str]:
    return {construct.kind for construct in constructs(text)}


RAW = [
    ("everyone", re.compile(r"@(everyone|here)", re.IGNORECASE)),
    ("mention", re.compile(r"<@[!&]?\d+>|<#\d+>")),
    ("invitation", re.compile(r"discord(?:\.\w+|(?:app)?\.com/invite)/\S", re.IGNORECASE)),
]
ESCAPE = re.compile(r"\\[^0-9A-Za-z\s]")
LINE_START = [
    ("heading", re.compile(r" *#{1,6}(?=\s|$)")),
    ("small print", re.compile(r" *-#(?=\s|$)")),
    ("quote", re.compile(r" *>(?:>>)?(?=\s|$)")),
    ("list item", re.compile(r" *(?:[-*+]|\d+[.)])(?=\s|$)")),
]
WHOLE = [
    ("timestamp", re.compile(r"<t:-?\d+(?::\w)?>")),
    ("command", re.compile(r"</[^<>]+:\d+>")),
    ("custom emoji", re.compile(r"<a?:\w+:\d+>")),
    ("navigation", re.compile(r"<id:[\w:]+>")),
    ("mention", re.compile(r"<(?:@[!&]?|#)\d+>")),
    ("address in brackets", re.compile(r"<[a-zA-Z][\w+.-]*:[^\s<>]+>|<[^\s<>]+@[^\s<>]+\.\w+>|<\+?\d{3,}>")),
    ("shortcode", re.compile(r":[\w+-]+(?:::skin-tone-\d)?:")),
    ("autolink", re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s<]+|www\.[^\s<]+", re.IGNORECASE)),
    ("fence", re.compile(r"```.+?```", re.DOTALL)),
    ("code", re.compile(r"(`+)(?=[^`]).*?[^`]\1(?!`)", re.DOTALL)),
]
LINK = re.compile(r"\[(?P<inside>(?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*(?P<target>[^)]*)\)")
AROUND = [
    ("bold", re.compile(r"\*\*(?P<inside>(?:\\.|[^\\])+?)\*\*(?!\*)", re.DOTALL)),
    ("underline", re.compile(r"__(?P<inside>(?:\\.|[^\\])+?)__(?!_)", re.DOTALL)),
    ("strike", re.compile(r"~~(?P<inside>.+?)~~", re.DOTALL)),
    ("spoiler", re.compile(r"\|\|(?P<inside>.+?)\|\|", re.DOTALL)),
    ("italic", re.compile(r"\*(?P<inside>(?=\S)(?:\\.|[^\\*])+?)\*(?!\*)", re.DOTALL)),
    ("italic", re.compile(r"_(?P<inside>(?:\\.|[^\\_])+?)_(?!\w)", re.DOTALL)),
]


def read(text: str, *, at_line_start: bool) -> Iterator[Construct]:
    position = 0
    while position < len(text):
        at_line_start = at_line_start or (position > 0 and text[position - 1] == "\n")
        kind, found = first_rule(text, position, at_line_start)
        if found is None:
            at_line_start = False
            position += 1
            continue
        if kind:
            yield Construct(
                kind, found.groupdict().get("target") or found.groupdict().get("inside") or found[0]
            )
            if inside := found.groupdict().get("inside"):
                yield from read(inside, at_line_start=False)
        at_line_start = kind in ("quote", "list item")
        position = found.end() + (at_line_start and found.end() < len(text) and text[found.end()] == " ")


def first_rule(text: str, position: int, at_line_start: bool) -> tuple[str, re.Match[str] | None]:
    if found := ESCAPE.match(text, position):
        return "", found
    rules = [*(LINE_START if at_line_start else []), *WHOLE, ("masked link", LINK), *AROUND]
    for kind, rule in rules:
        if found := rule.match(text, position):
            return kind, found
    return "", None
