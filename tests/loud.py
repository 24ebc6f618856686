"""`paperround` with every log at DEBUG, for tests of what is written: `python -m tests.loud COMMAND ...`.

Requests end after some seconds, and retries of sources have hardly a pause.
"""

import logging
import sys

from digests.sources.http import client
from tests.impatient import run_impatiently

WAITS = ("--timeout", "5", "--arxiv-gap", "0.01")


def open_all_logs() -> None:
    """Show the records of all loggers. Their levels cannot be changed any more."""
    logging.getLogger().setLevel(logging.DEBUG)
    if logging.lastResort:
        logging.lastResort.setLevel(logging.DEBUG)
    logging.Logger.setLevel = lambda self, level: None  # type: ignore[method-assign]


if __name__ == "__main__":
    open_all_logs()
    client.INITIAL_BACKOFF_SECONDS = 0.01
    sys.exit(run_impatiently([*WAITS, *sys.argv[1:]]))
