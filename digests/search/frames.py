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
    introduced introduces introducing proposed proposes presented presents
    """.split()  # noqa: SIM905
)
_TRAILING_WORDS = STOP_WORDS | frozenset(
    """
    paper papers article preprint please thanks thank again yet lately recently pdf arxiv work works
    works published authors now results abstract summary tldr explained score review reviews wrote
    written mean means out called thing
    """.split()  # noqa: SIM905
)
_NEW_WORDS = frozenset(("new", "newest", "latest", "recent", "recently", "news", "lately"))
_BEST_WORDS = frozenset(("best", "top"))
_PREPOSITIONS = frozenset(("of", "with", "in", "for", "to", "about", "has", "have", "do"))


class Meaning(NamedTuple):
    """Meaning of a query's words: those to find, those that only rank, and what is asked for."""

    words: tuple[str, ...]
    optional_words: tuple[str, ...]
    wants_limitations: bool
    sort: Sort | None


def strip_frames(words: tuple[str, ...], *, has_others: bool) -> Meaning:
    """Split the words of a query into those that are meant, and those of the frame around them.

    A query of frame words alone means these words, unless it `has_others`: phrases or filters, or asks for
    what is new or best.
    """
    asked, wants_limitations = _take_limitations(words)
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
    optional = tuple(word for word in dict.fromkeys(asked) if word not in content)
    return Meaning(content, optional, wants_limitations, sort)


def _is_count(words: tuple[str, ...], at: int) -> bool:
    """Return True for the number in "top 5"."""
    return len(words[at]) < 3 and words[at].isdecimal() and words[:at][-1:] in (("top",), ("best",))


def _take_limitations(words: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Take "limitations of" or a closing "limitations" out of the words; other words must be left."""
    for at, word in enumerate(words):
        if word not in LIMITATION_WORDS:
            continue
        following = words[at + 1 : at + 2]
        if not following or following[0] in _PREPOSITIONS or following[0] in _TRAILING_WORDS:
            rest = (*words[:at], *words[at + 1 :])
            if any(other not in _LEADING_WORDS for other in rest):
                return rest, True
    return words, False
