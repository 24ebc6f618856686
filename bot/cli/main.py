"""The command line: it parses, runs one command, and turns a failure into a sentence and a status."""

import gc
import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from bot.cli.parser import build_parser
from bot.cli.redaction import hide_secrets, remember_environment
from bot.cli.safe_text import SafeFormatter, escape_controls
from bot.cli.terminal import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from config.problems import SettingsError
from digests.errors import PaperroundError

PRIVATE_UMASK = 0o077
"""Rights that new files of a command do not give: those of other accounts. Libraries create some of them."""

GC_THRESHOLD = 150_000
"""New objects after which garbage is collected: more than a short command makes.

At Python's 700 the collector took a fifth of a start.
"""


def run_process() -> NoReturn:
    """Run the command of this process, and end the process with its exit status.

    The interpreter would search all objects for garbage before it ends, for a third of the time of a short
    command. `gc.freeze` leaves the memory to the operating system. So nothing may wait for its collection:
    files and connections are closed by their owners.
    """
    try:
        sys.exit(main())
    finally:
        gc.freeze()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status. `arguments` None stands for those of the process.

    A command's module is imported only when it runs. Its `run_command` returns a status, or raises
    PaperroundError or SettingsError, whose sentence is printed to standard error. Wrong arguments end the
    process with `EXIT_USAGE`. An unforeseen exception becomes a sentence too; if PAPERROUND_DEBUG is set, its
    traceback is printed.
    """
    gc.set_threshold(GC_THRESHOLD)
    _make_output_safe()
    remember_environment(os.environ)
    former_umask = os.umask(PRIVATE_UMASK)
    try:
        options = build_parser().parse_args(arguments)
        status: int = import_module(f"bot.cli.{options.module}").run_command(options)
        print(end="", flush=True)  # noqa: T201
    except (PaperroundError, SettingsError) as error:
        return _report_failure(str(error))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone. Without this the interpreter reports it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except OSError as error:
        return _report_failure(f"The output could not be written: {error.strerror or error}.")
    except Exception as error:
        if os.environ.get("PAPERROUND_DEBUG"):
            return _report_failure(f"An unexpected fault.\n{traceback.format_exc()}")
        return _report_failure(
            f"An unexpected fault: {type(error).__name__}: {error}. "
            "Set PAPERROUND_DEBUG=1 to see where, and report it."
        )
    finally:
        os.umask(former_umask)
    return status


def _make_output_safe() -> None:
    """Make the output replace characters that its encoding lacks, and warnings escape control characters.

    Warnings are what a command logs that sets up no log of its own.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if logging.lastResort:
        logging.lastResort.setFormatter(SafeFormatter())


def _report_failure(sentence: str) -> int:
    print(escape_controls(hide_secrets(f"paperround: {sentence}")), file=sys.stderr)  # noqa: T201
    return EXIT_FAILED
