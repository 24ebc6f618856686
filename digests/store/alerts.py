"""Alerts in the database. Implements `digests.ports.alerts.Alerts`."""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, insert, not_, or_, select, update

from digests.ports.alerts import Alert, AlertKind, AlertMessage, Condition, DigestTrouble
from digests.ports.outbox import DeliveryState
from digests.store import schema
from digests.store.engine import Database, insert_if_absent, upsert
from digests.store.outbox.conditions import LEASED, RETRYABLE, is_digest, is_one_of
from digests.subscription import Channel, format_full_name

alerts, messages, lost_access = schema.alerts, schema.alert_messages, schema.lost_access
deliveries, posts, subscriptions = schema.deliveries, schema.posts, schema.subscriptions

_IS_WANTED = and_(subscriptions.c.active, subscriptions.c.paused_by == "")
_IS_RUNNING = and_(_IS_WANTED, subscriptions.c.stop_reason == "")


@dataclass(frozen=True, slots=True)
class SqlAlerts:
    """Alerts in SQLite or PostgreSQL. Observers exclude each other between processes."""

    database: Database

    def observe(
        self,
        conditions: Collection[Condition],
        *,
        now: datetime,
        settle: timedelta,
        unseen: Collection[tuple[AlertKind, str]] = (),
    ) -> None:
        found = {(each.kind.value, each.subject): each for each in conditions}
        left_alone = {(kind.value, subject) for kind, subject in unseen}
        with self.database.write(lock_name="alerts") as connection:
            known = {(row.kind, row.subject): row for row in connection.execute(select(alerts))}
            for place in found.keys() - known.keys():
                condition = found[place]
                started = {
                    "since": condition.since or now,
                    "changed_at": now,
                    "is_on": True,
                    "is_told": False,
                }
                new = {"kind": place[0], "subject": place[1], "detail": condition.detail, **started}
                insert_if_absent(connection, alerts, new)
            for place, row in known.items():
                if place in left_alone and place not in found:
                    continue
                lasting = found.get(place)
                _update_condition(connection, row, lasting.detail if lasting else None, now)
            _write_message(connection, now, settle)

    def list_lasting(self) -> Sequence[Alert]:
        lasting = (
            select(alerts).where(alerts.c.is_on).order_by(alerts.c.since, alerts.c.kind, alerts.c.subject)
        )
        with self.database.read() as connection:
            return [_alert_from_row(row) for row in connection.execute(lasting)]

    def find_due_message(self, *, now: datetime) -> AlertMessage | None:
        with self.database.read() as connection:
            row = connection.execute(select(messages).where(messages.c.next_try_at <= now)).first()
        return _message_from_row(row) if row else None

    def mark_sending(self, message: AlertMessage, *, now: datetime, lease: timedelta) -> bool:
        begun = {"sent_at": now, "attempts": message.attempts + 1, "next_try_at": now + lease}
        with self.database.write() as connection:
            changed = connection.execute(update(messages).where(*_is_message(message)).values(begun))
            return changed.rowcount == 1

    def confirm(self, message: AlertMessage) -> None:
        with self.database.write() as connection:
            connection.execute(delete(messages).where(messages.c.idempotency_key == message.key))

    def reschedule(self, message: AlertMessage, *, next_try_at: datetime, was_sent: bool) -> None:
        values: dict[str, Any] = {"next_try_at": next_try_at}
        if not was_sent:
            values["sent_at"] = None
        with self.database.write() as connection:
            connection.execute(
                update(messages).where(messages.c.idempotency_key == message.key).values(**values)
            )

    def record_lost_access(self, platform: str, workspace: str, detail: str, *, now: datetime) -> None:
        row = {"platform": platform, "workspace": workspace, "detail": detail, "at": now}
        with self.database.write() as connection:
            upsert(connection, lost_access, row, {"detail": detail, "at": now})

    def list_lost_access(self) -> Sequence[tuple[str, str, str]]:
        of_workspace = (
            subscriptions.c.platform == lost_access.c.platform,
            subscriptions.c.workspace == lost_access.c.workspace,
        )
        is_back = exists().where(
            posts.c.platform == lost_access.c.platform,
            posts.c.workspace == lost_access.c.workspace,
            posts.c.posted_at > lost_access.c.at,
        )
        lasting = select(lost_access).where(exists().where(*of_workspace, _IS_RUNNING), not_(is_back))
        with self.database.read() as connection:
            rows = connection.execute(lasting.order_by(lost_access.c.platform, lost_access.c.workspace))
            return [(row.platform, row.workspace, row.detail) for row in rows]

    def list_digest_troubles(
        self, *, now: datetime, late_after: timedelta, given_up_since: date, limit: int
    ) -> Sequence[DigestTrouble]:
        later = deliveries.alias()
        is_followed = exists().where(
            later.c.subscription == deliveries.c.subscription,
            later.c.edition > deliveries.c.edition,
            is_digest(later),
        )
        is_given_up = and_(
            deliveries.c.state == DeliveryState.FAILED,
            deliveries.c.edition >= given_up_since,
            not_(is_followed),
        )
        is_late = and_(
            is_one_of(deliveries.c.state, LEASED + RETRYABLE), deliveries.c.due_at < now - late_after
        )
        names = [subscriptions.c[name] for name in ("id", "platform", "workspace", "channel", "name")]
        begun = (
            select(*names, deliveries.c.edition, deliveries.c.state, deliveries.c.reason)
            .join(deliveries, deliveries.c.subscription == subscriptions.c.id)
            .where(_IS_WANTED, is_digest(), or_(is_given_up, and_(is_late, _IS_RUNNING)))
            .order_by(subscriptions.c.id, deliveries.c.edition.desc())
            .limit(limit)
        )
        not_begun = (
            select(*names, subscriptions.c.next_edition)
            .where(_IS_RUNNING, subscriptions.c.next_due_at < now - late_after)
            .order_by(subscriptions.c.id)
            .limit(limit)
        )
        troubles: dict[int, DigestTrouble] = {}
        with self.database.read() as connection:
            for row in connection.execute(begun):
                given_up = row.state == DeliveryState.FAILED
                trouble = DigestTrouble(_name_digest(row), row.edition, given_up, row.reason)
                troubles.setdefault(row.id, trouble)
            for row in connection.execute(not_begun):
                trouble = DigestTrouble(_name_digest(row), row.next_edition, False, "")
                troubles.setdefault(row.id, trouble)
        return list(troubles.values())[:limit]


def _update_condition(connection: Connection, row: Row[Any], detail: str | None, now: datetime) -> None:
    """Store that a known condition lasts with a detail, or has ended with None."""
    is_row = (alerts.c.kind == row.kind, alerts.c.subject == row.subject)
    if detail is None:
        if row.is_on and not row.is_told:
            connection.execute(delete(alerts).where(*is_row))
        elif row.is_on:
            connection.execute(update(alerts).where(*is_row).values(is_on=False, changed_at=now))
        return
    if not row.is_on:
        # It is back before its end was told: the start of before still holds.
        connection.execute(update(alerts).where(*is_row).values(is_on=True, detail=detail, changed_at=now))
    elif row.detail != detail and not row.is_told:
        connection.execute(update(alerts).where(*is_row).values(detail=detail))


def _write_message(connection: Connection, now: datetime, settle: timedelta) -> None:
    """Write the changes that have settled into a message, unless there is one."""
    if connection.execute(select(messages.c.idempotency_key).limit(1)).first():
        return
    has_settled = alerts.c.changed_at <= now - settle
    changed = connection.execute(
        select(alerts)
        .where(alerts.c.is_on != alerts.c.is_told, has_settled)
        .order_by(alerts.c.is_on.desc(), alerts.c.kind, alerts.c.since, alerts.c.subject)
    ).fetchall()
    if not changed:
        return
    content = json.dumps([_alert_to_json(_alert_from_row(row)) for row in changed])
    row = {"idempotency_key": f"o-{secrets.token_hex(8)}", "content": content, "sent_at": None}
    connection.execute(insert(messages).values(**row, attempts=0, next_try_at=now))
    connection.execute(
        update(alerts).where(alerts.c.is_on, not_(alerts.c.is_told), has_settled).values(is_told=True)
    )
    connection.execute(delete(alerts).where(not_(alerts.c.is_on), has_settled))


def _is_message(message: AlertMessage) -> tuple[Any, ...]:
    return messages.c.idempotency_key == message.key, messages.c.attempts == message.attempts


def _name_digest(row: Any) -> str:
    return format_full_name(Channel(row.platform, row.channel, row.workspace), row.name)


def _alert_from_row(row: Row[Any]) -> Alert:
    ended_at = None if row.is_on else row.changed_at
    return Alert(AlertKind(row.kind), row.subject, row.detail, row.since, ended_at)


def _alert_to_json(alert: Alert) -> dict[str, str]:
    times = {"since": alert.since.isoformat(), "ended_at": alert.ended_at and alert.ended_at.isoformat()}
    fields = {"kind": alert.kind.value, "subject": alert.subject, "detail": alert.detail}
    return fields | {name: text for name, text in times.items() if text}


def _message_from_row(row: Row[Any]) -> AlertMessage:
    found = [
        Alert(
            AlertKind(each["kind"]),
            each["subject"],
            each["detail"],
            _parse_instant(each["since"]),
            _parse_instant(each["ended_at"]) if "ended_at" in each else None,
        )
        for each in json.loads(row.content)
    ]
    return AlertMessage(row.idempotency_key, tuple(found), row.sent_at, row.attempts)


def _parse_instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
