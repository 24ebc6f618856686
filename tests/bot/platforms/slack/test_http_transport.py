"""Slack's requests over HTTP, from strangers: forged, broken, slow, too many, and again."""

import asyncio
import contextlib
import gc
import gzip
import hashlib
import hmac
import logging
import os
import socket
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console
from slack_sdk.signature import Clock, SignatureVerifier

from bot.platforms.registry import find_settings_models
from bot.platforms.slack import connections, http_transport
from bot.platforms.slack.app import SlackApp
from bot.platforms.slack.connections import MAX_CONNECTION_BYTES
from bot.platforms.slack.http_transport import EVENTS_PATH, MAX_REQUEST_BYTES, HttpTransport
from bot.platforms.slack.session import create_web_client, open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.signatures import MAX_AGE_SECONDS, MAX_REMEMBERED, SignatureChecker
from bot.platforms.slack.transport import build_bolt_app
from bot.platforms.slack.workspaces import SlackWorkspaces
from bot.services import build_apps, build_services
from config.load import load_settings
from tests.builders import NOW
from tests.fakes.slack import FakeSlack
from tests.fakes.wire import WAIT_SECONDS

FORM = "application/x-www-form-urlencoded"
COMMAND = b"command=%2Fpaper&text=kto&user_id=U1&channel_id=C1&team_id=T1"
NEVER = 3600.0
"""Seconds of a limit that no test reaches."""


@dataclass
class Door:
    """A transport on a port of loopback, and the texts of the commands that came through it."""

    transport: HttpTransport
    slack: FakeSlack
    now: list[float]
    received: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    """Errors that the next commands end with."""

    def sign(self, body: bytes, timestamp: str = "") -> dict[str, str]:
        timestamp = timestamp or str(int(self.now[0]))
        signed = b"v0:" + timestamp.encode("latin-1") + b":" + body
        signature = hmac.new(self.slack.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signature}"}

    async def send(
        self, body: bytes, headers: Iterable[tuple[str, str]] = (), *, content_type: str = FORM
    ) -> tuple[int, bytes]:
        """Send raw bytes, so that no client corrects a header, and return status and body of the answer."""
        lines = [f"POST {EVENTS_PATH} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in headers]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
        return await self.send_raw(head.encode("latin-1") + body)

    async def send_signed(self, body: bytes, *, content_type: str = FORM) -> tuple[int, bytes]:
        return await self.send(body, self.sign(body).items(), content_type=content_type)

    async def send_raw(self, request: bytes) -> tuple[int, bytes]:
        reader, writer = await self.open_connection()
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), WAIT_SECONDS)
        writer.close()
        status = int(answer.split(b" ", 2)[1]) if answer else 0
        return status, answer.partition(b"\r\n\r\n")[2]

    async def open_connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.transport.port)

    async def fetch_health(self) -> dict[str, object]:
        url = f"http://127.0.0.1:{self.transport.port}/health"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            health: dict[str, object] = await answer.json()
            return health


@dataclass(slots=True)
class FixedClock(Clock):
    """Clock of slack_sdk that shows the time in a list of one."""

    times: list[float]

    def now(self) -> float:
        return self.times[0]


@asynccontextmanager
async def open_door() -> AsyncIterator[Door]:
    now, stop, is_listening = [NOW.timestamp()], asyncio.Event(), asyncio.Event()
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    async with FakeSlack() as slack, open_session(30) as session:
        settings = SlackSettings(api_base_url=slack.url)
        workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: NOW)
        workspaces.record_identity(replace(workspaces._workspace, team_id=slack.team_id))
        checker = SignatureChecker(slack.signing_secret, lambda: now[0])
        door = Door(HttpTransport("127.0.0.1", port, checker), slack, now)
        client = create_web_client("", settings=settings, session=session)
        app = build_bolt_app(client, workspaces, slack.signing_secret)
        # The app has a clock of its own.
        verification = next(one for one in app._async_middleware_list if hasattr(one, "verifier"))
        verification.verifier.clock = FixedClock(now)  # The default one is shared by all apps of the process.

        async def listen(ack: Callable[[], Awaitable[None]], command: dict[str, str]) -> None:
            if door.failures:
                raise door.failures.pop()
            await ack()
            door.received.append(command["text"])

        app.command("/paper")(listen)

        async def note_connection() -> None:
            is_listening.set()

        await door.transport.start_listening()
        serving = asyncio.create_task(door.transport.serve(app, note_connection, stop))
        await is_listening.wait()
        try:
            yield door
        finally:
            stop.set()
            await serving
            await door.transport.close()


async def poll_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition of the transport, which tells nobody of its connections."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def run_at_door(scenario: Callable[[Door], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_door() as door:
            await scenario(door)

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _limits_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (http_transport, connections):
        monkeypatch.setattr(module, "REQUEST_SECONDS", NEVER)
    monkeypatch.setattr(http_transport, "REFUSALS_LOG_SECONDS", NEVER)


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


UNREADABLE = {
    "bad JSON": (b"{", "application/json"),
    "deep JSON": (b"[" * 100_000, "application/json"),
    "deep JSON in an object": (b'{"a":' * 50_000, "application/json"),
    "JSON in a form": (b"payload={", FORM),
    "deep JSON in a form": (b"payload=" + b"[" * 100_000, FORM),
    "a JSON list": (b"[1]", "application/json"),
    "JSON null": (b"null", "application/json"),
    "a JSON text": (b'"text"', "application/json"),
    "a number too large": (b'{"a":' + b"1" * 5000 + b"}", "application/json"),
    "odd fields": (b'{"authorizations": 1}', "application/json"),
    "odd team": (b'{"team": 5}', "application/json"),
    "unknown charset": (COMMAND, f"{FORM}; charset=klingon"),
    "charset that is no text": (COMMAND, f"{FORM}; charset=zip"),
    "UTF-16": (COMMAND.decode().encode("utf-16"), f"{FORM}; charset=utf-16"),
    "bad UTF-8": (COMMAND + b"&x=\xff\xfe", FORM),
    "gzip": (gzip.compress(COMMAND), FORM),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_signed_request_that_cannot_be_read_gets_400_and_no_line_of_the_log(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(door: Door) -> None:
        body, content_type = UNREADABLE[kind]
        assert await door.send_signed(body, content_type=content_type) == (400, b"")
        assert (await door.send_signed(COMMAND))[0] == 200
        assert door.transport.refused_count == 0

    run_at_door(scenario)
    assert caplog.records == []


@pytest.mark.parametrize("kind", [*UNREADABLE, "a check of TLS", "a challenge", "empty", "a gzip body"])
def test_a_request_without_a_right_signature_gets_401_whatever_it_holds(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    others = {
        "a check of TLS": (b"ssl_check=1&token=x", FORM),
        "a challenge": (b'{"type": "url_verification", "challenge": "c"}', "application/json"),
        "empty": (b"", FORM),
        "a gzip body": (gzip.compress(b"x" * 10_000_000), f"{FORM}\r\nContent-Encoding: gzip"),
    }

    async def scenario(door: Door) -> None:
        body, content_type = UNREADABLE.get(kind) or others[kind]
        assert await door.send(body, content_type=content_type) == (401, b"")
        forged = door.sign(b"another body").items()
        assert await door.send(body, forged, content_type=content_type) == (401, b"")
        assert door.transport.refused_count == 2

    run_at_door(scenario)
    assert [record.getMessage() for record in caplog.records] == [
        "refused 1 request that Slack did not sign (1 in all)"
    ]


ODD_TIMESTAMPS = (
    "nan", "inf", "abc", "", "-", "-1", "+1", "1e9", "0x10", "1.5", "1_0", "9" * 12, "9" * 5000, "0", "²",
    "\u00b2\u00b3", "1\t2", "true",
)  # fmt: skip


@pytest.mark.parametrize("timestamp", ODD_TIMESTAMPS)
def test_an_odd_timestamp_gets_401(timestamp: str, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(door: Door) -> None:
        headers = door.sign(COMMAND, timestamp or " ")
        headers["X-Slack-Request-Timestamp"] = timestamp
        assert (await door.send(COMMAND, headers.items()))[0] == 401
        assert door.received == []

    run_at_door(scenario)
    assert len(caplog.records) == 1


def test_headers_that_are_missing_doubled_or_of_another_form_get_401() -> None:
    async def scenario(door: Door) -> None:
        right = door.sign(COMMAND)
        timestamp, signature = right.items()
        other = door.sign(b"another").items()
        digest = signature[1].removeprefix("v0=")
        wrong: list[list[tuple[str, str]]] = [
            [], [timestamp], [signature], [timestamp, timestamp, signature],
            [timestamp, signature, signature], [*right.items(), *other], [*other, *right.items()],
            *([timestamp, ("X-Slack-Signature", value)] for value in (
                "", "v0=", "v1=" + digest, digest, "v0=" + digest.upper(), "v0=" + digest[:-1],
                "v0=" + digest + "0", "v0=" + "é" * 64, f"{signature[1]}, {signature[1]}",
            )),
        ]  # fmt: skip
        for headers in wrong:
            assert (await door.send(COMMAND, headers))[0] == 401, headers
        assert door.received == []
        assert (await door.send(COMMAND, right.items()))[0] == 200

    run_at_door(scenario)


@pytest.mark.parametrize(
    ("age", "status"), [(MAX_AGE_SECONDS, 200), (MAX_AGE_SECONDS + 1, 401), (-MAX_AGE_SECONDS - 1, 401)]
)
def test_a_signature_holds_for_five_minutes_before_and_after(age: int, status: int) -> None:
    async def scenario(door: Door) -> None:
        headers = door.sign(COMMAND, str(int(door.now[0]) - age))
        assert (await door.send(COMMAND, headers.items()))[0] == status

    run_at_door(scenario)


def test_a_hundred_refused_requests_are_one_line_of_the_log_and_a_number_in_the_health_check(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(door: Door) -> None:
        await asyncio.gather(*(door.send(b"{", content_type="application/json") for _ in range(100)))
        assert await door.fetch_health() == {"ok": True, "refused": 100, "replayed": 0}

    run_at_door(scenario)
    assert len(caplog.records) == 1


def test_the_next_line_of_the_log_counts_the_refused_requests_since_the_last(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(door: Door) -> None:
        for _ in range(5):
            await door.send(b"")
        assert door.transport._log_timer
        door.transport._log_timer.cancel()
        door.transport._log_refusals()

    run_at_door(scenario)
    assert [record.getMessage() for record in caplog.records] == [
        "refused 1 request that Slack did not sign (1 in all)",
        "refused 4 requests that Slack did not sign (5 in all)",
    ]


def test_requests_that_are_no_http_or_for_another_path_get_an_answer_and_no_line_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(door: Door) -> None:
        assert (await door.send_raw(os.urandom(2000) + b"\r\n\r\n"))[0] == 400
        assert (await door.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 404
        assert (await door.send_raw(b"GET /slack/events HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 405
        assert (await door.send_raw(b"POST /health HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 405
        assert (await door.send_raw(b"GET /%ff%00/%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\n"))[0] in (400, 404)
        assert (await door.send_raw(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"))[0] == 400
        many = b"".join(b"X%d: y\r\n" % number for number in range(5000))
        assert (await door.send_raw(b"GET / HTTP/1.1\r\n" + many + b"\r\n"))[0] == 400
        assert door.received == []
        assert door.transport.refused_count in (3, 4)  # What is no HTTP; perhaps the path.

    run_at_door(scenario)
    assert len(caplog.records) == 1


def head_of(door: Door, body: bytes, *lines: str) -> bytes:
    signed = [f"{name}: {value}" for name, value in door.sign(body).items()]
    return "\r\n".join([f"POST {EVENTS_PATH} HTTP/1.1", "Host: x", *signed, *lines, "", ""]).encode()


def test_a_body_over_the_limit_gets_413_with_and_without_its_length() -> None:
    async def scenario(door: Door) -> None:
        with_length = head_of(door, b"", f"Content-Length: {MAX_REQUEST_BYTES + 1}")
        assert (await door.send_raw(with_length))[0] == 413
        endless = head_of(door, b"", "Transfer-Encoding: chunked")
        chunks = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        assert (await door.send_raw(endless + chunks * 17))[0] == 413
        assert door.transport.refused_count == 2
        body = COMMAND + b"&x=" + b"x" * (MAX_REQUEST_BYTES - len(COMMAND) - 3)
        assert (await door.send_signed(body))[0] == 200

    run_at_door(scenario)


def test_a_body_that_does_not_come_gets_408(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(door: Door) -> None:
        monkeypatch.setattr(http_transport, "REQUEST_SECONDS", 0.1)
        assert (await door.send_raw(head_of(door, b"", "Content-Length: 100") + b"x"))[0] == 408
        assert door.transport.refused_count == 1

    run_at_door(scenario)
    assert len(caplog.records) == 1


def test_a_connection_whose_request_does_not_come_is_closed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(door: Door) -> None:
        monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.1)
        assert await door.send_raw(b"") == (0, b"")
        assert door.transport.refused_count == 0  # A check whether the port is open sends nothing.
        assert await door.send_raw(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-") == (0, b"")
        assert door.transport.refused_count == 1

    run_at_door(scenario)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "padding", [b"\r\n" * 10_000, b"0" * 10_000, b"1;" + b"x=y;" * 5_000], ids=["blank", "zeros", "extension"]
)
def test_a_connection_that_sends_bytes_outside_of_heads_and_bodies_is_closed(padding: bytes) -> None:
    async def scenario(door: Door) -> None:
        start = head_of(door, b"", "Transfer-Encoding: chunked")
        reader, writer = await door.open_connection()
        writer.write(b"" if padding.startswith(b"\r") else start)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 50 * MAX_CONNECTION_BYTES:
                writer.write(padding)
                await writer.drain()
                sent += len(padding)
                await asyncio.sleep(0)
        assert sent < 50 * MAX_CONNECTION_BYTES
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), WAIT_SECONDS)
        writer.close()
        await poll_until(lambda: not door.transport._unverified._sizes)
        await poll_until(lambda: door.transport.refused_count == 1)
        assert (await door.send_signed(COMMAND))[0] == 200

    run_at_door(scenario)


def test_a_request_that_is_broken_off_logs_nothing_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(door: Door) -> None:
        starts = (
            head_of(door, b"", "Content-Length: 100") + b"x",
            head_of(door, b"", "Transfer-Encoding: chunked") + b"5\r\nab",
            head_of(door, b"")[:50],
            b"\x16\x03\x01",
        )
        for start in starts:
            for is_reset in (True, False):
                _, writer = await door.open_connection()
                writer.write(start)
                await writer.drain()
                if is_reset:
                    writer.transport.abort()
                else:
                    writer.close()
        assert (await door.send_raw(head_of(door, b"", "Transfer-Encoding: chunked") + b"zz\r\n"))[0] == 400
        await poll_until(lambda: not door.transport._unverified._sizes)
        assert (await door.send_signed(COMMAND))[0] == 200

    run_at_door(scenario)
    assert {record.getMessage()[:9] for record in caplog.records} <= {"refused 1"}


def test_four_hundred_half_requests_do_not_stay_open_and_keep_nobody_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_UNVERIFIED", 256)

    async def scenario(door: Door) -> None:
        halves = []
        for number in range(400):
            reader, writer = await door.open_connection()
            half_body = head_of(door, b"", "Content-Length: 100") + b"x"
            writer.write(half_body if number % 2 else half_body[:60])
            halves.append((reader, writer))
        assert (await door.send_signed(COMMAND))[0] == 200
        assert door.received == ["kto"]
        assert len(door.transport._unverified._sizes) < connections.MAX_UNVERIFIED
        for reader, _ in halves[: len(halves) - connections.MAX_UNVERIFIED]:
            await asyncio.wait_for(reader.read(), WAIT_SECONDS)
        for _, writer in halves:
            writer.close()

    run_at_door(scenario)
    assert len(caplog.records) <= 1


def test_four_hundred_signed_requests_at_once_are_all_served() -> None:
    async def scenario(door: Door) -> None:
        bodies = [COMMAND + b"&trigger_id=%d" % number for number in range(400)]
        answers = await asyncio.gather(*map(door.send_signed, bodies))
        assert [status for status, _ in answers] == [200] * 400
        assert len(door.received) == 400

    run_at_door(scenario)


def test_bodies_that_are_not_verified_have_a_bound_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(door: Door) -> None:
        monkeypatch.setattr(connections, "MAX_UNVERIFIED_BYTES", 250_000)
        opened = []
        for _ in range(3):
            reader, writer = await door.open_connection()
            writer.write(head_of(door, b"", "Content-Length: 1000000") + b"x" * 100_000)
            opened.append((reader, writer))
        assert await asyncio.wait_for(opened[0][0].read(), WAIT_SECONDS) == b""
        assert len(door.transport._unverified._sizes) == 2
        assert (await door.send_signed(COMMAND))[0] == 200
        for _, writer in opened:
            writer.close()

    run_at_door(scenario)


def test_a_connection_that_is_lost_leaves_no_body_in_memory() -> None:
    size = 500_000

    async def scenario(door: Door) -> None:
        for number in range(20):
            _, writer = await door.open_connection()
            writer.write(head_of(door, b"", "Content-Length: 1000000") + b"x" * size)
            await poll_until(lambda: sum(door.transport._unverified._sizes.values()) == size)
            if number == 0:  # What is loaded once is loaded by now.
                tracemalloc.start()
            writer.transport.abort()
            await poll_until(lambda: not door.transport._unverified._sizes)
        assert tracemalloc.get_traced_memory()[0] < 5 * size

    gc.disable()
    try:
        run_at_door(scenario)
    finally:
        tracemalloc.stop()
        gc.enable()


def test_a_request_sent_again_is_answered_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(door: Door) -> None:
        headers = list(door.sign(COMMAND).items())
        answers = await asyncio.gather(*(door.send(COMMAND, headers) for _ in range(20)))
        assert [status for status, _ in answers] == [200] * 20
        assert door.received == ["kto"]
        door.now[0] += MAX_AGE_SECONDS
        assert (await door.send(COMMAND, headers))[0] == 200
        assert (await door.fetch_health())["replayed"] == 20
        door.now[0] += 1
        assert (await door.send(COMMAND, headers))[0] == 401
        assert (await door.send_signed(COMMAND))[0] == 200
        assert door.received == ["kto", "kto"]

    run_at_door(scenario)


def test_a_signature_from_the_future_is_remembered_until_it_is_too_old() -> None:
    async def scenario(door: Door) -> None:
        headers = list(door.sign(COMMAND, str(int(door.now[0]) + MAX_AGE_SECONDS)).items())
        for _ in range(3):
            assert (await door.send(COMMAND, headers))[0] == 200
            door.now[0] += MAX_AGE_SECONDS
        assert door.received == ["kto"]
        door.now[0] += 1
        assert (await door.send(COMMAND, headers))[0] == 401

    run_at_door(scenario)


def test_a_request_that_failed_is_served_when_slack_sends_it_again() -> None:
    async def scenario(door: Door) -> None:
        headers = list(door.sign(COMMAND).items())
        door.failures.append(RuntimeError("the store is away"))
        assert (await door.send(COMMAND, headers))[0] == 500
        assert (await door.send(COMMAND, headers))[0] == 200
        assert door.received == ["kto"]

    run_at_door(scenario)


def test_before_and_after_serving_a_signed_request_gets_503_and_another_401() -> None:
    async def scenario(door: Door) -> None:
        door.transport.refuse_requests()
        headers = list(door.sign(COMMAND).items())
        assert (await door.send(COMMAND, headers))[0] == 503
        assert (await door.send(COMMAND))[0] == 401
        assert door.received == []

    run_at_door(scenario)


def test_the_memory_of_signatures_is_bounded_and_forgets_what_is_too_old() -> None:
    now = [1000.0]
    checker = SignatureChecker("secret", lambda: now[0])

    def remember(number: int, timestamp: int) -> bool:
        request = checker.read_signature([str(timestamp)], [f"v0={number:064}"])
        assert request
        return checker.remember(request)

    assert all(remember(number, 1000) for number in range(MAX_REMEMBERED + 10))
    assert len(checker._remembered) == MAX_REMEMBERED
    assert not remember(MAX_REMEMBERED + 9, 1000)
    now[0] += MAX_AGE_SECONDS + 1
    assert remember(0, 1200)
    assert len(checker._remembered) == 1


@pytest.mark.parametrize("body", [b"", COMMAND, "naïve 👩\u200d🔬\x00".encode(), b"x" * 10_000])
def test_a_signature_is_the_one_that_slacks_library_expects(body: bytes) -> None:
    expected = SignatureVerifier("secret").generate_signature(timestamp="1000", body=body)
    assert expected
    checker = SignatureChecker("secret", lambda: 1000.0)
    request = checker.read_signature(["1000"], [expected])
    assert request
    assert checker.is_signed(body, request)
    assert not checker.is_signed(body + b"x", request)
    assert "secret" not in repr(checker)


@pytest.mark.parametrize(
    ("settings", "variable", "host"),
    [
        ("", "", "127.0.0.1"),
        ("", "0.0.0.0", "0.0.0.0"),
        ('http_host = "127.0.0.1"', "0.0.0.0", "127.0.0.1"),
        ('http_host = "::1"', "", "::1"),
    ],
)
def test_only_this_machine_is_listened_to_unless_the_settings_or_the_container_say_otherwise(
    settings: str, variable: str, host: str, tmp_path: Path
) -> None:
    file = tmp_path / "paperround.toml"
    file.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path / "p.db"}"\n[platforms.slack]\ntransport = "http"\n{settings}\n'
    )
    services = build_services(load_settings(file, {}, find_settings_models()), Console())
    environment = {
        "SLACK_BOT_TOKEN": "xoxb-right",
        "SLACK_SIGNING_SECRET": "s3cret",
        "PAPERROUND_HTTP_HOST": variable,
    }
    (app,) = build_apps(services, environment)
    assert isinstance(app, SlackApp)
    assert app.settings.http_host == host
