"""One object of one store against what its manifest lists: by the store's own checksums, or by every byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from storage.errors import ObjectMissing, StorageError
from storage.fixity.findings import Finding
from storage.manifest import ManifestObject
from storage.objects import ObjectInfo, ObjectStore

OnBytes = Callable[[int], None]


class VerificationStopped(Exception):
    """Somebody asked for the end; raised by what is told of every chunk."""


def vouched(store: ObjectStore, listed: ManifestObject, on_bytes: OnBytes) -> Iterator[Finding]:
    """What is wrong with an object by the checksum that the store itself gives; it is read where the store has none."""
    try:
        info = store.head(listed.key)
        agrees = _agrees(info, listed)
        if agrees is None:
            info = digest_of(store, listed.key, on_bytes)
            agrees = info.sha256 == listed.sha256
        else:
            on_bytes(info.size_bytes)
    except ObjectMissing:
        yield Finding(listed.key, "missing", "it was listed and is gone now", store.place)
    except (StorageError, OSError) as problem:
        yield unreadable(listed.key, store.place, problem)
    else:
        if not agrees:
            yield difference(store.place, listed, info)


def digest_of(store: ObjectStore, key: str, on_bytes: OnBytes) -> ObjectInfo:
    """Size and SHA-256 of all bytes of an object, read in one pass. Raises what the store raises."""
    passing = Passing(store.chunks(key), on_bytes)
    passing.drain()
    return passing.info(key)


def unreadable(key: str, place: str, problem: Exception) -> Finding:
    """The finding for an object that the store does not give."""
    return Finding(key, "unreadable-object", " ".join(str(problem).split()), place)


def difference(place: str, listed: ManifestObject, info: ObjectInfo) -> Finding:
    """The finding for an object of another size or digest."""
    if info.size_bytes != listed.size_bytes:
        message = f"{info.size_bytes} bytes, and its manifest lists {listed.size_bytes}"
        return Finding(listed.key, "wrong-size", message, place)
    found = info.sha256 or info.composite_sha256
    return Finding(listed.key, "wrong-digest", f"its SHA-256 is {found}, not {listed.sha256}", place)


class Passing:
    """An object's bytes as they pass by, counted and digested."""

    def __init__(self, chunks: Iterator[bytes], on_bytes: OnBytes) -> None:
        self._chunks, self._on_bytes = chunks, on_bytes
        self._hash = hashlib.sha256()
        self._size = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self._hash.update(chunk)
        self._size += len(chunk)
        self._on_bytes(len(chunk))
        return chunk

    def drain(self) -> None:
        """Take what nobody took."""
        for _ in self:
            pass

    def info(self, key: str) -> ObjectInfo:
        """Size and digest of what passed."""
        return ObjectInfo(key, self._size, self._hash.hexdigest())


def _agrees(info: ObjectInfo, listed: ManifestObject) -> bool | None:
    """Whether the store's word is the manifest's; None when only the bytes can tell."""
    if info.size_bytes != listed.size_bytes:
        return False
    if info.sha256 is not None:
        return info.sha256 == listed.sha256
    # Another composite digest may only mean other parts: a copy made by other tools.
    is_same = info.composite_sha256 is not None and info.composite_sha256 == listed.composite_sha256
    return True if is_same else None
