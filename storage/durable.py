"""Writing that survives a power cut: files and the directories that name them are flushed to the medium."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_READ_BYTES = 1024 * 1024

try:
    from fcntl import F_FULLFSYNC, fcntl  # type: ignore[attr-defined,unused-ignore]  # macOS alone has it

    def flush_to_medium(fd: int) -> None:
        """Flush a file descriptor's data to the medium; macOS's fsync stops at the drive's cache."""
        fcntl(fd, F_FULLFSYNC)

except ImportError:

    def flush_to_medium(fd: int) -> None:
        """Flush a file descriptor's data to the medium."""
        os.fsync(fd)


def flush_directory(directory: Path) -> None:
    """Make created, renamed and removed names of a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directories(directory: Path) -> None:
    """Create a directory and its parents where they are missing, durably."""
    missing = []
    while not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        flush_directory(path.parent)


def file_chunks(path: Path, offset: int = 0) -> Iterator[bytes]:
    """The bytes of a file from `offset` on, in pieces."""
    with path.open("rb") as file:
        file.seek(offset)
        while chunk := file.read(_READ_BYTES):
            yield chunk


def write_durably(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file; after a crash `path` names either what it named before or all of the chunks."""
    with whole_file(path) as file:
        for chunk in chunks:
            file.write(chunk)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which gets its name, durably, when the block ends; when it raises nothing is left of it."""
    beside = path.with_name(path.name + ".part")
    done = False
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            flush_to_medium(file.fileno())
        beside.replace(path)
        done = True
    finally:
        if not done:
            beside.unlink(missing_ok=True)
    flush_directory(path.parent)
