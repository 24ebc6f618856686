"""`paperround review`: one round of the reviewer."""

import argparse
import asyncio
import os
from datetime import UTC, datetime

from bot.cli.terminal import EXIT_FAILED, EXIT_OK, build_cli_services, open_console, print_lines
from bot.ingest.reviewing import (
    describe_mends,
    describe_outcome,
    describe_plan,
    load_preferences_by_workspace,
    plan_today,
    review_once,
)
from bot.services import build_reviewer, list_configured_subscriptions
from digests.errors import InputError
from digests.reviewers.mend_report import load_mend_reports


def run_command(options: argparse.Namespace) -> int:
    """Review waiting papers once, or with --plan print the forecast of today and review nothing.

    With --report print what was repaired in the answers of the last days, and review nothing. Returns
    `EXIT_FAILED` if a paper failed or the round had trouble. Raises InputError if no reviewer is set up or
    another process reviews.
    """
    services = build_cli_services(options)
    if options.report:
        print_lines(*describe_mends(load_mend_reports(services.store.library, datetime.now(UTC))))
        return EXIT_OK
    open_context = build_reviewer(services, os.environ)
    if not open_context:
        raise InputError(
            "No reviewer is set up: name a server and a model under [reviewer] in paperround.toml "
            "(config/example.toml shows how)."
        )
    preferences = load_preferences_by_workspace(
        services.store, list_configured_subscriptions(services.settings)
    )
    remark = "No channel gets a digest yet, so only papers that people asked for are read."
    remarks = [] if preferences else [remark]
    if options.plan:
        print_lines(*remarks, *describe_plan(*asyncio.run(plan_today(open_context, preferences))))
        return EXIT_OK
    outcome = asyncio.run(
        review_once(open_context, services.store, preferences, open_console(is_stderr=True))
    )
    waiting_count = sum(services.store.review_queue.count_waiting().values())
    print_lines(*remarks, describe_outcome(outcome, waiting_count))
    return EXIT_FAILED if outcome.failure_count or outcome.trouble else EXIT_OK
