"""Fit of a title to the words that were typed: it ranks the best hits of a round once more. Pure."""

from collections.abc import Sequence

BEGINNING, NEIGHBOURS, SHARE = 2.5, 1.5, 3.0
"""Weights, in points of a text's score.

They are: a title that begins with several words; a title with them next to each other; and the share of the
words that the title has.
"""

MERIT = 0.2
"""Points for each point of a review's score: among papers that fit alike, the best comes first."""

MAX_FIT_WORDS = 40
"""Words of a title that are compared."""

LONG_WORD = 6
"""Letters from which two letters of a word may differ; in shorter words it is one."""

MIN_MISSPELT_LETTERS = 4


def measure_fit(
    words: Sequence[str], title: Sequence[str], *, allows_typos: bool = False, is_unfinished: bool = False
) -> float:
    """Measure how well a title fits words as they were typed, in points. All are stems.

    With `allows_typos` a misspelt word counts as the one that is meant. If the text `is_unfinished`, its last
    word may be the beginning of one. An article before the title makes no difference.
    """
    compared = (title[1:] if title[:1] and title[0] in ("a", "an", "the") else title)[:MAX_FIT_WORDS]
    if not words:
        return 0.0
    places = [
        [at for at, other in enumerate(compared) if word == other or (allows_typos and is_near(word, other))]
        for word in words
    ]
    if is_unfinished:
        places[-1] = [at for at, other in enumerate(compared) if other.startswith(words[-1])]
    share = sum(map(bool, places)) / len(words)
    if len(words) == 1:
        return SHARE * share
    starts = set.intersection(*({at - offset for at in found} for offset, found in enumerate(places)))
    return SHARE * share + NEIGHBOURS * bool(starts) + BEGINNING * (0 in starts)


def is_near(word: str, other: str) -> bool:
    """Return True for words of four letters and more that differ in one place only."""
    shortest, longest = sorted((len(word), len(other)))
    allowed = 2 if longest >= LONG_WORD else 1
    if longest < MIN_MISSPELT_LETTERS or longest - shortest > allowed:
        return False
    start = next((at for at in range(shortest) if word[at] != other[at]), shortest)
    rest = range(shortest - start)
    end = next((at for at in rest if word[-1 - at] != other[-1 - at]), len(rest))
    return start + end >= longest - allowed
