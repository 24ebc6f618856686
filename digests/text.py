"""Text for people: LaTeX to Unicode, removal of invisible characters, clipping to a limit. Pure."""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise

MAX_PASSES = 10
"""Conversion passes, a bound against hostile text: real text settles in two or three."""

MAX_NESTING = 6
"""Levels of braces that are unwrapped, from the inside. No abstract seen so far nests deeper."""

_TEX = re.compile(r"[\\$]|``|''|[\w”)]\s?---?\s?[\w“(]")
_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile(
    # Controls except white space, soft hyphen, zero-width and bidi signs, surrogates, private use, tags.
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ue000-\uf8ff\ufeff\ufff9-\uffff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_LOOSE_JOINER = re.compile("(?:(?<=[\x00-\x7f])|^)[\u200c\u200d]+")
MAX_COMBINING_MARKS = 30
"""Combining marks in a row that are normalized, as in UAX #15: sorting them takes quadratic time."""

_MARK_RUN = re.compile(rf"[^\w\s\x00-\x7f]{{{MAX_COMBINING_MARKS + 1},}}")
_STACKED_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)


def normalize_text(text: str) -> str:
    """Return one line of visible text in NFC: invisible characters removed, white space collapsed.

    Bidi controls count as invisible. Joiners stay between letters and emoji that need them. A letter keeps at
    most three stacked marks. White space at both ends is removed.
    """
    text = _SPACE.sub(" ", text)
    if text.isascii():
        return _UNSEEN.sub("", text).strip() if not text.isprintable() else text.strip()
    text = limit_combining_marks(_LOOSE_JOINER.sub("", _UNSEEN.sub("", text)))
    # Removing an invisible character can bring two spaces together.
    return _SPACE.sub(" ", _STACKED_MARKS.sub(r"\1", unicodedata.normalize("NFC", text))).strip()


def limit_combining_marks(text: str) -> str:
    """Return the text with at most `MAX_COMBINING_MARKS` in a row, so that normalization is linear."""
    return text if text.isascii() else _MARK_RUN.sub(_drop_further_marks, text)


def _drop_further_marks(found: re.Match[str]) -> str:
    kept, count = [], 0
    for sign in found[0]:
        count = count + 1 if unicodedata.combining(sign) else 0
        if count <= MAX_COMBINING_MARKS:
            kept.append(sign)
    return "".join(kept)


def to_plain_text(text: str) -> str:
    """Convert LaTeX to Unicode, on one line as `normalize_text` makes it. Idempotent; never raises.

    Amounts of money, percent signs and addresses are kept. An unknown macro becomes its name.
    """
    text = normalize_text(text)
    for _ in range(MAX_PASSES):
        if not _TEX.search(text):
            return text
        converted = normalize_text(_convert_latex(text))
        if converted == text:
            return text
        text = converted
    return text


def _convert_latex(text: str) -> str:
    addresses: list[str] = []

    def stash_address(found: re.Match[str]) -> str:
        addresses.append(found[0])
        return f"\ue000{len(addresses) - 1}\ue001"

    text = _LINK_MACROS.sub(_unwrap_link, text)
    text = _ADDRESS.sub(stash_address, text)
    text = _protect_escapes(text)
    text = _convert_quotes_and_dashes(text)
    text = _convert_accents(text)
    text = _MATHS.sub(_convert_maths, text)
    text = _convert_macros(text)
    for mark, sign in _ESCAPED.items():
        text = text.replace(mark, sign)
    return re.sub("\ue000(\\d+)\ue001", lambda found: addresses[int(found[1])], text)


_ADDRESS = re.compile(r"https?://[^\s{}\\$]+")
_LINK_MACROS = re.compile(r"\\href\s*\{([^{}]*)\}\s*\{((?:[^{}]|\{[^{}]*\})*)\}|\\url\s*\{([^{}]*)\}")


def _unwrap_link(found: re.Match[str]) -> str:
    target, label, bare = found[1], found[2], found[3]
    address = re.sub(r"\\([%#_&~])", r"\1", target if bare is None else bare).strip()
    if bare is not None or not (label or "").strip() or (label or "").strip() == address:
        return address
    return f"{label} ({address})" if address else label


_ESCAPED = {
    "\ue010": "%",
    "\ue011": "&",
    "\ue012": "#",
    "\ue013": "_",
    "\ue014": "$",
    "\ue015": "{",
    "\ue016": "}",
}
_ESCAPES = {"\\" + sign: mark for mark, sign in _ESCAPED.items()}


def _protect_escapes(text: str) -> str:
    on_one_line = _SPACE.sub(" ", re.sub(r"\\\\(?:\[[^\[\]]*\])?", " ", text))
    return re.sub(r"\\[%&#_${}]", lambda found: _ESCAPES[found[0]], on_one_line)


def _convert_quotes_and_dashes(text: str) -> str:
    text = text.replace("``", "“")
    text = re.sub(r"(?<=\S)''(?!')", "”", text) if "“" in text else text
    text = re.sub(r"(?<=[\w”)])(\s?)---(\s?)(?=[\w“(])", r"\1—\2", text)
    return re.sub(r"(?<=\w)(\s?)--(\s?)(?=\w)", r"\1–\2", text)


_COMBINING = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
    "b": "\u0331",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å",
    "AA": "Å", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ",
    "ng": "ŋ", "NG": "Ŋ",
}  # fmt: skip
_SIGN_ACCENT = re.compile(r"\\([`'^~=.\"])\s*(?:\{\s*(\\[ij]|[^\W\d_])\s*\}|(\\[ij](?![a-zA-Z])|[^\W\d_]))")
_LETTER_ACCENT = re.compile(r"\\([uvHcdbkr])(?:\s*\{\s*(\\[ij]|[^\W\d_])\s*\}|\s+([^\W\d_])(?![^\W\d_]))")
_LETTER = re.compile(
    r"\\(ss|ae|AE|oe|OE|aa|AA|dh|DH|th|TH|dj|DJ|ng|NG|[oOlLij])(?![a-zA-Z])(?:\{\}|\s+(?=[a-z]))?"
)
_LONE_LETTER = re.compile(r"\{\s*([^\W\d_][\u0300-\u036f]?)\s*\}")


def _convert_accents(text: str) -> str:
    def combine_accent(found: re.Match[str]) -> str:
        letter = (found[2] or found[3]).lstrip("\\")
        return unicodedata.normalize("NFC", letter + _COMBINING[found[1]])

    def unwrap_accent_group(found: re.Match[str]) -> str:
        return _LETTER_ACCENT.sub(combine_accent, _SIGN_ACCENT.sub(combine_accent, found[0][1:-1]))

    # {\'e}: the braces are removed together with their accent.
    text = re.sub(r"\{\s*\\[`'^~=.\"uvHcdbkr][^{}\\]{1,2}\}", unwrap_accent_group, text)
    text = _LETTER_ACCENT.sub(combine_accent, _SIGN_ACCENT.sub(combine_accent, text))
    text = re.sub(r"\{\s*\\(" + "|".join(_LETTERS) + r")\s*\}", lambda found: _LETTERS[found[1]], text)
    return _LETTER.sub(lambda found: _LETTERS[found[1]], text)


# A formula ends before the next sign that opens one, so that a sign that nothing closes costs little.
_MATHS = re.compile(r"\$\$(.+?)\$\$|\\\(((?:(?!\\\().)+?)\\\)|\\\[((?:(?!\\\[).)+?)\\\]|\$([^$]*)\$")


def _convert_maths(found: re.Match[str]) -> str:
    inside = next(group for group in found.groups() if group is not None)
    if found[0].startswith("$") and not found[0].startswith("$$"):
        if not _looks_like_maths(inside, found.string[found.end() : found.end() + 1]):
            # A lone sign (money): keep it, and let the next one open a formula.
            return "\ue014" + _MATHS.sub(_convert_maths, found[0][1:] + "\ue014"[:0])
        inside = inside.strip()
    return _convert_scripts(_convert_macros(inside, maths=True))


def _looks_like_maths(inside: str, following: str) -> bool:
    if not inside.strip() or len(inside) > 400:
        return False
    if "\\" in inside or "\ue015" in inside:
        return True
    if following.isdigit() or inside[0].isspace() or inside[-1].isspace():
        return bool(re.search(r"[\^_=<>]", inside)) and not re.search(r"[a-z]{3,} [a-z]{2,}", inside)
    return not re.search(r"[^\W\d_]{3,}[ ,.;]+[^\W\d_]{2,}|[^\W\d_]{2,}[ ,.;]+[^\W\d_]{3,}", inside)


_RAISED = str.maketrans("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")


def _convert_scripts(maths: str) -> str:
    """Convert digits in scripts to raised and lowered digits. Other scripts lose only their braces."""
    maths = _SPACE.sub(" ", maths)
    maths = re.sub(r"\^\s*\{?\s*([∘°])\s*\}?", "°", maths)
    maths = re.sub(r"\^\s*\{?\s*([′*†‡]+|\\?prime)\s*\}?", lambda m: m[1].replace("prime", "′"), maths)
    maths = re.sub(r"\^\s*(?:\{([+−-]?\d+)\}|(\d))", lambda m: (m[1] or m[2]).translate(_RAISED), maths)
    maths = re.sub(r"_\s*(?:\{([+−-]?\d+)\}|(\d))", lambda m: (m[1] or m[2]).translate(_LOWERED), maths)
    for _ in range(MAX_NESTING):
        shorter = re.sub(r"([\^_])\s?\{([^{}]*)\}", _unwrap_script, maths)
        shorter = re.sub(r"\{([^{}]*)\}", r"\1", shorter)
        if shorter == maths:
            break
        maths = shorter
    return maths


def _unwrap_script(found: re.Match[str]) -> str:
    sign, inside = found[1], found[2].strip()
    return f"{sign}{inside}" if re.fullmatch(r"\w*|.", inside) else f"{sign}({inside})"


_DROPPED = re.compile(
    r"\s?\\(?:cite|citep|citet|citealp|citeauthor|citeyear|ref|eqref|cref|Cref|autoref|label|vspace|hspace|"
    r"bibliography|includegraphics|thanks)\*?\s*(?:\[[^\[\]]*\]\s*)*\{[^{}]*\}"
)
_UNWRAPPED = re.compile(
    r"\\(?:emph|underline|uline|text[a-z]*|math(?!bb)[a-z]*|boldsymbol|bm|pmb|operatorname|mbox|hbox|fbox|ensuremath|"
    r"num|SI|si|qty|unit|textsc|texttt|verb|mathop|mathrel|overset|underset|stackrel|xspace|textcolor\s*\{[^{}]*\}|"
    r"color\s*\{[^{}]*\}|footnotesize|small|large|it|bf|tt|em|sc|rm|sf|phantom|boxed|overline|underbrace|overbrace|cancel|"
    r"uppercase|lowercase|MakeUppercase|MakeLowercase|enquote|section|subsection|paragraph|title)\*?\s*\{([^{}]*)\}"
)
_SWITCH = re.compile(
    r"\{\s*\\(?:it|bf|tt|em|sc|rm|sf|sl|itshape|bfseries|ttfamily|scshape|small|large|cal|footnotesize|tiny)\s([^{}]*)\}"
)
_BLACKBOARD = {
    "R": "ℝ", "N": "ℕ", "Z": "ℤ", "Q": "ℚ", "C": "ℂ", "P": "ℙ", "H": "ℍ",
    "E": "𝔼", "F": "𝔽", "S": "𝕊", "T": "𝕋", "B": "𝔹", "1": "𝟙", "I": "𝕀",
}  # fmt: skip
_OVER = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "widetilde": "\u0303",
    "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7", "check": "\u030c", "acute": "\u0301",
    "grave": "\u0300", "breve": "\u0306",
}  # fmt: skip
_OVER_MACRO = re.compile(r"\\(" + "|".join(_OVER) + r")(?![a-zA-Z])\s*(?:\{([^{}]*)\}|(\w))")
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}|(\d))\s*(?:\{([^{}]*)\}|(\d))")
_ROOT = re.compile(r"\\sqrt\s*(?:\[[^\[\]]*\]\s*)?(?:\{([^{}]*)\}|(\w))")
_MACRO = re.compile(r"\\([a-zA-Z]+)\*?(?:\{\})?")
_BEGIN_END = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}(?:\[[^\[\]]*\])?")


def _convert_macros(text: str, *, maths: bool = False) -> str:
    if "\\" not in text:
        return text
    text = _BEGIN_END.sub(" ", _DROPPED.sub("", text))
    for _ in range(MAX_NESTING):
        before = text
        text = _SWITCH.sub(r"\1", _UNWRAPPED.sub(r"\1", text))
        text = re.sub(r"\\footnote\s*\{([^{}]*)\}", r" (\1)", text)
        text = re.sub(r"\\mathbb\s*(?:\{([^{}]*)\}|(\w))", _convert_blackboard, text)
        text = _OVER_MACRO.sub(_combine_over, text)
        text = _FRACTION.sub(_convert_fraction, text)
        text = _ROOT.sub(_convert_root, text)
        if maths:
            # \hat{x_{t}}: the inner script first, or the outer macro never closes.
            text = re.sub(r"([\^_])\{(\w)\}", r"\1\2", text)
        if text == before:
            break
    text = re.sub(r"\\(?:left|right|big|Big|bigg|Bigg|bigl|bigr|Bigl|Bigr)(?![a-zA-Z])\s*\.?", "", text)
    text = re.sub(r"\\[,;:! ]|\\(?:quad|qquad|enspace|thinspace|,)(?![a-zA-Z])", " ", text)
    text = re.sub(r"(?<=[\w.])~(?=[\w(\ue000])", " ", text)
    text = re.sub(r"\\item(?![a-zA-Z])\s*", " • ", text)
    text = _MACRO.sub(_convert_symbol, text)
    text = re.sub(r"\\([|\-/@*()\[\]'\"`^~=.<>+])", lambda found: _PUNCTUATION.get(found[1], found[1]), text)
    return text.replace("\\", " " if re.search(r"\\(\s|$)", text) else "")


_PUNCTUATION = {"|": "‖", "-": "", "/": "", "@": "", "(": "", ")": "", "[": "", "]": "", "~": "~"}


def _convert_blackboard(found: re.Match[str]) -> str:
    letters = found[1] if found[1] is not None else found[2]
    return "".join(_BLACKBOARD.get(letter, letter) for letter in letters)


def _combine_over(found: re.Match[str]) -> str:
    inside = found[2] if found[2] is not None else found[3]
    if len(inside) != 1:
        return inside
    return unicodedata.normalize("NFC", inside + _OVER[found[1]])


def _convert_fraction(found: re.Match[str]) -> str:
    upper, lower = found[1] or found[2] or "", found[3] or found[4] or ""
    return f"{_add_parentheses(upper)}/{_add_parentheses(lower)}"


def _convert_root(found: re.Match[str]) -> str:
    return f"√{_add_parentheses(found[1] if found[1] is not None else found[2])}"


def _add_parentheses(part: str) -> str:
    part = part.strip()
    return part if re.fullmatch(r"\\?\w+|\S?", part) else f"({part})"


_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "varpi": "ϖ", "rho": "ρ", "varrho": "ϱ", "sigma": "σ", "varsigma": "ς", "tau": "τ",
    "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ",
    "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ",
    "Psi": "Ψ", "Omega": "Ω", "times": "×", "cdot": "·", "cdots": "⋯", "ldots": "…", "dots": "…",
    "dotsc": "…", "vdots": "⋮", "pm": "±", "mp": "∓", "div": "÷", "ast": "*", "star": "⋆", "circ": "∘",
    "bullet": "•", "oplus": "⊕", "otimes": "⊗", "odot": "⊙", "leq": "≤", "le": "≤", "leqslant": "≤",
    "geq": "≥", "ge": "≥", "geqslant": "≥", "neq": "≠", "ne": "≠", "ll": "≪", "gg": "≫", "approx": "≈",
    "sim": "∼", "simeq": "≃", "cong": "≅", "equiv": "≡", "propto": "∝", "lesssim": "≲", "gtrsim": "≳",
    "lt": "<", "gt": ">", "prec": "≺", "succ": "≻", "triangleq": "≜", "in": "∈", "notin": "∉", "ni": "∋",
    "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "supseteq": "⊇", "cup": "∪", "cap": "∩", "setminus": "∖",
    "emptyset": "∅", "varnothing": "∅", "forall": "∀", "exists": "∃", "neg": "¬", "lnot": "¬", "land": "∧",
    "wedge": "∧", "lor": "∨", "vee": "∨", "top": "⊤", "bot": "⊥", "perp": "⊥", "parallel": "∥", "mid": "|",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "gets": "←", "leftrightarrow": "↔", "Rightarrow": "⇒",
    "Leftarrow": "⇐", "Leftrightarrow": "⇔", "iff": "⇔", "implies": "⇒", "mapsto": "↦", "longrightarrow": "→",
    "uparrow": "↑", "downarrow": "↓", "nearrow": "↗", "searrow": "↘", "rightsquigarrow": "⇝", "leadsto": "⇝",
    "sum": "∑", "prod": "∏", "int": "∫", "oint": "∮", "partial": "∂", "nabla": "∇", "infty": "∞", "ell": "ℓ",
    "hbar": "ℏ", "Re": "ℜ", "Im": "ℑ", "aleph": "ℵ", "prime": "′", "angle": "∠", "triangle": "△",
    "square": "□", "Box": "□", "diamond": "⋄", "checkmark": "✓", "cmark": "✓", "xmark": "✗", "dagger": "†",
    "ddagger": "‡", "dag": "†", "S": "§", "P": "¶", "copyright": "©", "pounds": "£", "euro": "€",
    "degree": "°", "textdegree": "°", "textmu": "µ", "textbar": "|", "textless": "<", "textgreater": ">",
    "textasciitilde": "~", "textasciicircum": "^", "textbackslash": "∖", "textquotesingle": "'",
    "textquoteright": "’", "textquoteleft": "‘", "textquotedblleft": "“", "textquotedblright": "”",
    "textendash": "–", "textemdash": "—", "textregistered": "®", "texttrademark": "™", "textellipsis": "…",
    "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "lVert": "‖",
    "rVert": "‖", "lvert": "|", "rvert": "|", "Vert": "‖", "vert": "|", "backslash": "∖", "colon": ":",
    "LaTeX": "LaTeX", "TeX": "TeX", "par": " ", "newline": " ", "linebreak": " ", "noindent": "",
    "centering": "", "displaystyle": "", "textstyle": "", "limits": "", "nolimits": "", "nonumber": "",
    "xspace": "", "protect": "", "mathrm": "", "it": "", "bf": "", "em": "", "tt": "", "rm": "", "sc": "",
    "bfseries": "", "itshape": "", "small": "", "large": "", "quad": " ", "qquad": " ",
}  # fmt: skip


def _convert_symbol(found: re.Match[str]) -> str:
    return _SYMBOLS.get(found[1], found[1])


_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?=\s|$)|[。！？]")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|etc|al|Fig|Eq|Sec|Tab|No|Dr|St|approx|resp|[A-Z]))\.$")
_ATOM = re.compile(r"https?://\S+|&#?\w{1,32};|\S+")
SENTENCE_SHARE = 0.6
"""Share of the limit that a clip at a sentence must fill; else it ends at a word with an ellipsis."""


def split_sentences(text: str) -> list[str]:
    """Split one line of text into sentences, each a span of it. Abbreviations do not end a sentence.

    Empty for an empty text. Text after the last sign of an end is a sentence too.
    """
    found, start = [], 0
    for end in _find_sentence_ends(text):
        found.append(text[start:end].strip())
        start = end
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _find_sentence_ends(text: str) -> list[int]:
    ends = []
    for mark in _SENTENCE_END.finditer(text):
        if mark[0].startswith(".") and _ABBREVIATION.search(
            text[max(0, mark.start() - 8) : mark.start() + 1]
        ):
            continue
        ends.append(mark.end())
    return ends


def clip_text(text: str, limit: int, cost: Callable[[str], int] = len) -> str:
    """Clip `text` to a cost of at most `limit`: after a sentence, else after a word, with an ellipsis.

    A text that fits is returned unchanged. `cost` measures a text as it is written out, where escaping makes
    it longer. The default counts characters. Never cuts inside an address, an entity or a grapheme. Returns
    an empty string if nothing fits.
    """
    if cost(text) <= limit:
        return text
    sentence = _find_longest_prefix(text, _find_sentence_ends(text[: limit + 1]), limit, cost, "")
    if sentence and cost(sentence) >= limit * SENTENCE_SHARE:
        return sentence
    word = _find_longest_prefix(
        text, [atom.end() for atom in _ATOM.finditer(text[: limit + 1])][:-1], limit, cost, "…"
    )
    if word and cost(word) >= limit * SENTENCE_SHARE / 2:
        return word
    atom = _ATOM.search(text, len(word.rstrip("…")) if word else 0)
    if word and atom and re.match(r"https?://|&#?\w{1,32};", atom[0]):
        return word
    return _find_longest_prefix(text, _find_grapheme_ends(text[: limit + 1]), limit, cost, "…") or word


def _find_longest_prefix(
    text: str, ends: list[int], limit: int, cost: Callable[[str], int], ending: str
) -> str:
    """Return the longest prefix that ends at one of `ends` and fits with its ending, else an empty string.

    Bisects, since the cost grows with the length.
    """
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        if cost(_with_ending(text[: ends[middle]], ending)) <= limit:
            low = middle + 1
        else:
            high = middle
    return _with_ending(text[: ends[low - 1]], ending) if low else ""


def _with_ending(text: str, ending: str) -> str:
    return text.rstrip(" ,;:–—-([{") + ending if ending else text.strip()


# Graphemes of flags are found in quadratic time. The end of such a run ends a flag: its length is even.
_LONG_FLAG_RUN = re.compile("[\U0001f1e6-\U0001f1ff]{200}(?=[\U0001f1e6-\U0001f1ff])")


def _find_grapheme_ends(text: str) -> list[int]:
    import regex  # Takes 0.1 s to load, and few texts need it.

    if re.match(r"\s*(?:https?://|&#?\w{1,32};)", text):
        return []
    bounds = [0, *(run.end() for run in _LONG_FLAG_RUN.finditer(text)), len(text)]
    ends = [
        start + found.end()
        for start, end in pairwise(bounds)
        for found in regex.finditer(r"\X", text[start:end])
    ]
    return ends[:-1]  # The slice may have cut the last grapheme.
