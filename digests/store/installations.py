"""Implementation of `digests.ports.installations.Installations`."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, or_, select, update

from digests.ports.installations import Installation, SealedTokens
from digests.store import schema
from digests.store.engine import Database, upsert

installations, members = schema.installations, schema.organization_members

_NO_LEASE = {"renewal_owner": "", "renewal_until": None}


@dataclass(frozen=True, slots=True)
class SqlInstallations:
    """Installations in SQLite or PostgreSQL. The keys of the tokens are elsewhere."""

    database: Database

    def list_all(self) -> Sequence[Installation]:
        query = select(installations).order_by(installations.c.platform, installations.c.workspace)
        with self.database.read() as connection:
            return [_installation_from_row(row) for row in connection.execute(query)]

    def find(self, platform: str, workspace: str) -> Installation | None:
        organization = (
            select(members.c.organization)
            .where(members.c.platform == platform, members.c.workspace == workspace)
            .scalar_subquery()
        )
        is_either = installations.c.workspace.in_([workspace, organization])
        query = select(installations).where(installations.c.platform == platform, is_either)
        with self.database.read() as connection:
            found = [_installation_from_row(row) for row in connection.execute(query)]
        own = next((each for each in found if each.workspace == workspace), None)
        if own and not own.ended_at:
            return own
        return next((each for each in found if each.workspace != workspace and not each.ended_at), own)

    def save(self, installation: Installation) -> Installation:
        saved = replace(installation, revision=_create_revision(), ended_at=None, problem="")
        row = _row_of(saved)
        with self.database.write() as connection:
            upsert(connection, installations, row, row)
        return saved

    def replace_tokens(self, installation: Installation, tokens: SealedTokens) -> Installation | None:
        changed = replace(installation, tokens=tokens, revision=_create_revision(), problem="")
        values = {
            "tokens": tokens.text,
            "key_id": tokens.key_id,
            "expires_at": tokens.expires_at,
            "revision": changed.revision,
            "problem": "",
            **_NO_LEASE,
        }
        return changed if self._update(installation, values) else None

    def claim_renewal(
        self, installation: Installation, owner: str, *, now: datetime, lease: timedelta
    ) -> bool:
        is_free = or_(
            installations.c.renewal_until.is_(None),
            installations.c.renewal_until <= now,
            installations.c.renewal_until > now + lease,  # Of a clock that went wrong.
        )
        return self._update(installation, {"renewal_owner": owner, "renewal_until": now + lease}, is_free)

    def record_problem(self, installation: Installation, problem: str) -> bool:
        is_new = installations.c.problem != problem
        return self._update(installation, {"problem": problem, **_NO_LEASE}, is_new)

    def end(self, installation: Installation, *, now: datetime) -> bool:
        values = {"ended_at": now, "tokens": "", "expires_at": None, "problem": "", **_NO_LEASE}
        return self._update(installation, values)

    def _update(
        self, installation: Installation, values: dict[str, Any], *conditions: ColumnElement[bool]
    ) -> bool:
        """Update the row of an installation that goes on, if its revision is the same."""
        is_same = and_(
            installations.c.platform == installation.platform,
            installations.c.workspace == installation.workspace,
            installations.c.revision == installation.revision,
            installations.c.ended_at.is_(None),
            *conditions,
        )
        with self.database.write() as connection:
            return connection.execute(update(installations).where(is_same).values(values)).rowcount == 1

    def add_member(self, platform: str, workspace: str, organization: str) -> None:
        row = {"platform": platform, "workspace": workspace, "organization": organization}
        with self.database.write() as connection:
            upsert(connection, members, row, {"organization": organization})

    def list_members(self, platform: str, organization: str) -> Sequence[str]:
        query = select(members.c.workspace).where(
            members.c.platform == platform, members.c.organization == organization
        )
        with self.database.read() as connection:
            return list(connection.execute(query.order_by(members.c.workspace)).scalars())

    def remove_members(self, platform: str, workspaces: Sequence[str]) -> None:
        is_named = and_(members.c.platform == platform, members.c.workspace.in_(workspaces))
        with self.database.write() as connection:
            connection.execute(delete(members).where(is_named))


def _create_revision() -> str:
    """Return a revision that no installation ever had, also one that was deleted meanwhile."""
    return secrets.token_hex(8)


def _row_of(installation: Installation) -> dict[str, Any]:
    tokens = installation.tokens
    return {
        "platform": installation.platform,
        "workspace": installation.workspace,
        "name": installation.name,
        "is_organization": installation.is_organization,
        "app_id": installation.app_id,
        "bot_user": installation.bot_user,
        "bot_id": installation.bot_id,
        "scopes": " ".join(sorted(installation.scopes)),
        "installed_by": installation.installed_by,
        "installed_at": installation.installed_at,
        "tokens": tokens.text,
        "key_id": tokens.key_id,
        "expires_at": tokens.expires_at,
        "revision": installation.revision,
        "ended_at": installation.ended_at,
        "problem": installation.problem,
        **_NO_LEASE,
    }


def _installation_from_row(row: Row[Any]) -> Installation:
    return Installation(
        row.platform,
        row.workspace,
        row.name,
        row.app_id,
        row.bot_user,
        row.bot_id,
        frozenset(row.scopes.split()),
        row.installed_by,
        row.installed_at,
        SealedTokens(row.tokens, row.key_id, row.expires_at),
        is_organization=row.is_organization,
        revision=row.revision,
        ended_at=row.ended_at,
        problem=row.problem,
    )
