"""Snippets: the sentence of a paper that shows why a query found it. Pure."""

from collections.abc import Iterator, Sequence

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
    for label, sentence in _list_sentences(scored):
        found = _list_stems(sentence)
        # Words that the title lacks weigh more.
        count = 2 * len(missing & found) + len(stems & found)
        if count > best_count and missing & found:
            best, best_count = f"{label}{sentence}", count
    return clip_text(best, MAX_SNIPPET_CHARACTERS)


def _list_sentences(scored: ScoredPaper) -> Iterator[tuple[str, str]]:
    paper, review = scored.paper, scored.review
    texts = (
        ("", review.tldr), ("", paper.abstract), ("Limitations: ", review.limitations),
        ("Methodology: ", review.methodology), ("Experiments: ", review.experiments),
        ("Reproducibility: ", review.reproducibility), ("Impact: ", review.impact),
    )  # fmt: skip
    yield "By ", ", ".join(paper.authors[:12])
    for label, text in texts:
        for sentence in split_sentences(to_plain_text(text[:MAX_READ_CHARACTERS])):
            yield label, sentence


def _list_stems(text: str) -> set[str]:
    return {_cut_ending(word) for word in tokenize_text(text)}


def _cut_ending(word: str) -> str:
    """Cut a word so that its forms are equal: optimize, optimized, optimization."""
    return word[:6] if len(word) > 7 else word.removesuffix("s") if len(word) > 3 else word
