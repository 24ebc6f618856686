"""Looking papers up: by name in the store, by words in an index beside it.

The index is loaded with the first search: import `digests.search.index` where it is opened, not at the top.
"""

from typing import TYPE_CHECKING, assert_never

from digests.model import ScoredPaper
from digests.ports.library import Library
from digests.search.query import EmptyQuery, IdQuery, WordQuery, parse_query

if TYPE_CHECKING:
    from digests.search.index import SearchIndex


def find_papers(text: str, *, library: Library, index: "SearchIndex", limit: int) -> tuple[ScoredPaper, ...]:
    """The papers that a person means, best first; the index follows the store before it is asked.

    Raises SearchError, and what `papers` raises.
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
