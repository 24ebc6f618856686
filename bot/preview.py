"""What would be posted, before it is: the same digest, the same pages, in the form that each platform takes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from bot.app import House, check, renderers, stored, wanted
from bot.message import Message
from bot.platforms import Page
from bot.present import digest_message
from digests.build import build
from digests.errors import InputError
from digests.model import Channel, Digest, Style, Subscription, Wish

THREAD = "{ts of the first message}"
"""Stands where Slack's answer to the first message will say which thread the others belong to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a preview is asked for; None and the empty string leave it as the channel has it."""

    platform: str = "console"
    style: Style | None = None
    top: int | None = None
    domain: str = ""
    day: date | None = None
    channel: str = ""


def preview_digest(asked: Asked, house: House) -> Digest:
    """The digest that would be posted. Raises InputError and StoreError."""
    subscription = _subscription(asked, house)
    check(subscription.wish)
    now = house.desk.clock()
    zone = ZoneInfo(subscription.schedule.time_zone)
    edition = asked.day or now.astimezone(zone).date()
    end_of_day = datetime.combine(edition + timedelta(days=1), time(), zone).astimezone(UTC)
    return build(
        stored(house.store, subscription),
        edition,
        store=house.store,
        habits=house.desk.habits,
        now=min(now, end_of_day),
    )


def _subscription(asked: Asked, house: House) -> Subscription:
    """The first channel of the settings that fits, or a reader without any wish; then what was asked besides."""
    channels = [one for one in wanted(house.settings) if asked.channel in ("", one.channel.channel)]
    if asked.channel and not channels:
        known = ", ".join(one.channel.channel for one in wanted(house.settings)) or "none"
        raise InputError(f"The settings name no channel {asked.channel!r}; they name: {known}.")
    here = [one for one in channels if one.channel.platform == asked.platform]
    chosen = next(iter(here or channels), Subscription(Channel(asked.platform, "preview"), Wish()))
    wish = chosen.wish
    wish = replace(wish, style=asked.style) if asked.style else wish
    wish = replace(wish, top=asked.top) if asked.top else wish
    wish = replace(wish, domains=(asked.domain,), keywords=()) if asked.domain else wish
    return replace(chosen, wish=wish)


def show_preview(digest: Digest, console: Console) -> None:
    """On a terminal."""
    from bot.platforms.console.render import show

    for page in pages_for(digest_message(digest), "console", digest.wish.style):
        show(page, console)


def as_json(digest: Digest, platform: str) -> str:
    """An array with one object a message: what the platform's API takes."""
    pages = pages_for(digest_message(digest), platform, digest.wish.style)
    bodies = [_body(page, platform, digest.channel) for page in pages]
    return json.dumps(bodies, ensure_ascii=False, indent=2)


def _body(page: Page, platform: str, channel: Channel) -> dict[str, Any]:
    if platform != "slack":
        return dict(page.payload)
    thread = {"thread_ts": THREAD} if page.in_thread else {}
    return {"channel": channel.channel, **thread, **page.payload}


def pages_for(message: Message, platform: str, style: Style) -> Sequence[Page]:
    """The pages of a message on a platform."""
    return renderers()[platform]()(message, style)
