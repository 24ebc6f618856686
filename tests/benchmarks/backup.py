"""Backup of a store while digests go out: `python -m tests.benchmarks.backup --papers 100000`.

Another process makes the backup. Meanwhile one digest after another is delivered, and each is timed.
"""

import argparse
import asyncio
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from bot.delivery.context import DeliveryContext
from bot.delivery.deliver import deliver_edition
from digests.build import DigestPolicy
from digests.ports import Store
from digests.store import open_store
from digests.subscription import Channel, Preferences, Subscription
from tests.benchmarks.generated_papers import GeneratedStore, PaperGenerator
from tests.fakes.platform import MemoryPlatform, PostedPages

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CHANNELS, BEFORE = 2_000, 20
"""Channels that can get a digest meanwhile, and those that get one before, for comparison."""
BATCH, NEW = 1_000, 400
AIM_SECONDS = 60.0
"""No digest may be later than its minute."""

BACK_UP = "import sys, pathlib; from digests.store.backup import back_up_store; "
BACK_UP += "back_up_store(sys.argv[1], pathlib.Path(sys.argv[2]))"


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of the backup, of sqlite3's own copy, and of the slowest digest before and meanwhile."""

    backup: float
    bare_copy: float
    slowest_before: float
    slowest_meanwhile: float
    digests_meanwhile: int
    megabytes: float


def measure_backup(folder: Path, papers: int, kept_in: Path | None = None) -> Measured:
    """Fill a store in the folder and back it up while digests are delivered from it.

    With `kept_in`, its papers are those of the store that is kept there between runs.
    """
    file = folder / "papers.db"
    if kept_in:
        kept = GeneratedStore(kept_in, papers)
        kept.store.close()
        shutil.copyfile(kept.file, file)
    url = f"sqlite:///{file}"
    with closing(open_store(url)) as store:
        _fill(store, 0 if kept_in else papers)
        context = DeliveryContext(
            store, {"console": MemoryPlatform(PostedPages())}, DigestPolicy(), "bench", lambda: NOW
        )
        subscriptions = iter(store.subscriptions.list_active())
        before = [_deliver(each, context) for each in islice(subscriptions, BEFORE)]
        started_at = time.perf_counter()
        backup = subprocess.Popen([sys.executable, "-c", BACK_UP, url, str(folder / "a.backup")])
        meanwhile = []
        while backup.poll() is None and (subscription := next(subscriptions, None)):
            meanwhile.append(_deliver(subscription, context))
        if backup.wait():
            raise RuntimeError("the backup failed")
        taken = time.perf_counter() - started_at
    started_at = time.perf_counter()
    with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(folder / "bare.db")) as new:
        old.backup(new)
    bare = time.perf_counter() - started_at
    size = file.stat().st_size / 1e6
    return Measured(taken, bare, max(before), max(meanwhile), len(meanwhile), size)


def _fill(store: Store, papers: int) -> None:
    generated = PaperGenerator().generate(papers)
    while batch := list(islice(generated, BATCH)):
        day = timedelta(days=9)
        store.library.add(batch, now=NOW - day)
    store.library.add(list(PaperGenerator(8).generate(NEW)), now=NOW - timedelta(hours=2))
    store.sources.record_import(now=NOW - timedelta(hours=2))
    store.subscriptions.sync_from_settings(list(_list_subscriptions()), now=NOW - timedelta(minutes=1))


def _list_subscriptions() -> Iterator[Subscription]:
    for number in range(CHANNELS):
        yield Subscription(Channel("console", f"C{number}", f"T{number}"), Preferences(top=3))


def _deliver(subscription: Subscription, context: DeliveryContext) -> float:
    """Deliver today's edition and return the seconds that it took."""
    started_at = time.perf_counter()
    asyncio.run(deliver_edition(subscription, NOW.date(), context=context))
    return time.perf_counter() - started_at


def rows(folder: Path, papers: int, kept_in: Path | None = None) -> list[tuple[str, ...]]:
    """Return one row a figure, as `tests.benchmarks` prints them."""
    folder.mkdir()
    found = measure_backup(folder, papers, kept_in)
    slowest, copy = found.slowest_meanwhile, found.bare_copy
    what = f"backup of {papers:,} papers, {found.megabytes:,.0f} MB"
    return [
        (what, f"{found.backup:,.1f} s", f"{copy:,.1f} s", f"{found.backup / copy:.2f}", ""),
        (
            f"slowest of {found.digests_meanwhile:,} digests during it",
            f"{slowest:,.2f} s",
            f"{found.slowest_before:,.2f} s",
            f"{slowest / found.slowest_before:.2f}",
            f"<= {AIM_SECONDS:.0f} s",
        ),
    ]


def main() -> None:
    """Print the figures for a number of papers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=100_000)
    papers = parser.parse_args().papers
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder) / "backup", papers):
            print(*row, sep="   ")


if __name__ == "__main__":
    main()
