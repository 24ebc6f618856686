"""`make chaos`: every trial, several at a time, and a closing table.

The exit status is 1 when a page was lost or repeated.
"""

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

from tests.chaos.trials import Trial, list_trials
from tests.chaos.world import Tally
from tests.postgres import URL_VARIABLE, start_server

COLUMNS = ("scenario", "store", "platform", "kills", "channels", "pages", "lost", "repeated")
WIDTHS = (30, 10, 8, 6, 8, 6, 5, 8)
MAX_CONNECTIONS = 500
"""Connections to PostgreSQL from the processes of all trials in progress."""
MAX_OUTPUT_BYTES = 2**24
"""Largest report of a trial in bytes, with the ends of its logs."""

TrialResult = tuple[Trial, Tally, float]


def main() -> int:
    arguments = _parse_arguments()
    if arguments.play:
        known = {str(trial): trial for trial in list_trials()}
        for name in sys.stdin:
            print(json.dumps(asdict(_run_trial(known[name.strip()], arguments.seed))), flush=True)
        return 0
    worst = 0
    for number in range(arguments.runs):
        seed = arguments.seed + number
        every = list_trials(None if arguments.only else seed)
        chosen = [trial for trial in every if all(word in str(trial) for word in arguments.only)]
        print(
            f"run {number + 1} of {arguments.runs}, seed {seed}: "
            f"{len(chosen)} trials, {arguments.jobs} at a time"
        )
        worst = max(worst, _print_report(asyncio.run(_run_trials(chosen, seed, arguments.jobs))))
    return worst


def _run_trial(trial: Trial, seed: int) -> Tally:
    try:
        return trial.run(seed)
    except pytest.skip.Exception as skipped:
        return Tally(skip_reason=str(skipped))
    except Exception:
        return Tally(problems=["it could not be played", traceback.format_exc()])


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--jobs", type=int, default=max(2, (os.cpu_count() or 2)))
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="WORD", help="trials whose names have all words"
    )
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


async def _run_trials(chosen: Sequence[Trial], seed: int, jobs: int) -> list[TrialResult]:
    """Run the trials in a few processes, against one PostgreSQL except for those that crash theirs."""
    with ExitStack() as exits:
        environment = dict(os.environ)
        if any(trial.deployment.store == "postgresql" for trial in chosen):
            environment[URL_VARIABLE] = exits.enter_context(start_server(MAX_CONNECTIONS)).url
        results = dict[str, TrialResult]()
        # Trials that mostly wait have processes of their own, beside the others.
        for_work = iter([trial for trial in chosen if not trial.is_mostly_waiting])
        for_waiting = iter([trial for trial in chosen if trial.is_mostly_waiting])
        async with asyncio.TaskGroup() as group:
            for left in (for_work, for_waiting):
                for _ in range(jobs):
                    group.create_task(_feed_process(left, seed, environment, results))
        return [results[str(trial)] for trial in chosen]


async def _feed_process(
    remaining: Iterator[Trial], seed: int, environment: dict[str, str], results: dict[str, TrialResult]
) -> None:
    """A process that has imported everything once and runs trials until it ends; then another takes its
    place.
    """
    process = None
    for trial in remaining:
        if process is None or process.returncode is not None:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.chaos", "--play", "--seed", str(seed), env=environment,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MAX_OUTPUT_BYTES,
            )  # fmt: skip
        began = time.monotonic()
        tally = await _request_tally(trial, process)
        seconds = time.monotonic() - began
        print(f"{_status_of(tally)} {seconds:5.1f} s  {trial}", flush=True)
        results[str(trial)] = trial, tally, seconds
    if process is not None and process.stdin:
        process.stdin.close()
        await process.wait()


async def _request_tally(trial: Trial, process: asyncio.subprocess.Process) -> Tally:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{trial}\n".encode())
    answer = await process.stdout.readline()
    if not answer:
        return Tally(problems=[f"its player ended: {await process.wait()}"])
    return Tally(**json.loads(answer))


def _status_of(tally: Tally) -> str:
    if tally.skip_reason:
        return " skip"
    return "  ok " if tally.is_ok else "WRONG"


def _print_report(outcomes: Sequence[TrialResult]) -> int:
    print("\n" + _format_row(COLUMNS))
    total = Tally()
    for trial, tally, _ in outcomes:
        print(
            _format_row((trial.name, trial.deployment.store, trial.deployment.platform, *_figures_of(tally)))
        )
        total += tally
    print(_format_row(("all", "", "", *_figures_of(total))))
    for trial, tally, _ in outcomes:
        if tally.skip_reason:
            print(f"\n{trial}: not tried, {tally.skip_reason}")
        for note in tally.notes:
            print(f"\n{trial}: {note}")
        for fault in tally.problems:
            print(f"\n{trial}: {fault}")
    return 0 if total.is_ok else 1


def _figures_of(tally: Tally) -> tuple[int, ...]:
    return tally.kills, tally.channels, tally.pages, tally.lost, tally.repeated


def _format_row(cells: Sequence[object]) -> str:
    return " ".join(
        f"{cell:<{width}}" if isinstance(cell, str) else f"{cell:>{width}}"
        for cell, width in zip(cells, WIDTHS, strict=True)
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except pytest.skip.Exception as skipped:
        sys.exit(f"chaos: {skipped}")
