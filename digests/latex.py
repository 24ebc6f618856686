"""Conversion of LaTeX to Unicode, in one pass over its tokens. Pure."""

import re
import unicodedata

from digests.latex_tables import (
    ABBREVIATIONS,
    ACCENTS,
    BLACKBOARD,
    DROPPED,
    DROPPED_WITH_ARGUMENT,
    HIDDEN_WITH_ARGUMENT,
    LETTERS,
    MATHS_ACCENTS,
    OPERATORS,
    SPACES,
    SPACES_WITH_ARGUMENT,
    SYMBOLS,
    UNITS,
    UNWRAPPED,
)

MAX_NESTING = 25
"""Levels of groups and arguments that are read as such. Deeper ones lose their braces."""

MAX_FORMULA_CHARACTERS = 400
"""Characters of a formula between single dollar signs; a longer text between two is no formula."""

_OPEN, _CLOSE = "\ue020", "\ue021"
"""Marks of the beginning and the end of a formula."""

_NAME = "\ue030"
"""Mark on both sides of an operator's name, which a letter beside it must not touch."""

_GONE = "\ue031"
"""Mark of a macro that nobody knows, and that left nothing behind."""

_REFERENCE = "\ue032"
"""Mark of a citation or a reference that is left out."""

_LITERALS = {
    "%": "\ue010", "&": "\ue011", "#": "\ue012", "_": "\ue013", "$": "\ue014", "{": "\ue015", "}": "\ue016",
}  # fmt: skip
"""Marks of signs that were escaped, and that no later step may read as LaTeX."""

_STASHED, _STASHED_END = "\ue000", "\ue001"
"""Marks around the number of an address."""

_ADDRESS = re.compile(r"https?://[^\s{}\\$]+")
_LINK_MACROS = re.compile(
    r"\\href\s*\{([^{}]*)\}\s*\{((?:[^{}]|\{[^{}]*\})*)\}|(?<!\w)\\?url\s*\{([^{}]*)\}|\\(?=https?://)"
)
_LINE_BREAK = re.compile(r"\\\\\*?(?:\[[^\[\]]{0,20}\])?")
_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|[{}^_~&\ue020\ue021]|[^\\{}^_~&\ue020\ue021]+|\\", re.DOTALL)
_SPACE = re.compile(r"\s*")
_LOOSE_ACCENT = re.compile(r"\{\\([`'^~=.\"])\}([A-Za-z])")
_NUMBER_OR_BRACKET = re.compile(r"[(\[=:]$|(?:^|[\s(\[])(?:[A-Za-z]?[\d.,]+%?|[a-z])$")
_OPTION = re.compile(r"\s*\[([^\[\]]{0,200})\]")


def convert_latex(text: str, system_name: str) -> str:
    """Convert the LaTeX of one line to Unicode. The cost grows with the length of the text. Never raises.

    `system_name` stands where the authors used a macro of their own for their system; without it such a macro
    is left out. Addresses, amounts of money and the braces of sets are kept.
    """
    addresses: list[str] = []

    def stash_address(found: re.Match[str]) -> str:
        addresses.append(found[0])
        return f"{_STASHED}{len(addresses) - 1}{_STASHED_END}"

    text = _ADDRESS.sub(stash_address, _LINK_MACROS.sub(_unwrap_link, text))
    text = _LOOSE_ACCENT.sub(r"\\\1{\2}", text)  # T{\"}ulu for T{\"u}lu.
    text = _mark_formulas(_LINE_BREAK.sub(" ", text))
    converted = _polish(_Converter(_convert_quotes_and_dashes(text), system_name).convert())
    for sign, mark in _LITERALS.items():
        converted = converted.replace(mark, sign)
    return re.sub(
        f"{_STASHED}(\\d+){_STASHED_END}", lambda found: addresses[int(found[1])], _drop_marks(converted)
    )


def _unwrap_link(found: re.Match[str]) -> str:
    target, label, bare = found[1], found[2], found[3]
    if target is None and bare is None:
        return ""
    address = re.sub(r"\\([%#_&~])", r"\1", target if bare is None else bare).strip()
    if bare is not None or not (label or "").strip() or (label or "").strip() == address:
        return address
    return f"{label} ({address})" if address else label


def _convert_quotes_and_dashes(text: str) -> str:
    text = text.replace("``", "“")
    text = re.sub(r"(?<=\S)''(?!')", "”", text) if "“" in text else text
    text = re.sub(r"(?<=[\w”)])(\s?)---(\s?)(?=[\w“(])", r"\1—\2", text)
    return re.sub(r"(?<=\w)(\s?)--(\s?)(?=\w)", r"\1–\2", text)


def _drop_marks(text: str) -> str:
    return re.sub("[\ue010-\ue016\ue020\ue021\ue030-\ue032]", "", text)


_DELIMITER_MARKS = {r"\$": _LITERALS["$"], r"\(": _OPEN, r"\[": _OPEN, r"\)": _CLOSE, r"\]": _CLOSE}
_DELIMITER = re.compile(r"\\[$()\[\]]|\\.|\$\$|\$", re.DOTALL)


def _mark_formulas(text: str) -> str:
    """Replace the delimiters of formulas by marks, and single dollar signs, such as money, by a literal."""
    marked: list[str] = []
    start, is_open = 0, False
    for found in _DELIMITER.finditer(text):
        sign, mark = found[0], ""
        if sign in _DELIMITER_MARKS:
            mark = _DELIMITER_MARKS[sign]
        elif sign in ("$", "$$"):
            is_open = not is_open and _find_closing(text, found.end(), sign) >= 0
            mark = (
                _OPEN if is_open else _CLOSE if marked and marked[-1] == _OPEN else _LITERALS["$"] * len(sign)
            )
        if mark:
            marked += [text[start : found.start()], mark]
            start = found.end()
    return "".join([*marked, text[start:]])


def _find_closing(text: str, start: int, sign: str) -> int:
    """Return the position of the sign that closes a formula, -1 if what follows is none."""
    end = text.find("$", start, start + MAX_FORMULA_CHARACTERS * (1 if sign == "$" else 10))
    while end > 0 and text[end - 1] == "\\":
        end = text.find("$", end + 1, start + MAX_FORMULA_CHARACTERS)
    if end < 0 or (sign == "$$" and text[end : end + 2] != "$$"):
        return -1
    if sign == "$" and not _looks_like_maths(text[start:end], text[end + 1 : end + 2]):
        return -1
    return end


def _looks_like_maths(inside: str, following: str) -> bool:
    if not inside.strip():
        return False
    if "\\" in inside:
        return True
    if following.isdigit() or inside[0].isspace() or inside[-1].isspace():
        return bool(re.search(r"[\^_=<>]", inside)) and not re.search(r"[a-z]{3,} [a-z]{2,}", inside)
    return not re.search(r"[^\W\d_]{3,}[ ,.;]+[^\W\d_]{2,}|[^\W\d_]{2,}[ ,.;]+[^\W\d_]{3,}", inside)


_RAISED = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_SIGNED_NUMBER = re.compile(r"[+−-]?\d+")
_STANDALONE_SCRIPT = re.compile(r"[′*†‡⊤]+|°|st|nd|rd|th|TM")
_ROOTS = {"": "√", "2": "√", "3": "∛", "4": "∜"}
_JUXTAPOSED = re.compile(
    r"[^\W_]|\(|\\(?:math(?:bb|bf|cal|rm|sf)|hat|bar|tilde|sqrt|frac|left\s*\(|bm|boldsymbol"
    r"|[A-Z]?(?:alpha|beta|gamma|delta|epsilon|theta|lambda|mu|pi|sigma|phi|psi|omega|rho|tau|eta|xi)(?![a-z]))"
)
_GENERIC = re.compile(
    r"our|method|model|name|tool|bench|system|^sys|approach|framework|dataset|alg|proj|paper|this|^data$|full",
    re.IGNORECASE,
)


class _Converter:
    """Reader of tokens from left to right. Each is consumed once."""

    def __init__(self, text: str, system_name: str) -> None:
        self._text = text
        self._position = 0
        self._in_maths = False
        self._depth = 0
        self._in_unit = False
        self._system_name = system_name
        own = {name for name in re.findall(r"\\([a-zA-Z]+)", text) if _is_own_macro(name)}
        self._has_one_own_macro = len(own) == 1
        self._initials = _find_initials(text) if own else frozenset()

    def convert(self) -> str:
        pieces = []
        while self._position < len(self._text):
            pieces.append(self._read_until_brace())
            self._position += 1  # A closing brace that nothing opened is dropped.
        return "".join(pieces)

    def _read_until_brace(self) -> str:
        """Convert up to the next brace that closes this group, or to the end. The brace is not consumed."""
        pieces: list[str] = []
        while found := _TOKEN.match(self._text, self._position):
            lexeme = found[0]
            if lexeme == "}":
                break
            self._position = found.end()
            pieces.append(self._convert_token(lexeme))
        return "".join(pieces)

    def _convert_token(self, lexeme: str) -> str:
        if lexeme in (_OPEN, _CLOSE):
            self._in_maths = lexeme == _OPEN
            return ""
        if lexeme == "{":
            return self._convert_group()
        if lexeme == "~":
            return self._convert_tie()
        if lexeme in "^_":
            return self._convert_script(lexeme)
        if lexeme == "&":
            return " " if self._in_maths else lexeme
        if not lexeme.startswith("\\"):
            return lexeme
        if lexeme[1:2].isalpha() and lexeme[1:2].isascii():
            return self._convert_macro(lexeme[1:].rstrip("*"))
        return self._convert_control_sign(lexeme[1:])

    # Arguments.

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _skip_spaces(self) -> None:
        found = _SPACE.match(self._text, self._position)
        self._position = found.end() if found else self._position

    def _read_group(self) -> str:
        """Convert the inside of a group whose opening brace is consumed, and consume the closing one."""
        if self._depth >= MAX_NESTING:
            return ""
        self._depth += 1
        inside = self._read_until_brace()
        self._depth -= 1
        self._position += 1
        return inside

    def _read_argument(self) -> str:
        """Convert the next argument: a group, a macro with its own arguments, or one sign."""
        self._skip_spaces()
        found = _TOKEN.match(self._text, self._position)
        if not found or found[0] in ("}", _OPEN, _CLOSE):
            return ""
        lexeme = found[0] if found[0][0] in "{\\" else found[0][0]
        if lexeme[0] == _STASHED:
            return ""
        if lexeme != "{" and self._depth >= MAX_NESTING:
            return ""
        self._position += len(lexeme)
        if lexeme == "{":
            return self._read_group()
        self._depth += 1
        converted = self._convert_token(lexeme) if lexeme[0] == "\\" else lexeme
        self._depth -= 1
        return converted

    def _read_option(self) -> str:
        found = _OPTION.match(self._text, self._position)
        if not found:
            return ""
        self._position = found.end()
        return found[1].strip()

    def _is_before_factor(self) -> bool:
        return bool(_JUXTAPOSED.match(self._text, self._position))

    # Groups, ties and scripts.

    def _convert_group(self) -> str:
        """Convert a group. Its braces stay where they show a set or a list."""
        start = self._position
        has_word_before = start >= 2 and self._text[start - 2].isalnum()
        inside = self._read_group()
        is_closed = self._text[self._position - 1 : self._position] == "}"
        raw = self._text[start : self._position - 1] if is_closed else ""
        if self._in_maths or not is_closed:
            return inside
        if _shows_set(raw, inside, has_word_before, self._peek()[:1].isalpha()):
            return f"{_LITERALS['{']}{inside}{_LITERALS['}']}"
        return inside

    def _convert_tie(self) -> str:
        """Convert a tie to a space. A sign of a range, an approximation or a home folder stays."""
        if self._in_maths:
            return " "
        before = self._text[max(0, self._position - 21) : self._position - 1]
        after = self._peek()
        if not before or before[-1].isspace() or not after or after.isspace():
            return "~" if not after.startswith("\\") else " "
        if after == "/" and not before[-1].isalnum():
            return "~"
        if after.isdigit() and _NUMBER_OR_BRACKET.search(before):
            return "~"
        return " "

    def _convert_script(self, sign: str) -> str:
        if not self._in_maths and self._peek() != "{":
            return sign
        if not self._in_maths and self._text[self._position - 2 : self._position - 1].isspace():
            return sign
        self._skip_spaces()
        inside = self._read_argument().strip()
        if not inside:
            return "" if self._in_maths else sign
        if inside.strip(_NAME).isalnum():
            inside = inside.strip(_NAME)
        if sign == "^" and inside in ("∘", "°"):
            return "°"
        if sign == "^" and _STANDALONE_SCRIPT.fullmatch(inside) and inside != "⊤":
            return inside
        if _SIGNED_NUMBER.fullmatch(inside):
            return inside.translate(_RAISED if sign == "^" else _LOWERED)
        return f"{sign}{inside}" if re.fullmatch(r"[^\W_]*|.", inside) else f"{sign}({inside})"

    # Macros.

    def _convert_control_sign(self, sign: str) -> str:
        if sign in _LITERALS:
            return _LITERALS[sign]
        if sign in ",;: >":
            return " "
        if sign in ACCENTS:
            return self._convert_accent(sign)
        if sign == "|":
            return "‖"
        return "" if sign in "!-/@()[]" or not sign else sign

    def _convert_accent(self, sign: str) -> str:
        found = re.compile(r"\s*\{\s*\}").match(self._text, self._position)
        if found:
            self._position = found.end()
            return sign if sign in "^~" else ""
        rest = self._text[self._position : self._position + 40].lstrip()
        if not re.match(r"\{?\s*(?:[^\W\d_]|\\[a-zA-Z`'^~=.\"])", rest):
            return sign
        return _combine(self._read_argument(), ACCENTS[sign])

    def _convert_macro(self, name: str) -> str:
        """Convert a macro, whose name is consumed, with its arguments."""
        if self._in_unit and name in UNITS:
            return UNITS[name]
        if name in ACCENTS and not self._in_maths:
            return self._convert_letter_accent(name)
        if name in LETTERS and not self._in_maths:
            self._skip_letter_end()
            return LETTERS[name]
        if name in ("begin", "end"):
            return self._convert_environment()
        if name in DROPPED:
            if name in ("left", "right", "middle") and self._peek() == ".":
                self._position += 1
            elif name not in ("left", "right"):
                self._skip_spaces()
            return ""
        if name in SPACES or name in SPACES_WITH_ARGUMENT:
            if name in SPACES_WITH_ARGUMENT and self._peek() == "{":
                self._read_argument()
            return " "
        if name in DROPPED_WITH_ARGUMENT or name in HIDDEN_WITH_ARGUMENT:
            self._drop_argument()
            return _REFERENCE if name in DROPPED_WITH_ARGUMENT else ""
        if name in MATHS_ACCENTS:
            return _mark_over(self._read_argument(), name)
        if converted := self._convert_structure(name):
            return converted[0]
        if name in SYMBOLS:
            self._skip_empty_group()
            return SYMBOLS[name] if (name, self._in_maths) != ("P", True) else "ℙ"
        if name in OPERATORS:
            return f"{_NAME}{name}{_NAME}"
        if name in UNWRAPPED:
            return self._convert_dressed(name)
        return self._convert_unknown(name)

    def _convert_letter_accent(self, name: str) -> str:
        found = re.compile(r"\s*\{([a-z]{2,6})\}").match(self._text, self._position)
        if found and name + found[1] in SYMBOLS:  # \b{eta} was \beta once.
            self._position = found.end()
            return SYMBOLS[name + found[1]]
        if re.compile(r"\s*\{\s*(?:[^\W\d_]|\\)|\s+[^\W\d_](?![^\W\d_])").match(self._text, self._position):
            return _combine(self._read_argument(), ACCENTS[name])
        return name

    def _skip_letter_end(self) -> None:
        found = re.compile(r"\{\}|\s+(?=[a-z])").match(self._text, self._position)
        self._position = found.end() if found else self._position

    def _skip_empty_group(self) -> None:
        if self._text.startswith("{}", self._position):
            self._position += 2

    def _convert_environment(self) -> str:
        name = self._read_argument()
        if name.rstrip("*") in ("tabular", "array", "longtable", "minipage") and self._peek() == "{":
            self._read_argument()
        self._read_option()
        return " "

    def _drop_argument(self) -> None:
        while self._read_option():
            pass
        if self._peek() == "{" or self._text.startswith(" {", self._position):
            self._read_argument()

    def _convert_structure(self, name: str) -> tuple[str] | None:
        """Convert a macro that builds a formula or a quantity. Returns None for any other."""
        if name in ("frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"):
            return (self._convert_fraction(),)
        if name in ("binom", "dbinom", "tbinom"):
            return (f"({self._read_argument().strip()} choose {self._read_argument().strip()})",)
        if name == "sqrt":
            return (self._convert_root(),)
        if name in ("mathbb", "mathbbm", "mathds"):
            return ("".join(BLACKBOARD.get(letter, letter) for letter in self._read_argument()),)
        if name in ("pmod", "pod"):
            return (f" (mod {self._read_argument().strip()})",)
        if name in ("xrightarrow", "xlongrightarrow", "xleftarrow", "xleftrightarrow", "xmapsto"):
            self._read_option()
            self._read_argument()
            return (SYMBOLS[name.removeprefix("x")],)
        if name in ("overset", "stackrel", "underset"):
            return (self._convert_stack(name),)
        if name in ("textsuperscript", "textsubscript"):
            inside = self._read_argument()
            is_raised = name == "textsuperscript"
            if _SIGNED_NUMBER.fullmatch(inside):
                return (inside.translate(_RAISED if is_raised else _LOWERED),)
            return (inside if is_raised else f"_{inside}",)
        if name in ("footnote", "footnotetext"):
            self._read_option()
            note = self._read_argument().strip()
            return (f" ({note})" if note else "",)
        if name == "rule":
            is_raised = bool(self._read_option())
            self._read_argument()
            self._read_argument()
            return ("—" if is_raised else "",)
        if name in ("textcolor", "colorbox", "foreignlanguage", "hyperref", "hypertarget", "hyperlink"):
            self._read_option()
            if name != "hyperref":
                self._read_argument()
            return (self._read_argument(),)
        return self._convert_rest(name)

    def _convert_rest(self, name: str) -> tuple[str] | None:
        if name in ("SI", "qty", "qtyproduct", "SIrange", "qtyrange"):
            return (self._convert_quantity(name),)
        if name in ("si", "unit"):
            return (self._read_unit(),)
        if name in ("not",):
            return (unicodedata.normalize("NFC", self._read_argument() + "\u0338"),)
        if name in ("unicode", "symbol", "char"):
            return (self._convert_code_point(),)
        if name == "romannumeral":
            found = re.compile(r"\s*\{?\s*(\d{1,2})\}?").match(self._text, self._position)
            self._position = found.end() if found else self._position
            return (_write_roman(int(found[1])) if found else "",)
        if name in ("lbrace", "rbrace"):
            return (_LITERALS["{" if name == "lbrace" else "}"],)
        if name == "item":
            self._read_option()
            self._skip_spaces()
            return (" • ",)
        if name in ("verb", "lstinline"):
            return (self._read_verbatim(),)
        if name == "choose":
            return (f"{_NAME}choose{_NAME}",)
        return None

    def _convert_fraction(self) -> str:
        before = self._text[: self._position].rpartition("\\")[0][-1:] if self._in_maths else ""
        upper, lower = self._read_argument().strip(), self._read_argument().strip()
        upper = upper if upper.isalnum() else _add_parentheses(upper)
        lower = lower if re.fullmatch(r"d[a-z]", lower) else _add_parentheses(lower)
        fraction = f"{upper}/{lower}"
        if self._is_before_factor():
            fraction = f"({fraction})"
        return f" {fraction}" if before.isdigit() else fraction

    def _convert_root(self) -> str:
        degree = self._read_option()
        inside = _add_parentheses(self._read_argument())
        if self._is_before_factor() and not inside.startswith("("):
            inside = f"({inside})"
        sign = _ROOTS.get(degree) or (
            f"{degree.translate(_RAISED)}√" if re.fullmatch(r"\d+|n", degree) else f"({degree})√"
        )
        return f"{sign}{inside}"

    def _convert_stack(self, name: str) -> str:
        beside, base = self._read_argument().strip(), self._read_argument()
        if not beside or not re.search(r"\w", base):
            return base
        return f"{base}{'_' if name == 'underset' else '^'}{_add_parentheses(beside)}"

    def _convert_dressed(self, name: str) -> str:
        self._read_option()
        former = self._in_maths
        if name.startswith(("text", "mbox", "hbox", "emph", "enquote")):
            self._in_maths = False
        if name == "ensuremath":
            self._in_maths = True
        inside = self._read_argument()
        self._in_maths = former
        if name in ("uppercase", "MakeUppercase", "MakeTextUppercase"):
            return inside.upper()
        if name in ("operatorname", "operatornamewithlimits"):
            return f"{_NAME}{inside}{_NAME}"
        if name == "enquote":
            return f"“{inside}”"
        return inside

    def _read_unit(self) -> str:
        self._in_unit, former = True, self._in_unit
        self._read_option()
        unit = self._read_argument().strip()
        self._in_unit = former
        return unit

    def _convert_quantity(self, name: str) -> str:
        self._read_option()
        number = self._read_argument().strip()
        if name in ("SIrange", "qtyrange"):
            number = f"{number}–{self._read_argument().strip()}"
        unit = self._read_unit()
        return f"{number}{'' if unit[:1] in ('', '%', '°') else ' '}{unit}"

    def _convert_code_point(self) -> str:
        found = re.compile(r"\s*\{?\s*(?:[\"xX]([0-9a-fA-F]{1,6})|(\d{1,7}))\s*\}?").match(
            self._text, self._position
        )
        if not found:
            return ""
        self._position = found.end()
        code = int(found[1], 16) if found[1] else int(found[2])
        sign = chr(code) if code < 0x110000 else ""
        return sign if sign and unicodedata.category(sign)[0] != "C" else ""

    def _read_verbatim(self) -> str:
        delimiter = self._peek()
        if delimiter == "{":
            return self._read_argument()
        end = self._text.find(delimiter, self._position + 1, self._position + 200) if delimiter else -1
        if end < 0 or delimiter.isalnum() or delimiter.isspace():
            return ""
        inside = self._text[self._position + 1 : end]
        self._position = end + 1
        return "".join(_LITERALS.get(sign, sign) for sign in inside if sign != "\\")

    def _convert_unknown(self, name: str) -> str:
        """Convert a macro of the authors' own, by what it stands for or by what its name shows."""
        if name in ABBREVIATIONS:
            self._skip_empty_group()
            if self._peek() == "." and ABBREVIATIONS[name].endswith("."):
                self._position += 1
            return ABBREVIATIONS[name] + (" " if self._peek()[:1].isalnum() else "")
        if self._in_maths and (symbol := _read_maths_name(name)):
            return symbol
        if name in BLACKBOARD:
            return name
        if name.isupper() and len(name) > 2:
            self._skip_empty_group()
            return name
        if self._peek() == "{" and not self._text.startswith("{}", self._position):
            return self._read_argument()
        self._skip_empty_group()
        if name in self._initials:
            return name.upper() + (" " if self._peek()[:1].isalnum() else "")
        if self._system_name and (
            self._has_one_own_macro or _GENERIC.search(name) or _is_name_of(name, self._system_name)
        ):
            return self._system_name + (" " if self._peek()[:1].isalnum() else "")
        if self._in_maths:
            return f"{_NAME}{name}{_NAME}"
        return _GONE


def _is_own_macro(name: str) -> bool:
    known = (
        SYMBOLS, LETTERS, ACCENTS, MATHS_ACCENTS, OPERATORS, UNWRAPPED, DROPPED, DROPPED_WITH_ARGUMENT,
        HIDDEN_WITH_ARGUMENT, SPACES, SPACES_WITH_ARGUMENT, ABBREVIATIONS, UNITS, _STRUCTURES,
    )  # fmt: skip
    return not any(name in table for table in known) and len(name) > 1


_STRUCTURES = frozenset(
    """
    begin end frac dfrac tfrac cfrac nicefrac sfrac binom dbinom tbinom sqrt mathbb mathbbm mathds
    pmod pod xrightarrow xlongrightarrow xleftarrow xleftrightarrow xmapsto overset stackrel underset
    textsuperscript textsubscript footnote footnotetext rule textcolor colorbox foreignlanguage
    hyperref hypertarget hyperlink SI qty qtyproduct SIrange qtyrange si unit not unicode symbol char
    romannumeral lbrace rbrace item verb lstinline choose href url
    """.split()  # noqa: SIM905
)


_SHORT_FORM = re.compile(r"\(\s*\\([a-z]{2,6})(?![a-zA-Z])(?:\{\})?\s*\)")


def _find_initials(text: str) -> frozenset[str]:
    """Return the macros in brackets that are the initials of the words before: Probe Generation (\\pg)."""
    found = set()
    for form in _SHORT_FORM.finditer(text):
        words = re.findall(r"[A-Za-z]+", text[max(0, form.start() - 80) : form.start()])[-len(form[1]) :]
        if "".join(word[0] for word in words).lower() == form[1]:
            found.add(form[1])
    return frozenset(found)


def _is_name_of(name: str, system: str) -> bool:
    return name.casefold() == re.sub(r"[\W_]", "", system).casefold()


_BOLD_LETTER = re.compile(r"(?:bf|[bvm]|c|cal|bb|rv|rm)([a-zA-Z])|([a-zA-Z])(?:cal|bf|bb|vec)")
_WITH_LIMIT = re.compile(r"([A-Z]|[a-z])(min|max|opt|avg|tot|ref|in|out)")


def _read_maths_name(name: str) -> str:
    """Return what a macro of the authors' own shows by its name in a formula; empty if it shows nothing."""
    if len(name) == 1:
        return BLACKBOARD[name] if name in "RNZQCEP" else name
    if found := _WITH_LIMIT.fullmatch(name):
        return f"{found[1]}_{found[2]}"
    if len(name) <= 4 and (found := _BOLD_LETTER.fullmatch(name)):
        return found[1] or found[2]
    for end in range(len(name) - 1, 1, -1):
        if name[:end] in SYMBOLS and name[end].isupper():
            return SYMBOLS[name[:end]] + name[end:]
    return ""


_LIST = re.compile(r"[,;:|=<>/\"'“”`\ue010-\ue016]")


def _shows_set(raw: str, inside: str, has_word_before: bool, has_word_after: bool) -> bool:
    """Return True if a group of running text is a set, a list or code, and not a group of LaTeX."""
    if not inside.strip():
        return bool(inside) and not (has_word_before or has_word_after)
    if raw.startswith("\\") and re.match(r"\\[a-zA-Z]+", raw):
        macro = re.match(r"\\([a-zA-Z]+)", raw)
        if macro and (macro[1] in DROPPED or macro[1] == "color"):
            return False
    if inside in (",", "."):
        return False
    if _LIST.search(inside):
        first = re.split(r"[,;:]", inside, maxsplit=1)[0]
        is_prose = len(re.findall(r"[^\W\d_]{2,}", first)) > (2 if raw[0] == " " else 3)
        return not is_prose or bool(re.search(r"[=<>/\"|]", first))
    if "\\" in raw or has_word_after:
        return False
    if has_word_before:
        return not re.fullmatch(r"[\w -]{2,}|[\u00c0-\u024f]", inside)
    return not (len(inside) > 1 and re.fullmatch(r"[A-Z][\w .+-]*", inside.strip()))


def _combine(letters: str, mark: str) -> str:
    """Put a combining mark on the first letter. A dotless letter gets its dot back."""
    first = {"ı": "i", "ȷ": "j"}.get(letters[:1], letters[:1])
    return unicodedata.normalize("NFC", first + mark) + letters[1:] if first else ""


def _mark_over(inside: str, name: str) -> str:
    """Put the mark of an accent of formulas on each of a few letters, or name it before a longer part."""
    inside = inside.strip()
    head = re.match(r"[^\W_][\u0300-\u036f\u20d0-\u20ff]*", inside)
    mark = MATHS_ACCENTS[name]
    if head and re.fullmatch(r"[_^].*", inside[head.end() :] or "_", re.DOTALL):
        return unicodedata.normalize("NFC", head[0] + mark) + inside[head.end() :]
    if len(inside) <= 3 and inside.isalpha():
        return unicodedata.normalize("NFC", "".join(letter + mark for letter in inside))
    word = {"overline": "bar", "widehat": "hat", "widetilde": "tilde", "overrightarrow": "vec"}.get(
        name, name
    )
    return f"{word}({inside})" if inside else ""


_FACTOR = re.compile(
    r"[\d.]+|\S?|\([^()]*\)"
    r"|[^\W\d_][\u0300-\u036f\u20d0-\u20ff]*(?:_[^\W_]|[\u2070-\u209f\u00b2\u00b3\u00b9])*"
)
"""A part of a fraction or root that needs no brackets: a number or one letter with marks and scripts."""


def _add_parentheses(part: str) -> str:
    part = part.strip()
    return part if _FACTOR.fullmatch(part) else f"({part})"


def _write_roman(number: int) -> str:
    numerals = ((90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
    written = ""
    for value, letters in numerals:
        count, number = divmod(number, value)
        written += letters * count
    return written


_SENTENCE_START = re.compile(rf"(^|[.!?] ){_GONE}[\s,]*([a-z])")


def _polish(text: str) -> str:
    """Resolve the marks of names and of left-out macros, with the spaces and brackets around them."""
    text = re.sub(rf"(?<=[\w)\]\u0300-\u036f]){_NAME}+(?=[^\W_\u2070-\u209f\u00b2\u00b3\u00b9])", " ", text)
    if _GONE not in text and _REFERENCE not in text:
        return text
    text = re.sub(rf"\s?\(\s*{_GONE}\s*\)", "", text)
    text = _SENTENCE_START.sub(lambda found: found[1] + found[2].upper(), text)
    text = text.replace(_REFERENCE, _GONE)
    text = re.sub(rf"\. ?{_GONE}\.", ".", text)
    text = re.sub(rf"{_GONE}-(?=\w)", "", text)
    return re.sub(rf" ?{_GONE}(?=[\s,.;:)\]]|$)", "", text)
