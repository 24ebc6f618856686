"""`make fire`: every trial, several at a time, and a closing table. The exit status is 1 when a page was lost or repeated."""

import argparse
import asyncio
import json
import os
import random
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict

import pytest

from tests.fire.trials import Trial, trials
from tests.fire.world import Tally
from tests.postgres import VARIABLE, running_server

COLUMNS = ("scenario", "store", "platform", "kills", "channels", "pages", "lost", "repeated")
WIDTHS = (30, 10, 8, 6, 8, 6, 5, 8)
CONNECTIONS = 500
"""To PostgreSQL, from the processes of all trials that are under way."""
MOST_SAID = 2**24
"""Bytes of a trial's tally, with the ends of logs."""

Outcome = tuple[Trial, Tally, float]


def main() -> int:
    asked = _asked()
    if asked.play:
        known = {str(trial): trial for trial in trials()}
        for name in sys.stdin:
            print(json.dumps(asdict(_played(known[name.strip()], asked.seed))), flush=True)
        return 0
    worst = 0
    for number in range(asked.runs):
        seed = asked.seed + number
        every = trials(None if asked.only else seed)
        chosen = [trial for trial in every if all(word in str(trial) for word in asked.only)]
        print(f"run {number + 1} of {asked.runs}, seed {seed}: {len(chosen)} trials, {asked.jobs} at a time")
        worst = max(worst, _report(asyncio.run(_all(chosen, seed, asked.jobs))))
    return worst


def _played(trial: Trial, seed: int) -> Tally:
    try:
        return trial.run(seed)
    except pytest.skip.Exception as skipped:
        return Tally(skipped=str(skipped))
    except Exception:
        return Tally(wrong=["it could not be played", traceback.format_exc()])


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fire", description=__doc__)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--jobs", type=int, default=max(2, (os.cpu_count() or 2)))
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="WORD", help="trials whose names have all words"
    )
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


async def _all(chosen: Sequence[Trial], seed: int, jobs: int) -> list[Outcome]:
    """Played by a few processes, one trial after the other, against one PostgreSQL for all that crash none."""
    with ExitStack() as exits:
        environment = dict(os.environ)
        if any(trial.place.store == "postgresql" for trial in chosen):
            environment[VARIABLE] = exits.enter_context(running_server(CONNECTIONS)).url
        played = dict[str, Outcome]()
        # Those that wait more than they work have players of their own beside the others.
        for_work = iter([trial for trial in chosen if not trial.waits])
        for_waiting = iter([trial for trial in chosen if trial.waits])
        async with asyncio.TaskGroup() as group:
            for left in (for_work, for_waiting):
                for _ in range(jobs):
                    group.create_task(_play(left, seed, environment, played))
        return [played[str(trial)] for trial in chosen]


async def _play(
    left: Iterator[Trial], seed: int, environment: dict[str, str], played: dict[str, Outcome]
) -> None:
    """One process, which has imported everything once, for as many trials as come to it; another when it ended."""
    process = None
    for trial in left:
        if process is None or process.returncode is not None:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.fire", "--play", "--seed", str(seed), env=environment,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MOST_SAID,
            )  # fmt: skip
        began = time.monotonic()
        tally = await _told(trial, process)
        seconds = time.monotonic() - began
        print(f"{_word(tally)} {seconds:5.1f} s  {trial}", flush=True)
        played[str(trial)] = trial, tally, seconds
    if process is not None and process.stdin:
        process.stdin.close()
        await process.wait()


async def _told(trial: Trial, process: asyncio.subprocess.Process) -> Tally:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{trial}\n".encode())
    answer = await process.stdout.readline()
    if not answer:
        return Tally(wrong=[f"its player ended: {await process.wait()}"])
    return Tally(**json.loads(answer))


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
