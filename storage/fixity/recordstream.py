"""The records of a WARC file in one pass over its bytes, each verified, with little memory however large they are."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

from storage.errors import NotReadableWarc
from storage.warcfields import parse_field_lines

_zlib: ModuleType = zlib
try:
    from isal import isal_zlib

    # a third faster than zlib over a whole verification
    _zlib = isal_zlib
except ImportError:
    pass

# Small, because what a window holds beyond a member's end is unpacked again from a new start.
_WINDOW_BYTES = 16 * 1024
_PIECE_BYTES = 256 * 1024
_HEADER_LIMIT_BYTES = 1024 * 1024
_HEAD_LIMIT_BYTES = 16 * 1024 * 1024
_GZIP_WINDOW = 31
# the stub of isal declares `error` as an instance
_BROKEN = cast("tuple[type[Exception], ...]", (_zlib.error, zlib.error))
_HEAD_END = re.compile(rb"\n\r?\n")
_CHUNKED = re.compile(rb"^transfer-encoding:.*chunked", re.I | re.M)


@dataclass(frozen=True, slots=True)
class StreamedRecord:
    """One record. `fields` has the first value of each field, names in lower case; `http_head` is that of its block.

    `problems` says what is wrong with it, in words; it is whole otherwise.
    """

    offset: int
    length: int
    fields: dict[str, str]
    http_head: bytes
    problems: tuple[str, ...]

    @property
    def record_type(self) -> str:
        """The WARC-Type."""
        return self.fields.get("warc-type", "")


def stream_records(chunks: Iterator[bytes], filename: str) -> Iterator[StreamedRecord]:
    """Every record of a file that is one gzip member a record, its gzip trailer and digests verified.

    Raises NotReadableWarc at the first place where no whole record stands: nothing behind it can be found.
    """
    source, offset = _Windows(chunks), 0
    while source.more():
        member = _Member(source, filename, offset)
        record = _read_record(member, filename)
        yield record
        offset += record.length


def gzip_lines(chunks: Iterator[bytes], filename: str, limit_bytes: int = 256 * 1024 * 1024) -> Iterator[bytes]:
    """The lines of a gzip file without their line ends. Raises NotReadableWarc where it is no gzip or a line too long.

    The last line has a line end, too: a file without it was cut.
    """
    source, offset, rest = _Windows(chunks), 0, b""
    while source.more():
        member = _Member(source, filename, offset)
        for piece in member.pieces():
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > limit_bytes:
                raise NotReadableWarc(filename, offset, f"a line is longer than {limit_bytes} bytes")
        offset += member.length
    if rest or offset == 0:
        raise NotReadableWarc(filename, offset, "the last line is cut short" if rest else "the file is empty")


class _Windows:
    """Bytes as they come, in small windows; what was not used of the last one is given out again."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = b""
        self._at = 0

    def more(self) -> bool:
        while self._at >= len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._chunk, self._at = chunk, 0
        return True

    def take(self) -> bytes:
        window = self._chunk[self._at : self._at + _WINDOW_BYTES] if self.more() else b""
        self._at += len(window)
        return window

    def give_back(self, count: int) -> None:
        self._at -= count


class _Member:
    """One gzip member; `length` is right when all pieces were taken."""

    def __init__(self, source: _Windows, filename: str, offset: int) -> None:
        self._source, self._filename, self.offset = source, filename, offset
        self.length = 0

    def pieces(self) -> Iterator[bytes]:
        unpack = _zlib.decompressobj(_GZIP_WINDOW)
        while not unpack.eof:
            window = self._source.take()
            if not window:
                raise NotReadableWarc(self._filename, self.offset, "the gzip member is cut short")
            self.length += len(window)
            while window and not unpack.eof:
                try:
                    piece = unpack.decompress(window, _PIECE_BYTES)
                except _BROKEN as error:
                    raise NotReadableWarc(self._filename, self.offset, f"not a gzip member: {error}") from error
                window = unpack.unconsumed_tail
                if piece:
                    yield piece
        self._source.give_back(len(unpack.unused_data))
        self.length -= len(unpack.unused_data)


def _read_record(member: _Member, filename: str) -> StreamedRecord:
    pieces = member.pieces()
    header, rest = b"", b""
    for piece in pieces:
        header += piece
        end = header.find(b"\r\n\r\n")
        if end >= 0:
            header, rest = header[:end], header[end + 4 :]
            break
        if len(header) > _HEADER_LIMIT_BYTES:
            break
    if not header.startswith(b"WARC/1."):
        raise NotReadableWarc(filename, member.offset, "no WARC record starts there")
    fields: dict[str, str] = {}
    for name, value in parse_field_lines(header.partition(b"\r\n")[2]):
        fields.setdefault(name.lower(), value)
    length = fields.get("content-length", "")
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise NotReadableWarc(filename, member.offset, f"the block has no length: Content-Length {length!r}")
    block = _Block(fields, int(length))
    block.take(rest)
    for piece in pieces:
        block.take(piece)
    return StreamedRecord(member.offset, member.length, fields, bytes(block.head), tuple(block.problems()))


class _Block:
    """A record's block as it passes by: its HTTP head is kept, everything is digested."""

    def __init__(self, fields: dict[str, str], length: int) -> None:
        self._fields, self._length, self._seen = fields, length, 0
        self._is_http = fields.get("content-type", "").startswith("application/http")
        self._in_head = self._is_http
        self.head = bytearray()
        self._tail = b""
        self._block = _Digest(fields.get("warc-block-digest"))
        # A revisit names the digest of what it refers to.
        is_own = fields.get("warc-type") != "revisit"
        self._payload = _Digest(fields.get("warc-payload-digest") if is_own else None)

    def take(self, piece: bytes) -> None:
        room = max(0, self._length - self._seen)
        if len(piece) > room:
            # Four bytes belong there; of more, the count is all that is needed.
            self._tail = (self._tail + piece[room:])[:8]
            piece = piece[:room]
        self._seen += len(piece)
        self._block.update(piece)
        if self._in_head:
            piece = self._after_head(piece)
        self._payload.update(piece)

    def _after_head(self, piece: bytes) -> bytes:
        start = max(0, len(self.head) - 3)
        self.head += piece
        end = _HEAD_END.search(self.head, start)
        if end is not None:
            body = bytes(self.head[end.end() :])
            del self.head[end.end() :]
            self._in_head = False
            return body
        if len(self.head) > _HEAD_LIMIT_BYTES:
            self._in_head = False
        return b""

    def problems(self) -> Iterator[str]:
        if self._seen < self._length or self._tail != b"\r\n\r\n":
            yield f"the block is not of Content-Length {self._length}"
            return
        for name in ("warc-type", "warc-record-id", "warc-date"):
            if not self._fields.get(name):
                yield f"it has no {name}"
        if found := self._block.differs():
            yield f"the block digest is {found}, not {self._fields['warc-block-digest']}"
        # Other writers keep chunked bodies as they came and digest them in either way (warcio #74).
        if (found := self._payload.differs()) and not _CHUNKED.search(self.head):
            yield f"the payload digest is {found}, not {self._fields['warc-payload-digest']}"


class _Digest:
    """A labelled digest as a record names it; one of an unknown algorithm, or none, is not verified."""

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted or ""
        self._label, _, self._value = self._wanted.partition(":")
        algorithm = re.sub(r"[^a-z0-9]", "", self._label.lower())
        known = algorithm in ("sha1", "sha256", "sha512", "md5")
        self._hash: Any = hashlib.new(algorithm, usedforsecurity=False) if known else None

    def update(self, piece: bytes) -> None:
        if self._hash is not None:
            self._hash.update(piece)

    def differs(self) -> str:
        """The digest that was found when it is another one, else empty."""
        if self._hash is None:
            return ""
        is_hex = len(self._value) == self._hash.digest_size * 2
        found = self._hash.hexdigest() if is_hex else base64.b32encode(self._hash.digest()).decode().rstrip("=")
        return "" if found.lower() == self._value.lower() else f"{self._label}:{found}"
