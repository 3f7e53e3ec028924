"""What a crawl left in its archive: bytes by part, and how well its WARC files are packed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

PARTS = ("warc", "records", "index", "events", "manifests")
LEVEL = 6


def stored_bytes(archive: Path) -> dict[str, int]:
    """Bytes of each part of the archive in a directory, and of the catalogue beside it."""
    sizes = {part: sum(path.stat().st_size for path in _files(archive / part)) for part in PARTS}
    sizes["catalogue"] = sum(path.stat().st_size for path in archive.glob("*/catalogue.*"))
    return sizes


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())


def packed_against_zlib(archive: Path) -> float:
    """The size of the WARC files over that of the same records, each packed by zlib at level 6."""
    kept = again = 0
    for path in _files(archive / "warc"):
        data = path.read_bytes()
        kept += len(data)
        for record in _members(data):
            packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
            again += len(packer.compress(record)) + len(packer.flush())
    return kept / again if again else 0.0


def _members(data: bytes) -> Iterator[bytes]:
    while data:
        member = zlib.decompressobj(31)
        yield member.decompress(data)
        data = member.unused_data
