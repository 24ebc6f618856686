"""Benchmark of look-ups through the whole handler, beside bare tantivy and bare FTS5 over the same papers."""

import argparse
import asyncio
import gc
import json
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

import tantivy
from rich.console import Console
from rich.table import Table

from bot.conversation.answers import Answers
from bot.conversation.lookup import LookupAnswers
from bot.platforms.responses import choose_reply_style
from bot.platforms.slack.render import render
from bot.present.lookup import format_suggestion
from bot.storage import run_interactive
from digests.build import DigestPolicy
from digests.model import Paper, Review, ScoredPaper
from digests.ports.library import Library
from digests.search import PaperSearch
from digests.search.glossary import build_glossary
from digests.search.index import SearchIndex
from digests.subscription import Channel
from tests.benchmarks.generated_papers import GeneratedStore

FOLDER = Path(os.environ.get("PAPERROUND_BENCH_FOLDER", ".benchmarks"))
"""Folder of the generated stores and their indexes, which are kept between runs."""

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CHANNEL = Channel("slack", "C1", "T1")
COMMON = ("model", "learning", "data", "training", "neural", "network", "language", "image", "deep", "tasks")
COLD_REPEATS = 3
AT_ONCE = 16
CHANGES = 10
CHANGED = "2611.99999"
"""Paper that changes in each run. The generator makes no paper with this id."""
FLOOR_HEAP_BYTES = 300_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of look-up: the texts that people type, and the bare words of each."""

    name: str
    texts: Sequence[tuple[str, str]]
    is_completion: bool = False


Clock = Callable[[], float]
"""Seconds of the clock on the wall, or of the processor in this thread alone."""


def rows(
    count: int = 100_000,
    repeats: int = 40,
    *,
    keeps_indexes: bool = False,
    clock: Clock = time.perf_counter,
) -> list[tuple[str, ...]]:
    """Return one row a figure, as `tests.benchmarks` prints them. `repeats` are the look-ups of a kind.

    The indexes are built and measured in each run, unless `keeps_indexes`. Look-ups one at a time are
    measured with `clock`.
    """
    generated = GeneratedStore(FOLDER, count)
    library = generated.store.library
    folder = FOLDER / f"index-{count}"
    found = [] if keeps_indexes else [_build_indexes(library, folder, generated.file, count)]
    bare = tantivy.Index.open(str(folder / "bare"))
    handler = Handler(generated, folder / "ours")
    with closing(_open_fts(generated.file, folder / "fts.db")) as fts:
        kinds = _choose_kinds(library, count, repeats)
        for kind in kinds:
            found.append(_measure_kind(handler, kind, bare.searcher(), bare, fts, count, clock))
    found.append(_measure_cold(generated, folder / "ours", kinds, count))
    found.extend(asyncio.run(_measure_at_once(handler, kinds, count)))
    found.append(_measure_changes(generated, handler))
    return found


class Handler:
    """The whole handler of a look-up: parse, search, present, and render to Block Kit as JSON."""

    def __init__(self, generated: GeneratedStore, directory: Path) -> None:
        store = generated.store
        search = PaperSearch(store.library, SearchIndex.open(directory), build_glossary({}))
        answers = Answers(
            store, lambda request: search.find(request, NOW.date()), DigestPolicy(), lambda: NOW
        )
        self._lookup = LookupAnswers(answers)

    def answer(self, text: str) -> str:
        """Answer a look-up."""
        reply = self._lookup.look_up_paper(text, CHANNEL)
        pages = render(reply.message, choose_reply_style(reply.message))
        return json.dumps([dict(page.payload) for page in pages])

    def complete(self, text: str) -> str:
        """Answer a keystroke."""
        return json.dumps([format_suggestion(each, 75) for each in self._lookup.suggest_papers(text, 10)])

    def work_of(self, kind: Kind, text: str) -> Callable[[], str]:
        """Return the call that answers a text of a kind."""
        return partial(self.complete if kind.is_completion else self.answer, text)


def _seconds(work: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def _format_times(times: Sequence[float]) -> str:
    return f"{median(times) * 1000:,.1f} / {_p99(times) * 1000:,.1f}"


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[max(0, -(-len(times) * 99 // 100) - 1)]


def _build_indexes(library: Library, folder: Path, file: Path, count: int) -> tuple[str, ...]:
    """Build the search index, and a bare one over titles and abstracts with as many threads."""
    shutil.rmtree(folder / "ours", ignore_errors=True)
    shutil.rmtree(folder / "bare", ignore_errors=True)
    (folder / "bare").mkdir(parents=True)
    floor = _seconds(lambda: _build_bare(file, folder / "bare"))
    index = SearchIndex.open(folder / "ours")
    ours = _seconds(lambda: index.catch_up(library))
    return (
        f"search index of {count:,} papers built; floor: bare tantivy",
        f"{ours:,.1f} s",
        f"{floor:,.1f} s",
        f"{floor / ours:.2f}",
        ">= 0.6 of its rate",
    )


def _build_bare(file: Path, directory: Path) -> None:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("title")
    builder.add_text_field("abstract")
    index = tantivy.Index(builder.build(), str(directory))
    writer = index.writer(FLOOR_HEAP_BYTES, os.cpu_count() or 1)
    with closing(sqlite3.connect(file)) as connection:
        for paper, title, abstract in connection.execute("SELECT name, title, abstract FROM papers"):
            writer.add_document(tantivy.Document(id=paper, title=title, abstract=abstract))
    writer.commit()
    writer.wait_merging_threads()


def _open_fts(file: Path, fts_file: Path) -> sqlite3.Connection:
    """Open a full-text index of SQLite over titles and abstracts, made unless a run before has made it."""
    unfinished = fts_file.with_suffix(".unfinished")
    if not fts_file.is_file():
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(unfinished)) as connection:
            connection.execute("CREATE VIRTUAL TABLE found USING fts5(title, abstract, content='')")
            connection.execute("ATTACH ? AS full", (str(file),))
            connection.execute(
                "INSERT INTO found (rowid, title, abstract) SELECT id, title, abstract FROM full.papers"
            )
            connection.commit()
        unfinished.rename(fts_file)
    return sqlite3.connect(fts_file)


def _choose_kinds(library: Library, count: int, repeats: int) -> list[Kind]:
    """Choose the texts of each kind out of the library, the same ones in every run."""
    chance = random.Random(11)
    papers: list[ScoredPaper] = []
    while len(papers) < 3 * repeats:
        after = chance.randrange(max(count - 20, 1))
        papers.extend(scored for _, scored in library.changes_after(after, 1))
    named = [scored for scored in papers if ":" in scored.paper.title]
    own_words = [_list_title_words(scored) for scored in papers]
    plain = [words for words in own_words if len(words) >= 3]
    return [
        Kind("an id", _pair(scored.paper.id for scored in papers[:repeats])),
        Kind("an exact title", _pair(scored.paper.title for scored in papers[:repeats])),
        Kind("a name", _pair(scored.paper.title.partition(":")[0] for scored in named[:repeats])),
        Kind("a rare word", _pair(max(words, key=len) for words in plain[:repeats])),
        Kind("one common word", _pair(chance.choice(COMMON) for _ in range(repeats))),
        Kind("three common words", _pair(" ".join(chance.sample(COMMON, 3)) for _ in range(repeats))),
        Kind("three title words", _pair(" ".join(words[:3]) for words in plain[:repeats])),
        Kind("a typo", [_misspell(max(words, key=len)) for words in plain[:repeats]]),
        Kind("an author", _pair(scored.paper.authors[0].lower() for scored in papers[:repeats])),
        Kind(
            "filters",
            [
                (f"{word} in:{scored.paper.primary_category} since:{year} min:6", word)
                for scored in papers[:repeats]
                for word, year in [(chance.choice(COMMON), chance.randrange(2016, 2026))]
            ],
        ),
        Kind(
            "a question",
            [
                (f"what are the limitations of {' '.join(words[:3])}?", " ".join(words[:3]))
                for words in plain[:repeats]
            ],
        ),
        Kind("a keystroke", _list_keystrokes(plain, repeats), is_completion=True),
    ]


def _pair(texts: Iterable[str]) -> list[tuple[str, str]]:
    return [(text, text) for text in texts]


def _list_title_words(scored: ScoredPaper) -> list[str]:
    words = scored.paper.title.partition(":")[2] or scored.paper.title
    return [word.lower() for word in words.split() if len(word) > 5]


def _misspell(word: str) -> tuple[str, str]:
    return f"{word[:2]}{word[3]}{word[2]}{word[4:]}", word


def _list_keystrokes(titles: Sequence[Sequence[str]], repeats: int) -> list[tuple[str, str]]:
    """List what is typed so far, from the third letter on, of the first words of titles."""
    typed = [" ".join(words)[:length] for words in titles for length in range(3, len(" ".join(words[:2])))]
    return _pair(typed[:: max(1, len(typed) // repeats)][:repeats])


def _measure_kind(
    handler: Handler,
    kind: Kind,
    searcher: tantivy.Searcher,
    bare: tantivy.Index,
    fts: sqlite3.Connection,
    count: int,
    clock: Clock,
) -> tuple[str, ...]:
    handler.work_of(kind, kind.texts[0][0])()
    ours, floor, floor_fts = list[float](), list[float](), list[float]()
    for text, words in kind.texts:
        ours.append(_seconds(handler.work_of(kind, text), clock))
        floor.append(_seconds(partial(_ask_bare, bare, searcher, words), clock))
        if len(floor_fts) < 10:
            floor_fts.append(_seconds(partial(_ask_fts, fts, words), clock))
    return (
        f"look-up among {count:,} papers, {kind.name}, p50 / p99; floors: bare tantivy, FTS5",
        f"{_format_times(ours)} ms",
        f"{_format_times(floor)}; {_format_times(floor_fts)} ms",
        f"{_p99(ours) / _p99(floor):.2f}",
        "<= 2, and 40 ms",
    )


def _ask_bare(bare: tantivy.Index, searcher: tantivy.Searcher, words: str) -> None:
    plain = "".join(sign if sign.isalnum() else " " for sign in words)
    query = bare.parse_query(plain, ["title", "abstract"])
    for _, address in searcher.search(query, 5).hits:
        searcher.doc(address)


def _ask_fts(fts: sqlite3.Connection, words: str) -> None:
    plain = "".join(sign if sign.isalnum() else " " for sign in words)
    quoted = " OR ".join(f'"{word}"' for word in plain.split())
    fts.execute(
        "SELECT rowid FROM found WHERE found MATCH ? ORDER BY bm25(found) LIMIT 5", (quoted,)
    ).fetchall()


def _measure_cold(
    generated: GeneratedStore, directory: Path, kinds: Sequence[Kind], count: int
) -> tuple[str, ...]:
    """Measure the first look-up after the files were dropped from memory and opened again."""
    cold = []
    for kind in kinds:
        for text, _ in kind.texts[1 : 1 + COLD_REPEATS]:
            gc.collect()
            for path in (*directory.iterdir(), generated.file):
                _drop_from_memory(path)
            handler = Handler(generated, directory)
            cold.append(_seconds(handler.work_of(kind, text)))
    what = f"the same, all kinds, first after the index is opened and out of memory, p50 / p99 of {len(cold)}"
    return what, f"{_format_times(cold)} ms", "-", "-", "reported"


def _drop_from_memory(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)


async def _measure_at_once(handler: Handler, kinds: Sequence[Kind], count: int) -> list[tuple[str, ...]]:
    """Measure look-ups of all kinds, sixteen people at a time, and how late the event loop runs meanwhile."""
    waiting = [handler.work_of(kind, text) for texts in zip(*(kind.texts for kind in kinds), strict=False)
               for kind, (text, _) in zip(kinds, texts, strict=True)]  # fmt: skip
    times: list[float] = []
    lateness: list[float] = []

    async def ask() -> None:
        while waiting:
            work = waiting.pop()
            start = time.perf_counter()
            await run_interactive(work)
            times.append(time.perf_counter() - start)

    async def watch() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.005)
            lateness.append(time.perf_counter() - start - 0.005)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    watching.cancel()
    what = f"look-ups among {count:,} papers, all kinds, {AT_ONCE} at once"
    return [
        (f"{what}, p50 / p99", f"{_format_times(times)} ms", "-", "-", "reported"),
        (f"{what}: worst lateness of the event loop", f"{max(lateness) * 1000:,.1f} ms", "-", "-", "50 ms"),
    ]


def _measure_changes(generated: GeneratedStore, handler: Handler) -> tuple[str, ...]:
    """Measure the look-up after a paper changed, which finds the change: it indexes it first."""
    library, times = generated.store.library, list[float]()
    known = library.get([CHANGED]).get(CHANGED)
    first = (known.paper.version or 0) + 1 if known else 1
    for version in range(first, first + CHANGES):
        title = f"Changed {version:06}"
        changed = Paper(CHANGED, title, "https://arxiv.org/abs/2611.99999", version=version)
        library.add([(changed, Review())], now=NOW)
        answers = list[str]()
        times.append(_seconds(lambda: answers.append(handler.answer(title))))  # noqa: B023 - Called at once.
        if title not in answers[0]:
            raise RuntimeError(f"{title} was not found by the next look-up.")
    what = f"look-up among {generated.count:,} papers after one changed, which finds it, p50 / p99"
    return what, f"{_format_times(times)} ms", "-", "-", "reported"


def main() -> None:
    """Print the figures of a million papers, or of as many as are named."""
    parser = argparse.ArgumentParser(description="Measure look-ups among generated papers.")
    parser.add_argument("papers", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--repeats", type=int, default=200, help="look-ups of each kind")
    parser.add_argument(
        "--processor-time", action="store_true", help="leave out what other programs take, on a busy machine"
    )
    parser.add_argument("--keep-indexes", action="store_true", help="measure over those of a run before")
    options = parser.parse_args()
    table = Table("what", "measured", "floor", "ratio", "aim")
    clock = time.thread_time if options.processor_time else time.perf_counter
    for row in rows(options.papers, options.repeats, keeps_indexes=options.keep_indexes, clock=clock):
        table.add_row(*row)
    Console(width=180).print(table)


if __name__ == "__main__":
    main()
