"""A subscription and a day become a digest."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from digests import calendar
from digests.calendar import AnnouncementGap
from digests.model import (
    REVIEWER,
    Digest,
    EmptyReason,
    HealthReport,
    Heartbeat,
    LateNotice,
    LeftOut,
    Pick,
    Selection,
    Trouble,
)
from digests.pick import PickPolicy, pick
from digests.ports import Store
from digests.schedule import due_at, editions_between, newest_due_edition, next_due_edition
from digests.subscription import Subscription

MAX_REPORT_AGE = timedelta(days=1)
"""A report that is older says nothing of today: whoever made it may be gone from the settings."""


@dataclass(frozen=True, slots=True)
class DigestPolicy:
    """What holds for every digest. `first_look_back` is how far a channel's first one reaches.

    Papers that came in longer ago than `stale_after` mean that a source is silent, not that the day is quiet.
    """

    pick_policy: PickPolicy = field(default_factory=PickPolicy)
    first_lookback: timedelta = timedelta(days=3)
    stale_after: timedelta = timedelta(days=3)
    heartbeat: Heartbeat = Heartbeat.QUIET_DAYS


LATE_AFTER = timedelta(minutes=30)
"""What comes sooner after its hour came with it."""

MAX_MISSED_EDITIONS = 400
"""Missed editions that are looked at: more than a year of them is told as so many."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """How an edition comes: it was due at an instant (None: now), and those from `first_missed` on never came.

    `merged`: the papers of the missed ones are considered in this one.
    """

    due_at: datetime | None = None
    first_missed: date | None = None
    is_merged: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """The numbers of changes that an edition considers, over `after` and up to `to`, and what of them was shown.

    `passed_over` papers came in for missed editions and are left alone.
    """

    after_seq: int
    to_seq: int
    shown_papers: frozenset[str]
    skipped_count: int = 0


def compute_window(
    subscription: Subscription,
    edition: date,
    *,
    store: Store,
    policy: DigestPolicy,
    now: datetime,
    lateness: Lateness,
) -> Window:
    """What one edition considers, as `windows` says."""
    return compute_windows([(subscription, edition, lateness)], store=store, policy=policy, now=now)[0]


def compute_windows(
    editions: Sequence[tuple[Subscription, date, Lateness]],
    *,
    store: Store,
    policy: DigestPolicy,
    now: datetime,
) -> list[Window]:
    """What each edition considers, in their order: all that became known up to `now` since the last edition that was not given up.

    Changes are numbered, so that what came in late for an earlier day, or while nobody was running, lies behind the
    last edition and is in this window: by default a missed edition loses no paper, it only makes the choice larger.
    Where the missed ones are not merged, the window begins at the hour of the edition before this one, and what lies
    before that is counted, so that the digest can say what it passed over.
    """
    number_at = cache(store.library.sequence_at)  # Most channels ask for the same instants.
    to_seq = number_at(now)
    previous_editions = store.outbox.previous_editions(
        [(subscription, edition) for subscription, edition, _ in editions]
    )
    begins = list[tuple[int, int]]()
    for (subscription, edition, lateness), previous in zip(editions, previous_editions, strict=True):
        after = previous.watermark
        if after is None:  # Where the first ones were given up, what they considered is considered again.
            after = number_at(min(previous.first_due_at or now, now) - policy.first_lookback)
        passes_over = lateness.first_missed is not None and not lateness.is_merged
        before = number_at(_previous_due_at(subscription, edition, now)) if passes_over else after
        begins.append((after, max(after, before)))
    asked = [(one, begin, to_seq) for (one, _, _), (_, begin) in zip(editions, begins, strict=True)]
    return [
        Window(begin, to_seq, shown, _count_skipped(after, begin, store))
        for (after, begin), shown in zip(begins, store.outbox.shown_papers(asked), strict=True)
    ]


def _previous_due_at(subscription: Subscription, edition: date, now: datetime) -> datetime:
    """When the edition before this one was due, at the latest now."""
    schedule = subscription.schedule
    return min(newest_due_edition(schedule, due_at(schedule, edition) - timedelta(seconds=1)).at, now)


def _count_skipped(after_seq: int, to_seq: int, store: Store) -> int:
    return len(store.library.candidates(after_seq, to_seq, with_text=False)) if to_seq > after_seq else 0


def build(
    subscription: Subscription,
    edition: date,
    *,
    store: Store,
    policy: DigestPolicy,
    now: datetime,
    lateness: Lateness = Lateness(),
    edition_window: Window | None = None,
) -> Digest:
    """The digest of one channel for one local day, out of what became known up to `now` since its last edition.

    Where the `view` is given, whatever was shown since is not looked at.
    """
    wish = subscription.preferences
    edition_window = edition_window or compute_window(
        subscription, edition, store=store, policy=policy, now=now, lateness=lateness
    )
    to_seq = edition_window.to_seq
    candidates = store.library.candidates(
        edition_window.after_seq, to_seq, with_text=bool(wish.keywords or wish.muted)
    )
    selection = pick(candidates, wish, edition_window.shown_papers, edition, policy.pick_policy)
    zone = ZoneInfo(subscription.schedule.time_zone)
    troubles = tuple(
        replace(one, since=one.since.astimezone(zone)) for one in store.health.troubles(now - MAX_REPORT_AGE)
    )
    last_import = store.library.last_import() if not selection.choices else None
    gap = _find_announcement_gap(subscription, edition, now) if not selection.considered else None
    return Digest(
        channel=subscription.channel,
        preferences=wish,
        edition=edition,
        picks=_load_picks(selection, store),
        considered=selection.considered,
        left_out=selection.left_out,
        watermark=to_seq,
        empty_reason=_find_empty_reason(selection, troubles, gap, last_import, now, policy),
        last_import=last_import,
        scored=sum(candidate.score is not None for candidate in candidates),
        troubles=troubles,
        announcement_gap=gap,
        next_papers_edition=_next_papers_edition(subscription, gap) if gap else None,
        heartbeat=policy.heartbeat,
        late_notice=_make_late_notice(subscription, edition, lateness, edition_window.skipped_count, now),
    )


def _find_announcement_gap(
    subscription: Subscription, edition: date, now: datetime
) -> AnnouncementGap | None:
    """Why arXiv has had nothing since the edition before this one, if that is so."""
    return calendar.find_announcement_gap(_previous_due_at(subscription, edition, now), now)


def _next_papers_edition(subscription: Subscription, gap: AnnouncementGap) -> date:
    """The first edition in which the papers of arXiv's next announcement can be."""
    read_by = gap.next_at + calendar.ANNOUNCEMENT_LAG
    return next_due_edition(subscription.schedule, read_by - timedelta(seconds=1)).edition


def _make_late_notice(
    subscription: Subscription, edition: date, lateness: Lateness, skipped_count: int, now: datetime
) -> LateNotice | None:
    """What a reader is told of an edition that did not come at its hour, or of those before it that did not come."""
    if lateness.due_at is None or (now - lateness.due_at < LATE_AFTER and lateness.first_missed is None):
        return None
    is_late = now - lateness.due_at >= LATE_AFTER
    schedule = subscription.schedule
    missed = (
        editions_between(schedule, lateness.first_missed, edition, MAX_MISSED_EDITIONS)
        if lateness.first_missed
        else ()
    )
    zone = ZoneInfo(schedule.time_zone)
    due = lateness.due_at.astimezone(zone) if is_late else None
    return LateNotice(due, missed, None if lateness.is_merged else skipped_count)


def _load_picks(selection: Selection, store: Store) -> tuple[Pick, ...]:
    scored = store.library.get([choice.id for choice in selection.choices])
    return tuple(Pick(scored[choice.id], choice.reason) for choice in selection.choices)


def _find_empty_reason(
    selection: Selection,
    troubles: tuple[HealthReport, ...],
    gap: AnnouncementGap | None,
    last_import: datetime | None,
    now: datetime,
    policy: DigestPolicy,
) -> EmptyReason | None:
    """A fault goes before a reason that is nobody's fault, and the calendar before a quiet day."""
    if selection.choices:
        return None
    reviewer = _find_reviewer_reason(selection, troubles)
    if reviewer or selection.considered:
        return reviewer or _find_exclusion_reason(selection)
    kinds = {one.trouble for one in troubles}
    if Trouble.OUTAGE in kinds:
        return EmptyReason.OUTAGE
    if last_import is None:
        return EmptyReason.NO_PAPERS
    if last_import < now - policy.stale_after and calendar.find_announcement_gap(last_import, now) is None:
        return EmptyReason.STALE
    if gap:
        return EmptyReason.NO_ANNOUNCEMENT
    return EmptyReason.STALE if Trouble.STALE in kinds else EmptyReason.QUIET_DAY


def _find_reviewer_reason(selection: Selection, troubles: tuple[HealthReport, ...]) -> EmptyReason | None:
    """The reviewer's fault is one only where papers wait for it."""
    has_unscored = LeftOut.NOT_SCORED in selection.left_out
    for one in troubles:
        if one.subject == REVIEWER and (has_unscored or (one.waiting_count and not selection.considered)):
            spent = one.trouble is Trouble.BUDGET_SPENT
            return EmptyReason.BUDGET_SPENT if spent else EmptyReason.REVIEWER_DOWN
    return None


def _find_exclusion_reason(selection: Selection) -> EmptyReason:
    return EmptyReason.UNDER_THRESHOLD if LeftOut.UNDER_SCORE in selection.left_out else EmptyReason.NO_MATCH
