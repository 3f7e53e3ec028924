"""The objects of a sealed segment, read as what they hold: captures of the WARC, lines of events and records."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from storage.capture import Capture
from storage.cdxj import parse_index_line
from storage.errors import NewsarkError, NotReadableWarc
from storage.fixity.findings import Finding
from storage.manifest import ManifestObject
from storage.warcscan import capture_of, scan_records

WINDOW_BYTES = 4 * 1024 * 1024
_GZIP_WINDOW = 31


class Readable(Protocol):
    """What is asked of a store here; the holdings of an archive can be read so, too."""

    def get(self, key: str) -> bytes:
        """All bytes of an object."""

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """A part of them."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """All of them, in pieces."""


Tell = Callable[[Finding], None]


class _StoredBytes(io.RawIOBase):
    """An object as a file that is read in ranges, so that no store has to send more than is wanted."""

    def __init__(self, store: Readable, key: str) -> None:
        self._store, self._key = store, key
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        # BufferedReader asks for nothing else
        assert whence in (io.SEEK_SET, io.SEEK_CUR)
        self._place = offset if whence == io.SEEK_SET else self._place + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io asks for any buffer, and gives this one
        data = self._store.get_range(self._key, self._place, len(buffer))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def stored_captures(
    store: Readable, part: ManifestObject, index: ManifestObject | None, tell: Tell
) -> Iterator[Capture]:
    """The captures of a stored WARC in their order. Where it is damaged, reading goes on at the next indexed record."""
    offset: int | None = 0
    while offset is not None:
        file = io.BufferedReader(_StoredBytes(store, part.key), WINDOW_BYTES)
        try:
            for record in scan_records(file, part.key, offset):
                offset = record.offset + record.length
                if (capture := capture_of(record, part.key)) is not None:
                    yield capture
            return
        except (NotReadableWarc, KeyError, ValueError) as problem:
            damaged = max(offset, getattr(problem, "offset", offset))
            tell(Finding(part.key, "bad-record", str(problem), offset=damaged))
            offset = _next_indexed(store, index, damaged)
        except (NewsarkError, OSError) as problem:
            tell(Finding(part.key, "unreadable-object", str(problem)))
            return


def _next_indexed(store: Readable, index: ManifestObject | None, after: int) -> int | None:
    """Where the first record behind a damaged place stands, as far as the index knows."""
    if index is None:
        return None
    try:
        lines = zlib.decompress(store.get(index.key), _GZIP_WINDOW).splitlines()
        return min((place for line in lines if (place := parse_index_line(line).offset) > after), default=None)
    except (NewsarkError, OSError, ValueError, zlib.error):
        return None


def unpacked(store: Readable, part: ManifestObject, path: Path, tell: Tell) -> bool:
    """Whether the object is whole; `path` holds its whole lines, unpacked, as far as they can be read."""
    problem: str | None = None
    digest = hashlib.sha256()
    with path.open("wb") as file:
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            for chunk in store.chunks(part.key):
                digest.update(chunk)
                file.write(unpacker.decompress(chunk))
            if not unpacker.eof:
                problem = "it is cut short"
        except (zlib.error, NewsarkError, OSError) as error:
            problem = str(error)
    if problem is None and part.sha256 and digest.hexdigest() != part.sha256:
        problem = f"its SHA-256 is {digest.hexdigest()}, the manifest lists {part.sha256}"
    if problem is not None:
        _cut_to_lines(path)
        tell(Finding(part.key, "unreadable-object", f"{problem}; what stands before the damage is used"))
    return problem is None


def _cut_to_lines(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: data.rfind(b"\n") + 1])


def lines_of(path: Path | None) -> Iterator[bytes]:
    """The lines of an unpacked object; none when there is no such object."""
    if path is not None:
        with path.open("rb") as file:
            yield from file
