"""`paperround doctor`: look at everything that has to be right, and say what is not and what to do."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from bot.app import House, answers, apps, reviewer, sources, wanted
from bot.findings import Finding, Level
from bot.present import day_name
from digests.model import Subscription
from digests.ports import DeliveryState, Source
from digests.schedule import next_due


async def examine(house: House, environment: Mapping[str, str]) -> Sequence[Finding]:
    """The store, each channel, and each platform whose secrets are set. Raises InputError for secrets that cannot be."""
    talking = apps(house.settings, environment, house.desk.clock)
    subscriptions = await asyncio.to_thread(_subscriptions, house)
    findings = [await asyncio.to_thread(_papers, house), *await asyncio.to_thread(_sources, house)]
    for app in talking:
        channels = [one.channel.channel for one in subscriptions if one.channel.platform == app.name]
        findings += await app.check(channels)
    findings += _not_set_up({app.name for app in talking}, subscriptions)
    findings += await _reviewer(house, environment)
    return [*findings, *await asyncio.to_thread(_digests, house, subscriptions)]


async def _reviewer(house: House, environment: Mapping[str, str]) -> list[Finding]:
    """Whether the model's server has the model, and answers by the schema."""
    open_desk = reviewer(house, environment)
    if not open_desk:
        return []
    from bot.reviewing import examined

    async with open_desk() as desk:
        return [await examined(desk)]


_TO_SET = {
    "slack": "SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET",
    "discord": "DISCORD_TOKEN",
}


def _not_set_up(talking: Collection[str], subscriptions: Sequence[Subscription]) -> list[Finding]:
    """A platform whose secrets are not set is a fault when a channel of it waits for digests."""
    wanted_ones = {one.channel.platform for one in subscriptions}
    return [
        Finding(
            Level.FAULT if name in wanted_ones else Level.OK, name, f"Not set up: set {secrets}, to use it."
        )
        for name, secrets in _TO_SET.items()
        if name not in talking and (name in wanted_ones or not talking)
    ]


def _subscriptions(house: House) -> list[Subscription]:
    """Those that the store has, and those of the settings that it has not yet."""
    stored = list(house.store.subscriptions.all())
    names = {(one.channel.platform, one.channel.channel) for one in stored}
    return stored + [
        one for one in wanted(house.settings) if (one.channel.platform, one.channel.channel) not in names
    ]


def _papers(house: House) -> Finding:
    """Whether papers come in."""
    last = house.store.papers.last_import()
    if last is None:
        return Finding(
            Level.WARNING,
            "papers",
            "None yet: bring some in with “paperround import FILE”, or name "
            "[[sources]] in the settings and try “paperround fetch”.",
        )
    quiet = house.desk.clock() - last
    if quiet > house.desk.habits.stale_after:
        return Finding(
            Level.WARNING,
            "papers",
            f"Nothing has come in for {quiet.days} days: look at what runs the import.",
        )
    return Finding(Level.OK, "papers", f"The newest came in on {day_name(last.date())} at {last:%H:%M} UTC.")


def _sources(house: House) -> list[Finding]:
    """How each source of the settings is, and whether arXiv knows whom to write to."""
    fetched = [_source(source, house) for source in sources(house)]
    kinds = {one.kind for one in house.settings.sources}
    if "arxiv" in kinds and not house.settings.fetching.contact:
        sentence = (
            "arXiv wants to know whom to write to: set contact under [fetching] to a mail or web address."
        )
        fetched.append(Finding(Level.WARNING, "fetching", sentence))
    return fetched


def _source(source: Source, house: House) -> Finding:
    state, subject = house.store.sources.state(source.name), f"source {source.name}"
    if state.failure:
        return Finding(Level.WARNING, subject, state.failure)
    if state.last_success is None:
        return Finding(Level.OK, subject, "Not fetched yet: “paperround run” does it, or “paperround fetch”.")
    at = state.last_success
    coming = source.next_due(state, house.desk.clock())
    following = f"next on {day_name(coming.date())} at {_utc(coming)}" if coming else "all of it is in"
    return Finding(Level.OK, subject, f"Fetched on {day_name(at.date())} at {_utc(at)}; {following}.")


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%H:%M} UTC"


def _digests(house: House, subscriptions: Sequence[Subscription]) -> list[Finding]:
    if not subscriptions:
        return [Finding(Level.WARNING, "channels", "No channel gets a digest yet.")]
    return [_digest(house, one) for one in subscriptions]


def _digest(house: House, one: Subscription) -> Finding:
    """When the next digest comes, or why none does."""
    subject = f"digest of {one.channel}"
    if one.stopped:
        again = f"{answers(house, one.channel.platform).digest_command} resume tries again."
        return Finding(Level.WARNING, subject, f"Stopped: {one.stopped} {again}")
    if one.paused_by:
        return Finding(Level.OK, subject, f"Paused by {one.paused_by}.")
    coming = next_due(one.schedule, house.desk.clock()).edition
    when = f"The next comes on {day_name(coming)} at {one.schedule.at:%H:%M} ({one.schedule.time_zone})."
    last = next(iter(house.store.deliveries.history(one, 1)), None) if one.id else None
    if last and last.state in (DeliveryState.WAITING, DeliveryState.FAILED):
        gone = "was given up" if last.state is DeliveryState.FAILED else "is tried again"
        return Finding(
            Level.WARNING, subject, f"That of {day_name(last.edition)} {gone}: {last.reason} {when}"
        )
    return Finding(Level.OK, subject, when)
