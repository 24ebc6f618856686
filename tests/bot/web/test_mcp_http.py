"""Look-ups of programs over HTTP, through the protocol's own client."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.cli.token import create_token
from bot.conversation.fair_use import USE_LIMITS, FairUse, Use
from bot.services import Services
from bot.web import server as servers
from bot.web.mcp_http import BODY_BYTES, MAX_AT_ONCE
from bot.web.paper_tools import UNTRUSTED
from digests.errors import InputError
from tests.bot.web.served import HEADERS, KTO, PING, Site, open_services, serve
from tests.builders import NOW


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return open_services(tmp_path)


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
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:8780", "[", ""):
            assert (await site.post(good, Host=host)).status_code in (400, 421)
        foreign = (
            "https://evil.example",
            "null",
            "http://[",
            "",
            "http://localhost",
            "http://127.0.0.1:3000",
        )
        for origin in (*foreign, site.root.replace("//", "//evil@"), site.root.replace("http", "ftp")):
            assert (await site.post(good, Origin=origin)).status_code == 403, origin
        assert (await site.post(good, Origin=site.root)).status_code == 200
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
        assert (await site.post(good, Host="127.0.0.1:8765", Origin=f"https://{name}")).status_code == 200
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


def test_no_redirection_leads_a_token_to_plain_http(services: Services) -> None:
    good = make_token(services)

    async def talk(site: Site) -> None:
        answer = await Site(f"{site.url}/").post(good)
        assert (answer.status_code, answer.headers.get("location")) == (404, None)

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


def test_streams_that_a_program_leaves_open_keep_nobody_else_out(services: Services) -> None:
    greedy, other = make_token(services), make_token(services)
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
    }
    listen = {
        "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen",
        "params": {"_meta": meta, "notifications": {"toolsListChanged": True}},
    }  # fmt: skip
    headers = {
        **HEADERS,
        "Authorization": f"Bearer {greedy}",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "subscriptions/listen",
    }

    async def talk(site: Site) -> None:
        async with httpx.AsyncClient(trust_env=False) as client, AsyncExitStack() as streams:
            for _ in range(MAX_AT_ONCE):
                stream = client.stream("POST", site.url, json=listen, headers=headers)
                assert (await streams.enter_async_context(stream)).status_code == 200
            refused = await site.post(greedy)
            assert (refused.status_code, "8 requests at a time" in refused.text) == (429, True)
            assert (await site.post(other)).status_code == 200

    serve(services, talk)


def test_garbage_is_no_line_of_the_log(services: Services, caplog: pytest.LogCaptureFixture) -> None:
    garbage = (
        b"\x16\x03\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\ntoken=",
    )

    async def talk(site: Site) -> None:
        port = httpx.URL(site.url).port
        for sent in garbage:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            await writer.drain()
            if sent is not garbage[-1]:
                await reader.read()
            writer.close()
        assert (await site.post(make_token(services))).status_code == 200

    serve(services, talk)
    assert [each.getMessage() for each in caplog.records if each.levelname in ("WARNING", "ERROR")] == []


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
