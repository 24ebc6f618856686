"""A subscription and a day become a digest."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from digests import calendar
from digests.calendar import Silence
from digests.model import (
    REVIEWER,
    Condition,
    Digest,
    Heartbeat,
    Late,
    LeftOut,
    Nothing,
    Pick,
    Selection,
    Subscription,
    Trouble,
)
from digests.pick import Rules, pick
from digests.ports import Store
from digests.schedule import due_at, editions_between, newest_due, next_due

HEARD_OF = timedelta(days=1)
"""A report that is older says nothing of today: whoever made it may be gone from the settings."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What holds for every digest. `first_look_back` is how far a channel's first one reaches.

    Papers that came in longer ago than `stale_after` mean that a source is silent, not that the day is quiet.
    """

    rules: Rules = field(default_factory=Rules)
    first_look_back: timedelta = timedelta(days=3)
    stale_after: timedelta = timedelta(days=3)
    heartbeat: Heartbeat = Heartbeat.QUIET_DAYS


LATE_AFTER = timedelta(minutes=30)
"""What comes sooner after its hour came with it."""

MOST_MISSED = 400
"""Missed editions that are looked at: more than a year of them is told as so many."""


@dataclass(frozen=True, slots=True)
class Came:
    """How an edition comes: it was due at an instant (None: now), and those from `first_missed` on never came.

    `merged`: the papers of the missed ones are considered in this one.
    """

    due_at: datetime | None = None
    first_missed: date | None = None
    merged: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """The numbers of changes that an edition considers, over `after` and up to `to`, and what of them was shown.

    `passed_over` papers came in for missed editions and are left alone.
    """

    after: int
    to: int
    shown: frozenset[str]
    passed_over: int = 0


def window(
    subscription: Subscription, edition: date, *, store: Store, habits: Habits, now: datetime, came: Came
) -> Window:
    """What one edition considers, as `windows` says."""
    return windows([(subscription, edition, came)], store=store, habits=habits, now=now)[0]


def windows(
    editions: Sequence[tuple[Subscription, date, Came]], *, store: Store, habits: Habits, now: datetime
) -> list[Window]:
    """What each edition considers, in their order: all that became known up to `now` since the last edition that was not given up.

    Changes are numbered, so that what came in late for an earlier day, or while nobody was running, lies behind the
    last edition and is in this window: by default a missed edition loses no paper, it only makes the choice larger.
    Where the missed ones are not merged, the window begins at the hour of the edition before this one, and what lies
    before that is counted, so that the digest can say what it passed over.
    """
    number_at = cache(store.papers.number_at)  # Most channels ask for the same instants.
    to = number_at(now)
    pasts = store.deliveries.pasts([(subscription, edition) for subscription, edition, _ in editions])
    begins = list[tuple[int, int]]()
    for (subscription, edition, came), past in zip(editions, pasts, strict=True):
        after = past.considered_to
        if after is None:  # Where the first ones were given up, what they considered is considered again.
            after = number_at(min(past.first_due or now, now) - habits.first_look_back)
        passes_over = came.first_missed is not None and not came.merged
        before = number_at(_hour_before(subscription, edition, now)) if passes_over else after
        begins.append((after, max(after, before)))
    asked = [(one, begin, to) for (one, _, _), (_, begin) in zip(editions, begins, strict=True)]
    return [
        Window(begin, to, shown, _passed_over(after, begin, store))
        for (after, begin), shown in zip(begins, store.deliveries.shown_in(asked), strict=True)
    ]


def _hour_before(subscription: Subscription, edition: date, now: datetime) -> datetime:
    """When the edition before this one was due, at the latest now."""
    schedule = subscription.schedule
    return min(newest_due(schedule, due_at(schedule, edition) - timedelta(seconds=1)).at, now)


def _passed_over(after: int, begin: int, store: Store) -> int:
    return len(store.papers.candidates(after, begin, texts=False)) if begin > after else 0


def build(
    subscription: Subscription,
    edition: date,
    *,
    store: Store,
    habits: Habits,
    now: datetime,
    came: Came = Came(),
    view: Window | None = None,
) -> Digest:
    """The digest of one channel for one local day, out of what became known up to `now` since its last edition.

    Where the `view` is given, whatever was shown since is not looked at.
    """
    wish = subscription.wish
    view = view or window(subscription, edition, store=store, habits=habits, now=now, came=came)
    to = view.to
    candidates = store.papers.candidates(view.after, to, texts=bool(wish.keywords or wish.muted))
    selection = pick(candidates, wish, view.shown, edition, habits.rules)
    zone = ZoneInfo(subscription.schedule.time_zone)
    troubles = tuple(
        replace(one, since=one.since.astimezone(zone)) for one in store.health.troubles(now - HEARD_OF)
    )
    last_import = store.papers.last_import() if not selection.choices else None
    silence = _silence(subscription, edition, now) if not selection.considered else None
    return Digest(
        channel=subscription.channel,
        wish=wish,
        edition=edition,
        picks=_picks(selection, store),
        considered=selection.considered,
        left_out=selection.left_out,
        considered_to=to,
        nothing=_nothing(selection, troubles, silence, last_import, now, habits),
        last_import=last_import,
        scored=sum(candidate.score is not None for candidate in candidates),
        troubles=troubles,
        silence=silence,
        papers_again=_papers_again(subscription, silence) if silence else None,
        heartbeat=habits.heartbeat,
        late=_late(subscription, edition, came, view.passed_over, now),
    )


def _silence(subscription: Subscription, edition: date, now: datetime) -> Silence | None:
    """Why arXiv has had nothing since the edition before this one, if that is so."""
    return calendar.silence(_hour_before(subscription, edition, now), now)


def _papers_again(subscription: Subscription, silence: Silence) -> date:
    """The first edition in which the papers of arXiv's next announcement can be."""
    read_by = silence.next + calendar.LAG
    return next_due(subscription.schedule, read_by - timedelta(seconds=1)).edition


def _late(
    subscription: Subscription, edition: date, came: Came, passed_over: int, now: datetime
) -> Late | None:
    """What a reader is told of an edition that did not come at its hour, or of those before it that did not come."""
    if came.due_at is None or (now - came.due_at < LATE_AFTER and came.first_missed is None):
        return None
    is_late = now - came.due_at >= LATE_AFTER
    schedule = subscription.schedule
    missed = editions_between(schedule, came.first_missed, edition, MOST_MISSED) if came.first_missed else ()
    zone = ZoneInfo(schedule.time_zone)
    due = came.due_at.astimezone(zone) if is_late else None
    return Late(due, missed, None if came.merged else passed_over)


def _picks(selection: Selection, store: Store) -> tuple[Pick, ...]:
    scored = store.papers.get([choice.id for choice in selection.choices])
    return tuple(Pick(scored[choice.id], choice.reason) for choice in selection.choices)


def _nothing(
    selection: Selection,
    troubles: tuple[Condition, ...],
    silence: Silence | None,
    last_import: datetime | None,
    now: datetime,
    habits: Habits,
) -> Nothing | None:
    """A fault goes before a reason that is nobody's fault, and the calendar before a quiet day."""
    if selection.choices:
        return None
    reviewer = _reviewer_trouble(selection, troubles)
    if reviewer or selection.considered:
        return reviewer or _left_out(selection)
    kinds = {one.trouble for one in troubles}
    if Trouble.OUTAGE in kinds:
        return Nothing.OUTAGE
    if last_import is None:
        return Nothing.NO_PAPERS
    if last_import < now - habits.stale_after and calendar.silence(last_import, now) is None:
        return Nothing.STALE
    if silence:
        return Nothing.NO_ANNOUNCEMENT
    return Nothing.STALE if Trouble.STALE in kinds else Nothing.QUIET


def _reviewer_trouble(selection: Selection, troubles: tuple[Condition, ...]) -> Nothing | None:
    """The reviewer's fault is one only where papers wait for it."""
    kept_out = LeftOut.NOT_SCORED in selection.left_out
    for one in troubles:
        if one.subject == REVIEWER and (kept_out or (one.waiting and not selection.considered)):
            spent = one.trouble is Trouble.BUDGET_SPENT
            return Nothing.BUDGET_SPENT if spent else Nothing.REVIEWER_DOWN
    return None


def _left_out(selection: Selection) -> Nothing:
    return Nothing.UNDER_THRESHOLD if LeftOut.UNDER_SCORE in selection.left_out else Nothing.NONE_WANTED
