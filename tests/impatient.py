"""`paperround` with other waits, for tests of whole processes.

`python -m tests.impatient --timeout 4 COMMAND ...` runs the command line with this timeout of requests to
platforms, in seconds; the other options change further waits.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import bot.conversation.marks
import bot.delivery.worker
import bot.services
from bot.cli.main import main
from bot.delivery.context import DeliveryPolicy
from tests.chaos.clock import FileClock


def run_impatiently(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--timeout", type=float, default=30, help="of a request to a platform, in seconds")
    parser.add_argument("--arxiv-gap", type=float, default=3, help="seconds between two requests to arXiv")
    parser.add_argument("--lookup-timeout", type=float, default=6, help="of a look-up at arXiv, in seconds")
    parser.add_argument("--tick", type=float, default=60, help="seconds between two looks for due digests")
    parser.add_argument("--delay", type=float, default=1, help="seconds until a flood of reactions is read")
    parser.add_argument("--clock", type=Path, help="file of a `FileClock`, in place of the system's clock")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    waits = parser.parse_args(arguments)
    impatient_policy = partial(DeliveryPolicy, timeout=timedelta(seconds=waits.timeout))
    setattr(bot.services, "DeliveryPolicy", impatient_policy)  # noqa: B010 (a name that it only imports)
    bot.services.ARXIV_GAP = timedelta(seconds=waits.arxiv_gap)
    bot.services.LOOKUP_TIMEOUT_SECONDS = waits.lookup_timeout
    bot.conversation.marks.DELAY_SECONDS = waits.delay
    bot.delivery.worker.TICK_INTERVAL = timedelta(seconds=waits.tick)
    if waits.clock:
        setattr(bot.services, "_utc_now", FileClock(waits.clock))  # noqa: B010 (a name of its own)
    return main(waits.command)


if __name__ == "__main__":
    sys.exit(run_impatiently(sys.argv[1:]))
