"""A digest without any score waits for the reviewer, for a while."""

import asyncio
from datetime import timedelta

from bot.delivery.deliver import deliver_edition
from digests.model import NOT_REVIEWED, REVIEWER, Trouble
from digests.ports.outbox import DeliveryState
from tests.bot.delivery.contexts import World, a_context
from tests.builders import TODAY, a_paper, a_review, a_subscription
from tests.fakes.platform import MemoryPlatform

WAIT = timedelta(minutes=25)


def an_unscored_day() -> World:
    """Build a world with a channel that is due, and one paper without a review."""
    world = World()
    world.store.library.add([(a_paper("2401.00001"), NOT_REVIEWED)], now=world.now)
    world.subscribe(a_subscription())
    world.tick(review_wait=WAIT)
    return world


def test_an_unscored_digest_waits_and_is_posted_with_the_scores() -> None:
    world = an_unscored_day()
    (delivery,) = world.history()
    assert (delivery.state, world.posted_pages.pages) == (DeliveryState.RETRYING, [])
    assert delivery.reason == "No paper has a score yet: it waits for the reviewer."
    world.store.library.add([(a_paper("2401.00001"), a_review(8.5))], now=world.now)
    world.now += timedelta(minutes=5)
    world.tick(review_wait=WAIT)
    assert world.history()[0].state is DeliveryState.POSTED
    assert "8.5" in str([page for _, _, page in world.posted_pages.pages])


def test_it_is_posted_without_scores_when_the_wait_is_over() -> None:
    world = an_unscored_day()
    for _ in range(5):
        assert world.posted_pages.pages == []
        world.now += timedelta(minutes=5)
        world.tick(review_wait=WAIT)
    assert world.history()[0].state is DeliveryState.POSTED


def test_it_does_not_wait_for_a_reviewer_in_trouble_and_without_one() -> None:
    world = World()
    world.store.health.report(REVIEWER, Trouble.REVIEWER_DOWN, now=world.now)
    world.store.library.add([(a_paper("2401.00001"), NOT_REVIEWED)], now=world.now)
    world.subscribe(a_subscription())
    world.tick(review_wait=WAIT)
    assert world.history()[0].state is DeliveryState.POSTED
    other = World()
    other.store.library.add([(a_paper("2401.00001"), NOT_REVIEWED)], now=other.now)
    other.subscribe(a_subscription())
    other.tick()
    assert other.history()[0].state is DeliveryState.POSTED


def test_a_person_who_asks_for_a_digest_now_does_not_wait() -> None:
    world = an_unscored_day()
    world.now += timedelta(minutes=5)
    context = a_context(
        world.store,
        {"console": MemoryPlatform(world.posted_pages)},
        clock=lambda: world.now,
        review_wait=WAIT,
    )
    (subscription,) = world.store.subscriptions.list_active()
    assert asyncio.run(deliver_edition(subscription, TODAY, context=context))
    assert world.history()[0].state is DeliveryState.POSTED
