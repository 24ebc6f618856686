"""Tables of LaTeX: its symbols, letters, accents, operators and units, in Unicode. Pure."""

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ",
    "nu": "ν", "xi": "ξ", "pi": "π", "varpi": "ϖ", "rho": "ρ", "varrho": "ϱ", "sigma": "σ", "varsigma": "ς",
    "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
    "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "times": "×", "cdot": "·", "cdots": "⋯",
    "ldots": "…", "dots": "…", "dotsc": "…", "vdots": "⋮", "pm": "±", "mp": "∓", "div": "÷", "ast": "*",
    "star": "⋆", "circ": "∘", "bullet": "•", "oplus": "⊕", "otimes": "⊗", "odot": "⊙", "leq": "≤",
    "le": "≤", "leqslant": "≤", "geq": "≥", "ge": "≥", "geqslant": "≥", "neq": "≠", "ne": "≠", "ll": "≪",
    "gg": "≫", "approx": "≈", "sim": "∼", "simeq": "≃", "cong": "≅", "equiv": "≡", "propto": "∝",
    "lesssim": "≲", "gtrsim": "≳", "prec": "≺", "succ": "≻", "triangleq": "≜", "in": "∈", "notin": "∉",
    "ni": "∋", "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "supseteq": "⊇", "cup": "∪", "cap": "∩",
    "setminus": "∖", "emptyset": "∅", "varnothing": "∅", "forall": "∀", "exists": "∃", "neg": "¬",
    "lnot": "¬", "land": "∧", "wedge": "∧", "lor": "∨", "vee": "∨", "top": "⊤", "bot": "⊥", "perp": "⊥",
    "parallel": "∥", "mid": "|", "to": "→", "rightarrow": "→", "leftarrow": "←", "gets": "←",
    "leftrightarrow": "↔", "Rightarrow": "⇒", "Leftarrow": "⇐", "Leftrightarrow": "⇔", "iff": "⇔",
    "implies": "⇒", "mapsto": "↦", "longrightarrow": "→", "uparrow": "↑", "downarrow": "↓", "nearrow": "↗",
    "searrow": "↘", "rightsquigarrow": "⇝", "leadsto": "⇝", "sum": "∑", "prod": "∏", "int": "∫",
    "oint": "∮", "partial": "∂", "nabla": "∇", "infty": "∞", "ell": "ℓ", "hbar": "ℏ", "Re": "ℜ", "Im": "ℑ",
    "aleph": "ℵ", "prime": "′", "angle": "∠", "triangle": "△", "square": "□", "Box": "□", "diamond": "⋄",
    "checkmark": "✓", "cmark": "✓", "xmark": "✗", "dagger": "†", "ddagger": "‡", "dag": "†", "S": "§",
    "P": "¶", "copyright": "©", "pounds": "£", "euro": "€", "degree": "°", "textdegree": "°", "textmu": "µ",
    "textbar": "|", "textless": "<", "textgreater": ">", "textasciitilde": "~", "textasciicircum": "^",
    "textbackslash": "∖", "textquotesingle": "'", "textquoteright": "’", "textquoteleft": "‘",
    "textquotedblleft": "“", "textquotedblright": "”", "textendash": "–", "textemdash": "—",
    "textregistered": "®", "texttrademark": "™", "textellipsis": "…", "langle": "⟨", "rangle": "⟩",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "lVert": "‖", "rVert": "‖", "lvert": "|",
    "rvert": "|", "Vert": "‖", "vert": "|", "backslash": "∖", "colon": ":", "lt": "<", "gt": ">",
    "LaTeX": "LaTeX", "TeX": "TeX", "BibTeX": "BibTeX", "bigcup": "⋃", "bigcap": "⋂", "bigoplus": "⨁",
    "bigotimes": "⨂", "bigodot": "⨀", "bigvee": "⋁", "bigwedge": "⋀", "bigsqcup": "⨆", "biguplus": "⨄",
    "coprod": "∐", "bigstar": "★", "bigcirc": "◯", "iint": "∬", "iiint": "∭", "subsetneq": "⊊",
    "supsetneq": "⊋", "nsubseteq": "⊈", "nsupseteq": "⊉", "sqsubseteq": "⊑", "sqsupseteq": "⊒",
    "models": "⊨", "vdash": "⊢", "dashv": "⊣", "vDash": "⊨", "Vdash": "⊩", "nmid": "∤", "nparallel": "∦",
    "asymp": "≍", "doteq": "≐", "coloneqq": "≔", "coloneq": "≔", "eqqcolon": "≕", "preceq": "⪯",
    "succeq": "⪰", "preccurlyeq": "≼", "succcurlyeq": "≽", "nleq": "≰", "ngeq": "≱", "nless": "≮",
    "ngtr": "≯", "lll": "⋘", "ggg": "⋙", "lessapprox": "⪅", "gtrapprox": "⪆", "lesseqgtr": "⋚",
    "gtreqless": "⋛", "nexists": "∄", "complement": "∁", "because": "∵", "therefore": "∴", "qed": "∎",
    "blacksquare": "■", "lozenge": "◊", "clubsuit": "♣", "heartsuit": "♥", "spadesuit": "♠",
    "diamondsuit": "♦", "sharp": "♯", "flat": "♭", "natural": "♮", "wp": "℘", "imath": "ı", "jmath": "ȷ",
    "beth": "ℶ", "gimel": "ℷ", "ltimes": "⋉", "rtimes": "⋊", "bowtie": "⋈", "Join": "⋈", "amalg": "⨿",
    "uplus": "⊎", "sqcup": "⊔", "sqcap": "⊓", "ominus": "⊖", "oslash": "⊘", "boxplus": "⊞", "boxtimes": "⊠",
    "boxminus": "⊟", "boxdot": "⊡", "circledast": "⊛", "digamma": "ϝ", "varkappa": "ϰ", "mho": "℧",
    "hslash": "ℏ", "smile": "⌣", "frown": "⌢", "measuredangle": "∡", "sphericalangle": "∢",
    "triangleleft": "◁", "triangleright": "▷", "trianglelefteq": "⊴", "trianglerighteq": "⊵",
    "vartriangle": "△", "blacktriangle": "▲", "triangledown": "▽", "approxeq": "≊", "thickapprox": "≈",
    "thicksim": "∼", "backsim": "∽", "varpropto": "∝", "lessgtr": "≶", "gtrless": "≷", "nsim": "≁",
    "ncong": "≇", "owns": "∋", "multimap": "⊸", "wr": "≀", "Diamond": "◇", "blacklozenge": "⧫",
    "circledR": "®", "yen": "¥", "textyen": "¥", "texteuro": "€", "textcent": "¢", "textsection": "§",
    "textparagraph": "¶", "hookrightarrow": "↪", "hookleftarrow": "↩", "twoheadrightarrow": "↠",
    "twoheadleftarrow": "↞", "rightarrowtail": "↣", "Longrightarrow": "⇒", "Longleftarrow": "⇐",
    "Longleftrightarrow": "⇔", "longleftarrow": "←", "longleftrightarrow": "↔", "longmapsto": "↦",
    "rightharpoonup": "⇀", "rightharpoondown": "⇁", "leftharpoonup": "↼", "leftharpoondown": "↽",
    "rightleftharpoons": "⇌", "leftrightharpoons": "⇋", "Uparrow": "⇑", "Downarrow": "⇓",
    "updownarrow": "↕", "Updownarrow": "⇕", "nwarrow": "↖", "swarrow": "↙", "rightleftarrows": "⇄",
    "leftrightarrows": "⇆", "rightrightarrows": "⇉", "nrightarrow": "↛", "nleftarrow": "↚",
    "nRightarrow": "⇏", "dashrightarrow": "⇢", "dashleftarrow": "⇠", "circlearrowleft": "↺",
    "circlearrowright": "↻", "curvearrowleft": "↶", "curvearrowright": "↷", "impliedby": "⇐",
    "upharpoonright": "↾", "restriction": "↾", "Rrightarrow": "⇛", "varGamma": "Γ", "varDelta": "Δ",
    "varTheta": "Θ", "varLambda": "Λ", "varXi": "Ξ", "varPi": "Π", "varSigma": "Σ", "varPhi": "Φ",
    "varPsi": "Ψ", "varOmega": "Ω", "textalpha": "α", "textbeta": "β", "textgamma": "γ", "textdelta": "δ",
    "textepsilon": "ε", "textlambda": "λ", "textpi": "π", "textsigma": "σ", "texttau": "τ",
    "textomega": "ω", "lam": "λ", "lamb": "λ", "eps": "ε", "veps": "ε", "epsi": "ε", "gam": "γ", "Gam": "Γ",
    "del": "δ", "Del": "Δ", "sig": "σ", "Sig": "Σ", "Lam": "Λ", "ome": "ω", "Ome": "Ω", "thet": "θ",
    "vphi": "φ", "lbrack": "[", "rbrack": "]", "slash": "/", "lq": "‘", "rq": "’", "textquotedbl": "\"",
    "guillemotleft": "«", "guillemotright": "»", "guillemetleft": "«", "guillemetright": "»",
    "quotedblbase": "„", "quotesinglbase": "‚", "textperiodcentered": "·", "textbullet": "•",
    "textdagger": "†", "textdaggerdbl": "‡", "texttimes": "×", "textpm": "±", "textrightarrow": "→",
    "textleftarrow": "←", "textuparrow": "↑", "textdownarrow": "↓", "textonehalf": "½",
    "textonequarter": "¼", "textthreequarters": "¾", "textordmasculine": "º", "textordfeminine": "ª",
    "textexclamdown": "¡", "textquestiondown": "¿", "textnumero": "№", "textasciigrave": "`",
    "textohm": "Ω", "textcelsius": "℃", "ding": "✓", "Checkmark": "✓", "ballotx": "✗", "faCheck": "✓",
    "faTimes": "✗", "dotsb": "⋯", "dotsm": "⋯", "dotsi": "⋯", "dotso": "…", "ddots": "⋱", "cdotp": "·",
    "ldotp": ".", "lgroup": "(", "rgroup": ")", "llbracket": "⟦", "rrbracket": "⟧", "lmoustache": "⎰",
    "rmoustache": "⎱", "ulcorner": "⌜", "urcorner": "⌝", "dblquote": "\"", "textprime": "′",
    "backprime": "‵", "surd": "√", "mathsection": "§", "mathparagraph": "¶", "eth": "ð", "hearts": "♥",
    "blacktriangleright": "▶", "blacktriangleleft": "◀", "vartriangleright": "▷", "vartriangleleft": "◁",
    "intercal": "⊺", "leqq": "≦", "geqq": "≧", "lneq": "⪇", "gneq": "⪈", "eqsim": "≂", "simneqq": "≆",
    "fallingdotseq": "≒", "risingdotseq": "≓", "bumpeq": "≏", "Bumpeq": "≎", "Subset": "⋐", "Supset": "⋑",
    "Cap": "⋒", "Cup": "⋓", "curlywedge": "⋏", "curlyvee": "⋎", "barwedge": "⊼", "veebar": "⊻",
    "dotplus": "∔", "divideontimes": "⋇", "centerdot": "·", "eqcirc": "≖", "circeq": "≗", "pitchfork": "⋔",
    "independent": "⊥", "indep": "⊥", "Perp": "⊥", "bigtriangleup": "△", "bigtriangledown": "▽",
    "oiint": "∯",
}  # fmt: skip
"""Signs by the name of their macro."""

LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ",
    "aa": "å", "AA": "Å", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ",
    "DJ": "Đ", "ng": "ŋ", "NG": "Ŋ",
}  # fmt: skip
"""Letters by the name of their macro, in running text."""

ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    "\"": "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327",
    "k": "\u0328", "b": "\u0331",
}  # fmt: skip
"""Combining marks by the accents of running text."""

MATHS_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "widetilde": "\u0303",
    "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7", "check": "\u030c", "acute": "\u0301",
    "grave": "\u0300", "breve": "\u0306", "mathring": "\u030a", "dddot": "\u20db", "overline": "\u0304",
    "overrightarrow": "\u20d7", "widecheck": "\u030c", "ring": "\u030a",
}  # fmt: skip
"""Combining marks by the accents of formulas."""

BLACKBOARD = {
    "R": "ℝ", "N": "ℕ", "Z": "ℤ", "Q": "ℚ", "C": "ℂ", "P": "ℙ", "H": "ℍ", "E": "𝔼", "F": "𝔽", "S": "𝕊",
    "T": "𝕋", "B": "𝔹", "1": "𝟙", "I": "𝕀", "A": "𝔸", "D": "𝔻", "G": "𝔾", "J": "𝕁", "K": "𝕂", "L": "𝕃",
    "M": "𝕄", "O": "𝕆", "U": "𝕌", "V": "𝕍", "W": "𝕎", "X": "𝕏", "Y": "𝕐",
}  # fmt: skip
"""Letters of number sets, expectation and the like."""

OPERATORS = frozenset(
    """
    log ln lg exp sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth max min sup inf lim
    limsup liminf arg argmax argmin det dim ker rank deg gcd lcm hom Pr tr Tr trace diag sign sgn
    softmax sigmoid poly polylog Var Cov Corr vec span conv cl supp dist vol grad curl mod bmod erf
    median mean std ReLU relu
    """.split()  # noqa: SIM905
)
"""Names that stand as words in a formula."""

UNITS = {
    "percent": "%", "yocto": "y", "femto": "f", "pico": "p", "nano": "n", "micro": "µ", "milli": "m",
    "centi": "c", "deci": "d", "kilo": "k", "mega": "M", "giga": "G", "tera": "T", "peta": "P",
    "kibi": "Ki", "mebi": "Mi", "gibi": "Gi", "tebi": "Ti", "meter": "m", "metre": "m", "second": "s",
    "gram": "g", "kilogram": "kg", "hertz": "Hz", "watt": "W", "volt": "V", "ampere": "A", "joule": "J",
    "newton": "N", "pascal": "Pa", "kelvin": "K", "celsius": "°C", "degreeCelsius": "°C", "degree": "°",
    "radian": "rad", "minute": "min", "hour": "h", "day": "d", "byte": "B", "bit": "bit", "liter": "L",
    "litre": "L", "mole": "mol", "candela": "cd", "tesla": "T", "farad": "F", "ohm": "Ω", "bel": "B",
    "decibel": "dB", "electronvolt": "eV", "per": "/", "squared": "²", "cubed": "³", "square": "",
    "cubic": "", "of": "", "m": "m", "s": "s", "ms": "ms", "us": "µs", "ns": "ns", "mm": "mm", "cm": "cm",
    "km": "km", "um": "µm", "nm": "nm", "g": "g", "kg": "kg", "mg": "mg", "Hz": "Hz", "kHz": "kHz",
    "MHz": "MHz", "GHz": "GHz", "W": "W", "kW": "kW", "mW": "mW", "V": "V", "mV": "mV", "A": "A",
    "mA": "mA", "J": "J", "kJ": "kJ", "N": "N", "Pa": "Pa", "K": "K", "dB": "dB", "eV": "eV", "L": "L",
    "ml": "ml", "mL": "mL", "h": "h", "min": "min", "B": "B",
}  # fmt: skip
"""Units by the name of their macro, inside a quantity."""

ABBREVIATIONS = {
    "eg": "e.g.", "ie": "i.e.", "etal": "et al.", "etc": "etc.", "wrt": "w.r.t.", "vs": "vs.",
    "aka": "a.k.a.", "iid": "i.i.d.", "cf": "cf.", "st": "s.t.", "wlog": "w.l.o.g.", "Eg": "E.g.",
    "Ie": "I.e.", "viz": "viz.", "whp": "w.h.p.", "resp": "resp.",
}  # fmt: skip
"""Abbreviations that authors write as macros. A full stop behind one is not repeated."""

DROPPED = frozenset(
    """
    xspace protect relax noindent centering raggedright displaystyle textstyle scriptstyle
    scriptscriptstyle limits nolimits nonumber notag allowbreak nobreak expandafter it bf em tt rm sc
    sf sl cal itshape bfseries ttfamily scshape sffamily rmfamily slshape mdseries upshape normalfont
    tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge boldmath unboldmath
    hline toprule midrule bottomrule left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl
    biggr Biggl Biggr bigm Bigm biggm smash ignorespaces unskip leavevmode null strut mathstrut sloppy
    clearpage newpage maketitle
    """.split()  # noqa: SIM905
)
"""Macros without a meaning in plain text: switches of fonts and sizes, sizes of brackets, layout."""

SPACES = frozenset(
    """
    quad qquad enspace enskip thinspace medspace thickspace space par newline linebreak hfill hfil
    smallskip medskip bigskip vfill nobreakspace
    """.split()  # noqa: SIM905
)
"""Macros that stand for white space."""

DROPPED_WITH_ARGUMENT = frozenset(
    """
    cite citep citet citealp citealt citeauthor citeyear citeyearpar citenum nocite parencite textcite
    autocite footcite Citep Citet supercite onlinecite ref eqref cref Cref autoref pageref nameref
    vref subref label bibliography bibliographystyle includegraphics thanks footnotemark input include
    usepackage index fontsize selectfont setlength tag todo
    """.split()  # noqa: SIM905
)
"""Macros that are left out with their first argument."""

HIDDEN_WITH_ARGUMENT = frozenset(
    """
    color rowcolor cellcolor pagecolor phantom vphantom hphantom
    """.split()  # noqa: SIM905
)
"""Macros that are left out with their first argument, and whose place nothing marks."""

SPACES_WITH_ARGUMENT = frozenset(
    """
    hspace vspace mspace hskip vskip kern
    """.split()  # noqa: SIM905
)
"""Macros of white space with a length."""

UNWRAPPED = frozenset(
    """
    emph underline uline uwave text textbf textit textsc texttt textsf textrm textmd textup textsl
    textnormal textin mathrm mathbf mathit mathsf mathtt mathcal mathfrak mathscr mathnormal mathop
    mathrel mathbin mathord mathopen mathclose mathpunct boldsymbol bm pmb bold mbox hbox vbox fbox
    framebox makebox ensuremath num ang ce si unit overbrace underbrace cancel bcancel xcancel sout st
    hl boxed uppercase lowercase MakeUppercase MakeLowercase MakeTextUppercase enquote section
    subsection subsubsection paragraph title caption texorpdfstring operatorname
    operatornamewithlimits DeclareMathOperator path nolinkurl detokenize substack lefteqn intertext ul
    so caps acs acl acf acp gls glspl Gls ac
    """.split()  # noqa: SIM905
)
"""Macros that only dress their first argument."""
