"""An object of a store as a file that can be read anywhere, a range at a time."""

from __future__ import annotations

import io
import os

from storage.errors import ObjectMissing
from storage.objects import ObjectStore

_RANGE_BYTES = 4 * 1024 * 1024


class ObjectFile(io.RawIOBase):
    """The bytes of an object; `open_object` puts a buffer around it, so that each range is worth its request."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        super().__init__()
        self._store = store
        self._key = key
        self.size_bytes = store.head(key).size_bytes
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """The present place."""
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # io asks for any buffer, and gives this one
        """Fill the buffer from the present place on; how much there was."""
        wanted = min(len(buffer), self.size_bytes - self._at)
        if wanted <= 0:
            return 0
        data = self._store.get_range(self._key, self._at, wanted)
        if not data:
            # it was there when its size was asked
            raise ObjectMissing(self._key, self._store.place)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def open_object(store: ObjectStore, key: str) -> io.BufferedReader:
    """The object as a buffered file. Raises ObjectMissing when there is none, and what the store raises."""
    return io.BufferedReader(ObjectFile(store, key), _RANGE_BYTES)
