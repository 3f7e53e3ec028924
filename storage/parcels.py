"""Parcels: what has to reach a store together and in order, from files on this disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.digests import file_digests
from storage.errors import DigestMismatch, ObjectMissing
from storage.manifest import Manifest, own_objects
from storage.names import manifest_of_parcel
from storage.objects import ObjectInfo, ObjectStore
from storage.sealed import SealedSegment


@dataclass(frozen=True, slots=True)
class ParcelFile:
    """One object on its way: the file that holds it, and what a store must say about it."""

    key: str
    path: Path
    size_bytes: int
    sha256: str
    composite_sha256: str | None = None

    def agrees_with(self, info: ObjectInfo) -> bool | None:
        """Whether a store's size and checksum are this file's; None when the store names no checksum."""
        if info.size_bytes != self.size_bytes:
            return False
        if info.sha256 is not None:
            return info.sha256 == self.sha256
        if info.composite_sha256 is not None:
            return info.composite_sha256 == self.composite_sha256
        return None


@dataclass(frozen=True, slots=True)
class Parcel:
    """Files that go to a store together: the last one, a segment's manifest, when all others are there."""

    name: str
    source_id: str
    files: tuple[ParcelFile, ...]

    @property
    def size_bytes(self) -> int:
        """All bytes of the parcel."""
        return sum(file.size_bytes for file in self.files)

    def put(self, store: ObjectStore, *, move: bool = False) -> None:
        """Store what is not stored yet, each object after the one before; with `move` all but the last are gone then.

        Raises what the store's `put_file` raises; what was stored until then stays, and the same call goes on.
        """
        *first, last = self.files
        for file in first:
            store.put_file(file.key, file.path, file.sha256, move=move)
        store.put_file(last.key, last.path, last.sha256)

    def confirm(self, store: ObjectStore) -> None:
        """Return when the store itself vouches for every object's size and checksum.

        Raises ObjectMissing or DigestMismatch when it does not: then nothing of the parcel may be forgotten.
        """
        for file in self.files:
            info = store.head(file.key)
            agrees = file.agrees_with(info)
            if agrees is None:
                agrees = _read_sha256(store, file.key) == file.sha256
            if not agrees:
                found = info.sha256 or info.composite_sha256 or f"{info.size_bytes} bytes"
                raise DigestMismatch(f"{file.key} in {store.place}", file.sha256, found)


def segment_parcel(source_id: str, sealed: SealedSegment) -> Parcel:
    """A sealed segment with its manifest, which lies beside it."""
    files = [ParcelFile(part.key, part.path, part.bytes, part.sha256, part.composite_sha256) for part in sealed.parts]
    return Parcel(sealed.stem, source_id, (*files, file_of(sealed.manifest_key, sealed.manifest_path)))


def file_of(key: str, path: Path) -> ParcelFile:
    """A file under the key it will have."""
    digests = file_digests(path)
    return ParcelFile(key, path, digests.size_bytes, digests.sha256, digests.composite_sha256)


@contextmanager
def fetched_parcel(name: str, source_id: str, store: ObjectStore, beside: Path) -> Iterator[Parcel]:
    """A parcel that one store has already, fetched into a directory below `beside` for as long as the block runs.

    Raises ObjectMissing or DigestMismatch when that store no longer has it as its manifest says.
    """
    beside.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=beside, prefix="fetched-") as directory:
        manifest_key = _manifest_key(name)
        keys = [name]
        if manifest_key is not None:
            manifest = Manifest.from_bytes(store.get(manifest_key), manifest_key)
            own = own_objects(manifest.objects, manifest.stem)
            keys = [*(one.key for one in own), manifest_key]
        files = [_fetched(store, key, Path(directory) / str(number)) for number, key in enumerate(keys)]
        if manifest_key is not None:
            for file, listed in zip(files, own, strict=False):
                if file.sha256 != listed.sha256:
                    raise DigestMismatch(f"{file.key} in {store.place}", listed.sha256, file.sha256)
        yield Parcel(name, source_id, tuple(files))


def last_key(name: str) -> str:
    """The key of the parcel's last object: a store that has it has the whole parcel."""
    return _manifest_key(name) or name


def _manifest_key(name: str) -> str | None:
    """The manifest that lists a segment's parcel; None for a parcel of one object, which is named by its key."""
    return None if "/" in name else manifest_of_parcel(name).key


def _fetched(store: ObjectStore, key: str, path: Path) -> ParcelFile:
    with path.open("wb") as file:
        file.writelines(store.chunks(key))
    return file_of(key, path)


def _read_sha256(store: ObjectStore, key: str) -> str | None:
    digest = hashlib.sha256()
    try:
        for chunk in store.chunks(key):
            digest.update(chunk)
    except ObjectMissing:
        return None
    return digest.hexdigest()
