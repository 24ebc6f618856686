"""The ledger in the database. Keeps the contract of `digests.ports.Deliveries`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Row, and_, bindparam, delete, exists, func, literal, or_, select, update

from digests.errors import StoreError
from digests.model import Channel, Nothing, Subscription
from digests.ports import (
    SETTLED,
    Claim,
    Delivery,
    DeliveryState,
    PageState,
    Past,
    PlannedPage,
    Standing,
    Untold,
    Word,
)
from digests.store import claiming, schema
from digests.store import words as written
from digests.store.ahead import bring_back
from digests.store.engine import Database, among
from digests.store.pages import UNREADABLE, keep, page_rows, readable_pages
from digests.store.subscriptions import as_owned, as_subscription
from digests.store.unfinished import HELD, TOLD, given_up, take_back
from digests.store.words import change, this_page

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
            return claiming.claim(
                connection, subscription, edition, owner=owner, now=now, lease=lease, again=again
            )

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
        with self.database.write() as connection:
            return claiming.claim_due(
                connection,
                owner=owner,
                now=now,
                lease=lease,
                most=most,
                most_a_workspace=most_a_workspace or most,
                but_not=but_not,
            )

    def at_work(self, *, now: datetime) -> Collection[tuple[str, str, str]]:
        with self.database.read() as connection:
            rows = connection.execute(claiming.AT_WORK, {"now": now})
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

    def shown_in(self, windows: Sequence[tuple[Subscription, int, int]]) -> Sequence[frozenset[str]]:
        found: defaultdict[tuple[int, int, int], set[str]] = defaultdict(set)
        with self.database.read() as connection:
            for (after, to), keys in _grouped(((after, to), one.id) for one, after, to in windows).items():
                for row in connection.execute(_SHOWN, {"keys": keys, "after": after, "to": to}):
                    found[row.subscription, after, to].add(row.name)
        return [frozenset(found[one.id, after, to]) for one, after, to in windows]

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
            change(connection, claim, considered_to=considered_to, **no_more)
            connection.execute(delete(pages).where(pages.c.delivery == claim.id))
            keep(connection, [(claim, changed)])
        return replace(claim, pages=tuple(changed), nothing=None, quiet_until=None)

    def not_posted(self, claim: Claim, page: int) -> None:
        with self.database.write() as connection:
            change(connection, claim)
            connection.execute(this_page(claim, page).values(state=PageState.PLANNED))

    def finish(self, claim: Claim) -> None:
        with self.database.write() as connection:
            written.finish(connection, claim)

    def write(self, words: Sequence[Word]) -> None:
        with self.database.write() as connection:
            written.write(connection, words)

    def quiet(self, claim: Claim, *, looked_to: int, until: datetime, now: datetime) -> None:
        with self.database.write() as connection:
            change(
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
            change(
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
            once = func.coalesce(deliveries.c.tell_at, literal(now, schema.Instant)) if one.owner else None
            change(connection, claim, **given_up(reason), tell_at=once)
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

    def told(self, untold: Untold, *, again_at: datetime | None = None) -> None:
        its = update(deliveries).where(deliveries.c.id == untold.delivery)
        with self.database.write() as connection:
            connection.execute(its.values(tell_at=again_at or TOLD))

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
            its_pages = page_rows(connection, [row.id for row in rows])
        return [_delivery(row, subscription, its_pages[row.id]) for row in rows]

    def standings(self) -> Sequence[Standing]:
        # What a clock that was ahead has left is of a day to come.
        not_ahead = or_(
            schema.subscriptions.c.next_edition.is_(None),
            deliveries.c.edition <= schema.subscriptions.c.next_edition,
        )
        newest = (
            select(deliveries.c.subscription, func.max(deliveries.c.edition).label("edition"))
            .join(schema.subscriptions, schema.subscriptions.c.id == deliveries.c.subscription)
            .where(not_ahead)
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


def _delivery(row: Row[Any], subscription: Subscription, its_pages: Iterable[Row[Any]]) -> Delivery:
    state, reason = _state(row)
    return Delivery(
        subscription=subscription,
        edition=row.edition,
        state=state,
        attempts=row.attempts,
        reason=reason,
        next_try_at=row.next_try_at,
        pages=tuple(readable_pages(its_pages)),
        nothing=next((each for each in Nothing if each == row.empty_because), None),
    )
