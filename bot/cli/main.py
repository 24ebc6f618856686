"""The command line. A known fault is one sentence on standard error and an exit status."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bot.chat.findings import Severity
from config.load import load_settings
from config.problems import SettingsError
from config.settings import Settings
from digests.errors import InputError, PaperroundError
from digests.subscription import DigestStyle

if TYPE_CHECKING:
    from bot.services import Services

EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130
"""Exit statuses; argparse ends with 2 when the command line itself is wrong. 130 is the shells' own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    _replace_unencodable_output()
    try:
        options = _build_parser().parse_args(arguments)
        status: int = options.run(options)
        print(end="", flush=True)  # noqa: T201
    except (PaperroundError, SettingsError) as error:
        return _report_failure(str(error))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep the interpreter from saying so at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except OSError as error:
        return _report_failure(f"The output could not be written: {error.strerror or error}.")
    except Exception as error:
        if os.environ.get("PAPERROUND_DEBUG"):
            raise
        return _report_failure(
            f"An unexpected fault: {type(error).__name__}: {error}. Set PAPERROUND_DEBUG=1 to see where, and report it."
        )
    return status


def _replace_unencodable_output() -> None:
    """A terminal that cannot show a character shows a question mark in its place."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _print_json(text: str) -> None:
    """JSON stays JSON where the output is not in Unicode: what does not fit is escaped."""
    import json

    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if not encoding.lower().startswith("utf"):
        text = json.dumps(json.loads(text), indent=2)
    print(text)  # noqa: T201


def _report_failure(sentence: str) -> int:
    print(f"paperround: {sentence}", file=sys.stderr)  # noqa: T201
    return EXIT_FAILED


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="paperround",
        description="The day's best papers, with their limitations, for your team's channel.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (or PAPERROUND_CONFIG)")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="today's digest from bundled papers; needs nothing")
    demo.set_defaults(run=_run_demo)

    importing = commands.add_parser("import", help="bring scored papers in")
    importing.add_argument(
        "places",
        nargs="+",
        metavar="FILE_OR_URL",
        help="JSON or JSON Lines, also .gz; - reads standard input",
    )
    importing.set_defaults(run=_run_import)

    fetching = commands.add_parser("fetch", help="fetch what the sources of the settings have now")
    fetching.add_argument(
        "--since", type=_parse_day, metavar="DATE", help="everything from that day on, known or not"
    )
    fetching.add_argument("--source", default="", metavar="NAME", help="this source alone")
    fetching.set_defaults(run=_run_fetch)

    reviewing = commands.add_parser("review", help="score what waits, and review the best in full")
    reviewing.add_argument("--plan", action="store_true", help="only say what today would cost")
    reviewing.set_defaults(run=_run_review)

    held = commands.add_parser(
        "held", help="papers that wait for a person: suspect, with a score that stands out"
    )
    held.add_argument("decision", nargs="?", choices=("release", "reject"))
    held.add_argument("paper", nargs="?", metavar="ID")
    held.set_defaults(run=_run_held)

    schema = commands.add_parser("schema", help="the JSON Schema of a scored paper")
    schema.set_defaults(run=_run_schema)

    preview = commands.add_parser("preview", help="what would be posted")
    preview.add_argument(
        "--as", dest="platform", choices=("console", "slack", "discord", "html"), default="console"
    )
    preview.add_argument("--json", action="store_true", help="the messages as the platform's API takes them")
    preview.add_argument(
        "--style", type=DigestStyle, choices=list(DigestStyle), metavar="{cards,compact,thread}"
    )
    preview.add_argument("--top", type=_parse_top, metavar="N", help="how many papers, 1 to 50")
    preview.add_argument(
        "--domain", default="", metavar="D", help="an arXiv category or a group such as vision"
    )
    preview.add_argument(
        "--day", type=_parse_day, metavar="DATE", help="the edition's date, such as 2026-11-24"
    )
    preview.add_argument("--channel", default="", metavar="ID", help="which channel of the settings")
    preview.set_defaults(run=_run_preview)

    search = commands.add_parser("search", help="look papers up by id, address or words")
    search.add_argument("words", nargs="+", metavar="WORDS")
    search.add_argument("--json", action="store_true", help="as a JSON array")
    search.add_argument("--most", type=_parse_top, default=10, metavar="N", help="at most N papers, 1 to 50")
    search.set_defaults(run=_run_search)

    manifest = commands.add_parser("manifest", help="the app, as a platform is told about it")
    manifest.add_argument("platform", choices=("slack",))
    manifest.add_argument(
        "--url",
        type=_parse_https_url,
        help="where Slack calls over HTTP, such as https://host/slack/events",
    )
    manifest.set_defaults(run=_run_manifest)

    invite = commands.add_parser("invite", help="the link that brings the app into a server")
    invite.add_argument("platform", choices=("discord",))
    invite.set_defaults(run=_run_invite)

    status = commands.add_parser("status", help="what comes next, what failed and why, channel by channel")
    status.add_argument("--channel", default="", metavar="ID", help="only this channel")
    status.add_argument("--json", action="store_true", help="all of it as JSON")
    status.set_defaults(run=_run_status)

    digest = commands.add_parser("digest", help="a channel's edition of today, at once; never twice in a day")
    digest.add_argument("channel", metavar="CHANNEL", help="the channel's id, or its whole name")
    digest.add_argument("--now", action="store_true", required=True, help="before or after its hour")
    digest.add_argument("--dry-run", action="store_true", help="show it here, and post nothing")
    digest.set_defaults(run=_run_digest)

    doctor = commands.add_parser("doctor", help="look whether everything is right, and say what is not")
    doctor.set_defaults(run=_run_doctor)

    database = commands.add_parser("db", help="move the store to another database")
    of_database = database.add_subparsers(title="commands", required=True, metavar="COMMAND")
    copying = of_database.add_parser("copy", help="copy the whole store to an empty one")
    copying.add_argument("source", metavar="FROM", help="such as sqlite:///paperround.db")
    copying.add_argument("target", metavar="TO", help="such as postgresql+psycopg://USER@HOST/DATABASE")
    copying.set_defaults(run=_run_db_copy)

    running = commands.add_parser("run", help="post every digest at its hour, until stopped")
    running.set_defaults(run=_run_service)
    return parser


def _parse_top(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 50:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 50")


def _parse_https_url(text: str) -> str:
    if text.startswith("https://"):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} does not begin with https://, and Slack calls nothing else")


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-24") from None


def _load_settings(options: argparse.Namespace) -> Settings:
    from bot.platforms.registry import find_settings_models

    return load_settings(options.config, os.environ, find_settings_models())


def _build_services(options: argparse.Namespace) -> "Services":
    from bot.services import build_services

    return build_services(_load_settings(options), _build_console())


def _build_console() -> Console:
    return Console()


def _run_demo(options: argparse.Namespace) -> int:
    from bot.cli.demo import run_demo

    run_demo(_build_console(), sys.stdin if sys.stdin.isatty() and sys.stdout.isatty() else None)
    return EXIT_OK


def _run_import(options: argparse.Namespace) -> int:
    from bot.ingest.importing import import_review_files

    services = _build_services(options)
    report = import_review_files(
        options.places,
        services.store,
        now=datetime.now(UTC),
        standard_input=sys.stdin.buffer,
        console=Console(stderr=True),
    )
    print(report.to_sentence())  # noqa: T201
    return EXIT_FAILED if report.bad_count or report.failure_count else EXIT_OK


def _run_fetch(options: argparse.Namespace) -> int:
    import asyncio

    from bot.ingest.fetching import fetch_all_sources
    from bot.services import build_sources

    services = _build_services(options)
    chosen = [one for one in build_sources(services) if options.source in ("", one.name)]
    if not chosen:
        raise InputError(
            f"No source is called {options.source[:60]!r}: the settings name them in [[sources]] tables."
            if options.source
            else "No source to fetch from: put a [[sources]] table into paperround.toml (config/example.toml shows four)."
        )
    every = asyncio.run(
        fetch_all_sources(
            chosen,
            services.store,
            services.delivery_context.clock,
            since=options.since,
            console=Console(stderr=True),
        )
    )
    for fetched in every:
        _build_console().print(fetched.to_sentence(), markup=False, highlight=False, soft_wrap=True)
    return EXIT_FAILED if any(fetched.failure or fetched.bad_count for fetched in every) else EXIT_OK


def _run_review(options: argparse.Namespace) -> int:
    import asyncio

    from bot.ingest.reviewing import (
        describe_outcome,
        describe_plan,
        load_channel_preferences,
        plan_today,
        review_once,
    )
    from bot.services import build_reviewer, configured_subscriptions

    services = _build_services(options)
    open_context = build_reviewer(services, os.environ)
    if not open_context:
        raise InputError(
            "No reviewer is set up: name a server and a model under [reviewer] in paperround.toml "
            "(config/example.toml shows how)."
        )
    preferences = load_channel_preferences(
        services.store, [one.preferences for one in configured_subscriptions(services.settings)]
    )
    if not preferences:
        _print_lines("No channel gets a digest yet, so only papers that people asked for are read.")
    if options.plan:
        _print_lines(*describe_plan(*asyncio.run(plan_today(open_context, preferences))))
        return EXIT_OK
    outcome = asyncio.run(review_once(open_context, services.store, preferences, Console(stderr=True)))
    _print_lines(describe_outcome(outcome, sum(services.store.reviewing.count_waiting().values())))
    return EXIT_FAILED if outcome.failure_count or outcome.trouble else EXIT_OK


def _run_held(options: argparse.Namespace) -> int:
    import getpass

    from bot.conversation.moderation import decide_held_paper
    from bot.present.moderation import format_held_lines

    services = _build_services(options)
    if not options.decision:
        _print_lines(*format_held_lines(services.store.reviewing.list_held()))
        return EXIT_OK
    if not options.paper:
        raise InputError(
            f"Which paper? “paperround held {options.decision} ID”; “paperround held” lists them."
        )
    release, by = options.decision == "release", f"console:{getpass.getuser()}"
    _print_lines(
        decide_held_paper(services.store, options.paper, is_release=release, by=by, now=datetime.now(UTC))
    )
    return EXIT_OK


def _print_lines(*lines: str) -> None:
    _build_console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _run_schema(options: argparse.Namespace) -> int:
    import json

    from digests.sources.reviews import build_record_schema

    print(json.dumps(build_record_schema(), indent=2))  # noqa: T201
    return EXIT_OK


def _run_preview(options: argparse.Namespace) -> int:
    from bot.cli.preview import PreviewRequest, preview_digest, show_preview, to_payload_json

    if options.json and options.platform == "html":
        raise InputError("A page is no JSON: leave out --json, or ask for it --as slack or --as discord.")
    services = _build_services(options)
    platform = "slack" if options.platform == "html" else options.platform
    digest = preview_digest(
        PreviewRequest(platform, options.style, options.top, options.domain, options.day, options.channel),
        services,
    )
    if options.platform == "html":
        from bot.cli.preview_page import render_digest_page

        print(render_digest_page(digest))  # noqa: T201
    elif options.json or platform != "console":
        _print_json(to_payload_json(digest, platform))
    else:
        show_preview(digest, _build_console())
    return EXIT_OK


def _run_search(options: argparse.Namespace) -> int:
    from bot.present.lookup import format_paper_lines, to_paper_records

    words = " ".join(options.words)
    found = _build_services(options).find_papers(words, options.most)
    if options.json:
        import json

        _print_json(json.dumps(to_paper_records(found), ensure_ascii=False, indent=2))
        return EXIT_OK
    if not found:
        raise InputError(f"Nothing found for “{words[:80]}”: try an arXiv id, an address, or fewer words.")
    _build_console().print(
        "\n".join(format_paper_lines(found)), markup=False, highlight=False, soft_wrap=True
    )
    return EXIT_OK


def _run_manifest(options: argparse.Namespace) -> int:
    from bot.platforms.registry import find_platforms

    render_manifest = find_platforms()[options.platform].render_manifest
    assert render_manifest  # noqa: S101 (the parser offers platforms that have one)
    print(render_manifest(_load_settings(options), options.url or ""), end="")  # noqa: T201
    return EXIT_OK


def _run_invite(options: argparse.Namespace) -> int:
    import asyncio

    from bot.platforms.registry import find_platforms

    fetch_invitation = find_platforms()[options.platform].fetch_invitation
    assert fetch_invitation  # noqa: S101 (the parser offers platforms that have one)

    async def fetch() -> str:
        return await fetch_invitation(_load_settings(options), os.environ)

    print(asyncio.run(fetch()))  # noqa: T201
    return EXIT_OK


def _run_status(options: argparse.Namespace) -> int:
    from bot.cli.status import load_status, print_report, report_to_record
    from bot.services import configured_subscriptions

    services = _build_services(options)
    found = load_status(
        services.store,
        services.delivery_context.clock(),
        options.channel,
        configured_subscriptions(services.settings),
    )
    if options.channel and not found.channels and not found.unstarted_channels:
        raise InputError(
            f"No channel {options.channel!r} gets a digest; “paperround status” names those that do."
        )
    if options.json:
        import json

        _print_json(json.dumps(report_to_record(found), ensure_ascii=False, indent=2))
    else:
        print_report(found, _build_console())
    return EXIT_OK


def _run_digest(options: argparse.Namespace) -> int:
    from bot.cli.digest_now import post_todays_edition, preview_todays_edition

    services = _build_services(options)
    if options.dry_run:
        from bot.cli.preview import show_preview

        sentence, digest = preview_todays_edition(options.channel, services)
        _print_lines(sentence)
        if digest:
            show_preview(digest, _build_console())
        return EXIT_OK
    import asyncio

    print(asyncio.run(post_todays_edition(options.channel, services, os.environ)))  # noqa: T201
    return EXIT_OK


def _run_doctor(options: argparse.Namespace) -> int:
    import asyncio

    from bot.cli.doctor import check_installation

    findings = asyncio.run(check_installation(_build_services(options), os.environ))
    for finding in findings:
        print(finding)  # noqa: T201
    return EXIT_FAILED if any(finding.severity is Severity.FAULT for finding in findings) else EXIT_OK


def _run_db_copy(options: argparse.Namespace) -> int:
    from bot.ingest.reporting import show_progress_bars
    from bot.services import copy_store

    with show_progress_bars(Console(stderr=True)) as add_bar:
        counts = copy_store(
            options.source, options.target, now=datetime.now(UTC), progress=add_bar("copying")
        )
    print(  # noqa: T201
        f"{sum(counts.values()):,} rows copied, {counts['papers']:,} papers among them; every table counted on both sides. "
        "Name the new store under [store] url before you start again."
    )
    return EXIT_OK


def _run_service(options: argparse.Namespace) -> int:
    import asyncio

    from bot.cli.run import run_bot

    return asyncio.run(run_bot(_build_services(options), os.environ))
