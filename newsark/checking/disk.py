"""The disk of the working state: room, rights, and whether what is flushed is on it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from newsark.checking.finding import Finding
from newsark.console import human_bytes
from newsark.home import Home

LOW_DISK_BYTES = 5 * 1000**3
LOW_FILES = 10_000
SLOW_FLUSH_SECONDS = 0.1
FLUSHES = 5
MOUNTS = Path("/proc/self/mounts")
OVER_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "fuse.sshfs", "fuse.s3fs", "fuse.rclone")
IN_MEMORY = ("tmpfs", "ramfs")


def existing(path: Path) -> Path:
    """The directory, or the nearest one above it that exists."""
    return next(parent for parent in (path, *path.parents) if parent.is_dir())


def check_disk(home: Home) -> Iterator[Finding]:
    """The disk of the working state, which is on this machine wherever the archive is."""
    yield from findings_of(existing(home.place.state), home.settings.disk_reserve_bytes)


def findings_of(place: Path, reserve_bytes: int) -> Iterator[Finding]:
    """Whether a directory will do for a working state."""
    if not os.access(place, os.W_OK):
        yield Finding("disk", "fault", f"{place} cannot be written to; choose another place with --archive")
        return
    free = shutil.disk_usage(place).free
    told = f"{human_bytes(free)} free at {place}"
    if free < reserve_bytes:
        yield Finding("disk", "fault", f"{told}, less than disk_reserve_bytes: crawls pause; make room")
    else:
        yield Finding("disk", "ok" if free >= LOW_DISK_BYTES else "warning", told)
    files = os.statvfs(place)
    if files.f_files > 0 and files.f_favail < LOW_FILES:
        yield Finding("inodes", "warning", f"only {files.f_favail} more files fit at {place}; delete small files there")
    yield from _flushing(place)
    yield from _file_system(place)


def _flushing(place: Path) -> Iterator[Finding]:
    """How long a flush takes: each settlement of visits waits for two or three."""
    try:
        with tempfile.TemporaryFile(dir=place, prefix=".newsark-doctor-") as file:
            seconds = median(_flush(file.fileno()) for _ in range(FLUSHES))
    except OSError as problem:
        yield Finding("flushing", "fault", f"{place} takes no file: {problem.strerror or problem}")
        return
    told = f"{1000 * seconds:.2g} ms for each fsync at {place}"
    if seconds > SLOW_FLUSH_SECONDS:
        yield Finding("flushing", "warning", f"{told}: crawls wait for it; put `state` on a faster disk")
    else:
        yield Finding("flushing", "ok", told)


def _flush(descriptor: int) -> float:
    os.write(descriptor, bytes(4096))
    began = time.perf_counter()
    os.fsync(descriptor)
    return time.perf_counter() - began


def _file_system(place: Path) -> Iterator[Finding]:
    kind = file_system_of(place)
    if kind is None:
        return
    if kind.startswith(OVER_NETWORK):
        told = f"{place} is on {kind}: a catalogue in SQLite is not safe over a network; set `state` to a disk here"
        yield Finding("file system", "warning", told)
    elif kind in IN_MEMORY:
        told = f"{place} is {kind}, in memory: what no store has confirmed is lost at a restart; set `state` to a disk"
        yield Finding("file system", "warning", told)
    else:
        yield Finding("file system", "ok", kind)


def file_system_of(place: Path, mounts: Path = MOUNTS) -> str | None:
    """The kind of file system that a directory is on, as the kernel lists it; None where it lists none."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = {Path(parts[1].replace(r"\040", " ")): parts[2] for line in lines if len(parts := line.split(" ")) > 2}
    above = [path for path in (place.resolve(), *place.resolve().parents) if path in found]
    return found[above[0]] if above else None
