"""Direct messages to who installed the app: it needs a further right, or its token cannot be renewed."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from bot.chat.port import PostError
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.manifest import OPTIONAL_SCOPES, scopes_of
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.tokens import PLATFORM
from bot.present.wording import present_sentence
from bot.storage import run_background
from digests.ports import Store
from digests.ports.installations import Installation
from digests.subscription import Channel

log = logging.getLogger(__name__)

NOTICES_PER_ROUND = 20
"""Notices that are sent in one round, so that hundreds of workspaces delay no digest."""

NEEDS_RIGHTS = (
    "Paperround needs a further right in this workspace: {scopes}. Only what that is for does not work yet; "
    "everything else goes on as before. Open {link} and allow it: digests, marks and settings stay."
)
NEEDS_INSTALLATION = (
    "Slack does not renew the token with which Paperround posts here. It goes on until {until}; then the "
    "digests stop. Open {link} and install it again: digests, marks and settings stay."
)


@dataclass(frozen=True, slots=True)
class ScopeNotices:
    """Tells each installer once for each installation and reason, whichever replica comes first."""

    store: Store
    platform: SlackPlatform
    settings: SlackSettings
    install_link: str
    clock: Callable[[], datetime]

    async def send_due_notices(self, stop: asyncio.Event) -> None:
        """Send the notices that are due, `NOTICES_PER_ROUND` at most, and none after `stop`.

        A failed one is logged. Raises StoreError.
        """
        for installation, topic, sentence in await run_background(self._list_due):
            if stop.is_set():
                return
            if await run_background(self._record_once, installation, topic):
                await self._send_notice(installation, sentence)

    def _list_due(self) -> list[tuple[Installation, str, str]]:
        """Return the installations with the topics and sentences that were not told. Blocks."""
        denied = self.store.workspaces.list_denied(PLATFORM)
        due = (
            (installation, topic, sentence)
            for installation in self.store.installations.list_all()
            if installation.platform == PLATFORM and not installation.ended_at
            if installation.workspace not in denied
            for topic, sentence in self._build_sentences(installation)
            if not self.store.notes.read(_name_note(installation, topic))
        )
        return list(islice(due, NOTICES_PER_ROUND))

    def _build_sentences(self, installation: Installation) -> Iterator[tuple[str, str]]:
        """Yield the notices about an installation, each with its topic, which is told once."""
        if missing := find_missing_scopes(installation, self.settings):
            named = "; ".join(f"{scope} ({reason})" for scope, reason in missing.items())
            yield " ".join(sorted(missing)), NEEDS_RIGHTS.format(scopes=named, link=self.install_link)
        if installation.problem:
            until = installation.tokens.expires_at
            at = f"{until:%Y-%m-%d %H:%M} UTC" if until else "its end"
            yield "renewal", NEEDS_INSTALLATION.format(until=at, link=self.install_link)

    def _record_once(self, installation: Installation, topic: str) -> bool:
        """Return True for one caller of several. The note outlives the event. Blocks."""
        name, now = _name_note(installation, topic), self.clock()
        if self.store.notes.read(name) or not self.store.events.record_once(name, now=now):
            return False
        self.store.notes.write(name, now.isoformat())
        return True

    async def _send_notice(self, installation: Installation, sentence: str) -> None:
        if not installation.installed_by:
            log.warning("%s: %s Nobody is known there to tell.", installation.workspace, sentence)
            return
        home = Channel(PLATFORM, "", installation.workspace)
        try:
            await self.platform.send_direct_message(
                home, installation.installed_by, present_sentence(sentence)
            )
        except PostError as error:
            log.warning("%s: %s Its installer could not be told: %s", installation.workspace, sentence, error)


def _name_note(installation: Installation, topic: str) -> str:
    """Return the name of the note that this installation got the notice."""
    told = f"{installation.workspace} {installation.installed_at.isoformat()} {topic}"
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    return f"installer of {PLATFORM}:{installation.workspace}: {digest}"


def find_missing_scopes(installation: Installation, settings: SlackSettings) -> Mapping[str, str]:
    """Return the scopes that the app needs and the installation lacks, with their reasons."""
    return {
        scope: reason
        for scope, reason in scopes_of(settings).items()
        if scope not in installation.scopes and scope not in OPTIONAL_SCOPES
    }
