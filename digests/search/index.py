"""Search index, derived from the store: it can be deleted at any time and is then rebuilt.

Each document holds the sequence number of its paper's last change. The highest one is the index's watermark.
A commit is atomic, and a paper that is indexed again replaces its document.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from errno import EACCES
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

from digests.errors import InputError, SearchError
from digests.model import ScoredPaper
from digests.ports.library import Library
from digests.ports.search import Match
from digests.private_files import create_private_folder, open_private, restrict_to_owner
from digests.search.filters import Filter, Sort
from digests.search.glossary import Glossary
from digests.search.query import WordQuery
from digests.search.ranking import (
    MatchRound,
    build_condition,
    match_of_score,
    plan_rounds,
    stem_titles,
    stem_typed_words,
)
from digests.search.schema import (
    SCHEMA,
    SCHEMA_VERSION,
    build_analyzer,
    build_document,
    build_similarity_query,
    decode_score,
)
from digests.search.title_fit import MERIT, measure_fit

log = logging.getLogger(__name__)

BATCH_SIZE = 1_000
"""Papers that are read at a time: about ten megabytes in memory with their reviews."""

COMMIT_SIZE, COMMIT_SECONDS = 200_000, 60.0
"""Papers, and seconds, after which a long build commits: so much is lost at most if the process is killed."""

MAX_AWAITED_CHANGES = 2_000
"""Changes that a look-up waits for, a second at most. More are indexed in the background."""

WRITER_WAIT_SECONDS = 2.0
"""Wait of a look-up for another thread or process that indexes a few changes."""

POLL_SECONDS = 0.02
"""Seconds between two looks at an index that another thread writes."""

RETRY_SECONDS = 60.0
"""Wait after a build in the background failed."""

WRITER_HEAP_BYTES, BUILD_HEAP_BYTES = 64_000_000, 256_000_000
"""Bytes of a writer, for a few changes and for a build. tantivy requires at least 15 million per thread."""

MAX_BUILD_THREADS = 4

NO_TERMS = Glossary({})

TIE_MARGIN = 32
"""Extra hits that are collected, so that ties at the end of the result are ordered by id."""

FITTED_HITS = 32
"""Best hits of a round that are ranked once more, by their titles: as many as any page collects."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A paper's id, the strength of the match, and its score.

    Scores are comparable only within one search and one round of matching. `newest` is the number of papers
    among which it was found, the newest ones; 0 stands for all.
    """

    id: str
    score: float
    match: Match = Match.WEAK
    newest: int = 0


@dataclass(frozen=True, slots=True)
class _IndexView:
    """View of one commit: the sequence number of its last change, and the paper of that change."""

    stamp: tuple[int, ...]
    searcher: tantivy.Searcher
    last_seq: int = 0
    newest_paper: str = ""

    @property
    def papers(self) -> int:
        return self.searcher.num_docs

    def count(self, field: str, term: str) -> int:
        return self.searcher.doc_freq(field, term)

    def complete(self, field: str, prefix: str) -> Sequence[tuple[str, int]]:
        return self.searcher.terms_with_prefix(field, prefix)


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
        self._builder: threading.Thread | None = None
        self._builder_lock = threading.Lock()
        self._closer: threading.Thread | None = None
        self._retry_at = 0.0

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
        return self._write_changes(library, BUILD_HEAP_BYTES if self._is_far_behind(library) else 0)

    def build(self, library: Library, on_progress: Callable[[int, int], None], *, anew: bool) -> int:
        """Index all changes as `catch_up` does, or with `anew` every paper, and report the progress.

        `on_progress` is called with the sequence number that is reached, and the last one. Look-ups go on
        with what is indexed. Raises InputError if another process or thread is indexing.
        """
        if self._builder and not anew:
            self._builder.join()
        if not anew and self._is_current(library):
            return 0
        with self._open_writer(BUILD_HEAP_BYTES) as writer:
            if not writer:
                raise InputError(
                    "Another process is indexing: wait until “paperround status” says nothing of it."
                )
            return self._index_changes(library, writer, on_progress, anew=anew)

    def follow(self, library: Library) -> float:
        """Index the changes of the store without a long wait, and return the share that is indexed.

        A few changes are indexed at once. More are indexed by a thread in the background, and the share is
        below 1 until it, or the process that does the same, is done. Nobody waits for it, and its errors are
        logged. Raises SearchError and StoreError.
        """
        if self._is_current(library):
            return 1.0
        if not self._is_far_behind(library):
            self._write_few_changes(library)
            return 1.0
        self._start_builder(library)
        return self.measure_progress(library)

    def measure_progress(self, library: Library) -> float:
        """Return the share of the store's changes that is indexed, 1 if only a few are missing."""
        view, latest = self._refresh_view(), library.latest_sequence()
        if latest - view.last_seq <= MAX_AWAITED_CHANGES and self._is_built_from(library, view):
            return 1.0
        return min(view.last_seq / latest, 0.99) if latest else 1.0

    def _is_far_behind(self, library: Library) -> bool:
        view = self._refresh_view()
        is_usable = view.last_seq <= library.latest_sequence() and self._is_built_from(library, view)
        return library.latest_sequence() - (view.last_seq if is_usable else 0) > MAX_AWAITED_CHANGES

    def _start_builder(self, library: Library) -> None:
        """Start the thread that builds the index, unless it runs or has just failed."""
        with self._builder_lock:
            if not (self._builder and self._builder.is_alive()) and time.monotonic() >= self._retry_at:
                self._retry_at = time.monotonic() + RETRY_SECONDS
                self._builder = threading.Thread(
                    target=self._build, args=(library,), name="search-index", daemon=True
                )
                self._builder.start()

    def _build(self, library: Library) -> None:
        try:
            if count := self._write_changes(library, BUILD_HEAP_BYTES):
                log.info("the search index is built: %s papers", f"{count:,}")
                self._retry_at = 0.0
        except BaseException as error:  # tantivy panics with BaseException.
            log.warning("the search index could not be built, and will be tried again: %s", error)

    def _write_few_changes(self, library: Library) -> None:
        """Index a few changes; where another thread or process is at it, wait a moment for them."""
        deadline = time.monotonic() + WRITER_WAIT_SECONDS
        while not self._write_changes(library, 0, awaits_merges=False) and not self._is_current(library):
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)

    def _write_changes(self, library: Library, heap_bytes: int, *, awaits_merges: bool = True) -> int:
        """Index the changes of the store, with the memory and threads of a build if `heap_bytes`."""
        with self._open_writer(heap_bytes, awaits_merges=awaits_merges) as writer:
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
    def _open_writer(
        self, heap_bytes: int = 0, *, awaits_merges: bool = True
    ) -> Iterator[tantivy.IndexWriter | None]:
        """Open the writer, or give None if another process or thread holds it. Raises SearchError.

        The writer is closed when the index has merged its parts; by a thread in the background, unless the
        caller `awaits_merges`. What was committed is found before that.
        """
        if closer := self._closer:
            closer.join(WRITER_WAIT_SECONDS)
        try:
            threads = min(os.cpu_count() or 1, MAX_BUILD_THREADS) if heap_bytes else 1
            writer = self._index.writer(heap_bytes or WRITER_HEAP_BYTES, threads)
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
            if awaits_merges:
                self._close_writer(writer)
            else:
                closer = threading.Thread(
                    target=self._close_and_log, args=(writer,), name="search-index-merge", daemon=True
                )
                closer.start()
                # Others join it, which a thread allows only once it is started.
                self._closer = closer

    def _close_writer(self, writer: tantivy.IndexWriter) -> None:
        """Wait until the index has merged its parts, and release the writer's lock. Raises SearchError."""
        with _translate_errors(self._directory):
            writer.wait_merging_threads()
            _restrict_files(self._directory)

    def _close_and_log(self, writer: tantivy.IndexWriter) -> None:
        try:
            self._close_writer(writer)
        except BaseException as error:  # tantivy panics with BaseException.
            log.warning("parts of the search index could not be merged, and will be later: %s", error)

    def _index_changes(
        self,
        library: Library,
        writer: tantivy.IndexWriter,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        anew: bool = False,
    ) -> int:
        view, latest = self._refresh_view(), library.latest_sequence()
        seq, indexed, uncommitted = view.last_seq, 0, 0
        if anew or seq > latest or not self._is_built_from(library, view):
            seq, self._is_store_verified = 0, True
            with _translate_errors(self._directory):
                writer.delete_all_documents()
                writer.commit()
        # In an empty index a paper has an older document only if it changed after the build began.
        first_repeated = latest if not seq else 0
        committed_at = time.monotonic()
        try:
            while changes := library.changes_after(seq, BATCH_SIZE):
                self._add_documents(writer, changes, first_repeated)
                seq, indexed, uncommitted = changes[-1][0], indexed + len(changes), uncommitted + len(changes)
                on_progress(seq, max(latest, seq))
                if uncommitted >= COMMIT_SIZE or time.monotonic() - committed_at > COMMIT_SECONDS:
                    self._commit(writer)
                    uncommitted, committed_at = 0, time.monotonic()
                    log.info("the search index is being built: %.0f %%", 100 * seq / max(latest, seq))
        finally:
            if uncommitted:
                self._commit(writer)
        return indexed

    def _add_documents(
        self, writer: tantivy.IndexWriter, changes: Sequence[tuple[int, ScoredPaper]], first_repeated: int
    ) -> None:
        """Replace the documents of changed papers; those up to `first_repeated` have none.

        Raises SearchError.
        """
        with _translate_errors(self._directory):
            for seq, scored in changes:
                if seq > first_repeated:
                    writer.delete_documents_by_term("id", scored.paper.id)
                writer.add_document(build_document(seq, scored))

    def _commit(self, writer: tantivy.IndexWriter) -> None:
        with _translate_errors(self._directory):
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
        view = self._refresh_view()
        searcher = view.searcher
        hits: dict[str, SearchHit] = {}
        try:
            limit = min(limit, searcher.num_docs)
            for round_ in plan_rounds(query, glossary, view, marked):
                is_found = any(hit.match >= Match.TITLE for hit in hits.values())
                if round_.is_weak and is_found:
                    break  # So are all further rounds.
                if not ((round_.is_last_resort or query.sort) and hits):
                    wanted = limit + len(hits) + TIE_MARGIN
                    found = _collect_matches(searcher, round_, query, wanted, marked)
                    if not found and round_.whole:
                        whole = replace(round_, query=round_.whole, newest=None)
                        found = _collect_matches(searcher, whole, query, wanted, marked)
                    for hit in found:
                        hits.setdefault(hit.id, hit)
                if len(hits) >= limit:
                    break  # Before the next round is planned: that takes time too.
        except BaseException as error:
            if not _is_damage(error):
                raise
            with self._view_lock:
                self._rebuild_index()
            raise SearchError(
                f"The search index in {self._directory} was damaged and is being rebuilt: ask again."
            ) from error
        return tuple(hits.values())[: max(limit, 0)]

    def has_title(self, title: str) -> bool:
        """Return True if a paper has exactly this title, in words as `tokenize_text` makes them."""
        return self._refresh_view().count("whole_title", title) > 0

    def find_similar(
        self,
        scored: ScoredPaper,
        after_seq: int,
        limit: int,
        filters: Sequence[Filter] = (),
        marked: Collection[str] = (),
    ) -> list[tuple[str, float]]:
        """Return up to `limit` papers that changed after a sequence number, the most similar one first.

        Each comes with its strength: 1 for the paper of the index that is most similar to `scored`, most
        often the paper itself. All match the filters; `marked` are the ids of marked papers. Reads the last
        commit; call `catch_up` before. Raises SearchError as `search`.
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
                [
                    (Occur.Must, query),
                    *([(Occur.Must, Query.const_score_query(recent, 0.0))] if after_seq else []),
                    *(build_condition(each, marked) for each in filters),
                ]
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
    documents = [searcher.doc(address) for _, address in found]
    fits = [] if field else _measure_fits(documents[:FITTED_HITS], query, round_)
    hits: list[tuple[tuple[Any, ...], SearchHit]] = []
    for (score, _), document, fit in zip(found, documents, chain(fits, repeat(0.0)), strict=False):
        paper, day, review_score = str(document["id"][0]), document["day"][0], document["score"][0]
        relevance = 0.0 if field else float(score)
        match = Match.WEAK if round_.is_weak else Match.TITLE if field else match_of_score(relevance)
        relevance += fit
        merits = (day, review_score) if order is Sort.NEW else (review_score, day)
        key = (-round(relevance, 1), *(() if field else (paper not in marked,)), *(-each for each in merits))
        hits.append(((*key, paper), SearchHit(paper, relevance, match, round_.newest or 0)))
    return [hit for _, hit in sorted(hits, key=lambda pair: pair[0])]


def _measure_fits(documents: Sequence[tantivy.Document], query: WordQuery, round_: MatchRound) -> list[float]:
    """Measure how well papers fit a query by their titles, with their merit, in points of a score."""
    words = stem_typed_words(query)
    titles = stem_titles(str(document["whole_title"][0]) for document in documents)
    return [
        measure_fit(words, title, allows_typos=round_.is_last_resort, is_unfinished=round_.completes)
        + MERIT * decode_score(document["score"][0])
        for title, document in zip(titles, documents, strict=True)
    ]


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
