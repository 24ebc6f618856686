"""Fields of the search index, and the documents in them."""

import tantivy

from digests.model import ScoredPaper
from digests.search.query import tokenize_text
from digests.text import to_plain_text

SCHEMA_VERSION = "2"
"""Version of the fields and the tokenizer. Increase it with any change: older indexes are then rebuilt."""

STEMMED_FIELDS = frozenset(("title", "tldr", "abstract", "review"))
"""Fields whose words are reduced to English stems."""

MAX_TITLE_CHARACTERS = 2_000
"""Characters. A whole title is one term, and a term has at most 65,530 bytes."""


def _build_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("change", fast=True)
    builder.add_text_field("whole_title", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("spelt", tokenizer_name="written", index_option="basic")
    builder.add_text_field("authors", tokenizer_name="written")
    for field in sorted(STEMMED_FIELDS):
        builder.add_text_field(field, tokenizer_name="stemmed")
    return builder.build()


SCHEMA = _build_schema()
"""Fields of the index. `spelt` is the title without stems, for misspelt words; `whole_title` is one term."""


def build_analyzer(*, stems: bool) -> tantivy.TextAnalyzer:
    """Build an analyzer for texts that are already split into words, with or without an English stemmer.

    Only one thread at a time may use it.
    """
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return (builder.filter(tantivy.Filter.stemmer("english")) if stems else builder).build()


def build_document(seq: int, scored: ScoredPaper) -> tantivy.Document:
    """Build a paper's document, with the sequence number of its last change and its current review.

    The title is cut to `MAX_TITLE_CHARACTERS`.
    """
    paper, review = scored.paper, scored.review
    document = tantivy.Document()
    document.add_text("id", paper.id)
    document.add_unsigned("change", seq)
    title = _join_tokens(paper.title)
    for field in ("title", "spelt", "whole_title"):
        document.add_text(field, title[:MAX_TITLE_CHARACTERS])
    document.add_text("authors", _join_tokens(*paper.authors))
    document.add_text("tldr", _join_tokens(review.tldr))
    document.add_text("abstract", _join_tokens(paper.abstract))
    document.add_text(
        "review",
        _join_tokens(
            review.methodology, review.experiments, review.reproducibility, review.limitations, review.impact
        ),
    )
    return document


def _join_tokens(*texts: str) -> str:
    return " ".join(word for text in texts for word in tokenize_text(to_plain_text(text)))
