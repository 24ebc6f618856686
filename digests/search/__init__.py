"""Looking papers up: by name in the store, by words in an index beside it.

The index is loaded with the first search: import `digests.search.index` where it is opened, not at the top.
"""

from typing import TYPE_CHECKING, assert_never

from digests.model import ScoredPaper
from digests.ports import Papers
from digests.search.query import ById, ByWords, Nothing, understand

if TYPE_CHECKING:
    from digests.search.index import Index


def find(words: str, *, papers: Papers, index: "Index", most: int) -> tuple[ScoredPaper, ...]:
    """The papers that a person means, best first; the index follows the store before it is asked.

    Raises SearchError, and what `papers` raises.
    """
    match understand(words):
        case ById(name):
            return tuple(papers.get([name]).values())
        case ByWords() as query:
            index.catch_up(papers)
            hits = index.search(query, most)
            known = papers.get([hit.id for hit in hits])
            return tuple(known[hit.id] for hit in hits if hit.id in known)
        case Nothing():
            return ()
        case never:
            assert_never(never)
