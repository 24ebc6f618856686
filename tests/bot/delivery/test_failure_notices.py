"""Failure notices: the owner of a subscription gets one for an edition that was given up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat.message import Message
from bot.chat.port import Outcome, PostError
from bot.delivery.failure_notices import MAX_NOTICE_AGE
from digests.ports.outbox import DeliveryKind
from digests.subscription import Channel
from tests.bot.delivery.contexts import a_world, fail_at
from tests.builders import TODAY, a_subscription
from tests.fakes.platform import MemoryPlatform


def test_the_owner_of_a_channel_that_is_gone_gets_one_failure_notice() -> None:
    world = a_world()
    world.subscribe(replace(a_subscription(), owner_id="UADA"), a_subscription("well"))
    gone = MemoryPlatform(
        world.posted_pages, before_post=fail_at(1, PostError("The channel was archived.", Outcome.GONE))
    )
    world.tick(gone, concurrency=1)
    world.send_failure_notices(gone)
    ((person, message),) = gone.direct_messages
    assert (person, message.summary) == (
        "UADA",
        "The digest of Tuesday 24 November could not be posted: The channel was archived.",
    )
    assert [bool(subscription.stop_reason) for subscription in world.store.subscriptions.list_active()] == [
        True,
        False,
    ]
    world.now += timedelta(days=1)
    world.tick(gone)
    world.send_failure_notices(gone)
    assert len(gone.direct_messages) == 1


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        (DeliveryKind.DIGEST, "The digest of Tuesday 24 November could not be posted"),
        (DeliveryKind.RECAP, "The recap of Tuesday 24 November could not be posted"),
        (DeliveryKind.POLL, "The poll of Tuesday 24 November could not be posted"),
        (DeliveryKind.AGENDA, "The agenda of Tuesday 24 November could not be posted"),
        (DeliveryKind.REMINDER, "The reminder of Tuesday 24 November could not be posted"),
    ],
)
def test_a_failure_notice_names_the_kind_of_its_delivery(kind: DeliveryKind, title: str) -> None:
    world = a_world()
    world.subscribe(replace(a_subscription(), owner_id="UADA"))
    (subscription,) = world.store.subscriptions.list_active()
    claim = world.store.outbox.claim(
        subscription, TODAY, owner="r", now=world.now, lease=timedelta(minutes=5), kind=kind
    )
    assert claim
    world.store.outbox.abandon(claim, "Slack is out.", now=world.now)
    platform = MemoryPlatform(world.posted_pages)
    world.send_failure_notices(platform)
    ((_, message),) = platform.direct_messages
    assert message.summary.startswith(title)


def test_a_failure_notice_is_retried_until_the_platform_takes_it() -> None:
    world = a_world()
    world.subscribe(replace(a_subscription(), owner_id="UADA"))
    refused = PostError("Slack refused it.", Outcome.REFUSED)
    world.tick(MemoryPlatform(world.posted_pages, before_post=fail_at(1, refused)))

    class Deaf(MemoryPlatform):
        async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
            raise KeyError("what nobody foresaw")

    world.send_failure_notices(Deaf(world.posted_pages))
    back = MemoryPlatform(world.posted_pages)
    world.now += timedelta(hours=1)
    world.send_failure_notices(back)
    world.now += timedelta(hours=1)
    world.send_failure_notices(back)
    assert [person for person, _ in back.direct_messages] == ["UADA"]


def test_a_failure_notice_that_may_have_arrived_is_not_sent_again_for_a_day() -> None:
    world = a_world()
    world.subscribe(replace(a_subscription(), owner_id="UADA"))
    refused = PostError("Slack refused it.", Outcome.REFUSED)
    world.tick(MemoryPlatform(world.posted_pages, before_post=fail_at(1, refused)))

    class Lossy(MemoryPlatform):
        async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
            self.direct_messages.append((person, message))
            raise PostError("dropped", Outcome.UNKNOWN)

    lossy = Lossy(world.posted_pages)
    for hours, sent_count in ((0, 1), (1, 1), (24, 2)):
        world.now += timedelta(hours=hours)
        world.send_failure_notices(lossy)
        assert len(lossy.direct_messages) == sent_count


def test_failure_notices_beyond_one_batch_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.failure_notices.CONCURRENCY", 1)
    world = a_world()
    world.subscribe(*(replace(a_subscription(name), owner_id=f"U{name}") for name in "ab"))

    def refuse() -> None:
        raise PostError("Slack refused it.", Outcome.REFUSED)

    platform = MemoryPlatform(world.posted_pages, before_post=refuse)
    world.tick(platform)
    world.send_failure_notices(platform)
    assert sorted(person for person, _ in platform.direct_messages) == ["Ua", "Ub"]


def test_a_failure_notice_of_an_old_edition_is_not_retried() -> None:
    world = a_world()
    world.subscribe(replace(a_subscription(), owner_id="UADA"))
    refused = PostError("Slack refused it.", Outcome.REFUSED)
    world.tick(MemoryPlatform(world.posted_pages, before_post=fail_at(1, refused)))

    class Away(MemoryPlatform):
        async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
            raise PostError("Slack is out.", Outcome.NOT_POSTED)

    back = MemoryPlatform(world.posted_pages)
    world.now += MAX_NOTICE_AGE + timedelta(days=1)
    for platform in (Away(world.posted_pages), back):
        world.send_failure_notices(platform)
        world.now += timedelta(hours=1)
    assert back.direct_messages == []
