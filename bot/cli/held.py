"""`paperround held`: decide about suspect papers and doubted reviews."""

import argparse
import getpass
from datetime import UTC, datetime

from bot.cli.terminal import EXIT_OK, build_cli_services, print_lines
from bot.conversation.moderation import decide_held_paper
from bot.conversation.reports import (
    MAX_LISTED_REPORTS,
    NO_REVIEWER,
    ask_for_re_review,
    parse_report_number,
)
from bot.present.moderation import format_held_lines
from bot.present.reports import format_report_lines
from bot.services import Services, can_review_again
from digests.errors import InputError
from digests.ports import Store


def run_command(options: argparse.Namespace) -> int:
    """List held papers and doubted reviews, or decide about one in the name of the system's user.

    Raises InputError for a decision without a paper or a report's number, for a paper that is not held, and
    for a re-review that waits already or cannot be.
    """
    services = build_cli_services(options)
    if not options.decision:
        print_lines(
            *format_held_lines(services.store.moderation.list_held()), *_format_reports(services.store)
        )
        return EXIT_OK
    if not options.paper:
        raise InputError(
            f"Which paper? “paperround held {options.decision} ID”; “paperround held” lists them."
        )
    release, user = options.decision == "release", getpass.getuser()
    by, by_id = f"console:{user}", f"console::{user}"
    if options.decision == "again":
        print_lines(_review_again(services, options.paper, by, by_id))
        return EXIT_OK
    outcome = decide_held_paper(
        services.store, options.paper, is_release=release, by=by, by_id=by_id, now=datetime.now(UTC)
    )
    print_lines(outcome)
    return EXIT_OK


def _format_reports(store: Store) -> list[str]:
    reports = store.review_reports.list_open(MAX_LISTED_REPORTS)
    papers = store.library.get({report.paper for report in reports})
    return format_report_lines([report for report in reports if report.paper in papers], papers)


def _review_again(services: Services, number: str, by: str, by_id: str) -> str:
    report = services.store.review_reports.find(parse_report_number(number))
    if not report:
        raise InputError(f"There is no report {number}: “paperround held” lists them.")
    if not can_review_again(services.settings):
        raise InputError(NO_REVIEWER)
    return ask_for_re_review(services.store, report, by=by, by_id=by_id, now=datetime.now(UTC))
