"""Channels and their wishes in the database. Keeps the contract of `digests.ports.Subscriptions`."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, insert, select, update

from digests.errors import InputError, StoreError
from digests.model import Change, Channel, Schedule, Style, Subscription, Wish
from digests.schedule import Due, due_after_change, due_again, next_due
from digests.store import schema
from digests.store.engine import Database
from digests.store.unfinished import PAUSED, fail_what_is_due, give_up, reopen

log = logging.getLogger(__name__)

subscriptions, changes, deliveries = schema.subscriptions, schema.changes, schema.deliveries


@dataclass(frozen=True, slots=True)
class SqlSubscriptions:
    """Subscriptions in a database of any kind."""

    database: Database

    def keep(self, wanted: Sequence[Subscription], *, now: datetime) -> None:
        with self.database.write(alone="subscriptions") as connection:
            stored = {row.id: row for row in connection.execute(select(subscriptions))}
            kept = {_keep(connection, one, _row_of(one.channel, stored.values()), now) for one in wanted}
            gone = [
                row.id for row in stored.values() if row.from_settings and row.active and row.id not in kept
            ]
            for key in gone:
                connection.execute(
                    update(subscriptions).where(subscriptions.c.id == key).values(active=False)
                )

    def all(self) -> Sequence[Subscription]:
        active = select(subscriptions).where(subscriptions.c.active).order_by(subscriptions.c.id)
        with self.database.read() as connection:
            return readable(connection.execute(active).fetchall())

    def find(self, channel: Channel) -> Subscription | None:
        with self.database.read() as connection:
            row = connection.execute(_of(channel).limit(1)).first()
        return as_subscription(row) if row else None

    def change(
        self, channel: Channel, after: Subscription | None, *, by: str, now: datetime
    ) -> Change | None:
        with self.database.write(alone="subscriptions") as connection:
            return _change(connection, channel, after, by, now)

    def undo(self, change: int, *, by: str, now: datetime) -> Change | None:
        with self.database.write(alone="subscriptions") as connection:
            row = connection.execute(select(changes).where(changes.c.id == change)).first()
            if row is None:
                return None
            kept = connection.execute(
                select(subscriptions).where(subscriptions.c.id == row.subscription)
            ).one()
            if _written(kept) != row.after:
                return None
            before = _read(row.before, _channel(kept)) if row.before else None
            return _change(connection, _channel(kept), before, by, now)

    def stop(self, channel: Channel, reason: str) -> bool:
        with self.database.write(alone="subscriptions") as connection:
            row = connection.execute(_of(channel).limit(1)).first()
            if row is None or row.stopped:
                return False
            connection.execute(
                update(subscriptions).where(subscriptions.c.id == row.id).values(stopped=reason)
            )
            return True

    def start(self, channel: Channel, *, now: datetime) -> bool:
        with self.database.write(alone="subscriptions") as connection:
            row = connection.execute(_of(channel).limit(1)).first()
            if row is None or not row.stopped:
                return False
            coming = _coming(connection, row, as_subscription(row).schedule, now, awaits=False)
            connection.execute(
                update(subscriptions).where(subscriptions.c.id == row.id).values(stopped="", **coming)
            )
            return True

    def reckon(self, *, now: datetime) -> int:
        with self.database.write(alone="subscriptions") as connection:
            rows = connection.execute(select(subscriptions).where(*running())).fetchall()
            had = _had(connection, now)
            changed = [
                values for row in rows if (values := _reckoned(row, had.get(row.id, frozenset()), now))
            ]
            if changed:
                moved = update(subscriptions).where(subscriptions.c.id == bindparam("key"))
                connection.execute(
                    moved.values(next_due_at=bindparam("due"), next_edition=bindparam("edition")), changed
                )
        return len(changed)


LATELY = timedelta(days=3)
"""An edition that a channel had longer ago is on no date that can come again, whatever zone it moves to."""


def _had(
    connection: Connection, now: datetime, subscription: int | None = None
) -> dict[int, frozenset[date]]:
    """The editions that each channel already has a delivery of, lately or by a clock that was ahead."""
    query = select(deliveries.c.subscription, deliveries.c.edition).where(
        deliveries.c.edition >= (now - LATELY).date()
    )
    if subscription is not None:
        query = query.where(deliveries.c.subscription == subscription)
    had: dict[int, set[date]] = {}
    for row in connection.execute(query):
        had.setdefault(row.subscription, set()).add(row.edition)
    return {key: frozenset(editions) for key, editions in had.items()}


def _reckoned(row: Row[Any], had: frozenset[date], now: datetime) -> dict[str, Any] | None:
    """The row's next edition by the zones and the clock of now, where that is not what it says; None too for a row
    that cannot be read, which is for whoever delivers it to find out."""
    try:
        schedule = as_subscription(row).schedule
        edition = row.next_edition or next_due(schedule, row.next_due_at - timedelta(microseconds=1)).edition
        due = due_again(schedule, now, Due(edition, row.next_due_at), had)
    except StoreError:
        return None
    if (due.edition, due.at) == (row.next_edition, row.next_due_at):
        return None
    return {"key": row.id, "due": due.at, "edition": due.edition}


def _coming(
    connection: Connection, row: Row[Any] | None, schedule: Schedule, now: datetime, *, awaits: bool
) -> dict[str, Any]:
    """The columns that say what is due next, once a schedule has changed or runs again."""
    had = _had(connection, now, row.id).get(row.id, frozenset()) if row is not None else frozenset()
    today = now.astimezone(ZoneInfo(schedule.time_zone)).date()
    if row is not None and not awaits:  # What is of today comes all the same.
        give_up(connection, {row.id: today}, PAUSED, now)
        reopen(connection, row.id, today, now)
    by_us = row is not None and bool(row.active and row.stopped and not row.paused_by)
    still_today = by_us and row is not None and row.next_edition == today
    awaited = row.next_edition if row is not None and (awaits or still_today) else None
    due = due_after_change(schedule, now, awaited=awaited, had=had)
    coming = {"next_due_at": due.at, "next_edition": due.edition}
    return coming if awaits or by_us else {**coming, "runs_since": today}


def readable(rows: Iterable[Row[Any]]) -> list[Subscription]:
    """Those of the rows that can be read; one that cannot disturbs no other, and is a line in the log."""
    found = []
    for row in rows:
        try:
            found.append(as_subscription(row))
        except StoreError as error:
            log.error("%s", error)
    return found


def readable_or_stopped(
    connection: Connection, rows: Iterable[Row[Any]], now: datetime
) -> list[Subscription]:
    """The same; those that cannot be read are stopped, with the reason, so that they are not met again at every tick, and
    their owners are to be told of the edition that does not come."""
    found = []
    for row in rows:
        try:
            found.append(as_subscription(row))
        except StoreError as error:
            log.error("%s", error)
            stopped = update(subscriptions).where(subscriptions.c.id == row.id)
            connection.execute(stopped.values(stopped=str(error)))
            fail_what_is_due(connection, row, str(error), now)
    return found


def as_owned(row: Row[Any]) -> Subscription:
    """A subscription by its row; where that cannot be read, its channel and owner alone."""
    try:
        return as_subscription(row)
    except StoreError:
        return Subscription(_channel(row), id=row.id, stopped=row.stopped, owner=row.owner)


def running() -> tuple[ColumnElement[bool], ...]:
    """What holds for the subscriptions that get digests."""
    return subscriptions.c.active, subscriptions.c.paused_by == "", subscriptions.c.stopped == ""


def _of(channel: Channel, *, active: bool = True) -> Select[Any]:
    """A channel's rows, the one that names its workspace first; an empty workspace on either side matches any."""
    same = select(subscriptions).where(
        subscriptions.c.platform == channel.platform, subscriptions.c.channel == channel.channel
    )
    if active:
        same = same.where(subscriptions.c.active)
    if channel.workspace:
        same = same.where(subscriptions.c.workspace.in_((channel.workspace, "")))
    return same.order_by(subscriptions.c.active.desc(), subscriptions.c.workspace.desc(), subscriptions.c.id)


def _change(
    connection: Connection, channel: Channel, after: Subscription | None, by: str, now: datetime
) -> Change | None:
    row = connection.execute(_of(channel, active=False).limit(1)).first()
    before = as_subscription(row) if row is not None and row.active else None
    if before and before.from_settings and (after is None or _without_pause(before) != _without_pause(after)):
        raise InputError(
            "This channel's digest is set in the settings file; whoever runs Paperround can change it there."
        )
    after = after and replace(
        after, channel=_channel(row) if row is not None else channel, id=row.id if row is not None else 0,
        stopped="", from_settings=before.from_settings if before else False,
        owner=before.owner if before and (before.owner or before.from_settings) else after.owner,
    )  # fmt: skip
    if before == after:
        return None
    key = _write(connection, row, before, after, now)
    stored = replace(after, id=key) if after else None
    written = {"before": _json(before) if before else None, "after": _json(after) if after else None}
    (number,) = connection.execute(
        insert(changes).values(subscription=key, **written, by=by, at=now)
    ).inserted_primary_key or (0,)
    return Change(int(number), channel, before, stored, by, now)


def _write(
    connection: Connection,
    row: Row[Any] | None,
    before: Subscription | None,
    after: Subscription | None,
    now: datetime,
) -> int:
    """The number of the row that is now as `after`."""
    values: dict[str, Any] = (
        {"active": False} if after is None else {**_as_row(after), "active": True, "stopped": ""}
    )
    starts = after and (before is None or before.schedule != after.schedule or not before.running)
    if after and starts:
        values |= _coming(connection, row, after.schedule, now, awaits=bool(before and before.running))
    if row is not None:
        connection.execute(update(subscriptions).where(subscriptions.c.id == row.id).values(values))
        return int(row.id)
    (key,) = connection.execute(
        insert(subscriptions).values({**values, "from_settings": False})
    ).inserted_primary_key or (0,)
    return int(key)


def _without_pause(one: Subscription) -> tuple[Wish, Schedule]:
    return one.wish, one.schedule


def _json(one: Subscription) -> str:
    """What people can change, for the book of changes."""
    row = {
        name: value
        for name, value in _as_row(one).items()
        if name not in ("platform", "workspace", "channel", "owner")
    }
    return json.dumps(row, sort_keys=True)


def _written(row: Row[Any]) -> str | None:
    return _json(as_subscription(row)) if row.active else None


def _read(written: str, channel: Channel) -> Subscription:
    fields = SimpleNamespace(**json.loads(written))
    return _subscription(fields, channel)


def _row_of(channel: Channel, rows: Iterable[Row[Any]]) -> Row[Any] | None:
    """The row of a channel; one that names no workspace is meant too, or a channel would get two digests."""
    same = [row for row in rows if (row.platform, row.channel) == (channel.platform, channel.channel)]
    near = [row for row in same if row.workspace == "" or channel.workspace == ""]
    exact = (row for row in same if row.workspace == channel.workspace)
    return next(exact, next(iter(near), None))


def _keep(connection: Connection, one: Subscription, row: Row[Any] | None, now: datetime) -> int:
    """The number of the subscription, which is made or renewed where it is not yet so."""
    values = {**_as_row(one), "from_settings": True, "active": True, "stopped": ""}
    del values["paused_by"]  # Whoever paused it resumes it.
    if row is None:
        values |= _coming(connection, None, one.schedule, now, awaits=False)
        (key,) = connection.execute(insert(subscriptions).values(values)).inserted_primary_key or (0,)
        return int(key)
    if not row.active or row.stopped or [known.schedule for known in readable([row])] != [one.schedule]:
        awaits = bool(row.active and not row.stopped and not row.paused_by)
        values |= _coming(connection, row, one.schedule, now, awaits=awaits)
    connection.execute(update(subscriptions).where(subscriptions.c.id == row.id).values(values))
    return int(row.id)


def _as_row(one: Subscription) -> dict[str, Any]:
    wish, schedule = one.wish, one.schedule
    return {
        "platform": one.channel.platform,
        "workspace": one.channel.workspace,
        "channel": one.channel.channel,
        "domains": json.dumps(wish.domains),
        "keywords": json.dumps(wish.keywords),
        "muted": json.dumps(wish.muted),
        "top": wish.top,
        "min_score": wish.min_score,
        "style": wish.style,
        "at": schedule.at.isoformat(),
        "days": json.dumps(sorted(schedule.days)),
        "time_zone": schedule.time_zone,
        "paused_by": one.paused_by,
        "owner": one.owner,
    }


def _channel(row: Row[Any]) -> Channel:
    return Channel(row.platform, row.channel, row.workspace)


def as_subscription(row: Row[Any]) -> Subscription:
    """A row of the table, out of any query that has all of its columns. Raises StoreError for one that has no sense."""
    try:
        one = _subscription(row, _channel(row))
        ZoneInfo(one.schedule.time_zone)
        if not one.schedule.days & set(range(7)):
            raise ValueError("no day of the week")
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise StoreError(
            f"The settings of {_channel(row)} in the store cannot be read ({error}): subscribe the channel anew."
        ) from error
    return replace(one, id=row.id, stopped=row.stopped, from_settings=row.from_settings, owner=row.owner)


def _subscription(row: Any, channel: Channel) -> Subscription:
    """What people can change, out of a row or of what the book of changes kept."""
    wish = _wish(row.domains, row.keywords, row.muted, row.top, row.min_score, row.style)
    return Subscription(channel, wish, _schedule(row.at, row.days, row.time_zone), paused_by=row.paused_by)


MOST_REMEMBERED = 1024
"""Wishes and schedules that are read once: most channels have one of a few."""


@lru_cache(MOST_REMEMBERED)
def _wish(domains: str, keywords: str, muted: str, top: int, min_score: float | None, style: str) -> Wish:
    return Wish(
        domains=tuple(json.loads(domains)),
        keywords=tuple(json.loads(keywords)),
        muted=tuple(json.loads(muted)),
        top=top,
        min_score=min_score,
        style=Style(style),
    )


@lru_cache(MOST_REMEMBERED)
def _schedule(at: str, days: str, time_zone: str) -> Schedule:
    return Schedule(time.fromisoformat(at), frozenset(json.loads(days)), time_zone)
