"""`paperround export`: print what is kept about a person, or the papers of a workspace or a channel."""

import argparse
import json
from datetime import timedelta

from bot.cli.terminal import EXIT_OK, build_cli_services, print_document, print_json
from bot.conversation.exports import PaperExport
from bot.present.citations import ExportFormat, ExportKind, format_papers
from digests.errors import InputError
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.ports.people import SubjectKind, parse_subject
from digests.text import clip_text


def run_command(options: argparse.Namespace) -> int:
    """Print the records of a person as JSON, or a list of papers. Raises InputError and StoreError."""
    services = build_cli_services(options)
    if options.kind == SubjectKind.PERSON:
        person = parse_subject(SubjectKind.PERSON, options.id)
        records = services.store.people.export(person)
        print_json(json.dumps({"person": str(person), **records}, indent=2, ensure_ascii=False))
        return EXIT_OK
    retention = timedelta(days=services.settings.discussion.mark_max_age_days)
    scope = find_scope(services.store, options.id)
    export = PaperExport(services.store, scope, services.delivery_context.clock(), retention)
    kind, export_format = ExportKind(options.kind), ExportFormat(options.format)
    text = format_papers(export.collect_papers(kind), kind, export_format)
    if export_format in (ExportFormat.JSON, ExportFormat.CSL):
        print_json(text.rstrip("\n"))
    else:
        print_document(text.rstrip("\n"))
    return EXIT_OK


def find_scope(store: Store, text: str) -> QueueScope:
    """Return the workspace or channel that a text names; an empty text stands for the only workspace.

    Raises InputError, with the names of all workspaces, for any other one.
    """
    channels = [subscription.channel for subscription in store.subscriptions.list_active()]
    known = {QueueScope(each.platform, each.workspace) for each in channels if not each.is_direct}
    known |= {
        QueueScope(each.platform, each.workspace, each.channel) for each in channels if not each.is_direct
    }
    workspaces = sorted(
        f"{each.platform}:{each.workspace}" for each in known if not each.channel and each.workspace
    )
    platform, _, rest = text.partition(":")
    workspace, _, channel = rest.partition(":")
    if text and QueueScope(platform, workspace, channel) in known:
        return QueueScope(platform, workspace, channel)
    if not text and len(workspaces) == 1:
        platform, _, workspace = workspaces[0].partition(":")
        return QueueScope(platform, workspace)
    wrong = (
        f"{clip_text(text, 60)!r} is no workspace or channel with a digest" if text else "Name a workspace"
    )
    names = f": {', '.join(workspaces)}" if workspaces else ""
    raise InputError(f"{wrong}. Write PLATFORM:WORKSPACE, or PLATFORM:WORKSPACE:CHANNEL{names}.")
