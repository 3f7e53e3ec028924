"""Whether a disk did not take something for lack of room, which passes, or for another reason, which does not."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from storage.appendfile import NO_ROOM

# SQLite says SQLITE_FULL for ENOSPC only. For EDQUOT, EFBIG and shared memory that cannot grow it says that writing,
# flushing, cutting or enlarging failed, as it does for a broken disk.
_MAYBE_NO_ROOM = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
    }
)
_POSTGRES_DISK_FULL = "53100"
_PROBE_BYTES = 64 * 1024


def is_for_lack_of_room(problem: BaseException, place: Path) -> bool:
    """Whether a storage problem means: no room on the disk of `place`, in the user's share of it, or in one file."""
    return any(_says_so(one, place) for one in _causes(problem))


def _says_so(problem: BaseException, place: Path) -> bool:
    if isinstance(problem, sqlite3.Error):
        # Not every error has a code: one that was made by hand, or by the module itself, has none.
        code = getattr(problem, "sqlite_errorcode", None)
        return code == sqlite3.SQLITE_FULL or (code in _MAYBE_NO_ROOM and _takes_nothing(place))
    if isinstance(problem, OSError):
        return problem.errno in NO_ROOM
    return getattr(problem, "sqlstate", None) == _POSTGRES_DISK_FULL


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """The problem, what it was raised from, and what it names as its cause."""
    seen: list[BaseException] = []
    waiting: list[object] = [problem]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            yield one
            waiting += [one.__cause__, getattr(one, "orig", None), getattr(one, "problem", None)]


def _takes_nothing(place: Path) -> bool:
    """Whether a small file cannot be written there now, or this process may not write large ones."""
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
        return True
    probe = place / f"probe-{uuid4().hex}"
    try:
        fd = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, bytes(_PROBE_BYTES))
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        return error.errno in NO_ROOM
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return False
