"""Snippets: the sentence of a paper that shows why a query found it. Pure."""

from collections.abc import Collection, Iterator, Sequence

from digests.model import ScoredPaper
from digests.search.query import tokenize_text
from digests.text import clip_text, split_sentences, to_plain_text

MAX_SNIPPET_CHARACTERS = 160
"""Longest snippet: two lines on a phone."""

MAX_READ_CHARACTERS = 8_000
"""Characters of each text that are read for a snippet."""


def find_snippet(scored: ScoredPaper, words: Sequence[str]) -> str:
    """Return the sentence of a paper or its review with most of the words, the earliest of equals.

    Empty if the title has all of them, or no text has any. `words` are as `tokenize_text` makes them; other
    forms of a word count too.
    """
    stems = {_cut_ending(word) for word in words}
    missing = stems - _list_stems(to_plain_text(scored.paper.title))
    if not missing:
        return ""
    best, best_count = "", 0
    for label, sentence in _list_sentences(scored, missing):
        found = _list_stems(sentence)
        # Words that the title lacks weigh more.
        count = 2 * len(missing & found) + len(stems & found)
        if count > best_count and missing & found:
            best, best_count = f"{label}{sentence}", count
    return clip_text(best, MAX_SNIPPET_CHARACTERS)


def _list_sentences(scored: ScoredPaper, stems: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the sentences that may have one of the stems, each with the label of its text."""
    paper, review = scored.paper, scored.review
    texts = (
        ("", review.tldr), ("", paper.abstract), ("Limitations: ", review.limitations),
        ("Methodology: ", review.methodology), ("Experiments: ", review.experiments),
        ("Reproducibility: ", review.reproducibility), ("Impact: ", review.impact),
    )  # fmt: skip
    yield "By ", ", ".join(paper.authors[:12])
    for label, text in texts:
        plain = to_plain_text(text[:MAX_READ_CHARACTERS])
        if _may_have(plain, stems):
            for sentence in split_sentences(plain):
                if _may_have(sentence, stems):
                    yield label, sentence


def _may_have(text: str, stems: Collection[str]) -> bool:
    """Return False for a text that has none of the stems: looking for letters is faster than for words.

    A stem is the beginning of its word, except where letters have accents or a name has signs ("C++").
    """
    if not text.isascii() or "+" in text or "#" in text:
        return True
    folded = text.lower()
    return any(stem in folded for stem in stems)


def _list_stems(text: str) -> set[str]:
    return {_cut_ending(word) for word in tokenize_text(text)}


def _cut_ending(word: str) -> str:
    """Cut a word so that its forms are equal: optimize, optimized, optimization."""
    return word[:6] if len(word) > 7 else word.removesuffix("s") if len(word) > 3 else word
