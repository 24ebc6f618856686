"""`paperround doctor`: check the set-up, and report each fault with its remedy."""

import argparse
import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from bot.chat.findings import Finding, Severity
from bot.cli.redaction import hide_secrets
from bot.cli.terminal import EXIT_FAILED, EXIT_OK, load_cli_settings, open_console, print_lines
from bot.platforms.registry import find_platforms
from bot.present.wording import format_count, format_weekday_date
from bot.services import (
    Services,
    build_answers,
    build_app,
    build_reviewer,
    build_services,
    build_source,
    find_exposed_files,
    find_operator_channel,
    list_configured_subscriptions,
)
from bot.storage import run_interactive
from bot.web.server import require_libraries
from config.load import choose_settings_file
from config.problems import SettingsError
from config.settings import Settings, StoreSettings
from digests.calendar import PUBLISHED_TO
from digests.errors import InputError, StoreError
from digests.ports.outbox import DeliveryState
from digests.ports.sources import Source
from digests.schedule import anchor_weeks, next_due_edition
from digests.subscription import Subscription

CALENDAR_NOTICE = timedelta(days=31)
"""Time before the end of arXiv's published list of holidays from which its end is told."""


def run_command(options: argparse.Namespace) -> int:
    """Print every finding, and return `EXIT_FAILED` if one is a fault. Warnings do not count."""
    settings = load_cli_settings(options)
    services, faults = open_services(settings)
    print_lines(str(_describe_setup(settings, options)), *map(str, faults))
    has_store = services.settings.store.url == settings.store.url
    findings = asyncio.run(check_installation(services, os.environ, has_store=has_store))
    print_lines(*map(str, findings))
    has_fault = any(finding.severity is Severity.FAULT for finding in (*faults, *findings))
    return EXIT_FAILED if has_fault else EXIT_OK


def open_services(settings: Settings) -> tuple[Services, list[Finding]]:
    """Build the services, and return faults that `run` would end with.

    Without the subscriptions if one of them cannot be used, and over an empty store in memory if that of the
    settings cannot be opened: so the rest is checked too.
    """
    faults: list[Finding] = []
    for _ in range(2):
        try:
            return build_services(settings, open_console()), faults
        except InputError as error:
            faults.append(Finding(Severity.FAULT, "settings", str(error)))
            settings = settings.model_copy(update={"subscriptions": ()})
        except StoreError as error:
            faults.append(Finding(Severity.FAULT, "store", str(error)))
            settings = settings.model_copy(update={"store": StoreSettings.model_construct(url="sqlite://")})
    return build_services(settings, open_console()), faults


def _describe_setup(settings: Settings, options: argparse.Namespace) -> Finding:
    """Name the settings file and the store that are looked at, without secrets."""
    file = choose_settings_file(options.config, os.environ)
    store = hide_secrets(settings.store.url)
    origin = f"From {file}" if file else "No file: the defaults hold"
    return Finding(Severity.OK, "settings", f"{origin}. The store is {store}.")


async def check_installation(
    services: Services, environment: Mapping[str, str], *, has_store: bool = True
) -> Sequence[Finding]:
    """Check papers, sources, the store's files, platforms, the reviewer, the operator's page and digests.

    Papers and digests are not looked at without `has_store`.

    Returns findings in this order; faults are findings and not raised. Only platforms whose secrets are set
    are connected to. No source is fetched, but the check of the reviewer costs as much as scoring one paper.
    Raises StoreError.
    """
    subscriptions = await run_interactive(_load_subscriptions, services)
    findings = [
        *([await run_interactive(_check_papers, services)] if has_store else []),
        *await run_interactive(_check_sources, services),
        *await run_interactive(_check_exposed_files, services),
    ]
    set_up_platforms = set[str]()
    for name in find_platforms():
        found = await _check_platform(services, environment, name, subscriptions)
        findings += found or ()
        set_up_platforms |= set() if found is None else {name}
    findings += _check_missing_platforms(set_up_platforms, subscriptions)
    findings += await _check_reviewer(services, environment)
    findings += _check_web(services)
    if has_store:
        findings += await run_interactive(_check_digests, services, subscriptions)
    return findings


async def _check_platform(
    services: Services, environment: Mapping[str, str], name: str, subscriptions: Sequence[Subscription]
) -> Sequence[Finding] | None:
    """Check a platform, None if its secrets are not set. A wrong secret or a missing package is a fault."""
    try:
        app = build_app(services, environment, name)
    except (InputError, SettingsError) as error:
        return [Finding(Severity.FAULT, name, str(error))]
    channels = [each.channel for each in subscriptions if each.channel.platform == name]
    operator_channel = find_operator_channel(services.settings)
    if operator_channel and operator_channel.platform == name and operator_channel not in channels:
        channels.append(operator_channel)
    return await app.check(channels) if app else None


async def _check_reviewer(services: Services, environment: Mapping[str, str]) -> list[Finding]:
    """Check that the model's server has the model and answers according to the schema.

    Costs tokens. Returns no finding if no reviewer is set up. A wrong key or a missing package is a fault.
    """
    try:
        open_context = build_reviewer(services, environment)
    except (InputError, SettingsError) as error:
        return [Finding(Severity.FAULT, "reviewer", str(error))]
    if not open_context:
        return []
    from bot.ingest.reviewing import check_reviewer

    async with open_context() as context:
        models = [seat for seat in (context.seat, *context.further_seats) if not seat.sample]
        is_panel = len(models) > 1
        return [await check_reviewer(context.take_seat(seat), is_member=is_panel) for seat in models]


def _check_web(services: Services) -> list[Finding]:
    """Check that the libraries of the operator's page are installed, if the settings turn it on."""
    web = services.settings.web
    if not web.enabled:
        return []
    try:
        require_libraries()
    except InputError as error:
        return [Finding(Severity.FAULT, "web", str(error))]
    return [
        Finding(
            Severity.OK,
            "web",
            f"“paperround run” serves the operator's page on port {web.port} of {web.host}.",
        )
    ]


def _check_missing_platforms(
    open_platforms: Collection[str], subscriptions: Sequence[Subscription]
) -> list[Finding]:
    """Name platforms whose secrets are not set: a fault if a channel expects a digest there.

    Other platforms are named only if no platform is set up at all.
    """
    used_platforms = {subscription.channel.platform for subscription in subscriptions}
    return [
        Finding(
            Severity.FAULT if name in used_platforms else Severity.UNUSED,
            name,
            f"Not set up. To use it, set {spec.required_secrets}.",
        )
        for name, spec in find_platforms().items()
        if spec.required_secrets
        and name not in open_platforms
        and (name in used_platforms or not open_platforms)
    ]


def _load_subscriptions(services: Services) -> list[Subscription]:
    """Return the stored subscriptions and those of the settings that are not stored yet. Blocks."""
    stored = list(services.store.subscriptions.list_active())
    stored_names = {(each.channel.platform, each.short_name) for each in stored}
    return stored + [
        each
        for each in list_configured_subscriptions(services.settings)
        if (each.channel.platform, each.short_name) not in stored_names
    ]


def _check_papers(services: Services) -> Finding:
    """Report the number of papers and the newest import; warn if none came for `stale_after`, or ever."""
    last = services.store.sources.last_import()
    if last is None:
        return Finding(
            Severity.WARNING,
            "papers",
            "None yet: bring some in with “paperround import FILE”, or name "
            "[[sources]] in the settings and try “paperround fetch”.",
        )
    count = format_count(services.store.sources.count_papers(), "paper")
    silence = services.delivery_context.clock() - last
    if silence > services.delivery_context.digest_policy.stale_after:
        return Finding(
            Severity.WARNING,
            "papers",
            f"{count}; none came in for {format_count(silence.days, 'day')}: check the sources, or run an "
            "import.",
        )
    return Finding(
        Severity.OK,
        "papers",
        f"{count}; the newest came in on {format_weekday_date(last.date())} at {last:%H:%M} UTC.",
    )


def _check_sources(services: Services) -> list[Finding]:
    """Report the state of each source, a fault for one that cannot be used, and what arXiv needs.

    arXiv asks for a contact address, and its holidays have to be known. Nothing is fetched.
    """
    findings = []
    for entry in services.settings.sources:
        try:
            findings.append(_check_source(build_source(entry, services), services))
        except InputError as error:
            findings.append(Finding(Severity.FAULT, f"source {entry.effective_name}", str(error)))
    kinds = {source.kind for source in services.settings.sources}
    if "arxiv" in kinds:
        findings += check_calendar(services.delivery_context.clock().date())
    if "arxiv" in kinds and not services.settings.fetching.contact:
        sentence = "arXiv asks for a contact address: set contact under [fetching] to a mail or web address."
        findings.append(Finding(Severity.WARNING, "fetching", sentence))
    return findings


def check_calendar(today: date) -> list[Finding]:
    """Say that arXiv's holidays after `today` are not known, from a month before the end of its list on."""
    if today <= PUBLISHED_TO - CALENDAR_NOTICE:
        return []
    year = max(today, PUBLISHED_TO + timedelta(days=1)).year
    sentence = (
        f"arXiv's holidays of {year} are not known to this version: those of every year are computed, and "
        "further evenings without papers look like an outage. arXiv lists a year in its first days; a newer "
        "version knows them."
    )
    severity = Severity.WARNING if today > PUBLISHED_TO else Severity.OK
    return [Finding(severity, "calendar", sentence)]


def _check_exposed_files(services: Services) -> list[Finding]:
    """Report files of the store that other accounts of the machine may open. No finding if there is none."""
    exposed = find_exposed_files(services)
    if not exposed:
        return []
    more = f" and {len(exposed) - 1:,} more" if len(exposed) > 1 else ""
    sentence = (
        f"Other accounts of this machine may open {exposed[0]}{more}: as the owner run chmod go-rwx on "
        f"{'them' if more else 'it'}, or keep the store in a folder of your own (chmod 700)."
    )
    return [Finding(Severity.WARNING, "store", sentence)]


def _check_source(source: Source, services: Services) -> Finding:
    state, subject = services.store.sources.load_state(source.name), f"source {source.name}"
    if state.failure:
        return Finding(Severity.WARNING, subject, state.failure)
    if state.last_success is None:
        return Finding(
            Severity.OK, subject, "Not fetched yet: “paperround run” or “paperround fetch” does it."
        )
    at = state.last_success
    coming = source.next_fetch_at(state, services.delivery_context.clock())
    following = (
        f"next on {format_weekday_date(coming.date())} at {_format_utc(coming)}"
        if coming
        else "everything is imported"
    )
    return Finding(
        Severity.OK,
        subject,
        f"Fetched on {format_weekday_date(at.date())} at {_format_utc(at)}; {following}.",
    )


def _format_utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%H:%M} UTC"


def _check_digests(services: Services, subscriptions: Sequence[Subscription]) -> list[Finding]:
    if not subscriptions:
        return [Finding(Severity.WARNING, "channels", "No channel gets a digest yet.")]
    return [_check_digest(services, subscription) for subscription in subscriptions]


def _check_digest(services: Services, subscription: Subscription) -> Finding:
    """Report the time of the next digest, or the reason why none comes.

    A warning if the channel is stopped, or its last edition was given up or is tried again. A pause is no
    warning.
    """
    subject = f"digest of {subscription.full_name}"
    if subscription.stop_reason:
        command = build_answers(services, subscription.channel.platform).digest_command
        return Finding(
            Severity.WARNING, subject, f"Stopped: {subscription.stop_reason} {command} resume tries again."
        )
    if subscription.paused_by:
        return Finding(Severity.OK, subject, f"Paused by {subscription.paused_by}.")
    now, schedule = services.delivery_context.clock(), subscription.schedule
    if not subscription.id:
        schedule = anchor_weeks(schedule, None, now)  # As the next run stores it.
    next_date = format_weekday_date(next_due_edition(schedule, now).edition)
    when = f"The next comes on {next_date} at {schedule.at:%H:%M} ({schedule.time_zone})."
    deliveries = services.store.delivery_reports.history(subscription, 1) if subscription.id else ()
    last = next(iter(deliveries), None)
    if last and last.state in (DeliveryState.RETRYING, DeliveryState.FAILED):
        verb = "was given up" if last.state is DeliveryState.FAILED else "is tried again"
        return Finding(
            Severity.WARNING,
            subject,
            f"The digest of {format_weekday_date(last.edition)} {verb}: {last.reason} {when}",
        )
    return Finding(Severity.OK, subject, when)
