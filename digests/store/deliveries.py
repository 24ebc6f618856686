"""The ledger in the database. Keeps the contract of `digests.ports.Deliveries`."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from digests.errors import StoreError
from digests.model import Channel, Nothing, Subscription
from digests.ports import (
    SETTLED,
    SUSPECT,
    Claim,
    Delivery,
    DeliveryState,
    LeaseLostError,
    PageState,
    PlannedPage,
    Standing,
)
from digests.schedule import newest_due, next_due
from digests.store import schema
from digests.store.engine import Database, insert_new
from digests.store.marks import said_of, write_post
from digests.store.subscriptions import as_subscription, readable, running, stop_unreadable
from digests.store.unfinished import HELD, PUT_OFF, give_up, given_up, take_back

SUPERSEDED = "A newer edition came before this one was done."

deliveries, pages, shown, papers = schema.deliveries, schema.pages, schema.shown, schema.papers


@dataclass(frozen=True, slots=True)
class SqlDeliveries:
    """Deliveries in a database of any kind."""

    database: Database

    def claim(
        self, subscription: Subscription, edition: date, *, owner: str, now: datetime, lease: timedelta
    ) -> Claim | None:
        with self.database.write() as connection:
            row = _locked(connection, subscription, edition, now)
            if row is None:
                # Another may have begun it since: then there is a row, and it is taken.
                begun = {"subscription": subscription.id, "edition": edition, "attempts": 0, "reason": ""}
                free = {"state": DeliveryState.WAITING, "owner": owner, "next_try_at": now}
                came = _came(_subscription_row(connection, subscription), edition, now)
                insert_new(connection, deliveries, {**begun, **free, **came})
                row = _locked(connection, subscription, edition, now)
            _move_on(connection, subscription, now)
            if row is None or not row.is_free:
                return None
            give_up(connection, {subscription.id: edition}, SUPERSEDED, now)
            taken = update(deliveries).where(deliveries.c.id == row.id)
            connection.execute(taken.values(**_taken_again(owner, now + lease)))
            return _claim(row, subscription, owner, now + lease, _pages(connection, row.id))

    def claim_due(
        self,
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
        most: int,
        but_not: Collection[tuple[str, str]] = (),
    ) -> Sequence[Claim]:
        with self.database.write() as connection:
            claims = _claim_unfinished(connection, owner, now, lease, most, but_not)
            while len(claims) < most:
                rows = _due(connection, now, most - len(claims), but_not)
                if not rows:
                    break
                claims += _begin(connection, rows, owner, now, lease)
        return claims

    def considered_to(self, subscription: Subscription, before: date) -> int | None:
        newest = select(func.max(deliveries.c.considered_to)).where(
            deliveries.c.subscription == subscription.id, deliveries.c.edition < before
        )
        with self.database.read() as connection:
            number: int | None = connection.execute(newest).scalar()
            return number

    def first_due(self, subscription: Subscription, before: date) -> datetime | None:
        first = select(func.min(deliveries.c.due_at)).where(
            deliveries.c.subscription == subscription.id, deliveries.c.edition < before
        )
        with self.database.read() as connection:
            instant: datetime | None = connection.execute(first).scalar()
            return instant

    def shown(self, subscription: Subscription, after: int, to: int) -> frozenset[str]:
        query = (
            select(papers.c.name)
            .join(shown, shown.c.paper == papers.c.id)
            .where(shown.c.subscription == subscription.id, papers.c.known > after, papers.c.known <= to)
        )
        with self.database.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def plan(
        self,
        claim: Claim,
        planned: Sequence[PlannedPage],
        *,
        considered_to: int,
        nothing: Nothing | None = None,
    ) -> Claim:
        with self.database.write() as connection:
            _change(connection, claim, considered_to=considered_to, empty_because=nothing or "")
            if planned:
                connection.execute(insert(pages), _page_rows(connection, claim, planned))
            _show(connection, claim, planned)
        return replace(claim, pages=tuple(planned), nothing=nothing)

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
            connection.execute(insert(pages), _page_rows(connection, claim, changed))
            _show(connection, claim, changed)
        return replace(claim, pages=tuple(changed), nothing=None, quiet_until=None)

    def posting(self, claim: Claim, page: int, *, now: datetime, lease: timedelta) -> None:
        with self.database.write() as connection:
            _change(connection, claim, lease_until=now + lease, state=DeliveryState.POSTING)
            connection.execute(_page(claim, page).values(state=PageState.POSTING))

    def posted(self, claim: Claim, page: int, receipt: str | None, *, now: datetime) -> None:
        state = PageState.SKIPPED if receipt is None else PageState.POSTED
        with self.database.write() as connection:
            _change(connection, claim, failures=0)
            connection.execute(_page(claim, page).values(state=state, receipt=receipt, posted_at=now))
            if receipt is not None:
                _remember_post(connection, claim, page, receipt, now)

    def not_posted(self, claim: Claim, page: int) -> None:
        with self.database.write() as connection:
            _change(connection, claim)
            connection.execute(_page(claim, page).values(state=PageState.PLANNED))

    def finish(self, claim: Claim, *, now: datetime) -> None:
        with self.database.write() as connection:
            _change(connection, claim, state=DeliveryState.POSTED, reason="", lease_until=None)

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
            )

    def wait(self, claim: Claim, reason: str, *, until: datetime, failed: bool = True) -> None:
        with self.database.write() as connection:
            unknown = any(page.state is PageState.POSTING for page in _pages(connection, claim.id))
            _change(
                connection,
                claim,
                state=DeliveryState.UNKNOWN if unknown else DeliveryState.WAITING,
                reason=reason,
                next_try_at=until,
                lease_until=None,
                failures=deliveries.c.failures + int(failed),
            )

    def fail(self, claim: Claim, reason: str) -> None:
        with self.database.write() as connection:
            _change(connection, claim, **given_up(reason))
            take_back(connection, [claim.id])

    def history(self, subscription: Subscription, most: int) -> Sequence[Delivery]:
        newest = (
            select(deliveries)
            .where(deliveries.c.subscription == subscription.id)
            .order_by(deliveries.c.edition.desc())
            .limit(most)
        )
        with self.database.read() as connection:
            rows = connection.execute(newest).fetchall()
            return [_delivery(row, subscription, _pages(connection, row.id)) for row in rows]

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
        names = ("id", "edition", "state", "reason", "attempts", "next_try_at")
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
    unknown = numbers.get((last.id, PageState.POSTING), 0) if last.state not in HELD else 0
    return replace(
        standing,
        edition=last.edition,
        state=DeliveryState(last.state),
        reason=last.reason,
        attempts=last.attempts,
        next_try_at=last.next_try_at,
        posted=numbers.get((last.id, PageState.POSTED), 0),
        unknown=unknown + numbers.get((last.id, PageState.SKIPPED), 0),
    )


def _subscription_row(connection: Connection, subscription: Subscription) -> Row[Any] | None:
    table = schema.subscriptions
    return connection.execute(select(table).where(table.c.id == subscription.id)).first()


def _came(row: Row[Any] | None, edition: date, at: datetime) -> dict[str, Any]:
    """When an edition was to come, and the first before it that was awaited and never begun, by its subscription's row;
    `at` is its hour where that row awaited another."""
    awaited = row.next_edition if row is not None else None
    due = row.next_due_at if row is not None and awaited == edition else at
    return {"due_at": due, "first_missed": awaited if awaited and awaited < edition else None}


def _move_on(connection: Connection, subscription: Subscription, now: datetime) -> None:
    table = schema.subscriptions
    coming = next_due(subscription.schedule, now)
    connection.execute(
        update(table)
        .where(table.c.id == subscription.id, table.c.next_due_at <= now)
        .values(next_due_at=coming.at, next_edition=coming.edition)
    )


def _locked(
    connection: Connection, subscription: Subscription, edition: date, now: datetime
) -> Row[Any] | None:
    return connection.execute(
        select(deliveries, deliveries.c.id.label("delivery"), _is_free(now).label("is_free"))
        .where(deliveries.c.subscription == subscription.id, deliveries.c.edition == edition)
        .with_for_update(of=deliveries)
    ).first()


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(deliveries.c.state.in_(HELD), deliveries.c.lease_until <= now),
        and_(deliveries.c.state.in_(PUT_OFF), deliveries.c.next_try_at <= now),
        _came_late(now),
    )


def _came_late(now: datetime) -> ColumnElement[bool]:
    """Whether papers have come in, and settled, since it was said that there are none."""
    newest = (
        select(papers.c.known)
        .where(papers.c.known_at <= now - SETTLED)
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
        due_at=row.due_at,
        first_missed=row.first_missed,
    )


def _taken(owner: str, until: datetime) -> dict[str, Any]:
    return {"state": DeliveryState.CLAIMED, "owner": owner, "lease_until": until, "next_try_at": None}


def _taken_again(owner: str, until: datetime) -> dict[str, Any]:
    """One more try; that the last one was left in the middle counts as a failure."""
    left = case((deliveries.c.state.in_(HELD), 1), else_=0)
    again = {"attempts": deliveries.c.attempts + 1, "failures": deliveries.c.failures + left}
    return {**_taken(owner, until), **again}


def _claim_unfinished(
    connection: Connection,
    owner: str,
    now: datetime,
    lease: timedelta,
    most: int,
    but_not: Collection[tuple[str, str]],
) -> list[Claim]:
    """Take what waited for its hour, or what its owner left; rows that another is at are passed over."""
    table = schema.subscriptions
    # Asked of the few that may be free: joined, SQLite would begin with every subscription there is.
    wanted = exists().where(
        table.c.id == deliveries.c.subscription,
        *running(),
        *_none_of(but_not),
        table.c.next_due_at > now,  # Where a newer edition is due, that one takes this one's place.
    )
    rows = connection.execute(
        select(deliveries, deliveries.c.id.label("delivery"))
        .where(_is_free(now), wanted)
        .order_by(deliveries.c.failures, deliveries.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).fetchall()
    suspects = [row.delivery for row in rows if row.state in HELD and row.failures >= SUSPECT]
    rows = [row for row in rows if row.delivery not in suspects[1:]]
    if not rows:
        return []
    its = select(table).where(table.c.id.in_({row.subscription for row in rows}))
    subscriptions = connection.execute(its).fetchall()
    stop_unreadable(connection, subscriptions)
    due = {one.id: one for one in readable(subscriptions)}
    rows = [row for row in rows if row.subscription in due]
    keys = [row.delivery for row in rows]
    taken = update(deliveries).where(deliveries.c.id.in_(keys))
    connection.execute(taken.values(**_taken_again(owner, now + lease)))
    found = _pages_of(connection, keys)
    return [_claim(row, due[row.subscription], owner, now + lease, found[row.delivery]) for row in rows]


def _due(
    connection: Connection, now: datetime, most: int, but_not: Collection[tuple[str, str]]
) -> Sequence[Row[Any]]:
    """Subscriptions whose hour has come. Nobody else begins an edition of theirs until the transaction ends."""
    table = schema.subscriptions
    return connection.execute(
        select(table)
        .where(*running(), *_none_of(but_not), table.c.next_due_at <= now)
        .order_by(table.c.next_due_at, table.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).fetchall()


def _none_of(workspaces: Collection[tuple[str, str]]) -> list[ColumnElement[bool]]:
    table = schema.subscriptions
    return [tuple_(table.c.platform, table.c.workspace).not_in(workspaces)] if workspaces else []


def _begin(
    connection: Connection, rows: Sequence[Row[Any]], owner: str, now: datetime, lease: timedelta
) -> list[Claim]:
    """Begin the newest edition of each, and move each on to its next hour. One that was begun before is left alone."""
    stop_unreadable(connection, rows)
    due = readable(rows)
    if not due:
        return []
    of = {row.id: row for row in rows}
    newest = {one.id: newest_due(one.schedule, now) for one in due}
    editions = {key: each.edition for key, each in newest.items()}
    _move_all_on(connection, due, now)
    begun = _keys(connection, editions)
    new = [one for one in due if one.id not in begun]
    if not new:
        return []
    give_up(connection, {one.id: editions[one.id] for one in new}, SUPERSEDED, now)
    came = {one.id: _came(of[one.id], editions[one.id], newest[one.id].at) for one in new}
    row = {"attempts": 1, "reason": "", **_taken(owner, now + lease)}
    connection.execute(
        insert(deliveries),
        [{"subscription": one.id, "edition": editions[one.id], **row, **came[one.id]} for one in new],
    )
    keys = _keys(connection, {one.id: editions[one.id] for one in new})
    return [Claim(keys[one.id], one, editions[one.id], owner, now + lease, 1, **came[one.id]) for one in new]


def _move_all_on(connection: Connection, due: Sequence[Subscription], now: datetime) -> None:
    table = schema.subscriptions
    moved = update(table).where(table.c.id == bindparam("key"))
    coming = [(one.id, next_due(one.schedule, now)) for one in due]
    connection.execute(
        moved.values(next_due_at=bindparam("due"), next_edition=bindparam("edition")),
        [{"key": key, "due": each.at, "edition": each.edition} for key, each in coming],
    )


def _keys(connection: Connection, editions: Mapping[int, date]) -> dict[int, int]:
    """The numbers of those deliveries that are there, by their subscriptions."""
    found = select(deliveries.c.id, deliveries.c.subscription, deliveries.c.edition).where(
        deliveries.c.subscription.in_(editions), deliveries.c.edition.in_(set(editions.values()))
    )
    return {
        row.subscription: row.id
        for row in connection.execute(found)
        if row.edition == editions[row.subscription]
    }


def _change(connection: Connection, claim: Claim, **values: Any) -> None:
    """Change a delivery that is still the claim's own."""
    ours = update(deliveries).where(
        deliveries.c.id == claim.id,
        deliveries.c.owner == claim.owner,
        deliveries.c.attempts == claim.attempts,
        # Not IN, whose list is written out anew at every call: this is the ledger's commonest statement.
        or_(*(deliveries.c.state == state for state in HELD)),
    )
    if connection.execute(ours.values(owner=claim.owner, **values)).rowcount != 1:
        raise LeaseLostError(
            f"{claim.subscription.channel}, {claim.edition}: another process has taken it over"
        )


def _remember_post(connection: Connection, claim: Claim, number: int, receipt: str, now: datetime) -> None:
    """So that a reaction on the message is known to mean its papers."""
    rows = connection.execute(
        select(pages.c.number, pages.c.papers, pages.c.said)
        .where(pages.c.delivery == claim.id, pages.c.number <= number)
        .order_by(pages.c.number)
    ).fetchall()
    *before, page = [tuple(json.loads(row.papers)) for row in rows]
    if not page:
        return
    said = {paper: tuple(told) for paper, told in json.loads(rows[-1].said or "{}").items() if told}
    post = write_post(
        connection,
        claim.subscription.channel,
        receipt,
        page,
        first_number=1 + sum(map(len, before)),
        posted_at=now,
        said=said,
        delivery=claim.id,
        page=number,
    )
    if post is not None and said_of(connection, page) != said:
        # What changed since it was planned was gone through before there was a message.
        mend = {"post": post, "due_at": now, "noticed": 0, "tries": 0, "said": "", "lost": False}
        insert_new(connection, schema.edits, mend)


def _page(claim: Claim, number: int) -> Update:
    return update(pages).where(pages.c.delivery == claim.id, pages.c.number == number)


def _show(connection: Connection, claim: Claim, planned: Sequence[PlannedPage]) -> None:
    """Write down what the channel has now had; the first edition in which it had a paper stays."""
    page_of = {paper: page.number for page in reversed(planned) for paper in page.papers}
    if not page_of:
        return
    subscription = claim.subscription.id
    had = select(shown.c.paper).where(shown.c.subscription == subscription)
    keys = select(papers.c.id, papers.c.name).where(papers.c.name.in_(page_of), papers.c.id.not_in(had))
    keys = keys.order_by(papers.c.id)  # As imports write them, or the two may wait for each other.
    rows = [
        {"subscription": subscription, "paper": row.id, "delivery": claim.id, "page": page_of[row.name]}
        for row in connection.execute(keys)
    ]
    if rows:
        connection.execute(insert(shown), rows)


def _page_rows(connection: Connection, claim: Claim, planned: Sequence[PlannedPage]) -> list[dict[str, Any]]:
    said = said_of(connection, [paper for page in planned for paper in page.papers])
    return [
        _page_row(claim, page) | {"said": json.dumps({paper: said.get(paper) for paper in page.papers})}
        for page in planned
    ]


def _page_row(claim: Claim, page: PlannedPage) -> dict[str, Any]:
    return {
        "delivery": claim.id,
        "number": page.number,
        "key": page.key,
        "payload": json.dumps(page.payload, ensure_ascii=False),
        "papers": json.dumps(page.papers),
        "in_thread": page.in_thread,
        "state": page.state,
        "receipt": page.receipt,
    }


def _pages(connection: Connection, delivery: int) -> tuple[PlannedPage, ...]:
    return _pages_of(connection, [delivery])[delivery]


def _pages_of(connection: Connection, keys: Sequence[int]) -> dict[int, tuple[PlannedPage, ...]]:
    found: dict[int, list[PlannedPage]] = {key: [] for key in keys}
    query = select(pages).where(pages.c.delivery.in_(keys)).order_by(pages.c.delivery, pages.c.number)
    for row in connection.execute(query):
        found[row.delivery].append(_planned(row))
    return {key: tuple(planned) for key, planned in found.items()}


def _planned(row: Row[Any]) -> PlannedPage:
    return PlannedPage(
        number=row.number,
        key=row.key,
        payload=json.loads(row.payload),
        papers=tuple(json.loads(row.papers)),
        in_thread=row.in_thread,
        state=PageState(row.state),
        receipt=row.receipt,
    )


def _delivery(row: Row[Any], subscription: Subscription, its_pages: tuple[PlannedPage, ...]) -> Delivery:
    return Delivery(
        subscription=subscription,
        edition=row.edition,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        reason=row.reason,
        next_try_at=row.next_try_at,
        pages=its_pages,
        nothing=Nothing(row.empty_because) if row.empty_because else None,
    )
