"""Look-up of papers: by id in the store, by words in an index beside it.

Import `digests.search.index` where an index is opened and not at the top of a module: loading it takes time.
"""

from typing import TYPE_CHECKING, assert_never

from digests.model import ScoredPaper
from digests.ports.library import Library
from digests.search.query import EmptyQuery, IdQuery, WordQuery, parse_query

if TYPE_CHECKING:
    from digests.search.index import SearchIndex


def find_papers(text: str, *, library: Library, index: "SearchIndex", limit: int) -> tuple[ScoredPaper, ...]:
    """Find the papers that a text names or describes, best first, at most `limit`.

    A text that names a paper by id or address finds that paper only, and nothing if it is not known. For
    words, the index first catches up with the library. A text without words finds nothing. Raises
    SearchError, and StoreError from the library.
    """
    match parse_query(text):
        case IdQuery(name):
            return tuple(library.get([name]).values())
        case WordQuery() as query:
            index.catch_up(library)
            hits = index.search(query, limit)
            papers_by_id = library.get([hit.id for hit in hits])
            return tuple(papers_by_id[hit.id] for hit in hits if hit.id in papers_by_id)
        case EmptyQuery():
            return ()
        case never:
            assert_never(never)
