"""Benchmark of delivery: thousands of channels, twenty in each workspace, all due at the same minute.

A server in its own process enforces the published limits: Discord's for a bot (50 requests a second in all,
one a second in a channel) with time running four times as fast, and Slack's (one a second in a channel, a
few a second in a workspace) in real time. Each replica is a process, so that memory and CPU can be
attributed.

The floor of CPU a message is a call of slack_sdk's own client over the same session, at full speed and at the
same pace: at 200 messages a second the loop wakes for each message, and a call costs more. Paperround's own
call costs less than half as much, because its body is encoded once for equal digests. Delivery adds the
store's threads. Of a message at full speed they are the larger half: the two transactions (pages, shown
papers, posts), the claims, the window of new papers, and the marks on the papers that were posted. All are
batched: a batch has up to a quarter of the deliveries in progress, and a poll for claims waits for as many.
Durability is cheap: two commits by the bare driver, measured beside it, are a tenth of a call.

Under Slack's limits the CPU is the bottleneck, so that the floor of the wall time is out of reach. Replicas
help as far as there are processors: the server, PostgreSQL and the replicas share the machine's.
"""

import asyncio
import gc
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.port import Page
from bot.cli.main import GC_THRESHOLD
from bot.delivery.context import DeliveryContext
from bot.delivery.rate_limit import RateLimiter, RateLimits
from bot.delivery.worker import DeliveryWorker
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.session import MAX_CONNECTIONS, open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.build import DigestPolicy
from digests.store import open_store
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.builders import a_paper, a_review
from tests.postgres import start_server

CHANNELS, CHANNELS_PER_WORKSPACE = 10_000, 20
BURST = 0.25
"""Share over its limit that the server accepts, for the jitter of clock and network."""
BARE, BARE_PACED = 2_000, 1_000
WRITES = 2
"""Transactions of a delivery of one page: plan and sending, receipt and end."""
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DISCORD = RateLimits(channel=1 * 4, bot=50 * 4)
SLACK = RateLimits(channel=1, workspace=5)
REPLICAS = (1, 2, 3)

Row = tuple[str, ...]
Figures = dict[str, float]


def rows(channels: int = CHANNELS) -> list[Row]:
    """Return one row a figure, as `tests.benchmarks` prints them."""
    tenth = channels // 10
    with tempfile.TemporaryDirectory() as folder, start_server() as server:
        few = _run(_sqlite(folder, "few"), tenth, DISCORD)
        many = _run(_sqlite(folder, "many"), channels, DISCORD)
        alone = _run(_sqlite(folder, "slack"), channels, SLACK)
        by_replicas = [(count, _run(server.create_database(), channels, SLACK, count)) for count in REPLICAS]
    what = f"{channels:,} channels due at once"
    floor, slack_floor = channels / (DISCORD.bot or 1), CHANNELS_PER_WORKSPACE / (SLACK.workspace or 1)
    return [
        _wall(what, many, floor, "<= 1.1"),
        _cpu(what, many, "<= 2"),
        _cpu_paced(what, many, "<= 1.3"),
        (
            f"{what}: CPU of {WRITES} bare commits, bare SDK call",
            f"{many['commits'] * 1000:.2f} ms",
            f"{many['bare'] * 1000:.2f} ms",
            f"{many['commits'] / many['bare']:.2f}",
            "",
        ),
        (
            f"{what}: peak memory, of {tenth:,}",
            f"{many['memory']:.0f} MB",
            f"{few['memory']:.0f} MB",
            f"{many['memory'] / few['memory']:.2f}",
            "<= 1.3",
        ),
        (
            f"{what}: the loop's worst lateness",
            f"{many['late'] * 1000:.0f} ms",
            "1,000 ms",
            f"{many['late']:.2f}",
            "<= 1",
        ),
        (f"{what}: refused for being too fast", f"{many['refused']:.0f}", "0", "", "0"),
        *(
            row
            for count, figures in by_replicas
            for row in _in_slack(
                f"{what}, Slack's limits, PostgreSQL, replicas: {count}", figures, slack_floor
            )
        ),
        *_in_slack(f"{what}, Slack's limits, SQLite", alone, slack_floor),
    ]


def _in_slack(what: str, figures: Figures, floor: float) -> tuple[Row, Row]:
    return _wall(what, figures, floor, ""), _cpu(what, figures, "")


def _wall(what: str, figures: Figures, floor: float, aim: str) -> Row:
    wall = figures["wall"]
    return f"{what}: wall", f"{wall:.1f} s", f"{floor:.1f} s", f"{wall / floor:.2f}", aim


def _cpu(what: str, figures: Figures, aim: str) -> Row:
    cpu, bare = figures["cpu"], figures["bare"]
    of = f"{what}: CPU a message, bare SDK call"
    return of, f"{cpu * 1000:.2f} ms", f"{bare * 1000:.2f} ms", f"{cpu / bare:.2f}", aim


def _cpu_paced(what: str, figures: Figures, aim: str) -> Row:
    cpu, bare = figures["cpu"], figures["bare_paced"]
    of = f"{what}: CPU a message, bare SDK call at the same pace"
    return of, f"{cpu * 1000:.2f} ms", f"{bare * 1000:.2f} ms", f"{cpu / bare:.2f}", aim


def _sqlite(folder: str, name: str) -> str:
    return f"sqlite:///{Path(folder) / name}.db"


COMMAND = [sys.executable, "-m", "tests.benchmarks.fanout"]


def _run(url: str, channels: int, limits: RateLimits, replicas: int = 1) -> Figures:
    """Return the figures of all replicas together: the sum of their CPU, the worst of each other figure."""
    _fill(url, channels)  # In this process, so that a replica's memory is its own.
    allowed = json.dumps([limits.channel, limits.workspace, limits.bot])
    with subprocess.Popen([*COMMAND, "serve", allowed], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        try:
            ran = _at_once([*COMMAND, "run", url, str(channels), port, allowed], replicas)
        finally:
            server.terminate()
    worst = {name: max(each[name] for each in ran) for name in ran[0]}
    assert (worst["posted"], worst["most_a_channel"]) == (channels, 1), worst
    wall = worst["ended"] - min(each["begun"] for each in ran)
    return {**worst, "wall": wall, "cpu": sum(each["cpu"] for each in ran)}


def _at_once(command: list[str], replicas: int) -> list[Figures]:
    """Start replicas at the same moment, as soon as each is ready, and return their figures."""
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(replicas)
    ]
    try:
        for one in running:
            assert one.stdout
            assert one.stdout.readline() == "ready\n"
        for one in running:
            assert one.stdin
            one.stdin.write("go\n")
            one.stdin.flush()
        return [json.loads(one.communicate()[0]) for one in running]
    finally:
        for one in running:
            one.kill()
            one.wait()


# The run.


async def _measured(url: str, channels: int, port: str, limits: RateLimits) -> Figures:
    store = open_store(url)
    commits = _commits(url) if url.startswith("sqlite") else 0.0
    async with open_session(30) as session:
        settings = SlackSettings(api_base_url=f"http://127.0.0.1:{port}/api/")
        workspaces = SlackWorkspaces("xoxb-bench", settings, session, lambda: NOW)
        platform, client = SlackPlatform(workspaces), AsyncWebClient("xoxb-bench", settings.api_base_url)
        client.session, client.retry_handlers = session, []
        bare = await _bare(client, RateLimiter(RateLimits()), BARE)
        bare_paced = (
            await _bare(client, RateLimiter(RateLimits(bot=limits.bot)), BARE_PACED) if limits.bot else bare
        )
        context = DeliveryContext(
            store, {"slack": platform}, DigestPolicy(), f"bench {os.getpid()}", lambda: NOW,
            rate_limiters={"slack": RateLimiter(limits)},
        )  # fmt: skip
        lateness: list[float] = [0.0]
        watching = asyncio.create_task(_watch(lateness))
        worker = DeliveryWorker(context)
        worker.close(when_idle=True)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        begun, used = time.monotonic(), time.process_time()
        await worker.run_until_closed()
        ended, cpu = time.monotonic(), time.process_time() - used
        watching.cancel()
        async with session.get(f"http://127.0.0.1:{port}/counts") as answer:
            counts = await answer.json()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "begun": begun,
        "ended": ended,
        "cpu": cpu / channels,
        "bare": bare,
        "bare_paced": bare_paced,
        "commits": commits,
        "memory": memory,
        "late": max(lateness),
        **counts,
    }


def _commits(url: str) -> float:
    """Return the CPU seconds that sqlite3 needs for the commits of one delivery of one page."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        used = time.process_time()
        for _ in range(WRITES * BARE):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE subscriptions SET next_due_at = next_due_at WHERE id = 1")
            connection.execute("COMMIT")
        return (time.process_time() - used) / BARE


def _fill(url: str, channels: int) -> None:
    store = open_store(url)
    papers = [(a_paper(f"2401.{n:05}", abstract="words " * 150), a_review(n % 10)) for n in range(400)]
    store.library.add(papers, now=NOW - timedelta(hours=2))
    store.sources.record_import(now=NOW - timedelta(hours=2))
    preferences = [Preferences(style=DigestStyle.COMPACT, top=top) for top in (3, 5, 7)]
    subscriptions = [
        Subscription(
            Channel("slack", f"C{n}", f"T{n // CHANNELS_PER_WORKSPACE}"),
            preferences[n % 3],
            Schedule(days=frozenset(range(7))),
        )
        for n in range(channels)
    ]
    store.subscriptions.sync_from_settings(subscriptions, now=NOW - timedelta(minutes=1))
    store.close()


async def _bare(client: Any, rate_limiter: RateLimiter, calls: int) -> float:
    """Return the CPU seconds of a slack_sdk call with a digest's page, at a rate, over all connections."""
    page = Page(
        {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2000}}] * 4}
    )
    at_once, channel = asyncio.Semaphore(MAX_CONNECTIONS), Channel("slack", "bare")

    async def one() -> None:
        await rate_limiter.acquire(channel)
        async with at_once:
            await client.chat_postMessage(channel="bare", **page.payload)

    await one()
    used = time.process_time()
    await asyncio.gather(*(one() for _ in range(calls)))
    return (time.process_time() - used) / calls


async def _watch(lateness: list[float]) -> None:
    """Record the worst lateness of a timer of the loop, in seconds: a tick could be that late."""
    while True:
        due = time.perf_counter() + 0.05
        await asyncio.sleep(0.05)
        lateness[0] = max(lateness[0], time.perf_counter() - due)


# The server.


def _server(limits: RateLimits) -> web.Application:
    sent: dict[str, list[float]] = defaultdict(list)
    counts = {"posted": 0, "refused": 0, "most_a_channel": 0}
    of_channel: dict[str, int] = defaultdict(int)

    def too_fast(place: str, rate: float | None, now: float) -> bool:
        """Return True for more than the limit, and `BURST`, within the last second."""
        if rate is None:
            return False
        recent = sent[place] = [at for at in sent[place] if now - at < 1.0]
        return len(recent) >= rate * (1 + BURST)

    async def post(request: web.Request) -> web.Response:
        channel = json.loads(await request.read())["channel"]
        if channel == "bare":
            return web.json_response({"ok": True, "ts": "1.0"})
        now, workspace = time.monotonic(), f"T{int(channel[1:]) // CHANNELS_PER_WORKSPACE}"
        rates = {"bot": limits.bot, workspace: limits.workspace, channel: limits.channel}
        if any(too_fast(place, rate, now) for place, rate in rates.items()):
            counts["refused"] += 1
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "1"}
            )
        for place in rates:
            sent[place].append(now)
        of_channel[channel] += 1
        counts["posted"] += 1
        counts["most_a_channel"] = max(counts["most_a_channel"], of_channel[channel])
        return web.json_response({"ok": True, "ts": f"{counts['posted']}.0", "channel": channel})

    async def send_counts(_: web.Request) -> web.Response:
        return web.json_response(counts)

    app = web.Application()
    app.router.add_post("/api/chat.postMessage", post)
    app.router.add_get("/counts", send_counts)
    return app


async def _serve(limits: RateLimits) -> None:
    runner = web.AppRunner(_server(limits), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    gc.set_threshold(GC_THRESHOLD)  # As every command does.
    match sys.argv[1:]:
        case ["serve", limits]:
            asyncio.run(_serve(RateLimits(*json.loads(limits))))
        case ["run", url, channels, port, limits]:
            print(
                json.dumps(asyncio.run(_measured(url, int(channels), port, RateLimits(*json.loads(limits)))))
            )
        case _:
            for row in rows():
                print(" | ".join(row))
