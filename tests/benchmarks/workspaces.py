"""Benchmark of many workspaces in one process: its start, its first digest, and its memory.

`paperround run` starts as a process of its own over a store in which each workspace has installed the app,
with a token and a channel whose digest is due. The fake of Slack is in this process, and checks the token of
every call. The floor is the same with one workspace.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from aiohttp.test_utils import unused_port

from bot.platforms.slack.tokens import BotTokens, seal_tokens
from bot.token_cipher import TokenCipher, create_key
from digests.subscription import Channel, DigestStyle
from tests.bot.platforms.processes import add_overdue_subscription, prepare_store
from tests.builders import an_installation
from tests.fakes.slack_link import FakeSlackLink

WORKSPACES = 500
MAX_SECONDS = 5.0
"""Aim: seconds from the start of the process to its first message."""
MAX_MEMORY_RATIO = 1.5
LIMIT_SECONDS = 300.0

Row = tuple[str, ...]
Figures = dict[str, float]


def rows(workspaces: int = WORKSPACES) -> list[Row]:
    """Return one row a figure, as `tests.benchmarks` prints them."""
    one, many = (asyncio.run(_measure(count)) for count in (1, workspaces))
    what = f"{workspaces:,} workspaces installed the app"
    return [
        _compare(f"{what}: first message after the start", many, one, "first", "s", f"<= {MAX_SECONDS:g} s"),
        _compare(f"{what}: every workspace has its digest", many, one, "last", "s", ""),
        _compare(f"{what}: memory when all are posted", many, one, "memory", "MB", f"<= {MAX_MEMORY_RATIO}"),
        (f"{what}: calls with a token that is not the workspace's", f"{many['refused']:.0f}", "0", "", "0"),
    ]


def _compare(what: str, many: Figures, one: Figures, name: str, unit: str, aim: str) -> Row:
    ratio = many[name] / one[name]
    return what, f"{many[name]:.1f} {unit}", f"{one[name]:.1f} {unit}", f"{ratio:.2f}", aim


async def _measure(workspaces: int) -> Figures:
    key, port = create_key(), unused_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with FakeSlackLink() as slack:
            channels = _install_everywhere(slack, folder, TokenCipher([key]), workspaces)
            _write_settings(slack, folder, port)
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("SLACK_")},
                "SLACK_SIGNING_SECRET": slack.signing_secret,
                "SLACK_CLIENT_ID": slack.client_id,
                "SLACK_CLIENT_SECRET": slack.client_secret,
                "PAPERROUND_TOKEN_KEYS": key,
                "PYTHONPATH": str(Path(__file__).parents[2]),
            }
            began = time.perf_counter()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", cwd=folder, env=environment,
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                first = await _wait(lambda: any(_count(slack, one) for one in channels), began)
                last = await _wait(lambda: all(_count(slack, one) for one in channels), began)
                memory = _read_memory(process.pid)
            finally:
                process.terminate()
                await process.wait()
    return {"first": first, "last": last, "memory": memory, "refused": float(len(slack.refused_calls))}


def _install_everywhere(
    slack: FakeSlackLink, folder: Path, cipher: TokenCipher, workspaces: int
) -> list[Channel]:
    """Let each workspace install the app, with a channel whose digest is due; return the channels."""
    store, now, channels = prepare_store(folder), datetime.now(UTC), []
    for number in range(workspaces):
        place = f"T{number}"
        team = slack.add_team(place)
        sealed = seal_tokens(cipher, place, BotTokens(slack.issue_token(place)))
        store.installations.save(
            an_installation(place, tokens=sealed, scopes=slack.app_scopes, installed_at=now)
        )
        channels.append(Channel("slack", team.add_channel(f"papers{number}"), place))
        add_overdue_subscription(store, channels[-1], DigestStyle.COMPACT)
    store.close()
    return channels


def _write_settings(slack: FakeSlackLink, folder: Path, port: int) -> None:
    text = (
        f'[store]\nurl = "sqlite:///{folder / "p.db"}"\n[digest]\nmax_age_days = 0\n[platforms.slack]\n'
        f'api_base_url = "{slack.url}"\nhttp_port = {port}\npublic_url = "http://127.0.0.1:{port}"\n'
    )
    (folder / "paperround.toml").write_text(text, encoding="utf-8")


def _count(slack: FakeSlackLink, channel: Channel) -> int:
    return len(slack.teams[channel.workspace].messages_in(channel.channel))


async def _wait(condition: Callable[[], bool], began: float) -> float:
    """Return the seconds since `began` at which the condition is true. Raises TimeoutError."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - the fake's messages announce nothing to this.
            await asyncio.sleep(0.01)
    return time.perf_counter() - began


def _read_memory(process: int) -> float:
    """Return the memory that a process holds, in MB."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the process ended")


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else WORKSPACES):
        print("  ".join(row))
