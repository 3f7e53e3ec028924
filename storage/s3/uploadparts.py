"""Bytes to be uploaded, in parts, each with its SHA-256."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storage.digests import composite_sha256
from storage.errors import DigestMismatch
from storage.objects import ObjectInfo

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `number` counts from 1, as S3 does."""

    number: int
    offset: int
    size_bytes: int
    digest: bytes

    @property
    def checksum(self) -> str:
        """SHA-256 in base64, as S3 writes it."""
        return base64.b64encode(self.digest).decode("ascii")


@dataclass(frozen=True, slots=True)
class PartedData:
    """Bytes in memory or the bytes of a file, as they were when they were read; at least one part."""

    source: Path | bytes
    size_bytes: int
    sha256: str
    parts: tuple[Part, ...]

    @classmethod
    def read(cls, source: Path | bytes, part_bytes: int) -> PartedData:
        """The parts of these bytes, read once."""
        whole, offset = hashlib.sha256(), 0
        parts: list[Part] = []
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        while offset < size or not parts:
            digest = hashlib.sha256()
            length = min(part_bytes, size - offset)
            for piece in _pieces(source, offset, length):
                whole.update(piece)
                digest.update(piece)
            parts.append(Part(len(parts) + 1, offset, length, digest.digest()))
            offset += length
        return cls(source, size, whole.hexdigest(), tuple(parts))

    @property
    def composite(self) -> str:
        """ChecksumSHA256 as S3 states it when the bytes came in these parts."""
        return composite_sha256(part.digest for part in self.parts)

    @contextmanager
    def body(self, part: Part) -> Iterator[bytes | FileSlice]:
        """The part's bytes, in a form that boto3 takes as a body."""
        if isinstance(self.source, bytes):
            yield self.source[part.offset : part.offset + part.size_bytes]
            return
        with FileSlice(self.source, part.offset, part.size_bytes) as body:
            yield body

    def check(self, part: Part) -> None:
        """Raise DigestMismatch when the part's bytes are no longer what was read first."""
        digest = self._digest(part, "sha256")
        if digest != part.digest:
            raise DigestMismatch(str(self.source), part.digest.hex(), digest.hex())

    def md5(self, part: Part) -> str:
        """MD5 of the part in hex: what many servers give as its ETag."""
        return self._digest(part, "md5").hex()

    def agrees_with(self, info: ObjectInfo) -> bool | None:
        """Whether these bytes are what a store says it has; None when it does not say enough to tell."""
        if info.size_bytes != self.size_bytes:
            return False
        if info.sha256 is not None:
            return info.sha256 == self.sha256
        if info.composite_sha256 == self.composite:
            return True
        # Another composite checksum may be of the same bytes in parts of another size.
        return None

    def _digest(self, part: Part, name: str) -> bytes:
        digest = hashlib.new(name, usedforsecurity=False)
        for piece in _pieces(self.source, part.offset, part.size_bytes):
            digest.update(piece)
        return digest.digest()


class FileSlice(io.RawIOBase):
    """A part of a file as a file of its own, so that a part is sent without being held in memory."""

    def __init__(self, path: Path, offset: int, size_bytes: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._start, self._size, self._at = offset, size_bytes, 0
        self._file.seek(offset)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where the next reading begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Read on from there."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        self._file.seek(self._start + self._at)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer as far as the slice goes."""
        view = memoryview(buffer).cast("B")
        count = self._file.readinto(view[: max(0, self._size - self._at)])
        self._at += count
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _pieces(source: Path | bytes, offset: int, size: int) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source[offset : offset + size]
        return
    with source.open("rb") as file:
        file.seek(offset)
        while size and (piece := file.read(min(size, _READ_BYTES))):
            size -= len(piece)
            yield piece
