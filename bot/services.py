"""The composition root: builds the objects of the application from the settings."""

import glob
import os
import secrets
import socket
import zoneinfo
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from rich.console import Console

from bot.delivery.context import DeliveryContext, DeliveryPolicy, QueuePolicy, UnknownPolicy
from bot.delivery.operator_notices import OperatorNotices
from bot.delivery.rate_limit import RateLimiter
from bot.platforms.registry import find_platforms
from bot.storage import run_ingest
from config.secrets import read_reviewer_key
from config.settings import ReviewerSettings, Settings, SourceSettings, SubscriptionSettings
from digests.build import DigestPolicy
from digests.domains import resolve_domain
from digests.errors import InputError
from digests.languages import find_language
from digests.model import Heartbeat, Likeness, Paper, Post
from digests.panel import PanelPolicy
from digests.pick import PickPolicy
from digests.ports import Store
from digests.private_files import find_exposed
from digests.store import open_store
from digests.subscription import (
    Channel,
    DigestStyle,
    MatchMode,
    Preferences,
    Schedule,
    Subscription,
    UnscoredPapers,
    normalize_name,
)

if TYPE_CHECKING:
    from bot.conversation.answers import Answers
    from bot.conversation.paper_fetch_queue import PaperFetchQueue
    from bot.delivery.alerts import AlertPolicy
    from bot.ingest.fetching import PaperLookup
    from bot.ingest.reviewing import OpenReviewContext
    from bot.platforms.app import ChatApp
    from digests.ports.budget import BudgetLimit
    from digests.ports.queue_groups import QueueGroup
    from digests.ports.search import SearchRequest, SearchResult
    from digests.ports.sources import Source
    from digests.reviewers.arxiv_full_text import ArxivFullTextFetcher
    from digests.reviewers.budget import DailyBudget
    from digests.reviewers.context import PanelSeat, ReviewContext
    from digests.search.glossary import Glossary
    from digests.search.index import SearchIndex
    from digests.search.likeness import IndexedLikeness
    from digests.sources.arxiv.source import ArxivSource
    from digests.sources.http.client import SourceClient
    from digests.sources.http.turns import ServerTurns
    from digests.store.backup import RestoredStore

HISTORY_LAG = timedelta(seconds=2)
"""Wait before a channel that does not show a message is searched once more: platforms index with a delay."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# Use the tzdata package, which is a dependency: Debian's zones are a year old and wrong for some cities.
zoneinfo.reset_tzpath(to=())


@dataclass(frozen=True, slots=True)
class Services:
    """Objects built from the settings, for one process. `store.close` releases the store at the end.

    `search_directory` holds the search index, which is opened at the first search. `open_fetch_queue` holds
    the queue of `get_fetch_queue`, once it was asked for. `schedule_refreshes` are those of the open
    platforms: see `ConversationContext`.
    """

    settings: Settings
    store: Store
    delivery_context: DeliveryContext
    search_directory: Path
    open_fetch_queue: "list[PaperFetchQueue]" = field(default_factory=list)
    _open_index: "list[SearchIndex]" = field(default_factory=list)
    _glossary: "dict[None, Glossary]" = field(default_factory=dict)
    _likeness: "dict[None, IndexedLikeness]" = field(default_factory=dict)
    schedule_refreshes: "dict[str, Callable[[Post], None]]" = field(default_factory=dict)

    def find_papers(self, request: "SearchRequest") -> "SearchResult":
        """Find the papers that a person's text names or describes, best first.

        Raises SearchError, and StoreError. Blocks.
        """
        from digests.search import PaperSearch

        search = PaperSearch(self.store.library, self._get_index(), self._get_glossary())
        return search.find(request, self.delivery_context.clock().date())

    def _get_glossary(self) -> "Glossary":
        """Return our terms and those of the settings, read at the first search."""
        from digests.search.glossary import build_glossary

        if None not in self._glossary:
            self._glossary[None] = build_glossary(self.settings.search.glossary)
        return self._glossary[None]

    def find_likeness(self, marked: Sequence[str], after_seq: int) -> Mapping[str, Likeness]:
        """Return how much papers that changed after a sequence number are like marked ones.

        See `IndexedLikeness.find`, which is loaded for the first marked paper.
        """
        if not marked:
            return {}
        from digests.search.likeness import IndexedLikeness

        # `setdefault` is atomic: all threads share one, which searches once at a time.
        finder = self._likeness.setdefault(None, IndexedLikeness(self.store.library, self._get_index))
        return finder.find(marked, after_seq)

    def follow_index(self) -> float:
        """Let the index follow the store, and return the share that is indexed: see `SearchIndex.follow`.

        Raises SearchError and StoreError. Blocks.
        """
        return self._get_index().follow(self.store.library)

    def measure_index(self) -> float:
        """Return the share of the store that is indexed, 1 if the next look-up can index the rest at once.

        Raises SearchError and StoreError. Blocks.
        """
        return self._get_index().measure_progress(self.store.library)

    def build_index(self, on_progress: Callable[[int, int], None], *, anew: bool = False) -> int:
        """Index all changes of the store in this process, and return the number of papers indexed.

        `anew` deletes the index first. Returns 0 if there are none, or if another process is indexing.
        Raises SearchError, StoreError, and InputError if an index that another process writes is to be built
        anew.
        """
        return self._get_index().build(self.store.library, on_progress, anew=anew)

    def _get_index(self) -> "SearchIndex":
        """Return the index, opened at the first search: typing a query causes several searches a second.

        Raises SearchError if it cannot be opened.
        """
        from digests.search.index import SearchIndex

        if not self._open_index:
            self._open_index.append(SearchIndex.open(self.search_directory))
        return self._open_index[0]


def build_services(
    settings: Settings, console: Console, *, clock: Callable[[], datetime] | None = None
) -> Services:
    """Check the settings, open the store, and connect the services over it.

    Opening creates or migrates the store. `clock` returns the time in UTC; None stands for the system's
    clock. Raises InputError for an unknown domain, and StoreError.
    """
    for number, subscription in enumerate(list_configured_subscriptions(settings), 1):
        with _name_subscription(number):
            check_domains(subscription.preferences)
    store = open_store(
        settings.store.url,
        tombstones=_locate_tombstones(settings),
        panel_policy=_build_panel_policy(settings.reviewer),
    )
    context = _build_delivery_context(settings, store, console, clock or _utc_now)
    services = Services(settings, store, context, _locate_search_index(settings))
    return replace(services, delivery_context=replace(context, find_likeness=services.find_likeness))


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _build_delivery_context(
    settings: Settings, store: Store, console: Console, clock: Callable[[], datetime]
) -> DeliveryContext:
    policy = DeliveryPolicy(
        on_unknown=UnknownPolicy(settings.delivery.on_unknown),
        history_lag=HISTORY_LAG,
        merge_missed=settings.delivery.missed == "merge",
        review_wait=timedelta(
            minutes=settings.digest.review_wait_minutes if _list_panel_members(settings.reviewer) else 0
        ),
    )
    return DeliveryContext(
        store=store,
        platforms={
            name: spec.open_local(settings, console)
            for name, spec in find_platforms().items()
            if spec.open_local
        },
        digest_policy=_build_digest_policy(settings),
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        clock=clock,
        policy=policy,
        rate_limiters=_build_rate_limiters(),
        operator_notices=OperatorNotices(
            store.notes, policy.timeout, settings.operator.deciders, find_operator_channel(settings)
        ),
        queue_policy=QueuePolicy(
            has_workspace_queue=settings.discussion.queue == "workspace",
            groups=_list_queue_groups(settings),
            mark_retention=timedelta(days=settings.discussion.mark_max_age_days),
        ),
    )


def _build_rate_limiters() -> dict[str, RateLimiter]:
    return {
        name: RateLimiter(spec.load_rate_limits())
        for name, spec in find_platforms().items()
        if spec.load_rate_limits
    }


def _build_digest_policy(settings: Settings) -> DigestPolicy:
    digest = settings.digest
    pick_policy = PickPolicy(
        max_age=timedelta(days=digest.max_age_days) if digest.max_age_days else None,
        may_pick_flagged=digest.pick_flagged,
        max_domain_share=digest.domain_share,
        variety_distance=digest.variety_distance,
    )
    return DigestPolicy(
        pick_policy,
        stale_after=timedelta(days=digest.stale_after_days),
        heartbeat=Heartbeat(digest.heartbeat),
        has_sources=bool(settings.sources),
    )


def _locate_search_index(settings: Settings) -> Path:
    if settings.search.directory:
        return Path(settings.search.directory)
    _, _, file = settings.store.url.partition("sqlite:///")
    return Path(f"{file or 'paperround'}.search")


def _locate_tombstones(settings: Settings) -> Path | None:
    """Return the file of tombstones; None for the one beside an SQLite file."""
    if settings.privacy.tombstones:
        return Path(settings.privacy.tombstones)
    if settings.store.url.startswith("sqlite"):
        return None
    from digests.store.copying import DEFAULT_TOMBSTONES

    return DEFAULT_TOMBSTONES


def copy_store(
    source: str, target: str, *, now: datetime, progress: Callable[[int, int], None]
) -> Mapping[str, int]:
    """Copy every row of a store to an empty one: see `digests.store.copying`. Raises StoreError."""
    from digests.store import copying

    return copying.copy_store(source, target, now=now, progress=progress)


def back_up_store(settings: Settings, file: Path) -> int:
    """Write a copy of the store to a new file: see `digests.store.backup`. Raises StoreError."""
    from digests.store import backup

    return backup.back_up_store(settings.store.url, file)


def restore_store(settings: Settings, file: Path, *, now: datetime) -> "RestoredStore":
    """Replace the store by a backup, and erase in it what was forgotten since. Raises StoreError."""
    from digests.store import backup

    restored = backup.restore_store(settings.store.url, file, now=now)
    open_store(settings.store.url, tombstones=_locate_tombstones(settings)).close()
    return restored


def find_exposed_files(services: Services) -> list[Path]:
    """Return files of the store and the index that other accounts may open, in order.

    Files beside the store whose names begin with its own count too: they may be backups.
    """
    _, _, name = services.settings.store.url.partition("sqlite:///")
    store = Path(name)
    beside_store = store.parent.glob(f"{glob.escape(store.name)}*") if name else ()
    return sorted({*find_exposed(beside_store), *find_exposed(services.search_directory.glob("*"))})


def list_configured_subscriptions(settings: Settings) -> list[Subscription]:
    """Return each subscription of the settings, in their order. Nothing is stored.

    Raises InputError for a name of a digest with other signs than `normalize_name` takes, and for a language
    that there is not.
    """
    subscriptions = []
    for number, entry in enumerate(settings.subscriptions, 1):
        with _name_subscription(number):
            subscriptions.append(_to_subscription(entry))
    return subscriptions


@contextmanager
def _name_subscription(number: int) -> Iterator[None]:
    """Begin the sentence of an InputError in the block with the place in the settings."""
    try:
        yield
    except InputError as error:
        raise InputError(f"The settings, subscriptions, number {number}: {error}") from None


def _to_subscription(entry: SubscriptionSettings) -> Subscription:
    preferences = Preferences(
        entry.domains, entry.keywords, entry.muted, entry.top, entry.min_score, DigestStyle(entry.style),
        entry.authors, MatchMode(entry.match), UnscoredPapers(entry.unscored), entry.repeat,
        find_language(entry.language), entry.recap,
    )  # fmt: skip
    days = frozenset(DAYS.index(day) for day in entry.days)
    return Subscription(
        Channel(entry.platform, entry.channel, entry.workspace),
        preferences,
        Schedule(entry.at, days, entry.time_zone, entry.every_weeks),
        owner_id=entry.owner,
        name=normalize_name(entry.name),
    )


def check_domains(preferences: Preferences) -> None:
    """Raise InputError if one of the preferences' domains is unknown."""
    for domain in preferences.domains:
        resolve_domain(domain)


ARXIV_HOST = "arxiv.org"
ARXIV_GAP = timedelta(seconds=3)
"""Least time between two requests to arXiv, of all processes together: its terms of use ask for it."""


DAILY_PAPERS_URL = "https://huggingface.co/api/daily_papers"

FULL_TEXT_URL = "https://arxiv.org/"
"""Address of full texts, below html/ and pdf/."""


def build_sources(services: Services) -> "list[Source]":
    """Build the sources of the settings, in their order. Raises InputError for an unknown category."""
    return [build_source(entry, services) for entry in services.settings.sources]


def build_source(entry: SourceSettings, services: Services) -> "Source":
    """Build one source of the settings. Raises InputError for an unknown category."""
    match entry.kind:
        case "arxiv":
            return _build_arxiv(entry, services)
        case "huggingface":
            return _build_huggingface(entry, services)
        case "reviews":
            return _build_review_source(entry, services)
        case "snapshot":
            from digests.sources.snapshot import SnapshotSource

            return SnapshotSource(Path(entry.path), frozenset(_list_categories(entry)), entry.effective_name)
        case never:
            assert_never(never)


def _list_categories(entry: SourceSettings) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for domain in entry.categories for name in resolve_domain(domain)))


def _build_arxiv(entry: SourceSettings, services: Services) -> "ArxivSource":
    from digests.sources.arxiv.source import ArxivAddresses, ArxivSource

    addresses = ArxivAddresses(entry.rss_url, entry.oai_url, entry.query_url)
    urls = (addresses.rss, addresses.oai, addresses.query)
    turns = _build_arxiv_turns(services)
    return ArxivSource(
        _list_categories(entry), _make_client_opener(services, *urls), turns, addresses, entry.effective_name
    )


def _build_arxiv_turns(services: Services) -> "ServerTurns":
    """Build the turns on arXiv's servers: one request at a time, then a pause of `ARXIV_GAP`.

    They hold for all processes over the store. Each call makes a new owner there: call it once a client.
    """
    from digests.sources.http.turns import ServerTurns

    context = services.delivery_context
    # Each client has its own name: a client whose turn expired never ends the turn of another.
    owner = f"{context.owner}:{secrets.token_hex(4)}"
    return ServerTurns(
        services.store.sources, ARXIV_HOST, owner, ARXIV_GAP, context.clock, run_blocking=run_ingest
    )


def _make_client_opener(
    services: Services, *trusted_urls: str
) -> Callable[[], AbstractAsyncContextManager["SourceClient"]]:
    """Return a function that opens a client. The client may request these URLs even on private networks."""
    from digests.sources.http.client import open_client

    fetching = services.settings.fetching
    # No partial: its representation would show the addresses.
    return lambda: open_client(
        fetching.contact,
        services.delivery_context.clock,
        trusted_addresses=trusted_urls,
        proxy=fetching.proxy,
    )


IMPORT_ADVICE = "If the address is your own, import it with --allow-private."


def make_import_opener(
    services: Services, *, allow_private: bool
) -> Callable[[str], AbstractAsyncContextManager["SourceClient"]]:
    """Return a function that opens a client for an address that a person names.

    With `allow_private` the address itself may lie in a private network, but none that it redirects to.
    """
    from digests.sources.http.client import open_client

    fetching = services.settings.fetching

    def open_for_address(address: str) -> AbstractAsyncContextManager["SourceClient"]:
        return open_client(
            fetching.contact,
            services.delivery_context.clock,
            trusted_addresses=(address,) if allow_private else (),
            proxy=fetching.proxy,
            private_advice=IMPORT_ADVICE,
        )

    return open_for_address


def _build_huggingface(entry: SourceSettings, services: Services) -> "Source":
    from digests.sources.huggingface import HuggingFaceSource

    url = entry.url or DAILY_PAPERS_URL
    return HuggingFaceSource(
        _make_client_opener(services, url),
        url,
        timedelta(minutes=entry.interval_minutes),
        entry.effective_name,
    )


def _build_review_source(entry: SourceSettings, services: Services) -> "Source":
    from digests.sources.watched import WatchedAddress, WatchedFiles

    interval = timedelta(minutes=entry.interval_minutes)
    if entry.path:
        return WatchedFiles(Path(entry.path), interval, entry.effective_name)
    return WatchedAddress(_make_client_opener(services, entry.url), entry.url, interval, entry.effective_name)


def build_arxiv_lookup(services: Services) -> "PaperLookup | None":
    """Build a function that fetches papers from arXiv by their ids; None without an arXiv source.

    The function leaves unknown papers out, and raises SourceError. Raises InputError for an unknown category.
    """
    settings = _find_arxiv_settings(services)
    return _build_arxiv(settings, services).fetch_papers if settings else None


def _find_arxiv_settings(services: Services) -> SourceSettings | None:
    return next((entry for entry in services.settings.sources if entry.kind == "arxiv"), None)


LOOKUP_TIMEOUT_SECONDS = 6.0
"""Longest wait of a person who asks for an unknown paper. After it the paper is fetched in the background."""

LOOKUP_MAX_BYTES = 4 * 1024**2
"""Largest answer to a person's look-up: it is parsed on the event loop. Fifty papers take some 200 KB."""


def get_fetch_queue(services: Services) -> "PaperFetchQueue | None":
    """Return the process's queue of papers that people wait for; None without an arXiv source.

    Raises InputError for an unknown category.
    """
    if not services.open_fetch_queue and (settings := _find_arxiv_settings(services)):
        services.open_fetch_queue.append(_build_fetch_queue(settings, services))
    return services.open_fetch_queue[0] if services.open_fetch_queue else None


def _build_fetch_queue(settings: SourceSettings, services: Services) -> "PaperFetchQueue":
    from bot.conversation.paper_fetch_queue import PaperFetchQueue

    arxiv = _build_arxiv(settings, services)

    async def fetch_papers(ids: Sequence[str]) -> Mapping[str, Paper]:
        from digests.sources.http.client import RequestLimits

        limits = RequestLimits(max_bytes=LOOKUP_MAX_BYTES, timeout=LOOKUP_TIMEOUT_SECONDS, attempts=1)
        return await arxiv.fetch_papers(ids, limits)

    clock = services.delivery_context.clock
    return PaperFetchQueue(fetch_papers, services.store, clock, LOOKUP_TIMEOUT_SECONDS)


@dataclass(frozen=True, slots=True)
class _PanelMember:
    """A model that reviews, with its server. `key_number` is 0 for the server of `[reviewer]`."""

    model: str
    base_url: str = field(repr=False)
    weight: float = 1.0
    share: float = 1.0
    key_number: int = 0


def _list_panel_members(settings: ReviewerSettings) -> list[_PanelMember]:
    """Return the models that review, the one with the most weight first; empty without a server."""
    members = [
        _PanelMember(
            entry.model,
            entry.base_url or settings.base_url,
            entry.weight,
            entry.share,
            number if entry.base_url not in ("", settings.base_url) else 0,
        )
        for number, entry in enumerate(settings.panel, start=1)
    ]
    named = {(member.model, member.base_url) for member in members}
    if settings.model and (settings.model, settings.base_url) not in named:
        members.insert(0, _PanelMember(settings.model, settings.base_url))
    asked = (member for member in members if member.base_url and member.weight)
    return sorted(asked, key=lambda member: -member.weight)


def _build_panel_policy(settings: ReviewerSettings) -> PanelPolicy:
    models = dict.fromkeys(member.model for member in _list_panel_members(settings))
    return PanelPolicy(tuple(models), {entry.model: entry.weight for entry in settings.panel})


VOTE_TEMPERATURE = 0.7
"""Temperature of a model's further votes: at 0 they would all be the same."""


def build_reviewer(services: Services, environment: Mapping[str, str]) -> "OpenReviewContext | None":
    """Build a function that opens the reviewer; None if the settings name no server.

    Raises InputError if a package for it is not installed, and SettingsError for an invalid key.
    """
    members = _list_panel_members(services.settings.reviewer)
    if not members:
        return None
    if not find_spec("pypdf"):
        raise InputError(
            "[reviewer] names a server, but pypdf must be installed for it: "
            "install it with “pip install '.[reviewer]'”."
        )
    keys = {member.key_number: read_reviewer_key(environment, member.key_number) for member in members}
    return lambda: _open_review_context(services, keys)  # No partial: its representation would show the keys.


@asynccontextmanager
async def _open_review_context(services: Services, keys: Mapping[int, str]) -> AsyncIterator["ReviewContext"]:
    from digests.reviewers.context import ReviewContext
    from digests.reviewers.review import ReviewOptions

    settings = services.settings.reviewer
    questions = ReviewOptions(
        settings.weights.model_dump(), settings.score_answer, settings.review_answer, settings.text_characters
    )
    budget = _build_daily_budget(settings)
    async with AsyncExitStack() as open_servers:
        first, *further = [seat async for seat in _open_panel_seats(settings, keys, open_servers)]
        yield ReviewContext(
            services.store,
            first.server,
            services.delivery_context.clock,
            fetch_full_text=_build_full_texts(services) if settings.full_text else None,
            options=questions,
            budget=budget,
            full_reviews_per_day=settings.full_reviews_per_day,
            requested_share=settings.requested_share,
            hold_suspects=settings.hold_suspects,
            pairwise_limit=settings.rerank_count if settings.rerank else 0,
            has_daily_announcement=any(entry.kind == "arxiv" for entry in services.settings.sources),
            run_blocking=run_ingest,
            budget_share=first.budget_share,
            further_seats=tuple(further),
        )


async def _open_panel_seats(
    settings: ReviewerSettings, keys: Mapping[int, str], open_servers: AsyncExitStack
) -> AsyncIterator["PanelSeat"]:
    """Yield the seats of the panel in the order in which they are asked: every model, then further votes."""
    from digests.reviewers.context import PanelSeat
    from digests.reviewers.openai import ResponseFormat, ServerAddress, ServerSlots, open_model_server

    samples: Counter[str] = Counter()
    slots = {member.base_url: ServerSlots(settings.concurrency) for member in _list_panel_members(settings)}
    for vote in range(settings.votes):
        extra = {"temperature": VOTE_TEMPERATURE} if vote else {}
        for member in _list_panel_members(settings):
            address = ServerAddress(
                member.base_url,
                member.model,
                keys[member.key_number],
                ResponseFormat(settings.response_format),
                settings.timeout_seconds,
                settings.concurrency,
                {**extra, **settings.extra},
            )
            server = await open_servers.enter_async_context(
                open_model_server(address, slots[member.base_url])
            )
            yield PanelSeat(server, samples[member.model], member.share)
            samples[member.model] += 1


def _build_full_texts(services: Services) -> "ArxivFullTextFetcher":
    from digests.reviewers.arxiv_full_text import ArxivFullTextFetcher

    turns = _build_arxiv_turns(services)
    return ArxivFullTextFetcher(_make_client_opener(services, FULL_TEXT_URL), turns, FULL_TEXT_URL)


def build_alert_policy(services: Services) -> "AlertPolicy | None":
    """Build the rules of alerts; None if the settings name no channel of the operator."""
    from bot.delivery.alerts import AlertPolicy

    settings = services.settings
    channel = find_operator_channel(settings)
    if not channel:
        return None
    _, _, file = settings.store.url.partition("sqlite:///")
    backups = settings.operator.backup_folder
    return AlertPolicy(
        channel,
        frozenset(source.effective_name for source in settings.sources),
        has_reviewer=bool(_list_panel_members(settings.reviewer)),
        disk_folder=(Path(file) if file else services.search_directory).absolute().parent,
        backup_folder=Path(backups) if backups else None,
    )


def find_operator_channel(settings: Settings) -> Channel | None:
    """Return the channel that is told of failures, None if the settings name none."""
    if not settings.operator.channel:
        return None
    platform, workspace, channel = settings.operator.channel.split(":")
    return Channel(platform, channel, workspace)


def build_apps(services: Services, environment: Mapping[str, str]) -> "list[ChatApp]":
    """Build the apps of the platforms whose secrets are set. None is opened.

    Raises SettingsError for an invalid secret, and InputError if a platform's package is not installed.
    """
    apps = (build_app(services, environment, name) for name in find_platforms())
    return [app for app in apps if app]


def build_app(services: Services, environment: Mapping[str, str], platform: str) -> "ChatApp | None":
    """Build the app of a platform, None if its secrets are not set. It is not opened.

    Raises SettingsError for an invalid secret, and InputError if the platform's package is not installed.
    """
    build = find_platforms()[platform].build_app
    return build(services.settings, environment, services.delivery_context) if build else None


def _build_daily_budget(settings: ReviewerSettings) -> "DailyBudget":
    from digests.reviewers.budget import DailyBudget

    return DailyBudget(
        settings.tokens_per_day or None, settings.cost_per_day or None, settings.price_in, settings.price_out
    )


def find_budget_limit(settings: Settings) -> "BudgetLimit | None":
    """Return the limit of what the reviewer may spend a day, None without a reviewer."""
    has_reviewer = bool(_list_panel_members(settings.reviewer))
    return _build_daily_budget(settings.reviewer).to_limit() if has_reviewer else None


def can_review_again(settings: Settings) -> bool:
    """Return True if a reviewer is set up that gives a share of its full reviews to requested papers."""
    reviewer = settings.reviewer
    has_share = reviewer.full_reviews_per_day > 0 and reviewer.requested_share > 0
    return has_share and bool(_list_panel_members(reviewer))


def _list_queue_groups(settings: Settings) -> "tuple[QueueGroup, ...]":
    """Return the groups of the settings, whose members are written as platform:workspace[:channel]."""
    from digests.ports.marks import QueueScope
    from digests.ports.queue_groups import QueueGroup

    groups = []
    for entry in settings.discussion.groups:
        members = []
        for member in entry.members:
            platform, workspace, channel = (*member.split(":"), "")[:3]
            members.append(QueueScope(platform, workspace, channel))
        groups.append(QueueGroup(entry.name, tuple(members)))
    return tuple(groups)


def build_answers(services: Services, platform: str) -> "Answers":
    """Build the answers to people on a platform, with its command names and permissions."""
    from bot.conversation.answers import Answers

    discussion = services.settings.discussion
    base = Answers(
        services.store,
        services.find_papers,
        services.delivery_context.digest_policy,
        services.delivery_context.clock,
        has_workspace_queue=discussion.queue == "workspace",
        queue_groups=_list_queue_groups(services.settings),
        mark_retention=timedelta(days=discussion.mark_max_age_days),
        deciders=frozenset(services.settings.operator.deciders),
        can_review_again=can_review_again(services.settings),
        budget_limit=find_budget_limit(services.settings),
        fetch_queue=get_fetch_queue(services),
        find_likeness=services.delivery_context.find_likeness,
        schedule_refreshes=services.schedule_refreshes,
    )
    policy = find_platforms()[platform].build_command_policy(services.settings)
    return replace(
        base,
        paper_command=policy.paper_command,
        digest_command=policy.digest_command,
        anyone_may_change=policy.anyone_may_change,
        admins_label=policy.admins_label,
    )
