"""`paperround forget`: erase everything about a person, a channel or a workspace."""

import argparse
import asyncio
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from bot.chat.findings import Severity
from bot.cli.leave import leave_place
from bot.cli.targets import Target
from bot.cli.terminal import EXIT_OK, build_cli_services, print_lines
from bot.present.people import describe_erasure
from bot.services import Services
from config.settings import Settings
from digests.ports import Store
from digests.ports.people import Subject, SubjectKind, parse_subject


def run_command(options: argparse.Namespace) -> int:
    """Say what would be erased, and erase it with `--yes`. Raises InputError and StoreError.

    The app is removed first from a workspace that installed it from its link: the erasure deletes its token.
    """
    subject = parse_subject(SubjectKind(options.kind), options.id)
    services = build_cli_services(options)
    if options.yes:
        print_lines(*asyncio.run(remove_app(services, subject, os.environ)))
    print_lines(
        *forget_subject(services.store, services.settings, subject, yes=options.yes, now=datetime.now(UTC))
    )
    return EXIT_OK


async def remove_app(services: Services, subject: Subject, environment: Mapping[str, str]) -> list[str]:
    """Remove the app from a workspace that installed it from its link, and return a line about it.

    If that fails, the line says what a person does. Returns nothing for another subject.
    """
    if not _is_installed(services.store, subject):
        return []
    target = Target(str(subject), subject.platform, subject.workspace, None)
    finding = await leave_place(target, services, environment)
    remedy = " An admin removes the app there: its token is erased here, and is valid until then."
    return [f"{finding}{remedy if finding.severity is not Severity.OK else ''}"]


def _is_installed(store: Store, subject: Subject) -> bool:
    """Return True if the subject is a workspace or organization with an installation of its own."""
    if subject.kind is not SubjectKind.WORKSPACE:
        return False
    found = store.installations.find(subject.platform, subject.workspace)
    return bool(found and not found.ended_at and found.workspace == subject.workspace)


def forget_subject(
    store: Store, settings: Settings, subject: Subject, *, yes: bool, now: datetime
) -> list[str]:
    """Erase a subject if `yes`, and return lines about what goes.

    It is written down as forgotten even if nothing is kept: a backup may have more.
    """
    if not yes:
        counts = store.people.count_records(subject)
        question = (
            "Nothing was erased yet: --yes does it."
            if counts
            else "With --yes it is erased from backups too, when one is restored."
        )
        removal = ["The app is removed from it first."] if _is_installed(store, subject) else []
        return [*describe_erasure(subject, counts), *removal, question]
    counts = store.people.forget(subject, now=now)
    lines = [*describe_erasure(subject, counts), *(["It is done."] if counts else [])]
    if named := list(_list_named(settings, subject)):
        lines.append(f"The settings file still names it under {' and '.join(named)}: take it out there.")
    lines.append(
        "Backups and logs of before still have it; a restored backup is erased again at the next start."
    )
    return lines


def _list_named(settings: Settings, subject: Subject) -> Iterator[str]:
    """Yield the keys of the settings that name the subject."""
    of_platform = [each for each in settings.subscriptions if each.platform == subject.platform]
    match subject.kind:
        case SubjectKind.PERSON:
            if any(each.owner == subject.id for each in of_platform):
                yield "[[subscriptions]] owner"
            if str(subject) in settings.operator.deciders:
                yield "[operator] deciders"
        case SubjectKind.CHANNEL:
            if any(each.channel == subject.id for each in of_platform):
                yield "[[subscriptions]]"
        case SubjectKind.WORKSPACE:
            if any(each.workspace == subject.workspace for each in of_platform):
                yield "[[subscriptions]]"
