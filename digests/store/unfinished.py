"""Deliveries that are not done, and giving them up so that nothing they did not show is lost."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
    update,
)

from digests.ports import WENT_OUT, DeliveryState, PageState
from digests.store import schema
from digests.store.engine import among, insert_new

deliveries, pages, shown = schema.deliveries, schema.pages, schema.shown

HELD = (DeliveryState.CLAIMED, DeliveryState.POSTING)
"""A process is at it, until its lease ends."""
PUT_OFF = (DeliveryState.WAITING, DeliveryState.UNKNOWN)
"""It waits for its hour."""
CAME = (DeliveryState.POSTED, DeliveryState.QUIET)
"""Its channel has it."""

TOLD = datetime(9999, 1, 1, tzinfo=UTC)
"""When its owner, who knows of it, is to be told next."""
PAUSED = "The digest was paused or stopped before this was done."


At = datetime | ColumnElement[Any]
"""An instant, or the parameter that will be one."""


def is_one_of(state: ColumnElement[Any], states: Iterable[str]) -> ColumnElement[bool]:
    """Not IN, whose list is written out anew at every call: these are in the ledger's commonest statements."""
    return or_(*(state == one for one in states))


def is_at_it(now: At, of: Any = deliveries) -> ColumnElement[bool]:
    """Whether a process is at a delivery."""
    return and_(is_one_of(of.c.state, HELD), of.c.lease_until > now)


def has_begun(of: Any = deliveries) -> ColumnElement[bool]:
    """Whether some of a delivery stands in its channel, or may. A page that is only to change is not of it yet."""
    went_out = exists().where(pages.c.delivery == of.c.id, is_one_of(pages.c.state, WENT_OUT))
    return went_out.correlate(of)  # Said, because it is asked in subqueries of subqueries too.


def is_in_the_way(now: At, of: Any = deliveries) -> ColumnElement[bool]:
    """Whether a delivery is to be finished before another edition of its channel begins: readers have seen some of it, or
    are just about to."""
    return and_(is_one_of(of.c.state, HELD + PUT_OFF), or_(is_at_it(now, of), has_begun(of)))


def given_up(reason: str) -> dict[str, Any]:
    """What a delivery's row says once it is given up: what it considered is considered again."""
    state = {"state": DeliveryState.FAILED, "reason": reason}
    return {**state, "lease_until": None, "next_try_at": None, "considered_to": None}


def reopen(connection: Connection, subscription: int, edition: date, now: datetime) -> None:
    """Let an edition that was given up with nothing in its channel be built and tried anew."""
    untouched = ~exists().where(pages.c.delivery == deliveries.c.id, pages.c.state != PageState.PLANNED)
    key = connection.execute(
        select(deliveries.c.id).where(
            deliveries.c.subscription == subscription,
            deliveries.c.edition == edition,
            deliveries.c.state == DeliveryState.FAILED,
            untouched,
        )
    ).scalar()
    if key is not None:
        anew = {
            "state": DeliveryState.WAITING,
            "next_try_at": now,
            "reason": "",
            "tell_at": case((deliveries.c.tell_at == TOLD, deliveries.c.tell_at)),
            "empty_because": "",
        }
        connection.execute(delete(pages).where(pages.c.delivery == key))
        connection.execute(
            update(deliveries).where(deliveries.c.id == key).values(**anew, failures=0, deaths=0)
        )


def take_back(connection: Connection, keys: Sequence[int], *, unknown_too: bool = False) -> None:
    """Papers on pages that never went out were not shown; with `unknown_too` neither were those of which nobody knows."""
    out = [state for state in WENT_OUT if not (unknown_too and state is PageState.POSTING)]
    never_went_out = select(pages.c.delivery, pages.c.number).where(
        pages.c.delivery.in_(keys), pages.c.state.not_in(out)
    )
    page = tuple_(shown.c.delivery, shown.c.page)
    connection.execute(delete(shown).where(shown.c.delivery.in_(keys), page.in_(never_went_out)))


_NOT_DONE = select(deliveries.c.id, deliveries.c.subscription, deliveries.c.edition).where(
    among(deliveries.c.subscription, "subscriptions"), is_one_of(deliveries.c.state, HELD + PUT_OFF)
)


def give_up(connection: Connection, before: Mapping[int, date], reason: str, now: datetime) -> set[int]:
    """Give up what is not done and nobody is at, of these subscriptions and of editions before these dates.

    The subscriptions of which another process has just taken such an edition all the same.
    """
    older = _before(connection, _NOT_DONE, before)
    if not older:
        return set()
    nobodys = _NOT_DONE.where(not_(is_at_it(now))).with_for_update(skip_locked=True)
    given = list(_before(connection, nobodys, before))
    connection.execute(update(deliveries).where(deliveries.c.id.in_(given)).values(**given_up(reason)))
    take_back(connection, given)
    return {subscription for key, subscription in older.items() if key not in given}


def fail_what_is_due(connection: Connection, row: Row[Any], reason: str, now: datetime) -> None:
    """What is begun or due of the subscription with this row has failed, unless a process is at it; its owner is to be told."""
    failed = {**given_up(reason), "tell_at": now if row.owner else None}
    nobodys = _NOT_DONE.where(not_(is_at_it(now))).with_for_update(skip_locked=True)
    begun = [one.id for one in connection.execute(nobodys, {"subscriptions": [row.id]})]
    if begun:
        connection.execute(update(deliveries).where(deliveries.c.id.in_(begun)).values(**failed))
        take_back(connection, begun)
    elif row.next_due_at <= now:
        edition = row.next_edition or row.next_due_at.date()
        new = {
            "subscription": row.id,
            "edition": edition,
            "due_at": row.next_due_at,
            "owner": "",
            "attempts": 0,
        }
        insert_new(connection, deliveries, {**new, **failed})


def _before(connection: Connection, found: Select[Any], before: Mapping[int, date]) -> dict[int, int]:
    """The subscriptions of those deliveries that are of editions before these dates."""
    rows = connection.execute(found, {"subscriptions": before})
    return {row.id: row.subscription for row in rows if row.edition < before[row.subscription]}


def never_came(connection: Connection, before: Mapping[int, date]) -> dict[int, date]:
    """The first of the editions before these dates that were given up with nothing in their channels, since one last came,
    and since somebody last subscribed or resumed the channel."""
    runs_since = schema.subscriptions.c.runs_since
    failed = (
        select(deliveries.c.subscription, deliveries.c.edition)
        .join(schema.subscriptions, schema.subscriptions.c.id == deliveries.c.subscription)
        .where(
            deliveries.c.subscription.in_(before),
            deliveries.c.state == DeliveryState.FAILED,
            deliveries.c.reason != PAUSED,
            or_(runs_since.is_(None), deliveries.c.edition >= runs_since),
            ~has_begun(),
        )
    )
    rows = [row for row in connection.execute(failed) if row.edition < before[row.subscription]]
    if not rows:
        return {}
    came = (
        select(deliveries.c.subscription, func.max(deliveries.c.edition).label("edition"))
        .where(
            deliveries.c.subscription.in_({row.subscription for row in rows}),
            or_(deliveries.c.state.in_(CAME), has_begun()),
        )
        .group_by(deliveries.c.subscription)
    )
    last = {row.subscription: row.edition for row in connection.execute(came)}
    first = dict[int, date]()
    for row in sorted(rows, key=lambda row: row.edition):
        if row.edition > last.get(row.subscription, date.min):
            first.setdefault(row.subscription, row.edition)
    return first
