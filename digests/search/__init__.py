"""Look-up of papers: by id in the store, by words in an index beside it.

Import `digests.search.index` where an index is opened and not at the top of a module: loading it takes time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, assert_never

from digests.ports.library import Library
from digests.ports.search import FoundPaper, Match, SearchRequest, SearchResult
from digests.search.filters import Filter
from digests.search.glossary import Glossary
from digests.search.query import EmptyQuery, IdQuery, WordQuery, parse_query
from digests.search.snippets import find_snippet

if TYPE_CHECKING:
    from digests.search.index import SearchHit, SearchIndex


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
        For words, the index first catches up with the library. If a filter leaves nothing, the result says
        which one did, with the papers that it left out. `today` is the day to which "this week" refers.
        Raises SearchError, and StoreError from the library.
        """
        match parse_query(request.text, today):
            case IdQuery() as query:
                return self._find_ids(query)
            case WordQuery() as query:
                self.index.catch_up(self.library)
                return self._find_words(query, request)
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

    def _find_words(self, query: WordQuery, request: SearchRequest) -> SearchResult:
        hits = self._search(query, request)
        if query.guesses and _is_weak(hits):
            plain = query.without_guesses()
            others = self._search(plain, request)
            if others and (not hits or others[0].match > hits[0].match or not _is_weak(others)):
                query, hits = plain, others
        emptied = self._find_emptying(query, request, hits)
        if emptied:
            query, hits = emptied.query, emptied.hits
        shown = hits[request.offset : request.offset + request.limit]
        papers = self.library.get([hit.id for hit in shown])
        words = (*query.words, *(word for phrase in query.phrases for word in phrase.split()))
        return SearchResult(
            tuple(
                FoundPaper(papers[hit.id], Match(hit.match), find_snippet(papers[hit.id], words))
                for hit in shown
                if hit.id in papers
            ),
            faults=query.faults,
            wants_limitations=query.wants_limitations,
            emptied_by=tuple(each.typed for each in emptied.filters) if emptied else (),
            has_more=len(hits) > request.offset + request.limit,
            is_listing=not words,
        )

    def _search(self, query: WordQuery, request: SearchRequest) -> Sequence["SearchHit"]:
        count = request.offset + request.limit + 1
        return self.index.search(query, count, glossary=self.glossary, marked=request.marked_papers)

    def _find_emptying(
        self, query: WordQuery, request: SearchRequest, hits: Sequence["SearchHit"]
    ) -> "_Emptied | None":
        """Return the filter that left nothing, the query without it, and its hits.

        The filters together, if no single one did. None if filters are not the reason.
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
        found = self._search(replace(bare, filters=()), request) if len(filters) > 1 else ()
        return _Emptied(filters, replace(bare, filters=()), found) if found and not hits else None


def _is_weak(hits: Sequence["SearchHit"]) -> bool:
    return not hits or hits[0].match == Match.WEAK
