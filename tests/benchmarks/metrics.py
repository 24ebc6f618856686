"""Time of /metrics over many channels with a month of editions: `python -m tests.benchmarks.metrics`."""

import argparse
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import insert, select

from bot.web.metrics import collect_metrics
from digests.store import open_store, schema
from digests.store.engine import open_database
from digests.subscription import Channel, Subscription

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAYS, PAGES_PER_EDITION = 30, 2
REPEATS = 15

AIM_MS = 100.0
"""Longest answer over 10,000 channels."""


def fill_store(url: str, channels: int) -> None:
    """Store channels, each with a posted edition a day; a tenth of today's is unfinished."""
    with closing(open_store(url)) as store:
        subscriptions = [Subscription(Channel("slack", f"C{n}", f"T{n % 500}")) for n in range(channels)]
        store.subscriptions.sync_from_settings(subscriptions, now=NOW)
    database = open_database(url)
    with database.write() as connection:
        ids = connection.execute(select(schema.subscriptions.c.id)).scalars().all()
        for day in range(DAYS):
            edition = NOW - timedelta(days=day)
            editions, pages, posts = [], [], []
            for number, subscription in enumerate(ids):
                key = day * channels + number + 1
                is_open = day == 0 and number % 10 == 0
                state = "retrying" if is_open else "posted"
                row = {"id": key, "subscription": subscription, "edition": edition.date(), "kind": "digest"}
                row |= {"state": state, "owner": "", "attempts": 1, "reason": "", "due_at": edition}
                editions.append(row)
                for page in range(PAGES_PER_EDITION):
                    name = f"{key} {page}"
                    pages.append(
                        {"delivery": key, "number": page, "idempotency_key": name, "payload": "x" * 3000}
                        | {"papers": "[]", "in_thread": False, "state": "planned" if is_open else "posted"}
                    )
                    posts.append(
                        {"platform": "slack", "workspace": "T", "channel": f"C{number}", "message_id": name}
                        | {"first_number": 1, "delivery": key, "page": page, "posted_at": edition}
                    )
            for table, rows in ((schema.deliveries, editions), (schema.pages, pages), (schema.posts, posts)):
                connection.execute(insert(table), rows)
    database.engine.dispose()


def measure_times(folder: Path, channels: int) -> list[float]:
    """Return the milliseconds of `REPEATS` answers over this many channels, the first one left out."""
    url = f"sqlite:///{folder / 'metrics.db'}"
    fill_store(url, channels)
    with closing(open_store(url)) as store:
        times = []
        for _ in range(REPEATS + 1):
            started_at = time.perf_counter()
            collect_metrics(store, (), NOW)
            times.append((time.perf_counter() - started_at) * 1e3)
    return times[1:]


def rows(folder: Path, channels: int) -> list[tuple[str, ...]]:
    """Return the row of the benchmarks' table. The floor is the aim."""
    measured = median(measure_times(folder, channels))
    what = f"/metrics over {channels:,} channels with a month of digests"
    return [(what, f"{measured:,.1f} ms", f"{AIM_MS:,.1f} ms", f"{measured / AIM_MS:.2f}", "<= 1")]


def main() -> None:
    """Print the median and the longest time of /metrics in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=10_000)
    channels = parser.parse_args().channels
    with tempfile.TemporaryDirectory() as folder:
        times = measure_times(Path(folder), channels)
    print(f"{channels:,} channels: median {median(times):.0f} ms, longest {max(times):.0f} ms")


if __name__ == "__main__":
    main()
