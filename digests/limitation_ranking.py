"""Order of limitations by what a reader needs, and near-duplicates among them. Pure.

The scope of the evidence, what a method does not do, and where it fails come before what is left to tune.
"""

import re
from collections.abc import Iterable, Sequence

EXAMINED_CHARACTERS = 640
"""Characters of a point that are examined. More are never shown."""

_SIGNS = {
    "the limit of the idea": (3, r"fundamental\w*"),
    "a bound": (3, r"bottleneck\w*|unsolved|inherent\w*|circular\w*|theoretical limits?|caps|bounded"),
    "few gains": (
        3,
        r"(?:gains?|improvements?|benefits?) [^.;:]{0,60}"
        r"(?:minimal|marginal|small|modest|negligible|vanish\w*)",
    ),
    "a claim without evidence": (2, r"limit(?:s|ing)? (?:\w+ )?(?:claims?|generali[sz]\w+)"),
    "a narrow scope": (
        2,
        r"(?:strictly|exclusively|solely) (?:\w+ ){0,2}(?:to|on|in|for)|restricted to|limited to|"
        r"only (?:\S+ ){0,5}(?:tested|evaluated|studied|trained|run)",
    ),
    "the evidence": (
        2,
        r"only (?:tested|evaluated|on|in|for)|evaluat(?:ed|ion)|tested|focus(?:es)? (?:\w+ly )?on|"
        r"generali[sz]\w*|benchmarks?|dataset\w*|data sets?|baselines?|English|Python|Chinese",
    ),
    "an absence": (
        2,
        r"(?:do|does|did|is|are|was|were|can|may|has|have|will) (?:not|never)|cannot|lack(?:s|ing)?|"
        r"no|without|omit\w*|missing|neither|exclud\w+|ignor\w+",
    ),
    "what is not covered": (
        1,
        r"not (?:\w+ly )?(?:extend|support|apply|cover|handle|scale|generali[sz]e|work)",
    ),
    "a failure": (
        2,
        r"fail\w*|underfit\w*|overfit\w*|degrad\w*|collaps\w*|worse|poor(?:ly)?|minimal|bias(?:es|ed)?|error\w*|"
        r"wrong|hallucinat\w*|unstable|instability|drops?|struggl\w*|miss(?:es)?|invents?|suffers?|art[ei]facts?",
    ),
    "a number": (1, r"\d[\d.,]*(?: ?%| ?[A-Za-z]+)?"),
    "a guess": (-1, r"may|might|could|potential\w*|future work|later work"),
    "a discussion": (
        -3,
        r"not (?:\w+ly )?(?:address|discuss|explore|investigate)(?:ed)?|should|would|implications",
    ),
    "a detail": (
        -4,
        r"tuning|hyper-?parameters?|incremental|foundational|clarity|presentation|beneficial|slightly|"
        r"additional complexity|notation|typos?|fairness concerns",
    ),
}
"""Words of a limitation by what they show, with the weight of that for a reader."""
_WEIGHTS = tuple(
    (re.compile(rf"(?<![\w-])(?:{words})(?!\w)", re.IGNORECASE), weight) for weight, words in _SIGNS.values()
)


def rank_points(points: Sequence[str]) -> list[str]:
    """Return the points, those that a reader needs most first; points of equal weight keep their order."""
    return sorted(points, key=_weigh_point, reverse=True)


def _weigh_point(point: str) -> int:
    start = point[:EXAMINED_CHARACTERS]
    return sum(weight for words, weight in _WEIGHTS if words.search(start))


_TERM = re.compile(r"[^\W\d_]{3,}")
STEM_LENGTH = 5
"""Letters by which two forms of a word count as one: "train" and "training"."""
_COMMON_WORDS = (
    "the and for with that this these those which from into over under than are was were has have had "
    "may might can could would will should must not does did its their our all any such also only more "
    "most less other while where when because due both either between across through about paper "
    "authors work method approach model models system proposed results limitation limited limits "
    "potential discuss address explore large complex scalable computational domain experiments setup "
    "study detailed settings real world need thorough comprehensive analysis generalize practical "
    "applicable dataset clarity issues some many well introduce reliance relies pre training fine "
    "tuning existing various specific further quality performance data"
)
_COMMON_STEMS = frozenset(word[:STEM_LENGTH] for word in _COMMON_WORDS.split())
DUPLICATE_SHARE = 0.5
"""Share of the shorter point's terms that a near-duplicate has in common with the other; at least two."""
NAMED_DUPLICATE_SHARE = 0.33
"""This share where an abbreviation, such as VAE, is among the common terms."""
_ABBREVIATION = re.compile(r"[A-Z]{2,}")


def is_near_duplicate(point: str, others: Iterable[str]) -> bool:
    """Return True if a point says much the same as one of the others: in equal words, or by common terms.

    A point such as "Small data" has no term, only words that most reviews use.
    """
    letters = _fold_letters(point)
    return any(letters == _fold_letters(other) or _have_common_terms(point, other) for other in others)


def _fold_letters(point: str) -> str:
    """Return the letters and digits of a point in small letters, without spaces and signs."""
    return "".join(filter(str.isalnum, point[:EXAMINED_CHARACTERS].lower()))


def _have_common_terms(one: str, other: str) -> bool:
    terms, other_terms = _find_terms(one), _find_terms(other)
    shared = len(terms & other_terms)
    are_named = not _find_abbreviations(one).isdisjoint(_find_abbreviations(other))
    share = NAMED_DUPLICATE_SHARE if are_named else DUPLICATE_SHARE
    return shared >= 2 and shared >= share * min(len(terms), len(other_terms))


def _find_abbreviations(point: str) -> frozenset[str]:
    return frozenset(_ABBREVIATION.findall(point[:EXAMINED_CHARACTERS]))


def _find_terms(point: str) -> frozenset[str]:
    """Return the stems of a point's words, in small letters, without those that most reviews use."""
    words = _TERM.findall(point[:EXAMINED_CHARACTERS].lower())
    return frozenset(word[:STEM_LENGTH] for word in words) - _COMMON_STEMS
