"""The render cache: channels with equal preferences and history share one rendered digest."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.delivery.deliver import deliver_claim
from bot.delivery.render_cache import RenderRequest
from bot.delivery.worker import deliver_due_editions
from digests.model import NOT_REVIEWED, Likeness, Mark, MarkSource
from digests.ports.delivery_reports import DeliveryReports
from digests.ports.outbox import Claim
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.delivery.contexts import SlowPlatform, a_delivery_context, a_store_with_channels
from tests.builders import NOW, TODAY, a_paper, a_review, a_subscription
from tests.fakes.platform import MemoryPlatform, PostedPages
from tests.outbox import a_page


def test_channels_with_equal_preferences_and_history_share_one_rendered_digest() -> None:
    platform = SlowPlatform(PostedPages())
    store = a_store_with_channels(("a", 40), papers=3)
    other = replace(a_subscription("other", top=1, style=DigestStyle.COMPACT))
    store.subscriptions.change(other.channel, other, by="Ada", now=NOW - timedelta(days=1))
    asyncio.run(deliver_due_editions(a_delivery_context(store, platform)))
    assert len(platform.posted_pages.pages) == 41
    assert platform.rendered == 2
    shown_papers = platform.posted_pages.pages[0][2].papers
    assert len(shown_papers) == 3
    assert {len(page.papers) for name, _, page in platform.posted_pages.pages if "other" in name} == {1}


def test_two_platforms_share_no_rendered_digest() -> None:
    store, platform, other_platform = (
        a_store_with_channels(("a", 2)),
        SlowPlatform(PostedPages()),
        SlowPlatform(PostedPages(), name="other"),
    )
    first, second = store.outbox.claim_due(owner="p", now=NOW, lease=timedelta(minutes=5), limit=2)
    context = a_delivery_context(store, platform)
    requests = [
        RenderRequest(first, platform, merge_missed=True),
        RenderRequest(second, other_platform, merge_missed=True),
    ]
    context.render_cache.get_digests(requests, store=store, policy=context.digest_policy, now=NOW)
    assert (platform.rendered, other_platform.rendered) == (1, 1)


def test_a_rendered_digest_is_shared_only_while_all_that_it_depends_on_is_equal() -> None:
    store, platform = a_store_with_channels(("a", 1)), SlowPlatform(PostedPages())
    (claim,) = store.outbox.claim_due(owner="p", now=NOW, lease=timedelta(minutes=5), limit=1)
    context = a_delivery_context(store, platform)

    def count_rendered(claim: Claim, now: datetime = NOW) -> int:
        before, request = platform.rendered, RenderRequest(claim, platform, merge_missed=True)
        context.render_cache.get_digests([request], store=store, policy=context.digest_policy, now=now)
        return platform.rendered - before

    assert [count_rendered(claim), count_rendered(claim)] == [1, 0]
    assert count_rendered(replace(claim, first_missed=TODAY - timedelta(days=1))) == 1
    late = replace(claim, late_until=NOW + timedelta(hours=1))
    assert [count_rendered(late), count_rendered(replace(late, pages=(a_page(0),)))] == [1, 1]
    assert count_rendered(claim, NOW + timedelta(minutes=1)) == 1
    store.library.add([(a_paper("2402.00001"), a_review())], now=NOW + timedelta(seconds=1))
    assert count_rendered(claim) == 1


def test_a_channel_with_marks_shares_no_digest_with_one_without() -> None:
    store, platform = a_store_with_channels(("a", 2), papers=0), MemoryPlatform(PostedPages())
    store.library.add([(a_paper("2402.00001"), NOT_REVIEWED)], now=NOW)
    first, second = store.outbox.claim_due(owner="p", now=NOW, lease=timedelta(minutes=5), limit=2)
    mark = Mark(first.subscription.channel, "1.0", "2402.01306", "ada", MarkSource.BUTTON, NOW)
    store.marks.set_mark(mark, True)
    asked = list[tuple[str, ...]]()

    def find_likeness(marked: Sequence[str], after_seq: int) -> Mapping[str, Likeness]:
        asked.append(tuple(marked))
        return {"2402.00001": Likeness("2402.01306", "KTO", 0.5)}

    context = a_delivery_context(store, platform)
    rendered = context.render_cache.get_digests(
        [RenderRequest(claim, platform, merge_missed=True) for claim in (first, second)],
        store=store,
        policy=context.digest_policy,
        now=NOW,
        find_likeness=find_likeness,
    )
    assert rendered[0] is not rendered[1]
    assert asked == [("2402.01306",)]


@dataclass
class InterruptedReports:
    """Reports that run a callback once, right after they read the shown papers."""

    reports: DeliveryReports
    happens: list[Callable[[], object]]

    def shown_papers(self, windows: Sequence[tuple[Subscription, int, int]]) -> Sequence[frozenset[str]]:
        shown = self.reports.shown_papers(windows)
        if self.happens:
            self.happens.pop()()
        return shown

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reports, name)


def test_a_concurrent_delivery_to_one_channel_does_not_empty_the_digest_of_another() -> None:
    platform, store = MemoryPlatform(PostedPages()), a_store_with_channels(("a", 2), papers=3)
    outbox, later = store.outbox, NOW + timedelta(minutes=10)
    claims = outbox.claim_due(owner="p", now=NOW, lease=timedelta(minutes=5), limit=2)

    def take_over() -> None:
        (other_claim, *_) = outbox.claim_due(owner="q", now=later, lease=timedelta(minutes=5), limit=1)
        asyncio.run(
            deliver_claim(
                other_claim,
                context=replace(a_delivery_context(store, platform, clock=lambda: later), owner="q"),
            )
        )

    context = a_delivery_context(
        replace(store, delivery_reports=InterruptedReports(store.delivery_reports, [take_over])), platform
    )
    requests = [RenderRequest(claim, platform, merge_missed=True) for claim in claims]
    rendered = context.render_cache.get_digests(
        requests, store=context.store, policy=context.digest_policy, now=NOW
    )
    assert len(platform.posted_pages.pages) == 1
    assert [len(digest.pages[0].papers) for digest in rendered] == [3, 3]


def test_a_channel_with_another_history_gets_its_own_digest() -> None:
    platform, now = SlowPlatform(PostedPages()), [NOW]
    store = a_store_with_channels(("a", 3), papers=3)
    (first, *_) = store.subscriptions.list_active()
    context = a_delivery_context(store, platform, clock=lambda: now[0])
    asyncio.run(deliver_due_editions(context))
    now[0] += timedelta(days=1)
    store.library.add([(a_paper("2401.00000", version=2), a_review(8.0))], now=now[0])
    newcomer = Subscription(Channel("console", "new", "a"), first.preferences, first.schedule)
    store.subscriptions.change(newcomer.channel, newcomer, by="Ada", now=NOW)
    asyncio.run(deliver_due_editions(context))
    assert platform.rendered == 3
    assert [len(page.papers) for name, _, page in platform.posted_pages.pages[3:] if "new" in name] == [3]
