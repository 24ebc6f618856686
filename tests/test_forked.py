"""Forked commands: none outlives its test, and none is waited for whose end nobody tells."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.fakes.wire import WAIT_SECONDS
from tests.forked import Forked, ForkError, run_process, start_process

SLEEP = ["-n1", "-r1", "import time; time.sleep(600)"]
"""Arguments of `timeit`: a command that does not end by itself."""


def test_a_command_ends_when_nobody_can_learn_of_its_end(tmp_path: Path) -> None:
    request = {"module": "timeit", "arguments": SLEEP, "cwd": str(tmp_path), "env": {}}
    with Path(os.devnull).open("r+b", 0) as nothing:
        forked = Forked(request, [nothing.fileno()] * 3)
    assert is_running(forked.pid)
    forked.close()
    deadline = time.monotonic() + WAIT_SECONDS
    while is_running(forked.pid):
        assert time.monotonic() < deadline, "it still runs"
        time.sleep(0.01)


def test_a_command_whose_watching_process_is_killed_is_not_waited_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        process = await start_process("timeit", *SLEEP, cwd=tmp_path, env={}, stderr=subprocess.DEVNULL)
        try:
            os.kill(find_parent(process.pid), signal.SIGKILL)
            with pytest.raises(ForkError, match="before its end"):
                await asyncio.wait_for(process.wait(), WAIT_SECONDS)
        finally:
            process.kill()

    asyncio.run(scenario())


def test_a_command_ends_as_in_a_new_python(tmp_path: Path) -> None:
    setup = (
        "import atexit, threading, time, warnings; warnings.simplefilter('always')\n"
        "atexit.register(print, 'at the end')\n"
        "threading.Thread(target=lambda: (time.sleep(0.1), print('in a thread'))).start()\n"
        "circle = [open('/dev/null')]; circle.append(circle); del circle"
    )
    ended = run_process("timeit", "-n1", "-r1", "-s", setup, "print('here')", cwd=tmp_path, env={})
    assert ended.returncode == 0
    assert ended.stdout.index("here") < ended.stdout.index("in a thread") < ended.stdout.index("at the end")
    assert "ResourceWarning: unclosed file" in ended.stderr
    failed = run_process("timeit", "-n1", "-r1", "1 / 0", cwd=tmp_path, env={})
    assert failed.returncode == 1
    assert "ZeroDivisionError" in failed.stderr


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def find_parent(pid: int) -> int:
    found = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, check=True)
    return int(found.stdout)
