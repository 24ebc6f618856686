"""Words of a question that say nothing about the paper that is meant. Pure."""

from typing import NamedTuple

from digests.search.filters import Sort

STOP_WORDS = frozenset(
    """
    a an the of in on at to for and or with by from as is are was were be been being am do does did
    has have had it its this that these those what which who whom whose how why when where there
    here i me my mine we our us you your they them their he she his her s t re ve ll not no so than
    then too very can could should would will may might must just also into via about any some et al
    if but
    """.split()  # noqa: SIM905
)
"""Words that only rank, wherever they stand: they are in every text."""

LIMITATION_WORDS = frozenset(
    """
    limitation limitations weakness weaknesses drawback drawbacks downside downsides shortcoming
    shortcomings caveat caveats flaw flaws criticism criticisms
    """.split()  # noqa: SIM905
)
"""Words that ask for a paper's limitations."""

_WEAKER_LIMITATION_WORDS = frozenset(
    """
    limit limits problem problems issue issues pitfall pitfalls cons con disadvantage disadvantages
    wrong bad
    """.split()  # noqa: SIM905
)
"""Words that ask for limitations where nothing but a frame stands before them: "what's wrong with LoRA"."""

_EMPHASIS_WORDS = frozenset(("main", "biggest", "key", "known", "major", "important", "any", "some"))
"""Words before one that asks for limitations."""

_FAIL_WORDS = frozenset(("fail", "fails", "failing", "struggle", "struggles", "break", "breaks"))

_LEADING_WORDS = STOP_WORDS | frozenset(
    """
    paper papers article articles preprint preprints publication publications anyone anybody
    somebody someone everyone seen read know known remember heard anything something show find give
    tell get looking look search searching need want wanted please hey hi hello regarding concerning
    new newest latest recent recently news best top good great interesting important explain summary
    summarize summarise summarised summarized tldr review reviews link published publish wrote
    written authored whats up all other more works compare describe details called named titled
    title limitations popular hot happening going out lately paperround pull open fetch let like see
    try trying talk talks discuss discusses discussed say says said thing things stuff one ones
    famous original work people done got there mentions mention use uses used
    author authors difference differences between versus vs came come comes
    appeared released posted submitted uploaded
    introduced introduces introducing proposed proposes presented presents
    """.split()  # noqa: SIM905
)
_TRAILING_WORDS = STOP_WORDS | frozenset(
    """
    paper papers article preprint please thanks thank again yet lately recently pdf arxiv work works
    works published authors now results abstract summary tldr explained score review reviews wrote
    written mean means out called thing one ones good worth
    reading useful interesting like github repo newer
    """.split()  # noqa: SIM905
)
_NEW_WORDS = frozenset(("new", "newest", "latest", "recent", "recently", "news", "lately"))
_NEWEST_WORDS = frozenset(("newest", "latest"))
"""Words that ask for the order even where others say what is meant."""

_BEST_WORDS = frozenset(("best", "top"))
_PREPOSITIONS = frozenset(("of", "with", "in", "for", "to", "about", "has", "have", "do"))


_SIMILAR_NOUNS = frozenset(("paper", "papers", "preprints", "articles", "work", "works", "ones"))
_WISH_WORDS = frozenset(("would", "d", "i", "we", "you", "they", "look", "looks"))
"""Words before a "like" that does not compare: "I would like", "what does it look like"."""


class Meaning(NamedTuple):
    """Meaning of a query's words: those to find, those that only rank, and what is asked for."""

    words: tuple[str, ...]
    optional_words: tuple[str, ...]
    wants_limitations: bool
    sort: Sort | None
    wants_similar: bool = False


def strip_frames(words: tuple[str, ...], *, has_others: bool) -> Meaning:
    """Split the words of a query into those that are meant, and those of the frame around them.

    A query of frame words alone means these words, unless it `has_others`: phrases or filters, or asks for
    what is new or best.
    """
    named, wants_similar = take_similar(words, has_others=has_others)
    asked, wants_limitations = take_limitations(named)
    start, end = 0, len(asked)
    while start < end and (asked[start] in _LEADING_WORDS or _is_count(asked, start)):
        start += 1
    while end > start and asked[end - 1] in _TRAILING_WORDS:
        end -= 1
    content = tuple(word for word in asked[start:end] if word not in STOP_WORDS)
    frame = frozenset((*asked[:start], *asked[end:]))
    sort = Sort.NEW if frame & _NEW_WORDS else Sort.SCORE if frame & _BEST_WORDS else None
    if not content and not has_others and not (sort and len(words) > 1):
        content = tuple(word for word in words if word not in STOP_WORDS) or words
        return Meaning(content, tuple(word for word in words if word not in content), False, sort)
    if content and not frame & _NEWEST_WORDS:
        sort = None
    optional = tuple(word for word in dict.fromkeys(named) if word not in content)
    return Meaning(content, optional, wants_limitations, sort, wants_similar)


def take_similar(words: tuple[str, ...], *, has_others: bool = False) -> tuple[tuple[str, ...], bool]:
    """Take "papers similar to", "something like" or "similar papers" out of the words; others must be left.

    A query that `has_others`, such as phrases, may end with the comparison.
    """
    for at, word in enumerate(words):
        if word in ("like", "similar") and set(words[:at]) <= _LEADING_WORDS:
            rest = _take_comparison(words, at)
            is_named = rest is not None and (not set(rest) <= _LEADING_WORDS or (has_others and not rest))
            return (rest or (), True) if is_named else (words, False)
    if words[-2:-1] == ("similar",) and words[-1] in _SIMILAR_NOUNS and not set(words[:-2]) <= _LEADING_WORDS:
        return words[:-2], True
    return words, False


def _take_comparison(words: tuple[str, ...], at: int) -> tuple[str, ...] | None:
    """Return the words behind "like", "similar to" or "similar papers to" at a place; None if it is none."""
    after = at + 1
    if words[at] == "similar":
        while words[after : after + 1] and words[after] in _SIMILAR_NOUNS:
            after += 1
        return words[after + 1 :] if words[after : after + 1] in (("to",), ("as",), ("like",)) else None
    is_wish = words[at - 1 : at] and words[at - 1] in _WISH_WORDS
    return None if is_wish or words[after : after + 1] == ("to",) else words[after:]


def _is_count(words: tuple[str, ...], at: int) -> bool:
    """Return True for the number in "top 5"."""
    return len(words[at]) < 3 and words[at].isdecimal() and words[:at][-1:] in (("top",), ("best",))


def take_limitations(words: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Take "limitations of" or a closing "limitations" out of the words; other words must be left.

    So are "problems with" and the like at the beginning, and "where does" with a closing "fail".
    """
    if words[:1] in (("where",), ("when",)) and words[-1] in _FAIL_WORDS:
        return _take_if_others_stay(words, len(words) - 1)
    for at, word in enumerate(words):
        following = words[at + 1 : at + 2]
        if word in LIMITATION_WORDS:
            is_asked = not following or following[0] in _PREPOSITIONS or following[0] in _TRAILING_WORDS
        else:
            is_begun = set(words[:at]) <= _LEADING_WORDS | _EMPHASIS_WORDS
            is_asked = word in _WEAKER_LIMITATION_WORDS and is_begun and following in (("of",), ("with",))
        if is_asked:
            rest, is_taken = _take_if_others_stay(words, at)
            if is_taken:
                return rest, True
    return words, False


def _take_if_others_stay(words: tuple[str, ...], at: int) -> tuple[tuple[str, ...], bool]:
    """Take a word and the emphasis before it out of the words, unless only a frame is left."""
    start = at
    while start and words[start - 1] in _EMPHASIS_WORDS:
        start -= 1
    rest = (*words[:start], *words[at + 1 :])
    return (words, False) if set(rest) <= _LEADING_WORDS else (rest, True)
