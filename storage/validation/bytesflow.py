"""Bytes of any length read from front to back with a look ahead: those of a file, and what its gzip members hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from storage.gzipmembers import BROKEN, Decompressor, crc32, new_decompressor

_PIECE_BYTES = 256 * 1024
# What a piece holds beyond a member's end is copied for each member, so pieces of compressed bytes are small.
_PACKED_BYTES = 16 * 1024
_NAME_LIMIT_BYTES = 64 * 1024
_BARE_DEFLATE = -15
GZIP_MAGIC = b"\x1f\x8b\x08"


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class Flow(ABC):
    """Bytes with a place to look ahead; `offset` is how many were taken."""

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        self.offset = 0

    @abstractmethod
    def _more(self) -> bytes:
        """The next bytes; none at the end."""

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, without taking them; fewer only where the flow ends."""
        while len(self._held) - self._at < size:
            more = self._more()
            if not more:
                break
            self._held = self._held[self._at :] + more
            self._at = 0
        return self._held[self._at : self._at + size]

    def take(self, most: int) -> bytes:
        """The next bytes, at least one and at most `most`; none at the end."""
        if self._at >= len(self._held):
            self._held, self._at = self._more(), 0
        piece = self._held[self._at : self._at + most]
        self._at += len(piece)
        self.offset += len(piece)
        return piece

    def skip(self, size: int) -> None:
        """Take bytes that were looked at."""
        self._at += size
        self.offset += size

    def untake(self, size: int) -> None:
        """Give back the last bytes of the piece that was taken last."""
        self._at -= size
        self.offset -= size


class FileFlow(Flow):
    """The bytes of a file."""

    def __init__(self, file: Readable) -> None:
        super().__init__()
        self._file = file

    def _more(self) -> bytes:
        return self._file.read(_PIECE_BYTES)


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a gzip member: the rule it breaks, and how."""

    rule: str
    message: str


class GzipFlow(Flow):
    """What the gzip members of a file hold: it ends where a member ends.

    `member_offset` is where the member begins in the file. `damage` is set when the member is not whole or its
    checksum is wrong; then nothing more comes from it.
    """

    def __init__(self, packed: Flow) -> None:
        super().__init__()
        self._packed = packed
        self._inflater: Decompressor | None = None
        self._tail = b""
        self._full = False
        self._crc = self._size = self._taken = 0
        self.member_offset = packed.offset
        self.damage: Damage | None = None

    def open_member(self) -> None:
        """Open the member at the present place of the packed bytes, whatever became of the last one."""
        self._held, self._at = b"", 0
        self.damage = None
        self.join_member()

    def join_member(self) -> None:
        """Open it, and keep what is left of the last one before it."""
        self._tail, self._full = b"", False
        self._crc = self._size = self._taken = 0
        self.member_offset = self._packed.offset
        self._inflater = new_decompressor(_BARE_DEFLATE)
        self.damage = _skip_gzip_header(self._packed)
        if self.damage:
            self._inflater = None

    def _more(self) -> bytes:
        while self._inflater is not None:
            data = self._tail
            if not data and not self._full:
                data = self._packed.take(_PACKED_BYTES)
                self._taken = len(data)
                if not data:
                    return self._broken("truncated", "the file ends inside a gzip member")
            try:
                unpacked = self._inflater.decompress(data, _PIECE_BYTES)
            except BROKEN as error:
                # the next member may begin in what was taken
                self._packed.untake(self._taken)
                return self._broken("gzip-data", f"the member's deflate data is broken: {error}")
            self._full = len(unpacked) == _PIECE_BYTES
            self._tail = self._inflater.unconsumed_tail
            self._crc = crc32(unpacked, self._crc)
            self._size += len(unpacked)
            if self._inflater.eof:
                self._packed.untake(len(self._inflater.unused_data))
                self._inflater = None
                self._check_trailer()
            if unpacked:
                return unpacked
        return b""

    def _broken(self, rule: str, message: str) -> bytes:
        self._inflater = None
        self.damage = Damage(rule, message)
        return b""

    def _check_trailer(self) -> None:
        trailer = self._packed.peek(8)
        if len(trailer) < 8:
            self._packed.skip(len(trailer))
            self._broken("truncated", "the file ends inside a gzip member")
            return
        self._packed.skip(8)
        crc, size = int.from_bytes(trailer[:4], "little"), int.from_bytes(trailer[4:], "little")
        if crc != self._crc:
            self._broken("gzip-crc", f"the member's CRC-32 is {self._crc:08x} and not {crc:08x} as it says")
        elif size != self._size & 0xFFFFFFFF:
            self._broken("gzip-length", f"the member unpacks to {self._size} bytes and not {size} as it says")


def _skip_gzip_header(packed: Flow) -> Damage | None:
    """Go behind the header of a gzip member (RFC 1952, 2.3); what is wrong with it, or None."""
    cut = Damage("truncated", "the file ends inside the header of a gzip member")
    fixed = packed.peek(10)
    if len(fixed) < 10:
        packed.skip(len(fixed))
        return cut
    flags = fixed[3]
    if flags & 0xE0:
        packed.skip(3)
        return Damage("gzip-header", f"reserved flags are set in the member's header: {flags:#04x}")
    size = 10
    if flags & 4:
        extra = packed.peek(size + 2)[size:]
        size += 2 + int.from_bytes(extra, "little")
    for flag in (8, 16):
        if flags & flag:
            end = packed.peek(size + _NAME_LIMIT_BYTES).find(b"\0", size)
            if end < 0:
                packed.skip(3)
                return Damage("gzip-header", "a name or comment in the member's header has no end")
            size = end + 1
    crc_size = 2 if flags & 2 else 0
    header = packed.peek(size + crc_size)
    if len(header) < size + crc_size:
        packed.skip(len(header))
        return cut
    packed.skip(size + crc_size)
    if crc_size and int.from_bytes(header[size:], "little") != crc32(header[:size], 0) & 0xFFFF:
        return Damage("gzip-header", "the checksum of the member's header is wrong")
    return None
