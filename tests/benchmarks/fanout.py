"""Ten thousand channels of five hundred workspaces, all due at the same minute.

A server of its own process enforces a bot's published limits (Discord's: 50 requests a second in all, one a second a channel),
with time running `FASTER` times as fast. Each run is a process of its own, so that its memory and CPU are its alone.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.clock import FanOut
from bot.deliver import Desk
from bot.pace import Limits, Pace
from bot.platforms import Page
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.session import open_session, web_client
from config.settings import Slack
from digests.build import Habits
from digests.model import Channel, Schedule, Style, Subscription, Wish
from digests.store import open_store
from tests.builders import a_paper, a_review

CHANNELS, FEW, WORKSPACES = 10_000, 1_000, 500
FASTER = 4
BOT, CHANNEL = 50 * FASTER, 1 * FASTER
"""Messages a second."""
BURST = 0.25
"""Seconds of its limit that the server lets come at once: a clock's and a network's jitter."""
BARE = 2_000
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)

Row = tuple[str, ...]


def rows() -> list[Row]:
    """One row a figure, as `tests.benchmarks` prints them."""
    with tempfile.TemporaryDirectory() as folder:
        few = _run(Path(folder) / "few", FEW)
        many = _run(Path(folder) / "many", CHANNELS)
    floor = CHANNELS / BOT
    what = f"{CHANNELS:,} channels due at once"
    return [
        (f"{what}: wall", f"{many['wall']:.1f} s", f"{floor:.1f} s", f"{many['wall'] / floor:.2f}", "<= 1.1"),
        (
            f"{what}: CPU a message, bare SDK call",
            f"{many['cpu'] * 1000:.2f} ms",
            f"{many['bare'] * 1000:.2f} ms",
            f"{many['cpu'] / many['bare']:.2f}",
            "<= 1.5",
        ),
        (
            f"{what}: peak memory, of {FEW:,}",
            f"{many['memory']:.0f} MB",
            f"{few['memory']:.0f} MB",
            f"{many['memory'] / few['memory']:.2f}",
            "<= 1.3",
        ),
        (f"{what}: the loop's worst lateness", f"{many['late'] * 1000:.0f} ms", "1,000 ms", f"{many['late']:.2f}", "<= 1"),
        (f"{what}: refused for being too fast", f"{many['refused']:.0f}", "0", "", "0"),
    ]  # fmt: skip


def _run(folder: Path, channels: int) -> dict[str, float]:
    folder.mkdir()
    _fill(folder, channels)  # Here, so that the run's memory is its own.
    command = [sys.executable, "-m", "tests.benchmarks.fanout"]
    with subprocess.Popen([*command, "serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        try:
            done = subprocess.run(
                [*command, "run", str(folder), str(channels), port],
                check=True,
                capture_output=True,
                text=True,
                env=os.environ,
            )
        finally:
            server.terminate()
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


# The run.


async def _measured(folder: Path, channels: int, port: str) -> dict[str, float]:
    store = open_store(_url(folder))
    async with open_session(30) as session:
        url = f"http://127.0.0.1:{port}/api/"
        client = web_client("xoxb-bench", settings=Slack(api_base_url=url), session=session)
        platform = SlackPlatform(client)
        bare = await _bare(platform, client)
        desk = Desk(
            store, {"slack": platform}, Habits(), "bench", lambda: datetime.now(UTC),
            paces={"slack": Pace(Limits(channel=CHANNEL, bot=BOT))},
        )  # fmt: skip
        lateness: list[float] = [0.0]
        watching = asyncio.create_task(_watch(lateness))
        fan_out = FanOut(replace(desk, clock=lambda: NOW))
        fan_out.close(when_idle=True)
        begun, used = time.perf_counter(), time.process_time()
        await fan_out.work()
        wall, cpu = time.perf_counter() - begun, time.process_time() - used
        watching.cancel()
        async with session.get(f"http://127.0.0.1:{port}/counts") as answer:
            counts = await answer.json()
    assert counts["posted"] == channels, counts
    assert counts["most_a_channel"] == 1, counts
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "wall": wall,
        "cpu": cpu / channels,
        "bare": bare,
        "memory": memory,
        "late": max(lateness),
        "refused": counts["refused"],
    }


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.db'}"


def _fill(folder: Path, channels: int) -> None:
    store = open_store(_url(folder))
    papers = [(a_paper(f"2401.{n:05}", abstract="words " * 150), a_review(n % 10)) for n in range(400)]
    store.papers.add(papers, now=NOW - timedelta(hours=2))
    store.papers.imported(now=NOW - timedelta(hours=2))
    wishes = [Wish(style=Style.COMPACT, top=top) for top in (3, 5, 7)]
    wanted = [
        Subscription(
            Channel("slack", f"C{n}", f"T{n % WORKSPACES}"), wishes[n % 3], Schedule(days=frozenset(range(7)))
        )
        for n in range(channels)
    ]
    store.subscriptions.keep(wanted, now=NOW - timedelta(minutes=1))
    store.close()


async def _bare(platform: SlackPlatform, client: Any) -> float:
    """CPU of a call of slack_sdk with a page like a digest's, as many at once as we have under way."""
    page = Page(
        {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2000}}] * 4}
    )
    at_once = asyncio.Semaphore(50)

    async def one() -> None:
        async with at_once:
            await client.chat_postMessage(channel="bare", **page.payload)

    await one()
    used = time.process_time()
    await asyncio.gather(*(one() for _ in range(BARE)))
    return (time.process_time() - used) / BARE


async def _watch(lateness: list[float]) -> None:
    """How late a timer of the loop fires at worst: by so much a tick could be late."""
    while True:
        due = time.perf_counter() + 0.05
        await asyncio.sleep(0.05)
        lateness[0] = max(lateness[0], time.perf_counter() - due)


# The server.


def _server() -> web.Application:
    sent: dict[str, list[float]] = defaultdict(list)
    counts = {"posted": 0, "refused": 0, "most_a_channel": 0}
    of_channel: dict[str, int] = defaultdict(int)

    def too_fast(place: str, rate: float, now: float) -> bool:
        """More than the limit within the last second, but for a little jitter."""
        recent = sent[place] = [at for at in sent[place] if now - at < 1.0]
        return len(recent) >= rate * (1 + BURST)

    async def post(request: web.Request) -> web.Response:
        channel = json.loads(await request.read())["channel"]
        if channel == "bare":
            return web.json_response({"ok": True, "ts": "1.0"})
        now = time.monotonic()
        if too_fast("bot", BOT, now) or too_fast(channel, CHANNEL, now):
            counts["refused"] += 1
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "1"}
            )
        sent["bot"].append(now)
        sent[channel].append(now)
        of_channel[channel] += 1
        counts["posted"] += 1
        counts["most_a_channel"] = max(counts["most_a_channel"], of_channel[channel])
        return web.json_response({"ok": True, "ts": f"{counts['posted']}.0", "channel": channel})

    async def tell(_: web.Request) -> web.Response:
        return web.json_response(counts)

    app = web.Application()
    app.router.add_post("/api/chat.postMessage", post)
    app.router.add_get("/counts", tell)
    return app


async def _serve() -> None:
    runner = web.AppRunner(_server(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            asyncio.run(_serve())
        case ["run", folder, channels, port]:
            print(json.dumps(asyncio.run(_measured(Path(folder), int(channels), port))))
        case _:
            for row in rows():
                print(" | ".join(row))
