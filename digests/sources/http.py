"""Getting what sources serve: in turn, within limits, and never out of a private network by somebody else's word."""

import asyncio
import ipaddress
import itertools
import random
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import IO

import httpx

from digests.errors import SourceError
from digests.ports import Sources

Clock = Callable[[], datetime]
Pause = Callable[[float], Awaitable[object]]

MOST_REDIRECTS = 5

CHUNK = 64 * 1024
"""Bytes unpacked at a time."""

BACK_OFF = 10.0
"""Seconds before the second try where the server names none; doubled for each further one."""

LOOK_AGAIN = 1.0
"""Seconds after which a turn is asked for again: it may be ended long before its lease is."""

LONGEST_QUEUE = timedelta(minutes=6)
"""A turn that is not free for longer than the longest lease is none to wait for: the server wants a rest."""

TRY_AGAIN_LATER = frozenset((429, 500, 502, 503, 504))


@dataclass(frozen=True, slots=True)
class Limits:
    """`body` is in bytes, packed and unpacked; `seconds` is for one request from its first byte to its last.

    A server that wants to be left alone for longer than `longest_wait` seconds is not waited for.
    """

    body: int = 64 * 1024**2
    seconds: float = 120
    tries: int = 4
    longest_wait: float = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; `body` is empty where it was written into a file."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str


@dataclass(slots=True)
class Turn:
    """The right to ask a server now. `rest` is how long everybody leaves it alone afterwards."""

    rest: timedelta


@dataclass(slots=True)
class Turns:
    """One request at a time to a server, and a gap between them, for all processes over one store together."""

    sources: Sources
    server: str
    owner: str
    gap: timedelta
    clock: Clock
    pause: Pause = asyncio.sleep
    _ours: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def turn(self, lease: timedelta) -> AsyncIterator[Turn]:
        """Waits for the turn. Whoever dies in it loses it when the lease runs out.

        Raises SourceError when the server is to be left alone for longer than one waits for others.
        """
        async with self._ours:
            while free_at := await self._taken(lease):
                if free_at - self.clock() > LONGEST_QUEUE:
                    raise SourceError(
                        f"{self.server} wants to be left alone until {free_at:%H:%M} UTC; not asked before.",
                        free_at,
                    )
                await self.pause(min(LOOK_AGAIN, max(0.0, (free_at - self.clock()).total_seconds())))
            turn = Turn(self.gap)
            try:
                yield turn
            finally:
                await asyncio.to_thread(self._end, turn)

    async def _taken(self, lease: timedelta) -> datetime | None:
        """Whoever is told to stop just while it gets the turn gives it back."""
        taking = asyncio.ensure_future(asyncio.to_thread(self._take, lease))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            if await taking is None:
                await asyncio.to_thread(self._end, Turn(timedelta()))
            raise

    def _take(self, lease: timedelta) -> datetime | None:
        return self.sources.take_turn(self.server, self.owner, now=self.clock(), lease=lease)

    def _end(self, turn: Turn) -> None:
        self.sources.end_turn(self.server, self.owner, free_at=self.clock() + turn.rest)


# Which addresses may be asked.

_NO_GATE = nullcontext(Turn(timedelta()))
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_METADATA = frozenset(("168.63.129.16",))
"""A public address that one cloud answers metadata at; the others' are link-local or private."""


def is_public(address: str) -> bool:
    """Whether an IP address lies in no private, loopback, link-local, multicast or metadata range, however written."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if inner := ip.ipv4_mapped or ip.sixtofour:
            return is_public(str(inner))
        if ip in _TRANSLATED:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.teredo:
            return False
    return ip.is_global and not ip.is_multicast and address not in _METADATA


async def resolve(host: str, port: int) -> Sequence[str]:
    """The IP addresses of a host, those of IPv4 first."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    in_order = sorted(found, key=lambda one: one[0] != socket.AF_INET)
    return list(dict.fromkeys(str(place[0]) for *_, place in in_order))


def origin(address: str) -> str:
    """Scheme, host and port of an address."""
    url = httpx.URL(address)
    return f"{url.scheme}://{url.host}:{url.port or _PORTS.get(url.scheme, 0)}"


_PORTS = {"http": 80, "https": 443}


@asynccontextmanager
async def open_client(
    contact: str,
    clock: Clock,
    *,
    trusted: Collection[str] = (),
    proxy: str = "",
    pause: Pause = asyncio.sleep,
) -> AsyncIterator["Client"]:
    """A client over one connection at a time, through an HTTP proxy where one is given.

    `trusted` addresses are the operator's: their origins may be private.
    """
    limits = httpx.Limits(max_connections=1, keepalive_expiry=10)
    headers = {"User-Agent": user_agent(contact), "Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(
        headers=headers,
        limits=limits,
        follow_redirects=False,
        trust_env=False,
        timeout=30,
        proxy=proxy or None,
    ) as http:
        yield Client(http, clock, frozenset(map(origin, trusted)), pause)


def user_agent(contact: str) -> str:
    """Who asks, and whom a server's operator may write to."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("paperround")
    except PackageNotFoundError:
        number = "0"
    contact = contact.encode("ascii", "ignore").decode()
    return f"paperround/{number} ({contact or 'no contact set'})"


@dataclass(frozen=True, slots=True)
class _Refused:
    """A try that may go better later; `wait` is what the server asked for, in seconds."""

    reason: str
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question, as all its tries and redirects need it."""

    server: str
    headers: Mapping[str, str]
    limits: Limits
    takes: Collection[int]
    turns: Turns | None
    into: IO[bytes] | None


@dataclass(frozen=True, slots=True)
class Client:
    """Gets what is at an address. `may_ask` judges the IP addresses of every origin that is not trusted."""

    http: httpx.AsyncClient
    clock: Clock
    trusted: frozenset[str] = frozenset()
    pause: Pause = asyncio.sleep
    resolve: Callable[[str, int], Awaitable[Sequence[str]]] = resolve
    may_ask: Callable[[str], bool] = is_public

    async def get(
        self,
        address: str,
        server: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        takes: Collection[int] = (200,),
        turns: Turns | None = None,
        into: IO[bytes] | None = None,
    ) -> Answer:
        """The answer at an address, after redirects and several tries; its status is one that the caller `takes`.

        `server` is its name for people. The body goes into a file where one is given. Raises SourceError.
        """
        asked = _Asked(server, headers or {}, limits or Limits(), takes, turns, into)
        for attempt in itertools.count(1):
            answer = await self._follow(address, asked, attempt)
            if isinstance(answer, Answer):
                return answer
            wait = _wait(answer, attempt)
            if attempt >= asked.limits.tries or wait > asked.limits.longest_wait:
                raise self._given_up(server, answer, attempt, wait)
            if not turns:
                await self.pause(wait)
        raise AssertionError("unreachable")

    def _given_up(self, server: str, refused: _Refused, attempts: int, wait: float) -> SourceError:
        retry_at = self.clock() + timedelta(seconds=wait)
        tried = f" {attempts} times" if attempts > 1 else ""
        return SourceError(
            f"{server} {refused.reason}{tried}; next try not before {retry_at:%H:%M} UTC.", retry_at
        )

    async def _follow(self, address: str, asked: _Asked, attempt: int) -> Answer | _Refused:
        lease = timedelta(seconds=asked.limits.seconds + 30)
        for _ in range(MOST_REDIRECTS + 1):
            request = await self._request(address, asked)
            gate: AbstractAsyncContextManager[Turn] = asked.turns.turn(lease) if asked.turns else _NO_GATE
            async with gate as turn:
                answer = await self._ask(request, address, asked)
                if isinstance(answer, _Refused):
                    turn.rest = max(turn.rest, timedelta(seconds=_wait(answer, attempt)))
            if isinstance(answer, _Refused) or not (300 <= answer.status < 400 and answer.status != 304):
                return answer
            address = _redirect(address, answer, asked.server)
        raise SourceError(
            f"{asked.server} redirects in a circle, or more than {MOST_REDIRECTS} times: check its address."
        )

    async def _request(self, address: str, asked: _Asked) -> httpx.Request:
        """To the address itself where the operator named its origin, else to an IP address of it that was judged."""
        try:
            url = httpx.URL(address)
            at = origin(address)
        except (httpx.InvalidURL, ValueError):
            raise SourceError(
                f"{asked.server} cannot be asked at {address[:200]!r}: no web address."
            ) from None
        if url.scheme not in _PORTS or not url.host:
            raise SourceError(f"{asked.server} cannot be asked at {address[:200]!r}: no web address.")
        if at in self.trusted:
            return self.http.build_request("GET", url, headers=asked.headers)
        ip = await self._judged(url, asked.server)
        host = url.netloc.decode("ascii")
        # The connection is not used again: another host may live at the same IP address.
        headers = {**asked.headers, "Host": host, "Connection": "close"}
        pinned = url.copy_with(host=ip)
        return self.http.build_request("GET", pinned, headers=headers, extensions={"sni_hostname": url.host})

    async def _judged(self, url: httpx.URL, server: str) -> str:
        try:
            found = await self.resolve(url.host, url.port or _PORTS[url.scheme])
        except (OSError, UnicodeError):
            raise SourceError(
                f"{server}: the host {url.host} is not known; check the address and the network."
            ) from None
        for ip in found:
            if not self.may_ask(ip):
                raise SourceError(
                    f"{server} leads to {url.host}, which lies inside a private network ({ip}): it was not asked. "
                    "Only an address in the settings may lie there."
                )
        return found[0]

    async def _ask(self, request: httpx.Request, address: str, asked: _Asked) -> Answer | _Refused:
        limits = asked.limits
        try:
            async with asyncio.timeout(limits.seconds):
                response = await self.http.send(request, stream=True)
                try:
                    return await self._answer(response, address, asked)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException):
            return _Refused(f"did not answer in full within {limits.seconds:g} seconds")
        except httpx.HTTPError as error:
            return _Refused(f"could not be read ({str(error) or type(error).__name__})")

    async def _answer(self, response: httpx.Response, address: str, asked: _Asked) -> Answer | _Refused:
        status = response.status_code
        headers = dict(response.headers)
        if 300 <= status < 400:
            return Answer(status, headers, b"", address)
        said = f"answered {status} {response.reason_phrase}".strip()
        if status not in asked.takes and status in TRY_AGAIN_LATER:
            return _Refused(said, _retry_after(headers, self.clock()))
        if status not in asked.takes:
            raise SourceError(
                f"{asked.server} {said} at {address[:200]}: check the address, or try again later."
            )
        body = await _body(response, asked)
        return body if isinstance(body, _Refused) else Answer(status, headers, body, address)


def _wait(refused: _Refused, attempt: int) -> float:
    """What the server asked for, or longer each time; never in step with others."""
    if refused.wait is not None:
        return refused.wait
    return BACK_OFF * 2.0 ** (attempt - 1) * random.uniform(1, 1.25)  # noqa: S311


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds, from either form of the header; None where it says nothing of use."""
    said = headers.get("retry-after", "").strip()
    if said.isdecimal():
        return float(min(int(said[:9]), 86_400))
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), 86_400.0)


def _redirect(address: str, answer: Answer, server: str) -> str:
    try:
        there = httpx.URL(address).join(answer.headers.get("location", ""))
    except (httpx.InvalidURL, ValueError):
        raise SourceError(f"{server} redirects to what is no address: check its address.") from None
    if address.startswith("https:") and there.scheme != "https":
        raise SourceError(
            f"{server} redirects from https to {there.scheme or 'nowhere'}: it was not followed."
        )
    return str(there)


async def _body(response: httpx.Response, asked: _Asked) -> bytes | _Refused:
    """The body, unpacked; neither form of it may be longer than the limit."""
    unpacker = _unpacker(response.headers.get("content-encoding", ""), asked.server)
    received = unpacked = 0
    body = bytearray()
    if asked.into:
        asked.into.seek(0)
        asked.into.truncate()
    try:
        async for raw in response.aiter_raw(CHUNK):
            received += len(raw)
            for piece in _pieces(raw, unpacker):
                unpacked += len(piece)
                if max(received, unpacked) > asked.limits.body:
                    raise SourceError(
                        f"{asked.server} answered more than {asked.limits.body / 1024**2:,.0f} MB: it was not read."
                    )
                if asked.into:
                    asked.into.write(piece)
                else:
                    body += piece
    except zlib.error:
        return _Refused("answered what cannot be unpacked")
    if unpacker and not unpacker.eof:
        return _Refused("answered only a part")
    return bytes(body)


def _unpacker(encoding: str, server: str) -> "zlib._Decompress | None":
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        case other:
            raise SourceError(f"{server} answered in the encoding {other[:40]!r}, which nobody asked for.")


def _pieces(raw: bytes, unpacker: "zlib._Decompress | None") -> Iterator[bytes]:
    """What the bytes unpack to, never much at once."""
    if unpacker is None:
        yield raw
        return
    while True:
        piece = unpacker.decompress(raw, CHUNK)
        yield piece
        raw = unpacker.unconsumed_tail
        if not raw and len(piece) < CHUNK:
            return
