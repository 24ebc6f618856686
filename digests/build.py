"""A subscription and a day become a digest."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from digests.model import Digest, Nothing, Pick, Selection, Subscription
from digests.pick import Rules, pick
from digests.ports import Store


@dataclass(frozen=True, slots=True)
class Habits:
    """What holds for every digest. `first_look_back` is how far a channel's first one reaches.

    Papers that came in longer ago than `stale_after` mean that a source is silent, not that the day is quiet.
    """

    rules: Rules = field(default_factory=Rules)
    first_look_back: timedelta = timedelta(days=3)
    stale_after: timedelta = timedelta(days=3)


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
    last_import = store.papers.last_import() if not selection.choices else None
    return Digest(
        channel=subscription.channel,
        wish=wish,
        edition=edition,
        picks=_picks(selection, store),
        considered=selection.considered,
        left_out=selection.left_out,
        considered_to=to,
        nothing=_nothing(selection, last_import, now - habits.stale_after),
        last_import=last_import,
    )


def _picks(selection: Selection, store: Store) -> tuple[Pick, ...]:
    scored = store.papers.get([choice.id for choice in selection.choices])
    return tuple(Pick(scored[choice.id], choice.reason) for choice in selection.choices)


def _nothing(selection: Selection, last_import: datetime | None, stale_before: datetime) -> Nothing | None:
    if selection.choices:
        return None
    if last_import is None:
        return Nothing.NO_PAPERS
    if selection.considered:
        return Nothing.NONE_WANTED
    return Nothing.STALE if last_import < stale_before else Nothing.QUIET
