"""Stores of objects that are written once: the contract that every store keeps."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from storage.errors import BadObjectKey

# No part is hidden, so that a directory store has room for what is no object; S3 takes 1024 bytes a key.
_KEY = re.compile(r"(?!\.)[^/\\\x00-\x1f\x7f]{1,255}(?:/(?!\.)[^/\\\x00-\x1f\x7f]{1,255})*")
_KEY_LIMIT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store says about an object; checksums are None where it was not asked or does not know.

    `sha256` is bare hex. `composite_sha256` is S3's checksum of a multi-part object, as in digests.py.
    """

    key: str
    size_bytes: int
    sha256: str | None = None
    composite_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """What keeps a store from deleting a version of an object: GOVERNANCE, COMPLIANCE or LEGAL HOLD, until a time."""

    key: str
    mode: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoreFault:
    """A promise that a store breaks: `kind` is its word, `message` what happened and what it puts at risk."""

    kind: str
    message: str


class Readable(Protocol):
    """Anything that gives ranges of objects: a store, or all the places where an archive's bytes are."""

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on; fewer, or none, where the object ends before."""
        ...


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

    @property
    def way(self) -> str:
        """What, besides the place, decides whether the store keeps its promises: a server, a lock; never a secret."""
        return ""

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

    @abstractmethod
    def restore(self, key: str, path: Path, sha256: str) -> None:
        """Put verified bytes where an object is missing, hidden or damaged: for repair, and the one way to change one.

        An object that has these bytes is left alone. Damaged bytes are not destroyed where the store can keep
        them. Raises DigestMismatch when the file at `path` has another SHA-256.
        """

    @abstractmethod
    def replace(self, key: str, path: Path, sha256: str, *, bypass_governance: bool = False) -> None:
        """Put verified bytes in the place of an object and destroy every version of what was there: for erasure alone.

        May be repeated until it has returned once. Raises DigestMismatch when the file at `path` has another SHA-256,
        StoreRefuses where a lock or a missing right keeps what was there.
        """

    def locks(self, key: str) -> Sequence[ObjectLock]:  # noqa: ARG002 - stores that can do it want it
        """What keeps `replace` from destroying what is there now, versions that are hidden included."""
        return ()

    @abstractmethod
    def sweep(self, before: datetime) -> int:
        """Forget puts of ours that never ended and began before then; how many there were. No object is touched."""

    def deletions(self, prefix: str = "") -> Iterator[str]:  # noqa: ARG002 - stores that can do it want it
        """Keys of objects that somebody deleted and the store still has, in byte order: S3's delete markers."""
        return iter(())

    def probe(self, key: str) -> Sequence[StoreFault]:  # noqa: ARG002 - stores that can do it want it
        """Which promises the store itself breaks, tried out on the object `key`, which exists and stays as it is."""
        return ()

    def clock_ahead_seconds(self) -> float | None:
        """How far the store's clock is ahead of this machine's; None for a store without a clock of its own."""
        return None


def check_key(key: str) -> str:
    """The key, when an object may have it. Raises BadObjectKey otherwise: keys come from manifests, too."""
    if not _KEY.fullmatch(key) or len(key.encode("utf-8", "surrogatepass")) > _KEY_LIMIT_BYTES:
        raise BadObjectKey(key)
    return key
