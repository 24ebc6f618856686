"""Metrics in Prometheus' text format. Labels have few values, and none names a channel or a workspace."""

import os
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

from digests.ports import Store
from digests.ports.budget import BudgetLimit

_STARTED_AT = datetime.now(UTC)

MAX_SOURCES = 50
"""Sources with a label of their own."""

Sample = tuple[str, float]
"""Labels in braces, or nothing, and the value."""

Family = tuple[str, str, str, list[Sample]]
"""Name, kind, explanation and samples."""

MEMORY_FILE = Path("/proc/self/statm")
"""Linux tells the virtual and the resident memory of a process here, in pages."""


def collect_metrics(
    store: Store, source_names: Collection[str], now: datetime, limit: BudgetLimit | None = None
) -> str:
    """Return all metrics as text. All but the limits and those of the process come from the store.

    `source_names` and the `limit` of a day's reviews are those of the settings. Raises StoreError. Blocks.
    """
    return "".join(
        f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
        + "".join(f"{name}{labels} {value:.15g}\n" for labels, value in samples)
        for name, kind, text, samples in (*_list_families(store, source_names, now, limit), *_list_process())
    )


def _list_families(
    store: Store, source_names: Collection[str], now: datetime, limit: BudgetLimit | None
) -> Iterator[Family]:
    counts = store.metrics.collect(now=now)
    yield (
        "paperround_channels",
        "gauge",
        "Digests of channels.",
        [(f'{{state="{state}"}}', count) for state, count in counts.channels.items()],
    )
    yield (
        "paperround_unfinished_editions",
        "gauge",
        "Editions that were begun and are not finished.",
        [(f'{{state="{state}"}}', count) for state, count in counts.unfinished_editions.items()],
    )
    for name, text, value in (
        ("late_editions", "Editions over five minutes late.", counts.late_editions),
        ("pages_pending", "Pages of begun editions that were not sent.", counts.pending_pages),
        ("pages_in_doubt", "Pages that may have arrived.", counts.pages_in_doubt),
        ("messages_posted_24h", "Messages with papers posted in 24 hours.", counts.posted_messages),
    ):
        yield f"paperround_{name}", "gauge", text, [("", value)]
    waiting = store.review_queue.count_waiting()
    yield (
        "paperround_review_queue",
        "gauge",
        "Papers that wait for a review.",
        [(f'{{depth="{depth}"}}', count) for depth, count in waiting.items()],
    )
    today = now.astimezone(UTC).date()
    spending = store.budget.spending_on(today)
    yield "paperround_review_tokens_today", "gauge", "Tokens of the day (UTC).", [("", spending.tokens)]
    cost = spending.millionths / 1e6
    yield "paperround_review_cost_today", "gauge", "Cost of the day (UTC), in your currency.", [("", cost)]
    if limit and limit.tokens is not None:
        yield "paperround_review_tokens_limit", "gauge", "Most tokens of a day.", [("", limit.tokens)]
    if limit and limit.millionths is not None:
        most = limit.millionths / 1e6
        yield "paperround_review_cost_limit", "gauge", "Most cost of a day, in your currency.", [("", most)]
    if last_import := store.sources.last_import():
        text = "Last successful fetch of any source."
        yield "paperround_last_import_timestamp_seconds", "gauge", text, [("", last_import.timestamp())]
    states = {name: store.sources.load_state(name) for name in sorted(source_names)[:MAX_SOURCES]}
    yield (
        "paperround_source_last_success_timestamp_seconds",
        "gauge",
        "Last successful fetch.",
        [
            (_label_source(name), state.last_success.timestamp())
            for name, state in states.items()
            if state.last_success
        ],
    )
    yield (
        "paperround_source_failing",
        "gauge",
        "1 if the last fetch failed.",
        [(_label_source(name), bool(state.failure)) for name, state in states.items()],
    )


def _list_process() -> Iterator[Family]:
    """Yield the metrics of this process: its start, its processor time, and on Linux its memory."""
    started_at = _STARTED_AT.timestamp()
    yield "process_start_time_seconds", "gauge", "Start of this process.", [("", started_at)]
    yield "process_cpu_seconds_total", "counter", "Processor time of this process.", [("", process_time())]

    if memory := _read_memory():
        virtual, resident = memory
        yield "process_virtual_memory_bytes", "gauge", "Virtual memory of this process.", [("", virtual)]
        yield "process_resident_memory_bytes", "gauge", "Resident memory of this process.", [("", resident)]


def _read_memory() -> tuple[int, int] | None:
    """Return the virtual and the resident memory in bytes, None on a system without `MEMORY_FILE`."""
    try:
        virtual, resident, *_ = MEMORY_FILE.read_text(encoding="ascii").split()
    except OSError:
        return None
    page = os.sysconf("SC_PAGE_SIZE")
    return int(virtual) * page, int(resident) * page


def _label_source(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{source="{escaped}"}}'
