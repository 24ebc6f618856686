"""`paperround mcp`: look-ups for programs over the Model Context Protocol, on standard input and output."""

import argparse

from bot.cli.terminal import EXIT_OK, build_cli_services
from bot.web.paper_tools import PaperTools, build_server, parse_queue_owner


def run_command(options: argparse.Namespace) -> int:
    """Serve until the standard input ends. Raises InputError and SettingsError."""
    services = build_cli_services(options)
    channel = parse_queue_owner(options.workspace, services) if options.workspace else None
    tools = PaperTools(services, channel)
    build_server(lambda: tools, has_queue=channel is not None).run()
    return EXIT_OK
