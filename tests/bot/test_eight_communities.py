"""One operator, one process, eight communities: five Slack workspaces by a link, three Discord servers."""

import asyncio
import os
from pathlib import Path

import httpx
from aiohttp.test_utils import unused_port

from bot.token_cipher import create_key
from digests.ports import Store
from tests.bot.platforms import processes
from tests.bot.platforms.processes import BotProcess, add_overdue_subscription
from tests.bot.platforms.slack.link import Browser
from tests.bot.web.served import HEADERS
from tests.fakes.communities import Communities, open_communities
from tests.fakes.wire import WAIT_SECONDS
from tests.forked import start_process


async def run_command(bot: BotProcess, *words: str) -> str:
    """Run a command as the operator does beside the running bot, and return its output."""
    settings = str(bot.folder / "paperround.toml")
    process = await start_process(
        "bot", "--config", settings, *words, cwd=bot.folder, env=os.environ, stdout=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, (words, errors)
    return output.decode()


async def install_everywhere(communities: Communities, address: str) -> None:
    for team in communities.slack.teams:
        browser = Browser(address)
        await browser.visit(communities.slack.allow(await browser.begin(), team))
        assert browser.status == 200, browser.page


async def serve_every_server(bot: BotProcess, communities: Communities) -> None:
    """Allow each Discord server, which asks since the bot is in several, and wait until it is served."""
    for guild in communities.discord.guilds:
        await bot.wait_for_log(guild, "asks to be served")
        assert "is served" in await run_command(bot, "workspaces", "allow", guild)


def count_served(store: Store) -> int:
    return sum(bool(each.subscription) for each in store.delivery_reports.channel_statuses())


async def ask_queue(port: int, token: str) -> list[str]:
    """Return the ids of the papers in the queue of a token's workspace."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "queue", "arguments": {}}}
    async with httpx.AsyncClient(trust_env=False, timeout=WAIT_SECONDS) as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/mcp", json=call, headers={**HEADERS, "Authorization": f"Bearer {token}"}
        )
    return [each["id"] for each in answer.json()["result"]["structuredContent"]["papers"]]


def test_eight_communities_get_their_digests_from_one_process(tmp_path: Path) -> None:
    async def scenario() -> None:
        http_port, web_port = unused_port(), unused_port()
        async with open_communities(http_port=http_port, ack_seconds=WAIT_SECONDS) as communities:
            settings = f"{communities.render_settings(http_port)}[web]\nenabled = true\nport = {web_port}\n"
            secrets = {**communities.list_secrets(), "PAPERROUND_TOKEN_KEYS": create_key()}
            async with processes.run_bot(
                tmp_path,
                settings=settings,
                secrets=secrets,
                wait_for_connection=None,
                waits=("--tick", "0.5"),
            ) as bot:
                await bot.wait_for_log("listening for Slack")
                await install_everywhere(communities, f"http://127.0.0.1:{http_port}")
                await serve_every_server(bot, communities)
                for member in communities.members:
                    add_overdue_subscription(bot.store, member.place, top=2)
                for member in communities.members:
                    await member.wait_for_messages(3)
                assert count_served(bot.store) == 8
                await communities.members[0].type_command("/digest mark 2402.01306")
                token = (await run_command(bot, "token", "create", "mcp", "slack:T1")).split("\n")[0]
                other = (await run_command(bot, "token", "create", "mcp", "slack:T2")).split("\n")[0]
                assert await ask_queue(web_port, token) == ["2402.01306"]
                assert await ask_queue(web_port, other) == []
                page = (await run_command(bot, "token", "create", "web")).split("\n")[0]
                async with httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{web_port}", trust_env=False, timeout=WAIT_SECONDS
                ) as client:
                    await client.post("/login", data={"token": page})
                    shown = (await client.get("/")).text
                assert all(member.name in shown for member in communities.members)
                assert "Everything goes its way" in shown
            log = "\n".join(bot.log)
            assert not any(secret in log for secret in (token, page, *secrets.values()))

    asyncio.run(scenario())
