"""The composition root: the one file that names concrete classes."""

import os
import secrets
import socket
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from bot.deliver import Desk, OnUnknown
from bot.message import Message
from bot.platforms import Page
from config.settings import Settings
from config.settings import Subscription as SubscriptionSettings
from digests.build import Habits
from digests.domains import resolve
from digests.errors import InputError
from digests.model import Channel, Schedule, ScoredPaper, Style, Subscription, Wish
from digests.pick import Rules
from digests.ports import Store
from digests.store import open_store

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

PLATFORMS = ("console",)
"""The platforms that digests can be posted to."""

Render = Callable[[Message, Style], Sequence[Page]]

# Debian's zones are a year old and wrong for some cities; the tzdata package is a dependency, so it is always there.
zoneinfo.reset_tzpath(to=())


@dataclass(frozen=True, slots=True)
class House:
    """Everything, put together from the settings."""

    settings: Settings
    store: Store
    desk: Desk
    search_directory: Path

    def find(self, words: str, most: int) -> Sequence[ScoredPaper]:
        """The papers that an id, an address or words mean, best first."""
        from digests.search import find
        from digests.search.index import Index

        return find(words, papers=self.store.papers, index=Index.open(self.search_directory), most=most)


def open_house(settings: Settings, console: Console, *, clock: Callable[[], datetime] | None = None) -> House:
    """The house over the store of the settings. Raises StoreError, and InputError for a domain that nobody knows."""
    for subscription in wanted(settings):
        check(subscription.wish)
    _check_lease(settings)
    store = open_store(settings.store.url)
    return House(settings, store, _desk(settings, store, console, clock or _now), _search_directory(settings))


def _check_lease(settings: Settings) -> None:
    """A lease that ends while an answer is still waited for would let another process post the same page."""
    sending = settings.delivery
    if sending.lease_seconds <= sending.time_out_seconds:
        raise InputError(
            f"delivery.lease_seconds is {sending.lease_seconds}, delivery.time_out_seconds {sending.time_out_seconds}: "
            "the lease must be the longer one, or a page could be posted twice."
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _desk(settings: Settings, store: Store, console: Console, clock: Callable[[], datetime]) -> Desk:
    from bot.platforms.console.client import ConsolePlatform

    transcript = settings.platforms.console.transcript
    sending = settings.delivery
    return Desk(
        store=store,
        platforms={"console": ConsolePlatform(console, Path(transcript) if transcript else None)},
        habits=habits(settings),
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        clock=clock,
        on_unknown=OnUnknown(sending.on_unknown),
        lease=timedelta(seconds=sending.lease_seconds),
        attempts=sending.attempts,
        time_out=timedelta(seconds=sending.time_out_seconds),
    )


def habits(settings: Settings) -> Habits:
    """What the settings say of every digest."""
    digest = settings.digest
    rules = Rules(
        max_age=timedelta(days=digest.max_age_days) if digest.max_age_days else None,
        pick_flagged=digest.pick_flagged,
        domain_share=digest.domain_share,
    )
    return Habits(rules, timedelta(days=digest.first_look_back_days), timedelta(days=digest.stale_after_days))


def _search_directory(settings: Settings) -> Path:
    if settings.search.directory:
        return Path(settings.search.directory)
    _, _, file = settings.store.url.partition("sqlite:///")
    return Path(f"{file or 'paperround'}.search")


def wanted(settings: Settings) -> list[Subscription]:
    """The channels that the settings name."""
    return [_subscription(one) for one in settings.subscriptions]


def _subscription(one: SubscriptionSettings) -> Subscription:
    wish = Wish(one.domains, one.keywords, one.muted, one.top, one.min_score, Style(one.style))
    schedule = Schedule(one.at, frozenset(DAYS.index(day) for day in one.days), one.time_zone)
    return Subscription(Channel(one.platform, one.channel, one.workspace), wish, schedule)


def check(wish: Wish) -> None:
    """Raises InputError for a domain that nobody knows."""
    for domain in wish.domains:
        resolve(domain)


def renderers() -> Mapping[str, Callable[[], Render]]:
    """How each platform writes a message; what a platform needs is loaded only when it is asked for."""

    def console() -> Render:
        from bot.platforms.console.render import render

        return render

    def slack() -> Render:
        from bot.platforms.slack.render import render

        return render

    def discord() -> Render:
        from bot.platforms.discord.render import render

        return render

    return {"console": console, "slack": slack, "discord": discord}


def stored(store: Store, subscription: Subscription) -> Subscription:
    """The subscription with its number in the ledger, where it has one."""
    known = store.subscriptions.find(subscription.channel)
    return replace(subscription, id=known.id) if known else subscription


def require_platforms(subscriptions: Sequence[Subscription]) -> None:
    """Raises InputError when no channel can get a digest."""
    if not subscriptions:
        raise InputError(
            "No channel gets a digest yet: put a [[subscriptions]] table into paperround.toml "
            "(config/example.toml shows one)."
        )
    if all(one.channel.platform not in PLATFORMS for one in subscriptions):
        raise InputError(
            "None of the channels can be posted to yet: this version posts to the console and previews Slack and "
            'Discord. Set platform = "console" in a [[subscriptions]] table.'
        )
