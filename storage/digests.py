"""SHA-256 as the archive writes it: `sha256:<lower hex>` on records, bare hex in fields named sha256."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PART_BYTES = 64 * 1024 * 1024
"""Part size of multi-part uploads: manifests state it, so that anyone can compute the composite checksum."""

_READ_BYTES = 1024 * 1024
_LABEL = "sha256:"


@dataclass(frozen=True, slots=True)
class FileDigests:
    """Size and SHA-256 of a file; `composite_sha256` is None for a file of at most one part."""

    size_bytes: int
    sha256: str
    composite_sha256: str | None


def sha256_hex(data: bytes) -> str:
    """SHA-256 of the bytes as lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_digest(*pieces: bytes) -> str:
    """Labelled SHA-256 of the pieces in a row: `sha256:<lower hex>` (WARC 1.1 annotations, #48 and #80)."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return _LABEL + digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file as lower-case hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_digests(path: Path, part_bytes: int = PART_BYTES) -> FileDigests:
    """Size, SHA-256 and composite SHA-256 of a file in one reading."""
    if path.stat().st_size <= part_bytes:
        return FileDigests(path.stat().st_size, file_sha256(path), None)
    whole, part = hashlib.sha256(), hashlib.sha256()
    part_digests: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        while piece := file.read(min(_READ_BYTES, part_bytes - size % part_bytes)):
            whole.update(piece)
            part.update(piece)
            size += len(piece)
            if size % part_bytes == 0:
                part_digests.append(part.digest())
                part = hashlib.sha256()
    if size % part_bytes:
        part_digests.append(part.digest())
    composite = composite_sha256(part_digests) if size > part_bytes else None
    return FileDigests(size, whole.hexdigest(), composite)


def composite_sha256(part_digests: Iterable[bytes]) -> str:
    """ChecksumSHA256 as S3 gives it for a multi-part object: `<base64>-<parts>`, a digest of digests."""
    digests = list(part_digests)
    whole = hashlib.sha256(b"".join(digests)).digest()
    return f"{base64.b64encode(whole).decode('ascii')}-{len(digests)}"
