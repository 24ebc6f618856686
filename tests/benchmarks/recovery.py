"""Time until a digest is complete after a crash or a lost answer; floor: the waits for the history alone."""

import asyncio
from collections.abc import Awaitable, Sequence

from bot.delivery.context import DeliveryPolicy
from bot.services import HISTORY_LAG
from tests.chaos.scenarios.locks import (
    ABSENT_LIMIT,
    FOUND_LIMIT,
    RecoveryTimes,
    recover_from_kill,
    recover_from_lost_answers,
)
from tests.chaos.world import Deployment, Tally

DEPLOYMENTS = [
    Deployment(store, platform) for store in ("sqlite", "postgresql") for platform in ("slack", "discord")
]


def rows() -> list[tuple[str, ...]]:
    """Measure both scenarios in every deployment, all at once, since they mostly wait."""
    found, absent = HISTORY_LAG.total_seconds(), (HISTORY_LAG + DeliveryPolicy().proof_wait).total_seconds()
    measured = asyncio.run(_measure_all())
    return [
        _row(f"{what}, {group}", seconds, floor, aim)
        for what, times in measured.items()
        for group, seconds, floor, aim in (
            ("no page in doubt or found", times.found, found, FOUND_LIMIT),
            ("a page that never arrived", times.absent, absent, ABSENT_LIMIT),
        )
        if seconds
    ]


async def _measure_all() -> dict[str, RecoveryTimes]:
    measured = dict[str, RecoveryTimes]()
    async with asyncio.TaskGroup() as group:
        for deployment in DEPLOYMENTS:
            for what, scenario in (
                ("kill -9 and restart", recover_from_kill),
                ("lost answers", recover_from_lost_answers),
            ):
                times = measured[f"{what}, {deployment}"] = RecoveryTimes()
                group.create_task(_check(scenario(deployment, times=times)))
    return measured


async def _check(scenario: Awaitable[Tally]) -> None:
    """Run a scenario, and raise AssertionError if a page was lost or repeated."""
    tally = await scenario
    assert (tally.lost, tally.repeated) == (0, 0), tally.problems


def _row(what: str, seconds: Sequence[float], floor: float, aim: float) -> tuple[str, ...]:
    share = sum(one <= aim for one in seconds) / len(seconds)
    return (
        f"{what}: the last of {len(seconds)}, {share:.0%} within the aim",
        f"{max(seconds):.1f} s",
        f"{floor:.1f} s",
        f"{max(seconds) / floor:.2f}",
        f"<= {aim:.0f} s",
    )


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row))
