"""The limit of tokens that one address may try, over HTTP and at the gate itself."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.cli.token import create_token
from bot.conversation import fair_use
from bot.conversation.fair_use import BucketLimits, FairUse, LimitReachedError, Use, UseLimits
from bot.services import Services
from bot.web import token_gate
from bot.web.operator_page import COOKIE
from bot.web.token_gate import TokenGate, find_peer_address
from digests.ports import Store
from digests.ports.access_tokens import AccessToken, TokenScope, TokenUse
from tests.bot.web.served import HEADERS, PING, Site, open_services, serve
from tests.builders import NOW, a_store
from tests.fakes.wire import WAIT_SECONDS

BURST = 4


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = BucketLimits(BURST, 1 / 5)
    monkeypatch.setitem(fair_use.USE_LIMITS, Use.GUESS, UseLimits(limits, limits))


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return open_services(tmp_path)


def connect_from(address: str, site: Site) -> httpx.AsyncClient:
    """Open a client whose connections come from this address of the loopback network."""
    transport = httpx.AsyncHTTPTransport(local_address=address, verify=False, trust_env=False)
    return httpx.AsyncClient(base_url=site.root, transport=transport, timeout=WAIT_SECONDS)


async def ask_as_program(client: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    bearer = {**HEADERS, "Authorization": f"Bearer {token}", **headers}
    return await client.post("/mcp", json=PING, headers=bearer)


async def open_page(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/", headers={"Cookie": f"{COOKIE}={token}"})


async def sign_in(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/login", data={"token": token})


@pytest.mark.parametrize("ask", [ask_as_program, open_page, sign_in])
def test_an_address_that_tries_tokens_waits_and_its_neighbour_does_not(
    ask: Callable[[httpx.AsyncClient, str], Any], services: Services
) -> None:
    programs = [create_token("mcp", "slack:T1", "", services, now=NOW)[0] for _ in range(2)]
    page = create_token("web", "", "", services, now=NOW)[0]

    async def talk(site: Site) -> None:
        async with connect_from("127.0.0.1", site) as client, connect_from("127.0.0.2", site) as neighbour:
            assert (await ask_as_program(client, programs[0])).status_code == 200
            assert (await open_page(client, page)).status_code == 200
            wrong = [await ask(client, f"paperround_web_{n}_x") for n in range(BURST)]
            assert {answer.status_code for answer in wrong[:-2]} <= {401, 403}
            refused = wrong[-1]
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            assert "You have tried a lot of tokens just now; try again in 5 seconds." in refused.text
            elsewhere = {"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.9"}
            assert (await ask_as_program(client, "x", **elsewhere)).status_code == 429
            assert (await ask_as_program(client, programs[1])).status_code == 429
            assert (await ask_as_program(neighbour, programs[1])).status_code == 200
            assert (await ask(neighbour, "x")).status_code in (401, 403)
            # Those that were let in before share the address, as they do behind a proxy.
            assert (await ask_as_program(client, programs[0])).status_code == 200
            assert (await open_page(client, page)).status_code == 200

    serve(services, talk, FairUse(now=lambda: 0.0))


class CountedTokens:
    """The tokens of a store, which counts the calls."""

    def __init__(self, store: Store) -> None:
        self._store, self.count = store, 0

    def authenticate(self, text: str, use: TokenUse, **options: Any) -> AccessToken | None:
        self.count += 1
        return self._store.access_tokens.authenticate(text, use, **options)


def make_gate(store: Store) -> tuple[TokenGate, Any]:
    tokens: Any = CountedTokens(store)
    return TokenGate(tokens, lambda: NOW, FairUse(now=lambda: 0.0)), tokens


def try_token(gate: TokenGate, text: str, use: TokenUse = TokenUse.WEB) -> bool:
    scope = {"client": ("192.0.2.1", 4711)}
    return asyncio.run(gate.authenticate(text, use, scope)) is not None


def create_page_token(store: Store) -> str:
    return store.access_tokens.create(TokenUse.WEB, TokenScope(), label="", by="root", now=NOW)[1]


def test_a_try_beyond_the_limit_does_not_ask_the_store() -> None:
    gate, tokens = make_gate(a_store())
    for _ in range(BURST):
        assert not try_token(gate, "x")
    with pytest.raises(LimitReachedError):
        try_token(gate, "x")
    assert tokens.count == BURST


def test_a_valid_token_takes_one_try_until_it_is_revoked() -> None:
    store = a_store()
    gate, tokens = make_gate(store)
    token = create_page_token(store)
    assert all(try_token(gate, token) for _ in range(2 * BURST))
    store.access_tokens.revoke(1, by="root", now=NOW)
    assert not any(try_token(gate, token) for _ in range(BURST))
    with pytest.raises(LimitReachedError):
        try_token(gate, token)
    assert tokens.count == 3 * BURST, "each time: a revoked token is refused at once"


def test_a_token_is_known_for_its_own_use_alone() -> None:
    store = a_store()
    gate, _ = make_gate(store)
    token = create_page_token(store)
    assert try_token(gate, token)
    assert not any(try_token(gate, token, TokenUse.MCP) for _ in range(BURST - 1))
    with pytest.raises(LimitReachedError):
        try_token(gate, token, TokenUse.MCP)
    assert try_token(gate, token)


def test_the_memory_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_gate, "MAX_PROVEN_TOKENS", 2)
    store = a_store()
    gate, _ = make_gate(store)
    first, second, third = (create_page_token(store) for _ in range(3))
    for token in (first, second, first, third):  # The second is the one not used for longest.
        assert try_token(gate, token)
    assert len(gate._proven) == 2
    assert not try_token(gate, "x")
    assert try_token(gate, first)
    with pytest.raises(LimitReachedError):
        try_token(gate, second)


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.1", 1), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9", 1), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (("", 0), ""),
        (None, ""),
    ],
)
def test_the_addresses_of_one_customer_are_one(client: tuple[str, int] | None, address: str) -> None:
    assert find_peer_address({"client": client}) == address
