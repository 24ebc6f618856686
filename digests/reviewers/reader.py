"""Reading of untrusted documents and texts in a process of its own, with limits of time and memory.

The process holds neither the event loop nor the interpreter of its caller, and has none of its secrets.
`python -m digests.reviewers.reader SECONDS MEMORY OUTPUT` reads a call from standard input and writes its
result to standard output, within a number of seconds and bytes of memory and of output.
"""

import asyncio
import errno
import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from subprocess import DEVNULL, Popen
from tempfile import TemporaryFile
from typing import IO, Any, ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter

from digests.blocking import BlockingRunner

P = ParamSpec("P")
R = TypeVar("R")

TIMEOUT_SECONDS = 120.0
"""Seconds until the process is killed. A PDF of a hundred pages takes about five when nothing else runs."""

MAX_MEMORY_BYTES = 2 * 1024**3
"""Bytes of address space that the process may use."""

MAX_OUTPUT_BYTES = 32 * 1024**2
"""Bytes that the process may write: a full text with its flags has less than three million."""

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

NO_FAULT_STATUS = 3
"""Exit status of the process if a package cannot be imported, or the disk is full: no fault of the text."""


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
        # Files need no reader. A task that is cancelled while asyncio connects pipes can wait for ever.
        try:
            with TemporaryFile() as call_file, TemporaryFile() as output_file:
                call_file.write(call)
                call_file.seek(0)
                status = await self._wait_for_process(self._start_process(call_file, output_file))
                output_file.seek(0)
                output = output_file.read(MAX_OUTPUT_BYTES + 1)
        except OSError as error:  # The machine has no process, memory, disk or file descriptor left.
            raise ReaderStartError(f"its process could not start: {error.strerror}") from None
        if len(output) > MAX_OUTPUT_BYTES:
            raise ReaderError("its result is too long")
        if not output.startswith(BEGUN) or status == NO_FAULT_STATUS:
            raise ReaderStartError("its process could not begin; are the installation and the disk in order?")
        if status:
            raise ReaderError("it took too much memory or time, or crashed")
        return output.removeprefix(BEGUN)

    def _start_process(self, call_file: IO[bytes], output_file: IO[bytes]) -> Popen[bytes]:
        return Popen(  # noqa: S603 - its arguments are ours.
            [
                sys.executable, "-m", "digests.reviewers.reader",
                str(self.timeout_seconds), str(self.max_memory_bytes), str(MAX_OUTPUT_BYTES + 1),
            ],
            stdin=call_file, stdout=output_file, stderr=DEVNULL,
            env={name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ},
        )  # fmt: skip

    async def _wait_for_process(self, process: Popen[bytes]) -> int:
        """Wait for the end of a process, and return its status. The process never outlives the call.

        Raises ReaderError if it takes too long.
        """
        try:
            ended = asyncio.get_running_loop().run_in_executor(None, process.wait)
            await asyncio.wait([ended], timeout=self.timeout_seconds)
            if not ended.done():
                raise ReaderError(f"it took over {self.timeout_seconds:g} seconds")
            return ended.result()
        finally:
            if process.returncode is None:
                process.kill()
                await asyncio.wait([ended])


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


def _limit_process(seconds: float, memory_bytes: int, output_bytes: int) -> None:
    """Limit this process, also for the case that its parent is killed and cannot end it."""
    import resource

    os.nice(10)
    cpu_seconds = int(seconds) + 1
    limits = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, output_bytes),
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
    """Make one call within the limits of `arguments`: seconds, bytes of memory, and bytes of output."""
    _ignore_stop_requests()
    _limit_process(float(arguments[0]), int(arguments[1]), int(arguments[2]))
    output, sys.stdout = sys.stdout.buffer, sys.stderr  # No library may write into the result.
    function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301
    try:
        output.write(BEGUN)
        output.flush()
        result = _adapter_of(function).dump_python(function(*args, **kwargs), mode="json")
        output.write(json.dumps(result).encode())
        output.flush()
    except ImportError:
        os._exit(NO_FAULT_STATUS)
    except OSError as error:
        # `sys.exit` would write once more, and fail with another status.
        os._exit(NO_FAULT_STATUS if error.errno == errno.ENOSPC else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
