"""`paperround` with every log at DEBUG, for tests of what is written: `python -m tests.loud COMMAND ...`.

`python -m tests.loud --each FOLDER` reads lists of arguments as JSON from standard input and runs them one
after the other, each in a forked process, which spares the imports. FOLDER gets the output of each, by its
number; standard output gets their statuses as JSON.

Requests end after some seconds, and retries of sources have hardly a pause.
"""

import json
import logging
import os
import sys
from importlib import import_module
from pathlib import Path

from digests.sources.http import client
from tests.impatient import run_impatiently

WAITS = ("--timeout", "5", "--arxiv-gap", "0.01")


def open_all_logs() -> None:
    """Show the records of all loggers. Their levels cannot be changed any more."""
    logging.getLogger().setLevel(logging.DEBUG)
    if logging.lastResort:
        logging.lastResort.setLevel(logging.DEBUG)
    logging.Logger.setLevel = lambda self, level: None  # type: ignore[method-assign]


IMPORTED_BEFORE = (
    "bot.cli.doctor",
    "slack_bolt.async_app",
    "slack_sdk.web.async_client",
    "discord",
    "aiohttp",
)
"""Modules that most commands import."""


def fork_for_each(commands: list[list[str]], folder: Path) -> list[str]:
    """Fork for each command, and return its arguments there. The first process ends with their statuses."""
    for module in IMPORTED_BEFORE:
        import_module(module)
    statuses = []
    for number, arguments in enumerate(commands):
        if (child := os.fork()) == 0:
            output = os.open(folder / str(number), os.O_WRONLY | os.O_CREAT, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            return arguments
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.write(json.dumps(statuses))
    sys.exit()


if __name__ == "__main__":
    open_all_logs()
    client.INITIAL_BACKOFF_SECONDS = 0.01
    given = sys.argv[1:]
    if given[:1] == ["--each"]:
        given = fork_for_each(json.load(sys.stdin), Path(given[1]))
    sys.exit(run_impatiently([*WAITS, *given]))
