"""Who delivers which edition next: statements and rules behind `Deliveries.claim` and `claim_due`."""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    exists,
    not_,
    or_,
    select,
    update,
)

from digests.model import Nothing, Subscription
from digests.ports import SETTLED, SUSPECT, Claim, DeliveryState, PlannedPage
from digests.schedule import newest_due, next_due
from digests.store import schema
from digests.store.engine import among, insert_many, insert_new, update_many
from digests.store.pages import DAMAGE, UNREADABLE, page_rows, planned_page
from digests.store.subscriptions import readable_or_stopped, running
from digests.store.unfinished import (
    HELD,
    PUT_OFF,
    At,
    give_up,
    given_up,
    has_begun,
    is_at_it,
    is_in_the_way,
    is_one_of,
    never_came,
    reopen,
    take_back,
)

log = logging.getLogger(__name__)

deliveries, papers = schema.deliveries, schema.papers


def claim(
    connection: Connection,
    subscription: Subscription,
    edition: date,
    *,
    owner: str,
    now: datetime,
    lease: timedelta,
    again: bool,
) -> Claim | None:
    """Keeps the contract of `digests.ports.Deliveries.claim`."""
    if _is_blocked(connection, subscription.id, edition, now):
        return None
    if again:
        reopen(connection, subscription.id, edition, now)
    row = _locked(connection, subscription, edition, now)
    if row is None:
        # Another may have begun it since: then there is a row, and it is taken.
        begun = {"subscription": subscription.id, "edition": edition, "attempts": 0, "reason": ""}
        free = {"state": DeliveryState.WAITING, "owner": owner, "next_try_at": now}
        failed = never_came(connection, {subscription.id: edition}).get(subscription.id)
        came = _came(_subscription_row(connection, subscription), edition, now, failed)
        insert_new(connection, deliveries, {**begun, **free, **came})
        row = _locked(connection, subscription, edition, now)
    _move_on(connection, subscription, edition, now)
    if row is None or not row.is_free:
        return None
    if give_up(connection, {subscription.id: edition}, SUPERSEDED, now):
        return None  # Another process has just taken an older one; this one waits, and comes after it.
    taken = update(deliveries).where(deliveries.c.id == row.id)
    connection.execute(taken.values(**_taken_again(owner, now + lease)))
    claims = _claims(connection, [row], {subscription.id: subscription}, owner, now, lease)
    return claims[0] if claims else None


def claim_due(
    connection: Connection,
    *,
    owner: str,
    now: datetime,
    lease: timedelta,
    most: int,
    most_a_workspace: int,
    but_not: Collection[tuple[str, str]],
) -> list[Claim]:
    """Keeps the contract of `digests.ports.Deliveries.claim_due`."""
    blocked, room = set[int](), _Room(most_a_workspace, set(but_not))
    claims = _claim_unfinished(connection, _UNFINISHED, owner, now, lease, most, room)
    while len(claims) < most:
        rows = _due(connection, now, most - len(claims), room, blocked)
        if not rows:
            break
        claims += _begin(connection, rows, blocked, owner, now, lease)
    if not claims and not _is_at_work(connection, owner, now):
        claims = _claim_unfinished(connection, _UNFINISHED_SUSPECT, owner, now, lease, 1, room)
    return claims


SUPERSEDED = "A newer edition came before this one was done."
_OF_EDITIONS = select(deliveries.c.id, deliveries.c.subscription, deliveries.c.edition).where(
    among(deliveries.c.subscription, "keys"),
    deliveries.c.edition.between(bindparam("first"), bindparam("last")),
)


def _subscription_row(connection: Connection, subscription: Subscription) -> Row[Any] | None:
    table = schema.subscriptions
    return connection.execute(select(table).where(table.c.id == subscription.id)).first()


def _came(row: Row[Any] | None, edition: date, at: datetime, failed: date | None) -> dict[str, Any]:
    """When an edition was to come, and the first before it that never came: that was awaited and never begun, by its
    subscription's row, or that `failed`. `at` is its hour where that row awaited another."""
    awaited = row.next_edition if row is not None else None
    due = row.next_due_at if row is not None and awaited == edition else at
    missed = [one for one in (awaited, failed) if one and one < edition]
    return {"due_at": due, "first_missed": min(missed, default=None)}


def _move_on(connection: Connection, subscription: Subscription, edition: date, now: datetime) -> None:
    """Past an edition, be it before its hour, unless a later one is awaited."""
    table = schema.subscriptions
    coming = next_due(subscription.schedule, now)
    while coming.edition <= edition:
        coming = next_due(subscription.schedule, coming.at)
    passed = or_(table.c.next_edition.is_(None), table.c.next_edition <= edition)
    comes = or_(table.c.next_due_at <= now, table.c.next_edition == edition)
    connection.execute(
        update(table)
        .where(table.c.id == subscription.id, comes, passed)
        .values(next_due_at=coming.at, next_edition=coming.edition)
    )


def _locked(
    connection: Connection, subscription: Subscription, edition: date, now: datetime
) -> Row[Any] | None:
    return connection.execute(
        select(deliveries, deliveries.c.id.label("delivery"), _is_free(now, now - SETTLED).label("is_free"))
        .where(deliveries.c.subscription == subscription.id, deliveries.c.edition == edition)
        .with_for_update(of=deliveries)
    ).first()


def _is_blocked(connection: Connection, subscription: int, edition: date, now: datetime) -> bool:
    """Whether an older edition of the channel is to be finished first."""
    older = and_(deliveries.c.subscription == subscription, deliveries.c.edition < edition)
    return connection.execute(select(deliveries.c.id).where(older, is_in_the_way(now))).first() is not None


def _is_free(now: At, settled_at: At) -> ColumnElement[bool]:
    return or_(
        and_(is_one_of(deliveries.c.state, HELD), deliveries.c.lease_until <= now),
        and_(is_one_of(deliveries.c.state, PUT_OFF), deliveries.c.next_try_at <= now),
        _came_late(now, settled_at),
    )


def _came_late(now: At, settled_at: At) -> ColumnElement[bool]:
    """Whether papers have come in, and settled, since it was said that there are none."""
    newest = (
        select(papers.c.known)
        .where(papers.c.known_at <= settled_at)
        .order_by(papers.c.known_at.desc(), papers.c.known.desc())
        .limit(1)
        .scalar_subquery()
    )
    return and_(
        deliveries.c.state == DeliveryState.QUIET,
        deliveries.c.quiet_until > now,
        deliveries.c.next_try_at <= now,
        deliveries.c.looked_to < newest,
    )


def _claims(
    connection: Connection,
    rows: Sequence[Row[Any]],
    of: Mapping[int, Subscription],
    owner: str,
    now: datetime,
    lease: timedelta,
) -> list[Claim]:
    """The claims on deliveries that stood as these rows say. One that cannot be read is given up, and disturbs no other."""
    its_pages = page_rows(connection, [row.delivery for row in rows])
    claims = []
    for row in rows:
        subscription = of[row.subscription]
        try:
            planned = tuple(planned_page(page) for page in its_pages[row.delivery])
            claims.append(_claim(row, subscription, owner, now + lease, planned))
        except DAMAGE as error:
            reason = UNREADABLE.format(error)
            log.error("%s, %s: %s Given up.", subscription.channel, row.edition, reason)
            damaged = update(deliveries).where(deliveries.c.id == row.delivery)
            tell_at = now if subscription.owner else None
            connection.execute(damaged.values(**given_up(reason), tell_at=tell_at))
            take_back(connection, [row.delivery])
    return claims


def _claim(
    row: Row[Any], subscription: Subscription, owner: str, until: datetime, its_pages: tuple[PlannedPage, ...]
) -> Claim:
    """The claim on a delivery that stood as this row says."""
    return Claim(
        row.delivery,
        subscription,
        row.edition,
        owner,
        until,
        row.attempts + 1,
        its_pages,
        nothing=Nothing(row.empty_because) if row.empty_because else None,
        quiet_until=row.quiet_until,
        failures=row.failures + (row.state in HELD),
        deaths=row.deaths + (row.state in HELD),
        due_at=row.due_at,
        first_missed=row.first_missed,
    )


def _taken(owner: str, until: datetime) -> dict[str, Any]:
    return {"state": DeliveryState.CLAIMED, "owner": owner, "lease_until": until, "next_try_at": None}


def _taken_again(owner: str, until: datetime) -> dict[str, Any]:
    """One more try; that the last one was left in the middle counts as a failure."""
    left = case((is_one_of(deliveries.c.state, HELD), 1), else_=0)
    again = {"attempts": deliveries.c.attempts + 1, "failures": deliveries.c.failures + left}
    return {**_taken(owner, until), **again, "deaths": deliveries.c.deaths + left}


_SUSPECT = and_(is_one_of(deliveries.c.state, HELD), deliveries.c.deaths >= SUSPECT)
"""It may be what ends its process."""


def _unfinished(kind: ColumnElement[bool]) -> Select[Any]:
    """What waited for its hour, or what its owner left; rows that another is at are passed over."""
    table, other, now = schema.subscriptions, deliveries.alias(), _NOW
    # Asked of the few that may be free: joined, SQLite would begin with every subscription there is.
    wanted = exists().where(
        table.c.id == deliveries.c.subscription,
        *running(),
        _NOT_OF_THEM,
        # Where a newer edition is due, that one takes the place of one of which nobody has seen anything.
        or_(table.c.next_due_at > now, has_begun()),
    )
    its_own_turn = ~exists().where(
        other.c.subscription == deliveries.c.subscription, other.c.id != deliveries.c.id, is_at_it(now, other)
    )
    return (
        select(deliveries, deliveries.c.id.label("delivery"))
        .where(_is_free(now, bindparam("settled_at", type_=schema.Instant)), kind, wanted, its_own_turn)
        .order_by(deliveries.c.deaths, deliveries.c.failures, deliveries.c.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )


# Made once: SQLAlchemy takes longer to put such a statement together than the database to answer it.
_NOW = bindparam("now", type_=schema.Instant)
_WORKSPACE = schema.subscriptions.c.platform + " " + schema.subscriptions.c.workspace
_NOT_OF_THEM = not_(among(_WORKSPACE, "but_not"))
_UNFINISHED, _UNFINISHED_SUSPECT = _unfinished(not_(_SUSPECT)), _unfinished(_SUSPECT)


@dataclass(slots=True)
class _Room:
    """How much is taken of each workspace, at most so much; nothing of those that are full."""

    a_workspace: int
    full: set[tuple[str, str]]
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    def chosen(self, rows: Iterable[Row[Any]], most: int) -> list[int]:
        """The numbers of those of these subscriptions that there is room for, at most so many."""
        taken = Counter(self.taken)
        keys = list[int]()
        for row in rows:
            place = row.platform, row.workspace
            if len(keys) < most and place not in self.full and taken[place] < self.a_workspace:
                taken[place] += 1
                keys.append(row.id)
        return keys

    def took(self, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        """These, which are now taken."""
        self.taken.update((row.platform, row.workspace) for row in rows)
        self.full |= {place for place, many in self.taken.items() if many >= self.a_workspace}
        return rows


def _claim_unfinished(
    connection: Connection,
    unfinished: Select[Any],
    owner: str,
    now: datetime,
    lease: timedelta,
    most: int,
    room: _Room,
) -> list[Claim]:
    """Take these, at most so many."""
    claims = list[Claim]()
    while len(claims) < most:
        seen, some = _some_unfinished(connection, unfinished, owner, now, lease, most - len(claims), room)
        claims += some
        if seen == len(some):
            break
    return claims


def _some_unfinished(
    connection: Connection,
    unfinished: Select[Any],
    owner: str,
    now: datetime,
    lease: timedelta,
    most: int,
    room: _Room,
) -> tuple[int, list[Claim]]:
    """Those that there is room for of the first so many, and how many were looked at."""
    table = schema.subscriptions
    asked = {"now": now, "settled_at": now - SETTLED, "most": most, "but_not": _named(room.full)}
    rows = list(connection.execute(unfinished, asked))
    rows = list({row.subscription: row for row in reversed(rows)}.values())[::-1]
    if not rows:
        return 0, []
    seen = len(rows)
    its = select(table).where(table.c.id.in_({row.subscription for row in rows}))
    of = {row.id: row for row in connection.execute(its)}
    keys = room.chosen((of[row.subscription] for row in rows if row.subscription in of), most)
    due = {one.id: one for one in readable_or_stopped(connection, room.took([of[key] for key in keys]), now)}
    rows = [row for row in rows if row.subscription in due]
    keys = [row.delivery for row in rows]
    taken = update(deliveries).where(deliveries.c.id.in_(keys))
    connection.execute(taken.values(**_taken_again(owner, now + lease)))
    return seen, _claims(connection, rows, due, owner, now, lease)


AT_WORK = (
    select(schema.subscriptions.c.platform, schema.subscriptions.c.workspace, deliveries.c.owner)
    .join(deliveries, deliveries.c.subscription == schema.subscriptions.c.id)
    .where(is_at_it(_NOW))
    .distinct()
)


def _is_at_work(connection: Connection, owner: str, now: datetime) -> bool:
    its = select(deliveries.c.id).where(deliveries.c.owner == owner, is_at_it(now))
    return connection.execute(its.limit(1)).first() is not None


def _due(
    connection: Connection,
    now: datetime,
    most: int,
    room: _Room,
    blocked: set[int],
) -> Sequence[Row[Any]]:
    """Subscriptions whose hour has come, and of which nothing is to be finished first, but for those that are known to be
    blocked. Nobody else begins an edition of theirs until the transaction ends."""
    found, seen = list[Row[Any]](), set(blocked)
    while len(found) < most:
        asked = {"now": now, "most": most * LOOKED_AT, "but_not": _named(room.full), "blocked": sorted(seen)}
        keys = room.chosen(connection.execute(_DUE, asked), most - len(found))
        if not keys:
            break
        seen.update(keys)  # Those that another process has just locked are passed over.
        found += room.took(connection.execute(_DUE_OF_THESE, {"now": now, "keys": keys}).fetchall())
    return found


def _is_due() -> ColumnElement[bool]:
    table = schema.subscriptions
    # What is of a later date was begun by a clock that was ahead, and may wait for long.
    older = or_(table.c.next_edition.is_(None), deliveries.c.edition < table.c.next_edition)
    in_the_way = exists().where(deliveries.c.subscription == table.c.id, older, is_in_the_way(_NOW))
    return and_(*running(), table.c.next_due_at <= _NOW, ~in_the_way)


_OVERDUE_FIRST = schema.subscriptions.c.next_due_at, schema.subscriptions.c.id
_DUE = (
    select(schema.subscriptions.c.id, schema.subscriptions.c.platform, schema.subscriptions.c.workspace)
    .where(_is_due(), _NOT_OF_THEM, not_(among(schema.subscriptions.c.id, "blocked")))
    .order_by(*_OVERDUE_FIRST)
    .limit(bindparam("most", type_=Integer))
)
_DUE_OF_THESE = (
    select(schema.subscriptions)
    .where(_is_due(), among(schema.subscriptions.c.id, "keys"))
    .order_by(*_OVERDUE_FIRST)
    .with_for_update(skip_locked=True)
)
LOOKED_AT = 3
"""Times as many as are wanted: there is not room for all of them where a workspace has many channels."""


def _named(workspaces: Collection[tuple[str, str]]) -> list[str]:
    return [f"{platform} {workspace}" for platform, workspace in workspaces]


def _begin(
    connection: Connection,
    rows: Sequence[Row[Any]],
    blocked: set[int],
    owner: str,
    now: datetime,
    lease: timedelta,
) -> list[Claim]:
    """Begin the newest edition of each, and move each on to its next hour. One that was begun before is left alone, and so
    is a channel of which another process has just taken an older one, which is then among the `blocked`."""
    due = readable_or_stopped(connection, rows, now)
    if not due:
        return []
    of = {row.id: row for row in rows}
    newest_of = cache(lambda schedule: newest_due(schedule, now))  # Most channels have one of a few.
    newest = {one.id: newest_of(one.schedule) for one in due}
    editions = {key: each.edition for key, each in newest.items()}
    begun = _keys(connection, editions)
    blocked |= give_up(
        connection, {key: edition for key, edition in editions.items() if key not in begun}, SUPERSEDED, now
    )
    due = [one for one in due if one.id not in blocked]
    _move_all_on(connection, due, now)
    new = [one for one in due if one.id not in begun]
    if not new:
        return []
    failed = never_came(connection, {one.id: editions[one.id] for one in new})
    came = {one.id: _came(of[one.id], editions[one.id], newest[one.id].at, failed.get(one.id)) for one in new}
    row = {"attempts": 1, "reason": "", **_taken(owner, now + lease)}
    its = [{"subscription": one.id, "edition": editions[one.id], **row, **came[one.id]} for one in new]
    insert_many(connection, deliveries, its)
    keys = _keys(connection, {one.id: editions[one.id] for one in new})
    return [Claim(keys[one.id], one, editions[one.id], owner, now + lease, 1, **came[one.id]) for one in new]


def _move_all_on(connection: Connection, due: Sequence[Subscription], now: datetime) -> None:
    next_of = cache(lambda schedule: next_due(schedule, now))
    coming = [(one.id, next_of(one.schedule)) for one in due]
    moved = [{"key": key, "due": each.at, "to": each.edition} for key, each in coming]
    update_many(connection, _MOVES_ON, moved)


_MOVES_ON = (
    update(schema.subscriptions)
    .where(schema.subscriptions.c.id == bindparam("key"))
    .values(next_due_at=bindparam("due"), next_edition=bindparam("to"))
)


def _keys(connection: Connection, editions: Mapping[int, date]) -> dict[int, int]:
    """The numbers of those deliveries that are there, by their subscriptions."""
    asked = {"keys": editions, "first": min(editions.values()), "last": max(editions.values())}
    return {
        row.subscription: row.id
        for row in connection.execute(_OF_EDITIONS, asked)
        if row.edition == editions[row.subscription]
    }
