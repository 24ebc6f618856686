"""Matching and ranking of a word query: rounds of tantivy queries, strictest first. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, Protocol, assert_never

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
from digests.search.glossary import Glossary
from digests.search.query import (
    MAX_CHECKED_WORDS,
    MAX_WORD_CHARACTERS,
    MIN_CHECKED_LETTERS,
    WordQuery,
    tokenize_text,
)
from digests.search.schema import (
    INITIALS_LENGTHS,
    RAW_FIELDS,
    SCHEMA,
    STEMMED_FIELDS,
    build_analyzer,
    encode_score,
    format_month,
)
from digests.search.title_fit import MAX_FIT_WORDS

MIN_PREFIX_LETTERS = 3
"""Letters from which the last word of a query also matches as a prefix."""

FUZZY_DISTANCES = ((8, 2), (MIN_CHECKED_LETTERS, 1))
"""Pairs of a word's minimum length and the number of typing errors that are tolerated in it."""

MAX_NEAR_WORDS, NEAR_SLOP = 5, 2
"""Largest number of words whose nearness ranks, and the words that may stand between them."""

MAX_POSTINGS = 60_000
"""Papers that one round of matching may visit, by estimate: some ten milliseconds.

Where more have all words of a query, only the newest papers are searched.
"""

MAX_NEAR_POSTINGS = 10_000
"""Papers of a round up to which the nearness of its words in texts ranks.

Comparing the places of words takes ten times as long as finding the papers that have them.
"""

MAX_LISTED = 2_000_000
"""Papers that filters alone may visit, by estimate: some ten milliseconds. Of more, the newest are listed."""

MIN_NEWEST = 50_000
"""Papers that are searched in any case, the newest ones."""

MAX_COMPLETIONS = 64
"""Words that complete the last word of a query, the most frequent ones."""

_FUZZY_FIELD_BOOSTS = (("spelt", 3.0), ("authors", 1.0))

EXACT_TITLE, MEANT_TITLE, KNOWN_TERM, NAME, LITERAL_INITIALS = 9_000.0, 8_000.0, 7_000.0, 6_000.0, 3_000.0
COMPARED, TITLE_BONUS, INITIALS = 2_000.0, 1_000.0, 900.0
"""Bonuses above any text's score, the likeliest meaning first.

They are: the title as typed; the title without the frame around it; the paper that a term of the glossary
names; the name of its system; initials of its title that its text has too; one of several names that are
compared; all words in title and authors; and initials alone.
"""

Phrase = tuple[str, ...]
"""The words of a phrase; a single word is a phrase of one."""


def match_of_score(score: float) -> Match:
    """Return the strength of a match in the strict rounds, by its score with bonuses."""
    if score >= NAME:
        return Match.NAME
    return Match.TITLE if score >= INITIALS else Match.TEXT


def stem_typed_words(query: WordQuery) -> Phrase:
    """Return the stems of what is meant as it was typed, with the stop words in it: "chain of thought"."""
    typed, meant = query.title.split(), query.words or query.meant_words
    if not meant or meant[0] not in typed or meant[-1] not in typed:
        return stem_words(meant)
    end = len(typed) - typed[::-1].index(meant[-1])
    return stem_words(tuple(typed[typed.index(meant[0]) : end]))


class IndexCounts(Protocol):
    """Counts of an index, by which the cost of a query is estimated before it runs."""

    @property
    def papers(self) -> int:
        """Number of papers."""

    def count(self, field: str, term: str) -> int:
        """Return the number of papers with a term in a field."""

    def complete(self, field: str, prefix: str) -> Sequence[tuple[str, int]]:
        """Return terms of a field that begin with a prefix, with their counts."""


@dataclass(frozen=True, slots=True)
class MatchRound:
    """One round of matching. A last resort runs only if the rounds before it found nothing.

    The hits of a weak round are `Match.WEAK`. `newest` is the number of papers that are searched where not
    all are, the newest ones; `whole` is then the same round over all papers.
    """

    query: Query
    is_last_resort: bool = False
    is_weak: bool = False
    newest: int | None = None
    whole: Query | None = None
    completes: bool = False


class Atom(NamedTuple):
    """A word or phrase that a reading of a query requires; in heading and text, or in the named field."""

    words: Phrase
    field: str = ""


def plan_rounds(
    query: WordQuery, glossary: Glossary, counts: IndexCounts, marked: Collection[str] = ()
) -> Iterator[MatchRound]:
    """Yield the rounds of matching, strictest first; one for a query of filters alone.

    They are: names; all words in title and authors; all words; the same, the last one as a prefix; all
    longer words, possibly misspelt; some words; some words, possibly misspelt. Rounds with misspelt words are
    last resorts. A round that could find nothing more for this query is left out. `marked` are the ids of
    marked papers, for a filter.
    """
    planner = _Planner(query, glossary, counts, [build_condition(each, marked) for each in query.all_filters])
    yield from planner.plan()


class _Planner:
    """Plans the rounds of one query within a budget of postings."""

    def __init__(
        self,
        query: WordQuery,
        glossary: Glossary,
        counts: IndexCounts,
        conditions: Sequence[tuple[Occur, Query]],
    ) -> None:
        self.query, self.glossary, self.counts, self.conditions = query, glossary, counts, conditions
        self.optional = [*_list_stop_words(query), *_match_neighbours(query, "heading", 3.0)]
        self.near_in_text = _match_neighbours(query, "text", 1.0)

    def plan(self) -> Iterator[MatchRound]:
        query = self.query
        readings = self._list_readings()
        if not readings:
            if self.conditions or query.sort:
                yield self._plan_listing()
            return
        names = list(_match_names(query, self.glossary))
        yield self._build_round(_combine_any(names), 0)
        short_forms = [(Atom((term,)),) for term in self.glossary.find_short_forms(query.meant_words)]
        for field, bonus, meant in (
            ("heading", TITLE_BONUS, readings),
            ("text", 0.0, [*readings, *short_forms]),
        ):
            cost = sum(self._estimate(reading, field) for reading in meant)
            if cost:
                yield self._build_round(_match_readings(meant, field, bonus), cost)
        if query.words and len(query.words[-1]) >= MIN_PREFIX_LETTERS:
            yield from self._plan_completion(readings[0])
        phrases = [tuple(phrase.split()) for phrase in query.phrases]
        for typos in self._list_typo_counts(query.words) or ([0] if phrases else []):
            misspelt = self._match_with_typos(query.words, phrases, typos)
            yield MatchRound(self._restrict(misspelt), is_last_resort=True, is_weak=True)
        single_words = _list_single_words(query, self.glossary)
        if len(single_words) > 1:
            yield self._plan_some_words(readings, single_words)
            for typos in self._list_typo_counts(single_words):
                checked = self._choose_checked(single_words)
                nearly = _combine_any([_combine_best(_match_misspelt(word, typos)) for word in checked])
                yield MatchRound(self._restrict(nearly), is_last_resort=True, is_weak=True)

    def _plan_listing(self) -> MatchRound:
        """Plan the only round of filters alone, within a budget of its own: it reads no scores of words."""
        everything = [*self.conditions, (Occur.Must, Query.all_query())]
        newest = self._choose_newest(min([self.counts.papers, *self._filter_counts()]), MAX_LISTED)
        if not newest:
            return MatchRound(_require(everything))
        months, count = newest
        recent = [(Occur.Must, _match_months(months))]
        return MatchRound(_require([*recent, *everything]), newest=count, whole=_require(everything))

    def _list_readings(self) -> list[tuple[Atom, ...]]:
        """List what the words may mean, as typed first: neighbours in one word, terms in their long form.

        Single letters may be initials: "D. P. Kingma" is an author of this name.
        Words with a stop word between them are no neighbours: "text to image".
        """
        words = self.query.words
        phrases = tuple(Atom(tuple(phrase.split())) for phrase in self.query.phrases)
        single = [Atom((word,)) for word in words]
        readings = [(*single, *phrases)]
        typed = set(pairwise(self.query.title.split()))
        for at, (left, right) in enumerate(pairwise(words)):
            pair, is_typed = left + right, (left, right) in typed
            if is_typed and len(pair) <= MAX_WORD_CHARACTERS and self._count("text", (pair,)):
                readings.append((*single[:at], Atom((pair,)), *single[at + 2 :], *phrases))
        for at, word in enumerate(words):
            entry = self.glossary.find(word)
            forms = [Atom(entry.words)] if entry and entry.words else []
            forms += [Atom((entry.paper,), "id")] if entry and entry.paper and len(words) > 1 else []
            readings += [(*single[:at], form, *single[at + 1 :], *phrases) for form in forms]
        names = [Atom((word,), "authors") for word in words if len(word) > 1]
        if names and len(names) < len(words):
            readings.append((*names, *phrases))
        return [reading for reading in readings if reading]

    def _count(self, field: str, words: Phrase) -> int:
        """Return the number of papers with the rarest of some words."""
        written = stem_words(words) if field in STEMMED_FIELDS else words
        return min((self.counts.count(field, word) for word in written), default=0)

    def _estimate(self, reading: tuple[Atom, ...], field: str) -> int:
        """Estimate the papers that a reading visits: those with its rarest word, or its rarest filter."""
        return min(
            [*(self._count(atom.field or field, atom.words) for atom in reading), *self._filter_counts()]
        )

    def _filter_counts(self) -> Iterator[int]:
        for each in self.query.all_filters:
            match each:
                case AuthorFilter(_, names):
                    yield self._count("authors", tuple(tokenize_text(" ".join(names))))
                case DomainFilter(_, categories):
                    yield sum(self.counts.count("category", category) for category in categories)
                case _:
                    pass

    def _build_round(self, query: Query, cost: int, *, is_weak: bool = False) -> MatchRound:
        near = self.near_in_text if cost <= MAX_NEAR_POSTINGS else []
        whole = self._restrict(query, optional=near)
        newest = self._choose_newest(cost, MAX_POSTINGS)
        if not newest:
            return MatchRound(whole, is_weak=is_weak)
        months, count = newest
        recent = self._restrict(query, (Occur.Must, _match_months(months)))
        return MatchRound(recent, False, is_weak, count, whole)

    def _choose_newest(self, cost: int, budget: int) -> tuple[list[str], int] | None:
        """Choose the newest months that keep a cost within the budget; None if all papers do.

        The first of them is the newest that the filters allow.
        """
        if cost <= budget:
            return None
        wanted = max(self.counts.papers * budget // cost, MIN_NEWEST)
        before = [
            each.before for each in self.query.all_filters if isinstance(each, DateFilter) and each.before
        ]
        last = format_month(min(before)) if before else "9999-12"
        months, count = list[str](), 0
        for month, papers in sorted(self.counts.complete("month", ""), reverse=True):
            if month <= last:
                months.append(month)
                count += papers
                if count >= wanted:
                    return months, count
        return None

    def _restrict(self, query: Query, *clauses: tuple[Occur, Query], optional: Sequence[Query] = ()) -> Query:
        """Require a query and the conditions; what is optional only ranks."""
        required = _require([(Occur.Must, query), *clauses, *self.conditions])
        for each in (*self.optional, *optional):
            # One at a time: tantivy looks a single optional clause up, and runs through several.
            required = Query.boolean_query([(Occur.Must, required), (Occur.Should, each)])
        return required

    def _plan_completion(self, reading: tuple[Atom, ...]) -> Iterator[MatchRound]:
        """Yield the round in which the last word is the beginning of one in title or authors."""
        at = len(self.query.words) - 1
        others = (*reading[:at], *reading[at + 1 :])
        completions, cost = [], 0
        for field, boost in _FUZZY_FIELD_BOOSTS:
            terms = sorted(self.counts.complete(field, self.query.words[-1]), key=lambda term: -term[1])
            terms = terms[:MAX_COMPLETIONS]
            cost += sum(papers for _, papers in terms)
            completions += [(field, [term for term, _ in terms], boost)] if terms else []
        if not completions:
            return
        prefix = _combine_best(
            [
                Query.const_score_query(Query.term_set_query(SCHEMA, field, terms), boost)
                for field, terms, boost in completions
            ]
        )
        clauses = [(Occur.Must, prefix)]
        if others:
            clauses.append((Occur.Must, _match_reading(others, "text")))
            cost = min(cost, self._estimate(others, "text"))
        in_title = _match_reading(others, "heading") if others else Query.all_query()
        clauses.append((Occur.Should, Query.const_score_query(in_title, TITLE_BONUS)))
        if cost:
            yield replace(self._build_round(Query.boolean_query(clauses), cost), completes=True)

    def _plan_some_words(
        self, readings: Sequence[tuple[Atom, ...]], single_words: Sequence[str]
    ) -> MatchRound:
        """Plan the round with some of the words: without the most frequent ones, if there are rarer ones."""
        atoms = dict.fromkeys(
            [*(atom for reading in readings for atom in reading), *(Atom((word,)) for word in single_words)]
        )
        costs = {atom: self._count(atom.field or "text", atom.words) for atom in atoms}
        found = sorted((atom for atom in atoms if costs[atom]), key=costs.__getitem__)
        kept, cost = list[Atom](), 0
        for atom in found:
            if kept and cost + costs[atom] > MAX_POSTINGS:
                break
            kept.append(atom)
            cost += costs[atom]
        queries = [_match_field(atom.field or "text", atom.words) for atom in kept]
        return self._build_round(_combine_any(queries), cost, is_weak=True)

    def _list_typo_counts(self, words: Sequence[str]) -> Sequence[int]:
        """List the numbers of typing errors to try, fewest first: two in a word cost ten times as much."""
        return range(1, 1 + max(map(_count_allowed_typos, words), default=0))

    def _choose_checked(self, words: Sequence[str]) -> list[str]:
        """Choose the words that may be misspelt: the rarest, since a word that many papers have is none."""
        return sorted(words, key=lambda word: self._count("text", (word,)))[:MAX_CHECKED_WORDS]

    def _match_with_typos(self, words: Sequence[str], phrases: Sequence[Phrase], typos: int) -> Query:
        """Build a query that requires each phrase as typed, and each longer word, possibly misspelt.

        Longer words have at least four letters; shorter ones ("of") are optional. `typos` and
        `FUZZY_DISTANCES` limit the typing errors of a word. Words beyond `MAX_CHECKED_WORDS`, and frequent
        ones, are taken as they are; among them, words that no paper has are optional.
        """
        clauses = [(Occur.Must, _match_field("text", phrase)) for phrase in phrases]
        checked = self._choose_checked([word for word in words if _count_allowed_typos(word)])
        for word in words:
            exact, count = _match_field("text", (word,)), self._count("text", (word,))
            is_checked = word in checked and count <= MAX_POSTINGS
            occur = Occur.Must if is_checked or (count and _count_allowed_typos(word)) else Occur.Should
            either = _combine_best([exact, *_match_misspelt(word, typos)]) if is_checked else exact
            clauses.append((occur, either))
        return Query.boolean_query(clauses)


def _match_readings(readings: Sequence[tuple[Atom, ...]], field: str, bonus: float) -> Query:
    queries = []
    for reading in readings:
        matched = _match_reading(reading, field)
        if bonus:
            clauses = [(Occur.Must, Query.const_score_query(matched, bonus))]
            matched = Query.boolean_query([*clauses, (Occur.Should, _match_reading(reading, "text"))])
        queries.append(matched)
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries, 0.2)


def _match_reading(reading: Sequence[Atom], field: str) -> Query:
    return _require([(Occur.Must, _match_field(atom.field or field, atom.words)) for atom in reading])


def _list_stop_words(query: WordQuery) -> Iterator[Query]:
    """Yield what only ranks: stop words in the title."""
    for word in query.optional_words[:MAX_OPTIONAL_WORDS]:
        yield Query.term_query(SCHEMA, "spelt", word, index_option="basic")


def _match_neighbours(query: WordQuery, field: str, boost: float) -> list[Query]:
    """Match the words next to each other, in their order."""
    stems = stem_words(query.words)
    if not 1 < len(stems) <= MAX_NEAR_WORDS:
        return []
    return [Query.boost_query(Query.phrase_query(SCHEMA, field, list(stems), slop=NEAR_SLOP), boost)]


MAX_OPTIONAL_WORDS = 6
"""Stop words and words of frames that rank."""


def _list_single_words(query: WordQuery, glossary: Glossary) -> list[str]:
    """Return the words of a query, of its phrases, and of the long forms of its terms."""
    entries = [entry for word in query.words if (entry := glossary.find(word))]
    long_forms = [word for entry in entries for word in entry.words]
    return [*query.meant_words, *long_forms]


def _match_names(query: WordQuery, glossary: Glossary) -> Iterator[Query]:
    """Yield queries for papers that the whole query names, each with its bonus."""
    meant = query.meant_words
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
    for entry_of_term in glossary.find_short_forms(meant).values():
        if entry_of_term.paper:
            yield _add_bonus("id", entry_of_term.paper, KNOWN_TERM)
    for name in _split_compared(query):
        known = glossary.find(name)
        yield (
            _add_bonus("id", known.paper, COMPARED)
            if known and known.paper
            else _add_bonus("name", name, COMPARED)
        )
    if len(meant) == 1 and len(key) in INITIALS_LENGTHS:
        yield _add_bonus("initials", key, INITIALS)
        literal = [(Occur.Must, _match_field("initials", (key,))), (Occur.Must, _match_field("text", (key,)))]
        yield Query.const_score_query(Query.boolean_query(literal), LITERAL_INITIALS)


_SEPARATORS = frozenset(("vs", "versus", "and", "or"))

MAX_COMPARED = 4
"""Names that are compared in one query."""


def _split_compared(query: WordQuery) -> list[str]:
    """Split a comparison such as "KTO vs DPO" into names without spaces. Empty for a single name."""
    names, parts = [list[str]()], query.title.split()
    for word in parts:
        if word in _SEPARATORS:
            names.append([])
        elif word in query.words:
            names[-1].append(word)
    found = ["".join(name) for name in names if name]
    return (
        [name for name in found if len(name) <= MAX_WORD_CHARACTERS] if 1 < len(found) <= MAX_COMPARED else []
    )


def _add_bonus(field: str, term: str, bonus: float) -> Query:
    return Query.const_score_query(_match_field(field, (term,)), bonus)


def build_condition(condition: Filter, marked: Collection[str]) -> tuple[Occur, Query]:
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


def _match_months(months: Sequence[str]) -> Query:
    return Query.const_score_query(Query.term_set_query(SCHEMA, "month", list(months)), 0.0)


def _require(clauses: Sequence[tuple[Occur, Query]]) -> Query:
    return Query.boolean_query(list(clauses)) if clauses else Query.empty_query()


_UNPOSITIONED = frozenset(("id", *RAW_FIELDS, "spelt"))


def _match_field(field: str, written: Phrase) -> Query:
    """Match a word or a phrase in one field, as its analyzer would make it."""
    words = list(stem_words(written) if field in STEMMED_FIELDS else written)
    if len(words) > 1:
        return Query.phrase_query(SCHEMA, field, list(words))
    option = "basic" if field in _UNPOSITIONED else "position"
    return Query.term_query(SCHEMA, field, words[0], index_option=option) if words else Query.empty_query()


def stem_titles(titles: Iterable[str]) -> list[list[str]]:
    """Return the first `MAX_FIT_WORDS` stems of each title."""
    analyzer = build_analyzer(stems=True)
    return [analyzer.analyze(title)[:MAX_FIT_WORDS] for title in titles]


@lru_cache(maxsize=4_096)
def stem_words(words: Phrase) -> Phrase:
    """Return the stems of words, as the index has them."""
    # An analyzer must not be used by two threads at once.
    return tuple(build_analyzer(stems=True).analyze(" ".join(words)))


def _count_allowed_typos(word: str) -> int:
    return next((distance for letters, distance in FUZZY_DISTANCES if len(word) >= letters), 0)


def _match_misspelt(word: str, typos: int) -> list[Query]:
    """Build queries that match a word in titles and authors' names within the allowed distance.

    The distance is `typos` at most. Nearer words weigh more.
    """
    near: list[Query] = []
    for field, boost in _FUZZY_FIELD_BOOSTS:
        near.append(Query.const_score_query(_match_field(field, (word,)), boost))
        for distance in range(1, min(_count_allowed_typos(word), typos) + 1):
            fuzzy = Query.fuzzy_term_query(SCHEMA, field, word, distance)
            near.append(Query.boost_query(fuzzy, boost / (distance + 1)))
    return near


def _combine_best(queries: Sequence[Query]) -> Query:
    """Combine queries so that the best match counts, and the others a little."""
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(list(queries), 0.2)


def _combine_any(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, query) for query in queries])
