"""Which scenarios are tried where, and how hard."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from tests.fire import scenarios as fire
from tests.fire.chat import Trouble
from tests.fire.child import Disk
from tests.fire.strikes import Side
from tests.fire.world import Place, Tally

STORES = ("sqlite", "postgresql")
PLATFORMS = ("slack", "discord")
SEVERAL = Place("postgresql", "slack")
ALONE = Place("sqlite", "slack")
RANDOM_KILLS = 200
"""In a run, over all stores and platforms."""

WEATHER = {
    "429 storm": {Trouble.LIMITED: 60},
    "500 after commit": {Trouble.FAILED_AFTER: 10, Trouble.FAILED: 3},
    "dropped after commit": {Trouble.DROPPED_AFTER: 10},
    "answers too late": {Trouble.SLOW_AFTER: 10},
    "commits too late": {Trouble.SLOW_BEFORE: 10},
}
EVERYTHING = {
    Trouble.LIMITED: 10,
    Trouble.FAILED: 3,
    Trouble.FAILED_AFTER: 5,
    Trouble.DROPPED_AFTER: 5,
    Trouble.SLOW_AFTER: 3,
    Trouble.SLOW_BEFORE: 3,
}


Scenario = Callable[..., Coroutine[Any, Any, Tally]]
Play = Callable[[Random], Coroutine[Any, Any, Tally]]


@dataclass(frozen=True, slots=True)
class Trial:
    """A scenario in a place; chance is drawn from a seed."""

    name: str
    place: Place
    play: Play

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"

    def run(self, seed: int) -> Tally:
        """What came of it; what went wrong in the harness itself is wrong too."""
        try:
            return asyncio.run(self.play(Random(f"{self} {seed}")))
        except AssertionError as error:
            return Tally(wrong=[str(error)])


def trials() -> Iterator[Trial]:
    """All of a run, the longest first."""
    for store in STORES:
        for platform in PLATFORMS:
            yield from _everywhere(Place(store, platform))
    for store in STORES:
        yield from _in_time(Place(store))
    yield from _in_trouble()


def _everywhere(place: Place) -> Iterator[Trial]:
    kills = RANDOM_KILLS // (len(STORES) * len(PLATFORMS))
    yield Trial("killed at random", place, _by_chance(fire.killed_at_random, place, kills=kills))
    for side in Side:
        yield Trial(f"killed {side} each await", place, _sure(fire.killed_at_every_await, place, side))
        yield Trial(f"stopped {side} each await", place, _sure(fire.stopped_past_its_lease, place, side))
    yield Trial("killed in recovery", place, _sure(fire.killed_in_recovery, place, Side.AFTER))
    for name, chances in WEATHER.items():
        yield Trial(name, place, _by_chance(fire.storm, place, chances))
    lag = {Trouble.DROPPED_AFTER: 15}
    yield Trial("history lags", place, _by_chance(fire.storm, place, lag, history_lag=20))
    worst = _by_chance(fire.storm, place, EVERYTHING, history_lag=20, kills=8)
    yield Trial("all at once", place, worst)
    yield Trial("poison", place, _sure(fire.poison, place))


def _in_time(place: Place) -> Iterator[Trial]:
    yield Trial("clock forward two days", place, _sure(fire.clock_forward_two_days, place))
    yield Trial("clock back an hour", place, _sure(fire.clock_back_an_hour, place))
    for hours in (20, -48):
        wrong = _sure(fire.killed_with_a_wrong_clock, place, by=timedelta(hours=hours))
        yield Trial(f"killed, clock wrong {hours:+} h", place, wrong)
    yield Trial("asleep over its hour", place, _sure(fire.asleep_over_its_hour, place))
    yield Trial("nights of clock changes", place, _sure(fire.clock_changes, place))
    yield Trial("leap day", place, _sure(fire.leap_day, place))


def _in_trouble() -> Iterator[Trial]:
    for place in (ALONE, SEVERAL):
        yield Trial("database locked", place, _sure(fire.database_locked, place))
    for disk in (Disk.READ_ONLY, Disk.FULL):
        yield Trial(f"database {disk}", ALONE, _sure(fire.disk_fails, ALONE, disk))
    yield Trial("PostgreSQL crashes", SEVERAL, _sure(fire.postgres_crashes, SEVERAL))
    yield Trial("network is cut", SEVERAL, _sure(fire.network_is_cut, SEVERAL))


def _sure(scenario: Scenario, *given: Any, **more: Any) -> Play:
    """Nothing in it is left to chance."""
    return lambda _: scenario(*given, **more)


def _by_chance(scenario: Scenario, place: Place, *given: Any, **more: Any) -> Play:
    return lambda random: scenario(place, random, *given, **more)
