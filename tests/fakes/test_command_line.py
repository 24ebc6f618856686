"""The fakes as servers to be tried by hand: their help and their ports."""

import importlib
import subprocess
import sys

import pytest

SERVERS = ("slack", "discord", "feeds", "openai_server", "communities")


@pytest.mark.parametrize("name", SERVERS)
def test_a_fake_server_describes_itself(name: str) -> None:
    command = [sys.executable, "-m", f"tests.fakes.{name}", "--help"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0
    assert "usage:" in done.stdout


def test_no_two_fakes_share_a_default_port() -> None:
    ports = [importlib.import_module(f"tests.fakes.{name}").DEFAULT_PORT for name in SERVERS]
    assert len(set(ports)) == len(ports)
