"""Cost against size: papers from a thousand on, channels from ten on, and what the slopes say of more.

Each size has a store and an index of its own. Costs are processor time, so that other programs on the machine
count little, and bytes on disk. `python -m tests.benchmarks.scale --plot docs/scale.svg` draws the picture of
docs/scale.md.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bot.delivery.context import DeliveryContext, DeliveryPolicy
from bot.delivery.worker import DeliveryWorker
from bot.platforms.slack.render import render
from bot.present.digest import present_digest
from digests.build import DigestPolicy, build
from digests.model import Paper, Review
from digests.ports import Store
from digests.search.index import SearchIndex
from digests.store import open_store
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.benchmarks.generated_papers import PaperGenerator
from tests.fakes.platform import MemoryPlatform, PostedPages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPERS = (1_000, 10_000, 100_000)
ALL_PAPERS = (*PAPERS, 1_000_000)
CHANNELS = (10, 100, 1_000)
ALL_CHANNELS = (*CHANNELS, 10_000)

FUTURE_PAPERS, FUTURE_CHANNELS = 10_000_000, 1_000_000
"""Sizes of which the table tells what the slopes say."""

NEW = 400
"""Papers of one day."""
BATCH = 1_000
CLAIMS = DeliveryPolicy().concurrency // 2
"""Deliveries of one batch of claims, of a worker with many in progress."""
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
OUTBOX = ("deliveries", "pages", "shown_papers", "posts", "post_papers")


@dataclass(frozen=True, slots=True)
class PaperCosts:
    """Costs of a number of papers: CPU seconds of the import, the index and one digest, and bytes on disk."""

    papers: int
    import_cpu: float
    index_cpu: float
    digest_cpu: float
    store_bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class ChannelCosts:
    """Costs of one edition of channels: CPU seconds of all and of a batch of claims, and the outbox."""

    channels: int
    delivery_cpu: float
    claim_cpu: float
    rows: int
    store_bytes: int


def measure_papers(count: int, folder: Path) -> PaperCosts:
    """Import papers, index them, and build a day's digest among them."""
    file, directory = folder / "papers.db", folder / "index"
    store = open_store(f"sqlite:///{file}")
    records = PaperGenerator().generate(count)
    import_cpu = _import(store, islice(records, count - NEW), NOW - timedelta(days=9))
    import_cpu += _import(store, records, NOW - timedelta(hours=2))
    begun = time.process_time()
    SearchIndex.open(directory).build(store.library, lambda done, total: None, anew=False)
    index_cpu = time.process_time() - begun
    digest_cpu = min(_build_digest(store) for _ in range(5))
    store.close()
    return PaperCosts(count, import_cpu, index_cpu, digest_cpu, _size(file), _size(directory))


def _import(store: Store, records: Iterator[tuple[Paper, Review]], now: datetime) -> float:
    """Import records, and return the CPU seconds without those of their generation."""
    seconds = 0.0
    while batch := list(islice(records, BATCH)):
        begun = time.process_time()
        store.library.add(batch, now=now)
        seconds += time.process_time() - begun
    return seconds


def _build_digest(store: Store) -> float:
    subscription = Subscription(Channel("slack", "C1"), Preferences(domains=("cs.LG", "cs.CL")))
    begun = time.process_time()
    digest = build(subscription, NOW.date(), store=store, policy=DigestPolicy(), now=NOW)
    render(present_digest(digest), DigestStyle.CARDS)
    return time.process_time() - begun


def _size(path: Path) -> int:
    """Return the bytes of a file or of all files of a folder."""
    return sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")))


def measure_channels(count: int, folder: Path) -> ChannelCosts:
    """Deliver one edition to channels on a platform in memory, and measure a batch of claims alone."""
    file = folder / "channels.db"
    store = open_store(f"sqlite:///{file}")
    store.library.add(list(PaperGenerator().generate(NEW)), now=NOW - timedelta(hours=2))
    store.sources.record_import(now=NOW - timedelta(hours=2))
    _subscribe(store, count)
    empty = _compact(file)
    begun = time.process_time()
    asyncio.run(_deliver(store))
    delivery_cpu = time.process_time() - begun
    rows = _count_rows(file)
    store_bytes = _compact(file) - empty
    store.close()
    return ChannelCosts(count, delivery_cpu, _measure_claims(count, folder / "claims.db"), rows, store_bytes)


def _measure_claims(count: int, file: Path) -> float:
    """Return the CPU seconds of a batch of claims: of the second one, if the channels are more than one."""
    store = open_store(f"sqlite:///{file}")
    _subscribe(store, count)
    seconds = 0.0
    for _ in range(2):
        begun = time.process_time()
        claims = store.outbox.claim_due(owner="bench", now=NOW, lease=timedelta(minutes=5), limit=CLAIMS)
        if claims:
            seconds = time.process_time() - begun
    store.close()
    return seconds


def _subscribe(store: Store, count: int) -> None:
    schedule = Schedule(days=frozenset(range(7)))
    subscriptions = [
        Subscription(Channel("console", f"C{n}", f"T{n % max(1, count // 20)}"), schedule=schedule)
        for n in range(count)
    ]
    store.subscriptions.sync_from_settings(subscriptions, now=NOW - timedelta(minutes=1))


async def _deliver(store: Store) -> None:
    context = DeliveryContext(
        store, {"console": MemoryPlatform(PostedPages())}, DigestPolicy(), "bench", lambda: NOW
    )
    worker = DeliveryWorker(context)
    worker.close(when_idle=True)
    await worker.run_until_closed()


def _count_rows(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in OUTBOX]
    return sum(count for (count,) in counts)


def _compact(file: Path) -> int:
    """Return the size of the file once its log is written back."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return _size(file)


def measure_all(
    papers: Sequence[int], channels: Sequence[int]
) -> tuple[list[PaperCosts], list[ChannelCosts]]:
    """Measure each size in a folder of its own, which is deleted after it."""
    of_papers, of_channels = [], []
    for count in papers:
        with tempfile.TemporaryDirectory() as folder:
            of_papers.append(measure_papers(count, Path(folder)))
    for count in channels:
        with tempfile.TemporaryDirectory() as folder:
            of_channels.append(measure_channels(count, Path(folder)))
    return of_papers, of_channels


def _list_rows(papers: Sequence[PaperCosts], channels: Sequence[ChannelCosts]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each cost: a size's, and what the slope between the two largest sizes says of more."""
    for what, unit, values in (
        ("import, CPU", "s", [(each.papers, each.import_cpu) for each in papers]),
        ("index, CPU", "s", [(each.papers, each.index_cpu) for each in papers]),
        ("a day's digest, CPU", "s", [(each.papers, each.digest_cpu) for each in papers]),
        ("papers in SQLite", "MB", [(each.papers, each.store_bytes / 1e6) for each in papers]),
        ("index", "MB", [(each.papers, each.index_bytes / 1e6) for each in papers]),
    ):
        yield what, *_format_costs(values, FUTURE_PAPERS, unit)
    for what, unit, values in (
        ("deliveries, CPU", "s", [(each.channels, each.delivery_cpu) for each in channels]),
        (f"a batch of {CLAIMS} claims, CPU", "s", [(each.channels, each.claim_cpu) for each in channels]),
        ("outbox, rows", "", [(each.channels, float(each.rows)) for each in channels]),
        ("outbox in SQLite", "MB", [(each.channels, each.store_bytes / 1e6) for each in channels]),
    ):
        yield what, *_format_costs(values, FUTURE_CHANNELS, unit)


def _format_costs(values: Sequence[tuple[int, float]], future: int, unit: str) -> tuple[str, ...]:
    measured = "; ".join(f"{size:,}: {cost:,.3g}" for size, cost in values)
    (size, cost), (more, most) = values[-2:]
    slope = (most - cost) / (more - size)
    return f"{measured} {unit}", f"{slope * 1e6:,.4g} {unit}", f"{most + slope * (future - more):,.3g} {unit}"


def save_plot(papers: Sequence[PaperCosts], channels: Sequence[ChannelCosts], file: Path) -> None:
    """Draw processor time and bytes against the number of papers, and against the number of channels."""
    # The figure is made without pyplot, which would look for a screen.
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    ink = "#7d8590"  # Readable on white and on black: the picture has no background of its own.
    inked = ("xtick.color", "ytick.color", "text.color", "axes.edgecolor", "axes.labelcolor")
    style: dict[Any, str] = {**dict.fromkeys(inked, ink), "svg.hashsalt": "scale"}
    with rc_context(style):
        figure = Figure(figsize=(9, 6.4), layout="constrained")
        ((of_papers, of_channels), (paper_bytes, channel_bytes)) = figure.subplots(2, 2)
        sizes = [each.papers for each in papers]
        _draw(of_papers, sizes, "import", [each.import_cpu for each in papers], "tab:blue")
        _draw(of_papers, sizes, "index", [each.index_cpu for each in papers], "tab:orange")
        _draw(of_papers, sizes, "a day's digest", [each.digest_cpu for each in papers], "tab:green")
        _draw(paper_bytes, sizes, "papers in SQLite", [each.store_bytes / 1e6 for each in papers], "tab:blue")
        _draw(paper_bytes, sizes, "index", [each.index_bytes / 1e6 for each in papers], "tab:orange")
        numbers = [each.channels for each in channels]
        _draw(of_channels, numbers, "one edition", [each.delivery_cpu for each in channels], "tab:red")
        _draw(
            of_channels,
            numbers,
            f"a batch of {CLAIMS} claims",
            [each.claim_cpu for each in channels],
            "tab:purple",
        )
        outbox = [each.store_bytes / 1e6 for each in channels]
        _draw(channel_bytes, numbers, "one edition in SQLite", outbox, "tab:red")
        of_papers.set_ylabel("processor time, seconds")
        paper_bytes.set_ylabel("disk, MB")
        paper_bytes.set_xlabel("papers")
        channel_bytes.set_xlabel("channels")
        for axes in (of_papers, of_channels, paper_bytes, channel_bytes):
            axes.patch.set_alpha(0)
            axes.grid(color=ink, alpha=0.25)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.7g}"))
                axis.set_minor_formatter(NullFormatter())
            axes.legend(frameon=False)
        figure.savefig(
            file, dpi=150, transparent=True, metadata={"Date": None} if file.suffix == ".svg" else None
        )


def _draw(axes: "Axes", sizes: Sequence[int], label: str, costs: Sequence[float], color: str) -> None:
    axes.loglog(sizes, costs, "o-", label=label, color=color)


def main() -> None:
    """Print the table of costs, and draw the picture."""
    parser = argparse.ArgumentParser(description="Measure costs against size.")
    parser.add_argument("--papers", type=int, nargs="+", default=PAPERS, metavar="N")
    parser.add_argument("--channels", type=int, nargs="+", default=CHANNELS, metavar="N")
    parser.add_argument("--all", action="store_true", help="up to a million papers and 10,000 channels")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a picture too")
    options = parser.parse_args()
    sizes = (ALL_PAPERS, ALL_CHANNELS) if options.all else (options.papers, options.channels)
    papers, channels = measure_all(*sizes)
    future = f"{FUTURE_PAPERS:,} papers, {FUTURE_CHANNELS:,} channels"
    table = Table("what", "measured", "slope, for a million more", future)
    for row in _list_rows(papers, channels):
        table.add_row(*row)
    Console(width=170).print(table)
    if options.plot:
        save_plot(papers, channels, options.plot)


if __name__ == "__main__":
    main()
