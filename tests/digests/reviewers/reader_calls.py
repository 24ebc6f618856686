"""Functions that tests run in a reader, whose process imports this module: nothing here is slow to import."""

import errno
import os
from pathlib import Path


def read_for_ever(gate: str) -> str:
    """Hold the interpreter until a file exists."""
    while not Path(gate).exists():
        sum(range(10_000))
    return "the gate is open"


def take_memory(size: int) -> int:
    return len(bytearray(size))


def die(status: int) -> None:
    os._exit(status)


def stop_myself(number: int) -> str:
    """Get a signal, as from a terminal or systemd that stops the bot with all its processes."""
    os.kill(os.getpid(), number)
    return "the text"


def import_module(name: str) -> None:
    __import__(name)


def write_and_exit(count: int) -> str:
    """Write in place of the result, as a process does that a document took over."""
    os.write(1, b"[" * count)
    os._exit(0)


def share_result_and_read_for_ever(folder: str) -> str:
    """Hold the interpreter in two processes, which both have the file of the result."""
    if os.fork() == 0:
        Path(folder, "shared").touch()
    return read_for_ever(f"{folder}/gate")


def fill_disk(text: str) -> str:
    raise OSError(errno.ENOSPC, f"no room for {text}")


def read_environment() -> dict[str, str]:
    return dict(os.environ)


def print_and_return(text: str) -> str:
    print("a library's words")
    return text
