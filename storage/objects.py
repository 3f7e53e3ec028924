"""Stores of objects that are written once: the contract, and the store that is a directory."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from storage.digests import file_sha256, sha256_hex
from storage.durable import file_chunks, flush_directory, flush_to_medium, make_directories
from storage.errors import BadObjectKey, DigestMismatch, ObjectExists, ObjectMissing

# No part is hidden, so that a directory store has room for what is no object; S3 takes 1024 bytes a key.
_KEY = re.compile(r"(?!\.)[^/\\\x00-\x1f\x7f]{1,255}(?:/(?!\.)[^/\\\x00-\x1f\x7f]{1,255})*")
_KEY_LIMIT_BYTES = 1024
INCOMING = ".incoming"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store says about an object; checksums are None where it was not asked or does not know.

    `sha256` is bare hex. `composite_sha256` is S3's checksum of a multi-part object, as in digests.py.
    """

    key: str
    size_bytes: int
    sha256: str | None = None
    composite_sha256: str | None = None


class ObjectStore(ABC):
    """Objects by key, written once and never changed. Every store keeps these promises:

    - A put that returns is durable, and its object was verified by SHA-256 on its way. - A put is all or
    nothing: nobody ever sees part of an object under its key. - A put of bytes that are there already under
    that key succeeds; so a put may be repeated after a doubt. - A put of other bytes raises ObjectExists and
    changes nothing, also when two put at once. - Reading what is not there raises ObjectMissing. A key no
    object may have raises BadObjectKey everywhere. - Trouble with disk or network raises OSError or a
    StorageError; then the put may or may not have happened.
    """

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the store is, for messages."""

    @abstractmethod
    def put_bytes(self, key: str, data: bytes) -> None:
        """Store `data` under `key`."""

    @abstractmethod
    def put_file(self, key: str, path: Path, sha256: str, *, move: bool = False) -> None:
        """Store the file at `path`. Raises DigestMismatch when it has another SHA-256 (hex).

        With `move` the file is gone from `path` once it is stored. A move that was cut short can be repeated:
        a missing file whose object is stored already, with that SHA-256, is a success.
        """

    @abstractmethod
    def get(self, key: str) -> bytes:
        """All bytes of an object; for large ones use `chunks`."""

    @abstractmethod
    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on; fewer, or none, where the object ends before."""

    @abstractmethod
    def chunks(self, key: str) -> Iterator[bytes]:
        """All bytes of an object in pieces."""

    @abstractmethod
    def head(self, key: str) -> ObjectInfo:
        """Size and checksum of an object as the store vouches for them now."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key begins with `prefix`, in byte order of the keys, without checksums."""


def check_key(key: str) -> str:
    """The key, when an object may have it. Raises BadObjectKey otherwise: keys come from manifests, too."""
    if not _KEY.fullmatch(key) or len(key.encode("utf-8", "surrogatepass")) > _KEY_LIMIT_BYTES:
        raise BadObjectKey(key)
    return key


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
