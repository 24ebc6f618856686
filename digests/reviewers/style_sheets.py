"""Style sheets of a page, as far as they can hide text: their declarations by element. Linear and bounded.

Selectors of elements, classes and ids are understood, also several in a row. Rules with other selectors, for
print alone, or with declarations that bear on no visibility are left out.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

MAX_SHEET_CHARACTERS = 200_000
"""Characters of a page's style sheets that are read."""

MAX_RULES = 100
"""Selectors of a page that are kept."""

MAX_DECLARATION_CHARACTERS = 1_000
"""Characters of the declarations of one rule, and of those of one element."""

MAX_CLASSES = 30
"""Classes of an element that are looked at."""

MAX_REMEMBERED_STYLES = 1_000
"""Merged styles of a page that are remembered, most of them short."""

_BEARS_ON_VISIBILITY = re.compile(
    r"(?:display|visibility|opacity|color|background|font|left|top|right|bottom|indent|clip|height|width|"
    r"transform)[\w-]*\s*:"
)
_SIMPLE = re.compile(r"(?P<tag>[a-z][\w-]*|\*)?(?P<names>(?:[.#][\w-]+)*)")
_NAME = re.compile(r"[.#][\w-]+")


@dataclass(frozen=True, slots=True)
class Element:
    """An element as selectors see it: its tag, and its classes and ids with their sign (".a", "#b")."""

    tag: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Simple:
    """A selector without a combinator. Its tag is empty for any element."""

    tag: str
    names: frozenset[str]

    def is_of(self, element: Element) -> bool:
        return self.tag in ("", element.tag) and self.names <= element.names


@dataclass(frozen=True, slots=True)
class _Rule:
    """Declarations for the elements of a selector that have tags, classes and ids `around` them."""

    selector: _Simple
    around: frozenset[str]
    declarations: str


def _build_rule(chain: Sequence[_Simple], declarations: str) -> _Rule:
    """Build the rule of a chain of selectors, outermost first."""
    around = {name for simple in chain[:-1] for name in (*simple.names, simple.tag) if name}
    return _Rule(chain[-1], frozenset(around), declarations)


def name_element(tag: str, classes: str, element_id: str) -> Element:
    """Return an element by its attributes, with at most `MAX_CLASSES` classes."""
    names = [f".{name.lower()}" for name in classes.split(None, MAX_CLASSES)[:MAX_CLASSES]]
    return Element(tag, frozenset([*names, f"#{element_id.lower()}"] if element_id else names))


class StyleSheets:
    """The rules of a page's style sheets that may hide text."""

    def __init__(self, sheets: Sequence[str]) -> None:
        self._rules: dict[str, list[_Rule]] = {}
        self._found: dict[Element, list[_Rule]] = {}
        self._merged: dict[tuple[str, ...], str] = {}
        count = 0
        for selectors, declarations in _list_rules("\n".join(sheets)[:MAX_SHEET_CHARACTERS].lower()):
            for selector in selectors.split(",")[:MAX_RULES]:
                if count < MAX_RULES and (chain := _parse_selector(selector)):
                    key = min(chain[-1].names, default=chain[-1].tag)
                    self._rules.setdefault(key, []).append(_build_rule(chain, declarations))
                    count += 1

    def merge_style(self, element: Element, style: str, open_names: AbstractSet[str]) -> str:
        """Return the declarations for an element, of which its own `style` has the last word.

        `open_names` are the tags, classes and ids of the elements around it.
        """
        if not self._rules:
            return style
        if element not in self._found:
            self._found[element] = self._find_rules(element)
        sheets = tuple([rule.declarations for rule in self._found[element] if rule.around <= open_names])
        if not sheets:
            return style
        # Most elements of a page share their rules, and merging takes longer than finding them.
        if len(self._merged) >= MAX_REMEMBERED_STYLES:
            self._merged.clear()
        key = (*sheets, style)
        if key not in self._merged:
            self._merged[key] = _merge_declarations(sheets, style)
        return self._merged[key]

    def _find_rules(self, element: Element) -> list[_Rule]:
        keys = (element.tag, "", *sorted(element.names, reverse=True))  # Classes before ids.
        return [rule for key in keys for rule in self._rules.get(key, ()) if rule.selector.is_of(element)]


def _merge_declarations(sheets: Sequence[str], style: str) -> str:
    merged: dict[str, str] = {}
    for declaration in f"{';'.join(sheets)[-MAX_DECLARATION_CHARACTERS:]};{style}".split(";"):
        name, _, value = declaration.partition(":")
        merged[name.strip()] = value.strip()
    return ";".join(f"{name}:{value}" for name, value in merged.items())


def _list_rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield selectors and declarations of the rules that may bear on visibility, outside of print."""
    is_print = False
    for block in _strip_comments(sheet).split("}"):
        head, brace, declarations = block.rpartition("{")
        if not brace:  # The end of a block of rules.
            is_print = False
            continue
        outside, _, selectors = head.rpartition("{")
        is_print = is_print or ("@media" in outside and "print" in outside)
        declarations = declarations[:MAX_DECLARATION_CHARACTERS]
        if not is_print and _BEARS_ON_VISIBILITY.search(declarations):
            yield selectors.rpartition(";")[2], declarations


def _strip_comments(sheet: str) -> str:
    kept, position = [], 0
    while (start := sheet.find("/*", position)) >= 0:
        kept.append(sheet[position:start])
        end = sheet.find("*/", start + 2)
        if end < 0:
            return "".join(kept)
        position = end + 2
    return "".join((*kept, sheet[position:]))


MAX_CHAIN = 6
"""Selectors in a row that are understood."""


def _parse_selector(selector: str) -> tuple[_Simple, ...]:
    """Return the simple selectors of a chain, empty if one of them is of another kind."""
    parts = selector.replace(">", " ").split(None, MAX_CHAIN)
    found = [_SIMPLE.fullmatch(part) for part in parts]
    if len(parts) > MAX_CHAIN:
        return ()
    return (
        tuple(
            _Simple((match["tag"] or "").replace("*", ""), frozenset(_NAME.findall(match["names"])))
            for match in found
            if match
        )
        if all(found)
        else ()
    )
