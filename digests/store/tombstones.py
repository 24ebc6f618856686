"""Tombstones of forgotten people, channels and workspaces, in a file beside the store.

A tombstone has a keyed hash of the ids, and the instant. The key is in the same file, and the file is no part
of the store or its backups: a restored backup meets all tombstones, and a backup alone proves nothing. Lines
are only appended. A line is `key HEX`, which counts for the lines below it, or `KIND HASH INSTANT`.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from digests.errors import StoreError
from digests.ports.people import Subject, SubjectKind
from digests.private_files import open_private
from digests.store.engine import name_tombstones


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One erasure: everything of its subject that is not newer than `at` is gone."""

    kind: SubjectKind
    key: bytes
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TombstoneFile:
    """The tombstones of one store. Methods raise StoreError, also for a file that cannot be read."""

    path: Path

    def add(self, subject: Subject, at: datetime) -> "Addition":
        """Append a tombstone, and wait for the disk.

        Of concurrent calls, also of other processes, each appends a whole line.
        """
        import fcntl  # Missing on Windows, where the rest of the store works.

        with self._explain_errors(), open(self.path, "ab+", opener=open_private) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            content = _keep_whole_lines(file.read())
            file.truncate(len(content))
            keys = [line.key for line in self._parse_lines(content)]
            key = keys[-1] if keys else secrets.token_bytes(32)
            added = b"" if keys else b"key %s\n" % key.hex().encode()
            added += f"{subject.kind} {compute_digest(key, subject)} {at.isoformat()}\n".encode()
            file.write(added)
            file.flush()
            os.fsync(file.fileno())
        after = content + added
        return Addition(_identify(after), compute_fingerprint(content), compute_fingerprint(after))

    def read_all(self) -> "TombstoneContent":
        """Return everything in the file; nothing if there is none."""
        content = self._read_content()
        found = [
            Tombstone(line.kind, line.key, line.digest, line.at)
            for line in self._parse_lines(content)
            if line.kind and line.at
        ]
        return TombstoneContent(_identify(content), compute_fingerprint(content), found)

    def append_all(self, other: "TombstoneFile") -> None:
        """Append the tombstones of another store, with their keys."""
        import fcntl  # Missing on Windows, where the rest of the store works.

        if content := other._read_content():
            with self._explain_errors(), open(self.path, "ab+", opener=open_private) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                file.truncate(len(_keep_whole_lines(file.read())))
                file.write(content)
                file.flush()
                os.fsync(file.fileno())

    def _read_content(self) -> bytes:
        with self._explain_errors():
            try:
                return _keep_whole_lines(self.path.read_bytes())
            except FileNotFoundError:
                return b""

    def _parse_lines(self, content: bytes) -> Iterator["_Line"]:
        """Yield the lines; the keys are lines without a kind."""
        key = b""
        for number, line in enumerate(content.decode("ascii", "replace").split("\n")[:-1], 1):
            words = line.split()
            try:
                match words:
                    case ["key", hex_key]:
                        key = bytes.fromhex(hex_key)
                        yield _Line(key)
                    case [kind, digest, at] if key:
                        yield _Line(key, SubjectKind(kind), digest, datetime.fromisoformat(at))
                    case []:
                        pass
                    case _:
                        raise ValueError("not a tombstone")
            except ValueError as error:
                raise StoreError(
                    f"The tombstones in {self.path} cannot be read (line {number}: {error}): restore the "
                    "file, or take that line out; without it a restored backup brings forgotten people back."
                ) from error

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"The tombstones in {self.path} cannot be read or written ({error.strerror or error}): give "
                "this user the right to the file and its folder. Nothing was erased."
            ) from error


def _keep_whole_lines(content: bytes) -> bytes:
    """Return the content without a last line that a crash cut off: its erasure did not begin."""
    return content[: content.rfind(b"\n") + 1]


@dataclass(frozen=True, slots=True)
class Addition:
    """A tombstone that was appended: the file's id, and its fingerprints before and after."""

    file_id: str
    fingerprint_before: str
    fingerprint_after: str


@dataclass(frozen=True, slots=True)
class TombstoneContent:
    """The content of a file. `file_id` stays the same when lines are appended, the fingerprint does not."""

    file_id: str
    fingerprint: str
    tombstones: Sequence[Tombstone]


@dataclass(frozen=True, slots=True)
class _Line:
    key: bytes
    kind: SubjectKind | None = None
    digest: str = ""
    at: datetime | None = None


def locate_tombstones(store_file: Path | None, file: Path | None = None) -> TombstoneFile | None:
    """Return the tombstones in `file`, by default those beside the file of an SQLite store.

    None for a store without both.
    """
    if file is None and store_file is not None:
        file = name_tombstones(store_file)
    return TombstoneFile(file) if file else None


def compute_digest(key: bytes, subject: Subject) -> str:
    """Return the keyed hash of a subject's ids."""
    message = "\0".join((subject.kind, *subject.key)).encode("utf-8", "replace")
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def compute_fingerprint(content: bytes) -> str:
    """Return a short hash of a file's content, empty for an empty file."""
    return hashlib.sha256(content).hexdigest()[:32] if content else ""


def _identify(content: bytes) -> str:
    """Return a name of the file: a hash of its first line, the key."""
    return compute_fingerprint(content.partition(b"\n")[0])[:12]


def find_latest(tombstones: Iterable[Tombstone], kind: SubjectKind) -> Callable[[Subject], datetime | None]:
    """Return a function that finds the instant of a subject's newest tombstone, None without one."""
    newest: dict[bytes, dict[str, datetime]] = {}
    for tombstone in tombstones:
        if tombstone.kind is kind:
            of_key = newest.setdefault(tombstone.key, {})
            of_key[tombstone.digest] = max(of_key.get(tombstone.digest, tombstone.at), tombstone.at)

    def find_instant(subject: Subject) -> datetime | None:
        instants = [
            of_key[digest]
            for key, of_key in newest.items()
            if (digest := compute_digest(key, subject)) in of_key
        ]
        return max(instants, default=None)

    return find_instant
