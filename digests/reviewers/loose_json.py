"""JSON as models write it: TeX with single backslashes, quotes inside texts, commas amiss. Pure.

The objects of an answer are found in prose, lists and fences. Correct JSON is read as it is, apart from TeX.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_DEPTH = 24
"""Levels of an object. A deeper one is none."""

MAX_KEY_CHARACTERS = 80

WORK_FACTOR = 12
"""Passes over an answer that failed attempts at objects may take together."""


class Mend(StrEnum):
    """The kind of a repair or a loss in an answer. The value stands in reports."""

    TEX = "TeX restored"
    JSON = "JSON mended"
    CUT_OFF = "cut off behind its last needed field"
    WRAPPER = "form taken out of a wrapper"
    OTHER_FIELD = "form found in a field of thoughts or tool calls"
    GRADE = "grade read from words or a fraction"
    TEXT_FIELD = "text field of another type"
    ASSESSMENT = "assessment missing"
    LIMITATION = "limitation without a point or a quote"
    REPEATED = "asked a second time"


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object of an answer: its place, its value, and the kinds of mends that it took.

    `is_cut_off` is true if the answer ends inside it. A text that is cut off is left out of its value.
    """

    start: int
    end: int
    value: dict[str, Any]
    mends: frozenset[Mend]
    is_cut_off: bool = False


_OBJECT_START = re.compile(r"""\{\s*(?=["'}]|[A-Za-z_]\w{0,40}\s{0,8}:)""")


def find_objects(text: str) -> Iterator[FoundObject]:
    """Yield the outermost objects of a text in their order, also inside prose and lists.

    One that is cut off is yielded too, and those inside it after it. Failed attempts take at most
    `WORK_FACTOR` passes over the text. Never raises.
    """
    position, work = 0, WORK_FACTOR * (len(text) + 1000)
    while work > 0 and (start := _OBJECT_START.search(text, position)):
        reader = _Reader(text)
        try:
            value, position = reader.read_object(start.start(), 0)
        except _CutOffError as error:
            work -= len(text) - start.start()
            yield FoundObject(start.start(), len(text), error.value, frozenset(reader.mends), is_cut_off=True)
            position = start.start() + 1
        except _NoJsonError as error:
            work -= error.position - start.start() + 20
            position = start.start() + 1
        else:
            yield FoundObject(start.start(), position, value, frozenset(reader.mends))


class _NoJsonError(Exception):
    """Text that no tolerance makes JSON. `position` is the place of the problem."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position


class _CutOffError(Exception):
    """The end of the text inside an object. `value` is the part before it."""

    def __init__(self, value: Any = None) -> None:
        super().__init__()
        self.value = value


_BLANK = re.compile(r"(?:[\s\ufeff]++|//[^\n]*+)*+")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?(?:\s{0,3}/\s{0,3}\d{1,3})?")
_WORD = re.compile(r"(?:null|true|false|None|True|False|NaN)\b")
_WORDS: dict[str, Any] = {"true": True, "True": True, "false": False, "False": False}
_KEY = re.compile(rf"""(["'])[^"'\\\n]{{0,{MAX_KEY_CHARACTERS}}}\1""")
_BARE_KEY = re.compile(r"[A-Za-z_]\w{0,40}(?=\s{0,8}:)")
_PLAIN = {'"': re.compile(r'[^"\\]*+'), "'": re.compile(r"[^'\\]*+")}
_AFTER_VALUE = re.compile(
    r"""\s{0,400}(?:[}\]]|\Z|,\s{0,400}(?:["'{}\[\]]|\Z|-?\d|(?:null|true|false|None)\b|[A-Za-z_]\w{0,40}\s{0,8}:))"""
)
_NEXT_KEY = re.compile(r"""[^\S\n]{0,80}\n\s{0,80}["']\w{1,40}["']\s{0,8}:""")


class _Reader:
    """A reader of one object. `mends` are the kinds of the repairs so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.mends: set[Mend] = set()

    def read_object(self, start: int, depth: int) -> tuple[dict[str, Any], int]:
        """Return the object at a brace and the position after it."""
        if depth > MAX_DEPTH:
            raise _NoJsonError(start)
        value: dict[str, Any] = {}
        position, is_first = start + 1, True
        try:
            while True:
                position, has_comma = self._skip_comma(position)
                sign = self._peek(position)
                if sign == "}":
                    self._note(Mend.JSON, when=has_comma)
                    return value, position + 1
                self._note(Mend.JSON, when=has_comma == is_first)
                key, position = self._read_key(position)
                position = self._skip_blank(position)
                if self._peek(position) != ":":
                    raise _NoJsonError(position)
                value[key], position = self._read_value(position + 1, depth + 1)
                is_first = False
        except _CutOffError as error:
            if error.value is not None:
                value[key] = error.value
            raise _CutOffError(value) from None

    def _read_list(self, start: int, depth: int) -> tuple[list[Any], int]:
        if depth > MAX_DEPTH:
            raise _NoJsonError(start)
        value: list[Any] = []
        position = start + 1
        try:
            while True:
                position, has_comma = self._skip_comma(position)
                if self._peek(position) == "]":
                    self._note(Mend.JSON, when=has_comma)
                    return value, position + 1
                self._note(Mend.JSON, when=has_comma != bool(value))
                element, position = self._read_value(position, depth + 1)
                value.append(element)
        except _CutOffError as error:
            raise _CutOffError([*value, error.value] if error.value is not None else value) from None

    def _read_key(self, position: int) -> tuple[str, int]:
        sign = self._text[position]
        if key := _KEY.match(self._text, position):
            self._note(Mend.JSON, when=sign == "'")
            return key[0][1:-1], key.end()
        if position + MAX_KEY_CHARACTERS >= len(self._text) and sign in _PLAIN:
            raise _CutOffError
        if bare := _BARE_KEY.match(self._text, position):
            self.mends.add(Mend.JSON)
            return bare[0], bare.end()
        raise _NoJsonError(position)

    def _read_value(self, position: int, depth: int) -> tuple[Any, int]:
        position = self._skip_blank(position)
        sign = self._peek(position)
        if sign == "{":
            return self.read_object(position, depth)
        if sign == "[":
            return self._read_list(position, depth)
        if sign in _PLAIN:
            self._note(Mend.JSON, when=sign == "'")
            return self._read_text(position)
        if number := _NUMBER.match(self._text, position):
            return _convert_number(number[0]), number.end()
        if word := _WORD.match(self._text, position):
            return _WORDS.get(word[0]), word.end()
        raise _NoJsonError(position)

    def _read_text(self, start: int) -> tuple[str, int]:
        """Return the text at a quotation mark and the position after it.

        A mark that nothing follows which may follow a text is one inside the text.
        """
        text, mark = self._text, self._text[start]
        plain, parts, position = _PLAIN[mark], [], start + 1
        while True:
            run = plain.match(text, position)
            assert run  # noqa: S101
            parts.append(run[0])
            position = run.end()
            if position >= len(text):
                raise _CutOffError
            if text[position] == "\\":
                piece, position = self._read_escape(position)
                parts.append(piece)
            elif _AFTER_VALUE.match(text, position + 1) or _NEXT_KEY.match(text, position + 1):
                return _join_pieces(parts), position + 1
            else:
                self.mends.add(Mend.JSON)
                parts.append(mark)
                position += 1

    def _read_escape(self, position: int) -> tuple[str, int]:
        """Return what a backslash and the signs after it mean, and the position after them."""
        text = self._text
        sign = text[position + 1 : position + 2]
        if not sign:
            raise _CutOffError
        if sign in '"/':
            return sign, position + 2
        if sign == "\\":
            return self._read_backslashes(position)
        if sign == "u" and (code := _CODE.match(text, position + 2)):
            return chr(int(code[0], 16)), position + 6
        if sign == "'":
            is_accent = bool(_ACCENTED.match(text, position - 1))
            self._note(Mend.TEX if is_accent else Mend.JSON)
            return "\\'" if is_accent else "'", position + 2
        if sign in _CONTROLS and not _is_macro(text, position):
            return _CONTROLS[sign], position + 2
        self.mends.add(Mend.TEX)
        return "\\" + sign, position + 2

    def _read_backslashes(self, position: int) -> tuple[str, int]:
        """Return one backslash for one or two that are escaped before a macro, else as JSON has it."""
        text = self._text
        if text.startswith("\\\\\\\\", position):
            macro = _MACRO.match(text, position + 3)
            if macro and macro[1] in _known_macros():
                self.mends.add(Mend.TEX)
                return "\\", position + 4
        return "\\", position + 2

    def _skip_comma(self, position: int) -> tuple[int, bool]:
        position, has_comma = self._skip_blank(position), False
        while position < len(self._text) and self._text[position] == ",":
            position, has_comma = self._skip_blank(position + 1), True
        return position, has_comma

    def _skip_blank(self, position: int) -> int:
        blank = _BLANK.match(self._text, position)
        assert blank  # noqa: S101
        return blank.end()

    def _peek(self, position: int) -> str:
        if position >= len(self._text):
            raise _CutOffError
        return self._text[position]

    def _note(self, mend: Mend, *, when: bool = True) -> None:
        if when:
            self.mends.add(mend)


def _convert_number(digits: str) -> Any:
    if "/" in digits:
        return digits
    number = float(digits)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _join_pieces(pieces: list[str]) -> str:
    """Join the pieces of a text. Halves of a character that are escaped apart become one."""
    joined = "".join(pieces)
    if joined.isascii():
        return joined
    return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_CODE = re.compile(r"[0-9a-fA-F]{4}")
_ACCENTED = re.compile(r"[a-z]\\'\{?[aeiou]\b")
_MACRO = re.compile(r"\\([a-zA-Z]+)(?![a-zA-Z])")
_CONTROLS = {"b": " ", "f": " ", "n": "\n", "r": "\n", "t": "\t"}
_MACROS_OF_N = frozenset(
    ("nabla", "ne", "nearrow", "neg", "neq", "newline", "nexists", "ngeq", "ni", "nleq", "nmid", "nolimits",
     "nonumber", "norm", "not", "notin", "nparallel", "nprec", "nsim", "nsubseteq", "nu", "nVert", "nvert",
     "nwarrow")
)  # fmt: skip
_MACROS_OF_T = frozenset(
    ("tan", "tanh", "tau", "tbinom", "tensor", "text", "textbf", "textcolor", "textit", "textnormal",
     "textrm", "textsc", "textsf", "textsuperscript", "textsubscript", "texttt", "textup", "tfrac", "theta",
     "thickapprox", "therefore", "tilde", "times", "tiny", "to", "top", "triangle", "triangleq", "tt",
     "twoheadrightarrow")
)  # fmt: skip
_WORD_LIKE_MACROS = frozenset(("ne", "ni", "tan", "to", "tt", "nu"))
"""Macros that are also a line break or a tab and the beginning of a word."""
_BEHIND_MACRO = re.compile(r"[ ]?[\\${}^_(=\d]|[ ]\S{1,3}\s?\$|[-,]")


def _is_macro(text: str, position: int) -> bool:
    r"""Return True if an escape that JSON knows begins a macro, as in \frac, \nabla and \times."""
    macro = _MACRO.match(text, position, position + 40)
    if not macro:
        return False
    name = macro[1]
    match name[0]:
        case "b" | "f":
            # Nobody writes a backspace or a form feed.
            return len(name) > 1
        case "r":
            return len(name) > 1 and name[1].islower()
        case "n":
            is_known = name in _MACROS_OF_N
        case _:
            is_known = name in _MACROS_OF_T
    if name in _WORD_LIKE_MACROS:
        return bool(_BEHIND_MACRO.match(text, macro.end()))
    return is_known


def _known_macros() -> frozenset[str]:
    from digests.latex_tables import LETTERS, OPERATORS, SYMBOLS, UNWRAPPED

    return frozenset((*LETTERS, *SYMBOLS, *OPERATORS, *UNWRAPPED, *_MACROS_OF_N, *_MACROS_OF_T, "frac"))
