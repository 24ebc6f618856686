"""Renewal of tokens that expire: once across all replicas, because a refresh token is valid once.

A worker leases the renewal in the store, asks Slack, and stores the new tokens. If it is killed in between,
the next one asks with the same refresh token. Slack refuses that if it had answered the first time; the old
token then works until it expires, and the workspace has to install the app again.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.deadline import LongWaitError
from bot.platforms.slack.errors import parse_error_response
from bot.platforms.slack.session import fetch_tokens
from bot.platforms.slack.tokens import PLATFORM, BotTokens, open_tokens, seal_tokens
from bot.storage import run_background
from bot.token_cipher import TokenCipher
from digests.errors import PaperroundError
from digests.ports.installations import Installation, Installations

log = logging.getLogger(__name__)

RENEW_BEFORE = timedelta(hours=4)
"""Time before the end of a token at which it is renewed. Slack's tokens are valid for twelve hours."""
MIN_LIFETIME = timedelta(minutes=5)
"""Shortest lifetime with which a token is used without waiting for its renewal."""
LEASE = timedelta(seconds=45)
"""Time in which one worker asks Slack and stores the answer."""
CALL_SECONDS = 20.0
WAIT_SECONDS = 20.0
"""Longest wait for another worker's renewal of a token that has ended."""
POLL_SECONDS = 0.25

REFUSED = (
    "Slack does not renew the token ({code}): install the app again from its link. It works until {until}."
)

FATAL_CODES = frozenset(["invalid_refresh_token", "invalid_grant", "token_revoked", "account_inactive"])
"""Errors after which only a new installation helps. Others are the operator's or Slack's, and may pass."""

_FORM_ERRORS = (LookupError, ValueError, TypeError, AttributeError)
"""Errors for an answer of another form: slack_sdk does not check that of JSON."""


class RenewalError(PaperroundError):
    """A renewal that did not come about now. A later attempt may succeed."""


@dataclass(slots=True)
class TokenRenewal:
    """Renews tokens that are about to expire. `client` has no token; it authenticates as the app."""

    installations: Installations
    cipher: TokenCipher
    client: AsyncWebClient
    client_id: str
    client_secret: str = field(repr=False)
    clock: Callable[[], datetime]
    owner: str = field(default_factory=lambda: secrets.token_hex(8))

    def is_due(self, installation: Installation, ahead: timedelta = RENEW_BEFORE) -> bool:
        """Return True if the tokens of an installation expire within `ahead`."""
        expires_at = installation.tokens.expires_at
        return not installation.ended_at and bool(expires_at and expires_at - self.clock() < ahead)

    async def renew_due_tokens(self, stop: asyncio.Event) -> None:
        """Renew the tokens of every installation for which that is due, and none after `stop`.

        One that fails stops no other. Raises StoreError.
        """
        for installation in await run_background(self.installations.list_all):
            if stop.is_set():
                return
            if installation.platform == PLATFORM and not installation.problem and self.is_due(installation):
                try:
                    await self.renew(installation)
                except Exception as error:  # Each workspace stands alone.
                    log.warning("the token of %s could not be renewed: %s", installation.workspace, error)

    async def ensure_valid(self, installation: Installation) -> Installation:
        """Return the installation with a token that is valid for some minutes, renewed if necessary.

        Waits for another worker that renews it. The token may have expired all the same. Raises RenewalError,
        StoreError and TokenKeyError.
        """
        if installation.problem or not self.is_due(installation, MIN_LIFETIME):
            return installation
        for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
            if renewed := await self.renew(installation):
                return renewed
            found = await run_background(self.installations.find, PLATFORM, installation.workspace)
            if not found or found.revision != installation.revision or found.problem:
                return found or installation
            await asyncio.sleep(POLL_SECONDS)
        return installation

    async def renew(self, installation: Installation) -> Installation | None:
        """Renew the tokens, and return the installation with the new ones.

        Returns None if another worker is at it, if the tokens have changed, or if Slack refuses to renew
        them. Raises RenewalError if a later attempt may succeed, StoreError and TokenKeyError.
        """
        claim = self.installations.claim_renewal
        if not await run_background(claim, installation, self.owner, now=self.clock(), lease=LEASE):
            return None
        old = open_tokens(self.cipher, installation)
        try:
            new = await self._ask_slack(old.refresh)
        except SlackApiError as error:
            code = str(parse_error_response(error.response).get("error", ""))
            if code not in FATAL_CODES:
                raise RenewalError(f"Slack did not renew a token ({code or 'no reason'}).") from None
            await self._record_refusal(installation, code)
            return None
        except (aiohttp.ClientError, LongWaitError, TimeoutError, OSError, *_FORM_ERRORS) as error:
            raise RenewalError(f"Slack did not answer ({type(error).__name__}).") from None
        sealed = seal_tokens(self.cipher, installation.workspace, new)
        # Not to be cancelled half-way: Slack has taken the old refresh token.
        renewed = await asyncio.shield(
            run_background(self.installations.replace_tokens, installation, sealed)
        )
        if renewed:
            log.info("Slack renewed the token of %s", installation.workspace)
        return renewed

    async def _ask_slack(self, refresh_token: str) -> BotTokens:
        async with asyncio.timeout(CALL_SECONDS):
            identity = (self.client_id, self.client_secret)
            answer = await fetch_tokens(
                self.client, *identity, grant_type="refresh_token", refresh_token=refresh_token
            )
        lifetime = timedelta(seconds=int(answer["expires_in"]))
        return BotTokens(str(answer["access_token"]), str(answer["refresh_token"]), self.clock() + lifetime)

    async def _record_refusal(self, installation: Installation, code: str) -> None:
        """Record that Slack refuses the renewal for good."""
        until = installation.tokens.expires_at
        problem = REFUSED.format(code=code, until=f"{until:%Y-%m-%d %H:%M} UTC" if until else "its end")
        if await run_background(self.installations.record_problem, installation, problem):
            log.error("%s: %s", installation.workspace, problem)
