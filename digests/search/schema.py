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


MAX_SIMILAR_WORDS = 40
"""Words of a paper by which similar ones are found, the rarest in the index."""


def build_similarity_query(scored: ScoredPaper) -> tantivy.Query:
    """Build a query for papers that are similar to one by title and abstract.

    The text comes from the store, since the index does not keep it. Small libraries have few papers with the
    same word, so two are enough.
    """
    fields = {"title": _join_tokens(scored.paper.title), "abstract": _join_tokens(scored.paper.abstract)}
    return tantivy.Query.more_like_this_document_fields_query(
        SCHEMA,
        {name: [text] for name, text in fields.items() if text},
        min_doc_frequency=2,
        min_term_frequency=1,
        max_query_terms=MAX_SIMILAR_WORDS,
        min_word_length=3,
        stop_words=sorted(_STOP_WORDS),
    )


_STOP_WORDS = frozenset(
    {
        "all", "also", "and", "are", "been", "both", "but", "can", "for", "from", "has", "have",
        "how", "into", "its", "may", "more", "most", "new", "not", "our", "show", "such", "than",
        "that", "the", "their", "then", "these", "they", "this", "those", "two", "use", "were",
        "what", "when", "which", "while", "will", "with", "without",
    }
)  # fmt: skip
"""Words of three letters or more that say nothing about a subject."""


def _join_tokens(*texts: str) -> str:
    return " ".join(word for text in texts for word in tokenize_text(to_plain_text(text)))
