"""The trials of chaos: scenarios with their deployments and their effort."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from tests.chaos.base import DiskState
from tests.chaos.chat import ChatFault
from tests.chaos.faults import Side
from tests.chaos.scenarios import clocks, crashes, database, locks, platform_faults, poison
from tests.chaos.world import Deployment, Tally

STORES = ("sqlite", "postgresql")
PLATFORMS = ("slack", "discord")
RANDOM_KILLS = 200
"""Number of trials in a run, over all stores and platforms."""

PLATFORM_FAULTS = {
    "429 storm": {ChatFault.RATE_LIMITED: 60},
    "500 after commit": {ChatFault.SERVER_ERROR_AFTER: 10, ChatFault.SERVER_ERROR: 3},
    "dropped after commit": {ChatFault.DROP_AFTER: 10},
    "answers too late": {ChatFault.SLOW_AFTER: 10},
    "commits too late": {ChatFault.SLOW_BEFORE: 10},
}
ALL_FAULTS = {
    ChatFault.RATE_LIMITED: 10,
    ChatFault.SERVER_ERROR: 3,
    ChatFault.SERVER_ERROR_AFTER: 5,
    ChatFault.DROP_AFTER: 5,
    ChatFault.SLOW_AFTER: 3,
    ChatFault.SLOW_BEFORE: 3,
}


Scenario = Callable[..., Coroutine[Any, Any, Tally]]
SeededScenario = Callable[[Random], Coroutine[Any, Any, Tally]]


@dataclass(frozen=True, slots=True)
class Trial:
    """A scenario in one deployment; its random choices come from a seed."""

    name: str
    deployment: Deployment
    seeded_scenario: SeededScenario
    is_mostly_waiting: bool = False
    """True when the trial mostly waits, so that more of them may run at once."""

    def __str__(self) -> str:
        return f"{self.name} ({self.deployment})"

    def run(self, seed: int) -> Tally:
        """Run the scenario and return its result; an error of the harness counts as a failure."""
        try:
            return asyncio.run(self.seeded_scenario(Random(f"{self} {seed}")))
        except AssertionError as error:
            return Tally(problems=[str(error)])


def list_trials(seed: int | None = None) -> Iterator[Trial]:
    """Return the trials of a run by its seed, the longest first, or every trial that exists."""
    deployments = [Deployment(store, platform) for store in STORES for platform in PLATFORMS]
    chosen = [place for place in deployments if seed is None or _is_in_turn(place, seed)]
    for deployment in chosen:
        in_recovery = _bind_fixed(crashes.kill_in_recovery, deployment, Side.AFTER)
        yield Trial("killed in recovery", deployment, in_recovery, is_mostly_waiting=True)
        locked = _bind_fixed(database.lock_database_long, deployment)
        yield Trial("database locked for 30 s", deployment, locked, is_mostly_waiting=True)
    for deployment in deployments:
        yield from _list_kill_trials(deployment)
    for deployment in chosen:
        yield from _list_stop_trials(deployment)
        yield from _list_lock_trials(deployment)
        yield from _list_platform_trials(deployment)
        yield from _list_clock_trials(deployment)
        yield from _list_database_trials(deployment)


def _is_in_turn(deployment: Deployment, seed: int) -> bool:
    return (STORES.index(deployment.store) + PLATFORMS.index(deployment.platform) + seed) % 2 == 0


def _list_kill_trials(deployment: Deployment) -> Iterator[Trial]:
    kills = RANDOM_KILLS // (len(STORES) * len(PLATFORMS))
    killed = _bind_random(crashes.kill_at_random, deployment, kills=kills)
    yield Trial("killed at random", deployment, killed, is_mostly_waiting=True)
    for side in Side:
        killed = _bind_fixed(crashes.kill_at_every_await, deployment, side)
        yield Trial(f"killed {side} each await", deployment, killed, is_mostly_waiting=True)


def _list_stop_trials(deployment: Deployment) -> Iterator[Trial]:
    yield Trial(
        "stopped at random",
        deployment,
        _bind_random(crashes.stop_at_random, deployment),
        is_mostly_waiting=True,
    )
    for side in Side:
        stopped = _bind_fixed(crashes.stop_past_lease, deployment, side)
        yield Trial(f"stopped {side} each await", deployment, stopped, is_mostly_waiting=True)


def _list_lock_trials(deployment: Deployment) -> Iterator[Trial]:
    late = {ChatFault.SLOW_BEFORE: 8, ChatFault.DROP_AFTER: 8}
    free = _bind_random(locks.free_locks_of_live_workers, deployment, late)
    yield Trial("locks look free", deployment, free, is_mostly_waiting=True)
    for name, scenario in (
        ("complete after a kill", locks.recover_from_kill),
        ("complete after lost answers", locks.recover_from_lost_answers),
    ):
        yield Trial(name, deployment, _bind_fixed(scenario, deployment), is_mostly_waiting=True)


def _list_platform_trials(deployment: Deployment) -> Iterator[Trial]:
    for name, chances in PLATFORM_FAULTS.items():
        yield Trial(name, deployment, _bind_random(platform_faults.fail_calls_at_random, deployment, chances))
    yield Trial("out for three hours", deployment, _bind_random(platform_faults.fail_every_call, deployment))
    lag = {ChatFault.DROP_AFTER: 15}
    yield Trial(
        "history lags",
        deployment,
        _bind_random(platform_faults.fail_calls_at_random, deployment, lag, history_lag=20),
    )
    worst = _bind_random(
        platform_faults.fail_calls_at_random, deployment, ALL_FAULTS, history_lag=20, kills=8
    )
    yield Trial("all at once", deployment, worst)
    yield Trial("poison", deployment, _bind_fixed(poison.corrupt_subscriptions, deployment))


def _list_clock_trials(deployment: Deployment) -> Iterator[Trial]:
    yield Trial("clock forward two days", deployment, _bind_fixed(clocks.jump_forward_two_days, deployment))
    jumps = clocks.pass_two_days_in_digest
    yield Trial("two days on in a digest", deployment, _bind_fixed(jumps, deployment))
    yield Trial("two days on, slow answers", deployment, _bind_fixed(jumps, deployment, latency=0.3))
    yield Trial(
        "dead for two days in a digest", deployment, _bind_fixed(jumps, deployment, with_dead_workers=True)
    )
    yield Trial("clock back an hour", deployment, _bind_fixed(clocks.jump_back_an_hour, deployment))
    for hours in (20, 72, -48):
        wrong = _bind_fixed(clocks.kill_with_wrong_clock, deployment, by=timedelta(hours=hours))
        yield Trial(f"killed, clock wrong {hours:+} h", deployment, wrong, is_mostly_waiting=True)
    if deployment.replicas > 1:
        # At this rate a time-out is 20 s. Time-out and skew together are shorter than a lease.
        differ = _bind_random(clocks.run_with_clock_skew, deployment, clock_spread=timedelta(seconds=20))
        yield Trial("clocks 20 s apart", deployment, differ)
    yield Trial("asleep over its hour", deployment, _bind_fixed(clocks.sleep_over_due_time, deployment))
    yield Trial(
        "nights of clock changes", deployment, _bind_fixed(clocks.run_through_clock_changes, deployment)
    )
    yield Trial("leap day", deployment, _bind_fixed(clocks.run_through_leap_day, deployment))


def _list_database_trials(deployment: Deployment) -> Iterator[Trial]:
    yield Trial("database locked", deployment, _bind_fixed(database.lock_database, deployment))
    disks = (DiskState.READ_ONLY, DiskState.FULL, DiskState.FULL_WITH_WAL)
    for disk in disks if deployment.store == "postgresql" else disks[:2]:
        yield Trial(f"database {disk}", deployment, _bind_fixed(database.fail_disk, deployment, disk))
    if deployment.store == "postgresql":
        yield Trial("PostgreSQL crashes", deployment, _bind_fixed(database.crash_postgres, deployment))
        yield Trial("PostgreSQL restarts", deployment, _bind_random(database.restart_postgres, deployment))
        yield Trial("network is cut", deployment, _bind_fixed(database.cut_network, deployment))


def _bind_fixed(scenario: Scenario, *arguments: Any, **options: Any) -> SeededScenario:
    """Return a scenario with its arguments, for one that makes no random choices: the seed is not used."""
    return lambda _: scenario(*arguments, **options)


def _bind_random(
    scenario: Scenario, deployment: Deployment, *arguments: Any, **options: Any
) -> SeededScenario:
    return lambda random: scenario(deployment, random, *arguments, **options)
