"""Retention: old names and ids are erased, and the data of workspaces that removed the app."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.periodic import every, sleep_unless_stopped
from bot.storage import run_ingest
from digests.errors import PaperroundError
from digests.ports import Store
from digests.ports.people import Subject, SubjectKind

log = logging.getLogger(__name__)

LEADER_ROLE = "retention"
"""Leader role of the replica that erases."""

POLL_SECONDS = 3600.0

BATCH_SIZE = 500
"""Records of each kind that one transaction erases: some ten milliseconds, so that no other write waits."""

PAUSE_SECONDS = 0.5
"""Pause between two transactions, in which other writes have their turn."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Erases what is older than `retention`, and workspaces whose removal is older than `removal_grace`."""

    store: Store
    clock: Callable[[], datetime]
    retention: timedelta
    removal_grace: timedelta

    async def run_until_stopped(self, stop: asyncio.Event) -> None:
        """Erase what is due, every `POLL_SECONDS`, until `stop` is set. Errors are logged."""
        await every(POLL_SECONDS, partial(self.erase_due_records, stop), stop, name="retention")

    async def erase_due_records(self, stop: asyncio.Event) -> None:
        """Erase what is due now, in batches; return early at `stop`.

        A workspace that cannot be erased is logged, and keeps no other from it. Raises StoreError.
        """
        await self._erase_removed_workspaces(stop)
        before = self.clock() - self.retention
        prune = partial(run_ingest, self.store.people.prune, before=before, limit=BATCH_SIZE)
        while not stop.is_set() and await prune() == BATCH_SIZE:
            await sleep_unless_stopped(PAUSE_SECONDS, stop)

    async def _erase_removed_workspaces(self, stop: asyncio.Event) -> None:
        now = self.clock()
        before = now - self.removal_grace
        for platform, workspace in await run_ingest(self.store.workspaces.list_removed, before=before):
            if stop.is_set():
                return
            subject = Subject(SubjectKind.WORKSPACE, platform, workspace)
            try:
                forget = self.store.people.forget_removed
                counts = await run_ingest(forget, subject, before=before, now=now)
            except PaperroundError as error:
                log.error("the data of the workspace %s could not be erased: %s", subject, error)
                continue
            if counts is None:
                log.info("the workspace %s is back, so its data stays", subject)
            else:
                log.warning("the workspace %s removed the app, and its data was erased", subject)
