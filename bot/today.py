"""`paperround digest CHANNEL --now`: today's edition at once, by the ledger, so that no day has two."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from bot.app import House, apps, wanted
from bot.deliver import Desk, deliver_edition
from bot.status import not_begun
from digests.build import build
from digests.errors import InputError, PaperroundError
from digests.model import Digest, Subscription
from digests.ports import Delivery, DeliveryState

LATEST = 9
"""Editions that are looked at: what a clock that was ahead has left is among them."""


def todays_digest(channel: str, house: House) -> tuple[str, Digest | None]:
    """What would become of today's edition, in a sentence, and the digest if it would be posted. Reads alone."""
    subscription = _subscription(channel, house)
    edition = _today(subscription, house)
    name = _name(subscription, edition)
    last = next(iter(house.store.deliveries.history(subscription, 1)), None)
    if last and last.edition == edition and last.state in (DeliveryState.POSTED, DeliveryState.QUIET):
        return f"{name} was posted before; nothing would be sent.", None
    habits, now = house.desk.habits, house.desk.clock()
    digest = build(subscription, edition, store=house.store, habits=habits, now=now)
    return f"{name} would be:", digest


async def post_today(channel: str, house: House, environment: Mapping[str, str]) -> str:
    """Post today's edition, and say what came of it. Raises InputError, and PaperroundError where it was not posted."""
    settings = wanted(house.settings)
    await asyncio.to_thread(_subscription, channel, house)  # It is meant alone, or nothing is touched.
    if any(channel in (one.channel.channel, str(one.channel)) for one in settings):
        await asyncio.to_thread(house.store.subscriptions.keep, settings, now=house.desk.clock())
    subscription = await asyncio.to_thread(_subscription, channel, house)
    edition = _today(subscription, house)
    async with AsyncExitStack() as exits:
        desk = await _opened(subscription, house, environment, exits)
        await _finish_older(subscription, edition, desk)
        began = await deliver_edition(subscription, edition, desk=desk)
    every = await asyncio.to_thread(house.store.deliveries.history, subscription, LATEST)
    last = next((one for one in every if one.edition <= edition), None)
    return _sentence(subscription, edition, last, began=began)


async def _finish_older(subscription: Subscription, edition: date, desk: Desk) -> None:
    """What went out in part is finished before today's."""
    for older in await asyncio.to_thread(desk.store.deliveries.history, subscription, LATEST):
        if older.edition < edition and older.is_half_done:
            await deliver_edition(subscription, older.edition, desk=desk)


def _subscription(channel: str, house: House) -> Subscription:
    """The one that is meant. Raises InputError where none is, or more than one may be."""
    stored = house.store.subscriptions.all()
    known = [*stored, *not_begun(wanted(house.settings), [one.channel for one in stored])]
    meant = [one for one in known if channel == str(one.channel)]
    meant = meant or [one for one in known if channel == one.channel.channel]
    if len(meant) == 1:
        return meant[0]
    names = ", ".join(sorted({str(one.channel) for one in meant or known})[:10])
    if meant:
        raise InputError(f"There are {len(meant)} channels {channel!r}: {names}. Name one of them whole.")
    raise InputError(f"No channel {channel!r} gets a digest; these do: {names or 'none yet'}.")


def _today(subscription: Subscription, house: House) -> date:
    return house.desk.clock().astimezone(ZoneInfo(subscription.schedule.time_zone)).date()


async def _opened(
    subscription: Subscription, house: House, environment: Mapping[str, str], exits: AsyncExitStack
) -> Desk:
    """The desk with the platform of this channel alone."""
    name = subscription.channel.platform
    desk = house.desk
    for app in apps(house.settings, environment, desk.clock):
        if app.name == name:
            desk = replace(desk, platforms={**desk.platforms, name: await app.open()})
            exits.push_async_callback(app.close)
    if name not in desk.platforms:
        raise InputError(f"{subscription.channel} cannot be posted to: the secrets of {name} are not set.")
    return desk


def _name(subscription: Subscription, edition: date) -> str:
    return f"The edition of {edition} for {subscription.channel}"


def _again(subscription: Subscription) -> str:
    """Who tries again what is not done."""
    if subscription.running:
        return "“paperround run” tries again"
    state = f"paused by {subscription.paused_by}" if subscription.paused_by else "stopped"
    return f"“paperround run” does not try again, since the channel is {state}"


def _sentence(subscription: Subscription, edition: date, last: Delivery | None, *, began: bool) -> str:
    name, again = _name(subscription, edition), _again(subscription)
    if last is None:
        raise PaperroundError(f"{name} could not be begun.")
    if last.edition != edition:
        raise PaperroundError(
            f"{name} waits until that of {last.edition} is done, of which some is posted; {again}:"
            f" {last.reason or 'another process is at it.'}"
        )
    match last.state:
        case DeliveryState.POSTED | DeliveryState.QUIET if not began:
            return f"{name} was posted before; nothing was sent."
        case DeliveryState.POSTED:
            return f"{name} is posted, in {len(last.pages)} messages."
        case DeliveryState.QUIET:
            told = "the channel was told" if last.pages else "the settings say not to tell"
            return f"{name} has nothing to read; {told}."
        case DeliveryState.CLAIMED | DeliveryState.POSTING:
            raise PaperroundError(f"{name} is being posted by another process.")
        case DeliveryState.WAITING | DeliveryState.UNKNOWN:
            raise PaperroundError(f"{name} is not posted yet; {again}: {last.reason}")
        case DeliveryState.FAILED:
            raise PaperroundError(f"{name} was given up: {last.reason}")
