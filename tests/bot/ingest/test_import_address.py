"""`paperround import` of addresses: servers that lead elsewhere, never end, or send too much."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bot.cli.main import main
from digests.sources import stream
from digests.store import open_store

RECORD = json.dumps({"arxiv_id": "2402.01306", "title": "A title", "score": 8}).encode()


class Site(ThreadingHTTPServer):
    """A server on loopback that gives each request to `answer`, and keeps its paths and authorizations."""

    def __init__(self, answer: "Callable[[BaseHTTPRequestHandler], None]") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.is_closing = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Authorization", "")))
        self.server.answer(self)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serve(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Site]:
    site = Site(answer)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        site.is_closing.set()
        site.shutdown()
        site.server_close()


def send(handler: BaseHTTPRequestHandler, body: bytes = RECORD, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


class Imports:
    """Runs `paperround import` in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def run(self, *arguments: str) -> tuple[int, str]:
        """Return the exit status, and standard error."""
        status = main(["import", *arguments])
        return status, self.capsys.readouterr().err

    def has_paper(self) -> bool:
        store = open_store(f"sqlite:///{self.folder / 'paperround.db'}")
        try:
            return bool(store.library.get(["2402.01306"]))
        finally:
            store.close()


@pytest.fixture
def imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Imports:
    monkeypatch.chdir(tmp_path)
    return Imports(tmp_path, capsys)


def test_an_address_in_a_private_network_is_imported_only_with_the_option(imports: Imports) -> None:
    with serve(send) as site:
        status, errors = imports.run(f"{site.url}/papers.jsonl")
        assert status == 1
        assert "lies inside a private network" in errors
        assert "If the address is your own, import it with --allow-private." in errors
        assert site.requests == []
        assert imports.run(f"{site.url}/papers.jsonl", "--allow-private") == (0, "")
        assert imports.has_paper()


def test_a_redirect_into_a_private_network_is_not_followed(imports: Imports) -> None:
    with serve(send) as inside:
        with serve(lambda handler: send(handler, b"", 302, Location=f"{inside.url}/secret")) as site:
            status, errors = imports.run("--allow-private", site.url)
        assert status == 1
        assert "lies inside a private network" in errors
        assert inside.requests == []
        assert not imports.has_paper()


def test_a_redirect_on_the_same_server_is_followed(imports: Imports) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        send(handler) if handler.path == "/new" else send(handler, b"", 301, Location="/new")

    with serve(answer) as site:
        assert imports.run("--allow-private", f"{site.url}/old") == (0, "")
        assert imports.has_paper()


def test_redirects_in_a_circle_end(imports: Imports) -> None:
    with serve(lambda handler: send(handler, b"", 302, Location="/again")) as site:
        status, errors = imports.run("--allow-private", site.url)
        assert status == 1
        assert "redirects in a circle" in errors
        assert len(site.requests) < 10


def test_a_body_that_drips_ends_at_the_deadline(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "DOWNLOAD_SECONDS", 0.3)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not site.is_closing.wait(0.05):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    with serve(drip) as site:
        status, errors = imports.run("--allow-private", site.url)
    assert status == 1
    assert "did not answer in full within 0.3 seconds" in errors


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
def test_a_body_over_the_limit_is_not_read(
    coding: str, imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_DOWNLOAD_BYTES", 1024**2)
    body = RECORD + b" " * 2 * 1024**2
    answers = {
        "": lambda handler: send(handler, body),
        "gzip": lambda handler: send(handler, gzip.compress(body), Content_Encoding="gzip"),
        "deflate": lambda handler: send(handler, gzip.compress(body), Content_Encoding="deflate"),
    }
    with serve(answers[coding]) as site:
        status, errors = imports.run("--allow-private", site.url)
    assert status == 1
    assert "answered more than 1 MB" in errors
    assert not imports.has_paper()


def test_a_compressed_file_is_imported_however_its_server_calls_it(imports: Imports) -> None:
    packed = gzip.compress(RECORD)
    with serve(lambda handler: send(handler, packed)) as site:
        assert imports.run("--allow-private", f"{site.url}/papers.jsonl.gz") == (0, "")
    with serve(lambda handler: send(handler, packed, Content_Encoding="gzip")) as site:
        assert imports.run("--allow-private", f"{site.url}/papers.jsonl") == (0, "")
    assert imports.has_paper()


@pytest.mark.parametrize("status", [404, 500, 503, 429])
def test_a_failing_server_is_asked_once_and_is_one_sentence(status: int, imports: Imports) -> None:
    with serve(lambda handler: send(handler, b"<html>\x1b[31m" * 1000, status)) as site:
        assert imports.run("--allow-private", site.url)[0] == 1
        exit_status, errors = imports.run("--allow-private", site.url)
    assert exit_status == 1
    assert f"answered {status}" in errors
    assert errors.count("\n") == 1
    assert len(site.requests) == 2


def test_a_password_in_an_address_is_sent_and_not_shown(imports: Imports) -> None:
    bad = b'{"title": "no id"}'
    with serve(lambda handler: send(handler, bad)) as site:
        address = site.url.replace("//", "//ada:hunter2@")
        status, errors = imports.run("--allow-private", f"{address}/papers.jsonl?token=hunter2")
        assert status == 1
        assert site.requests == [("/papers.jsonl?token=hunter2", "Basic YWRhOmh1bnRlcjI=")]
        assert f"{site.url}/papers.jsonl, line 1" in errors
        assert "hunter2" not in errors
        assert "hunter2" not in imports.run(f"{address}/papers.jsonl")[1]


def test_a_proxy_of_the_environment_gets_nothing(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(send) as proxy, serve(send) as site:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert imports.run("--allow-private", site.url) == (0, "")
        assert proxy.requests == []


@pytest.mark.parametrize(
    "address", ["http://", "https://[", "http://a b/", "http://ada:hunter2/x@host/", "http://host:99999999/"]
)
@pytest.mark.parametrize("options", [(), ("--allow-private",)])
def test_a_text_that_is_no_address_is_one_sentence(
    address: str, options: tuple[str, ...], imports: Imports
) -> None:
    status, errors = imports.run(*options, address)
    assert status == 1
    assert errors.startswith("paperround: ")
    assert errors.count("\n") == 1
    assert "unexpected" not in errors
    assert "hunter2" not in errors
