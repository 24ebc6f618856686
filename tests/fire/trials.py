"""Which scenarios are tried where, and how hard."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from tests.fire.base import Disk
from tests.fire.chat import Trouble
from tests.fire.scenarios import clocks, database, deaths, poison, weather
from tests.fire.strikes import Side
from tests.fire.world import Place, Tally

STORES = ("sqlite", "postgresql")
PLATFORMS = ("slack", "discord")
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
    waits: bool = False
    """For the greater part it waits, so that more of its kind can run at once."""

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"

    def run(self, seed: int) -> Tally:
        """What came of it; what went wrong in the harness itself is wrong too."""
        try:
            return asyncio.run(self.play(Random(f"{self} {seed}")))
        except AssertionError as error:
            return Tally(wrong=[str(error)])


def trials(seed: int | None = None) -> Iterator[Trial]:
    """All of the run with a seed, the longest first, or all that there are.

    Deliveries are killed everywhere. The rest is tried, by turns, on Slack with one kind of store and on
    Discord with the other: two runs one after the other try all of it, and each is short enough to be made again and again.
    """
    places = [Place(store, platform) for store in STORES for platform in PLATFORMS]
    in_turn = [place for place in places if seed is None or _is_in_turn(place, seed)]
    for place in in_turn:
        in_recovery = _sure(deaths.killed_in_recovery, place, Side.AFTER)
        yield Trial("killed in recovery", place, in_recovery, waits=True)
        locked = _sure(database.database_locked_long, place)
        yield Trial("database locked for 30 s", place, locked, waits=True)
    for place in places:
        yield from _everywhere(place)
    for place in in_turn:
        yield from _stopped(place)
        yield from _in_weather(place)
        yield from _in_time(place)
        yield from _in_trouble(place)


def _is_in_turn(place: Place, seed: int) -> bool:
    return (STORES.index(place.store) + PLATFORMS.index(place.platform) + seed) % 2 == 0


def _everywhere(place: Place) -> Iterator[Trial]:
    kills = RANDOM_KILLS // (len(STORES) * len(PLATFORMS))
    killed = _by_chance(deaths.killed_at_random, place, kills=kills)
    yield Trial("killed at random", place, killed, waits=True)
    for side in Side:
        killed = _sure(deaths.killed_at_every_await, place, side)
        yield Trial(f"killed {side} each await", place, killed, waits=True)


def _stopped(place: Place) -> Iterator[Trial]:
    yield Trial("stopped at random", place, _by_chance(deaths.stopped_at_random, place), waits=True)
    for side in Side:
        stopped = _sure(deaths.stopped_past_its_lease, place, side)
        yield Trial(f"stopped {side} each await", place, stopped, waits=True)


def _in_weather(place: Place) -> Iterator[Trial]:
    for name, chances in WEATHER.items():
        yield Trial(name, place, _by_chance(weather.storm, place, chances))
    yield Trial("out for three hours", place, _by_chance(weather.outage, place))
    lag = {Trouble.DROPPED_AFTER: 15}
    yield Trial("history lags", place, _by_chance(weather.storm, place, lag, history_lag=20))
    worst = _by_chance(weather.storm, place, EVERYTHING, history_lag=20, kills=8)
    yield Trial("all at once", place, worst)
    yield Trial("poison", place, _sure(poison.poison, place))


def _in_time(place: Place) -> Iterator[Trial]:
    yield Trial("clock forward two days", place, _sure(clocks.clock_forward_two_days, place))
    jumps = clocks.two_days_pass_in_a_digest
    yield Trial("two days on in a digest", place, _sure(jumps, place))
    yield Trial("two days on, slow answers", place, _sure(jumps, place, latency=0.3))
    yield Trial("dead for two days in a digest", place, _sure(jumps, place, dead=True))
    yield Trial("clock back an hour", place, _sure(clocks.clock_back_an_hour, place))
    for hours in (20, 72, -48):
        wrong = _sure(clocks.killed_with_a_wrong_clock, place, by=timedelta(hours=hours))
        yield Trial(f"killed, clock wrong {hours:+} h", place, wrong, waits=True)
    if place.replicas > 1:
        # Where an hour is six minutes a time-out is 20 s: that and this are less than a lease.
        differ = _by_chance(clocks.clocks_differ, place, apart=timedelta(seconds=20))
        yield Trial("clocks 20 s apart", place, differ)
    yield Trial("asleep over its hour", place, _sure(clocks.asleep_over_its_hour, place))
    yield Trial("nights of clock changes", place, _sure(clocks.clock_changes, place))
    yield Trial("leap day", place, _sure(clocks.leap_day, place))


def _in_trouble(place: Place) -> Iterator[Trial]:
    yield Trial("database locked", place, _sure(database.database_locked, place))
    disks = (Disk.READ_ONLY, Disk.FULL, Disk.FULL_FOR_ITS_LOG)
    for disk in disks if place.store == "postgresql" else disks[:2]:
        yield Trial(f"database {disk}", place, _sure(database.disk_fails, place, disk))
    if place.store == "postgresql":
        yield Trial("PostgreSQL crashes", place, _sure(database.postgres_crashes, place))
        yield Trial("PostgreSQL restarts", place, _by_chance(database.postgres_restarts, place))
        yield Trial("network is cut", place, _sure(database.network_is_cut, place))


def _sure(scenario: Scenario, *given: Any, **more: Any) -> Play:
    """Nothing in it is left to chance."""
    return lambda _: scenario(*given, **more)


def _by_chance(scenario: Scenario, place: Place, *given: Any, **more: Any) -> Play:
    return lambda random: scenario(place, random, *given, **more)
