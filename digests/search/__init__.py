"""Look-up of papers: by id in the store, by words in an index beside it.

Import `digests.search.index` where an index is opened and not at the top of a module: loading it takes time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, assert_never

from digests.model import ScoredPaper
from digests.ports.library import Library
from digests.ports.search import FoundPaper, Match, SearchRequest, SearchResult
from digests.search.filters import Filter
from digests.search.glossary import Glossary
from digests.search.likeness import MIN_ASKED_STRENGTH
from digests.search.query import (
    MAX_CHECKED_WORDS,
    MIN_CHECKED_LETTERS,
    EmptyQuery,
    IdQuery,
    WordQuery,
    parse_query,
    tokenize_text,
)
from digests.search.snippets import find_snippet
from digests.text import to_plain_text

if TYPE_CHECKING:
    from digests.search.index import SearchHit, SearchIndex


NAMED_LIMIT = 5
"""Papers among which the one is looked for to which others are to be similar."""

MAX_TITLED = 3
"""Papers of one title that are looked up in the library."""


@dataclass(frozen=True, slots=True)
class _Emptied:
    """Filters that left nothing, the query without them, and its hits."""

    filters: tuple[Filter, ...]
    query: WordQuery
    hits: Sequence["SearchHit"]


@dataclass(frozen=True, slots=True)
class PaperSearch:
    """Search over a library and its index, with the terms of a glossary."""

    library: Library
    index: "SearchIndex"
    glossary: Glossary

    def find(self, request: SearchRequest, today: date) -> SearchResult:
        """Find the papers that a text names or describes, best first.

        A text that names papers by id or address finds these only; the result has the ids that are not known.
        For words, the index first follows the library. While it is being built, the result has the share that
        is indexed, and papers with exactly this title come from the library. If a filter leaves nothing, the
        result says which one did, with the papers that it left out. "Papers similar to DPO" finds these, if
        DPO names a paper. `today` is the day to which "this week" refers. Raises SearchError, and StoreError
        from the library.
        """
        if request.similar_to:
            known = self.library.get([request.similar_to]).get(request.similar_to)
            return self._find_similar(known, request) if known else SearchResult()
        match parse_query(request.text, today):
            case IdQuery() as query:
                result = self._find_ids(query)
                if query.wants_similar and result.found:
                    return self._find_similar(result.papers[0], request, query.filters)
                return result
            case WordQuery() as query:
                share = self.index.follow(self.library)
                result = self._find_words_or_similar(query, request)
                return (
                    result if share == 1 else self._add_by_title(replace(result, indexed_share=share), query)
                )
            case EmptyQuery(faults):
                return SearchResult(faults=faults)
            case never:
                assert_never(never)

    def _find_ids(self, query: IdQuery) -> SearchResult:
        known = self.library.get(query.ids)
        found = tuple(FoundPaper(known[paper], Match.ID) for paper in query.ids if paper in known)
        # An address may name a paper twice, by its id and as a page.
        is_named_by_page = any(found.scored.paper.id.startswith("web:") for found in found)
        missing = [paper for paper in query.ids if paper not in known]
        arxiv = [paper for paper in missing if not paper.startswith("web:")]
        unknown = () if is_named_by_page else tuple(arxiv or (() if found else missing))
        return SearchResult(found, missing_ids=unknown, wants_limitations=query.wants_limitations)

    def _find_words_or_similar(self, query: WordQuery, request: SearchRequest) -> SearchResult:
        """Find the papers similar to the one that a query names, or else what the query finds."""
        if query.wants_similar:
            named = replace(request, limit=NAMED_LIMIT, offset=0)
            for filters, only_name in (
                (query.filters, replace(query.without_guesses(), filters=())),
                (query.all_filters, replace(query, filters=(), guesses=())),
            ):
                result = self._find_words(only_name, named)
                if result.is_certain:
                    best = result.papers[0]
                    is_title = " ".join(tokenize_text(to_plain_text(best.paper.title))) == query.title
                    return result if is_title else self._find_similar(best, request, filters)
        return self._find_words(query, request)

    def _find_similar(
        self, scored: ScoredPaper, request: SearchRequest, filters: Sequence[Filter] = ()
    ) -> SearchResult:
        """Find the papers similar to one that the library has. All match the filters, which are named."""
        self.index.follow(self.library)
        similar = self.index.find_similar(scored, 0, request.limit + 1, filters, request.marked_papers)
        near = [paper for paper, strength in similar if strength >= MIN_ASKED_STRENGTH]
        ids = [paper for paper in near if paper != scored.paper.id]
        papers = self.library.get(ids)
        found = tuple(FoundPaper(papers[paper], Match.TEXT) for paper in ids if paper in papers)
        return SearchResult(
            found[: request.limit],
            emptied_by=() if found else tuple(each.typed for each in filters),
            similar_to=scored,
        )

    def _add_by_title(self, result: SearchResult, query: WordQuery) -> SearchResult:
        """Put papers with exactly the typed title first, which the index may not have yet."""
        known = {found.scored.paper.id for found in result.found if found.match is Match.NAME}
        titled = self.library.get(self.library.ids_with_title(query.typed, MAX_TITLED))
        added = tuple(
            FoundPaper(scored, Match.NAME) for scored in titled.values() if scored.paper.id not in known
        )
        others = tuple(found for found in result.found if found.scored.paper.id not in titled)
        return replace(result, found=(*added, *others)) if added else result

    def _find_words(self, query: WordQuery, request: SearchRequest) -> SearchResult:
        if query.guesses and self.index.has_title(query.title):
            query = query.without_guesses()  # "Attention by Design" names no author.
        hits = self._search(query, request)
        if query.guesses and _is_weak(hits):
            # The guessed words may be a part of the text, or else a filter that left nothing.
            plain = query.without_guesses()
            others = self._search(plain, request)
            is_listing = not (hits or query.meant_words)
            if others and (is_listing or not _is_weak(others)):
                query, hits = plain, others
        emptied = self._find_emptying(query, request, hits)
        if emptied:
            query, hits = emptied.query, emptied.hits
        shown = hits[request.offset : request.offset + request.limit]
        papers = self.library.get([hit.id for hit in shown])
        words = query.meant_words
        result = SearchResult(
            tuple(FoundPaper(papers[hit.id], Match(hit.match)) for hit in shown if hit.id in papers),
            faults=(*query.faults, *_describe_unchecked(query, hits)),
            wants_limitations=query.wants_limitations,
            emptied_by=tuple(each.typed for each in emptied.filters) if emptied else (),
            newest=max((hit.newest for hit in shown), default=0),
            has_more=len(hits) > request.offset + request.limit,
            is_listing=not words or (self._is_subject(query) and _is_found_by_words(hits)),
        )
        return _add_snippets(result, words) if request.has_snippets and not result.is_certain else result

    def _is_subject(self, query: WordQuery) -> bool:
        """Return True for a term of the field that names no paper, such as "RLHF" or "mixture of experts"."""
        words = query.meant_words
        terms = [self.glossary.find("".join(words)), *self.glossary.find_short_forms(words).values()]
        known = [term for term in terms if term]
        return bool(known) and not any(term.paper for term in known)

    def _search(self, query: WordQuery, request: SearchRequest) -> Sequence["SearchHit"]:
        count = request.offset + request.limit + 1
        return self.index.search(query, count, glossary=self.glossary, marked=request.marked_papers)

    def _find_emptying(
        self, query: WordQuery, request: SearchRequest, hits: Sequence["SearchHit"]
    ) -> "_Emptied | None":
        """Return the filter that left nothing, the query without it, and its hits.

        The filters together, if no single one did. Without words there are no hits then. None if filters are
        not the reason.
        """
        filters = query.all_filters
        if not filters or not _is_weak(hits):
            return None
        bare = replace(query, guesses=())
        for left_out in filters:
            others = replace(bare, filters=tuple(each for each in filters if each is not left_out))
            found = self._search(others, request)
            if found and (not _is_weak(found) or not hits):
                return _Emptied((left_out,), others, found)
        if not (query.meant_words or hits):
            return _Emptied(filters, query, ())
        found = self._search(replace(bare, filters=()), request) if len(filters) > 1 else ()
        return _Emptied(filters, replace(bare, filters=()), found) if found and not hits else None


def _add_snippets(result: SearchResult, words: Sequence[str]) -> SearchResult:
    """Add the sentence that shows why a paper was found to each, for a person who chooses among them."""
    found = (replace(each, snippet=find_snippet(each.scored, words)) for each in result.found)
    return replace(result, found=tuple(found))


def _describe_unchecked(query: WordQuery, hits: Sequence["SearchHit"]) -> Iterator[str]:
    """Yield the sentence about words in which no typing error was looked for, where one may be the reason."""
    long_words = [word for word in query.words if len(word) >= MIN_CHECKED_LETTERS]
    if _is_weak(hits) and len(long_words) > MAX_CHECKED_WORDS:
        yield f"Typing errors were looked for in the {MAX_CHECKED_WORDS} rarest words alone."


def _is_weak(hits: Sequence["SearchHit"]) -> bool:
    return not hits or hits[0].match == Match.WEAK


def _is_found_by_words(hits: Sequence["SearchHit"]) -> bool:
    return bool(hits) and hits[0].match in (Match.TITLE, Match.TEXT)
