"""A world for delivery tests: a store, posted pages and a clock, which outlive the workers that use them."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from bot.chat.message import Message
from bot.chat.port import Outcome, Page, Platform, PostError
from bot.delivery.context import DeliveryContext, DeliveryPolicy
from bot.delivery.failure_notices import FailureNotifier
from bot.delivery.worker import deliver_due_editions
from digests.build import DigestPolicy
from digests.ports import Store
from digests.ports.outbox import Outbox
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription
from tests.fakes.platform import KilledError, MemoryPlatform, PostedPages

LEASE = timedelta(minutes=5)
CHANNEL = a_subscription().channel

_POLICY_NAMES = {field.name for field in fields(DeliveryPolicy)}


def a_context(
    store: Store,
    platforms: Mapping[str, Platform],
    *,
    owner: str = "p",
    clock: Callable[[], datetime] = lambda: NOW,
    digest_policy: DigestPolicy | None = None,
    **options: Any,
) -> DeliveryContext:
    """Build a context with these options, each a field of the delivery policy or of the context."""
    policy = DeliveryPolicy(**{name: value for name, value in options.items() if name in _POLICY_NAMES})
    others = {name: value for name, value in options.items() if name not in _POLICY_NAMES}
    return DeliveryContext(store, platforms, digest_policy or DigestPolicy(), owner, clock, policy, **others)


_worker_numbers = itertools.count(1)


@dataclass(slots=True)
class World:
    """A store, the posted pages and a clock, which outlive any worker."""

    store: Store = field(default_factory=a_store)
    posted_pages: PostedPages = field(default_factory=PostedPages)
    now: datetime = NOW

    def add_papers(self, *names: str) -> None:
        self.store.library.add([(a_paper(name), a_review()) for name in names], now=self.now)
        self.store.sources.record_import(now=self.now)

    def subscribe(self, *subscriptions: Subscription) -> None:
        """Make these the only subscriptions, due at `NOW`."""
        self.store.subscriptions.sync_from_settings(subscriptions, now=self.now - timedelta(minutes=1))

    def tick(self, platform: MemoryPlatform | None = None, **options: Any) -> None:
        """Run one tick of a new worker."""
        platform = platform or MemoryPlatform(self.posted_pages)
        owner = f"process {next(_worker_numbers)}"
        defaults = {"store": self.store, "jitter": lambda: 0.0, "sleep": _return_at_once, "lease": LEASE}
        context = a_context(
            platforms={"console": platform}, owner=owner, clock=lambda: self.now, **{**defaults, **options}
        )
        asyncio.run(deliver_due_editions(context))

    def send_failure_notices(self, platform: MemoryPlatform) -> None:
        notifier = FailureNotifier(
            self.store.failure_notices, {"console": platform}, lambda: self.now, timedelta(seconds=30)
        )
        asyncio.run(notifier.send_due_notices())

    def history(self) -> Any:
        """Return the deliveries to the only channel, newest first."""
        (subscription,) = self.store.subscriptions.list_active()
        return self.store.delivery_reports.history(subscription, 9)


async def _return_at_once(seconds: float) -> None:
    """Sleep of a worker whose waits a test does not look at."""


def a_world(papers: int = 3, **preferences: Any) -> World:
    """Build a world with one channel whose digest of this many papers is due."""
    world = World()
    world.add_papers(*(f"2401.0000{n}" for n in range(papers)))
    world.subscribe(a_subscription(**preferences))
    return world


def fail_at(call: int, error: BaseException) -> Callable[[], None]:
    """Return a fault that raises the error at its n-th call."""
    calls = itertools.count(1)

    def fault() -> None:
        if next(calls) == call:
            raise error

    return fault


def a_platform_that_loses(posted_pages: PostedPages, post: int, **options: Any) -> MemoryPlatform:
    """Build a platform that loses the answer of its n-th post, and by default cannot be searched after it."""
    posts = itertools.count(1)
    is_lost = False

    def lose_answer() -> None:
        nonlocal is_lost
        if next(posts) == post:
            is_lost = True
            raise PostError("dropped", Outcome.UNKNOWN)

    def refuse_search() -> None:
        if is_lost:
            raise PostError("The platform is out.", Outcome.NOT_POSTED)

    return MemoryPlatform(posted_pages, after_post=lose_answer, **{"before_find": refuse_search, **options})


class KilledOutbox:
    """An outbox whose worker is killed at its n-th call, before or after the effect of the call."""

    def __init__(self, outbox: Outbox, at: int, *, after: bool) -> None:
        self._outbox = outbox
        self._left = at
        self._after = after

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._outbox, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left < 0 or (self._left == 0 and not self._after):
                raise KilledError
            result = method(*arguments, **named)
            if self._left == 0:
                raise KilledError
            return result

        return call


@dataclass(slots=True)
class SlowPlatform(MemoryPlatform):
    """A platform with one workspace that does not answer until released; it counts concurrent posts."""

    slow_workspace: str = "slow"
    released: asyncio.Event = field(default_factory=asyncio.Event)
    in_flight: Counter[str] = field(default_factory=Counter)
    max_in_flight: Counter[str] = field(default_factory=Counter)
    rendered: int = 0

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        self.rendered += 1
        return MemoryPlatform.render(self, message, style)

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        for place in (channel.workspace, "all"):
            self.in_flight[place] += 1
            self.max_in_flight[place] = max(self.max_in_flight[place], self.in_flight[place])
        if channel.workspace == self.slow_workspace:
            await self.released.wait()
        else:
            await asyncio.sleep(0)
        for place in (channel.workspace, "all"):
            self.in_flight[place] -= 1
        return await MemoryPlatform.post(self, channel, page, key=key, thread=thread)


def a_store_with_channels(*workspaces: tuple[str, int], papers: int = 1) -> Store:
    """Build a store with this number of due channels in each workspace."""
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), a_review()) for n in range(papers)], now=NOW)
    channels = [
        Subscription(
            Channel("console", f"{name}{n}", name), Preferences(style=DigestStyle.COMPACT), Schedule()
        )
        for name, many in workspaces
        for n in range(many)
    ]
    store.subscriptions.sync_from_settings(channels, now=NOW - timedelta(minutes=1))
    return store


def a_delivery_context(store: Store, platform: MemoryPlatform, **settings: Any) -> DeliveryContext:
    return a_context(store, {"console": platform}, **settings)
