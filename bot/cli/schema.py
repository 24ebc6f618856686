"""`paperround schema`: the format of a scored paper."""

import argparse
import json

from bot.cli.terminal import EXIT_OK, print_json
from digests.sources.reviews import build_record_schema


def run_command(options: argparse.Namespace) -> int:
    """Print the JSON Schema of a scored paper."""
    print_json(json.dumps(build_record_schema(), indent=2))
    return EXIT_OK
