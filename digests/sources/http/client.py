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
from digests.ports.sources import Sources

Clock = Callable[[], datetime]
Pause = Callable[[float], Awaitable[object]]

MAX_REDIRECTS = 5

CHUNK_BYTES = 64 * 1024
"""Bytes unpacked at a time."""

INITIAL_BACKOFF_SECONDS = 10.0
"""Seconds before the second try where the server names none; doubled for each further one."""

POLL_SECONDS = 1.0
"""Seconds after which a turn is asked for again: it may be ended long before its lease is."""

MAX_TURN_WAIT = timedelta(minutes=6)
"""A turn that is not free for longer than the longest lease is none to wait for: the server wants a rest."""

RETRYABLE_STATUSES = frozenset((429, 500, 502, 503, 504))


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """`body` is in bytes, packed and unpacked; `seconds` is for one request from its first byte to its last.

    A server that wants to be left alone for longer than `longest_wait` seconds is not waited for.
    """

    max_bytes: int = 64 * 1024**2
    timeout: float = 120
    attempts: int = 4
    max_wait: float = 300


@dataclass(frozen=True, slots=True)
class SourceResponse:
    """What a server said; `body` is empty where it was written into a file."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str


@dataclass(slots=True)
class ServerTurn:
    """The right to ask a server now. `rest` is how long everybody leaves it alone afterwards."""

    cooldown: timedelta


@dataclass(slots=True)
class ServerTurns:
    """One request at a time to a server, and a gap between them, for all processes over one store together."""

    sources: Sources
    server: str
    owner: str
    gap: timedelta
    clock: Clock
    pause: Pause = asyncio.sleep
    _local_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def acquire(self, lease: timedelta) -> AsyncIterator[ServerTurn]:
        """Waits for the turn. Whoever dies in it loses it when the lease runs out.

        Raises SourceError when the server is to be left alone for longer than one waits for others.
        """
        async with self._local_lock:
            while free_at := await self._take_turn_shielded(lease):
                if free_at - self.clock() > MAX_TURN_WAIT:
                    raise SourceError(
                        f"{self.server} wants to be left alone until {free_at:%H:%M} UTC; not asked before.",
                        free_at,
                    )
                await self.pause(min(POLL_SECONDS, max(0.0, (free_at - self.clock()).total_seconds())))
            turn = ServerTurn(self.gap)
            try:
                yield turn
            finally:
                await asyncio.to_thread(self._end_turn, turn)

    async def _take_turn_shielded(self, lease: timedelta) -> datetime | None:
        """Whoever is told to stop just while it gets the turn gives it back."""
        taking = asyncio.ensure_future(asyncio.to_thread(self._take_turn, lease))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            if await taking is None:
                await asyncio.to_thread(self._end_turn, ServerTurn(timedelta()))
            raise

    def _take_turn(self, lease: timedelta) -> datetime | None:
        return self.sources.take_turn(self.server, self.owner, now=self.clock(), lease=lease)

    def _end_turn(self, turn: ServerTurn) -> None:
        self.sources.end_turn(self.server, self.owner, free_at=self.clock() + turn.cooldown)


# Which addresses may be asked.

_NO_TURN = nullcontext(ServerTurn(timedelta()))
_NAT64_NETWORK = ipaddress.ip_network("64:ff9b::/96")
_METADATA_ADDRESSES = frozenset(("168.63.129.16",))
"""A public address that one cloud answers metadata at; the others' are link-local or private."""


def is_public(address: str) -> bool:
    """Whether an IP address lies in no private, loopback, link-local, multicast or metadata range, however written."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if inner := ip.ipv4_mapped or ip.sixtofour:
            return is_public(str(inner))
        if ip in _NAT64_NETWORK:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.teredo:
            return False
    return ip.is_global and not ip.is_multicast and address not in _METADATA_ADDRESSES


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """The IP addresses of a host, those of IPv4 first."""
    results = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    in_order = sorted(results, key=lambda one: one[0] != socket.AF_INET)
    return list(dict.fromkeys(str(place[0]) for *_, place in in_order))


def origin_of(address: str) -> str:
    """Scheme, host and port of an address."""
    url = httpx.URL(address)
    return f"{url.scheme}://{url.host}:{url.port or _DEFAULT_PORTS.get(url.scheme, 0)}"


_DEFAULT_PORTS = {"http": 80, "https": 443}


@asynccontextmanager
async def open_client(
    contact: str,
    clock: Clock,
    *,
    trusted_addresses: Collection[str] = (),
    proxy: str = "",
    pause: Pause = asyncio.sleep,
) -> AsyncIterator["SourceClient"]:
    """A client over one connection at a time, through an HTTP proxy where one is given.

    `trusted` addresses are the operator's: their origins may be private.
    """
    limits = httpx.Limits(max_connections=1, keepalive_expiry=10)
    headers = {"User-Agent": build_user_agent(contact), "Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(
        headers=headers,
        limits=limits,
        follow_redirects=False,
        trust_env=False,
        timeout=30,
        proxy=proxy or None,
    ) as http:
        yield SourceClient(http, clock, frozenset(map(origin_of, trusted_addresses)), pause)


def build_user_agent(contact: str) -> str:
    """Who asks, and whom a server's operator may write to."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("paperround")
    except PackageNotFoundError:
        number = "0"
    contact = contact.encode("ascii", "ignore").decode()
    return f"paperround/{number} ({contact or 'no contact set'})"


@dataclass(frozen=True, slots=True)
class _RetryableFailure:
    """A try that may go better later; `wait` is what the server asked for, in seconds."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class _RequestSpec:
    """One question, as all its tries and redirects need it."""

    server: str
    headers: Mapping[str, str]
    limits: RequestLimits
    accepted_statuses: Collection[int]
    turns: ServerTurns | None
    output_file: IO[bytes] | None


@dataclass(frozen=True, slots=True)
class SourceClient:
    """Gets what is at an address. `may_ask` judges the IP addresses of every origin that is not trusted."""

    http: httpx.AsyncClient
    clock: Clock
    trusted_origins: frozenset[str] = frozenset()
    pause: Pause = asyncio.sleep
    resolver: Callable[[str, int], Awaitable[Sequence[str]]] = resolve_host
    may_ask: Callable[[str], bool] = is_public

    async def get(
        self,
        address: str,
        server: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: RequestLimits | None = None,
        accepted_statuses: Collection[int] = (200,),
        turns: ServerTurns | None = None,
        output_file: IO[bytes] | None = None,
    ) -> SourceResponse:
        """The answer at an address, after redirects and several tries; its status is one that the caller `takes`.

        `server` is its name for people. The body goes into a file where one is given. Raises SourceError.
        """
        spec = _RequestSpec(
            server, headers or {}, limits or RequestLimits(), accepted_statuses, turns, output_file
        )
        for attempt in itertools.count(1):
            answer = await self._follow_redirects(address, spec, attempt)
            if isinstance(answer, SourceResponse):
                return answer
            wait = _compute_retry_delay(answer, attempt)
            if attempt >= spec.limits.attempts or wait > spec.limits.max_wait:
                raise self._build_exhausted_error(server, answer, attempt, wait)
            if not turns:
                await self.pause(wait)
        raise AssertionError("unreachable")

    def _build_exhausted_error(
        self, server: str, failure: _RetryableFailure, attempts: int, wait: float
    ) -> SourceError:
        retry_at = self.clock() + timedelta(seconds=wait)
        tried = f" {attempts} times" if attempts > 1 else ""
        return SourceError(
            f"{server} {failure.reason}{tried}; next try not before {retry_at:%H:%M} UTC.", retry_at
        )

    async def _follow_redirects(
        self, address: str, spec: _RequestSpec, attempt: int
    ) -> SourceResponse | _RetryableFailure:
        lease = timedelta(seconds=spec.limits.timeout + 30)
        for _ in range(MAX_REDIRECTS + 1):
            request = await self._build_request(address, spec)
            gate: AbstractAsyncContextManager[ServerTurn] = (
                spec.turns.acquire(lease) if spec.turns else _NO_TURN
            )
            async with gate as turn:
                answer = await self._send_request(request, address, spec)
                if isinstance(answer, _RetryableFailure):
                    turn.cooldown = max(
                        turn.cooldown, timedelta(seconds=_compute_retry_delay(answer, attempt))
                    )
            if isinstance(answer, _RetryableFailure) or not (
                300 <= answer.status < 400 and answer.status != 304
            ):
                return answer
            address = _resolve_redirect(address, answer, spec.server)
        raise SourceError(
            f"{spec.server} redirects in a circle, or more than {MAX_REDIRECTS} times: check its address."
        )

    async def _build_request(self, address: str, spec: _RequestSpec) -> httpx.Request:
        """To the address itself where the operator named its origin, else to an IP address of it that was judged."""
        try:
            url = httpx.URL(address)
            address_origin = origin_of(address)
        except (httpx.InvalidURL, ValueError):
            raise SourceError(
                f"{spec.server} cannot be asked at {address[:200]!r}: no web address."
            ) from None
        if url.scheme not in _DEFAULT_PORTS or not url.host:
            raise SourceError(f"{spec.server} cannot be asked at {address[:200]!r}: no web address.")
        if address_origin in self.trusted_origins:
            return self.http.build_request("GET", url, headers=spec.headers)
        ip = await self._resolve_allowed_ip(url, spec.server)
        host = url.netloc.decode("ascii")
        # The connection is not used again: another host may live at the same IP address.
        headers = {**spec.headers, "Host": host, "Connection": "close"}
        pinned = url.copy_with(host=ip)
        return self.http.build_request("GET", pinned, headers=headers, extensions={"sni_hostname": url.host})

    async def _resolve_allowed_ip(self, url: httpx.URL, server: str) -> str:
        try:
            addresses = await self.resolver(url.host, url.port or _DEFAULT_PORTS[url.scheme])
        except (OSError, UnicodeError):
            raise SourceError(
                f"{server}: the host {url.host} is not known; check the address and the network."
            ) from None
        for ip in addresses:
            if not self.may_ask(ip):
                raise SourceError(
                    f"{server} leads to {url.host}, which lies inside a private network ({ip}): it was not asked. "
                    "Only an address in the settings may lie there."
                )
        return addresses[0]

    async def _send_request(
        self, request: httpx.Request, address: str, spec: _RequestSpec
    ) -> SourceResponse | _RetryableFailure:
        limits = spec.limits
        try:
            async with asyncio.timeout(limits.timeout):
                response = await self.http.send(request, stream=True)
                try:
                    return await self._read_response(response, address, spec)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException):
            return _RetryableFailure(f"did not answer in full within {limits.timeout:g} seconds")
        except httpx.HTTPError as error:
            return _RetryableFailure(f"could not be read ({str(error) or type(error).__name__})")

    async def _read_response(
        self, response: httpx.Response, address: str, spec: _RequestSpec
    ) -> SourceResponse | _RetryableFailure:
        status = response.status_code
        headers = dict(response.headers)
        if 300 <= status < 400:
            return SourceResponse(status, headers, b"", address)
        outcome = f"answered {status} {response.reason_phrase}".strip()
        if status not in spec.accepted_statuses and status in RETRYABLE_STATUSES:
            return _RetryableFailure(outcome, _parse_retry_after(headers, self.clock()))
        if status not in spec.accepted_statuses:
            raise SourceError(
                f"{spec.server} {outcome} at {address[:200]}: check the address, or try again later."
            )
        body = await _read_body(response, spec)
        return body if isinstance(body, _RetryableFailure) else SourceResponse(status, headers, body, address)


def _compute_retry_delay(failure: _RetryableFailure, attempt: int) -> float:
    """What the server asked for, or longer each time; never in step with others."""
    if failure.retry_after is not None:
        return failure.retry_after
    return INITIAL_BACKOFF_SECONDS * 2.0 ** (attempt - 1) * random.uniform(1, 1.25)  # noqa: S311


def _parse_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds, from either form of the header; None where it says nothing of use."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(min(int(value[:9]), 86_400))
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), 86_400.0)


def _resolve_redirect(address: str, answer: SourceResponse, server: str) -> str:
    try:
        target = httpx.URL(address).join(answer.headers.get("location", ""))
    except (httpx.InvalidURL, ValueError):
        raise SourceError(f"{server} redirects to what is no address: check its address.") from None
    if address.startswith("https:") and target.scheme != "https":
        raise SourceError(
            f"{server} redirects from https to {target.scheme or 'nowhere'}: it was not followed."
        )
    return str(target)


async def _read_body(response: httpx.Response, spec: _RequestSpec) -> bytes | _RetryableFailure:
    """The body, unpacked; neither form of it may be longer than the limit."""
    unpacker = _build_decompressor(response.headers.get("content-encoding", ""), spec.server)
    received = unpacked = 0
    body = bytearray()
    if spec.output_file:
        spec.output_file.seek(0)
        spec.output_file.truncate()
    try:
        async for raw in response.aiter_raw(CHUNK_BYTES):
            received += len(raw)
            for piece in _decompress_chunk(raw, unpacker):
                unpacked += len(piece)
                if max(received, unpacked) > spec.limits.max_bytes:
                    raise SourceError(
                        f"{spec.server} answered more than {spec.limits.max_bytes / 1024**2:,.0f} MB: it was not read."
                    )
                if spec.output_file:
                    spec.output_file.write(piece)
                else:
                    body += piece
    except zlib.error:
        return _RetryableFailure("answered what cannot be unpacked")
    if unpacker and not unpacker.eof:
        return _RetryableFailure("answered only a part")
    return bytes(body)


def _build_decompressor(encoding: str, server: str) -> "zlib._Decompress | None":
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        case unsupported:
            raise SourceError(
                f"{server} answered in the encoding {unsupported[:40]!r}, which nobody asked for."
            )


def _decompress_chunk(raw: bytes, unpacker: "zlib._Decompress | None") -> Iterator[bytes]:
    """What the bytes unpack to, never much at once."""
    if unpacker is None:
        yield raw
        return
    while True:
        piece = unpacker.decompress(raw, CHUNK_BYTES)
        yield piece
        raw = unpacker.unconsumed_tail
        if not raw and len(piece) < CHUNK_BYTES:
            return
