"""Benchmarks of sources: a full day of arXiv's feed, a scan for injections, and a snapshot."""

import asyncio
import json
import random
import re
import sqlite3
import time
import tracemalloc
from contextlib import closing
from datetime import date
from pathlib import Path
from statistics import median

from lxml import etree

from bot.ingest.fetching import fetch_source
from digests.injections import flag_paper
from digests.sources.arxiv import rss
from digests.sources.snapshot import SnapshotSource
from digests.store import open_store
from tests.benchmarks.generated_papers import PaperGenerator
from tests.builders import NOW
from tests.fakes import arxiv_days
from tests.shared_data import FOLDER

RECORDS = 100_000
BATCH = 2000
SCANNED = 2_000
"""Papers that are scanned for injections, each once: an automaton remembers what it has seen."""

WORDS = [
    "model",
    "data",
    "learning",
    "network",
    "training",
    "attention",
    "graph",
    "policy",
    "reward",
    "token",
    "proof",
]


def rows(folder: Path, records: int = RECORDS) -> list[tuple[str, ...]]:
    """Return the rows of all measurements."""
    return [_feed(), _scan(), *_snapshot(folder, records)]


def _feed() -> tuple[str, ...]:
    """Measure the parsing of a full day's feed; floor: lxml parsing the same bytes into a tree."""
    real = FOLDER / "arxiv" / "rss_full_day_reconstructed.xml"
    day = date(2026, 11, 24)
    made = arxiv_days.render_rss(day, arxiv_days.announcements_of(day, 420), "cs.LG").encode()
    body = real.read_bytes() if real.exists() else made
    pairs = []
    for _ in range(30):
        begun = time.thread_time()
        feed = rss.parse_feed(body)
        between = time.thread_time()
        etree.fromstring(body)
        pairs.append((between - begun, time.thread_time() - between))
    ours, floor = (median(times) for times in zip(*pairs, strict=True))
    what = f"a day's feed of {feed.paper_count} papers, against the bare tree"
    return what, f"{ours * 1000:.1f} ms", f"{floor * 1000:.1f} ms", f"{ours / floor:.2f}", "<= 3"


def _scan() -> tuple[str, ...]:
    """Measure the scan of an import for injections; floor: `re` finding the words of the same texts."""
    papers = [paper for paper, _ in PaperGenerator().generate(SCANNED + SCANNED // 10)]
    for paper in papers[SCANNED:]:
        flag_paper(paper)  # Compiles the patterns.
    begun = time.thread_time()
    for paper in papers[:SCANNED]:
        flag_paper(paper)
    ours, begun = time.thread_time() - begun, time.thread_time()
    for paper in papers[:SCANNED]:
        re.findall(r"\w+", f"{paper.title} {paper.abstract}")
    floor = time.thread_time() - begun
    what = f"a paper scanned for injections, of {SCANNED:,}, against `re` finding its words"
    ratio = f"{ours / floor:.2f}"
    return what, f"{ours / SCANNED * 1e6:.0f} us", f"{floor / SCANNED * 1e6:.0f} us", ratio, "<= 12"


def _snapshot(folder: Path, records: int) -> list[tuple[str, ...]]:
    """Measure a snapshot from its file to the store; floor: sqlite3 inserting the same rows."""
    file = _lines(folder / "snapshot.json", records)
    store = open_store(f"sqlite:///{folder / 'snapshot.db'}")
    begun = time.perf_counter()
    fetched = asyncio.run(fetch_source(SnapshotSource(file), store, lambda: NOW))
    ours = time.perf_counter() - begun
    assert fetched.counts.new == records, fetched.to_sentence()
    floor = _bare(folder)
    what = f"snapshot of {records:,} records"
    rate = (
        what,
        f"{ours * 1000:,.0f} ms",
        f"{floor * 1000:,.0f} ms",
        f"{floor / ours:.2f}",
        ">= 0.6 of its rate",
    )
    return [rate, _memory(folder, file, min(records // 2, 100_000))]


def _memory(folder: Path, file: Path, records: int) -> tuple[str, ...]:
    """Measure Python's peak memory for some records; floor: for a fifth."""
    peaks = []
    for number in (records // 5, records):
        part = folder / f"part-{number}.json"
        with file.open() as lines, part.open("w") as out:
            out.writelines(line for line, _ in zip(lines, range(number), strict=False))
        store = open_store(f"sqlite:///{folder / f'part-{number}.db'}")
        tracemalloc.start()
        asyncio.run(fetch_source(SnapshotSource(part), store, lambda: NOW))
        peaks.append(tracemalloc.get_traced_memory()[1] / 1024**2)
        tracemalloc.stop()
    few, many = peaks
    return (
        f"memory for {records:,} records, against {records // 5:,}",
        f"{many:.1f} MB",
        f"{few:.1f} MB",
        f"{many / few:.2f}",
        "<= 1.2",
    )


def _lines(file: Path, records: int) -> Path:
    chance = random.Random(7)
    with file.open("w") as out:
        for number in range(records):
            record = {
                "id": f"{7 + number // 40_000 // 12:02}{number // 40_000 % 12 + 1:02}.{number % 40_000:05}",
                "title": " ".join(chance.choices(WORDS, k=9)),
                "abstract": " ".join(chance.choices(WORDS, k=150)),
                "categories": "cs.LG cs.CL",
                "comments": None,
                "versions": [{"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}],
                "update_date": "2007-05-23",
                "authors_parsed": [[f"Author{n}", "Ada", ""] for n in range(5)],
            }
            out.write(json.dumps(record) + "\n")
    return file


def _bare(folder: Path) -> float:
    """Return the seconds that inserting the same rows into a table with the same indexes takes."""
    with (
        closing(sqlite3.connect(folder / "snapshot.db")) as full,
        closing(sqlite3.connect(folder / "bare-snapshot.db")) as bare,
    ):
        for (statement,) in full.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'papers' AND sql IS NOT NULL ORDER BY type DESC"
        ).fetchall():
            bare.execute(statement)
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = NORMAL")
        bare.execute("PRAGMA cache_size = -65536")
        seconds = 0.0
        every = full.execute("SELECT * FROM papers ORDER BY id")
        while some := every.fetchmany(BATCH):
            marks = ", ".join("?" * len(some[0]))
            begun = time.perf_counter()
            bare.executemany(f"INSERT INTO papers VALUES ({marks})", some)
            bare.commit()
            seconds += time.perf_counter() - begun
        return seconds
