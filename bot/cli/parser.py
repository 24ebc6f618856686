"""The grammar of the command line: every command with its options. `module` names the file that runs it."""

import argparse
import difflib
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from bot.cli.redaction import hide_secrets
from bot.cli.terminal import EXIT_OK, EXIT_USAGE, print_lines
from bot.platforms.registry import find_platforms


def build_parser() -> argparse.ArgumentParser:
    """Build the parser. Its result has `module`, the name of the command's file, and the command's options.

    Wrong arguments end the process with one sentence and `EXIT_USAGE`.
    """
    parser = _SentenceParser(
        prog="paperround",
        description="The day's best papers, with their limitations, for your team's channel.",
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="print the version and exit")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (or PAPERROUND_CONFIG)")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    platforms = find_platforms()

    def add_command(name: str, module: str, summary: str) -> "_SentenceParser":
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        command.set_defaults(module=module)
        return command

    add_command("demo", "demo", "show today's digest of bundled papers; needs nothing")

    add_command("init", "init", "ask five questions and write the settings file")

    command = add_command("import", "import_papers", "bring scored papers in")
    places_help = "JSON, JSON Lines or CSV, also .gz; - reads standard input"
    command.add_argument("places", nargs="+", metavar="FILE_OR_URL", help=places_help)
    private_help = "the addresses may lie in a private network: they are your own"
    command.add_argument("--allow-private", action="store_true", help=private_help)

    command = add_command("fetch", "fetch", "fetch from the sources of the settings now")
    since_help = "fetch everything from that day on, known or not"
    command.add_argument("--since", type=_parse_day, metavar="DATE", help=since_help)
    command.add_argument("--source", default="", metavar="NAME", help="fetch from this source alone")

    command = add_command("review", "review", "score waiting papers, and review the best in full")
    command.add_argument("--plan", action="store_true", help="only print the cost of today")
    report_help = "only print what was repaired or dropped in the model's answers"
    command.add_argument("--report", action="store_true", help=report_help)

    command = add_command("evaluate", "evaluate", "measure how far scores agree with people's")
    human_help = 'JSON Lines {"id", "scores": [..], "decision"?}; - reads standard input'
    command.add_argument("human_file", metavar="HUMAN_FILE", nargs="?", default="", help=human_help)
    marks_help = "compare with the marks and discussions of the channels, in place of a file"
    command.add_argument("--marks", action="store_true", help=marks_help)
    scores_help = 'JSON Lines {"model", "id", "overall"}; without, the reviews in the store'
    command.add_argument("--scores", default="", metavar="FILE", help=scores_help)
    model_help = "only this model; may be repeated"
    command.add_argument("--model", action="append", default=[], metavar="M", help=model_help)
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    plot_help = "draw a picture too: .png, .svg or .pdf"
    command.add_argument("--plot", type=Path, metavar="FILE", help=plot_help)

    command = add_command("held", "held", "list suspect papers on hold and doubted reviews; decide on one")
    decision_help = "release or reject a held paper; again: have a doubted paper reviewed again"
    command.add_argument("decision", nargs="?", choices=("release", "reject", "again"), help=decision_help)
    command.add_argument(
        "paper", nargs="?", metavar="ID", help="the paper's id; after again the number of the report"
    )

    add_command("schema", "schema", "print the JSON Schema of a scored paper")

    command = add_command("preview", "preview", "show the digest that would be posted")
    command.add_options = _add_preview_options

    command = add_command("search", "search", "look papers up by id, address or words")
    command.add_argument("words", nargs="+", metavar="WORDS")
    command.add_argument("--json", action="store_true", help="print a JSON array")
    limit_help = "at most N papers, 1 to 50 (10)"
    command.add_argument("--limit", type=_parse_count, default=10, metavar="N", help=limit_help)

    command = add_command("mcp", "mcp_server", "answer look-ups of programs (Model Context Protocol)")
    workspace_help = "PLATFORM:WORKSPACE[:CHANNEL] whose queue they may see; without, none"
    command.add_argument("--workspace", default="", metavar="ID", help=workspace_help)

    tokens = commands.add_parser("token", help="create, list and revoke tokens for look-ups and the web page")
    token_commands = tokens.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = token_commands.add_parser("create", help="create a token, and show it this once")
    command.set_defaults(module="token", action="create")
    use_help = "mcp: look-ups of a program; web: the operator's page"
    command.add_argument("use", choices=("mcp", "web"), help=use_help)
    scope_help = "PLATFORM:WORKSPACE[:CHANNEL] that a program looks up for"
    command.add_argument("workspace", nargs="?", default="", metavar="ID", help=scope_help)
    label_help = "where it is used, such as “laptop of the lab”"
    command.add_argument("--label", default="", metavar="TEXT", help=label_help)
    command = token_commands.add_parser("list", help="list every token, without its secret")
    command.set_defaults(module="token", action="list")
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    command = token_commands.add_parser("revoke", help="end a token at once, for all replicas")
    command.set_defaults(module="token", action="revoke")
    command.add_argument("number", type=_parse_number, metavar="NUMBER", help="its number in the list")

    command = add_command("manifest", "manifest", "print the app's manifest for a platform")
    with_manifest = [name for name, spec in platforms.items() if spec.render_manifest]
    command.add_argument("platform", choices=with_manifest)
    url_help = "the address that the platform calls over HTTP, such as https://host/PLATFORM/events"
    command.add_argument("--url", type=_parse_https_url, help=url_help)

    command = add_command("invite", "invite", "print the link that adds the app to a server")
    with_invitation = [name for name, spec in platforms.items() if spec.fetch_invitation]
    command.add_argument("platform", choices=with_invitation)

    command = add_command("channels", "channels", "list every digest: the next, the last, and why one failed")
    target_help = "a channel or a workspace, by its id or full name PLATFORM:WORKSPACE[:CHANNEL[#NAME]]"
    command.add_argument("name", nargs="?", default="", metavar="CHANNEL_OR_WORKSPACE", help=target_help)
    command.add_argument("--json", action="store_true", help="print a JSON array")

    for name, summary in (
        ("pause", "send a channel or a workspace no digests for now"),
        ("resume", "send a channel or a workspace its digests again"),
        ("leave", "end the digests of a channel or a workspace, and make the app leave"),
    ):
        command = add_command(name, name, summary)
        command.add_argument("name", metavar="CHANNEL_OR_WORKSPACE", help=target_help)

    command = add_command("workspaces", "workspaces", "list workspaces and who asks; allow or deny some")
    command.add_argument("--json", action="store_true", help="print the list as a JSON array")
    command.add_argument("decision", nargs="?", choices=("allow", "deny"))
    names_help = "the id of a workspace or server, as PLATFORM:ID if the platform is not clear"
    command.add_argument("names", nargs="*", metavar="ID", help=names_help)

    command = add_command("keys", "keys", "list the keys that encrypt tokens; make a new one, or rotate")
    action_help = "new prints a key; rotate encrypts every token with the first key"
    command.add_argument("action", nargs="?", choices=("new", "rotate"), help=action_help)

    command = add_command("forget", "forget", "erase everything about a person, a channel or a workspace")
    command.add_options = _add_forget_options

    command = add_command("export", "export", "print the papers of a queue, or all that is kept of a person")
    command.add_options = _add_export_options

    command = add_command(
        "meetings", "meetings", "list the meetings of channels, or save them for a calendar"
    )
    name_help = "only this channel, or this workspace: PLATFORM:WORKSPACE"
    command.add_argument("name", nargs="?", default="", metavar="NAME", help=name_help)
    command.add_argument("--ics", type=Path, metavar="FILE", help="save them as a calendar file")

    command = add_command("status", "status", "show the next digest and the last failure of each channel")
    command.add_argument("--channel", default="", metavar="ID", help="only this channel")
    command.add_argument("--json", action="store_true", help="print everything as JSON")

    command = add_command("digest", "digest_now", "post a channel's edition of today at once, never twice")
    channel_help = "the channel's id or full name PLATFORM:WORKSPACE:ID; #NAME behind it for a named digest"
    command.add_argument("channel", metavar="CHANNEL", help=channel_help)
    command.add_argument(
        "--now", action="store_true", required=True, help="post it now, before or after its hour"
    )
    command.add_argument("--dry-run", action="store_true", help="show it here, and post nothing")

    add_command("doctor", "doctor", "check the setup and explain how to fix what is wrong")

    command = add_command("backup", "backup", "save the store to a new file, also while run goes on")
    command.add_argument("file", type=Path, metavar="FILE", help="a file that does not exist yet")

    command = add_command("restore", "restore", "replace the store by a backup; keeps the replaced one")
    command.add_argument("file", type=Path, metavar="FILE", help="a file that paperround backup wrote")

    database = commands.add_parser("db", help="move the store to another database, or build its search index")
    database_commands = database.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = database_commands.add_parser("copy", help="copy the whole store to an empty one")
    command.set_defaults(module="db_copy")
    command.add_argument("source", metavar="FROM", help="such as sqlite:///paperround.db")
    target_help = "such as postgresql+psycopg://USER@HOST/DATABASE"
    command.add_argument("target", metavar="TO", help=target_help)

    command = database_commands.add_parser("reindex", help="build the search index anew")
    command.set_defaults(module="db_reindex")

    command = add_command("help", "help", "explain a command")
    command.add_argument("command", nargs="?", default="", metavar="COMMAND")

    add_command("run", "run", "post every digest at its hour, until stopped")
    return parser


def _add_preview_options(command: argparse.ArgumentParser) -> None:
    from digests.subscription import DigestStyle

    targets = (*find_platforms(), "html")
    command.add_argument("--as", dest="platform", choices=targets, default="console")
    command.add_argument("--json", action="store_true", help="the messages as the platform's API takes them")
    command.add_argument("--style", choices=[style.value for style in DigestStyle])
    command.add_argument("--top", type=_parse_count, metavar="N", help="number of papers, 1 to 50")
    domain_help = "an arXiv category or a group such as vision"
    command.add_argument("--domain", default="", metavar="D", help=domain_help)
    day_help = "the edition's date, such as 2026-11-24"
    command.add_argument("--day", type=_parse_day, metavar="DATE", help=day_help)
    command.add_argument("--channel", default="", metavar="ID", help="a channel of the settings")


def _add_forget_options(command: argparse.ArgumentParser) -> None:
    from digests.ports.people import SubjectKind

    command.add_argument("kind", choices=[kind.value for kind in SubjectKind])
    ids_help = "PLATFORM:WORKSPACE:ID, for a workspace PLATFORM:WORKSPACE"
    command.add_argument("id", metavar="ID", help=ids_help)
    command.add_argument("--yes", action="store_true", help="erase it; without, only say what would go")


def _add_export_options(command: argparse.ArgumentParser) -> None:
    from bot.present.citations import ExportFormat, ExportKind
    from digests.ports.people import SubjectKind

    kinds = [SubjectKind.PERSON.value, *(kind.value for kind in ExportKind)]
    command.add_argument("kind", choices=kinds)
    ids_help = (
        "of a person PLATFORM:WORKSPACE:PERSON; of papers PLATFORM:WORKSPACE, or PLATFORM:WORKSPACE:CHANNEL; "
        "without, the only workspace"
    )
    command.add_argument("id", nargs="?", default="", metavar="ID", help=ids_help)
    formats = [each.value for each in ExportFormat]
    command.add_argument("--as", dest="format", choices=formats, default="md", help="of papers (md)")


class _ShowVersion(argparse.Action):
    """Prints the installed version, which takes time to find, and ends the process."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print_lines(f"paperround {version('paperround')}")
        parser.exit(EXIT_OK)


class _SentenceParser(argparse.ArgumentParser):
    """A parser whose errors are one sentence each. Subparsers are of the same class.

    `add_options` adds the options of a command when it is parsed: their choices take time to import.
    """

    add_options: Callable[[argparse.ArgumentParser], None] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self.add_options:
            self.add_options(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        words = _suggest_choice(message).split(" ")
        shown = hide_secrets(" ".join("…" if _may_hold_password(word) else word for word in words))
        self.exit(EXIT_USAGE, f"{self.prog}: {shown}; “{self.prog} --help” explains.\n")


def _may_hold_password(word: str) -> bool:
    """Return True for an address such as user:password@host, whose scheme was forgotten."""
    return "://" not in word and ":" in word.partition("@")[0] and "@" in word


_INVALID_CHOICE = re.compile(r"argument COMMAND: invalid choice: '([^']*)' \(choose from (.*)\)", re.DOTALL)


def _suggest_choice(message: str) -> str:
    """Replace argparse's list of all commands by the nearest one. Other messages are returned unchanged."""
    found = _INVALID_CHOICE.fullmatch(message)
    if not found:
        return message
    near = difflib.get_close_matches(found[1][:30], re.findall(r"[\w-]+", found[2]), n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{found[1]!r} is no command{hint}"


def _parse_count(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 50:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 50")


def _parse_number(text: str) -> int:
    """Return the number of a token. A longer text may be the token itself, and is not repeated."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    raise argparse.ArgumentTypeError("write the token's number: “paperround token list” has it")


def _parse_https_url(text: str) -> str:
    if text.startswith("https://"):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} does not begin with https://, and a platform calls nothing else"
    )


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-24") from None
