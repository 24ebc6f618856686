"""`paperround doctor`: checks the installation and reports each fault with its remedy."""

import argparse
import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from bot.chat.findings import Finding, Severity
from bot.cli.terminal import EXIT_FAILED, EXIT_OK, build_cli_services
from bot.platforms.registry import find_platforms
from bot.present.wording import format_weekday_date
from bot.services import (
    Services,
    build_answers,
    build_apps,
    build_reviewer,
    build_sources,
    configured_subscriptions,
)
from digests.ports.outbox import DeliveryState
from digests.ports.sources import Source
from digests.schedule import next_due_edition
from digests.subscription import Subscription


def run_command(options: argparse.Namespace) -> int:
    """Print every finding. Fails if one is a fault."""
    findings = asyncio.run(check_installation(build_cli_services(options), os.environ))
    for finding in findings:
        print(finding)  # noqa: T201
    return EXIT_FAILED if any(finding.severity is Severity.FAULT for finding in findings) else EXIT_OK


async def check_installation(services: Services, environment: Mapping[str, str]) -> Sequence[Finding]:
    """Check the store, each channel and each platform whose secrets are set.

    Raises InputError for invalid secrets.
    """
    chat_apps = build_apps(services, environment)
    subscriptions = await asyncio.to_thread(_load_subscriptions, services)
    findings = [
        await asyncio.to_thread(_check_papers, services),
        *await asyncio.to_thread(_check_sources, services),
    ]
    for app in chat_apps:
        channels = [one.channel.channel for one in subscriptions if one.channel.platform == app.name]
        findings += await app.check(channels)
    findings += _check_missing_platforms({app.name for app in chat_apps}, subscriptions)
    findings += await _check_reviewer(services, environment)
    return [*findings, *await asyncio.to_thread(_check_digests, services, subscriptions)]


async def _check_reviewer(services: Services, environment: Mapping[str, str]) -> list[Finding]:
    """Check that the model's server has the model and answers according to the schema."""
    open_context = build_reviewer(services, environment)
    if not open_context:
        return []
    from bot.ingest.reviewing import check_reviewer

    async with open_context() as review_context:
        return [await check_reviewer(review_context)]


def _check_missing_platforms(
    open_platforms: Collection[str], subscriptions: Sequence[Subscription]
) -> list[Finding]:
    """Report a fault for each platform whose secrets are not set but whose channels expect digests."""
    used_platforms = {one.channel.platform for one in subscriptions}
    return [
        Finding(
            Severity.FAULT if name in used_platforms else Severity.OK,
            name,
            f"Not set up: set {spec.required_secrets}, to use it.",
        )
        for name, spec in find_platforms().items()
        if spec.required_secrets
        and name not in open_platforms
        and (name in used_platforms or not open_platforms)
    ]


def _load_subscriptions(services: Services) -> list[Subscription]:
    """Return the stored subscriptions and those of the settings that are not stored yet."""
    stored = list(services.store.subscriptions.list_active())
    names = {(one.channel.platform, one.channel.channel) for one in stored}
    return stored + [
        one
        for one in configured_subscriptions(services.settings)
        if (one.channel.platform, one.channel.channel) not in names
    ]


def _check_papers(services: Services) -> Finding:
    """Check that papers are being fetched."""
    last = services.store.sources.last_import()
    if last is None:
        return Finding(
            Severity.WARNING,
            "papers",
            "None yet: bring some in with “paperround import FILE”, or name "
            "[[sources]] in the settings and try “paperround fetch”.",
        )
    silence = services.delivery_context.clock() - last
    if silence > services.delivery_context.digest_policy.stale_after:
        return Finding(
            Severity.WARNING,
            "papers",
            f"Nothing has come in for {silence.days} days: look at what runs the import.",
        )
    return Finding(
        Severity.OK,
        "papers",
        f"The newest came in on {format_weekday_date(last.date())} at {last:%H:%M} UTC.",
    )


def _check_sources(services: Services) -> list[Finding]:
    """Check each source of the settings, and that arXiv is given a contact address."""
    findings = [_check_source(source, services) for source in build_sources(services)]
    kinds = {one.kind for one in services.settings.sources}
    if "arxiv" in kinds and not services.settings.fetching.contact:
        sentence = (
            "arXiv wants to know whom to write to: set contact under [fetching] to a mail or web address."
        )
        findings.append(Finding(Severity.WARNING, "fetching", sentence))
    return findings


def _check_source(source: Source, services: Services) -> Finding:
    state, subject = services.store.sources.load_state(source.name), f"source {source.name}"
    if state.failure:
        return Finding(Severity.WARNING, subject, state.failure)
    if state.last_success is None:
        return Finding(
            Severity.OK, subject, "Not fetched yet: “paperround run” does it, or “paperround fetch”."
        )
    at = state.last_success
    coming = source.next_fetch_at(state, services.delivery_context.clock())
    following = (
        f"next on {format_weekday_date(coming.date())} at {_format_utc(coming)}"
        if coming
        else "all of it is in"
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
    return [_check_digest(services, one) for one in subscriptions]


def _check_digest(services: Services, subscription: Subscription) -> Finding:
    """Report the time of the next digest, or the reason why none comes."""
    subject = f"digest of {subscription.channel}"
    if subscription.stop_reason:
        advice = (
            f"{build_answers(services, subscription.channel.platform).digest_command} resume tries again."
        )
        return Finding(Severity.WARNING, subject, f"Stopped: {subscription.stop_reason} {advice}")
    if subscription.paused_by:
        return Finding(Severity.OK, subject, f"Paused by {subscription.paused_by}.")
    coming = next_due_edition(subscription.schedule, services.delivery_context.clock()).edition
    when = f"The next comes on {format_weekday_date(coming)} at {subscription.schedule.at:%H:%M} ({subscription.schedule.time_zone})."
    last = (
        next(iter(services.store.delivery_reports.history(subscription, 1)), None)
        if subscription.id
        else None
    )
    if last and last.state in (DeliveryState.RETRYING, DeliveryState.FAILED):
        verb = "was given up" if last.state is DeliveryState.FAILED else "is tried again"
        return Finding(
            Severity.WARNING,
            subject,
            f"That of {format_weekday_date(last.edition)} {verb}: {last.reason} {when}",
        )
    return Finding(Severity.OK, subject, when)
