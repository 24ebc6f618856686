"""Look-ups of programs over HTTP, through the protocol's own client."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from rich.console import Console

from bot.cli.demo import import_sample
from bot.cli.token import create_token
from bot.conversation.fair_use import USE_LIMITS, FairUse, Use
from bot.platforms.registry import find_settings_models
from bot.services import Services, build_services
from bot.web import server as servers
from bot.web.mcp_http import BODY_BYTES, open_endpoint
from bot.web.paper_tools import UNTRUSTED
from bot.web.server import serve_until
from bot.web.site import build_site
from config.load import load_settings
from digests.errors import InputError
from digests.model import Mark, MarkSource
from digests.subscription import Channel
from tests.builders import NOW
from tests.fakes.wire import WAIT_SECONDS

KTO = "2402.01306"
HANDSHAKE = "2025-06-18"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": HANDSHAKE}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """Services over a store with the bundled papers, in which two workspaces want one paper each."""
    return open_services(tmp_path)


def open_services(folder: Path, more: str = "") -> Services:
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


def make_token(services: Services, place: str = "slack:T1") -> str:
    return create_token("mcp", place, "", services, now=NOW)[0]


def test_a_program_gets_the_tools_of_the_workspace_of_its_token(services: Services) -> None:
    async def talk(site: Site) -> list[Any]:
        async with site.connect(make_token(services)) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            calls: list[tuple[str, dict[str, Any]]] = [
                ("search", {"words": "KTO"}),
                ("paper", {"id": KTO}),
                ("limitations", {"id": KTO}),
                ("queue", {}),
            ]
            results = [(await client.call_tool(*call)).structured_content for call in calls]
            return [names, *results]

    names, found, paper, limits, queue = serve(services, talk)
    assert names == ["search", "paper", "limitations", "queue"]
    assert found["papers"][0]["id"] == KTO
    assert "team" in paper
    assert all(set(each) == {"text", "quote", "url"} for each in limits["limitations"])
    assert [each["id"] for each in queue["papers"]] == [KTO]
    assert [each["notice"] for each in (found, paper, limits, queue)] == [UNTRUSTED] * 4


def test_programs_of_two_workspaces_that_ask_at_once_each_see_their_own_queue(services: Services) -> None:
    async def ask_queue(site: Site, place: str) -> set[str]:
        async with site.connect(make_token(services, place)) as client:
            seen: set[str] = set()
            for _ in range(5):
                found = (await client.call_tool("queue", {})).structured_content
                assert found
                seen.update(each["id"] for each in found["papers"])
            return seen

    async def talk(site: Site) -> list[set[str]]:
        places = ("slack:T1", "slack:T9", "slack:T1", "slack:T9", "discord:T1")
        return await asyncio.gather(*(ask_queue(site, place) for place in places))

    assert serve(services, talk) == [{KTO}, {"1706.03762"}, {KTO}, {"1706.03762"}, set()]


def test_a_revoked_token_ends_a_running_session_at_once(services: Services) -> None:
    async def talk(site: Site) -> None:
        async with site.connect(make_token(services)) as client:
            assert not (await client.call_tool("queue", {})).is_error
            services.store.access_tokens.revoke(1, by="root", now=NOW)
            with pytest.raises(Exception, match=r"401|[Uu]nauthorized|rror"):
                await client.call_tool("queue", {})
        assert (await site.post("paperround_mcp_1_x")).status_code == 401

    serve(services, talk)


def test_without_a_valid_token_nothing_is_answered(services: Services) -> None:
    page = create_token("web", "", "", services, now=NOW)[0]
    good = make_token(services)

    async def talk(site: Site) -> None:
        for token in ("", page, good[:-1], "x" * 5000, good.replace("_2_", "_1_")):
            refused = await site.post(token)
            assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")
            assert "token create mcp" in refused.text
        assert (await site.post(good)).status_code == 200
        assert (await site.post(Authorization=f"Basic {good}")).status_code == 401
        async with httpx.AsyncClient(trust_env=False) as client:
            for method in ("GET", "DELETE", "PUT"):
                answer = await client.request(method, site.url, headers={"Authorization": f"Bearer {good}"})
                assert answer.status_code == 405

    serve(services, talk)


def test_a_page_of_another_site_cannot_ask(services: Services) -> None:
    good = make_token(services)

    async def talk(site: Site) -> None:
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:8765", "[", ""):
            assert (await site.post(good, Host=host)).status_code in (400, 421)
        for origin in ("https://evil.example", "null", "http://[", ""):
            assert (await site.post(good, Origin=origin)).status_code == 403
        own = await site.post(good, Host="LOCALHOST:1", Origin="http://localhost:1")
        assert own.status_code == 200
        assert own.headers["cache-control"] == "no-store"

    serve(services, talk)


def test_a_name_of_the_settings_is_a_host(tmp_path: Path) -> None:
    services = open_services(tmp_path, '[web]\nnames = ["Papers.example.org"]\n')
    good = make_token(services)

    async def talk(site: Site) -> None:
        name = "papers.example.org"
        assert (await site.post(good, Host=name, Origin=f"https://{name}")).status_code == 200
        assert (await site.post(good, Host=f"x.{name}")).status_code == 421

    serve(services, talk)


def test_odd_requests_are_refused_and_the_server_lives_on(services: Services) -> None:
    good = make_token(services)
    deep = "[" * 20_000 + "]" * 20_000

    async def talk(site: Site) -> None:
        huge = await site.post(good, {**PING, "params": {"x": "y" * BODY_BYTES}})
        assert huge.status_code == 413
        async with httpx.AsyncClient(trust_env=False) as client:
            headers = {**HEADERS, "Authorization": f"Bearer {good}", "Content-Type": "application/json"}
            for content in (b"", b"{", b"\xff\xfe", deep.encode(), b"[]", b"null", b'{"id": {}}'):
                answer = await client.post(site.url, content=content, headers=headers)
                assert answer.status_code in (200, 202, 400), content[:10]
            assert (await client.post(site.url, headers={"x": "y" * 40_000})).status_code in (400, 401, 431)
        assert (await site.post(good)).status_code == 200

    serve(services, talk)


def test_a_program_that_asks_too_often_waits_and_others_do_not(services: Services) -> None:
    greedy, other = make_token(services), make_token(services)

    async def talk(site: Site) -> None:
        answers = [await site.post(greedy) for _ in range(USE_LIMITS[Use.PROGRAM].person.burst + 5)]
        refused = [answer for answer in answers if answer.status_code != 200]
        assert {answer.status_code for answer in refused} == {429}
        assert len(refused) == 5
        assert "try again in 1 second" in refused[0].text
        assert (await site.post(other)).status_code == 200

    serve(services, talk, FairUse(now=lambda: 0.0))


def test_connections_that_say_nothing_or_little_end(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(servers, "REQUEST_SECONDS", 0.3)
    good = make_token(services)

    async def talk(site: Site) -> None:
        port = httpx.URL(site.url).port
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(80)]
        for reader, writer in silent:
            assert await reader.read() == b""
            writer.close()
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {good}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode())
        assert b" 408 " in (await reader.read()).split(b"\r\n")[0]
        writer.close()
        assert (await site.post(good)).status_code == 200

    serve(services, talk)


def test_where_each_channel_has_a_queue_a_token_is_for_a_channel(tmp_path: Path) -> None:
    services = open_services(tmp_path, '[discussion]\nqueue = "channel"\n')
    with pytest.raises(InputError, match="Each channel has a queue of its own"):
        make_token(services)

    async def talk(site: Site) -> Any:
        async with site.connect(make_token(services, "slack:T1:CT1")) as client:
            return (await client.call_tool("queue", {})).structured_content

    assert [each["id"] for each in serve(services, talk)["papers"]] == [KTO]


def test_no_token_is_in_the_log(services: Services, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    good = make_token(services)

    async def talk(site: Site) -> None:
        await site.post(good)
        await site.post(good[:-1])
        async with site.connect(good) as client:
            await client.call_tool("queue", {})

    serve(services, talk)
    assert good.split("_", 3)[3][:20] not in caplog.text
