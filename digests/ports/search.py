"""The search: what is asked, and what is found."""

from dataclasses import dataclass
from enum import IntEnum

from digests.model import ScoredPaper


class Match(IntEnum):
    """Strength of a match, weakest first."""

    WEAK = 0
    """Some of the words, or misspelt ones."""
    TEXT = 1
    """All words, anywhere in paper and review."""
    TITLE = 2
    """All words in title and authors."""
    NAME = 3
    """The title, or a name of what the paper introduces."""
    ID = 4


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Search for what a person typed: `limit` results after the first `offset`.

    `marked_papers` are the ids of the papers that the person's workspace has marked. With `similar_to`, the
    id of a paper, the papers similar to it are asked for, and the text is not read. Without `has_snippets` no
    snippet is looked for, which takes as long as the search where texts are long.
    """

    text: str
    limit: int
    offset: int = 0
    marked_papers: frozenset[str] = frozenset()
    similar_to: str = ""
    has_snippets: bool = True


@dataclass(frozen=True, slots=True)
class FoundPaper:
    """A paper that was found. `snippet` is a sentence of it with words of the query, or empty.

    It is empty if the title says why the paper was found, and if the meant paper is certain.
    """

    scored: ScoredPaper
    match: Match
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Result of a search: papers, best first, and what was understood.

    `missing_ids` were named and are not known. `faults` are sentences about filters that were left out.
    `emptied_by` are the filters that left nothing, as they were typed; the papers are those without these
    filters. With `is_listing`, the papers are of a subject, or filters alone chose them. `wants_limitations`
    means that a paper's limitations were asked for. The papers are those similar to `similar_to`, if it is
    not None. `newest` is the number of papers among which frequent words were searched, the newest ones; 0
    stands for all.
    `indexed_share` is below 1 while the index is being built.
    """

    found: tuple[FoundPaper, ...] = ()
    missing_ids: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    emptied_by: tuple[str, ...] = ()
    is_listing: bool = False
    wants_limitations: bool = False
    has_more: bool = False
    similar_to: ScoredPaper | None = None
    newest: int = 0
    indexed_share: float = 1.0

    @property
    def papers(self) -> tuple[ScoredPaper, ...]:
        """The papers, best first."""
        return tuple(each.scored for each in self.found)

    @property
    def is_certain(self) -> bool:
        """True if the first paper is the one that is meant.

        It is if it has the name that was typed, if it is the only paper with all words in title and authors,
        or if it was named by its id and no other paper was found.
        """
        if not self.found or self.is_listing or self.emptied_by or self.similar_to:
            return False
        best, *others = self.found
        if best.match is Match.NAME:
            return True
        if best.match is Match.TITLE:
            return not any(other.match is Match.TITLE for other in others)
        return best.match is Match.ID and not others
