"""HTTP client of the sources: limits, retries with backoff, and no way into private networks."""

import asyncio
import itertools
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import IO

import httpx

from digests.errors import SourceError
from digests.sources.http.addresses import DEFAULT_PORTS, describe_address, is_public, origin_of, resolve_host
from digests.sources.http.certificates import create_tls_context
from digests.sources.http.turns import Clock, Pause, ServerTurn, ServerTurns

MAX_REDIRECTS = 5

CHUNK_BYTES = 64 * 1024
"""Bytes decompressed at a time."""

INITIAL_BACKOFF_SECONDS = 10.0
"""Seconds before the first retry if the server sends no Retry-After; doubled for each further retry."""

RETRYABLE_STATUSES = frozenset((429, 500, 502, 503, 504))
"""Statuses after which a request is repeated: the server has a problem that may pass."""

PRIVATE_ADVICE = "Only an address in the settings may lie there."
"""Remedy for an address in a private network."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits of one request.

    `max_bytes` bounds the body, compressed and decompressed. `timeout` is in seconds and bounds one attempt,
    from the connection to the last byte received. `attempts` is the number of tries in
    all, the first one included. `max_wait` is the longest pause before a retry, in seconds.
    """

    max_bytes: int = 64 * 1024**2
    timeout: float = 120
    attempts: int = 4
    max_wait: float = 300


@dataclass(frozen=True, slots=True)
class SourceResponse:
    """A server's response. `body` is empty if it went to a file. `address` is the one after redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str


_NO_TURN = nullcontext(ServerTurn(timedelta()))


@asynccontextmanager
async def open_client(
    contact: str,
    clock: Clock,
    *,
    trusted_addresses: Collection[str] = (),
    proxy: str = "",
    pause: Pause = asyncio.sleep,
    private_advice: str = PRIVATE_ADVICE,
) -> AsyncIterator["SourceClient"]:
    """Open a client with one connection at a time, through `proxy` if given, and close it after the block.

    `trusted_addresses` come from the operator's settings: their origins may lie in a private network.
    `contact` goes into the user agent. `pause` sleeps for a number of seconds. `private_advice` ends the
    sentence about an address in a private network. Proxies named in the environment are not used.
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
        verify=create_tls_context(),
    ) as http:
        yield SourceClient(
            http, clock, frozenset(map(origin_of, trusted_addresses)), pause, private_advice=private_advice
        )


def build_user_agent(contact: str) -> str:
    """Return the user agent: our name, version, and the contact for a server's operator.

    The version is 0 if the package is not installed. Characters of the contact outside ASCII are dropped.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("paperround")
    except PackageNotFoundError:
        number = "0"
    contact = contact.encode("ascii", "ignore").decode()
    return f"paperround/{number} ({contact or 'no contact set'})"


@dataclass(frozen=True, slots=True)
class _RetryableFailure:
    """A failed attempt that is worth a retry. `retry_after` is the server's own delay, in seconds."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class _RequestSpec:
    """Arguments of one request, shared by its attempts and redirects."""

    server: str
    headers: Mapping[str, str]
    limits: RequestLimits
    accepted_statuses: Collection[int]
    turns: ServerTurns | None
    output_file: IO[bytes] | None


@dataclass(frozen=True, slots=True)
class SourceClient:
    """HTTP client for sources.

    An origin in `trusted_origins` is asked as it is. The IP addresses of any other are checked by `may_ask`,
    and the origin is asked only if all pass.
    """

    http: httpx.AsyncClient
    clock: Clock
    trusted_origins: frozenset[str] = frozenset()
    pause: Pause = asyncio.sleep
    resolver: Callable[[str, int], Awaitable[Sequence[str]]] = resolve_host
    may_ask: Callable[[str], bool] = is_public
    private_advice: str = PRIVATE_ADVICE

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
        """Fetch an address, following redirects and retrying with backoff.

        `server` is the name in error messages. The response's status is one of `accepted_statuses`, or 304.
        With `turns`, each request waits for the server's turn, and a failure lengthens the pause after it.
        The body goes to `output_file` if given, which is emptied before each attempt.

        Statuses in `RETRYABLE_STATUSES`, timeouts, lost connections and damaged bodies are retried. Raises
        SourceError when the attempts are used up or the server asks for a longer pause than
        `limits.max_wait`, with the time of the next try; also, at once, for any other status, a body over the
        limit, a redirect from https to http, and an address that is unknown or in a private network.
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
            f"{server} {failure.reason}{tried}; it may be asked again from {retry_at:%H:%M} UTC on.", retry_at
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
        """Build a request to an address, or to a checked IP address of its host if its origin is not trusted.

        The host is not resolved again after the check, so its DNS record cannot change in between. Raises
        SourceError.
        """
        try:
            url = httpx.URL(address)
            address_origin = origin_of(address)
        except (httpx.InvalidURL, ValueError):
            raise _build_address_error(address, spec.server) from None
        if url.scheme not in DEFAULT_PORTS or not url.host:
            raise _build_address_error(address, spec.server)
        if address_origin in self.trusted_origins:
            return self.http.build_request("GET", url, headers=spec.headers)
        ip = await self._resolve_allowed_ip(url, spec.server)
        host = url.netloc.decode("ascii")
        # The connection must not be reused: another host may live at the same IP address.
        headers = {**spec.headers, "Host": host, "Connection": "close"}
        pinned = url.copy_with(host=ip)
        return self.http.build_request("GET", pinned, headers=headers, extensions={"sni_hostname": url.host})

    async def _resolve_allowed_ip(self, url: httpx.URL, server: str) -> str:
        try:
            addresses = await self.resolver(url.host, url.port or DEFAULT_PORTS[url.scheme])
        except (OSError, UnicodeError):
            raise SourceError(
                f"{server}: the host {url.host} is not known; check the address and the network."
            ) from None
        for ip in addresses:
            if not self.may_ask(ip):
                raise SourceError(
                    f"{server} leads to {url.host}, which lies inside a private network ({ip}): "
                    f"it was not asked. {self.private_advice}"
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
                f"{spec.server} {outcome} at {describe_address(address)}: "
                "check the address, or try again later."
            )
        body = await _read_body(response, spec)
        return body if isinstance(body, _RetryableFailure) else SourceResponse(status, headers, body, address)


def _build_address_error(address: str, server: str) -> SourceError:
    """Return the error for a text that is no web address."""
    shown = describe_address(address)
    subject = "The address" if shown == server else f"{server}: {shown}"
    return SourceError(
        f"{subject} is no web address: write one that begins with http:// or https:// and names a host."
    )


def _compute_retry_delay(failure: _RetryableFailure, attempt: int) -> float:
    """Return the server's own delay, else an exponential backoff with jitter, in seconds.

    `attempt` counts from 1.
    """
    if failure.retry_after is not None:
        return failure.retry_after
    return INITIAL_BACKOFF_SECONDS * 2.0 ** (attempt - 1) * random.uniform(1, 1.25)  # noqa: S311


def _parse_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the header Retry-After, a number of seconds or a date, in seconds: at most a day.

    None if it is absent or malformed.
    """
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
        raise SourceError(f"{server} redirects to an invalid address: check its own address.") from None
    if address.startswith("https:") and target.scheme != "https":
        raise SourceError(
            f"{server} redirects from https to {target.scheme or 'nowhere'}: it was not followed."
        )
    return str(target)


async def _read_body(response: httpx.Response, spec: _RequestSpec) -> bytes | _RetryableFailure:
    """Read and decompress the body; return a failure for a damaged or incomplete one.

    The bytes are empty if they went to the output file. Raises SourceError if either form exceeds the limit,
    and for an encoding that was not requested.
    """
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
                        f"{spec.server} answered more than {spec.limits.max_bytes / 1024**2:,.0f} MB: "
                        "it was not read."
                    )
                if spec.output_file:
                    spec.output_file.write(piece)
                else:
                    body += piece
    except zlib.error:
        return _RetryableFailure("sent a body that cannot be decompressed")
    if unpacker and not unpacker.eof:
        return _RetryableFailure("sent an incomplete body")
    return bytes(body)


def _build_decompressor(encoding: str, server: str) -> "zlib._Decompress | None":
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        case unsupported:
            raise SourceError(
                f"{server} answered in the encoding {unsupported[:40]!r}, which was not requested."
            )


def _decompress_chunk(raw: bytes, unpacker: "zlib._Decompress | None") -> Iterator[bytes]:
    """Decompress a chunk in pieces of at most `CHUNK_BYTES`."""
    if unpacker is None:
        yield raw
        return
    while True:
        piece = unpacker.decompress(raw, CHUNK_BYTES)
        yield piece
        raw = unpacker.unconsumed_tail
        if not raw and len(piece) < CHUNK_BYTES:
            return
