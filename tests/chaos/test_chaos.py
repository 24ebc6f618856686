"""A small sample of `make chaos`, and all of its trials under the marker `chaos`."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from tests.chaos.chat import ChatFault
from tests.chaos.faults import Fault, FaultPlan, PlannedFault, Side
from tests.chaos.scenarios.crashes import kill_at_every_await, stop_past_lease
from tests.chaos.scenarios.platform_faults import fail_calls_at_random
from tests.chaos.trials import Trial, list_trials
from tests.chaos.world import Deployment, Tally, start_cluster

DEPLOYMENT = Deployment("sqlite", "slack")


def assert_nothing_lost(tally: Tally) -> None:
    assert (tally.lost, tally.repeated, tally.problems) == (0, 0, [])
    assert tally.pages > 0


def test_a_cancelled_fault_kills_no_worker(tmp_path: Path) -> None:
    """A fault left behind would kill a later process: here it would be this one."""
    fault_plan, faults = (
        FaultPlan(tmp_path),
        [PlannedFault(Fault.KILL, Side.AFTER, number) for number in (1, 2)],
    )
    fault_plan.schedule_faults("withdrawn", faults)
    assert fault_plan.cancel_faults("withdrawn")
    assert fault_plan.pending_faults("withdrawn") == []
    fault_plan.inject_fault("withdrawn", faults[0])


def test_a_worker_logs_what_it_does_as_the_command_does() -> None:
    """Scenarios and benchmarks wait for lines of the log, some of which are no warnings."""

    async def scenario() -> None:
        async with start_cluster(DEPLOYMENT) as cluster:
            cluster.spawn_worker()
            await cluster.wait_for_log(" INFO Slack's socket is connected")

    asyncio.run(scenario())


def test_a_delivery_killed_at_some_awaits_is_finished_once_by_the_next_worker() -> None:
    assert_nothing_lost(asyncio.run(kill_at_every_await(DEPLOYMENT, Side.AFTER, step=3, limit=4)))


def test_a_worker_stopped_past_its_lease_repeats_nothing() -> None:
    assert_nothing_lost(asyncio.run(stop_past_lease(DEPLOYMENT, Side.AFTER, step=3, limit=2)))


def test_lost_late_and_refused_answers_with_crashes_lose_and_repeat_nothing() -> None:
    chances = {ChatFault.SERVER_ERROR_AFTER: 10, ChatFault.DROP_AFTER: 10}
    assert_nothing_lost(
        asyncio.run(
            fail_calls_at_random(
                DEPLOYMENT, Random(7), chances, channels=9, seconds=1, kills=2, history_lag=20
            )
        )
    )


@pytest.mark.chaos
@pytest.mark.parametrize("trial", list(list_trials()), ids=str)
def test_each_trial_loses_and_repeats_nothing(trial: Trial) -> None:
    assert_nothing_lost(trial.run(seed=1))
