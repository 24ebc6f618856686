"""`paperround run` with `[web]`: a real process, tokens made and revoked by others."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bot.cli.main import main
from tests.bot.web.served import HEADERS, PING
from tests.fakes.wire import WAIT_SECONDS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path, port: int) -> Path:
    file = tmp_path / "paperround.toml"
    file.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path / "p.db"}"\n[web]\nenabled = true\nport = {port}\n'
        '[[subscriptions]]\nplatform = "console"\nchannel = "papers"\n'
    )
    return file


@contextmanager
def running(settings: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start the bot, and wait until its port is open."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "--config", str(settings), "run"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr
        for line in process.stderr:
            if "web: http://" in line:
                break
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(port: int, token: str) -> int:
    url, headers = f"http://127.0.0.1:{port}/mcp", {**HEADERS, "Authorization": f"Bearer {token}"}
    with httpx.Client(trust_env=False, timeout=WAIT_SECONDS) as client:
        return client.post(url, json=PING, headers=headers).status_code


def test_tokens_of_another_process_count_at_once(
    settings: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(settings) as process:
        assert main(["--config", str(settings), "token", "create", "mcp", "slack:T1"]) == 0
        token = capsys.readouterr().out.split("\n")[0]
        assert ask(port, token) == 200
        assert main(["--config", str(settings), "token", "revoke", "1"]) == 0
        assert ask(port, token) == 401
        with socket.create_connection(("127.0.0.1", port)) as silent:
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_SECONDS) == 0, "an open connection does not hold the process"
            assert silent.recv(1) == b""


def test_a_missing_library_is_one_sentence_before_anything_is_posted(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bot.web.server.find_spec", lambda name: None if name == "uvicorn" else name)
    assert main(["--config", str(settings), "run"]) == 1
    assert "uvicorn is not installed, which [web] needs" in capsys.readouterr().err
