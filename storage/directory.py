"""The store that is a directory: objects as read-only files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from storage.digests import file_sha256, sha256_hex
from storage.durable import file_chunks, flush_directory, flush_to_medium, make_directories
from storage.errors import DigestMismatch, ObjectExists, ObjectMissing
from storage.objects import ObjectInfo, ObjectStore, check_key

INCOMING = ".incoming"
DAMAGED = ".damaged"


class DirectoryStore(ObjectStore):
    """Objects as read-only files under a directory; names that begin with a dot are no objects.

    A file gets its name by a hard link, which never replaces another. Where the file system has no hard links
    it is renamed after a look: there, one writer at a time is the caller's part.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def place(self) -> str:
        """The directory."""
        return str(self.root)

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store `data` under `key`."""
        self._put(key, [data], sha256_hex(data))

    def put_file(self, key: str, path: Path, sha256: str, *, move: bool = False) -> None:
        """Store the file at `path`; with `move`, and on one file system, without copying it."""
        target = self._path(key)
        if move and not path.exists():
            self._refuse_other(key, sha256)
            return
        if not move or not self._link(key, path, target, sha256):
            self._put(key, file_chunks(path), sha256)
        if move:
            path.unlink()
            flush_directory(path.parent)

    def get(self, key: str) -> bytes:
        """All bytes of an object."""
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise ObjectMissing(key, self.place) from error

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on, or fewer at the end."""
        self._refuse_missing(key)
        with self._path(key).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def chunks(self, key: str) -> Iterator[bytes]:
        """All bytes of an object in pieces."""
        self._refuse_missing(key)
        return file_chunks(self._path(key))

    def head(self, key: str) -> ObjectInfo:
        """Size and SHA-256, computed from the bytes on the disk."""
        self._refuse_missing(key)
        path = self._path(key)
        return ObjectInfo(key, path.stat().st_size, file_sha256(path))

    def restore(self, key: str, path: Path, sha256: str) -> None:
        """Put verified bytes in the place of damaged ones, which are kept under `.damaged/`."""
        target = self._path(key)
        if target.is_file() and file_sha256(target) == sha256:
            return
        if (found := file_sha256(path)) != sha256:
            raise DigestMismatch(str(path), sha256, found)
        if target.exists():
            aside = self.root / DAMAGED / f"{key}.{uuid4().hex}"
            make_directories(aside.parent)
            target.rename(aside)
            flush_directory(target.parent)
        self._put(key, file_chunks(path), sha256)

    def replace(self, key: str, path: Path, sha256: str, *, bypass_governance: bool = False) -> None:  # noqa: ARG002 - a directory locks nothing
        """Put verified bytes over those that are there, and remove damaged ones that were kept."""
        target = self._path(key)
        if (found := file_sha256(path)) != sha256:
            raise DigestMismatch(str(path), sha256, found)
        if not target.is_file() or file_sha256(target) != sha256:
            make_directories(target.parent)
            make_directories(self.root / INCOMING)
            beside = self.root / INCOMING / uuid4().hex
            with beside.open("xb") as file:
                file.writelines(file_chunks(path))
                file.flush()
                flush_to_medium(file.fileno())
            beside.chmod(0o444)
            beside.replace(target)
            flush_directory(target.parent)
        damaged = self.root / DAMAGED / key
        for one in damaged.parent.glob(f"{damaged.name}.*"):
            one.unlink()
            flush_directory(damaged.parent)

    def sweep(self, before: datetime) -> int:
        """Remove what puts that never ended left under `.incoming/`."""
        left = self.root / INCOMING
        stale = [path for path in left.iterdir() if path.stat().st_mtime < before.timestamp()] if left.is_dir() else []
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key begins with `prefix`, in byte order."""
        folder = prefix.rpartition("/")[0]
        start = self._path(folder) if folder else self.root
        if start.is_dir():
            for path in _files_below(start):
                key = path.relative_to(self.root).as_posix()
                if key.startswith(prefix):
                    yield ObjectInfo(key, path.stat().st_size)

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    def _put(self, key: str, chunks: Iterable[bytes], sha256: str) -> None:
        target = self._path(key)
        if target.exists():
            self._refuse_other(key, sha256)
            return
        incoming = self.root / INCOMING
        make_directories(incoming)
        beside = incoming / uuid4().hex
        try:
            with beside.open("xb") as file:
                file.writelines(chunks)
            if not self._link(key, beside, target, sha256):
                self._rename(key, beside, target, sha256)
        finally:
            beside.unlink(missing_ok=True)

    def _link(self, key: str, path: Path, target: Path, sha256: str) -> bool:
        """Name the verified file `target`; False on another file system or on one without links."""
        found = file_sha256(path)
        if found != sha256:
            raise DigestMismatch(str(path), sha256, found)
        _flush_file(path)
        path.chmod(0o444)
        make_directories(target.parent)
        try:
            os.link(path, target)
        except FileExistsError:
            self._refuse_other(key, sha256)
        except OSError:
            return False
        flush_directory(target.parent)
        return True

    def _rename(self, key: str, path: Path, target: Path, sha256: str) -> None:
        if target.exists():
            self._refuse_other(key, sha256)
            return
        path.rename(target)
        flush_directory(target.parent)

    def _refuse_other(self, key: str, sha256: str) -> None:
        self._refuse_missing(key)
        if file_sha256(self._path(key)) != sha256:
            raise ObjectExists(key)

    def _refuse_missing(self, key: str) -> None:
        if not self._path(key).is_file():
            raise ObjectMissing(key, self.place)


def _flush_file(path: Path) -> None:
    with path.open("rb") as file, suppress(PermissionError):
        flush_to_medium(file.fileno())


def _files_below(folder: Path) -> Iterator[Path]:
    # A folder sorts as its name with a slash: "a-b" stands before "a/b", as S3 lists them.
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    named = sorted((os.fsencode(entry.name) + (b"/" if entry.is_dir() else b""), entry) for entry in entries)
    for name, entry in named:
        if name.endswith(b"/"):
            yield from _files_below(entry)
        else:
            yield entry
