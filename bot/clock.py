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

from bot.deliver import Desk, deliver
from bot.pace import Pace
from digests.errors import PaperroundError
from digests.ports import Claim, LeaseLostError

log = logging.getLogger(__name__)

MINUTE = timedelta(minutes=1)
"""From tick to tick."""

SINCE = datetime(1970, 1, 1, tzinfo=UTC)
"""Minutes are counted from here; it is also a time that has come by any clock."""

SET_BACK = timedelta(minutes=2)
"""A clock that goes back by less was only corrected."""

SHARE_SECONDS = 1.0
"""Between two looks at who else is at work."""

Workspace = tuple[str, str]


async def keep_time(desk: Desk, stop: asyncio.Event) -> None:
    """Deliver at every full minute, and at the start, until told to stop; what is under way is finished first."""
    scheduler = AsyncIOScheduler(timezone=UTC)
    fan_out = FanOut(desk)

    async def look() -> (
        None
    ):  # A plain function would run in a thread, where no event of the loop may be set.
        fan_out.tick()

    job = scheduler.add_job(look, FullMinute(), max_instances=2, coalesce=True, misfire_grace_time=None)
    scheduler.start()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fan_out.work())
            ticking = group.create_task(_tick_whatever_the_clock(fan_out, job))
            await stop.wait()
            ticking.cancel()
            scheduler.pause()
            fan_out.close()
    finally:
        scheduler.shutdown(wait=False)


class FullMinute(BaseTrigger):  # type: ignore[misc]
    """The next full minute. APScheduler's own triggers go through all those that a clock set forward has left out."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """By APScheduler's name for it."""
        return now + MINUTE - (now - SINCE) % MINUTE


async def _tick_whatever_the_clock(fan_out: "FanOut", job: Job) -> None:
    """A tick's hour is a time of the wall, of which a clock that is set back makes a later one: then tick at once."""
    ticks, since = fan_out.ticks, monotonic()
    while True:
        await asyncio.sleep((MINUTE / 4).total_seconds())
        if fan_out.ticks != ticks:
            ticks, since = fan_out.ticks, monotonic()
        elif monotonic() - since >= (MINUTE * 1.25).total_seconds():
            job.modify(next_run_time=SINCE)


async def tick(desk: Desk) -> None:
    """Deliver every edition that is due or was left unfinished. One channel's failure is its own."""
    fan_out = FanOut(desk)
    fan_out.close(when_idle=True)
    await fan_out.work()


@dataclass(slots=True)
class FanOut:
    """The deliveries that are under way: at most `desk.at_once`, and `desk.at_once_a_workspace` of one workspace.

    Editions are claimed a few at a time, as places become free, so that ten thousand that are due at once wait in the
    store and not in memory, and other replicas take their share of them; of one workspace no more wait here than it has
    places, so that one that does not answer keeps no other waiting. Workspaces take turns: whoever had one
    stands back until every other had one. A tick never waits for what is under way.
    """

    desk: Desk
    under_way: Counter[Workspace] = field(default_factory=Counter)
    waiting: Counter[Workspace] = field(default_factory=Counter)
    ticks: int = 0
    _claimed: deque[Claim] = field(default_factory=deque)
    _served: set[Workspace] = field(default_factory=set)
    _look: bool = True
    _look_when_there_is_room: bool = False
    _stays: bool = True
    _closed: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: datetime | None = None
    _shared_at: float = -inf

    def tick(self) -> None:
        """Look again what is due."""
        self.ticks += 1
        self._look = True
        self._changed.set()

    def close(self, *, when_idle: bool = False) -> None:
        """Claim nothing more, or with `when_idle` only until nothing is due; `work` ends with the last delivery."""
        self._stays = False
        self._closed = not when_idle
        self._changed.set()

    async def work(self) -> None:
        """Deliver until closed."""
        async with asyncio.TaskGroup() as group:
            while self._stays or self.under_way or self._wants_more():
                self._changed.clear()
                if self._wants_more():
                    await self._claim()
                else:
                    await self._wait()
                await self._share()
                self._start(group)
        await self._give_back()

    def _wants_more(self) -> bool:
        """Whether to look in the store."""
        return self._look and not self._closed and self.under_way.total() < self.desk.at_once

    async def _wait(self) -> None:
        """For a change, but while something is under way not for long, so that turns are shared anew."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SHARE_SECONDS if self.under_way and self._shared else None):
                await self._changed.wait()

    @property
    def _shared(self) -> dict[str, Pace]:
        return {platform: pace for platform, pace in self.desk.paces.items() if pace.is_shared}

    async def _share(self) -> None:
        """What a platform allows is for all replicas together: each has its part of a workspace at which several are."""
        has_work = self.under_way or self._claimed
        if not (has_work and self._shared and monotonic() - self._shared_at >= SHARE_SECONDS):
            return
        self._shared_at, desk = monotonic(), self.desk
        try:
            at_work = await asyncio.to_thread(desk.store.deliveries.at_work, now=desk.clock())
        except Exception as error:  # Then it goes on as it was.
            log.warning("who else is at work is not known: %s", error)
            return
        for platform, pace in self._shared.items():
            others = [
                (place, owner) for name, place, owner in at_work if name == platform and owner != desk.owner
            ]
            pace.share_with(others)

    def _start(self, group: asyncio.TaskGroup) -> None:
        """Begin what was claimed, as far as there are places and its workspace has room."""
        for _ in range(0 if self._closed else len(self._claimed)):
            claim = self._claimed.popleft()
            place = _workspace(claim)
            if self.under_way.total() < self.desk.at_once and not self._is_full(place):
                self.waiting[place] -= 1
                self.under_way[place] += 1
                group.create_task(self._one(claim, place))
            else:
                self._claimed.append(claim)

    def _is_full(self, place: Workspace) -> bool:
        return self.under_way[place] >= self.desk.at_once_a_workspace

    def _has_enough(self, place: Workspace) -> bool:
        """Whether nothing more is claimed of a workspace: fewer wait for its room than it has room for."""
        return self.under_way[place] + self.waiting[place] >= self.desk.at_once_a_workspace

    def _with_enough(self) -> set[Workspace]:
        return {place for place in self.under_way.keys() | self.waiting.keys() if self._has_enough(place)}

    async def _one(self, claim: Claim, place: Workspace) -> None:
        try:
            await deliver(claim, desk=self.desk)
        except Exception:
            told = claim.edition, claim.subscription.channel
            log.exception("delivering %s to %s failed; it is tried again once its lease is over", *told)
        finally:
            had_enough = self._has_enough(place)
            self.under_way[place] -= 1
            if self._look_when_there_is_room and had_enough and not self._has_enough(place):
                self._look, self._look_when_there_is_room = True, False
            self.under_way, self.waiting = +self.under_way, +self.waiting
            if not self.under_way:
                self._look = True  # What may end its process is given only to one that is at nothing else.
            self._changed.set()

    async def _claim(self) -> None:
        """Take a few. A store that fails is asked again at the next tick."""
        self._look = False
        enough = self._with_enough()
        most = max(self.desk.at_once - self.under_way.total(), self.desk.at_once // 2)
        try:
            claims = await asyncio.to_thread(self._ask, most, enough | self._served)
        except PaperroundError as error:
            log.error("%s Trying again in a minute.", error)
            return
        except Exception:
            log.exception("What is due could not be found out; trying again in a minute.")
            return
        self._claimed.extend(claims)
        self.waiting.update(map(_workspace, claims))
        if len(claims) == most:
            self._look, self._served = True, self._served | {_workspace(claim) for claim in claims}
        elif self._served:
            self._look, self._served = True, set()
        elif all(self._has_enough(place) for place in enough):
            self._look_when_there_is_room = bool(self._with_enough())
        else:
            self._look = True  # One of them got room while the store was asked.

    async def _give_back(self) -> None:
        """What was claimed and not begun is anybody's at once."""
        ledger, now = self.desk.store.deliveries, self.desk.clock()
        while self._claimed:
            claim = self._claimed.popleft()
            try:
                await asyncio.to_thread(
                    ledger.wait, claim, "Stopped before its turn.", until=now, failed=False
                )
            except LeaseLostError:
                continue
            except (
                Exception
            ) as error:  # The next would fail as well, and whoever stops us does not wait for long.
                log.warning("%d editions wait until their leases end: %s", len(self._claimed) + 1, error)
                return

    def _ask(self, most: int, but_not: set[Workspace]) -> list[Claim]:
        desk, now = self.desk, self.desk.clock()
        if self._seen and now < self._seen - SET_BACK:
            log.warning(
                "the clock went back from %s to %s: every next edition is reckoned anew", self._seen, now
            )
            desk.store.subscriptions.reckon(now=now)
            desk.store.deliveries.bring_back(now=now, lease=desk.lease)
        self._seen = now
        return list(
            desk.store.deliveries.claim_due(
                owner=desk.owner,
                now=now,
                lease=desk.lease,
                most=most,
                most_a_workspace=desk.at_once_a_workspace,
                but_not=but_not,
            )
        )


def _workspace(claim: Claim) -> Workspace:
    channel = claim.subscription.channel
    return channel.platform, channel.workspace
