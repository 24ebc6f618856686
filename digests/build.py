"""A subscription and a day become a digest."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from digests import calendar
from digests.calendar import Silence
from digests.model import (
    REVIEWER,
    Condition,
    Digest,
    Heartbeat,
    LeftOut,
    Nothing,
    Pick,
    Selection,
    Subscription,
    Trouble,
)
from digests.pick import Rules, pick
from digests.ports import Store
from digests.schedule import due_at, newest_due

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


def build(
    subscription: Subscription, edition: date, *, store: Store, habits: Habits, now: datetime
) -> Digest:
    """The digest of one channel for one local day, out of what became known up to `now` since its last edition."""
    wish = subscription.wish
    to = store.papers.number_at(now)
    after = store.deliveries.considered_to(subscription, edition)
    if after is None:
        after = store.papers.number_at(now - habits.first_look_back)
    candidates = store.papers.candidates(after, to, texts=bool(wish.keywords or wish.muted))
    seen = store.deliveries.shown(subscription, after, to)
    selection = pick(candidates, wish, seen, edition, habits.rules)
    troubles = tuple(store.health.troubles(now - HEARD_OF))
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
        heartbeat=habits.heartbeat,
    )


def _silence(subscription: Subscription, edition: date, now: datetime) -> Silence | None:
    """Why arXiv has had nothing since the edition before this one, if that is so."""
    schedule = subscription.schedule
    before = newest_due(schedule, due_at(schedule, edition) - timedelta(seconds=1))
    return calendar.silence(min(before.at, now), now)


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
