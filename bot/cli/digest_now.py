"""`paperround digest CHANNEL --now`: today's edition at once, through the outbox, so no day has two."""

import argparse
import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from bot.cli.preview import show_preview
from bot.cli.status import find_unstarted
from bot.cli.terminal import EXIT_OK, build_cli_services, open_console, print_lines
from bot.delivery.context import DeliveryContext, fetch_restoration
from bot.delivery.deliver import deliver_edition
from bot.present.wording import format_count
from bot.services import Services, build_apps, list_configured_subscriptions
from bot.storage import run_interactive
from digests.build import build_unsent
from digests.errors import InputError, PaperroundError
from digests.model import Digest
from digests.ports.delivery_reports import DeliveryReport
from digests.ports.outbox import DeliveryState
from digests.subscription import Subscription

HISTORY_LIMIT = 9
"""Editions that are read. A clock that was ahead may have left some after today's."""


def run_command(options: argparse.Namespace) -> int:
    """Post a channel's edition of today and print the outcome, or show the digest with --dry-run.

    Raises InputError for an unknown channel, and PaperroundError if the edition is not posted.
    """
    services = build_cli_services(options)
    if options.dry_run:
        sentence, digest = preview_todays_edition(options.channel, services)
        print_lines(sentence)
        if digest:
            show_preview(digest, open_console())
        return EXIT_OK
    print_lines(asyncio.run(post_todays_edition(options.channel, services, os.environ)))
    return EXIT_OK


def preview_todays_edition(channel: str, services: Services) -> tuple[str, Digest | None]:
    """Return a sentence about today's edition, and its digest. Writes nothing.

    The digest is None if the edition was posted before. Raises InputError unless exactly one channel matches,
    and StoreError. Blocks.
    """
    subscription = _require_subscription(channel, services)
    edition = _edition_of_today(subscription, services)
    name = _name_edition(subscription, edition)
    last = next(iter(services.store.delivery_reports.history(subscription, 1)), None)
    if last and last.edition == edition and last.state in (DeliveryState.POSTED, DeliveryState.EMPTY):
        return f"{name} was posted before; nothing would be sent.", None
    context = services.delivery_context
    digest = build_unsent(
        subscription,
        edition,
        store=services.store,
        policy=context.digest_policy,
        now=context.clock(),
        find_likeness=context.find_likeness,
    )
    return f"{name} would be:", digest


async def post_todays_edition(channel: str, services: Services, environment: Mapping[str, str]) -> str:
    """Post today's edition and return the outcome as a sentence.

    A channel of the settings is stored first, with all others of the settings. Partly posted older editions
    are finished before. An edition that was posted before is not posted again, and the sentence says that.
    Raises InputError for an unknown channel or a platform without secrets, and PaperroundError if the edition
    was not posted.
    """
    configured = list_configured_subscriptions(services.settings)
    # Checked before any write: an unknown or ambiguous channel changes nothing.
    await run_interactive(_require_subscription, channel, services)
    if any(channel in (each.short_name, each.full_name) for each in configured):
        await run_interactive(
            services.store.subscriptions.sync_from_settings, configured, now=services.delivery_context.clock()
        )
    subscription = await run_interactive(_require_subscription, channel, services)
    edition = _edition_of_today(subscription, services)
    async with AsyncExitStack() as exits:
        opened = await _open_platform(subscription, services, environment, exits)
        context = await run_interactive(fetch_restoration, opened)
        await _finish_older_editions(subscription, edition, context)
        has_begun = await deliver_edition(subscription, edition, context=context)
    deliveries = await run_interactive(services.store.delivery_reports.history, subscription, HISTORY_LIMIT)
    last = next((delivery for delivery in deliveries if delivery.edition <= edition), None)
    return _describe_outcome(subscription, edition, last, has_begun=has_begun)


async def _finish_older_editions(subscription: Subscription, edition: date, context: DeliveryContext) -> None:
    """Deliver the rest of partly posted editions before today's, which would block it."""
    for older in await run_interactive(context.store.delivery_reports.history, subscription, HISTORY_LIMIT):
        if older.edition < edition and older.is_partly_posted:
            await deliver_edition(subscription, older.edition, context=context)


def _require_subscription(channel: str, services: Services) -> Subscription:
    """Return the subscription for CHANNEL or CHANNEL#NAME. Raises InputError unless exactly one matches."""
    stored = services.store.subscriptions.list_active()
    configured = list_configured_subscriptions(services.settings)
    known = [*stored, *find_unstarted(configured, stored)]
    matches = [each for each in known if channel == each.full_name]
    matches = matches or [each for each in known if channel == each.short_name]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(sorted({each.full_name for each in matches or known})[:10])
    if matches:
        raise InputError(
            f"There are {len(matches)} channels {channel!r}: {names}. Give the full name of one."
        )
    if not names:
        raise InputError(
            "No channel gets a digest yet: name one in a [[subscriptions]] table of the settings, or "
            "subscribe in a chat."
        )
    raise InputError(f"No channel {channel!r} gets a digest; these do: {names}.")


def _edition_of_today(subscription: Subscription, services: Services) -> date:
    return services.delivery_context.clock().astimezone(ZoneInfo(subscription.schedule.time_zone)).date()


async def _open_platform(
    subscription: Subscription, services: Services, environment: Mapping[str, str], exits: AsyncExitStack
) -> DeliveryContext:
    """Return the context with the platform of this channel opened. `exits` closes it.

    Raises InputError without its secrets, and for a fault of its set-up.
    """
    name = subscription.channel.platform
    context = services.delivery_context
    for app in build_apps(services, environment):
        if app.name == name:
            context = replace(context, platforms={**context.platforms, name: await app.open()})
            exits.push_async_callback(app.close)
    if name not in context.platforms:
        raise InputError(f"{subscription.channel} cannot be posted to: the secrets of {name} are not set.")
    return context


def _name_edition(subscription: Subscription, edition: date) -> str:
    return f"The edition of {edition} for {subscription.full_name}"


def _describe_retry(subscription: Subscription) -> str:
    """Return the clause that a running bot tries again, or the reason why it does not."""
    if subscription.is_running:
        return "“paperround run” tries again"
    state = f"paused by {subscription.paused_by}" if subscription.paused_by else "stopped"
    return f"“paperround run” does not try again, since the channel is {state}"


def _describe_outcome(
    subscription: Subscription, edition: date, last_delivery: DeliveryReport | None, *, has_begun: bool
) -> str:
    name, again = _name_edition(subscription, edition), _describe_retry(subscription)
    if last_delivery is None:
        raise PaperroundError(
            f"{name} could not be begun: if another digest of this channel is being posted, try again in a "
            "minute."
        )
    if last_delivery.edition != edition:
        raise PaperroundError(
            f"{name} waits until that of {last_delivery.edition} is done, of which some is posted; {again}:"
            f" {last_delivery.reason or 'another process is posting it.'}"
        )
    match last_delivery.state:
        case DeliveryState.POSTED | DeliveryState.EMPTY if not has_begun:
            return f"{name} was posted before; nothing was sent."
        case DeliveryState.POSTED:
            return f"{name} is posted, in {format_count(len(last_delivery.pages), 'message')}."
        case DeliveryState.EMPTY:
            note = "the channel got a note" if last_delivery.pages else "the settings ask for no note"
            return f"{name} has no papers; {note}."
        case DeliveryState.CLAIMED | DeliveryState.POSTING:
            raise PaperroundError(
                f"{name} is leased to another process, which is posting it. If that was stopped, "
                "“paperround run” continues within five minutes."
            )
        case DeliveryState.RETRYING | DeliveryState.UNKNOWN:
            raise PaperroundError(f"{name} is not posted yet; {again}: {last_delivery.reason}")
        case DeliveryState.FAILED:
            raise PaperroundError(f"{name} was given up: {last_delivery.reason}")
