"""A file that knows what was written to it."""

from __future__ import annotations

import hashlib
import io
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Hashed(io.RawIOBase):
    """A file that counts and sums up what is written to it and passes it on; `to` stays open."""

    def __init__(self, to: IO[bytes]) -> None:
        super().__init__()
        self._to, self._digest = to, hashlib.sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Write, count and sum up."""
        self._to.write(data)
        self._digest.update(data)
        self.size_bytes += (size := memoryview(data).nbytes)
        return size

    @property
    def sha256(self) -> str:
        """The sum so far, in hex."""
        return self._digest.hexdigest()
