"""Nothing that a command ever writes holds a secret: neither its output, its log at DEBUG, nor a file.

Every place that can hold a secret gets one of its own: variables, addresses of sources, proxies, stores, the
model's server, and arguments. Every command then runs, once with success and once with failure.
"""

import asyncio
import base64
import json
import os
import signal
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from rich.console import Console

from bot.ingest.reviewing import OpenReviewContext
from bot.platforms.registry import find_settings_models
from bot.services import build_apps, build_arxiv_lookup, build_reviewer, build_services, build_sources
from config.settings import build_settings_model
from digests.reviewers.context import ReviewContext
from tests.bot.platforms.discord.processes import create_patient_discord
from tests.bot.platforms.slack.processes import create_patient_slack
from tests.fakes.feeds import FakeFeeds, FeedFault
from tests.fakes.openai_server import MODEL, ModelFault, OpenAiServer
from tests.fakes.wire import WAIT_SECONDS
from tests.forked import StartedProcess, start_process

SECRETS: Mapping[str, str] = {
    "SLACK_BOT_TOKEN": "xoxb-planted/bot+token",
    "SLACK_APP_TOKEN": "xapp-planted-app-token",
    "SLACK_SIGNING_SECRET": "planted-signing-secret",
    "DISCORD_TOKEN": "planted.discord.token",
    "PAPERROUND_REVIEWER_KEY": "planted-reviewer-key",
    "PGPASSWORD": "planted-pg-password",
    "source token": "planted-source-token",
    "arxiv token": "planted-arxiv-token",
    "import user": "planted-import-user",
    "import password": "planted-import%2Fpassword",
    "import token": "planted-import-token",
    "fetching proxy": "planted-fetching-proxy",
    "slack proxy": "planted-slack-proxy",
    "store password": "planted-store-password",
    "reviewer token": "planted-reviewer-token",
    "reviewer extra": "planted-reviewer-extra",
}
VARIABLES = {name: value for name, value in SECRETS.items() if name.isupper()}
DEAD = "127.0.0.1:9"
"""An address at which nothing answers."""


def list_forms(secret: str) -> Iterator[bytes]:
    """Yield a secret as it is, percent-encoded, and in Base64 at each of its three offsets in a text."""
    for form in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
        yield form.encode()
    for offset in range(3):
        # The first and the last group of four mix the secret with its neighbours.
        encoded = base64.b64encode(b"\0" * offset + secret.encode())
        yield encoded[4 if offset else 0 : -4]


def find_leaks(content: bytes) -> list[str]:
    return [name for name, secret in SECRETS.items() if any(form in content for form in list_forms(secret))]


@pytest.mark.parametrize("secret", SECRETS.values())
def test_a_leak_is_found_in_every_form(secret: str) -> None:
    for text in (secret, f"x{quote(secret, safe='')}y", json.dumps({"a": secret})):
        assert find_leaks(text.encode())
    for before in ("", "u", "u:", "us:", "user:"):
        assert find_leaks(b"Basic " + base64.b64encode(f"{before}{secret}@x".encode()))
    assert find_leaks(b"nothing to see: planted") == []


@dataclass
class Operator:
    """A folder with settings, and everything that the commands there have written."""

    folder: Path
    settings: str
    variables: Mapping[str, str] = field(default_factory=lambda: VARIABLES)
    outputs: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "paperround.toml").write_text(self.settings, encoding="utf-8")

    async def start(self, *arguments: str) -> StartedProcess:
        prefixes = ("SLACK_", "DISCORD_", "PAPERROUND_", "PG")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
        return await start_process(
            "tests.loud", *arguments, cwd=self.folder,
            env={**inherited, **self.variables, "PAPERROUND_DEBUG": "1"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def run(self, *commands: Sequence[str]) -> None:
        """Run commands, given by their arguments, one after the other. Keep their outputs and statuses."""
        for arguments in commands:
            name = " ".join(arguments)
            process = await self.start(*arguments)
            async with asyncio.timeout(WAIT_SECONDS):
                self.outputs[name], _ = await process.communicate()
                self.statuses[name] = await process.wait()

    async def run_bot(self, *words: str) -> None:
        """Run the bot until its log has all the words, then stop it. Keep its log and status."""
        process = await self.start("run")
        assert process.stdout
        log, awaited = b"", {word.encode() for word in words}
        async with asyncio.timeout(WAIT_SECONDS):
            while awaited and (line := await process.stdout.readline()):
                log += line
                awaited = {word for word in awaited if word not in line}
            assert not awaited, log.decode()[-4000:]
            process.send_signal(signal.SIGTERM)
            log += await process.stdout.read()
            self.outputs["run"], self.statuses["run"] = log, await process.wait()

    def list_leaks(self) -> dict[str, list[str]]:
        """Return the secrets in outputs and in files, by output and file. The settings are the operator's."""
        written = dict(self.outputs)
        for file in self.folder.rglob("*"):
            if file.is_file() and file.name != "paperround.toml":
                written[file.relative_to(self.folder).as_posix()] = file.read_bytes()
        assert any(name.endswith(".db") for name in written)
        return {name: leaks for name, content in written.items() if (leaks := find_leaks(content))}

    def show(self, *names: str) -> str:
        return "\n".join(f"== {name}\n{self.outputs[name].decode()[-2000:]}" for name in names)


def render_settings(
    *, feeds: str, model: str, slack: str, discord: str, gateway: str, fetching_proxy: str, slack_proxy: str
) -> str:
    """Return settings with a secret in every place that takes one."""
    return f"""
[store]
url = "sqlite:///p.db"
[digest]
max_age_days = 0
[fetching]
proxy = "http://user:{SECRETS["fetching proxy"]}@{fetching_proxy}"
[reviewer]
base_url = "{model}"
model = "{MODEL}"
full_text = false
extra = {{ user = "{SECRETS["reviewer extra"]}" }}
[[sources]]
kind = "reviews"
url = "{feeds}/files/papers.jsonl?token={SECRETS["source token"]}"
[[sources]]
kind = "arxiv"
categories = ["cs.CL"]
rss_url = "{feeds}/rss/"
oai_url = "{feeds}/oai?token={SECRETS["arxiv token"]}"
query_url = "{feeds}/api/query?token={SECRETS["arxiv token"]}"
[platforms.console]
transcript = "transcript.jsonl"
[platforms.slack]
api_base_url = "{slack}"
proxy = "http://user:{SECRETS["slack proxy"]}@{slack_proxy}"
[platforms.discord]
api_base_url = "{discord}"
gateway_url = "{gateway}"
[[subscriptions]]
platform = "console"
channel = "papers"
[[subscriptions]]
platform = "slack"
channel = "C1"
[[subscriptions]]
platform = "discord"
channel = "1"
"""


RECORDS = "\n".join(
    json.dumps({"arxiv_id": f"2401.0000{number}", "title": f"Paper {number}", "score": 9 - number})
    for number in range(4)
).encode()


RUN_WORDS: Mapping[str, tuple[str, ...]] = {
    "refused": ("bot token: Discord does not know this token",),
    "dead": (
        "People get no answers in Slack",
        "Discord's gateway is not connected",
        "WARNING reviews:",
        "WARNING arxiv:",
    ),
}
"""Words that the log of a broken installation has before it is stopped."""


def host_of(url: str) -> str:
    return url.split("://")[1].split("/")[0]


def test_a_working_installation_writes_no_secret(tmp_path: Path) -> None:
    async def scenario() -> None:
        slack, discord = create_patient_slack(), create_patient_discord()
        slack.bot_token, slack.app_token = SECRETS["SLACK_BOT_TOKEN"], SECRETS["SLACK_APP_TOKEN"]
        discord.token = SECRETS["DISCORD_TOKEN"]
        async with (
            slack,
            discord,
            FakeFeeds(clock=lambda: datetime.now(UTC)) as feeds,
            OpenAiServer(key=SECRETS["PAPERROUND_REVIEWER_KEY"]) as model,
        ):
            feeds.files["papers.jsonl"] = RECORDS
            operator = Operator(
                tmp_path / "bot",
                render_settings(
                    feeds=feeds.url,
                    model=model.base_url,
                    slack=slack.url,
                    discord=discord.url,
                    gateway=discord.gateway_url,
                    fetching_proxy=host_of(feeds.url),
                    slack_proxy=host_of(slack.url),
                ),
            )
            (operator.folder / "papers.jsonl").write_bytes(RECORDS)
            commands = [
                "import papers.jsonl", "fetch", "review --plan", "review", "doctor", "status",
                "status --json",
                "held", "search paper", "search paper --json", "preview", "preview --as html",
                "preview --as slack --json", "digest papers --now", "schema", "manifest slack",
                "invite discord", "db copy sqlite:///p.db sqlite:///copy.db",
            ]  # fmt: skip
            await operator.run(*(command.split() for command in commands))
            await operator.run_bot("Slack's socket is connected", "Discord is connected")
        failed = {name for name, status in operator.statuses.items() if status}
        assert failed <= {"doctor"}, operator.show(*failed)
        assert operator.list_leaks() == {}
        assert feeds.requests_to("/files")[0].query == {"token": SECRETS["source token"]}
        assert model.requests
        assert "Authorization" not in operator.show("doctor", "run")

    asyncio.run(scenario())


def test_a_broken_installation_writes_no_secret(tmp_path: Path) -> None:
    """Tokens are refused, servers are dead or odd, and addresses are wrong."""

    async def scenario() -> None:
        async with (
            create_patient_slack() as slack,
            create_patient_discord() as discord,
            FakeFeeds(clock=lambda: datetime.now(UTC)) as feeds,
            OpenAiServer(key="another key") as model,
        ):
            feeds.fail_next("/files", FeedFault.ERROR_FEED, times=100)
            feeds.fail_next("/rss", FeedFault.CUT, times=100)
            odd_model = model.base_url
            refused = render_settings(
                feeds=feeds.url,
                model=odd_model,
                slack=slack.url,
                discord=discord.url,
                gateway=discord.gateway_url,
                fetching_proxy=host_of(feeds.url),
                slack_proxy=host_of(slack.url),
            )
            dead = render_settings(
                feeds=f"http://{DEAD}",
                model=f"http://{DEAD}/v1?token={SECRETS['reviewer token']}",
                slack=f"http://{DEAD}/api/",
                discord=f"http://{DEAD}/api/v10",
                gateway=f"ws://{DEAD}/",
                fetching_proxy=DEAD,
                slack_proxy=DEAD,
            )
            user, password = SECRETS["import user"], SECRETS["import password"]
            token, store = SECRETS["import token"], SECRETS["store password"]
            locations = [
                f"http://{user}:{password}@{DEAD}/papers.jsonl?token={token}",
                f"{feeds.url.replace('://', f'://{user}:{password}@')}/files/none?token={token}",
                f"ftp://{user}:{password}@host/papers.jsonl",
                f"http://{user}:{password}@host:port/papers.jsonl",
                f"http:/{user}:{password}@host/papers.jsonl",
                f"http://{user}:{password}/x@host/papers.jsonl?{token}",
            ]
            stores = [
                f"postgresql+psycopg://user:{store}@{DEAD}/papers",
                f"postgresql+psycopg://{DEAD}/papers?user=me&password={store}",
                f"postgresql+psycopg://user:{store}@host:port/papers",
                f"mysql://user:{store}@{DEAD}/papers",
                f"user:{store}@{DEAD}",
            ]
            commands = [
                "fetch", "review", "review --plan", "doctor", "status", "status --json", "invite discord",
                "digest papers --now", "digest C1 --now", "search paper --json", "preview --json",
            ]  # fmt: skip
            model.faults.extend([ModelFault.CONTROL_CHARACTERS] * 2)

            async def run_everything(name: str, settings: str) -> None:
                operator = Operator(tmp_path / name, settings)
                (operator.folder / "papers.jsonl").write_bytes(RECORDS)
                await operator.run(["import", "papers.jsonl"])
                await operator.run_bot(*RUN_WORDS[name])
                await operator.run(*(command.split() for command in commands))
                failed = {each for each, status in operator.statuses.items() if status}
                assert {"fetch", "doctor", "invite discord"} <= failed, operator.show(*operator.statuses)
                if name == "dead":
                    await operator.run(
                        ["import", *locations],
                        *(["db", "copy", url, "sqlite:///new.db"] for url in stores),
                        *(["db", "copy", "sqlite:///p.db", url] for url in stores),
                        ["db", "copy", "sqlite:///p.db", "sqlite:///q.db", *stores],
                    )
                assert operator.list_leaks() == {}, name

            async with asyncio.TaskGroup() as both:
                both.create_task(run_everything("refused", refused))
                both.create_task(run_everything("dead", dead))

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "settings",
    [
        f'[store]\nurl = "postgresql+psycopg://u:{SECRETS["store password"]}@{DEAD}/papers"',
        f'[fetching]\nproxy = "socks5://u:{SECRETS["fetching proxy"]}@{DEAD}"',
        f'[reviewer]\nmodel = "m"\nbase_url = "http://u:{SECRETS["reviewer token"]}@{DEAD}/v1"',
        f'[[sources]]\nkind = "reviews"\nurl = "http://u:{SECRETS["source token"]}@{DEAD}/x"',
        f'[platforms.slack]\nbot_token = "{SECRETS["SLACK_BOT_TOKEN"]}"',
        f'[platforms.slack]\nproxy = "{SECRETS["slack proxy"]}',
    ],
)
def test_settings_that_are_refused_are_not_shown(tmp_path: Path, settings: str) -> None:
    async def scenario() -> None:
        operator = Operator(tmp_path, settings)
        await operator.run(["status"])
        assert operator.statuses == {"status": 1}
        assert find_leaks(operator.outputs["status"]) == []

    asyncio.run(scenario())


def test_no_object_that_is_built_from_the_settings_shows_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = build_settings_model(find_settings_models()).model_validate(
        tomllib.loads(
            render_settings(
                feeds=f"http://{DEAD}",
                model=f"http://{DEAD}/v1?token={SECRETS['reviewer token']}",
                slack=f"http://{DEAD}/api/",
                discord=f"http://{DEAD}/api/v10",
                gateway=f"ws://{DEAD}/",
                fetching_proxy=DEAD,
                slack_proxy=DEAD,
            )
        )
    )
    services = build_services(settings, Console())
    open_reviewer = build_reviewer(services, VARIABLES)
    assert open_reviewer
    context = asyncio.run(_open_once(open_reviewer))
    built = [settings, services, *build_sources(services), *build_apps(services, VARIABLES)]
    for thing in [
        *built,
        open_reviewer,
        context,
        context.server,
        context.server.address,
        build_arxiv_lookup(services),
    ]:
        assert find_leaks(repr(thing).encode()) == [], type(thing)


async def _open_once(open_reviewer: OpenReviewContext) -> ReviewContext:
    async with open_reviewer() as context:
        return context
