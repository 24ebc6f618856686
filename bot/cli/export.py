"""`paperround export`: print everything that is kept about a person."""

import argparse
import json

from bot.cli.terminal import EXIT_OK, build_cli_services, print_json
from digests.ports.people import SubjectKind, parse_subject


def run_command(options: argparse.Namespace) -> int:
    """Print the records of a person as a JSON object, by kind. Raises InputError and StoreError."""
    person = parse_subject(SubjectKind(options.kind), options.id)
    records = build_cli_services(options).store.people.export(person)
    print_json(json.dumps({"person": str(person), **records}, indent=2, ensure_ascii=False))
    return EXIT_OK
