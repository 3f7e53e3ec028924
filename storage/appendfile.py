"""A file that only grows by whole pieces: a write that fails leaves it as it was before."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from storage.durable import flush_to_medium
from storage.errors import SegmentWriteFailed

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when there is no room: on the disk, in the user's share of it, or in the one file."""

# What was written since the last flush is kept in memory too; a file that gets more than this is flushed by itself.
MOST_UNFLUSHED_BYTES = 64 * 1024 * 1024


class AppendFile:
    """An append-only file written through at once; `flush` makes it durable. Used from one thread.

    After a failed `append` the file holds exactly the bytes it held before, and the next `append` works.
    After a failed `flush` the kernel may have dropped the pages that it could not write, and call them clean: reading
    them back or flushing again proves nothing. For lack of room everything since the last flush is therefore written
    anew from memory before anything else is done. After any other failure nothing more is taken.

    A `derived` file can be made again from another one: it is never flushed, and nothing of it is kept in memory.
    """

    def __init__(self, path: Path, *, create: bool, derived: bool = False) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0)
        try:
            self._fd = os.open(path, flags, 0o644)
        except OSError as error:
            raise SegmentWriteFailed(str(path), error) from error
        self._size = os.fstat(self._fd).st_size
        # what an earlier process wrote may not be durable either, and is not in memory
        self._dirty = True
        self._can_write_anew = create
        self._derived = derived
        self._unflushed = bytearray()
        self._torn = False
        self._doubtful = False
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
        if self._doubtful:
            self.flush()
        if self._torn:
            self.cut(self._size)
        if self._unflushed and len(self._unflushed) + len(data) > MOST_UNFLUSHED_BYTES:
            self.flush()
        self._dirty = True
        try:
            self._write_all(data, self._size)
        except OSError as error:
            self._torn = True
            self._cut_back()
            raise SegmentWriteFailed(str(self.path), error) from error
        if not self._derived:
            self._unflushed += data
        self._size += len(data)
        return self._size - len(data)

    def cut(self, size_bytes: int) -> None:
        """Cut the file to its first `size_bytes`. Raises SegmentWriteFailed when that fails."""
        try:
            os.ftruncate(self._fd, size_bytes)
        except OSError as error:
            raise SegmentWriteFailed(str(self.path), error) from error
        del self._unflushed[max(0, size_bytes - self.flushed_bytes) :]
        self._torn = False
        self._size = size_bytes
        self._dirty = True

    @property
    def flushed_bytes(self) -> int:
        """How many bytes the file held when it was last flushed, or was opened, unless it was cut shorter since."""
        return self._size - len(self._unflushed)

    def flush(self) -> None:
        """Make everything appended so far durable.

        Raises SegmentWriteFailed; then nothing appended since the last flush is to be acknowledged.
        """
        self._refuse_if_broken()
        if not self._dirty:
            return
        try:
            if self._doubtful:
                self._write_all(self._unflushed, self.flushed_bytes)
            flush_to_medium(self._fd)
        except OSError as error:
            if error.errno in NO_ROOM and self._can_write_anew:
                self._doubtful = True
            else:
                self._broken = error
            raise SegmentWriteFailed(str(self.path), error) from error
        self._unflushed.clear()
        self._can_write_anew = not self._derived
        self._dirty = self._doubtful = False

    def close(self) -> None:
        """Close the file without flushing; closing again does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write_all(self, data: bytes | bytearray, place: int) -> None:
        with memoryview(data) as left:
            done = 0
            while done < len(left):
                done += os.pwrite(self._fd, left[done:], place + done)

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
