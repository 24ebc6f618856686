"""The ledger in the database. Keeps the contract of `digests.ports.Deliveries`."""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from digests.errors import StoreError
from digests.model import Channel, Nothing, Said, Subscription
from digests.ports import (
    SETTLED,
    SUSPECT,
    Begins,
    Claim,
    Delivery,
    DeliveryState,
    GoesOut,
    Landed,
    LeaseLostError,
    PageState,
    Past,
    Plan,
    PlannedPage,
    Standing,
    Untold,
    Word,
)
from digests.schedule import newest_due, next_due
from digests.store import schema
from digests.store.ahead import bring_back
from digests.store.engine import Database, among, insert_many, insert_new, update_many
from digests.store.marks import NewPost, said_of, write_posts
from digests.store.subscriptions import as_owned, as_subscription, readable_or_stopped, running
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

SUPERSEDED = "A newer edition came before this one was done."
UNREADABLE = "What the store keeps of it cannot be read ({})."

DAMAGE = (ValueError, TypeError, KeyError, AttributeError)
"""What comes of reading a row that something else than we wrote."""

deliveries, pages, shown, papers = schema.deliveries, schema.pages, schema.shown, schema.papers

_T = TypeVar("_T")

_PASTS = (
    select(
        deliveries.c.subscription,
        func.max(deliveries.c.considered_to).label("considered_to"),
        func.min(deliveries.c.due_at).label("first_due"),
    )
    .where(
        among(deliveries.c.subscription, "keys"),
        deliveries.c.edition < bindparam("before"),
    )
    .group_by(deliveries.c.subscription)
)
_SHOWN = (
    select(shown.c.subscription, papers.c.name)
    .join(papers, shown.c.paper == papers.c.id)
    .where(
        among(shown.c.subscription, "keys"),
        papers.c.known > bindparam("after"),
        papers.c.known <= bindparam("to"),
    )
)
_OF_EDITIONS = select(deliveries.c.id, deliveries.c.subscription, deliveries.c.edition).where(
    among(deliveries.c.subscription, "keys"),
    deliveries.c.edition.between(bindparam("first"), bindparam("last")),
)
_NUMBERS = select(papers.c.id, papers.c.name).where(among(papers.c.name, "names")).order_by(papers.c.id)


@dataclass(frozen=True, slots=True)
class SqlDeliveries:
    """Deliveries in a database of any kind."""

    database: Database

    def claim(
        self,
        subscription: Subscription,
        edition: date,
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
        again: bool = False,
    ) -> Claim | None:
        with self.database.write() as connection:
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
            give_up(connection, {subscription.id: edition}, SUPERSEDED, now)
            taken = update(deliveries).where(deliveries.c.id == row.id)
            connection.execute(taken.values(**_taken_again(owner, now + lease)))
            claims = _claims(connection, [row], {subscription.id: subscription}, owner, now, lease)
            return claims[0] if claims else None

    def claim_due(
        self,
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
        most: int,
        most_a_workspace: int | None = None,
        but_not: Collection[tuple[str, str]] = (),
    ) -> Sequence[Claim]:
        blocked, room = set[int](), _Room(most_a_workspace or most, set(but_not))
        with self.database.write() as connection:
            claims = _claim_unfinished(connection, _UNFINISHED, owner, now, lease, most, room)
            while len(claims) < most:
                rows = _due(connection, now, most - len(claims), room, blocked)
                if not rows:
                    break
                claims += _begin(connection, rows, blocked, owner, now, lease)
            if not claims and not _is_at_work(connection, owner, now):
                claims = _claim_unfinished(connection, _UNFINISHED_SUSPECT, owner, now, lease, 1, room)
        return claims

    def at_work(self, *, now: datetime) -> Collection[tuple[str, str, str]]:
        with self.database.read() as connection:
            rows = connection.execute(_AT_WORK, {"now": now})
            return {(row.platform, row.workspace, row.owner) for row in rows}

    def considered_to(self, subscription: Subscription, before: date) -> int | None:
        return self.pasts([(subscription, before)])[0].considered_to

    def pasts(self, editions: Sequence[tuple[Subscription, date]]) -> Sequence[Past]:
        found: dict[tuple[int, date], Past] = {}
        with self.database.read() as connection:
            for before, keys in _grouped((edition, one.id) for one, edition in editions).items():
                rows = connection.execute(_PASTS, {"keys": keys, "before": before})
                found |= {(row.subscription, before): Past(row.considered_to, row.first_due) for row in rows}
        return [found.get((one.id, edition), Past(None, None)) for one, edition in editions]

    def shown(self, subscription: Subscription, after: int, to: int) -> frozenset[str]:
        return self.shown_in([(subscription, after, to)])[0]

    def shown_in(self, windows: Sequence[tuple[Subscription, int, int]]) -> Sequence[frozenset[str]]:
        found: defaultdict[tuple[int, int, int], set[str]] = defaultdict(set)
        with self.database.read() as connection:
            for (after, to), keys in _grouped(((after, to), one.id) for one, after, to in windows).items():
                for row in connection.execute(_SHOWN, {"keys": keys, "after": after, "to": to}):
                    found[row.subscription, after, to].add(row.name)
        return [frozenset(found[one.id, after, to]) for one, after, to in windows]

    def plan(
        self,
        claim: Claim,
        planned: Sequence[PlannedPage],
        *,
        considered_to: int,
        nothing: Nothing | None = None,
    ) -> Claim:
        planned_claim = replace(claim, pages=tuple(planned), nothing=nothing)
        self.write([Plan(planned_claim, considered_to)])
        return planned_claim

    def plan_anew(self, claim: Claim, planned: Sequence[PlannedPage], *, considered_to: int) -> Claim:
        receipts = {page.number: page.receipt for page in claim.pages if page.receipt}
        changed = [
            replace(page, state=PageState.CHANGING, receipt=receipts[page.number])
            if page.number in receipts
            else page
            for page in planned
        ]
        no_more = {"empty_because": "", "quiet_until": None, "looked_to": None}
        with self.database.write() as connection:
            _change(connection, claim, considered_to=considered_to, **no_more)
            connection.execute(delete(pages).where(pages.c.delivery == claim.id))
            _keep(connection, [(claim, changed)])
        return replace(claim, pages=tuple(changed), nothing=None, quiet_until=None)

    def posting(self, claim: Claim, page: int, *, now: datetime, lease: timedelta) -> None:
        self.write([GoesOut(claim, page, now, lease)])

    def posted(self, claim: Claim, page: int, receipt: str | None, *, now: datetime) -> None:
        self.write([Landed(claim, page, receipt, now)])

    def not_posted(self, claim: Claim, page: int) -> None:
        with self.database.write() as connection:
            _change(connection, claim)
            connection.execute(_page(claim, page).values(state=PageState.PLANNED))

    def finish(self, claim: Claim, *, now: datetime) -> None:
        with self.database.write() as connection:
            _change_all(connection, _FINISHED, [claim])

    def write(self, words: Sequence[Word]) -> None:
        plans, begun, going, landed = list[Plan](), list[Begins](), list[GoesOut](), list[Landed]()
        for word in words:
            match word:
                case Plan():
                    plans.append(word)
                case Begins():
                    begun.append(word)
                case GoesOut():
                    going.append(word)
                case Landed():
                    landed.append(word)
        with self.database.write() as connection:
            _plan(connection, plans)
            _begin_to_post(connection, begun)
            _go_out(connection, going)
            _land(connection, landed)

    def quiet(self, claim: Claim, *, looked_to: int, until: datetime, now: datetime) -> None:
        with self.database.write() as connection:
            _change(
                connection,
                claim,
                state=DeliveryState.QUIET,
                reason=claim.nothing or "",
                lease_until=None,
                next_try_at=now + SETTLED,
                quiet_until=until,
                looked_to=looked_to,
                failures=0,
                deaths=0,
            )

    def wait(self, claim: Claim, reason: str, *, until: datetime, failed: bool = True) -> None:
        with self.database.write() as connection:
            may_have_gone_out = and_(pages.c.delivery == claim.id, pages.c.state == PageState.POSTING)
            unknown = connection.execute(select(exists().where(may_have_gone_out))).scalar()
            _change(
                connection,
                claim,
                state=DeliveryState.UNKNOWN if unknown else DeliveryState.WAITING,
                reason=reason,
                next_try_at=until,
                lease_until=None,
                failures=deliveries.c.failures + int(failed),
                deaths=0 if failed else deliveries.c.deaths,
            )

    def fail(
        self, claim: Claim, reason: str, *, now: datetime, stop: bool = False, unknown_is_lost: bool = False
    ) -> None:
        table, one = schema.subscriptions, claim.subscription
        with self.database.write() as connection:
            _change(connection, claim, **given_up(reason), tell_at=now if one.owner else None)
            take_back(connection, [claim.id], unknown_too=unknown_is_lost)
            if stop:
                runs = update(table).where(table.c.id == one.id, table.c.stopped == "")
                connection.execute(runs.values(stopped=reason))

    def untold(self, *, now: datetime, again: timedelta, most: int) -> Sequence[Untold]:
        table = schema.subscriptions
        waiting = (
            select(deliveries.c.id, deliveries.c.subscription, deliveries.c.edition, deliveries.c.reason)
            .where(deliveries.c.tell_at <= now)
            .order_by(deliveries.c.tell_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        with self.database.write() as connection:
            rows = connection.execute(waiting).fetchall()
            if not rows:
                return []
            its = select(table).where(table.c.id.in_({row.subscription for row in rows}))
            found = {row.id: as_owned(row) for row in connection.execute(its)}
            taken = update(deliveries).where(deliveries.c.id.in_([row.id for row in rows]))
            connection.execute(taken.values(tell_at=now + again))
        return [Untold(row.id, found[row.subscription], row.edition, row.reason) for row in rows]

    def told(self, untold: Untold) -> None:
        with self.database.write() as connection:
            connection.execute(
                update(deliveries).where(deliveries.c.id == untold.delivery).values(tell_at=None)
            )

    def bring_back(self, *, now: datetime, lease: timedelta) -> None:
        with self.database.write() as connection:
            bring_back(connection, now, lease)

    def history(self, subscription: Subscription, most: int) -> Sequence[Delivery]:
        newest = (
            select(deliveries)
            .where(deliveries.c.subscription == subscription.id)
            .order_by(deliveries.c.edition.desc())
            .limit(most)
        )
        with self.database.read() as connection:
            rows = connection.execute(newest).fetchall()
            its_pages = _page_rows(connection, [row.id for row in rows])
        return [_delivery(row, subscription, its_pages[row.id]) for row in rows]

    def standings(self) -> Sequence[Standing]:
        newest = (
            select(deliveries.c.subscription, func.max(deliveries.c.edition).label("edition"))
            .group_by(deliveries.c.subscription)
            .subquery()
        )
        last = newest.join(
            deliveries,
            and_(
                deliveries.c.subscription == newest.c.subscription, deliveries.c.edition == newest.c.edition
            ),
        )
        count = func.count().label("count")
        table = schema.subscriptions
        names = ("id", "edition", "state", "reason", "attempts", "next_try_at", "lease_until")
        with self.database.read() as connection:
            rows = connection.execute(select(table).where(table.c.active).order_by(table.c.id)).fetchall()
            of = select(deliveries.c.subscription, *(deliveries.c[name] for name in names)).select_from(last)
            ends = {row.subscription: row for row in connection.execute(of)}
            by_state = (
                select(pages.c.delivery, pages.c.state, count)
                .select_from(last.join(pages, pages.c.delivery == deliveries.c.id))
                .group_by(pages.c.delivery, pages.c.state)
            )
            numbers = {(row.delivery, row.state): row[2] for row in connection.execute(by_state)}
        return [_standing(row, ends.get(row.id), numbers) for row in rows]

    def counts(self, since: date) -> Mapping[DeliveryState, int]:
        query = (
            select(deliveries.c.state, func.count())
            .where(deliveries.c.edition >= since)
            .group_by(deliveries.c.state)
        )
        with self.database.read() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in DeliveryState}


def _standing(row: Row[Any], last: Row[Any] | None, numbers: Mapping[tuple[int, str], int]) -> Standing:
    channel = Channel(row.platform, row.channel, row.workspace)
    one, fault = None, ""
    try:
        one = as_subscription(row)
    except StoreError as error:
        fault = str(error)
    standing = Standing(channel, one, fault, row.next_edition, row.next_due_at)
    if last is None:
        return standing
    state, reason = _state(last)
    unknown = numbers.get((last.id, PageState.POSTING), 0) if last.state not in HELD else 0
    return replace(
        standing,
        edition=last.edition,
        state=state,
        reason=reason,
        attempts=last.attempts,
        next_try_at=last.next_try_at,
        posted=numbers.get((last.id, PageState.POSTED), 0),
        unknown=unknown + numbers.get((last.id, PageState.SKIPPED), 0),
        lease_until=last.lease_until,
    )


def _state(row: Row[Any]) -> tuple[DeliveryState, str]:
    """The state of a delivery, and the reason for it. One that has no sense is never claimed: it has failed."""
    try:
        return DeliveryState(row.state), row.reason
    except ValueError as error:
        return DeliveryState.FAILED, UNREADABLE.format(error)


def _grouped(pairs: Iterable[tuple[_T, int]]) -> dict[_T, list[int]]:
    """The keys that belong to the same thing."""
    found: defaultdict[_T, list[int]] = defaultdict(list)
    for what, key in pairs:
        found[what].append(key)
    return found


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
    its_pages = _page_rows(connection, [row.delivery for row in rows])
    claims = []
    for row in rows:
        subscription = of[row.subscription]
        try:
            planned = tuple(_planned(page) for page in its_pages[row.delivery])
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


_AT_WORK = (
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


def _ours() -> Update:
    """Changes deliveries that are still their claims' own."""
    return update(deliveries).where(
        deliveries.c.id == bindparam("its"),
        deliveries.c.owner == bindparam("ours"),
        deliveries.c.attempts == bindparam("try"),
        # Not IN, whose list is written out anew at every call: these are the ledger's commonest statements.
        or_(*(deliveries.c.state == state for state in HELD)),
    )


_PLANNED = _ours().values(considered_to=bindparam("considered"), empty_because=bindparam("because"))
_GOES_OUT = _ours().values(lease_until=bindparam("until"), state=DeliveryState.POSTING)
_BEGINS = _PLANNED.values(lease_until=bindparam("until"), state=DeliveryState.POSTING)
_LANDED = _ours().values(failures=0, deaths=0)
_FINISHED = _LANDED.values(state=DeliveryState.POSTED, reason="", lease_until=None)

_PAGE = update(pages).where(pages.c.delivery == bindparam("its"), pages.c.number == bindparam("page"))
_PAGE_GOES_OUT = _PAGE.values(state=PageState.POSTING)
_PAGE_LANDED = _PAGE.values(state=bindparam("now"), receipt=bindparam("at"), posted_at=bindparam("when"))


def _change_all(
    connection: Connection,
    change: Update,
    claims: Sequence[Claim],
    told: Sequence[dict[str, Any]] = (),
) -> None:
    """Change the deliveries of these claims, each by what is told of it. Raises LeaseLostError when one is lost."""
    if not claims:
        return
    keys = [_key(one) for one in claims]
    rows = [key | values for key, values in zip(keys, told, strict=True)] if told else keys
    _expect(update_many(connection, change, rows), claims)


def _key(claim: Claim) -> dict[str, Any]:
    return {"its": claim.id, "ours": claim.owner, "try": claim.attempts}


def _expect(changed: int, claims: Sequence[Claim]) -> None:
    if changed != len(claims):
        names = ", ".join(f"{one.subscription.channel}, {one.edition}" for one in claims)
        raise LeaseLostError(f"{names}: another process has taken {'it' if len(claims) == 1 else 'one'} over")


def _change(connection: Connection, claim: Claim, **values: Any) -> None:
    """Change a delivery that is still the claim's own."""
    change = _ours().values(owner=claim.owner, **values)
    _expect(connection.execute(change, _key(claim)).rowcount, [claim])


def _plan(connection: Connection, plans: Sequence[Plan]) -> None:
    _change_all(connection, _PLANNED, [one.claim for one in plans], [_told(one) for one in plans])
    _keep(connection, [(one.claim, one.claim.pages) for one in plans])


def _told(plan: Plan | Begins) -> dict[str, Any]:
    return {"considered": plan.considered_to, "because": plan.claim.nothing or ""}


def _begin_to_post(connection: Connection, begun: Sequence[Begins]) -> None:
    told = [_told(one) | {"until": one.now + one.lease} for one in begun]
    _change_all(connection, _BEGINS, [one.claim for one in begun], told)
    _keep(connection, [(one.claim, _first_goes_out(one.claim.pages)) for one in begun])


def _first_goes_out(planned: Sequence[PlannedPage]) -> list[PlannedPage]:
    return [replace(planned[0], state=PageState.POSTING), *planned[1:]]


def _go_out(connection: Connection, going: Sequence[GoesOut]) -> None:
    untils = [{"until": one.now + one.lease} for one in going]
    _change_all(connection, _GOES_OUT, [one.claim for one in going], untils)
    if going:
        update_many(connection, _PAGE_GOES_OUT, [{"its": one.claim.id, "page": one.page} for one in going])


def _land(connection: Connection, landed: Sequence[Landed]) -> None:
    if not landed:
        return
    _change_all(connection, _LANDED, [one.claim for one in landed if not one.last])
    _change_all(connection, _FINISHED, [one.claim for one in landed if one.last])
    update_many(connection, _PAGE_LANDED, [_landed_row(one) for one in landed])
    if told := [one for one in landed if one.receipt is not None]:
        _remember_posts(connection, told)


def _landed_row(landed: Landed) -> dict[str, Any]:
    state = PageState.SKIPPED if landed.receipt is None else PageState.POSTED
    key = {"its": landed.claim.id, "page": landed.page}
    return {**key, "now": state, "at": landed.receipt, "when": landed.now}


def _remember_posts(connection: Connection, landed: Sequence[Landed]) -> None:
    """So that a reaction on a message is known to mean its papers."""
    new = [post for one in landed if (post := _new_post(one)).papers]
    if not new:
        return
    keys = write_posts(connection, new)
    said = said_of(connection, sorted({paper for post in new for paper in post.papers}))
    for post in new:
        if post.place in keys and post.said != {paper: said[paper] for paper in post.papers if paper in said}:
            # What changed since it was planned was gone through before there was a message.
            mend = {"post": keys[post.place], "due_at": post.posted_at, "noticed": 0, "tries": 0}
            insert_new(connection, schema.edits, {**mend, "said": "", "lost": False})


def _new_post(landed: Landed) -> NewPost:
    its_pages = {page.number: page for page in landed.claim.pages}
    page = its_pages[landed.page]
    return NewPost(
        landed.claim.subscription.channel,
        landed.receipt or "",
        page.papers,
        first_number=1 + sum(len(one.papers) for one in its_pages.values() if one.number < page.number),
        posted_at=landed.now,
        said={paper: page.said[paper] for paper in page.papers if paper in page.said},
        delivery=landed.claim.id,
        page=landed.page,
    )


def _page(claim: Claim, number: int) -> Update:
    return update(pages).where(pages.c.delivery == claim.id, pages.c.number == number)


Planned = Sequence[tuple[Claim, Sequence[PlannedPage]]]


def _keep(connection: Connection, planned: Planned) -> None:
    """Write down the pages, and what the channels have now had."""
    if any(its_pages for _, its_pages in planned):
        _keep_pages(connection, planned)
        _show(connection, planned)


def _show(connection: Connection, planned: Planned) -> None:
    """Write down what the channels have now had; the first edition in which one had a paper stays."""
    page_of = [
        (claim, {paper: page.number for page in reversed(its_pages) for paper in page.papers})
        for claim, its_pages in planned
    ]
    names = {"names": sorted({paper for _, its_page in page_of for paper in its_page})}
    rows = [
        {
            "subscription": claim.subscription.id,
            "paper": row.id,
            "delivery": claim.id,
            "page": its_page[row.name],
        }
        # As imports write them, or the two may wait for each other.
        for row in connection.execute(_NUMBERS, names)
        for claim, its_page in page_of
        if row.name in its_page
    ]
    insert_many(connection, shown, rows, unless_known=True)


def _keep_pages(connection: Connection, planned: Planned) -> None:
    as_text: dict[int, dict[str, str]] = {}  # Channels that wish the same share their payloads.
    rows = [_page_row(claim, page, as_text) for claim, its_pages in planned for page in its_pages]
    insert_many(connection, pages, rows)


def _page_row(claim: Claim, page: PlannedPage, as_text: dict[int, dict[str, str]]) -> dict[str, Any]:
    if id(page.payload) not in as_text:
        as_text[id(page.payload)] = {
            "payload": json.dumps(page.payload, ensure_ascii=False),
            "papers": json.dumps(page.papers),
            "said": json.dumps({paper: page.said.get(paper) for paper in page.papers}),
        }
    return {
        "delivery": claim.id,
        "number": page.number,
        "key": page.key,
        "in_thread": page.in_thread,
        "state": page.state,
        "receipt": page.receipt,
        **as_text[id(page.payload)],
    }


def _page_rows(connection: Connection, keys: Sequence[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {key: [] for key in keys}
    query = select(pages).where(pages.c.delivery.in_(keys)).order_by(pages.c.delivery, pages.c.number)
    for row in connection.execute(query) if keys else ():
        found[row.delivery].append(row)
    return found


def _planned(row: Row[Any]) -> PlannedPage:
    """A page as it was planned. Raises one of `DAMAGE` for a row that has no sense."""
    return PlannedPage(
        number=row.number,
        key=row.key,
        payload=json.loads(row.payload),
        papers=tuple(json.loads(row.papers)),
        in_thread=row.in_thread,
        state=PageState(row.state),
        receipt=row.receipt,
        said={paper: Said(*told) for paper, told in json.loads(row.said or "{}").items() if told},
    )


def _readable_pages(rows: Iterable[Row[Any]]) -> Iterator[PlannedPage]:
    for row in rows:
        with suppress(*DAMAGE):
            yield _planned(row)


def _delivery(row: Row[Any], subscription: Subscription, its_pages: Iterable[Row[Any]]) -> Delivery:
    state, reason = _state(row)
    return Delivery(
        subscription=subscription,
        edition=row.edition,
        state=state,
        attempts=row.attempts,
        reason=reason,
        next_try_at=row.next_try_at,
        pages=tuple(_readable_pages(its_pages)),
        nothing=next((each for each in Nothing if each == row.empty_because), None),
    )
