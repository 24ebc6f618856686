"""Records out of a file, an address or standard input: JSON or JSON Lines, plain or gzipped, never all in memory."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from digests.errors import InputError, SourceError

LONGEST_RECORD = 32 * 1024 * 1024
"""Characters of one record: ten times the largest seen. It bounds memory."""

CHUNK = 256 * 1024
"""Bytes read at a time."""

TIME_OUT = 60.0
"""Seconds without an answer before an address is given up."""

STANDARD_INPUT = "-"

Progress = Callable[[int, int | None], None]
"""Is told the bytes read so far, and the size of all where it is known."""


def opened(
    place: str, *, standard_input: BinaryIO | None, progress: Progress
) -> AbstractContextManager[Iterator[str]]:
    """The text at a path, an http(s) address or "-", in pieces. Raises InputError or SourceError."""
    if place == STANDARD_INPUT and standard_input is not None:
        return _from_stream(standard_input, "standard input", None, progress)
    if re.match(r"https?://", place, re.IGNORECASE):
        return _from_address(place, progress)
    return _from_file(Path(place), progress)


@contextmanager
def _from_file(path: Path, progress: Progress) -> Iterator[Iterator[str]]:
    try:
        stream = path.open("rb")
        size = path.stat().st_size or None
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: name a file in it.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {_reason(error)}.") from None
    with stream, _from_stream(stream, str(path), size, progress) as pieces:
        yield pieces


@contextmanager
def _from_address(address: str, progress: Progress) -> Iterator[Iterator[str]]:
    import httpx  # A fifth of a second to load, and files need it not.

    headers = {"User-Agent": "paperround (+import)", "Accept": "application/json, application/x-ndjson, */*"}
    try:
        client = httpx.Client(timeout=TIME_OUT, follow_redirects=True, headers=headers)
        with client, client.stream("GET", address) as answer:
            if answer.status_code != httpx.codes.OK:
                said = f"{answer.status_code} {answer.reason_phrase}".strip()
                raise SourceError(f"{address} answered {said}: check the address, or try again later.")
            size = int(answer.headers.get("Content-Length") or 0) or None
            yield _decoded(answer.iter_raw(CHUNK), address, size, progress)
    except httpx.TimeoutException:
        raise SourceError(
            f"{address} did not answer within {TIME_OUT:.0f} seconds: try again later."
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError(
            f"{address} could not be read ({_reason(error)}): check the address and the network."
        ) from None


@contextmanager
def _from_stream(
    stream: BinaryIO, name: str, size: int | None, progress: Progress
) -> Iterator[Iterator[str]]:
    yield _decoded(iter(lambda: stream.read(CHUNK), b""), name, size, progress)


def _decoded(raw: Iterator[bytes], name: str, size: int | None, progress: Progress) -> Iterator[str]:
    """Text of it, unpacked when it is gzipped, whatever it is called."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for chunk in _unpacked(_counted(raw, size, progress), name):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise InputError(
            f"{name} is not text in UTF-8: it must be JSON or JSON Lines, plain or gzipped."
        ) from None
    except (zlib.error, EOFError, gzip.BadGzipFile):
        raise InputError(
            f"{name} is a gzip file that is damaged or cut off; what came before was kept. "
            "Get the whole file and import it again."
        ) from None
    except OSError as error:
        raise InputError(f"{name} cannot be read to its end: {_reason(error)}.") from None


def _counted(raw: Iterator[bytes], size: int | None, progress: Progress) -> Iterator[bytes]:
    done = 0
    for chunk in raw:
        done += len(chunk)
        progress(done, size)
        yield chunk


GZIP_MAGIC = b"\x1f\x8b"


MOST_UNPACKED = 200
"""How many times its size a file may unpack to, beyond the first chunks; records pack ten times smaller at best."""


def _unpacked(raw: Iterator[bytes], name: str) -> Iterator[bytes]:
    first = next(raw, b"")
    if not first.startswith(GZIP_MAGIC):
        yield first
        yield from raw
        return
    packed = _Joined(first, raw)
    given = 0
    with gzip.GzipFile(fileobj=io.BufferedReader(packed, CHUNK)) as unpacked:
        while chunk := unpacked.read(CHUNK):
            given += len(chunk)
            if given > MOST_UNPACKED * max(packed.received, CHUNK):
                raise InputError(
                    f"{name} unpacks to more than {MOST_UNPACKED} times its size: that is no file of papers; "
                    "what came before was kept."
                )
            yield chunk


class _Joined(io.RawIOBase):
    """An iterator of bytes as a file."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._left = first
        self._rest = rest
        self.received = len(first)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            chunk = next(self._rest, None)
            if chunk is None:
                return 0
            self._left = chunk
            self.received += len(chunk)
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def _reason(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words or type(error).__name__


def records(pieces: Iterator[str], name: str) -> Iterator[tuple[int, str]]:
    """The text of each record with the line it begins on, from 1. Raises InputError when there can be no more."""
    text = _Text(pieces, name)
    match text.next_sign():
        case "":
            raise InputError(f"{name} is empty: it must hold scored papers as JSON or JSON Lines.")
        case "[":
            return text.members()
        case "{":
            return text.lines()
        case _:
            raise InputError(
                f"{name} is not JSON: it must be an array of scored papers, or one scored paper a line."
            )


_SPACE = re.compile(r"[ \t\r\n]*")
_TO_VALUE_END = re.compile(r'[^,\]\n"]*(?:"[^"\n]*"?)?')
_BRACKET_OR_STRING = re.compile(r'[{}\[\]]|"[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)


class _Text:
    """What has been read and not yet been used: never more than one record and one piece."""

    def __init__(self, pieces: Iterator[str], name: str) -> None:
        self._pieces = pieces
        self._name = name
        self._text = ""
        self._at = 0
        self._line = 1

    def next_sign(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            if found and found.end() > self._at:
                self._take(found.end() - self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line that is not blank; an object that begins with a lone brace may go over several."""
        while self.next_sign():
            line = self._line
            record = self._take(self._line_length())
            yield line, record if record.strip() != "{" else record + self._rest_of_object(line)

    def members(self) -> Iterator[tuple[int, str]]:
        """Each member of an array."""
        self._take(1)
        while (sign := self.next_sign()) != "]":
            line = self._line
            yield (
                line,
                (self._take(1) + self._rest_of_object(line) if sign == "{" else self._other_member(sign)),
            )
            if self.next_sign() == ",":
                self._take(1)
            elif self.next_sign() != "]":
                self._cut_off(self._line)
        self._take(1)
        if self.next_sign():
            raise InputError(
                f"{self._name}, line {self._line}: something follows the end of the array; what came before was kept. "
                "Put it into the array, or into a file of its own."
            )

    def _rest_of_object(self, line: int) -> str:
        """Up to the bracket that closes an open object; brackets in strings do not count."""
        depth, offset = 1, 0
        while True:
            for found in _BRACKET_OR_STRING.finditer(self._text, self._at + offset):
                if found[0][0] == '"' and not found[1]:
                    break
                offset = found.end() - self._at
                depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
                if depth == 0:
                    return self._take(offset)
            if not self._more():
                self._cut_off(line)

    def _other_member(self, sign: str) -> str:
        """A member that is no object: to be reported, up to the next comma."""
        found = _TO_VALUE_END.match(self._text, self._at)
        if not sign or not found or found.end() == self._at:
            self._cut_off(self._line)
        return self._take(found.end() - self._at)

    def _cut_off(self, line: int) -> NoReturn:
        raise InputError(
            f"{self._name}, line {line}: the JSON ends or breaks in the middle of a record; what came before was "
            "kept. Get the whole file and import it again."
        )

    def _line_length(self) -> int:
        offset = 0
        while (end := self._text.find("\n", self._at + offset)) < 0:
            offset = len(self._text) - self._at
            if not self._more():
                return offset
        return end + 1 - self._at

    def _take(self, length: int) -> str:
        taken = self._text[self._at : self._at + length]
        self._at += length
        self._line += taken.count("\n")
        return taken

    def _more(self) -> bool:
        piece = next((piece for piece in self._pieces if piece), None)
        if piece is None:
            return False
        self._text = self._text[self._at :] + piece
        self._at = 0
        if len(self._text) > LONGEST_RECORD:
            raise InputError(
                f"{self._name}, line {self._line}: a record is longer than {LONGEST_RECORD // 1024**2} million "
                "characters; what came before was kept. Take it out and import the file again."
            )
        return True
