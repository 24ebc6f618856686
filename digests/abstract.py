"""The sentence of an abstract that says what was done. Pure, and linear in the length of the text."""

from collections.abc import Sequence

from digests.text import split_sentences

MAX_CHARACTERS = 10_000
"""Characters of an abstract that are read. arXiv's limit is 1,920."""

MAX_WORDS_BETWEEN = 4
"""Words between "we" and the verb that belongs to it, as in "we then also carefully show"."""

_PUNCTUATION = ".,;:!?()[]{}“”\"'‘’*"
_NOUNS = frozenset(
    {
        "article", "authors", "dissertation", "note", "paper", "report", "study", "survey", "thesis",
        "tutorial", "work",
    }
)  # fmt: skip
_INTRODUCING = frozenset(
    {
        "address", "build", "built", "construct", "constructs", "contribute", "derive", "describe",
        "describes", "design", "develop", "develops", "devise", "formulate", "introduce",
        "introduced", "introduces", "investigate", "investigates", "offer", "offers", "present",
        "presented", "presents", "propose", "proposed", "proposes", "provide", "provides", "release",
        "releases", "studies", "study",
    }
)  # fmt: skip
_FINDING = frozenset(
    {
        "achieve", "achieves", "analyse", "analyze", "compare", "conduct", "demonstrate",
        "demonstrated", "demonstrates", "establish", "evaluate", "evaluates", "examine", "explore",
        "explores", "find", "finds", "give", "gives", "improve", "improves", "observe", "obtain",
        "outperform", "outperforms", "prove", "proves", "report", "reports", "reveal", "reveals",
        "show", "shown", "shows", "train", "use",
    }
)  # fmt: skip


def choose_key_sentence(abstract: str) -> str:
    """Return the sentence of an abstract that says what was done, and not why the field matters.

    It is the first of the best kind: "we" or "this paper" introduces something; it shows something; something
    is introduced; "our" alone; a number. Without any it is the first sentence. `abstract` is plain text.
    Returns "" for an empty one.
    """
    sentences = split_sentences(abstract[:MAX_CHARACTERS])
    return max(sentences, key=_rate_sentence, default="")


def _rate_sentence(sentence: str) -> int:
    """Return how much a sentence says of what was done, from 0 for nothing."""
    words = [word.strip(_PUNCTUATION).lower() for word in sentence.split()]
    predicates = [
        words[place + 1 : place + 3 + MAX_WORDS_BETWEEN]
        for place in range(len(words))
        if _is_own_subject(words, place)
    ]
    verbs = {word for predicate in predicates if "not" not in predicate for word in predicate}
    if not _INTRODUCING.isdisjoint(verbs):
        return 5
    if not _FINDING.isdisjoint(verbs):
        return 4
    if not {"introduces", "introduced", "proposed", "presents", "presented"}.isdisjoint(words):
        return 3
    if not {"we", "our", "ours"}.isdisjoint(words):
        return 2
    return int(any(sign.isdigit() for sign in sentence))


def _is_own_subject(words: Sequence[str], place: int) -> bool:
    """Return True if the authors or their paper stand at a place: "we", "our method", "this paper"."""
    if words[place] in ("we", "our"):
        return True
    return (
        words[place] in ("this", "the") and words[place + 1 : place + 2] != [] and words[place + 1] in _NOUNS
    )


MAX_REFERENCE_CHARACTERS = 80
"""Characters of an opening that refers to the sentence before."""

_REFERENCE_OPENINGS = frozenset(
    {"based", "building", "guided", "here", "in", "inspired", "motivated", "to", "toward", "towards"}
)
_REFERENCE_WORDS = frozenset({"here", "these", "this"})


def drop_reference(sentence: str) -> str:
    """Return a sentence without an opening that refers to what stood before: "To address this gap, we ...".

    The rest begins with a capital. Returns any other sentence as it is.
    """
    opening, comma, rest = sentence[: MAX_REFERENCE_CHARACTERS + 1].partition(",")
    rest = sentence[len(opening) + 1 :].strip()
    words = opening.lower().split()
    is_reference = words[:1] and words[0] in _REFERENCE_OPENINGS and not _REFERENCE_WORDS.isdisjoint(words)
    if not comma or not is_reference or not rest.startswith(("we ", "our ")):
        return sentence
    return rest[0].upper() + rest[1:]
