"""Fields of the search index, and the documents in them."""

import re
from collections.abc import Iterable
from datetime import date
from itertools import pairwise

import tantivy

from digests.model import NOT_REVIEWED, ScoredPaper
from digests.search.filters import Trait
from digests.search.frames import STOP_WORDS
from digests.search.query import MAX_WORD_CHARACTERS, tokenize_text
from digests.text import to_plain_text

SCHEMA_VERSION = "3"
"""Version of the fields and the tokenizer. Increase it with any change: older indexes are then rebuilt."""

STEMMED_FIELDS = frozenset(("title", "tldr", "abstract", "review"))
"""Fields whose words are reduced to English stems."""

RAW_FIELDS = ("whole_title", "name", "initials", "category", "trait")
"""Fields of whole values."""

NUMBER_FIELDS = ("change", "day", "score")
"""Fields of numbers: sequence number, date as `date.toordinal`, score as `encode_score`. 0 is unknown."""

MAX_TITLE_CHARACTERS = 2_000
"""Characters. A whole title is one term, and a term has at most 65,530 bytes."""

MAX_TITLE_WORDS = 60
"""Words of a title of which names are made."""

INITIALS_LENGTHS = range(3, 8)
"""Letters of an acronym that is made of a title's initials."""


def _build_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for field in NUMBER_FIELDS:
        builder.add_unsigned_field(field, fast=True, indexed=field != "change", stored=field != "change")
    for field in RAW_FIELDS:
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
    for field in ("spelt", "joined", "defined"):
        builder.add_text_field(field, tokenizer_name="written", index_option="basic")
    builder.add_text_field("authors", tokenizer_name="written")
    for field in sorted(STEMMED_FIELDS):
        builder.add_text_field(field, tokenizer_name="stemmed")
    return builder.build()


SCHEMA = _build_schema()
"""Fields of the index. `spelt` is the title without stems, for misspelt words; `whole_title` is one term.

`name` has the names of the system that a paper is about, joined: "swebench". `initials` has acronyms of the
title's phrases: "dpo". `joined` has the title's neighbouring words without a space, and `defined` the
acronyms that the abstract explains.
"""


def build_analyzer(*, stems: bool) -> tantivy.TextAnalyzer:
    """Build an analyzer for texts that are already split into words, with or without an English stemmer.

    Only one thread at a time may use it.
    """
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return (builder.filter(tantivy.Filter.stemmer("english")) if stems else builder).build()


def encode_score(score: float | None) -> int:
    """Encode a score of 0 to 10 as a number that keeps its order. 0 is no score."""
    return 0 if score is None else max(1, round(score * 100) + 1)


def build_document(seq: int, scored: ScoredPaper) -> tantivy.Document:
    """Build a paper's document, with the sequence number of its last change and its current review.

    The title is cut to `MAX_TITLE_CHARACTERS`. A paper without a date has that of its arXiv id.
    """
    paper, review = scored.paper, scored.review
    document = tantivy.Document()
    document.add_text("id", paper.id)
    document.add_unsigned("change", seq)
    document.add_unsigned("day", (paper.published or date_of_id(paper.id)).toordinal())
    document.add_unsigned("score", encode_score(review.score))
    plain_title, plain_abstract = to_plain_text(paper.title), to_plain_text(paper.abstract)
    words = tokenize_text(plain_title)
    title = " ".join(words)
    for field in ("title", "spelt", "whole_title"):
        document.add_text(field, title[:MAX_TITLE_CHARACTERS])
    for name in sorted(find_names(plain_title, plain_abstract)):
        document.add_text("name", name)
    for acronym in sorted(find_initials(plain_title)):
        document.add_text("initials", acronym)
    joined = [left + right for left, right in pairwise(words[:MAX_TITLE_WORDS])]
    document.add_text("joined", " ".join(joined))
    document.add_text("defined", " ".join(find_defined_acronyms(plain_abstract)))
    for category in sorted(_list_categories(paper.primary_category, *paper.categories)):
        document.add_text("category", category)
    for trait in list_traits(scored):
        document.add_text("trait", trait)
    document.add_text("authors", _join_tokens(*paper.authors))
    document.add_text("tldr", _join_tokens(review.tldr))
    document.add_text("abstract", " ".join(tokenize_text(plain_abstract)))
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


def _list_categories(*categories: str) -> set[str]:
    """Return the categories with their archives: cs.CL and cs."""
    return {part for category in categories if category for part in (category, category.partition(".")[0])}


def list_traits(scored: ScoredPaper) -> list[Trait]:
    """Return the properties of a paper that filters ask for, except marks."""
    has = {
        Trait.FLAGGED: bool(scored.paper.flags),
        Trait.CODE: bool(scored.paper.code_url),
        Trait.REVIEW: scored.review != NOT_REVIEWED,
    }
    return [trait for trait, is_set in has.items() if is_set]


_DATED_ID = re.compile(r"(?:[a-z-]+/)?([0-9]{2})([0-9]{2})[0-9.]*")


def date_of_id(paper: str) -> date:
    """Return the first day of the month that an arXiv id names, else the first day of all."""
    if not (found := _DATED_ID.fullmatch(paper)) or not 1 <= int(found[2]) <= 12:
        return date.min
    year = int(found[1])
    return date(year + (1900 if year > 90 else 2000), int(found[2]), 1)


_HEAD_END = re.compile(r"[:?!]|\s[-–—]\s")
_SYSTEM_NAME = re.compile(r"[^\W\d_]*(?:[A-Z][^\W\d_]*[A-Z]|[^\W\d_][-.]?[0-9])[\w.+-]*")
_INTRODUCED = re.compile(
    r"\b(?:called|dubbed|named|termed|propose|proposes|present|presents|introduce|introduces)\s+"
    r"(?:the\s|an?\s)?\s?([A-Z][\w.+-]{1,40})"
)
_DEFINED = re.compile(r"\(([A-Z][\w-]{1,15})\)")
_PHRASE_STARTS = frozenset(("with", "for", "via", "of", "as", "from", "using", "through", "by", "in", "and"))
MAX_ABSTRACT_NAMES = 4
"""Names and acronyms that are taken out of one abstract."""


def find_names(title: str, abstract: str) -> set[str]:
    """Return the names of what a paper introduces, joined and in lower case: swebench, qwen2vl.

    They are the words before a colon in its title, a first word of unusual letters, and names that the
    abstract introduces with "we propose" or "called". Both texts are plain.
    """
    head = _HEAD_END.split(title, maxsplit=1)
    names = set[str]()
    words = tokenize_text(head[0])
    if len(head) > 1 and len(words) <= 4:
        names.add("".join(words))
    first = title.split(maxsplit=1)[:1]
    if first and _SYSTEM_NAME.match(first[0][:MAX_WORD_CHARACTERS]):
        names.add("".join(tokenize_text(first[0])))
    for found in _INTRODUCED.findall(abstract)[:MAX_ABSTRACT_NAMES]:
        if _SYSTEM_NAME.match(found):
            names.add("".join(tokenize_text(found)))
    return {name for name in names if 1 < len(name) <= MAX_WORD_CHARACTERS}


def find_initials(title: str) -> set[str]:
    """Return acronyms that the phrases of a title may have, in lower case. A phrase begins after "with"."""
    acronyms = set[str]()
    for part in _HEAD_END.split(title)[:3]:
        words = tokenize_text(part)[:MAX_TITLE_WORDS]
        starts = [0, *(at + 1 for at, word in enumerate(words) if word in _PHRASE_STARTS)]
        for start in starts[:6]:
            phrase = words[start : start + 12]
            acronyms.update(_list_prefixes(phrase))
            acronyms.update(_list_prefixes([word for word in phrase if word not in STOP_WORDS]))
    return acronyms


def _list_prefixes(words: Iterable[str]) -> list[str]:
    initials = "".join(word[0] for word in words)
    return [initials[:length] for length in INITIALS_LENGTHS if len(initials) >= length]


def find_defined_acronyms(abstract: str) -> list[str]:
    """Return the acronyms that a plain abstract explains in brackets, joined and in lower case."""
    return ["".join(tokenize_text(found)) for found in _DEFINED.findall(abstract)[:MAX_ABSTRACT_NAMES]]
