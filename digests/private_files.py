"""Files and folders that no other account of the machine can read: the store, its copies, the index.

The mode is given when a file is created, so that there is no instant at which it can be read. A folder that
exists already is left as it is.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_private(path: str, flags: int) -> int:
    """Open a file for `open(..., opener=open_private)`. A new one can be read by its owner only."""
    return os.open(path, flags, FILE_MODE)


def create_private_file(path: Path) -> None:
    """Create an empty file that only its owner can read, unless there is one. Raises OSError.

    A link to a file that does not exist yet is followed. Never opens a file that exists: closing it would
    drop the locks that SQLite holds on it in this process.
    """
    with suppress(FileExistsError):
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))


def create_private_folder(path: Path) -> None:
    """Create a folder and its missing parents for their owner only. Raises OSError.

    An existing folder keeps its mode.
    """
    if not path.parent.exists():
        create_private_folder(path.parent)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)


def restrict_to_owner(paths: Iterable[Path]) -> None:
    """Take all rights of other accounts from files. Missing files and those of another owner are skipped."""
    for path in paths:
        with suppress(OSError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & _OTHERS:
                path.chmod(mode & ~_OTHERS)


def find_exposed(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that other accounts may open, by their mode and that of their folder."""
    for path in paths:
        with suppress(OSError):
            is_exposed = path.stat().st_mode & _OTHERS and path.parent.stat().st_mode & _OTHERS
            if is_exposed and path.is_file():
                yield path
