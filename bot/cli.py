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

from bot.findings import Level
from config.settings import Settings, SettingsError, load
from digests.errors import InputError, PaperroundError
from digests.model import Style

if TYPE_CHECKING:
    from bot.app import House

DONE, FAILED, INTERRUPTED = 0, 1, 130
"""Exit statuses; argparse ends with 2 when the command line itself is wrong. 130 is the shells' own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    _bear_any_text()
    try:
        asked = _parser().parse_args(arguments)
        status: int = asked.run(asked)
        print(end="", flush=True)  # noqa: T201
    except (PaperroundError, SettingsError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep the interpreter from saying so at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        return _fail(f"The output could not be written: {error.strerror or error}.")
    except Exception as error:
        if os.environ.get("PAPERROUND_DEBUG"):
            raise
        return _fail(
            f"An unexpected fault: {type(error).__name__}: {error}. Set PAPERROUND_DEBUG=1 to see where, and report it."
        )
    return status


def _bear_any_text() -> None:
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


def _fail(sentence: str) -> int:
    print(f"paperround: {sentence}", file=sys.stderr)  # noqa: T201
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="paperround",
        description="The day's best papers, with their limitations, for your team's channel.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (or PAPERROUND_CONFIG)")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="today's digest from bundled papers; needs nothing")
    demo.set_defaults(run=_demo)

    importing = commands.add_parser("import", help="bring scored papers in")
    importing.add_argument(
        "places",
        nargs="+",
        metavar="FILE_OR_URL",
        help="JSON or JSON Lines, also .gz; - reads standard input",
    )
    importing.set_defaults(run=_import)

    fetching = commands.add_parser("fetch", help="fetch what the sources of the settings have now")
    fetching.add_argument(
        "--since", type=_day, metavar="DATE", help="everything from that day on, known or not"
    )
    fetching.add_argument("--source", default="", metavar="NAME", help="this source alone")
    fetching.set_defaults(run=_fetch)

    reviewing = commands.add_parser("review", help="score what waits, and review the best in full")
    reviewing.add_argument("--plan", action="store_true", help="only say what today would cost")
    reviewing.set_defaults(run=_review)

    held = commands.add_parser(
        "held", help="papers that wait for a person: suspect, with a score that stands out"
    )
    held.add_argument("decision", nargs="?", choices=("release", "reject"))
    held.add_argument("paper", nargs="?", metavar="ID")
    held.set_defaults(run=_held)

    schema = commands.add_parser("schema", help="the JSON Schema of a scored paper")
    schema.set_defaults(run=_schema)

    preview = commands.add_parser("preview", help="what would be posted")
    preview.add_argument(
        "--as", dest="platform", choices=("console", "slack", "discord", "html"), default="console"
    )
    preview.add_argument("--json", action="store_true", help="the messages as the platform's API takes them")
    preview.add_argument("--style", type=Style, choices=list(Style), metavar="{cards,compact,thread}")
    preview.add_argument("--top", type=_top, metavar="N", help="how many papers, 1 to 50")
    preview.add_argument(
        "--domain", default="", metavar="D", help="an arXiv category or a group such as vision"
    )
    preview.add_argument("--day", type=_day, metavar="DATE", help="the edition's date, such as 2026-11-24")
    preview.add_argument("--channel", default="", metavar="ID", help="which channel of the settings")
    preview.set_defaults(run=_preview)

    search = commands.add_parser("search", help="look papers up by id, address or words")
    search.add_argument("words", nargs="+", metavar="WORDS")
    search.add_argument("--json", action="store_true", help="as a JSON array")
    search.add_argument("--most", type=_top, default=10, metavar="N", help="at most N papers, 1 to 50")
    search.set_defaults(run=_search)

    manifest = commands.add_parser("manifest", help="the app, as a platform is told about it")
    manifest.add_argument("platform", choices=("slack",))
    manifest.add_argument(
        "--url",
        type=_https,
        help="where Slack calls over HTTP, such as https://host/slack/events",
    )
    manifest.set_defaults(run=_manifest)

    invite = commands.add_parser("invite", help="the link that brings the app into a server")
    invite.add_argument("platform", choices=("discord",))
    invite.set_defaults(run=_invite)

    status = commands.add_parser("status", help="what comes next, what failed and why, channel by channel")
    status.add_argument("--channel", default="", metavar="ID", help="only this channel")
    status.add_argument("--json", action="store_true", help="all of it as JSON")
    status.set_defaults(run=_status)

    digest = commands.add_parser("digest", help="a channel's edition of today, at once; never twice in a day")
    digest.add_argument("channel", metavar="CHANNEL", help="the channel's id, or its whole name")
    digest.add_argument("--now", action="store_true", required=True, help="before or after its hour")
    digest.add_argument("--dry-run", action="store_true", help="show it here, and post nothing")
    digest.set_defaults(run=_digest)

    doctor = commands.add_parser("doctor", help="look whether everything is right, and say what is not")
    doctor.set_defaults(run=_doctor)

    database = commands.add_parser("db", help="move the store to another database")
    of_database = database.add_subparsers(title="commands", required=True, metavar="COMMAND")
    copying = of_database.add_parser("copy", help="copy the whole store to an empty one")
    copying.add_argument("source", metavar="FROM", help="such as sqlite:///paperround.db")
    copying.add_argument("target", metavar="TO", help="such as postgresql+psycopg://USER@HOST/DATABASE")
    copying.set_defaults(run=_copy)

    running = commands.add_parser("run", help="post every digest at its hour, until stopped")
    running.set_defaults(run=_run)
    return parser


def _top(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 50:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 50")


def _https(text: str) -> str:
    if text.startswith("https://"):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} does not begin with https://, and Slack calls nothing else")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-24") from None


def _settings(asked: argparse.Namespace) -> Settings:
    return load(asked.config, os.environ)


def _house(asked: argparse.Namespace) -> "House":
    from bot.app import open_house

    return open_house(_settings(asked), _console())


def _console() -> Console:
    return Console()


def _demo(asked: argparse.Namespace) -> int:
    from bot.demo import run_demo

    run_demo(_console(), sys.stdin if sys.stdin.isatty() and sys.stdout.isatty() else None)
    return DONE


def _import(asked: argparse.Namespace) -> int:
    from bot.importing import import_places

    house = _house(asked)
    report = import_places(
        asked.places,
        house.store,
        now=datetime.now(UTC),
        standard_input=sys.stdin.buffer,
        errors=Console(stderr=True),
    )
    print(report.sentence())  # noqa: T201
    return FAILED if report.bad or report.failures else DONE


def _fetch(asked: argparse.Namespace) -> int:
    import asyncio

    from bot.app import sources
    from bot.fetching import fetch_all

    house = _house(asked)
    chosen = [one for one in sources(house) if asked.source in ("", one.name)]
    if not chosen:
        raise InputError(
            f"No source is called {asked.source[:60]!r}: the settings name them in [[sources]] tables."
            if asked.source
            else "No source to fetch from: put a [[sources]] table into paperround.toml (config/example.toml shows four)."
        )
    every = asyncio.run(
        fetch_all(chosen, house.store, house.desk.clock, since=asked.since, console=Console(stderr=True))
    )
    for fetched in every:
        _console().print(fetched.sentence(), markup=False, highlight=False, soft_wrap=True)
    return FAILED if any(fetched.failure or fetched.bad for fetched in every) else DONE


def _review(asked: argparse.Namespace) -> int:
    import asyncio

    from bot.app import reviewer, wanted
    from bot.reviewing import outcome_sentence, plan_lines, planned, review_once, wishes_of

    house = _house(asked)
    open_desk = reviewer(house, os.environ)
    if not open_desk:
        raise InputError(
            "No reviewer is set up: name a server and a model under [reviewer] in paperround.toml "
            "(config/example.toml shows how)."
        )
    wishes = wishes_of(house.store, [one.wish for one in wanted(house.settings)])
    if not wishes:
        _say("No channel gets a digest yet, so only papers that people asked for are read.")
    if asked.plan:
        _say(*plan_lines(*asyncio.run(planned(open_desk, wishes))))
        return DONE
    outcome = asyncio.run(review_once(open_desk, house.store, wishes, Console(stderr=True)))
    _say(outcome_sentence(outcome, sum(house.store.reviewing.waiting().values())))
    return FAILED if outcome.failed or outcome.trouble else DONE


def _held(asked: argparse.Namespace) -> int:
    import getpass

    from bot.held import decide, held_lines

    house = _house(asked)
    if not asked.decision:
        _say(*held_lines(house.store))
        return DONE
    if not asked.paper:
        raise InputError(f"Which paper? “paperround held {asked.decision} ID”; “paperround held” lists them.")
    release, by = asked.decision == "release", f"console:{getpass.getuser()}"
    _say(decide(house.store, asked.paper, release=release, by=by, now=datetime.now(UTC)))
    return DONE


def _say(*lines: str) -> None:
    _console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _schema(asked: argparse.Namespace) -> int:
    import json

    from digests.sources.reviews import schema

    print(json.dumps(schema(), indent=2))  # noqa: T201
    return DONE


def _preview(asked: argparse.Namespace) -> int:
    from bot.preview import Asked, as_json, preview_digest, show_preview

    if asked.json and asked.platform == "html":
        raise InputError("A page is no JSON: leave out --json, or ask for it --as slack or --as discord.")
    house = _house(asked)
    platform = "slack" if asked.platform == "html" else asked.platform
    digest = preview_digest(
        Asked(platform, asked.style, asked.top, asked.domain, asked.day, asked.channel), house
    )
    if asked.platform == "html":
        from bot.html import digest_page

        print(digest_page(digest))  # noqa: T201
    elif asked.json or platform != "console":
        _print_json(as_json(digest, platform))
    else:
        show_preview(digest, _console())
    return DONE


def _search(asked: argparse.Namespace) -> int:
    from bot.present import found_lines, found_records

    words = " ".join(asked.words)
    found = _house(asked).find(words, asked.most)
    if asked.json:
        import json

        _print_json(json.dumps(found_records(found), ensure_ascii=False, indent=2))
        return DONE
    if not found:
        raise InputError(f"Nothing found for “{words[:80]}”: try an arXiv id, an address, or fewer words.")
    _console().print("\n".join(found_lines(found)), markup=False, highlight=False, soft_wrap=True)
    return DONE


def _manifest(asked: argparse.Namespace) -> int:
    from bot.platforms.slack.manifest import manifest_yaml

    print(manifest_yaml(_settings(asked).platforms.slack, asked.url or ""), end="")  # noqa: T201
    return DONE


def _invite(asked: argparse.Namespace) -> int:
    import asyncio

    from bot.app import discord_invitation

    print(asyncio.run(discord_invitation(_settings(asked), os.environ)))  # noqa: T201
    return DONE


def _status(asked: argparse.Namespace) -> int:
    from bot.app import wanted
    from bot.status import as_record, show, status

    house = _house(asked)
    found = status(house.store, house.desk.clock(), asked.channel, wanted(house.settings))
    if asked.channel and not found.channels and not found.not_begun:
        raise InputError(
            f"No channel {asked.channel!r} gets a digest; “paperround status” names those that do."
        )
    if asked.json:
        import json

        _print_json(json.dumps(as_record(found), ensure_ascii=False, indent=2))
    else:
        show(found, _console())
    return DONE


def _digest(asked: argparse.Namespace) -> int:
    from bot.today import post_today, todays_digest

    house = _house(asked)
    if asked.dry_run:
        from bot.preview import show_preview

        sentence, digest = todays_digest(asked.channel, house)
        _say(sentence)
        if digest:
            show_preview(digest, _console())
        return DONE
    import asyncio

    print(asyncio.run(post_today(asked.channel, house, os.environ)))  # noqa: T201
    return DONE


def _doctor(asked: argparse.Namespace) -> int:
    import asyncio

    from bot.doctor import examine

    findings = asyncio.run(examine(_house(asked), os.environ))
    for finding in findings:
        print(finding)  # noqa: T201
    return FAILED if any(finding.level is Level.FAULT for finding in findings) else DONE


def _copy(asked: argparse.Namespace) -> int:
    from bot.app import copy_store
    from bot.importing import bar

    with bar("copying", Console(stderr=True)) as progress:
        counts = copy_store(asked.source, asked.target, now=datetime.now(UTC), progress=progress)
    print(  # noqa: T201
        f"{sum(counts.values()):,} rows copied, {counts['papers']:,} papers among them; every table counted on both sides. "
        "Name the new store under [store] url before you start again."
    )
    return DONE


def _run(asked: argparse.Namespace) -> int:
    import asyncio

    from bot.run import run

    return asyncio.run(run(_house(asked), os.environ))
