"""Subscriptions in the database. Implements `digests.ports.subscriptions.Subscriptions`."""

import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, case, func, insert, select, update

from digests.errors import InputError, StoreError
from digests.schedule import (
    MAX_WEEKS,
    DueEdition,
    anchor_weeks,
    due_after_schedule_change,
    next_due_edition,
    recompute_next_due,
)
from digests.store import schema
from digests.store.engine import Database
from digests.store.outbox.conditions import is_digest
from digests.subscription import (
    MAX_DIGESTS_OF_CHANNEL,
    Channel,
    DigestStyle,
    MatchMode,
    Preferences,
    Schedule,
    Subscription,
    SubscriptionChange,
    UnscoredPapers,
    format_full_name,
)

log = logging.getLogger(__name__)

subscriptions, subscription_changes, deliveries = (
    schema.subscriptions,
    schema.subscription_changes,
    schema.deliveries,
)


@dataclass(frozen=True, slots=True)
class SqlSubscriptions:
    """Subscriptions in SQLite or PostgreSQL."""

    database: Database

    def sync_from_settings(self, wanted: Sequence[Subscription], *, now: datetime) -> None:
        with self.database.write(lock_name="subscriptions") as connection:
            stored = {row.id: row for row in connection.execute(select(subscriptions))}
            kept_ids = {
                _sync_subscription(connection, subscription, _find_row(subscription, stored.values()), now)
                for subscription in wanted
            }
            removed_ids = [
                row.id
                for row in stored.values()
                if row.is_from_settings and row.active and row.id not in kept_ids
            ]
            for key in removed_ids:
                connection.execute(
                    update(subscriptions).where(subscriptions.c.id == key).values(active=False)
                )

    def list_active(self) -> Sequence[Subscription]:
        active = select(subscriptions).where(subscriptions.c.active).order_by(subscriptions.c.id)
        with self.database.read() as connection:
            return readable_subscriptions_from_rows(connection.execute(active).fetchall())

    def find(self, channel: Channel, name: str = "") -> Subscription | None:
        with self.database.read() as connection:
            row = connection.execute(_select_digest_rows(channel, name).limit(1)).first()
        return subscription_from_row(row) if row else None

    def list_of_channel(self, channel: Channel) -> Sequence[Subscription]:
        with self.database.read() as connection:
            rows = connection.execute(_select_channel_rows(channel)).fetchall()
        first_rows = {row.name: row for row in reversed(rows)}
        return readable_subscriptions_from_rows(first_rows[name] for name in sorted(first_rows))

    def list_former(self) -> Sequence[Channel]:
        of_channel = [subscriptions.c[name] for name in ("platform", "workspace", "channel", "is_direct")]
        former = (
            select(*of_channel)
            .group_by(*of_channel)
            .having(func.max(case((subscriptions.c.active, 1), else_=0)) == 0)
            .order_by(func.min(subscriptions.c.id))
        )
        with self.database.read() as connection:
            return [_channel_from_row(row) for row in connection.execute(former)]

    def change(
        self,
        channel: Channel,
        after: Subscription | None,
        *,
        by: str,
        by_id: str = "",
        now: datetime,
        name: str = "",
    ) -> SubscriptionChange | None:
        with self.database.write(lock_name="subscriptions") as connection:
            row = _find_digest_row(connection, channel, name)
            before = subscription_from_row(row) if row is not None and row.active else None
            if after:
                old_schedule = before.schedule if before else None
                after = replace(after, schedule=anchor_weeks(after.schedule, old_schedule, now))
            return _apply_change(connection, channel, name, after, by, by_id, now)

    def undo(
        self, change_id: int, channel: Channel, *, by: str, by_id: str = "", now: datetime
    ) -> SubscriptionChange | None:
        with self.database.write(lock_name="subscriptions") as connection:
            row = connection.execute(
                select(subscription_changes).where(subscription_changes.c.id == change_id)
            ).first()
            if row is None:
                return None
            current_row = connection.execute(
                select(subscriptions).where(subscriptions.c.id == row.subscription)
            ).one()
            stored_channel = _channel_from_row(current_row)
            if not stored_channel.may_match(channel) or not _is_state(current_row, row.after):
                return None
            before = _subscription_from_json(row.before, current_row) if row.before else None
            return _apply_change(connection, stored_channel, current_row.name, before, by, by_id, now)

    def stop(self, channel: Channel, reason: str) -> int:
        with self.database.write(lock_name="subscriptions") as connection:
            rows = connection.execute(_select_channel_rows(channel)).fetchall()
            running_ids = [row.id for row in rows if not row.stop_reason]
            connection.execute(
                update(subscriptions).where(subscriptions.c.id.in_(running_ids)).values(stop_reason=reason)
            )
            return len(running_ids)

    def start(self, channel: Channel, *, now: datetime, by: str = "", by_id: str = "") -> int:
        with self.database.write(lock_name="subscriptions") as connection:
            rows = connection.execute(_select_channel_rows(channel)).fetchall()
            stopped_rows = {row.id: row for row in rows if row.stop_reason}
            readable = readable_subscriptions_from_rows(stopped_rows.values())
            if stopped_rows and not readable:
                subscription_from_row(next(iter(stopped_rows.values())))  # Raises.
            for subscription in readable:
                row = stopped_rows[subscription.id]
                next_due_values = _next_due_columns(
                    connection, row, subscription.schedule, now, was_running=False
                )
                connection.execute(
                    update(subscriptions)
                    .where(subscriptions.c.id == row.id)
                    .values(stop_reason="", **next_due_values)
                )
                if by:
                    state = _row_to_json(row)
                    record = insert(subscription_changes).values(
                        subscription=row.id, before=state, after=state, by=by, by_id=by_id, at=now
                    )
                    connection.execute(record)
            return len(readable)

    def recompute_next_due(self, *, now: datetime) -> int:
        with self.database.write(lock_name="subscriptions") as connection:
            rows = connection.execute(select(subscriptions).where(*running_conditions())).fetchall()
            recent_editions = _fetch_recent_editions(connection, now)
            changed = [
                values
                for row in rows
                if (values := _recompute_due(row, recent_editions.get(row.id, frozenset()), now))
            ]
            if changed:
                next_due_update = update(subscriptions).where(
                    subscriptions.c.id == bindparam("subscription_key")
                )
                connection.execute(
                    next_due_update.values(
                        next_due_at=bindparam("new_due_at"), next_edition=bindparam("new_edition")
                    ),
                    changed,
                )
        return len(changed)


RECENT_PERIOD = timedelta(days=3)
"""Age after which the date of an edition cannot recur, even if the channel changes its time zone."""


def _fetch_recent_editions(
    connection: Connection, now: datetime, subscription_id: int | None = None
) -> dict[int, frozenset[date]]:
    """Return the editions of the last `RECENT_PERIOD` and later that have a digest, by subscription id.

    With `subscription_id`, of that subscription only.
    """
    query = select(deliveries.c.subscription, deliveries.c.edition).where(
        deliveries.c.edition >= (now - RECENT_PERIOD).date(), is_digest()
    )
    if subscription_id is not None:
        query = query.where(deliveries.c.subscription == subscription_id)
    editions_by_subscription: dict[int, set[date]] = {}
    for row in connection.execute(query):
        editions_by_subscription.setdefault(row.subscription, set()).add(row.edition)
    return {key: frozenset(editions) for key, editions in editions_by_subscription.items()}


def _recompute_due(row: Row[Any], recent_editions: frozenset[date], now: datetime) -> dict[str, Any] | None:
    """Return the update parameters for the row's next edition by the current clock and time zone data.

    Returns None if nothing changes, or if the row cannot be read: delivery reports that.
    """
    try:
        schedule = subscription_from_row(row).schedule
        edition = (
            row.next_edition
            or next_due_edition(schedule, row.next_due_at - timedelta(microseconds=1)).edition
        )
        due = recompute_next_due(
            schedule, now, DueEdition(edition, row.next_due_at), recent_editions, row.running_since
        )
    except StoreError:
        return None
    if (due.edition, due.at) == (row.next_edition, row.next_due_at):
        return None
    return {"subscription_key": row.id, "new_due_at": due.at, "new_edition": due.edition}


def _next_due_columns(
    connection: Connection, row: Row[Any] | None, schedule: Schedule, now: datetime, *, was_running: bool
) -> dict[str, Any]:
    """Return the next-due columns after a schedule was changed, or a channel started or resumed.

    `row` is the stored subscription before the change, None for a new one. If it was not running, its
    unfinished deliveries before today are given up, and today's failed one is reopened if nothing of it was
    posted. The columns of a new, removed or paused one include its first edition, `running_since`; a stopped
    one keeps its own.
    """
    recent_editions = (
        _fetch_recent_editions(connection, now, row.id).get(row.id, frozenset())
        if row is not None
        else frozenset()
    )
    today = now.astimezone(ZoneInfo(schedule.time_zone)).date()
    if row is not None and not was_running:  # Today's edition is still posted.
        from digests.store.outbox.abandon import abandon_paused, reopen_failed

        abandon_paused(connection, {row.id: today}, now)
        reopen_failed(connection, row.id, today, now)
    was_stopped = row is not None and bool(row.active and row.stop_reason and not row.paused_by)
    is_still_due_today = was_stopped and row is not None and row.next_edition == today
    awaited = row.next_edition if row is not None and (was_running or is_still_due_today) else None
    due = due_after_schedule_change(schedule, now, awaited=awaited, existing_editions=recent_editions)
    next_due_values = {"next_due_at": due.at, "next_edition": due.edition}
    if was_running or was_stopped:
        return next_due_values
    return {**next_due_values, "running_since": today if today in recent_editions else due.edition}


def readable_subscriptions_from_rows(rows: Iterable[Row[Any]]) -> list[Subscription]:
    """Convert rows to subscriptions. Rows that cannot be read are logged and left out."""
    subscriptions_found = []
    for row in rows:
        try:
            subscriptions_found.append(subscription_from_row(row))
        except StoreError as error:
            log.error("%s", error)
    return subscriptions_found


def read_or_stop_subscriptions(
    connection: Connection, rows: Iterable[Row[Any]], now: datetime
) -> list[Subscription]:
    """Convert rows to subscriptions. Rows that cannot be read are logged, stopped and left out.

    The unfinished deliveries and the due edition of such a row are given up, so that its owner gets a notice.
    """
    subscriptions_found = []
    for row in rows:
        try:
            subscriptions_found.append(subscription_from_row(row))
        except StoreError as error:
            log.error("%s", error)
            stopped = update(subscriptions).where(subscriptions.c.id == row.id)
            connection.execute(stopped.values(stop_reason=str(error)))
            from digests.store.outbox.abandon import abandon_due_edition

            abandon_due_edition(connection, row, str(error), now)
    return subscriptions_found


def subscription_or_stub_from_row(row: Row[Any]) -> Subscription:
    """Convert a row; if it cannot be read, return its id, channel, owner and stop reason.

    The preferences and the schedule are then the defaults.
    """
    try:
        return subscription_from_row(row)
    except StoreError:
        return Subscription(
            _channel_from_row(row),
            id=row.id,
            stop_reason=row.stop_reason,
            owner_id=row.owner_id,
            name=row.name,
        )


def running_conditions() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that running subscriptions meet: active, neither paused nor stopped."""
    return subscriptions.c.active, subscriptions.c.paused_by == "", subscriptions.c.stop_reason == ""


def _select_channel_rows(channel: Channel, *, active_only: bool = True) -> Select[Any]:
    """Build a query for the rows of a channel, active ones first, then rows that name a workspace.

    An empty workspace on either side matches any. `active_only` leaves out removed subscriptions.
    """
    channel_rows = select(subscriptions).where(
        subscriptions.c.platform == channel.platform, subscriptions.c.channel == channel.channel
    )
    if active_only:
        channel_rows = channel_rows.where(subscriptions.c.active)
    if channel.workspace:
        channel_rows = channel_rows.where(subscriptions.c.workspace.in_((channel.workspace, "")))
    return channel_rows.order_by(
        subscriptions.c.active.desc(), subscriptions.c.workspace.desc(), subscriptions.c.id
    )


def _select_digest_rows(channel: Channel, name: str, *, active_only: bool = True) -> Select[Any]:
    """Build a query for the rows of a channel's digest with this name, in the same order."""
    return _select_channel_rows(channel, active_only=active_only).where(subscriptions.c.name == name)


def _find_digest_row(connection: Connection, channel: Channel, name: str) -> Row[Any] | None:
    """Return the row of a channel's digest, also if it was removed; None if there never was one."""
    return connection.execute(_select_digest_rows(channel, name, active_only=False).limit(1)).first()


def _require_room(connection: Connection, channel: Channel) -> None:
    """Raise InputError if the channel has as many digests as it may have."""
    rows = connection.execute(_select_channel_rows(channel)).fetchall()
    if len({row.name for row in rows}) >= MAX_DIGESTS_OF_CHANNEL:
        raise InputError(
            f"This channel has {MAX_DIGESTS_OF_CHANNEL} digests, which is the most: remove one of them first."
        )


def _apply_change(
    connection: Connection,
    channel: Channel,
    name: str,
    after: Subscription | None,
    by: str,
    by_id: str,
    now: datetime,
) -> SubscriptionChange | None:
    """Store a change and return it, as `Subscriptions.change` says, in the caller's transaction.

    Returns None if nothing would change. Raises InputError, and StoreError if the stored subscription cannot
    be read.
    """
    row = _find_digest_row(connection, channel, name)
    before = subscription_from_row(row) if row is not None and row.active else None
    if after and not before:
        _require_room(connection, channel)
    if before and before.is_from_settings and (after is None or _wish_of(before) != _wish_of(after)):
        raise InputError(
            "This channel's digest is set in the settings file; whoever runs Paperround can change it there."
        )
    new_name = after.name if before and after else name
    if new_name != name:
        _free_name(connection, channel, new_name, name)
    after = after and replace(
        after, channel=_channel_from_row(row) if row is not None else channel, name=new_name,
        id=row.id if row is not None else 0,
        stop_reason="", is_from_settings=before.is_from_settings if before else False,
        owner_id=(
            before.owner_id if before and (before.owner_id or before.is_from_settings) else after.owner_id
        ),
    )  # fmt: skip
    if before == after:
        return None
    key = _write_subscription(connection, row, before, after, now)
    stored = replace(after, id=key) if after else None
    is_renamed = new_name != name
    json_values = {
        "before": _subscription_to_json(before, with_name=is_renamed) if before else None,
        "after": _subscription_to_json(after, with_name=is_renamed) if after else None,
    }
    (number,) = connection.execute(
        insert(subscription_changes).values(subscription=key, **json_values, by=by, by_id=by_id, at=now)
    ).inserted_primary_key or (0,)
    return SubscriptionChange(int(number), channel, before, stored, by, now, by_id, name)


def _write_subscription(
    connection: Connection,
    row: Row[Any] | None,
    before: Subscription | None,
    after: Subscription | None,
    now: datetime,
) -> int:
    """Insert or update the row so that it holds `after` (None deactivates it); return its id."""
    values: dict[str, Any] = (
        {"active": False}
        if after is None
        else {
            **_subscription_to_row(after),
            **_reset_recap(after),
            "active": True,
            "stop_reason": "",
            "is_from_settings": after.is_from_settings,
        }
    )
    starts = after and (before is None or before.schedule != after.schedule or not before.is_running)
    if after and starts:
        values |= _next_due_columns(
            connection, row, after.schedule, now, was_running=bool(before and before.is_running)
        )
    if row is not None:
        connection.execute(update(subscriptions).where(subscriptions.c.id == row.id).values(values))
        return int(row.id)
    (key,) = connection.execute(insert(subscriptions).values(values)).inserted_primary_key or (0,)
    return int(key)


def _wish_of(subscription: Subscription) -> tuple[str, Preferences, Schedule]:
    return subscription.name, subscription.preferences, subscription.schedule


def _free_name(connection: Connection, channel: Channel, name: str, old_name: str) -> None:
    """Free the name that a digest of the channel is to get in place of `old_name`.

    A removed digest that had it gets the old name, and keeps its own history. Raises InputError if a digest
    of the channel has the name.
    """
    holder = _find_digest_row(connection, channel, name)
    if holder is None:
        return
    if holder.active:
        known = f"a digest “{name}”" if name else "a main digest"
        raise InputError(f"There is {known} here already, so nothing was renamed.")
    rename = update(subscriptions).where(subscriptions.c.id == bindparam("key"))
    renamed = _find_digest_row(connection, channel, old_name)
    # The names are unique at every moment: the digest that is renamed waits under one that no digest has.
    for key, taken in ((renamed.id if renamed is not None else 0, _NAME_BETWEEN), (holder.id, old_name)):
        connection.execute(rename.values(name=taken), {"key": key})


def fetch_former_names(connection: Connection, keys: Sequence[int]) -> dict[int, set[str]]:
    """Return the names that subscriptions had before they were renamed, by their ids."""
    names: dict[int, set[str]] = {key: set() for key in keys}
    query = select(subscription_changes.c.subscription, subscription_changes.c.before).where(
        subscription_changes.c.subscription.in_(keys), subscription_changes.c.before.contains('"name"')
    )
    for row in connection.execute(query) if keys else ():
        with suppress(ValueError, KeyError, TypeError):
            names[row.subscription].add(json.loads(row.before)["name"])
    return names


_NAME_BETWEEN = "#"
"""A name that `normalize_name` refuses."""


_OLD_VALUES = {
    "paused_by_id": "", "authors": "[]", "match_mode": "any", "unscored": "after", "repeat": False,
    "every_weeks": 1, "week_parity": 0, "language": "", "recap": False,
}  # fmt: skip
"""Values of fields that entries of older versions do not have."""


def _subscription_to_json(subscription: Subscription, *, with_name: bool = False) -> str:
    """Return the changeable fields as JSON, for the change history; the name only in that of a renaming.

    Fields with a value of `_OLD_VALUES` are left out, as in the entries of older versions.
    """
    omitted = ("platform", "workspace", "channel", "is_direct", "owner_id", *(() if with_name else ("name",)))
    row = {
        name: value
        for name, value in _subscription_to_row(subscription).items()
        if name not in omitted and (name not in _OLD_VALUES or value != _OLD_VALUES[name])
    }
    return json.dumps(row, sort_keys=True)


def _row_to_json(row: Row[Any], *, with_name: bool = False) -> str | None:
    return _subscription_to_json(subscription_from_row(row), with_name=with_name) if row.active else None


def _is_state(row: Row[Any], json_text: str | None) -> bool:
    """Return True if a row holds what an entry of the change history says."""
    with_name = json_text is not None and "name" in json.loads(json_text)
    return _row_to_json(row, with_name=with_name) == json_text


def _subscription_from_json(json_text: str, row: Row[Any]) -> Subscription:
    """Build the subscription of an entry of the change history of a row."""
    fields = SimpleNamespace(**{**_OLD_VALUES, "name": row.name, **json.loads(json_text)})
    return replace(_subscription_from_fields(fields, _channel_from_row(row)), name=fields.name)


def _find_row(subscription: Subscription, rows: Iterable[Row[Any]]) -> Row[Any] | None:
    """Return the row of a channel's digest, None if there is none. That of its own workspace comes first.

    An empty workspace on either side matches any; otherwise a channel could get a digest twice.
    """
    channel = subscription.channel
    key = (channel.platform, channel.channel, subscription.name)
    channel_rows = [row for row in rows if (row.platform, row.channel, row.name) == key]
    exact_rows = (row for row in channel_rows if row.workspace == channel.workspace)
    compatible_rows = (row for row in channel_rows if row.workspace == "" or channel.workspace == "")
    return next(exact_rows, next(compatible_rows, None))


def _sync_subscription(
    connection: Connection, subscription: Subscription, row: Row[Any] | None, now: datetime
) -> int:
    """Insert or update a subscription of the settings file; return its id. `row` is the stored one, or None.

    A stopped or removed channel starts again; a pause stays. A running channel with an unchanged schedule
    keeps its next edition.
    """
    stored = readable_subscriptions_from_rows([row] if row is not None else [])
    old_schedule = stored[0].schedule if stored else None
    subscription = replace(subscription, schedule=anchor_weeks(subscription.schedule, old_schedule, now))
    values = {
        **_subscription_to_row(subscription),
        **_reset_recap(subscription),
        "is_from_settings": True,
        "active": True,
        "stop_reason": "",
    }
    del values["paused_by"], values["paused_by_id"]  # The settings do not end a pause.
    if row is None:
        values |= _next_due_columns(connection, None, subscription.schedule, now, was_running=False)
        (key,) = connection.execute(insert(subscriptions).values(values)).inserted_primary_key or (0,)
        return int(key)
    if not row.active or row.stop_reason or old_schedule != subscription.schedule:
        was_running = bool(row.active and not row.stop_reason and not row.paused_by)
        values |= _next_due_columns(connection, row, subscription.schedule, now, was_running=was_running)
    connection.execute(update(subscriptions).where(subscriptions.c.id == row.id).values(values))
    return int(row.id)


def _subscription_to_row(subscription: Subscription) -> dict[str, Any]:
    preferences, schedule = subscription.preferences, subscription.schedule
    return {
        "platform": subscription.channel.platform,
        "workspace": subscription.channel.workspace,
        "channel": subscription.channel.channel,
        "is_direct": subscription.channel.is_direct,
        "name": subscription.name,
        "domains": json.dumps(preferences.domains),
        "keywords": json.dumps(preferences.keywords),
        "muted": json.dumps(preferences.muted),
        "top": preferences.top,
        "min_score": preferences.min_score,
        "style": preferences.style,
        "authors": json.dumps(preferences.authors),
        "match_mode": preferences.match,
        "unscored": preferences.unscored,
        "repeat": preferences.repeat,
        "language": preferences.language,
        "recap": preferences.recap,
        "at": schedule.at.isoformat(),
        "days": json.dumps(sorted(schedule.days)),
        "time_zone": schedule.time_zone,
        "every_weeks": schedule.every_weeks,
        "week_parity": schedule.week_parity,
        "paused_by": subscription.paused_by,
        "paused_by_id": subscription.paused_by_id,
        "owner_id": subscription.owner_id,
    }


def _reset_recap(subscription: Subscription) -> dict[str, Any]:
    """Return the column for the next recap of a digest without recaps, so that it has none left over."""
    return {} if subscription.preferences.recap else {"next_recap_at": None}


def _channel_from_row(row: Row[Any]) -> Channel:
    return Channel(row.platform, row.channel, row.workspace, bool(row.is_direct))


def subscription_from_row(row: Row[Any]) -> Subscription:
    """Convert a row with all columns of the table.

    Raises StoreError, a sentence, if its values are invalid.
    """
    try:
        subscription = _subscription_from_fields(row, _channel_from_row(row))
        ZoneInfo(subscription.schedule.time_zone)
        if not subscription.schedule.days & set(range(7)):
            raise ValueError("no day of the week")
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise StoreError(
            f"The settings of {format_full_name(_channel_from_row(row), row.name)} in the store cannot be "
            f"read ({error}): "
            "subscribe the channel again."
        ) from error
    return replace(
        subscription,
        id=row.id,
        stop_reason=row.stop_reason,
        is_from_settings=row.is_from_settings,
        owner_id=row.owner_id,
        name=row.name,
    )


def _subscription_from_fields(fields: Any, channel: Channel) -> Subscription:
    """Build a subscription with its changeable fields, from a row or an entry of the change history.

    Raises ValueError, TypeError or KeyError for invalid values.
    """
    preferences = _preferences_from_columns(
        fields.domains, fields.keywords, fields.muted, fields.top, fields.min_score, fields.style,
        fields.authors, fields.match_mode, fields.unscored, bool(fields.repeat),
        fields.language, bool(fields.recap),
    )  # fmt: skip
    return Subscription(
        channel,
        preferences,
        _schedule_from_columns(
            fields.at, fields.days, fields.time_zone, fields.every_weeks, fields.week_parity
        ),
        paused_by=fields.paused_by,
        paused_by_id=fields.paused_by_id,
    )


CACHE_SIZE = 1024
"""Parsed preferences, and parsed schedules, in each cache: most channels share a few."""


@lru_cache(CACHE_SIZE)
def _preferences_from_columns(
    domains: str, keywords: str, muted: str, top: int, min_score: float | None, style: str, authors: str,
    match: str, unscored: str, repeat: bool, language: str, recap: bool,
) -> Preferences:  # fmt: skip
    return Preferences(
        domains=tuple(json.loads(domains)),
        keywords=tuple(json.loads(keywords)),
        muted=tuple(json.loads(muted)),
        top=top,
        min_score=min_score,
        style=DigestStyle(style),
        authors=tuple(json.loads(authors)),
        match=MatchMode(match),
        unscored=UnscoredPapers(unscored),
        repeat=repeat,
        language=language,
        recap=recap,
    )


@lru_cache(CACHE_SIZE)
def _schedule_from_columns(
    at: str, days: str, time_zone: str, every_weeks: int, week_parity: int
) -> Schedule:
    if not (1 <= every_weeks <= MAX_WEEKS and 0 <= week_parity < every_weeks):
        raise ValueError(f"no rhythm of {every_weeks} weeks has the parity {week_parity}")
    return Schedule(time.fromisoformat(at), frozenset(json.loads(days)), time_zone, every_weeks, week_parity)
