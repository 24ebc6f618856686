"""Implementation of `digests.ports.account_links.AccountLinks`."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from digests.model import Account
from digests.ports.account_links import LinkStep
from digests.ports.marks import QueueScope
from digests.store import schema
from digests.store.engine import Database, insert_many, upsert
from digests.store.post_refreshes import refresh_marked_posts

links, codes, marks = schema.account_links, schema.link_codes, schema.marks


@dataclass(frozen=True, slots=True)
class SqlAccountLinks:
    """Links between accounts in SQLite or PostgreSQL.

    The accounts of one person have one identity, a random text.
    """

    database: Database

    def offer(self, account: Account, code: str, *, now: datetime, expires_at: datetime) -> None:
        is_void = or_(codes.c.expires_at <= now, _is_offered_by(account))
        row = {"code": _hash_code(code), **account._asdict(), "expires_at": expires_at}
        with self.database.write() as connection:
            connection.execute(delete(codes).where(is_void))
            insert_many(connection, codes, [row])

    def enter(self, account: Account, code: str, *, now: datetime) -> LinkStep:
        is_code = codes.c.code == _hash_code(code)
        with self.database.write() as connection:
            row = connection.execute(select(codes).where(is_code).with_for_update()).one_or_none()
            if row is None or row.expires_at <= now:
                return LinkStep.UNKNOWN
            offered = Account(row.platform, row.workspace, row.person)
            claimed = Account(row.other_platform, row.other_workspace, row.other_person)
            if _is_same(account, offered):
                if not claimed.person:
                    return LinkStep.WAITING
                connection.execute(delete(codes).where(is_code))
                _link(connection, offered, claimed, now)
                _refresh_counts(connection, _list_accounts(connection, offered), now)
                return LinkStep.LINKED
            if claimed.person and not _is_same(account, claimed):
                connection.execute(delete(codes).where(is_code))
                return LinkStep.TAKEN
            values = {f"other_{name}": value for name, value in account._asdict().items()}
            connection.execute(update(codes).where(is_code).values(values))
            return LinkStep.CLAIMED

    def list_linked(self, account: Account) -> Sequence[Account]:
        own = links.alias("own")
        is_own = and_(own.c.platform == account.platform, own.c.person == account.person)
        query = (
            select(links.c.platform, links.c.workspace, links.c.person)
            .join(own, own.c.identity == links.c.identity)
            .where(is_own, ~_is_account(account))
            .distinct()
            .order_by(links.c.platform, links.c.person, links.c.workspace)
        )
        with self.database.read() as connection:
            return [Account(*row) for row in connection.execute(query)]

    def unlink(self, account: Account, *, now: datetime) -> bool:
        with self.database.write() as connection:
            linked = _list_accounts(connection, account)
            is_unlinked = connection.execute(delete(links).where(_is_account(account))).rowcount > 0
            delete_lone_links(connection)
            if is_unlinked:
                _refresh_counts(connection, linked, now)
        return is_unlinked


def delete_lone_links(connection: Connection) -> None:
    """Delete the accounts that are linked with no other any more."""
    account_count = func.count((links.c.platform + ":" + links.c.person).distinct())
    lone = select(links.c.identity).group_by(links.c.identity).having(account_count == 1)
    connection.execute(delete(links).where(links.c.identity.in_(lone)))


def _hash_code(code: str) -> str:
    return sha256(code.encode()).hexdigest()


def _is_same(one: Account, other: Account) -> bool:
    """Return True for one account, which a platform may name in several of its workspaces."""
    return (one.platform, one.person) == (other.platform, other.person)


def _is_account(account: Account) -> ColumnElement[bool]:
    return and_(links.c.platform == account.platform, links.c.person == account.person)


def _is_offered_by(account: Account) -> ColumnElement[bool]:
    return and_(codes.c.platform == account.platform, codes.c.person == account.person)


def _link(connection: Connection, first: Account, second: Account, now: datetime) -> None:
    """Give two accounts, and all that are linked with them, one identity."""
    identity = secrets.token_hex(8)
    is_either = or_(_is_account(first), _is_account(second))
    former = list(connection.execute(select(links.c.identity).where(is_either)).scalars())
    connection.execute(update(links).where(links.c.identity.in_(former)).values(identity=identity))
    for account in (first, second):
        values: dict[str, Any] = {"identity": identity, "at": now}
        upsert(connection, links, {**account._asdict(), **values}, values)


def _list_accounts(connection: Connection, account: Account) -> Sequence[Account]:
    """Return all accounts that are linked with one, itself included."""
    own = select(links.c.identity).where(_is_account(account))
    query = select(links.c.platform, links.c.workspace, links.c.person).where(links.c.identity.in_(own))
    return [Account(*row) for row in connection.execute(query)]


def _refresh_counts(connection: Connection, accounts: Sequence[Account], now: datetime) -> None:
    """Refresh the messages, where the accounts are, that count them as one person or no more."""
    places = [QueueScope(account.platform, account.workspace) for account in accounts]
    is_theirs = or_(
        *(and_(marks.c.platform == each.platform, marks.c.person == each.person) for each in accounts)
    )
    if places:
        refresh_marked_posts(connection, places, is_theirs, now)
