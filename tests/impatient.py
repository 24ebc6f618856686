"""`paperround` with other waits, for tests of whole processes.

`python -m tests.impatient --timeout 4 COMMAND ...` runs the command line with this timeout of requests to
platforms, in seconds; the other options change further waits. `--brisk` takes out the waits that only spare a
platform: those of rate limits, between marks and the edit that counts them, between connections, and until a
history shows a new post.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import bot.conversation.marks
import bot.delivery.worker
import bot.platforms.discord
import bot.platforms.slack
import bot.services
from bot.cli.main import main
from bot.delivery.context import DeliveryPolicy
from tests.chaos.clock import FileClock

BRISK_MESSAGES_PER_SECOND = 1000.0
BRISK_SECONDS = 0.05
"""Wait for further marks, before a new connection, and until a history shows a post."""
BRISK_READY_SECONDS = 0.2
"""Wait for a further server of Discord, which the fakes send together."""


def run_impatiently(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--timeout", type=float, default=30, help="of a request to a platform, in seconds")
    parser.add_argument("--arxiv-gap", type=float, default=3, help="seconds between two requests to arXiv")
    parser.add_argument("--lookup-timeout", type=float, default=6, help="of a look-up at arXiv, in seconds")
    parser.add_argument("--tick", type=float, default=60, help="seconds between two looks for due digests")
    parser.add_argument("--delay", type=float, default=1, help="seconds until a flood of reactions is read")
    parser.add_argument("--brisk", action=argparse.BooleanOptionalAction, help="spare no platform")
    parser.add_argument("--clock", type=Path, help="file of a `FileClock`, in place of the system's clock")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    waits = parser.parse_args(arguments)
    impatient_policy = partial(DeliveryPolicy, timeout=timedelta(seconds=waits.timeout))
    setattr(bot.services, "DeliveryPolicy", impatient_policy)  # noqa: B010 (a name that it only imports)
    bot.services.ARXIV_GAP = timedelta(seconds=waits.arxiv_gap)
    bot.services.LOOKUP_TIMEOUT_SECONDS = waits.lookup_timeout
    bot.conversation.marks.DELAY_SECONDS = waits.delay
    bot.delivery.worker.TICK_INTERVAL = timedelta(seconds=waits.tick)
    if waits.brisk:
        for owner, name, value in list_brisk_waits():
            setattr(owner, name, value)
    if waits.clock:
        setattr(bot.services, "_utc_now", FileClock(waits.clock))  # noqa: B010 (a name of its own)
    return main(waits.command)


def list_brisk_waits() -> list[tuple[Any, str, Any]]:
    """Return the shorter waits, each as an object, the name of its attribute, and the value."""
    import bot.platforms.slack.app
    import bot.platforms.slack.transport

    slack, discord = bot.platforms.slack, bot.platforms.discord
    return [
        *(
            (platform, name, BRISK_MESSAGES_PER_SECOND)
            for platform in (slack, discord)
            for name in vars(platform)
            if name.startswith("MESSAGES_PER_SECOND")
        ),
        (bot.services, "HISTORY_LAG", timedelta(seconds=BRISK_SECONDS)),
        (bot.conversation.marks, "DEBOUNCE_SECONDS", BRISK_SECONDS),
        (slack.app, "MIN_BACKOFF_SECONDS", BRISK_SECONDS),
        (slack.transport, "MIN_BACKOFF_SECONDS", BRISK_SECONDS),
        *_list_brisk_waits_of_discord(),
    ]


def _list_brisk_waits_of_discord() -> list[tuple[Any, str, Any]]:
    """Return those of discord.py too: up to two seconds after a loss, and five before a new session."""
    import discord

    from bot.platforms.discord import gateway

    async def identify_soon(client: discord.Client, shard: int | None, *, initial: bool = False) -> None:
        await asyncio.sleep(0 if initial else BRISK_SECONDS)

    start: Any = gateway.Gateway.__init__
    backoff: Any = discord.backoff.ExponentialBackoff
    return [
        (gateway, "MIN_BACKOFF_SECONDS", BRISK_SECONDS),
        (start, "__kwdefaults__", {**start.__kwdefaults__, "ready_seconds": BRISK_READY_SECONDS}),
        (gateway.Gateway, "before_identify_hook", identify_soon),
        (discord.client, "ExponentialBackoff", partial(backoff, BRISK_SECONDS)),
    ]


if __name__ == "__main__":
    sys.exit(run_impatiently(sys.argv[1:]))
