"""Matching and ranking of a word query: rounds of tantivy queries, strictest first. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

import tantivy
from tantivy import Occur, Query

from digests.ports.search import Match
from digests.search.filters import (
    AuthorFilter,
    DateFilter,
    DomainFilter,
    Filter,
    ScoreFilter,
    Trait,
    TraitFilter,
)
from digests.search.glossary import Glossary, GlossaryEntry
from digests.search.query import MAX_WORD_CHARACTERS, WordQuery, tokenize_text
from digests.search.schema import (
    INITIALS_LENGTHS,
    RAW_FIELDS,
    SCHEMA,
    STEMMED_FIELDS,
    build_analyzer,
    encode_score,
)

MIN_PREFIX_LETTERS = 3
"""Letters from which the last word of a query also matches as a prefix."""

FUZZY_DISTANCES = ((8, 2), (4, 1))
"""Pairs of a word's minimum length and the number of typing errors that are tolerated in it."""

MAX_NEAR_WORDS, NEAR_SLOP = 5, 2
"""Largest number of words whose nearness ranks, and the words that may stand between them."""

_FIELD_BOOSTS = (("title", 3.0), ("tldr", 2.0), ("authors", 1.0), ("abstract", 1.0), ("review", 1.0))
_TITLE_BOOSTS = (("title", 1.0), ("authors", 1.0))
_FUZZY_FIELD_BOOSTS = (("spelt", 3.0), ("authors", 1.0))
_PAIR_BOOSTS = (("title", 3.0), ("name", 4.0))
_JOINED_BOOSTS = (("joined", 3.0), ("name", 4.0), ("initials", 1.0))

EXACT_TITLE, MEANT_TITLE, KNOWN_TERM, NAME, LITERAL_INITIALS = 9_000.0, 8_000.0, 7_000.0, 6_000.0, 3_000.0
TITLE_BONUS, INITIALS = 1_000.0, 900.0
"""Bonuses above any text's score, the likeliest meaning first.

They are: the title as typed; the title without the frame around it; the paper that a term of the glossary
names; the name of its system; initials of its title that its text has too; all words in title and authors;
and initials alone.
"""

Phrase = tuple[str, ...]
"""The words of a phrase; a single word is a phrase of one."""


def match_of_score(score: float) -> Match:
    """Return the strength of a match in the strict rounds, by its score with bonuses."""
    if score >= NAME:
        return Match.NAME
    return Match.TITLE if score >= INITIALS else Match.TEXT


@dataclass(frozen=True, slots=True)
class MatchRound:
    """One round of matching. A last resort runs only if the rounds before it found nothing.

    The hits of a weak round are `Match.WEAK`.
    """

    query: Query
    is_last_resort: bool = False
    is_weak: bool = False


def plan_rounds(query: WordQuery, glossary: Glossary, marked: Collection[str] = ()) -> Iterator[MatchRound]:
    """Yield the rounds of matching, strictest first; one for a query of filters alone.

    They are: names, and all words; all words, the last one as a prefix; all longer words, possibly misspelt;
    some words; some words, possibly misspelt. Rounds with misspelt words are last resorts. A round that could
    find nothing more for this query is left out. `marked` are the ids of marked papers, for a filter.
    """
    parts = _list_parts(query, glossary)
    conditions = [_build_condition(each, marked) for each in query.all_filters]
    if not parts:
        if conditions or query.sort:
            yield MatchRound(_require([*conditions, (Occur.Must, Query.all_query())]))
        return
    optional = [(Occur.Should, each) for each in _list_optional(query)]
    anywhere, in_title = [part.anywhere for part in parts], [part.in_title for part in parts]
    all_words = _combine_all(anywhere, TITLE_BONUS, in_title)
    names = list(_match_names(query, glossary))
    anything = Query.boolean_query([(Occur.Should, each) for each in (all_words, *names)])
    yield MatchRound(_require([(Occur.Must, anything), *optional, *conditions]))
    if query.words and len(query.words[-1]) >= MIN_PREFIX_LETTERS:
        at = len(query.words) - 1
        prefixes = _match_prefix(query.words[-1])
        prefix_query = _combine_all(
            _replace_query(anywhere, at, _combine_best([anywhere[at], *prefixes])),
            TITLE_BONUS,
            _replace_query(in_title, at, _combine_best(prefixes)),
        )
        yield MatchRound(_require([(Occur.Must, prefix_query), *optional, *conditions]))
    phrases = [tuple(phrase.split()) for phrase in query.phrases]
    if phrases or any(_count_allowed_typos(word) for word in query.words):
        misspelt = _match_with_typos(query.words, phrases)
        yield MatchRound(_require([(Occur.Must, misspelt), *conditions]), is_last_resort=True, is_weak=True)
    single_words = _list_single_words(query, glossary)
    if len(single_words) > 1:
        some = _combine_any([*anywhere, *(_match_anywhere((word,)) for word in single_words)])
        yield MatchRound(_require([(Occur.Must, some), *optional, *conditions]), is_weak=True)
        nearly = _combine_any([_combine_best(_match_misspelt(word)) for word in single_words])
        yield MatchRound(_require([(Occur.Must, nearly), *conditions]), is_last_resort=True, is_weak=True)


def _list_optional(query: WordQuery) -> Iterator[Query]:
    """Yield what only ranks: stop words in the title, and the words next to each other, in their order."""
    for word in query.optional_words:
        yield Query.term_query(SCHEMA, "title", word, index_option="position")
    stems = list(_stem_words(query.words))
    if 1 < len(stems) <= MAX_NEAR_WORDS:
        for field, boost in (("title", 2.0), ("tldr", 1.0), ("abstract", 1.0)):
            yield Query.boost_query(Query.phrase_query(SCHEMA, field, list(stems), slop=NEAR_SLOP), boost)


def _list_single_words(query: WordQuery, glossary: Glossary) -> list[str]:
    """Return the words of a query, of its phrases, and of the long forms of its terms."""
    entries = [entry for word in query.words if (entry := glossary.find(word))]
    long_forms = [word for entry in entries for word in entry.words]
    return [*query.words, *(word for phrase in query.phrases for word in phrase.split()), *long_forms]


@dataclass(frozen=True, slots=True)
class _Part:
    """A word or phrase of a query: what matches it in any text, and in title and authors."""

    anywhere: Query
    in_title: Query


def _list_parts(query: WordQuery, glossary: Glossary) -> list[_Part]:
    words = query.words
    parts = []
    for at, word in enumerate(words):
        pairs = [left + word for left in words[max(at - 1, 0) : at]]
        pairs += [word + right for right in words[at + 1 : at + 2]]
        pairs = [pair for pair in pairs if len(pair) <= MAX_WORD_CHARACTERS]
        parts.append(_build_part(word, pairs, glossary.find(word)))
    for phrase in query.phrases:
        written = tuple(phrase.split())
        parts.append(_Part(_match_anywhere(written), _match_any_field(written, _TITLE_BOOSTS)))
    return parts


def _build_part(word: str, pairs: Sequence[str], entry: GlossaryEntry | None) -> _Part:
    """Build the part of a word that may also be written in one with a neighbour, or in its long form."""
    names = [Query.boost_query(_match_field(field, (word,)), boost) for field, boost in _JOINED_BOOSTS]
    joined = [_match_any_field((pair,), _PAIR_BOOSTS) for pair in pairs]
    defined = Query.boost_query(_match_field("defined", (word,)), 3.0)
    in_abstract = [_match_field("abstract", _stem_words((pair,))) for pair in pairs]
    anywhere = [_match_anywhere((word,)), defined, *names, *joined, *in_abstract]
    in_title = [_match_any_field((word,), _TITLE_BOOSTS), *names, *joined]
    if entry and entry.words:
        anywhere.append(_match_anywhere(entry.words))
        in_title.append(_match_any_field(entry.words, (("title", 1.0),)))
    if entry and entry.paper:
        paper = Query.boost_query(_match_field("id", (entry.paper,)), 5.0)
        anywhere.append(paper)
        in_title.append(paper)
    return _Part(_combine_best(anywhere), _combine_best(in_title))


def _match_names(query: WordQuery, glossary: Glossary) -> Iterator[Query]:
    """Yield queries for papers that the whole query names, each with its bonus."""
    meant = (*query.words, *(word for phrase in query.phrases for word in phrase.split()))
    if query.title:
        yield _add_bonus("whole_title", query.title, EXACT_TITLE)
    yield _add_bonus("whole_title", " ".join(meant), MEANT_TITLE)
    key = "".join(meant)
    if len(key) > MAX_WORD_CHARACTERS or query.phrases:
        return
    entry = glossary.find(key)
    if entry and entry.paper:
        yield _add_bonus("id", entry.paper, KNOWN_TERM)
    yield _add_bonus("name", key, NAME)
    for term, entry_of_term in glossary.find_short_forms(meant).items():
        yield _match_anywhere((term,))
        if entry_of_term.paper:
            yield _add_bonus("id", entry_of_term.paper, KNOWN_TERM)
    if len(meant) == 1 and len(key) in INITIALS_LENGTHS:
        yield _add_bonus("initials", key, INITIALS)
        literal = [(Occur.Must, _match_field("initials", (key,))), (Occur.Must, _match_anywhere((key,)))]
        yield Query.const_score_query(Query.boolean_query(literal), LITERAL_INITIALS)


def _add_bonus(field: str, term: str, bonus: float) -> Query:
    return Query.const_score_query(_match_field(field, (term,)), bonus)


def _build_condition(condition: Filter, marked: Collection[str]) -> tuple[Occur, Query]:
    """Build the clause of a filter, which does not count in the score."""
    occur = Occur.Must
    match condition:
        case DomainFilter(_, categories):
            query = _combine_any([_match_field("category", (category,)) for category in categories])
        case AuthorFilter(_, names):
            words = tokenize_text(" ".join(names))
            query = _require([(Occur.Must, _match_field("authors", (word,))) for word in words])
        case DateFilter(_, since, before):
            query = _match_range(
                "day", since.toordinal() if since else 2, before.toordinal() - 1 if before else None
            )
        case ScoreFilter(_, minimum):
            query = _match_range("score", encode_score(minimum), None)
        case TraitFilter(_, Trait.MARKED, is_wanted):
            query = Query.term_set_query(SCHEMA, "id", list(marked)) if marked else Query.empty_query()
            occur = Occur.Must if is_wanted else Occur.MustNot
        case TraitFilter(_, trait, is_wanted):
            query = _match_field("trait", (trait,))
            occur = Occur.Must if is_wanted else Occur.MustNot
        case never:
            assert_never(never)
    return occur, Query.const_score_query(query, 0.0)


def _match_range(field: str, lower: int, upper: int | None) -> Query:
    highest = 2**62 if upper is None else max(upper, 0)
    return Query.range_query(SCHEMA, field, tantivy.FieldType.Unsigned, lower, highest)


def _require(clauses: Sequence[tuple[Occur, Query]]) -> Query:
    return Query.boolean_query(list(clauses)) if clauses else Query.empty_query()


def _match_anywhere(part: Phrase) -> Query:
    return _match_any_field(part, _FIELD_BOOSTS)


def _match_any_field(part: Phrase, fields: tuple[tuple[str, float], ...]) -> Query:
    stems = _stem_words(part)
    return _combine_best(
        [
            Query.boost_query(_match_field(field, stems if field in STEMMED_FIELDS else part), boost)
            for field, boost in fields
        ]
    )


_UNPOSITIONED = frozenset(("id", *RAW_FIELDS, "spelt", "joined", "defined"))


def _match_field(field: str, written: Phrase) -> Query:
    """Match words, which are stems already for a stemmed field, in one field."""
    words = list(written)
    if len(words) > 1:
        return Query.phrase_query(SCHEMA, field, list(words))
    option = "basic" if field in _UNPOSITIONED else "position"
    return Query.term_query(SCHEMA, field, words[0], index_option=option)


@lru_cache(maxsize=4_096)
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


def _combine_all(queries: Sequence[Query], bonus: float, in_title: Sequence[Query]) -> Query:
    """Require all queries; all of `in_title` together add a bonus."""
    required = Query.boolean_query([(Occur.Must, query) for query in in_title])
    clauses = [(Occur.Must, query) for query in queries]
    return Query.boolean_query([*clauses, (Occur.Should, Query.const_score_query(required, bonus))])


def _replace_query(queries: Sequence[Query], at: int, query: Query) -> list[Query]:
    return [*queries[:at], query, *queries[at + 1 :]]
