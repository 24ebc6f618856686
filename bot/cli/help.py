"""`paperround help`: explain the command line, or one command."""

import argparse

from bot.cli.parser import build_parser
from bot.cli.terminal import EXIT_OK


def run_command(options: argparse.Namespace) -> int:
    """Print what --help prints. Wrong arguments end the process with a sentence and `EXIT_USAGE`."""
    build_parser().parse_args([*filter(None, [options.command]), "--help"])
    return EXIT_OK
