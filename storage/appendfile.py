"""A file that only grows by whole pieces: a write that fails leaves it as it was before."""

from __future__ import annotations

import os
from pathlib import Path

from storage.durable import flush_to_medium
from storage.errors import SegmentWriteFailed


class AppendFile:
    """An append-only file written through at once; `flush` makes it durable. Used from one thread.

    After a failed `append` the file holds exactly the bytes it held before, and the next `append` works.
    After a failed `flush` nothing more is taken: the kernel may have dropped the pages that it could not
    write.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0)
        try:
            self._fd = os.open(path, flags, 0o644)
        except OSError as error:
            raise SegmentWriteFailed(str(path), error) from error
        self._size = os.fstat(self._fd).st_size
        # what an earlier process wrote may not be durable either
        self._dirty = True
        self._torn = False
        self._broken: OSError | None = None

    @property
    def size_bytes(self) -> int:
        """How many bytes the file holds."""
        return self._size

    def append(self, data: bytes) -> int:
        """Write all of `data` and return the offset it starts at.

        Raises SegmentWriteFailed when the disk takes less; the file is cut back first.
        """
        self._refuse_if_broken()
        if self._torn:
            self.cut(self._size)
        self._dirty = True
        try:
            self._write_all(data)
        except OSError as error:
            self._torn = True
            self._cut_back()
            raise SegmentWriteFailed(str(self.path), error) from error
        self._size += len(data)
        return self._size - len(data)

    def cut(self, size_bytes: int) -> None:
        """Cut the file to its first `size_bytes`. Raises SegmentWriteFailed when that fails."""
        try:
            os.ftruncate(self._fd, size_bytes)
        except OSError as error:
            raise SegmentWriteFailed(str(self.path), error) from error
        self._torn = False
        self._size = size_bytes
        self._dirty = True

    def flush(self) -> None:
        """Make everything appended so far durable.

        Raises SegmentWriteFailed; then nothing appended since the last flush is to be acknowledged.
        """
        self._refuse_if_broken()
        if not self._dirty:
            return
        try:
            flush_to_medium(self._fd)
        except OSError as error:
            self._broken = error
            raise SegmentWriteFailed(str(self.path), error) from error
        self._dirty = False

    def close(self) -> None:
        """Close the file without flushing; closing again does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write_all(self, data: bytes) -> None:
        left = memoryview(data)
        place = self._size
        while left:
            written = os.pwrite(self._fd, left, place)
            left = left[written:]
            place += written

    def _cut_back(self) -> None:
        # Truncating needs no space; should it fail all the same, the next append tries it again first.
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            return
        self._torn = False

    def _refuse_if_broken(self) -> None:
        if self._broken is not None:
            raise SegmentWriteFailed(str(self.path), self._broken)
