"""Benchmarks, run by `make bench`. Each figure is a ratio to a floor measured in the same run.

`make bench-all` measures the same with a million papers and 10,000 channels, and costs against size.
"""

import argparse
import gc
import io
import json
import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bot.cli.main import GC_THRESHOLD
from bot.platforms.slack.render import render
from bot.present.digest import present_digest
from digests.build import DigestPolicy, build
from digests.ports import Store
from digests.sources.reviews import ReviewFile
from digests.store import open_store
from digests.subscription import Channel, DigestStyle, Preferences, Subscription
from tests.benchmarks import (
    backup,
    discord,
    fair_use,
    fanout,
    hostile,
    metrics,
    recovery,
    reviewer,
    search,
    slack,
    sources,
    web,
    workspaces,
)

PAPERS = 50_000
NEW = 400
"""Papers of one day."""

BATCH = 1000
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
WORDS = [f"word{n}" for n in range(4000)]
DOMAINS = ["cs.LG", "cs.CV", "cs.CL", "cs.AI", "cs.RO"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of what is measured: records of a snapshot, papers that are searched, channels due at once."""

    records: int
    searched: int
    channels: int
    repeats: int


FEW = Sizes(records=100_000, searched=20_000, channels=2_000, repeats=20)
"""Five minutes on a quiet machine of two cores."""
MANY = Sizes(records=1_000_000, searched=1_000_000, channels=10_000, repeats=60)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure ratios to floors.")
    parser.add_argument("--all", action="store_true", help="a million papers and 10,000 channels")
    sizes = MANY if parser.parse_args().all else FEW
    gc.set_threshold(GC_THRESHOLD)  # As every command does.
    table = Table("what", "measured", "floor", "ratio", "aim")
    with tempfile.TemporaryDirectory() as folder:
        lines = _lines(Path(folder) / "papers.jsonl")
        store, importing = _import(Path(folder), lines)
        there = Path(folder) / "slack"
        there.mkdir()
        other = Path(folder) / "discord"
        other.mkdir()
        measured = (
            *_start_up(Path(folder)),
            importing,
            *_digests(Path(folder), store),
            *slack.rows(there),
            *discord.rows(other, store),
        )
        for row in (
            *measured,
            *sources.rows(Path(folder), sizes.records),
            *fanout.rows(sizes.channels),
            *workspaces.rows(),
            *_run_at_once(recovery.rows, partial(fair_use.rows, Path(folder) / "fair")),
            *reviewer.rows(there),
            *hostile.rows(),
            *metrics.rows(Path(folder), sizes.channels),
            *web.rows(Path(folder), sizes.channels),
            *search.rows(sizes.searched, sizes.repeats),
            # With a kept store of papers, which a shorter run does not have.
            *(backup.rows(Path(folder) / "backup", sizes.searched, search.FOLDER) if sizes is MANY else ()),
        ):
            table.add_row(*row)
    Console().print(table)


def _run_at_once(*benchmarks: Callable[[], list[tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """Run benchmarks that mostly wait, each in a process of its own, and return their rows in order."""
    with ProcessPoolExecutor(len(benchmarks), multiprocessing.get_context("spawn")) as processes:
        running = [processes.submit(measure) for measure in benchmarks]
        return [row for one in running for row in one.result()]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(what: str, measured: float, floor: float, aim: str, *, rate: bool = False) -> tuple[str, ...]:
    ratio = floor / measured if rate else measured / floor
    return what, f"{measured * 1000:,.1f} ms", f"{floor * 1000:,.1f} ms", f"{ratio:.2f}", aim


def _start_up(folder: Path) -> list[tuple[str, ...]]:
    """Measure two commands over an existing store; floor: the unavoidable imports of a preview alone."""
    place = folder / "start"
    place.mkdir()

    def run(*arguments: str) -> Callable[[], object]:
        command = [sys.executable, *arguments]
        return lambda: subprocess.run(command, cwd=place, check=True, capture_output=True, env=os.environ)

    preview, imports = run("-m", "bot", "preview"), run("-c", "import pydantic, sqlalchemy, rich")
    preview()
    commands = (preview, run("-m", "bot", "--help"), imports)
    rounds = [[_seconds(command) for command in commands] for _ in range(15)]
    ours, explained, floor = (median(times) for times in zip(*rounds, strict=True))
    return [
        _row("start-up of paperround preview", ours, floor, "<= 1.5"),
        _row("start-up of paperround --help", explained, floor, "<= 0.4"),
    ]


def _lines(file: Path) -> Path:
    chance = random.Random(7)
    with file.open("w") as out:
        for number in range(PAPERS):
            record = {
                "arxiv_id": f"{2001 + number // 50000:04}.{number % 50000:05}",
                "title": " ".join(chance.choices(WORDS, k=9)),
                "authors": [f"Ada Author{n}" for n in range(5)],
                "abstract": " ".join(chance.choices(WORDS, k=180)),
                "primary_category": chance.choice(DOMAINS),
                "categories": chance.sample(DOMAINS, 2),
                "published": "2026-11-20",
                "score": round(chance.uniform(0, 10), 1),
                "tldr": " ".join(chance.choices(WORDS, k=30)),
                "limitations": "(1) "
                + " ".join(chance.choices(WORDS, k=15))
                + " (2) "
                + " ".join(chance.choices(WORDS, k=15)),
                "model": "bench",
            }
            out.write(json.dumps(record) + "\n")
    return file


def _import(folder: Path, lines: Path) -> tuple[Store, tuple[str, ...]]:
    """Measure an import from a file; floor: sqlite3 inserting the same rows into the same tables."""
    store = open_store(f"sqlite:///{folder / 'store.db'}")

    def run() -> None:
        read = (
            record
            for record in ReviewFile(str(lines), NOW.date()).read_records()
            if isinstance(record, tuple)
        )
        for _ in range((PAPERS - NEW) // BATCH):
            store.library.add(list(islice(read, BATCH)), now=NOW - timedelta(days=9))
        store.library.add(list(islice(read, BATCH - NEW)), now=NOW - timedelta(days=9))
        store.library.add(list(read), now=NOW)
        store.sources.record_import(now=NOW)

    ours = _seconds(run)
    floor = _bare_import(folder)
    return store, _row(f"import of {PAPERS:,} papers", ours, floor, ">= 0.6 of its rate", rate=True)


def _bare_import(folder: Path) -> float:
    with (
        closing(sqlite3.connect(folder / "store.db")) as full,
        closing(sqlite3.connect(folder / "bare.db")) as bare,
    ):
        tables = ("papers", "reviews")
        for (statement,) in full.execute(
            "SELECT sql FROM sqlite_master "
            "WHERE tbl_name IN ('papers', 'reviews') AND sql IS NOT NULL ORDER BY type DESC"
        ).fetchall():
            bare.execute(statement)
        rows = {table: full.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = NORMAL")

        def insert_all() -> None:
            for start in range(0, PAPERS, BATCH):
                for table in tables:
                    some = rows[table][start : start + BATCH]
                    marks = ", ".join("?" * len(some[0]))
                    bare.executemany(f"INSERT INTO {table} VALUES ({marks})", some)
                bare.commit()

        return _seconds(insert_all)


def _digests(folder: Path, store: Store) -> list[tuple[str, ...]]:
    """Measure a digest of one day's papers, and one of all papers."""
    last = store.library.latest_sequence()
    return [
        _digest(
            folder,
            store,
            "digest of a day's papers out of",
            NOW,
            last - store.library.sequence_at(NOW - timedelta(days=3)),
        ),
        _digest(folder, store, "digest when every paper is new, of", NOW, last),
    ]


def _digest(folder: Path, store: Store, what: str, now: datetime, new: int) -> tuple[str, ...]:
    look_back = timedelta(days=3 if new < PAPERS else 30)
    subscription = Subscription(
        Channel("slack", "C1"), Preferences(domains=("vision", "cs.CL"), min_score=6.0)
    )
    policy = DigestPolicy(first_lookback=look_back)

    def ours() -> None:
        digest = build(subscription, now.date(), store=store, policy=policy, now=now)
        assert len(digest.picks) == 5
        pages = render(present_digest(digest), DigestStyle.CARDS)
        json.dumps([dict(page.payload) for page in pages])

    repeats = 40 if new < PAPERS else 5
    pairs = [(_seconds(ours), _bare_digest(folder, new)) for _ in range(repeats)]
    measured, floor = (median(times) for times in zip(*pairs, strict=True))
    return _row(f"{what} {PAPERS:,}, {new:,} new", measured, floor, "<= 3")


def _bare_digest(folder: Path, new: int) -> float:
    """Return the seconds of bare SQL over an open connection: all candidates, then the five best in full."""
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        (last,) = connection.execute("SELECT max(known_seq) FROM papers").fetchone()

        def ask() -> None:
            candidates = connection.execute(
                "SELECT name, score, rank, primary_category, categories, published, flagged FROM papers "
                "WHERE known_seq > ? AND known_seq <= ?",
                (last - new, last),
            ).fetchall()
            best = connection.execute(
                "SELECT p.*, r.* FROM papers p JOIN reviews r ON r.id = p.review "
                "WHERE p.known_seq > ? AND p.known_seq <= ? ORDER BY p.score DESC LIMIT 5",
                (last - new, last),
            ).fetchall()
            json.dump([candidates, best], io.StringIO())

        ask()
        return _seconds(ask)


if __name__ == "__main__":
    main()
