"""`paperround run` beside a fake Slack."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from digests.ports import Store
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.platforms import processes
from tests.bot.platforms.processes import (
    DECIDER,
    BotProcess,
    ScenarioRunner,
    prepare_store,
    render_deciders,
)
from tests.fakes.slack import FakeSlack
from tests.fakes.wire import WAIT_SECONDS

__all__ = [
    "BotProcess",
    "SlackScenarioRunner",
    "add_overdue_channel",
    "create_patient_slack",
    "prepare_store",
    "render_settings",
    "run_bot",
    "serve_scenarios",
]

SlackScenarioRunner = ScenarioRunner[FakeSlack]


def create_patient_slack(clock: Callable[[], float] = time.time) -> FakeSlack:
    """Create a Slack that waits for an acknowledgement as long as a busy machine needs."""
    return FakeSlack(
        clock=clock, retry_delays=(0.1, 0.2), ack_seconds=WAIT_SECONDS, trigger_seconds=WAIT_SECONDS
    )


def add_overdue_channel(
    store: Store, channel: str, style: DigestStyle = DigestStyle.CARDS, top: int = 3
) -> Subscription:
    """Subscribe a Slack channel so that its digest is due now."""
    return processes.add_overdue_subscription(store, Channel("slack", channel, "T1"), style, top)


def render_settings(slack: FakeSlack, settings: str = "") -> str:
    """Return the settings that point the bot at the fake."""
    return f'[platforms.slack]\napi_base_url = "{slack.url}"\n{settings}'


@asynccontextmanager
async def run_bot(
    slack: FakeSlack,
    folder: Path,
    *,
    settings: str = "",
    secrets: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    must_connect: bool = True,
    timeout: float = 30,
    url: str = "",
    waits: Sequence[str] | None = (),
) -> AsyncIterator[BotProcess]:
    """Run `paperround run` until the end of the block; `variables` are added to its environment."""

    async def wait_for_socket(ended: asyncio.Task[int]) -> None:
        await slack.wait_until(lambda: slack.sockets or ended.done(), wake_task=ended)

    if secrets is None:
        secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    async with processes.run_bot(
        folder,
        settings=render_settings(slack, settings),
        secrets={**(variables or {}), **secrets},
        wait_for_connection=wait_for_socket if must_connect else None,
        timeout=timeout,
        url=url,
        waits=waits,
    ) as bot:
        yield bot


@asynccontextmanager
async def serve_scenarios(
    folder: Path,
    *,
    settings: str = "",
    digest_counts: Mapping[str, int] | None = None,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[SlackScenarioRunner]:
    """Serve a workspace with a bot; `digest_counts` are the numbers of due channels by style."""
    async with create_patient_slack() as slack:
        channels = {
            style: [slack.add_channel(style) for _ in range(count)]
            for style, count in (digest_counts or {}).items()
        }
        for style, channel in ((style, one) for style, added in channels.items() for one in added):
            add_overdue_channel(prepare_store(folder), channel, DigestStyle(style))
        settings += render_deciders(f"slack:T1:{slack.add_user(DECIDER)}")
        async with run_bot(slack, folder, settings=settings, variables=variables) as bot:
            loop = asyncio.get_running_loop()
            yield ScenarioRunner(slack, bot, channels, _add_place, loop, asyncio.Event())


async def _add_place(slack: FakeSlack, channel: str) -> tuple[str, str]:
    return slack.add_user("ada"), channel or slack.add_channel("papers")
