"""Reading of untrusted documents and texts in a process of its own, with limits of time and memory.

The process holds neither the event loop nor the interpreter of its caller, and has none of its secrets.
`python -m digests.reviewers.reader SECONDS BYTES` reads a call from standard input and writes its result to
standard output.
"""

import asyncio
import json
import os
import pickle
import signal
import sys
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter

from digests.blocking import BlockingRunner

P = ParamSpec("P")
R = TypeVar("R")

TIMEOUT_SECONDS = 120.0
"""Seconds until the process is killed. A PDF of a hundred pages takes about five when nothing else runs."""

MAX_MEMORY_BYTES = 2 * 1024**3
"""Bytes of address space that the process may use."""

MAX_RESULT_BYTES = 32 * 1024**2
"""Bytes of a result: a full text with its flags has less than three million."""

MAX_INLINE_CHARACTERS = 20_000
"""Characters that are checked in less time than a process takes to start."""

PASSED_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
"""Variables of the environment that the process gets. Tokens and keys are not among them."""


class ReaderError(Exception):
    """The end of a reader before it had a result. `str` is the reason, such as "it took over 60 seconds"."""


class ReaderStartError(ReaderError):
    """A reader that ended before it began to read: the text is not to blame."""


BEGUN = b"begun\n"
"""First output of the process, once it has its limits and its call."""

MISSING_PACKAGE_STATUS = 3
"""Exit status of the process if a package cannot be imported."""


@dataclass(frozen=True, slots=True)
class ReaderProcess:
    """Calls functions in a process of their own, one at a time: a machine has memory for one."""

    timeout_seconds: float = TIMEOUT_SECONDS
    max_memory_bytes: int = MAX_MEMORY_BYTES
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result of a call in a new process, which has ended then.

        `function` is a module's own, and its annotated result is of types that JSON can hold. Raises
        ReaderError if the process takes too long or too much memory, or crashes, and ReaderStartError if it
        does not even begin.
        """
        call = pickle.dumps((function, args, kwargs))
        async with self._turn:
            output = await self._run_process(call)
        try:
            # A result is no pickle: a process that a document took over must not run code here.
            result: R = _adapter_of(function).validate_python(json.loads(output))
        except (ValueError, RecursionError):
            raise ReaderError("its result cannot be used") from None
        return result

    async def _run_process(self, call: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.subprocess_exec(
                partial(SubprocessStreamProtocol, limit=65_536, loop=loop),
                sys.executable,
                "-m",
                "digests.reviewers.reader",
                str(self.timeout_seconds),
                str(self.max_memory_bytes),
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ},
            )
        except OSError as error:  # The machine has no process, memory or file descriptor left.
            raise ReaderStartError(f"its process could not start: {error.strerror}") from None
        process = Process(transport, protocol, loop)
        has_begun, output = False, b""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await _send_call(process, call)
                has_begun, output = await _receive_result(process)
        except TimeoutError:
            raise ReaderError(f"it took over {self.timeout_seconds:g} seconds") from None
        finally:
            if process.returncode is None:
                process.kill()
            _close_pipes(transport)
            await process.wait()
        if not has_begun or process.returncode == MISSING_PACKAGE_STATUS:
            raise ReaderStartError("its process could not begin; is the installation complete?")
        if process.returncode:
            raise ReaderError("it took too much memory or time, or crashed")
        return output


def _close_pipes(transport: asyncio.SubprocessTransport) -> None:
    """Close the pipes to a process, with what they hold.

    asyncio sees the end of a process only after the ends of its pipes: that of an output that nobody reads
    does not come, nor that of a pipe which another process holds open.
    """
    for number in (0, 1):
        pipe = transport.get_pipe_transport(number)
        if isinstance(pipe, asyncio.WriteTransport) and not pipe.is_closing():
            pipe.abort()
        elif pipe:
            pipe.close()


async def _send_call(process: Process, call: bytes) -> None:
    assert process.stdin  # noqa: S101
    # A process that is gone says so by its output.
    with suppress(ConnectionError):
        process.stdin.write(call)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


async def _receive_result(process: Process) -> tuple[bool, bytes]:
    """Wait for the end of the process. Return True if it began the call, and what it wrote then.

    Raises ReaderError for more than `MAX_RESULT_BYTES`.
    """
    assert process.stdout  # noqa: S101
    output = bytearray()
    while chunk := await process.stdout.read(65_536):
        output += chunk
        if len(output) > MAX_RESULT_BYTES:
            raise ReaderError("its result is too long")
    await process.wait()
    return output.startswith(BEGUN), bytes(output.removeprefix(BEGUN))


async def run_unless_short(
    run_reader: BlockingRunner, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Return the result of a call: made here if its texts are short, else in the reader.

    `function` must cost no more than the length of its texts. Raises ReaderError.
    """
    texts = (text for text in (*args, *kwargs.values()) if isinstance(text, str))
    if sum(map(len, texts)) <= MAX_INLINE_CHARACTERS:
        return function(*args, **kwargs)
    return await run_reader(function, *args, **kwargs)


def _adapter_of(function: Callable[..., Any]) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(function)["return"])


def _limit_process(seconds: float, memory_bytes: int) -> None:
    """Limit this process, also for the case that its parent is killed and cannot end it."""
    import resource

    os.nice(10)
    cpu_seconds = int(seconds) + 1
    limits = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, limit in limits:
        _, hard = resource.getrlimit(kind)
        lowered = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        # Some systems refuse a limit of the address space; the deadline holds there too.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (lowered, lowered))


def _ignore_stop_requests() -> None:
    """Leave it to the parent to end this process.

    A terminal and systemd stop both at once. A text whose reader ended is not read again, so it would be
    blamed for a deploy.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main(arguments: Sequence[str]) -> None:
    """Make one call within the limits of `arguments`: seconds, and bytes of memory."""
    _ignore_stop_requests()
    _limit_process(float(arguments[0]), int(arguments[1]))
    output, sys.stdout = sys.stdout.buffer, sys.stderr  # No library may write into the result.
    function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301
    output.write(BEGUN)
    output.flush()
    try:
        result = _adapter_of(function).dump_python(function(*args, **kwargs), mode="json")
    except ImportError:
        sys.exit(MISSING_PACKAGE_STATUS)
    output.write(json.dumps(result).encode())
    output.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
