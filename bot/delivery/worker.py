"""One tick a minute looks what is due; a bounded number of deliveries is under way, fair between workspaces."""

import asyncio
import logging
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic

from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bot.delivery.deliver import DeliveryContext, deliver_claim
from bot.delivery.rate_limit import RateLimiter
from digests.errors import PaperroundError
from digests.ports.outbox import Claim, LeaseLostError

log = logging.getLogger(__name__)

TICK_INTERVAL = timedelta(minutes=1)
"""From tick to tick."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Minutes are counted from here; it is also a time that has come by any clock."""

MAX_CLOCK_CORRECTION = timedelta(minutes=2)
"""A clock that goes back by less was only corrected."""

PEER_POLL_SECONDS = 1.0
"""Between two looks at who else is at work."""

WorkspaceKey = tuple[str, str]


async def deliver_until_stopped(context: DeliveryContext, stop: asyncio.Event) -> None:
    """Deliver at every full minute, and at the start, until told to stop; what is under way is finished first."""
    scheduler = AsyncIOScheduler(timezone=UTC)
    worker = DeliveryWorker(context)

    async def tick_worker() -> (
        None
    ):  # A plain function would run in a thread, where no event of the loop may be set.
        worker.tick()

    job = scheduler.add_job(
        tick_worker, FullMinuteTrigger(), max_instances=2, coalesce=True, misfire_grace_time=None
    )
    scheduler.start()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run_until_closed())
            clock_watch = group.create_task(_watch_for_missed_ticks(worker, job))
            await stop.wait()
            clock_watch.cancel()
            scheduler.pause()
            worker.close()
    finally:
        scheduler.shutdown(wait=False)


class FullMinuteTrigger(BaseTrigger):  # type: ignore[misc]
    """The next full minute. APScheduler's own triggers go through all those that a clock set forward has left out."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """By APScheduler's name for it."""
        return now + TICK_INTERVAL - (now - EPOCH) % TICK_INTERVAL


async def _watch_for_missed_ticks(worker: "DeliveryWorker", job: Job) -> None:
    """A tick's hour is a time of the wall, of which a clock that is set back makes a later one: then tick at once."""
    seen_ticks, last_tick_at = worker.tick_count, monotonic()
    while True:
        await asyncio.sleep((TICK_INTERVAL / 4).total_seconds())
        if worker.tick_count != seen_ticks:
            seen_ticks, last_tick_at = worker.tick_count, monotonic()
        elif monotonic() - last_tick_at >= (TICK_INTERVAL * 1.25).total_seconds():
            job.modify(next_run_time=EPOCH)


async def deliver_due_editions(context: DeliveryContext) -> None:
    """Deliver every edition that is due or was left unfinished. One channel's failure is its own."""
    worker = DeliveryWorker(context)
    worker.close(when_idle=True)
    await worker.run_until_closed()


@dataclass(slots=True)
class DeliveryWorker:
    """The deliveries that are under way: at most `desk.at_once`, and `desk.concurrency_per_workspace` of one workspace.

    Editions are claimed a few at a time, as places become free, so that ten thousand that are due at once wait in the
    store and not in memory, and other replicas take their share of them; of one workspace no more wait here than it has
    places, so that one that does not answer keeps no other waiting. Workspaces take turns: whoever had one
    stands back until every other had one. A tick never waits for what is under way.
    """

    context: DeliveryContext
    in_flight: Counter[WorkspaceKey] = field(default_factory=Counter)
    pending: Counter[WorkspaceKey] = field(default_factory=Counter)
    tick_count: int = 0
    _pending_claims: deque[Claim] = field(default_factory=deque)
    _served_workspaces: set[WorkspaceKey] = field(default_factory=set)
    _should_poll: bool = True
    _should_poll_when_free: bool = False
    _runs_when_idle: bool = True
    _is_closed: bool = False
    _wakeup: asyncio.Event = field(default_factory=asyncio.Event)
    _last_clock_reading: datetime | None = None
    _peers_polled_at: float = -inf

    def tick(self) -> None:
        """Look again what is due."""
        self.tick_count += 1
        self._should_poll = True
        self._wakeup.set()

    def close(self, *, when_idle: bool = False) -> None:
        """Claim nothing more, or with `when_idle` only until nothing is due; `work` ends with the last delivery."""
        self._runs_when_idle = False
        self._is_closed = not when_idle
        self._wakeup.set()

    async def run_until_closed(self) -> None:
        """Deliver until closed."""
        async with asyncio.TaskGroup() as group:
            while self._runs_when_idle or self.in_flight or self._may_poll():
                self._wakeup.clear()
                if self._may_poll():
                    await self._claim_due()
                else:
                    await self._wait_for_wakeup()
                await self._share_rate_limits()
                self._start_deliveries(group)
        await self._release_pending()

    def _may_poll(self) -> bool:
        """Whether to look in the store."""
        return self._should_poll and not self._is_closed and self.in_flight.total() < self.context.concurrency

    async def _wait_for_wakeup(self) -> None:
        """For a change, but while something is under way not for long, so that turns are shared anew."""
        with suppress(TimeoutError):
            async with asyncio.timeout(
                PEER_POLL_SECONDS if self.in_flight and self._shared_limiters else None
            ):
                await self._wakeup.wait()

    @property
    def _shared_limiters(self) -> dict[str, RateLimiter]:
        return {
            platform: limiter for platform, limiter in self.context.rate_limiters.items() if limiter.is_shared
        }

    async def _share_rate_limits(self) -> None:
        """What a platform allows is for all replicas together: each has its part of a workspace at which several are."""
        has_work = self.in_flight or self._pending_claims
        if not (
            has_work and self._shared_limiters and monotonic() - self._peers_polled_at >= PEER_POLL_SECONDS
        ):
            return
        self._peers_polled_at, context = monotonic(), self.context
        try:
            active_workers = await asyncio.to_thread(
                context.store.delivery_reports.active_workers, now=context.clock()
            )
        except Exception as error:  # Then it goes on as it was.
            log.warning("who else is at work is not known: %s", error)
            return
        for platform, limiter in self._shared_limiters.items():
            peers = [
                (workspace, owner)
                for name, workspace, owner in active_workers
                if name == platform and owner != context.owner
            ]
            limiter.set_peers(peers)

    def _start_deliveries(self, group: asyncio.TaskGroup) -> None:
        """Begin what was claimed, as far as there are places and its workspace has room."""
        for _ in range(0 if self._is_closed else len(self._pending_claims)):
            claim = self._pending_claims.popleft()
            workspace = _workspace_of(claim)
            if self.in_flight.total() < self.context.concurrency and not self._is_full(workspace):
                self.pending[workspace] -= 1
                self.in_flight[workspace] += 1
                group.create_task(self._run_delivery(claim, workspace))
            else:
                self._pending_claims.append(claim)

    def _is_full(self, workspace: WorkspaceKey) -> bool:
        return self.in_flight[workspace] >= self.context.concurrency_per_workspace

    def _is_saturated(self, workspace: WorkspaceKey) -> bool:
        """Whether nothing more is claimed of a workspace: fewer wait for its room than it has room for."""
        return self.in_flight[workspace] + self.pending[workspace] >= self.context.concurrency_per_workspace

    def _saturated_workspaces(self) -> set[WorkspaceKey]:
        return {
            workspace
            for workspace in self.in_flight.keys() | self.pending.keys()
            if self._is_saturated(workspace)
        }

    async def _run_delivery(self, claim: Claim, workspace: WorkspaceKey) -> None:
        try:
            await deliver_claim(claim, context=self.context)
        except Exception:
            names = claim.edition, claim.subscription.channel
            log.exception("delivering %s to %s failed; it is tried again once its lease is over", *names)
        finally:
            was_saturated = self._is_saturated(workspace)
            self.in_flight[workspace] -= 1
            if self._should_poll_when_free and was_saturated and not self._is_saturated(workspace):
                self._should_poll, self._should_poll_when_free = True, False
            self.in_flight, self.pending = +self.in_flight, +self.pending
            if not self.in_flight:
                self._should_poll = (
                    True  # What may end its process is given only to one that is at nothing else.
                )
            self._wakeup.set()

    async def _claim_due(self) -> None:
        """Take a few. A store that fails is asked again at the next tick."""
        self._should_poll = False
        saturated = self._saturated_workspaces()
        limit = max(self.context.concurrency - self.in_flight.total(), self.context.concurrency // 2)
        try:
            claims = await asyncio.to_thread(
                self._claim_from_outbox, limit, saturated | self._served_workspaces
            )
        except PaperroundError as error:
            log.error("%s Trying again in a minute.", error)
            return
        except Exception:
            log.exception("What is due could not be found out; trying again in a minute.")
            return
        self._pending_claims.extend(claims)
        self.pending.update(map(_workspace_of, claims))
        if len(claims) == limit:
            self._should_poll, self._served_workspaces = (
                True,
                self._served_workspaces | {_workspace_of(claim) for claim in claims},
            )
        elif self._served_workspaces:
            self._should_poll, self._served_workspaces = True, set()
        elif all(self._is_saturated(workspace) for workspace in saturated):
            self._should_poll_when_free = bool(self._saturated_workspaces())
        else:
            self._should_poll = True  # One of them got room while the store was asked.

    async def _release_pending(self) -> None:
        """What was claimed and not begun is anybody's at once."""
        outbox, now = self.context.store.outbox, self.context.clock()
        while self._pending_claims:
            claim = self._pending_claims.popleft()
            try:
                await asyncio.to_thread(
                    outbox.reschedule, claim, "Stopped before its turn.", next_try_at=now, is_failure=False
                )
            except LeaseLostError:
                continue
            except (
                Exception
            ) as error:  # The next would fail as well, and whoever stops us does not wait for long.
                log.warning(
                    "%d editions wait until their leases end: %s", len(self._pending_claims) + 1, error
                )
                return

    def _claim_from_outbox(self, limit: int, excluding: set[WorkspaceKey]) -> list[Claim]:
        context, now = self.context, self.context.clock()
        if self._last_clock_reading and now < self._last_clock_reading - MAX_CLOCK_CORRECTION:
            log.warning(
                "the clock went back from %s to %s: every next edition is recomputed",
                self._last_clock_reading,
                now,
            )
            context.store.subscriptions.recompute_next_due(now=now)
            context.store.outbox.repair_future_timestamps(now=now, lease=context.lease)
        self._last_clock_reading = now
        return list(
            context.store.outbox.claim_due(
                owner=context.owner,
                now=now,
                lease=context.lease,
                limit=limit,
                limit_per_workspace=context.concurrency_per_workspace,
                excluding=excluding,
            )
        )


def _workspace_of(claim: Claim) -> WorkspaceKey:
    channel = claim.subscription.channel
    return channel.platform, channel.workspace
