"""A real `paperround run` beside a fake Slack, with nothing but settings: one for a story, or one for many."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from digests.model import Channel, Style, Subscription
from digests.ports import Store
from tests.bot.platforms import processes
from tests.bot.platforms.processes import Bot, prepared
from tests.fakes.slack import PATIENCE, FakeSlack

__all__ = ["Bot", "Office", "open_office", "overdue", "patient_slack", "prepared", "running"]


def overdue(store: Store, channel: str, style: Style = Style.CARDS, top: int = 3) -> Subscription:
    """A Slack channel whose digest is due now."""
    return processes.overdue(store, Channel("slack", channel, "T1"), style, top)


@asynccontextmanager
async def running(
    slack: FakeSlack,
    folder: Path,
    *,
    settings: str = "",
    secrets: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    connected: bool = True,
    time_out: float = 30,
    url: str = "",
) -> AsyncIterator[Bot]:
    """`paperround run` until the end of the block, where it is stopped by SIGTERM and must end well.

    At `url` is a store that is prepared already; without it there is one in the folder. `variables` are more of the
    environment, beside the secrets.
    """

    async def up(ended: asyncio.Task[int]) -> None:
        await slack.until(lambda: slack.sockets or ended.done(), wakes=ended)

    if secrets is None:
        secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    table = f'[platforms.slack]\napi_base_url = "{slack.url}"\n{settings}'
    async with processes.running(
        folder,
        settings=table,
        secrets={**(variables or {}), **secrets},
        connected=up if connected else None,
        time_out=time_out,
        url=url,
    ) as bot:
        yield bot


Story = Callable[[FakeSlack, Bot, str, str], Awaitable[None]]
"""What happens, given the workspace, the bot in it, Ada's id and her channel's."""


@dataclass(frozen=True, slots=True)
class Office:
    """A workspace with a bot, open for many stories: each has an Ada and a channel of its own.

    `digests` are channels whose digest was due when the bot started; a story takes one.
    """

    slack: FakeSlack
    bot: Bot
    digests: Mapping[Style, list[str]]
    loop: asyncio.AbstractEventLoop
    closing: asyncio.Event

    def tells(self, story: Story, style: Style | None = None) -> None:
        """Run a story, in a channel that has or gets a digest in this style, or in one without."""
        asyncio.run_coroutine_threadsafe(self._told(story, style), self.loop).result()

    async def _told(self, story: Story, style: Style | None) -> None:
        assert style is None or self.digests[style], f"no channel with a digest in style {style} is left"
        channel = self.digests[style].pop() if style else self.slack.add_channel("papers")
        try:
            await story(self.slack, self.bot, self.slack.add_user("ada"), channel)
            assert self.slack.protocol_errors == []
        except BaseException:
            print("\n".join(self.bot.log[-40:]))
            raise
        finally:
            self.slack.protocol_errors.clear()


@contextmanager
def open_office(
    folder: Path,
    *,
    settings: str = "",
    digests: Mapping[Style, int] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Office]:
    """An office until the end of the block. It lives in a thread of its own, so that Slack is there between stories."""
    opened: Future[Office] = Future()
    with ThreadPoolExecutor(1) as thread:
        closed = thread.submit(
            asyncio.run, _keep_open(folder, settings, digests or {}, variables or {}, opened)
        )
        closed.add_done_callback(
            lambda _: None if opened.done() else opened.set_exception(closed.exception())
        )
        office = opened.result()
        try:
            yield office
        finally:
            office.loop.call_soon_threadsafe(office.closing.set)
            closed.result()


async def _keep_open(
    folder: Path,
    settings: str,
    digests: Mapping[Style, int],
    variables: Mapping[str, str],
    opened: "Future[Office]",
) -> None:
    async with patient_slack() as slack:
        channels = {
            style: [slack.add_channel(style) for _ in range(count)] for style, count in digests.items()
        }
        for style, some in channels.items():
            for channel in some:
                overdue(prepared(folder), channel, style)
        async with running(slack, folder, settings=settings, variables=variables) as bot:
            office = Office(slack, bot, channels, asyncio.get_running_loop(), asyncio.Event())
            opened.set_result(office)
            await office.closing.wait()


def patient_slack() -> FakeSlack:
    """A Slack that waits as long for an acknowledgement as a busy machine needs."""
    return FakeSlack(retry_delays=(0.1, 0.2), ack_seconds=PATIENCE, trigger_seconds=PATIENCE)
