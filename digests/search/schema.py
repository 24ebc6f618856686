"""Fields of the search index, and the documents in them."""

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from operator import add

import tantivy

from digests.model import NOT_REVIEWED, ScoredPaper
from digests.search.filters import Trait
from digests.search.frames import STOP_WORDS
from digests.search.query import MAX_WORD_CHARACTERS, tokenize_text
from digests.text import has_markup, to_plain_text

SCHEMA_VERSION = "6"
"""Version of the fields and the tokenizer. Increase it with any change: older indexes are then rebuilt."""

STEMMED_FIELDS = frozenset(("heading", "text"))
"""Fields whose words are reduced to English stems."""

RAW_FIELDS = ("whole_title", "name", "initials", "category", "trait", "month")
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
        stored = field == "whole_title"
        builder.add_text_field(field, stored=stored, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("spelt", tokenizer_name="written", index_option="basic")
    builder.add_text_field("authors", tokenizer_name="written")
    for field in sorted(STEMMED_FIELDS):
        builder.add_text_field(field, tokenizer_name="stemmed")
    return builder.build()


SCHEMA = _build_schema()
"""Fields of the index. `spelt` is the title without stems, for misspelt words; `whole_title` is one term.

`heading` has what a person knows a paper by: title, authors, the title's neighbouring words joined, and
names. `text` has all texts, those that count more several times: one list of postings for each word keeps
queries fast. `name` has the names of the system that a paper is about, joined: "swebench". `initials` has
acronyms of the title's phrases: "dpo". `month` is the month of publication, as `format_month` writes it.
"""

TITLE_WEIGHT, TLDR_WEIGHT, DEFINED_WEIGHT = 3, 2, 2
"""Times that title, TL;DR and explained acronyms stand in `text`."""


def build_analyzer(*, stems: bool) -> tantivy.TextAnalyzer:
    """Build an analyzer for lower-case words of letters and digits, with or without an English stemmer.

    Only one thread at a time may use it.
    """
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase())
    return (builder.filter(tantivy.Filter.stemmer("english")) if stems else builder).build()


def encode_score(score: float | None) -> int:
    """Encode a score of 0 to 10 as a number that keeps its order. 0 is no score."""
    return 0 if score is None else max(1, round(score * 100) + 1)


def decode_score(encoded: int) -> float:
    """Return the score of an encoded one, 0 where there is none."""
    return max(encoded - 1, 0) / 100


def format_month(day: date) -> str:
    """Format the month of a day so that months sort as texts: 2026-11."""
    return f"{day.year:04}-{day.month:02}"


def build_document(seq: int, scored: ScoredPaper) -> tantivy.Document:
    """Build a paper's document, with the sequence number of its last change and its current review.

    The title is cut to `MAX_TITLE_CHARACTERS`. A paper without a date has that of its arXiv id.
    """
    paper, review = scored.paper, scored.review
    document = tantivy.Document()
    add_text = document.add_text
    add_text("id", paper.id)
    day = paper.published or date_of_id(paper.id)
    document.add_unsigned("change", seq)
    document.add_unsigned("day", day.toordinal())
    add_text("month", format_month(day))
    document.add_unsigned("score", encode_score(review.score))
    reviewed = (
        review.methodology, review.experiments, review.reproducibility, review.limitations, review.impact,
    )  # fmt: skip
    abstract, tldr, sections, authors = _write_texts(
        (paper.abstract,), (review.tldr,), reviewed, paper.authors
    )
    plain_title, plain_abstract = _to_plain(paper.title), _to_plain(paper.abstract)
    words = tokenize_text(plain_title)
    title = " ".join(words)[:MAX_TITLE_CHARACTERS]
    names = sorted(find_names(plain_title, plain_abstract))
    defined = " ".join(find_defined_acronyms(plain_abstract))
    other_names = " ".join([*map(add, words[: MAX_TITLE_WORDS - 1], words[1:MAX_TITLE_WORDS]), *names])
    add_text("whole_title", title)
    add_text("spelt", title)
    add_text("authors", authors)
    for name in names:
        add_text("name", name)
    for acronym in find_initials(plain_title):
        add_text("initials", acronym)
    for category in _list_categories(paper.primary_category, *paper.categories):
        add_text("category", category)
    for trait in list_traits(scored):
        add_text("trait", trait)
    add_text("heading", f"{title} {authors} {other_names}")
    parts = [*[title] * TITLE_WEIGHT, *[tldr] * TLDR_WEIGHT, *[defined] * DEFINED_WEIGHT]
    add_text("text", " ".join([*parts, authors, abstract, sections, other_names]))
    return document


MAX_SIMILAR_WORDS = 40
"""Words of a paper by which similar ones are found, the rarest in the index."""


TITLE_LIKENESS, SAME_CATEGORY = 0.5, 1.0
"""Weight of what titles have in common beside the texts, and points of a text's score for one category."""


def build_similarity_query(scored: ScoredPaper) -> tantivy.Query:
    """Build a query for papers that are similar to one by title and abstract.

    Words that both titles have count more, and so do neighbouring words that are neighbours in the other
    title: short abstracts share few other words with those of their subject. A paper of the same primary
    category comes first among equals. The text comes from the store, since the index does not keep it.
    """
    paper = scored.paper
    title, text = _write_texts((paper.title,), (paper.title, paper.abstract))
    words = tokenize_text(_to_plain(f"{paper.title}. {paper.abstract}"))
    neighbours = [left + right for left, right in pairwise(words) if STOP_WORDS.isdisjoint((left, right))]
    in_title = _build_more_like("heading", " ".join([title, *neighbours]))
    near = [_build_more_like("text", text), tantivy.Query.boost_query(in_title, TITLE_LIKENESS)]
    either = tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in near])
    in_category = tantivy.Query.term_query(SCHEMA, "category", paper.primary_category, index_option="basic")
    preferred = tantivy.Query.const_score_query(in_category, SAME_CATEGORY)
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, either), (tantivy.Occur.Should, preferred)])


def _build_more_like(field: str, text: str) -> tantivy.Query:
    """Match the papers that have some of the rarest words of a text in a field.

    Small libraries have few papers with the same word, so two are enough.
    """
    if not text.strip():
        return tantivy.Query.empty_query()
    return tantivy.Query.more_like_this_document_fields_query(
        SCHEMA,
        {field: [text]},
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


def _write_texts(*groups: Sequence[str]) -> list[str]:
    """Return a text for each group of texts, of which the analyzers make the words of `tokenize_text`.

    Most papers have no markup and no foreign letters, and all their texts are looked through at once.
    """
    whole = " ".join([text for group in groups for text in group])
    if _is_plain(whole) and _is_simple(whole):
        return [" ".join(group) for group in groups]
    return [" ".join([_split_words(_to_plain(text)) for text in group if text]) for group in groups]


def _is_plain(text: str) -> bool:
    """Return True for a text whose words `to_plain_text` leaves as they are: ASCII without markup.

    A pattern would take many times longer, and each text of a library is looked at.
    """
    return text.isascii() and not has_markup(text) and text.replace("\n", " ").isprintable()


def _is_simple(plain: str) -> bool:
    """Return True for a text that the analyzers split as `tokenize_text` does, many times faster."""
    is_unnamed = plain.isascii() and "+" not in plain and "#" not in plain
    return is_unnamed and max(map(len, plain.split()), default=0) <= MAX_WORD_CHARACTERS


def _to_plain(text: str) -> str:
    """Return a text that has the same words as `to_plain_text` gives. Texts without markup pass at once."""
    return text if _is_plain(text) else to_plain_text(text)


def _split_words(plain: str) -> str:
    """Return a text of which the analyzers make the words of `tokenize_text`."""
    return plain if _is_simple(plain) else " ".join(tokenize_text(plain))


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
_INTRODUCING = ("called", "dubbed", "named", "termed", "propose", "present", "introduce")
"""Beginnings of what `_INTRODUCED` matches: looking for them takes a tenth of the time."""
_DEFINED = re.compile(r"\(([A-Z][\w-]{1,15})\)")
_PHRASE_STARTS = frozenset(("with", "for", "via", "of", "as", "from", "using", "through", "by", "in", "and"))
MAX_ABSTRACT_NAMES = 4
"""Names and acronyms that are taken out of one abstract."""


def find_names(title: str, abstract: str) -> set[str]:
    """Return the names of what a paper introduces, joined and in lower case: swebench, qwen2vl.

    They are the words before a colon in its title, a first word of unusual letters such as "CogVideoX", and
    names that the abstract introduces with "we propose" or "called". Both texts are plain.
    """
    head = _HEAD_END.split(title, maxsplit=1)
    names = set[str]()
    words = tokenize_text(head[0])
    if len(head) > 1 and len(words) <= 4:
        names.add("".join(words))
    first = title.split(maxsplit=1)[:1]
    if first and _SYSTEM_NAME.match(first[0][:MAX_WORD_CHARACTERS]) and not _is_abbreviation(first[0]):
        names.add("".join(tokenize_text(first[0])))
    if any(verb in abstract for verb in _INTRODUCING):
        for found in _INTRODUCED.findall(abstract)[:MAX_ABSTRACT_NAMES]:
            if _SYSTEM_NAME.match(found):
                names.add("".join(tokenize_text(found)))
    return {name for name in names if 1 < len(name) <= MAX_WORD_CHARACTERS}


def _is_abbreviation(word: str) -> bool:
    """Return True for "LLMs" or "MRI": at the start of a title, without a colon, it is no name."""
    return word.removesuffix("s").isalpha() and word.removesuffix("s").isupper()


def find_initials(title: str) -> set[str]:
    """Return acronyms that the phrases of a title may have, in lower case. A phrase begins after "with"."""
    acronyms = set[str]()
    for part in _HEAD_END.split(title)[:3]:
        words = tokenize_text(part)[:MAX_TITLE_WORDS]
        starts = [0, *(at + 1 for at, word in enumerate(words) if word in _PHRASE_STARTS)]
        for start in starts[:6]:
            phrase = words[start : start + 12]
            for meant in (phrase, [word for word in phrase if word not in STOP_WORDS]):
                initials = "".join([word[0] for word in meant])
                acronyms.update([initials[:length] for length in INITIALS_LENGTHS if length <= len(initials)])
    return acronyms


def find_defined_acronyms(abstract: str) -> list[str]:
    """Return the acronyms that a plain abstract explains in brackets, joined and in lower case."""
    if "(" not in abstract:
        return []
    return ["".join(tokenize_text(found)) for found in _DEFINED.findall(abstract)[:MAX_ABSTRACT_NAMES]]
