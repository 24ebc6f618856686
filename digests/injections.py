"""Passages in a paper that try to give orders to its reviewer. Pure: raw text in, flags out.

A rule of thumb holds the false alarms down: only what *commands* is flagged ("Ignore all previous instructions"), not what
tells of it ("models that ignore previous instructions"), nor what a paper on such attacks quotes. Invisible characters, letters
of other scripts, digits for letters and spaces between letters are seen through. A paraphrase that nobody thought of is not found:
the prompt's fence and the reviewer's schema stand behind this.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from pydantic_core import SchemaValidator, core_schema

from digests.model import Flag, Paper

INSTRUCTION_OVERRIDE = "instruction_override"
REVIEW_STEERING = "review_steering"
SCORE_DEMAND = "score_demand"
ROLE_OR_CHAT_TOKEN = "role_or_chat_token"  # noqa: S105
HIDDEN_TEXT = "hidden_text"
TOOL_OR_EXFIL_REQUEST = "tool_or_exfil_request"

EXCERPT_LENGTH = 200
"""Characters of a passage that are kept."""

CONTEXT_LENGTH = 24
"""Characters before a passage that show where it stands."""

MAX_FLAGS = 8
"""Of one paper: more are noise to a reader."""

MAX_SCANNED_CHARACTERS = 600_000
"""Characters of one text that are scanned: three long papers. Nothing behind them is shown to a model either."""

MIN_ZERO_WIDTH = 3
"""One zero-width space is a slip of copying; three in one text are not."""


def flag_paper(paper: Paper, comments: str = "") -> Paper:
    """The paper with what its title, abstract and comments hold of orders, beside the flags it came with."""
    found = [
        *scan_text(paper.title, "title"),
        *scan_text(paper.abstract, "abstract"),
        *scan_text(comments, "comments"),
    ]
    return add_flags(paper, found) if found else paper


MAX_FLAGGED_AGE = timedelta(days=90)
"""A paper that came out longer ago is in no digest: it is looked at when it is reviewed."""


def flag_if_recent(paper: Paper, today: date) -> Paper:
    """For sources that bring millions of old papers: those that may come into a digest, `flagged`."""
    return paper if paper.published and today - paper.published > MAX_FLAGGED_AGE else flag_paper(paper)


def add_flags(paper: Paper, flags: Iterable[Flag]) -> Paper:
    """The paper with more flags: each passage once, at most `MOST_FLAGS`, suspect ones first."""
    every = list(dict.fromkeys((*paper.flags, *flags)))
    return replace(paper, flags=tuple(sorted(every, key=lambda flag: not flag.is_suspect)[:MAX_FLAGS]))


def scan_text(text: str, location: str, *, is_hidden: bool = False) -> list[Flag]:
    """What of a raw text reads like an order, one flag a category. `hidden` text was invisible where it stood."""
    text = text[:MAX_SCANNED_CHARACTERS].encode("utf-8", "replace").decode()
    found: dict[str, Flag] = {}
    for flag in _find_flags(text, location, is_hidden):
        found.setdefault(flag.category, flag)
    return list(found.values())


def _find_flags(text: str, location: str, is_hidden: bool) -> Iterator[Flag]:
    if not text.isascii():
        yield from _find_hidden_text(text, location)
    for view in _make_views(text):
        for category, start, end in _find_injections(view):
            unseen = (
                is_hidden
                or view.is_decoded
                or bool(_INVISIBLE.search(text[view.original_index(start) : view.original_index(end)]))
            )
            yield Flag(category, _make_excerpt(view, start, end, text), location, unseen)


def _make_excerpt(view: "_TextView", start: int, end: int, text: str) -> str:
    source = view.text if view.is_decoded else text
    first, last = (start, end) if view.is_decoded else (view.original_index(start), view.original_index(end))
    begin = max(0, first - CONTEXT_LENGTH)
    if begin:  # Not in the middle of a word.
        begin = min(first, source.find(" ", begin, first) + 1 or first)
    return _strip_invisible(source[begin : max(last, begin + EXCERPT_LENGTH)])[:EXCERPT_LENGTH]


def _strip_invisible(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", text).split())


# What cannot be seen.

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0e\ufeff"
    "\U000e0000-\U000e0fff]"
)
_ZERO_WIDTH = re.compile("[\u115f\u1160\u180e\u200b\u2060\ufeff]")
_BIDI_OVERRIDE = re.compile("[\u202a\u202b\u202d\u202e\u2066-\u2068]")
_TAG = re.compile("[\U000e0020-\U000e007e]")
# England, Scotland and Wales have flags that are written with tags.
_FLAG_EMOJI = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{2,8}\U000e007f")


def _find_hidden_text(text: str, location: str) -> Iterator[Flag]:
    tags = "".join(chr(ord(sign) - 0xE0000) for sign in _TAG.findall(_FLAG_EMOJI.sub("", text)))
    if tags:
        yield from (replace(flag, is_hidden=True) for flag in scan_text(tags, location))
        yield Flag(
            HIDDEN_TEXT,
            f"in tag characters: {_strip_invisible(tags)}"[:EXCERPT_LENGTH],
            location,
            is_hidden=True,
        )
    if found := _BIDI_OVERRIDE.search(text):
        yield Flag(
            HIDDEN_TEXT,
            f"direction override: {_excerpt_around(text, found.start())}"[:EXCERPT_LENGTH],
            location,
            True,
        )
    zero_width = [found.start() for found in _ZERO_WIDTH.finditer(text)]
    if len(zero_width) >= MIN_ZERO_WIDTH:
        words = f"{len(zero_width)} zero-width characters: {_excerpt_around(text, zero_width[0])}"
        yield Flag(HIDDEN_TEXT, words[:EXCERPT_LENGTH], location, True)


def _excerpt_around(text: str, position: int) -> str:
    return _strip_invisible(text[max(0, position - CONTEXT_LENGTH) : position + EXCERPT_LENGTH])


# The text as it is, and as it reads behind a disguise.


@dataclass(frozen=True, slots=True)
class _TextView:
    """A text in small letters. `places` say where each letter stood; None: at the same place.

    One that `reveals` was decoded: its words stand nowhere in the original.
    """

    text: str
    original: str
    positions: tuple[int, ...] | None = None
    is_decoded: bool = False

    def original_index(self, position: int) -> int:
        if self.positions is None:
            return position
        return self.positions[position] if position < len(self.positions) else len(self.original)


_LATIN = {
    "а": "a", "в": "b", "е": "e", "ѕ": "s", "і": "i", "ј": "j", "к": "k", "м": "m", "н": "h", "о": "o", "р": "p", "с": "c",
    "т": "t", "у": "y", "х": "x", "ԁ": "d", "ɡ": "g", "һ": "h", "ո": "n", "ս": "u", "ԛ": "q", "ԝ": "w", "α": "a", "ε": "e",
    "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "τ": "t", "υ": "u", "χ": "x", "η": "n", "ı": "i", "ⅼ": "l", "ꓲ": "i",
}  # fmt: skip
_CONFUSABLE = str.maketrans(_LATIN)
_MIXED = re.compile(f"[a-z][{''.join(_LATIN)}]|[{''.join(_LATIN)}][a-z]")
_LEET = str.maketrans("013457@$!", "oieastasi")
_LEET_WORD = re.compile(r"[a-z][013457@$!][a-z0-9@$!]*[a-z]|\b[1!][a-z0-9@$]{3}")
_SPACED = re.compile(r"(?:(?<![^\s\W])[a-z][ ._*-]{1,2}){5,}[a-z](?!\w)")
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/]{28,}={0,2}(?![\w+/=-])")
_STYLED = {
    number: folded
    for block in (range(0x1D400, 0x1D800), range(0xFF01, 0xFF5F), range(0x24B6, 0x24EA), range(0x2100, 0x2150))
    for number in block
    if len(folded := unicodedata.normalize("NFKC", chr(number))) == 1 and folded.isascii()
}  # fmt: skip


def _make_views(text: str) -> Iterator[_TextView]:
    plain = _make_plain_view(text)
    yield plain
    if not plain.text.isascii() and _MIXED.search(plain.text):
        yield replace(plain, text=plain.text.translate(_CONFUSABLE))
    if not _compile_disguise_check()(text):
        return
    if _LEET_WORD.search(plain.text):
        yield replace(plain, text=plain.text.translate(_LEET))
    for spaced in _SPACED.finditer(plain.text):
        yield _join_spaced_letters(plain, spaced)
    for encoded in _BASE64.finditer(text):
        if decoded := _decode_base64(encoded[0]):
            yield _TextView(decoded.lower(), text, is_decoded=True)


@cache
def _compile_disguise_check() -> Callable[[str], bool]:
    """Digits among letters, letters in a row each by itself, or a long run of letters and digits."""
    return _compile_quick_check(
        r"[A-Za-z][013457@$!][A-Za-z0-9@$!]*[A-Za-z]|\b[1!][A-Za-z0-9@$]{3}|(?:[A-Za-z][ ._*-]{1,2}){5}|[A-Za-z0-9+/]{28}"
    )


def _make_plain_view(text: str) -> _TextView:
    if text.isascii():
        return _TextView(text.lower(), text)
    small = text.translate(_STYLED).lower()
    if len(small) != len(text):  # A few letters grow as they become small.
        small = "".join(letter.lower()[:1] for letter in text.translate(_STYLED))
    if not _INVISIBLE.search(small):
        return _TextView(small, text)
    positions = tuple(place for place, letter in enumerate(small) if not _INVISIBLE.match(letter))
    return _TextView("".join(small[place] for place in positions), text, positions)


def _join_spaced_letters(view: _TextView, found: re.Match[str]) -> _TextView:
    """Letters pushed together; two signs between them stand for the end of a word."""
    letters: list[tuple[str, int]] = []
    for place in range(found.start(), found.end()):
        letter = view.text[place]
        if letter.isalpha():
            letters.append((letter, place))
        elif view.text[place - 1] == " " and letter == " ":
            letters.append((" ", place))
    return replace(
        view,
        text="".join(letter for letter, _ in letters),
        positions=tuple(view.original_index(place) for _, place in letters),
    )


def _decode_base64(encoded: str) -> str:
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return raw if raw.isprintable() and " " in raw else ""


# What commands.


@dataclass(frozen=True, slots=True)
class _InjectionRule:
    """A pattern and its category. A `command` counts only where an imperative can stand, or in capitals."""

    category: str
    pattern: re.Pattern[str]
    is_command: bool = True


_BETWEEN = r"[\s*_~\"'’“”`()\\{}-]{1,4}"


def _make_rule(category: str, pattern: str, *, is_command: bool = True) -> _InjectionRule:
    """A blank in a pattern is whatever may stand between two words."""
    return _InjectionRule(category, re.compile(pattern.replace(" ", _BETWEEN)), is_command)


_ALL = r"(?:(?:all|any|every|each|the|these|those|your|of|my|other|and|whatever|such) )*"
_EARLIER = (
    r"(?:previous(?:ly)?|prior|earlier|preceding|above|foregoing|system|existing|original|initial|former|past|given|"
    r"before|standing|default|received|safety|reviewing|review)"
)
_ORDERS_NOUN = (
    r"(?:instruct(?:ion|ed)s?|prompts?|directions?|directives?|guidelines?|rules?|orders|commands?|context|messages?|"
    r"criteria|guidance|rubric)"
)
_THIS_PAPER = r"(?:this|the|our|present|submitted|current) (?:\w+ )?(?:paper|work|manuscript|submission|article|study|research)"
_FAULTS = (
    r"(?:negatives?|negative (?:aspects?|points?|comments?|things?)|weakness(?:es)?|limitations?|flaws?|shortcomings?|"
    r"criticisms?|drawbacks?|concerns?|problems?|faults?|defects?|downsides?|issues|weak (?:points?|spots?))"
)
_PRAISE = (
    r"(?:positive|favou?rable|glowing|enthusiastic|laudatory|supportive|complimentary|outstanding|excellent|stellar|"
    r"flattering|praising|good|great|rave)"
)
_VERDICT = r"(?:reviews?|assessments?|evaluations?|feedback|ratings?|recommendations?|comments?|verdict|opinion|report|scores?)"
_MACHINE = (
    r"(?:ais?|llms?|language models?|large language models?|gpt(?:-?\d)?|chatgpt|claude|gemini|chatbots?|"
    r"automated (?:reviewers?|systems?|agents?)|ai (?:reviewers?|assistants?|models?|systems?|agents?)|llm (?:reviewers?|judges?|agents?)|"
    r"artificial intelligence|machine reviewers?|reviewing models?)"
)
_FILL = r"(?:\w+ ){0,3}?"

_RULES = (
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:ignore|disregard|forget|override|overlook|bypass|dismiss|discard|abandon|set aside|(?:do not|don't|stop|no longer) "
        r"(?:follow|obey|heed)(?:ing)?|pay no attention to|do not pay attention to) (?:about )?"
        + _ALL
        + r"(?:"
        + _EARLIER
        + " "
        + _FILL
        + _ORDERS_NOUN
        + r"|"
        + _ORDERS_NOUN
        + r" (?:\w+ ){0,3}?(?:above|before|earlier|so far|given|previously|until now|prior|received|preceding)|everything (?:\w+ ){0,2}?"
        r"(?:above|before|earlier|so far|said|told|until now)|what (?:you|i|they) (?:\w+ ){0,3}?(?:told|said|asked|instructed))",
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:these are|here are|follow|your|updated|start of|begin|the following) (?:the |your |these )?new (?:system )?(?:instructions?|prompt|task|"
        r"orders|directive|rules)\b",
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:(?:new|updated|revised|real|actual) (?:system )?(?:instructions?|prompt|directive|orders)|(?:system|admin|developer) (?:override|overrule|message|prompt|"
        r"notice|update)|override)\s?[:：]",
        is_command=False,
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:notes?|attention|message|instructions?|memo|dear|reminder|notice|important|hello|hi|hey|warning)[,:]? "
        r"(?:(?:to|for|all|any|every|the|this|of) )*" + _MACHINE + r"\b[^.!?]{0,40}[:,!—–-]",
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:if|when|since|because|in case|as) (?:you|the reviewer|the reader|your reviewer|whoever (?:reads|reviews) this) (?:are|is|'re|re|happen to be) "
        r"(?:an? |the |being )*(?:\w+ )?" + _MACHINE + r"\b",
        is_command=False,
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:the |any |all |every )?(?:" + _MACHINE + r"|assistant|model) (?:reading|reviewing|processing|evaluating|summari[sz]ing|grading|"
        r"assessing|scoring|that (?:reads|reviews|processes)) (?:this|the) (?:\w+ )?(?:text|paper|document|manuscript|submission|passage|abstract|content)"
        r"\b,? (?:must|should|shall|has to|have to|is to|are to|will|needs? to|please|is (?:required|instructed|asked))",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:give|write|provide|produce|output|generate|return|submit|deliver|leave|compose|issue|offer|make|draft|prepare|render|respond with|"
        r"reply with|answer with|ensure|grant) (?:(?:us|it|this|the|paper|manuscript|work|submission|me|only|nothing but|a|an|your|very|strongly|highly|purely|"
        r"exclusively|overwhelmingly|extremely|entirely|fully|uniformly|solely|just|always|wholly) )*"
        + _PRAISE
        + r",? (?:[\w,-]+ ){0,3}?"
        + _VERDICT
        + r"\b",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:" + _PRAISE + r" (?:\w+ ){0,2}?" + _VERDICT + r" only|only (?:a |write |give |provide )?positive(?:ly)? (?:\w+ ){0,1}?" + _VERDICT + r"\b|"
        r"(?:say|write|mention|report) (?:only (?:good|positive)|nothing (?:bad|negative))\s?(?:things|aspects|points|about)?)",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:(?:do not|don't|never|you must not|must not|should not|under no circumstances|at no point) (?:\w+ )?(?:highlight|mention|discuss|point out|list|report|include|raise|note|"
        r"emphasi[sz]e|critici[sz]e|name|write about|bring up|reveal|dwell on|identify|state|flag|comment on)|avoid (?:\w+ )?(?:mentioning|highlighting|"
        r"listing|discussing|raising|pointing out|naming|reporting)|refrain from (?:\w+ )?(?:mentioning|highlighting|listing|discussing|raising|pointing out|"
        r"naming|critici[sz]ing|reporting)|omit|downplay|suppress|conceal|leave out|withhold|keep silent (?:about|on)|play down|gloss over) "
        r"(?:(?:any|all|the|its|of|this|paper's|papers|our|possible|potential|serious|major|every|their|negative|or) )*" + _FAULTS + r"\b",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:(?:strongly |always |you must |you should |definitely |please )?(?:recommend|advise|suggest|vote for|vote|argue for|push for|champion|propose|decide on|choose|select|endorse) "
        r"(?:an? |the |its |for |strong(?:ly)? |clear |immediate |unconditional |full |to |this |outright )*(?:accept(?:ance|ing)?|publication|publishing)"
        r"(?: (?:of|for|as|without|at|with)\b| " + _THIS_PAPER + r"|[.!;\"”'*)]|$)|accept " + _THIS_PAPER + r")",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:" + _THIS_PAPER + r"|the authors?'? (?:paper|work)) (?:must|should|shall|has to|needs to|ought to|deserves to|is to) (?:\w+ )?(?:be |receive |get |obtain |earn )(?:\w+ ){0,3}?"
        r"(?:accepted|praised|rated|scored|recommended|ranked|acceptance|accept|the (?:highest|top|best|maximum)|maximum|perfect)\b",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:emphasi[sz]e|praise|highlight|stress|underline|focus (?:only |solely |exclusively |entirely )?on|concentrate on|commend|laud|extol) (?:(?:only|solely|exclusively|the|its|this|"
        r"paper's|papers|our|of|work's|how|all|just) )+(?:exceptional|outstanding|groundbreaking|remarkable|extraordinary|impactful|strengths?|novelty|originality|"
        r"positives?|positive|brilliance|merits?|excellence|methodological rigou?r)\b",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\bimpactful contributions?\W.{0,40}\bmethodological rigou?r\W.{0,40}\bexceptional novelty\b",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:treat|consider|regard|describe|portray|present|characteri[sz]e|evaluate|judge|call|view) (?:"
        + _THIS_PAPER
        + r"|it) (?:as|to be) (?:an? |the |one of the |being |truly |highly |absolutely |in the )*"
        r"(?:outstanding|excellent|groundbreaking|seminal|exceptional|best|flawless|revolutionary|landmark|must-read|award|impressive|strong accept)",
    ),
    _make_rule(
        SCORE_DEMAND,
        r"\b(?:give|assign|award|rate|score|grant|set|return|output|mark|put|grade|select|choose|report|pick|enter|allocate) (?:[\w'’]+,? ){0,7}?"
        r"(?:(?:the |a |an )?(?:maximum|maximal|highest|top|full|perfect|best(?: possible)?) (?:possible |overall |available |attainable )?(?:scores?|ratings?|marks?|grades?|points|value)"
        r"|10\s?/\s?10|ten out of ten|10 out of (?:10|ten)|5\s?/\s?5|five stars|5 out of 5|strong accept|(?:an? |at |to |as )?(?:\d{1,2}|ten|nine)(?: or (?:higher|above|more))? (?:for|in|on|across) "
        r"(?:all|every|each) (?:of )?(?:the )?(?:criteri|dimension|categor|aspect|item|question|axis|axes|field))",
    ),
    _make_rule(
        SCORE_DEMAND,
        r"\b(?:rate|score|grade|rank) (?:" + _THIS_PAPER + r"|it|this|us) (?:with |as |at |a |an |no |not |above |at least |the |number )*(?:10\b|9\b|ten\b|nine\b|lower than|less than|below|"
        r"top|highest|first|best|excellent|outstanding|higher|maxim|perfect)",
    ),
    _make_rule(
        SCORE_DEMAND,
        r"[\"'{]\s?(?:overall_?|final_?|total_?)?(?:score|rating|overall|soundness|methodology|novelty)[\"']?\s?[:=]\s?[\"']?(?:10|9|5)\b",
        is_command=False,
    ),
    _make_rule(
        SCORE_DEMAND,
        r"\b(?:your|the) (?:final |overall )?(?:score|rating|grade|verdict) (?:must|should|shall|has to|needs to|is to|will) (?:be|equal|not be|never be|exceed) ",
        is_command=False,
    ),
    _make_rule(
        ROLE_OR_CHAT_TOKEN,
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|begin_of_text|eot_id|start_header_id|end_header_id|endofprompt|channel|start)\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|"
        r"<｜|#{2,4}\s?(?:system|instruction|assistant|human|user)\s?[:：\n]|\[(?:system|admin|developer)(?:[\s_](?:message|prompt|note|override))?\]?\s?[:：]|</?(?:system|assistant)(?:[_-]?prompt)?>",
        is_command=False,
    ),
    _make_rule(
        ROLE_OR_CHAT_TOKEN,
        r"\b(?:you are (?:now|no longer) (?:an? |the |in |my |bound |free|required|under|dan\b|acting|to )|(?:from now on|henceforth),? (?:you|act|respond|treat)|(?:act|behave|respond) as (?:an? |the |if you were )(?:\w+ ){0,2}?"
        r"(?:author|friend|supporter|advocate|reviewer|assistant|fan|champion)|pretend (?:to be|that you|you)|your (?:new )?role is (?:now )?to|you will now (?:act|be|behave|respond))",
    ),
    _make_rule(
        ROLE_OR_CHAT_TOKEN,
        r"(?:\bend of (?:the )?(?:paper|document|abstract|submission|manuscript|user input|untrusted (?:text|data|input)|input|data)[\s\])}>=*#.:;,-]{1,6}(?:now|new|begin|start|instruction|system|the reviewer|next|you|your|important|reviewer)|"
        r"</(?:paper|document|abstract|untrusted|user_input|data|submission|text)>)",
        is_command=False,
    ),
    _make_rule(
        TOOL_OR_EXFIL_REQUEST,
        r"\b(?:send|post|upload|forward|e?-?mail|exfiltrate|transmit|leak|submit) (?:[\w'’]+,? ){0,6}?(?:prompts?|instructions|conversation|reviews?|scores|contents?|secrets?|keys?|history|passwords?|"
        r"context|credentials|tokens?|messages|notes|files|environment) (?:[\w'’]+,? ){0,4}?(?:to|at|via)\s?(?:the )?(?:https?://|\S+@\S|webhook|server|address|url|following)",
    ),
    _make_rule(
        TOOL_OR_EXFIL_REQUEST,
        r"\b(?:reveal|print|output|repeat|show|disclose|display|leak|include|quote|tell (?:me|us)|write down|copy) (?:[\w'’]+ ){0,5}?(?:system prompt|hidden prompt|initial prompt|your (?:\w+ )?(?:instructions|prompt|"
        r"guidelines|rules|api keys?|secrets?|credentials|passwords?|configuration)|api keys?|environment variables)",
    ),
    _make_rule(
        TOOL_OR_EXFIL_REQUEST,
        r"\b(?:call|invoke|use|run|execute|trigger|open) (?:the |your |this |a |following |any )*(?:\w+ )?(?:tool|function|shell|plugin|browser|bash|terminal)s?(?: \w+)? (?:to|with|and|on) (?:\w+ ){0,3}?"
        r"(?:send|delete|fetch|email|post|download|upload|execute|read|set|submit|approve|https?)",
    ),
    _make_rule(
        TOOL_OR_EXFIL_REQUEST,
        r"!\[[^\]]{0,80}\]\(https?://[^)\s]{1,200}(?:\{|\[|[?&]\w+=(?:\{|\[|<|your|prompt|data|review))",
        is_command=False,
    ),
    # Other languages: an order to forget the instructions, or one for praise or points.
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"(?:忽略|无视|無視|忽視|忘记|忘掉|不要理会)[^。.!！]{0,12}(?:指令|指示|提示|说明|說明|要求|规则|命令)|(?:指示|命令|指令|プロンプト|ルール)(?:は|を|について)?[^。]{0,6}(?:無視|忘れ)|"
        r"(?:지시|명령|프롬프트|지침)[^.]{0,8}(?:무시|잊)",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"(?:给出|请给|只给|写出|撰写|提供|只写|請給|給出)[^。]{0,10}(?:正面|积极|积極|正向|好评|肯定)[^。]{0,8}(?:评价|评审|评论|意见|审稿|反馈|評價|審稿)?|(?:不要|请勿|切勿|不得|別)[^。]{0,6}(?:提及|指出|提到|强调|列出|批评)[^。]{0,8}"
        r"(?:缺点|不足|局限|负面|问题|弱点|缺陷)|(?:推荐|建议)(?:直接)?(?:接收|录用|接受)(?:本文|此文|该论文|这篇)|(?:肯定的|好意的|ポジティブ|前向き|高い)な?(?:評価|レビュー|査読)[^。]{0,10}(?:ください|せよ|書け|だけ|すること|与え)|"
        r"(?:欠点|弱点|否定的|限界)[^。]{0,12}(?:触れない|言及しない|指摘しない|書かない)|(?:긍정적|호의적)[^.]{0,10}(?:평가|리뷰|심사)[^.]{0,10}(?:작성|하세요|해주세요|하십시오|만|주세요)|(?:단점|약점|한계|부정적)[^.]{0,12}(?:언급하지|지적하지|쓰지)",
        is_command=False,
    ),
    _make_rule(
        SCORE_DEMAND,
        r"(?:给|打|评|给予|給|評|打出)[^。]{0,12}(?:满分|滿分|最高分|最高评分)|(?:満点|最高点|最高の(?:点|スコア|評価))[^。]{0,8}(?:つけ|与え|付け|ください|せよ)|(?:만점|최고\s?점수|최고점)[^.]{0,8}(?:주|부여|매기)",
        is_command=False,
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:ignor(?:a|en|ez|ier(?:e|en|t)|i|ate|are|ieren sie)|ignore (?:todas?|todos?|toutes?|tous|as|les|los|las|quaisquer)|olvid(?:a|e|en)|oubli(?:e|ez)|vergiss|vergesse?n?(?: sie)?|esque[çc]a|desconsider[ea]|missachte|dimentica(?:te)?|descarta|ne tenez pas compte d[eu]s?|haz caso omiso de) "
        r"(?:[\w'’]+ ){0,4}?(?:instru(?:cciones|[çc][õo]es|ctions)|instructions|indicaciones|consignes|anweisungen|vorgaben|anleitungen|istruzioni|direttive|[óo]rdenes|ordens|prompts?)\b|"
        r"(?:игнорируй(?:те)?|забудь(?:те)?|не обращай(?:те)? внимания на) (?:[\w]+ ){0,4}?(?:инструкци|указани|команд|правил)|(?:تجاهل|انس)[^.]{0,20}(?:التعليمات|الأوامر|التوجيهات)",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:d[aé](?:me|nos)?|escrib[ae]|proporcion[ae]|redact[ae]|d[oe]nne[rz]?|donnez|r[ée]dige[rz]?|[ée]cri(?:s|vez)|fournis(?:sez)?|gib|geben sie|schreibe?n?(?: sie)?|verfasse(?:n sie)?|erstelle(?:n sie)?|d[êe]|escreva|forne[çc]a|"
        r"dai|scriv[iae](?:te)?|fornisci|fornite) (?:[\w'’]+ ){0,4}?(?:reseñas?|revisi[óo]n|evaluaci[óo]n|[ée]valuation|avis|critique|gutachten|bewertung|rezension|avalia[çc][ãa]o|revis[ãa]o|recensione|valutazione) (?:[\w'’]+ ){0,2}?"
        r"(?:positiv\w*|favora\w*|favor[áa]vel|elogios\w*|[ée]logieu\w*)|\b(?:gib|schreibe?n?(?: sie)?|geben sie|verfasse(?:n sie)?|erstelle(?:n sie)?|donnez|donne|escribe|escreva) (?:[\w'’]+ ){0,4}?(?:positiv\w*|favorable\w*|wohlwollend\w*|gut\w*) "
        r"(?:[\w'’]+ ){0,1}?(?:gutachten|bewertung|rezension|[ée]valuation|avis|critique|rese[ñn]a|avalia[çc][ãa]o)|"
        r"(?:напиши(?:те)?|дай(?:те)?|составь(?:те)?|оставь(?:те)?) (?:\w+ ){0,3}?(?:положительн|хвалебн|благоприятн)\w* (?:\w+ ){0,1}?(?:отзыв|рецензи|оценк)|(?:اكتب|قدم|أعط)[^.]{0,16}(?:مراجعة|تقييم)[^.]{0,12}إيجابي",
        is_command=False,
    ),
    _make_rule(
        SCORE_DEMAND,
        r"\b(?:d[aé]|asign[ae]|otorg[ae]|pon|attribue[rz]?|donne[rz]?|mettez|vergib|vergeben sie|gib|geben sie|atribua|d[êe]|assegna(?:te)?|dai) (?:[\w'’]+ ){0,5}?(?:puntuaci[óo]n (?:m[áa]s alta|m[áa]xima)|nota (?:m[áa]xima|m[áa]s alta)|m[áa]xima (?:puntuaci[óo]n|nota|pontua[çc][ãa]o)|"
        r"note (?:maximale|la plus [ée]lev[ée]e)|meilleure note|h[öo]chste\w* (?:punktzahl|bewertung|note)|bestnote|volle punktzahl|pontua[çc][ãa]o m[áa]xima|punteggio (?:massimo|pi[ùu] alto)|voto massimo)|"
        r"(?:поставь(?:те)?|дай(?:те)?|присвой(?:те)?) (?:\w+ ){0,4}?(?:максимальн|высш|наивысш)\w* (?:балл|оценк)",
        is_command=False,
    ),
)  # fmt: skip


RULES_PER_GROUP = 5
"""Rules that are looked for together: more, and the automaton outgrows its cache."""


@cache
def _compile_rule_groups() -> Sequence[tuple[Callable[[str], bool], Sequence[_InjectionRule]]]:
    """The rules, a few at a time, each few behind a quick look whether any of them can be there."""
    groups = [_RULES[start : start + RULES_PER_GROUP] for start in range(0, len(_RULES), RULES_PER_GROUP)]
    return [
        (_compile_quick_check("|".join(f"(?:{rule.pattern.pattern})" for rule in group)), group)
        for group in groups
    ]


def _compile_quick_check(pattern: str) -> Callable[[str], bool]:
    """Whether a pattern may occur in a text, forty times faster than `re` and in linear time: pydantic's engine.

    It may say yes for no, never no for yes: its letters are all that ASCII does not have.
    """
    wide = re.sub(
        r"\[[^\]]*\]", lambda found: found[0].replace(r"\w", _LETTERS), pattern.replace(r"\b", r"(?-u:\b)")
    )
    schema = core_schema.str_schema(pattern=wide.replace(r"\w", f"[{_LETTERS}]"), regex_engine="rust-regex")
    return SchemaValidator(schema).isinstance_python


_LETTERS = r"0-9A-Za-z_\x{80}-\x{10ffff}"


def _find_injections(view: _TextView) -> Iterator[tuple[str, int, int]]:
    """Each passage that commands: its category, and from where to where in the view."""
    for may_be_there, rules in _compile_rule_groups():
        if may_be_there(view.text):
            yield from (passage for rule in rules for passage in _find_passages(view, rule))


def _find_passages(view: _TextView, rule: _InjectionRule) -> Iterator[tuple[str, int, int]]:
    for found in rule.pattern.finditer(view.text):
        if rule.is_command and not _is_command(view, found):
            continue
        if not _is_quoted_example(view.text, found):
            yield rule.category, found.start(), found.end()
            return


_LEAD = re.compile(
    r"(?:^|[.!?:;\"“”«»'‘’(\[{<>|*#•=/\\`~。：！—–]\s*|(?<!\w)-\s*|\b(?:please|now|kindly|you|you (?:must|should|shall|will|have to|need to|are to|"
    r"are required to|are instructed to|are asked to)|instead|simply|just|hereby|and then|then|always|only|strongly|immediately|therefore|reviewer must|reviewer should)"
    r"[\s,:]*|\b(?:reviewers?|assistant|ai|llms?|models?|gpt|claude|chatgpt|agents?|system)\s?,\s*|,\s?and\s|,\s)$"
)
_CLEAR_LEAD = re.compile(r"(?:,\s?and\s|,\s)$")
CAPITALS_LEAST = 12
"""So many capital letters in a row of words are a shout, not an abbreviation."""


def _is_command(view: _TextView, found: re.Match[str]) -> bool:
    """Whether an imperative can stand there: at the start of a clause, after "please" or "you must"; or in capitals."""
    passage = view.original[view.original_index(found.start()) : view.original_index(found.end())]
    if passage.isupper() and sum(letter.isalpha() for letter in passage) >= CAPITALS_LEAST:
        return True
    before = view.text[max(0, found.start() - CONTEXT_LENGTH) : found.start()]
    lead = _LEAD.search(before)
    if not lead:
        return False
    # "..., ignore all ..." is an order only behind another one.
    return not _CLEAR_LEAD.search(before) or _is_after_order(
        view.text[max(0, found.start() - 160) : found.start()]
    )


_OTHER_ORDER = re.compile(
    r"\b(?:please|you (?:must|should|are)|your task|as an? (?:ai|llm|language model|reviewer))\b"
)


def _is_after_order(before: str) -> bool:
    return bool(_OTHER_ORDER.search(before))


_ABOUT_ATTACKS = re.compile(
    r"\b(?:prompt[\s-]injections?|injections?|injected|jailbreak\w*|adversarial|attacks?|attackers?|red[\s-]team\w*|hidden (?:prompts?|instructions?|text)|"
    r"guardrails?|manipulat\w+|poison\w*|backdoors?|special tokens?|chat templates?|malicious)\b"
)
QUOTE_CONTEXT_LENGTH = 160
"""Characters on either side in which the quotation marks of an example stand."""
_OPENS, _CLOSES = re.compile(r"[\"“‘«`「『]|(?<!\w)'"), re.compile(r"[\"”’»`」』]|'(?!\w)")


def _is_quoted_example(text: str, found: re.Match[str]) -> bool:
    """Whether a text on such attacks shows the passage in quotation marks."""
    before = text[max(0, found.start() - QUOTE_CONTEXT_LENGTH) : found.start()]
    behind = text[found.end() : found.end() + QUOTE_CONTEXT_LENGTH]
    opened = max((mark.start() for mark in _OPENS.finditer(before)), default=-1)
    if opened < 0 or not _CLOSES.search(behind) or re.search(r"[.!?]\s", before[opened:]):
        return False
    around = text[max(0, found.start() - 1500) : found.start()] + text[found.end() : found.end() + 1500]
    return bool(_ABOUT_ATTACKS.search(around))
