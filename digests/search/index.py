"""The search index: follows the store, is beside it, can be thrown away at any time.

Each document carries the number of its paper's last change, so the index knows by itself how far it has come: a commit
puts papers and their numbers in, all or none, and a paper that comes again replaces itself.
"""

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES
from pathlib import Path

import tantivy
from tantivy import Occur, Query

from digests.errors import SearchError
from digests.model import ScoredPaper
from digests.ports import Papers
from digests.search.query import ByWords, words_of
from digests.text import plain

SCHEMA = "1"
"""Goes up with any change to the fields or to how a text becomes words; an index of another number is built anew."""

BATCH = 1_000
"""Papers a commit: about ten megabytes in memory with their reviews."""

WRITER_HEAP = 64_000_000
"""Bytes; tantivy wants at least 15 million a thread."""

PREFIX_LETTERS = 3
"""The last word is taken for a beginning when it has so many letters."""

FUZZY_LETTERS = ((8, 2), (4, 1))
"""A word of so many letters may be so many slips of the finger away."""

TIES = 32
"""Hits beyond those asked for, so that equals at the end are chosen by their ids."""

_EVERYWHERE = (("title", 3.0), ("tldr", 2.0), ("authors", 1.0), ("abstract", 1.0), ("review", 1.0))
_NAMES = (("spelt", 3.0), ("authors", 1.0))
_STEMMED = frozenset(("title", "tldr", "abstract", "review"))
_TITLE_BONUS = 1_000.0
"""More than the words of any text can score: a title with all of them comes first, the title itself before it."""

Part = tuple[str, ...]
"""A word, or the words of a phrase."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper's id; scores compare only within one search and one way of matching."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class _View:
    """One commit: `number` and `newest` are its last change and the paper that had it."""

    stamp: tuple[int, ...]
    searcher: tantivy.Searcher
    number: int = 0
    newest: str = ""


class Index:
    """Papers by their words. Safe to use from several threads and processes; one at a time writes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._looking = threading.Lock()
        self._index = _opened(directory)
        self._view: _View | None = None
        self._knows_store = False

    @classmethod
    def open(cls, directory: Path) -> "Index":
        """The index in a directory, which is made when needed; a damaged or outdated one begins anew.

        Raises SearchError when the directory cannot be made or written.
        """
        with _sentences(directory):
            directory.mkdir(parents=True, exist_ok=True)
            if not os.access(directory, os.W_OK):
                raise PermissionError(EACCES, os.strerror(EACCES))
            try:
                index = cls(directory)
            except BaseException as error:
                if not _is_damage(error):
                    raise
                _throw_away(directory)
                index = cls(directory)
        index._look()
        return index

    def catch_up(self, papers: Papers) -> int:
        """Take in what changed in the store since the last commit; how many papers that were.

        0 when nothing did, or when someone else is at it just now. Raises SearchError, and what `papers` raises.
        """
        if self._is_current(papers):
            return 0
        with self._writing() as writer:
            return self._follow(papers, writer) if writer else 0

    def _is_current(self, papers: Papers) -> bool:
        # The store is asked after the index: what another process has indexed by now, the store has too.
        view = self._look()
        return view.number == papers.last_change() and self._is_from(papers, view)

    def _is_from(self, papers: Papers, view: _View) -> bool:
        """Whether the index was made from this store, as far as its newest paper can tell; asked once."""
        if view.number and not self._knows_store:
            number, scored = next(iter(papers.changes(view.number - 1, 1)), (0, None))
            if scored and number == view.number and scored.paper.id != view.newest:
                return False
        self._knows_store = True
        return True

    @contextmanager
    def _writing(self) -> Iterator[tantivy.IndexWriter | None]:
        """The writer, for as long as it is needed; None when someone else has it."""
        try:
            writer = self._index.writer(WRITER_HEAP, 1)
        except BaseException as error:
            if "LockBusy" in str(error):
                yield None
                return
            if _is_damage(error):
                raise _cannot_write(self._directory, error) from error
            raise
        try:
            yield writer
        finally:
            with _sentences(self._directory):
                writer.wait_merging_threads()

    def _follow(self, papers: Papers, writer: tantivy.IndexWriter) -> int:
        view = self._look()
        number, indexed = view.number, 0
        if number > papers.last_change() or not self._is_from(papers, view):
            number, self._knows_store = 0, True
            self._commit(writer, None)
        while changes := papers.changes(number, BATCH):
            self._commit(writer, changes)
            number, indexed = changes[-1][0], indexed + len(changes)
        return indexed

    def _commit(self, writer: tantivy.IndexWriter, changes: Sequence[tuple[int, ScoredPaper]] | None) -> None:
        """Put papers in, each in place of what it was; None empties the index."""
        with _sentences(self._directory):
            if changes is None:
                writer.delete_all_documents()
            for number, scored in changes or ():
                writer.delete_documents_by_term("id", scored.paper.id)
                writer.add_document(_document(number, scored))
            writer.commit()

    def search(self, query: ByWords, most: int) -> tuple[Hit, ...]:
        """The best papers for these words: those that have all of them, then those that have some.

        The last word may be a beginning. Slips of the finger are forgiven in titles and names where no paper has all
        words as typed. Equals come in the order of their ids. Raises SearchError.
        """
        searcher = self._look().searcher
        hits: dict[str, Hit] = {}
        try:
            most = min(most, searcher.num_docs)
            for round_ in _rounds(query):
                if len(hits) < most and not (round_.last_resort and hits):
                    for hit in _hits(searcher, round_.query, most + len(hits) + TIES):
                        hits.setdefault(hit.id, hit)
        except BaseException as error:
            if not _is_damage(error):
                raise
            with self._looking:
                self._begin_anew()
            raise SearchError(
                f"The search index in {self._directory} was damaged; it is built anew now: ask again."
            ) from error
        return tuple(hits.values())[: max(most, 0)]

    def _look(self) -> _View:
        """The newest commit, whoever made it."""
        with self._looking:
            try:
                return self._newest_view()
            except BaseException as error:
                if not _is_damage(error):
                    raise
            self._begin_anew()
            with _sentences(self._directory):
                return self._newest_view()

    def _newest_view(self) -> _View:
        # A commit replaces this file, so a new one has a new inode; far cheaper than to reload.
        found = (self._directory / "meta.json").stat()
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._view is None or self._view.stamp != stamp:
            self._index.reload()
            self._view = _view(stamp, self._index.searcher())
        return self._view

    def _begin_anew(self) -> None:
        with _sentences(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            _throw_away(self._directory)
            self._index, self._view = _opened(self._directory), None


def _view(stamp: tuple[int, ...], searcher: tantivy.Searcher) -> _View:
    newest = searcher.search(Query.all_query(), 1, count=False, order_by_field="change").hits
    if not newest:
        return _View(stamp, searcher)
    number, address = newest[0]
    return _View(stamp, searcher, number, str(searcher.doc(address)["id"][0]))


def _opened(directory: Path) -> tantivy.Index:
    """The index in a directory, new where there is none of this schema."""
    version = directory / "schema"
    if not version.is_file() or version.read_bytes() != SCHEMA.encode():
        _throw_away(directory)
        version.write_bytes(SCHEMA.encode())
    index = tantivy.Index(_FIELDS, str(directory))
    index.config_reader("manual")
    index.register_tokenizer("written", _analyzer(stems=False))
    index.register_tokenizer("stemmed", _analyzer(stems=True))
    return index


_OURS = re.compile(r"[0-9a-f]{32}(?:\.\w+)+|meta\.json|\.managed\.json|schema")


def _throw_away(directory: Path) -> None:
    """Only what an index is made of, lest the folder was named by mistake; the locks stay with those who hold them."""
    for path in directory.iterdir():
        if _OURS.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _fields() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("change", fast=True)
    builder.add_text_field("whole_title", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("spelt", tokenizer_name="written", index_option="basic")
    builder.add_text_field("authors", tokenizer_name="written")
    for field in sorted(_STEMMED):
        builder.add_text_field(field, tokenizer_name="stemmed")
    return builder.build()


_FIELDS = _fields()


def _analyzer(*, stems: bool) -> tantivy.TextAnalyzer:
    """Texts come as words already; what is left is to take off their endings."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return (builder.filter(tantivy.Filter.stemmer("english")) if stems else builder).build()


def _document(number: int, scored: ScoredPaper) -> tantivy.Document:
    paper, review = scored.paper, scored.review
    document = tantivy.Document()
    document.add_text("id", paper.id)
    document.add_unsigned("change", number)
    title = _indexed(paper.title)
    for field in ("title", "spelt", "whole_title"):
        document.add_text(field, title[:LONGEST_TITLE])
    document.add_text("authors", _indexed(*paper.authors))
    document.add_text("tldr", _indexed(review.tldr))
    document.add_text("abstract", _indexed(paper.abstract))
    document.add_text(
        "review",
        _indexed(
            review.methodology, review.experiments, review.reproducibility, review.limitations, review.impact
        ),
    )
    return document


LONGEST_TITLE = 2_000
"""Characters; a whole title is one term, and a term has at most 65,530 bytes."""


def _indexed(*texts: str) -> str:
    return " ".join(word for text in texts for word in words_of(plain(text)))


@dataclass(frozen=True, slots=True)
class _Round:
    """One way of matching; a last resort is taken only when nothing was found before."""

    query: Query
    last_resort: bool = False


def _rounds(query: ByWords) -> Iterator[_Round]:
    """Ways of matching, strictest first."""
    words = [(word,) for word in query.words]
    phrases = [tuple(phrase.split()) for phrase in query.phrases]
    if not (words or phrases):
        return
    title = " ".join((*query.words, *query.phrases))
    exact = [_anywhere(part) for part in (*words, *phrases)]
    in_title = [_within(part, (("title", 1.0),)) for part in (*words, *phrases)]
    yield _Round(_all(exact, _TITLE_BONUS, in_title, title))
    if query.words and len(query.words[-1]) >= PREFIX_LETTERS:
        at = len(words) - 1
        begun = _begun(query.words[-1])
        yield _Round(
            _all(_with(exact, at, _best([exact[at], *begun])), _TITLE_BONUS, _with(in_title, at, begun[0]))
        )
    if phrases or any(_slips(word) for word in query.words):
        yield _Round(_forgiving(query.words, phrases), last_resort=True)
    if len(words) + sum(map(len, phrases)) > 1:
        each = [*words, *((word,) for phrase in phrases for word in phrase)]
        yield _Round(_any([_anywhere(word) for word in each]))
        yield _Round(_any([_best(_misspelt(word[0])) for word in each]), last_resort=True)


def _anywhere(part: Part) -> Query:
    return _within(part, _EVERYWHERE)


def _within(part: Part, fields: tuple[tuple[str, float], ...]) -> Query:
    stems = _stems(part)
    return _best([Query.boost_query(_in(field, part, stems), boost) for field, boost in fields])


def _in(field: str, written: Part, stems: Part) -> Query:
    words = list(stems if field in _STEMMED else written)
    if len(words) == 1:
        return Query.term_query(_FIELDS, field, words[0])
    return Query.phrase_query(_FIELDS, field, list(words))


def _stems(words: Part) -> Part:
    # One analyzer must not be used by two threads at once.
    return tuple(_analyzer(stems=True).analyze(" ".join(words)))


def _begun(word: str) -> list[Query]:
    return [
        Query.boost_query(Query.fuzzy_term_query(_FIELDS, field, word, distance=0, prefix=True), boost)
        for field, boost in _NAMES
    ]


def _forgiving(words: Sequence[str], phrases: Sequence[Part]) -> Query:
    """Longer words must be there, be it misspelt; short ones ("of") need not."""
    clauses = [(Occur.Must, _anywhere(phrase)) for phrase in phrases]
    for word in words:
        occur = Occur.Must if _slips(word) else Occur.Should
        clauses.append((occur, _best([_anywhere((word,)), *_misspelt(word)])))
    return Query.boolean_query(clauses)


def _slips(word: str) -> int:
    return next((distance for letters, distance in FUZZY_LETTERS if len(word) >= letters), 0)


def _misspelt(word: str) -> list[Query]:
    """Nearer words weigh more."""
    return [
        Query.boost_query(Query.fuzzy_term_query(_FIELDS, field, word, distance), boost / (distance + 1))
        for distance in range(_slips(word) + 1)
        for field, boost in _NAMES
    ]


def _best(queries: Sequence[Query]) -> Query:
    """The field that fits best counts, the others a little."""
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(list(queries), 0.2)


def _any(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def _all(
    queries: Sequence[Query], bonus: float = 0.0, in_title: Sequence[Query] = (), title: str = ""
) -> Query:
    clauses = [(Occur.Must, query) for query in queries]
    if in_title:
        clauses.append((Occur.Should, Query.const_score_query(_all(in_title), bonus)))
    if title:
        whole = Query.term_query(_FIELDS, "whole_title", title, index_option="basic")
        clauses.append((Occur.Should, Query.const_score_query(whole, bonus)))
    return Query.boolean_query(clauses)


def _with(queries: Sequence[Query], at: int, query: Query) -> list[Query]:
    return [*queries[:at], query, *queries[at + 1 :]]


def _hits(searcher: tantivy.Searcher, query: Query, most: int) -> list[Hit]:
    found = searcher.search(query, most, count=False).hits
    hits = [Hit(str(searcher.doc(address)["id"][0]), score) for score, address in found]
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))


def _is_damage(error: BaseException) -> bool:
    """tantivy raises ValueError and OSError; over bytes that it never wrote, a panic, which is no Exception."""
    return isinstance(error, (ValueError, OSError)) or type(error).__name__ == "PanicException"


@contextmanager
def _sentences(directory: Path) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if not _is_damage(error):
            raise
        raise _cannot_write(directory, error) from error


def _cannot_write(directory: Path, error: BaseException) -> SearchError:
    reason = getattr(error, "strerror", None) or str(error).rstrip(".")
    return SearchError(
        f"The search index cannot be kept in {directory} ({reason}): make room there and let it be written, "
        "or name another folder as search.directory."
    )
