"""`paperround token`: access tokens of programs and of the operator's page."""

import argparse
import getpass
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.cli.terminal import EXIT_OK, build_cli_services, print_json, print_lines
from digests.errors import InputError
from digests.ports import Store
from digests.ports.access_tokens import AccessToken, TokenScope, TokenUse
from digests.text import clip_text, normalize_text

if TYPE_CHECKING:
    from bot.services import Services

LABEL_CHARACTERS = 60
"""Longest label of a token."""


def run_command(options: argparse.Namespace) -> int:
    """Create a token, list all, or revoke one. Raises InputError for an unknown workspace or number."""
    services = build_cli_services(options)
    store, now = services.store, datetime.now(UTC)
    match options.action:
        case "create":
            print_lines(*create_token(options.use, options.workspace, options.label, services, now=now))
        case "revoke":
            print_lines(revoke_token(options.number, store, now=now))
        case _ if options.json:
            print_json(json.dumps([_to_record(token) for token in store.access_tokens.list_all()], indent=2))
        case _:
            print_lines(*list_tokens(store))
    return EXIT_OK


def create_token(use: str, workspace: str, label: str, services: "Services", *, now: datetime) -> list[str]:
    """Create a token, and return the lines that show it, this once. Raises InputError."""
    purpose = TokenUse(use)
    scope = _parse_scope(workspace, purpose, services)
    shown_label = clip_text(normalize_text(label), LABEL_CHARACTERS)
    tokens = services.store.access_tokens
    token, text = tokens.create(purpose, scope, label=shown_label, by=_find_account(), now=now)
    reach = f"look-ups for {scope}" if purpose is TokenUse.MCP else "the page of all workspaces"
    lines = [
        text,
        f"This is token {token.id}, for {reach}. Keep it: it is shown this once.",
        f"“paperround token revoke {token.id}” ends it.",
    ]
    if purpose is TokenUse.MCP and not _is_known(scope, services.store):
        lines.append(
            f"No workspace {scope.platform}:{scope.workspace} is known yet: “paperround workspaces” lists "
            "the ids."
        )
    return lines


def _is_known(scope: TokenScope, store: Store) -> bool:
    """Return whether the workspace of a token has a digest, installed the app, or is on a platform's list."""
    places = {
        *((each.channel.platform, each.channel.workspace) for each in store.subscriptions.list_active()),
        *((each.platform, each.workspace) for each in store.installations.list_all()),
        *((each.platform, each.id) for each in store.workspaces.list_all()),
    }
    return (scope.platform, scope.workspace) in places


def _parse_scope(text: str, use: TokenUse, services: "Services") -> TokenScope:
    """Return the workspace, or the channel, that a token is for. Raises InputError for another text."""
    if use is TokenUse.WEB:
        if text:
            raise InputError("The page shows all workspaces: write “paperround token create web” alone.")
        return TokenScope()
    if not text:
        raise InputError("For which workspace? “paperround token create mcp PLATFORM:WORKSPACE”, by ids.")
    from bot.web.paper_tools import parse_queue_owner

    place = parse_queue_owner(text, services)
    return TokenScope(place.platform, place.workspace, place.channel)


def _find_account() -> str:
    """Return the name of the machine's account that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # In a container an account may have a number alone.
        return "unknown"


def list_tokens(store: Store) -> Sequence[str]:
    """Return a line for each token, oldest first."""
    lines = [_describe_token(token) for token in store.access_tokens.list_all()]
    return lines or ["There is no token yet: “paperround token create” makes one."]


def _describe_token(token: AccessToken) -> str:
    parts = [f"{token.id:3}", f"{token.use:3}", str(token.scope) or "all workspaces"]
    if token.label:
        parts.append(token.label)
    parts.append(f"made {_format_time(token.created_at)} by {token.created_by}")
    if token.revoked_at:
        parts.append(f"revoked {_format_time(token.revoked_at)} by {token.revoked_by}")
    elif token.is_restored:
        parts.append("ended: the store was restored from a backup since")
    else:
        used = _format_time(token.last_used_at) if token.last_used_at else "never"
        parts.append(f"last used {used}")
    return "  ".join(parts)


def _format_time(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def revoke_token(number: int, store: Store, *, now: datetime) -> str:
    """Revoke a token, and return a sentence about it. Raises InputError for an unknown number."""
    token = store.access_tokens.revoke(number, by=_find_account(), now=now)
    if not token:
        raise InputError(f"There is no token {number}: “paperround token list” lists them.")
    if token.revoked_at == now:
        return f"Token {number} is revoked: it is refused from now on, by every replica."
    assert token.revoked_at  # noqa: S101 - `revoke` sets it.
    return f"Token {number} was revoked before, on {_format_time(token.revoked_at)}."


def _to_record(token: AccessToken) -> dict[str, object]:
    def to_iso(instant: datetime | None) -> str | None:
        return instant.isoformat() if instant else None

    return {
        "id": token.id,
        "use": token.use,
        "scope": str(token.scope),
        "label": token.label,
        "created_at": to_iso(token.created_at),
        "created_by": token.created_by,
        "last_used_at": to_iso(token.last_used_at),
        "revoked_at": to_iso(token.revoked_at),
        "revoked_by": token.revoked_by,
        "is_valid": token.is_valid,
    }
