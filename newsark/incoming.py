"""The files that an import is asked for: on this disk, in a directory, or in a bucket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import NotAFile

if TYPE_CHECKING:
    from reading.importing.importer import Incoming

BUCKETS = "s3://"
SUFFIXES = (".warc", ".warc.gz", ".arc", ".arc.gz", ".wacz")
READ_BYTES = 1024 * 1024


def incoming_files(names: Sequence[str]) -> list[tuple[Incoming, int]]:
    """Each file with its size, in the order they were named; a directory or a prefix stands for the WARC, ARC and WACZ
    files below it, by name.

    Raises NotAFile for what is not there and for a directory without such files, before anything is read.
    """
    return [one for name in names for one in (_in_bucket(name) if name.startswith(BUCKETS) else _on_disk(name))]


def _on_disk(name: str) -> Iterator[tuple[Incoming, int]]:
    path = Path(name)
    if not path.exists():
        raise NotAFile(name, "no such file")
    if not path.is_dir():
        yield _local(path)
        return
    found = sorted(one for one in path.rglob("*") if one.is_file() and one.name.lower().endswith(SUFFIXES))
    if not found:
        raise NotAFile(name, f"holds no file that ends with {', '.join(SUFFIXES)}")
    yield from map(_local, found)


def _local(path: Path) -> tuple[Incoming, int]:
    from reading.importing.importer import Incoming

    def chunks() -> Iterator[bytes]:
        try:
            file = path.open("rb")
        except PermissionError as problem:
            raise NotAFile(str(path), "may not be read; check its permissions") from problem
        with file:
            while chunk := file.read(READ_BYTES):
                yield chunk

    return Incoming(path.name, str(path), chunks), path.stat().st_size


def _in_bucket(name: str) -> Iterator[tuple[Incoming, int]]:
    from newsark.archiveplace import store_settings
    from newsark.home import Home
    from storage.stores import open_store

    place, _, key = name.rpartition("/")
    if "/" not in name.removeprefix(BUCKETS):
        raise NotAFile(name, "names no object; write s3://bucket/key, or s3://bucket/prefix/ for all below it")
    # endpoint and credentials are those of the settings here; the place is the object's own
    store = open_store(store_settings(Home.here(archive=place).settings)[0])
    found = [one for one in store.list(key) if (one.key == key if key else one.key.lower().endswith(SUFFIXES))]
    if not found:
        raise NotAFile(name, "no such object" if key else f"holds no object that ends with {', '.join(SUFFIXES)}")
    from reading.importing.importer import Incoming

    for info in found:
        chunks = partial(store.chunks, info.key)
        yield Incoming(info.key.rpartition("/")[2], f"{place}/{info.key}", chunks), info.size_bytes
