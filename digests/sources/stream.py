"""Streaming of records (JSON, JSON Lines, CSV) from a file, an address or standard input, plain or gzipped.

Memory is bounded by one record and one piece of text. A file at an address is downloaded first.
"""

import asyncio
import codecs
import gzip
import io
import re
import tempfile
import zlib
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NoReturn, TypeVar

from digests.errors import InputError, SourceError
from digests.ports.sources import ProgressCallback
from digests.sources.http.addresses import describe_address
from digests.sources.table import Place, read_rows

if TYPE_CHECKING:
    from digests.sources.http.client import SourceClient

MAX_RECORD_CHARACTERS = 32 * 1024 * 1024
"""Characters of one record, ten times the largest seen. Bounds memory."""

CHUNK_BYTES = 256 * 1024
"""Bytes read at a time."""

MAX_DOWNLOAD_BYTES = 512 * 1024**2
"""Bytes of a file at an address: one of a hundred thousand papers with long reviews fits."""
DOWNLOAD_SECONDS = 600.0
"""Seconds within which a file at an address must have come in full."""

Connect = Callable[[str], AbstractAsyncContextManager["SourceClient"]]
"""Opens a client that may ask an address."""

STANDARD_INPUT = "-"
"""Location that stands for standard input."""


def open_text(
    location: str,
    *,
    standard_input: BinaryIO | None,
    progress: ProgressCallback,
    connect: Connect | None = None,
) -> AbstractContextManager[Iterator[str]]:
    """Open the text at a path, an http(s) address or "-", as an iterator of pieces, valid inside the block.

    "-" is a path if `standard_input` is None, and so is an address if `connect` is None. Decompresses gzip by
    content, whatever the name. `progress` gets the bytes read and the size, if it is known. An address must
    be opened where no event loop runs.

    Raises InputError for a file that cannot be read, is damaged or is not UTF-8, also while iterating, and
    SourceError for an address that cannot be read in full.
    """
    if location == STANDARD_INPUT and standard_input is not None:
        return _open_stream(standard_input, "standard input", None, progress)
    if connect and re.match(r"https?://", location, re.IGNORECASE):
        return _open_address(location, connect, progress)
    return _open_file(Path(location), describe_location(location), progress)


def describe_location(location: str) -> str:
    """Return the name of a path or address for people. An address is shown without what may be secret."""
    is_address = "://" in location or (":" in location and "@" in location)
    return describe_address(location) if is_address else location


@contextmanager
def _open_file(path: Path, name: str, progress: ProgressCallback) -> Iterator[Iterator[str]]:
    try:
        stream = path.open("rb")
        size = path.stat().st_size or None
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file.") from None
    except IsADirectoryError:
        raise InputError(f"{name} is a folder: name a file in it.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be read: {_describe_error(error)}.") from None
    with stream, _open_stream(stream, name, size, progress) as pieces:
        yield pieces


@contextmanager
def _open_address(address: str, connect: Connect, progress: ProgressCallback) -> Iterator[Iterator[str]]:
    with tempfile.TemporaryFile(prefix="paperround-") as file:
        asyncio.run(_download_file(address, connect, file))
        size = file.tell()
        file.seek(0)
        with _open_stream(file, describe_address(address), size, progress) as pieces:
            yield pieces


async def _download_file(address: str, connect: Connect, file: IO[bytes]) -> None:
    """Download what is at an address into a file. Raises SourceError."""
    import httpx  # Takes 0.2 s to load, and files do not need it.

    from digests.sources.http.client import RequestLimits

    limits = RequestLimits(MAX_DOWNLOAD_BYTES, DOWNLOAD_SECONDS, attempts=1)
    try:
        async with connect(address) as client:
            await client.get(address, describe_address(address), limits=limits, output_file=file)
    except httpx.InvalidURL:
        raise SourceError(f"{describe_address(address)} is no web address: correct it.") from None


@contextmanager
def _open_stream(
    stream: BinaryIO, name: str, size: int | None, progress: ProgressCallback
) -> Iterator[Iterator[str]]:
    yield _decode_text(iter(lambda: stream.read(CHUNK_BYTES), b""), name, size, progress)


def _decode_text(
    raw: Iterator[bytes], name: str, size: int | None, progress: ProgressCallback
) -> Iterator[str]:
    """Decode UTF-8 text, decompressed if it is gzipped. Raises InputError."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for chunk in _decompress_stream(_count_bytes(raw, size, progress), name):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise InputError(
            f"{name} is not text in UTF-8: it must be JSON, JSON Lines or CSV, plain or gzipped."
        ) from None
    except (zlib.error, EOFError, gzip.BadGzipFile):
        raise InputError(
            f"{name} is a gzip file that is damaged or cut off; what came before was kept. "
            "Get the whole file and import it again."
        ) from None
    except OSError as error:
        raise InputError(f"{name} cannot be read to its end: {_describe_error(error)}.") from None


def _count_bytes(raw: Iterator[bytes], size: int | None, progress: ProgressCallback) -> Iterator[bytes]:
    bytes_read = 0
    for chunk in raw:
        bytes_read += len(chunk)
        progress(bytes_read, size)
        yield chunk


GZIP_MAGIC = b"\x1f\x8b"
"""First bytes of a gzip file."""


MAX_UNPACK_RATIO = 200
"""Largest ratio of decompressed to compressed bytes. Records compress by a factor of ten at best."""


def _decompress_stream(raw: Iterator[bytes], name: str) -> Iterator[bytes]:
    first = next(raw, b"")
    if not first.startswith(GZIP_MAGIC):
        yield first
        yield from raw
        return
    packed = _IteratorFile(first, raw)
    bytes_unpacked = 0
    with gzip.GzipFile(fileobj=io.BufferedReader(packed, CHUNK_BYTES)) as unpacked:
        while chunk := unpacked.read(CHUNK_BYTES):
            bytes_unpacked += len(chunk)
            if bytes_unpacked > MAX_UNPACK_RATIO * max(packed.bytes_received, CHUNK_BYTES):
                raise InputError(
                    f"{name} unpacks to more than {MAX_UNPACK_RATIO} times its size: "
                    "this is not a file of papers; the records before were kept."
                )
            yield chunk


class _IteratorFile(io.RawIOBase):
    """File object over an iterator of bytes. `bytes_received` counts the bytes taken from the iterator."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._buffered = first
        self._chunks = rest
        self.bytes_received = len(first)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._buffered:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._buffered = chunk
            self.bytes_received += len(chunk)
        size = min(len(buffer), len(self._buffered))
        buffer[:size], self._buffered = self._buffered[:size], self._buffered[size:]
        return size


def _describe_error(error: Exception) -> str:
    message = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return message or type(error).__name__


def split_records(pieces: Iterator[str], name: str) -> Iterator[tuple[Place, str]]:
    """Split a text into records: members of a JSON array, lines of JSON Lines, or rows of a table.

    Yields the place of each record and its text; that of a row is a JSON object of its cells by the names of
    the header. A record that is not valid JSON is yielded too, if its end can be found. Raises InputError
    otherwise, after the records before it. Raises InputError at once for a text that is empty or in another
    format. `name` is the text's name in messages.
    """
    text = _RecordScanner(pieces, name)
    match text.peek_character():
        case "":
            raise InputError(f"{name} is empty: it must hold scored papers as JSON, JSON Lines or CSV.")
        case "[":
            return text.read_members()
        case "{":
            return text.read_lines()
        case _:
            return read_rows(text.read_rest(), name)


_SPACE = re.compile(r"[ \t\r\n]*")
_TO_VALUE_END = re.compile(r'[^,\]\n"]*(?:"[^"\n]*"?)?')
_BRACKET_OR_STRING = re.compile(r'[{}\[\]]|"[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)


class _RecordScanner:
    """Scanner over pieces of text. Its buffer holds at most one record and one piece."""

    def __init__(self, pieces: Iterator[str], name: str) -> None:
        self._pieces = pieces
        self._name = name
        self._text = ""
        self._offset = 0
        self._line = 1

    def peek_character(self) -> str:
        """Skip white space and return the next character without consuming it; empty at the end."""
        while True:
            if self._text[self._offset : self._offset + 1] == "{":  # Most records begin here.
                return "{"
            found = _SPACE.match(self._text, self._offset)
            if found and found.end() > self._offset:
                self._consume_text(found.end() - self._offset)
            if self._offset < len(self._text):
                return self._text[self._offset]
            if not self._read_more():
                return ""

    def read_rest(self) -> Iterator[str]:
        """Yield the rest of the text in pieces."""
        yield self._text[self._offset :]
        yield from self._pieces

    def read_lines(self) -> Iterator[tuple[Place, str]]:
        """Yield each non-blank line. An object that begins with a lone brace may span several lines.

        Raises InputError if such an object does not end.
        """
        while self.peek_character():
            line = self._line
            record = self._consume_line()
            is_whole = record.strip() != "{"
            record = record if is_whole else record + self._read_rest_of_object(line)
            yield Place("line", line), record

    def read_members(self) -> Iterator[tuple[Place, str]]:
        """Yield each member of an array. Raises InputError for a text after the array, or without its end."""
        self._consume_text(1)
        number = 0
        while (sign := self.peek_character()) != "]":
            line = self._line
            number += 1
            yield (
                Place("record", number),
                (
                    self._consume_text(1) + self._read_rest_of_object(line)
                    if sign == "{"
                    else self._read_other_member(sign)
                ),
            )
            if self.peek_character() == ",":
                self._consume_text(1)
            elif self.peek_character() != "]":
                self._raise_cut_off(self._line)
        self._consume_text(1)
        if self.peek_character():
            raise InputError(
                f"{self._name}, line {self._line}: something follows the end of the array; "
                "what came before was kept. Put it into the array, or into a file of its own."
            )

    def _read_rest_of_object(self, line: int) -> str:
        """Consume up to the bracket that closes an open object, ignoring brackets in strings.

        Raises InputError if the text ends before.
        """
        depth, offset = 1, 0
        while True:
            for found in _BRACKET_OR_STRING.finditer(self._text, self._offset + offset):
                if found[0][0] == '"' and not found[1]:
                    break
                offset = found.end() - self._offset
                depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
                if depth == 0:
                    return self._consume_text(offset)
            if not self._read_more():
                self._raise_cut_off(line)

    def _read_other_member(self, first_character: str) -> str:
        """Consume a member that is not an object, up to the next comma; the caller reports it as bad.

        Raises InputError if there is none.
        """
        found = _TO_VALUE_END.match(self._text, self._offset)
        if not first_character or not found or found.end() == self._offset:
            self._raise_cut_off(self._line)
        return self._consume_text(found.end() - self._offset)

    def _raise_cut_off(self, line: int) -> NoReturn:
        raise InputError(
            f"{self._name}, line {line}: the JSON ends or breaks in the middle of a record; "
            "what came before was kept. Get the whole file and import it again."
        )

    def _consume_line(self) -> str:
        offset = 0
        while (end := self._text.find("\n", self._offset + offset)) < 0:
            offset = len(self._text) - self._offset
            if not self._read_more():
                return self._consume_text(offset)
        line = self._text[self._offset : end + 1]
        self._offset, self._line = end + 1, self._line + 1
        return line

    def _consume_text(self, length: int) -> str:
        taken = self._text[self._offset : self._offset + length]
        self._offset += length
        self._line += taken.count("\n")
        return taken

    def _read_more(self) -> bool:
        piece = next((piece for piece in self._pieces if piece), None)
        if piece is None:
            return False
        self._text = self._text[self._offset :] + piece
        self._offset = 0
        if len(self._text) > MAX_RECORD_CHARACTERS:
            raise InputError(
                f"{self._name}, line {self._line}: a record is longer than "
                f"{MAX_RECORD_CHARACTERS // 1024**2} million characters; what came before was kept. "
                "Take it out and import the file again."
            )
        return True


_T = TypeVar("_T")


async def read_batches(items: Iterator[_T], size: int) -> AsyncGenerator[list[_T], None]:
    """Yield the items in lists of at most `size`, read in worker threads.

    The next batch is read while the caller uses the current one. An error of the iterator is raised after the
    items that were read before it. Closing the generator waits for the batch that is being read.
    """
    reading = asyncio.ensure_future(asyncio.to_thread(_read_batch, items, size))
    try:
        while True:
            batch, error = await reading
            is_last = error is not None or len(batch) < size
            if not is_last:
                reading = asyncio.ensure_future(asyncio.to_thread(_read_batch, items, size))
            if batch:
                yield batch
            if error:
                raise error
            if is_last:
                return
    finally:
        await asyncio.wait([reading])


def _read_batch(items: Iterator[_T], size: int) -> tuple[list[_T], Exception | None]:
    batch: list[_T] = []
    try:
        batch.extend(islice(items, size))
    except Exception as error:
        return batch, error
    return batch, None
