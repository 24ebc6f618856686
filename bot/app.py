"""The composition root: the one file that names concrete classes."""

import asyncio
import os
import secrets
import socket
import zoneinfo
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from rich.console import Console

from bot.answer import Answers
from bot.deliver import Desk, OnUnknown
from bot.fetching import LookUp
from bot.message import Message
from bot.pace import Limits, Pace
from bot.platforms import App, Page
from config.secrets import discord_token, reviewer_key, slack_secrets
from config.settings import Settings
from config.settings import Source as SourceSettings
from config.settings import Subscription as SubscriptionSettings
from digests.build import Habits
from digests.domains import resolve
from digests.errors import InputError, SourceError
from digests.model import Channel, Heartbeat, Paper, Schedule, ScoredPaper, Style, Subscription, Wish
from digests.pick import Rules
from digests.ports import Source, Store
from digests.store import open_store
from digests.store.copying import copy_store as copy_store

if TYPE_CHECKING:
    from digests.reviewers.fulltext import ArxivFullTexts
    from digests.reviewers.rounds import Desk as ReviewerDesk
    from digests.search.index import Index
    from digests.sources.arxiv import Arxiv
    from digests.sources.http import Client, Turns

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

PLATFORMS = ("console", "slack", "discord")
"""The platforms that digests can be posted to."""

OpenDesk = Callable[[], AbstractAsyncContextManager["ReviewerDesk"]]

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
    _opened: "list[Index]" = field(default_factory=list)

    def find(self, words: str, most: int) -> Sequence[ScoredPaper]:
        """The papers that an id, an address or words mean, best first."""
        from digests.search import find

        return find(words, papers=self.store.papers, index=self._index(), most=most)

    def _index(self) -> "Index":
        """Opened with the first search: while someone types there are several a second."""
        from digests.search.index import Index

        if not self._opened:
            self._opened.append(Index.open(self.search_directory))
        return self._opened[0]


def open_house(settings: Settings, console: Console, *, clock: Callable[[], datetime] | None = None) -> House:
    """The house over the store of the settings. Raises StoreError, and InputError for a domain that nobody knows."""
    for subscription in wanted(settings):
        check(subscription.wish)
    _check_lease(settings)
    store = open_store(settings.store.url)
    return House(settings, store, _desk(settings, store, console, clock or _now), _search_directory(settings))


def _check_lease(settings: Settings) -> None:
    """A lease that ends while an answer is still waited for would let another process post the same page, and one that ends
    before a lost page was looked for twice would be taken over for ever."""
    sending = settings.delivery
    least = sending.settle_seconds + 2 * sending.time_out_seconds
    if sending.lease_seconds <= least:
        raise InputError(
            f"delivery.lease_seconds is {sending.lease_seconds}: it must be over {least:g} (settle_seconds and twice "
            "time_out_seconds), or a page could be posted twice."
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
        merge_missed=sending.missed == "merge",
        settle=timedelta(seconds=sending.settle_seconds),
        paces=_paces(settings),
        at_once=sending.at_once,
        at_once_a_workspace=sending.at_once_a_workspace,
    )


def _paces(settings: Settings) -> dict[str, Pace]:
    slack, discord = settings.platforms.slack, settings.platforms.discord
    return {
        "slack": Pace(Limits(channel=slack.messages_a_second_a_channel, workspace=slack.messages_a_second)),
        "discord": Pace(Limits(channel=discord.messages_a_second_a_channel, bot=discord.messages_a_second)),
    }


def habits(settings: Settings) -> Habits:
    """What the settings say of every digest."""
    digest = settings.digest
    rules = Rules(
        max_age=timedelta(days=digest.max_age_days) if digest.max_age_days else None,
        pick_flagged=digest.pick_flagged,
        domain_share=digest.domain_share,
    )
    return Habits(
        rules,
        timedelta(days=digest.first_look_back_days),
        timedelta(days=digest.stale_after_days),
        Heartbeat(digest.heartbeat),
    )


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
    return Subscription(Channel(one.platform, one.channel, one.workspace), wish, schedule, owner=one.owner)


def check(wish: Wish) -> None:
    """Raises InputError for a domain that nobody knows."""
    for domain in wish.domains:
        resolve(domain)


ARXIV = "arxiv.org"
ARXIV_GAP = 3.0
"""Seconds that arXiv's terms of use ask for between two requests."""


DAILY_PAPERS = "https://huggingface.co/api/daily_papers"


def sources(house: House) -> list[Source]:
    """The sources of the settings. Raises InputError for a category that nobody knows."""
    return [_source(one, house) for one in house.settings.sources]


def _source(one: SourceSettings, house: House) -> Source:
    match one.kind:
        case "arxiv":
            return _arxiv(one, house)
        case "huggingface":
            return _huggingface(one, house)
        case "reviews":
            return _reviews(one, house)
        case "snapshot":
            from digests.sources.snapshot import Snapshot

            return Snapshot(Path(one.path), frozenset(_categories(one)), one.known_as)
        case never:
            assert_never(never)


def _categories(one: SourceSettings) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for domain in one.categories for name in resolve(domain)))


def _arxiv(one: SourceSettings, house: House) -> "Arxiv":
    from digests.sources.arxiv import Addresses, Arxiv

    addresses = Addresses(one.rss_url, one.oai_url, one.query_url)
    named = (addresses.rss, addresses.oai, addresses.query)
    turns = _arxiv_turns(house, named)
    return Arxiv(_categories(one), _client(house, *named), turns, addresses, one.known_as)


def _arxiv_turns(house: House, named: Collection[str]) -> "Turns":
    """One request at a time to all of arXiv, whatever asks. Raises InputError for a gap that arXiv does not grant."""
    from digests.sources.http import Turns

    fetching, desk = house.settings.fetching, house.desk
    if fetching.arxiv_gap_seconds < ARXIV_GAP and any(ARXIV in address for address in named):
        raise InputError(
            f"fetching.arxiv_gap_seconds is {fetching.arxiv_gap_seconds:g}: arXiv asks for {ARXIV_GAP:g} or more; "
            "less is for servers of your own."
        )
    # Each has its own name, so that one whose turn ran out never ends another's.
    owner = f"{desk.owner}:{secrets.token_hex(4)}"
    gap = timedelta(seconds=fetching.arxiv_gap_seconds)
    return Turns(house.store.sources, ARXIV, owner, gap, desk.clock)


def _client(house: House, *trusted: str) -> Callable[[], AbstractAsyncContextManager["Client"]]:
    """Opens a client that may ask at these addresses of the settings, wherever they lie."""
    from digests.sources.http import open_client

    fetching = house.settings.fetching
    return partial(open_client, fetching.contact, house.desk.clock, trusted=trusted, proxy=fetching.proxy)


def _huggingface(one: SourceSettings, house: House) -> Source:
    from digests.sources.huggingface import HuggingFace

    url = one.url or DAILY_PAPERS
    return HuggingFace(_client(house, url), url, timedelta(minutes=one.interval_minutes), one.known_as)


def _reviews(one: SourceSettings, house: House) -> Source:
    from digests.sources.watched import WatchedAddress, WatchedFiles

    interval = timedelta(minutes=one.interval_minutes)
    if one.path:
        return WatchedFiles(Path(one.path), interval, one.known_as)
    return WatchedAddress(_client(house, one.url), one.url, interval, one.known_as)


def arxiv_papers(house: House) -> LookUp | None:
    """Looks single papers up at arXiv; None where the settings have no such source."""
    settings = _arxiv_settings(house)
    return _arxiv(settings, house).papers if settings else None


def _arxiv_settings(house: House) -> SourceSettings | None:
    return next((one for one in house.settings.sources if one.kind == "arxiv"), None)


AT_ONCE_SECONDS = 6.0
"""A person who asked for an unknown paper waits so long; then it is fetched with what the sources bring."""


def fetch_at_once(house: House) -> Callable[[str], Paper | None] | None:
    """Gets one paper from arXiv for a person who waits; None where the settings have no such source."""
    settings = _arxiv_settings(house)
    if not settings:
        return None

    async def asked(paper: str) -> Paper | None:
        from digests.sources.http import Limits

        limits = Limits(seconds=AT_ONCE_SECONDS, tries=1)
        try:
            async with asyncio.timeout(AT_ONCE_SECONDS):
                return (await _arxiv(settings, house).papers([paper], limits)).get(paper)
        except TimeoutError:
            raise SourceError(f"arXiv did not answer within {AT_ONCE_SECONDS:g} seconds.") from None

    # Whoever answers people is in a worker thread, which has no event loop of its own.
    return lambda paper: asyncio.run(asked(paper))


def reviewer(house: House, environment: Mapping[str, str]) -> OpenDesk | None:
    """Opens the desk of our own reviewer; None where the settings name no server. Raises InputError."""
    settings = house.settings.reviewer
    if not settings.base_url:
        return None
    if missing := [name for name in ("openai", "pypdf") if not find_spec(name)]:
        raise InputError(
            f"[reviewer] names a server, but {' and '.join(missing)} must be installed for it: install paperround with "
            "its reviewer extra."
        )
    return partial(_reviewer_desk, house, reviewer_key(environment))


@asynccontextmanager
async def _reviewer_desk(house: House, key: str) -> AsyncIterator["ReviewerDesk"]:
    from digests.reviewers.openai import Address, Mode, connect
    from digests.reviewers.review import Questions
    from digests.reviewers.rounds import Budget
    from digests.reviewers.rounds import Desk as ReviewerDesk

    settings = house.settings.reviewer
    mode, time_out = Mode(settings.mode), settings.time_out_seconds
    address = Address(
        settings.base_url, settings.model, key, mode, time_out, settings.at_once, dict(settings.extra)
    )
    questions = Questions(
        settings.weights.model_dump(), settings.score_answer, settings.review_answer, settings.text_characters
    )
    budget = Budget(
        settings.tokens_a_day or None, settings.money_a_day or None, settings.price_in, settings.price_out
    )
    async with connect(address) as server:
        yield ReviewerDesk(
            house.store,
            server,
            house.desk.clock,
            full_texts=_full_texts(house) if settings.full_text else None,
            questions=questions,
            budget=budget,
            full_reviews=settings.full_reviews_a_day,
            look_back=timedelta(days=settings.look_back_days),
            hold_suspects=settings.hold_suspects,
            compare_best=settings.rerank_best if settings.rerank else 0,
            awaits_news=any(one.kind == "arxiv" for one in house.settings.sources),
        )


def _full_texts(house: House) -> "ArxivFullTexts":
    from digests.reviewers.fulltext import ArxivFullTexts

    url = house.settings.reviewer.full_text_url
    return ArxivFullTexts(_client(house, url), _arxiv_turns(house, (url,)), url)


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


def apps(settings: Settings, environment: Mapping[str, str], clock: Callable[[], datetime]) -> list[App]:
    """The platforms whose secrets are set. Raises SettingsError and InputError for secrets that cannot be meant so."""
    return [*_slack(settings, environment, clock), *_discord(settings, environment, clock)]


def _slack(settings: Settings, environment: Mapping[str, str], clock: Callable[[], datetime]) -> list[App]:
    secrets_of_slack = slack_secrets(environment)
    if not secrets_of_slack.bot_token:
        return []
    try:
        from bot.platforms.slack.app import SlackApp, transport_of
    except ImportError as error:
        raise _not_installed("SLACK_BOT_TOKEN", error, "slack") from error
    transport_of(settings.platforms.slack, secrets_of_slack)
    return [SlackApp(settings.platforms.slack, secrets_of_slack, settings.delivery.time_out_seconds, clock)]


def _discord(settings: Settings, environment: Mapping[str, str], clock: Callable[[], datetime]) -> list[App]:
    token = discord_token(environment)
    if not token:
        return []
    try:
        from bot.platforms.discord.app import DiscordApp
    except ImportError as error:
        raise _not_installed("DISCORD_TOKEN", error, "discord") from error
    return [DiscordApp(settings.platforms.discord, token, settings.delivery.time_out_seconds, clock)]


def _not_installed(variable: str, error: ImportError, extra: str) -> InputError:
    return InputError(
        f"{variable} is set, but {error.name} is not installed: install paperround with its {extra} extra."
    )


async def discord_invitation(settings: Settings, environment: Mapping[str, str]) -> str:
    """The link that brings the Discord app into a server. Raises InputError."""
    token = discord_token(environment)
    if not token:
        raise InputError(
            "The environment has no DISCORD_TOKEN: set it to the bot's token (README, Discord in five steps)."
        )
    try:
        from bot.platforms.discord.app import invite
    except ImportError as error:
        raise _not_installed("DISCORD_TOKEN", error, "discord") from error
    return await invite(settings.platforms.discord, token, settings.delivery.time_out_seconds)


def answers(house: House, platform: str) -> Answers:
    """What answers people on a platform."""
    discussion, on = house.settings.discussion, house.settings.platforms
    base = Answers(
        house.store,
        house.find,
        house.desk.habits,
        house.desk.clock,
        one_queue=discussion.queue == "everyone",
        keep_marks=timedelta(days=discussion.keep_days),
        fetch=fetch_at_once(house),
    )
    if platform == "discord":
        role = " or who have the role for it" if on.discord.manager_role else ""
        anyone = on.discord.who_may_change == "anyone"
        return replace(base, anyone_may_change=anyone, admins=f"people who may manage this server{role}")
    return replace(
        base,
        paper_command=on.slack.paper_command,
        digest_command=on.slack.digest_command,
        anyone_may_change=on.slack.who_may_change == "anyone",
    )


def stored(store: Store, subscription: Subscription) -> Subscription:
    """The subscription with its number in the ledger, where it has one."""
    known = store.subscriptions.find(subscription.channel)
    return replace(subscription, id=known.id) if known else subscription


def require_platforms(subscriptions: Sequence[Subscription], open_platforms: Collection[str]) -> None:
    """Raises InputError when no channel can get a digest, and nobody could subscribe one."""
    interactive = [name for name in open_platforms if name != "console"]
    if not subscriptions and not interactive:
        raise InputError(
            "No channel gets a digest yet: put a [[subscriptions]] table into paperround.toml "
            "(config/example.toml shows one), or set SLACK_BOT_TOKEN or DISCORD_TOKEN and subscribe channels there."
        )
    missing = {one.channel.platform for one in subscriptions} - set(open_platforms)
    if "slack" in missing:
        raise InputError(
            "A channel of the settings is in Slack, but the environment has no SLACK_BOT_TOKEN: set it, with "
            "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET (README, Slack in five steps)."
        )
    if "discord" in missing:
        raise InputError(
            "A channel of the settings is in Discord, but the environment has no DISCORD_TOKEN: set it to the bot's "
            "token (README, Discord in five steps)."
        )
