"""The site of `[web]`, served over loopback, and ways to ask it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from rich.console import Console

from bot.cli.demo import import_sample
from bot.conversation.fair_use import FairUse
from bot.platforms.registry import find_settings_models
from bot.services import Services, build_services
from bot.web.mcp_http import open_endpoint
from bot.web.server import serve_until
from bot.web.site import build_site
from config.load import load_settings
from digests.model import Mark, MarkSource
from digests.subscription import Channel
from tests.builders import NOW
from tests.fakes.wire import WAIT_SECONDS

KTO = "2402.01306"
HANDSHAKE = "2025-06-18"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": HANDSHAKE}


def open_services(folder: Path, more: str = "") -> Services:
    """Build services over a store with the bundled papers, in which two workspaces want one paper each."""
    file = folder / "paperround.toml"
    file.write_text(f'[store]\nurl = "sqlite:///{folder / "p.db"}"\n{more}')
    built = build_services(load_settings(file, {}, find_settings_models()), Console(), clock=lambda: NOW)
    import_sample(built.store, NOW)
    for team, paper in (("T1", KTO), ("T9", "1706.03762")):
        mark = Mark(Channel("slack", f"C{team}", team), "", paper, "U1", MarkSource.BUTTON, NOW)
        built.store.marks.set_mark(mark, True)
    return built


@dataclass(frozen=True)
class Site:
    """A site that is served, and ways to ask it."""

    url: str

    @property
    def root(self) -> str:
        """The address of the page, without a slash at its end."""
        return self.url.removesuffix("/mcp")

    @asynccontextmanager
    async def browse(self, token: str = "") -> AsyncIterator[httpx.AsyncClient]:
        """Open a client that follows no redirect, signed in if there is a token."""
        async with httpx.AsyncClient(base_url=self.root, trust_env=False, timeout=WAIT_SECONDS) as client:
            if token:
                answer = await client.post("/login", data={"token": token})
                assert (answer.status_code, answer.headers["location"]) == (303, "/")
            yield client

    @asynccontextmanager
    async def connect(self, token: str) -> AsyncIterator[Client]:
        """Open a session of the protocol's client."""
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            Client(streamable_http_client(self.url, http_client=http)) as client,
        ):
            yield client

    async def post(self, token: str = "", body: Any = PING, **headers: str) -> httpx.Response:
        """Make one bare request."""
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(trust_env=False, timeout=WAIT_SECONDS) as client:
            return await client.post(self.url, json=body, headers={**HEADERS, **bearer, **headers})


def serve(services: Services, talk: Callable[[Site], Awaitable[Any]], fair_use: FairUse | None = None) -> Any:
    """Serve the site while `talk` asks it, and return its result."""

    async def run() -> Any:
        stop = asyncio.Event()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
            async with open_endpoint(services, fair_use) as endpoint, asyncio.timeout(WAIT_SECONDS):
                site = build_site(services, endpoint)
                serving = asyncio.create_task(serve_until(site, listening, stop))
                try:
                    return await talk(Site(url))
                finally:
                    stop.set()
                    await serving

    return asyncio.run(run())
