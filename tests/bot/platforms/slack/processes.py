"""A real `paperround run` beside a fake Slack, with nothing but settings: one for a story, or one for many."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from digests.ports import Store
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.platforms import processes
from tests.bot.platforms.processes import BotProcess, prepare_store
from tests.fakes.slack import WAIT_SECONDS, FakeSlack

__all__ = [
    "BotProcess",
    "SlackScenarioRunner",
    "open_scenario_runner",
    "add_overdue_channel",
    "create_patient_slack",
    "prepare_store",
    "run_bot",
]


def add_overdue_channel(
    store: Store, channel: str, style: DigestStyle = DigestStyle.CARDS, top: int = 3
) -> Subscription:
    """A Slack channel whose digest is due now."""
    return processes.add_overdue_subscription(store, Channel("slack", channel, "T1"), style, top)


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
) -> AsyncIterator[BotProcess]:
    """`paperround run` until the end of the block, where it is stopped by SIGTERM and must end well.

    At `url` is a store that is prepared already; without it there is one in the folder. `variables` are more of the
    environment, beside the secrets.
    """

    async def wait_for_socket(ended: asyncio.Task[int]) -> None:
        await slack.wait_until(lambda: slack.sockets or ended.done(), wake_task=ended)

    if secrets is None:
        secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    table = f'[platforms.slack]\napi_base_url = "{slack.url}"\n{settings}'
    async with processes.run_bot(
        folder,
        settings=table,
        secrets={**(variables or {}), **secrets},
        wait_for_connection=wait_for_socket if must_connect else None,
        timeout=timeout,
        url=url,
    ) as bot:
        yield bot


SlackScenario = Callable[[FakeSlack, BotProcess, str, str], Awaitable[None]]
"""What happens, given the workspace, the bot in it, Ada's id and her channel's."""


@dataclass(frozen=True, slots=True)
class SlackScenarioRunner:
    """A workspace with a bot, open for many stories: each has an Ada and a channel of its own.

    `digests` are channels whose digest was due when the bot started; a story takes one.
    """

    slack: FakeSlack
    bot: BotProcess
    digest_channels: Mapping[DigestStyle, list[str]]
    loop: asyncio.AbstractEventLoop
    closing: asyncio.Event

    def run_scenario(self, scenario: SlackScenario, style: DigestStyle | None = None) -> None:
        """Run a story, in a channel that has or gets a digest in this style, or in one without."""
        asyncio.run_coroutine_threadsafe(self._run_in_channel(scenario, style), self.loop).result()

    async def _run_in_channel(self, scenario: SlackScenario, style: DigestStyle | None) -> None:
        assert style is None or self.digest_channels[style], (
            f"no channel with a digest in style {style} is left"
        )
        channel = self.digest_channels[style].pop() if style else self.slack.add_channel("papers")
        try:
            await scenario(self.slack, self.bot, self.slack.add_user("ada"), channel)
            assert self.slack.protocol_errors == []
        except BaseException:
            print("\n".join(self.bot.log[-40:]))
            raise
        finally:
            self.slack.protocol_errors.clear()


@contextmanager
def open_scenario_runner(
    folder: Path,
    *,
    settings: str = "",
    digest_counts: Mapping[DigestStyle, int] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[SlackScenarioRunner]:
    """An office until the end of the block. It lives in a thread of its own, so that Slack is there between stories."""
    opened: Future[SlackScenarioRunner] = Future()
    with ThreadPoolExecutor(1) as thread:
        closed = thread.submit(
            asyncio.run, _serve_scenarios(folder, settings, digest_counts or {}, variables or {}, opened)
        )
        closed.add_done_callback(
            lambda _: None if opened.done() else opened.set_exception(closed.exception())
        )
        runner = opened.result()
        try:
            yield runner
        finally:
            runner.loop.call_soon_threadsafe(runner.closing.set)
            closed.result()


async def _serve_scenarios(
    folder: Path,
    settings: str,
    digest_counts: Mapping[DigestStyle, int],
    variables: Mapping[str, str],
    opened: "Future[SlackScenarioRunner]",
) -> None:
    async with create_patient_slack() as slack:
        channels = {
            style: [slack.add_channel(style) for _ in range(count)] for style, count in digest_counts.items()
        }
        for style, some in channels.items():
            for channel in some:
                add_overdue_channel(prepare_store(folder), channel, style)
        async with run_bot(slack, folder, settings=settings, variables=variables) as bot:
            runner = SlackScenarioRunner(slack, bot, channels, asyncio.get_running_loop(), asyncio.Event())
            opened.set_result(runner)
            await runner.closing.wait()


def create_patient_slack() -> FakeSlack:
    """A Slack that waits as long for an acknowledgement as a busy machine needs."""
    return FakeSlack(retry_delays=(0.1, 0.2), ack_seconds=WAIT_SECONDS, trigger_seconds=WAIT_SECONDS)
