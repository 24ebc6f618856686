"""Search index, derived from the store: it can be deleted at any time and is then rebuilt.

Each document holds the sequence number of its paper's last change. The highest one is the index's watermark.
A commit is atomic, and a paper that is indexed again replaces its document.
"""

import os
import re
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

from digests.errors import SearchError
from digests.model import ScoredPaper
from digests.ports.library import Library
from digests.ports.search import Match
from digests.private_files import create_private_folder, open_private, restrict_to_owner
from digests.search.filters import Sort
from digests.search.glossary import Glossary
from digests.search.query import WordQuery
from digests.search.ranking import MatchRound, match_of_score, plan_rounds
from digests.search.schema import (
    SCHEMA,
    SCHEMA_VERSION,
    build_analyzer,
    build_document,
    build_similarity_query,
)

BATCH_SIZE = 1_000
"""Papers per commit: about ten megabytes in memory with their reviews."""

WRITER_HEAP_BYTES = 64_000_000
"""Bytes. tantivy requires at least 15 million per thread."""

NO_TERMS = Glossary({})

TIE_MARGIN = 32
"""Extra hits that are collected, so that ties at the end of the result are ordered by id."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A paper's id, the strength of the match, and its score.

    Scores are comparable only within one search and one round of matching.
    """

    id: str
    score: float
    match: Match = Match.WEAK


@dataclass(frozen=True, slots=True)
class _IndexView:
    """View of one commit: the sequence number of its last change, and the paper of that change."""

    stamp: tuple[int, ...]
    searcher: tantivy.Searcher
    last_seq: int = 0
    newest_paper: str = ""


class SearchIndex:
    """Full-text index of papers. Safe to use from several threads and processes; one at a time writes.

    Open it with `open`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._view_lock = threading.Lock()
        self._index = _open_directory(directory)
        self._view: _IndexView | None = None
        self._is_store_verified = False

    @classmethod
    def open(cls, directory: Path) -> "SearchIndex":
        """Open the index in a directory, creating both if needed. A damaged or outdated index is emptied.

        Call `catch_up` to fill it. Raises SearchError if the directory cannot be created or written.
        """
        with _translate_errors(directory):
            create_private_folder(directory)
            _restrict_files(directory)
            if not os.access(directory, os.W_OK):
                raise PermissionError(EACCES, os.strerror(EACCES))
            try:
                index = cls(directory)
            except BaseException as error:
                if not _is_damage(error):
                    raise
                _delete_index_files(directory)
                index = cls(directory)
        index._refresh_view()
        return index

    def catch_up(self, library: Library) -> int:
        """Index the changes of the store since the last commit. Returns the number of papers indexed.

        Returns 0 at once if there are none, or if another process is indexing. An index of another store, or
        one that is ahead of the store, is rebuilt. Raises SearchError, and StoreError from the library;
        batches committed before stay.
        """
        if self._is_current(library):
            return 0
        with self._open_writer() as writer:
            return self._index_changes(library, writer) if writer else 0

    def _is_current(self, library: Library) -> bool:
        # Read the index before the store: what another process has indexed is already in the store.
        view = self._refresh_view()
        return view.last_seq == library.latest_sequence() and self._is_built_from(library, view)

    def _is_built_from(self, library: Library, view: _IndexView) -> bool:
        """Return False if the newest paper shows that the index belongs to another store.

        Checked until it is True once.
        """
        if view.last_seq and not self._is_store_verified:
            seq, scored = next(iter(library.changes_after(view.last_seq - 1, 1)), (0, None))
            if scored and seq == view.last_seq and scored.paper.id != view.newest_paper:
                return False
        self._is_store_verified = True
        return True

    @contextmanager
    def _open_writer(self) -> Iterator[tantivy.IndexWriter | None]:
        """Open the writer, or give None if another process or thread holds it. Raises SearchError."""
        try:
            writer = self._index.writer(WRITER_HEAP_BYTES, 1)
        except BaseException as error:
            if "LockBusy" in str(error):
                yield None
                return
            if _is_damage(error):
                raise _build_write_error(self._directory, error) from error
            raise
        try:
            yield writer
        finally:
            with _translate_errors(self._directory):
                writer.wait_merging_threads()
                _restrict_files(self._directory)

    def _index_changes(self, library: Library, writer: tantivy.IndexWriter) -> int:
        view = self._refresh_view()
        seq, indexed = view.last_seq, 0
        if seq > library.latest_sequence() or not self._is_built_from(library, view):
            seq, self._is_store_verified = 0, True
            self._commit_changes(writer, None)
        while changes := library.changes_after(seq, BATCH_SIZE):
            self._commit_changes(writer, changes)
            seq, indexed = changes[-1][0], indexed + len(changes)
        return indexed

    def _commit_changes(
        self, writer: tantivy.IndexWriter, changes: Sequence[tuple[int, ScoredPaper]] | None
    ) -> None:
        """Replace the documents of changed papers and commit; None empties the index. Raises SearchError."""
        with _translate_errors(self._directory):
            if changes is None:
                writer.delete_all_documents()
            for seq, scored in changes or ():
                writer.delete_documents_by_term("id", scored.paper.id)
                writer.add_document(build_document(seq, scored))
            writer.commit()

    def search(
        self, query: WordQuery, limit: int, *, glossary: Glossary = NO_TERMS, marked: Collection[str] = ()
    ) -> tuple[SearchHit, ...]:
        """Return at most `limit` papers for a query: those with all words first, then those with some.

        The last word also matches as a prefix. Typing errors are tolerated, in titles and names, only while
        nothing else matches. Papers with some of the words are left out where a title has all of them. Ties
        are ordered by marks, score and date, best first, and then by id. With a sort order, only papers with
        all words are found, unless there are none. `marked` are the ids of the papers that the workspace has
        marked. Reads the last commit; call `catch_up` before. Raises
        SearchError; a damaged index is emptied before, and filled by the next `catch_up`.
        """
        searcher = self._refresh_view().searcher
        hits: dict[str, SearchHit] = {}
        try:
            limit = min(limit, searcher.num_docs)
            for round_ in plan_rounds(query, glossary, marked):
                is_found = any(hit.match >= Match.TITLE for hit in hits.values())
                is_idle = (round_.is_weak and is_found) or ((round_.is_last_resort or query.sort) and hits)
                if len(hits) < limit and not is_idle:
                    wanted = limit + len(hits) + TIE_MARGIN
                    for hit in _collect_matches(searcher, round_, query, wanted, marked):
                        hits.setdefault(hit.id, hit)
        except BaseException as error:
            if not _is_damage(error):
                raise
            with self._view_lock:
                self._rebuild_index()
            raise SearchError(
                f"The search index in {self._directory} was damaged and is being rebuilt: ask again."
            ) from error
        return tuple(hits.values())[: max(limit, 0)]

    def find_similar(self, scored: ScoredPaper, after_seq: int, limit: int) -> list[tuple[str, float]]:
        """Return up to `limit` papers that changed after a sequence number, the most similar one first.

        Each comes with its strength: 1 for the paper of the index that is most similar to `scored`, most
        often the paper itself. Reads the last commit; call `catch_up` before. Raises SearchError as `search`.
        """
        searcher = self._refresh_view().searcher
        try:
            query = build_similarity_query(scored)
            best = _collect_hits(searcher, query, 1)
            if not best or best[0].score <= 0:
                return []
            recent = Query.range_query(
                SCHEMA, "change", tantivy.FieldType.Unsigned, lower_bound=after_seq, include_lower=False
            )
            new_query = Query.boolean_query(
                [(Occur.Must, query), (Occur.Must, Query.const_score_query(recent, 0.0))]
            )
            return [(hit.id, hit.score / best[0].score) for hit in _collect_hits(searcher, new_query, limit)]
        except BaseException as error:
            if not _is_damage(error):
                raise
            raise SearchError(f"The search index in {self._directory} could not compare papers.") from error

    def _refresh_view(self) -> _IndexView:
        """Return a view of the newest commit, made by any process. Empties a damaged index first.

        Raises SearchError if the files cannot be written.
        """
        with self._view_lock:
            try:
                return self._load_newest_view()
            except BaseException as error:
                if not _is_damage(error):
                    raise
            self._rebuild_index()
            with _translate_errors(self._directory):
                return self._load_newest_view()

    def _load_newest_view(self) -> _IndexView:
        # A commit replaces this file, so its inode changes. Far cheaper than a reload.
        file_stat = (self._directory / "meta.json").stat()
        stamp = (file_stat.st_ino, file_stat.st_mtime_ns, file_stat.st_size)
        if self._view is None or self._view.stamp != stamp:
            self._index.reload()
            self._view = _read_view(stamp, self._index.searcher())
        return self._view

    def _rebuild_index(self) -> None:
        with _translate_errors(self._directory):
            create_private_folder(self._directory)
            _delete_index_files(self._directory)
            self._index, self._view = _open_directory(self._directory), None


def _read_view(stamp: tuple[int, ...], searcher: tantivy.Searcher) -> _IndexView:
    newest = searcher.search(Query.all_query(), 1, count=False, order_by_field="change").hits
    if not newest:
        return _IndexView(stamp, searcher)
    last_seq, address = newest[0]
    return _IndexView(stamp, searcher, last_seq, str(searcher.doc(address)["id"][0]))


def _open_directory(directory: Path) -> tantivy.Index:
    """Open the index in a directory, or create one if there is none of this schema version.

    Files of another version are deleted. Raises the errors of `_is_damage`.
    """
    version = directory / "schema"
    if not version.is_file() or version.read_bytes() != SCHEMA_VERSION.encode():
        _delete_index_files(directory)
        with open(version, "wb", opener=open_private) as file:
            file.write(SCHEMA_VERSION.encode())
    index = tantivy.Index(SCHEMA, str(directory))
    index.config_reader("manual")
    index.register_tokenizer("written", build_analyzer(stems=False))
    index.register_tokenizer("stemmed", build_analyzer(stems=True))
    return index


_INDEX_FILES = re.compile(r"[0-9a-f]{32}(?:\.\w+)+|meta\.json|\.managed\.json|schema")


def _delete_index_files(directory: Path) -> None:
    """Delete the files of an index and no others: the folder may be a mistake. Lock files stay."""
    for path in _list_index_files(directory):
        path.unlink(missing_ok=True)


def _restrict_files(directory: Path) -> None:
    """Take the index's files from other accounts: tantivy creates them with the rights that umask leaves."""
    restrict_to_owner([*_list_index_files(directory), *directory.glob(".tantivy-*.lock")])


def _list_index_files(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if _INDEX_FILES.fullmatch(path.name)]


def _collect_hits(searcher: tantivy.Searcher, query: Query, limit: int) -> list[SearchHit]:
    """Return the hits of a query, best first, and ties in the order of their ids."""
    found = searcher.search(query, limit, count=False).hits
    hits = [SearchHit(str(searcher.doc(address)["id"][0]), score) for score, address in found]
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))


def _collect_matches(
    searcher: tantivy.Searcher, round_: MatchRound, query: WordQuery, limit: int, marked: Collection[str]
) -> list[SearchHit]:
    """Return the hits of a round, best first, in the order that the query asks for."""
    order = choose_order(query)
    field = {Sort.NEW: "day", Sort.SCORE: "score"}.get(order)
    found = searcher.search(round_.query, limit, count=False, order_by_field=field).hits
    hits: list[tuple[tuple[Any, ...], SearchHit]] = []
    for score, address in found:
        document = searcher.doc(address)
        paper, day, review_score = str(document["id"][0]), document["day"][0], document["score"][0]
        relevance = 0.0 if field else float(score)
        match = Match.WEAK if round_.is_weak else Match.TITLE if field else match_of_score(relevance)
        merits = (day, review_score) if order is Sort.NEW else (review_score, day)
        key = (-round(relevance, 1), *(() if field else (paper not in marked,)), *(-each for each in merits))
        hits.append(((*key, paper), SearchHit(paper, relevance, match)))
    return [hit for _, hit in sorted(hits, key=lambda pair: pair[0])]


def choose_order(query: WordQuery) -> Sort:
    """Return the order of results: the one that was asked for, else by score where there are no words."""
    if query.sort:
        return query.sort
    return Sort.RELEVANCE if query.words or query.phrases else Sort.SCORE


def _is_damage(error: BaseException) -> bool:
    """Return True for errors of a damaged index: ValueError, OSError, and tantivy's panic.

    A panic is no subclass of Exception. It is raised for bytes that tantivy did not write.
    """
    return isinstance(error, (ValueError, OSError)) or type(error).__name__ == "PanicException"


@contextmanager
def _translate_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if not _is_damage(error):
            raise
        raise _build_write_error(directory, error) from error


def _build_write_error(directory: Path, error: BaseException) -> SearchError:
    reason = getattr(error, "strerror", None) or str(error).rstrip(".")
    return SearchError(
        f"The search index cannot be kept in {directory} ({reason}): make room there and let it be written, "
        "or name another folder as search.directory."
    )
