"""Command lines as processes that are forked from one which has imported everything.

A new Python takes a second or two of CPU time to import the platforms' libraries, a fork some milliseconds.
The forked process is one of its own all the same: it has its arguments, environment, folder, files and
signals, and runs the module as `python -m MODULE` does.

Outside of pytest, such as in benchmarks, a new Python is started: a fork has the memory of all platforms.
Some tests do so too: those of encodings, of imports, and of the commands in the documentation.

`python -m tests.forked FILE` serves the requests of the socket with this file number. With `--shared` it
listens there, and serves each process that connects: all workers of a run share its imports.
"""

import asyncio
import atexit
import gc
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from tests.fakes.wire import WAIT_SECONDS
from tests.store_template import build_file_template, copy_new_stores

ROOT = Path(__file__).parents[1]

LIBRARIES = (
    "aiohttp.web",
    "alembic.command",
    "apscheduler.schedulers.asyncio",
    "discord",
    "slack_bolt.adapter.socket_mode.aiohttp",
    "slack_bolt.async_app",
    "slack_sdk.web.async_client",
)
"""Libraries that commands import when they run."""

UNPREPARED = ("bot.__main__", "bot.cli.agreement_plot", "digests.store.migrations")
"""Modules that are run and not imported, or that need another library."""

SHARED_VARIABLE = "PYTEST_SHARED_FORKER"
"""Variable with the path of the socket of the process that forks for all workers of a run."""

Json = dict[str, Any]


class ForkError(Exception):
    """A process of this module ended before the command that it is there for."""


class Forked:
    """A forked process. Its standard files are those that the request named."""

    def __init__(self, request: Json, files: Sequence[int]) -> None:
        """Start the process; `files` become its standard input, output and error."""
        self.returncode: int | None = None
        reading, writing = os.pipe()
        try:
            _open_forker().send(request, [*files, writing])
        finally:
            os.close(writing)
        self._statuses = os.fdopen(reading, "rb")
        self.pid = self._read_number("its start")

    def wait_for_end(self) -> int:
        """Wait until the process has ended, and return its status, which is negative after a signal."""
        if self.returncode is None:
            self.returncode = self._read_number("its end")
            self.close()
        return self.returncode

    def close(self) -> None:
        """Close the pipe that tells of the end: a process that still runs is killed."""
        self._statuses.close()

    def _read_number(self, event: str) -> int:
        """Read a line of the watching process. Raises ForkError if there is none."""
        line = self._statuses.readline()
        if not line:
            self.close()
            raise ForkError(f"the process that watches a forked command ended before {event}")
        return int(line)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class ForkedProcess:
    """A forked process for a scenario, like one of `asyncio.subprocess`."""

    def __init__(
        self, forked: Forked, stdout: asyncio.StreamReader | None, stderr: asyncio.StreamReader | None
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self._forked = forked
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        threading.Thread(target=self._watch, args=[asyncio.get_running_loop()], daemon=True).start()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        end: int | ForkError
        try:
            end = self._forked.wait_for_end()
        except ForkError as error:
            end = error
        with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(self._set_end, end)

    def _set_end(self, end: int | ForkError) -> None:
        if self._end.done():
            return
        if isinstance(end, ForkError):
            self._end.set_exception(end)
        else:
            self._end.set_result(end)

    @property
    def pid(self) -> int:
        return self._forked.pid

    @property
    def returncode(self) -> int | None:
        return self._end.result() if self._end.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._end)

    def send_signal(self, number: int) -> None:
        self._forked.send_signal(number)

    def kill(self) -> None:
        self._forked.send_signal(signal.SIGKILL)

    async def communicate(self) -> tuple[bytes, bytes]:
        """Wait for the end and return the outputs; the second one is empty if it is in the first."""
        outputs = [stream.read() if stream else _read_nothing() for stream in (self.stdout, self.stderr)]
        out, errors = await asyncio.gather(*outputs)
        await self.wait()
        return out, errors


async def _read_nothing() -> bytes:
    return b""


StartedProcess = ForkedProcess | asyncio.subprocess.Process


async def start_process(
    module: str,
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
) -> StartedProcess:
    """Start `python -m MODULE ARGUMENTS`. An output is DEVNULL or PIPE, the second one also STDOUT."""
    if "PYTEST_CURRENT_TEST" not in os.environ:
        return await start_python(module, *arguments, cwd=cwd, env=env, stdout=stdout, stderr=stderr)
    request = _build_request(module, arguments, cwd, env)
    with Path(os.devnull).open("r+b", 0) as nothing:  # noqa: ASYNC230 - it never waits.
        out, out_end = await _open_output(stdout, nothing.fileno())
        errors, errors_end = (None, out_end)
        if stderr != subprocess.STDOUT:
            errors, errors_end = await _open_output(stderr, nothing.fileno())
        try:
            forked = await asyncio.to_thread(Forked, request, [nothing.fileno(), out_end, errors_end])
        finally:
            for end in {out_end, errors_end} - {nothing.fileno()}:
                os.close(end)
    return ForkedProcess(forked, out, errors)


async def start_python(
    module: str,
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
) -> asyncio.subprocess.Process:
    """Start `python -m MODULE ARGUMENTS` in a new Python, as `start_process` does outside of pytest."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=cwd, env={**env, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
    )  # fmt: skip


async def _open_output(kind: int, nothing: int) -> tuple[asyncio.StreamReader | None, int]:
    """Return the reader of a pipe and the file that the process writes to."""
    if kind == subprocess.DEVNULL:
        return None, nothing
    reading, writing = os.pipe()
    reader = asyncio.StreamReader(limit=2**20)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(reading, "rb", 0))
    return reader, writing


def run_process(
    module: str, *arguments: str, cwd: Path, env: Mapping[str, str], given: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run `python -m MODULE ARGUMENTS` to its end. `given` is its standard input, by default none."""
    with _open_text() as stdin, _open_text() as out, _open_text() as errors:
        stdin.write(given or "")
        stdin.seek(0)
        forked = Forked(
            _build_request(module, arguments, cwd, env), [file.fileno() for file in (stdin, out, errors)]
        )
        kill = threading.Timer(WAIT_SECONDS, forked.send_signal, [signal.SIGKILL])
        kill.daemon = True
        kill.start()
        try:
            status = forked.wait_for_end()
        finally:
            kill.cancel()
        for file in (out, errors):
            file.seek(0)
        return subprocess.CompletedProcess([module, *arguments], status, out.read(), errors.read())


def _open_text() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


def _build_request(module: str, arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Json:
    return {"module": module, "arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}


@contextmanager
def share_forker() -> Iterator[None]:
    """Let processes that are started in the block share one that forks. It imports nothing until one asks."""
    with tempfile.TemporaryDirectory(prefix="paperround-forker-") as folder:
        with socket.socket(socket.AF_UNIX) as listener:
            os.environ[SHARED_VARIABLE] = f"{folder}/socket"
            listener.bind(f"{folder}/socket")
            listener.listen()
            process = _start_forker(listener, "--shared", stdin=subprocess.PIPE)
        try:
            yield
        finally:
            del os.environ[SHARED_VARIABLE]
            process.communicate()


def _start_forker(requests: socket.socket, *options: str, stdin: int) -> "subprocess.Popen[bytes]":
    number = requests.fileno()
    return subprocess.Popen(
        [sys.executable, "-m", "tests.forked", str(number), *options], cwd=ROOT, pass_fds=[number],
        stdin=stdin, stdout=subprocess.DEVNULL,
    )  # fmt: skip


class _Forker:
    """The process that forks, and the socket of its requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        if shared := os.environ.get(SHARED_VARIABLE):
            self._requests = socket.socket(socket.AF_UNIX)
            self._requests.connect(shared)
            return
        self._requests, theirs = socket.socketpair()
        with theirs:
            self._process = _start_forker(theirs, stdin=subprocess.DEVNULL)

    def send(self, request: Json, files: Sequence[int]) -> None:
        body = json.dumps(request).encode()
        with self._lock:
            socket.send_fds(self._requests, [len(body).to_bytes(4, "big")], files)
            self._requests.sendall(body)

    def close(self) -> None:
        self._requests.close()
        if not self._process:
            return
        try:
            self._process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


@cache
def _open_forker() -> _Forker:
    forker = _Forker()
    atexit.register(forker.close)
    return forker


def import_everything() -> None:
    """Import the modules of the product and what they import when they run."""
    for name in LIBRARIES:
        import_module(name)
    for room in ("config", "digests", "bot"):
        for file in sorted((ROOT / room).rglob("*.py")):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not module.startswith(UNPREPARED):
                import_module(module)


def _accept(listener: socket.socket) -> socket.socket:
    """Fork for each process that connects, until standard input ends. Returns the connection in the fork."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            os._exit(0)
        _prepare()
        requests, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return requests
        requests.close()


@cache
def _prepare() -> None:
    """Import and make what all forks share."""
    import_everything()
    copy_new_stores()
    build_file_template()
    gc.freeze()


def _serve(requests: socket.socket) -> Json:
    """Fork for each request, until nobody can ask any more. Returns the request in the forked process."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        size, files, _, _ = socket.recv_fds(requests, 4, 4)
        if not size:
            os._exit(0)
        body, length = b"", int.from_bytes(size, "big")
        # Reading on would take the next request, and lose its files.
        while len(body) < length and (part := requests.recv(length - len(body))):
            body += part
        if len(body) < length:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            return _fork_watched(json.loads(body), files)
        for file in files:
            os.close(file)


def _fork_watched(request: Json, files: Sequence[int]) -> Json:
    """Fork, and return in the forked process; this one tells its number and its end.

    The forked process is killed when nobody can read of its end any more: it ends with its test's process.
    """
    *standard, statuses = files
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if (child := os.fork()) == 0:
        os.close(statuses)
        for number, file in enumerate(standard):
            os.dup2(file, number)
            os.close(file)
        return request
    for file in standard:
        os.close(file)
    os.write(statuses, f"{child}\n".encode())
    threading.Thread(target=_kill_unread, args=[child, statuses], daemon=True).start()
    _, status = os.waitpid(child, 0)
    with suppress(BrokenPipeError):
        os.write(statuses, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _kill_unread(child: int, statuses: int) -> None:
    """Kill a process when the reading end of the pipe to its statuses is closed."""
    poll = select.poll()
    poll.register(statuses, 0)
    poll.poll()
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def _run_to_end(request: Json) -> None:
    """Run the command and end the process, with what Python does at its end.

    The modules are not taken apart: they are those of the process that forks, and it would take longer than
    most commands.
    """
    status = 0
    try:
        _become_command(request)
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        status = end.code or 0
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()  # What was never closed or awaited says so.
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):  # Nobody reads any more: Python has a status for it.
        sys.exit(status)
    os._exit(status & 0xFF)


def _become_command(request: Json) -> None:
    """Run the module with the environment, folder and files of the request."""
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    sys.argv[1:] = request["arguments"]
    sys.stdin, sys.stdout, sys.stderr = (
        _open_standard(0, "rb", "strict"), _open_standard(1, "wb", "strict"),
        _open_standard(2, "wb", "backslashreplace"),
    )  # fmt: skip
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


def _open_standard(number: int, mode: str, errors: str) -> io.TextIOWrapper:
    file: Any = os.fdopen(number, mode, closefd=False)
    return io.TextIOWrapper(file, encoding="utf-8", errors=errors, line_buffering=number == 2)


if __name__ == "__main__":
    given = socket.socket(fileno=int(sys.argv[1]))
    if sys.argv[2:] == ["--shared"]:
        given = _accept(given)
    _prepare()
    _run_to_end(_serve(given))
