"""Numbers of marks on messages that are posted after their papers were marked."""

from datetime import timedelta

from bot.chat.port import Outcome, PostError
from bot.delivery.context import QueuePolicy
from digests.model import Mark, MarkSource
from digests.ports.marks import QueueScope
from digests.ports.outbox import DeliveryState
from digests.ports.queue_groups import QueueGroup
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.bot.delivery.contexts import World, a_world
from tests.builders import NOW
from tests.fakes.platform import MemoryPlatform

OWN = Channel("console", "papers", "T1")
PARTNER = Channel("slack", "C2", "T2")
GROUP = QueueGroup("both", (QueueScope("console", "T1"), QueueScope("slack", "T2")))


def mark(world: World, paper: str, channel: Channel, person: str) -> None:
    world.store.marks.set_mark(Mark(channel, "", paper, person, MarkSource.BUTTON, NOW), True)


def read_refreshes(platform: MemoryPlatform) -> list[dict[str, int]]:
    return [dict(update.mark_counts) for _, update in platform.refreshes]


def test_a_card_shows_the_marks_that_its_paper_had_before() -> None:
    world = a_world(papers=3, style=DigestStyle.CARDS)
    (subscription,) = world.store.subscriptions.list_active()
    for person in "AB":
        mark(world, "2401.00001", subscription.channel, person)
    platform = MemoryPlatform(world.posted_pages)
    world.tick(platform)
    assert read_refreshes(platform) == [{"2401.00001": 2}]


def test_a_digest_of_papers_that_nobody_marked_is_not_edited() -> None:
    world = a_world(papers=3)
    mark(world, "2401.00001", PARTNER, "C")
    platform = MemoryPlatform(world.posted_pages)
    world.tick(platform)
    assert read_refreshes(platform) == []


def test_marks_of_a_partner_count_where_the_queue_is_shared() -> None:
    world = a_world(papers=1)
    world.subscribe(Subscription(OWN, Preferences(style=DigestStyle.CARDS), Schedule()))
    for member in GROUP.members:
        world.store.queue_consents.agree(GROUP, member, by="Ada", by_id="x", now=NOW)
    mark(world, "2401.00000", PARTNER, "C")
    platform = MemoryPlatform(world.posted_pages)
    world.tick(platform, queue_policy=QueuePolicy(groups=(GROUP,)))
    assert read_refreshes(platform) == [{"2401.00000": 1}]


def test_a_number_that_cannot_be_shown_fails_no_digest() -> None:
    def refuse() -> None:
        raise PostError("The message was deleted.", Outcome.REFUSED)

    world = a_world(papers=1, style=DigestStyle.CARDS)
    (subscription,) = world.store.subscriptions.list_active()
    mark(world, "2401.00000", subscription.channel, "A")
    platform = MemoryPlatform(world.posted_pages, before_edit=refuse)
    world.tick(platform)
    assert [delivery.state for delivery in world.history()] == [DeliveryState.POSTED]
    count = len(world.posted_pages.pages)
    world.now += timedelta(minutes=10)
    world.tick(platform)
    assert len(world.posted_pages.pages) == count
