"""The delivery worker: claims what is due every minute, and delivers a bounded number of editions at once."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Collection
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from math import inf
from time import monotonic

from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bot.delivery.batching import BATCH_DIVISOR, BATCH_FROM
from bot.delivery.context import DeliveryContext
from bot.delivery.deliver import BUILDABLE_KINDS, deliver_claim
from bot.delivery.liveness import CHECK_SECONDS, WorkerLiveness
from bot.delivery.rate_limit import RateLimiter
from bot.present.wording import format_count
from bot.storage import run_background
from digests.errors import PaperroundError
from digests.ports.outbox import Claim, LeaseLostError

log = logging.getLogger(__name__)

TICK_INTERVAL = timedelta(minutes=1)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Origin of the full minutes, and a time in the past for any clock."""

MAX_CLOCK_CORRECTION = timedelta(minutes=2)
"""Largest step back of the clock that counts as an adjustment: no stored time is repaired."""

PEER_POLL_SECONDS = 1.0
"""Interval between two queries for the other workers that share the rate limits."""

FIRST_PEER_POLL_SECONDS = 0.05
"""The first such interval after a pause. Each further one is twice as long, up to `PEER_POLL_SECONDS`."""

BOT_CONCURRENCY = 100
"""Deliveries in progress on a platform that limits all messages of a bot together.

More would not be faster: they would wait for the bot's slots, and a stop would wait for them.
"""

POLL_WAIT_SECONDS = 0.25
"""Longest wait, after a workspace got room, for more of them: one poll of the outbox serves them all."""

WorkspaceKey = tuple[str, str]
"""A platform's name and a workspace's id."""


async def deliver_until_stopped(context: DeliveryContext, stop: asyncio.Event) -> None:
    """Deliver what is due at the start and at every full minute, until `stop` is set.

    Deliveries of workers that died are taken over at once. Failures are logged and not raised. After `stop`
    nothing more is claimed: deliveries in progress are finished, and claims that wait are released before it
    returns.
    """
    scheduler = AsyncIOScheduler(timezone=UTC)
    worker = DeliveryWorker(context)

    # A coroutine: APScheduler runs plain functions in a thread, where the loop's events may not be set.
    async def tick_worker() -> None:
        worker.tick()

    job = scheduler.add_job(
        tick_worker, FullMinuteTrigger(), max_instances=2, coalesce=True, misfire_grace_time=None
    )
    scheduler.start()
    try:
        await worker.liveness.keep_lock()
        await worker.liveness.end_dead_leases()
        async with asyncio.TaskGroup() as group:
            work = group.create_task(worker.run_until_closed())
            clock_watch = group.create_task(_watch_for_missed_ticks(worker, job))
            lock_watch = group.create_task(_watch_for_dead_workers(worker))
            await stop.wait()
            clock_watch.cancel()
            scheduler.pause()
            worker.close()
            await work  # Until then the lock is kept: the last deliveries are not to look abandoned.
            lock_watch.cancel()
    finally:
        scheduler.shutdown(wait=False)
        await worker.liveness.release()


class FullMinuteTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires at the next full minute.

    APScheduler's own triggers step through every minute that a clock set forward has skipped.
    """

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Return the next full minute after `now`. APScheduler prescribes the name."""
        return now + TICK_INTERVAL - (now - EPOCH) % TICK_INTERVAL


async def _watch_for_missed_ticks(worker: "DeliveryWorker", job: Job) -> None:
    """Trigger the job at once when a clock set back has moved its next tick into the future.

    Runs until cancelled.
    """
    seen_ticks, last_tick_at = worker.tick_count, monotonic()
    while True:
        await asyncio.sleep((TICK_INTERVAL / 4).total_seconds())
        if worker.tick_count != seen_ticks:
            seen_ticks, last_tick_at = worker.tick_count, monotonic()
        elif monotonic() - last_tick_at >= (TICK_INTERVAL * 1.25).total_seconds():
            job.modify(next_run_time=EPOCH)


async def _watch_for_dead_workers(worker: "DeliveryWorker") -> None:
    """Keep the worker's lock, and claim at once when another worker is found dead.

    Runs until cancelled.
    """
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        await worker.liveness.keep_lock()
        if worker.has_room and await worker.liveness.end_dead_leases():
            worker.poll_now()


async def deliver_due_editions(context: DeliveryContext) -> None:
    """Deliver every edition that is due or unfinished now, and return.

    A failure is stored and logged, and affects only its own channel.
    """
    worker = DeliveryWorker(context)
    worker.close(when_idle=True)
    await worker.run_until_closed()


class _Mode(Enum):
    """Phase of a worker's life."""

    RUNNING = "running"
    """Claims at every tick."""
    DRAINING = "draining"
    """Claims until nothing is due, then ends."""
    CLOSED = "closed"
    """Claims nothing more, and ends with the last delivery in progress."""


class _Poll(Enum):
    """Condition of the next claim from the outbox."""

    NOW = "now"
    AT_TICK = "at tick"
    """The outbox had nothing more to claim."""
    WHEN_WORKSPACE_FREE = "when workspace free"
    """The outbox may have more for saturated workspaces: claim when some got room, or at a tick."""


@dataclass(slots=True)
class WorkspaceSlots:
    """Counts of claims by workspace: `in_flight` are being delivered, `pending` wait in memory for a slot."""

    limit: int
    """Slots of one workspace."""
    in_flight: Counter[WorkspaceKey] = field(default_factory=Counter)
    pending: Counter[WorkspaceKey] = field(default_factory=Counter)

    def add_pending(self, workspaces: Collection[WorkspaceKey]) -> None:
        """Count claims that wait for a slot."""
        self.pending.update(workspaces)

    def start(self, workspace: WorkspaceKey) -> None:
        """Count a pending claim as being delivered."""
        _decrement(self.pending, workspace)
        self.in_flight[workspace] += 1

    def finish(self, workspace: WorkspaceKey) -> bool:
        """Free a slot. Returns True when its workspace was saturated and is not any more."""
        was_saturated = self.is_saturated(workspace)
        _decrement(self.in_flight, workspace)
        return was_saturated and not self.is_saturated(workspace)

    def is_full(self, workspace: WorkspaceKey) -> bool:
        """Return True when every slot of the workspace is in use."""
        return self.in_flight[workspace] >= self.limit

    def is_saturated(self, workspace: WorkspaceKey) -> bool:
        """Return True when claims in delivery and in memory take every slot, so that no more are claimed."""
        return self.in_flight[workspace] + self.pending[workspace] >= self.limit

    def saturated_workspaces(self) -> set[WorkspaceKey]:
        """Return the workspaces of which nothing more is claimed."""
        return {
            workspace
            for workspace in self.in_flight.keys() | self.pending.keys()
            if self.is_saturated(workspace)
        }


def _decrement(counts: Counter[WorkspaceKey], workspace: WorkspaceKey) -> None:
    """Subtract one from a count, and drop it when it is 0."""
    counts[workspace] -= 1
    if not counts[workspace]:
        del counts[workspace]


@dataclass(slots=True)
class PeerWatch:
    """Divides the rate limits that hold for all workers together among those that are active."""

    context: DeliveryContext
    own_names: frozenset[str]
    interval: float = FIRST_PEER_POLL_SECONDS
    """Seconds from the last query to the next."""
    _polled_at: float = -inf

    def shared_limiters(self) -> dict[str, RateLimiter]:
        """Return the rate limiters, by platform, whose limits hold for all workers together."""
        return {
            platform: limiter for platform, limiter in self.context.rate_limiters.items() if limiter.is_shared
        }

    async def update_peers(self) -> None:
        """Give each limiter its active peers, unless the last query is younger than `interval`.

        Asks the store for them. Workers that begin at the same full minute have no claims yet when the others
        first look, so the next queries follow soon. An error is logged, and the limiters keep the peers that
        they have.
        """
        limiters, context = self.shared_limiters(), self.context
        waited = monotonic() - self._polled_at
        if not limiters or waited < self.interval:
            return
        has_paused = waited > 2 * PEER_POLL_SECONDS
        self.interval = FIRST_PEER_POLL_SECONDS if has_paused else min(2 * self.interval, PEER_POLL_SECONDS)
        self._polled_at = monotonic()
        try:
            active_workers = await run_background(
                context.store.delivery_reports.active_workers, now=context.clock()
            )
        except Exception as error:
            log.warning("the other active workers are not known: %s", error)
            return
        for platform, limiter in limiters.items():
            peers = [
                (workspace, owner)
                for name, workspace, owner in active_workers
                if name == platform and owner not in self.own_names
            ]
            limiter.set_peers(peers)


class DeliveryWorker:
    """Claims due editions from the outbox and delivers them, within the concurrency of the policy.

    At most `concurrency` editions are delivered at a time, and one poll claims at most as many: ten thousand
    that are due at once wait in the store, not in memory, and other replicas take their share. No more are
    claimed of one workspace than it has slots, so that a platform that does not answer delays no other
    workspace. Workspaces take turns: one that was served is passed over until every other one was. A tick
    never waits for deliveries in progress.
    """

    def __init__(self, context: DeliveryContext) -> None:
        self.context = context
        self.slots = WorkspaceSlots(context.policy.concurrency_per_workspace)
        self.tick_count = 0
        self._mode = _Mode.RUNNING
        self._poll = _Poll.NOW
        self._freed_count = 0
        """Times that a saturated workspace got room since the last poll began."""
        self._poll_timer: asyncio.TimerHandle | None = None
        self._wakeup = asyncio.Event()
        self._claims: deque[Claim] = deque()
        """Claims that wait for a slot."""
        self._served_workspaces: set[WorkspaceKey] = set()
        """Workspaces that have had their turn."""
        self._bot_slots = {
            platform: asyncio.Semaphore(BOT_CONCURRENCY)
            for platform, limiter in context.rate_limiters.items()
            if limiter.limits.bot is not None
        }
        """Slots of the deliveries in progress, by platform that limits all messages of a bot together."""
        self.liveness = WorkerLiveness(context)
        self._peer_watch = PeerWatch(context, self.liveness.owners)
        self._last_clock_reading: datetime | None = None

    def tick(self) -> None:
        """Make the worker claim again at once. Returns without waiting for it."""
        self.tick_count += 1
        self.poll_now()

    def poll_now(self) -> None:
        """Make the worker claim at once, beside its ticks. Returns without waiting for it."""
        self._poll = _Poll.NOW
        self._wakeup.set()

    def close(self, *, when_idle: bool = False) -> None:
        """Claim nothing more; with `when_idle`, claim until nothing is due.

        Returns at once. `run_until_closed` returns after the last delivery. A worker cannot be opened again.
        """
        self._mode = _Mode.DRAINING if when_idle else _Mode.CLOSED
        self._wakeup.set()

    async def run_until_closed(self) -> None:
        """Claim and deliver until `close` is called. Deliveries in progress are finished before it returns.

        Claims that wait for a slot are released at the end. Failures are logged and not raised.
        """
        async with asyncio.TaskGroup() as group:
            while self._mode is _Mode.RUNNING or self.slots.in_flight or self._may_poll():
                self._wakeup.clear()
                if self._may_poll():
                    await self._claim_due()
                else:
                    await self._wait_for_wakeup()
                if self.slots.in_flight or self._claims:
                    await self._peer_watch.update_peers()
                self._start_deliveries(group)
        await self._release_claims()

    @property
    def has_room(self) -> bool:
        """True while the worker can take one more delivery."""
        is_full = self.slots.in_flight.total() >= self.context.policy.concurrency
        return self._mode is not _Mode.CLOSED and not is_full

    def _may_poll(self) -> bool:
        return self._poll is _Poll.NOW and self.has_room

    async def _wait_for_wakeup(self) -> None:
        """Wait for a tick, the end of a delivery, or `close`.

        While deliveries share rate limits with peers, wait at most until the next query for them.
        """
        has_peers = self.slots.in_flight and self._peer_watch.shared_limiters()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._peer_watch.interval if has_peers else None):
                await self._wakeup.wait()

    async def _claim_due(self) -> None:
        """Claim due editions, and add them to the claims that wait for a slot.

        An error of the store is logged, and the next tick tries again.
        """
        self._poll, self._freed_count = _Poll.AT_TICK, 0  # A tick during the call sets it again.
        if self._poll_timer:
            self._poll_timer.cancel()
            self._poll_timer = None
        saturated, concurrency = self.slots.saturated_workspaces(), self.context.policy.concurrency
        limit = max(concurrency - self.slots.in_flight.total(), concurrency // 2)
        try:
            claims = await run_background(self._claim_from_outbox, limit, saturated | self._served_workspaces)
        except PaperroundError as error:
            log.error("%s Trying again in a minute.", error)
            return
        except Exception:
            log.exception("The due editions could not be claimed; trying again in a minute.")
            return
        self._claims.extend(claims)
        self.slots.add_pending([_workspace_of(claim) for claim in claims])
        self._plan_next_poll(claims, limit)

    def _plan_next_poll(self, claims: list[Claim], limit: int) -> None:
        """Decide when the outbox is polled next, after a poll for up to `limit` claims.

        A full result is followed by a poll of the workspaces not served yet, and a short one by a poll of all
        once every workspace had its turn. Otherwise the next poll is at a tick, or when workspaces that were
        saturated got room.
        """
        if len(claims) == limit:
            self._served_workspaces = self._served_workspaces | {_workspace_of(claim) for claim in claims}
            self._poll = _Poll.NOW
        elif self._served_workspaces:
            self._served_workspaces = set()
            self._poll = _Poll.NOW
        elif self._poll is _Poll.AT_TICK and (self._freed_count or self.slots.saturated_workspaces()):
            self._poll = _Poll.WHEN_WORKSPACE_FREE
            if self._freed_count:  # Some of them got room during the claim.
                self._poll_when_enough_room()

    def _poll_when_enough_room(self) -> None:
        """Poll at once if a quarter of the deliveries in progress made room, else after `POLL_WAIT_SECONDS`.

        A poll costs as much as some deliveries. With fewer than `BATCH_FROM` in progress nothing waits.
        """
        in_flight = self.slots.in_flight.total()
        if in_flight < BATCH_FROM or self._freed_count * BATCH_DIVISOR >= in_flight:
            self.poll_now()
        elif self._poll_timer is None:
            self._poll_timer = asyncio.get_running_loop().call_later(POLL_WAIT_SECONDS, self.poll_now)

    def _claim_from_outbox(self, limit: int, excluding: set[WorkspaceKey]) -> list[Claim]:
        """Claim up to `limit` due editions, none of the workspaces in `excluding`.

        When the clock was set back, the stored times are repaired first. Raises StoreError. Blocks.
        """
        context, now = self.context, self.context.clock()
        if self._last_clock_reading and now < self._last_clock_reading - MAX_CLOCK_CORRECTION:
            log.warning(
                "the clock went back from %s to %s: every next edition is recomputed",
                self._last_clock_reading,
                now,
            )
            context.store.subscriptions.recompute_next_due(now=now)
            context.store.outbox.repair_future_timestamps(now=now, lease=context.policy.lease)
        self._last_clock_reading = now
        return list(
            context.store.outbox.claim_due(
                owner=self.liveness.owner,
                now=now,
                lease=context.policy.lease,
                limit=limit,
                limit_per_workspace=context.policy.concurrency_per_workspace,
                excluding=excluding,
                kinds=BUILDABLE_KINDS,
            )
        )

    def _start_deliveries(self, group: asyncio.TaskGroup) -> None:
        """Start each waiting claim for which there is a slot, as a task of the group.

        Nothing is started when the worker is closed. The other claims go on waiting, in their order.
        """
        if self._mode is _Mode.CLOSED:
            return
        free_slots, waiting = self.context.policy.concurrency - self.slots.in_flight.total(), list[Claim]()
        while self._claims and free_slots > 0:
            claim = self._claims.popleft()
            workspace = _workspace_of(claim)
            if self.slots.is_full(workspace):
                waiting.append(claim)
                continue
            free_slots -= 1
            self.slots.start(workspace)
            group.create_task(self._run_delivery(claim, workspace))
        self._claims.extendleft(reversed(waiting))

    async def _run_delivery(self, claim: Claim, workspace: WorkspaceKey) -> None:
        """Deliver a claim, free its slot, and wake the worker. An unforeseen error is only logged.

        A claim that still waits for a slot of its bot when the worker is closed goes back to the claims that
        are released.
        """
        try:
            async with self._bot_slots.get(claim.subscription.channel.platform, nullcontext()):
                if self._mode is _Mode.CLOSED:
                    self._claims.append(claim)
                else:
                    await deliver_claim(claim, context=self.context)
        except Exception:
            names = claim.edition, claim.subscription.channel
            log.exception("delivering %s to %s failed; it is tried again once its lease is over", *names)
        finally:
            if self.slots.finish(workspace):
                self._freed_count += 1
                if self._poll is _Poll.WHEN_WORKSPACE_FREE:
                    self._poll_when_enough_room()
            if not self.slots.in_flight:  # Quarantined deliveries are leased to an idle worker only.
                self._poll = _Poll.NOW
            self._wakeup.set()

    async def _release_claims(self) -> None:
        """Release the claims that never started, so that any worker may take them at once.

        After an error of the store, which is logged, the rest waits until the leases end.
        """
        outbox, now = self.context.store.outbox, self.context.clock()
        while self._claims:
            claim = self._claims.popleft()
            try:
                await run_background(
                    outbox.reschedule, claim, "Stopped before its turn.", next_try_at=now, is_failure=False
                )
            except LeaseLostError:
                continue
            except Exception as error:  # The next release would fail too, and a stop must not take long.
                waiting = format_count(len(self._claims) + 1, "edition")
                log.warning("the lease of %s is not released, and has to end by itself: %s", waiting, error)
                return


def _workspace_of(claim: Claim) -> WorkspaceKey:
    channel = claim.subscription.channel
    return channel.platform, channel.workspace
