"""Implementation of `digests.ports.access_tokens.AccessTokens`."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from digests.errors import StoreError
from digests.ports.access_tokens import AccessToken, TokenScope, TokenUse
from digests.ports.notes import RESTORED_NOTE
from digests.store import schema
from digests.store.engine import Database

tokens, workspaces, notes = schema.access_tokens, schema.workspaces, schema.notes

SECRET_BYTES = 32
"""Random bytes of a token. Nobody guesses 256 bits, so a fast hash keeps them as well as a slow one."""

MAX_TEXT_CHARACTERS = 200
"""Longest text that is looked at. A token has some 70 characters."""

USE_INTERVAL = timedelta(minutes=1)
"""Least time between two notes that a token was used: a program that asks often writes seldom."""

_PREFIX = "paperround"


@dataclass(frozen=True, slots=True)
class SqlAccessTokens:
    """Tokens in SQLite or PostgreSQL."""

    database: Database

    def create(
        self, use: TokenUse, scope: TokenScope, *, label: str, by: str, now: datetime
    ) -> tuple[AccessToken, str]:
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row = {
            "purpose": use,
            "platform": scope.platform,
            "workspace": scope.workspace,
            "channel": scope.channel,
            "label": label,
            "secret_hash": _hash_secret(secret),
            "created_at": now,
            "created_by": by,
        }
        with self.database.write() as connection:
            created = connection.execute(tokens.insert().values(row).returning(*tokens.c)).one()
        token = _token_from_row(created, None)
        return token, f"{_PREFIX}_{use}_{token.id}_{secret}"

    def authenticate(self, text: str, use: TokenUse, *, now: datetime) -> AccessToken | None:
        if not (found := _parse_text(text, use)):
            return None
        key, secret = found
        is_denied = (
            select(workspaces.c.state)
            .where(
                workspaces.c.platform == tokens.c.platform,
                workspaces.c.workspace == tokens.c.workspace,
                workspaces.c.state == "denied",
            )
            .exists()
        )
        query = select(tokens).where(tokens.c.id == key, tokens.c.purpose == use, ~is_denied)
        with self.database.read() as connection:
            row = connection.execute(query).first()
            if row is None or not hmac.compare_digest(row.secret_hash, _hash_secret(secret)):
                return None
            token = _token_from_row(row, _read_restoration(connection, now))
        if not token.is_valid:
            return None
        if not token.last_used_at or abs(now - token.last_used_at) >= USE_INTERVAL:
            # With a full disk the operator needs the page all the more.
            with suppress(StoreError), self.database.write() as connection:
                connection.execute(update(tokens).where(tokens.c.id == key).values(last_used_at=now))
        return token

    def list_all(self) -> Sequence[AccessToken]:
        with self.database.read() as connection:
            restored_at = _read_restoration(connection, None)
            rows = connection.execute(select(tokens).order_by(tokens.c.id)).fetchall()
        return [_token_from_row(row, restored_at) for row in rows]

    def revoke(self, id: int, *, by: str, now: datetime) -> AccessToken | None:  # noqa: A002
        of_token = tokens.c.id == id
        revocation = update(tokens).where(of_token, tokens.c.revoked_at.is_(None))
        with self.database.write() as connection:
            connection.execute(revocation.values(revoked_at=now, revoked_by=by))
            row = connection.execute(select(tokens).where(of_token)).first()
            return _token_from_row(row, _read_restoration(connection, now)) if row else None


def _hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _parse_text(text: str, use: TokenUse) -> tuple[int, str] | None:
    """Return the key and the secret in the text of a token for this use, None for another text."""
    parts = text.split("_", 3) if len(text) <= MAX_TEXT_CHARACTERS and text.isascii() else []
    if len(parts) != 4 or parts[:2] != [_PREFIX, use] or not parts[2].isdigit() or len(parts[2]) > 9:
        return None
    return int(parts[2]), parts[3]


def _read_restoration(connection: Connection, now: datetime | None) -> datetime | None:
    """Return the instant at which the store was restored, None if it never was.

    A note that cannot be read gives `now`, if there is one: no token is valid then.
    """
    text = connection.execute(select(notes.c.text).where(notes.c.name == RESTORED_NOTE)).scalar()
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return now


def _token_from_row(row: Row[Any], restored_at: datetime | None) -> AccessToken:
    return AccessToken(
        row.id,
        TokenUse(row.purpose),
        TokenScope(row.platform, row.workspace, row.channel),
        row.label,
        row.created_at,
        row.created_by,
        row.last_used_at,
        row.revoked_at,
        row.revoked_by,
        is_restored=restored_at is not None and row.created_at <= restored_at,
    )
