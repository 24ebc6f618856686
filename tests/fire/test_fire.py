"""A small sample of what `make fire` does at length, and all of it under the marker `fire`."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from tests.fire.chat import Trouble
from tests.fire.scenarios.deaths import killed_at_every_await, stopped_past_its_lease
from tests.fire.scenarios.weather import storm
from tests.fire.strikes import Blow, Side, Strike, Strikes
from tests.fire.trials import Trial, trials
from tests.fire.world import Place, Tally

HERE = Place("sqlite", "slack")


def held(tally: Tally) -> None:
    assert (tally.lost, tally.repeated, tally.wrong) == (0, 0, [])
    assert tally.pages > 0


def test_what_was_withdrawn_kills_nobody(tmp_path: Path) -> None:
    """Or a process dies that nobody waits for, and none takes its place: here it would be this one."""
    strikes, blows = Strikes(tmp_path), [Strike(Blow.KILL, Side.AFTER, number) for number in (1, 2)]
    strikes.order("withdrawn", blows)
    assert strikes.withdraw("withdrawn")
    assert strikes.left("withdrawn") == []
    strikes.hit("withdrawn", blows[0])


def test_what_is_killed_at_some_awaits_of_a_delivery_is_finished_by_the_next_process_once() -> None:
    held(asyncio.run(killed_at_every_await(HERE, Side.AFTER, step=3, most=4)))


def test_what_is_stopped_past_its_lease_and_goes_on_repeats_nothing() -> None:
    held(asyncio.run(stopped_past_its_lease(HERE, Side.AFTER, step=3, most=2)))


def test_when_answers_are_lost_late_or_refused_and_processes_die_nothing_is_lost_or_repeated() -> None:
    chances = {Trouble.FAILED_AFTER: 10, Trouble.DROPPED_AFTER: 10}
    held(asyncio.run(storm(HERE, Random(7), chances, channels=9, seconds=1, kills=2, history_lag=20)))


@pytest.mark.fire
@pytest.mark.parametrize("trial", list(trials()), ids=str)
def test_under_fire(trial: Trial) -> None:
    held(trial.run(seed=1))
