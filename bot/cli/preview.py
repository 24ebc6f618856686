"""`paperround preview`: the digest that would be posted, as text, as a page or as the platform's JSON."""

import argparse
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from bot.chat.port import Page
from bot.cli.terminal import (
    EXIT_OK,
    build_cli_services,
    open_console,
    print_document,
    print_json,
    print_lines,
)
from bot.platforms.registry import find_platforms, render_pages
from bot.present.digest import present_digest
from bot.present.empty import describe_remedy
from bot.services import Services, check_domains, list_configured_subscriptions
from config.settings import Settings
from digests.build import build_unsent
from digests.errors import InputError
from digests.model import Digest
from digests.ports import Store
from digests.subscription import DEFAULT_STYLE, Channel, DigestStyle, Preferences, Subscription

THREAD_PLACEHOLDER = "{ts of the first message}"
"""Stand-in for the thread's id, which the platform gives only in its answer to the first message."""


def run_command(options: argparse.Namespace) -> int:
    """Show the digest on the terminal, as a page, or as the platform's JSON. Posts nothing.

    Raises InputError, SettingsError and StoreError.
    """
    platform = _choose_platform(options)
    services = build_cli_services(options)
    style = DigestStyle(options.style) if options.style else None
    request = PreviewRequest(platform, style, options.top, options.domain, options.day, options.channel)
    digest = preview_digest(request, services)
    if options.platform == "html":
        from bot.web.preview_page import render_digest_page

        print_document(render_digest_page(digest, services.settings))
    elif options.json or platform != "console":
        print_json(to_payload_json(digest, platform, services.settings))
    else:
        show_preview(digest, open_console())
    return EXIT_OK


def _choose_platform(options: argparse.Namespace) -> str:
    """Return the platform whose channel is shown: the leftmost column's, for the page of all platforms.

    Raises InputError if the page and JSON are both asked for.
    """
    if options.platform != "html":
        return str(options.platform)
    from bot.web.preview_page import list_columns

    names = [spec.name for spec, _ in list_columns()]
    if options.json:
        choices = " or ".join(f"--as {name}" for name in names)
        raise InputError(f"A page is no JSON: leave out --json, or ask for it {choices}.")
    return names[0]


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """Options of a preview. None and "" stand for the channel's own."""

    platform: str = "console"
    style: DigestStyle | None = None
    top: int | None = None
    domain: str = ""
    day: date | None = None
    channel: str = ""


def preview_digest(request: PreviewRequest, services: Services) -> Digest:
    """Build the digest that would be posted. Writes nothing. Raises InputError and StoreError.

    A past day is built as of its end. The papers that the channel was shown are left out.
    """
    subscription = _choose_subscription(request, services)
    check_domains(subscription.preferences)
    now = services.delivery_context.clock()
    zone = ZoneInfo(subscription.schedule.time_zone)
    edition = request.day or now.astimezone(zone).date()
    end_of_day = datetime.combine(edition + timedelta(days=1), time(), zone).astimezone(UTC)
    return build_unsent(
        _with_stored_id(services.store, subscription),
        edition,
        store=services.store,
        policy=services.delivery_context.digest_policy,
        now=min(now, end_of_day),
        find_likeness=services.delivery_context.find_likeness,
    )


def _choose_subscription(request: PreviewRequest, services: Services) -> Subscription:
    """Return the first matching channel of the settings, or an empty one, with the options applied.

    A channel of the request's platform comes first. Raises InputError if the settings lack the requested
    channel.
    """
    channels = [
        subscription
        for subscription in list_configured_subscriptions(services.settings)
        if request.channel in ("", subscription.channel.channel, subscription.short_name)
    ]
    if request.channel and not channels:
        known = ", ".join(
            subscription.channel.channel for subscription in list_configured_subscriptions(services.settings)
        )
        if not known:
            raise InputError("The settings name no channel: leave out --channel, or add [[subscriptions]].")
        raise InputError(f"The settings name no channel {request.channel!r}; they name: {known}.")
    on_platform = [each for each in channels if each.channel.platform == request.platform]
    unnamed = Subscription(Channel(request.platform, "preview"), Preferences(style=DEFAULT_STYLE))
    chosen = next(iter(on_platform or channels), unnamed)
    preferences = chosen.preferences
    preferences = replace(preferences, style=request.style) if request.style else preferences
    preferences = replace(preferences, top=request.top) if request.top else preferences
    preferences = (
        replace(preferences, domains=(request.domain,), keywords=()) if request.domain else preferences
    )
    return replace(chosen, preferences=preferences)


def _with_stored_id(store: Store, subscription: Subscription) -> Subscription:
    """Return the subscription with its stored id, if it has one."""
    known = store.subscriptions.find(subscription.channel, subscription.name)
    return replace(subscription, id=known.id) if known else subscription


def show_preview(digest: Digest, console: Console) -> None:
    """Print a digest on the terminal."""
    from bot.platforms.console.render import print_page

    for page in render_pages(present_digest(digest), "console", digest.preferences.style):
        print_page(page, console)
    if remedy := describe_remedy(digest):
        print_lines(remedy)


def to_payload_json(digest: Digest, platform: str, settings: Settings) -> str:
    """Return a JSON array with the request body of each message, as the platform would get it."""
    pages = render_pages(present_digest(digest), platform, digest.preferences.style, settings)
    bodies = [_to_request_body(page, platform, digest.channel) for page in pages]
    return json.dumps(bodies, ensure_ascii=False, indent=2)


def _to_request_body(page: Page, platform: str, channel: Channel) -> dict[str, Any]:
    thread_field = find_platforms()[platform].thread_field
    if not thread_field:
        return dict(page.payload)
    thread = {thread_field: THREAD_PLACEHOLDER} if page.in_thread else {}
    return {"channel": channel.channel, **thread, **page.payload}
