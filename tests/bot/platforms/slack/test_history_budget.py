"""Lost answers in Slack, with either limit of its history: time until a digest is complete."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.delivery.context import DeliveryContext, DeliveryPolicy
from bot.delivery.rate_limit import RateLimiter
from bot.delivery.worker import deliver_due_editions
from bot.platforms.slack import SPEC
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.session import open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.build import DigestPolicy
from digests.subscription import Channel, DigestStyle
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription
from tests.fakes.slack import FakeSlack, SlackFault

LAG = timedelta(seconds=2)
TIER_3, DISTRIBUTED = 50, 1
"""History requests a minute: of an app of one's own, and of one that is distributed to others."""


@dataclass(slots=True)
class StepClock:
    """A clock that only sleeping advances, as deliveries one after another do."""

    seconds: float = NOW.timestamp()

    def read(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def deliver_with_faults(fault: SlackFault, history_per_minute: int, channels: int) -> list[float]:
    """Deliver to channels that lose the answer of their second page. Return the seconds each one took."""
    clock, store = StepClock(), a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), a_review()) for n in range(3)], now=NOW)
    async with (
        FakeSlack(clock=clock.read, history_per_minute=history_per_minute) as slack,
        open_session(30) as session,
    ):
        places = [Channel("slack", slack.add_channel(f"n{n}"), "T1") for n in range(channels)]
        digests = [
            replace(a_subscription(style=DigestStyle.CARDS, top=3), channel=channel) for channel in places
        ]
        store.subscriptions.sync_from_settings(digests, now=NOW - timedelta(minutes=1))
        assert SPEC.load_rate_limits
        settings = SlackSettings(api_base_url=slack.url)
        workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: datetime.now(UTC))
        context = DeliveryContext(
            store,
            {"slack": SlackPlatform(workspaces)},
            DigestPolicy(),
            "a",
            lambda: datetime.fromtimestamp(clock.seconds, UTC),
            DeliveryPolicy(history_lag=LAG, concurrency=1),
            {"slack": RateLimiter(SPEC.load_rate_limits(), clock.read, clock.sleep)},
            sleep=clock.sleep,
        )
        posts = {channel.channel: 0 for channel in places}

        def lose_second(method: str) -> SlackFault | None:
            if method != "chat.postMessage":
                return None
            channel = slack.calls[-1][1]["channel"]
            posts[channel] += 1
            return fault if posts[channel] == 2 else None

        slack.default_fault = lose_second
        await deliver_due_editions(context)
        assert not slack.protocol_errors
        assert [len(slack.messages_in(channel.channel)) for channel in places] == [4] * channels
        ends = [float(slack.messages_in(channel.channel)[-1]["ts"]) for channel in places]
        return [end - start for start, end in zip([NOW.timestamp(), *ends], ends, strict=False)]


@pytest.mark.parametrize(
    ("fault", "history_per_minute", "channels", "most"),
    [
        (SlackFault.DROP_AFTER, TIER_3, 8, 10),
        (SlackFault.DROP_BEFORE, TIER_3, 3, 90),
        (SlackFault.DROP_AFTER, DISTRIBUTED, 1, 10),
        (SlackFault.DROP_BEFORE, DISTRIBUTED, 1, 90),
        # A minute for the request, and the wait after which it is made without an early look.
        (SlackFault.DROP_AFTER, DISTRIBUTED, 3, 75),
    ],
)
def test_a_digest_with_a_lost_answer_is_complete_in_time(
    fault: SlackFault, history_per_minute: int, channels: int, most: float
) -> None:
    took = asyncio.run(deliver_with_faults(fault, history_per_minute, channels))
    assert max(took) <= most
