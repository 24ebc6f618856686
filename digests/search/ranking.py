"""Matching and ranking of a word query: rounds of tantivy queries, strictest first. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tantivy import Occur, Query

from digests.search.query import WordQuery
from digests.search.schema import SCHEMA, STEMMED_FIELDS, build_analyzer

MIN_PREFIX_LETTERS = 3
"""Letters from which the last word of a query also matches as a prefix."""

FUZZY_DISTANCES = ((8, 2), (4, 1))
"""Pairs of a word's minimum length and the number of typing errors that are tolerated in it."""

_FIELD_BOOSTS = (("title", 3.0), ("tldr", 2.0), ("authors", 1.0), ("abstract", 1.0), ("review", 1.0))
_FUZZY_FIELD_BOOSTS = (("spelt", 3.0), ("authors", 1.0))
_TITLE_BONUS = 1_000.0
"""Bonus above any text's score: a title with all words ranks first, and an exact title before it."""

Phrase = tuple[str, ...]
"""The words of a phrase; a single word is a phrase of one."""


@dataclass(frozen=True, slots=True)
class MatchRound:
    """One round of matching. A last resort runs only if the rounds before it found nothing."""

    query: Query
    is_last_resort: bool = False


def plan_rounds(query: WordQuery) -> Iterator[MatchRound]:
    """Yield the rounds of matching, strictest first; none for a query without words.

    They are: all words; all words, the last one as a prefix; all longer words, possibly misspelt; some words;
    some words, possibly misspelt. Rounds with misspelt words are last resorts. A round that could find
    nothing more for this query is left out.
    """
    words = [(word,) for word in query.words]
    phrases = [tuple(phrase.split()) for phrase in query.phrases]
    if not (words or phrases):
        return
    title = " ".join((*query.words, *query.phrases))
    exact = [_match_anywhere(part) for part in (*words, *phrases)]
    in_title = [_match_any_field(part, (("title", 1.0),)) for part in (*words, *phrases)]
    yield MatchRound(_combine_all(exact, _TITLE_BONUS, in_title, title))
    if query.words and len(query.words[-1]) >= MIN_PREFIX_LETTERS:
        at = len(words) - 1
        prefix_queries = _match_prefix(query.words[-1])
        yield MatchRound(
            _combine_all(
                _replace_query(exact, at, _combine_best([exact[at], *prefix_queries])),
                _TITLE_BONUS,
                _replace_query(in_title, at, prefix_queries[0]),
            )
        )
    if phrases or any(_count_allowed_typos(word) for word in query.words):
        yield MatchRound(_match_with_typos(query.words, phrases), is_last_resort=True)
    if len(words) + sum(map(len, phrases)) > 1:
        single_words = [*words, *((word,) for phrase in phrases for word in phrase)]
        yield MatchRound(_combine_any([_match_anywhere(word) for word in single_words]))
        yield MatchRound(
            _combine_any([_combine_best(_match_misspelt(word[0])) for word in single_words]),
            is_last_resort=True,
        )


def _match_anywhere(part: Phrase) -> Query:
    return _match_any_field(part, _FIELD_BOOSTS)


def _match_any_field(part: Phrase, fields: tuple[tuple[str, float], ...]) -> Query:
    stems = _stem_words(part)
    return _combine_best(
        [Query.boost_query(_match_field(field, part, stems), boost) for field, boost in fields]
    )


def _match_field(field: str, written: Phrase, stems: Phrase) -> Query:
    words = list(stems if field in STEMMED_FIELDS else written)
    if len(words) == 1:
        return Query.term_query(SCHEMA, field, words[0])
    return Query.phrase_query(SCHEMA, field, list(words))


def _stem_words(words: Phrase) -> Phrase:
    # An analyzer must not be used by two threads at once.
    return tuple(build_analyzer(stems=True).analyze(" ".join(words)))


def _match_prefix(word: str) -> list[Query]:
    return [
        Query.boost_query(Query.fuzzy_term_query(SCHEMA, field, word, distance=0, prefix=True), boost)
        for field, boost in _FUZZY_FIELD_BOOSTS
    ]


def _match_with_typos(words: Sequence[str], phrases: Sequence[Phrase]) -> Query:
    """Build a query that requires each phrase as typed, and each longer word, possibly misspelt.

    Longer words have at least four letters; shorter ones ("of") are optional. `FUZZY_DISTANCES` limits the
    typing errors.
    """
    clauses = [(Occur.Must, _match_anywhere(phrase)) for phrase in phrases]
    for word in words:
        occur = Occur.Must if _count_allowed_typos(word) else Occur.Should
        clauses.append((occur, _combine_best([_match_anywhere((word,)), *_match_misspelt(word)])))
    return Query.boolean_query(clauses)


def _count_allowed_typos(word: str) -> int:
    return next((distance for letters, distance in FUZZY_DISTANCES if len(word) >= letters), 0)


def _match_misspelt(word: str) -> list[Query]:
    """Build queries that match a word in titles and authors' names within the allowed distance.

    Nearer words weigh more.
    """
    return [
        Query.boost_query(Query.fuzzy_term_query(SCHEMA, field, word, distance), boost / (distance + 1))
        for distance in range(_count_allowed_typos(word) + 1)
        for field, boost in _FUZZY_FIELD_BOOSTS
    ]


def _combine_best(queries: Sequence[Query]) -> Query:
    """Combine queries so that the best match counts, and the others a little."""
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(list(queries), 0.2)


def _combine_any(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def _combine_all(
    queries: Sequence[Query], bonus: float = 0.0, in_title: Sequence[Query] = (), title: str = ""
) -> Query:
    clauses = [(Occur.Must, query) for query in queries]
    if in_title:
        clauses.append((Occur.Should, Query.const_score_query(_combine_all(in_title), bonus)))
    if title:
        exact_title = Query.term_query(SCHEMA, "whole_title", title, index_option="basic")
        clauses.append((Occur.Should, Query.const_score_query(exact_title, bonus)))
    return Query.boolean_query(clauses)


def _replace_query(queries: Sequence[Query], at: int, query: Query) -> list[Query]:
    return [*queries[:at], query, *queries[at + 1 :]]
