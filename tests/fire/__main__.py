"""`make fire`: every trial, several at a time, and a closing table. The exit status is 1 when a page was lost or repeated."""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict

import pytest

from tests.fire.trials import Trial, trials
from tests.fire.world import Tally
from tests.postgres import VARIABLE, running_server

COLUMNS = ("scenario", "store", "platform", "kills", "channels", "pages", "lost", "repeated")
WIDTHS = (30, 10, 8, 6, 8, 6, 5, 8)

Outcome = tuple[Trial, Tally, float]


def main() -> int:
    asked = _asked()
    chosen = [trial for trial in trials() if all(word in str(trial) for word in asked.only)]
    if asked.one:
        (trial,) = (one for one in chosen if str(one) == asked.one)
        print(json.dumps(asdict(_played(trial, asked.seed))))
        return 0
    worst = 0
    for number in range(asked.runs):
        seed = asked.seed + number
        print(f"run {number + 1} of {asked.runs}, seed {seed}: {len(chosen)} trials, {asked.jobs} at a time")
        worst = max(worst, _report(asyncio.run(_all(chosen, seed, asked.jobs))))
    return worst


def _played(trial: Trial, seed: int) -> Tally:
    try:
        return trial.run(seed)
    except pytest.skip.Exception as skipped:
        return Tally(skipped=str(skipped))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fire", description=__doc__)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--jobs", type=int, default=max(2, (os.cpu_count() or 2)))
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="WORD", help="trials whose names have all words"
    )
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


async def _all(chosen: Sequence[Trial], seed: int, jobs: int) -> list[Outcome]:
    """Each trial in a process of its own, against one PostgreSQL for all that crash none."""
    # Those that wait more than they work have places of their own beside the others.
    places = {False: asyncio.Semaphore(jobs), True: asyncio.Semaphore(jobs)}
    with ExitStack() as exits:
        environment = dict(os.environ)
        if any(trial.place.store == "postgresql" for trial in chosen):
            environment[VARIABLE] = exits.enter_context(running_server()).url
        return await asyncio.gather(
            *(_one(trial, seed, places[trial.waits], environment) for trial in chosen)
        )


async def _one(trial: Trial, seed: int, places: asyncio.Semaphore, environment: dict[str, str]) -> Outcome:
    async with places:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fire", "--one", str(trial), "--seed", str(seed),
            env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await process.communicate()
        try:
            tally = Tally(**json.loads(output))
        except ValueError:
            tally = Tally(wrong=["it could not be played", *errors.decode().splitlines()[-12:]])
        seconds = time.monotonic() - began
        print(f"{_word(tally)} {seconds:5.1f} s  {trial}", flush=True)
        return trial, tally, seconds


def _word(tally: Tally) -> str:
    if tally.skipped:
        return " skip"
    return "  ok " if tally.well else "WRONG"


def _report(outcomes: Sequence[Outcome]) -> int:
    print("\n" + _row(COLUMNS))
    total = Tally()
    for trial, tally, _ in outcomes:
        print(_row((trial.name, trial.place.store, trial.place.platform, *_figures(tally))))
        total += tally
    print(_row(("all", "", "", *_figures(total))))
    for trial, tally, _ in outcomes:
        if tally.skipped:
            print(f"\n{trial}: not tried, {tally.skipped}")
        for fault in tally.wrong:
            print(f"\n{trial}: {fault}")
    return 0 if total.well else 1


def _figures(tally: Tally) -> tuple[int, ...]:
    return tally.kills, tally.channels, tally.pages, tally.lost, tally.repeated


def _row(cells: Sequence[object]) -> str:
    return " ".join(
        f"{cell:<{width}}" if isinstance(cell, str) else f"{cell:>{width}}"
        for cell, width in zip(cells, WIDTHS, strict=True)
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except pytest.skip.Exception as skipped:
        sys.exit(f"fire: {skipped}")
