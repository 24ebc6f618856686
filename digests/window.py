"""The window of changes that an edition considers: from its channel's last watermark up to now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from digests.empty import Lateness
from digests.ports import Store
from digests.schedule import previous_due_at
from digests.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Window:
    """Changes with a sequence number over `after_seq` and up to `to_seq`, that one included.

    `shown_papers` are the ids of papers in it that the channel has already been shown. `skipped_count` papers
    came in for missed editions that are not merged into this one; they lie before the window.
    """

    after_seq: int
    to_seq: int
    shown_papers: frozenset[str]
    skipped_count: int = 0


def compute_windows(
    editions: Sequence[tuple[Subscription, date, Lateness]],
    *,
    store: Store,
    first_lookback: timedelta,
    now: datetime,
) -> list[Window]:
    """Return the window of each edition, in the order of the argument.

    A window begins at the channel's last watermark and ends at `now`. It follows sequence numbers and not
    dates: a paper that came in late, or while no process was running, is in the next window. A digest that
    was given up has no watermark, so its papers are in the next window too. A missed edition therefore loses
    no paper; it only enlarges the choice.

    A channel without a watermark starts `first_lookback` before its first edition was due. If missed editions
    are not merged (`Lateness.is_merged`), the window starts at the due time of the edition before this one,
    and the papers before that are only counted.

    Reads the store a few times, however many editions there are. Raises StoreError.
    """
    sequence_at = cache(store.library.sequence_at)  # Most channels ask for the same instants.
    to_seq = sequence_at(now)
    previous_editions = store.delivery_reports.previous_editions(
        [(subscription, edition) for subscription, edition, _ in editions]
    )
    starts = list[tuple[int, int]]()
    for (subscription, edition, lateness), previous in zip(editions, previous_editions, strict=True):
        watermark = previous.watermark
        if watermark is None:  # A first edition that was given up leaves its papers to the next one.
            watermark = sequence_at(min(previous.first_due_at or now, now) - first_lookback)
        skips_missed = lateness.first_missed is not None and not lateness.is_merged
        earliest = (
            sequence_at(previous_due_at(subscription.schedule, edition, now)) if skips_missed else watermark
        )
        starts.append((watermark, max(watermark, earliest)))
    shown_requests = [
        (subscription, start, to_seq)
        for (subscription, _, _), (_, start) in zip(editions, starts, strict=True)
    ]
    return [
        Window(start, to_seq, shown, _count_candidates(watermark, start, store))
        for (watermark, start), shown in zip(
            starts, store.delivery_reports.shown_papers(shown_requests), strict=True
        )
    ]


def _count_candidates(after_seq: int, to_seq: int, store: Store) -> int:
    return len(store.library.candidates(after_seq, to_seq, with_text=False)) if to_seq > after_seq else 0
